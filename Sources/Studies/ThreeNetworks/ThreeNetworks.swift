import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// The same GPUs on three networks, measured and projected.
///
/// Three hardware generations with equal compute and unequal networks, as no vendor builds them: what Comp-vs-Comm
/// (arXiv 2302.02825) asks by scaling, asked of measurements. Operators were calibrated once, collectives once for
/// each network, and no constant saw a whole layer.
public struct ThreeNetworks: Study {
  /// The name of its file.
  public static let name = "three-networks"

  /// One network with what was measured on it.
  struct Network: Sendable {
    let device: Device
    let calibration: DeviceCalibration
    /// Tensor-parallel layers; those of the first network, projected only, where none were measured.
    let tensor: [MeasuredLayer]
    let data: [MeasuredLayer]
    let hasTensor: Bool
    let hasData: Bool

    var model: NetworkModel<Double> { NetworkModel(device, calibration) }
    /// Its name in figures.
    let short: String
  }

  let networks: [Network]

  /// Takes its parameters and reads devices, calibrations and tables.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    let names = try parameters.words("networks")
    let labels = try parameters.words("labels")
    guard labels.count == names.count else {
      throw parameters.file.fault(
        at: "labels",
        .wrongKind(
          path: "parameters.labels", found: "a list of \(labels.count)",
          expected: "a list of \(names.count), one a network"))
    }
    var tensorTables = try parameters.tables("layer_tables", count: names.count)
    var dataTables = try parameters.tables("data_parallel_tables", count: names.count)
    for path in parameters.takeTables() {
      let kind = try TableKind.recognise(try Table(path: path))
      guard kind == .tensorParallelLayers || kind == .dataParallel,
        let index = names.firstIndex(of: TableComparison.device(forTable: path, in: library))
      else {
        throw Diagnostic(
          file: path, position: nil,
          fault: .contradiction(
            "a table of tensor- or data-parallel layers is expected, of a network that its name tells (slow_a, slow_b)"
          ))
      }
      if kind == .tensorParallelLayers { tensorTables[index] = path } else { dataTables[index] = path }
    }
    var networks: [Network] = []
    for (index, name) in names.enumerated() {
      let device = try Device(named: name, in: library)
      networks.append(
        Network(
          device: device, calibration: try DeviceCalibration(named: name, in: library),
          tensor: try Self.layers(tensorTables, index, ranks: "tp", on: name, library),
          data: try Self.layers(dataTables, index, ranks: "dp", on: name, library),
          hasTensor: tensorTables[index] != nil, hasData: dataTables[index] != nil,
          short: labels[index]))
    }
    self.networks = networks
  }

  /// The rows of a network's table, or of the first table there is, for their shapes.
  private static func layers(
    _ tables: [String?], _ index: Int, ranks: String, on device: String, _ library: Library
  ) throws(Diagnostic) -> [MeasuredLayer] {
    guard let path = tables[index] ?? tables.compactMap({ $0 }).first else { return [] }
    return try MeasuredLayer.read(path, ranks: ranks, on: device, in: library)
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [curves, layers, shares, slowdowns, dataParallel]
    findings.answers = answers
    findings.foundations = networks.map { "\($0.device.title): \($0.calibration.source)." }
    findings.foundations.append(
      "The operators' constants were fitted once, to single operators on one GPU; each network has its own measured "
        + "curves of collectives. No constant was fitted to a layer.")
    return findings
  }

  // MARK: - Numbers

  /// Mean absolute error of a column, in per cent; nil where nothing was measured.
  func error(_ network: Network, _ column: String) -> Double? {
    guard network.hasTensor else { return nil }
    return mean(network.tensor.compactMap { $0.values[column].map { 100 * abs($0.error) } })
  }

  /// Shares of communication in per cent, forward and backward, of the rows that were measured.
  var sharePairs: [(network: Network, layer: MeasuredLayer, measured: Double, projected: Double)] {
    networks.filter(\.hasTensor).flatMap { network in
      network.tensor.compactMap { layer in
        guard
          let measured = layer.share("fwdbwd_us", without: "fwdbwd_nocomm_us", projected: false),
          let projected = layer.share("fwdbwd_us", without: "fwdbwd_nocomm_us", projected: true)
        else { return nil }
        return (network, layer, 100 * measured, 100 * projected)
      }
    }
  }

  var shareError: Double? { mean(sharePairs.map { abs($0.measured - $0.projected) }) }

  private func range(_ numbers: [Double]) -> String {
    guard let low = numbers.min(), let high = numbers.max() else { return "-" }
    return "\(fixed(low, decimals: 0)) to \(fixed(high, decimals: 0)) %"
  }

  private func projectedShares(_ network: Network) -> [Double] {
    network.tensor.compactMap {
      $0.share("fwdbwd_us", without: "fwdbwd_nocomm_us", projected: true).map { 100 * $0 }
    }
  }

  private var summary: String {
    let errors = networks.compactMap { network in
      error(network, "fwdbwd_us").map { "\(fixed($0, decimals: 1)) % on \(network.short)" }
    }
    let shares = networks.map { "\(range(projectedShares($0))) on \($0.short)" }
    var words =
      "Layers split over GPUs, forward and backward, are projected with a mean absolute error of "
      + errors.joined(separator: " and ")
      + ". The same shapes spend \(shares.joined(separator: ", ")) of their time in exchanges (projected)"
    if let shareError {
      words +=
        "; where it was measured, the share is met to \(fixed(shareError, decimals: 1)) points on average"
    }
    return words + "."
  }

  private var answers: [String: Answer] {
    var answers: [String: Answer] = [:]
    func layer(_ id: String, _ index: Int) {
      guard networks.indices.contains(index) else { return }
      let network = networks[index]
      let constants = ["calibration \(network.calibration.name)"]
      if let error = error(network, "fwdbwd_us") {
        answers[id] = Answer(
          .number(error), constants: constants,
          "mean absolute error over \(network.tensor.count) measured rows, none of which a fit saw; repeated runs differ by 2 %"
        )
      } else {
        answers[id] = Answer(
          cannotBeChecked:
            "no measured layers of this network are here: they are kept back to judge the program",
          constants: constants)
      }
    }
    layer("layers-fast", 0)
    layer("layers-narrow", 1)
    layer("layers-host", 2)
    let overlapped = networks.first.map { network in
      network.hasData
        ? network.data.compactMap { $0.values["fwdbwd_overlap_us"].map { 100 * abs($0.error) } } : []
    }
    if let error = overlapped.flatMap(mean) {
      answers["data-parallel-fast"] = Answer(
        .number(error), constants: ["calibration \(networks[0].calibration.name)"],
        "mean absolute error over \(overlapped?.count ?? 0) measured rows")
    }
    if let shareError {
      answers["share-error"] = Answer(
        .number(shareError),
        constants: networks.filter(\.hasTensor).map { "calibration \($0.calibration.name)" },
        "mean absolute difference over \(sharePairs.count) measured rows; a GPU that never waits for the network runs into its power limit after some milliseconds, which both times follow"
      )
    }
    let covered = networks.filter(\.hasTensor).flatMap { network in
      network.tensor.flatMap { layer in
        ["fwd_us", "fwdbwd_us", "fwd_nocomm_us", "fwdbwd_nocomm_us"].compactMap {
          layer.values[$0].map { $0.isCovered ? 100.0 : 0 }
        }
      }
    }
    if let coverage = mean(covered) {
      answers["coverage"] = Answer(
        .number(coverage),
        constants: networks.filter(\.hasTensor).map { "calibration \($0.calibration.name)" },
        "\(covered.count) measured times, with exchanges and without")
    }
    return answers
  }

  // MARK: - Sections

  private var curves: Section {
    let sizes = (11...30).map { Double(1 << $0) }
    let series = networks.map { network in
      LineChart.Series(
        network.short,
        sizes.compactMap { bytes in
          let exchange = Collective<Double>(.allReduce, bytes: bytes, ranks: 4)
          guard let time = network.model.cost(exchange)?.cost.time, time > 0 else { return nil }
          let wire = CollectiveForms.wireFactor(exchange.kind, ranks: 4) * bytes
          return .init(bytes / 0x1p20, wire / time / 1e9)
        }, hasMarks: false)
    }
    let plateaus = networks.map { network -> [DataTable.Cell] in
      func bus(_ ranks: Int, _ bytes: Double) -> DataTable.Cell {
        let exchange = Collective<Double>(.allReduce, bytes: bytes, ranks: ranks)
        guard let time = network.model.cost(exchange)?.cost.time else { return .empty }
        return .number(CollectiveForms.wireFactor(exchange.kind, ranks: ranks) * bytes / time / 1e9)
      }
      func start(_ ranks: Int) -> DataTable.Cell {
        let exchange = Collective<Double>(.allReduce, bytes: 2048, ranks: ranks)
        return network.model.cost(exchange).map { .number($0.cost.time * 1e6) } ?? .empty
      }
      return [
        .text(network.short), bus(2, 0x1p30), bus(4, 0x1p30), bus(4, 0x1p24), start(2), start(4),
      ]
    }
    return Section(
      "Three networks, one GPU",
      prose: [
        "The GPUs, the software and the layers are the same; only what joins the GPUs differs. That is what a generation of "
          + "hardware does whose FLOP/s grow and whose network does not, here without a guess about the GPU: the ratio of "
          + "compute to bandwidth is scaled by the network alone."
      ],
      charts: [
        Chart(
          "Bus bandwidth of an all-reduce over four GPUs",
          "Each line is the measured curve that the projections read: bytes on the wire of one GPU over the time. "
            + "Exchanges of a layer lie between 8 and 256 MiB.",
          .lines(
            LineChart(
              x: .init("payload", unit: "MiB", isLogarithmic: true),
              y: .init("bus bandwidth", unit: "GB/s", isLogarithmic: true), series: series)))
      ],
      tables: [
        DataTable(
          "All-reduce on the three networks",
          columns: [
            .init("network"), .init("1 GiB over 2", unit: "GB/s"), .init("1 GiB over 4", unit: "GB/s"),
            .init("16 MiB over 4", unit: "GB/s"), .init("2 KiB over 2", unit: "us"),
            .init("2 KiB over 4", unit: "us"),
          ], rows: plateaus)
      ])
  }

  private var layers: Section {
    let series = networks.filter(\.hasTensor).map { network in
      LineChart.Series(
        network.short,
        network.tensor.flatMap { layer in
          [("fwd_us", "forward"), ("fwdbwd_us", "forward and backward")].compactMap { column, words in
            layer.values[column].map {
              .init($0.measured * 1e3, 100 * $0.error, name: "\(layer.shape), \(words)")
            }
          }
        }, isLine: false)
    }
    let rows = networks.filter(\.hasTensor).flatMap { network in
      network.tensor.flatMap { layer in
        [("fwd_us", "fwd"), ("fwdbwd_us", "fwd + bwd")].compactMap {
          column, words -> [DataTable.Cell]? in
          guard let value = layer.values[column] else { return nil }
          return [
            .text(network.short), .number(Double(layer.ranks)), .number(Double(layer.hidden)),
            .number(Double(layer.sequence)), .number(Double(layer.batch)), .number(Double(layer.layers)),
            .text(words),
            .number(value.measured * 1e3), .number(value.projected * 1e3),
            .number(value.interval.lowerBound * 1e3), .number(value.interval.upperBound * 1e3),
            .number(100 * value.error, digits: 2), .text(value.isCovered ? "yes" : "no"),
          ]
        }
      }
    }
    return Section(
      "Layers split over GPUs: how far the projection is off",
      prose: [
        "Each row is one measured stack of Transformer layers in Megatron's slicing: two all-reduces forward and two backward "
          + "a layer. The projection adds up single kernels and single all-reduces; repeated runs of the same layers differ "
          + "by 2 %."
      ],
      charts: [
        Chart(
          "Error of the projection",
          "What the projection is longer than the measured time, in per cent of it, against that time. The band is the bound that "
            + "this project set itself for these rows.",
          .lines(
            LineChart(
              x: .init("measured time", unit: "ms", isLogarithmic: true),
              y: .init("projected − measured", unit: "%", including: [-6, 6]), series: series,
              band: (-2.5...2.5, "± 2.5 %"))))
      ],
      tables: [
        DataTable(
          "Measured and projected layers",
          columns: [
            .init("network"), .init("GPUs"), .init("H"), .init("SL"), .init("B"), .init("layers"),
            .init("pass"), .init("measured", unit: "ms"), .init("projected", unit: "ms"),
            .init("low", unit: "ms"),
            .init("high", unit: "ms"), .init("error", unit: "%"), .init("in 90 % interval"),
          ], rows: rows)
      ])
  }

  private var shares: Section {
    let scatter = networks.filter(\.hasTensor).map { network in
      LineChart.Series(
        network.short,
        sharePairs.filter { $0.network.device.name == network.device.name }
          .map { .init($0.measured, $0.projected, name: $0.layer.shape) }, isLine: false)
    }
    let all = sharePairs.flatMap { [$0.measured, $0.projected] }
    let ends = [min(0, all.min() ?? 0), max(10, all.max() ?? 10)]
    let equal = LineChart.Series("equal", ends.map { .init($0, $0) }, hasMarks: false)
    let bars = networks.flatMap { network in
      network.tensor.filter { $0.ranks == 4 }.compactMap { layer -> BarChart.Bar? in
        guard let projected = layer.share("fwdbwd_us", without: "fwdbwd_nocomm_us", projected: true) else {
          return nil
        }
        let measured =
          network.hasTensor
          ? layer.share("fwdbwd_us", without: "fwdbwd_nocomm_us", projected: false) : nil
        return BarChart.Bar(
          "\(network.short): H \(layer.hidden), \(layer.sequence) x \(layer.batch)", [100 * projected],
          reference: measured.map { max(0, 100 * $0) })
      }
    }
    return Section(
      "Share of communication, projected and measured",
      prose: [
        "The share is what a step takes longer than the same step without its exchanges, over the step. It falls with the "
          + "hidden size, whose square the products grow with while exchanges grow with the size itself, and rises as the "
          + "network gets slower: the two laws of Comp-vs-Comm, seen on real hardware.",
        "Shares of large layers on the fast network are small, and one measured share lies below zero: without pauses for the "
          + "network the GPU reaches its power limit and slows down, so that the step without exchanges runs at a lower clock.",
      ],
      charts: [
        Chart(
          "Projected against measured share, forward and backward",
          "Points on the line agree. Each point is one shape on one network.",
          .lines(
            LineChart(
              x: .init("measured share", unit: "%"), y: .init("projected share", unit: "%"),
              series: scatter + [equal]))),
        Chart(
          "Share of communication over four GPUs",
          "Bars: projected; ticks: measured. Networks without ticks were measured too, but their rows are kept back.",
          .bars(
            BarChart(
              parts: ["projected"], label: "share of the step", unit: "%", reference: "measured", bars: bars))
        ),
      ])
  }

  /// What a slower network costs the same layers: measured ratio beside the projected one.
  private var slowdowns: Section {
    guard let fast = networks.first else { return Section("", prose: []) }
    var rows: [[DataTable.Cell]] = []
    var errors: [Double] = []
    for network in networks.dropFirst() where network.hasTensor {
      for layer in network.tensor {
        guard
          let same = fast.tensor.first(where: {
            $0.shape == layer.shape && $0.layers == layer.layers
          }), let slow = layer.values["fwdbwd_us"], let quick = same.values["fwdbwd_us"]
        else { continue }
        let (measured, projected) = (slow.measured / quick.measured, slow.projected / quick.projected)
        errors.append(100 * abs(projected / measured - 1))
        rows.append([
          .text(network.short), .text(layer.shape), .number(measured), .number(projected),
          .number(100 * (projected / measured - 1), digits: 2),
        ])
      }
    }
    let error = mean(errors).map { fixed($0, decimals: 1) } ?? "-"
    return Section(
      "What the slower network costs",
      prose: [
        "The question of an architect is not how long a layer takes but what a change does to it. \(rows.count) shapes were "
          + "measured on more than one network; the factor by which each gets slower is projected with a mean absolute "
          + "error of \(error) %."
      ],
      tables: [
        DataTable(
          "Slower by, against the fastest network (forward and backward)",
          columns: [
            .init("network"), .init("shape"), .init("measured", unit: "x"), .init("projected", unit: "x"),
            .init("error", unit: "%"),
          ], rows: rows)
      ])
  }

  private var dataParallel: Section {
    let bars = networks.flatMap { network in
      network.data.compactMap { layer -> BarChart.Bar? in
        guard let whole = layer.values["fwdbwd_overlap_us"], let compute = layer.values["fwdbwd_nocomm_us"]
        else {
          return nil
        }
        return BarChart.Bar(
          "\(network.short): H \(layer.hidden), \(layer.sequence) x \(layer.batch)",
          [compute.projected * 1e3, max(0, whole.projected - compute.projected) * 1e3],
          interval: whole.interval.lowerBound * 1e3...whole.interval.upperBound * 1e3,
          reference: network.hasData ? whole.measured * 1e3 : nil)
      }
    }
    let shares = networks.flatMap { network in
      network.data.compactMap { layer -> BarChart.Bar? in
        func share(projected: Bool) -> Double? {
          layer.share("fwdbwd_overlap_us", without: "fwdbwd_nocomm_us", projected: projected).map {
            max(0, 100 * $0)
          }
        }
        guard let projected = share(projected: true) else { return nil }
        return BarChart.Bar(
          "\(network.short): H \(layer.hidden), \(layer.sequence) x \(layer.batch)", [projected],
          reference: network.hasData ? share(projected: false) : nil)
      }
    }
    let rows = networks.flatMap { network in
      network.data.flatMap { layer in
        [
          ("fwdbwd_nocomm_us", "compute alone"), ("fwdbwd_overlap_us", "overlapped"),
          ("fwdbwd_serial_us", "in line"), ("comm_alone_us", "exchanges alone"),
        ].compactMap { column, words -> [DataTable.Cell]? in
          guard let value = layer.values[column] else { return nil }
          func share(projected: Bool) -> DataTable.Cell {
            guard column == "fwdbwd_overlap_us" || column == "fwdbwd_serial_us",
              projected || network.hasData,
              let share = layer.share(column, without: "fwdbwd_nocomm_us", projected: projected)
            else { return .empty }
            return .number(100 * share, digits: 2)
          }
          return [
            .text(network.short), .number(Double(layer.hidden)), .number(Double(layer.sequence)),
            .number(Double(layer.batch)), .text(words),
            network.hasData ? .number(value.measured * 1e3) : .empty, .number(value.projected * 1e3),
            .number(value.interval.lowerBound * 1e3), .number(value.interval.upperBound * 1e3),
            network.hasData ? .number(100 * value.error, digits: 2) : .empty,
            network.hasData ? .text(value.isCovered ? "yes" : "no") : .empty,
            share(projected: false), share(projected: true),
          ]
        }
      }
    }
    return Section(
      "Data parallelism: what hides and what does not",
      prose: [
        "Gradients of each layer are exchanged while the layers below it still compute. What does not fit beside them is "
          + "exposed; on the slow networks that is most of it, whatever the GPU does."
      ],
      charts: [
        Chart(
          "A data-parallel step with overlap",
          "Compute, and what the exchange adds to it; the thin line is the 90 % interval of the whole.",
          .bars(
            BarChart(
              parts: ["compute", "exposed exchange"], label: "time of the step", unit: "ms",
              reference: "measured", bars: bars))),
        Chart(
          "Share of communication in a data-parallel step with overlap",
          "What the step takes longer than without its exchanges, over the step. Bars: projected; ticks: measured. Networks "
            + "without ticks were measured too, but their rows are kept back.",
          .bars(
            BarChart(
              parts: ["projected"], label: "share of the step", unit: "%", reference: "measured",
              bars: shares))),
      ],
      tables: [
        DataTable(
          "Data-parallel steps",
          columns: [
            .init("network"), .init("H"), .init("SL"), .init("B"), .init("what"),
            .init("measured", unit: "ms"), .init("projected", unit: "ms"), .init("low", unit: "ms"),
            .init("high", unit: "ms"), .init("error", unit: "%"), .init("in 90 % interval"),
            .init("measured share of communication", unit: "%"),
            .init("projected share of communication", unit: "%"),
          ], rows: rows)
      ])
  }
}

extension ParameterReader {
  /// A list of tables of which some may be `none`, as many as expected.
  mutating func tables(_ name: String, count: Int) throws(Diagnostic) -> [String?] {
    let words = try words(name)
    let files = try files(name)
    guard words.count == count else {
      throw file.fault(
        at: name,
        .wrongKind(
          path: "parameters." + name, found: "a list of \(words.count)",
          expected: "a list of \(count), one a network"))
    }
    return zip(words, files).map { $0 == "none" ? nil : $1 }
  }
}

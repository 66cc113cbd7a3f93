import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Workloads

/// The paper's method on measured rows: all operators of a kind scaled from one of them by their work.
struct OperatorProjection: Sendable {
  /// A measured operator: its work, and its time in seconds by measurement and by our model.
  struct Row: Sendable {
    let name: String
    let work: Double
    let time: Double
    let model: Double
  }

  /// Errors of one kind of operator, as geometric means of absolute relative errors and means, in per cent.
  struct Errors: Sendable {
    let baseline: String
    let ratio: Double
    let ratioGeometric: Double
    let withStart: Double
    let model: Double
    let rows: Int
  }

  /// A kind of operator with its rows and its baselines, the paper's first.
  struct Kind: Sendable {
    let name: String
    let rows: [Row]
    let baselines: [Row]
    /// Time that a kernel takes whatever its size, in seconds.
    let start: Double

    /// Time of a row, scaled from a baseline.
    func scaled(_ row: Row, from base: Row, start: Double = 0) -> Double {
      let start = min(start, 0.9 * base.time)
      return start + (base.time - start) * row.work / base.work
    }

    /// Errors of all rows that are larger than a baseline.
    func errors(from base: Row) -> Errors? {
      let targets = rows.filter { $0.work > base.work * 1.001 }
      guard !targets.isEmpty else { return nil }
      func errors(_ predicted: (Row) -> Double) -> [Double] {
        targets.map { 100 * abs(predicted($0) / $0.time - 1) }
      }
      let ratio = errors { scaled($0, from: base) }
      let geometric = ratio.map { max($0, 0.01).logarithm() }.reduce(0, +) / Double(ratio.count)
      return Errors(
        baseline: base.name, ratio: mean(ratio) ?? 0, ratioGeometric: geometric.exponential(),
        withStart: mean(errors { scaled($0, from: base, start: start) }) ?? 0,
        model: mean(errors(\.model)) ?? 0, rows: targets.count)
    }
  }

  let kinds: [Kind]
  let device: String

  init(_ parameters: inout ParameterReader, on reference: MeasuredDevice) throws(Diagnostic) {
    device = reference.device.title
    var products: [(shape: GEMM<Double>, row: Row)] = []
    var norms: [(shape: Streaming<Double>, row: Row)] = []
    var reductions: [(exchange: Collective<Double>, row: Row)] = []
    for path in try parameters.files("operator_table") + (try parameters.files("collective_table")) {
      let table = try Table(path: path)
      for value in try measuredValues(of: table, kind: try TableKind.recognise(table)) {
        guard case .kernel(let operation, units: nil, repeats: 1) = value.subject,
          operation.dataType == .bf16,
          let model = reference.unseenTime(operation.work)
        else { continue }
        func row(_ name: String, _ work: Double) -> Row {
          Row(name: name, work: work, time: value.measured * value.unit, model: model)
        }
        switch operation.work {
        case .gemm(let shape)
        where shape.layout == .NT && shape.batch == 1 && shape.m >= 512 && shape.isOfLayer:
          products.append((shape, row("\(Int(shape.m))x\(Int(shape.n))x\(Int(shape.k))", shape.flop)))
        case .streaming(let shape) where shape.kind == .layernorm:
          norms.append((shape, row("\(Int(shape.rows))x\(Int(shape.columns))", shape.elements)))
        case .collective(let exchange) where exchange.kind == .allReduce && exchange.ranks == 4:
          reductions.append((exchange, row(Self.payload(exchange.bytes), exchange.bytes)))
        default: break
        }
      }
    }
    func start(_ form: String) -> Double {
      guard let fitted = reference.calibration.forms[form],
        let index = DeviceCalibration.constants(ofForm: form)?.firstIndex(where: { $0.name == "start" })
      else { return 0 }
      return 1e-6 * fitted.values[index]
    }
    func baselines(_ name: String, _ rows: [Row]) throws(Diagnostic) -> [Row] {
      var found: [Row] = []
      for word in try parameters.words(name) {
        guard let row = rows.first(where: { $0.name == word }) else {
          throw parameters.file.fault(
            at: name, .unknownName(kind: "measured operator", found: word, known: rows.map(\.name)))
        }
        found.append(row)
      }
      return found
    }
    let smallest = reductions.map(\.row.time).min() ?? 0
    kinds = [
      Kind(
        name: "products", rows: products.map(\.row),
        baselines: try baselines("product_baselines", products.map(\.row)),
        start: start(GEMMForm<Double>.name)),
      Kind(
        name: "layer normalisation", rows: norms.map(\.row),
        baselines: try baselines("norm_baselines", norms.map(\.row)),
        start: start(StreamingForm<Double>.name(of: .layernorm))),
      Kind(
        name: "all-reduce", rows: reductions.map(\.row),
        baselines: try baselines("reduce_baselines", reductions.map(\.row)), start: smallest),
    ]
  }

  /// A payload as files write it: 16 MiB.
  private static func payload(_ bytes: Double) -> String {
    let units = [(0x1p30, "GiB"), (0x1p20, "MiB"), (0x1p10, "KiB"), (1, "B")]
    let unit = units.first { bytes >= $0.0 } ?? (1, "B")
    let count = bytes / unit.0
    return (count == count.rounded() ? fixed(count, decimals: 0) : formatted(count)) + " " + unit.1
  }

  /// The errors of products from the paper's baseline.
  var products: Errors {
    kinds[0].baselines.first.flatMap { kinds[0].errors(from: $0) }
      ?? Errors(baseline: "", ratio: .nan, ratioGeometric: .nan, withStart: .nan, model: .nan, rows: 0)
  }

  /// Errors of a kind from each of its baselines, the paper's first.
  func errors(of kind: Int) -> [Errors] { kinds[kind].baselines.compactMap { kinds[kind].errors(from: $0) } }

  var section: Section {
    let charts = kinds.compactMap { kind -> Chart? in
      guard let base = kind.baselines.first else { return nil }
      let targets = kind.rows.filter { $0.work > base.work * 1.001 }.sorted { $0.work < $1.work }
      func series(_ name: String, _ predicted: (Row) -> Double) -> LineChart.Series {
        LineChart.Series(
          name,
          targets.map { .init($0.work / base.work, 100 * (predicted($0) / $0.time - 1), name: $0.name) },
          isLine: false)
      }
      return Chart(
        "Error of \(kind.name) scaled from \(base.name)",
        "Each point is a measured operator, against how many times the baseline's work it does. Above zero: predicted too slow.",
        .lines(
          LineChart(
            x: .init("work over the baseline's", unit: "x", isLogarithmic: true),
            y: .init("projected − measured", unit: "%", including: [0]),
            series: [
              series("scaled by work") { kind.scaled($0, from: base) },
              series("start kept apart") { kind.scaled($0, from: base, start: kind.start) },
              series("model of this project") { $0.model },
            ],
            band: (-15...15, "± 15 %"))))
    }
    let rows = kinds.flatMap { kind in
      kind.baselines.compactMap { base -> [DataTable.Cell]? in
        guard let errors = kind.errors(from: base) else { return nil }
        return [
          .text(kind.name), .text(base.name), .number(Double(errors.rows)), .number(errors.ratio),
          .number(errors.ratioGeometric), .number(errors.withStart), .number(errors.model),
        ]
      }
    }
    return Section(
      "Projecting operators from one baseline, and the method's own error",
      prose: [
        "The paper measures one BERT-like layer and scales its operators: products by SL·B, H² and 1/TP (their operations), "
          + "normalisation by SL·B·H, exchanges by their payload. Here the same is done with measured operators of "
          + "\(device), and every other measured one tells how far it is off.",
        "A small baseline runs far below the peak, so everything scaled from it comes out too slow. Keeping the start of a "
          + "kernel apart from what grows with the work mends part of it; that a larger product fills the GPU better, only a "
          + "model of tiles and waves knows. The model's rows are those that its constants were fitted to; how far it errs on "
          + "rows that no fit saw is in docs/models.md. Exchanges it reads off the measured curve without the size in question.",
      ], charts: charts,
      tables: [
        DataTable(
          "Mean absolute error over all larger operators",
          columns: [
            .init("operators"), .init("scaled from"), .init("rows"), .init("by work", unit: "%"),
            .init("by work, geometric", unit: "%"), .init("start kept apart", unit: "%"),
            .init("model of this project", unit: "%"),
          ], rows: rows)
      ])
  }
}

extension GEMM where N == Double {
  /// Whether it is a linear layer of a Transformer: tokens times a slice of widths.
  fileprivate var isOfLayer: Bool { n >= 256 && k >= 256 && m.remainder(dividingBy: 512) == 0 }
}

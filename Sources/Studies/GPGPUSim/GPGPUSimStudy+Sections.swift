import Calibration
import CostModels
import Hardware
import Quantities
import Scenarios
import Workloads

extension GPGPUSimStudy {
  /// An answer to each claim of the file, by its name.
  var answers: [String: Answer] {
    var answers: [String: Answer] = [:]
    let networks = networkTimes.map { abs($0.error) }
    let constants = ["calibration \(reference.calibration.name)", "layer_table"]
    let words =
      "mean error of whole forward passes, \(networks.count) of algorithms and batches, on \(reference.device.title): our closed "
      + "form against our hardware, where the paper has its simulator against a GTX 1050, which we do not have"
    answers["accuracy-preprint"] = Answer(.number(mean(networks) ?? .nan), constants: constants, words)
    answers["accuracy-poster"] = Answer(.number(mean(networks) ?? .nan), constants: constants, words)
    answers["correlation"] = Answer(
      cannotBeChecked:
        "a number of that simulator and that card; between our predicted and measured times the correlation is "
        + "\(fixed(100 * correlation, decimals: 1)) %",
      constants: constants)
    let counts = Dictionary(grouping: phases.filter { $0.phase != "clear" }) {
      "\($0.layer.rawValue) \($0.pass.rawValue) \($0.algorithm.rawValue) \($0.batch)"
    }.filter { $0.value[0].algorithm.isTransformed }.mapValues { $0.reduce(0) { $0 + $1.runs } }
    let fewest = counts.values.min() ?? 0
    answers["bottleneck"] = Answer(
      .statement(fewest >= 3 && worstCamping > 1.05), constants: ["phase_table", "partitions", "interleave"],
      "a transformed convolution starts \(Int(fewest)) to \(Int(counts.values.max() ?? 0)) kernels a call (profiled on "
        + "\(profiledDevice.title)); by their strides the slowest becomes \(fixed(worstCamping, decimals: 1))x longer on "
        + "\(cards.first?.device.title ?? "") without hashed addresses")
    for id in ["front-end", "benchmark", "cards", "code"] {
      answers[id] = Answer(cannotBeChecked: "a setup, not a number of a model")
    }
    answers["later-simulator"] = Answer(
      cannotBeChecked: "the error of two simulators on workloads that are not here")
    let errors = layerErrors
    let all = (errors.convolutions + errors.others).map(abs)
    answers["own-layers"] = Answer(
      .number(mean(all) ?? .nan), constants: constants,
      "mean over the \(all.count) of \(comparison.values.count) measured layers that a form covers; convolutions \(fixed(mean(errors.convolutions.map(abs)) ?? .nan, decimals: 1)) % "
        + "(\(errors.convolutions.count) rows), other layers \(fixed(mean(errors.others.map(abs)) ?? .nan, decimals: 1)) %; the "
        + "constants of the convolutions were fitted to this table, rooftree calibrate prints the errors of batches left out"
    )
    answers["own-network"] = Answer(
      .number(mean(networks) ?? .nan), constants: constants, "whole forward passes by one algorithm")
    return answers
  }

  /// Correlation of predicted with measured times over all layers.
  private var correlation: Double {
    let pairs = comparison.values.compactMap { value in value.predicted.map { (value.value.measured, $0) } }
    let count = Double(pairs.count)
    let (x, y) = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    let xy = pairs.reduce(0) { $0 + ($1.0 - x) * ($1.1 - y) }
    let xx = pairs.reduce(0) { $0 + ($1.0 - x) * ($1.0 - x) }
    let yy = pairs.reduce(0) { $0 + ($1.1 - y) * ($1.1 - y) }
    return xy / (xx * yy).squareRoot()
  }

  // MARK: - Sections

  var phaseSection: Section {
    var rows: [[DataTable.Cell]] = []
    var bars: [BarChart.Bar] = []
    let carried = reference.calibration.convolutions(carriedTo: profiledDevice, from: reference.device)
    let model = ConvolutionModel<Double>(machine: Machine(profiledDevice), carried)
    let kinds = ["flip", "transform", "product", "inverse"]
    let groups = Dictionary(grouping: phases.filter { $0.algorithm.isTransformed && $0.batch >= 64 }) {
      "\($0.layer.rawValue) \($0.pass.rawValue) \($0.algorithm.rawValue), \($0.batch) images"
    }
    for (name, kernels) in groups.sorted(by: { $0.key < $1.key }) {
      guard let first = kernels.first,
        let convolution = LeNet(batch: Double(first.batch)).convolution(
          first.layer, first.pass, first.algorithm),
        let predicted = model.phases(convolution)
      else { continue }
      func measured(_ kind: String) -> Double {
        kernels.reduce(0) { $0 + ($1.phase == kind ? $1.runs * $1.seconds : 0) }
      }
      func projected(_ kind: String) -> Double {
        predicted.reduce(0) { $0 + ($1.phase?.kind.rawValue == kind ? $1.cost.time : 0) }
      }
      let total = kinds.reduce(0) { $0 + measured($1) }
      if first.pass == .forward {
        bars.append(.init(name, kinds.map { 1e6 * projected($0) }, reference: 1e6 * total))
      }
      rows.append(
        [.text(name)]
          + kinds.flatMap { [.number(1e6 * measured($0)), .number(1e6 * projected($0))] as [DataTable.Cell] })
    }
    return Section(
      "A library call in phases",
      prose: [
        "Convolutions by Fourier or Winograd transforms are several kernels: filters turned round, transforms of images and "
          + "filters, a product for each frequency or place of a tile, and the way back. The others are one kernel.",
        "Profiled on \(profiledDevice.title) (ticks); predicted with the constants of \(reference.device.title), which saw only "
          + "whole calls, none of these kernels.",
      ],
      charts: [
        Chart(
          "Phases of transformed convolutions, forward",
          "Bars: predicted. Ticks: the sum of the kernels as profiled.",
          .bars(
            BarChart(parts: kinds, label: "time of a call", unit: "us", reference: "profiled", bars: bars)))
      ],
      tables: [
        DataTable(
          "Phases, profiled and predicted",
          columns: [.init("call")]
            + kinds.flatMap {
              [
                DataTable.Column("\($0), profiled", unit: "us"),
                DataTable.Column("\($0), predicted", unit: "us"),
              ]
            },
          rows: rows)
      ])
  }

  var algorithmSection: Section {
    var tables: [DataTable] = []
    for batch in batches {
      let network = LeNet(batch: Double(batch))
      var rows: [[DataTable.Cell]] = []
      for layer in LeNet<Double>.Layer.allCases {
        guard layer == .conv1 || layer == .conv2 else {
          guard let operation = network.operation(layer, .forward) else { continue }
          func cell(_ model: DeviceModel<Double>) -> DataTable.Cell {
            model.cost(operation.work, .fp32).map { .number(1e6 * $0.time) } ?? .empty
          }
          rows.append(
            [.text(layer.rawValue), "-"] + cards.map { cell($0.operators) } + [cell(reference.model)])
          continue
        }
        for algorithm in Self.forward {
          guard let convolution = network.convolution(layer, .forward, algorithm) else { continue }
          let own = ConvolutionModel<Double>(machine: Machine(reference.device), reference.calibration)
          rows.append(
            [.text(layer.rawValue), .text(algorithm.rawValue)]
              + cards.map { .number(1e6 * time(convolution, on: $0).camped) }
              + [own.time(convolution).map { .number(1e6 * $0) } ?? .empty])
        }
      }
      tables.append(
        DataTable(
          "LeNet forward, \(batch) image\(batch == 1 ? "" : "s")",
          columns: [.init("layer"), .init("algorithm")] + cards.map { .init($0.device.title, unit: "us") }
            + [.init(reference.device.title, unit: "us")], rows: rows))
    }
    return Section(
      "Time by algorithm and layer on the cards of the paper",
      prose: [
        "Predicted from data sheets; nothing was measured on these cards here. One image leaves most of a card idle: a block's "
          + "walk along the inner length decides, which is why the direct kernel is slow for the second layer and transforms, "
          + "in spite of their phases, are not. With many images the products' rate and the memory decide."
      ], tables: tables)
  }

  var campingSection: Section {
    var rows: [[DataTable.Cell]] = []
    for batch in batches + [16, 256] where batch > 0 {
      for layer in [LeNet<Double>.Layer.conv1, .conv2] {
        for algorithm in [Convolution<Double>.Algorithm.fft, .fftTiling, .winograd] {
          guard let convolution = LeNet(batch: Double(batch)).convolution(layer, .forward, algorithm) else {
            continue
          }
          let first = convolution.phases.first { $0.kind == .transform }
          var row: [DataTable.Cell] = [
            .text("\(layer.rawValue), \(algorithm.rawValue)"), .number(Double(batch)),
            first.map { .number($0.stride) } ?? .empty,
          ]
          for card in cards {
            let (camped, hashed) = time(convolution, on: card)
            row.append(first.map { .number(100 * reached(card)($0)) } ?? .empty)
            row.append(.number(camped / hashed))
          }
          rows.append(row)
        }
      }
    }
    let strides = (0...13).map { 64 << $0 }
    return Section(
      "Partitions of the memory, and strides that miss most of them",
      prose: [
        "Addresses go round the partitions in pieces of \(interleave) bytes. A transform writes one frequency of all images "
          + "together, so what a block writes one after another lies images apart. Where that distance is a multiple of the pieces "
          + "and shares a factor with the number of partitions, only a part of them is reached: P/gcd(P, s) of P. Eleven "
          + "partitions share no factor with powers of two; four do.",
        "The factor is taken in full, as if all that is under way had one stride: a bound from below on the bandwidth. GPUs that "
          + "hash addresses (later ones do) reach all partitions always; the column is the time over theirs.",
      ],
      charts: [
        Chart(
          "Part of the partitions that a stride reaches",
          "Strides that are multiples of \(interleave) bytes.",
          .lines(
            LineChart(
              x: .init("stride", unit: "B", isLogarithmic: true),
              y: .init("partitions reached", unit: "%", including: [0, 100]),
              series: cards.map { card in
                .init(
                  "\(card.device.title), \(card.partitions)",
                  strides.map { stride in
                    .init(
                      Double(stride),
                      100
                        * PartitionCamping.reached(
                          stride: stride, partitions: card.partitions, interleave: interleave))
                  })
              })))
      ],
      tables: [
        DataTable(
          "First transform's stride, the partitions that it reaches, and the whole call's time over that with hashed addresses",
          columns: [.init("convolution"), .init("images"), .init("stride", unit: "B")]
            + cards.flatMap {
              [
                DataTable.Column("reached on \($0.device.name)", unit: "%"),
                DataTable.Column("time on \($0.device.name)", unit: "x"),
              ]
            }, rows: rows)
      ])
  }

  var measuredSection: Section {
    let summaries = comparison.summaries.filter { $0.group != "all" }
    let points = comparison.values.compactMap { value -> LineChart.Point? in
      guard case .convolution(_) = value.value.subject, let predicted = value.predicted else { return nil }
      return .init(value.value.measured, predicted, name: "\(value.value.group), line \(value.value.line)")
    }
    let others = comparison.values.compactMap { value -> LineChart.Point? in
      if case .convolution(_) = value.value.subject { return nil }
      guard let predicted = value.predicted else { return nil }
      return .init(value.value.measured, predicted, name: "\(value.value.group), line \(value.value.line)")
    }
    return Section(
      "Against a real GPU",
      prose: [
        "LeNet's layers on \(reference.device.title), measured with tools/measure-lenet.py: device times of graph replays, every "
          + "algorithm that cuDNN accepts, 1 to 1,024 images. `rooftree validate` on the table prints the same.",
        "No form covers gradients of filters in a fixed order (algo_1), where cuDNN goes through three kernels as the batch grows, nor "
          + "the direct ones of a single image. Worst of the rest are products with one or sixteen rows, for which cuBLAS has "
          + "kernels of their own.",
      ],
      charts: [
        Chart(
          "Predicted against measured time",
          "One point is one layer, pass, algorithm and batch; on the line both are the same.",
          .lines(
            LineChart(
              x: .init("measured", unit: "us", isLogarithmic: true),
              y: .init("predicted", unit: "us", isLogarithmic: true),
              series: [
                .init("convolutions", points, isLine: false), .init("other layers", others, isLine: false),
                .init("equal", [.init(1.5, 1.5), .init(1500, 1500)], hasMarks: false),
              ])))
      ],
      tables: [
        DataTable(
          "Errors by pass and algorithm",
          columns: [
            .init("group"), .init("rows"), .init("bias", unit: "%"), .init("mean absolute error", unit: "%"),
            .init("worst", unit: "%"),
          ],
          rows: summaries.map { summary in
            [
              .text(summary.group), .number(Double(summary.rows)), summary.bias.map { .number($0) } ?? .empty,
              summary.mape.map { .number($0) } ?? .empty, summary.max.map { .number($0) } ?? .empty,
            ]
          }),
        DataTable(
          "Whole forward passes by one algorithm",
          columns: [
            .init("algorithm"), .init("images"), .init("measured", unit: "us"),
            .init("predicted", unit: "us"),
            .init("error", unit: "%"),
          ],
          rows: networkTimes.map { time in
            [
              .text(time.algorithm.rawValue), .number(Double(time.batch)), .number(1e6 * time.measured),
              .number(1e6 * time.predicted), .number(time.error),
            ]
          }),
      ])
  }
}

extension Convolution.Algorithm {
  /// Whether it runs in phases.
  var isTransformed: Bool {
    switch self {
    case .fft, .fftTiling, .winograd: true
    default: false
    }
  }
}

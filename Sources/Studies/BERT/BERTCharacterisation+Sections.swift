import Calibration
import CostModels
import Hardware
import Quantities
import Scenarios
import Workloads

extension BERTCharacterisation {
  // MARK: - Operators

  /// Operations of an element of a streaming kernel: approximate counts (51_bert_gemm_dims_intensity.csv, last rows).
  static func flopPerElement(_ kind: Streaming<Double>.Kind) -> Double {
    switch kind {
    case .layernorm, .rmsnorm, .layernormBackward: 8
    case .gelu, .silu, .geluBackward: 10
    case .softmax, .softmaxBackward: 5
    case .dropout, .dropoutBackward: 2
    case .lamb: 20
    case .adamw: 14
    case .copy, .permute, .transpose, .embedding, .concatenate, .fill: 0
    default: 1
    }
  }

  static func work(_ operation: Operator<Double>) -> (dimensions: String, flop: Double, bytes: Double) {
    let type = operation.dataType
    func whole(_ value: Double) -> String { "\(Int(value))" }
    switch operation.work {
    case .gemm(let shape):
      let batch = shape.batch > 1 ? "\(whole(shape.batch)) x " : ""
      return (
        "\(batch)\(whole(shape.m)) x \(whole(shape.n)) x \(whole(shape.k))", shape.flop, shape.bytes(type)
      )
    case .attention(let shape):
      return ("\(whole(shape.batch)) x \(whole(shape.heads))", shape.flop, shape.bytes(type))
    case .streaming(let shape):
      return (
        "\(whole(shape.rows)) x \(whole(shape.columns))", flopPerElement(shape.kind) * shape.elements,
        shape.bytes(type)
      )
    case .collective(let exchange): return ("\(exchange.ranks) ranks", 0, exchange.bytes)
    }
  }

  private func table(_ configuration: Configuration) -> DataTable {
    let kernels = iteration(configuration).kernels
    return DataTable(
      "Every operator of \(configuration.name)",
      columns: [
        .init("operator"), .init("pass"), .init("class"), .init("runs"), .init("dimensions"),
        .init("work", unit: "GFLOP"),
        .init("traffic", unit: "MB"), .init("intensity", unit: "FLOP/B"),
        .init("time on \(machine.device.name)", unit: "us"),
        .init("time on \(reference.device.name)", unit: "us"),
      ],
      rows: kernels.map { kernel in
        let operation = kernel.operation
        let (dimensions, flop, bytes) = Self.work(operation)
        return [
          .text("\(operation.name)"), .text(operation.pass.rawValue), .text(kernel.group.rawValue),
          .number(kernel.count), .text(dimensions), .number(flop / 1e9), .number(bytes / 1e6),
          .number(flop / bytes), .number(1e6 * time(kernel, on: machine) / kernel.count),
          .number(1e6 * time(kernel, on: reference.model) / kernel.count),
        ]
      })
  }

  var operators: Section {
    let first = configurations[0]
    func points(_ isProduct: Bool) -> [LineChart.Point] {
      iteration(first).kernels.compactMap { kernel in
        if case .gemm = kernel.operation.work {
          guard isProduct else { return nil }
        } else if isProduct {
          return nil
        }
        let (_, flop, bytes) = Self.work(kernel.operation)
        guard flop > 0 else { return nil }
        let rate = flop / (time(kernel, on: machine) / kernel.count)
        return .init(flop / bytes, rate / 1e12, name: "\(kernel.operation.name)")
      }
    }
    return Section(
      "Every operator, its dimensions, work and time",
      prose: [
        "A row is one kernel of the iteration; it runs so many times. Traffic is the least there is: every operand once. The "
          + "counts of operations of streaming kernels are approximate. Micro-batches, layers and both passes are in the runs.",
        "Products with weights lie far to the right of the rest: their intensity is hundreds of operations a byte, that of "
          + "the batched products of attention some tens, and that of everything else about one.",
      ],
      charts: [
        Chart(
          "Rate against intensity, \(first.name) on \(machine.device.title)",
          "One point is one kernel. Predicted from the data sheet.",
          .lines(
            LineChart(
              x: .init("intensity", unit: "FLOP/B", isLogarithmic: true),
              y: .init("rate", unit: "TFLOP/s", isLogarithmic: true),
              series: [
                .init("products", points(true), isLine: false),
                .init("streaming", points(false), isLine: false),
              ])))
      ], tables: configurations.map(table))
  }

  // MARK: - Classes

  private func bars(on model: DeviceModel<Double>, slowdown: Double) -> [BarChart.Bar] {
    configurations.map { configuration in
      let breakdown = breakdown(iteration(configuration), on: model, slowdown: slowdown)
      return .init(configuration.name, Self.drawn.map { breakdown.share($0.classes) })
    }
  }

  /// Classes joined for figures.
  private static let drawn: [(name: String, classes: [Class])] = [
    ("linear and FC products", [.linear]), ("attention products", [.attention]),
    ("softmax and its neighbours", [.softmax]),
    ("GELU", [.gelu]), ("dropout, residual, norm", [.residual, .norm]), ("biases and copies", [.bias]),
    ("embedding and output", [.embedding, .output]), ("optimizer", [.optimizer]),
  ]

  var classes: Section {
    let machines = [(machine, productSlowdown.value), (reference.model, 1.0)]
    return Section(
      "What an iteration is made of",
      prose: [
        "Mixed precision halves the bytes and quadruples the rate of products, so that what streams and the update, which "
          + "stays in FP32, take more of what is left. A smaller batch leaves the update as it is and shrinks all else. "
          + "Longer sequences let the scores grow with the square."
      ],
      charts: machines.map { model, slowdown in
        Chart(
          "Shares by class on \(model.device.title)",
          "Each bar is an iteration, in per cent of its kernels' time.",
          .bars(
            BarChart(
              parts: Self.drawn.map(\.name), label: "share of the iteration", unit: "%",
              bars: bars(on: model, slowdown: slowdown))))
      },
      tables: machines.map { model, slowdown in
        DataTable(
          "Time by class on \(model.device.title)",
          columns: [.init("class")] + configurations.map { .init($0.name, unit: "ms") },
          rows: Class.allCases.filter { $0 != .communication }.map { group in
            [.text(group.rawValue)]
              + configurations.map { configuration in
                .number(
                  1e3
                    * breakdown(iteration(configuration), on: model, slowdown: slowdown).times[
                      group, default: 0])
              }
          })
      })
  }

  // MARK: - Measured

  /// The profiles, one each line of the table.
  var profileRows: [(line: Int, group: String, total: ComparedValue)] {
    profile.values.filter { $0.value.quantity == deviceTimeQuantity }.map {
      ($0.value.line, $0.value.group.split(separator: " ").first.map(String.init) ?? "", $0)
    }
  }

  var measured: Section {
    var points: [LineChart.Point] = []
    var rows: [[DataTable.Cell]] = []
    for summary in profile.summaries where summary.group != "all" {
      let shares = profile.shares(of: summary.group)
      points += shares.map { .init($0.measured, $0.predicted, name: "\(summary.group), line \($0.line)") }
      rows.append([
        .text(summary.group), .number(Double(summary.rows)), summary.bias.map { .number($0) } ?? .empty,
        summary.mape.map { .number($0) } ?? .empty, summary.max.map { .number($0) } ?? .empty,
        summary.sharePoints.map { .number($0) } ?? .empty,
      ])
    }
    let diagonal: [LineChart.Point] = [.init(0, 0), .init(80, 80)]
    return Section(
      "Against profiles of whole layers on \(reference.device.title)",
      prose: [
        "One to four layers forward, backward and update under PyTorch's profiler, attention materialised (eager) or in one "
          + "kernel (sdpa). Classes are those of the profile. Gradients of GELU and normalisation, copies into another order "
          + "and the stacking of gradients are seen in no other table: their constants were fitted to these rows.",
        "`rooftree validate` on the table prints the same.",
      ],
      charts: [
        Chart(
          "Predicted against measured share of each class",
          "One point is one class of one profile; on the line both are the same.",
          .lines(
            LineChart(
              x: .init("measured share", unit: "%", including: [0]),
              y: .init("predicted share", unit: "%", including: [0]),
              series: [
                .init("classes", points, isLine: false), .init("equal", diagonal, hasMarks: false),
              ])))
      ],
      tables: [
        DataTable(
          "Errors by class",
          columns: [
            .init("class"), .init("profiles"), .init("bias", unit: "%"),
            .init("mean absolute error", unit: "%"),
            .init("worst", unit: "%"), .init("share, worst difference", unit: "points"),
          ], rows: rows)
      ])
  }

  // MARK: - What moves the shares

  private func movement(
    _ title: String, _ label: String, _ values: [Double], on model: DeviceModel<Double>,
    _ change: (Double) -> Iteration
  ) -> Chart {
    let breakdowns = values.map { ($0, breakdown(change($0), on: model)) }
    return Chart(
      title, "Share of each group of classes; everything else as in Ph1-B32-mixed.",
      .lines(
        LineChart(
          x: .init(label, isLogarithmic: true), y: .init("share of the iteration", unit: "%", including: [0]),
          series: Self.grouped.map { name, classes in
            .init(name, breakdowns.map { .init($0.0, $0.1.share(classes)) })
          })))
  }

  private static let grouped: [(name: String, classes: [Class])] = [
    ("linear and FC products", [.linear]), ("attention (products, softmax)", [.attention, .softmax]),
    ("other streaming", [.gelu, .residual, .norm, .bias, .embedding]), ("output", [.output]),
    ("optimizer", [.optimizer]), ("communication", [.communication]),
  ]

  private var base: Configuration {
    configurations.filter(\.isMixed).max {
      ($0.batch, -$0.sequence) < ($1.batch, -$1.sequence)
    } ?? configurations[0]
  }

  var movements: Section {
    let base = base
    let model = reference.model
    var charts: [Chart] = []
    charts.append(
      movement("Hidden size", "hidden size", hidden, on: model) { value in
        var shape = shape
        shape.hidden = value
        shape.feedForward = 4 * value
        shape.heads = value / 64
        return iteration(base, shape: shape)
      })
    charts.append(
      movement("Layers", "layers", layers, on: model) { value in
        var shape = shape
        shape.layers = value
        return iteration(base, shape: shape)
      })
    charts.append(
      movement("Sequence length, the same number of tokens", "tokens of a sequence", sequences, on: model) {
        value in
        let batch = max(1, base.batch * base.sequence / value)
        return iteration(Configuration(name: "", sequence: value, batch: batch, isMixed: true))
      })
    charts.append(
      movement("Batch", "sequences", batches, on: model) {
        iteration(Configuration(name: "", sequence: base.sequence, batch: $0, isMixed: true))
      })
    charts.append(
      movement(
        "Micro-batches of \(Int(batches.min() ?? 1)) sequences before an update", "micro-batches",
        accumulations, on: model
      ) {
        var iteration = iteration(
          Configuration(name: "", sequence: base.sequence, batch: batches.min() ?? 1, isMixed: true))
        iteration.accumulation = $0
        return iteration
      })
    return Section(
      "What moves the shares",
      prose: [
        "Wider layers do more operations for each byte: products gain on everything else, and the update, which grows with the "
          + "square of the width as products do, keeps its place. Deeper models change nothing but the weight of embedding and "
          + "output. More tokens before an update, by batch or by micro-batches, shrink the update's share; larger batches "
          + "fill the GPU better, micro-batches do not."
      ], charts: charts)
  }

  // MARK: - Distribution

  private func distributed(_ replicas: Int, _ degree: Int, sharded: Bool) -> Iteration {
    var iteration = iteration(base)
    iteration.dataParallel = replicas
    iteration.tensorParallel = degree
    iteration.shardsOptimizer = sharded
    return iteration
  }

  var distribution: Section {
    func row(_ name: String, _ iteration: Iteration) -> [DataTable.Cell] {
      let breakdown = breakdown(iteration, on: reference.model)
      return [.text(name), .number(1e3 * breakdown.total)]
        + Self.grouped.map { .number(breakdown.share($0.classes)) }
    }
    var rows: [[DataTable.Cell]] = []
    for count in replicas {
      rows.append(row("\(count) replicas", distributed(count, 1, sharded: false)))
      if count > 1 {
        rows.append(row("\(count) replicas, update shared", distributed(count, 1, sharded: true)))
      }
    }
    for degree in degrees where degree > 1 {
      rows.append(row("layers over \(degree) devices", distributed(1, degree, sharded: false)))
    }
    return Section(
      "Data and tensor parallelism, and a shared update",
      prose: [
        "\(reference.device.title), \(base.name) on every device, exchanges after the kernels: what an implementation hides "
          + "behind the backward pass is less. Replicas add the exchange of all gradients; sharing the update among them divides "
          + "it by their number and gathers the weights instead. Sliced layers divide products and the update, not what lies "
          + "between the blocks (norms, residuals, dropout), and add four exchanges a layer.",
        "Beyond a node of eight the exchange goes over the node's adapters and is projected from data sheets.",
      ],
      tables: [
        DataTable(
          "Shares of an iteration over several devices",
          columns: [.init("devices"), .init("time", unit: "ms")]
            + Self.grouped.map { .init($0.name, unit: "%") },
          rows: rows)
      ])
  }

  // MARK: - What if

  /// Time saved by fusing neighbours: bytes that need not move, at the rate that the kernels now reach.
  private func fused(_ configuration: Configuration) -> [(name: String, gain: Double)] {
    let kernels = iteration(configuration).kernels
    let total = kernels.reduce(0) { $0 + time($1, on: machine, slowdown: productSlowdown.value) }
    func saved(by classes: [Class], keeping part: Double) -> Double {
      kernels.reduce(0) { sum, kernel in
        guard classes.contains(kernel.group), case .streaming = kernel.operation.work else { return sum }
        return sum + (1 - part) * time(kernel, on: machine)
      }
    }
    // Scores: five kernels of 12 moves and masks forward and backward become two of 2 and 3 moves.
    let chain = kernels.filter { $0.group == .softmax }
    let chainBytes = chain.reduce(0) { $0 + $1.count * Self.work($1.operation).bytes }
    let least = chain.reduce(0) { sum, kernel in
      guard case .streaming(let shape) = kernel.operation.work,
        shape.kind == .softmax || shape.kind == .softmaxBackward
      else { return sum }
      return sum + kernel.count * (Self.work(kernel.operation).bytes + shape.elements)
    }
    // Dropout, residual and norm: 2 + 3 + 2 moves forward become 4, 3 + 3 + 2 backward become 5.
    return [
      ("GELU in the products beside it", total / (total - saved(by: [.gelu], keeping: 0))),
      (
        "scale, mask, softmax and dropout in one kernel each way",
        total / (total - saved(by: [.softmax], keeping: least / chainBytes))
      ),
      (
        "dropout, residual and norm in one kernel each way",
        total / (total - saved(by: [.residual, .norm], keeping: 9.0 / 15))
      ),
    ]
  }

  var whatIf: Section {
    let chosen = configurations
    let names = chosen.first.map { fused($0).map(\.name) } ?? []
    var rows: [[DataTable.Cell]] = names.indices.map { index in
      [.text(names[index])] + chosen.map { .number(fused($0)[index].gain) }
    }
    for factor in [nearMemory.interval?.lowerBound.value, nearMemory.interval?.upperBound.value].compactMap({
      $0
    }) {
      rows.append(
        [.text("streaming kernels beside the memory, \(formatted(factor, digits: 2))x the bandwidth")]
          + chosen.map { .number(gain($0, nearMemory: factor)) })
    }
    rows.append(
      ["the update alone beside the memory"]
        + chosen.map { configuration in
          let breakdown = breakdown(iteration(configuration), on: machine, slowdown: productSlowdown.value)
          let update = breakdown.times[.optimizer, default: 0]
          return .number(breakdown.total / (breakdown.total - update * (1 - 1 / nearMemory.value)))
        })
    return Section(
      "What fused or near-memory kernels would buy",
      prose: [
        "Time of an iteration on \(machine.device.title) over the time with the change. Fusing saves bytes that would be written "
          + "and read again; kernels beside the memory keep their start and see a multiple of its bandwidth, and nothing is "
          + "charged for bringing the data there. Both are bounds from above."
      ],
      tables: [
        DataTable(
          "Speed-up of an iteration", columns: [.init("change")] + chosen.map { .init($0.name, unit: "x") },
          rows: rows)
      ])
  }
}

import CostModels
import Hardware
import Quantities
import Workloads

/// What it costs to measure every configuration, against measuring one baseline.
///
/// Both are times on the GPUs of one configuration, from the same closed forms: a configuration runs the training step of
/// its layers, the baseline one layer of the first model's shape (BERT-Large) with one sequence.
struct ProfilingCost: Sendable {
  let configurations: Int
  /// One layer of each configuration over the baseline's layer.
  let layers: Double
  /// A whole step of a BERT-like baseline over one of its layers: what profiling a region of interest saves.
  let region: Double
  let baseline: Seconds
  let all: Seconds

  /// The cost of all points over that of the baseline, where each takes so long to set up besides, in seconds.
  func ratio(setup: Double) -> Double {
    (all.value + Double(configurations) * setup) / (baseline.value + setup)
  }

  func section(setup: Sourced<Dimensions.Time>) -> Section {
    let setups = [setup.interval?.lowerBound, setup.quantity, setup.interval?.upperBound].compactMap { $0 }
    return Section(
      "What projecting saves",
      prose: [
        "Measuring all \(configurations) configurations takes, one layer and one step of each, \(all.formatted()) of GPU time "
          + "on every rank; measuring the baseline's layer once takes \(baseline.formatted()). The ratio, "
          + "\(formatted(layers))x, holds for machines that cost nothing to set up. Every point also has to be started, warmed "
          + "up and repeated: with \(setup.quantity.formatted()) for each the ratio is \(formatted(ratio(setup: setup.value)))x, "
          + "and it falls towards the number of configurations. The paper's number lies between; what it counts is not known.",
        "A real campaign would also have to own the machines: 256 GPUs of a generation that is not built have no price.",
      ],
      tables: [
        DataTable(
          "The cost of measuring",
          columns: [.init("what"), .init("value"), .init("unit")],
          rows: [
            ["configurations", .number(Double(configurations)), ""],
            ["one layer of the baseline, one training step", .number(baseline.value * 1e3), "ms"],
            ["one layer of every configuration, one training step", .number(all.value * 1e3), "ms"],
          ]
            + setups.map {
              [
                .text("ratio with \($0.formatted()) to set up each"), .number(ratio(setup: $0.value)), "x",
              ]
            } + [["whole step of the baseline over its layers", .number(region), "x"]])
      ])
  }
}

extension CompVsComm {
  /// The cost of measuring the space.
  var saving: ProfilingCost {
    func time(_ hidden: Int, _ sequence: Int, _ microBatch: Int, _ degree: Int, rate: Double) -> Double {
      let (h, s, b, tp) = (Double(hidden), Double(sequence), Double(microBatch), Double(degree))
      let compute =
        CommunicationForms.trainingFLOP(hidden: h, sequence: s, microBatch: b, tensorParallel: tp) / rate
      let ratio = CommunicationForms.serializedRatio(
        hidden: h, sequence: s, tensorParallel: tp, elementBytes: elementBytes, rate: rate,
        bandwidth: ring.value)
      return compute * (1 + ratio)
    }
    let model = eras.first?.model
    let base = time(model?.hidden ?? 1024, model?.sequence ?? 512, 1, 1, rate: baselineRate.value)
    var all = 0.0
    var configurations = 0
    for hidden in space.hidden {
      for degree in space.degrees where Self.canSplit(hidden: Double(hidden), degree: Double(degree)) {
        for sequence in space.sequences {
          configurations += 1
          all += time(hidden, sequence, space.microBatches.min() ?? 1, degree, rate: largeRate.value)
        }
      }
    }
    return ProfilingCost(
      configurations: configurations, layers: all / base,
      region: wholeStepOverLayers, baseline: Seconds(base), all: Seconds(all))
  }

  /// A training step of the first model over its layers alone: head and optimizer are what a region of interest leaves out.
  private var wholeStepOverLayers: Double {
    guard let model = eras.first?.model else { return 1 }
    let layers = Double(model.layers)
    let flop = CommunicationForms.trainingFLOP(
      hidden: Double(model.hidden), sequence: Double(model.sequence), microBatch: 1, tensorParallel: 1)
    let head = 6 * Double(model.sequence * model.hidden * model.vocabulary)
    // The optimizer moves seven numbers of four bytes for each parameter.
    let bandwidth = machine.mainMemory.bandwidth?.value ?? .infinity
    let compute = layers * flop / baselineRate.value
    return (compute + head / baselineRate.value + 28 * model.parameters / bandwidth) / compute
  }
}

import CostModels
import Documents
import Quantities
import Scenarios
import Workloads

extension TrainingSweep: BoundingModel {
  func bounder() -> any BoxBounder {
    TrainingBounder(sweep, plan, TrainingContextMaker(sweep, in: library))
  }
}

/// Bounds of training steps: all the work of the layers, spread evenly over all devices, without waiting or exchange.
///
/// Where everything that a layer depends on is given, its cost is; elsewhere no product runs faster than 1.3 times the peak
/// rate, the end of the range that fits allow for its efficiency.
private final class TrainingBounder: BoxBounder {
  private let sweep: Sweep
  private let source: PlanSource
  private let maker: TrainingContextMaker
  private let evaluator: TrainingEvaluator
  private let layerDimensions: [Int]
  private let contextDimensions: [Int]

  init(_ sweep: Sweep, _ source: PlanSource, _ maker: TrainingContextMaker) {
    self.sweep = sweep
    self.source = source
    self.maker = maker
    evaluator = TrainingEvaluator(
      sweep, source, maker, firstReason: 1, separateAccumulation: false, requiresFit: false)
    contextDimensions = maker.axes.map { sweep.space.dimensionOfAxis[$0] }
    layerDimensions =
      contextDimensions + source.dimensions([.tensor, .context, .expert, .microBatch, .sequenceParallel])
  }

  /// The range of a number of the plan over a box; at least 1.
  private func range(_ number: PlanSource.Number, _ box: SearchBox) -> Interval {
    guard let axis = source.axes[number.rawValue] else {
      return Interval(Double(Swift.max(1, source.base[number.rawValue])))
    }
    if axis.dimension < box.fixed {
      return Interval(Double(axis.values[box.space.digit(axis.dimension, of: box.start)]))
    }
    return Interval(Double(axis.values.min() ?? 1), Double(axis.values.max() ?? 1))
  }

  private func isGiven(_ number: PlanSource.Number) -> Bool {
    source.axes[number.rawValue] != nil || source.base[number.rawValue] > 0
  }

  func ranges(_ box: SearchBox, outputs: [Int]) -> [Interval] {
    let product = range(.tensor, box) * range(.context, box) * range(.pipeline, box)
    let devices = isGiven(.devices) ? range(.devices, box) : product * range(.data, box)
    let data = isGiven(.devices) ? Interval.larger(Interval(1), devices / product) : range(.data, box)
    let microBatch = range(.microBatch, box)
    var tokens = 1.0
    let sequences =
      isGiven(.globalBatch) ? range(.globalBatch, box) : microBatch * range(.microBatches, box) * data
    var (least, rate) = (Interval(0, .infinity), Interval(0, .infinity))
    var (capacity, energyPerToken, costPerToken) = (
      Interval.all, Interval(0, .infinity), Interval(0, .infinity)
    )
    if contextDimensions.allSatisfy({ $0 < box.fixed }), let context = evaluator.context(of: box.start) {
      capacity = Interval(context.numbers.capacity)
      tokens = Double(context.scenario.sequence)
      let perSequence: Double
      if layerDimensions.allSatisfy({ $0 < box.fixed }),
        let layer = evaluator.layerTime(context, of: box.start)
      {
        perSequence = Double(context.transformer.layers) * layer
      } else {
        let matrices = Double(context.transformer.layers) * context.transformer.layerMatrixParameters
        // Mixtures use a part of their matrices: nothing is claimed of them.
        perSequence =
          context.transformer.experts == nil ? 6 * tokens * matrices / (1.3 * context.numbers.peak) : 0
      }
      // The slowest of p stages has at least a p-th of the layers for each of m micro-batches, and the others are waited
      // for once, a v-th of them with v virtual stages: (p - 1)/(m v) of the work.
      let microBatches = sequences / (microBatch * data)
      let bubble = (range(.pipeline, box) - Interval(1)) / (microBatches * range(.virtualStages, box))
      let deviceTime = Interval(perSequence) * (Interval(1) + Interval(Swift.max(0, bubble.low)))
      least = Interval((deviceTime * sequences / devices).low, .infinity)
      if perSequence > 0 { rate = Interval(0, (Interval(tokens) / deviceTime * devices).high) }
      // All devices draw idle power at least, and are paid for, as long as the step takes.
      let perToken = (deviceTime / Interval(tokens)).low
      let energy = context.numbers.roof.idle * perToken
      energyPerToken = Interval(energy, .infinity)
      if let money = context.numbers.cost?.money(energy, devices: 1, time: perToken) {
        costPerToken = Interval(money * (1 - 1e-12), .infinity)
      }
    }
    let stepTokens = Interval(tokens) * sequences
    return outputs.map { (number: Int) -> Interval in
      switch TrainingSweep.Output(rawValue: number) {
      case .time, .sustainedTime: least
      case .tokensPerSecond: rate
      case .tokensPerDeviceSecond: Interval(0, (rate / devices).high)
      case .memoryCapacity: capacity
      case .devices: devices
      case .energyPerToken: energyPerToken
      case .energy: Interval((energyPerToken * stepTokens).low, .infinity)
      case .costPerToken: costPerToken
      case .cost: Interval((costPerToken * stepTokens).low, .infinity)
      default: Interval(0, .infinity)
      }
    }
  }
}

extension TrainingEvaluator {
  /// The context of a scenario by its index; nil where there is none.
  func context(of index: Int) -> TrainingContext? {
    context(contextKey.value(sweep.space, index), index).context
  }

  /// Time of a layer for one sequence on as many devices as share it, times these devices, in seconds: what all layers'
  /// work comes to whatever the stages and replicas.
  ///
  /// - Returns: nil where so many devices do not share the layer evenly.
  func layerTime(_ context: TrainingContext, of index: Int) -> Double? {
    func number(_ number: PlanSource.Number) -> Int {
      guard let axis = source.axes[number.rawValue] else { return Swift.max(1, source.base[number.rawValue]) }
      return axis.values[sweep.space.digit(axis.dimension, of: index)]
    }
    let (tensor, ways, microBatch) = (number(.tensor), number(.context), number(.microBatch))
    let alone = ParallelPlan(tensor: tensor, context: ways)
    guard context.numbers.rules.fault(alone, microBatch: 1, sequenceParallel: false) == nil else {
      return nil
    }
    let layer = layer(layerKey.value(sweep.space, index), context, energy: false) {
      var plan = context.scenario.plan
      (plan.tensor, plan.context, plan.expert) = (tensor, ways, number(.expert))
      let flag =
        source.axes[PlanSource.Number.sequenceParallel.rawValue] == nil
        ? source.base[PlanSource.Number.sequenceParallel.rawValue] : number(.sequenceParallel)
      let scenario = context.scenario.spread(
        plan, microBatch: microBatch, sequenceParallel: flag == 1, separateAccumulation: false)
      return scenario.trainingKernels
    }
    guard let layer else { return nil }
    return (layer[0] + layer[1] + layer[2]) * Double(tensor * ways) / Double(microBatch)
  }
}

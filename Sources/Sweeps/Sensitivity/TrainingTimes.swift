import CostModels
import Quantities
import Scenarios
import Workloads

/// The times of a training step, read with any number: the functions that an estimate calls.
struct TrainingTimes<N: ModelNumber> {
  let times: StepTimes<N>
  private let model: DeviceModel<N>
  private let plan: ParallelPlan
  private let step: TransformerStep<N>
  private let parts: StepParts<N>
  private let counts: StepCounts<N>
  private let exchanges: StepExchanges<N>
  private let updates: StepUpdates<N>
  private let host: HostLaunch<N>

  /// The times of a scenario on a machine with other numbers.
  ///
  /// - Parameters:
  ///   - scenario: a Transformer in training.
  ///   - change: changes the machine.
  init(_ scenario: Scenario, change: (inout Machine<N>) -> Void) {
    var machine = Machine<N>(scenario.device)
    change(&machine)
    let model = scenario.deviceModel(on: machine)
    guard let transformer = scenario.transformer, let kernels = scenario.trainingKernels else {
      preconditionFailure("a training step has a Transformer")
    }
    plan = scenario.plan
    step = TransformerStep<N>(
      model: transformer, microBatch: N(Double(scenario.microBatch)), sequence: N(Double(scenario.sequence)),
      tensorParallel: plan.tensor, sequenceParallel: scenario.sequenceParallel, causal: scenario.causal,
      dataType: scenario.dataType, options: scenario.layerOptions)
    let update = scenario.updates(of: kernels)
    updates = StepUpdates<N>(parameters: update.parameters, rule: update.rule, mixed: update.mixed)
    exchanges = StepExchanges<N>(step, plan, gradientBytes: scenario.gradientDataType.bytes)
    let starts = scenario.hostStarts
    host = HostLaunch<N>(each: N(starts.each), eachBackward: N(starts.eachBackward), blocks: starts.blocks)
    parts = model.stepParts(step, plan, exchanges: exchanges, updates: updates, host: host)
    let layers = plan.stageLayers(of: transformer.layers) ?? (transformer.layers, transformer.layers)
    counts = StepCounts<N>(
      stages: N(Double(plan.pipeline)), virtualStages: N(Double(plan.virtualStages)),
      microBatches: N(Double(plan.microBatches)), gradientExchanges: N(Double(plan.gradientExchanges)),
      middleLayers: N(Double(layers.middle)),
      endLayers: N(Double(layers.ends)))
    times = TrainingStepForm<N>.time(parts, counts, overlap: plan.overlap, contention: model.contention)
    self.model = model
  }

  /// What the step asks of a device's power.
  var phases: StepPhases<N> {
    var demands = model.layerDemands(step, recompute: plan.recompute, host: host)
    model.addExchanges(exchanges, to: &demands)
    demands.optimizer = model.updateDemand(updates, host: host)
    return TrainingStepForm<N>.phases(demands, parts, counts, times)
  }

  /// Time of steps that run again and again under the power limit, in seconds; at least that of the step.
  var sustainedTime: N { model.powerRoof.sustained(phases).time }

  /// Time of the exchanges within the layers of all micro-batches, in seconds.
  var layerExchanges: N {
    let all = Double(step.layers.reduce(0) { $0 + $1.count })
    return step.layers.reduce(N(0)) { sum, entry in
      let (layer, count) = entry
      var exchanges = ExchangeSum(model: model)
      layer.forward(into: &exchanges)
      layer.recompute(plan.recompute, into: &exchanges)
      layer.backward(into: &exchanges)
      return sum + N(Double(count) / all) * counts.microBatches * times.layers * exchanges.time
    }
  }
}

/// Adds up the times of exchanges among operators that run one after another.
private struct ExchangeSum<N: ModelNumber>: OperatorSink {
  let model: DeviceModel<N>
  private(set) var time = N(0)

  init(model: DeviceModel<N>) { self.model = model }

  mutating func add(_ operation: Operator<N>) {
    if case .collective = operation.work { time = time + model.stepCost(operation).time }
  }
}

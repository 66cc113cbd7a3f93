import CostModels
import Hardware
import Quantities
import Workloads

/// The tree of a training step: the kernels of the slowest stage, then what composing them adds.
struct TrainingComposition {
  /// The pieces of the step.
  let times: StepTimes<Double>
  /// Why exchanges of gradients beside kernels are exposed; nil where none run beside kernels.
  let exposure: ExchangeExposure<Double>?
  /// Speed of the compute units in the layers over that at full clock; the slowest where layers are unlike.
  let clock: Double?
  /// The step as a tree, as long as its pieces together.
  let root: CostNode

  /// Parts of the root in which nothing runs.
  static let waitingParts: Set = ["pipeline bubble"]
  /// Parts of the root after the last micro-batch.
  static let updatingParts: Set = ["optimizer", "updated weights", "once a step"]

  init(
    _ scenario: Scenario, _ transformer: TransformerModel, _ step: TransformerStep<Double>,
    on model: DeviceModel<Double>, part: (String, (inout OperatorList<Double>) -> Void) -> CostNode
  ) {
    let plan = scenario.plan
    let parts = scenario.stepParts(step, on: model)
    let counts = scenario.stepCounts(transformer)
    let times = TrainingStepForm.time(parts, counts, overlap: plan.overlap, contention: model.contention)
    self.times = times
    exposure =
      plan.overlap && plan.replicas > 1 ? ExchangeExposure(parts, times, model.contention) : nil

    var clock: Double?
    let copies = scenario.stepExchanges(step)
    let layers = step.layers.map { layer, count in
      let timed = model.running(layer, recompute: plan.recompute)
      clock = timed.clock.map { Swift.min($0, clock ?? 1) } ?? clock
      func kernels(_ list: (inout OperatorList<Double>) -> Void) -> [CostNode] {
        var operators = OperatorList<Double>()
        list(&operators)
        return operators.operators.map { timed.node($0, name: "\($0.name)") }
      }
      func copied(_ operators: [Operator<Double>]) -> [CostNode] {
        let timed = model.running { for operation in operators { $0.add(operation) } }
        return operators.map { timed.node($0, name: "\($0.name)") }
      }
      let again = kernels { layer.recompute(plan.recompute, into: &$0) }
      var gradients = kernels { layer.backward(into: &$0) }
      if let wait = scenario.hostWait(for: gradients, backward: true, after: again) { gradients.append(wait) }
      var forward = kernels { layer.forward(into: &$0) }
      if let wait = scenario.hostWait(for: forward) { forward.append(wait) }
      forward += copied(copies.weightCopies)
      gradients += copied(copies.weightCopies) + copied(copies.gradientCopies)
      var runs = [CostNode("forward", parts: forward)]
      if !again.isEmpty { runs.append(CostNode("recomputation", parts: again)) }
      runs.append(CostNode("backward", parts: gradients))
      // Stages take a share of each kind; the mean layer is repeated.
      return (node: runs, share: Double(count) / Double(transformer.layers), isMixture: layer.experts != nil)
    }
    self.clock = clock
    let piped = plan.pipeline > 1
    let (hasFront, hasHead) = (times.front > 0, times.head > 0)
    var batch: [CostNode] = []
    if hasFront { batch.append(part("embedding") { step.embedding(backward: false, into: &$0) }) }
    for kind in layers {
      let runs = times.layers * kind.share
      let name = kind.isMixture ? "mixture layers" : "layers"
      if runs == runs.rounded() {
        batch.append(CostNode(name, count: Int(runs), parts: kind.node))
      } else {
        batch.append(CostNode(name, parts: kind.node).scaled(by: runs))
      }
    }
    if hasHead { batch.append(part("output head") { step.head(backward: true, into: &$0) }) }
    if hasFront { batch.append(part("embedding gradient") { step.embedding(backward: true, into: &$0) }) }
    if parts.perMicroBatch > 0 {
      batch.append(
        CostNode(
          "between micro-batches", time: parts.perMicroBatch,
          standardError: onceSpread * parts.perMicroBatch, bound: .launch))
    }
    let micro = CostNode("micro-batches", count: plan.microBatches, parts: batch)
    var nodes = plan.microBatches == 1 && !piped ? batch : [micro]

    let exchanges = scenario.stepExchanges(step)
    func spread(_ list: [Collective<Double>]) -> Double {
      list.map { model.network.spread(of: $0, stride: $0.stride) }.max() ?? closedFormError
    }
    func isExtrapolated(_ list: [Collective<Double>]) -> Bool {
      list.contains { model.network.isExtrapolated($0, stride: $0.stride) }
    }
    func bytes(_ list: [Collective<Double>]) -> Double { list.reduce(0) { $0 + $1.bytes } }
    func exchange(
      _ name: String, _ time: Double, _ list: [Collective<Double>], traffic: Double, isCharged: Bool = true
    ) -> CostNode {
      CostNode(
        name, time: time, standardError: spread(list) * time, bound: .network, isCommunication: true,
        traffic: traffic, isExtrapolated: isExtrapolated(list),
        energy: model.exchangeEnergy(isCharged ? traffic : 0, as: list))
    }
    if piped {
      let far = Collective<Double>(.pointToPoint, bytes: 1, ranks: 2, stride: plan.stageStride)
      // An activation forward and its gradient back for each chunk of layers; their energy is not charged.
      let sent = 2 * Double(plan.microBatches * plan.virtualStages) * model.messageBytes(step, plan)
      nodes.append(
        exchange("messages between stages", times.messages, [far], traffic: sent, isCharged: false))
      // What the slowest stage waits for errs as its own work does.
      let share = times.bubble / micro.time.value
      nodes.append(
        CostNode(
          "pipeline bubble", time: times.bubble, standardError: share * micro.standardError.value,
          bound: micro.bound))
    }
    let sharded = plan.sharding == .parameters
    if plan.replicas > 1 {
      var lost: [CostNode] = []
      let weights = exchanges.layerWeights
      let gradients = exchanges.layerGradients + exchanges.outerGradients
      let sends = plan.gradientExchanges
      let payload =
        Double(sends) * (times.layers * bytes(exchanges.layerGradients) + bytes(exchanges.outerGradients))
      let gathered = 2 * Double(plan.microBatches) * times.layers * bytes(weights)
      if sharded {
        lost.append(
          exchange(
            plan.overlap ? "exposed weight gathers" : "weight gathers", times.exposedWeights, weights,
            traffic: gathered))
      }
      let kind = plan.sharding == .none ? "all-reduces" : "reduce-scatters"
      if plan.overlap {
        lost.append(exchange("exposed \(kind)", times.exposedGradients, gradients, traffic: payload))
        lost.append(
          CostNode(
            "kernels beside \(sharded ? "exchanges" : kind)", time: times.slowdown,
            standardError: slowdownSpread * times.slowdown, bound: .network))
      } else {
        lost.append(exchange("gradient \(kind)", times.exposedGradients, gradients, traffic: payload))
      }
      nodes.append(CostNode(sharded ? "weights and gradients" : "gradient exchange", parts: lost))
    }
    if scenario.optimizer != .none {
      nodes.append(part("optimizer") { scenario.stepUpdates(step).list(into: &$0) })
    }
    if times.updatedWeights > 0 {
      nodes.append(
        exchange(
          "updated weights", times.updatedWeights, exchanges.updatedWeights,
          traffic: bytes(exchanges.updatedWeights)))
    }
    if times.once > 0 {
      nodes.append(
        CostNode(
          "once a step", time: times.once, standardError: onceSpread * times.once, bound: .launch))
    }
    root = CostNode(
      "training step", parts: nodes, noise: Swift.max(model.commonSpread, wholeStepSpread),
      spread: scenario.factors[.spread])
  }
}

/// Relative error that all parts of a training step have in common, where nothing else is known.
let wholeStepSpread = 0.02

/// Relative error of what a program does once a step.
let onceSpread = 0.5

/// Relative error of an exchange of which nothing is known.
let closedFormError = 0.14

extension Scenario {
  /// How often the parts of the step run.
  func stepCounts(_ transformer: TransformerModel) -> StepCounts<Double> {
    let layers = plan.stageLayers(of: transformer.layers) ?? (transformer.layers, transformer.layers)
    return StepCounts(
      stages: Double(plan.pipeline), virtualStages: Double(plan.virtualStages),
      microBatches: Double(plan.microBatches), gradientExchanges: Double(plan.gradientExchanges),
      middleLayers: Double(layers.middle),
      endLayers: Double(layers.ends))
  }

  /// What the groups exchange.
  func stepExchanges(_ step: TransformerStep<Double>) -> StepExchanges<Double> {
    StepExchanges(step, plan, gradientBytes: gradientDataType.bytes)
  }

  /// How the weights are updated.
  func stepUpdates(_ step: TransformerStep<Double>) -> StepUpdates<Double> {
    let memory = memoryForm(step)
    return StepUpdates(
      parameters: memory.updatedParameters, rule: optimizer, mixed: dataType.bytes < 4)
  }

  /// The times of the parts of the step.
  func stepParts(_ step: TransformerStep<Double>, on model: DeviceModel<Double>) -> StepParts<Double> {
    model.stepParts(
      step, plan, exchanges: stepExchanges(step), updates: stepUpdates(step),
      host: hostStarts)
  }

  /// What the step keeps in memory.
  func memoryForm(_ step: TransformerStep<Double>) -> MemoryForm<Double> {
    // The optimizer's state in FP32, and FP32 weights where kernels read shorter ones.
    let master: Double = optimizer != .none && dataType.bytes < 4 ? 4 : 0
    return MemoryForm(
      step, plan, gradientBytes: gradientDataType.bytes, optimizerBytes: optimizer.stateBytes + master)
  }
}

import Hardware
public import Quantities
public import Workloads

/// Adds up operators that run one after another: their times, how many there are, and what they ask of the power.
public struct CostSum<N: ModelNumber>: OperatorSink {
  let model: DeviceModel<N>
  /// Whether demands are added up too.
  let wantsDemand: Bool
  /// Their time, in seconds.
  public private(set) var time = N(0)
  /// How many there are.
  public private(set) var kernels = 0.0
  /// What they ask of the device's power; nothing unless it is wanted.
  public private(set) var demand = EnergyDemand<N>.zero

  /// Nothing yet.
  public init(_ model: DeviceModel<N>, wantsDemand: Bool = false) {
    self.model = model
    self.wantsDemand = wantsDemand
  }

  /// Adds one operator; one that the device cannot do takes for ever.
  public mutating func add(_ operation: Operator<N>) {
    let cost = model.stepCost(operation)
    time = time + cost.time
    kernels += 1
    if wantsDemand { demand = demand + model.demand(of: operation, cost: cost) }
  }
}

extension DeviceModel {
  /// The cost of an operator between others of a step, at the clock of ``clock``.
  ///
  /// The ranks of an exchange do not arrive together there.
  ///
  /// - Parameter operation: the operator.
  /// - Returns: an endless time when the device cannot do it.
  public func stepCost(_ operation: Operator<N>) -> Cost<N> {
    guard var cost = fullClockCost(operation) else { return Cost(time: N(.infinity)) }
    guard let clock else { return cost }
    let demand = energy.demand(of: operation.work, operation.dataType, cost: cost)
    cost.time = cost.time + demand.clockedTime * (1 / clock - N(1))
    return cost
  }

  /// The cost of an operator between others of a step; at full clock where ``clock`` is given.
  func fullClockCost(_ operation: Operator<N>) -> Cost<N>? {
    guard var cost = cost(operation.work, operation.dataType) else { return nil }
    if clock != nil {
      cost.time = cost.time / cost.slowdown
      cost.slowdown = N(1)
    }
    cost.time = cost.time * stepFactors.factor(of: operation.work)
    if case .collective(let exchange) = operation.work, exchange.kind == .pointToPoint {
      cost.time = cost.time * stepFactors.message
    } else if case .collective(let exchange) = operation.work, reachesBeyondNode(exchange) {
      cost.time = cost.time * stepFactors.farExchange
    }
    if case .collective(let exchange) = operation.work, exchange.ranks > 1 {
      cost.time = cost.time + contention.handover
    }
    return cost
  }

  /// Whether an exchange leaves the node.
  private func reachesBeyondNode(_ exchange: Collective<N>) -> Bool {
    guard let near = device.links.first else { return false }
    return exchange.ranks * exchange.stride > near.devices
  }

  /// The kernels that a closure lists, added up.
  ///
  /// They are listed first: `Workloads` has its lists compiled for `OperatorList<Double>`.
  func sum(demands: Bool = false, _ list: (inout OperatorList<N>) -> Void) -> CostSum<N> {
    var operators = OperatorList<N>()
    list(&operators)
    var sum = CostSum(self, wantsDemand: demands)
    for operation in operators.operators { sum.add(operation) }
    return sum
  }

  /// The time of what a closure lists, with what the host takes to start it, at the clock that the power limit leaves it.
  private func time(_ host: HostLaunch<N>, _ list: (inout OperatorList<N>) -> Void) -> N {
    let sum = running(list).sum(list)
    return host.time(device: sum.time, kernels: sum.kernels)
  }

  /// The times of the parts of a training step.
  ///
  /// - Parameters:
  ///   - step: the kernels.
  ///   - plan: how it is spread; its tensor and context degrees are those of the step.
  ///   - exchanges: what the plan's groups exchange.
  ///   - updates: how the weights are updated.
  ///   - host: how the host starts kernels.
  /// - Returns: the parts.
  @_specialize(where N == Double)
  public func stepParts(
    _ step: TransformerStep<N>, _ plan: ParallelPlan, exchanges: StepExchanges<N>, updates: StepUpdates<N>,
    host: HostLaunch<N> = HostLaunch()
  ) -> StepParts<N> {
    var parts = layerParts(step, recompute: plan.recompute, host: host)
    parts.message = messageTime(step, plan)
    addExchanges(exchanges, to: &parts)
    if let channels = besideChannels(plan) {
      (parts.forwardLoss, parts.backwardLoss) = losses(step, plan, channels: channels)
    }
    parts.optimizer = updateTime(updates, host: host)
    return parts
  }

  /// The parts that depend on the layers alone: neither on replicas, nor on stages, nor on the number of micro-batches.
  ///
  /// - Parameters:
  ///   - step: the kernels.
  ///   - recompute: what the backward pass computes again.
  ///   - host: how the host starts kernels.
  /// - Returns: passes of layer, embedding and head; everything else takes no time.
  @_specialize(where N == Double)
  public func layerParts(_ step: TransformerStep<N>, recompute: Recompute, host: HostLaunch<N> = HostLaunch())
    -> StepParts<
      N
    >
  {
    var parts = StepParts<N>()
    let all = Double(step.layers.reduce(0) { $0 + $1.count })
    for (layer, count) in step.layers {
      let share = Double(count) / all
      let model = running(layer, recompute: recompute)
      let forward = model.sum { layer.forward(into: &$0) }
      parts.forward = parts.forward + share * host.time(device: forward.time, kernels: forward.kernels)
      // The host runs ahead within what is computed again and the gradients after it: one floor under both.
      let again = model.sum { layer.recompute(recompute, into: &$0) }
      let gradients = model.sum { layer.backward(into: &$0) }
      let both: N = host.time(
        device: again.time + gradients.time, kernels: again.kernels + gradients.kernels, backward: true)
      parts.recompute = parts.recompute + share * again.time
      parts.backward = parts.backward + share * (both - again.time)
    }
    parts.embedding = time(host) { step.embedding(backward: false, into: &$0) }
    parts.embeddingGradient = time(host) { step.embedding(backward: true, into: &$0) }
    parts.head = time(host) { step.head(backward: true, into: &$0) }
    parts.perMicroBatch = stepFactors.microBatch
    parts.once = stepFactors.once
    return parts
  }

  /// The model with the clock that the power limit leaves a layer.
  ///
  /// Layers follow one another for longer than the regulator waits: one clock for all of their passes.
  ///
  /// - Parameters:
  ///   - layer: the layer.
  ///   - recompute: what its backward pass computes again.
  /// - Returns: this model where steps are not sustained.
  public func running(_ layer: TransformerLayer<N>, recompute: Recompute) -> DeviceModel {
    running {
      layer.forward(into: &$0)
      layer.recompute(recompute, into: &$0)
      layer.backward(into: &$0)
    }
  }

  /// Adds the times of what the groups exchange besides activations.
  @_specialize(where N == Double)
  public func addExchanges(_ exchanges: StepExchanges<N>, to parts: inout StepParts<N>) {
    func exchange(_ list: [Collective<N>]) -> N {
      list.reduce(N(0)) { $0 + stepCost(Operator("exchange", .backward, .collective($1), .bf16)).time }
    }
    parts.layerGradients = exchange(exchanges.layerGradients)
    parts.outerGradients = exchange(exchanges.outerGradients)
    parts.layerWeights = exchange(exchanges.layerWeights)
    parts.updatedWeights = exchange(exchanges.updatedWeights)
    func copies(_ operators: [Operator<N>]) -> N {
      operators.isEmpty ? N(0) : time(HostLaunch()) { for operation in operators { $0.add(operation) } }
    }
    parts.weightCopies = copies(exchanges.weightCopies)
    parts.gradientCopies = copies(exchanges.gradientCopies)
  }

  /// The compute units that exchanges among replicas take from the kernels beside them.
  ///
  /// - Parameter plan: how the step is spread.
  /// - Returns: nil when nothing runs beside kernels.
  @_specialize(where N == Double)
  public func besideChannels(_ plan: ParallelPlan) -> N? {
    guard plan.overlap, plan.replicas > 1 else { return nil }
    return network.channels(ranks: plan.replicas, stride: plan.tensor)
  }

  /// What the kernels of a layer lose on the units that an exchange leaves them, forward and backward, in seconds.
  @_specialize(where N == Double)
  public func losses(_ step: TransformerStep<N>, _ plan: ParallelPlan, channels: N) -> (
    forward: N, backward: N
  ) {
    func loss(_ list: (inout OperatorList<N>) -> Void) -> N {
      var operators = OperatorList<N>()
      list(&operators)
      var (alone, crowded) = (N(0), N(0))
      for operation in operators.operators {
        // What the device cannot do takes for ever without losing anything.
        guard let cost = cost(operation.work, operation.dataType) else { return N(0) }
        alone = alone + cost.time
        crowded = crowded + crowdedTime(operation, alone: cost, held: channels)
      }
      return N.larger(N(0), crowded - alone)
    }
    let backward = loss {
      step.layer.recompute(plan.recompute, into: &$0)
      step.layer.backward(into: &$0)
    }
    return (plan.sharding == .parameters ? loss { step.layer.forward(into: &$0) } : N(0), backward)
  }

  /// The time of the update of the weights, in seconds.
  @_specialize(where N == Double)
  public func updateTime(_ updates: StepUpdates<N>, host: HostLaunch<N> = HostLaunch()) -> N {
    time(host) { updates.list(into: &$0) }
  }

  /// Bytes that a device sends to the neighbouring stage at once: a micro-batch's activations, or its share of them.
  ///
  /// - Parameters:
  ///   - step: the step.
  ///   - plan: how it is spread.
  /// - Returns: bytes.
  public func messageBytes(_ step: TransformerStep<N>, _ plan: ParallelPlan) -> N {
    let layer = step.layer
    let bytes: N = layer.residentTokens * layer.hidden * layer.dataType.bytes
    return bytes / Double(plan.scatterGather && !layer.sequenceParallel ? plan.tensor : 1)
  }

  /// One activation to the neighbouring stage: the slowest boundary counts.
  @_specialize(where N == Double)
  public func messageTime(_ step: TransformerStep<N>, _ plan: ParallelPlan) -> N {
    guard plan.pipeline > 1 else { return N(0) }
    let layer = step.layer
    let bytes: N = layer.residentTokens * layer.hidden * layer.dataType.bytes
    let parts = plan.scatterGather && !layer.sequenceParallel ? plan.tensor : 1
    let send = Collective<N>(
      .pointToPoint, bytes: messageBytes(step, plan), ranks: 2, stride: farthestStride(plan))
    var time = stepCost(Operator("message", .forward, .collective(send), layer.dataType)).time
    if parts > 1 {
      let gather = Collective<N>(.allGather, bytes: bytes, ranks: plan.tensor)
      time = time + stepCost(Operator("gathering", .forward, .collective(gather), layer.dataType)).time
    }
    return time
  }

  /// The distance at which a message meets the slowest network that a boundary of this plan crosses.
  private func farthestStride(_ plan: ParallelPlan) -> Int {
    guard let node = device.links.first?.devices, plan.devices > node else { return plan.stageStride }
    return Swift.max(plan.stageStride, node)
  }
}

/// How the host starts kernels.
public struct HostLaunch<N: ModelNumber>: Sendable {
  /// Time to start one, in seconds; zero when a graph starts all.
  public let each: N
  /// The same in the backward pass, which frameworks replay without the program's own language.
  public let eachBackward: N
  /// Whether the host waits for a kernel before it starts the next (`CUDA_LAUNCH_BLOCKING`), rather than running ahead.
  public let blocks: Bool

  /// No host in the way, unless told otherwise.
  public init(each: N = N(0), eachBackward: N = N(0), blocks: Bool = false) {
    self.each = each
    self.eachBackward = eachBackward
    self.blocks = blocks
  }

  /// The time of a part: all starts added where each is waited for, else a floor under it.
  ///
  /// - Parameters:
  ///   - device: time of its kernels, in seconds.
  ///   - kernels: how many there are.
  ///   - backward: whether they belong to the backward pass.
  /// - Returns: the time of both together.
  public func time(device: N, kernels: Double, backward: Bool = false) -> N {
    let starts: N = kernels * (backward ? eachBackward : each)
    return blocks ? device + starts : N.larger(device, starts)
  }
}

/// What the groups of a plan exchange besides activations.
public struct StepExchanges<N: ModelNumber>: Sendable {
  /// For the gradients of one layer.
  public let layerGradients: [Collective<N>]
  /// For the gradients outside of the layers.
  public let outerGradients: [Collective<N>]
  /// To gather the weights of one layer.
  public let layerWeights: [Collective<N>]
  /// To gather the updated weights of a stage.
  public let updatedWeights: [Collective<N>]
  /// Kernels that put the gathered weights of one layer where its kernels read them, once for each gathering.
  public let weightCopies: [Operator<N>]
  /// Kernels that put the gradients of one layer, as long as they are exchanged, into the buffer of the exchange.
  public let gradientCopies: [Operator<N>]

  /// The exchanges of a plan.
  ///
  /// Replicas all-reduce gradients; where they share out the optimizer's state they reduce-scatter them and gather the
  /// updated weights. Experts are summed over the replicas that hold the same ones.
  ///
  /// - Parameters:
  ///   - step: the kernels, with the parameters of a device.
  ///   - plan: the groups.
  ///   - gradientBytes: bytes of one exchanged gradient.
  public init(_ step: TransformerStep<N>, _ plan: ParallelPlan, gradientBytes: Double) {
    let weightBytes = step.layer.dataType.bytes
    let reduce: Collective<N>.Kind = plan.sharding == .none ? .allReduce : .reduceScatter
    let (dense, experts) = step.layerParametersByGroup(expertParallel: plan.expert)
    let groups: [(parameters: Double, ranks: Int, stride: Int)] = [
      (dense, plan.replicas, plan.tensor), (experts, plan.expertReplicas, plan.tensor * plan.expert),
    ]
    func collectives(_ kind: Collective<N>.Kind, _ bytes: Double) -> [Collective<N>] {
      groups.filter { $0.parameters > 0 && $0.ranks > 1 }.map {
        Collective(kind, bytes: N(bytes * $0.parameters), ranks: $0.ranks, stride: $0.stride)
      }
    }
    layerGradients = collectives(reduce, gradientBytes)
    let outer = step.outerParameters
    outerGradients =
      plan.replicas > 1
      ? [
        Collective(reduce, bytes: N(gradientBytes * outer), ranks: plan.replicas, stride: plan.tensor)
      ] : []
    layerWeights = plan.sharding == .parameters ? collectives(.allGather, weightBytes) : []
    let stage = Double(step.layers.reduce(0) { $0 + $1.count }) / Double(plan.pipeline)
    updatedWeights =
      plan.sharding == .optimizer || plan.sharding == .gradients
      ? collectives(.allGather, weightBytes * stage) : []
    /// A kernel that reads and writes so many bytes for each parameter of a layer.
    func copies(_ name: StaticString, _ bytes: Double, _ pass: Operator<N>.Pass) -> [Operator<N>] {
      guard plan.replicas > 1 else { return [] }
      let kernel = Streaming<N>(.copy, rows: N(1), columns: N((dense + experts) * bytes / 4))
      return [Operator(name, pass, .streaming(kernel), .bf16)]
    }
    weightCopies =
      plan.sharding == .parameters ? copies("gathered weights copied", 2 * weightBytes, .forward) : []
    gradientCopies =
      plan.sharding == .parameters || plan.sharding == .gradients
      ? copies("gradients copied", weightBytes + gradientBytes, .backward) : []
  }
}

/// The kernels that update the weights of one device.
public struct StepUpdates<N: ModelNumber>: Sendable {
  /// Parameters that the device updates.
  public let parameters: Double
  /// The rule.
  public let rule: Optimizer
  /// Whether weights have 16 bits and a copy of 32: norm and copies are passes of their own.
  public let mixed: Bool

  /// An update.
  public init(parameters: Double, rule: Optimizer, mixed: Bool) {
    self.parameters = parameters
    self.rule = rule
    self.mixed = mixed
  }

  /// Lists the kernels.
  public func list<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    guard rule != .none else { return }
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ columns: Double) {
      sink.add(
        Operator(name, .optimizer, .streaming(Streaming(kind, rows: N(1), columns: N(columns))), .fp32))
    }
    if mixed { stream("gradient norm", .sum, parameters) }
    rule.update(parameters: N(parameters), name: "weight update", into: &sink)
    // Four bytes in and two out, where a copy of FP32 counts eight.
    if mixed { stream("weights in 16 bits", .copy, 0.75 * parameters) }
  }
}

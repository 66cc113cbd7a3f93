public import Quantities
public import Workloads

/// What the parts of a training step ask of one device's power, as ``StepParts`` holds their times.
public struct StepDemands<N: ModelNumber>: Sendable {
  /// Forward pass, recomputation and backward pass of one layer (of the mean of unlike layers).
  public var layer: EnergyDemand<N>
  /// Rows of the embedding and their gradient, for one micro-batch.
  public var front: EnergyDemand<N>
  /// Final normalisation, logits and loss, forward and backward.
  public var head: EnergyDemand<N>
  /// Copies of the gathered weights of one layer, for each gathering, and of its gradients, for each micro-batch.
  public var weightCopies, gradientCopies: EnergyDemand<N>
  /// Update of the weights of one stage.
  public var optimizer: EnergyDemand<N>
  /// Energy of exchanging the gradients of one layer, those outside of the layers, of gathering the weights of one layer,
  /// and the updated weights of a stage, in joules.
  public var layerGradients, outerGradients, layerWeights, updatedWeights: N

  /// Parts that ask for nothing.
  @inlinable
  public init() {
    (layer, front, head, optimizer) = (.zero, .zero, .zero, .zero)
    (weightCopies, gradientCopies) = (.zero, .zero)
    (layerGradients, outerGradients, layerWeights, updatedWeights) = (N(0), N(0), N(0), N(0))
  }
}

extension DeviceModel {
  /// What an operator of a step asks for, at full clock.
  ///
  /// - Parameters:
  ///   - operation: the operator.
  ///   - cost: its cost in the step.
  /// - Returns: time and energy in parts.
  public func demand(of operation: Operator<N>, cost: Cost<N>) -> EnergyDemand<N> {
    if clock != nil {
      guard let full = fullClockCost(operation) else { return .zero }
      return energy.demand(of: operation.work, operation.dataType, cost: full)
    }
    var atFullClock = cost
    atFullClock.time = cost.time / cost.slowdown
    return energy.demand(of: operation.work, operation.dataType, cost: atFullClock)
  }

  /// Energy of so many bytes of payload that some exchanges move, above that of the idle device, in joules.
  ///
  /// - Parameters:
  ///   - payload: bytes of all exchanges together.
  ///   - kinds: exchanges of the kinds that move them.
  /// - Returns: joules of one device.
  public func exchangeEnergy(_ payload: N, as kinds: [Collective<N>]) -> N {
    let none = N(0)
    let bytes = kinds.reduce(none) { $0 + $1.bytes }
    let joules = kinds.reduce(none) { sum, exchange in
      sum + energy.demand(of: .collective(exchange), .bf16, cost: Cost(time: none)).otherEnergy
    }
    return N.choose(
      where: bytes, isAtMost: none, then: none, otherwise: payload * joules / N.larger(bytes, N(1e-300)))
  }

  /// What layers, embedding and head ask for: neither replicas, nor stages, nor the number of micro-batches matter.
  ///
  /// - Parameters:
  ///   - step: the kernels.
  ///   - recompute: what the backward pass computes again.
  ///   - host: how the host starts kernels; what it makes the device wait is time without energy above idle.
  /// - Returns: the demands; exchanges and update ask for nothing.
  @_specialize(where N == Double)
  public func layerDemands(
    _ step: TransformerStep<N>, recompute: Recompute, host: HostLaunch<N> = HostLaunch()
  ) -> StepDemands<N> {
    var demands = StepDemands<N>()
    let all = Double(step.layers.reduce(0) { $0 + $1.count })
    for (layer, count) in step.layers {
      let model = running(layer, recompute: recompute)
      let forward = model.demand(host) { layer.forward(into: &$0) }
      let again = model.sum(demands: true) { layer.recompute(recompute, into: &$0) }
      let gradients = model.sum(demands: true) { layer.backward(into: &$0) }
      var backward = again.demand + gradients.demand
      let device: N = again.time + gradients.time
      let both = host.time(device: device, kernels: again.kernels + gradients.kernels, backward: true)
      backward.time = backward.time + (both - device)
      demands.layer = demands.layer + N(Double(count) / all) * (forward + backward)
    }
    demands.front =
      runningDemand(host) { step.embedding(backward: false, into: &$0) }
      + runningDemand(host) { step.embedding(backward: true, into: &$0) }
    demands.head = runningDemand(host) { step.head(backward: true, into: &$0) }
    return demands
  }

  /// Adds the energy of what the groups exchange besides activations.
  @_specialize(where N == Double)
  public func addExchanges(_ exchanges: StepExchanges<N>, to demands: inout StepDemands<N>) {
    func energy(_ part: [Collective<N>], as kinds: [Collective<N>]) -> N {
      exchangeEnergy(part.reduce(N(0)) { $0 + $1.bytes }, as: kinds)
    }
    let gradients = exchanges.layerGradients + exchanges.outerGradients
    demands.layerGradients = energy(exchanges.layerGradients, as: gradients)
    demands.outerGradients = energy(exchanges.outerGradients, as: gradients)
    demands.layerWeights = energy(exchanges.layerWeights, as: exchanges.layerWeights)
    demands.updatedWeights = energy(exchanges.updatedWeights, as: exchanges.updatedWeights)
    func copies(_ operators: [Operator<N>]) -> EnergyDemand<N> {
      operators.isEmpty
        ? .zero : runningDemand(HostLaunch()) { for operation in operators { $0.add(operation) } }
    }
    demands.weightCopies = copies(exchanges.weightCopies)
    demands.gradientCopies = copies(exchanges.gradientCopies)
  }

  /// What the update of the weights asks for.
  @_specialize(where N == Double)
  public func updateDemand(_ updates: StepUpdates<N>, host: HostLaunch<N> = HostLaunch()) -> EnergyDemand<N> {
    runningDemand(host) { updates.list(into: &$0) }
  }

  /// What a part that repeats asks for at full clock, with what the host takes to start it.
  private func runningDemand(_ host: HostLaunch<N>, _ list: (inout OperatorList<N>) -> Void)
    -> EnergyDemand<N>
  { running(list).demand(host, list) }

  /// What a part asks for, with what the host takes to start it.
  private func demand(_ host: HostLaunch<N>, _ list: (inout OperatorList<N>) -> Void) -> EnergyDemand<N> {
    let sum = sum(demands: true, list)
    var demand = sum.demand
    demand.time = demand.time + (host.time(device: sum.time, kernels: sum.kernels) - sum.time)
    return demand
  }
}

/// What a step asks of the power of the slowest stage's devices, phase by phase: each is long against the regulator of the
/// power, so that the limit holds it on its own.
public struct StepPhases<N: ModelNumber>: Sendable {
  /// Micro-batches, with the exchanges between and beside them.
  public let working: PowerPhase<N>
  /// Waiting while the pipeline fills and empties.
  public let waiting: PowerPhase<N>
  /// The update of the weights, and what the program does once a step.
  public let updating: PowerPhase<N>

  /// The phases one after another.
  @inlinable
  public init(working: PowerPhase<N>, waiting: PowerPhase<N>, updating: PowerPhase<N>) {
    self.working = working
    self.waiting = waiting
    self.updating = updating
  }

  /// What the whole step asks for.
  @inlinable
  public var demand: EnergyDemand<N> { working.demand + waiting.demand + updating.demand }
}

extension TrainingStepForm {
  /// What a step asks of the power of the slowest stage's devices.
  ///
  /// Waiting, and what exchanges add to the time, draw what the idle device draws; exchanges ask for their energy whether
  /// they are exposed or not.
  ///
  /// - Parameters:
  ///   - demands: of its parts.
  ///   - parts: their times.
  ///   - counts: how often they run.
  ///   - times: of the step.
  /// - Returns: the demands of one device.
  @inlinable
  public static func phases(
    _ demands: StepDemands<N>, _ parts: StepParts<N>, _ counts: StepCounts<N>, _ times: StepTimes<N>
  ) -> StepPhases<N> {
    let m = counts.microBatches
    let layer = demands.layer + N(2) * demands.weightCopies + demands.gradientCopies
    var batch = times.layers * layer + times.front * demands.front + times.head * demands.head
    batch.time = batch.time + parts.perMicroBatch
    var working = m * batch
    let waits: N = times.messages + times.exposedWeights + times.exposedGradients + times.slowdown
    working.time = working.time + waits
    let gradients: N =
      counts.gradientExchanges * (times.layers * demands.layerGradients + demands.outerGradients)
    let weights: N = 2 * m * times.layers * demands.layerWeights
    working.otherEnergy = working.otherEnergy + gradients + weights
    var waiting = EnergyDemand<N>.zero
    waiting.time = times.bubble
    var updating = demands.optimizer
    updating.time = updating.time + times.updatedWeights + times.once
    updating.otherEnergy = updating.otherEnergy + demands.updatedWeights
    return StepPhases(
      working: PowerPhase(demand: working, time: m * times.microBatch + waits),
      waiting: PowerPhase(demand: waiting, time: times.bubble),
      updating: PowerPhase(demand: updating, time: times.optimizer + times.updatedWeights + times.once))
  }
}

extension PowerRoof {
  /// Work that runs again and again and takes at least a time: what the clock leaves over is drawn idle.
  ///
  /// - Parameters:
  ///   - demand: what it asks for at full clock; its time is above zero.
  ///   - time: the least time, in seconds.
  /// - Returns: its time, energy and clock under the limit.
  @inlinable
  public func sustained(_ demand: EnergyDemand<N>, atLeast time: N) -> SustainedCost<N> {
    let limited = sustained(demand)
    let longest = N.larger(limited.time, time)
    return SustainedCost(
      time: longest, energy: limited.energy + idle * (longest - limited.time), clock: limited.clock)
  }

  /// A step that runs again and again, each phase under the limit.
  ///
  /// - Parameter step: what its phases ask for.
  /// - Returns: its time and energy, and the clock while micro-batches run.
  @inlinable
  public func sustained(_ step: StepPhases<N>) -> SustainedCost<N> {
    let (working, updating) = (sustained(step.working), sustained(step.updating))
    let waiting = step.waiting.time
    return SustainedCost(
      time: working.time + waiting + updating.time,
      energy: working.energy + idle * waiting + updating.energy, clock: working.clock)
  }
}

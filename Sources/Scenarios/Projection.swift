public import CostModels
import Hardware
public import Quantities
import Workloads

/// What a part of a step costs, with the parts that it is made of.
public struct CostNode: Sendable {
  /// What it is.
  public let name: String
  /// How often it runs.
  public let count: Int
  /// Time of all its runs.
  public let time: Seconds
  /// Standard error of that time, from the spread of the forms on rows that they did not see.
  public let standardError: Seconds
  /// Operations of all its runs.
  public let work: FLOP
  /// Bytes of memory (or payload, for an exchange) of all its runs, at the least.
  public let traffic: Bytes
  /// What an operator waits for; for a part with parts, what most of its time waits for.
  public let bound: Bound
  /// Whether it is an exchange between devices.
  public let isCommunication: Bool
  /// Whether its size lies outside of what the calibration saw.
  public let isExtrapolated: Bool
  /// What it asks of the device's power.
  public let demand: EnergyDemand<Double>
  /// The parts, in the order in which they run.
  public let parts: [CostNode]

  /// A part with parts: everything in it is their sum.
  ///
  /// - Parameters:
  ///   - name: what it is.
  ///   - count: how often its parts run.
  ///   - parts: the parts of one run.
  ///   - noise: relative error of the whole that its parts' errors do not hold.
  ///   - spread: relative error of the whole, where wholes were measured; it replaces what the parts' errors add up to.
  init(_ name: String, count: Int = 1, parts: [CostNode], noise: Double = 0, spread: Double? = nil) {
    self.name = name
    self.count = count
    self.parts = parts
    let factor = Double(count)
    time = factor * parts.reduce(.zero) { $0 + $1.time }
    // Equal kernels err alike, so a repeated part's error grows with the count; unlike parts err independently.
    let variance = parts.reduce(0) { $0 + $1.standardError.value * $1.standardError.value }
    let common = noise * parts.reduce(.zero) { $0 + $1.time }.value
    let whole = spread.map { Seconds($0 * parts.reduce(.zero) { $0 + $1.time }.value) }
    standardError = factor * (whole ?? Seconds((variance + common * common).squareRoot()))
    work = factor * parts.reduce(.zero) { $0 + $1.work }
    traffic = factor * parts.reduce(.zero) { $0 + $1.traffic }
    var byBound: [Bound: Double] = [:]
    for part in parts {
      for (bound, seconds) in part.timeByBound { byBound[bound, default: 0] += seconds }
    }
    bound = Bound.allCases.max { byBound[$0, default: 0] < byBound[$1, default: 0] } ?? .launch
    isCommunication = !parts.isEmpty && parts.allSatisfy(\.isCommunication)
    isExtrapolated = parts.contains(where: \.isExtrapolated)
    demand = factor * parts.reduce(.zero) { $0 + $1.demand }
  }

  /// Relative error of the sum of unlike kernels whose errors come from the constants that they are costed with.
  ///
  /// Errors of one source add up; those of different sources are independent.
  ///
  /// - Parameters:
  ///   - parts: the kernels.
  ///   - sources: where the error of each comes from.
  /// - Returns: the standard error over the time.
  static func spread(of parts: [CostNode], sources: [String]) -> Double {
    var errors: [String: Double] = [:]
    for (part, source) in zip(parts, sources) { errors[source, default: 0] += part.standardError.value }
    let variance = errors.values.sorted().reduce(0) { $0 + $1 * $1 }
    let time = parts.reduce(0) { $0 + $1.time.value }
    return time > 0 ? variance.squareRoot() / time : 0
  }

  private init(_ node: CostNode, count: Int, time: Seconds, factor: Double, parts: [CostNode]) {
    name = node.name
    self.count = count
    self.time = time
    standardError = factor * node.standardError
    work = factor * node.work
    traffic = factor * node.traffic
    bound = node.bound
    isCommunication = node.isCommunication
    isExtrapolated = node.isExtrapolated
    demand = factor * node.demand
    self.parts = parts
  }

  /// The same part, run a number of times that need not be whole: a mean over unlike stages.
  func scaled(by factor: Double) -> CostNode {
    CostNode(
      self, count: count, time: factor * time, factor: factor, parts: parts.map { $0.scaled(by: factor) })
  }

  /// One operator.
  init(
    _ operation: Operator<Double>, name: String, count: Int = 1, cost: Cost<Double>, spread: Double,
    isExtrapolated: Bool, demand: EnergyDemand<Double>
  ) {
    self.name = name
    self.count = count
    let factor = Double(count)
    self.demand = factor * demand
    time = Seconds(factor * cost.time)
    standardError = Seconds(factor * cost.time * spread)
    switch operation.work {
    case .gemm(let shape):
      work = FLOP(factor * shape.flop)
      traffic = Bytes(factor * shape.bytes(operation.dataType))
      isCommunication = false
    case .attention(let shape):
      work = FLOP(factor * shape.flop)
      traffic = Bytes(factor * shape.bytes(operation.dataType))
      isCommunication = false
    case .streaming(let shape):
      work = .zero
      traffic = Bytes(factor * shape.bytes(operation.dataType))
      isCommunication = false
    case .collective(let exchange):
      work = .zero
      traffic = Bytes(factor * exchange.bytes)
      isCommunication = true
    }
    bound = cost.bound
    self.isExtrapolated = isExtrapolated
    parts = []
  }

  /// A time that is no operator's: what is left of an exchange, what kernels lose beside one, waiting for the host.
  init(
    _ name: String, time: Double, standardError: Double, bound: Bound, isCommunication: Bool = false,
    traffic: Double = 0, isExtrapolated: Bool = false, energy: Double = 0
  ) {
    self.name = name
    count = 1
    self.time = Seconds(time)
    demand = EnergyDemand(time: time, clockedTime: 0, coreEnergy: 0, otherEnergy: energy)
    self.standardError = Seconds(standardError)
    work = .zero
    self.traffic = Bytes(traffic)
    self.bound = bound
    self.isCommunication = isCommunication
    self.isExtrapolated = isExtrapolated
    parts = []
  }

  /// Operators below, each as often as it runs.
  var operatorRuns: Int { parts.isEmpty ? count : count * parts.reduce(0) { $0 + $1.operatorRuns } }

  /// Time by what it waits for, over all operators below.
  public var timeByBound: [Bound: Double] {
    guard !parts.isEmpty else { return [bound: time.value] }
    var result: [Bound: Double] = [:]
    for part in parts {
      for (bound, seconds) in part.timeByBound { result[bound, default: 0] += seconds * Double(count) }
    }
    return result
  }

  /// Time of exchanges between devices, over all operators below.
  public var communicationTime: Seconds {
    guard !parts.isEmpty else { return isCommunication ? time : .zero }
    return Double(count) * parts.reduce(.zero) { $0 + $1.communicationTime }
  }

  /// The 90 % interval of the time, on a logarithmic scale: the error is relative.
  public var interval90: ClosedRange<Seconds> {
    Self.interval90(time: time, standardError: standardError)
  }

  /// The 90 % interval of a time with this standard error.
  public static func interval90(time: Seconds, standardError: Seconds) -> ClosedRange<Seconds> {
    guard time.value > 0 else { return time...time }
    // 1.645 standard deviations hold 90 % of a normal distribution.
    let width = (1.645 * standardError.value / time.value).exponential()
    return time / width...time * width
  }
}

/// Relative error of one run of layers against the mean of runs, which no sum of kernels can know.
///
/// notebooks-data/measurements/README.md, on `tp_layers_*.csv`: "noise between repeated runs is about 2 %"; two runs
/// differ by the root of two more than each from the mean.
let repeatedRunSpread = 0.014

/// The answer to a scenario: time of a step with its breakdown, and the rates that follow from it.
public struct Projection: Sendable {
  /// The question.
  public let scenario: Scenario
  /// The step with its parts.
  public let root: CostNode
  /// Time of exchanges that runs beside kernels and does not lengthen the step.
  public let hiddenCommunication: Seconds
  /// Tokens of the step, over all replicas; nil for a list of operators.
  public let tokens: Double?
  /// Operations that the step needs, over all devices; recomputation does not count.
  public let modelWork: FLOP?
  /// Operations that the step executes, over all devices, recomputation included.
  public let hardwareWork: FLOP?
  /// The pieces that a training step is composed of; nil for anything else.
  public let step: StepTimes<Double>?
  /// What a training step keeps in the memory of the fullest device; nil for anything else.
  public let memory: MemoryVerdict?
  /// Speed of the compute units in the layers of a training step over that at full clock.
  ///
  /// Below 1 the power limit holds them. Nil for anything else.
  public let clock: Double?
  /// Why exchanges of gradients beside kernels are not hidden completely; nil where none run beside kernels.
  public let exposure: ExchangeExposure<Double>?
  /// What users of a model feel, and what its weights and cache take; nil unless it is served.
  public let serving: ServingFigures?

  init(
    scenario: Scenario, root: CostNode, hiddenCommunication: Seconds, tokens: Double?, modelWork: FLOP?,
    hardwareWork: FLOP? = nil, step: StepTimes<Double>? = nil, memory: MemoryVerdict? = nil,
    exposure: ExchangeExposure<Double>? = nil, clock: Double? = nil,
    serving: ServingFigures? = nil
  ) {
    self.clock = clock
    self.serving = serving
    self.scenario = scenario
    self.root = root
    self.hiddenCommunication = hiddenCommunication
    self.tokens = tokens
    self.modelWork = modelWork
    self.hardwareWork = hardwareWork
    self.step = step
    self.memory = memory
    self.exposure = exposure
  }

  /// Time of the step.
  public var time: Seconds { root.time }

  /// Tokens a second of all devices.
  public var tokensPerSecond: Double? { tokens.map { $0 / root.time.value } }

  /// Share of the peak rate of all devices that the needed operations use.
  public var modelFLOPUtilization: Double? { utilization(modelWork) }

  /// Share of the peak rate of all devices that the executed operations use.
  public var hardwareFLOPUtilization: Double? { utilization(hardwareWork) }

  private func utilization(_ work: FLOP?) -> Double? {
    guard let work, let peak = Machine<Double>(scenario.device).rate(scenario.dataType) else { return nil }
    return work.value / root.time.value / (peak * Double(scenario.plan.devices))
  }

  /// Time to train on so many tokens as the scenario names.
  public var trainingTime: Seconds? {
    guard let wanted = scenario.trainingTokens, let tokensPerSecond else { return nil }
    return Seconds(wanted / tokensPerSecond)
  }

  /// Share of the time that exchanges between devices take.
  public var communicationShare: Double { root.communicationTime / root.time }
}

extension DeviceModel where N == Double {
  /// Relative error that all kernels of a step have in common: that of repeated runs; without a calibration of the device or
  /// of its family that of constants taken from other devices, which are wrong for all kernels alike.
  var commonSpread: Double { calibration == nil || isForeign ? uncalibratedSpread : repeatedRunSpread }

  /// What the error of an operator comes from: the constants of its form, or the data sheet where nobody measured them.
  func errorSource(of operation: Operator<Double>) -> String {
    let name = formName(of: operation.work, operation.dataType)
    guard let calibration, !isForeign, calibration.forms[name] != nil else { return "data sheet" }
    return name
  }

  /// An operator's cost with its error and whether it is extrapolated.
  ///
  /// - Parameters:
  ///   - operation: the operator, which the device can do (scenarios are checked when they are read).
  ///   - name: what it is for.
  ///   - count: how often it runs.
  /// - Returns: the operator as a part of a step.
  func node(_ operation: Operator<Double>, name: String, count: Int = 1) -> CostNode {
    node(operation, name: name, count: count, cost: stepCost(operation))
  }

  /// An operator of a list, where the ranks of an exchange start it together.
  func aloneNode(_ operation: Operator<Double>, name: String, count: Int) -> CostNode {
    guard case .collective = operation.work, let cost = cost(operation.work, operation.dataType) else {
      return node(operation, name: name, count: count)
    }
    return node(operation, name: name, count: count, cost: cost)
  }

  /// An operator with its cost as a part of a step.
  private func node(_ operation: Operator<Double>, name: String, count: Int = 1, cost: Cost<Double>)
    -> CostNode
  {
    CostNode(
      operation, name: name, count: count, cost: cost, spread: spread(of: operation.work, operation.dataType),
      isExtrapolated: isExtrapolated(operation),
      demand: demand(of: operation, cost: cost))
  }

  /// An operator among unlike kernels that the host starts one by one, as in a profile.
  func eagerNode(_ operation: Operator<Double>) -> CostNode {
    node(
      operation, name: "\(operation.name)",
      cost: costInStep(operation.work, operation.dataType) ?? Cost(time: .infinity))
  }

  /// Whether an operator is more than twice larger or smaller than anything that the calibration saw, or of a data type
  /// or a kind that it did not see.
  func isExtrapolated(_ operation: Operator<Double>) -> Bool {
    if case .collective(let exchange) = operation.work {
      return exchange.ranks > 1 && network.isExtrapolated(exchange, stride: exchange.stride)
    }
    guard let fitted = calibration?.forms[formName(of: operation.work, operation.dataType)],
      !isOfOtherType(operation.work, operation.dataType),
      !hasUnmeasuredRows(operation.work, operation.dataType), !isOfRelative(operation.work)
    else { return true }
    let size: Double
    switch operation.work {
    case .gemm(let shape): size = shape.flop
    case .attention(let shape): size = shape.flop
    case .streaming(let shape): size = shape.bytes(operation.dataType)
    case .collective(let exchange): size = exchange.bytes
    }
    return size > 2 * fitted.domain.upperBound || size < 0.5 * fitted.domain.lowerBound
  }
}

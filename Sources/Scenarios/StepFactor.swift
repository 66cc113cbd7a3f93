public import CostModels
import Documents
public import Quantities
import Workloads

/// A constant of a software stack under `run` of a scenario.
public enum StepFactor: String, Sendable, CaseIterable {
  /// Time of kernels in a step over their time alone.
  case compute = "compute_slowdown"
  /// Time of fused attention over that of the calibrated kernels, besides.
  case attention = "attention_slowdown"
  /// Time of exchanges beyond a node over that of the form.
  case farExchange = "far_exchange_slowdown"
  /// Time of messages between stages over that of the form.
  case message = "message_slowdown"
  /// Time of a product with an extent that is no multiple of 64 elements.
  case unaligned64 = "unaligned64_slowdown"
  /// Time of a product with an extent that is no multiple of 8 elements.
  case unaligned8 = "unaligned8_slowdown"
  /// What the host does for each micro-batch while the device waits.
  case microBatch = "micro_batch_overhead"
  /// What the program does once a step.
  case once = "step_overhead"
  /// Time that the host takes to start one kernel of the backward pass; that of others unless it is given.
  case backwardLaunch = "backward_launch"
  /// Relative standard error of whole steps, from steps that the fit of the stack did not see; errors of parts are in it.
  case spread = "step_spread"

  private var isTime: Bool { self == .microBatch || self == .once || self == .backwardLaunch }

  /// Reads those that are given: a plain value, or one with its interval and source.
  static func read(_ run: inout MappingReader?) throws(Diagnostic) -> [StepFactor: Double] {
    var result: [StepFactor: Double] = [:]
    for factor in allCases {
      guard let node = run?.optionalNode(factor.rawValue) else { continue }
      let path = "run.\(factor.rawValue)"
      let isSourced = if case .mapping = node.content { true } else { false }
      switch (factor.isTime, isSourced) {
      case (true, true):
        result[factor] = try MappingReader.sourced(
          node, path: path, as: Seconds.self, sources: [:], allowsZero: true
        ).value
      case (true, false):
        result[factor] = try MappingReader.quantity(node, path: path, as: Seconds.self, allowsZero: true)
          .value
      case (false, true):
        let sourced = try MappingReader.sourced(node, path: path, as: Number.self, sources: [:])
        result[factor] = sourced.value
      case (false, false):
        result[factor] = try MappingReader.number(node, path: path, in: 0.001...1000)
      }
    }
    return result
  }
}

extension Scenario {
  /// The models of the device, with what the software stack changes.
  public var deviceModel: DeviceModel<Double> { deviceModel(on: Machine(device)) }

  /// The device with other numbers, what was measured on it and what the stack changes.
  ///
  /// - Parameter machine: the numbers of the device, some of them varied.
  /// - Returns: what turns operators into costs.
  @_specialize(where N == Double)
  public func deviceModel<N: ModelNumber>(on machine: Machine<N>) -> DeviceModel<N> {
    var model = DeviceModel<N>(device, calibration, machine: machine)
    model.stepFactors = stepFactors()
    return model
  }

  /// What the software stack changes about kernels measured alone.
  public func stepFactors<N: ModelNumber>() -> StepFactors<N> {
    var changed = StepFactors<N>()
    func set(_ factor: StepFactor, _ path: WritableKeyPath<StepFactors<N>, N>) {
      if let value = factors[factor] { changed[keyPath: path] = N(value) }
    }
    set(.compute, \.compute)
    set(.attention, \.attention)
    set(.farExchange, \.farExchange)
    set(.message, \.message)
    set(.unaligned64, \.unaligned64)
    set(.unaligned8, \.unaligned8)
    set(.microBatch, \.microBatch)
    set(.once, \.once)
    changed.isSustained = isSustained
    return changed
  }
}

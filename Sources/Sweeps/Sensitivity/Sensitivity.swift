import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
public import Scenarios
import Workloads

/// What the answer to a scenario hangs on: elasticities by every number of the hardware, what each buys within its range,
/// and how far the constants of the calibration leave it open.
public struct Sensitivity: Sendable {
  /// A number of the hardware.
  public struct Parameter: Sendable {
    /// Its key in a scenario: `hardware.memory.hbm.bandwidth`.
    public let key: String
    /// Its value, in base units.
    public let value: Double
    /// The base unit.
    public let unit: String
    /// Where it plausibly lies; the source's interval, else a tenth to either side.
    public let range: ClosedRange<Double>
    /// Whether the range is that of the source.
    public let isSourced: Bool
  }

  /// An output with its elasticity by each parameter: per cent that it grows when the parameter grows by one per cent.
  public struct Output: Sendable {
    /// Which output.
    public let output: SweepOutput
    /// Its value.
    public let value: Double
    /// In the order of the parameters.
    public let elasticities: [Double]
  }

  /// What a parameter does to the time of the step over its range: a bar of a tornado figure.
  public struct Bar: Sendable {
    /// Which parameter.
    public let parameter: Parameter
    /// The time at the low end of its range, in seconds.
    public let timeAtLow: Double
    /// The time at the high end.
    public let timeAtHigh: Double
    /// Part of the time that 10 % more of it saves (a tenth less, for latencies and starts).
    public let saving: Double
  }

  /// The parameters.
  public let parameters: [Parameter]
  /// The outputs, the time first.
  public let outputs: [Output]
  /// What each parameter buys, the most first.
  public let bars: [Bar]
  /// Times of draws of the calibration's constants, growing, in seconds; empty when none were asked for.
  public let draws: [Double]

  /// The time of the step, in seconds.
  public var time: Double { outputs[0].value }

  /// The interval that holds so large a part of the draws.
  ///
  /// - Parameter part: from 0 to 1.
  /// - Returns: nil without draws.
  public func interval(_ part: Double) -> ClosedRange<Double>? {
    guard !draws.isEmpty else { return nil }
    func quantile(_ share: Double) -> Double { draws[Int((share * Double(draws.count - 1)).rounded())] }
    return quantile((1 - part) / 2)...quantile((1 + part) / 2)
  }

  /// Differentiates a training step.
  ///
  /// - Parameters:
  ///   - scenario: a Transformer in training.
  ///   - count: how many draws of the calibration's constants to take; 0 for none.
  ///   - seed: of the draws.
  ///   - library: where the covariances are found.
  /// - Throws: `Diagnostic` when it is no training step, or draws are asked for and there are no covariances.
  public init(_ scenario: Scenario, draws count: Int = 0, seed: UInt64 = 1, in library: Library)
    throws(Diagnostic)
  {
    guard scenario.pass == .training, scenario.transformer != nil else {
      throw Diagnostic(
        file: scenario.files.first, position: nil,
        fault: .contradiction("sensitivities are those of training steps of a Transformer"))
    }
    let slots = Self.slots(scenario)
    parameters = slots.map(\.parameter)
    let dual = TrainingTimes<Dual>(scenario) { machine in
      for (index, slot) in slots.enumerated() {
        slot.set(&machine, Dual(slot.parameter.value, parameter: index))
      }
    }
    let times = dual.times
    let named: [(String, Dual)] = [
      ("time", times.total), ("micro_batch", times.microBatch), ("bubble", times.bubble),
      ("messages", times.messages),
      ("exposed", times.exposedWeights + times.exposedGradients), ("optimizer", times.optimizer),
    ]
    let titles = [
      "time": "time of a training step", "micro_batch": "time of a micro-batch on the slowest stage",
      "bubble": "waiting while the pipeline fills and empties", "messages": "messages between stages",
      "exposed": "exchanges of gradients and weights that lengthen the step",
      "optimizer": "update of the weights",
    ]
    outputs = named.map { name, number in
      Output(
        output: SweepOutput(name, unit: "s", titles[name] ?? name), value: number.value,
        elasticities: slots.indices.map { number.value > 0 ? number.gradient[$0] / number.value : 0 })
    }
    func time(_ slot: Slot, _ value: Double) -> Double {
      TrainingTimes<Double>(scenario) { slot.set(&$0, value) }.times.total
    }
    let now = times.total.value
    bars = slots.map { slot in
      let better = slot.parameter.value * (slot.isCost ? 0.9 : 1.1)
      return Bar(
        parameter: slot.parameter, timeAtLow: time(slot, slot.parameter.range.lowerBound),
        timeAtHigh: time(slot, slot.parameter.range.upperBound), saving: 1 - time(slot, better) / now)
    }.sorted { ($0.saving, $1.parameter.key) > ($1.saving, $0.parameter.key) }
    guard count > 0 else {
      draws = []
      return
    }
    guard let calibration = scenario.calibration else {
      throw Diagnostic(
        file: scenario.files.first, position: nil,
        fault: .contradiction("draws need a calibration, and the scenario has none"))
    }
    let source = try CalibrationDraws(calibration, in: library)
    draws = (0..<count).map { number in
      let drawn = scenario.moved(to: scenario.device, source.draw(number, seed: seed))
      return TrainingTimes<Double>(drawn) { _ in }.times.total
    }.sorted()
  }

  /// A parameter, and where a machine has it.
  private struct Slot {
    let parameter: Parameter
    /// Whether less of it is better.
    let isCost: Bool
    private let number: MachineNumber

    func set<N>(_ machine: inout Machine<N>, _ value: N) { machine[number] = value }

    private init<D: Dimension>(
      _ key: String, _ given: Sourced<D>, _ number: MachineNumber, isCost: Bool = false
    ) {
      let value = given.value
      let sourced = given.interval.map { $0.lowerBound.value...$0.upperBound.value }
      parameter = Parameter(
        key: "hardware." + key, value: value, unit: D.units.first?.symbol ?? "1",
        range: sourced ?? 0.9 * value...1.1 * value, isSourced: sourced != nil)
      self.number = number
      self.isCost = isCost
    }

    static func all(_ device: Device, _ type: DataType) -> [Slot] {
      var result: [Slot] = []
      // The rate that the step's products run at; for a list of operators in other types, the first that there is.
      let types = [type] + DataType.allCases.filter { $0 != type }
      if let own = types.first(where: { device.compute.rates[$0] != nil }),
        let rate = device.compute.rates[own]
      {
        result.append(Slot("compute.rates.\(own.rawValue)", rate, .rate(own)))
      }
      result.append(Slot("compute.units", device.compute.units, .units))
      result.append(Slot("compute.clock", device.compute.clock, .clock))
      if let bandwidth = device.mainMemory.bandwidth {
        result.append(Slot("memory.\(device.mainMemory.name).bandwidth", bandwidth, .memoryBandwidth))
      }
      if let cache = device.memory.dropFirst().first(where: { $0.scope == .device }) {
        result.append(Slot("memory.\(cache.name).capacity", cache.capacity, .cacheCapacity))
      }
      if let launch = device.launchOverhead {
        result.append(Slot("overhead.launch", launch, .launch, isCost: true))
      }
      for (index, link) in device.links.prefix(3).enumerated() {
        result.append(Slot("links.\(link.name).bandwidth", link.bandwidth, .linkBandwidth(index)))
        result.append(Slot("links.\(link.name).latency", link.latency, .linkLatency(index), isCost: true))
      }
      return Array(result.prefix(Dual.parameters))
    }
  }

  private static func slots(_ scenario: Scenario) -> [Slot] { Slot.all(scenario.device, scenario.dataType) }

  /// The time of the step with one parameter changed, in seconds; for tests of the derivatives.
  static func time(_ scenario: Scenario, parameter: Int, value: Double) -> Double {
    let slot = slots(scenario)[parameter]
    return TrainingTimes<Double>(scenario) { slot.set(&$0, value) }.times.total
  }
}

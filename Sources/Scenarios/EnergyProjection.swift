public import CostModels
import Hardware
public import Quantities

/// Energy, power, money and carbon of a step that runs again and again.
public struct EnergyProjection: Sendable {
  /// Time of the step under the power limit; at least that of the projection.
  public let sustainedTime: Seconds
  /// Energy of all devices.
  public let energy: Joules
  /// Mean power of one device.
  public let power: Watts
  /// Power that one device would draw without a limit in the phase that takes most energy.
  public let demandedPower: Watts
  /// The 90 % interval of the energy.
  public let interval90: ClosedRange<Joules>
  /// Energy for each token; nil without tokens.
  public let perToken: Joules?
  /// Tokens that a joule makes; nil without tokens.
  public let tokensPerJoule: Double?
  /// Needed operations a second for each watt; nil where operations are not counted.
  public let workPerJoule: Double?
  /// Money of the step, with its range when every price is at its cheap or dear end; nil without prices.
  public let money: (value: Dollars, range: ClosedRange<Dollars>)?
  /// Carbon dioxide of the step, likewise; nil without a grid.
  public let carbon: (value: Grams, range: ClosedRange<Grams>)?
  /// The phases of the step, each held below the limit on its own.
  public let phases: [Phase]
  /// What bounds the power.
  let roof: PowerRoof<Double>
  /// Relative standard error of the mean power.
  let powerError: Double

  /// A part of the step that is long against the regulator of the power.
  public struct Phase: Sendable {
    /// The parts of the step that belong to it.
    public let parts: [String]
    /// Time, energy and power of one device under the limit.
    public let cost: SustainedCost<Double>
    /// Power that it would draw without a limit.
    public let demandedPower: Watts
    /// Its time over that of its demand at this clock: what the fitted times hold of a lower clock already.
    let stretch: Double

    init(_ parts: [String], _ phase: PowerPhase<Double>, _ roof: PowerRoof<Double>) {
      let cost = roof.sustained(phase)
      let stretched = phase.demand.time + phase.demand.clockedTime * (1 / cost.clock - 1)
      self.parts = parts
      self.cost = cost
      demandedPower = Watts(roof.demandedPower(phase.demand))
      stretch = stretched > 0 ? cost.time / stretched : 1
    }
  }

  /// The phase that a part of the step belongs to.
  ///
  /// - Parameter part: the name of a part of the root.
  /// - Returns: the first phase where no part has this name.
  public func phase(of part: String) -> Phase { phases.first { $0.parts.contains(part) } ?? phases[0] }

  /// Where the energy of some work on one device goes.
  public struct Split: Sendable {
    /// How long it takes at the clock of the whole step.
    public let time: Seconds
    /// What the idle device draws in that time.
    public let idle: Joules
    /// What its compute units take above that.
    public let computing: Joules
    /// What its memory and links take above that.
    public let moving: Joules

    /// All of it.
    public var energy: Joules { idle + computing + moving }
    /// Mean power; zero for work that takes no time.
    public var power: Watts { time.value > 0 ? Watts(energy.value / time.value) : .zero }
  }

  /// Where the energy of some work goes, at the clock of its phase.
  ///
  /// - Parameters:
  ///   - demand: what the work asks for, of one device.
  ///   - part: the part of the root that it belongs to.
  /// - Returns: its energies on one device; those of all work add up to ``energy``.
  public func split(_ demand: EnergyDemand<Double>, in part: String) -> Split {
    split(demand, at: phase(of: part))
  }

  /// Work that is held below the limit on its own.
  ///
  /// - Parameters:
  ///   - demand: what it asks for at full clock, of one device.
  ///   - time: the time of its forms, in seconds.
  /// - Returns: its time, energy and clock under the limit.
  public func phase(_ demand: EnergyDemand<Double>, time: Double) -> Phase {
    Phase([], PowerPhase(demand: demand, time: time), roof)
  }

  /// Where the energy of some work goes, at the clock of a phase.
  ///
  /// - Parameters:
  ///   - demand: what the work asks for, of one device.
  ///   - phase: the phase that it belongs to.
  /// - Returns: its energies on one device.
  public func split(_ demand: EnergyDemand<Double>, at phase: Phase) -> Split {
    let clock = phase.cost.clock
    let time = phase.stretch * (demand.time + demand.clockedTime * (1 / clock - 1))
    return Split(
      time: Seconds(time), idle: Joules(roof.idle * time),
      computing: Joules(demand.coreEnergy * clock.raised(to: roof.exponent)),
      moving: Joules(demand.otherEnergy))
  }

  /// Power of one device when nothing runs.
  public var idlePower: Watts { Watts(roof.idle) }
}

extension Projection {
  /// Energy, power, money and carbon of the step, when it runs again and again.
  ///
  /// Nil for devices whose energy has no form (processors) or whose power nobody gave.
  public var energy: EnergyProjection? {
    guard scenario.knowsEnergy, root.time.value > 0 else { return nil }
    let model = DeviceModel<Double>(scenario.device, scenario.calibration)
    let roof = model.powerRoof
    let phases = phases.map { EnergyProjection.Phase($0.parts, $0.phase, roof) }
    let time = phases.reduce(0) { $0 + $1.cost.time }
    let devices = Double(scenario.plan.devices)
    let energy = devices * phases.reduce(0) { $0 + $1.cost.energy }
    let main = phases.max { $0.cost.energy < $1.cost.energy } ?? phases[0]
    let error = (root.standardError.value / root.time.value, model.powerSpread(clock: main.cost.clock))
    let spread = (error.0 * error.0 + error.1 * error.1).squareRoot()
    let width = (1.645 * spread).exponential()
    // What a step takes above the idle power is drawn in a time that has an error of its own.
    let drawn = (1 - roof.idle * devices * time / energy) * error.0
    let powerError = (error.1 * error.1 + drawn * drawn).squareRoot()
    func money(_ end: CostSection.End, _ energy: Double) -> Dollars? {
      scenario.costs?.model(end).money(energy, devices: devices, time: time).map { Dollars($0) }
    }
    func carbon(_ end: CostSection.End, _ energy: Double) -> Grams? {
      scenario.costs?.model(end).carbon(energy, devices: devices, time: time).map { Grams($0) }
    }
    func ranged<T>(_ value: T?, _ low: T?, _ high: T?) -> (T, ClosedRange<T>)? {
      guard let value, let low, let high else { return nil }
      return (value, low...high)
    }
    return EnergyProjection(
      sustainedTime: Seconds(time), energy: Joules(energy), power: Watts(energy / devices / time),
      demandedPower: main.demandedPower,
      interval90: Joules(energy / width)...Joules(energy * width),
      perToken: tokens.map { Joules(energy / $0) }, tokensPerJoule: tokens.map { $0 / energy },
      workPerJoule: modelWork.map { $0.value / energy },
      money: ranged(money(.middle, energy), money(.low, energy / width), money(.high, energy * width)),
      carbon: ranged(carbon(.middle, energy), carbon(.low, energy / width), carbon(.high, energy * width)),
      phases: phases, roof: roof, powerError: powerError)
  }
}

extension Projection {
  /// The parts of the step in phases: micro-batches, waiting and update of a training step; prompt and decoding; else one.
  private var phases: [(parts: [String], phase: PowerPhase<Double>)] {
    func phase(_ parts: [CostNode]) -> (parts: [String], phase: PowerPhase<Double>) {
      (
        parts.map(\.name),
        PowerPhase(
          demand: parts.reduce(.zero) { $0 + $1.demand }, time: parts.reduce(0) { $0 + $1.time.value })
      )
    }
    if step != nil {
      let waiting = root.parts.filter { TrainingComposition.waitingParts.contains($0.name) }
      let updating = root.parts.filter { TrainingComposition.updatingParts.contains($0.name) }
      let rest = root.parts.filter { part in
        !(waiting + updating).contains { $0.name == part.name }
      }
      return [rest, waiting, updating].filter { !$0.isEmpty }.map { phase($0) }
    }
    if scenario.pass == .generation { return root.parts.map { phase([$0]) } }
    return [(root.parts.map(\.name), PowerPhase(demand: root.demand, time: root.time.value))]
  }
}

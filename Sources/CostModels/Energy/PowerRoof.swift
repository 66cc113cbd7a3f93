public import Quantities

/// What work asks of a device's power: its time at full clock and its energy above idle, in parts that add up.
///
/// Demands of works one after another add up, so the demand of a step is the sum of those of its kernels.
public struct EnergyDemand<N: ModelNumber>: Sendable {
  /// Time at full clock, in seconds.
  public var time: N
  /// Part of that time that stretches when the clock of the compute units falls, in seconds.
  public var clockedTime: N
  /// Energy at full clock that falls with the clock's voltage: of the compute units, in joules.
  public var coreEnergy: N
  /// Energy that the clock does not change: of memory and links, in joules.
  public var otherEnergy: N

  /// A demand: times in seconds, energies in joules above what the idle device draws.
  @inlinable
  public init(time: N, clockedTime: N, coreEnergy: N, otherEnergy: N) {
    self.time = time
    self.clockedTime = clockedTime
    self.coreEnergy = coreEnergy
    self.otherEnergy = otherEnergy
  }

  /// No work.
  @inlinable
  public static var zero: EnergyDemand {
    EnergyDemand(time: N(0), clockedTime: N(0), coreEnergy: N(0), otherEnergy: N(0))
  }

  /// One work after another.
  @inlinable
  public static func + (a: EnergyDemand, b: EnergyDemand) -> EnergyDemand {
    EnergyDemand(
      time: a.time + b.time, clockedTime: a.clockedTime + b.clockedTime,
      coreEnergy: a.coreEnergy + b.coreEnergy, otherEnergy: a.otherEnergy + b.otherEnergy)
  }

  /// The same work so many times.
  @inlinable
  public static func * (count: N, a: EnergyDemand) -> EnergyDemand {
    EnergyDemand(
      time: count * a.time, clockedTime: count * a.clockedTime, coreEnergy: count * a.coreEnergy,
      otherEnergy: count * a.otherEnergy)
  }
}

/// Work that runs without pauses: its time, energy and power, and the clock that the power limit leaves.
public struct SustainedCost<N: ModelNumber>: Sendable {
  /// Time, in seconds.
  public let time: N
  /// Energy of the device, idle power included, in joules.
  public let energy: N
  /// Speed of the compute units over that at full clock, at most 1.
  public let clock: N

  /// A sustained cost: seconds, joules, and the part of the full clock's speed.
  @inlinable
  public init(time: N, energy: N, clock: N) {
    self.time = time
    self.energy = energy
    self.clock = clock
  }

  /// Mean power, in watts.
  @inlinable
  public var power: N { energy / time }
}

/// The power limit as a roof: where work would draw more, the clock falls until it does not.
///
/// With x the speed of the compute units over that at full clock, R the power that the limit leaves above idle, and
/// the demand's times and energies,
///
///     time(x)   = time + clockedTime · (1/x − 1)
///     energy(x) = coreEnergy · x^exponent + otherEnergy
///
/// and x is the largest number up to 1 with energy(x) ≤ R · time(x). Energy falls with the square of a voltage that
/// falls with the clock (Hennessy and Patterson, Computer Architecture, section 1.5); the exponent is measured.
/// The regulator looks at the mean of some 50 ms (notebooks-data/measurements/measure-gpu/h100_energy.csv: full speed
/// for 30 to 75 ms after a pause, then the fall): work that pauses often enough keeps its clock.
public struct PowerRoof<N: ModelNumber>: Sendable {
  /// Power of the device when nothing runs, in watts.
  public let idle: N
  /// Power that a limited device settles at, in watts.
  public let limit: N
  /// The power of the speed that the energy of the compute units goes with.
  public let exponent: N

  /// A roof: watts of the idle device, watts of the limit, and the exponent.
  @inlinable
  public init(idle: N, limit: N, exponent: N) {
    self.idle = idle
    self.limit = limit
    self.exponent = exponent
  }

  /// The slowest that a limit makes the compute units: a fifth, where only the energy of the memory is left.
  @inlinable static var slowest: Double { 0.2 }

  /// Power that work asks for at full clock, whatever the limit, in watts.
  @inlinable
  public func demandedPower(_ demand: EnergyDemand<N>) -> N {
    idle + (demand.coreEnergy + demand.otherEnergy) / demand.time
  }

  /// Work that runs again and again without pauses.
  ///
  /// - Parameter demand: what it asks for at full clock; its time is above zero.
  /// - Returns: its time, energy and clock under the limit.
  @inlinable
  public func sustained(_ demand: EnergyDemand<N>) -> SustainedCost<N> {
    let room = limit - idle
    let steady = demand.time - demand.clockedTime
    let excess = { (x: N) -> N in
      demand.coreEnergy * x.raised(to: exponent) + demand.otherEnergy
        - room * (steady + demand.clockedTime / x)
    }
    var low = N(Self.slowest)
    var high = N(1)
    for _ in 0..<5 {
      let middle = 0.5 * (low + high)
      let value = excess(middle)
      low = N.choose(where: value, isAtMost: N(0), then: middle, otherwise: low)
      high = N.choose(where: value, isAtMost: N(0), then: high, otherwise: middle)
    }
    // Halving finds the neighbourhood, four steps of Newton's the place to all digits, with the derivatives that halving
    // has not.
    var x = 0.5 * (low + high)
    for _ in 0..<4 {
      let core = demand.coreEnergy * x.raised(to: exponent)
      let value = core + demand.otherEnergy - room * (steady + demand.clockedTime / x)
      let slope = exponent * core / x + room * demand.clockedTime / (x * x)
      let step = N.choose(where: slope, isAtMost: N(0), then: N(0), otherwise: value / slope)
      x = N.larger(low, N.smaller(high, x - step))
    }
    x = N.choose(where: excess(N(1)), isAtMost: N(0), then: N(1), otherwise: x)
    let above = demand.coreEnergy * x.raised(to: exponent) + demand.otherEnergy
    // Where even the slowest clock draws too much, memory has to wait as well.
    let time = N.larger(steady + demand.clockedTime / x, above / room)
    return SustainedCost(time: time, energy: idle * time + above, clock: x)
  }
}

/// A phase of a step: what it asks for at full clock, and the time that it is costed with.
///
/// The regulator looks at the mean of some 50 ms, so that a pause in one phase leaves no room for another one.
public struct PowerPhase<N: ModelNumber>: Sendable {
  /// Times and energies at full clock.
  public let demand: EnergyDemand<N>
  /// The time of its forms, in seconds; at least what it takes.
  public let time: N

  /// A phase: its demand, and its time in seconds.
  @inlinable
  public init(demand: EnergyDemand<N>, time: N) {
    self.demand = demand
    self.time = time
  }
}

extension PowerRoof {
  /// A phase that comes again and again, under the limit.
  ///
  /// - Parameter phase: what it asks for.
  /// - Returns: its time, energy and clock; the time is at least that of its forms, the device idle in what is left.
  @inlinable
  public func sustained(_ phase: PowerPhase<N>) -> SustainedCost<N> {
    sustained(phase.demand, atLeast: phase.time)
  }
}

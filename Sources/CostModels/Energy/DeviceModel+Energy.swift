public import Quantities
public import Workloads

extension DeviceModel {
  /// The power limit of the device; none where its description has none.
  public var powerRoof: PowerRoof<N> {
    PowerRoof(
      idle: machine.idlePower,
      limit: N.choose(
        where: machine.powerLimit, isAtMost: N(0), then: N(1e9),
        otherwise: energy.limitShare * machine.powerLimit),
      exponent: energy.clockExponent)
  }

  /// What an operator asks of the device's power.
  ///
  /// - Parameters:
  ///   - work: what it computes.
  ///   - type: the data type of its operands.
  ///   - time: its time at full clock, in seconds, where it was measured; that of its form if nil.
  /// - Returns: nil when the device cannot do it.
  public func demand(of work: Work<N>, _ type: DataType, time: N? = nil) -> EnergyDemand<N>? {
    guard var cost = cost(work, type) else { return nil }
    // The roof says anew what long kernels lose, for whatever pauses there are.
    cost.time = time ?? cost.time / cost.slowdown
    return energy.demand(of: work, type, cost: cost)
  }

  /// An operator that runs again and again without pauses: its time, energy and power under the limit.
  ///
  /// - Parameters:
  ///   - work: what it computes.
  ///   - type: the data type of its operands.
  ///   - time: its time at full clock, in seconds, where it was measured; that of its form if nil.
  /// - Returns: nil when the device cannot do it.
  public func sustained(_ work: Work<N>, _ type: DataType, time: N? = nil) -> SustainedCost<N>? {
    demand(of: work, type, time: time).map(powerRoof.sustained)
  }
}

extension DeviceModel where N == Double {
  /// Relative error to expect of a mean power: the spread of the energy form on rows that its fit did not see; for a
  /// device without a calibration of it, a third.
  ///
  /// A limited device is known better: its limit is in its data sheet.
  ///
  /// - Parameter clock: the speed that the limit leaves; below 1 the device is limited.
  /// - Returns: the standard deviation of the logarithm of the power.
  public func powerSpread(clock: Double) -> Double {
    let fitted = calibration?.forms[EnergyForm<Double>.name]?.spread
    guard clock < 1 else { return fitted ?? uncalibratedEnergySpread }
    return fitted.map { Swift.min($0, calibratedLimitSpread) } ?? limitedPowerSpread
  }
}

/// Relative error of the power of a device at its limit: three measured ones settled at 0.98 to 1.02 of it, with 8-bit
/// products at up to 1.05.
let limitedPowerSpread = 0.04

/// Relative error of the power of a device at its limit where its own settling was fitted: eight rows of h200/energy.csv
/// lie within 1.5 %, limited rows of h100_energy.csv within 2 % but for 8-bit products.
let calibratedLimitSpread = 0.02

/// Relative error of energies that were scaled from another device.
let uncalibratedEnergySpread = 0.33

/// Relative error of the slowdown under the power limit, beside that of the kernel's time (h100_energy.csv, rows whose
/// times at full clock were measured).
public let sustainedSlowdownSpread = 0.03

public import CostModels
import RealModule

/// The energy of a kernel as a counter of the machine gave it.
public struct EnergyObservation: Sendable {
  /// Seconds of a run.
  public let seconds: Double
  /// Busy threads.
  public let threads: Double
  /// Operations of a run.
  public let flop: Double
  /// Bytes of a run.
  public let bytes: Double
  /// Joules of a run, above zero.
  public let joules: Double

  /// The energy of a kernel.
  public init(seconds: Double, threads: Double, flop: Double, bytes: Double, joules: Double) {
    self.seconds = seconds
    self.threads = threads
    self.flop = flop
    self.bytes = bytes
    self.joules = joules
  }
}

/// Fits the powers and energies of a processor to what its counters said, with the errors of parts left out.
///
/// - Parameter observations: at least eight; those without a positive energy (a counter that did not tick) are left out.
/// - Throws: ``FitError``.
/// - Returns: the constants; their spread is that of rows left out.
public func fitHostEnergy(_ observations: [EnergyObservation]) throws(FitError) -> (
  constants: FittedConstants, report: FormReport
) {
  let rows = observations.filter { $0.joules > 0 && $0.joules.isFinite }
    .map { Observation($0, seconds: $0.joules, work: $0.flop + $0.bytes) }
  guard rows.count >= 8 else {
    throw .underdetermined(observations: rows.count, parameters: HostEnergyForm<Double>.constants.count)
  }
  func predict(_ form: HostEnergyForm<Double>, _ row: EnergyObservation) -> Double {
    form.energy(time: row.seconds, threads: row.threads, flop: row.flop, bytes: row.bytes)
  }
  let whole = try fit(HostEnergyForm<Double>.self, to: rows, options: .manyStarts, predict: predict)
  let errors = try leaveOneGroupOut(
    HostEnergyForm<Double>.self, rows, groups: rows.indices.map { "part \($0 % 5)" }, predict: predict)
  let constants = FittedConstants(
    values: whole.values, logCovariance: whole.logCovariance,
    spread: robustSpread(errors.map { Double.log(1 + $0) }), rows: rows.count, domain: whole.domain)
  return (
    constants, FormReport(form: HostEnergyForm<Double>.name, rows: rows.count, heldOutErrors: errors)
  )
}

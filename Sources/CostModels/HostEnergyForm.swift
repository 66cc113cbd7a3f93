public import Quantities

/// The energy of a kernel on a processor: power that flows while it runs, and work.
///
///     energy = time · (idle_power + core_power · T) + FLOP · energy_per_flop + bytes · energy_per_byte
///
/// T is the number of busy threads, bytes those that the algorithm moves. The separation of constant power from energy
/// for each operation and byte is that of Choi, Bedard, Fowler and Vuduc, "A roofline model of energy" (IPDPS 2013),
/// with the power of a busy core taken out of the constant.
public struct HostEnergyForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_energy" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "idle_power", unit: "W", "power of package and memory when nothing runs", initial: 20, in: 0.5...400),
      Constant(
        "core_power", unit: "W", "power that a busy thread adds, whatever it does", initial: 2, in: 0.1...40),
      Constant(
        "energy_per_flop", unit: "pJ", "energy of an operation", initial: 15, in: 0.3...500),
      Constant(
        "energy_per_byte", unit: "pJ", "energy of a byte that an algorithm moves", initial: 60, in: 1...3000),
    ]
  }

  @usableFromInline let idlePower, corePower, energyPerFLOP, energyPerByte: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    idlePower = c[0]
    corePower = c[1]
    energyPerFLOP = 1e-12 * c[2]
    energyPerByte = 1e-12 * c[3]
  }

  /// The energy of a kernel, in joules.
  ///
  /// - Parameters:
  ///   - time: how long it runs, in seconds.
  ///   - threads: how many are busy.
  ///   - flop: its operations.
  ///   - bytes: what it moves.
  /// - Returns: joules.
  @inlinable
  public func energy(time: N, threads: N, flop: N, bytes: N) -> N {
    time * (idlePower + corePower * threads) + flop * energyPerFLOP + bytes * energyPerByte
  }
}

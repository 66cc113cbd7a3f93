public import Quantities
public import Workloads

/// The time of transfers between the host and the units of a memory that computes, in one direction.
///
///     time = pushes · start + max(rank, bytes of all units / host rate) + copies · copy + copied / copy_rate + inspected · inspect
///     rank = d · prepare · min(1, bytes of a unit / 4 KiB) + bytes of a unit · (d^(1 − exponent) / rate + missing · miss)
///
/// `d` is the number of units that share a rank (at most 64): the bandwidth of a rank grows with a power of the units
/// that take part, and ranks work side by side until the host's own memory limits them. Each unit's buffer of a page or
/// more takes the host `prepare`. `missing` is the part of the host's bytes that its cache does not hold, 1 −
/// cache/bytes; what it adds is that of one unit, since the host fetches for several at once.
///
/// Source: PrIM (arXiv 2105.03814), section 3.4: bandwidth grows less than linearly with the units of a rank, and
/// copies to one unit after another stay at that of one.
public struct UnitTransferForm<N: ModelNumber>: FittedForm {
  /// The two directions.
  public enum Direction: String, Sendable, CaseIterable {
    /// From the host to the units.
    case toUnits = "to_units"
    /// From the units to the host.
    case fromUnits = "from_units"
  }

  /// The name in calibration files, before the direction.
  public static var name: String { "unit_transfer" }
  /// The name of a direction's constants in calibration files.
  public static func name(of direction: Direction) -> String { "\(name).\(direction.rawValue)" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time of a parallel call besides its bytes", initial: 40, in: 4...400),
      Constant("rate", unit: "GB/s", "bandwidth of one unit alone", initial: 0.25, in: 0.05...1.25),
      Constant(
        "exponent", "power of the units of a rank with which its bandwidth grows", initial: 0.7,
        in: 0.4...1.2),
      Constant(
        "cache", unit: "MB", "bytes that the host's cache holds for a transfer", initial: 6, in: 1...36),
      Constant(
        "miss", unit: "ns/B", "time that a byte of a unit from memory adds", initial: 0.4,
        in: 0.02...8),
      Constant("copy", unit: "us", "time of a call for one unit besides its bytes", initial: 40, in: 8...200),
      Constant(
        "copy_rate", unit: "GB/s", "bandwidth of calls for one unit after another", initial: 0.2,
        in: 0.04...1),
      Constant(
        "inspect", unit: "us", "time of the host to look at one unit's results", initial: 10, in: 2...50),
      Constant(
        "prepare", unit: "us", "time of the host to prepare one unit's buffer of a page or more", initial: 1,
        in: 0.1...10),
    ]
  }

  @usableFromInline let start, rate, exponent, cache, miss, copy, copyRate, inspect, prepare: N

  /// The form with these constants, turned into seconds, bytes and bytes a second.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    rate = 1e9 * c[1]
    exponent = c[2]
    cache = 1e6 * c[3]
    miss = 1e-9 * c[4]
    copy = 1e-6 * c[5]
    copyRate = 1e9 * c[6]
    inspect = 1e-6 * c[7]
    prepare = 1e-6 * c[8]
  }

  /// What a direction's constants are without a fit: one unit alone reaches 0.33 GB/s in and 0.12 GB/s out (PrIM
  /// notes), and what comes out of the units is never in the host's cache.
  public static func typicalConstants(of direction: Direction) -> [Double] {
    switch direction {
    case .toUnits: [30, 0.33, 0.7, 6, 0.4, 40, 0.2, 10, 1]
    case .fromUnits: [100, 0.12, 0.75, 6, 0.1, 40, 0.12, 10, 1]
    }
  }

  /// The time of a phase of transfers.
  ///
  /// - Parameters:
  ///   - transfer: what passes.
  ///   - direction: where to.
  ///   - units: the units.
  /// - Returns: the time in seconds; its network term is that of the bytes.
  @inlinable
  public func cost(_ transfer: UnitTransfer<N>, _ direction: Direction, on units: UnitArray<N>) -> Cost<N> {
    let inRank = N.smaller(transfer.units, units.rankUnits)
    let missing = N.larger(N(0), N(1) - cache / N.larger(transfer.hostBytes, cache))
    let pages = N.smaller(N(1), transfer.bytesPerUnit / 4096)
    let rank =
      inRank * prepare * pages
      + transfer.bytesPerUnit * (inRank.raised(to: N(1) - exponent) / rate + missing * miss)
    let limit = direction == .toUnits ? units.hostToUnits : units.unitsToHost
    let bytes = N.larger(rank, transfer.units * transfer.bytesPerUnit / limit)
    let calls = transfer.pushes * start + transfer.copies * copy + transfer.inspected * inspect
    let copied = transfer.copiedBytes / copyRate
    return Cost(time: calls + bytes + copied, launch: calls, network: bytes + copied)
  }
}

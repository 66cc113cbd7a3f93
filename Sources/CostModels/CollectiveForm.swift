public import Hardware
public import Quantities
public import RealModule
public import Workloads

/// The constants of collectives on one kind of link, for a library that has two protocols.
///
/// NCCL and RCCL send small payloads with flags in the data (low latency, a part of the bandwidth) and large ones in
/// slices behind flags (bulk). Either protocol costs a start, its steps, and the payload twice: once on the wire and
/// once through the processors that relay it, because every rank copies or adds each slice before it goes on. A ring
/// all-reduce handles 2N - 1 slices of S/N on each rank, an all-gather or a reduce-scatter N of them, while the link
/// carries 2(N - 1) or N - 1. Rates are parts of the link's peak rate, steps multiples of its latency, so that a form
/// can be asked of another link.
///
/// Source: own derivation from the ring primitives that the nccl-tests documentation and the algorithms of Thakur,
/// Rabenseifner and Gropp (IJHPCA 19(1), 2005) imply. Hiding every collective and rank count in turn, the form
/// with its corrections misses by 5 to 10 % (docs/models.md).
public struct CollectiveForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "collective" }

  /// The constants in the order of ``init(constants:)``.
  ///
  /// The initial values are the geometric means of the A100, H200 and B200 (NVLink 3 to 5 through switches).
  public static var constants: [Constant] {
    [
      Constant(
        "low_start", unit: "us", "start and end of an exchange of small payloads", initial: 8.3, in: 3...30),
      Constant(
        "low_step", "one step of such an exchange, in latencies of the link", initial: 1.2, in: 0.3...5),
      Constant(
        "low_wire", "rate of the wire for small payloads, as a part of the link's peak", initial: 0.8,
        in: 0.1...4),
      Constant(
        "low_relay", "rate at which a rank handles their slices, as a part of the link's peak", initial: 0.53,
        in: 0.1...8),
      Constant(
        "bulk_start", unit: "us", "start and end of an exchange of large payloads", initial: 18, in: 6...60),
      Constant(
        "bulk_step", "one step of such an exchange, in latencies of the link", initial: 1.75, in: 0.3...12),
      Constant(
        "bulk_wire", "rate of the wire for 256 MiB, as a part of the link's peak", initial: 1.65, in: 0.3...6
      ),
      Constant(
        "bulk_relay", "rate at which a rank handles slices of 256 MiB, as a part of the link's peak",
        initial: 1.65, in: 0.3...20),
      Constant(
        "growth", "power of the size with which the rates of large payloads still grow", initial: 0.037,
        in: 0.004...0.12),
      Constant(
        "direct_start",
        "start of an exchange without a ring (all-to-all, point-to-point), as a part of the others'",
        initial: 1.1, in: 0.7...1.6),
      Constant(
        "direct_payload", "time of its payload, as a part of the others'", initial: 1.04, in: 0.6...1.8),
      Constant(
        "assumed_payload", "payload that the library weighs when it chooses the protocol, over the true one",
        initial: 1.3, in: 0.1...4),
    ]
  }

  /// The constants that a link is taken to have before anybody measured it.
  ///
  /// Where the host's memory is the way, those of an H200 with peer-to-peer off on PCI Express 5: a copy takes the
  /// link, of which four fifths are payload, and the staging in the host, 75 GB/s whatever the link.
  public static func typicalConstants(of link: Link) -> [Double] {
    guard link.topology == .host else { return constants.map(\.initial) }
    let part = 1e9 / link.bandwidth.value
    let values = [10.4, 0.9, 0.22, 98 * part, 25.7, 1.8, 0.8, 75 * part, 0.004, 1.1, 1.04, 1]
    return zip(values, constants).map { min(max($0, $1.range.lowerBound), $1.range.upperBound) }
  }

  @usableFromInline let lowStart, lowStep, lowWire, lowRelay: N
  @usableFromInline let bulkStart, bulkStep, bulkWire, bulkRelay, growth: N
  @usableFromInline let directStart, directPayload, assumedPayload: N

  /// The form with these constants, microseconds turned into seconds.
  public init(constants c: [N]) {
    lowStart = 1e-6 * c[0]
    lowStep = c[1]
    lowWire = c[2]
    lowRelay = c[3]
    bulkStart = 1e-6 * c[4]
    bulkStep = c[5]
    bulkWire = c[6]
    bulkRelay = c[7]
    growth = c[8]
    directStart = c[9]
    directPayload = c[10]
    assumedPayload = c[11]
  }

  /// The form for a link that nobody measured; a switched one if nil.
  public static func uncalibrated(on link: Link?) -> Self {
    link.map { Self(constants: typicalConstants(of: $0).map { N($0) }) } ?? .uncalibrated
  }

  /// Time to start an exchange, in seconds.
  public var start: N { lowStart }

  /// Time of a collective in one network domain, in seconds; zero for one rank.
  ///
  /// The library takes the protocol that it thinks the faster one. It weighs ``assumedPayload`` of the true payload
  /// (held to a seventh of its channels, it still counts on nearly all of them), so the switch can come late and the
  /// time need not grow with the size.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many.
  ///   - bandwidth: peak rate of the link in one direction, in bytes a second.
  ///   - latency: of the link, in seconds.
  /// - Returns: the time in seconds.
  @inlinable
  public func time(_ collective: Collective<N>, bandwidth: N, latency: N) -> N {
    let (kind, ranks) = (collective.kind, collective.ranks)
    guard ranks > 1 else { return N(0) }
    let isDirect = kind == .allToAll || kind == .pointToPoint
    // Messages without a ring travel side by side: a tree's depth of steps.
    let steps = CollectiveForms.steps(kind, ranks: ranks, algorithm: .ring)
    let depth = kind == .allToAll ? Double.log2(Double(ranks)) : steps
    let wire = CollectiveForms.wireFactor(kind, ranks: ranks)
    let relay = CollectiveForms.relayFactor(kind, ranks: ranks)
    let perByte = (isDirect ? directPayload : N(1)) / bandwidth
    let startPart = isDirect ? directStart : N(1)
    let lowRate = perByte * (wire / lowWire + relay / lowRelay)
    let bulkRate = perByte * (wire / bulkWire + relay / bulkRelay)
    let lowFixed = startPart * lowStart + depth * lowStep * latency
    let bulkFixed = startPart * bulkStart + depth * bulkStep * latency
    func low(_ bytes: N) -> N { lowFixed + bytes * lowRate }
    func bulk(_ bytes: N) -> N { bulkFixed + bytes * bulkRate * (bytes / 0x1p28).raised(to: N(0) - growth) }
    let weighed = assumedPayload * collective.bytes
    // A smooth switch: within a tenth of the size where both seem alike, rather than at one byte.
    let odds = (low(weighed) / bulk(weighed)).raised(to: N(20))
    let share = 1 / (1 + odds)
    let (first, second) = (low(collective.bytes).logarithm(), bulk(collective.bytes).logarithm())
    return (second + share * (first - second)).exponential()
  }
}

extension Link {
  /// Bandwidth that one device has among so many, in one direction, in bytes a second.
  ///
  /// A direct link to every other device carries what goes to that one only: of a mesh of n devices, r use r - 1 of the
  /// n - 1 links of each.
  public func bandwidth(among ranks: Int) -> Double {
    guard topology == .mesh, ranks < devices, ranks > 1 else { return bandwidth.value }
    return bandwidth.value * Double(ranks - 1) / Double(devices - 1)
  }
}

public import Hardware
public import Quantities
public import RealModule
public import Workloads

/// The constants of collectives on one kind of link, for a library that has several protocols.
///
/// NCCL and RCCL send small payloads with flags in the data (low latency, a part of the bandwidth) and large ones in
/// slices behind flags (bulk); on NVLink, rings of many steps use one between them. Each protocol costs a start, its
/// steps, and what every rank does with the payload: it sends and receives slices (the wire), writes its result, and
/// adds slices where the collective reduces. Rates are parts of the link's peak rate, steps multiples of its latency,
/// so that a form can be asked of another link. Beyond 24 MiB, slices that go through the host's memory no longer stay in
/// its cache, and all ranks share one rate.
///
/// Source: own derivation from the ring primitives of NCCL and the algorithms of Thakur, Rabenseifner and Gropp (IJHPCA
/// 19(1), 2005). Hiding every collective and rank count in turn, the form with its corrections misses by 4 to 9 %
/// (docs/models.md).
public struct CollectiveForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "collective" }

  /// The constants in the order of ``init(constants:)``.
  ///
  /// The initial values are the geometric means of the A100, H200 and B200 (NVLink 3 to 5 through switches), rounded.
  public static var constants: [Constant] {
    [
      Constant(
        "low_start", unit: "us", "start and end of an exchange of small payloads", initial: 7.5, in: 3...30),
      Constant(
        "low_step", "one step of such an exchange, in latencies of the link", initial: 1.02, in: 0.3...5),
      Constant(
        "low_wire", "rate of the wire for small payloads, as a part of the link's peak", initial: 1.6,
        in: 0.1...6),
      Constant(
        "low_write", "rate at which a rank writes their result, as a part of the link's peak", initial: 0.57,
        in: 0.1...8),
      Constant(
        "bulk_start", unit: "us", "start and end of an exchange of large payloads", initial: 17.7, in: 6...60),
      Constant(
        "bulk_step", "one step of such an exchange, in latencies of the link", initial: 2.9, in: 0.3...12),
      Constant(
        "bulk_wire", "rate of the wire for 256 MiB, as a part of the link's peak", initial: 1.6, in: 0.3...8),
      Constant(
        "bulk_write", "rate at which a rank writes a result of 256 MiB, as a part of the link's peak",
        initial: 1.6, in: 0.3...20),
      Constant(
        "growth", "power of the size with which the rates of large payloads still grow", initial: 0.025,
        in: 0.004...0.12),
      Constant(
        "direct_start",
        "start of an exchange without a ring (all-to-all, point-to-point), as a part of the others'",
        initial: 1.13, in: 0.7...1.6),
      Constant(
        "direct_write", "time to write its result, as a part of the others'", initial: 1, in: 0.2...4),
      Constant(
        "assumed_rate", "rate of the wire on which the library counts, as a part of the link's peak",
        initial: 0.8, in: 0.2...16),
      Constant(
        "add", "time to add a byte to another, as a part of that to write one", initial: 0.7, in: 0.1...3),
      Constant(
        "ramp", "growth of the start of small payloads until they fill a channel, as a part", initial: 0.2,
        in: 0.03...1),
      Constant(
        "shared", "rate that all ranks share beyond the host's cache, as a part of the link's peak",
        initial: 4, in: 0.5...40),
    ]
  }

  /// Index of the rate on which the library counts: fits with it have several minima.
  public static var assumedRateIndex: Int { 11 }

  /// The constants that say nothing of such a link.
  public static func unusedConstants(of link: Link) -> Set<Int> { link.topology == .host ? [] : [14] }

  /// The constants that a link is taken to have before anybody measured it.
  ///
  /// Where the host's memory is the way, those of an H200 with peer-to-peer off on PCI Express 5: a copy takes the
  /// link, of which four fifths are payload, the staging in the host, 75 GB/s whatever the link, and what all share of
  /// the host's memory, 100 GB/s. NCCL 2.28 counts there on 1.6 times what a ring reaches.
  public static func typicalConstants(of link: Link) -> [Double] {
    guard link.topology == .host else { return constants.map(\.initial) }
    let part = 1e9 / link.bandwidth.value
    let values = [
      10.4, 0.9, 0.22, 98 * part, 25.7, 1.8, 0.8, 75 * part, 0.004, 1.13, 1, 1.6, 0.7, 0.2, 100 * part,
    ]
    return zip(values, constants).map { min(max($0, $1.range.lowerBound), $1.range.upperBound) }
  }

  @usableFromInline let lowStart, lowStep, lowWire, lowWrite: N
  @usableFromInline let bulkStart, bulkStep, bulkWire, bulkWrite, growth: N
  @usableFromInline let directStart, directWrite, assumedRate, add, ramp, shared: N

  /// The form with these constants, microseconds turned into seconds.
  public init(constants c: [N]) {
    lowStart = 1e-6 * c[0]
    lowStep = c[1]
    lowWire = c[2]
    lowWrite = c[3]
    bulkStart = 1e-6 * c[4]
    bulkStep = c[5]
    bulkWire = c[6]
    bulkWrite = c[7]
    growth = c[8]
    directStart = c[9]
    directWrite = c[10]
    assumedRate = c[11]
    add = c[12]
    ramp = c[13]
    shared = c[14]
  }

  /// The form for a link that nobody measured; a switched one if nil.
  public static func uncalibrated(on link: Link?) -> Self {
    link.map { Self(constants: typicalConstants(of: $0).map { N($0) }) } ?? .uncalibrated
  }

  /// Time to start an exchange, in seconds.
  public var start: N { lowStart }

  /// Time of a collective in one network domain, in seconds; zero for one rank.
  ///
  /// Rings take the protocol that the library expects to be the fastest (``LibraryChoice``); it may be wrong, so that the
  /// time need not grow with the size. Messages without a ring take the faster one.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many.
  ///   - bandwidth: peak rate of the link in one direction, in bytes a second.
  ///   - latency: of the link, in seconds.
  ///   - topology: how the link joins its devices.
  /// - Returns: the time in seconds.
  @inlinable
  public func time(
    _ collective: Collective<N>, bandwidth: N, latency: N, topology: Link.Topology = .switch
  ) -> N {
    let (kind, ranks, bytes) = (collective.kind, collective.ranks, collective.bytes)
    guard ranks > 1 else { return N(0) }
    let isDirect = kind == .allToAll || kind == .pointToPoint
    // Messages without a ring travel side by side: a tree's depth of steps.
    let steps = CollectiveForms.steps(kind, ranks: ranks, algorithm: .ring)
    let depth = kind == .allToAll ? Double.log2(Double(ranks)) : steps
    let wire = CollectiveForms.wireFactor(kind, ranks: ranks)
    let written = CollectiveForms.writtenFactor(kind, ranks: ranks) * (isDirect ? directWrite : N(1))
    let handled = written + CollectiveForms.addedFactor(kind, ranks: ranks) * add
    let startPart = isDirect ? directStart : N(1)
    let lowFixed = startPart * lowStart + depth * lowStep * latency
    let bulkFixed = startPart * bulkStart + depth * bulkStep * latency
    let low =
      lowFixed * (1 + ramp * bytes / (bytes + Self.channelFill))
      + bytes / bandwidth * (wire / lowWire + handled / lowWrite)
    let payload =
      bytes / bandwidth * (wire / bulkWire + handled / bulkWrite)
      * (bytes / 0x1p28).raised(to: N(0) - growth)
    let bulk = bulkFixed + payload
    // Smooth switches rather than steps at one byte: within a tenth of the size where two seem alike, less in rings.
    guard !isDirect else {
      let odds = (low / bulk).raised(to: N(20))
      return (low + odds * bulk) / (1 + odds)
    }
    let choice = LibraryChoice<N>(
      wireTime: wire * bytes / (assumedRate * bandwidth), steps: steps, isHost: topology == .host)
    var time = choice.low * low + bulk
    if let middle = choice.middle {
      time = time + middle * ((lowFixed * bulkFixed).squareRoot() + Self.middlePayload * payload)
    }
    time = time / choice.sum
    guard topology == .host else { return time }
    // The slower of the two, smoothly: the eighth root of the sum of eighth powers.
    let spilt = (bytes / Self.hostCache).raised(to: N(8))
    let sharing = Double(ranks) * wire * bytes / (shared * bandwidth) * spilt / (1 + spilt)
    func squared(_ x: N) -> N { x * x }
    return
      (squared(squared(squared(time))) + squared(squared(squared(sharing))))
      .squareRoot().squareRoot().squareRoot()
  }

  /// Payload that half fills a channel of small payloads, in bytes: all curves grow by a tenth around it.
  @usableFromInline static var channelFill: Double { 16e3 }

  /// Time of the middle protocol's payload over that of bulk: 40 and 30 us a MiB in the all-reduce over 4 H200 held to
  /// two channels (collectives_slow_a.csv, 4 to 8 and 16 MiB and more).
  @usableFromInline static var middlePayload: Double { 1.28 }

  /// Payload from which slices through the host leave its cache, in bytes: between 16 and 32 MiB over 4 H200, all-reduce
  /// and all-gather alike (collectives_slow_b.csv).
  @usableFromInline static var hostCache: Double { 24 * 0x1p20 }
}

/// What a library expects of its ring protocols: the odds of two of them against the bulk one.
///
/// NCCL counts on a base latency, a latency a step and a part of the bandwidth of each, and takes the least sum: 6.6, 14.0
/// and 8.4 us; 0.6, 1.9 and 3.4 us a step on NVLink, 1.0, 2.5 and 5.7 over PCI Express (LL, LL128, Simple). The bandwidths
/// are those of a Hopper GPU, 141, 331 and 360 GB/s; through the host LL has half and LL128 is off. Source: the
/// constants of `src/graph/tuning.cc` (NCCL 2.27 and 2.28), as NCCL 2.28.9 prints them with `NCCL_DEBUG_SUBSYS=TUNING` on two
/// H200. The same on A100 and B200, whose parts differ by less than a tenth.
@usableFromInline
struct LibraryChoice<N: ModelNumber> {
  /// Odds of the protocol for small payloads against bulk.
  @usableFromInline let low: N
  /// Odds of the protocol between them; nil where there is none.
  @usableFromInline let middle: N?

  /// All odds, those of bulk (1) included.
  @inlinable var sum: N {
    let both = low + 1
    return middle.map { both + $0 } ?? both
  }

  /// The odds for a ring.
  ///
  /// - Parameters:
  ///   - wireTime: of the payload at the rate on which the library counts, in seconds.
  ///   - steps: that follow one another.
  ///   - isHost: whether the host's memory is the way.
  @inlinable
  init(wireTime: N, steps: Double, isHost: Bool) {
    let sharpness = N(100)
    let bulk = 1e-6 * (8.4 + (isHost ? 5.7 : 3.4) * steps) + wireTime
    let low = 1e-6 * (6.6 + (isHost ? 1.0 : 0.6) * steps) + wireTime / (isHost ? 0.5 : 0.39)
    self.low = (bulk / low).raised(to: sharpness)
    middle = isHost ? nil : (bulk / (1e-6 * (14.0 + 1.9 * steps) + wireTime / 0.92)).raised(to: sharpness)
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

public import Hardware
public import Quantities
public import Workloads

/// How a device exchanges data with others: a closed form, corrected by measured curves where there are any.
///
/// In a domain that was measured, a time is that of the ``CollectiveForm`` times what the curve of this collective and
/// rank count was found to deviate from it, read at this size between the measured ones. What was not measured takes
/// half of the deviation of its own kind at the nearest rank count and half of the mean of the other kinds at its rank
/// count; three quarters of one where there is not the other. Beyond the nearest domain, slices go through phases of node and rails as through a pipeline.
public struct NetworkModel<N: ModelNumber>: Sendable {
  /// How a time was found, from the surest to the least sure.
  public enum Method: String, Sendable, CaseIterable {
    /// The measured curve of this collective and rank count.
    case measured
    /// Measured curves of another collective or rank count, or of another bandwidth of the link.
    case transferred
    /// The form with the links of the data sheet.
    case closedForm = "closed form"
  }

  let links: [Link]
  /// Peak rate and latency of each, which a sweep may vary.
  private(set) var rates: [(bandwidth: N, latency: N)]
  let form: CollectiveForm<N>
  let curves: [DeviceCalibration.CurveKey: SizeCurve]
  /// What each measured curve deviates from the form: logarithm over the logarithm of the payload in bytes.
  let deviations: [DeviceCalibration.CurveKey: BrokenLine]
  /// Peak rate of the measured link (of the device's link without a measurement), in bytes a second.
  private(set) var measuredBandwidth: N
  /// The same, with the device's link as its data sheet has it.
  private let sheetBandwidth: Double
  /// Whether ``measuredBandwidth`` is that of a measurement.
  private let hasMeasuredLink: Bool
  /// Latency of the link, in seconds, for the form.
  private(set) var latency: N
  /// Bandwidth of the measured link over that of the device's link.
  private(set) var wireScale: N
  /// Rank counts that were measured of each collective.
  private let measuredRanks: [Collective<N>.Kind: [Int]]
  /// Whether the curves were measured on another link.
  let isTransferred: Bool
  let isCalibrated: Bool
  let spreads: (measured: Double, transferred: Double)
  /// Distance at which points left out of their curves were missed by `spreads.measured`; see ``SizeCurve``.
  let leftOutDistance: Double

  /// The network of a device.
  ///
  /// - Parameters:
  ///   - device: its links.
  ///   - calibration: its measured curves; none if nil.
  ///   - machine: its rates and latencies where they are varied; those of the links if nil.
  public init(_ device: Device, _ calibration: DeviceCalibration?, machine: Machine<N>? = nil) {
    let calibration = calibration?.hasCollectives == true ? calibration : nil
    links = device.links
    rates = (machine ?? Machine<N>(device)).links
    let near = device.links.first
    let now = near?.bandwidth.value ?? 1
    let fitted = calibration?.fitted(CollectiveForm<N>.self)
    form = fitted ?? .uncalibrated(on: near)
    isCalibrated = fitted != nil || calibration?.curves.isEmpty == false
    curves = calibration?.curves ?? [:]
    // A link that differs from the measured one: the curve is read where its wire took as long.
    let varied = rates.first?.bandwidth ?? N(now)
    let measured = isCalibrated ? calibration?.curveBandwidth : nil
    sheetBandwidth = measured ?? now
    hasMeasuredLink = measured != nil
    measuredBandwidth = measured.map { N($0) } ?? varied
    wireScale = measuredBandwidth / varied
    isTransferred = sheetBandwidth != now
    latency = rates.first?.latency ?? N(0)
    let measuredLatency = calibration?.curveLatency ?? near?.latency.value ?? 0
    let reference = calibration?.fitted(CollectiveForm<Double>.self) ?? .uncalibrated(on: near)
    let bandwidth = sheetBandwidth / now
    deviations = Dictionary(
      uniqueKeysWithValues: curves.compactMap { key, curve in
        Collective<Double>.Kind(rawValue: key.kind).map { kind in
          let points = curve.points.map { point in
            let time = reference.time(
              Collective(kind, bytes: point.bytes, ranks: key.ranks),
              bandwidth: bandwidth * (near?.bandwidth(among: key.ranks) ?? 1),
              latency: measuredLatency, topology: near?.topology ?? .switch)
            return (point.bytes.logarithm(), (point.seconds / time).logarithm())
          }
          return (key, BrokenLine(points))
        }
      })
    measuredRanks = Dictionary(
      grouping: deviations.keys.compactMap { key in
        Collective<N>.Kind(rawValue: key.kind).map { ($0, key.ranks) }
      }, by: \.0
    ).mapValues { $0.map(\.1).sorted() }
    let steps = curves.values.flatMap(\.innerSteps).sorted()
    leftOutDistance = steps.isEmpty ? 2.0.logarithm() : steps[steps.count / 2]
    let spread = calibration?.curveSpread ?? closedFormSpread
    let transferred = calibration.map { $0.transferredSpread ?? Double.larger(0.1, 2 * spread) }
    // Curves of another device miss like its constants do.
    let isForeign = calibration.map { $0.hardware != device.name } ?? true
    let least = isForeign ? closedFormSpread : 0
    spreads = (
      Double.larger(least, spread), Double.larger(least, transferred ?? closedFormSpread)
    )
  }

  /// The network with other rates and latencies of its links; what was measured stays.
  func moved(to links: [(bandwidth: N, latency: N)]) -> NetworkModel {
    var result = self
    result.rates = links
    guard let near = links.first else { return result }
    if !hasMeasuredLink { result.measuredBandwidth = near.bandwidth }
    result.wireScale = result.measuredBandwidth / near.bandwidth
    result.latency = near.latency
    return result
  }

  /// The time of a collective, and how it was found.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many.
  ///   - stride: 1 where the ranks are neighbours; t for the data-parallel peers of groups of t neighbours.
  ///   - channels: compute units that the library is held to; its own choice if nil.
  /// - Returns: nil when the device has no network that joins so many.
  public func cost(_ collective: Collective<N>, stride: Int = 1, channels: N? = nil)
    -> (cost: Cost<N>, method: Method)?
  {
    guard let channels else { return free(collective, stride: stride) }
    guard let (cost, method) = free(collective, stride: stride) else { return nil }
    let relay = CollectiveForms.relayFactor(collective.kind, ranks: collective.ranks)
    let held = form.start + relay * collective.bytes / (ContentionForm<N>.channelRate * channels)
    // Channels and link overlap imperfectly: of all-reduces over 4 H200 held to 16 channels either alone would predict
    // a tenth too little (c3.csv).
    let (h2, f2) = (held * held, cost.time * cost.time)
    return (self.cost((h2 * h2 + f2 * f2).squareRoot().squareRoot(), collective), method)
  }

  private func free(_ collective: Collective<N>, stride: Int) -> (cost: Cost<N>, method: Method)? {
    guard collective.ranks > 1 else { return (Cost(time: N(0)), .measured) }
    guard let near = links.first else { return nil }
    if collective.ranks * stride <= near.devices {
      let (time, method) = inDomain(collective)
      return (cost(time, collective), method)
    }
    guard let far = links.firstIndex(where: { $0.devices >= collective.ranks * stride }) else { return nil }
    let members = Self.membersInNode(ranks: collective.ranks, stride: stride, node: near.devices)
    let bandwidth = Self.railEfficiency * rates[far].bandwidth
    func inNode(_ phase: Collective<N>) -> N { inDomain(phase).time }
    func overRails(_ phase: Collective<N>) -> N {
      form.start + CollectiveForms.fastestTime(phase, alpha: rates[far].latency, bandwidth: bandwidth)
    }
    func phases(_ bytes: N, _ within: (Collective<N>) -> N, _ across: (Collective<N>) -> N) -> N {
      let exchange = Collective(collective.kind, bytes: bytes, ranks: collective.ranks)
      return CollectiveForms.hierarchicalTime(exchange, nodeRanks: members, within: within, across: across)
    }
    // Slices go through the phases as through a pipeline: all phases start, then the slowest rules.
    let (bytes, least, none) = (collective.bytes, N(1), { (_: Collective<N>) in N(0) })
    let nodeTime = phases(bytes, inNode, none) - phases(least, inNode, none)
    let railTime = phases(bytes, none, overRails) - phases(least, none, overRails)
    let time = phases(least, inNode, overRails) + N.larger(nodeTime, railTime)
    return (cost(time, collective), .closedForm)
  }

  /// Members of a group that share a node: as many as fit, fewer where the nodes would get unlike parts.
  static func membersInNode(ranks: Int, stride: Int, node: Int) -> Int {
    let most = Swift.max(1, Swift.min(ranks, node / stride))
    return (1...most).last { ranks % $0 == 0 } ?? 1
  }

  /// Compute units that an exchange holds while it runs: those that fill the link that it takes.
  ///
  /// - Parameters:
  ///   - ranks: devices that take part.
  ///   - stride: as in ``cost(_:stride:channels:)``.
  /// - Returns: units, at least one.
  public func channels(ranks: Int, stride: Int = 1) -> N {
    // Peers of whole nodes meet over the rails alone.
    let isNear = stride < links.first?.devices ?? 0
    let link = isNear ? 0 : links.firstIndex { $0.devices >= ranks * stride }
    return ContentionForm<N>().channels(bandwidth: link.map { rates[$0].bandwidth } ?? N(0))
  }

  /// Part of an adapter's line rate that a large payload reaches.
  ///
  /// Four nodes of 8 B200 on 8 x 400 Gb/s of EFA all-reduce 4 GiB in 22.1 ms (reference, section 2.2), where the line
  /// rate alone would need 16.1 ms: 0.73.
  static var railEfficiency: Double { 0.75 }

  /// Whether a payload lies outside what was measured of its collective.
  public func isExtrapolated(_ collective: Collective<Double>, stride: Int = 1) -> Bool {
    guard collective.ranks * stride <= links.first?.devices ?? 0,
      let curve = curves[.init(kind: collective.kind.rawValue, ranks: collective.ranks)]
    else { return true }
    let bytes = nominalWireScale * collective.bytes
    return bytes < curve.smallest || bytes > curve.largest
  }

  /// Bandwidth of the measured link over that of the data sheet's.
  var nominalWireScale: Double {
    sheetBandwidth / (links.first?.bandwidth.value ?? sheetBandwidth)
  }

  private func cost(_ time: N, _ collective: Collective<N>) -> Cost<N> {
    Cost(time: time, launch: form.start, network: time)
  }

  /// The time over the nearest link, corrected by what was measured there.
  private func inDomain(_ collective: Collective<N>) -> (time: N, method: Method) {
    let measured = Collective(collective.kind, bytes: wireScale * collective.bytes, ranks: collective.ranks)
    // What the ranks have of the link, where a direct link to each carries only a part.
    let share = links.first.map { $0.bandwidth(among: collective.ranks) / $0.bandwidth.value } ?? 1
    let time = form.time(
      measured, bandwidth: share * measuredBandwidth, latency: latency,
      topology: links.first?.topology ?? .switch)
    let (deviation, method) = deviation(of: measured)
    return (time * deviation.exponential(), method == .measured && isTransferred ? .transferred : method)
  }

  private func deviation(of collective: Collective<N>) -> (N, Method) {
    let (kind, ranks) = (collective.kind, collective.ranks)
    let size = collective.bytes.logarithm()
    func line(_ kind: Collective<N>.Kind, _ ranks: Int) -> BrokenLine? {
      deviations[.init(kind: kind.rawValue, ranks: ranks)]
    }
    if let own = line(kind, ranks) { return (own.value(at: size), .measured) }
    // The rank count that is nearest as a factor; of two, the smaller one.
    let nearest = measuredRanks[kind]?.min { Self.distance($0, ranks) < Self.distance($1, ranks) }
    let sameKind = nearest.flatMap { line(kind, $0) }
    let others = Self.kinds(like: kind).compactMap { line($0, ranks)?.value(at: size) }
    let sameRanks = others.isEmpty ? nil : (1 / Double(others.count)) * others.reduce(N(0)) { $0 + $1 }
    let method: Method = isCalibrated ? .transferred : .closedForm
    guard let sameKind else { return (sameRanks.map { 0.75 * $0 } ?? N(0), method) }
    let own = sameKind.value(at: size)
    return (sameRanks.map { 0.5 * (own + $0) } ?? 0.75 * own, method)
  }

  private static func distance(_ a: Int, _ b: Int) -> Double { abs((Double(a) / Double(b)).logarithm()) }

  /// The other kinds whose deviation at the same rank count says something.
  private static func kinds(like kind: Collective<N>.Kind) -> [Collective<N>.Kind] {
    Collective<N>.Kind.allCases.filter { $0 != kind && $0 != .pointToPoint }
  }
}

extension NetworkModel where N == Double {
  /// Relative error to expect of a collective, from rows that the fit did not see.
  public func spread(of collective: Collective<Double>, stride: Int = 1) -> Double {
    guard collective.ranks > 1 else { return 0 }
    switch cost(collective, stride: stride)?.method ?? .closedForm {
    case .measured:
      guard spreads.measured < closedFormSpread else { return spreads.measured }
      // The error grows with the distance from what was measured; far out it is that of a size without a curve.
      let size = nominalWireScale * collective.bytes
      let curve = curves[.init(kind: collective.kind.rawValue, ranks: collective.ranks)]
      let distance = curve.map { $0.distance(from: size) / leftOutDistance } ?? 1
      let beyond = Double.larger(
        0, spreads.measured * spreads.measured - repeatedCollectiveSpread * repeatedCollectiveSpread)
      let grown = repeatedCollectiveSpread * repeatedCollectiveSpread + distance * distance * beyond
      return Double.smaller(grown.squareRoot(), Double.larger(spreads.measured, spreads.transferred))
    case .transferred:
      let isNewKind = !curves.isEmpty && !curves.keys.contains { $0.kind == collective.kind.rawValue }
      return (isNewKind ? newKindFactor : 1) * spreads.transferred
    case .closedForm:
      let isNear =
        links.first.map { collective.ranks * stride <= $0.devices && $0.topology != .host } ?? false
      return isNear ? Double.larger(closedFormSpread, spreads.transferred) : 2 * closedFormSpread
    }
  }
}

/// Relative difference between runs of the same collective, one standard deviation.
///
/// The 44 times of collectives alone in `h200/c3.csv` at sizes of the H200's curve, all units theirs, deviate from the curve by a
/// median of 2.7 %, which is 4.0 % of a normal deviation. A tenth deviate by more than 13 %: they are skewed.
let repeatedCollectiveSpread = 0.04

/// Relative error of a collective that was measured at no rank count, over that of one that was at another.
///
/// With all curves of a kind left out in turn, errors are 1.2 to 1.4 times those of single curves left out (A100, B200 and
/// the three networks of the H200).
let newKindFactor = 1.25

/// Relative error of a collective on a link that nobody measured.
///
/// The constants of any two of A100, H200 and B200 miss the rows of the third by 8 to 13 % on average and by 18 to 24 %
/// at the 90th percentile (NetworkModelTests).
let closedFormSpread = 0.14

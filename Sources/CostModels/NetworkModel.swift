public import Hardware
public import Quantities
public import Workloads

/// The constants of a collective's alpha-beta form on a network.
public struct CollectiveForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "collective" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time to start and end the exchange, without its steps", initial: 6,
        in: 0.5...100),
      Constant(
        "bandwidth_efficiency", "part of a link's peak rate that a large payload reaches", initial: 0.8,
        in: 0.2...1.05),
    ]
  }

  /// Time to start and end an exchange, in seconds.
  public let start: N
  /// Part of a link's peak rate that a large payload reaches.
  public let bandwidthEfficiency: N

  /// The form with these constants, microseconds turned into seconds.
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    bandwidthEfficiency = c[1]
  }
}

/// How a device exchanges data with others: measured curves where there are any, closed forms elsewhere.
public struct NetworkModel<N: ModelNumber>: Sendable {
  /// How a time was found, from the surest to the least sure.
  public enum Method: String, Sendable, CaseIterable {
    /// The measured curve of this collective and rank count.
    case measured
    /// A measured curve carried over from another collective or rank count.
    case transferred
    /// The alpha-beta form with the links of the data sheet.
    case closedForm = "closed form"
  }

  let links: [Link]
  let form: CollectiveForm<N>
  let curves: [DeviceCalibration.CurveKey: SizeCurve]
  /// Bandwidth of the measured link over that of the device's link.
  let wireScale: Double

  /// The network of a device.
  ///
  /// - Parameters:
  ///   - device: its links.
  ///   - calibration: its measured curves; none if nil.
  public init(_ device: Device, _ calibration: DeviceCalibration?) {
    links = device.links
    form = calibration?.fitted(CollectiveForm<N>.self) ?? .uncalibrated(on: Machine(device))
    curves = calibration?.curves ?? [:]
    // A link that differs from the measured one: the curve is read where its wire took as long.
    let now = device.links.first?.bandwidth.value
    wireScale = (now.flatMap { now in calibration?.curveBandwidth.map { $0 / now } }) ?? 1
  }

  /// The time of a collective, and how it was found.
  ///
  /// - Parameter collective: what is exchanged, by how many.
  /// - Returns: nil when the device has no network that joins so many.
  public func cost(_ collective: Collective<N>) -> (cost: Cost<N>, method: Method)? {
    guard collective.ranks > 1 else { return (Cost(time: N(0)), .measured) }
    let measured = Collective(
      collective.kind, bytes: wireScale * collective.bytes, ranks: collective.ranks)
    if let curve = curve(collective.kind, collective.ranks) {
      return (cost(curve.time(bytes: measured.bytes), collective), wireScale == 1 ? .measured : .transferred)
    }
    if let time = transferred(measured) { return (cost(time, collective), .transferred) }
    guard let time = closed(collective) else { return nil }
    return (cost(time, collective), .closedForm)
  }

  /// Whether a payload lies outside what was measured of its collective.
  public func isExtrapolated(_ collective: Collective<Double>) -> Bool {
    guard let curve = curves[.init(kind: collective.kind.rawValue, ranks: collective.ranks)] else {
      return true
    }
    return collective.bytes < curve.smallest || collective.bytes > curve.largest
  }

  private func cost(_ time: N, _ collective: Collective<N>) -> Cost<N> {
    Cost(time: time, launch: form.start, network: time)
  }

  private func curve(_ kind: Collective<N>.Kind, _ ranks: Int) -> SizeCurve? {
    curves[.init(kind: kind.rawValue, ranks: ranks)]
  }

  /// A rule for what was not measured: collectives on one network change alike with the number of ranks.
  ///
  /// T(kind, N) = T(kind, M) · T(other, N)/T(other, M) where an other collective was measured at both rank
  /// counts. Where none was, at one rank count: the other's curve read at the same bytes on the wire,
  /// which is exact for a bandwidth-bound ring.
  private func transferred(_ collective: Collective<N>) -> N? {
    let (kind, ranks, bytes) = (collective.kind, collective.ranks, collective.bytes)
    // Kinds most alike first: what moves the same bytes the same way.
    let kinds: [Collective<N>.Kind]
    switch kind {
    case .allReduce: kinds = [.reduceScatter, .allGather, .allToAll]
    case .allGather, .broadcast: kinds = [.reduceScatter, .allReduce, .allToAll]
    case .reduceScatter: kinds = [.allGather, .allReduce, .allToAll]
    case .allToAll, .pointToPoint: kinds = [.allGather, .reduceScatter, .allReduce]
    }
    let measuredRanks = Set(curves.keys.map(\.ranks)).sorted {
      (abs($0 - ranks), $0) < (abs($1 - ranks), $1)
    }
    for base in measuredRanks where base != ranks {
      guard let own = curve(kind, base) else { continue }
      for other in kinds {
        guard let here = curve(other, ranks), let there = curve(other, base) else { continue }
        return own.time(bytes: bytes) * here.time(bytes: bytes) / there.time(bytes: bytes)
      }
    }
    func wire(_ kind: Collective<N>.Kind, _ ranks: Int) -> Double {
      CollectiveForms.wireFactor(kind, ranks: ranks)
    }
    for other in kinds {
      guard let curve = curve(other, ranks) else { continue }
      return curve.time(bytes: wire(kind, ranks) / wire(other, ranks) * bytes)
    }
    for base in measuredRanks {
      guard let own = curve(kind, base), let link = links.first, ranks <= link.devices else { continue }
      let steps =
        CollectiveForms.steps(kind, ranks: ranks, algorithm: .ring)
        - CollectiveForms.steps(kind, ranks: base, algorithm: .ring)
      let latency = N(link.latency.value)
      return N.larger(
        N(own.smallestTime), own.time(bytes: wire(kind, ranks) / wire(kind, base) * bytes) + steps * latency)
    }
    return nil
  }

  private func closed(_ collective: Collective<N>) -> N? {
    func numbers(_ link: Link) -> (alpha: N, bandwidth: N) {
      (N(link.latency.value), N(link.bandwidth.value) * form.bandwidthEfficiency)
    }
    guard let near = links.first else { return nil }
    if collective.ranks <= near.devices {
      let (alpha, bandwidth) = numbers(near)
      return form.start + CollectiveForms.time(collective, alpha: alpha, bandwidth: bandwidth)
    }
    guard let far = links.first(where: { $0.devices >= collective.ranks }),
      collective.ranks % near.devices == 0
    else { return nil }
    return form.start
      + CollectiveForms.hierarchicalTime(
        collective, nodeRanks: near.devices, node: numbers(near), rail: numbers(far))
  }
}

extension SizeCurve {
  /// The time of the smallest measured size, in seconds: no message is faster.
  var smallestTime: Double { points[0].seconds }
}

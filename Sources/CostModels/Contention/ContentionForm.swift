public import Quantities

/// How kernels and exchanges that run side by side on a device slow one another.
///
/// A library's exchange holds compute units (its channels) as long as it runs: kernels beside it make do with the units
/// that are left, with what that does to their waves (``TileWaves``). Beside kernels the exchange keeps
/// ``exchangeRate`` of its rate, because its loads wait in the same caches and queues; where the power limit lowers the
/// clock of kernels, it loses as much again. Kernels lose nothing else: what they lose to the memory they gain back
/// from the power of the units that they do not have. Work alone runs at its full rate.
///
/// Fitted to `notebooks-data/measurements/h200/c3.csv` (matrix products beside collectives held to 1 to 16 channels), not
/// to any data-parallel step.
public struct ContentionForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "contention" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "exchange_rate", "part of its rate that an exchange on compute units keeps beside kernels",
        initial: 0.88, in: 0.3...1),
      Constant(
        "lone_unit", "time of a tile on a device with most units idle, of that on a full one",
        initial: 0.87, in: 0.5...1),
      Constant(
        "unit_bytes", unit: "B/clock", "bytes that one compute unit reads and writes a clock", initial: 40,
        in: 8...128),
    ]
  }

  /// Bytes a second that one compute unit relays for an exchange.
  ///
  /// Held to 1 to 16 channels, collectives over 4 H200 relay 22 to 30 GB/s a channel (c3.csv, 80 rows; median 26.5).
  public static var channelRate: Double { 26.5e9 }

  /// Time that an exchange between kernels takes longer than alone, in seconds: its ranks do not arrive together.
  ///
  /// In line with kernels the all-reduces of dp_nvlink.csv take 3.5 to 4.1 us more than alone.
  public var handover: N { N(4e-6) }

  /// Part of its rate that an exchange keeps beside kernels.
  public let exchangeRate: N
  /// Time of a tile on a nearly idle device, of that on a full one.
  public let loneUnit: N
  /// Bytes that one compute unit reads and writes a clock.
  public let unitBytes: N

  /// The form with these constants.
  public init(constants c: [N]) {
    exchangeRate = c[0]
    loneUnit = c[1]
    unitBytes = c[2]
  }

  /// The form with these constants, or with those that hold without a fit.
  public init(exchangeRate: N = N(0.88), loneUnit: N = N(0.87), unitBytes: N = N(40)) {
    self.exchangeRate = exchangeRate
    self.loneUnit = loneUnit
    self.unitBytes = unitBytes
  }

  /// Compute units that exchanges over a link hold: as many as it takes to fill it, at least one.
  public func channels(bandwidth: N) -> N { N.larger(N(1), bandwidth / Self.channelRate) }

  /// Time in which so many units move bytes when nothing else binds, in seconds.
  ///
  /// - Parameters:
  ///   - bytes: what they read and write.
  ///   - units: compute units.
  ///   - clock: of the units, in hertz.
  /// - Returns: the time.
  public func movingTime(_ bytes: N, units: N, clock: N) -> N { bytes / (unitBytes * clock * units) }

  // MARK: - Chains of kernels beside chains of exchanges

  /// A part of a step that ends with an exchange which may run beside what follows.
  public struct Segment: Sendable {
    /// Time of its kernels alone, in seconds.
    public let compute: N
    /// Time of its kernels on the units that an exchange leaves, in seconds.
    public let crowded: N
    /// Time of the exchange alone, in seconds; zero for none.
    public let exchange: N

    /// A part of a step.
    public init(compute: N, crowded: N, exchange: N) {
      self.compute = compute
      self.crowded = crowded
      self.exchange = exchange
    }
  }

  /// What a run of segments takes, in seconds.
  public struct Overlap: Sendable {
    /// From the first kernel to the end of the last exchange.
    public let total: N
    /// Time that is left of the exchanges when the last kernel has ended.
    public let exposed: N
    /// Time that kernels take longer because exchanges run beside them.
    public let slowdown: N

    /// The times of a run.
    @usableFromInline
    init(total: N, exposed: N, slowdown: N) {
      self.total = total
      self.exposed = exposed
      self.slowdown = slowdown
    }
  }

  /// Segments one after another, each one's exchange beside the kernels of those that follow.
  ///
  /// Exchanges queue: one runs at a time.
  public func overlap(_ segments: [Segment]) -> Overlap {
    var backlog = N(0)
    var total = N(0)
    var slowdown = N(0)
    for segment in segments {
      let together = N.smaller(segment.crowded, backlog / exchangeRate)
      let done = together * (segment.compute / N.larger(segment.crowded, N(1e-30)))
      let spent = together + segment.compute - done
      total = total + spent
      slowdown = slowdown + spent - segment.compute
      backlog = N.larger(N(0), backlog - together * exchangeRate) + segment.exchange
    }
    return Overlap(total: total + backlog, exposed: backlog, slowdown: slowdown)
  }

  // MARK: - Products on one branch of a graph, exchanges on another

  /// Equal products on one branch of a graph and equal exchanges on another, in seconds.
  ///
  /// The first exchange starts with the first product and takes its units at once. A further one finds the device full
  /// of the clusters of the product of that moment and starts when these have ended. A product during which the
  /// exchange ends gives its late clusters the units that become free.
  ///
  /// - Parameters:
  ///   - product: time of one product alone.
  ///   - waves: how its tiles lie on the device.
  ///   - products: how many.
  ///   - exchange: time of one exchange alone.
  ///   - exchanges: how many.
  ///   - held: compute units that an exchange holds.
  ///   - throttle: how much longer products take alone because of the power limit; 1 where they run at full clock.
  /// - Returns: the time until both branches have ended, in seconds.
  public func beside(
    product: N, waves: TileWaves<N>, products: N, exchange: N, exchanges: Int, held: N, throttle: N = N(1)
  ) -> N {
    let rate = exchangeRate / throttle
    let crowd = waves.crowd(held: held)
    let unit = product / waves.waves
    let crowded = crowd.time(unit: unit, lone: loneUnit)
    let isSpacious = waves.idleUnits
    // Units idle in the last wave let the next exchange start a wave before the end.
    let early = N.choose(where: held, isAtMost: isSpacious, then: unit, otherwise: N(0))
    var left = products
    var total = N(0)
    // Time that the exchange has had beside the product of the moment already.
    var ahead = N(0)
    for index in 0..<exchanges {
      let need = (exchange - ahead * rate) / rate
      let whole = N.smaller(left, Self.wholePart(need / crowded))
      let rest = N.larger(N(0), need - whole * crowded)
      left = left - whole
      total = total + whole * crowded
      // The product during which the exchange ends, if there is one left.
      let there = N.smaller(left, N(1))
      let last = crowd.interrupted(after: rest, unit: unit, product: product, lone: loneUnit)
      let end = N.choose(where: there, isAtMost: N(0), then: rest * rate, otherwise: last.end)
      left = left - there
      guard index + 1 < exchanges else {
        total = total + end
        break
      }
      let residentEnd = N.choose(
        where: crowd.late, isAtMost: N(0), then: last.end - early, otherwise: last.free)
      let free = N.choose(where: there, isAtMost: N(0), then: end, otherwise: residentEnd)
      let next = N.larger(N.choose(where: there, isAtMost: N(0), then: end, otherwise: rest), free)
      // The next exchange has the rest of this product for itself as far as it lasts.
      ahead = N.smaller(N.larger(N(0), end - next), exchange / rate)
      total = total + N.larger(end, next)
    }
    return total + left * product
  }

  /// The largest whole number that is not above a positive number; a hair below the next one counts as it.
  static func wholePart(_ x: N) -> N {
    let up = (x - 1e-9).roundedUp()
    return N.choose(where: up, isAtMost: x + 1e-9, then: up, otherwise: up - 1)
  }
}

public import Quantities

/// How kernels and exchanges that run side by side on a device slow one another.
///
/// A library's exchange holds compute units (its channels) as long as it runs: kernels beside it are costed on the units
/// that are left, with what that does to their waves. Besides, both share memory, caches and power: while they run
/// together the exchange keeps ``exchangeRate`` of its rate and kernels ``computeRate`` of theirs. Work alone runs at
/// its full rate, so times follow from fluid steps: whoever ends first leaves the rest to the other.
///
/// Constants are shared by all devices; fitted to the 132 rows of `notebooks-data/measurements/h200/c3.csv` (matrix
/// products beside collectives held to 1 to 16 channels), not to any data-parallel step.
public struct ContentionForm<N: ModelNumber>: Sendable {
  /// Bytes a second that one compute unit relays for an exchange.
  ///
  /// Held to one channel, an all-reduce over 4 H200 relays 26.6 GB/s and an all-gather 23.2 GB/s (c3.csv, 64 MiB).
  public static var channelRate: Double { 25e9 }

  /// Part of its rate that an exchange keeps beside kernels.
  public let exchangeRate: N
  /// Part of their rate that kernels keep beside an exchange, on the units that it leaves.
  public let computeRate: N
  /// Time that an exchange between kernels takes longer than alone, in seconds: its ranks do not arrive together.
  ///
  /// In line with kernels the all-reduces of dp_nvlink.csv take 3.5 to 4.1 us more than alone.
  public let handover: N

  /// The constants that hold without another fit.
  public init(exchangeRate: N = N(0.87), computeRate: N = N(0.8), handover: N = N(4e-6)) {
    self.exchangeRate = exchangeRate
    self.computeRate = computeRate
    self.handover = handover
  }

  /// Compute units that exchanges over a link hold: as many as it takes to fill it, at least one.
  public func channels(bandwidth: N) -> N { N.larger(N(1), bandwidth / Self.channelRate) }

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
      let crowded = segment.crowded / computeRate
      let together = N.smaller(crowded, backlog / exchangeRate)
      let done = together * (segment.compute / crowded)
      let spent = together + segment.compute - done
      total = total + spent
      slowdown = slowdown + spent - segment.compute
      backlog = N.larger(N(0), backlog - together * exchangeRate) + segment.exchange
    }
    return Overlap(total: total + backlog, exposed: backlog, slowdown: slowdown)
  }

  /// Equal kernels on one branch of a graph and equal exchanges on another, in seconds.
  ///
  /// A kernel that fills the device leaves no room for an exchange to start: the first starts with the kernels, each
  /// further one when the kernel of that moment has ended.
  ///
  /// - Parameters:
  ///   - kernel: time of one kernel alone.
  ///   - crowded: its time on the units that an exchange leaves.
  ///   - kernels: how many.
  ///   - exchange: time of one exchange alone.
  ///   - exchanges: how many.
  /// - Returns: the time until both branches have ended, in seconds.
  public func beside(kernel: N, crowded: N, kernels: Double, exchange: N, exchanges: Int) -> N {
    let slow = crowded / computeRate
    let pace = kernel / slow
    var left = kernels * kernel
    var total = N(0)
    for index in 0..<exchanges {
      let together = N.smaller(left / pace, exchange / exchangeRate)
      left = N.larger(N(0), left - together * pace)
      total = total + together + exchange - together * exchangeRate
      guard index + 1 < exchanges else { break }
      // What is left of the kernel of that moment; a sliver counts as none.
      let whole = (left / kernel - 1e-6).roundedUp() - 1
      let rest = N.smaller(left, N.larger(N(0), left - N.larger(N(0), whole) * kernel))
      total = total + rest
      left = left - rest
    }
    return total + left
  }
}

public import Quantities
public import Workloads

/// Exchanges by a device's copy engines (DMA): no compute units, but a host that starts every copy.
///
/// Each rank sends its peers their parts by one copy each. A host process starts the copies of all ranks one after
/// another; an exchange takes at least as long, and kernels that the same process starts wait for it:
///
///     launch   = ranks · (ranks − 1) · copy_launch     (÷ processes that start copies)
///     exchange = max(launch, start + bytes on the wire / (rate · link bandwidth))
///     beside kernels: max(exchanges, launches + kernels · (1 + kernel_loss))
///
/// Fitted to `notebooks-data/measurements/h200/c3_dma.csv` (all-to-all over 4 H200 by one process). Kernels beside copies
/// lose little: the copies move 0.5 of the memory's 4.8 TB/s, and draw power.
public struct CopyEngineForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "copy_engines" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "copy_launch", unit: "us", "time in which one host process starts a copy to a peer", initial: 34,
        in: 1...200),
      Constant(
        "copy_start", unit: "us", "time of an exchange by copies beyond that of its payload", initial: 70,
        in: 5...400),
      Constant(
        "copy_rate", "part of the link's bandwidth that copies reach", initial: 0.62, in: 0.2...1),
      Constant(
        "kernel_loss", "growth of the time of kernels beside copies", initial: 0.03, in: 0.003...0.3),
    ]
  }

  let copyLaunch, copyStart, copyRate, kernelLoss: N

  /// The form with these constants, microseconds turned into seconds.
  public init(constants c: [N]) {
    copyLaunch = 1e-6 * c[0]
    copyStart = 1e-6 * c[1]
    copyRate = c[2]
    kernelLoss = c[3]
  }

  /// Time in which the host starts one exchange, in seconds.
  ///
  /// - Parameters:
  ///   - ranks: devices that take part.
  ///   - processes: host processes that start copies: one for all ranks, or one each.
  /// - Returns: the time of all its copies.
  public func launch(ranks: Int, processes: Int = 1) -> N {
    Double(ranks * (ranks - 1)) / Double(Swift.max(1, processes)) * copyLaunch
  }

  /// Time of an exchange alone, in seconds.
  ///
  /// - Parameters:
  ///   - exchange: what is exchanged; reductions cannot be done by copies.
  ///   - bandwidth: of the link, in bytes a second and direction.
  ///   - processes: as in ``launch(ranks:processes:)``.
  /// - Returns: nil for an exchange that adds up.
  public func time(_ exchange: Collective<N>, bandwidth: N, processes: Int = 1) -> N? {
    guard exchange.kind != .allReduce, exchange.kind != .reduceScatter else { return nil }
    let wire = CollectiveForms.wireFactor(exchange.kind, ranks: exchange.ranks) * exchange.bytes
    return N.larger(
      launch(ranks: exchange.ranks, processes: processes), copyStart + wire / (copyRate * bandwidth))
  }

  /// Exchanges by copies beside kernels that the same process starts after them, in seconds.
  ///
  /// - Parameters:
  ///   - kernels: time of all kernels alone.
  ///   - exchange: time of one exchange alone.
  ///   - exchanges: how many.
  ///   - launch: time in which the host starts one exchange.
  /// - Returns: the time until both have ended.
  public func beside(kernels: N, exchange: N, exchanges: N, launch: N) -> N {
    N.larger(exchanges * exchange, exchanges * launch + kernels * (1 + kernelLoss))
  }
}

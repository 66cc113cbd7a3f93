public import Quantities

/// How long kernels that fill a device keep the full clock before the power limit lowers it.
///
/// A graph of products without a pause runs at full speed for some milliseconds and then slows (c3.csv, `gemm_alone_us`
/// over the number of products: 64 products of 4096³ take 12.8 ms where the first 3.7 ms would promise 11.5). The mean
/// of tens of milliseconds that a regulator holds is another matter (`PowerRoof`).
public enum ClockBurst {
  /// Time at full clock, in seconds: read from the seven shapes of c3.csv, 3.4 to 4 ms.
  public static var duration: Double { 3.7e-3 }
  /// Growth of the time of 16-bit products after it: 1.16 to 1.21 for these shapes.
  public static var growth: Double { 1.18 }

  /// The time of kernels that fill the device, in seconds.
  ///
  /// - Parameter time: their time at full clock.
  /// - Returns: their time with what they lose.
  public static func time<N: ModelNumber>(_ time: N) -> N {
    let beyond = N.larger(N(0), time - duration)
    return time + (growth - 1) * beyond
  }

  /// How much longer kernels took than at full clock, by the time that they took: 1 for short ones.
  ///
  /// - Parameter time: the time that they took, in seconds.
  /// - Returns: the factor.
  public static func throttle<N: ModelNumber>(of time: N) -> N {
    let beyond = N.larger(N(0), time - duration)
    return time / (time - beyond * ((growth - 1) / growth))
  }
}

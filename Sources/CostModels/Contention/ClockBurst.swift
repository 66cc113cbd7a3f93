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

  /// Time of an eager step's products at full clock, in seconds: 8 ms, give or take 1.5.
  ///
  /// Among other kernels the limit comes later. Read from `h200/layers.csv`: where an iteration has less, GELU, dropout, copies of
  /// heads and flash attention take what they take alone; where it has 30 ms, 1.10 to 1.14 of it.
  public static var stepDuration: Double { 8e-3 }
  /// Growth of the time of what waits for the clock of the units in such a step, after that time: 1.16, give or take 0.03.
  public static var stepGrowth: Double { 1.16 }

  /// The part of an eager step's kernels that run at the lower clock.
  ///
  /// - Parameter products: time of the products of one iteration, in seconds.
  /// - Returns: 0 for short iterations, nearly 1 for very long ones.
  public static func limitedShare<N: ModelNumber>(products: N) -> N {
    N(1) - stepDuration / N.larger(N(stepDuration), products)
  }

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

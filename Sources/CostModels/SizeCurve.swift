public import Quantities

/// A measured curve of time over message size, read between its points.
///
/// Between two points the time is a straight line in the size: a local alpha-beta law. (Leaving inner points out,
/// that misses them by 4.5 % on the H200 curves; a straight line in the logarithms by 5.3 %, cubics by 5.1 %.)
/// Below the first point it is constant (latency); above the last it grows with the bandwidth of the last pair.
public struct SizeCurve: Sendable, Hashable {
  /// One measured point.
  public struct Point: Sendable, Hashable {
    /// Payload, in bytes.
    public let bytes: Double
    /// Time, in seconds.
    public let seconds: Double

    /// A measured point.
    public init(bytes: Double, seconds: Double) {
      self.bytes = bytes
      self.seconds = seconds
    }
  }

  /// The points by growing size.
  public let points: [Point]
  @usableFromInline let slopes: [Double]

  /// A curve through points.
  ///
  /// - Parameter points: at least one, sizes and times above zero; sorted here, sizes must differ.
  public init(_ points: [Point]) {
    precondition(!points.isEmpty, "a curve needs a point")
    let sorted = points.sorted { $0.bytes < $1.bytes }
    self.points = sorted
    var slopes = [0.0]
    for (low, high) in zip(sorted, sorted.dropFirst()) {
      slopes.append((high.seconds - low.seconds) / (high.bytes - low.bytes))
    }
    // Beyond the last point at the last pair's bandwidth, but never faster than the last point's own.
    let last = sorted[sorted.count - 1]
    slopes.append(max(slopes[slopes.count - 1], 0.9 * last.seconds / last.bytes))
    self.slopes = slopes
  }

  /// The smallest measured size, in bytes.
  public var smallest: Double { points[0].bytes }
  /// The largest measured size, in bytes.
  public var largest: Double { points[points.count - 1].bytes }

  /// The time at a size, in seconds.
  ///
  /// The broken line is written as a sum of hinges, so that a vector of sizes reads it without branching.
  ///
  /// - Parameter bytes: above zero.
  /// - Returns: the time in seconds.
  @inlinable
  public func time<N: ModelNumber>(bytes: N) -> N {
    var time = N(points[0].seconds)
    for (index, point) in points.enumerated() {
      let change = slopes[index + 1] - slopes[index]
      time = time + change * N.larger(N(0), bytes - point.bytes)
    }
    return time
  }
}

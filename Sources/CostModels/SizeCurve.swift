import Quantities

/// A measured curve of time over message size.
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

  /// A curve through points.
  ///
  /// - Parameter points: at least one, sizes and times above zero; sorted here, sizes must differ.
  public init(_ points: [Point]) {
    precondition(!points.isEmpty, "a curve needs a point")
    self.points = points.sorted { $0.bytes < $1.bytes }
  }

  /// The smallest measured size, in bytes.
  public var smallest: Double { points[0].bytes }
  /// The largest measured size, in bytes.
  public var largest: Double { points[points.count - 1].bytes }

  /// How far a size lies from the nearest measured one.
  ///
  /// - Parameter bytes: the size, above zero.
  /// - Returns: the difference of the natural logarithms; 0 at a measured size.
  func distance(from bytes: Double) -> Double {
    points.map { abs(($0.bytes / bytes).logarithm()) }.min() ?? 0
  }

  /// How far each inner point lies from its nearest neighbour, as ``distance(from:)``: what leaving it out shows.
  var innerSteps: [Double] {
    points.indices.dropFirst().dropLast().map { index in
      let size = points[index].bytes
      return Double.smaller(
        (size / points[index - 1].bytes).logarithm(), (points[index + 1].bytes / size).logarithm())
    }
  }
}

/// Straight lines between points, level beyond the first and the last.
///
/// The broken line is written as a sum of hinges, so that a vector reads it without branching.
struct BrokenLine: Sendable {
  let first: Double
  let hinges: [(x: Double, change: Double)]

  /// A line through points of growing x, at least one.
  init(_ points: [(x: Double, y: Double)]) {
    first = points[0].y
    var hinges: [(x: Double, change: Double)] = []
    var slope = 0.0
    for (low, high) in zip(points, points.dropFirst()) {
      let next = (high.y - low.y) / (high.x - low.x)
      hinges.append((low.x, next - slope))
      slope = next
    }
    hinges.append((points[points.count - 1].x, -slope))
    self.hinges = hinges
  }

  /// The value at x.
  func value<N: ModelNumber>(at x: N) -> N {
    var value = N(first)
    for hinge in hinges { value = value + hinge.change * N.larger(N(0), x - hinge.x) }
    return value
  }
}

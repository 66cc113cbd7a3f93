import Documents
import Quantities

/// One parameter that a space varies.
public struct SweepAxis: Sendable {
  /// What an axis gives to its parameter.
  public enum Values: Sendable {
    /// Numbers in base units.
    case numbers([Double])
    /// Names: of hardware, of a data type.
    case words([String])
    /// Multiples of what the base scenario says.
    case multiples([Double])
    /// A coordinate of a sampled design: its number there, and the range that it covers.
    case sampled(coordinate: Int, range: ClosedRange<Double>, logarithmic: Bool)
    /// Draws of the calibration's constants from their covariance, by number from 0.
    case draws(seed: UInt64)
  }

  /// The name in formulas and array files.
  public let name: String
  /// The parameter that it sets: `parallelism.tensor`; nil for a number that only formulas read.
  public let key: String?
  /// The values.
  public let values: Values
  /// The base unit of the numbers; `1` for plain ones.
  public let unit: String
  /// The name for people.
  public let title: String
  /// Where the parameter stands in the file, for messages.
  let keyNode: DocumentNode?
  /// The values as they were written, for the scenario's own reader; one for each, empty where there is no list.
  let nodes: [DocumentNode]

  /// Whether the values are names, which formulas cannot read.
  public var isNames: Bool {
    if case .words = values { return true }
    return false
  }
}

/// Axes that vary together: a dimension of the space and of its array file.
public struct SweepDimension: Sendable {
  /// Where the points come from.
  enum Design: Sendable {
    /// Lists of values.
    case listed
    case sobol(Sobol)
    case latinHypercube(LatinHypercube)
  }

  /// The name: of its axis, of the design, of zipped axes joined by an underscore.
  public let name: String
  /// How many points it has.
  public let size: Int
  /// Its axes, as indices among those of the space.
  public let axes: [Int]
  let design: Design
}

/// A space of scenarios: the product of its dimensions, counted with the last one fastest.
///
/// Nothing is ever held of it but the axes: any scenario is known from its index, so that any run of them can be computed
/// anywhere in any order.
public struct SweepSpace: Sendable {
  /// All axes.
  public let axes: [SweepAxis]
  /// The dimensions, the slowest first.
  public let dimensions: [SweepDimension]
  /// How far apart in the index neighbours along each dimension are.
  public let strides: [Int]
  /// Scenarios, feasible or not.
  public let count: Int
  /// Which dimension each axis is of.
  let dimensionOfAxis: [Int]

  /// The product of dimensions; nil when it has more than 2^63 - 1 scenarios.
  init?(axes: [SweepAxis], dimensions: [SweepDimension]) {
    var count = 1
    var strides = [Int](repeating: 1, count: dimensions.count)
    for index in dimensions.indices.reversed() {
      strides[index] = count
      let (product, overflow) = count.multipliedReportingOverflow(by: dimensions[index].size)
      guard !overflow else { return nil }
      count = product
    }
    var owner = [Int](repeating: 0, count: axes.count)
    for (index, dimension) in dimensions.enumerated() { for axis in dimension.axes { owner[axis] = index } }
    self.axes = axes
    self.dimensions = dimensions
    self.strides = strides
    self.count = count
    dimensionOfAxis = owner
  }

  /// The place of a scenario along a dimension.
  public func digit(_ dimension: Int, of index: Int) -> Int {
    index / strides[dimension] % dimensions[dimension].size
  }

  /// The number that an axis has at a place of its dimension: in base units, a multiple, or the place for names.
  public func number(_ axis: Int, at digit: Int) -> Double {
    let dimension = dimensions[dimensionOfAxis[axis]]
    switch axes[axis].values {
    case .numbers(let list), .multiples(let list): return list[digit]
    case .words, .draws: return Double(digit)
    case .sampled(let coordinate, let range, let logarithmic):
      let part: Double
      switch dimension.design {
      case .listed: part = 0
      case .sobol(let sequence): part = sequence.coordinate(coordinate, ofPoint: digit)
      case .latinHypercube(let design): part = design.coordinate(coordinate, ofPoint: digit)
      }
      let (low, high) = (range.lowerBound, range.upperBound)
      guard logarithmic else { return low + part * (high - low) }
      return (low.logarithm() + part * (high.logarithm() - low.logarithm())).exponential()
    }
  }

  /// The word for a value of an axis: the name, or the number in all digits.
  public func label(_ axis: Int, at digit: Int) -> String {
    if case .words(let list) = axes[axis].values { return list[digit] }
    return plainNumber(number(axis, at: digit))
  }
}

/// A number in all its digits, whole ones without a point.
func plainNumber(_ value: Double) -> String {
  Int(exactly: value).map(String.init) ?? "\(value)"
}

public import Quantities
import RealModule

extension SplitMix64 {
  /// A number whose logarithm is spread evenly over a range above zero.
  public mutating func logarithmic(in range: ClosedRange<Double>) -> Double {
    let exponent = Double.random(
      in: Double.log(range.lowerBound)...Double.log(range.upperBound), using: &self)
    return Swift.min(Swift.max(Double.exp(exponent), range.lowerBound), range.upperBound)
  }

  /// A whole number whose logarithm is spread evenly over a range above zero.
  public mutating func size(in range: ClosedRange<Double>) -> Double {
    logarithmic(in: range).rounded()
  }
}

public import Calibration
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

  /// A draw from the standard normal distribution (Box and Muller, 1958).
  public mutating func normal() -> Double {
    let radius = (-2 * Double.log(Double.random(in: 1e-300...1, using: &self))).squareRoot()
    return radius * Double.cos(2 * Double.pi * Double.random(in: 0..<1, using: &self))
  }
}

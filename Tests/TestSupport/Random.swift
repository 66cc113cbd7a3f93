public import Quantities

extension SplitMix64 {
  /// A number whose logarithm is uniform between two powers of ten, of either sign if asked.
  public mutating func number(powersOfTen: ClosedRange<Double>, signed: Bool = false) -> Double {
    let exponent = Double.random(in: powersOfTen, using: &self)
    let whole = exponent.rounded(.down)
    let scale = Double("1e\(Int(whole))") ?? 1
    let value = Double.random(in: 1...10, using: &self) * scale
    return signed && Bool.random(using: &self) ? -value : value
  }
}

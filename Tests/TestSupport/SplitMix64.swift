/// A small generator with a seed, so that a property test that fails can be run again.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator that always gives the same numbers for the same seed.
  public init(seed: UInt64) { state = seed &* 0x2545_f491_4f6c_dd1d &+ 0x9e37_79b9_7f4a_7c15 }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number whose logarithm is uniform between two powers of ten, of either sign if asked.
  public mutating func number(powersOfTen: ClosedRange<Double>, signed: Bool = false) -> Double {
    let exponent = Double.random(in: powersOfTen, using: &self)
    let whole = exponent.rounded(.down)
    let scale = Double("1e\(Int(whole))") ?? 1
    let value = Double.random(in: 1...10, using: &self) * scale
    return signed && Bool.random(using: &self) ? -value : value
  }
}

import RealModule

/// The SplitMix64 generator: small, fast, the same numbers everywhere for the same seed.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  /// Starts from a seed; any value is a good one.
  @inlinable
  public init(seed: UInt64) { state = seed }

  /// Starts a stream of its own for each (seed, stream), so that rows can be generated in any order.
  @inlinable
  public init(seed: UInt64, stream: UInt64) {
    state = SplitMix64.mix(seed &+ 0x9E37_79B9_7F4A_7C15 &* (SplitMix64.mix(stream) | 1))
  }

  /// The next 64 random bits.
  @inlinable
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return SplitMix64.mix(state)
  }

  /// A number of [0, 1), with 53 random bits.
  @inlinable
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A normally distributed number of mean 0 and variance 1 (Box and Muller, 1958).
  public mutating func normal() -> Double {
    let radius = (-2 * Double.log(1 - uniform())).squareRoot()
    return radius * Double.cos(2 * Double.pi * uniform())
  }

  /// A hash of 64 bits to 64 bits in which every output bit depends on every input bit.
  @inlinable
  public static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

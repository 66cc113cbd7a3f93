/// A format whose numbers share exponents in blocks: MX with a second exponent for each pair.
///
/// A number holds its sign and a mantissa; a block shares an exponent, and each pair of numbers in it a bit that shifts
/// both. Blocks run along the inner dimension of a product, so a matrix and its transpose need copies of their own.
///
/// Source: shared microexponents (arXiv 2302.08007), recalled.
public struct BlockFormat: Sendable, Hashable {
  /// The usual name.
  public let name: String
  /// Bits of the mantissa.
  public let mantissaBits: Int

  /// Numbers of a block.
  public static let block = 16
  /// Bits of a block's exponent.
  public static let exponentBits = 8
  /// Numbers that share a bit.
  public static let pair = 2

  /// All formats, the most precise first.
  public static let all = [
    BlockFormat(name: "MX9", mantissaBits: 7), BlockFormat(name: "MX6", mantissaBits: 4),
    BlockFormat(name: "MX4", mantissaBits: 2),
  ]

  /// Bits of a number, its share of the exponents included.
  public var bits: Double {
    Double(1 + mantissaBits) + Double(Self.exponentBits) / Double(Self.block) + 1 / Double(Self.pair)
  }
}

/// How a number is known.
public struct Provenance: Sendable, Hashable {
  /// The ladder of trust, best first.
  public enum Kind: String, Sendable, CaseIterable, Comparable {
    /// Read from an instrument by us or by a named table.
    case measured
    /// Printed by the vendor or in a paper that was read.
    case published
    /// Estimated from measurements by a fit that the project can repeat.
    case fitted
    /// Remembered from a paper or data sheet that was not read again.
    case recalled
    /// A reasoned guess; always with an interval.
    case assumed

    /// Better known comes first.
    public static func < (a: Kind, b: Kind) -> Bool {
      (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
  }

  /// How it is known.
  public let kind: Kind
  /// Where it was read, or why it was assumed.
  public let source: String

  /// A provenance of this kind from this source.
  public init(_ kind: Kind, _ source: String) {
    self.kind = kind
    self.source = source
  }
}

/// A quantity with its interval and its provenance.
public struct Sourced<D: Dimension>: Sendable, Hashable {
  /// The value to compute with.
  public let quantity: Quantity<D>
  /// The plausible range; nil when the source gives none.
  public let interval: ClosedRange<Quantity<D>>?
  /// How it is known.
  public let provenance: Provenance

  /// A value, its plausible range and how it is known.
  public init(
    _ quantity: Quantity<D>, interval: ClosedRange<Quantity<D>>? = nil, provenance: Provenance
  ) {
    self.quantity = quantity
    self.interval = interval
    self.provenance = provenance
  }

  /// The number of base units.
  public var value: Double { quantity.value }
}

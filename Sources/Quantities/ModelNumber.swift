public import RealModule

/// A number that a closed form can be read with.
///
/// Every cost model of Rooftree is one function that is generic over this protocol. Read with `Double`
/// it is an estimate; a dual number makes it an elasticity and a SIMD vector a block of a sweep, without
/// a second copy of the formula. So closed forms use these operations only, and no `if` on a value:
/// ``choose(where:isAtMost:then:otherwise:)`` instead, which a vector can answer lane by lane.
public protocol ModelNumber: Sendable {
  /// The same number in every lane, with no derivative.
  init(_ constant: Double)
  /// The sum.
  static func + (a: Self, b: Self) -> Self
  /// The difference.
  static func - (a: Self, b: Self) -> Self
  /// The product.
  static func * (a: Self, b: Self) -> Self
  /// The quotient.
  static func / (a: Self, b: Self) -> Self
  /// The larger of two.
  static func larger(_ a: Self, _ b: Self) -> Self
  /// The smaller of two.
  static func smaller(_ a: Self, _ b: Self) -> Self
  /// The least whole number that is not below this one.
  func roundedUp() -> Self
  /// The square root.
  func squareRoot() -> Self
  /// The natural exponential.
  func exponential() -> Self
  /// The natural logarithm.
  func logarithm() -> Self
  /// `then` where `a <= b`, `otherwise` elsewhere.
  static func choose(where a: Self, isAtMost b: Self, then: Self, otherwise: Self) -> Self
}

extension ModelNumber {
  /// The product with a plain constant.
  @inlinable
  public static func * (a: Double, b: Self) -> Self { Self(a) * b }
  /// The product with a plain constant.
  @inlinable
  public static func * (a: Self, b: Double) -> Self { a * Self(b) }
  /// The sum of a plain constant and a number.
  @inlinable
  public static func + (a: Double, b: Self) -> Self { Self(a) + b }
  /// A plain constant over a number.
  @inlinable
  public static func / (a: Double, b: Self) -> Self { Self(a) / b }
  /// The quotient by a plain constant.
  @inlinable
  public static func / (a: Self, b: Double) -> Self { a / Self(b) }
  /// The sum with a plain constant.
  @inlinable
  public static func + (a: Self, b: Double) -> Self { a + Self(b) }
  /// The difference from a plain constant.
  @inlinable
  public static func - (a: Self, b: Double) -> Self { a - Self(b) }
  /// A positive number raised to a power.
  @inlinable
  public func raised(to power: Self) -> Self { (power * logarithm()).exponential() }
}

extension Double: ModelNumber {
  /// The larger of two numbers.
  @inlinable
  public static func larger(_ a: Double, _ b: Double) -> Double { a > b ? a : b }
  /// The smaller of two numbers.
  @inlinable
  public static func smaller(_ a: Double, _ b: Double) -> Double { a < b ? a : b }
  /// The least whole number that is not below this one.
  @inlinable
  public func roundedUp() -> Double { rounded(.up) }
  /// The natural exponential.
  @inlinable
  public func exponential() -> Double { Double.exp(self) }
  /// The natural logarithm.
  @inlinable
  public func logarithm() -> Double { Double.log(self) }
  /// `then` where `a <= b`, `otherwise` elsewhere.
  @inlinable
  public static func choose(
    where a: Double, isAtMost b: Double, then: Double, otherwise: Double
  ) -> Double { a <= b ? then : otherwise }
}

import Quantities
import RealModule

/// A number with its derivatives by up to 16 parameters: a closed form that is read with it gives its own derivatives.
///
/// Forward-mode automatic differentiation; steps (rounding up) have the derivative of a step's flat part, 0, and a choice
/// that of the side that was chosen. Seeded with a parameter's own value as its derivative, the result's derivative over its
/// value is the elasticity.
struct Dual: ModelNumber {
  /// The most parameters at once.
  static let parameters = 16

  var value: Double
  var gradient: SIMD16<Double>

  init(value: Double, gradient: SIMD16<Double>) {
    self.value = value
    self.gradient = gradient
  }

  init(_ constant: Double) { self.init(value: constant, gradient: .zero) }

  /// A parameter, by its logarithm.
  init(_ value: Double, parameter: Int) {
    var gradient = SIMD16<Double>.zero
    gradient[parameter] = value
    self.init(value: value, gradient: gradient)
  }

  private func scaled(_ factor: Double) -> SIMD16<Double> { factor * gradient }

  static func + (a: Dual, b: Dual) -> Dual {
    Dual(value: a.value + b.value, gradient: a.gradient + b.gradient)
  }
  static func - (a: Dual, b: Dual) -> Dual {
    Dual(value: a.value - b.value, gradient: a.gradient - b.gradient)
  }
  static func * (a: Dual, b: Dual) -> Dual {
    Dual(value: a.value * b.value, gradient: a.scaled(b.value) + b.scaled(a.value))
  }
  static func / (a: Dual, b: Dual) -> Dual {
    let quotient = a.value / b.value
    return Dual(value: quotient, gradient: (a.gradient - b.scaled(quotient)) / b.value)
  }
  static func larger(_ a: Dual, _ b: Dual) -> Dual { a.value > b.value ? a : b }
  static func smaller(_ a: Dual, _ b: Dual) -> Dual { a.value < b.value ? a : b }
  func roundedUp() -> Dual { Dual(value.rounded(.up)) }
  func squareRoot() -> Dual {
    let root = value.squareRoot()
    // At zero the root is that of a constant zero, in every form.
    return Dual(value: root, gradient: root > 0 ? scaled(0.5 / root) : .zero)
  }
  func exponential() -> Dual {
    let result = Double.exp(value)
    return Dual(value: result, gradient: scaled(result))
  }
  func logarithm() -> Dual { Dual(value: Double.log(value), gradient: scaled(1 / value)) }
  static func choose(where a: Dual, isAtMost b: Dual, then: Dual, otherwise: Dual) -> Dual {
    a.value <= b.value ? then : otherwise
  }
}

import Quantities
import RealModule

/// A range that a number lies in: a closed form that is read with it bounds its own values over a box of parameters.
///
/// Bounds are those of interval arithmetic: they hold, but can be wider than need be where a number occurs twice. Each
/// operation is widened by a few units in the last place, so that rounding does not break them.
struct Interval: ModelNumber, Equatable {
  let low: Double
  let high: Double

  init(_ low: Double, _ high: Double) {
    self.low = low
    self.high = high
  }

  init(_ constant: Double) { self.init(constant, constant) }

  /// Everything.
  static let all = Interval(-.infinity, .infinity)

  private static func rounded(_ low: Double, _ high: Double) -> Interval {
    guard !low.isNaN, !high.isNaN else { return .all }
    return Interval(low - abs(low) * 0x1p-51, high + abs(high) * 0x1p-51)
  }

  private static func hull(_ values: [Double]) -> Interval {
    // Zero times infinity is zero here: an endless bound stands for a number that is finite.
    let clean = values.map { $0.isNaN ? 0 : $0 }
    return rounded(clean.min() ?? 0, clean.max() ?? 0)
  }

  static func + (a: Interval, b: Interval) -> Interval { rounded(a.low + b.low, a.high + b.high) }
  static func - (a: Interval, b: Interval) -> Interval { rounded(a.low - b.high, a.high - b.low) }
  static func * (a: Interval, b: Interval) -> Interval {
    hull([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
  }
  static func / (a: Interval, b: Interval) -> Interval {
    guard b.low > 0 || b.high < 0 else { return .all }
    return hull([a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high])
  }
  static func larger(_ a: Interval, _ b: Interval) -> Interval {
    Interval(Double.larger(a.low, b.low), Double.larger(a.high, b.high))
  }
  static func smaller(_ a: Interval, _ b: Interval) -> Interval {
    Interval(Double.smaller(a.low, b.low), Double.smaller(a.high, b.high))
  }
  func roundedUp() -> Interval { Interval(low.rounded(.up), high.rounded(.up)) }
  func squareRoot() -> Interval {
    Self.rounded(Double.larger(0, low).squareRoot(), Double.larger(0, high).squareRoot())
  }
  func exponential() -> Interval { Self.rounded(Double.exp(low), Double.exp(high)) }
  func logarithm() -> Interval {
    Self.rounded(low > 0 ? Double.log(low) : -.infinity, high > 0 ? Double.log(high) : -.infinity)
  }
  static func choose(where a: Interval, isAtMost b: Interval, then: Interval, otherwise: Interval) -> Interval
  {
    if a.high <= b.low { return then }
    if a.low > b.high { return otherwise }
    return Interval(Double.smaller(then.low, otherwise.low), Double.larger(then.high, otherwise.high))
  }

  /// Whether a condition with these bounds holds for no scenario.
  var isNever: Bool { low == 0 && high == 0 }
}

extension Expression {
  /// Bounds of the formula where names lie in ranges.
  func interval(_ range: (String) -> Interval) -> Interval {
    var stack: [Interval] = []
    for instruction in program {
      switch instruction {
      case .constant(let number): stack.append(Interval(number))
      case .variable(let name): stack.append(range(name))
      case .unary(let operation): stack.append(operation.apply(stack.removeLast()))
      case .binary(let operation):
        let right = stack.removeLast()
        stack.append(operation.apply(stack.removeLast(), right))
      }
    }
    return stack[0]
  }
}

extension Expression.Unary {
  func apply(_ x: Interval) -> Interval {
    switch self {
    case .minus: Interval(-x.high, -x.low)
    case .ceil: x.roundedUp()
    case .floor: Interval(x.low.rounded(.down), x.high.rounded(.down))
    case .log2: x.logarithm() / Interval(Double.log(2))
    case .sqrt: x.low < 0 ? .all : x.squareRoot()
    case .abs:
      x.low >= 0 ? x : x.high <= 0 ? Interval(-x.high, -x.low) : Interval(0, Double.larger(-x.low, x.high))
    }
  }
}

extension Expression.Binary {
  private static func truth(always: Bool, never: Bool) -> Interval {
    always ? Interval(1) : never ? Interval(0) : Interval(0, 1)
  }

  func apply(_ a: Interval, _ b: Interval) -> Interval {
    func isTrue(_ x: Interval) -> Bool { x.low > 0 || x.high < 0 }
    switch self {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide: return a / b
    case .remainder:
      // Not below zero, and less than the divisor, for positive ones.
      return b.low > 0 && a.low >= 0 ? Interval(0, Double.smaller(a.high, b.high)) : .all
    case .power:
      return a.low > 0 ? (b * a.logarithm()).exponential() : .all
    case .equal:
      return Self.truth(
        always: a.low == a.high && b.low == b.high && a.low == b.low, never: a.high < b.low || a.low > b.high)
    case .unequal:
      return Self.truth(
        always: a.high < b.low || a.low > b.high, never: a.low == a.high && b.low == b.high && a.low == b.low)
    case .less: return Self.truth(always: a.high < b.low, never: a.low >= b.high)
    case .atMost: return Self.truth(always: a.high <= b.low, never: a.low > b.high)
    case .greater: return Self.truth(always: a.low > b.high, never: a.high <= b.low)
    case .atLeast: return Self.truth(always: a.low >= b.high, never: a.high < b.low)
    case .and: return Self.truth(always: isTrue(a) && isTrue(b), never: a.isNever || b.isNever)
    case .or: return Self.truth(always: isTrue(a) || isTrue(b), never: a.isNever && b.isNever)
    case .min: return Interval.smaller(a, b)
    case .max: return Interval.larger(a, b)
    }
  }
}

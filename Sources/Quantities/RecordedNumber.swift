/// A number that remembers how it came about.
///
/// Read with it, a closed form leaves the list of its operations behind (``FormProgram``), which a page can evaluate for
/// other inputs. It is one more reading of the same function: nothing of the form is written a second time.
public struct RecordedNumber: ModelNumber {
  /// What makes a number out of others.
  enum Operation: UInt8, Sendable {
    case constant, input, add, subtract, multiply, divide, larger, smaller, roundUp, squareRoot, exponential
    case logarithm, choose
  }

  /// A number with the numbers that it comes from.
  final class Node: Sendable {
    let operation: Operation
    /// The value of a constant; the index of an input.
    let value: Double
    let operands: [Node]

    init(_ operation: Operation, value: Double = 0, _ operands: [Node] = []) {
      self.operation = operation
      self.value = value
      self.operands = operands
    }
  }

  let node: Node

  init(node: Node) { self.node = node }

  /// A constant.
  public init(_ constant: Double) { node = Node(.constant, value: constant) }

  /// The input with this index.
  static func input(_ index: Int) -> RecordedNumber { .init(node: Node(.input, value: Double(index))) }

  /// A result; that of constants is a constant.
  private static func make(_ operation: Operation, _ operands: RecordedNumber...) -> RecordedNumber {
    let nodes = operands.map(\.node)
    guard nodes.allSatisfy({ $0.operation == .constant }) else {
      return .init(node: Node(operation, nodes))
    }
    return .init(operation.result(nodes.map(\.value)))
  }

  /// The sum.
  public static func + (a: Self, b: Self) -> Self { make(.add, a, b) }
  /// The difference.
  public static func - (a: Self, b: Self) -> Self { make(.subtract, a, b) }
  /// The product.
  public static func * (a: Self, b: Self) -> Self { make(.multiply, a, b) }
  /// The quotient.
  public static func / (a: Self, b: Self) -> Self { make(.divide, a, b) }
  /// The larger of two.
  public static func larger(_ a: Self, _ b: Self) -> Self { make(.larger, a, b) }
  /// The smaller of two.
  public static func smaller(_ a: Self, _ b: Self) -> Self { make(.smaller, a, b) }
  /// The least whole number that is not below this one.
  public func roundedUp() -> Self { Self.make(.roundUp, self) }
  /// The square root.
  public func squareRoot() -> Self { Self.make(.squareRoot, self) }
  /// The natural exponential.
  public func exponential() -> Self { Self.make(.exponential, self) }
  /// The natural logarithm.
  public func logarithm() -> Self { Self.make(.logarithm, self) }
  /// `then` where `a <= b`, `otherwise` elsewhere.
  public static func choose(where a: Self, isAtMost b: Self, then: Self, otherwise: Self) -> Self {
    make(.choose, a, b, then, otherwise)
  }
}

extension RecordedNumber.Operation {
  /// What the operation makes of some numbers, exactly as `Double` does it.
  func result(_ v: [Double]) -> Double {
    switch self {
    case .constant, .input: v[0]
    case .add: v[0] + v[1]
    case .subtract: v[0] - v[1]
    case .multiply: v[0] * v[1]
    case .divide: v[0] / v[1]
    case .larger: Double.larger(v[0], v[1])
    case .smaller: Double.smaller(v[0], v[1])
    case .roundUp: v[0].roundedUp()
    case .squareRoot: v[0].squareRoot()
    case .exponential: v[0].exponential()
    case .logarithm: v[0].logarithm()
    case .choose: Double.choose(where: v[0], isAtMost: v[1], then: v[2], otherwise: v[3])
    }
  }
}

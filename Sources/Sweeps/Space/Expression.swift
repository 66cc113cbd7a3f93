import Documents
import Quantities
import RealModule

/// A formula over named columns, as constraints and derived parameters are written: `tensor * data == gpus`.
///
/// Operators by growing strength: `or`, `and`, comparisons (`==` or `=`, `!=`, `<`, `<=`, `>`, `>=`), `+ -`, `* / %`,
/// a leading minus, `^`. Functions: `min`, `max`, `ceil`, `floor`, `log2`, `sqrt`, `abs`. A comparison is 1 where it holds
/// and 0 elsewhere.
public struct Expression: Sendable, Equatable {
  /// What a formula does to a stack of columns.
  enum Instruction: Sendable, Equatable {
    case constant(Double)
    case variable(String)
    case unary(Unary)
    case binary(Binary)
  }

  enum Unary: String, Sendable, CaseIterable {
    case minus, ceil, floor, log2, sqrt, abs
  }

  enum Binary: String, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
    case power = "^"
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case atMost = "<="
    case greater = ">"
    case atLeast = ">="
    case and, or, min, max
  }

  /// The formula as it was written.
  public let text: String
  let program: [Instruction]

  /// The names that the formula reads, each once, in the order of the text.
  public var names: [String] {
    var result: [String] = []
    for case .variable(let name) in program where !result.contains(name) { result.append(name) }
    return result
  }

  /// Parses a formula.
  ///
  /// - Parameters:
  ///   - node: the scalar that holds it.
  ///   - path: its place, for messages.
  /// - Throws: `Diagnostic` at the scalar, with the column inside of the formula.
  init(_ node: DocumentNode, path: String) throws(Diagnostic) {
    let text = try MappingReader.scalar(node, path: path, expected: "a formula")
    do {
      var parser = ExpressionParser(text)
      program = try parser.parse()
    } catch {
      throw node.diagnostic(
        .wrongKind(
          path: path, found: "'\(printable(text))': \(error.found) at character \(error.offset + 1)",
          expected: error.expected))
    }
    self.text = text
  }

  /// Columns that a formula needs to work in.
  var depth: Int {
    var (now, most) = (0, 0)
    for instruction in program {
      switch instruction {
      case .constant, .variable: now += 1
      case .unary: break
      case .binary: now -= 1
      }
      most = Swift.max(most, now)
    }
    return most
  }

  /// The value for one scenario.
  ///
  /// - Parameter value: what a name stands for.
  /// - Returns: the value; comparisons give 1 or 0.
  func value(_ value: (String) -> Double) -> Double {
    var stack: [Double] = []
    for instruction in program {
      switch instruction {
      case .constant(let number): stack.append(number)
      case .variable(let name): stack.append(value(name))
      case .unary(let operation): stack.append(operation.apply(stack.removeLast()))
      case .binary(let operation):
        let right = stack.removeLast()
        stack.append(operation.apply(stack.removeLast(), right))
      }
    }
    return stack[0]
  }

  /// The values of a run of scenarios, one pass over the columns for each operation.
  ///
  /// - Parameters:
  ///   - column: the column that a name stands for.
  ///   - stack: room for ``depth`` columns of `capacity` numbers.
  ///   - capacity: room of a column.
  ///   - count: scenarios.
  ///   - result: where the values go.
  func evaluate(
    _ column: (String) -> UnsafePointer<Double>, stack: UnsafeMutablePointer<Double>, capacity: Int,
    count: Int,
    into result: UnsafeMutablePointer<Double>
  ) {
    var top = -1
    for instruction in program {
      switch instruction {
      case .constant(let number):
        top += 1
        (stack + top * capacity).update(repeating: number, count: count)
      case .variable(let name):
        top += 1
        (stack + top * capacity).update(from: column(name), count: count)
      case .unary(let operation): operation.apply(stack + top * capacity, count: count)
      case .binary(let operation):
        top -= 1
        operation.apply(stack + top * capacity, stack + (top + 1) * capacity, count: count)
      }
    }
    result.update(from: stack, count: count)
  }
}

extension Expression.Unary {
  func apply(_ x: Double) -> Double {
    switch self {
    case .minus: -x
    case .ceil: x.rounded(.up)
    case .floor: x.rounded(.down)
    case .log2: Double.log2(x)
    case .sqrt: x.squareRoot()
    case .abs: Swift.abs(x)
    }
  }

  func apply(_ x: UnsafeMutablePointer<Double>, count: Int) {
    switch self {
    case .minus: for i in 0..<count { x[i] = -x[i] }
    default: for i in 0..<count { x[i] = apply(x[i]) }
    }
  }
}

extension Expression.Binary {
  func apply(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .remainder: a - b * (a / b).rounded(.down)
    case .power: Double.pow(a, b)
    case .equal: a == b ? 1 : 0
    case .unequal: a != b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .atMost: a <= b ? 1 : 0
    case .greater: a > b ? 1 : 0
    case .atLeast: a >= b ? 1 : 0
    case .and: a != 0 && b != 0 ? 1 : 0
    case .or: a != 0 || b != 0 ? 1 : 0
    case .min: a < b ? a : b
    case .max: a > b ? a : b
    }
  }

  /// The same over columns; the cases that formulas use most are loops that the compiler vectorises.
  func apply(_ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, count: Int) {
    switch self {
    case .add: for i in 0..<count { a[i] = a[i] + b[i] }
    case .subtract: for i in 0..<count { a[i] = a[i] - b[i] }
    case .multiply: for i in 0..<count { a[i] = a[i] * b[i] }
    case .divide: for i in 0..<count { a[i] = a[i] / b[i] }
    case .equal: for i in 0..<count { a[i] = a[i] == b[i] ? 1 : 0 }
    case .atMost: for i in 0..<count { a[i] = a[i] <= b[i] ? 1 : 0 }
    case .atLeast: for i in 0..<count { a[i] = a[i] >= b[i] ? 1 : 0 }
    default: for i in 0..<count { a[i] = apply(a[i], b[i]) }
    }
  }
}

/// What is wrong with a formula.
struct ExpressionError: Error {
  let offset: Int
  let found: String
  let expected: String
}

/// A parser by descent, one function for each strength.
struct ExpressionParser {
  private enum Token: Equatable {
    case number(Double)
    case name(String)
    case symbol(String)
    case end
  }

  private let bytes: [UInt8]
  private var position = 0
  private var token = Token.end
  private var tokenStart = 0
  private var program: [Expression.Instruction] = []
  private var nesting = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func parse() throws(ExpressionError) -> [Expression.Instruction] {
    try advance()
    try disjunction()
    guard token == .end else { throw unexpected("an operator or the end") }
    return program
  }

  private func unexpected(_ expected: String) -> ExpressionError {
    let found: String
    switch token {
    case .number(let value): found = "the number \(value)"
    case .name(let name): found = "'\(name)'"
    case .symbol(let symbol): found = "'\(symbol)'"
    case .end: found = "the end"
    }
    return ExpressionError(offset: tokenStart, found: found, expected: expected)
  }

  private mutating func advance() throws(ExpressionError) {
    while position < bytes.count, [32, 9, 10, 13].contains(bytes[position]) { position += 1 }
    tokenStart = position
    guard position < bytes.count else {
      token = .end
      return
    }
    let byte = bytes[position]
    func isLetter(_ b: UInt8) -> Bool { (65...90).contains(b) || (97...122).contains(b) || b == 95 }
    func isDigit(_ b: UInt8) -> Bool { (48...57).contains(b) }
    if isLetter(byte) {
      while position < bytes.count, isLetter(bytes[position]) || isDigit(bytes[position]) { position += 1 }
      token = .name(String(decoding: bytes[tokenStart..<position], as: UTF8.self))
    } else if isDigit(byte) || byte == 46 {
      while position < bytes.count, isDigit(bytes[position]) || bytes[position] == 46 { position += 1 }
      if position < bytes.count, bytes[position] == 101 || bytes[position] == 69 {
        var after = position + 1
        if after < bytes.count, bytes[after] == 43 || bytes[after] == 45 { after += 1 }
        if after < bytes.count, isDigit(bytes[after]) {
          position = after
          while position < bytes.count, isDigit(bytes[position]) { position += 1 }
        }
      }
      let word = String(decoding: bytes[tokenStart..<position], as: UTF8.self)
      guard let value = Double(word), value.isFinite else {
        throw ExpressionError(offset: tokenStart, found: "'\(word)'", expected: "a number")
      }
      token = .number(value)
    } else {
      for symbol in ["==", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", ","]
      where bytes[position...].starts(with: symbol.utf8) {
        position += symbol.utf8.count
        token = .symbol(symbol)
        return
      }
      let rest = String(decoding: bytes[position...], as: UTF8.self)
      throw ExpressionError(
        offset: position, found: "'\(printable(String(rest.prefix(1))))'",
        expected: "a name, a number or an operator")
    }
  }

  private mutating func accept(_ symbols: [String]) throws(ExpressionError) -> String? {
    let word: String
    switch token {
    case .symbol(let symbol): word = symbol
    case .name(let name): word = name
    default: return nil
    }
    guard symbols.contains(word) else { return nil }
    try advance()
    return word
  }

  private mutating func emit(_ operation: Expression.Binary) { program.append(.binary(operation)) }

  private mutating func disjunction() throws(ExpressionError) {
    try conjunction()
    while try accept(["or"]) != nil {
      try conjunction()
      emit(.or)
    }
  }

  private mutating func conjunction() throws(ExpressionError) {
    try comparison()
    while try accept(["and"]) != nil {
      try comparison()
      emit(.and)
    }
  }

  private mutating func comparison() throws(ExpressionError) {
    try sum()
    if let word = try accept(["==", "=", "!=", "<", "<=", ">", ">="]) {
      try sum()
      emit(Expression.Binary(rawValue: word == "=" ? "==" : word) ?? .equal)
    }
  }

  private mutating func sum() throws(ExpressionError) {
    try product()
    while let word = try accept(["+", "-"]) {
      try product()
      emit(word == "+" ? .add : .subtract)
    }
  }

  private mutating func product() throws(ExpressionError) {
    try sign()
    while let word = try accept(["*", "/", "%"]) {
      try sign()
      emit(Expression.Binary(rawValue: word) ?? .multiply)
    }
  }

  private mutating func sign() throws(ExpressionError) {
    nesting += 1
    defer { nesting -= 1 }
    guard nesting < 64 else { throw unexpected("a formula that is nested less deeply") }
    if try accept(["-"]) != nil {
      try sign()
      program.append(.unary(.minus))
    } else {
      try power()
    }
  }

  private mutating func power() throws(ExpressionError) {
    try atom()
    if try accept(["^"]) != nil {
      try sign()
      emit(.power)
    }
  }

  private mutating func atom() throws(ExpressionError) {
    switch token {
    case .number(let value):
      program.append(.constant(value))
      try advance()
    case .name(let name) where !["and", "or"].contains(name):
      try advance()
      if try accept(["("]) != nil {
        try call(name)
      } else {
        program.append(.variable(name))
      }
    case .symbol("("):
      try advance()
      nesting += 1
      try disjunction()
      nesting -= 1
      guard try accept([")"]) != nil else { throw unexpected("')'") }
    default: throw unexpected("a name, a number or '('")
    }
  }

  private mutating func call(_ name: String) throws(ExpressionError) {
    let start = tokenStart
    var arguments = 1
    try disjunction()
    while try accept([","]) != nil {
      try disjunction()
      arguments += 1
      if name == "min" || name == "max" { emit(name == "min" ? .min : .max) }
    }
    guard try accept([")"]) != nil else { throw unexpected("')' or ','") }
    if name == "min" || name == "max", arguments >= 2 { return }
    guard let function = Expression.Unary(rawValue: name), function != .minus, arguments == 1 else {
      throw ExpressionError(
        offset: start, found: "the function '\(printable(name))' of \(arguments)",
        expected: "min or max of several, ceil, floor, log2, sqrt or abs of one")
    }
    program.append(.unary(function))
  }
}

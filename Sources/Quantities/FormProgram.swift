/// A closed form of several inputs, written once for every number that it is read with.
public protocol RecordableForm: Sendable {
  /// The outputs of the form.
  ///
  /// - Parameter inputs: as many as the form asks for, in its order.
  /// - Returns: the outputs, in the form's order.
  func outputs<N: ModelNumber>(_ inputs: [N]) -> [N]
}

/// The operations of a closed form as a list that something else can carry out: a page, or ``evaluate(_:)``.
///
/// It is made by reading the form itself with ``RecordedNumber``. Equal operations are kept once, those that no output
/// needs are not kept.
public struct FormProgram: Sendable {
  /// One operation: its operands are the places of earlier ones.
  struct Instruction: Sendable, Hashable {
    let operation: RecordedNumber.Operation
    /// Bits of a constant, or the index of an input.
    let bits: UInt64
    let operands: [Int]
  }

  /// How many inputs it takes.
  public let inputCount: Int
  let instructions: [Instruction]
  let outputs: [Int]

  /// How many operations one evaluation takes.
  public var operationCount: Int { instructions.count { ![.constant, .input].contains($0.operation) } }

  /// The program of a form.
  ///
  /// - Parameters:
  ///   - form: the closed form.
  ///   - inputCount: how many inputs it takes.
  public init(_ form: some RecordableForm, inputCount: Int) {
    self.inputCount = inputCount
    let results = form.outputs((0..<inputCount).map { RecordedNumber.input($0) })
    var places: [ObjectIdentifier: Int] = [:]
    var numbers: [Instruction: Int] = [:]
    var instructions: [Instruction] = []
    func place(_ root: RecordedNumber.Node) -> Int {
      // A stack of its own: sums over many layers are deeper than a thread's stack should be.
      var waiting = [root]
      while let node = waiting.last {
        if places[ObjectIdentifier(node)] != nil {
          waiting.removeLast()
          continue
        }
        let missing = node.operands.filter { places[ObjectIdentifier($0)] == nil }
        guard missing.isEmpty else {
          waiting += missing.reversed()
          continue
        }
        waiting.removeLast()
        let instruction = Instruction(
          operation: node.operation, bits: node.value.bitPattern,
          operands: node.operands.compactMap { places[ObjectIdentifier($0)] })
        if let known = numbers[instruction] {
          places[ObjectIdentifier(node)] = known
        } else {
          places[ObjectIdentifier(node)] = instructions.count
          numbers[instruction] = instructions.count
          instructions.append(instruction)
        }
      }
      return places[ObjectIdentifier(root)] ?? 0
    }
    outputs = results.map { place($0.node) }
    self.instructions = instructions
  }

  /// Carries out the program.
  ///
  /// - Parameter inputs: as many as ``inputCount``.
  /// - Returns: the outputs of the form.
  public func evaluate(_ inputs: [Double]) -> [Double] {
    precondition(inputs.count == inputCount, "as many inputs as the program takes")
    var values: [Double] = []
    values.reserveCapacity(instructions.count)
    for instruction in instructions {
      switch instruction.operation {
      case .constant: values.append(Double(bitPattern: instruction.bits))
      case .input: values.append(inputs[Int(Double(bitPattern: instruction.bits))])
      default: values.append(instruction.operation.result(instruction.operands.map { values[$0] }))
      }
    }
    return outputs.map { values[$0] }
  }

  /// The program as a JavaScript function from an array of inputs to an array of outputs.
  ///
  /// It uses nothing but arithmetic and `Math`; `larger`, `smaller` and `choose` decide as Swift's do.
  public var javaScript: String {
    var uses = [Int](repeating: 0, count: instructions.count)
    for instruction in instructions {
      // Operands that a comparison names twice need a name.
      let twice = [.larger, .smaller].contains(instruction.operation)
      for operand in instruction.operands { uses[operand] += twice ? 2 : 1 }
    }
    for output in outputs { uses[output] += 1 }
    var text: [String] = []
    var depths: [Int] = []
    var statements: [String] = []
    for (index, instruction) in instructions.enumerated() {
      let o = instruction.operands.map { text[$0] }
      var depth = 1 + (instruction.operands.map { depths[$0] }.max() ?? 0)
      var words: String
      switch instruction.operation {
      case .constant: words = Self.literal(Double(bitPattern: instruction.bits))
      case .input: words = "x[\(Int(Double(bitPattern: instruction.bits)))]"
      case .add: words = "(\(o[0])+\(o[1]))"
      case .subtract: words = "(\(o[0])-\(o[1]))"
      case .multiply: words = "(\(o[0])*\(o[1]))"
      case .divide: words = "(\(o[0])/\(o[1]))"
      case .larger: words = "(\(o[0])>\(o[1])?\(o[0]):\(o[1]))"
      case .smaller: words = "(\(o[0])<\(o[1])?\(o[0]):\(o[1]))"
      case .roundUp: words = "Math.ceil(\(o[0]))"
      case .squareRoot: words = "Math.sqrt(\(o[0]))"
      case .exponential: words = "Math.exp(\(o[0]))"
      case .logarithm: words = "Math.log(\(o[0]))"
      case .choose: words = "(\(o[0])<=\(o[1])?\(o[2]):\(o[3]))"
      }
      let isLeaf = [.constant, .input].contains(instruction.operation)
      if !isLeaf, uses[index] > 1 || depth > 30 {
        statements.append("v\(index)=\(words)")
        words = "v\(index)"
        depth = 0
      }
      text.append(words)
      depths.append(depth)
    }
    let body = statements.isEmpty ? "" : "const \(statements.joined(separator: ","));"
    return "x=>{\(body)return[\(outputs.map { text[$0] }.joined(separator: ","))]}"
  }

  /// A number that JavaScript reads back as the same bits.
  private static func literal(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "(-Infinity)" : "Infinity" }
    let text = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    return value < 0 || value.sign == .minus ? "(\(value == 0 ? "-0" : text))" : text
  }
}

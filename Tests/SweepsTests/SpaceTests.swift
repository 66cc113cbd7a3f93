import Documents
import Quantities
import TestSupport
import Testing

@testable import Sweeps

/// A sweep from text.
func sweep(_ text: String) throws -> Sweep {
  try Sweep(node: try parseDocument(text, file: "space.yaml"), path: "space.yaml", in: Repository.library)
}

/// A roofline space with these axes and other keys.
func rooflineSweep(_ axes: String, _ rest: String = "") throws -> Sweep {
  try sweep(
    "name: s\nmodel: roofline\nbase: {hardware: nvidia-h200, flop: 1 GFLOP, bytes: 1 MB}\naxes:\n\(axes)\n\(rest)"
  )
}

@Suite struct SpaceTests {
  private func numbers(_ axis: String) throws -> [Double] {
    let space = try rooflineSweep("  a: \(axis)").space
    return (0..<space.count).map { space.number(0, at: $0) }
  }

  @Test func listsRangesAndFactors() throws {
    #expect(try numbers("{values: [3, 1, 2]}") == [3, 1, 2])
    #expect(try numbers("[4, 8]") == [4, 8])
    #expect(try numbers("{sets: bandwidth, values: [1 TB/s, 500 GB/s]}") == [1e12, 5e11])
    #expect(try numbers("{from: 1024, to: 4096, step: 1024}") == [1024, 2048, 3072, 4096])
    #expect(try numbers("{from: 0.1, to: 0.3, step: 0.1}").count == 3)
    #expect(try numbers("{from: 1, to: 64, factor: 2}") == [1, 2, 4, 8, 16, 32, 64])
    #expect(try numbers("{from: 1, to: 5, count: 5}") == [1, 2, 3, 4, 5])
    let decades = try numbers("{from: 1 us, to: 1 s, count: 7, spacing: logarithmic}")
    for (value, exponent) in zip(decades, [-6, -5, -4, -3, -2, -1, 0]) {
      #expect(abs(value / (Double("1e\(exponent)") ?? 0) - 1) < 1e-12)
    }
  }

  /// Every scenario's digits give its index back, whatever the sizes.
  @Test(arguments: UInt64(0)..<50)
  func digitsAndIndexAgree(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let sizes = (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 1...7, using: &random) }
    let axes = sizes.enumerated().map { "  a\($0): {from: 1, to: \($1), step: 1}" }.joined(separator: "\n")
    let space = try rooflineSweep(axes).space
    #expect(space.count == sizes.reduce(1, *))
    for _ in 0..<20 {
      let index = Int.random(in: 0..<space.count, using: &random)
      var back = 0
      for dimension in sizes.indices { back = back * sizes[dimension] + space.digit(dimension, of: index) }
      #expect(back == index)
    }
  }

  /// Columns are what the digits of each index say, wherever a block starts.
  @Test(arguments: UInt64(0)..<30)
  func columnsAreTheSpace(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let sizes = (0..<4).map { _ in Int.random(in: 1...23, using: &random) }
    var axes = sizes.enumerated().map { "  a\($0): {from: 1, to: \($1), step: 1}" }.joined(separator: "\n")
    axes +=
      "\n  d: {method: sobol, count: 37, seed: \(seed), axes: {x: {from: 1, to: 2}, y: {from: 1, to: 9, spacing: logarithmic}}}"
    let space = try rooflineSweep(axes).space
    let block = ColumnBlock(space, otherColumns: 0)
    for _ in 0..<5 {
      let start = Int.random(in: 0..<space.count, using: &random)
      let count = min(Int.random(in: 1...ColumnBlock.capacity, using: &random), space.count - start)
      block.move(to: start, count: count)
      for axis in space.axes.indices {
        let dimension = space.dimensionOfAxis[axis]
        let (column, digits) = (block.axis(axis), block.digits(dimension))
        var wrong = 0
        for place in 0..<count {
          let digit = space.digit(dimension, of: start + place)
          if Int(digits[place]) != digit || column[place] != space.number(axis, at: digit) { wrong += 1 }
        }
        #expect(wrong == 0)
      }
    }
  }

  @Test func zippedAxesShareADimension() throws {
    let space = try rooflineSweep("  a: [1, 2, 3]\n  b: [4, 5]\n  c: [7, 8, 9]", "zip: [[a, c]]").space
    #expect(space.count == 6)
    #expect(space.dimensions.map(\.name) == ["a_c", "b"])
    #expect(space.number(2, at: 1) == 8)
  }

  /// 2^62 scenarios are known by their index; 2^63 are too many.
  @Test func hugeSpaces() throws {
    func axes(_ count: Int) -> String {
      (0..<count).map { "  a\($0): [1, 2]" }.joined(separator: "\n")
    }
    let space = try rooflineSweep(axes(62)).space
    #expect(space.count == 1 << 62)
    #expect((0..<62).allSatisfy { space.digit($0, of: space.count - 1) == 1 })
    #expect(complaint { try rooflineSweep(axes(63)) }.contains("more than 2^63"))
  }

  /// The first eight points of SciPy 1.x, `scipy.stats.qmc.Sobol(d, scramble=False).random(8)`, dimensions 1 to 4 and 24.
  @Test func sobolIsSciPys() {
    let expected: [[Double]] = [
      [0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], [0.75, 0.25, 0.25, 0.25], [0.25, 0.75, 0.75, 0.75],
      [0.375, 0.375, 0.625, 0.875], [0.875, 0.875, 0.125, 0.375], [0.625, 0.125, 0.875, 0.625],
      [0.125, 0.625, 0.375, 0.125],
    ]
    let sequence = Sobol(dimensions: 24, seed: 0)
    for (index, point) in expected.enumerated() {
      #expect((0..<4).map { sequence.coordinate($0, ofPoint: index) } == point)
    }
    #expect(
      (0..<8).map { sequence.coordinate(23, ofPoint: $0) } == [
        0.0, 0.5, 0.25, 0.75, 0.875, 0.375, 0.625, 0.125,
      ])
  }

  /// Every stretch of 2^k points has one in each of 2^k cells, in every dimension, shifted or not.
  @Test(arguments: [UInt64(0), 7])
  func sobolIsEven(seed: UInt64) {
    let sequence = Sobol(dimensions: Sobol.mostDimensions, seed: seed)
    for dimension in 0..<Sobol.mostDimensions {
      let cells = Set((256..<512).map { Int(sequence.coordinate(dimension, ofPoint: $0) * 256) })
      #expect(cells.count == 256)
    }
  }

  @Test(arguments: [1, 2, 7, 100, 1000])
  func latinHypercubesHaveOnePointInEachCell(count: Int) {
    let design = LatinHypercube(count: count, seed: 3)
    for dimension in 0..<3 {
      let cells = Set((0..<count).map { Int(design.coordinate(dimension, ofPoint: $0) * Double(count)) })
      #expect(cells.count == count)
    }
    if count == 1000 {
      #expect((0..<count).map { design.permuted($0, 0) } != (0..<count).map { design.permuted($0, 1) })
    }
  }
}

@Suite struct ExpressionTests {
  private func value(_ text: String, _ names: [String: Double] = [:]) throws -> Double {
    let node = DocumentNode(
      content: .scalar(text, quoted: false), position: .init(line: 1, column: 1), file: "f")
    return try Expression(node, path: "f").value { names[$0] ?? .nan }
  }

  @Test func arithmetic() throws {
    #expect(try value("1 + 2 * 3 - 4 / 2") == 5)
    #expect(try value("2 ^ 3 ^ 2") == 512)
    #expect(try value("-2 ^ 2") == -4)
    #expect(try value("7 % 4") == 3)
    #expect(try value("ceil(7 / 2) + floor(2.5) + max(1, 5, 3) + min(2, 1) + sqrt(16) + log2(8)") == 19)
    #expect(try value("1.5e3") == 1500)
    #expect(try value("(a + b) * 2", ["a": 1, "b": 2]) == 6)
  }

  @Test func conditions() throws {
    #expect(try value("tp * pp * dp = gpus", ["tp": 8, "pp": 4, "dp": 2, "gpus": 64]) == 1)
    #expect(try value("1 < 2 and 3 >= 4 or 2 != 2") == 0)
    #expect(try value("1 <= 1 or 0 > 1 and 0 = 1") == 1)
  }

  @Test func faults() {
    func fault(_ text: String) -> String { complaint { try value(text) } }
    #expect(
      fault("tp * ")
        == "f:1:1: error: 'f' is 'tp * ': the end at character 6; expected a name, a number or '('")
    #expect(fault("(1 + 2") == "f:1:1: error: 'f' is '(1 + 2': the end at character 7; expected ')'")
    #expect(fault("1 2").contains("the number 2.0 at character 3; expected an operator or the end"))
    #expect(fault("sine(1)").contains("expected min or max of several"))
    #expect(fault("a $ b").contains("'$' at character 3"))
    #expect(fault(String(repeating: "(", count: 500)).contains("nested less deeply"))
  }

  /// Columns give what single values give.
  @Test(arguments: UInt64(0)..<40)
  func columnsAgree(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func term(_ depth: Int) -> String {
      if depth == 0 { return ["a", "b", "3", "0.5"][Int.random(in: 0..<4, using: &random)] }
      let operators = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or"]
      let word = operators[Int.random(in: 0..<operators.count, using: &random)]
      return "(\(term(depth - 1)) \(word) max(\(term(depth - 1)), b))"
    }
    let text = term(3)
    let node = DocumentNode(
      content: .scalar(text, quoted: false), position: .init(line: 1, column: 1), file: nil)
    let expression = try Expression(node, path: "f")
    let count = 100
    let a = (0..<count).map { _ in Double.random(in: -3...3, using: &random) }
    let b = (0..<count).map { _ in Double.random(in: 1...3, using: &random).rounded() }
    let columns = UnsafeMutablePointer<Double>.allocate(capacity: (3 + expression.depth) * count)
    defer { columns.deallocate() }
    for i in 0..<count { (columns[i], columns[count + i]) = (a[i], b[i]) }
    let result = columns + 2 * count
    expression.evaluate(
      { UnsafePointer($0 == "a" ? columns : columns + count) }, stack: columns + 3 * count, capacity: count,
      count: count, into: result)
    for i in 0..<count {
      let single = expression.value { $0 == "a" ? a[i] : b[i] }
      #expect(result[i] == single || (result[i].isNaN && single.isNaN))
    }
  }
}

import Documents
import Quantities

/// Where the numbers of a plan come from: axes, or the base.
struct PlanSource: Sendable {
  /// The numbers of a plan, in the order of the columns.
  enum Number: Int, CaseIterable {
    case tensor, pipeline, virtualStages, data, context, expert, devices, sequenceParallel, microBatch,
      microBatches,
      globalBatch

    var key: String { TrainingContextMaker.planKeys[rawValue] }
  }

  /// The value of the base; 0 where nothing is said.
  private(set) var base: [Int] = []
  /// The axis that sets the number, with its values.
  private(set) var axes: [(axis: Int, dimension: Int, values: [Int])?] = []

  init(_ sweep: Sweep) throws(Diagnostic) {
    for number in Number.allCases {
      let keys = number.key.split(separator: ".").map(String.init)
      var value = 0
      if let node = sweep.base.value(keys[0])?.value(keys[1]) {
        value = try Self.whole(node.text, number, node, path: "base.\(number.key)")
      }
      base.append(value)
      guard let axis = sweep.space.axes.firstIndex(where: { $0.key == number.key }) else {
        axes.append(nil)
        continue
      }
      let given = sweep.space.axes[axis]
      let node = given.keyNode ?? sweep.base
      let dimension = sweep.space.dimensionOfAxis[axis]
      switch given.values {
      case .numbers, .words: break
      case .multiples, .sampled, .draws:
        throw node.diagnostic(
          .wrongKind(path: "axes.\(given.name)", found: "no list of values", expected: "whole numbers"))
      }
      var values: [Int] = []
      for digit in 0..<sweep.space.dimensions[dimension].size {
        values.append(
          try Self.whole(
            sweep.space.label(axis, at: digit), number,
            given.nodes.indices.contains(digit) ? given.nodes[digit] : node, path: "axes.\(given.name)"))
      }
      axes.append((axis, dimension, values))
    }
  }

  private static func whole(_ text: String, _ number: Number, _ node: DocumentNode, path: String)
    throws(Diagnostic)
    -> Int
  {
    if number == .sequenceParallel {
      guard let flag = ["true": 1, "false": 0][text] else {
        throw node.diagnostic(
          .wrongKind(path: path, found: "'\(printable(text))'", expected: "true or false"))
      }
      return flag
    }
    let limit = [.microBatch, .microBatches, .globalBatch].contains(number) ? 1_000_000_000 : 1_000_000
    guard let value = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) }), (1...limit).contains(value)
    else {
      throw node.diagnostic(
        .outOfRange(path: path, found: text, expected: "a whole number from 1 to \(limit)"))
    }
    return value
  }

  /// The dimensions of numbers that are set by an axis.
  func dimensions(_ numbers: [Number]) -> [Int] { numbers.compactMap { axes[$0.rawValue]?.dimension } }
}

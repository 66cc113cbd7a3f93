/// What one thread does with a block: axes, derived numbers, constraints, the model, and what follows from it.
final class BlockPipeline {
  let sweep: Sweep
  let block: ColumnBlock
  private let evaluator: any BlockEvaluator
  private let stack: UnsafeMutablePointer<Double>
  private let condition: UnsafeMutablePointer<Double>
  /// The model's outputs first, then the derived numbers.
  private let columns: [String: Int]
  private let axes: [String: Int]
  private let modelColumns: [UnsafeMutablePointer<Double>?]
  /// The reasons, by number from 1.
  let reasons: [String]

  init(_ sweep: Sweep, _ model: any SweepModel) {
    self.sweep = sweep
    let outputs = sweep.model.outputs
    var columns: [String: Int] = [:]
    for (index, output) in (outputs + sweep.derived.map(\.output)).enumerated() {
      columns[output.name] = index
    }
    self.columns = columns
    axes = Dictionary(uniqueKeysWithValues: sweep.space.axes.enumerated().map { ($1.name, $0) })
    reasons = Self.reasons(sweep, model)
    let block = ColumnBlock(sweep.space, otherColumns: columns.count)
    self.block = block
    evaluator = model.evaluator(firstReason: sweep.constraints.count + 1)
    let depth =
      (sweep.derived.map(\.expression) + sweep.constraints.map(\.expression)).map(\.depth).max() ?? 1
    stack = .allocate(capacity: depth * ColumnBlock.capacity)
    condition = .allocate(capacity: ColumnBlock.capacity)
    let read = Self.modelOutputsRead(by: sweep)
    modelColumns = outputs.indices.map { read.contains(outputs[$0].name) ? block.column($0) : nil }
  }

  deinit {
    stack.deallocate()
    condition.deallocate()
  }

  /// All reasons for which a scenario of a sweep has no answer.
  static func reasons(_ sweep: Sweep, _ model: any SweepModel) -> [String] {
    sweep.constraints.map(\.reason) + model.reasons
  }

  /// The names of the model's outputs that a sweep shows, derives from or keeps.
  static func modelOutputsRead(by sweep: Sweep) -> Set<String> {
    var names = Set(sweep.outputs.map(\.name))
    for expression in sweep.derived.map(\.expression) + sweep.constraints.map(\.expression) {
      names.formUnion(expression.names)
    }
    for reduction in sweep.reductions { names.formUnion(reduction.outputs) }
    return names
  }

  /// The column of an axis, an output or a derived number.
  func column(_ name: String) -> UnsafePointer<Double> {
    if let axis = axes[name] { return block.axis(axis) }
    return UnsafePointer(block.column(columns[name] ?? 0))
  }

  private func derive(afterModel: Bool) {
    for derived in sweep.derived where derived.afterModel == afterModel {
      derived.expression.evaluate(
        column, stack: stack, capacity: ColumnBlock.capacity, count: block.count,
        into: block.column(columns[derived.output.name] ?? 0))
    }
  }

  private func constrain(afterModel: Bool) {
    for (index, constraint) in sweep.constraints.enumerated() where constraint.afterModel == afterModel {
      constraint.expression.evaluate(
        column, stack: stack, capacity: ColumnBlock.capacity, count: block.count, into: condition)
      let number = UInt8(index + 1)
      // NaN meets no condition: scenarios without an answer keep the reason that they have.
      block.forEachActive { place in
        if condition[place] == 0 || condition[place].isNaN { block.reasons[place] = number }
      }
      block.dropUnanswered()
      if block.activeCount == 0 { return }
    }
  }

  /// Computes a run of scenarios.
  func run(_ start: Int, count: Int) {
    block.move(to: start, count: count)
    derive(afterModel: false)
    constrain(afterModel: false)
    guard block.activeCount > 0 else { return }
    evaluator.evaluate(block, into: modelColumns)
    derive(afterModel: true)
    constrain(afterModel: true)
  }
}

extension Sweep.Reduction {
  /// The outputs that it reads.
  var outputs: [String] {
    switch self {
    case .best(let objectives, _), .pareto(let objectives): objectives.map(\.output)
    case .percentiles(let output, _), .histogram(let output, _, _, _), .marginal(let output, _): [output]
    }
  }
}

/// What a sweep evaluates: closed forms over columns.
protocol SweepModel: Sendable {
  /// Reasons of its own for which a scenario has no answer.
  var reasons: [String] { get }
  /// An evaluator with memory of its own, for one thread.
  ///
  /// - Parameter firstReason: the number that its first reason has in a block.
  /// - Returns: the evaluator.
  func evaluator(firstReason: Int) -> any BlockEvaluator
}

/// Evaluates blocks on one thread.
protocol BlockEvaluator: AnyObject {
  /// Fills the columns of the model's outputs for the scenarios that are left; those that it has no answer for it
  /// gives a reason.
  ///
  /// - Parameters:
  ///   - block: the scenarios.
  ///   - outputs: the columns of the model's outputs, in their order; nil for those that nobody reads.
  func evaluate(_ block: ColumnBlock, into outputs: [UnsafeMutablePointer<Double>?])
}

extension Sweep.Model {
  /// What a scenario gives.
  var outputs: [SweepOutput] {
    switch self {
    case .roofline: RooflineSweep.outputs
    case .training: TrainingSweep.outputs
    }
  }

  /// Constraints that have a name.
  var phrases: [String: String] {
    self == .training ? ["fits in memory": "memory <= memory_capacity"] : [:]
  }
}

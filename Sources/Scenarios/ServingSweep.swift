import CostModels
public import Documents
import Quantities

/// A served model over batches and lengths of its context.
public struct ServingSweep: Sendable {
  /// A batch with a context.
  public struct Point: Sendable {
    /// Sequences of a replica.
    public let batch: Int
    /// Tokens of a prompt, or of a cache before a step.
    public let context: Int
    /// The answer.
    public let projection: Projection

    /// Whether it fits in memory.
    public var fits: Bool { projection.serving?.fits ?? true }
  }

  /// The scenario at its own size.
  public let scenario: Scenario
  /// The points, batch by batch for each context.
  public let points: [Point]

  /// Projects a served model over batches and contexts.
  ///
  /// - Parameters:
  ///   - name: a scenario of the library, or a path.
  ///   - library: where names are looked up.
  ///   - changes: keys to overlay.
  ///   - batches: sequences of a replica; powers of two up to the most that fit at the shortest context if empty.
  ///   - contexts: tokens; a quarter of, as many as and four times the scenario's if empty.
  /// - Throws: `Diagnostic` when the scenario is wrong or serves nothing.
  public init(
    named name: String, in library: Library, changes: [String], batches: [Int], contexts: [Int]
  ) throws(Diagnostic) {
    let base = try Scenario(named: name, in: library, changes: changes)
    guard base.serving != nil else {
      throw Diagnostic(
        file: base.files.first, position: nil,
        fault: .contradiction(
          "'run.pass' is \(base.pass.rawValue): batches and contexts are those of prefill, decode or generation"
        ))
    }
    func project(_ batch: Int, _ context: Int) throws(Diagnostic) -> Projection {
      try Scenario(
        named: name, in: library,
        changes: changes + ["run.micro_batch=\(batch)", "run.sequence=\(context)"]
      ).project()
    }
    let lengths =
      contexts.isEmpty ? [Swift.max(1, base.sequence / 4), base.sequence, 4 * base.sequence] : contexts
    var sizes = batches
    if sizes.isEmpty {
      let most = try project(1, lengths.min() ?? base.sequence).serving?.largestBatch ?? 1
      var batch = 1
      while batch <= Swift.min(most, 4096) {
        sizes.append(batch)
        batch *= 2
      }
    }
    var points: [Point] = []
    for context in lengths {
      for batch in sizes {
        points.append(Point(batch: batch, context: context, projection: try project(batch, context)))
      }
    }
    scenario = base
    self.points = points
  }
}

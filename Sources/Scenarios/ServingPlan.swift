import CostModels
import Documents
import Quantities
public import Workloads

/// How a model is served: which part of it, and how weights and cache are stored.
public struct ServingPlan: Sendable {
  /// How the model is laid out on a replica.
  public let layout: InferenceLayout
  /// Tokens made for each sequence after the prompt: the first with the prompt, one a step after it.
  public let output: Int
}

/// Reads the keys of `run` that belong to serving, and rejects them elsewhere.
struct ServingReader {
  private let pass: Scenario.Pass
  private let dataType: DataType
  private let output: Int
  private let weights, cache: StorageFormat?
  private let root: DocumentNode

  /// Reads `output`, `weights` and `cache`.
  init(run: inout MappingReader?, pass: Scenario.Pass, dataType: DataType, at root: DocumentNode)
    throws(Diagnostic)
  {
    self.pass = pass
    self.dataType = dataType
    self.root = root
    let isServed = pass == .prefill || pass == .decode || pass == .generation
    let outputNode = run?.optionalNode("output")
    if let outputNode, pass != .generation {
      throw outputNode.diagnostic(
        .contradiction("'run.output' is given, but 'run.pass' is \(pass.rawValue): only generation goes on"))
    }
    if pass == .generation, outputNode == nil {
      throw (run?.node ?? root).diagnostic(.missingKey("output", path: "run"))
    }
    output =
      try outputNode.map { node throws(Diagnostic) in
        try MappingReader.integer(node, path: "run.output", in: 1...1_000_000_000)
      } ?? 1
    func format(_ key: String) throws(Diagnostic) -> StorageFormat? {
      guard let node = run?.optionalNode(key) else { return nil }
      let format = try MappingReader.word(node, path: "run.\(key)", as: StorageFormat.self)
      guard isServed else {
        throw node.diagnostic(
          .contradiction(
            "'run.\(key)' is given, but 'run.pass' is \(pass.rawValue): prefill, decode or generation is expected"
          ))
      }
      guard format.bytes <= dataType.bytes else {
        throw node.diagnostic(
          .contradiction(
            "'run.\(key)' is \(format.rawValue), which is wider than 'run.datatype' \(dataType.rawValue)"))
      }
      return format
    }
    weights = try format("weights")
    cache = try format("cache")
  }

  /// The plan, once the degrees are known.
  ///
  /// - Throws: `Diagnostic` for groups that serving has no use for.
  func plan(_ plan: ParallelPlan, routingImbalance: Double, groups: PlanReader) throws(Diagnostic)
    -> ServingPlan?
  {
    guard pass == .prefill || pass == .decode || pass == .generation else { return nil }
    for (key, degree) in [("context", plan.context), ("micro_batches", plan.microBatches)] where degree > 1 {
      let name = key == "context" ? "parallelism.context" : "run.micro_batches"
      throw (groups.nodes[key] ?? root).diagnostic(
        .contradiction("'\(name)' is \(degree), but 'run.pass' is \(pass.rawValue): only training knows it"))
    }
    return ServingPlan(
      layout: InferenceLayout(
        tensorParallel: plan.tensor, expertParallel: plan.expert, routingImbalance: routingImbalance,
        dataType: dataType, weights: weights, cache: cache), output: output)
  }
}

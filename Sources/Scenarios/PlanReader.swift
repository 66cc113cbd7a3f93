public import CostModels
import Documents
import Hardware
import Quantities
public import Workloads

/// Reads `parallelism` of a scenario and rejects what cannot be.
struct PlanReader {
  private var reader: MappingReader?
  /// The values that were given, by key.
  private(set) var nodes: [String: DocumentNode] = [:]
  private let root: DocumentNode

  static let degrees = ["tensor", "pipeline", "virtual_stages", "data", "context", "expert", "devices"]

  init(_ reader: MappingReader?, at root: DocumentNode) {
    self.reader = reader
    self.root = root
    for key in Self.degrees + [
      "sequence", "sharding", "ends_as_layers", "uneven_stages", "scatter_gather", "routing_imbalance",
    ] {
      if let node = self.reader?.optionalNode(key) { nodes[key] = node }
    }
  }

  private func degree(_ key: String) throws(Diagnostic) -> Int? {
    guard let node = nodes[key] else { return nil }
    return try MappingReader.integer(node, path: "parallelism.\(key)", in: 1...1_000_000)
  }

  func flag(_ key: String) throws(Diagnostic) -> Bool? {
    guard let node = nodes[key] else { return nil }
    return try MappingReader.flag(node, path: "parallelism.\(key)")
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws(Diagnostic) -> Double? {
    guard let node = nodes[key] else { return nil }
    return try MappingReader.number(node, path: "parallelism.\(key)", in: range)
  }

  private func contradiction(_ key: String, _ words: String) -> Diagnostic {
    (nodes[key] ?? root).diagnostic(.contradiction(words))
  }

  /// The plan, but for its micro-batches.
  mutating func plan(recompute: Recompute) throws(Diagnostic) -> ParallelPlan {
    var plan = ParallelPlan(recompute: recompute)
    plan.tensor = try degree("tensor") ?? 1
    plan.pipeline = try degree("pipeline") ?? 1
    plan.virtualStages = try degree("virtual_stages") ?? 1
    plan.context = try degree("context") ?? 1
    plan.expert = try degree("expert") ?? 1
    if let node = nodes["sharding"] {
      plan.sharding = try MappingReader.word(
        node, path: "parallelism.sharding", as: ParallelPlan.Sharding.self)
    }
    plan.endsAsLayers = try flag("ends_as_layers") ?? false
    plan.unevenStages = try flag("uneven_stages") ?? false
    plan.scatterGather = try flag("scatter_gather") ?? false
    plan.overlap = try reader?.optionalFlag("overlap") ?? true
    let devices = try degree("devices")
    let shared = plan.tensor.multipliedReportingOverflow(by: plan.pipeline)
    let one = shared.partialValue.multipliedReportingOverflow(by: plan.context)
    guard !shared.overflow, !one.overflow else {
      throw contradiction("tensor", "'parallelism' spreads a replica over more devices than can be counted")
    }
    let given = try degree("data")
    guard !one.partialValue.multipliedReportingOverflow(by: given ?? 1).overflow else {
      throw contradiction("data", "'parallelism' spreads a step over more devices than can be counted")
    }
    guard let data = plan.replicas(devices: devices ?? 0, given: given ?? 0) else {
      let one = one.partialValue
      let factor = given.map { " x data \($0)" } ?? ""
      throw contradiction(
        "devices",
        "'parallelism.devices' is \(devices ?? 0), but tensor \(plan.tensor) x context \(plan.context) x pipeline "
          + "\(plan.pipeline)\(factor) \(given.map { "is \(one * $0)" } ?? "does not divide it")")
    }
    plan.data = data
    return plan
  }

  func finish() throws(Diagnostic) { try reader?.finish() }

  /// The micro-batches of a replica, from the global batch or as given.
  func microBatches(
    batch: DocumentNode?, count: DocumentNode?, microBatch: Int, plan: ParallelPlan
  ) throws(Diagnostic) -> Int {
    let given =
      try count.map { node throws(Diagnostic) in
        try MappingReader.integer(node, path: "run.micro_batches", in: 1...1_000_000_000)
      }
    guard let batch else {
      let (sequences, overflow) = (microBatch * plan.data).multipliedReportingOverflow(by: given ?? 1)
      guard !overflow, sequences <= 1_000_000_000_000 else {
        throw (count ?? root).diagnostic(.contradiction("a step has more than 10^12 sequences"))
      }
      return given ?? 1
    }
    let sequences = try MappingReader.integer(batch, path: "run.global_batch", in: 1...1_000_000_000)
    if let found = plan.microBatches(batch: sequences, microBatch: microBatch, given: given ?? 0) {
      return found
    }
    guard let made = plan.microBatches(batch: sequences, microBatch: microBatch, given: 0) else {
      throw batch.diagnostic(
        .contradiction(
          "'run.global_batch' is \(sequences), which \(plan.data) replica\(plan.data == 1 ? "" : "s") with micro-batches of \(microBatch) do not divide"
        ))
    }
    throw batch.diagnostic(
      .contradiction(
        "'run.global_batch' is \(sequences), which makes \(made) micro-batches, but "
          + "'run.micro_batches' is \(given ?? 0)"))
  }
}

extension Scenario {
  /// The rules that plans of a model on this device keep to.
  public func planRules(_ model: TransformerModel) -> PlanRules {
    PlanRules(model, sequence: sequence, networks: device.links.map(\.devices))
  }

  /// Rejects a plan that breaks a rule.
  func checkGroups(_ groups: PlanReader, fitNode: DocumentNode?) throws(Diagnostic) {
    func fault(_ key: String, _ words: String) -> Diagnostic {
      guard let node = key == "require_fit" ? fitNode : groups.nodes[key] else {
        return Diagnostic(file: files[0], position: nil, fault: .contradiction(words))
      }
      return node.diagnostic(.contradiction(words))
    }
    guard case .transformer(let model) = work else {
      if sequenceParallel {
        throw fault(
          "sequence",
          "'parallelism.sequence' is true, but 'parallelism.tensor' is 1: nobody shares the tokens")
      }
      let degrees = [
        ("data", plan.data), ("pipeline", plan.pipeline), ("context", plan.context), ("expert", plan.expert),
      ]
      for (key, degree) in degrees where degree > 1 {
        throw fault(key, "'parallelism.\(key)' is \(degree), but a list of operators runs on one device")
      }
      return
    }
    let broken = planRules(model).fault(plan, microBatch: microBatch, sequenceParallel: sequenceParallel)
    let isFarther = broken == .network || broken == .nodes
    if pass != .training, plan.pipeline > 1,
      broken.map({ $0.rawValue > PlanRules.Fault.sequenceTokens.rawValue }) ?? true
    {
      throw fault(
        "pipeline",
        "'parallelism.pipeline' is \(plan.pipeline), but 'run.pass' is \(pass.rawValue): only training is staged"
      )
    }
    if let broken, !isFarther {
      let (key, words) = words(for: broken, model)
      throw fault(key, words)
    }
    func checkFit(
      _ fits: Bool, _ need: Bytes, of capacity: Bytes, _ remedies: [MemoryVerdict.Remedy]
    ) throws(Diagnostic) {
      guard !fits else { return }
      let advice =
        remedies.first.map { "; '\($0.change)' would make it fit" } ?? "; no single change makes it fit"
      throw fault(
        "require_fit",
        "'run.require_fit' is true, but the step needs \(need.formatted()) of the \(capacity.formatted()) of "
          + "\(device.name)\(advice)")
    }
    if requiresFit, pass == .training {
      let verdict = memoryVerdict(model)
      try checkFit(verdict.fits, Bytes(verdict.memory.total), of: verdict.capacity, verdict.remedies)
    }
    if let broken {
      let (key, words) = words(for: broken, model)
      throw fault(key, words)
    }
    if requiresFit, serving != nil, let figures = project().serving {
      try checkFit(figures.fits, figures.memory.total, of: figures.capacity, figures.remedies)
    }
  }

  /// What is wrong with the plan, at which key.
  private func words(for fault: PlanRules.Fault, _ model: TransformerModel) -> (key: String, words: String) {
    func tensor(_ words: String) -> (String, String) {
      ("tensor", "'parallelism.tensor' is \(plan.tensor), \(words)")
    }
    func expert(_ words: String) -> (String, String) {
      ("expert", "'parallelism.expert' is \(plan.expert), \(words)")
    }
    func divides(_ count: Int, _ what: String) -> (String, String) {
      tensor("which does not divide the \(count) \(what) of \(model.name)")
    }
    func farthest() -> (key: String, degree: Int) {
      plan.data > 1
        ? ("data", plan.data) : plan.pipeline > 1 ? ("pipeline", plan.pipeline) : ("context", plan.context)
    }
    let tokens = microBatch * sequence
    switch fault {
    case .heads: return divides(model.heads, "heads")
    case .keyValueHeads: return divides(model.keyValueHeads, "key-value heads")
    case .feedForward: return divides(model.feedForward, "feed-forward columns")
    case .tensorNetwork: return tensor("but no network of \(device.name) joins so many devices")
    case .tensorNodes:
      return tensor("which does not fill nodes of \(device.links.first?.devices ?? 0) \(device.name)")
    case .lonelySequence:
      return (
        "sequence", "'parallelism.sequence' is true, but 'parallelism.tensor' is 1: nobody shares the tokens"
      )
    case .sequenceTokens:
      return (
        "sequence",
        "'parallelism.sequence' is true, but \(plan.tensor * plan.context) devices do not divide \(tokens) tokens"
      )
    case .tooManyStages:
      let runs = plan.virtualStages > 1 ? " and 'parallelism.virtual_stages' \(plan.virtualStages)" : ""
      return (
        plan.pipeline <= model.layers ? "virtual_stages" : "pipeline",
        "'parallelism.pipeline' is \(plan.pipeline)\(runs), more than the \(model.layers) layers of \(model.name)"
      )
    case .unevenStages:
      let runs = plan.virtualStages > 1 ? " with \(plan.virtualStages) virtual stages each" : ""
      return (
        "pipeline",
        "'parallelism.pipeline' is \(plan.pipeline): so many stages\(runs) do not share the \(model.layers) layers of \(model.name) evenly"
      )
    case .lonelyVirtualStages:
      return (
        "virtual_stages",
        "'parallelism.virtual_stages' is \(plan.virtualStages), but 'parallelism.pipeline' is 1: nothing to interleave"
      )
    case .interleaving:
      return (
        "virtual_stages",
        "'parallelism.virtual_stages' is \(plan.virtualStages), which needs micro-batches in multiples of the "
          + "\(plan.pipeline) stages; there are \(plan.microBatches)"
      )
    case .context:
      return (
        "context", "'parallelism.context' is \(plan.context), which does not divide the \(sequence) tokens"
      )
    case .noExperts: return expert("but \(model.name) has no experts")
    case .experts:
      return expert("which does not divide the \(model.experts?.count ?? 0) experts of \(model.name)")
    case .expertReplicas:
      return expert("which does not divide the \(plan.replicas) replicas that share the experts")
    case .network:
      let (key, degree) = farthest()
      return (
        key,
        "'parallelism.\(key)' is \(degree), but no network of \(device.name) joins \(degree) x \(plan.devices / degree) devices"
      )
    case .nodes:
      let key = plan.data > 1 ? "data" : "pipeline"
      let degree = plan.data > 1 ? plan.data : plan.pipeline
      return (
        key,
        "'parallelism.\(key)' is \(degree): \(degree) x \(plan.devices / degree) devices do not fill nodes of "
          + "\(device.links.first?.devices ?? 0) \(device.name)"
      )
    }
  }
}

import CostModels
import Documents
import Hardware
import Quantities
import Workloads

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
    if let devices {
      let given = try degree("data")
      let replica = one.partialValue
      guard devices % replica == 0, given.map({ $0 == devices / replica }) ?? true else {
        let data = given.map { " x data \($0)" } ?? ""
        throw contradiction(
          "devices",
          "'parallelism.devices' is \(devices), but tensor \(plan.tensor) x context \(plan.context) x pipeline "
            + "\(plan.pipeline)\(data) \(given == nil ? "does not divide it" : "is \(replica * (given ?? 1))")"
        )
      }
      plan.data = devices / replica
    } else {
      plan.data = try degree("data") ?? 1
    }
    return plan
  }

  func finish() throws(Diagnostic) { try reader?.finish() }

  /// The micro-batches of a replica, from the global batch or as given.
  func microBatches(
    batch: DocumentNode?, count: DocumentNode?, microBatch: Int, data: Int
  ) throws(Diagnostic) -> Int {
    let given =
      try count.map { node throws(Diagnostic) in
        try MappingReader.integer(node, path: "run.micro_batches", in: 1...1_000_000_000)
      }
    guard let batch else { return given ?? 1 }
    let sequences = try MappingReader.integer(batch, path: "run.global_batch", in: 1...1_000_000_000)
    let (step, overflow) = microBatch.multipliedReportingOverflow(by: data)
    guard !overflow, sequences % step == 0 else {
      throw batch.diagnostic(
        .contradiction(
          "'run.global_batch' is \(sequences), which \(data) replicas with micro-batches of \(microBatch) do not divide"
        ))
    }
    guard given.map({ $0 == sequences / step }) ?? true else {
      throw batch.diagnostic(
        .contradiction(
          "'run.global_batch' is \(sequences), which makes \(sequences / step) micro-batches, but "
            + "'run.micro_batches' is \(given ?? 0)"))
    }
    return sequences / step
  }
}

extension Scenario {
  /// Rejects groups that cannot be: tokens, layers and experts that do not divide, devices that no network joins.
  func checkGroups(_ groups: PlanReader) throws(Diagnostic) {
    func fault(_ key: String, _ words: String) -> Diagnostic {
      guard let node = groups.nodes[key] else {
        return Diagnostic(file: files[0], position: nil, fault: .contradiction(words))
      }
      return node.diagnostic(.contradiction(words))
    }
    let ranks = plan.tensor * plan.context
    if sequenceParallel {
      guard tensorParallel > 1 else {
        throw fault(
          "sequence",
          "'parallelism.sequence' is true, but 'parallelism.tensor' is 1: nobody shares the tokens")
      }
      guard (microBatch * sequence) % ranks == 0 else {
        throw fault(
          "sequence",
          "'parallelism.sequence' is true, but \(ranks) devices do not divide \(microBatch * sequence) tokens"
        )
      }
    }
    switch work {
    case .operators:
      let degrees = [
        ("data", plan.data), ("pipeline", plan.pipeline), ("context", plan.context), ("expert", plan.expert),
      ]
      for (key, degree) in degrees where degree > 1 {
        throw fault(key, "'parallelism.\(key)' is \(degree), but a list of operators runs on one device")
      }
      return
    case .transformer(let model): try checkModel(model, fault)
    }
    if requiresFit, pass == .training, case .transformer(let model) = work {
      let verdict = memoryVerdict(model)
      guard verdict.fits else {
        let need = Bytes(verdict.memory.total).formatted()
        let advice =
          verdict.remedies.first.map { "; '\($0.change)' would make it fit" }
          ?? "; no single change makes it fit"
        throw fault(
          "require_fit",
          "'run.require_fit' is true, but the step needs \(need) of the \(verdict.capacity.formatted()) of "
            + "\(device.name)\(advice)")
      }
    }
    guard plan.devices > 1 else { return }
    guard let near = device.links.first, device.link(joining: plan.devices) != nil else {
      let key = plan.data > 1 ? "data" : plan.pipeline > 1 ? "pipeline" : "context"
      let degree = plan.data > 1 ? plan.data : plan.pipeline > 1 ? plan.pipeline : plan.context
      throw fault(
        key,
        "'parallelism.\(key)' is \(degree), but no network of \(device.name) joins \(degree) x \(plan.devices / degree) devices"
      )
    }
    guard plan.devices <= near.devices || plan.devices % near.devices == 0 else {
      let key = plan.data > 1 ? "data" : "pipeline"
      let degree = plan.data > 1 ? plan.data : plan.pipeline
      throw fault(
        key,
        "'parallelism.\(key)' is \(degree): \(degree) x \(plan.devices / degree) devices do not fill nodes of "
          + "\(near.devices) \(device.name)")
    }
  }

  private func checkModel(_ model: TransformerModel, _ fault: (String, String) -> Diagnostic)
    throws(Diagnostic)
  {
    guard pass == .training || plan.pipeline == 1 else {
      throw fault(
        "pipeline",
        "'parallelism.pipeline' is \(plan.pipeline), but 'run.pass' is \(pass.rawValue): only training is staged"
      )
    }
    guard plan.pipeline * plan.virtualStages <= model.layers else {
      throw fault(
        plan.pipeline <= model.layers ? "virtual_stages" : "pipeline",
        "'parallelism.pipeline' is \(plan.pipeline)"
          + (plan.virtualStages > 1 ? " and 'parallelism.virtual_stages' \(plan.virtualStages)" : "")
          + ", more than the \(model.layers) layers of \(model.name)")
    }
    guard plan.stageLayers(of: model.layers) != nil else {
      let runs = plan.virtualStages > 1 ? " with \(plan.virtualStages) virtual stages each" : ""
      throw fault(
        "pipeline",
        "'parallelism.pipeline' is \(plan.pipeline): so many stages\(runs) do not share the \(model.layers) layers of \(model.name) evenly"
      )
    }
    guard plan.virtualStages == 1 || plan.pipeline > 1 else {
      throw fault(
        "virtual_stages",
        "'parallelism.virtual_stages' is \(plan.virtualStages), but 'parallelism.pipeline' is 1: nothing to interleave"
      )
    }
    guard plan.virtualStages == 1 || plan.microBatches % plan.pipeline == 0 else {
      throw fault(
        "virtual_stages",
        "'parallelism.virtual_stages' is \(plan.virtualStages), which needs micro-batches in multiples of the "
          + "\(plan.pipeline) stages; there are \(plan.microBatches)")
    }
    guard sequence % plan.context == 0 else {
      throw fault(
        "context", "'parallelism.context' is \(plan.context), which does not divide the \(sequence) tokens")
    }
    guard plan.expert == 1 || model.experts != nil else {
      throw fault("expert", "'parallelism.expert' is \(plan.expert), but \(model.name) has no experts")
    }
    if let experts = model.experts, plan.expert > 1 {
      guard experts.count % plan.expert == 0 else {
        throw fault(
          "expert",
          "'parallelism.expert' is \(plan.expert), which does not divide the \(experts.count) experts of \(model.name)"
        )
      }
      guard plan.replicas % plan.expert == 0 else {
        throw fault(
          "expert",
          "'parallelism.expert' is \(plan.expert), which does not divide the \(plan.replicas) replicas that share the experts"
        )
      }
    }
  }
}

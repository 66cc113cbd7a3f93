import Calibration
public import CostModels
public import Documents
public import Hardware
public import Quantities
public import Workloads

/// A question: a workload on a machine, and how it runs.
public struct Scenario: Sendable {
  /// What runs.
  public enum Work: Sendable {
    /// A Transformer.
    case transformer(TransformerModel)
    /// A list of operators, each so many times.
    case operators([(operation: Operator<Double>, count: Int, name: String)])
  }

  /// Which part of a step is costed.
  public enum Pass: String, Sendable, CaseIterable {
    /// The forward pass alone: prompt processing.
    case forward
    /// Forward, backward and the update of the weights.
    case training
    /// A prompt goes through the model, which caches its keys and values and makes the first token.
    case prefill
    /// One token more for each sequence whose keys and values are cached.
    case decode
    /// A prompt, and so many tokens after it.
    case generation
  }

  /// The rule that updates the weights.
  public typealias Optimizer = Workloads.Optimizer

  /// How kernels are started.
  public enum Execution: String, Sendable, CaseIterable {
    /// All at once, as a graph that was captured before.
    case graph
    /// One after another by the host, which is a floor under the time.
    case eager
    /// One after another by the host, which waits for each.
    case blocking
  }

  /// Time that the host takes to start one kernel of eager PyTorch unless a scenario says otherwise.
  ///
  /// The smallest layers of notebooks-data/measurements/h200/layers.csv are bound by it: 33 us a kernel forward, 41 to
  /// 64 us with the backward pass, on a shared host. A fast, quiet host takes 5 to 10 us.
  public static let typicalHostLaunch = Seconds(40e-6)

  /// The name in the catalogue.
  public let name: String
  /// The name for people, with what the command line changed.
  public internal(set) var title: String
  /// What was changed of the scenario's file, as `hardware=nvidia-b200`.
  public internal(set) var changes: [String] = []
  /// A remark for the reader.
  public let note: String?
  /// What runs.
  public internal(set) var work: Work
  /// Which part of a step.
  public let pass: Pass
  /// Sequences of a micro-batch.
  public internal(set) var microBatch: Int
  /// Tokens of a sequence.
  public internal(set) var sequence: Int
  /// The data type of activations and weights.
  public internal(set) var dataType: DataType
  /// Whether later tokens are masked.
  public let causal: Bool
  /// The rule that updates the weights.
  public let optimizer: Optimizer
  /// How a step is spread over devices and micro-batches.
  public internal(set) var plan: ParallelPlan
  /// Whether the tensor-parallel devices share the tokens between the blocks too.
  public internal(set) var sequenceParallel: Bool
  /// What the software fuses, drops and shares inside a layer.
  public internal(set) var layerOptions: LayerOptions
  /// The data type that gradients are kept and exchanged in.
  public let gradientDataType: DataType
  /// Tokens of a whole training run, if it was asked for.
  public let trainingTokens: Double?
  /// How a model is served; nil for training and plain forward passes.
  public let serving: ServingPlan?
  /// Prices and the grid, if they were given.
  public let costs: CostSection?
  /// Whether a step that does not fit in memory is an error.
  public let requiresFit: Bool
  /// Whether the host starts each kernel, or a graph all of them.
  public let execution: Execution
  /// Time that the host takes to start one kernel.
  public let hostLaunch: Seconds
  /// Whether the step runs again and again without pauses, so that the power limit sets the clock of its kernels.
  public let isSustained: Bool
  /// What the software stack changes about kernels measured alone.
  public let factors: [StepFactor: Double]
  /// The device.
  public internal(set) var device: Device
  /// What was measured on it, if it was.
  public internal(set) var calibration: DeviceCalibration?
  /// The files that were read, in order.
  public let files: [String]

  /// Tensor-parallel degree.
  public var tensorParallel: Int { plan.tensor }
  /// Replicas of the model, each with its own micro-batches.
  public var dataParallel: Int { plan.data }
  /// Whether the exchange of a layer's gradients runs beside the backward pass of the layers below it.
  public var overlap: Bool { plan.overlap }
  /// Sequences of a step, over all replicas.
  public var globalBatch: Int { microBatch * plan.microBatches * plan.data }
}

extension Scenario {
  /// Reads a scenario of the library, or a file.
  ///
  /// - Parameters:
  ///   - name: a name of `models/scenarios`, or a path.
  ///   - library: where names are looked up.
  ///   - changes: keys to overlay, as `hardware=nvidia-b200` or `run.micro_batch=4`.
  /// - Throws: `Diagnostic` at the first fault.
  public init(named name: String, in library: Library, changes: [String] = []) throws(Diagnostic) {
    let path = try library.path(.scenarios, name)
    var node = try readDocument(path: path)
    for change in changes { node = node.overlaid(with: try .change(change, example: "run.micro_batch=4")) }
    try self.init(node: node, path: path, in: library)
    title = changedTitle(title, changes)
    self.changes = changes
  }

  /// Reads a scenario from a mapping.
  ///
  /// - Parameters:
  ///   - node: the mapping.
  ///   - path: the file it came from.
  ///   - library: where names are looked up.
  /// - Throws: `Diagnostic` at the value.
  public init(node: DocumentNode, path: String, in library: Library) throws(Diagnostic) {
    var reader = try MappingReader(node)
    var files = [path]
    name = try reader.text("name")
    title = try reader.optionalText("title") ?? name
    note = try reader.optionalText("note")

    let workloadNode = try reader.node("workload")
    let workload = try Self.document(.workloads, workloadNode, key: "workload", library, &files)
    if case .scalar("linear", _)? = workload.value("kind")?.content {
      throw workloadNode.diagnostic(
        .contradiction(
          "'workload' is training of a linear model, which rooftree estimate answers and nothing else"))
    }
    let hardwareNode = try reader.node("hardware")
    let hardware = try Self.document(.hardware, hardwareNode, key: "hardware", library, &files)
    device = try Device(node: hardware, in: library)
    let calibrationNode = reader.optionalNode("calibration")
    calibration = try Self.calibration(for: device, calibrationNode, library, &files)

    var run = try reader.optionalMapping("run")
    pass = try run?.optionalWord("pass", as: Pass.self) ?? .training
    microBatch = try run?.optionalInteger("micro_batch", in: 1...1_000_000_000) ?? 1
    let sequence = try run?.optionalInteger("sequence", in: 1...1_000_000_000)
    dataType = try run?.optionalWord("datatype", as: DataType.self) ?? .bf16
    causal = try run?.optionalFlag("causal") ?? true
    optimizer = try run?.optionalWord("optimizer", as: Optimizer.self) ?? (pass == .training ? .adamw : .none)
    execution = try run?.optionalWord("execution", as: Execution.self) ?? .graph
    let launchNode = run?.optionalNode("host_launch")
    hostLaunch =
      try launchNode.map { node throws(Diagnostic) in
        guard case .mapping = node.content else {
          return try MappingReader.quantity(node, path: "run.host_launch", as: Seconds.self)
        }
        let sourced = try MappingReader.sourced(
          node, path: "run.host_launch", as: Seconds.self, sources: [:])
        return Seconds(sourced.value)
      } ?? Self.typicalHostLaunch
    factors = try StepFactor.read(&run)
    let sustainedNode = run?.node.value("sustained")
    isSustained = try run?.optionalFlag("sustained") ?? (pass == .training)
    let batchNode = run?.optionalNode("global_batch")
    let countNode = run?.optionalNode("micro_batches")
    let recompute = try run?.optionalWord("recompute", as: Recompute.self) ?? .none
    let attention = try run?.optionalWord("attention", as: LayerOptions.Attention.self) ?? .flash
    let dropout = try run?.optionalFlag("dropout") ?? false
    let separateAccumulation = try run?.optionalFlag("separate_accumulation") ?? false
    let productNode = run?.node.value("product_datatype")
    let productDataType = try run?.optionalWord("product_datatype", as: DataType.self)
    gradientDataType = try run?.optionalWord("gradient_datatype", as: DataType.self) ?? dataType
    trainingTokens = try run?.optionalNumber("tokens", in: 1...1e18)
    let fitNode = run?.node.value("require_fit")
    requiresFit = try run?.optionalFlag("require_fit") ?? false
    var served = try ServingReader(run: &run, pass: pass, dataType: dataType, at: node)
    try run?.finish()
    if let sustainedNode, isSustained, pass != .training {
      throw sustainedNode.diagnostic(
        .contradiction(
          "'run.sustained' is true, but 'run.pass' is \(pass.rawValue): only training is taken to repeat without pauses"
        ))
    }
    if let productNode, let productDataType {
      guard productDataType == dataType || device.compute.rates[productDataType] != nil else {
        throw productNode.diagnostic(
          .contradiction(
            "'run.product_datatype' is \(productDataType.rawValue), for which '\(device.name)' has no rate"))
      }
    }
    if let launchNode, execution == .graph {
      throw launchNode.diagnostic(
        .contradiction("'run.host_launch' is given, but 'run.execution' is graph: the host starts no kernels")
      )
    }
    if pass == .forward, optimizer != .none {
      throw node.diagnostic(
        .contradiction("'run.optimizer' is \(optimizer.rawValue), but a forward pass updates no weights"))
    }
    if pass != .forward, pass != .training, optimizer != .none {
      throw node.diagnostic(
        .contradiction(
          "'run.optimizer' is \(optimizer.rawValue), but \(pass.rawValue) updates no weights"))
    }

    var groups = PlanReader(try reader.optionalMapping("parallelism"), at: node)
    let degreeNode = groups.nodes["tensor"]
    var plan = try groups.plan(recompute: recompute)
    sequenceParallel = try groups.flag("sequence") ?? false
    let routingImbalance = try groups.number("routing_imbalance", in: 1...1_000_000) ?? 1
    try groups.finish()
    plan.microBatches = try groups.microBatches(
      batch: batchNode, count: countNode, microBatch: microBatch, plan: plan)
    self.plan = plan
    layerOptions = LayerOptions(
      attention: attention, dropout: dropout,
      separateAccumulation: separateAccumulation && plan.microBatches > 1,
      productDataType: productDataType, contextParallel: plan.context,
      expertParallel: plan.expert, routingImbalance: routingImbalance)
    serving = try served.plan(self.plan, routingImbalance: routingImbalance, groups: groups)
    costs = try reader.optionalMapping("costs").map { mapping throws(Diagnostic) in
      try CostSection(reading: mapping)
    }
    try reader.finish()

    if TransformerModel.isHuggingFace(workload) {
      work = .transformer(try TransformerModel(huggingFace: workload, name: workload.file ?? "config.json"))
    } else if case .scalar("operators", _)? = workload.value("kind")?.content {
      work = .operators(try OperatorListFile.read(workload, on: device))
    } else {
      work = .transformer(try TransformerModel(node: workload))
    }
    switch work {
    case .transformer(let model): self.sequence = sequence ?? model.sequence
    case .operators: self.sequence = sequence ?? 1
    }
    self.files = files
    try Self.check(
      work, device: device, dataType: dataType, tensorParallel: plan.tensor, degreeNode: degreeNode,
      at: hardwareNode, root: node)
    try checkGroups(groups, fitNode: fitNode)
  }

  /// The document that a key names (a name, a path) or holds (a mapping).
  static func document(
    _ kind: Library.Kind, _ node: DocumentNode, key: String, _ library: Library, _ files: inout [String]
  ) throws(Diagnostic) -> DocumentNode {
    if case .mapping = node.content { return node }
    let word = try MappingReader.scalar(
      node, path: key, expected: "the name of a \(kind.singular), a path or a mapping")
    let path = try library.path(kind, word, at: node)
    files.append(path)
    return try readDocument(path: path)
  }

  /// The calibration that was asked for, or that of the device, or the one that it borrows, or none.
  static func calibration(
    for device: Device, _ node: DocumentNode?, _ library: Library, _ files: inout [String]
  ) throws(Diagnostic) -> DeviceCalibration? {
    guard let node else {
      guard let name = DeviceCalibration.usualName(for: device, in: library) else { return nil }
      files.append(try library.path(.calibrations, name))
      return try DeviceCalibration(named: name, in: library).used(on: device, in: library)
    }
    let word = try MappingReader.scalar(
      node, path: "calibration", expected: "the name of a calibration, a path or none")
    if word == "none" { return nil }
    files.append(try library.path(.calibrations, word, at: node))
    return try DeviceCalibration(named: word, in: library, at: node).used(on: device, in: library)
  }

  /// Rejects what no plan could make good: operators that are shared, a type without a rate.
  private static func check(
    _ work: Work, device: Device, dataType: DataType, tensorParallel: Int, degreeNode: DocumentNode?,
    at hardware: DocumentNode, root: DocumentNode
  ) throws(Diagnostic) {
    let place = degreeNode ?? root
    guard device.kind != .pim else {
      throw hardware.diagnostic(
        .contradiction(
          "'\(device.name)' is memory that computes: a workload of kind linear, a gpu or a cpu is expected"))
    }
    switch work {
    case .operators:
      guard tensorParallel == 1 else {
        throw place.diagnostic(
          .contradiction(
            "'parallelism.tensor' is \(tensorParallel), but a list of operators runs on one device"))
      }
    case .transformer:
      guard device.memory[0].bandwidth != nil, Machine<Double>(device).rate(dataType) != nil else {
        throw hardware.diagnostic(
          .contradiction(device.lacks(dataType)))
      }
    }
  }
}

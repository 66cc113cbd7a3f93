import Calibration
public import CostModels
public import Documents
import Hardware
public import Quantities
public import Workloads

/// A question about training a linear model: `kind: linear` among the workloads.
///
/// A scenario on memory that computes has `run: {algorithm, units, batch, tasklets, transfer, samples, epochs}`; on a
/// processor `units` are its processes; a GPU has one.
public struct TrainingScenario: Sendable {
  /// The name in the catalogue.
  public let name: String
  /// The name for people, with what the command line changed.
  public private(set) var title: String
  /// What was changed of the scenario's file, as `hardware=upmem-prim`.
  public private(set) var changes: [String] = []
  /// The workload.
  public let training: LinearTraining
  /// The machine.
  public let system: TrainingSystem
  /// What was measured on it, if it was.
  public let calibration: DeviceCalibration?
  /// The files that were read, in order.
  public let files: [String]

  /// Reads a scenario if its workload is of `kind: linear`; nil for a scenario with another workload.
  ///
  /// - Parameters:
  ///   - name: a name of `models/scenarios`, or a path.
  ///   - library: where names are looked up.
  ///   - changes: keys to overlay.
  /// - Throws: `Diagnostic` at the first fault.
  public init?(named name: String, in library: Library, changes: [String] = []) throws(Diagnostic) {
    let path = try library.path(.scenarios, name)
    var node = try readDocument(path: path)
    for change in changes { node = node.overlaid(with: try .change(change, example: "run.micro_batch=4")) }
    guard let named = node.value("workload") else { return nil }
    var files = [path]
    let workload = try Scenario.document(.workloads, named, key: "workload", library, &files)
    guard case .scalar("linear", _)? = workload.value("kind")?.content else { return nil }
    try self.init(node, workload: workload, files: files, in: library)
    title = changedTitle(title, changes)
    self.changes = changes
  }

  private init(_ node: DocumentNode, workload: DocumentNode, files: [String], in library: Library)
    throws(Diagnostic)
  {
    var files = files
    var reader = try MappingReader(node)
    name = try reader.text("name")
    title = try reader.optionalText("title") ?? name
    _ = try reader.optionalText("note")
    _ = try reader.node("workload")
    let hardwareNode = try reader.node("hardware")
    let hardware = try Scenario.document(.hardware, hardwareNode, key: "hardware", library, &files)
    let device = try Device(node: hardware, in: library)
    calibration = try Scenario.calibration(
      for: device, reader.optionalNode("calibration"), library, &files)
    let work = try LinearWorkload(workload)
    var run = try reader.mapping("run")
    let algorithm = try run.word("algorithm", as: DistributedAlgorithm.self)
    let unitsNode = run.optionalNode("units")
    let units = try unitsNode.map { node throws(Diagnostic) in
      try MappingReader.integer(node, path: "run.units", in: 1...1_000_000)
    }
    let batchNode = try run.node("batch")
    let batch = try MappingReader.integer(batchNode, path: "run.batch", in: 1...1_000_000_000)
    let samplesNode = run.optionalNode("samples")
    let samples =
      try samplesNode.map { node throws(Diagnostic) in
        try MappingReader.integer(node, path: "run.samples", in: 1...1_000_000_000_000)
      } ?? work.samples
    let epochs = try run.optionalInteger("epochs", in: 1...1_000_000) ?? 10
    let resident = try run.optionalFlag("resident") ?? false
    let taskletsNode = run.optionalNode("tasklets")
    let tasklets =
      try taskletsNode.map { node throws(Diagnostic) in
        try MappingReader.integer(node, path: "run.tasklets", in: 1...1_000_000)
      } ?? 16
    let transferNode = run.optionalNode("transfer")
    let transfer =
      try transferNode.map { node throws(Diagnostic) in
        try MappingReader.quantity(node, path: "run.transfer", as: Bytes.self).value
      } ?? 512
    try run.finish()
    try reader.finish()

    let workers =
      device.kind == .gpu ? 1 : units ?? Int(device.pim?.unitsUsed?.value ?? device.compute.units.value)
    let plan: DistributedPlan
    do {
      plan = try DistributedPlan(
        algorithm, samples: samples, workers: workers, batch: batch, size: work.size(on: device.kind))
    } catch {
      throw batchNode.diagnostic(.contradiction("'run.batch' is \(batch): \(error.description)"))
    }
    training = LinearTraining(
      model: work.model, features: work.features, nonZeros: work.nonZeros, plan: plan, epochs: epochs)
    system = TrainingSystem(
      device, calibration, tasklets: tasklets, block: transfer, resident: resident)
    self.files = files
    try check(
      unitsNode: unitsNode ?? hardwareNode, samplesNode: samplesNode ?? hardwareNode,
      taskletsNode: taskletsNode, transferNode: transferNode, tasklets: tasklets, transfer: transfer,
      resident: resident)
  }

  /// Rejects what the machine cannot do.
  private func check(
    unitsNode: DocumentNode, samplesNode: DocumentNode, taskletsNode: DocumentNode?,
    transferNode: DocumentNode?, tasklets: Int, transfer: Double, resident: Bool
  ) throws(Diagnostic) {
    let device = system.device
    let available = Int(device.compute.units.value)
    let workers = training.plan.workers
    if device.kind == .gpu {
      let capacity = device.mainMemory.capacity
      if resident, Double(training.dataBytes) > capacity.value {
        throw samplesNode.diagnostic(
          .contradiction(
            "'run.resident' is true, but \(Bytes(Double(training.dataBytes)).formatted()) of samples do not fit in the \(capacity.quantity.formatted()) of \(device.name)"
          ))
      }
      return
    }
    guard workers <= available else {
      throw unitsNode.diagnostic(
        .contradiction("'run.units' is \(workers), but \(device.name) has \(available) units"))
    }
    guard let pim = device.pim, device.kind == .pim else { return }
    if let taskletsNode, Double(tasklets) > pim.threads.value {
      throw taskletsNode.diagnostic(
        .contradiction(
          "'run.tasklets' is \(tasklets), but a unit of \(device.name) has \(Int(pim.threads.value)) threads")
      )
    }
    if let transferNode {
      let low = pim.dmaMinimum?.value ?? 8
      let high = pim.dmaMaximum?.value ?? 2048
      guard transfer >= low, transfer <= high, (transfer / low).rounded() * low == transfer else {
        throw transferNode.diagnostic(
          .contradiction(
            "'run.transfer' is \(Int(transfer)) B, expected a multiple of \(Int(low)) B from \(Int(low)) to \(Int(high)) B"
          ))
      }
    }
    let memory = device.mainMemory
    let needed = Double(training.shardBytes + training.stateBytes)
    guard memory.scope != .unit || needed <= memory.capacity.value else {
      throw samplesNode.diagnostic(
        .contradiction(
          "a unit would hold \(training.plan.samplesPerWorker) samples, \(Bytes(needed).formatted()) with the model, but its \(memory.name) has \(memory.capacity.quantity.formatted())"
        ))
    }
  }

  /// Costs the scenario.
  public func project() -> TrainingProjection {
    TrainingProjection(scenario: self, epoch: system.epoch(training))
  }
}

/// A linear workload as its file describes it.
public struct LinearWorkload: Sendable {
  /// The name in the catalogue.
  public let name: String
  /// The name for people.
  public let title: String
  /// What the reader should know.
  public let note: String?
  /// What is minimised.
  public let model: LinearModel
  /// Features of a sample.
  public let features: Int
  /// Features of a sample that are not 0.
  public let nonZeros: Int
  /// Samples of the data set.
  public let samples: Int

  /// Reads `kind: linear`.
  ///
  /// - Parameter node: the file, or the mapping in a scenario.
  /// - Throws: `Diagnostic` at the first fault.
  public init(_ node: DocumentNode) throws(Diagnostic) {
    var reader = try MappingReader(node)
    for key in ["kind", "year"] { _ = try reader.optionalText(key) }
    let name = try reader.optionalText("name") ?? "workload"
    self.name = name
    title = try reader.optionalText("title") ?? name
    note = try reader.optionalText("note")
    _ = try reader.sourceTexts()
    let modelNode = try reader.node("model")
    let word = try MappingReader.scalar(modelNode, path: "model", expected: "LR or SVM")
    switch word {
    case "LR": model = .logisticRegression
    case "SVM": model = .supportVectorMachine
    default:
      throw modelNode.diagnostic(.unknownWord(path: "model", found: word, known: ["LR", "SVM"]))
    }
    features = try reader.integer("features", in: 1...100_000_000)
    let nonZerosNode = reader.optionalNode("nonzeros")
    nonZeros =
      try nonZerosNode.map { node throws(Diagnostic) in
        try MappingReader.integer(node, path: "nonzeros", in: 1...100_000_000)
      } ?? features
    samples = try reader.integer("samples", in: 1...1_000_000_000_000)
    try reader.finish()
    if let nonZerosNode, nonZeros > features {
      throw nonZerosNode.diagnostic(
        .contradiction("'nonzeros' is \(nonZeros), but a sample has \(features) features"))
    }
  }

  /// What is exchanged: fixed point on memory that computes, FP32 elsewhere.
  func size(on kind: Device.Kind) -> ModelSize {
    nonZeros == features
      ? .dense(features: features)
      : .sparse(features: features, form: kind == .pim ? .fixedPoint : .float32)
  }
}

/// The answer to a ``TrainingScenario``.
public struct TrainingProjection: Sendable {
  /// The question.
  public let scenario: TrainingScenario
  /// An epoch.
  public let epoch: TrainingEstimate

  /// A part of an epoch.
  public struct Part: Sendable {
    /// What happens, in words.
    public let name: String
    /// How long it takes in an epoch.
    public let time: Seconds
    /// What passes between the host and the workers in an epoch; nothing for parts inside them.
    public let bytes: Bytes
    /// Whether workers wait for each other or for the host.
    public let isExchange: Bool
  }

  /// Time of all epochs.
  public var time: Seconds { Seconds(Double(scenario.training.epochs) * epoch.time) }
  /// The 90 % interval of the time of all epochs.
  public var interval90: ClosedRange<Seconds> {
    let epochs = Double(scenario.training.epochs)
    let range = epoch.interval90
    return Seconds(epochs * range.lowerBound)...Seconds(epochs * range.upperBound)
  }

  /// The parts of an epoch in the order in which they run; parts that take no time are left out.
  public var parts: [Part] {
    let parts = epoch.parts
    let plan = scenario.training.plan
    let names: (down: String, up: String)
    var down = Double(plan.bytesDownPerEpoch)
    switch scenario.system.device.kind {
    case .pim: names = ("host to units", "units to host")
    case .cpu: names = ("scatter", "all-reduce")
    case .gpu:
      names = ("wait for samples", "results")
      down = Double(scenario.training.dataBytes)
    }
    return [
      Part(name: "computing", time: Seconds(parts.compute), bytes: .zero, isExchange: false),
      Part(name: "memory", time: Seconds(parts.memory), bytes: .zero, isExchange: false),
      Part(name: "launch", time: Seconds(parts.launch), bytes: .zero, isExchange: false),
      Part(name: names.down, time: Seconds(parts.toWorkers), bytes: Bytes(down), isExchange: true),
      Part(
        name: names.up, time: Seconds(parts.fromWorkers), bytes: Bytes(Double(plan.bytesUpPerEpoch)),
        isExchange: true),
      Part(name: "average in the host", time: Seconds(parts.reduction), bytes: .zero, isExchange: true),
    ].filter { $0.time > .zero }
  }
}

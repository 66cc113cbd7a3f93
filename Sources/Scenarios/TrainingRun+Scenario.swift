import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Workloads

/// Turns measured training steps into scenarios: the columns of a row over a software stack of `models/stacks`.
struct TrainingRunReader {
  let library: Library
  private let known: [String]
  private var stacks: [String: Scenario] = [:]
  /// The stacks that rows needed so far, in order.
  private(set) var used: [Scenario] = []
  private var devices: [String: (Device, DeviceCalibration?)] = [:]

  /// The device of rows that name none.
  private let hardware: String?
  private let spellings: DeviceSpelling

  /// A reader.
  ///
  /// - Parameters:
  ///   - library: where stacks, models and devices are found.
  ///   - hardware: the device of rows that name none; that of their stack if nil.
  init(library: Library, hardware: String? = nil) {
    self.library = library
    self.hardware = hardware
    known = library.names(.stacks)
    spellings = DeviceSpelling(library.names(.hardware))
  }

  /// The stack of a table: the one named like it, or those of runs on one node and on several, or a present-day one.
  private func stackName(of run: TrainingRun) -> String {
    if let table = run.table {
      // A stack may differ between devices: mpt-fsdp-h100 is that of the H100.
      let device = run.hardware.map { $0.lowercased().prefix { $0.isLetter || $0.isNumber } } ?? ""
      let names = ["\(table)-\(device)", table, typicalStack(of: run)]
      return names.first(where: known.contains) ?? "megatron-core"
    }
    let isA100 = (run.hardware ?? hardware).flatMap(deviceName)?.contains("a100") ?? true
    if !isA100 { return typicalStack(of: run) }
    return run.devices > 8 ? "megatron-deepspeed" : "megatron-deepspeed-node"
  }

  /// The present-day stack of a row's device.
  private func typicalStack(of run: TrainingRun) -> String {
    let device = (run.hardware ?? hardware).flatMap(deviceName) ?? ""
    let family = device.split(separator: "-").dropFirst().first ?? ""
    return known.contains("megatron-core-\(family)") ? "megatron-core-\(family)" : "megatron-core"
  }

  private mutating func stack(of run: TrainingRun) throws(Diagnostic) -> Scenario {
    let name = stackName(of: run)
    if let known = stacks[name] { return known }
    let path = try library.path(.stacks, name)
    let scenario = try Scenario(node: try readDocument(path: path), path: path, in: library)
    stacks[name] = scenario
    used.append(scenario)
    return scenario
  }

  /// What a row says of its device, where the catalogue has no such device.
  func unknownDevice(of run: TrainingRun) -> String? {
    run.hardware.flatMap { deviceName($0) == nil ? $0 : nil }
  }

  /// The scenario of a row; nil where a column holds what no scenario can have, or the catalogue does not have its device.
  mutating func scenario(_ run: TrainingRun) throws(Diagnostic) -> Scenario? {
    guard unknownDevice(of: run) == nil else { return nil }
    var scenario = try stack(of: run)
    if let name = (run.hardware ?? hardware).flatMap(deviceName), !scenario.device.name.hasPrefix(name) {
      let (device, calibration) = try device(name)
      scenario.device = device
      scenario.calibration = calibration
    }
    guard case .transformer(let typical) = scenario.work else { return nil }
    guard let model = try model(run, typical: typical) else { return nil }
    scenario.work = .transformer(model)
    scenario.sequence = run.sequence
    if let type = run.dataType, type.bytes < 2 {
      // A step in 8 bits multiplies in them; weights and activations keep 16.
      scenario.layerOptions.productDataType = type
      scenario.dataType = .bf16
    } else {
      scenario.dataType = run.dataType ?? scenario.dataType
    }
    scenario.microBatch = run.microBatch ?? 1
    var plan = scenario.plan
    plan.tensor = run.tensor
    plan.context = run.context
    plan.expert = run.expert
    plan.recompute = run.recompute ?? plan.recompute
    if let sharding = run.sharding.flatMap(sharding) { plan.sharding = sharding }
    let wantsParts = run.sequenceParallel ?? scenario.sequenceParallel
    scenario.sequenceParallel = wantsParts && run.tensor > 1
    scenario.layerOptions.contextParallel = run.context
    scenario.layerOptions.expertParallel = run.expert
    guard let spread = spread(run, plan, model, &scenario) else { return nil }
    scenario.plan = spread
    return scenario
  }

  /// Stages and replicas: as given, or the fewest stages that fit in memory.
  private func spread(
    _ run: TrainingRun, _ plan: ParallelPlan, _ model: TransformerModel, _ scenario: inout Scenario
  ) -> ParallelPlan? {
    let inside = run.tensor * run.context
    guard run.devices % inside == 0 else { return nil }
    let rest = run.devices / inside
    func complete(_ pipeline: Int) -> ParallelPlan? {
      guard rest % pipeline == 0, pipeline <= model.layers else { return nil }
      var plan = plan
      plan.pipeline = pipeline
      plan.data = rest / pipeline
      let step = scenario.microBatch * plan.data
      if let batch = run.globalBatch {
        guard batch >= step else { return nil }
        plan.microBatches = Int((Double(batch) / Double(step)).rounded(.up))
      } else {
        plan.microBatches = run.microBatches ?? 1
      }
      let chunk = run.layersPerChunk.map { Swift.max(1, model.layers / (pipeline * $0)) }
      plan.virtualStages = pipeline > 1 ? run.virtualStages ?? chunk ?? 1 : 1
      plan.endsAsLayers = model.layers % pipeline != 0 && (model.layers + 2) % pipeline == 0
      plan.unevenStages = plan.virtualStages == 1
      scenario.layerOptions.separateAccumulation =
        scenario.layerOptions.separateAccumulation && plan.microBatches > 1
      return plan.stageLayers(of: model.layers) == nil ? nil : plan
    }
    if let pipeline = run.pipeline ?? run.data.map({ rest / $0 }) { return complete(pipeline) }
    var last: ParallelPlan?
    for pipeline in 1...rest {
      guard let plan = complete(pipeline) else { continue }
      last = plan
      var trial = scenario
      trial.plan = plan
      if trial.memoryVerdict(model).fits { return plan }
    }
    return last
  }

  /// The device of the catalogue that a table means.
  private func deviceName(_ spelling: String) -> String? {
    library.names(.hardware).contains(spelling) ? spelling : spellings.device(in: spelling)
  }

  private mutating func device(_ name: String) throws(Diagnostic) -> (Device, DeviceCalibration?) {
    if let known = devices[name] { return known }
    let device = try Device(named: name, in: library)
    var calibration: DeviceCalibration?
    if let usual = DeviceCalibration.usualName(for: device, in: library) {
      calibration = try DeviceCalibration(named: usual, in: library).used(on: device, in: library)
    }
    devices[name] = (device, calibration)
    return (device, calibration)
  }

  private func sharding(_ spelling: String) -> ParallelPlan.Sharding? {
    switch spelling.uppercased() {
    case "FULL_SHARD", "ZERO3", "ZERO-3", "FSDP", "PARAMETERS": .parameters
    case "SHARD_GRAD_OP", "ZERO2", "ZERO-2", "GRADIENTS": .gradients
    case "ZERO1", "ZERO-1", "OPTIMIZER", "DISTRIBUTED_OPTIMIZER": .optimizer
    case "NO_SHARD", "NONE", "DDP": ParallelPlan.Sharding.none
    default: nil
    }
  }

  /// The shape of a row's model: by its columns, or the catalogue's of that name.
  private func model(_ run: TrainingRun, typical: TransformerModel) throws(Diagnostic) -> TransformerModel? {
    guard let hidden = run.hidden else {
      guard let name = run.model.flatMap({ catalogueName($0, table: run.table) }) else { return nil }
      let path = try library.path(.workloads, name)
      var model = try TransformerModel(node: try readDocument(path: path))
      if let layers = run.layers {
        // Of a shortened model, the first layers stay dense in proportion, one at least.
        if let experts = model.experts, experts.denseLayers > 0, layers < model.layers {
          let share = Double(experts.denseLayers * layers) / Double(model.layers)
          model.experts?.denseLayers = Swift.max(1, Int(share.rounded()))
        }
        model.layers = layers
      }
      if model.positions == .learned { model.sequence = run.sequence }
      return model
    }
    var model = typical
    model.hidden = hidden
    model.feedForward = run.feedForward ?? typical.feedForward * hidden / typical.hidden
    model.vocabulary = run.vocabulary ?? typical.vocabulary
    model.sequence = run.sequence
    // Heads that are not printed: of 128 elements, as most models of this size have.
    let heads = run.heads ?? Swift.max(1, hidden / 128)
    model.heads = heads
    model.headSize = Swift.max(1, hidden / heads)
    let shared = Swift.max(1, typical.heads / typical.keyValueHeads)
    model.keyValueHeads = run.keyValueHeads ?? (heads % shared == 0 ? heads / shared : heads)
    model.layers = 1
    guard let layers = run.layers ?? layers(run, model) else { return nil }
    model.layers = layers
    return model
  }

  /// Layers from the printed size: the whole multiple of the stages that comes nearest.
  private func layers(_ run: TrainingRun, _ model: TransformerModel) -> Int? {
    let printed = run.parameters ?? run.model.flatMap(Self.size)
    guard let printed else { return nil }
    let count = (printed - (model.parameters - model.layerParameters)) / model.layerParameters
    let stages = Double(run.pipeline ?? 1)
    return Int(stages * Swift.max(1, (count / stages).rounded()))
  }

  /// `181B` as a number.
  private static func size(_ text: String) -> Double? {
    guard let unit = text.last, let factor = ["M": 1e6, "B": 1e9, "T": 1e12][unit.uppercased()] else {
      return nil
    }
    return Double(text.dropLast()).map { $0 * factor }
  }

  /// The workload that a table's name of a model means: `70b` in `mpt-fsdp` is `mpt-70b`.
  private func catalogueName(_ model: String, table: String?) -> String? {
    func plain(_ text: String) -> String { text.lowercased().filter { $0.isLetter || $0.isNumber } }
    let family = table?.split(separator: "-").first.map(String.init) ?? ""
    let wanted = [plain(model), plain(family + model)]
    return library.names(.workloads).first { wanted.contains(plain($0)) }
  }
}

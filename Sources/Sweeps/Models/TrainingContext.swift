import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// Everything of a training step that does not depend on how it is spread: the model, the machine, how the step runs.
final class TrainingContext: Sendable {
  /// What does not depend on the numbers of the machine, shared by all machines with the same names.
  final class Question: Sendable {
    let scenario: Scenario
    let transformer: TransformerModel

    init(_ scenario: Scenario, _ transformer: TransformerModel) {
      self.scenario = scenario
      self.transformer = transformer
    }
  }

  let question: Question
  var scenario: Scenario { question.scenario }
  var transformer: TransformerModel { question.transformer }
  let device: DeviceModel<Double>
  let numbers: Numbers

  /// What each scenario reads of a context: no references, so that copies count none.
  struct Numbers: Sendable {
    var rules = PlanRules()
    /// The plan of the base, whose degrees and micro-batches scenarios set.
    var plan = ParallelPlan()
    /// How the host starts kernels.
    var host = HostLaunch<Double>()
    /// Operations that a sequence needs, over all devices.
    var sequenceWork = 0.0
    /// Peak rate of a device, in FLOP/s.
    var peak = 0.0
    /// Main memory of a device, in bytes.
    var capacity = 0.0
    var perMicroBatch = 0.0
    var once = 0.0
    var contention = ContentionForm<Double>.uncalibrated
    var knowsEnergy = false
    var roof = PowerRoof<Double>(idle: 0, limit: 1, exponent: 1)
    var cost: OperatingCost<Double>?
  }

  /// The context of a scenario on its device.
  init(_ scenario: Scenario, _ transformer: TransformerModel) {
    question = Question(scenario, transformer)
    device = scenario.deviceModel
    numbers = Numbers(
      rules: scenario.planRules(transformer), plan: scenario.plan, host: scenario.hostStarts,
      sequenceWork: transformer.modelFLOP(sequences: 1, length: Double(scenario.sequence)).value,
      peak: device.machine.rate(scenario.dataType) ?? 0,
      capacity: scenario.device.mainMemory.capacity.value, perMicroBatch: device.stepFactors.microBatch,
      once: device.stepFactors.once, contention: device.contention, knowsEnergy: scenario.knowsEnergy,
      roof: device.powerRoof, cost: scenario.operatingCost)
  }

  /// The same on a machine with other numbers.
  init(_ other: TrainingContext, on machine: Machine<Double>, changed: [MachineNumber]) {
    question = other.question
    device = other.device.moved(to: machine, changed: changed)
    var numbers = other.numbers
    numbers.peak = machine.rate(other.question.scenario.dataType) ?? 0
    numbers.contention = device.contention
    numbers.roof = device.powerRoof
    self.numbers = numbers
  }
}

/// Makes contexts from the axes that are not about spreading.
final class TrainingContextMaker {
  /// The keys that a plan is made of, which are read as numbers and never go through a document.
  static let planKeys = [
    "parallelism.tensor", "parallelism.pipeline", "parallelism.virtual_stages", "parallelism.data",
    "parallelism.context", "parallelism.expert", "parallelism.devices", "parallelism.sequence",
    "run.micro_batch",
    "run.micro_batches", "run.global_batch",
  ]

  let library: Library
  let sweep: Sweep
  /// The axes that set something else than the plan.
  let axes: [Int]
  /// The base scenario without its plan.
  private let base: DocumentNode
  private let hardwareAxes: [Int]
  /// Those of them that name a device, a calibration or a draw.
  private let namingAxes: [Int]
  private let runAxes: [Int]
  /// Whether numbers of the hardware go through its document, which checks all that can be wrong with them.
  private let usesDocuments: Bool
  private var machines: [[Int]: NamedMachine] = [:]
  private var scenarios: [[Int]: Scenario] = [:]
  private var descriptions: [String: DocumentNode] = [:]
  private var calibrations: [String: DeviceCalibration] = [:]
  private var draws: [String: CalibrationDraws] = [:]
  /// The files that were read.
  private(set) var files: [String] = []

  /// A question on a device as its description has it.
  private struct NamedMachine {
    let context: TrainingContext
    /// The number that each axis sets; nil where one sets something that is no number of a machine.
    let numbers: [(axis: Int, number: MachineNumber)]?
  }

  /// Makes contexts of a sweep.
  ///
  /// - Parameters:
  ///   - sweep: the question.
  ///   - library: where names are looked up.
  ///   - usesDocuments: whether numbers of the hardware go through its document, for their first reading.
  init(_ sweep: Sweep, in library: Library, usesDocuments: Bool = false) {
    self.sweep = sweep
    self.library = library
    self.usesDocuments = usesDocuments
    let keyed = sweep.space.axes.indices.filter { sweep.space.axes[$0].key != nil }
    axes = keyed.filter { !Self.planKeys.contains(sweep.space.axes[$0].key ?? "") }
    hardwareAxes = axes.filter { axis in
      let key = sweep.space.axes[axis].key ?? ""
      return key == "hardware" || key.hasPrefix("hardware.") || key == "calibration"
    }
    let hardware = hardwareAxes
    namingAxes = hardware.filter { !(sweep.space.axes[$0].key ?? "").hasPrefix("hardware.") }
    runAxes = axes.filter { !hardware.contains($0) }
    base = sweep.base.without(
      Self.planKeys.map { $0.split(separator: ".").map(String.init) } + [["run", "require_fit"]])
  }

  /// The value of an axis as a node of a document.
  private func node(_ axis: Int, _ digit: Int) -> DocumentNode {
    let given = sweep.space.axes[axis]
    let place = given.keyNode ?? sweep.base
    if given.nodes.indices.contains(digit) { return given.nodes[digit] }
    let unit = given.unit == "1" ? "" : " " + given.unit
    return DocumentNode(
      content: .scalar(sweep.space.label(axis, at: digit) + unit, quoted: false), position: place.position,
      file: place.file)
  }

  private func named(_ name: String) throws(Diagnostic) -> DeviceCalibration {
    if let known = calibrations[name] { return known }
    files.append(try library.path(.calibrations, name))
    let read = try DeviceCalibration(named: name, in: library)
    calibrations[name] = read
    return read
  }

  /// The context of a scenario of the space.
  ///
  /// - Parameter digit: the place along the dimension of an axis.
  /// - Returns: everything that does not depend on the plan.
  /// - Throws: `Diagnostic`; a contradiction is a reason to have no answer, anything else a mistake in the file.
  func context(_ digit: (Int) -> Int) throws(Diagnostic) -> TrainingContext {
    let runDigits = runAxes.map(digit)
    var scenario: Scenario
    if let known = scenarios[runDigits] {
      scenario = known
    } else {
      var document = base
      for (axis, place) in zip(runAxes, runDigits) {
        let keys = (sweep.space.axes[axis].key ?? "").split(separator: ".").map(String.init)
        let given = sweep.space.axes[axis]
        if case .multiples = given.values {
          throw (given.keyNode ?? sweep.base).diagnostic(
            .contradiction(
              "'\(given.key ?? "")' has no base to multiply: 'times' goes with numbers of the hardware"))
        }
        let keyNode = given.keyNode ?? sweep.base
        // Prices have a provenance, as numbers of the hardware do.
        let value =
          keys[0] == "costs" ? DocumentNode.sourced(node(axis, place), like: keyNode) : node(axis, place)
        document = document.overlaid(with: .nested(keys, value, like: keyNode))
      }
      // Two micro-batches keep what only matters with several.
      let two = DocumentNode(content: .scalar("2", quoted: false), position: base.position, file: base.file)
      document = document.overlaid(with: .nested(["run", "micro_batches"], two, like: base))
      scenario = try Scenario(node: document, path: sweep.files.last ?? "", in: library)
      files += scenario.files
      if scenarios.count > 4096 { scenarios = [:] }
      scenarios[runDigits] = scenario
    }
    guard scenario.pass == .training, let transformer = scenario.transformer else {
      throw sweep.base.diagnostic(
        .contradiction(
          "a sweep of training steps needs a Transformer as its workload and 'run.pass' training"))
    }
    if !usesDocuments, hardwareAxes.count > namingAxes.count {
      let digits = runDigits + namingAxes.map(digit)
      let named: NamedMachine
      if let known = machines[digits] {
        named = known
      } else {
        let moved = try checked(try moved(scenario, digit, numbers: false))
        named = NamedMachine(context: TrainingContext(moved, transformer), numbers: numbers(of: moved))
        if machines.count > 4096 { machines = [:] }
        machines[digits] = named
      }
      if let numbers = named.numbers {
        let machine = try changed(named.context.device.machine, numbers, digit)
        return TrainingContext(named.context, on: machine, changed: numbers.map(\.number))
      }
    }
    if !hardwareAxes.isEmpty { scenario = try moved(scenario, digit) }
    scenario = try checked(scenario)
    return TrainingContext(scenario, transformer)
  }

  /// A scenario whose device can compute it.
  private func checked(_ scenario: Scenario) throws(Diagnostic) -> Scenario {
    guard scenario.device.kind != .pim, Machine<Double>(scenario.device).rate(scenario.dataType) != nil else {
      throw sweep.base.diagnostic(.contradiction(scenario.device.lacks(scenario.dataType)))
    }
    return scenario
  }

  /// The numbers of a machine that the axes of the hardware set.
  ///
  /// - Returns: nil where one sets something else, or a number from which others follow when a device is read.
  private func numbers(of scenario: Scenario) -> [(axis: Int, number: MachineNumber)]? {
    let device = scenario.device
    // What stages in the host depends on the link's rate; curves without their link's numbers take those of the sheet.
    if device.links.first?.topology == .host { return nil }
    if let calibration = scenario.calibration, !calibration.curves.isEmpty,
      calibration.curveBandwidth == nil || calibration.curveLatency == nil
    {
      return nil
    }
    let known = MachineNumber.all(of: device)
    var result: [(axis: Int, number: MachineNumber)] = []
    for axis in hardwareAxes {
      guard let key = sweep.space.axes[axis].key, key.hasPrefix("hardware.") else { continue }
      guard let found = known.first(where: { "hardware." + $0.key == key }) else { return nil }
      result.append((axis, found.number))
    }
    return result
  }

  /// A machine with the numbers that the axes set.
  private func changed(
    _ machine: Machine<Double>, _ numbers: [(axis: Int, number: MachineNumber)], _ digit: (Int) -> Int
  ) throws(Diagnostic) -> Machine<Double> {
    var machine = machine
    for (axis, number) in numbers {
      let given = sweep.space.axes[axis]
      var value = sweep.space.number(axis, at: digit(axis))
      if case .multiples = given.values { value *= machine[number] }
      guard value.isFinite, value > 0 else {
        throw (given.keyNode ?? sweep.base).diagnostic(
          .outOfRange(path: "axes.\(given.name)", found: plainNumber(value), expected: "a number above zero"))
      }
      machine[number] = value
    }
    return machine
  }

  /// A scenario on the machine that the axes of the hardware describe; without `numbers`, that they name.
  private func moved(_ scenario: Scenario, _ digit: (Int) -> Int, numbers: Bool = true) throws(Diagnostic)
    -> Scenario
  {
    var word = base.value("hardware")
    var calibrationWord = base.value("calibration")?.text
    var draw: (axis: Int, seed: UInt64)?
    for axis in hardwareAxes {
      let given = sweep.space.axes[axis]
      if given.key == "hardware" { word = node(axis, digit(axis)) }
      if given.key == "calibration" {
        if case .draws(let seed) = given.values {
          draw = (axis, seed)
        } else {
          calibrationWord = node(axis, digit(axis)).text
        }
      }
    }
    guard let word else { throw sweep.base.diagnostic(.missingKey("hardware", path: "base")) }
    let name = word.text
    var document: DocumentNode
    if let known = descriptions[name], !name.isEmpty {
      document = known
    } else {
      var node = word
      if !name.isEmpty {
        let path = try library.path(.hardware, name, at: word)
        files.append(path)
        node = try readDocument(path: path)
      }
      document = try Device.document(node, in: library)
      if !name.isEmpty { descriptions[name] = document }
    }
    for axis in numbers ? hardwareAxes : [] {
      let given = sweep.space.axes[axis]
      guard let key = given.key, key.hasPrefix("hardware.") else { continue }
      document = try overlaid(
        document, axis, key.split(separator: ".").dropFirst().map(String.init), digit(axis))
    }
    let device = try Device(node: document, in: library)
    var calibration: DeviceCalibration?
    if let calibrationWord {
      calibration =
        calibrationWord == "none" ? nil : try named(calibrationWord).used(on: device, in: library)
    } else if let usual = DeviceCalibration.usualName(for: device, in: library) {
      calibration = try named(usual).used(on: device, in: library)
    }
    if let draw {
      guard let known = calibration else {
        throw sweep.base.diagnostic(
          .contradiction("draws need a calibration, and '\(device.name)' has none"))
      }
      if draws[known.name] == nil {
        let read = try CalibrationDraws(known, in: library)
        files.append(read.file)
        draws[known.name] = read
      }
      calibration = draws[known.name]?.draw(digit(draw.axis), seed: draw.seed)
    }
    return scenario.moved(to: device, calibration)
  }

  /// A description with one number replaced or multiplied.
  private func overlaid(_ document: DocumentNode, _ axis: Int, _ keys: [String], _ digit: Int)
    throws(Diagnostic)
    -> DocumentNode
  {
    let given = sweep.space.axes[axis]
    let place = given.keyNode ?? sweep.base
    var old: DocumentNode? = document
    var path = "hardware"
    for key in keys {
      guard let next = old?.value(key) else {
        throw place.diagnostic(.unknownKey(key, path: path, known: old?.keys ?? []))
      }
      old = next
      path += "." + key
    }
    guard let old else { return document }
    let sourced = old.value("value")
    var value = node(axis, digit)
    if case .multiples(let factors) = given.values {
      guard let number = parsedNumber((sourced ?? old).text) else {
        throw place.diagnostic(
          .wrongKind(path: path, found: old.kindInWords, expected: "a number to multiply"))
      }
      let product = number.value * factors[digit]
      let unit = number.unit == "1" ? "" : " " + number.unit
      value = DocumentNode(
        content: .scalar(plainNumber(product) + unit, quoted: false), position: place.position,
        file: place.file)
    }
    guard sourced != nil else { return document.overlaid(with: .nested(keys, value, like: place)) }
    let mapping = DocumentNode.sourced(value, like: place)
    return document.overlaid(with: .nested(keys, mapping, like: place))
  }
}

extension DocumentNode {
  /// A number with its provenance: the sweep.
  static func sourced(_ value: DocumentNode, like place: DocumentNode) -> DocumentNode {
    func scalar(_ text: String) -> DocumentNode {
      DocumentNode(content: .scalar(text, quoted: true), position: place.position, file: place.file)
    }
    return DocumentNode(
      content: .mapping([
        (key: scalar("value"), value: value), (key: scalar("kind"), value: scalar("assumed")),
        (key: scalar("low"), value: value), (key: scalar("high"), value: value),
        (key: scalar("source"), value: scalar("the sweep")),
      ]), position: place.position, file: place.file)
  }

  /// This mapping without some keys.
  func without(_ paths: [[String]]) -> DocumentNode {
    guard case .mapping(let pairs) = content else { return self }
    let kept = pairs.compactMap { pair -> (key: DocumentNode, value: DocumentNode)? in
      let key = pair.key.text
      let here = paths.filter { $0.first == key }
      if here.contains(where: { $0.count == 1 }) { return nil }
      return here.isEmpty ? pair : (pair.key, pair.value.without(here.map { Array($0.dropFirst()) }))
    }
    return DocumentNode(content: .mapping(kept), position: position, file: file)
  }
}

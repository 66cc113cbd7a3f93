import Calibration
public import CostModels
public import Documents
public import Hardware
import Quantities
public import Scenarios
import Studies
public import Workloads

/// An entry of the catalogue as a list of facts, each with its source.
public struct FactSheet: Sendable {
  struct Fact: Sendable {
    let name: String
    let value: String
    let number: Double?
    let interval: String
    let kind: String
    let source: String
  }

  let title: String
  var facts: [Fact] = []

  /// A device of the catalogue.
  public init(_ device: Device) {
    title = "\(device.name): \(device.title)"
    add("kind", device.kind.rawValue)
    if let vendor = device.vendor { add("vendor", vendor) }
    if let year = device.year { add("year", "\(year)") }
    if let note = device.note { add("note", note) }
    if let like = device.calibratedLike { add("borrows the calibration", like) }
    add(device.compute.unitName + " count", device.compute.units)
    add("clock", device.compute.clock)
    for type in DataType.allCases {
      if let rate = device.compute.rates[type] { add("peak \(type.rawValue)", rate, type) }
      if let rate = device.compute.vectorRates[type] {
        add("peak \(type.rawValue), vector pipes", rate, type)
      }
    }
    for level in device.memory {
      let owner = level.scope == .unit ? " of one unit" : ""
      add("\(level.name) capacity\(owner)", level.capacity, binary: true)
      if let bandwidth = level.bandwidth { add("\(level.name) bandwidth\(owner)", bandwidth) }
    }
    if let launch = device.launchOverhead { add("launch", launch) }
    if let limit = device.power.limit { add("power limit", limit) }
    if let idle = device.power.idle { add("idle power", idle) }
    if let host = device.power.host { add("power of the host around it", host) }
    for link in device.links {
      add("\(link.name) network", "\(link.technology); \(link.topology.rawValue) of \(link.devices)")
      add("\(link.name) bandwidth", link.bandwidth)
      add("\(link.name) latency", link.latency)
    }
    if let pim = device.pim { add(pim) }
  }

  private mutating func add(_ pim: ProcessingInMemory) {
    add("threads of one unit", pim.threads)
    let counts: [(String, Sourced<Dimensions.Number>?)] = [
      ("units used", pim.unitsUsed), ("cycles between instructions of a thread", pim.reissueInterval),
      ("pipeline stages", pim.pipelineDepth), ("cycles to set up a transfer", pim.dmaSetup),
      ("cycles to set up a write", pim.dmaWriteSetup),
      ("cycles for a byte", pim.dmaPerByte), ("units of a module", pim.moduleUnits),
      ("modules", pim.modules),
    ]
    for (name, value) in counts { if let value { add(name, value) } }
    if let rate = pim.hostToUnit { add("host to all units", rate) }
    if let rate = pim.unitToHost { add("all units to host", rate) }
    if let power = pim.modulePower { add("power of a module", power) }
  }

  /// A Transformer of the catalogue.
  public init(_ model: TransformerModel) {
    title = "\(model.name): \(model.title)"
    if let year = model.year { add("year", "\(year)") }
    if let note = model.note { add("note", note) }
    let provenance = model.provenance
    func shape(_ name: String, _ value: String) -> Fact {
      Fact(
        name: name, value: value, number: Double(value), interval: "", kind: provenance.kind.rawValue,
        source: provenance.source)
    }
    facts += [
      shape("layers", "\(model.layers)"), shape("hidden", "\(model.hidden)"),
      shape("heads", "\(model.heads)"),
      shape("key-value heads", "\(model.keyValueHeads)"), shape("head size", "\(model.headSize)"),
      shape("feed-forward", "\(model.feedForward)"), shape("activation", model.activation.rawValue),
      shape("vocabulary", "\(model.vocabulary)"), shape("sequence", "\(model.sequence)"),
    ]
    if let published = model.publishedParameters { add("parameters, published", published) }
    add("parameters, from the shape", formatted(model.parameters, digits: 4))
    let flop = model.modelFLOP(sequences: 1, length: Double(model.sequence))
    add("FLOP of a training step, one sequence", flop.formatted())
  }

  /// A calibration of the catalogue.
  public init(_ calibration: DeviceCalibration) {
    title = "\(calibration.name): calibration of \(calibration.hardware)"
    add("source", calibration.source)
    for name in calibration.forms.keys.sorted() {
      guard let fitted = calibration.forms[name],
        let definitions = DeviceCalibration.constants(ofForm: name)
      else { continue }
      add("\(name): error of one row", "\(percent(fitted.spread)), \(fitted.rows) rows")
      for (index, definition) in definitions.enumerated() {
        let value = fitted.values[index]
        let error = fitted.relativeErrors[index]
        facts.append(
          Fact(
            name: "\(name).\(definition.name)",
            value: formatted(value) + (definition.unit.isEmpty ? "" : " " + definition.unit), number: value,
            interval: "± \(percent(error))", kind: "fitted", source: definition.meaning))
      }
    }
    for key in calibration.curves.keys.sorted(by: { ($0.kind, $0.ranks) < ($1.kind, $1.ranks) }) {
      guard let curve = calibration.curves[key] else { continue }
      add(
        "\(key.kind), \(key.ranks) ranks",
        "\(curve.points.count) points, \(Bytes(curve.smallest).formatted(binary: true)) to \(Bytes(curve.largest).formatted(binary: true))"
      )
    }
  }

  /// A scenario of the catalogue.
  public init(_ scenario: Scenario) {
    title = "\(scenario.name): \(scenario.title)"
    if let note = scenario.note { add("note", note) }
    switch scenario.work {
    case .transformer(let model): add("workload", model.title)
    case .operators(let list): add("workload", "\(list.count) operators")
    }
    add("hardware", scenario.device.title)
    add("calibration", scenario.calibration?.name ?? "none")
    add("pass", scenario.pass.rawValue)
    add("micro-batch", "\(scenario.microBatch)")
    add("sequence", "\(scenario.sequence)")
    add("data type", scenario.dataType.rawValue)
    add("tensor parallel", "\(scenario.tensorParallel)")
    add("files", scenario.files.joined(separator: ", "))
  }

  /// A linear model and its samples.
  public init(_ workload: LinearWorkload) {
    title = "\(workload.name): \(workload.title)"
    if let note = workload.note { add("note", note) }
    add("model", workload.model.words)
    add("features", "\(workload.features)")
    add("features that are not 0", "\(workload.nonZeros)")
    add("samples", "\(workload.samples)")
  }

  /// A scenario that trains a linear model.
  public init(_ scenario: TrainingScenario) {
    title = "\(scenario.name): \(scenario.title)"
    let plan = scenario.training.plan
    add("model", scenario.training.model.words)
    add("hardware", scenario.system.device.title)
    add("calibration", scenario.calibration?.name ?? "none")
    add("algorithm", plan.algorithm.rawValue)
    add("workers", "\(plan.workers)")
    add("samples of a worker", "\(plan.samplesPerWorker)")
    add("batch of a worker", "\(plan.batchPerWorker)")
    add("synchronisations an epoch", "\(plan.synchronisationsPerEpoch)")
    add("epochs", "\(scenario.training.epochs)")
    add("files", scenario.files.joined(separator: ", "))
  }

  /// A workload file of any kind.
  ///
  /// - Throws: `Diagnostic` at the first fault.
  public static func workload(_ node: DocumentNode, path: String) throws(Diagnostic) -> FactSheet {
    if TransformerModel.isHuggingFace(node) {
      return FactSheet(try TransformerModel(huggingFace: node, name: path))
    }
    if case .scalar("operators", _)? = node.value("kind")?.content {
      var sheet = FactSheet(title: path)
      for entry in try operatorList(node) { sheet.add(entry.name, "\(entry.count) times") }
      return sheet
    }
    if case .scalar("linear", _)? = node.value("kind")?.content {
      return FactSheet(try LinearWorkload(node))
    }
    return FactSheet(try TransformerModel(node: node))
  }

  /// A scenario of any kind, by its name or path.
  ///
  /// - Throws: `Diagnostic` at the first fault.
  public static func scenario(_ name: String, in library: Library) throws(Diagnostic) -> FactSheet {
    if let training = try TrainingScenario(named: name, in: library) { return FactSheet(training) }
    return FactSheet(try Scenario(named: name, in: library))
  }

  /// A file given by its path: what it is shows in its keys.
  ///
  /// - Throws: `Diagnostic` at the first fault.
  public static func file(_ path: String, in library: Library) throws(Diagnostic) -> FactSheet {
    let node = try readDocument(path: path)
    if node.value("compute") != nil
      || node.value("extends") != nil && node.value("hardware") == nil && node.value("forms") == nil
        && node.value("collectives") == nil
    {
      return FactSheet(try Device(node: node, in: library))
    }
    if node.value("forms") != nil || node.value("collectives") != nil || node.value("extends") != nil {
      return FactSheet(try DeviceCalibration(named: path, in: library))
    }
    if node.value("claims") != nil { return FactSheet(try StudyFile(node: node, path: path)) }
    if node.value("workload") != nil { return try scenario(path, in: library) }
    return try workload(node, path: path)
  }

  init(title: String) { self.title = title }

  /// The prices and the grid of a scenario.
  ///
  /// - Parameter costs: its section of costs.
  public init(_ costs: CostSection) {
    self.init(title: "Prices and the grid, number by number")
    if let value = costs.deviceHour { add("price of a device", value, in: "USD/h", factor: 1.0 / 3600) }
    if let value = costs.capital { add("capital of a device", value) }
    if let value = costs.lifetime { add("lifetime of a device", value, in: "d", factor: 86_400) }
    if let value = costs.use { add("use of a device", value) }
    if let value = costs.powerPrice { add("price of electricity", value, in: "USD/kWh", factor: 1 / 3.6e6) }
    if let value = costs.usageEffectiveness { add("power usage effectiveness", value) }
    if let value = costs.surroundings { add("power of a device's surroundings", value) }
    if let value = costs.gridIntensity {
      add("carbon dioxide of the grid", value, in: "g/kWh", factor: 1 / 3.6e6)
    }
  }

  /// A number in the unit that people name it by.
  private mutating func add<D: Dimension>(
    _ name: String, _ value: Sourced<D>, in unit: String, factor: Double
  ) {
    func text(_ number: Double) -> String { formatted(number / factor) }
    let interval = value.interval.map {
      "\(text($0.lowerBound.value)) to \(text($0.upperBound.value)) \(unit)"
    }
    facts.append(
      Fact(
        name: name, value: "\(text(value.value)) \(unit)", number: value.value, interval: interval ?? "",
        kind: value.provenance.kind.rawValue, source: value.provenance.source))
  }

  mutating func add(_ name: String, _ value: String) {
    facts.append(Fact(name: name, value: value, number: nil, interval: "", kind: "", source: ""))
  }

  mutating func add<D: Dimension>(_ name: String, _ value: Sourced<D>, binary: Bool = false) {
    // A capacity is shown in the prefixes in which it is a round number.
    let decimal = (try? Quantity<D>(parsing: value.quantity.formatted(digits: 4)))?.value ?? 0
    let isBinary = binary && abs(decimal - value.value) > 1e-9 * value.value
    let interval = value.interval.map {
      "\($0.lowerBound.formatted(binary: isBinary)) to \($0.upperBound.formatted(binary: isBinary))"
    }
    facts.append(
      Fact(
        name: name,
        value: D.self == Dimensions.Number.self && value.value == value.value.rounded() && value.value < 1e9
          ? "\(Int(value.value))" : value.quantity.formatted(digits: 4, binary: isBinary),
        number: value.value,
        interval: interval ?? "", kind: value.provenance.kind.rawValue, source: value.provenance.source))
  }

  /// A compute rate: operations of integers are no floating-point ones.
  private mutating func add(_ name: String, _ rate: Sourced<Dimensions.WorkRate>, _ type: DataType) {
    add(name, rate)
    guard [.int8, .int32, .int64].contains(type), let fact = facts.popLast() else { return }
    func asOperations(_ text: String) -> String {
      text.split(separator: "FLOP/s", omittingEmptySubsequences: false).joined(separator: "OP/s")
    }
    facts.append(
      Fact(
        name: fact.name, value: asOperations(fact.value), number: fact.number,
        interval: asOperations(fact.interval), kind: fact.kind, source: fact.source))
  }

  /// The facts as a table for a terminal.
  public var text: String {
    var table = TextTable([
      ("", .left), ("value", .left), ("interval", .left), ("how known", .left), ("source", .left),
    ])
    for fact in facts {
      table.add([
        printable(fact.name), printable(fact.value), fact.interval, fact.kind, printable(fact.source),
      ])
    }
    return printable(title) + "\n\n" + table.text
  }

  /// The facts as JSON, numbers in base units.
  public var json: JSONText {
    .object([
      ("title", .text(title)),
      (
        "facts",
        .array(
          facts.map { fact in
            .object([
              ("name", .text(fact.name)), ("value", .text(fact.value)), ("number", .number(fact.number)),
              ("interval", .text(fact.interval)), ("kind", .text(fact.kind)), ("source", .text(fact.source)),
            ])
          })
      ),
    ])
  }
}

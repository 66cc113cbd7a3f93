public import Documents
import Quantities

extension Device {
  /// Reads a device of the catalogue, or a file, with what it extends laid beneath it.
  ///
  /// - Parameters:
  ///   - name: a name of `models/hardware`, or a path.
  ///   - library: where names are looked up.
  ///   - node: where the name stands, for messages.
  /// - Throws: `Diagnostic` at the first fault.
  public init(named name: String, in library: Library, at node: DocumentNode? = nil) throws(Diagnostic) {
    let path = try library.path(.hardware, name, at: node)
    try self.init(node: try readDocument(path: path), in: library)
  }

  /// Reads a device from a mapping: a whole description, or `extends: NAME` and what differs.
  public init(node: DocumentNode, in library: Library) throws(Diagnostic) {
    try self.init(merged: try Self.merged(node, in: library, seen: []))
  }

  /// The whole description of a device, with everything that it extends laid beneath it.
  ///
  /// - Parameters:
  ///   - node: a description.
  ///   - library: where names are looked up.
  /// - Returns: a mapping that extends nothing.
  /// - Throws: `Diagnostic` at the first fault.
  public static func document(_ node: DocumentNode, in library: Library) throws(Diagnostic) -> DocumentNode {
    let merged = try merged(node, in: library, seen: [])
    guard case .mapping(let pairs) = merged.content else { return merged }
    return DocumentNode(
      content: .mapping(pairs.filter { $0.key.kindInWords != "'extends'" }), position: merged.position,
      file: merged.file)
  }

  /// A description with everything that it extends laid beneath it.
  private static func merged(_ node: DocumentNode, in library: Library, seen: [String])
    throws(Diagnostic) -> DocumentNode
  {
    guard let extends = node.value("extends") else { return node }
    let name = try MappingReader.scalar(extends, path: "extends", expected: "the name of a device")
    guard !seen.contains(name) else {
      throw extends.diagnostic(
        .contradiction("'\(name)' extends itself: \((seen + [name]).joined(separator: ", "))"))
    }
    let base = try merged(
      try readDocument(path: try library.path(.hardware, name, at: extends)), in: library,
      seen: seen + [name])
    return base.overlaid(with: node)
  }

  init(merged node: DocumentNode) throws(Diagnostic) {
    var reader = try MappingReader(node)
    _ = reader.optionalNode("extends")
    name = try reader.text("name")
    title = try reader.text("title")
    kind = try reader.word("kind", as: Kind.self)
    vendor = try reader.optionalText("vendor")
    year = try reader.optionalInteger("year", in: 1960...2100)
    note = try reader.optionalText("note")
    calibratedLike = try reader.optionalText("calibrated_like")
    let sources = try reader.sourceTexts()
    var compute = try reader.mapping("compute")
    self.compute = try Compute(&compute, sources: sources)
    let memory = try reader.mapping("memory")
    guard !memory.entries().isEmpty else {
      throw memory.node.diagnostic(
        .wrongKind(path: "memory", found: "empty", expected: "at least one memory level"))
    }
    var levels: [MemoryLevel] = []
    for entry in memory.entries() {
      levels.append(
        try MemoryLevel(entry.name, entry.value, path: memory.path(of: entry.name), sources: sources))
    }
    self.memory = levels
    if var overhead = try reader.optionalMapping("overhead") {
      launchOverhead = try overhead.sourced(
        "launch", as: Seconds.self, sources: sources, allowsZero: true)
      try overhead.finish()
    } else {
      launchOverhead = nil
    }
    if var power = try reader.optionalMapping("power") {
      let limit = try power.optionalSourced("limit", as: Watts.self, sources: sources)
      let idle = try power.optionalSourced("idle", as: Watts.self, sources: sources)
      let host = try power.optionalSourced("host", as: Watts.self, sources: sources)
      try power.finish()
      if let limit, let idle, idle.quantity > limit.quantity {
        throw power.node.diagnostic(
          .contradiction(
            "'power': idle \(idle.quantity.formatted()) is above the limit \(limit.quantity.formatted())"))
      }
      self.power = Power(limit: limit, idle: idle, host: host)
    } else {
      power = Power(limit: nil, idle: nil, host: nil)
    }
    var links: [Link] = []
    if let mapping = try reader.optionalMapping("links") {
      for entry in mapping.entries() {
        links.append(
          try Link(entry.name, entry.value, path: mapping.path(of: entry.name), sources: sources))
      }
    }
    self.links = links.sorted { $0.devices < $1.devices }
    if var pim = try reader.optionalMapping("pim") {
      self.pim = try ProcessingInMemory(&pim, sources: sources)
    } else {
      pim = nil
    }
    try reader.finish()
  }
}

extension Compute {
  init(_ reader: inout MappingReader, sources: [String: String]) throws(Diagnostic) {
    unitName = try reader.text("unit")
    units = try reader.sourced("units", as: Number.self, sources: sources)
    clock = try reader.sourced("clock", as: Hertz.self, sources: sources)
    let rates = try reader.mapping("rates")
    var matrix: [DataType: Sourced<Dimensions.WorkRate>] = [:]
    var vector: [DataType: Sourced<Dimensions.WorkRate>] = [:]
    let suffix = "_vector"
    for entry in rates.entries() {
      let isVector = entry.name.hasSuffix(suffix)
      guard
        let type = DataType(
          rawValue: isVector ? String(entry.name.dropLast(suffix.count)) : entry.name)
      else {
        throw entry.key.diagnostic(
          .unknownKey(entry.name, path: rates.path, known: DataType.allCases.map(\.rawValue)))
      }
      let rate = try MappingReader.sourced(
        entry.value, path: rates.path(of: entry.name), as: FLOPPerSecond.self, sources: sources)
      if isVector { vector[type] = rate } else { matrix[type] = rate }
    }
    self.rates = matrix
    vectorRates = vector
    try reader.finish()
  }
}

extension MemoryLevel {
  init(_ name: String, _ node: DocumentNode, path: String, sources: [String: String])
    throws(Diagnostic)
  {
    var reader = try MappingReader(node, path: path)
    self.name = name
    technology = try reader.text("technology")
    scope = try reader.optionalWord("scope", as: Scope.self) ?? .device
    capacity = try reader.sourced("capacity", as: Bytes.self, sources: sources)
    bandwidth = try reader.optionalSourced("bandwidth", as: BytesPerSecond.self, sources: sources)
    _ = try reader.optionalText("note")
    try reader.finish()
  }
}

extension Link {
  init(_ name: String, _ node: DocumentNode, path: String, sources: [String: String])
    throws(Diagnostic)
  {
    var reader = try MappingReader(node, path: path)
    self.name = name
    technology = try reader.text("technology")
    topology = try reader.word("topology", as: Topology.self)
    devices = try reader.integer("devices", in: 1...100_000_000)
    bandwidth = try reader.sourced("bandwidth", as: BytesPerSecond.self, sources: sources)
    latency = try reader.sourced("latency", as: Seconds.self, sources: sources)
    _ = try reader.optionalText("note")
    try reader.finish()
  }
}

extension ProcessingInMemory {
  init(_ reader: inout MappingReader, sources: [String: String]) throws(Diagnostic) {
    threads = try reader.sourced("threads", as: Number.self, sources: sources)
    reissueInterval = try reader.optionalSourced("reissue_interval", as: Number.self, sources: sources)
    pipelineDepth = try reader.optionalSourced("pipeline_depth", as: Number.self, sources: sources)
    unitsUsed = try reader.optionalSourced("units_used", as: Number.self, sources: sources)
    dmaSetup = try reader.optionalSourced("dma_setup", as: Number.self, sources: sources)
    dmaWriteSetup = try reader.optionalSourced("dma_write_setup", as: Number.self, sources: sources)
    dmaPerByte = try reader.optionalSourced("dma_per_byte", as: Number.self, sources: sources)
    dmaMinimum = try Self.size("dma_minimum", &reader)
    dmaMaximum = try Self.size("dma_maximum", &reader)
    hostToUnit = try reader.optionalSourced("host_to_unit", as: BytesPerSecond.self, sources: sources)
    unitToHost = try reader.optionalSourced("unit_to_host", as: BytesPerSecond.self, sources: sources)
    moduleUnits = try reader.optionalSourced("module_units", as: Number.self, sources: sources)
    modules = try reader.optionalSourced("modules", as: Number.self, sources: sources)
    modulePower = try reader.optionalSourced("module_power", as: Watts.self, sources: sources)
    commands = try reader.optionalMapping("commands").map { mapping throws(Diagnostic) in
      try UnitCommands(mapping, sources: sources)
    }
    _ = try reader.optionalText("note")
    try reader.finish()
  }

  private static func size(_ key: String, _ reader: inout MappingReader) throws(Diagnostic) -> Bytes? {
    guard let node = reader.optionalNode(key) else { return nil }
    return try MappingReader.quantity(node, path: reader.path(of: key), as: Bytes.self)
  }
}

extension UnitCommands {
  init(_ mapping: MappingReader, sources: [String: String]) throws(Diagnostic) {
    var reader = mapping
    func size(_ key: String) throws(Diagnostic) -> Bytes {
      try MappingReader.quantity(try reader.node(key), path: reader.path(of: key), as: Bytes.self)
    }
    operand = try size("operand")
    interval = try reader.sourced("interval", as: Seconds.self, sources: sources)
    row = try size("row")
    rowChange = try reader.sourced("row_change", as: Seconds.self, sources: sources)
    refresh = try reader.sourced("refresh", as: Number.self, sources: sources, allowsZero: true)
    channelUnits = try reader.sourced("channel_units", as: Number.self, sources: sources)
    sharedOperand = try size("shared_operand")
    sums = try reader.sourced("sums", as: Number.self, sources: sources)
    try reader.finish()
  }
}

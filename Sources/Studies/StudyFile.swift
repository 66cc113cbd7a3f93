public import Documents
public import Quantities

/// A study as its file describes it: the paper, our parameters, and the claims to check.
public struct StudyFile: Sendable {
  /// What a study is about.
  public struct Paper: Sendable {
    /// Its title.
    public let title: String
    /// Its number on arXiv, where it has one.
    public let arXiv: String?
    /// Its authors.
    public let authors: String
    /// Where and when it appeared.
    public let year: Int
    /// Whether its body was read, and what of it was not.
    public let note: String?
  }

  /// A number, or several, that the study computes with and that the paper does not fix.
  public struct Parameter: Sendable {
    /// The name in the file.
    public let name: String
    /// What it is.
    public let title: String
    /// The values as they are written, with their units.
    public let values: [String]
    /// The plausible range as it is written; nil without one.
    public let interval: (low: String, high: String)?
    /// How it is known.
    public let provenance: Provenance
    /// A remark for the reader.
    public let note: String?
    let node: DocumentNode
  }

  /// The name in the catalogue; the program knows the study by it.
  public let name: String
  /// The name for people.
  public let title: String
  /// What the study asks, in a sentence or two.
  public let question: String
  /// The paper; nil for a study of our own.
  public let paper: Paper?
  /// The parameters in the order of the file.
  public let parameters: [Parameter]
  /// The claims in the order of the file.
  public let claims: [Claim]
  /// The file that was read.
  public let path: String
  let root: DocumentNode

  /// Reads a study of the library, or a file.
  ///
  /// - Parameters:
  ///   - name: a name of `models/studies`, or a path.
  ///   - library: where names are looked up.
  /// - Throws: `Diagnostic` at the first fault.
  public init(named name: String, in library: Library) throws(Diagnostic) {
    let path = try library.path(.studies, name)
    try self.init(node: try readDocument(path: path), path: path)
  }

  /// Reads a study from a mapping.
  ///
  /// - Throws: `Diagnostic` at the value.
  public init(node: DocumentNode, path: String) throws(Diagnostic) {
    var reader = try MappingReader(node)
    name = try reader.text("name")
    title = try reader.text("title")
    question = try reader.text("question")
    paper = try reader.optionalMapping("paper").map { reader throws(Diagnostic) in try Self.paper(reader) }
    let sources = try reader.sourceTexts()
    var parameters: [Parameter] = []
    for entry in try reader.optionalMapping("parameters")?.entries() ?? [] {
      parameters.append(try Self.parameter(entry.name, entry.value, sources: sources))
    }
    var claims: [Claim] = []
    for entry in try reader.optionalMapping("claims")?.entries() ?? [] {
      claims.append(try Self.claim(entry.name, entry.value))
    }
    try reader.finish()
    self.parameters = parameters
    self.claims = claims
    self.path = path
    root = node
  }

  private static func paper(_ mapping: MappingReader) throws(Diagnostic) -> Paper {
    var reader = mapping
    let paper = Paper(
      title: try reader.text("title"), arXiv: try reader.optionalText("arxiv"),
      authors: try reader.text("authors"), year: try reader.integer("year", in: 1900...2100),
      note: try reader.optionalText("note"))
    try reader.finish()
    return paper
  }

  private static func parameter(
    _ name: String, _ node: DocumentNode, sources: [String: String]
  ) throws(Diagnostic) -> Parameter {
    let path = "parameters." + name
    var reader = try MappingReader(node, path: path)
    let title = try reader.text("title")
    var values: [String] = []
    if let list = reader.optionalNode("values") {
      guard case .sequence(let items) = list.content, !items.isEmpty else {
        throw list.diagnostic(
          .wrongKind(
            path: reader.path(of: "values"), found: list.kindInWords, expected: "a list with a value"))
      }
      for (index, item) in items.enumerated() {
        values.append(
          try MappingReader.scalar(item, path: "\(path).values[\(index)]", expected: "a number or a text"))
      }
      if let value = reader.optionalNode("value") {
        throw value.diagnostic(.contradiction("'\(path)' has both 'value' and 'values'"))
      }
    } else {
      values = [try reader.text("value")]
    }
    let (low, high) = (try reader.optionalText("low"), try reader.optionalText("high"))
    let provenance = try reader.provenance(sources: sources)
    let note = try reader.optionalText("note")
    try reader.finish()
    var interval: (low: String, high: String)?
    if let low, let high {
      interval = (low, high)
    } else if low != nil || high != nil {
      throw node.diagnostic(.missingKey(low == nil ? "low" : "high", path: path))
    }
    return Parameter(
      name: name, title: title, values: values, interval: interval, provenance: provenance, note: note,
      node: node)
  }

  private static func claim(_ id: String, _ node: DocumentNode) throws(Diagnostic) -> Claim {
    var reader = try MappingReader(node, path: "claims." + id)
    let says = try reader.text("says")
    let (value, unit) = try paperValue(try reader.mapping("paper"))
    let known = try reader.word("known", as: Claim.Known.self)
    let reference = try reader.text("reference")
    var tolerance: Claim.Tolerance?
    let agrees = reader.optionalNode("agrees_within")
    if let agrees {
      var bound = try MappingReader(agrees, path: reader.path(of: "agrees_within"))
      let points = try bound.optionalNumber("points", in: 0...1e12)
      let percent = try bound.optionalNumber("percent", in: 0...1e6)
      let factor = try bound.optionalNumber("factor", in: 1...1e6)
      try bound.finish()
      let all = [
        points.map { Claim.Tolerance.points($0) }, percent.map { .percent($0) }, factor.map { .factor($0) },
      ]
      .compactMap { $0 }
      guard all.count == 1 else {
        throw agrees.diagnostic(
          .wrongKind(path: bound.path, found: agrees.kindInWords, expected: "one of points, percent, factor"))
      }
      tolerance = all[0]
    }
    switch value {
    case .number, .range:
      guard tolerance != nil else { throw node.diagnostic(.missingKey("agrees_within", path: reader.path)) }
    case .atMost, .atLeast, .statement:
      if let agrees {
        throw agrees.diagnostic(
          .contradiction("'\(reader.path)' is a bound or a statement, which needs no 'agrees_within'"))
      }
    }
    let note = try reader.optionalText("note")
    try reader.finish()
    return Claim(
      id: id, says: says, value: value, unit: unit, known: known, reference: reference, tolerance: tolerance,
      note: note)
  }

  /// The paper's number: `{value: 2100, unit: x}`, `{low: 40, high: 75, unit: "%"}`, `{at_most: 15, unit: "%"}` or
  /// `{statement: true}`.
  private static func paperValue(_ mapping: MappingReader) throws(Diagnostic) -> (Claim.Value, String) {
    var reader = mapping
    let limits = -1e18...1e18
    let unit = try reader.optionalText("unit") ?? ""
    let value = try reader.optionalNumber("value", in: limits)
    let low = try reader.optionalNumber("low", in: limits)
    let high = try reader.optionalNumber("high", in: limits)
    let atMost = try reader.optionalNumber("at_most", in: limits)
    let atLeast = try reader.optionalNumber("at_least", in: limits)
    let statement = try reader.optionalFlag("statement")
    try reader.finish()
    if let low, let high, low > high {
      throw reader.node.diagnostic(.contradiction("'\(reader.path)' has a low above its high"))
    }
    let range: Claim.Value? = if let low, let high { .range(low...high) } else { nil }
    let all: [Claim.Value] = [
      value.map { .number($0) }, range, atMost.map { .atMost($0) }, atLeast.map { .atLeast($0) },
      statement == true ? .statement : nil,
    ].compactMap { $0 }
    guard all.count == 1, (low == nil) == (high == nil), statement != false else {
      throw reader.node.diagnostic(
        .wrongKind(
          path: reader.path, found: "a mapping without one value",
          expected: "one of value, low and high, at_most, at_least, statement: true"))
    }
    return (all[0], unit)
  }

  /// A fault at a parameter.
  func fault(at parameter: String, _ fault: Diagnostic.Fault) -> Diagnostic {
    (self.parameter(parameter)?.node ?? root).diagnostic(fault)
  }

  /// The parameter of a name.
  public func parameter(_ name: String) -> Parameter? { parameters.first { $0.name == name } }
}

/// Hands out the parameters of a study, and complains about those that nobody asked for.
public struct ParameterReader {
  /// The study's file.
  public let file: StudyFile
  private var asked: [String] = []
  private var tables: [String]

  /// A reader of a study's parameters.
  ///
  /// - Parameters:
  ///   - file: the study's file.
  ///   - tables: further tables of measurements, as paths.
  public init(_ file: StudyFile, tables: [String] = []) {
    self.file = file
    self.tables = tables
  }

  private mutating func parameter(_ name: String) throws(Diagnostic) -> StudyFile.Parameter {
    asked.append(name)
    guard let parameter = file.parameter(name) else {
      throw file.root.diagnostic(.missingKey(name, path: "parameters"))
    }
    return parameter
  }

  /// A quantity with its plausible range and its provenance.
  ///
  /// - Throws: `Diagnostic` at the value; an assumed one needs a range.
  public mutating func quantity<D: Dimension>(_ name: String, as type: Quantity<D>.Type) throws(Diagnostic)
    -> Sourced<D>
  {
    let parameter = try parameter(name)
    let path = "parameters." + name
    func read(_ key: String) throws(Diagnostic) -> Quantity<D>? {
      try parameter.node.value(key).map { node throws(Diagnostic) in
        try MappingReader.quantity(node, path: "\(path).\(key)", as: type, allowsZero: true)
      }
    }
    guard let value = try read("value") else {
      throw parameter.node.diagnostic(.missingKey("value", path: path))
    }
    var interval: ClosedRange<Quantity<D>>?
    if let low = try read("low"), let high = try read("high") {
      guard low <= value, value <= high else {
        throw parameter.node.diagnostic(
          .contradiction("'\(path)': the value is not between low and high"))
      }
      interval = low...high
    } else if parameter.provenance.kind == .assumed {
      throw parameter.node.diagnostic(
        .contradiction("'\(path)' is assumed, so it needs an interval: the keys low and high"))
    }
    return Sourced(value, interval: interval, provenance: parameter.provenance)
  }

  /// A plain number with its plausible range and its provenance.
  public mutating func number(_ name: String) throws(Diagnostic) -> Sourced<Dimensions.Number> {
    try quantity(name, as: Number.self)
  }

  /// A whole number.
  public mutating func integer(_ name: String, in range: ClosedRange<Int> = 1...1_000_000_000)
    throws(Diagnostic) -> Int
  {
    let parameter = try parameter(name)
    guard let node = parameter.node.value("value") else {
      throw parameter.node.diagnostic(.missingKey("value", path: "parameters." + name))
    }
    return try MappingReader.integer(node, path: "parameters.\(name).value", in: range)
  }

  /// Words: the names of devices, models, tables.
  ///
  /// A list of one is written as `value`.
  public mutating func words(_ name: String) throws(Diagnostic) -> [String] { try parameter(name).values }

  /// One word.
  public mutating func word(_ name: String) throws(Diagnostic) -> String {
    let parameter = try parameter(name)
    guard parameter.values.count == 1 else {
      throw parameter.node.diagnostic(.missingKey("value", path: "parameters." + name))
    }
    return parameter.values[0]
  }

  /// Several plain numbers.
  public mutating func numbers(
    _ name: String, in range: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
  ) throws(Diagnostic) -> [Double] {
    let parameter = try parameter(name)
    var result: [Double] = []
    for (index, node) in items(of: parameter).enumerated() {
      result.append(try MappingReader.number(node, path: "parameters.\(name).values[\(index)]", in: range))
    }
    return result
  }

  /// Several whole numbers.
  public mutating func integers(_ name: String, in range: ClosedRange<Int> = 1...1_000_000_000)
    throws(Diagnostic) -> [Int]
  {
    let parameter = try parameter(name)
    var result: [Int] = []
    for (index, node) in items(of: parameter).enumerated() {
      result.append(try MappingReader.integer(node, path: "parameters.\(name).values[\(index)]", in: range))
    }
    return result
  }

  /// The files that a parameter names: paths are meant from the folder of the study's file.
  public mutating func files(_ name: String) throws(Diagnostic) -> [String] {
    let folder = file.path.lastIndex(of: "/").map { String(file.path[...$0]) } ?? ""
    return try words(name).map { $0.hasPrefix("/") ? $0 : folder + $0 }
  }

  private func items(of parameter: StudyFile.Parameter) -> [DocumentNode] {
    if case .sequence(let items)? = parameter.node.value("values")?.content { return items }
    return parameter.node.value("value").map { [$0] } ?? []
  }

  /// The further tables of measurements that the study was given, as paths.
  mutating func takeTables() -> [String] {
    defer { tables = [] }
    return tables
  }

  /// Throws when the file has a parameter that was not asked for, or when tables were given that the study does not take.
  public func finish() throws(Diagnostic) {
    if let table = tables.first {
      throw Diagnostic(
        file: table, position: nil,
        fault: .contradiction("study '\(file.name)' takes no tables but those that its parameters name"))
    }
    for parameter in file.parameters where !asked.contains(parameter.name) {
      throw parameter.node.diagnostic(.unknownKey(parameter.name, path: "parameters", known: asked))
    }
  }
}

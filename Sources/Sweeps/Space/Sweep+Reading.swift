public import Documents
import Quantities
import RealModule

extension Sweep {
  /// Reads a sweep of the library, or a file.
  ///
  /// - Parameters:
  ///   - name: a name of `models/sweeps`, or a path.
  ///   - library: where names are looked up.
  ///   - changes: keys to overlay, as `base.hardware=nvidia-b200`.
  /// - Throws: `Diagnostic` at the first fault.
  public init(named name: String, in library: Library, changes: [String] = []) throws(Diagnostic) {
    let path = try library.path(.sweeps, name)
    var node = try readDocument(path: path)
    for change in changes {
      node = node.overlaid(with: try .change(change, example: "base.run.micro_batch=4"))
    }
    try self.init(node: node, path: path, in: library)
    title = changedTitle(title, changes)
    self.changes = changes
  }

  /// Reads a sweep from a mapping.
  ///
  /// - Parameters:
  ///   - node: the mapping.
  ///   - path: the file it came from.
  ///   - library: where names are looked up.
  /// - Throws: `Diagnostic` at the value.
  public init(node: DocumentNode, path: String, in library: Library) throws(Diagnostic) {
    var reader = try MappingReader(node)
    name = try reader.text("name")
    title = try reader.optionalText("title") ?? name
    note = try reader.optionalText("note")
    model = try reader.word("model", as: Model.self)
    var files = [path]
    let baseNode = try reader.node("base")
    if case .scalar = baseNode.content, model == .training {
      let word = try MappingReader.scalar(baseNode, path: "base", expected: "a scenario")
      let basePath = try library.path(.scenarios, word, at: baseNode)
      files.append(basePath)
      base = try readDocument(path: basePath)
    } else {
      base = baseNode
    }
    _ = try MappingReader(base, path: "base")

    let space = try SpaceReader.read(&reader)
    self.space = space
    for axis in space.axes where model.outputs.contains(where: { $0.name == axis.name }) {
      throw (axis.keyNode ?? node).diagnostic(
        .contradiction("'axes.\(axis.name)' is the name of an output already"))
    }
    var names = SweepNames(axes: space.axes, outputs: model.outputs)
    derived = try names.derived(&reader)
    constraints = try names.constraints(&reader, phrases: model.phrases)
    var shown: [SweepOutput] = []
    for (index, item) in try reader.list("outputs").enumerated() {
      shown.append(try names.output(item, path: "outputs[\(index)]"))
    }
    outputs = shown.isEmpty ? Array(model.outputs.prefix(1)) : shown
    var reductions: [Reduction] = []
    if let mapping = try reader.optionalMapping("reduce") {
      reductions = try names.reductions(mapping)
    }
    self.reductions = reductions
    var formats: [Format] = []
    for (index, item) in try reader.list("write").enumerated() {
      let format = try MappingReader.word(item, path: "write[\(index)]", as: Format.self)
      if !formats.contains(format) { formats.append(format) }
    }
    self.formats = formats
    let givenPart = try reader.optionalInteger("part", in: 1...1_000_000_000)
    try reader.finish()
    self.files = files
    document = node.canonicalText
    partSize =
      givenPart.map { ($0 + ColumnBlock.capacity - 1) / ColumnBlock.capacity * ColumnBlock.capacity }
      ?? model.partSize(of: space.count, columns: formats.isEmpty ? 0 : outputs.count)
  }
}

extension Sweep.Model {
  /// Scenarios of a part: about a second of work of a core, and never more than 65,536 parts.
  ///
  /// - Parameters:
  ///   - count: scenarios of the space.
  ///   - columns: outputs that are kept of each; a part holds at most 64 MiB of them.
  /// - Returns: a multiple of a block.
  func partSize(of count: Int, columns: Int) -> Int {
    var wanted = self == .roofline ? 1 << 26 : 1 << 20
    if columns > 0 { wanted = Swift.min(wanted, (1 << 23) / columns) }
    let least = count / 65_536 + 1
    let size = Swift.max(wanted, least)
    return (size + ColumnBlock.capacity - 1) / ColumnBlock.capacity * ColumnBlock.capacity
  }
}

extension DocumentNode {
  /// The content in one text that is the same for the same content, without places and comments.
  var canonicalText: String {
    switch content {
    case .scalar(let text, _): "\(text.utf8.count):\(text)"
    case .sequence(let items): "[" + items.map(\.canonicalText).joined(separator: ",") + "]"
    case .mapping(let pairs):
      "{" + pairs.map { $0.key.canonicalText + "=" + $0.value.canonicalText }.joined(separator: ",") + "}"
    }
  }
}

/// The names that formulas may use.
struct SweepNames {
  private let axes: [SweepAxis]
  private let outputs: [SweepOutput]
  private var derived: [Sweep.Derived] = []

  init(axes: [SweepAxis], outputs: [SweepOutput]) {
    self.axes = axes
    self.outputs = outputs
  }

  private var known: [String] {
    axes.filter { !$0.isNames }.map(\.name) + derived.map(\.output.name) + outputs.map(\.name)
  }

  /// Whether a formula needs the model's outputs.
  ///
  /// - Throws: `Diagnostic` when it uses a name that is not there.
  private func needsModel(_ expression: Expression, _ node: DocumentNode, path: String) throws(Diagnostic)
    -> Bool
  {
    var result = false
    for name in expression.names {
      if let axis = axes.first(where: { $0.name == name }) {
        guard !axis.isNames else {
          throw node.diagnostic(
            .contradiction("'\(path)' reads '\(name)', whose values are names; formulas read numbers"))
        }
      } else if let earlier = derived.first(where: { $0.output.name == name }) {
        result = result || earlier.afterModel
      } else if outputs.contains(where: { $0.name == name }) {
        result = true
      } else {
        throw node.diagnostic(.unknownName(kind: "axis or output", found: name, known: known))
      }
    }
    return result
  }

  /// Reads `derived`: formulas by name, or `{formula: ..., unit: ..., title: ...}`.
  mutating func derived(_ reader: inout MappingReader) throws(Diagnostic) -> [Sweep.Derived] {
    guard let mapping = try reader.optionalMapping("derived") else { return [] }
    for entry in mapping.entries() {
      let path = mapping.path(of: entry.name)
      guard isIdentifier(entry.name) else {
        throw entry.key.diagnostic(
          .wrongKind(
            path: path, found: "'\(printable(entry.name))'", expected: "a name of letters, digits and _"))
      }
      guard !known.contains(entry.name), !axes.contains(where: { $0.name == entry.name }) else {
        throw entry.key.diagnostic(.contradiction("'\(path)' is the name of an axis or an output already"))
      }
      var unit = "1"
      var title = entry.name
      var formula = entry.value
      if case .mapping = entry.value.content {
        var fields = try MappingReader(entry.value, path: path)
        formula = try fields.node("formula")
        unit = try fields.optionalText("unit") ?? unit
        title = try fields.optionalText("title") ?? title
        try fields.finish()
      }
      let expression = try Expression(formula, path: path)
      derived.append(
        Sweep.Derived(
          output: SweepOutput(entry.name, unit: unit, title), expression: expression,
          afterModel: try needsModel(expression, formula, path: path)))
    }
    return derived
  }

  /// Reads `constraints`: a list of formulas, which are their own reasons, or a mapping of reasons to formulas.
  func constraints(_ reader: inout MappingReader, phrases: [String: String]) throws(Diagnostic)
    -> [Sweep.Constraint]
  {
    guard let node = reader.optionalNode("constraints") else { return [] }
    var entries: [(reason: String?, node: DocumentNode, path: String)] = []
    switch node.content {
    case .sequence(let items):
      for (index, item) in items.enumerated() { entries.append((nil, item, "constraints[\(index)]")) }
    case .mapping:
      for entry in try MappingReader(node, path: "constraints").entries() {
        entries.append((entry.name, entry.value, "constraints.\(entry.name)"))
      }
    case .scalar:
      throw node.diagnostic(
        .wrongKind(path: "constraints", found: node.kindInWords, expected: "a list or a mapping"))
    }
    var result: [Sweep.Constraint] = []
    for entry in entries {
      let text = try MappingReader.scalar(entry.node, path: entry.path, expected: "a formula")
      var formula = entry.node
      if let meaning = phrases[text] {
        formula = DocumentNode(
          content: .scalar(meaning, quoted: false), position: entry.node.position, file: entry.node.file)
      }
      let expression = try Expression(formula, path: entry.path)
      result.append(
        Sweep.Constraint(
          reason: entry.reason ?? (text == "fits in memory" ? "does not fit in memory" : "not \(text)"),
          expression: expression,
          afterModel: try needsModel(expression, entry.node, path: entry.path)))
    }
    guard result.count <= 100 else {
      throw node.diagnostic(
        .outOfRange(path: "constraints", found: "\(result.count)", expected: "at most 100"))
    }
    return result
  }

  /// An output or a derived number by its name.
  func output(_ node: DocumentNode, path: String) throws(Diagnostic) -> SweepOutput {
    let name = try MappingReader.scalar(node, path: path, expected: "the name of an output")
    if let output = outputs.first(where: { $0.name == name }) { return output }
    if let output = derived.first(where: { $0.output.name == name })?.output { return output }
    throw node.diagnostic(
      .unknownName(
        kind: "output", found: name, known: outputs.map(\.name) + derived.map(\.output.name)))
  }

  private func outputNames(_ node: DocumentNode, path: String) throws(Diagnostic) -> [String] {
    guard case .sequence(let items) = node.content else { return [try output(node, path: path).name] }
    var result: [String] = []
    for (index, item) in items.enumerated() {
      result.append(try output(item, path: "\(path)[\(index)]").name)
    }
    guard !result.isEmpty else {
      throw node.diagnostic(.wrongKind(path: path, found: "empty", expected: "at least one output"))
    }
    return result
  }

  private func objectives(_ reader: inout MappingReader) throws(Diagnostic)
    -> [(output: String, direction: Sweep.Direction)]
  {
    var result: [(output: String, direction: Sweep.Direction)] = []
    for direction in Sweep.Direction.allCases {
      guard let node = reader.optionalNode(direction.rawValue) else { continue }
      for name in try outputNames(node, path: reader.path(of: direction.rawValue)) {
        result.append((name, direction))
      }
    }
    guard !result.isEmpty else { throw reader.node.diagnostic(.missingKey("minimize", path: reader.path)) }
    guard Set(result.map(\.output)).count == result.count else {
      throw reader.node.diagnostic(.contradiction("'\(reader.path)' names an output twice"))
    }
    return result
  }

  /// Reads `reduce`.
  func reductions(_ mapping: MappingReader) throws(Diagnostic) -> [Sweep.Reduction] {
    var reader = mapping
    var result: [Sweep.Reduction] = []
    if var best = try reader.optionalMapping("best") {
      let objectives = try objectives(&best)
      let count = try best.optionalInteger("count", in: 1...1_000_000) ?? 1
      try best.finish()
      result.append(.best(objectives, count: count))
    }
    if var pareto = try reader.optionalMapping("pareto") {
      let objectives = try objectives(&pareto)
      try pareto.finish()
      guard (2...6).contains(objectives.count) else {
        throw pareto.node.diagnostic(
          .outOfRange(path: "reduce.pareto", found: "\(objectives.count) outputs", expected: "2 to 6 outputs")
        )
      }
      result.append(.pareto(objectives))
    }
    if let percentiles = try reader.optionalMapping("percentiles") {
      for entry in percentiles.entries() {
        let path = percentiles.path(of: entry.name)
        let output = try output(entry.key, path: path).name
        guard case .sequence(let items) = entry.value.content, !items.isEmpty else {
          throw entry.value.diagnostic(
            .wrongKind(path: path, found: entry.value.kindInWords, expected: "a list of percentages"))
        }
        var shares: [Double] = []
        for (index, item) in items.enumerated() {
          shares.append(try MappingReader.number(item, path: "\(path)[\(index)]", in: 0...100))
        }
        result.append(.percentiles(output: output, shares))
      }
    }
    if let histograms = try reader.optionalMapping("histograms") {
      for entry in histograms.entries() {
        let path = histograms.path(of: entry.name)
        let output = try output(entry.key, path: path).name
        var fields = try MappingReader(entry.value, path: path)
        let (low, _) = try anyNumber(try fields.node("from"), path: fields.path(of: "from"))
        let highNode = try fields.node("to")
        let (high, _) = try anyNumber(highNode, path: fields.path(of: "to"))
        let bins = try fields.optionalInteger("bins", in: 1...100_000) ?? 50
        let spacing = try fields.optionalWord("spacing", as: SpaceReader.Spacing.self) ?? .linear
        try fields.finish()
        guard low < high, spacing == .linear || low > 0 else {
          throw highNode.diagnostic(
            .contradiction("'\(path)': from \(plainNumber(low)) to \(plainNumber(high)) is no range"))
        }
        result.append(
          .histogram(output: output, range: low...high, bins: bins, logarithmic: spacing == .logarithmic))
      }
    }
    if let marginals = try reader.optionalMapping("marginals") {
      for entry in marginals.entries() {
        let path = marginals.path(of: entry.name)
        let output = try output(entry.key, path: path).name
        guard case .sequence(let items) = entry.value.content, !items.isEmpty else {
          throw entry.value.diagnostic(
            .wrongKind(path: path, found: entry.value.kindInWords, expected: "a list of axes"))
        }
        for (index, item) in items.enumerated() {
          let word = try MappingReader.scalar(item, path: "\(path)[\(index)]", expected: "an axis")
          guard let axis = axes.firstIndex(where: { $0.name == word }) else {
            throw item.diagnostic(.unknownName(kind: "axis", found: word, known: axes.map(\.name)))
          }
          result.append(.marginal(output: output, axis: axis))
        }
      }
    }
    try reader.finish()
    return result
  }
}

/// Whether a word can stand in a formula and name a variable of an array file.
func isIdentifier(_ word: String) -> Bool {
  guard let first = word.utf8.first, word.utf8.count <= 64 else { return false }
  func isLetter(_ b: UInt8) -> Bool { (65...90).contains(b) || (97...122).contains(b) || b == 95 }
  return isLetter(first) && word.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) }
    && !["and", "or"].contains(word)
}

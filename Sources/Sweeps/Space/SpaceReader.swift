import Documents
import Quantities
import RealModule

/// A scalar as a number with any unit, and the base unit of its dimension; nil for what is no number.
func parsedNumber(_ text: String) -> (value: Double, unit: String)? {
  func parsed<D: Dimension>(_: D.Type) -> (value: Double, unit: String)? {
    guard let quantity = try? Quantity<D>(parsing: text) else { return nil }
    return (quantity.value, D.units.first?.symbol ?? "")
  }
  if let number = try? Number(parsing: text) { return (number.value, "1") }
  let attempts: [() -> (value: Double, unit: String)?] = [
    { parsed(Dimensions.Time.self) }, { parsed(Dimensions.Data.self) }, { parsed(Dimensions.Work.self) },
    { parsed(Dimensions.DataRate.self) }, { parsed(Dimensions.WorkRate.self) },
    { parsed(Dimensions.Frequency.self) }, { parsed(Dimensions.Energy.self) },
    { parsed(Dimensions.Power.self) },
    { parsed(Dimensions.EnergyPerData.self) }, { parsed(Dimensions.EnergyPerWork.self) },
    { parsed(Dimensions.Intensity.self) },
  ]
  for attempt in attempts { if let found = attempt() { return found } }
  return nil
}

/// A scalar as a number with any unit.
///
/// - Throws: `Diagnostic` at the value.
func anyNumber(_ node: DocumentNode, path: String) throws(Diagnostic) -> (value: Double, unit: String) {
  let text = try MappingReader.scalar(node, path: path, expected: "a number")
  guard let number = parsedNumber(text) else {
    throw node.diagnostic(
      .wrongKind(path: path, found: "'\(printable(text))'", expected: "a number with its unit"))
  }
  return number
}

/// Reads the axes of a space.
struct SpaceReader {
  enum Spacing: String, CaseIterable {
    case linear, logarithmic
  }

  enum Method: String, CaseIterable {
    case sobol
    case latinHypercube = "latin-hypercube"
  }

  private var axes: [SweepAxis] = []
  private var nodes: [DocumentNode] = []
  private var dimensions: [SweepDimension] = []
  /// The most values that a list may stand for; longer ones are sampled designs.
  private static let mostValues = 1 << 24

  static func read(_ reader: inout MappingReader) throws(Diagnostic) -> SweepSpace {
    var result = SpaceReader()
    let mapping = try reader.mapping("axes")
    guard !mapping.entries().isEmpty else {
      throw mapping.node.diagnostic(.wrongKind(path: "axes", found: "empty", expected: "at least one axis"))
    }
    var listed: [Int] = []
    var order: [(isDesign: Bool, index: Int)] = []
    for entry in mapping.entries() {
      let path = mapping.path(of: entry.name)
      try result.checkName(entry.name, entry.key, path: path)
      if entry.value.value("method") != nil {
        try result.readDesign(entry.name, entry.value, path: path)
        order.append((true, result.dimensions.count - 1))
      } else {
        let size = try result.readAxis(entry.name, entry.key, entry.value, path: path)
        listed.append(size)
        result.dimensions.append(
          SweepDimension(name: entry.name, size: size, axes: [result.axes.count - 1], design: .listed))
        order.append((false, result.dimensions.count - 1))
      }
    }
    try result.zip(&reader)
    var keys: [String: String] = [:]
    for axis in result.axes {
      guard let key = axis.key, let node = axis.keyNode else { continue }
      if let other = keys.updateValue(axis.name, forKey: key) {
        throw node.diagnostic(.contradiction("'\(key)' is set by the axis '\(other)' and by '\(axis.name)'"))
      }
    }
    guard let space = SweepSpace(axes: result.axes, dimensions: result.dimensions) else {
      let sizes = result.dimensions.map { "\($0.size)" }.joined(separator: " x ")
      throw mapping.node.diagnostic(
        .contradiction("the space has more than 2^63 scenarios (sample it with a design): \(sizes)"))
    }
    return space
  }

  private func checkName(_ name: String, _ node: DocumentNode, path: String) throws(Diagnostic) {
    guard isIdentifier(name) else {
      throw node.diagnostic(
        .wrongKind(path: path, found: "'\(printable(name))'", expected: "a name of letters, digits and _"))
    }
    guard !axes.contains(where: { $0.name == name }), !dimensions.contains(where: { $0.name == name }) else {
      throw node.diagnostic(.contradiction("'\(path)' is the name of another axis already"))
    }
  }

  /// Reads one axis and says how many values it has.
  private mutating func readAxis(_ name: String, _ nameNode: DocumentNode, _ node: DocumentNode, path: String)
    throws(Diagnostic) -> Int
  {
    if case .sequence = node.content {
      // A bare list: a number that only formulas read.
      return try append(name, nil, nil, name, try list(node, path: path), node)
    }
    var reader = try MappingReader(node, path: path)
    let keyNode = reader.optionalNode("sets")
    let key = try keyNode.map { node throws(Diagnostic) in
      try MappingReader.scalar(node, path: "\(path).sets", expected: "a parameter, as parallelism.tensor")
    }
    let title = try reader.optionalText("title") ?? key ?? name
    let forms = ["values", "times", "from", "draws"].filter { node.value($0) != nil }
    guard forms.count == 1 else {
      if forms.isEmpty { throw node.diagnostic(.missingKey("values", path: path)) }
      throw node.diagnostic(
        .contradiction(
          "'\(path)' has \(forms.map { "'\($0)'" }.joined(separator: " and ")); expected one of them"))
    }
    var values: (values: SweepAxis.Values, unit: String, nodes: [DocumentNode])
    switch forms[0] {
    case "values": values = try list(try reader.node("values"), path: "\(path).values")
    case "times":
      let timesNode = try reader.node("times")
      values = try list(timesNode, path: "\(path).times")
      guard case .numbers(let factors) = values.values, values.unit == "1", factors.allSatisfy({ $0 > 0 })
      else {
        throw timesNode.diagnostic(
          .wrongKind(
            path: "\(path).times", found: "not only plain numbers above zero",
            expected: "factors, as [1, 2, 4]"))
      }
      guard key != nil else { throw node.diagnostic(.missingKey("sets", path: path)) }
      values = (.multiples(factors), "1", [])
    case "draws":
      let count = try reader.integer("draws", in: 1...100_000_000)
      let seed = try reader.optionalInteger("seed", in: 0...Int.max) ?? 1
      try reader.finish()
      if let keyNode, key != "calibration" {
        throw keyNode.diagnostic(
          .contradiction("'\(path)' draws constants of the calibration, so 'sets' can only be calibration"))
      }
      axes.append(
        SweepAxis(
          name: name, key: "calibration", values: .draws(seed: UInt64(seed)), unit: "1", title: title,
          keyNode: keyNode ?? nameNode, nodes: []))
      return count
    default: values = try sequence(&reader, node, path: path)
    }
    try reader.finish()
    return try append(name, key, keyNode, title, values, node)
  }

  private mutating func append(
    _ name: String, _ key: String?, _ keyNode: DocumentNode?, _ title: String,
    _ values: (values: SweepAxis.Values, unit: String, nodes: [DocumentNode]), _ node: DocumentNode
  ) throws(Diagnostic) -> Int {
    axes.append(
      SweepAxis(
        name: name, key: key, values: values.values, unit: values.unit, title: title, keyNode: keyNode,
        nodes: values.nodes))
    switch values.values {
    case .numbers(let list), .multiples(let list): return list.count
    case .words(let list): return list.count
    case .sampled, .draws: return 1
    }
  }

  /// A list of numbers of one unit, or of names.
  private func list(_ node: DocumentNode, path: String) throws(Diagnostic)
    -> (values: SweepAxis.Values, unit: String, nodes: [DocumentNode])
  {
    guard case .sequence(let items) = node.content else {
      throw node.diagnostic(.wrongKind(path: path, found: node.kindInWords, expected: "a list of values"))
    }
    guard !items.isEmpty else {
      throw node.diagnostic(.wrongKind(path: path, found: "empty", expected: "at least one value"))
    }
    var words: [String] = []
    var numbers: [Double] = []
    var unit: String?
    for (index, item) in items.enumerated() {
      let place = "\(path)[\(index)]"
      let word = try MappingReader.scalar(item, path: place, expected: "a number or a name")
      guard !words.contains(word) else {
        throw item.diagnostic(.contradiction("'\(place)' is '\(printable(word))', which is there before"))
      }
      words.append(word)
      guard let number = parsedNumber(word) else {
        let lower = word.lowercased()
        if ["nan", "inf", ".nan", ".inf", "-inf", "-.inf"].contains(lower) {
          throw item.diagnostic(.outOfRange(path: place, found: word, expected: "a finite number"))
        }
        continue
      }
      if let unit, unit != number.unit {
        throw item.diagnostic(
          .contradiction(
            "'\(place)' is '\(printable(word))', but the values before it are in \(unit == "1" ? "no unit" : unit)"
          ))
      }
      unit = number.unit
      numbers.append(number.value)
    }
    if numbers.isEmpty { return (.words(words), "1", items) }
    guard numbers.count == words.count else {
      throw node.diagnostic(
        .wrongKind(path: path, found: "a list of names and numbers", expected: "names or numbers alone"))
    }
    return (.numbers(numbers), unit ?? "1", items)
  }

  private func bounds(_ reader: inout MappingReader, path: String) throws(Diagnostic)
    -> (low: Double, high: Double, unit: String)
  {
    let (low, unit) = try anyNumber(try reader.node("from"), path: "\(path).from")
    let highNode = try reader.node("to")
    let (high, other) = try anyNumber(highNode, path: "\(path).to")
    guard unit == other else {
      throw highNode.diagnostic(
        .contradiction(
          "'\(path).to' is in \(other == "1" ? "no unit" : other), but 'from' is in \(unit == "1" ? "no unit" : unit)"
        ))
    }
    guard low <= high else {
      throw highNode.diagnostic(
        .contradiction(
          "'\(path)' goes from \(plainNumber(low)) to \(plainNumber(high)): an axis with no values"))
    }
    return (low, high, unit)
  }

  /// `from`, `to` with `step`, `factor` or `count`.
  private func sequence(_ reader: inout MappingReader, _ node: DocumentNode, path: String) throws(Diagnostic)
    -> (values: SweepAxis.Values, unit: String, nodes: [DocumentNode])
  {
    let (low, high, unit) = try bounds(&reader, path: path)
    let stepNode = reader.optionalNode("step")
    let factor = try reader.optionalNumber("factor", in: 1.000001...1e12)
    let count = try reader.optionalInteger("count", in: 1...Self.mostValues)
    let spacing = try reader.optionalWord("spacing", as: Spacing.self)
    let given = [stepNode != nil, factor != nil, count != nil].count { $0 }
    guard given == 1 else {
      throw node.diagnostic(
        .contradiction("'\(path)' needs one of 'step', 'factor' and 'count' beside 'from' and 'to'"))
    }
    var values: [Double] = []
    if let stepNode {
      let (step, stepUnit) = try anyNumber(stepNode, path: "\(path).step")
      guard step > 0, stepUnit == unit else {
        throw stepNode.diagnostic(
          .outOfRange(
            path: "\(path).step", found: stepNode.text, expected: "a number above zero in the unit of 'from'")
        )
      }
      let steps = ((high - low) / step * (1 + 0x1p-40)).rounded(.down)
      guard steps < Double(Self.mostValues) else { throw tooMany(stepNode, path: path) }
      for index in 0...Int(steps) { values.append(low + Double(index) * step) }
    } else if let factor {
      guard low > 0 else {
        throw node.diagnostic(.contradiction("'\(path)' grows by a factor, so 'from' must be above zero"))
      }
      let steps = ((high / low).logarithm() / factor.logarithm() * (1 + 0x1p-40)).rounded(.down)
      guard steps < Double(Self.mostValues) else { throw tooMany(node, path: path) }
      var value = low
      for _ in 0...Int(steps) {
        values.append(value)
        value *= factor
      }
    } else if let count {
      let logarithmic = spacing == .logarithmic
      guard !logarithmic || low > 0 else {
        throw node.diagnostic(.contradiction("'\(path)' is spaced by factors, so 'from' must be above zero"))
      }
      for index in 0..<count {
        let part = count == 1 ? 0 : Double(index) / Double(count - 1)
        values.append(
          index == count - 1 && count > 1
            ? high
            : logarithmic
              ? low * Double.pow(high / low, part) : low + Double(index) * (high - low) / Double(count - 1))
      }
    }
    if spacing != nil, count == nil {
      throw node.diagnostic(.contradiction("'\(path).spacing' goes with 'count'"))
    }
    return (.numbers(values), unit, [])
  }

  private func tooMany(_ node: DocumentNode, path: String) -> Diagnostic {
    node.diagnostic(
      .contradiction("'\(path)' has more than \(Self.mostValues) values; sample it with a design"))
  }

  /// A sampled design: points that cover several parameters at once.
  private mutating func readDesign(_ name: String, _ node: DocumentNode, path: String) throws(Diagnostic) {
    var reader = try MappingReader(node, path: path)
    let method = try reader.word("method", as: Method.self)
    let count = try reader.integer("count", in: 1...(method == .sobol ? 1 << 32 : 1 << 40))
    let seed = UInt64(try reader.optionalInteger("seed", in: 0...Int.max) ?? 0)
    let mapping = try reader.mapping("axes")
    try reader.finish()
    let entries = mapping.entries()
    guard !entries.isEmpty else {
      throw mapping.node.diagnostic(
        .wrongKind(path: mapping.path, found: "empty", expected: "at least one axis"))
    }
    if method == .sobol, entries.count > Sobol.mostDimensions {
      throw mapping.node.diagnostic(
        .outOfRange(
          path: mapping.path, found: "\(entries.count) axes",
          expected: "at most \(Sobol.mostDimensions) for sobol"))
    }
    var members: [Int] = []
    for (coordinate, entry) in entries.enumerated() {
      let place = mapping.path(of: entry.name)
      try checkName(entry.name, entry.key, path: place)
      var fields = try MappingReader(entry.value, path: place)
      let keyNode = fields.optionalNode("sets")
      let key = try keyNode.map { node throws(Diagnostic) in
        try MappingReader.scalar(
          node, path: "\(place).sets", expected: "a parameter, as hardware.compute.clock")
      }
      let title = try fields.optionalText("title") ?? key ?? entry.name
      let (low, high, unit) = try bounds(&fields, path: place)
      let spacing = try fields.optionalWord("spacing", as: Spacing.self) ?? .linear
      try fields.finish()
      guard spacing == .linear || low > 0 else {
        throw entry.value.diagnostic(
          .contradiction("'\(place)' is spaced by factors, so 'from' must be above zero"))
      }
      members.append(axes.count)
      axes.append(
        SweepAxis(
          name: entry.name, key: key,
          values: .sampled(coordinate: coordinate, range: low...high, logarithmic: spacing == .logarithmic),
          unit: unit, title: title, keyNode: keyNode, nodes: []))
    }
    dimensions.append(
      SweepDimension(
        name: name, size: count, axes: members,
        design: method == .sobol
          ? .sobol(Sobol(dimensions: entries.count, seed: seed))
          : .latinHypercube(LatinHypercube(count: count, seed: seed))))
  }

  /// `zip: [[a, b], [c, d]]`: axes of one length that go along together.
  private mutating func zip(_ reader: inout MappingReader) throws(Diagnostic) {
    for (index, item) in try reader.list("zip").enumerated() {
      let path = "zip[\(index)]"
      guard case .sequence(let members) = item.content, members.count > 1 else {
        throw item.diagnostic(
          .wrongKind(path: path, found: item.kindInWords, expected: "a list of two axes or more"))
      }
      var found: [Int] = []
      for (number, member) in members.enumerated() {
        let word = try MappingReader.scalar(member, path: "\(path)[\(number)]", expected: "an axis")
        guard let place = dimensions.firstIndex(where: { $0.name == word }) else {
          if dimensions.contains(where: { $0.axes.contains { axes[$0].name == word } }) {
            throw member.diagnostic(.contradiction("'\(path)': '\(word)' is zipped or sampled already"))
          }
          throw member.diagnostic(.unknownName(kind: "axis", found: word, known: axes.map(\.name)))
        }
        guard !found.contains(place) else {
          throw member.diagnostic(.contradiction("'\(path)' names '\(word)' twice"))
        }
        if let first = found.first, dimensions[first].size != dimensions[place].size {
          throw member.diagnostic(
            .contradiction(
              "'\(path)': '\(word)' has \(dimensions[place].size) values, but '\(dimensions[first].name)' has \(dimensions[first].size)"
            ))
        }
        if case .listed = dimensions[place].design {
          found.append(place)
        } else {
          throw member.diagnostic(
            .contradiction("'\(path)': '\(word)' is a sampled design, whose axes go together already"))
        }
      }
      let merged = SweepDimension(
        name: found.map { dimensions[$0].name }.joined(separator: "_"), size: dimensions[found[0]].size,
        axes: found.flatMap { dimensions[$0].axes }, design: .listed)
      dimensions[found[0]] = merged
      for place in found.dropFirst().sorted(by: >) { dimensions.remove(at: place) }
    }
  }
}

extension DocumentNode {
  /// A scalar as it was written; empty for anything else.
  var text: String {
    if case .scalar(let text, _) = content { return text }
    return ""
  }
}

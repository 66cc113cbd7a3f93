public import Quantities

/// Reads the keys of one mapping, each at most once, and complains about those that nobody asked for.
public struct MappingReader {
  /// The mapping.
  public let node: DocumentNode
  /// Where it is in the file: `memory.hbm`.
  public let path: String
  private let pairs: [(key: DocumentNode, value: DocumentNode)]
  private var asked: [String] = []

  /// A reader over a mapping.
  ///
  /// - Parameters:
  ///   - node: the value.
  ///   - path: where it is, for messages; empty for the whole file.
  /// - Throws: ``Diagnostic`` when it is no mapping.
  public init(_ node: DocumentNode, path: String = "") throws(Diagnostic) {
    guard case .mapping(let pairs) = node.content else {
      if case .scalar("", _) = node.content, path.isEmpty { throw node.diagnostic(.empty) }
      throw node.diagnostic(
        .wrongKind(
          path: path.isEmpty ? "the file" : path, found: node.kindInWords, expected: "a mapping"))
    }
    self.node = node
    self.path = path
    self.pairs = pairs
  }

  /// The path of a key.
  public func path(of key: String) -> String { path.isEmpty ? key : path + "." + key }

  /// Every key with its value, in the order of the file, for mappings whose keys are names.
  public func entries() -> [(name: String, key: DocumentNode, value: DocumentNode)] {
    pairs.compactMap { pair in
      if case .scalar(let text, _) = pair.key.content { return (text, pair.key, pair.value) }
      return nil
    }
  }

  /// The value of a key that may be absent.
  public mutating func optionalNode(_ key: String) -> DocumentNode? {
    asked.append(key)
    return node.value(key)
  }

  /// The value of a key that must be there.
  public mutating func node(_ key: String) throws(Diagnostic) -> DocumentNode {
    guard let value = optionalNode(key) else {
      // Short keys are near to one another, and sources are no source.
      let near = entries().first {
        key.count > 4 && $0.name != "sources" && !asked.contains($0.name)
          && !nearestSpellings(to: $0.name, among: [key]).isEmpty
      }
      if let near { throw near.key.diagnostic(.misspeltKey(near.name, instead: key, path: path)) }
      throw node.diagnostic(.missingKey(key, path: path))
    }
    return value
  }

  /// The mapping under a key that must be there.
  public mutating func mapping(_ key: String) throws(Diagnostic) -> MappingReader {
    try MappingReader(try node(key), path: path(of: key))
  }

  /// The mapping under a key that may be absent.
  public mutating func optionalMapping(_ key: String) throws(Diagnostic) -> MappingReader? {
    guard let value = optionalNode(key) else { return nil }
    return try MappingReader(value, path: path(of: key))
  }

  /// The list under a key that may be absent (then empty).
  public mutating func list(_ key: String) throws(Diagnostic) -> [DocumentNode] {
    guard let value = optionalNode(key) else { return [] }
    guard case .sequence(let items) = value.content else {
      throw value.diagnostic(
        .wrongKind(path: path(of: key), found: value.kindInWords, expected: "a list"))
    }
    return items
  }

  /// The text under a key that must be there.
  public mutating func text(_ key: String) throws(Diagnostic) -> String {
    try scalar(try node(key), path: path(of: key), expected: "a text")
  }

  /// The text under a key that may be absent.
  public mutating func optionalText(_ key: String) throws(Diagnostic) -> String? {
    guard let value = optionalNode(key) else { return nil }
    return try scalar(value, path: path(of: key), expected: "a text")
  }

  /// The whole number under a key.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - range: what is allowed.
  /// - Returns: the number.
  /// - Throws: `Diagnostic` at the value.
  public mutating func integer(_ key: String, in range: ClosedRange<Int> = 1...1_000_000_000)
    throws(Diagnostic) -> Int
  {
    try Self.integer(try node(key), path: path(of: key), in: range)
  }

  /// The whole number under a key that may be absent.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - range: what is allowed.
  /// - Returns: the number, or nil when the key is absent.
  /// - Throws: `Diagnostic` at the value.
  public mutating func optionalInteger(_ key: String, in range: ClosedRange<Int> = 1...1_000_000_000)
    throws(Diagnostic) -> Int?
  {
    guard let value = optionalNode(key) else { return nil }
    return try Self.integer(value, path: path(of: key), in: range)
  }

  /// `true` or `false` under a key that may be absent.
  public mutating func optionalFlag(_ key: String) throws(Diagnostic) -> Bool? {
    guard let value = optionalNode(key) else { return nil }
    return try Self.flag(value, path: path(of: key))
  }

  /// A node as true or false.
  public static func flag(_ node: DocumentNode, path: String) throws(Diagnostic) -> Bool {
    switch try scalar(node, path: path, expected: "true or false") {
    case "true": return true
    case "false": return false
    default:
      throw node.diagnostic(.wrongKind(path: path, found: node.kindInWords, expected: "true or false"))
    }
  }

  /// One of a fixed set of words under a key that must be there.
  public mutating func word<W: RawRepresentable & CaseIterable>(_ key: String, as type: W.Type)
    throws(Diagnostic) -> W where W.RawValue == String
  {
    try Self.word(try node(key), path: path(of: key), as: type)
  }

  /// One of a fixed set of words under a key that may be absent.
  public mutating func optionalWord<W: RawRepresentable & CaseIterable>(_ key: String, as type: W.Type)
    throws(Diagnostic) -> W? where W.RawValue == String
  {
    guard let value = optionalNode(key) else { return nil }
    return try Self.word(value, path: path(of: key), as: type)
  }

  /// The plain number under a key.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - range: what is allowed.
  /// - Returns: the number.
  /// - Throws: `Diagnostic` at the value.
  public mutating func number(_ key: String, in range: ClosedRange<Double>) throws(Diagnostic) -> Double {
    try Self.number(try node(key), path: path(of: key), in: range)
  }

  /// The plain number under a key that may be absent.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - range: what is allowed.
  /// - Returns: the number, or nil when the key is absent.
  /// - Throws: `Diagnostic` at the value.
  public mutating func optionalNumber(_ key: String, in range: ClosedRange<Double>)
    throws(Diagnostic) -> Double?
  {
    guard let value = optionalNode(key) else { return nil }
    return try Self.number(value, path: path(of: key), in: range)
  }

  /// Throws when the mapping has a key that was not asked for.
  public func finish() throws(Diagnostic) {
    for entry in entries() where !asked.contains(entry.name) {
      throw entry.key.diagnostic(.unknownKey(entry.name, path: path, known: asked))
    }
  }

  /// A scalar as a whole number in a range.
  public static func integer(_ node: DocumentNode, path: String, in range: ClosedRange<Int>)
    throws(Diagnostic) -> Int
  {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    let text = try scalar(node, path: path, expected: expected)
    // 1e9 is how people write large counts.
    let value = Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    guard let value, range.contains(value) else {
      throw node.diagnostic(.outOfRange(path: path, found: text, expected: expected))
    }
    return value
  }

  /// A scalar as a finite number in a range.
  public static func number(_ node: DocumentNode, path: String, in range: ClosedRange<Double>)
    throws(Diagnostic) -> Double
  {
    let text = try scalar(node, path: path, expected: "a number")
    let value: Number
    do {
      value = try Number(parsing: text)
    } catch {
      throw node.diagnostic(.quantity(path: path, error))
    }
    guard range.contains(value.value) else {
      throw node.diagnostic(
        .outOfRange(
          path: path, found: text,
          expected: range.upperBound < Double.greatestFiniteMagnitude
            ? "a number from \(formatted(range.lowerBound)) to \(formatted(range.upperBound))"
            : "a number of at least \(formatted(range.lowerBound))"))
    }
    return value.value
  }

  /// A scalar as one of a fixed set of words.
  public static func word<W: RawRepresentable & CaseIterable>(
    _ node: DocumentNode, path: String, as type: W.Type
  ) throws(Diagnostic) -> W where W.RawValue == String {
    let known = W.allCases.map(\.rawValue)
    let text = try scalar(node, path: path, expected: "one of \(known.joined(separator: ", "))")
    guard let word = W(rawValue: text) else {
      throw node.diagnostic(.unknownWord(path: path, found: text, known: known))
    }
    return word
  }

  /// A scalar as a quantity that is not negative.
  ///
  /// - Parameters:
  ///   - node: the value.
  ///   - path: its place, for messages.
  ///   - type: the dimension.
  ///   - allowsZero: whether nothing is a valid amount.
  /// - Returns: the quantity.
  /// - Throws: `Diagnostic` at the value.
  public static func quantity<D: Dimension>(
    _ node: DocumentNode, path: String, as type: Quantity<D>.Type, allowsZero: Bool = false
  ) throws(Diagnostic) -> Quantity<D> {
    let text = try scalar(node, path: path, expected: D.name)
    let value: Quantity<D>
    do {
      value = try Quantity<D>(parsing: text)
    } catch {
      throw node.diagnostic(.quantity(path: path, error))
    }
    guard value.value > 0 || (allowsZero && value.value == 0) else {
      throw node.diagnostic(
        .outOfRange(
          path: path, found: text,
          expected: "\(D.name) \(allowsZero ? "that is not negative" : "above zero")"))
    }
    return value
  }

  private func scalar(_ node: DocumentNode, path: String, expected: String) throws(Diagnostic)
    -> String
  {
    try Self.scalar(node, path: path, expected: expected)
  }

  /// A scalar as text.
  public static func scalar(_ node: DocumentNode, path: String, expected: String) throws(Diagnostic)
    -> String
  {
    guard case .scalar(let text, let quoted) = node.content, quoted || !text.isEmpty else {
      throw node.diagnostic(.wrongKind(path: path, found: node.kindInWords, expected: expected))
    }
    return text
  }
}

extension MappingReader {
  /// A quantity with provenance: `{value: 4.8 TB/s, kind: published, source: datasheet}`.
  ///
  /// - Parameters:
  ///   - key: the key that holds it.
  ///   - type: the dimension.
  ///   - sources: texts for the short names that `source` may use.
  ///   - allowsZero: whether nothing is a valid amount.
  /// - Returns: the quantity with its interval and provenance.
  /// - Throws: `Diagnostic` at the value.
  public mutating func sourced<D: Dimension>(
    _ key: String, as type: Quantity<D>.Type, sources: [String: String], allowsZero: Bool = false
  ) throws(Diagnostic) -> Sourced<D> {
    try Self.sourced(
      try node(key), path: path(of: key), as: type, sources: sources, allowsZero: allowsZero)
  }

  /// A quantity with provenance under a key that may be absent.
  public mutating func optionalSourced<D: Dimension>(
    _ key: String, as type: Quantity<D>.Type, sources: [String: String], allowsZero: Bool = false
  ) throws(Diagnostic) -> Sourced<D>? {
    guard let node = optionalNode(key) else { return nil }
    return try Self.sourced(
      node, path: path(of: key), as: type, sources: sources, allowsZero: allowsZero)
  }

  /// A node as a quantity with provenance.
  public static func sourced<D: Dimension>(
    _ node: DocumentNode, path: String, as type: Quantity<D>.Type, sources: [String: String],
    allowsZero: Bool = false
  ) throws(Diagnostic) -> Sourced<D> {
    if case .scalar(let text, _) = node.content, !text.isEmpty {
      let isWhole = (try? Quantity<D>(parsing: text)) != nil
      let amount =
        isWhole ? text : Double(text) != nil ? "\(text) \(Quantity<D>.exampleUnit)" : D.name
      throw node.diagnostic(
        .wrongKind(
          path: path, found: node.kindInWords,
          expected: "a mapping, as {value: \(amount), kind: published, source: WHERE}"))
    }
    var reader = try MappingReader(node, path: path)
    let valueNode = try reader.node("value")
    let value = try quantity(valueNode, path: path + ".value", as: type, allowsZero: allowsZero)
    let provenance = try reader.provenance(sources: sources)
    var bounds: [Quantity<D>?] = []
    var ends: [String] = []
    for key in ["low", "high"] {
      let bound = reader.optionalNode(key)
      if case .scalar(let text, _)? = bound?.content { ends.append(text) }
      bounds.append(
        try bound.map { node throws(Diagnostic) in
          try quantity(node, path: "\(path).\(key)", as: type, allowsZero: true)
        })
    }
    _ = try reader.optionalText("note")
    try reader.finish()
    var interval: ClosedRange<Quantity<D>>?
    if let low = bounds[0], let high = bounds[1] {
      guard low <= value, value <= high else {
        throw valueNode.diagnostic(
          .contradiction(
            "'\(path)': the value \(try scalar(valueNode, path: path, expected: D.name)) is not between low "
              + "\(ends[0]) and high \(ends[1])"
          ))
      }
      interval = low...high
    } else if bounds[0] != nil || bounds[1] != nil {
      throw node.diagnostic(.missingKey(bounds[0] == nil ? "low" : "high", path: path))
    } else if provenance.kind == .assumed {
      throw node.diagnostic(
        .contradiction("'\(path)' is assumed, so it needs an interval: the keys low and high"))
    }
    return Sourced(value, interval: interval, provenance: provenance)
  }

  /// The keys `kind` and `source` of this mapping.
  ///
  /// - Parameter sources: texts for the short names that `source` may use.
  /// - Returns: how the value is known.
  /// - Throws: `Diagnostic` at the value.
  public mutating func provenance(sources: [String: String]) throws(Diagnostic) -> Provenance {
    let kind = try word("kind", as: Provenance.Kind.self)
    let source = try text("source")
    return Provenance(kind, sources[source] ?? source)
  }

  /// The mapping `sources` of a file: short names for the texts that say where numbers come from.
  public mutating func sourceTexts() throws(Diagnostic) -> [String: String] {
    guard let reader = try optionalMapping("sources") else { return [:] }
    var result: [String: String] = [:]
    for entry in reader.entries() {
      result[entry.name] = try Self.scalar(
        entry.value, path: reader.path(of: entry.name), expected: "a text")
    }
    return result
  }
}

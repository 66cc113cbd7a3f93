import Documents

/// A scenario of ours made of another tool's input, with what was done with each of its fields.
public struct ImportedScenario: Sendable {
  /// The scenario as YAML, with remarks.
  public let text: String
  /// Fields that say nothing to our models, with the reason.
  public let unused: [(field: String, reason: String)]
  /// Fields that we do not know.
  public let unknown: [String]

  init(_ lines: [String], unused: [(field: String, reason: String)], unknown: [String]) {
    self.unused = unused
    self.unknown = unknown
    let remarks =
      unused.map { "# not used: \(printable($0.field)) (\($0.reason))" }
      + unknown.map { "# unknown, and so not used: \(printable($0))" }
    text = (lines + remarks).joined(separator: "\n") + "\n"
  }
}

/// Reads the fields of a foreign mapping one by one and knows which were left.
struct ForeignFields {
  let node: DocumentNode
  private var left: [String]
  private(set) var unused: [(field: String, reason: String)] = []
  private let prefix: String

  init(_ node: DocumentNode, prefix: String = "") throws(Diagnostic) {
    self.node = node
    self.prefix = prefix
    left = try MappingReader(node).entries().map(\.name)
  }

  /// Fields that nobody asked for.
  var unknown: [String] { left.map { prefix + $0 } }

  private mutating func take(_ key: String) -> DocumentNode? {
    left.removeAll { $0 == key }
    return node.value(key)
  }

  mutating func integer(_ key: String) throws(Diagnostic) -> Int {
    guard let value = take(key) else { throw node.diagnostic(.missingKey(key, path: "")) }
    return try MappingReader.integer(value, path: key, in: 1...1_000_000_000)
  }

  mutating func number(_ key: String) throws(Diagnostic) -> Double {
    guard let value = take(key) else { throw node.diagnostic(.missingKey(key, path: "")) }
    return try MappingReader.number(value, path: key, in: 0...1e18)
  }

  mutating func flag(_ key: String) throws(Diagnostic) -> Bool {
    guard let value = take(key) else { return false }
    return try MappingReader.flag(value, path: key)
  }

  mutating func word(_ key: String) throws(Diagnostic) -> String? {
    guard let value = take(key) else { return nil }
    return try MappingReader.scalar(value, path: key, expected: "a text")
  }

  mutating func child(_ key: String) throws(Diagnostic) -> ForeignFields? {
    guard let value = take(key) else { return nil }
    return try ForeignFields(value, prefix: prefix + key + ".")
  }

  mutating func list(_ key: String) -> [DocumentNode] {
    guard let value = take(key), case .sequence(let items) = value.content else { return [] }
    return items
  }

  /// Sets fields aside that say nothing to our models.
  mutating func skip(_ keys: String..., because reason: String) {
    for key in keys where take(key) != nil { unused.append((prefix + key, reason)) }
  }
}

import Foundation
import Yams

/// A value of a YAML or JSON file with its place.
public struct DocumentNode: Sendable {
  /// What a value can be.
  public enum Content: Sendable {
    /// A scalar as written, and whether it was quoted.
    case scalar(String, quoted: Bool)
    /// A list.
    case sequence([DocumentNode])
    /// A mapping in the order of the file; keys are unique.
    case mapping([(key: DocumentNode, value: DocumentNode)])
  }

  /// The value.
  public let content: Content
  /// Where it starts.
  public let position: Diagnostic.Position
  /// The file that holds it, as the user named it.
  public let file: String?

  /// A value with its place.
  public init(content: Content, position: Diagnostic.Position, file: String?) {
    self.content = content
    self.position = position
    self.file = file
  }

  /// The value in words for a message: "a list", "the text 'x'".
  public var kindInWords: String {
    switch content {
    case .scalar(let text, _): text.isEmpty ? "empty" : "'\(printable(text))'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// A fault at this place.
  public func diagnostic(_ fault: Diagnostic.Fault) -> Diagnostic {
    Diagnostic(file: file, position: position, fault: fault)
  }

  /// The value of a key, when this is a mapping that has it.
  public func value(_ key: String) -> DocumentNode? {
    guard case .mapping(let pairs) = content else { return nil }
    for pair in pairs {
      if case .scalar(let text, _) = pair.key.content, text == key { return pair.value }
    }
    return nil
  }

  /// The keys, when this is a mapping.
  public var keys: [String] {
    guard case .mapping(let pairs) = content else { return [] }
    return pairs.compactMap { pair in
      if case .scalar(let text, _) = pair.key.content { return text }
      return nil
    }
  }

  /// This mapping with the keys of another laid over it, mappings merged deeply, everything else replaced.
  ///
  /// - Parameter other: what differs; its places are kept, so an error names the file that says it.
  /// - Returns: the merged value.
  public func overlaid(with other: DocumentNode) -> DocumentNode {
    guard case .mapping(var pairs) = content, case .mapping(let changes) = other.content else {
      return other
    }
    for change in changes {
      guard case .scalar(let key, _) = change.key.content else { continue }
      let index = pairs.firstIndex { pair in
        if case .scalar(let text, _) = pair.key.content { return text == key }
        return false
      }
      if let index {
        // A value with a unit replaces the whole old one: its source and interval do not carry over.
        let whole = change.value.value("value") != nil
        pairs[index].value =
          whole ? change.value : pairs[index].value.overlaid(with: change.value)
      } else {
        pairs.append(change)
      }
    }
    return DocumentNode(content: .mapping(pairs), position: other.position, file: other.file)
  }
}

/// Bounds on files that a person writes by hand.
public enum DocumentLimits {
  /// Longest file, in bytes.
  public static let bytes = 16 << 20
  /// Deepest nesting.
  public static let depth = 64
  /// Most nodes, aliases expanded.
  public static let nodes = 2_000_000
}

/// Reads the whole of a text file, with a clear fault for what is not one.
///
/// - Parameters:
///   - path: the file.
///   - limit: the most bytes to accept.
/// - Throws: ``Diagnostic`` when it is missing, a directory, too large, or not UTF-8.
/// - Returns: the text of the file.
public func readText(path: String, limit: Int = DocumentLimits.bytes) throws(Diagnostic) -> String {
  func fault(_ fault: Diagnostic.Fault) -> Diagnostic {
    Diagnostic(file: path, position: nil, fault: fault)
  }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw fault(.unreadable(reason: String(cString: strerror(errno))))
  }
  defer { close(descriptor) }
  var info = stat()
  guard fstat(descriptor, &info) == 0 else {
    throw fault(.unreadable(reason: String(cString: strerror(errno))))
  }
  if info.st_mode & S_IFMT == S_IFDIR { throw fault(.isDirectory) }
  if Int(info.st_size) > limit { throw fault(.tooLarge(bytes: Int(info.st_size), limit: limit)) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0 {
      if errno == EINTR { continue }
      throw fault(.unreadable(reason: String(cString: strerror(errno))))
    }
    if count == 0 { break }
    bytes += buffer[0..<count]
    // A pipe or device has no size: count while reading.
    if bytes.count > limit { throw fault(.tooLarge(bytes: bytes.count, limit: limit)) }
  }
  ReadingLog.note(path)
  return try decodeUTF8(bytes, file: path)
}

/// Bytes as text.
///
/// - Throws: ``Diagnostic`` that names the first byte that is not UTF-8.
public func decodeUTF8(_ bytes: [UInt8], file: String?) throws(Diagnostic) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  var decoder = UTF8()
  var iterator = bytes.makeIterator()
  var offset = 0
  while case .scalarValue(let scalar) = decoder.decode(&iterator) {
    offset += UTF8.encode(scalar)?.count ?? 1
  }
  throw Diagnostic(file: file, position: nil, fault: .notUTF8(offset: offset))
}

/// Reads a YAML or JSON file into nodes with places.
///
/// - Throws: ``Diagnostic`` with the place of the first fault.
public func readDocument(path: String) throws(Diagnostic) -> DocumentNode {
  try parseDocument(try readText(path: path), file: path)
}

/// Parses YAML or JSON text into nodes with places.
///
/// - Parameters:
///   - text: one document; JSON is read as the YAML that it is.
///   - file: the name for messages.
/// - Throws: ``Diagnostic`` with the place of the first fault.
/// - Returns: the root of the document.
public func parseDocument(_ text: String, file: String?) throws(Diagnostic) -> DocumentNode {
  if text.unicodeScalars.first == "\u{feff}" {
    // Windows editors put a byte order mark first; the YAML library would take it for a word.
    return try parseDocument(String(text.unicodeScalars.dropFirst()), file: file)
  }
  func fault(_ fault: Diagnostic.Fault, _ mark: Mark? = nil) -> Diagnostic {
    Diagnostic(
      file: file, position: mark.map { .init(line: $0.line, column: $0.column) }, fault: fault)
  }
  // Yams hands the text to C as a string: a NUL would end it there.
  if let nul = text.utf8.firstIndex(of: 0) {
    let before = text.utf8[..<nul]
    let line = before.count { $0 == 10 } + 1
    let column = before.reversed().prefix { $0 != 10 }.count + 1
    throw Diagnostic(
      file: file, position: .init(line: line, column: column),
      fault: .syntax("a NUL byte is not allowed"))
  }
  try checkNesting(text, file: file)
  let root: Node?
  do {
    // Without the default resolver: its regular expressions cost ten times the parsing, and types are ours to read.
    root = try Yams.compose(yaml: text, .basic)
  } catch let error as YamlError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      if problem.hasPrefix("Maximum nesting level") { throw fault(.tooComplex(tooDeep), mark) }
      throw fault(.syntax(inWords(problem, at: mark, in: text)), mark)
    case .reader(let problem, _, _, _): throw fault(.syntax(problem))
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let first = Diagnostic.Position(line: context.mark.line, column: context.mark.column)
      throw Diagnostic(
        file: file, position: locateDuplicate(of: key, in: text, first: first) ?? first,
        fault: .duplicateKey(key))
    default: throw fault(.syntax("\(error)"))
    }
  } catch {
    throw fault(.syntax("\(error)"))
  }
  guard let root else { throw fault(.empty) }
  var count = 0
  return try convert(root, file: file, depth: 0, count: &count)
}

/// The YAML library's words, where a plainer reason can be given.
private func inWords(_ problem: String, at mark: Mark, in text: String) -> String {
  switch problem {
  case "but found another document": return "a second document begins; expected one"
  case "found character that cannot start any token":
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.indices.contains(mark.line - 1),
      let scalar = lines[mark.line - 1].dropFirst(mark.column - 1).first
    else { return problem }
    return scalar == "\t"
      ? "a tab; YAML is indented with spaces" : "'\(scalar)' cannot start a value; put it in quotes"
  default: return problem
  }
}

private var tooDeep: String { "nested more than \(DocumentLimits.depth) deep" }

private func convert(
  _ node: Node, file: String?, depth: Int, count: inout Int
) throws(Diagnostic) -> DocumentNode {
  let position = Diagnostic.Position(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  count += 1
  if depth > DocumentLimits.depth || count > DocumentLimits.nodes {
    let what =
      depth > DocumentLimits.depth
      ? tooDeep : "more than \(DocumentLimits.nodes) values"
    throw Diagnostic(file: file, position: position, fault: .tooComplex(what))
  }
  let content: DocumentNode.Content
  switch node {
  case .scalar(let scalar):
    let quoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
    content = .scalar(scalar.string, quoted: quoted)
  case .sequence(let items):
    var list: [DocumentNode] = []
    for item in items { list.append(try convert(item, file: file, depth: depth + 1, count: &count)) }
    content = .sequence(list)
  case .mapping(let mapping):
    var pairs: [(key: DocumentNode, value: DocumentNode)] = []
    for (key, value) in mapping {
      let convertedKey = try convert(key, file: file, depth: depth + 1, count: &count)
      guard case .scalar = convertedKey.content else {
        throw convertedKey.diagnostic(
          .wrongKind(path: "key", found: convertedKey.kindInWords, expected: "a word"))
      }
      pairs.append((convertedKey, try convert(value, file: file, depth: depth + 1, count: &count)))
    }
    content = .mapping(pairs)
  case .alias:
    throw Diagnostic(
      file: file, position: position, fault: .syntax("an alias to an anchor that is not there"))
  }
  return DocumentNode(content: content, position: position, file: file)
}

/// Bounds the nesting before the recursive parser sees it; quotes and comments are not understood, so the
/// bound is generous.
///
/// Many aliases beside a key that is not a word are rejected as well: the YAML library hashes every key with all
/// aliases in it expanded, which a file of a few hundred bytes can make endless.
private func checkNesting(_ text: String, file: String?) throws(Diagnostic) {
  var depth = 0
  var line = 1
  var column = 0
  var dashes = 0
  var onlyDashes = true
  var previous: UInt8 = 10
  var lastVisible: UInt8 = 10
  var aliases = 0
  var inAlias = false
  var afterAlias = false
  var oddKey: Diagnostic.Position?
  for byte in text.utf8 {
    if byte & 0xc0 != 0x80 { column += 1 }
    let isBlank = byte == 32 || byte == 9 || byte == 10 || byte == 13
    let isName = !isBlank && ![0x2c, 0x5b, 0x5d, 0x7b, 0x7d].contains(byte)
    if previous == UInt8(ascii: "*"), isName, inAlias { aliases += 1 }
    if previous == UInt8(ascii: "?"), isBlank, oddKey == nil {
      oddKey = .init(line: line, column: column - 1)
    }
    if byte == UInt8(ascii: ":"), oddKey == nil,
      afterAlias || lastVisible == UInt8(ascii: "]") || lastVisible == UInt8(ascii: "}")
    {
      oddKey = .init(line: line, column: column)
    }
    if byte == UInt8(ascii: "*") {
      inAlias = previous == 32 || previous == 10 || [0x2c, 0x5b, 0x7b].contains(previous)
    } else if !isName {
      afterAlias = inAlias && byte == 32 || afterAlias && byte == 32
      inAlias = false
    } else {
      afterAlias = false
    }
    previous = byte
    if !isBlank { lastVisible = byte }
    if aliases >= 16, let oddKey {
      throw Diagnostic(
        file: file, position: oddKey,
        fault: .tooComplex("a key that is not a word, in a file with many aliases"))
    }
    switch byte {
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      depth += 1
      onlyDashes = false
    case UInt8(ascii: "]"), UInt8(ascii: "}"):
      depth = max(0, depth - 1)
      onlyDashes = false
    case 10:
      line += 1
      column = 0
      dashes = 0
      onlyDashes = true
    case UInt8(ascii: "-"), UInt8(ascii: "?"): if onlyDashes { dashes += 1 }
    case 32: break
    default: onlyDashes = false
    }
    if depth > 256 || dashes > 256 {
      throw Diagnostic(
        file: file, position: .init(line: line, column: column),
        fault: .tooComplex(tooDeep))
    }
  }
}

/// The second occurrence of a key in the mapping that holds the first one; the YAML library only names the first.
private func locateDuplicate(of key: String, in text: String, first: Diagnostic.Position)
  -> Diagnostic.Position?
{
  let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
  func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\r" }
  let quotes: [Unicode.Scalar] = ["\"", "'"]
  let word = Array(key.unicodeScalars)
  /// Whether the key stands at this index of a line, quoted or not, with a colon behind it.
  func isKey(_ line: [Unicode.Scalar], at start: Int) -> Bool {
    for quote in [nil] + quotes.map(Optional.some) {
      let spelling = (quote.map { [$0] } ?? []) + word + (quote.map { [$0] } ?? [])
      guard line[start...].starts(with: spelling) else { continue }
      let after = line[(start + spelling.count)...].drop(while: isSpace)
      if after.first == ":" { return true }
    }
    return false
  }
  guard lines.indices.contains(first.line - 1) else { return nil }
  let before = lines[first.line - 1].prefix(first.column - 1).last { !isSpace($0) }
  guard before == "{" || before == "," else {
    // A block mapping: the same column, before a line that starts further left.
    for (index, line) in lines.enumerated().dropFirst(first.line) {
      guard let start = line.firstIndex(where: { !isSpace($0) }), line[start] != "#" else { continue }
      if start < first.column - 1 { return nil }
      if start == first.column - 1, isKey(line, at: start) {
        return .init(line: index + 1, column: first.column)
      }
    }
    return nil
  }
  // A mapping in braces: the same depth of brackets.
  var depth = 0
  var quote: Unicode.Scalar?
  for (index, line) in lines.enumerated().dropFirst(first.line - 1) {
    var position = index == first.line - 1 ? first.column - 1 : 0
    while position < line.count {
      let scalar = line[position]
      let isFirst = index == first.line - 1 && position == first.column - 1
      if depth == 0, quote == nil, !isFirst, isKey(line, at: position),
        line[..<position].last(where: { !isSpace($0) }).map({ $0 == "," }) ?? true
      {
        return .init(line: index + 1, column: position + 1)
      }
      if let open = quote {
        if scalar == open { quote = nil }
      } else if quotes.contains(scalar) {
        quote = scalar
      } else if scalar == "{" || scalar == "[" {
        depth += 1
      } else if scalar == "}" || scalar == "]" {
        depth -= 1
        if depth < 0 { return nil }
      }
      position += 1
    }
  }
  return nil
}

public import Quantities

/// A fault in something that a user wrote: where, what was found, and what was expected.
///
/// The facts are kept apart from the words; ``message`` is the one place that words them.
public struct Diagnostic: Error, Equatable, Sendable, CustomStringConvertible {
  /// A place in a file; line and column count from 1, columns in Unicode scalars.
  public struct Position: Equatable, Sendable {
    /// The line, from 1.
    public let line: Int
    /// The column, from 1.
    public let column: Int

    /// A place in a file.
    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// What is wrong.
  public enum Fault: Equatable, Sendable {
    /// The file does not exist or may not be read; holds the system's reason.
    case unreadable(reason: String)
    /// The path names a directory.
    case isDirectory
    /// The file is longer than what a person writes.
    case tooLarge(bytes: Int, limit: Int)
    /// Nothing but white space and comments.
    case empty
    /// A table without so much as a header.
    case emptyTable
    /// A byte that is not UTF-8.
    case notUTF8(offset: Int)
    /// Not YAML or JSON; holds the parser's words.
    case syntax(String)
    /// Too deep, or too many nodes once aliases are expanded.
    case tooComplex(String)
    /// A mapping names the same key twice.
    case duplicateKey(String)
    /// A key that the format does not have.
    case unknownKey(String, path: String, known: [String])
    /// A key that the format needs.
    case missingKey(String, path: String)
    /// A key that the format needs, where another one is spelled nearly so.
    case misspeltKey(String, instead: String, path: String)
    /// Another kind of value than expected.
    case wrongKind(path: String, found: String, expected: String)
    /// Not a quantity of the right dimension.
    case quantity(path: String, QuantityError)
    /// A value out of its range.
    case outOfRange(path: String, found: String, expected: String)
    /// One of a fixed set of words was expected.
    case unknownWord(path: String, found: String, known: [String])
    /// A name that the catalogue does not have.
    case unknownName(kind: String, found: String, known: [String])
    /// Two values that cannot both hold.
    case contradiction(String)
    /// A table without a column that it needs.
    case missingColumn(String, known: [String])
    /// A table whose header is not known.
    case unknownTable(columns: [String])
    /// A row with another number of fields than the header.
    case wrongFieldCount(found: Int, expected: Int)
  }

  /// The file as the user named it; nil for text that was given directly.
  public let file: String?
  /// Where in the file; nil when it concerns the whole file.
  public let position: Position?
  /// What is wrong.
  public let fault: Fault

  /// A fault at a place.
  public init(file: String?, position: Position?, fault: Fault) {
    self.file = file
    self.position = position
    self.fault = fault
  }

  /// `file:line:column: error: message`, without a place when the fault is in no file.
  public var description: String {
    guard let file else { return "error: \(message)" }
    // An option of the command line has no lines.
    let place = file.hasPrefix("--") ? "" : position.map { ":\($0.line):\($0.column)" } ?? ""
    return "\(printable(file, limit: 4096))\(place): error: \(message)"
  }

  /// The fault in words, without the place.
  public var message: String {
    switch fault {
    case .unreadable(let reason): return "cannot be read: \(reason)"
    case .isDirectory: return "is a directory; expected a file"
    case .tooLarge(let bytes, let limit):
      return "has \(bytes) bytes; expected at most \(limit)"
    case .empty: return "is empty; expected a mapping"
    case .emptyTable: return "is empty; expected a table with a header"
    case .notUTF8(let offset): return "byte \(offset) is not UTF-8; expected text in UTF-8"
    case .syntax(let words): return printable(words)
    case .tooComplex(let words): return words
    case .duplicateKey(let key): return "the key '\(printable(key))' is there twice"
    case .unknownKey(let key, let path, let known):
      return "unknown key '\(printable(key))' in \(place(path))"
        + suggestion(for: key, among: known, otherwise: "known keys: ")
    case .missingKey(let key, let path): return "\(place(path)) lacks the key '\(key)'"
    case .misspeltKey(let found, let key, let path):
      return "\(place(path)) lacks the key '\(key)'; is '\(printable(found))' meant for it?"
    case .wrongKind(let path, let found, let expected):
      // What `kindInWords` and the readers give: words of ours, or the user's in quotes.
      return (path == "the file" ? path : "'\(printable(path))'") + " is \(found); expected \(expected)"
    case .quantity(let path, let error): return words(for: error, at: path)
    case .outOfRange(let path, let found, let expected):
      return "'\(printable(path))' is '\(printable(found))'; expected \(expected)"
    case .unknownWord(let path, let found, let known):
      return "'\(printable(path))' is '\(printable(found))'"
        + suggestion(for: found, among: known, otherwise: "expected one of ")
    case .unknownName(let kind, let found, let known):
      return "there is no \(kind) '\(printable(found))'"
        + suggestion(for: found, among: known, otherwise: "known: ")
    case .contradiction(let words): return printable(words)
    case .missingColumn(let column, let known):
      return
        "the table lacks the column '\(column)'; it has \(known.map { printable($0) }.joined(separator: ", "))"
    case .unknownTable(let columns):
      return
        "no known table has the columns \(columns.prefix(20).map { printable($0) }.joined(separator: ","))"
    case .wrongFieldCount(let found, let expected):
      return "the row has \(found) field\(found == 1 ? "" : "s"); expected \(expected) as in the header"
    }
  }
}

private func place(_ path: String) -> String { path.isEmpty ? "the file" : "'\(printable(path))'" }

private func suggestion(for word: String, among known: [String], otherwise: String) -> String {
  var near = nearestSpellings(to: word, among: known)
  if near.isEmpty, word.count > 1 {
    // A part of a name, as h200 of nvidia-h200: those that end with it, else those that have it.
    let having = known.filter { "-\($0)-".contains("-\(word.lowercased())-") }
    let ending = having.filter { $0.hasSuffix(word.lowercased()) }
    near = Array((ending.isEmpty ? having : ending).prefix(3))
  }
  if !near.isEmpty { return "; did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?" }
  return known.isEmpty ? "" : "; \(otherwise)\(known.joined(separator: ", "))"
}

private func words(for error: QuantityError, at path: String) -> String {
  let found = "'\(printable(path))' is '\(printable(error.text))'"
  switch error.reason {
  case .empty: return "'\(printable(path))' is empty; expected \(error.expected)"
  case .notANumber: return "\(found); expected \(error.expected), a number with a unit"
  case .notFinite: return "\(found); expected a finite number"
  case .missingUnit(let examples):
    return "\(found), without a unit; expected \(error.expected), for example in "
      + examples.joined(separator: " or ")
  case .wrongDimension(let unit, let other):
    return "\(found): '\(printable(unit))' measures \(other); expected \(error.expected)"
  case .unknownUnit(let unit, let nearest):
    let hint =
      nearest.isEmpty
      ? "; expected \(error.expected)"
      : "; did you mean \(nearest.map { "'\($0)'" }.joined(separator: " or "))?"
    return "\(found): the unit '\(printable(unit))' is not known\(hint)"
  }
}

/// Text from a user's file, made safe for a terminal line: control characters escaped, length bounded.
///
/// - Parameters:
///   - text: any text.
///   - limit: how many characters to show before an ellipsis.
/// - Returns: text without control or direction characters.
public func printable(_ text: String, limit: Int = 200) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    guard count < limit else { return result + "..." }
    count += 1
    let value = scalar.value
    let isControl =
      value < 0x20 || (0x7f...0x9f).contains(value) || (0x2028...0x202e).contains(value)
      || (0x200b...0x200f).contains(value) || (0x2066...0x2069).contains(value) || value == 0xfeff
    if isControl {
      result += "\\u{\(String(value, radix: 16))}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// A table of measurements from a CSV file, read by column name.
public struct Table: Sendable {
  /// The file as the user named it.
  public let file: String?
  /// The names of the header, in order.
  public let columns: [String]
  /// The rows.
  public let rows: [Row]

  /// One row with its line in the file.
  public struct Row: Sendable {
    /// The file as the user named it.
    public let file: String?
    /// The line, from 1; the header is line 1.
    public let line: Int
    let columns: [String: Int]
    let fields: [String]

    /// A fault at a column of this row.
    public func diagnostic(_ column: String, _ fault: Diagnostic.Fault) -> Diagnostic {
      let index = columns[column] ?? 0
      let start = fields.prefix(index).reduce(1) { $0 + csvField($1).unicodeScalars.count + 1 }
      return Diagnostic(file: file, position: .init(line: line, column: start), fault: fault)
    }

    /// The text of a column; empty when the table has no such column.
    public func text(_ column: String) -> String {
      guard let index = columns[column] else { return "" }
      return fields[index]
    }

    /// A finite number.
    ///
    /// - Parameters:
    ///   - column: its name.
    ///   - range: what is allowed.
    /// - Throws: ``Diagnostic`` at the field.
    /// - Returns: the number.
    public func number(
      _ column: String, in range: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
    ) throws(Diagnostic) -> Double {
      let text = text(column)
      guard let value = Double(text), value.isFinite else {
        throw diagnostic(
          column,
          .wrongKind(
            path: column, found: text.isEmpty ? "empty" : "'\(printable(text))'",
            expected: "a finite number"))
      }
      guard range.contains(value) else {
        throw diagnostic(
          column,
          .outOfRange(
            path: column, found: text,
            expected: value < range.lowerBound
              ? "at least \(plain(range.lowerBound))" : "at most \(plain(range.upperBound))"))
      }
      return value
    }

    /// A number above zero: a time, a size.
    public func positive(_ column: String) throws(Diagnostic) -> Double {
      let value = try number(column)
      guard value > 0 else {
        throw diagnostic(
          column, .outOfRange(path: column, found: text(column), expected: "a number above zero"))
      }
      return value
    }

    /// The values of a field of the form `m=512;n=3072`, by name.
    public func parameters(_ column: String) throws(Diagnostic) -> [String: String] {
      var result: [String: String] = [:]
      for part in text(column).split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1)
        guard pair.count == 2 else {
          throw diagnostic(
            column,
            .wrongKind(
              path: column, found: "'\(printable(text(column)))'", expected: "key=value;key=value"))
        }
        result[String(pair[0])] = String(pair[1])
      }
      return result
    }
  }

  /// Whether the table has a column.
  public func has(_ column: String) -> Bool { columns.contains(column) }

  /// Reads a CSV file with a header.
  ///
  /// - Throws: ``Diagnostic`` when the file cannot be read or a row has another number of fields.
  public init(path: String) throws(Diagnostic) {
    try self.init(text: try readText(path: path, limit: 1 << 30), file: path)
  }

  /// Parses CSV text: a header, commas, fields optionally in double quotes, `\n` or `\r\n`.
  public init(text: String, file: String?) throws(Diagnostic) {
    self.file = file
    var columns: [String] = []
    var index: [String: Int] = [:]
    var rows: [Row] = []
    var line = 1
    var bytes = text.utf8[...]
    if text.unicodeScalars.first?.value == 0xfeff { bytes = bytes.dropFirst(3) }
    while !bytes.isEmpty {
      let start = line
      let fields = try Self.record(&bytes, line: &line, file: file)
      if fields.count == 1, fields[0].allSatisfy({ $0 == " " || $0 == "\t" }) { continue }
      if columns.isEmpty {
        columns = fields
        for (i, name) in fields.enumerated() {
          guard index[name] == nil else {
            throw Diagnostic(
              file: file, position: .init(line: start, column: 1), fault: .duplicateKey(name))
          }
          index[name] = i
        }
        continue
      }
      guard fields.count == columns.count else {
        throw Diagnostic(
          file: file, position: .init(line: start, column: 1),
          fault: .wrongFieldCount(found: fields.count, expected: columns.count))
      }
      rows.append(Row(file: file, line: start, columns: index, fields: fields))
    }
    guard !columns.isEmpty else { throw Diagnostic(file: file, position: nil, fault: .emptyTable) }
    self.columns = columns
    self.rows = rows
  }

  private static func record(
    _ bytes: inout Substring.UTF8View, line: inout Int, file: String?
  ) throws(Diagnostic) -> [String] {
    var fields: [String] = []
    var field: [UInt8] = []
    var quoted = false
    let start = line
    while let byte = bytes.popFirst() {
      if quoted {
        if byte == 10 { line += 1 }
        if byte == UInt8(ascii: "\"") {
          if bytes.first == UInt8(ascii: "\"") {
            bytes.removeFirst()
            field.append(byte)
          } else {
            quoted = false
          }
        } else {
          field.append(byte)
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\"") where field.isEmpty: quoted = true
      case UInt8(ascii: ","):
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
      case 13 where bytes.first == 10: break
      case 10:
        line += 1
        fields.append(String(decoding: field, as: UTF8.self))
        return fields
      default: field.append(byte)
      }
    }
    if quoted {
      throw Diagnostic(
        file: file, position: .init(line: start, column: 1),
        fault: .syntax("a quoted field is not closed"))
    }
    fields.append(String(decoding: field, as: UTF8.self))
    return fields
  }
}

/// A bound in a message: `0` rather than `0.0`.
private func plain(_ bound: Double) -> String {
  Int(exactly: bound).map(String.init) ?? "\(bound)"
}

/// A field of a CSV file: quoted when it holds a comma, a quote or a line end.
public func csvField(_ text: String) -> String {
  // By scalars: a combining mark behind a comma makes one character of both, yet the comma still separates.
  let special: [Unicode.Scalar] = [",", "\"", "\n", "\r"]
  guard text.unicodeScalars.contains(where: special.contains) else { return text }
  var result = String.UnicodeScalarView("\"".unicodeScalars)
  for scalar in text.unicodeScalars {
    if scalar == "\"" { result.append(scalar) }
    result.append(scalar)
  }
  result.append("\"")
  return String(result)
}

/// JSON as it is written: keys in the order given, all digits, one object a line in an array.
public indirect enum JSONText: Sendable {
  /// A string.
  case text(String)
  /// A number; null when absent or not finite.
  case number(Double?)
  /// True or false.
  case flag(Bool)
  /// A list.
  case array([JSONText])
  /// An object.
  case object([(String, JSONText)])
  /// JSON that is written already.
  case raw(String)

  /// The value as JSON text.
  public var text: String {
    switch self {
    case .text(let text): return Self.quoted(text)
    case .number(let value):
      guard let value, value.isFinite else { return "null" }
      if value == value.rounded(), abs(value) < 1e15 { return "\(Int(value))" }
      return "\(value)"
    case .raw(let text): return text
    case .flag(let flag): return flag ? "true" : "false"
    case .array(let items):
      guard !items.isEmpty else { return "[]" }
      return "[\n" + items.map(\.text).joined(separator: ",\n") + "\n]"
    case .object(let pairs):
      return "{" + pairs.map { Self.quoted($0.0) + ": " + $0.1.text }.joined(separator: ", ") + "}"
    }
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "<": result += "\\u003c"  // so that the text can stand in a page's script
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

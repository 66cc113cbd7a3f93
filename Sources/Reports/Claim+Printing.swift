import Documents
import Quantities
public import Studies

extension Claim {
  /// The paper's number with its unit.
  public var paperText: String {
    switch value {
    case .number(let number): Self.text(number, unit)
    case .range(let range): Self.text(range, unit)
    case .atMost(let number): "at most " + Self.text(number, unit)
    case .atLeast(let number): "at least " + Self.text(number, unit)
    case .statement: "yes"
    }
  }

  /// When ours agrees, in words; empty where the value itself is the bound.
  public var toleranceText: String {
    switch tolerance {
    case .points(let points): "± " + (unit == "%" ? "\(Self.plain(points)) points" : Self.text(points, unit))
    case .percent(let percent): "± \(formatted(percent, digits: 2)) %"
    case .factor(let factor): "within a factor of \(Self.plain(factor))"
    case nil: ""
    }
  }

  /// A value of ours with the unit of the claim.
  public func text(_ value: Answer.Value) -> String {
    switch value {
    case .number(let number): Self.text(number, unit)
    case .range(let range): Self.text(range, unit)
    case .statement(let holds): holds ? "yes" : "no"
    }
  }

  /// A range with the unit of the claim.
  func text(_ range: ClosedRange<Double>) -> String { Self.text(range, unit) }

  private static func text(_ number: Double, _ unit: String) -> String { plain(number) + suffix(unit) }

  private static func text(_ range: ClosedRange<Double>, _ unit: String) -> String {
    guard range.lowerBound < range.upperBound else { return text(range.lowerBound, unit) }
    return "\(plain(range.lowerBound)) to \(plain(range.upperBound))\(suffix(unit))"
  }

  /// A factor stands close to its number: 2100x.
  private static func suffix(_ unit: String) -> String { unit.isEmpty ? "" : unit == "x" ? "x" : " " + unit }

  private static func plain(_ number: Double) -> String {
    guard number != number.rounded() || abs(number) >= 1e6 else { return fixed(number, decimals: 0) }
    return trimmed(formatted(number))
  }
}

extension JudgedClaim {
  /// Our value with its range, or a dash.
  public var ourText: String {
    guard let value = answer.value else { return "-" }
    let range = range.map { " [\(claim.text($0))]" } ?? ""
    return claim.text(value) + range
  }

  /// Why it stands so: what the numbers alone do not show.
  public var why: String {
    guard !reason.isEmpty else { return answer.words }
    return reason == answer.words ? reason : reason + "; " + answer.words
  }

  var json: JSONText {
    func number(_ value: Answer.Value?) -> JSONText {
      switch value {
      case .number(let value): .number(value)
      case .range(let range): .array([.number(range.lowerBound), .number(range.upperBound)])
      case .statement(let holds): .flag(holds)
      case nil: .number(nil)
      }
    }
    return .object([
      ("id", .text(claim.id)), ("claim", .text(claim.says)), ("paper", .text(claim.paperText)),
      ("known", .text(claim.known.rawValue)), ("reference", .text(claim.reference)),
      ("agrees_within", .text(claim.toleranceText)), ("ours", number(answer.value)),
      ("unit", .text(claim.unit)), ("low", .number(range?.lowerBound)), ("high", .number(range?.upperBound)),
      ("standing", .text(standing.rawValue)), ("why", .text(why)),
      ("constants", .array(answer.constants.map { .text($0) })),
    ])
  }
}

/// A number without zeros that say nothing: 2.5 rather than 2.50.
func trimmed(_ number: String) -> String {
  guard number.contains("."), !number.contains("e") else { return number }
  let digits = number.reversed().drop { $0 == "0" }
  return String((digits.first == "." ? digits.dropFirst() : digits).reversed())
}

/// The claims of several studies as one table.
public struct ClaimsRegistry: Sendable {
  /// The studies.
  public let studies: [StudyResult]

  /// The registry of some studies.
  public init(_ studies: [StudyResult]) { self.studies = studies }

  /// How many claims stand so, over all studies.
  public func count(_ standing: Standing) -> Int { studies.reduce(0) { $0 + $1.count(standing) } }

  /// The claims as a table for a terminal.
  public var text: String {
    var table = TextTable([
      ("study", .left), ("claim", .left), ("paper", .left), ("known", .left), ("ours", .left),
      ("standing", .left),
    ])
    for study in studies {
      for claim in study.claims {
        table.add([
          printable(study.file.name), printable(claim.claim.id), claim.claim.paperText,
          claim.claim.known.rawValue, claim.ourText, claim.standing.rawValue,
        ])
      }
    }
    return table.text + "\n" + summary + "\n"
  }

  /// How many claims stand how.
  public var summary: String {
    let all = studies.reduce(0) { $0 + $1.claims.count }
    let counts = Standing.allCases.map { "\(count($0)) \(Self.words($0, count($0)))" }
    return "\(all) claims of \(studies.count) studies: \(counts.joined(separator: ", "))."
  }

  static func words(_ standing: Standing, _ count: Int) -> String {
    switch standing {
    case .agrees: count == 1 ? "agrees" : "agree"
    case .differs: count == 1 ? "differs" : "differ"
    case .cannotBeChecked: "cannot be checked"
    }
  }

  /// The claims as an array of objects.
  public var json: JSONText {
    .array(
      studies.flatMap { study in
        study.claims.map { claim in
          guard case .object(let pairs) = claim.json else { return claim.json }
          return .object([("study", .text(study.file.name))] + pairs)
        }
      })
  }

  /// The claims as a table with every column.
  public var table: DataTable { StudyResult.claimsTable(studies) }
}

extension StudyResult {
  /// The claims of some studies with every column, for files.
  static func claimsTable(_ studies: [StudyResult]) -> DataTable {
    DataTable(
      "Claims",
      columns: [
        "study", "claim", "in words", "paper", "known", "reference", "agrees within", "ours", "low", "high",
        "unit",
        "standing", "why", "rests on",
      ].map { .init($0) },
      rows: studies.flatMap { study in
        study.claims.map { judged in
          let claim = judged.claim
          return [
            .text(study.file.name), .text(claim.id), .text(claim.says), .text(claim.paperText),
            .text(claim.known.rawValue), .text(claim.reference), .text(claim.toleranceText),
            .text(judged.answer.value.map { claim.text($0) } ?? ""),
            judged.range.map { .number($0.lowerBound) } ?? .empty,
            judged.range.map { .number($0.upperBound) } ?? .empty, .text(claim.unit),
            .text(judged.standing.rawValue), .text(judged.why),
            .text(study.constants(of: judged).joined(separator: "; ")),
          ]
        }
      })
  }

  /// What a claim's number rests on: parameters with their values, calibrations by name.
  func constants(of claim: JudgedClaim) -> [String] {
    claim.answer.constants.map { name in
      guard let parameter = file.parameter(name) else { return name }
      return "\(parameter.title): \(parameter.valueText) (\(parameter.provenance.kind.rawValue))"
    }
  }
}

extension StudyFile.Parameter {
  /// The value with its range.
  public var valueText: String {
    values.joined(separator: ", ") + (interval.map { " [\($0.low), \($0.high)]" } ?? "")
  }
}

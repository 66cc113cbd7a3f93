import Documents
import Quantities
import Testing

@testable import Studies

/// A study file with these claims and parameters.
private func file(parameters: String = "{}", claims: String) throws -> StudyFile {
  let text = """
    name: test
    title: A test
    question: Does it work?
    parameters: \(parameters)
    claims: \(claims)
    """
  return try StudyFile(node: try parseDocument(text, file: "test.yaml"), path: "test.yaml")
}

private func claim(_ paper: String, within: String? = nil) throws -> Claim {
  let bound = within.map { ", agrees_within: {\($0)}" } ?? ""
  let file = try file(claims: "{a: {says: x, paper: {\(paper)}, known: printed, reference: r\(bound)}}")
  return try #require(file.claims.first)
}

@Suite struct StandingTests {
  @Test(arguments: [
    ("value: 100, unit: x", "percent: 15", 114.0, Standing.agrees),
    ("value: 100", "percent: 15", 116, .differs),
    ("value: 40, unit: \"%\"", "points: 5", 44.9, .agrees), ("value: 40", "points: 5", 45.1, .differs),
    ("value: 2100", "factor: 2", 1051, .agrees), ("value: 2100", "factor: 2", 4201, .differs),
    ("low: 40, high: 75", "points: 5", 60, .agrees), ("low: 40, high: 75", "points: 5", 36, .agrees),
    ("low: 40, high: 75", "points: 5", 34, .differs),
  ])
  func numbers(paper: String, within: String, ours: Double, standing: Standing) throws {
    let claim = try claim(paper, within: within)
    #expect(JudgedClaim(claim, Answer(.number(ours), "")).standing == standing)
  }

  @Test func boundsAreTheirOwnTolerance() throws {
    let claim = try claim("at_most: 15, unit: \"%\"")
    #expect(JudgedClaim(claim, Answer(.number(15), "")).standing == .agrees)
    #expect(JudgedClaim(claim, Answer(.range(3...16), "")).standing == .differs)
  }

  /// Both ends of a range must be near.
  @Test func rangesAreComparedAtBothEnds() throws {
    let claim = try claim("low: 20, high: 50", within: "points: 5")
    #expect(JudgedClaim(claim, Answer(.range(22...54), "")).standing == .agrees)
    #expect(JudgedClaim(claim, Answer(.range(20...90), "")).standing == .differs)
  }

  /// Agreement that another plausible value of an assumed constant would take away is none, nor is difference.
  @Test func assumedConstantsDecideNothing() throws {
    let claim = try claim("value: 24, unit: \"%\"", within: "points: 3")
    let ours = Answer(.number(24), alternatives: [.number(12), .number(30)], "")
    #expect(JudgedClaim(claim, ours).standing == .cannotBeChecked)
    #expect(JudgedClaim(claim, ours).range == 12...30)
    let far = Answer(.number(40), alternatives: [.number(35), .number(50)], "")
    #expect(JudgedClaim(claim, far).standing == .differs)
  }

  @Test func anUnansweredClaimCannotBeChecked() throws {
    let file = try file(claims: "{a: {says: x, paper: {statement: true}, known: recalled, reference: r}}")
    let result = StudyResult(file, Findings())
    #expect(result.claims.map(\.standing) == [.cannotBeChecked])
    #expect(result.claims.allSatisfy { !$0.reason.isEmpty })
  }
}

@Suite struct StudyFileFaultTests {
  @Test(arguments: [
    ("{says: x, paper: {value: 1}, known: printed, reference: r}", "lacks the key 'agrees_within'"),
    ("{says: x, paper: {low: 1}, known: printed, reference: r}", "expected one of value, low and high"),
    ("{says: x, paper: {low: 3, high: 1}, known: printed, reference: r}", "a low above its high"),
    ("{says: x, paper: {statement: false}, known: printed, reference: r}", "statement: true"),
    (
      "{says: x, paper: {at_most: 1}, known: printed, reference: r, agrees_within: {points: 1}}",
      "needs no 'agrees_within'"
    ),
    (
      "{says: x, paper: {value: 1}, known: printed, reference: r, agrees_within: {points: 1, percent: 2}}",
      "expected one of points, percent, factor"
    ),
    ("{says: x, paper: {value: 1}, known: guessed, reference: r}", "expected one of printed, secondary"),
    ("{says: x, paper: {value: 1}, know: printed, reference: r}", "lacks the key 'known'"),
  ])
  func claimsAreReadStrictly(text: String, message: String) throws {
    let diagnostic = try #require(throws: Diagnostic.self) { try file(claims: "{a: \(text)}") }
    #expect(diagnostic.message.contains(message), "\(diagnostic.message)")
    #expect(diagnostic.position?.line == 5)
  }

  @Test func parametersAreReadStrictly() throws {
    func read(_ text: String) throws -> Double {
      let file = try file(parameters: "{rate: \(text)}", claims: "{}")
      var reader = ParameterReader(file)
      let value = try reader.quantity("rate", as: BytesPerSecond.self).value
      try reader.finish()
      return value
    }
    #expect(try read("{title: t, value: 2 GB/s, kind: published, source: s}") == 2e9)
    for (text, message) in [
      ("{title: t, value: 2 GB/s, kind: assumed, source: s}", "needs an interval"),
      ("{title: t, value: 2 GB, kind: published, source: s}", "measures"),
      ("{title: t, value: 2 GB/s, low: 1 GB/s, kind: published, source: s}", "lacks the key 'high'"),
      ("{title: t, value: 2 GB/s, low: 3 GB/s, high: 4 GB/s, kind: published, source: s}", "not between"),
      ("{title: t, value: 1, values: [1], kind: published, source: s}", "both 'value' and 'values'"),
      ("{title: t, values: [], kind: published, source: s}", "a list with a value"),
    ] {
      let diagnostic = try #require(throws: Diagnostic.self) { try read(text) }
      #expect(diagnostic.message.contains(message), "\(diagnostic.message)")
    }
  }

  /// A parameter that the study does not ask for would be without effect.
  @Test func unknownParametersAreRejected() throws {
    let file = try file(
      parameters: "{hiden: {title: t, value: 1, kind: published, source: s}}", claims: "{}")
    var reader = ParameterReader(file)
    let missing = try #require(throws: Diagnostic.self) { _ = try reader.integers("hidden") }
    #expect(missing.message.contains("lacks the key 'hidden'"))
    let unknown = try #require(throws: Diagnostic.self) { try reader.finish() }
    #expect(unknown.message.contains("did you mean 'hidden'?"))
  }
}

@Suite struct SurroundingTests {
  /// Values on both sides of the paper's number leave a choice that gives it.
  @Test func valuesOnBothSidesDecideNothing() throws {
    let claim = try claim("value: 15, unit: \"%\"", within: "points: 5")
    let ours = Answer(.number(39), alternatives: [.number(4)], "")
    #expect(JudgedClaim(claim, ours).standing == .cannotBeChecked)
    let above = Answer(.number(39), alternatives: [.number(22)], "")
    #expect(JudgedClaim(claim, above).standing == .differs)
  }
}

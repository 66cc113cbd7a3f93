import ModelTestSupport
import Testing

@testable import Studies

@Suite struct T3Tests {
  private static let result = Result { try StudyResult(named: "t3", in: Repository.library) }

  private func number(_ claim: String) throws -> Double {
    guard case .number(let value)? = try Self.result.get().findings.answers[claim]?.value else {
      throw Missing(claim: claim)
    }
    return value
  }

  /// The abstract of T3: 30 % and 47 % faster, 22 % less movement, 29 % for models of half a trillion parameters.
  @Test(arguments: [
    ("mca-mean", 30.0, 5.0), ("mca-most", 47, 5), ("movement-mean", 22, 3), ("large-mean", 29, 5),
  ])
  func numbersOfTheAbstract(claim: String, paper: Double, points: Double) throws {
    #expect(abs(try number(claim) - paper) <= points)
  }

  /// Public notes on its body: what ideal overlap gains, and what addition near the memory does to a reduce-scatter.
  @Test(arguments: [("ideal-mean", 35.0, 5.0), ("ideal-most", 50, 5), ("near-8", 7, 1), ("near-16", 3, 1)])
  func numbersOfTheNotes(claim: String, paper: Double, points: Double) throws {
    #expect(abs(try number(claim) - paper) <= points)
  }

  @Test func fewerReadsComeOutExactly() throws {
    #expect(try number("reads-8") == 2.5)
    #expect(abs(try number("reads-16") - 31.0 / 14) < 1e-12)
  }

  /// How many outputs stand in the cache is our choice, so the largest saving is not decided.
  @Test func theLargestSavingIsNotDecided() throws {
    let claim = try #require(try Self.result.get().claims.first { $0.claim.id == "movement-most" })
    #expect(claim.standing == .cannotBeChecked)
  }

  /// 42 results, traffic counts and motivating numbers of 10_t3.csv.
  @Test func noClaimIsMissing() throws {
    #expect(try Self.result.get().claims.count == 42)
  }
}

@Suite struct JITQTests {
  private static let result = Result { try StudyResult(named: "jit-q", in: Repository.library) }

  /// Both numbers of the abstract lie within the ranges of what is assumed, and neither counts as agreement: formats and
  /// commands of a block are ours.
  @Test(arguments: [("capacity", 24.0), ("throughput", 2.4)])
  func numbersOfTheAbstract(name: String, paper: Double) throws {
    let claim = try #require(try Self.result.get().claims.first { $0.claim.id == name })
    #expect(claim.standing == .cannotBeChecked)
    #expect(claim.range?.contains(paper) == true)
  }

  /// 3.75 of 15.75 bytes, less the copies of one layer of 96.
  @Test func capacityWithBothFormats() throws {
    let claim = try #require(try Self.result.get().claims.first { $0.claim.id == "capacity" })
    #expect(claim.answer.value == .number(100 * (1 - (12 + 3.75 / 96) / 15.75)))
  }

  @Test(arguments: ["mx9", "mx6", "mx4", "example", "example-one", "matrix-vector", "gain"])
  func whatFollowsFromTheFormats(name: String) throws {
    let claim = try #require(try Self.result.get().claims.first { $0.claim.id == name })
    #expect(claim.standing == .agrees)
  }
}

/// A claim without a number.
private struct Missing: Error {
  let claim: String
}

import ModelTestSupport
import Testing

@testable import Studies

@Suite struct CharacterisationTests {
  private func number(_ claim: String, of result: StudyResult) throws -> Double {
    guard case .number(let number)? = result.findings.answers[claim]?.value else {
      Issue.record("\(claim) has no number")
      return .nan
    }
    return number
  }

  /// Every row of the reference's table that states something has a claim (50_bert_claims.csv: twelve, of which one names two
  /// precisions), and bounds of our own beside them.
  @Test func bert() throws {
    let result = try StudyResult(named: "bert-characterisation", in: Repository.library)
    #expect(result.claims.filter { $0.claim.known != .own }.count == 13)
    #expect(try number("own-total", of: result) <= 5)
    #expect(try number("own-classes", of: result) <= 3)
    // What was recalled as a setup agrees with nothing.
    for claim in result.claims where claim.claim.id.hasPrefix("setup-") && claim.claim.id != "setup-model" {
      #expect(claim.standing == .cannotBeChecked)
    }
  }

  /// 60_seqpoint.csv: seventeen rows that state something.
  @Test func seqPoint() throws {
    let result = try StudyResult(named: "seqpoint", in: Repository.library)
    #expect(result.claims.filter { $0.claim.known != .own }.count == 17)
    #expect(try number("runtime-ds2", of: result) <= 0.11)
    #expect(try number("runtime-gnmt", of: result) <= 0.53)
    #expect(try number("saving-ds2", of: result) >= 345)
    #expect(try number("saving-gnmt", of: result) >= 214)
    #expect(try number("own-logs", of: result) <= 1)
    #expect(try number("own-timed", of: result) <= 2)
  }

  /// 70_gpgpusim_pytorch.csv: nine rows.
  @Test func simulator() throws {
    let result = try StudyResult(named: "gpgpu-sim", in: Repository.library)
    #expect(result.claims.filter { $0.claim.known != .own }.count == 9)
    #expect(try number("own-network", of: result) <= 15)
  }
}

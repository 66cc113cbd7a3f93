import Documents
import ModelTestSupport
import Scenarios
import Testing

@testable import Studies

private let library = Repository.library

/// Every study of the catalogue, evaluated once.
private let results: [String: StudyResult] = {
  var results: [String: StudyResult] = [:]
  for name in library.names(.studies) { results[name] = try? StudyResult(named: name, in: library) }
  return results
}()

@Suite struct CatalogueOfStudiesTests {
  @Test func everyFileHasAStudyAndEveryStudyAFile() {
    #expect(library.names(.studies) == Studies.all.map { $0.name }.sorted())
    #expect(results.count == Studies.all.count)
  }

  /// No claim is passed over, and no answer is for a claim that is not there.
  @Test func everyClaimIsAnswered() throws {
    for (name, result) in results {
      let ids = Set(result.file.claims.map(\.id))
      #expect(Set(result.findings.answers.keys) == ids, "\(name)")
      for claim in result.claims {
        #expect(!claim.answer.words.isEmpty, "\(name): \(claim.claim.id)")
        // What a number rests on is a parameter of the file or a calibration.
        for constant in claim.answer.constants where !constant.hasPrefix("calibration ") {
          #expect(result.file.parameter(constant) != nil, "\(name): \(claim.claim.id): \(constant)")
        }
      }
    }
  }

  /// Figures and tables are whole: as many fields as columns, finite numbers.
  @Test func tablesAreWhole() {
    for (name, result) in results {
      for section in result.findings.sections {
        #expect(!section.title.isEmpty && !section.prose.isEmpty, "\(name)")
        for table in section.tables {
          #expect(!table.rows.isEmpty, "\(name): \(table.title)")
          for row in table.rows {
            #expect(row.count == table.columns.count, "\(name): \(table.title)")
            for case .number(let value, _) in row { #expect(value.isFinite, "\(name): \(table.title)") }
          }
        }
      }
    }
  }
}

@Suite struct ThreeNetworksTests {
  /// The errors are those of the same tables by `rooftree validate`, which is another way to them.
  @Test func errorsAreThoseOfTheValidation() throws {
    let result = try #require(results["three-networks"])
    for (claim, table, device) in [
      ("layers-fast", "tp_layers_nvlink.csv", "nvidia-h200"),
      ("layers-narrow", "tp_layers_slow_a.csv", "nvidia-h200-slow-a"),
    ] {
      let comparison = try TableComparison(
        path: Repository.measurements("h200/" + table), hardware: device, calibration: nil,
        library: library)
      let summary = comparison.summaries.first { $0.quantity == "fwdbwd_us" && $0.group == "all" }
      let mape = try #require(summary?.mape)
      let answer = try #require(result.findings.answers[claim])
      guard case .number(let ours)? = answer.value else {
        Issue.record("\(claim) has no number")
        continue
      }
      #expect(abs(ours - mape) < 1e-9)
    }
  }

  /// What is not here is not claimed.
  @Test func layersThatAreKeptBackCannotBeChecked() throws {
    let result = try #require(results["three-networks"])
    let claim = try #require(result.claims.first { $0.claim.id == "layers-host" })
    #expect(claim.standing == .cannotBeChecked)
  }
}

@Suite struct CompVsCommTests {
  /// All rows of the reference's table of claims (34, of which two name two vendors) have a claim.
  @Test func noClaimIsMissing() throws {
    let result = try #require(results["comp-vs-comm"])
    #expect(result.claims.count == 36)
    #expect(result.claims.filter { $0.claim.known == .printed }.count == 6)
    #expect(result.claims.filter { $0.claim.known == .secondary }.count == 2)
  }

  /// Heads are of 128, so H from 1K to 64K lets 2, 3, 4, 5, 6, 7 and 7 of the degrees 4 to 256 split it, each with four
  /// lengths: 136 of 196 points.
  ///
  /// The largest share at twice the compute is then that of H 32K, TP 256, SL 1K, by hand from
  /// x = (2p/3)(TP-1)F/(BW(6H+SL)); H 16K over 256 devices (84 %) has no heads for them.
  @Test func pointsHaveHeadsForTheirDevices() throws {
    let result = try #require(results["comp-vs-comm"])
    let answers = result.findings.answers
    #expect(answers["configurations"]?.value == .range(136...136))
    #expect(answers["scenarios"]?.value == .number(136 * 6))
    guard case .number(let most)? = answers["share-at-twice"]?.value else {
      Issue.record("no share at twice the compute")
      return
    }
    let ratio = 4.0 / 3 * 255 * 2 * 118e12 / (150e9 * (6 * 32768 + 1024))
    #expect(abs(most - 100 * ratio / (1 + ratio)) < 1e-9)
    guard case .range(let shares)? = answers["serialized-2x"]?.value else {
      Issue.record("no range at twice the compute")
      return
    }
    #expect(shares.upperBound == most)
  }

  /// A model that fits on one device exchanges nothing: it has no edge, and no claim starts from it.
  @Test func oneDeviceHasNoEdge() throws {
    let result = try #require(results["comp-vs-comm"])
    let section = try #require(result.findings.sections.first { $0.title.hasPrefix("Edge and slack") })
    let table = try #require(section.tables.first)
    let degree = try #require(table.columns.firstIndex { $0.title == "TP for memory" })
    let edge = try #require(table.columns.firstIndex { $0.title == "edge at TP for memory" })
    var alone = 0
    for row in table.rows {
      let isAlone = row[degree] == .number(1)
      if isAlone { alone += 1 }
      #expect((row[edge] == .empty) == isAlone)
    }
    #expect(alone > 0)
    let answer = try #require(result.findings.answers["edge-drop"])
    #expect(!answer.words.hasPrefix("BERT"))
  }

  /// Claims about the space agree by construction; a study must not count them as found.
  @Test func recalledSpaceIsNoAgreement() throws {
    let result = try #require(results["comp-vs-comm"])
    for claim in result.claims where claim.claim.id.hasPrefix("space-") {
      #expect(claim.standing == .cannotBeChecked)
    }
  }
}

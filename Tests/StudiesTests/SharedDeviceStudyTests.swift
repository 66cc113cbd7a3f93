import CostModels
import Documents
import ModelTestSupport
import Quantities
import Testing
import Workloads

@testable import Studies

/// The study of products beside exchanges.
@Suite struct C3StudyTests {
  static func study() throws -> C3 {
    var reader = ParameterReader(try StudyFile(named: "c3", in: Repository.library))
    return try C3(&reader, in: Repository.library)
  }

  /// The mean part of the ideal gain of each strategy on the H200, within the 5 points that are asked.
  @Test func measuredStrategiesWithinFivePoints() throws {
    let measured = try Self.study().measured
    #expect(measured.count == 132 + 8)
    let strategies = Set(measured.map(\.strategy))
    #expect(strategies.count == 7)
    for strategy in strategies {
      let pairs = measured.filter { $0.strategy == strategy }
      func mean(_ value: (MeasuredPair) -> Double) -> Double {
        pairs.map(value).reduce(0, +) / Double(pairs.count)
      }
      #expect(abs(mean(\.fraction) - mean(\.predictedFraction)) <= 5, "\(strategy.name)")
      #expect(abs(mean(\.fraction) - mean(\.fullyPredictedFraction)) <= 5, "\(strategy.name)")
    }
  }

  /// The ladder climbs in the paper's order, and every rung lies between nothing and everything.
  @Test func theLadderClimbs() throws {
    let study = try Self.study()
    let a = study.assumptions
    let rungs = C3Rung.allCases.map { study.mean($0, a) }
    let (base, prioritised, best, copies, reserving) = (rungs[0], rungs[1], rungs[3], rungs[4], rungs[5])
    #expect(base < prioritised && prioritised <= best && best < copies && copies <= reserving)
    #expect(rungs.allSatisfy { $0 > 0 && $0 <= 100 })
    #expect(study.scenarios(a).count == 30)
    // What a paper's 21 % at 1.13x implies.
    let ideals = study.scenarios(a).map(\.plan.idealSpeedup)
    #expect(abs(ideals.reduce(0, +) / 30 - 1.62) < 0.03)
  }

  /// A rung that moves by more than the claim allows within our assumptions is not called agreement.
  @Test func noAgreementByChoice() throws {
    let result = try StudyResult(named: "c3", in: Repository.library)
    for claim in result.claims where claim.standing == .agrees {
      for value in claim.answer.alternatives {
        #expect(claim.claim.agrees(value) == true, "\(claim.claim.id)")
      }
    }
  }
}

/// The study of products that run at once.
@Suite struct GoldylocStudyTests {
  static func study() throws -> Goldyloc {
    var reader = ParameterReader(try StudyFile(named: "goldyloc", in: Repository.library))
    return try Goldyloc(&reader, in: Repository.library)
  }

  /// Kernels for a share are chosen among more: never slower than today's; one alone is one alone.
  @Test func tunedNeverSlowerThanNaive() throws {
    let study = try Self.study()
    let times = Goldyloc.Times(study.machine, study.assumptions)
    for load in study.loads {
      for product in load.products {
        #expect(times.tuned(product, 1) == times.alone(product))
        for degree in study.degrees {
          #expect(times.tuned(product, degree) <= times.naive(product, degree) * (1 + 1e-12))
        }
      }
    }
  }

  @Test func thePredictorLosesLittle() throws {
    let learned = try Self.study().learnedPredictor
    #expect(learned.regret < 3 && learned.regret < learned.regretOfOne)
  }

  /// Parallel branches on the H200: the mean error of their time, and that gains and losses are told apart.
  @Test func measuredBranches() throws {
    let measured = try Self.study().measured
    #expect(measured.count == 24)
    let errors = measured.map { abs($0.predictedConcurrent / $0.concurrent - 1) }
    #expect(errors.reduce(0, +) / 24 < 0.06)
  }
}

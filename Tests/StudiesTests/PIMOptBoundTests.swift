import CostModels
import Documents
import ModelTestSupport
import Testing
import Workloads

@testable import Studies

/// Axis limits and annotations of PIM-Opt's figures, typed here again from reference/pim-opt/figure_bounds.csv and
/// derived_constraints.csv: the claim's name, the figure, and what our value must lie in.
private let bounds: [(name: String, figure: String, range: ClosedRange<Double>)] = [
  ("fig2", "Fig. 2, GB of an epoch", 1...150_000), ("fig4", "Fig. 4, components of an epoch", 0...100),
  ("fig5-pim", "Fig. 5, PIM", 0...320), ("fig5-cpu-ma", "Fig. 5, CPU by MA-SGD", 1300...1e9),
  ("fig5-cpu", "Fig. 5, CPU by GA-SGD and ADMM", 0...1300), ("fig5-gpu", "Fig. 5, GPU", 0...750),
  ("fig6a-cpu-8", "Fig. 6a, CPU, batch 8", 2000...1e9),
  ("fig6a-cpu-16", "Fig. 6a, CPU, batch 16", 1100...2000),
  ("fig6a-rest", "Fig. 6a, the rest", 0...1100), ("fig6b-cpu-4096", "Fig. 6b, CPU, batch 4096", 350...1e9),
  ("fig6b-rest", "Fig. 6b, the rest", 0...370), ("fig6c", "Fig. 6c", 0...155),
  ("fig7", "Fig. 7, weak scaling", 0...225), ("fig8", "Fig. 8, strong scaling", 0...160),
  ("fig9", "Fig. 9, components of an epoch", 0.01...13_000),
  ("fig10-ga", "Fig. 10, PIM by GA-SGD", 4250...1e9), ("fig10-rest", "Fig. 10, the rest", 0...4250),
  ("fig11b", "Fig. 11b, SVM by GA-SGD", 6000...1e9), ("fig11a", "Fig. 11a, SVM by MA-SGD", 0...6150),
  ("fig11c", "Fig. 11c, LR by ADMM", 0...2650), ("fig12-2048", "Fig. 12, 2048 DPUs", 5000...1e9),
  ("fig12-rest", "Fig. 12, fewer DPUs", 0...5000), ("fig13", "Fig. 13, strong scaling", 0...2600),
  ("server-strong", "Fig. 13, GB/s", 18.2...1e9), ("server-weak", "Fig. 12, GB/s", 18.9...1e9),
  ("server-upper", "Fig. 11b, GB/s", 0...32.6), ("server-upper-firm", "Fig. 10, GB/s", 0...49.1),
  ("server-ma", "Fig. 10, GB/s in MA-SGD", 3.7...1e9), ("server-ma-1024", "Fig. 11a, GB/s", 5.1...1e9),
  ("cpu-step-8", "Fig. 6a, ms a step", 30...1e9), ("cpu-step-16", "Fig. 6a, ms a step", 33.1...60.1),
  ("cpu-step-32", "Fig. 6a, ms a step", 0...66.1), ("cpu-step-ga-4096", "Fig. 6b, ms a step", 21...1e9),
  ("cpu-step-ga-8192", "Fig. 6b, ms a step", 0...44.5), ("gpu-step", "Fig. 5, ms a step", 0...45.1),
  ("dpu-cycles", "Fig. 6c, cycles of a feature", 0...398), ("dpu-cycles-256", "Fig. 8, cycles", 0...411),
]

@Suite struct PIMOptStudyTests {
  private static let result = Result { try StudyResult(named: "pim-opt", in: Repository.library) }

  private func study() throws -> StudyResult { try Self.result.get() }

  @Test(arguments: bounds) func everyBoundOfTheFiguresHolds(
    bound: (name: String, figure: String, range: ClosedRange<Double>)
  ) throws {
    let answer = try #require(study().findings.answers[bound.name])
    switch answer.value {
    case .number(let value)?: #expect(bound.range.contains(value), "\(bound.figure): \(value)")
    case .range(let values)?:
      #expect(
        bound.range.contains(values.lowerBound) && bound.range.contains(values.upperBound),
        "\(bound.figure): \(values)")
    default: Issue.record("\(bound.figure): no number")
    }
  }

  /// The one number of the paper's results that is known.
  @Test func modelAveragingMovesSixtyFourTimesTheBytesOfADMM() throws {
    let claim = try #require(study().claims.first { $0.claim.id == "ratio" })
    #expect(claim.answer.value == .number(64))
    #expect(claim.standing == .agrees)
  }

  /// 1,536 synchronisations of a model and a gradient twice as large, against one of three models.
  @Test func gradientAveragingMovesMore() throws {
    let claim = try #require(study().claims.first { $0.claim.id == "ratio-ga" })
    #expect(claim.answer.value == .number(1536))
  }

  @Test func everyClaimIsAnsweredAndNoneOfTheBoundsDiffers() throws {
    let result = try study()
    // The three findings and one's converse, two ratios, nine ranges of accuracy or AUC, and the bounds.
    #expect(result.claims.count == 15 + bounds.count)
    #expect(result.count(.differs) == 0)
    for claim in result.claims { #expect(!claim.answer.words.isEmpty, "\(claim.claim.id)") }
    #expect(result.findings.sections.count == 9)
  }

  private func systems() throws -> PIMOptSystems {
    let file = try StudyFile(named: "pim-opt", in: Repository.library)
    var reader = ParameterReader(file)
    return try PIMOpt(&reader, in: Repository.library).systems
  }

  /// Where the exchange decides, larger batches are faster, and never slower.
  @Test func largerBatchesAreNeverSlower() throws {
    let systems = try systems()
    for (dataset, model) in PIMOpt.workloads {
      for algorithm in DistributedAlgorithm.allCases {
        let times = Hyperparameters.pimOptBatches(dataset, algorithm).map {
          systems.pim(dataset, algorithm, model, batch: $0).time
        }
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 >= $1 }, "\(dataset) \(algorithm)")
      }
    }
  }

  /// No change of the hardware for the better makes an epoch slower, but for links that a small model waits for.
  @Test func betterHardwareIsNotSlower() throws {
    let systems = try systems()
    for change in FuturePIM.allCases where change != .links && change != .all {
      let system = change.applied(
        to: systems.pim, links: .init(bandwidth: 1e9, latency: 0.5e-6))
      for (dataset, model) in PIMOpt.workloads {
        for algorithm in DistributedAlgorithm.allCases {
          let run = systems.run(dataset, algorithm, model)
          #expect(system.epoch(run).time <= systems.pim.epoch(run).time, "\(change) \(dataset) \(algorithm)")
        }
      }
    }
  }

  /// A GPU that holds its samples reads them twice an epoch at 85 % of 1,935 GB/s, and starts 12 kernels a step.
  @Test func residentGPUIsBoundByItsMemory() throws {
    let estimate = try systems().gpu(.yfcc, .logisticRegression, resident: true, units: 256)
    let bytes = 2 * 851_968.0 * 16_384
    let expected = bytes / (0.85 * 1935e9) + 208 * 12 * 3.2e-6
    #expect(abs(estimate.time / expected - 1) < 1e-9)
  }
}

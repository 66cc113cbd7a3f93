import Testing
import Workloads

@testable import Kernels

@Suite struct MeasuringTests {
  private static func kernel(
    threads: Int = 1, walls: [Double], processor: Double = 1, probes: [Double], rounds: [Int]
  ) -> KernelTimes {
    KernelTimes(
      key: "k", threads: threads, flop: 1, bytes: 1,
      samples: zip(walls, zip(probes, rounds)).map { wall, other in
        .init(round: other.1, wall: wall, processor: processor * wall * Double(threads), probe: other.0)
      })
  }

  @Test func bestMedianAndRounds() {
    let times = Self.kernel(walls: [4, 2, 3, 8], probes: [1, 1, 1, 1], rounds: [0, 0, 1, 1])
    #expect(times.best == 2)
    #expect(times.median == 3.5)
    #expect(times.roundBests == [2, 3])
    #expect(times.unsteadiness == 0.75)
    #expect(times.joules == nil)
  }

  @Test func aQuietRunHasNoReasons() {
    let report = DisturbanceReport([
      Self.kernel(walls: [1, 1.01, 1.02], probes: [3, 2.99, 2.95], rounds: [0, 1, 2]),
      Self.kernel(threads: 2, walls: [1, 1.01, 1.02], probes: [2.8, 2.79, 2.7], rounds: [0, 1, 2]),
    ])
    #expect(report.reasons == [])
    #expect(!report.isSevere)
    #expect(report.verdict.hasPrefix("quiet: "))
  }

  /// Two of three kernels never stand beside a fast probe.
  @Test func slowProbesAreReported() {
    let report = DisturbanceReport([
      Self.kernel(walls: [1], probes: [3], rounds: [0]), Self.kernel(walls: [1], probes: [2], rounds: [0]),
      Self.kernel(walls: [1], probes: [2.5], rounds: [0]),
    ])
    #expect(abs(report.unprobed - 2 / 3.0) < 1e-12)
    #expect(report.isSevere)
    #expect(
      report.reasons == [
        "67 % of the kernels have no sample beside a speed probe within 5 % of the fastest tenth: the clock changes or a core is shared"
      ])
    #expect(report.verdict.hasPrefix("disturbed too much: "))
  }

  /// Threads that got half of a core each, though the probe was fast.
  @Test func starvedThreadsAreReported() {
    let report = DisturbanceReport([
      Self.kernel(threads: 2, walls: [1], processor: 0.5, probes: [3], rounds: [0])
    ])
    #expect(report.starved == 1)
    #expect(report.isSevere)
    #expect(report.reasons.count == 1)
  }

  /// A neighbour on the memory: the probe sees nothing, but rounds do not repeat each other.
  @Test func roundsThatDifferAreReported() {
    let report = DisturbanceReport([
      Self.kernel(walls: [1, 1.4, 1.5], probes: [3, 3, 3], rounds: [0, 1, 2])
    ])
    #expect(abs(report.roundSpread - 0.4) < 1e-12)
    #expect(report.isSevere)
  }

  /// What judges the fit is of the kinds that were fitted, but no size is in both parts; extremes are fitted, so that the
  /// fit is judged between its rows.
  @Test func theSuiteJudgesOtherSizes() throws {
    let suite = KernelSuite(try BLAS.load(), threads: [1, 2])
    let keys = suite.items.map(\.kernel.key)
    #expect(Set(keys).count == keys.count)
    for threads in [1, 2] {
      for operation in ["gemm", "gemv", "triad", "copy", "lr_dense", "svm_dense", "lr_sparse", "svm_sparse"] {
        let part = suite.items.filter { $0.kernel.operation == operation && $0.kernel.threads == threads }
        let fitted = part.filter { !$0.isHeldOut }.map(\.kernel.parameters)
        let heldOut = part.filter(\.isHeldOut).map(\.kernel.parameters)
        #expect(heldOut.count >= 3, "\(operation)")
        #expect(fitted.count > heldOut.count, "\(operation)")
        #expect(Set(fitted).isDisjoint(with: heldOut), "\(operation)")
        if operation == "triad" || operation == "copy" {
          func sizes(_ list: [String]) -> [Int] { list.compactMap { Int($0.dropFirst(2)) } }
          let (least, most) = (sizes(fitted).min() ?? 0, sizes(fitted).max() ?? 0)
          #expect(sizes(heldOut).allSatisfy { $0 > least && $0 < most })
        }
      }
    }
  }

  /// The timed sparse step does the same work whatever the loss, because an untrained model stays untrained.
  @Test func timedStepsDoNotTrain() {
    let samples = PlantedSparse(features: 1000, seed: 3).samples(0..<64)
    let step = SparseStep(
      samples: samples, objective: Objective(.supportVectorMachine, regularisation: 1e-4), batch: 16,
      rate: KernelSuite.stillRate, threads: 1)
    for _ in 0..<40 { step.run() }
    for feature in 0..<1000 { #expect(abs(step.weight(feature)) < 1e-15) }
  }

  @Test func slowKernelsAreNamed() {
    func library(_ kernel: String) -> BLASLibrary {
      BLASLibrary(configuration: "OpenBLAS 0.3.21", kernel: kernel, threads: 2)
    }
    let flags: Set = ["avx2", "fma", "avx512f"]
    #expect(library("Haswell").slowness(flags: flags) == nil)
    #expect(library("SkylakeX").slowness(flags: flags) == nil)
    #expect(library("Nehalem").slowness(flags: ["sse4_2"]) == nil)
    #expect(
      library("Nehalem").slowness(flags: flags)
        == "OpenBLAS runs its kernel Nehalem, which does not use the AVX2 instructions of this processor and is several times slower than one that does"
    )
  }
}

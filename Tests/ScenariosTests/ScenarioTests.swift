import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import ModelTestSupport
import Testing
import Workloads

@Suite struct ScenarioTests {
  @Test(arguments: Repository.library.names(.scenarios))
  func everyScenarioOfTheCatalogueIsAnswered(name: String) throws {
    if let training = try TrainingScenario(named: name, in: Repository.library) {
      let time = training.project().epoch.time
      #expect(time > 1e-3 && time < 1e6)
      return
    }
    let answer = try project(name)
    #expect(answer.time.value > 1e-6 && answer.time.value < 1e3)
    #expect(answer.scenario.files.count >= 3)
  }

  @Test func changesAreLaidOverTheFile() throws {
    let scenario = try Scenario(
      named: "gpt3-175b-node", in: Repository.library,
      changes: [
        "hardware=nvidia-b200", "run.micro_batch=4", "parallelism.tensor=4", "run.causal=false",
        "run.optimizer=sgd", "run.sequence=512", "run.micro_batch=3",
      ])
    #expect(scenario.device.name == "nvidia-b200")
    // The calibration follows the device.
    #expect(scenario.calibration?.name == "nvidia-b200")
    // The later change wins.
    #expect(scenario.microBatch == 3)
    #expect(scenario.sequence == 512)
    #expect(scenario.tensorParallel == 4)
    #expect(!scenario.causal)
    #expect(scenario.optimizer == .sgd)
    // What was not changed stands.
    #expect(scenario.pass == .training)
    #expect(scenario.dataType == .bf16)
  }

  @Test func aCalibrationCanBeChosenOrLeftOut() throws {
    func calibration(_ changes: String...) throws -> String? {
      try Scenario(named: "gpt3-175b-node", in: Repository.library, changes: changes).calibration?.name
    }
    #expect(try calibration("calibration=none") == nil)
    #expect(try calibration("calibration=nvidia-b200") == "nvidia-b200")
    #expect(try calibration("hardware=nvidia-h100-80g-sxm") == "nvidia-h200")
    #expect(try calibration("hardware=nvidia-h100-80g-sxm", "calibration=none") == nil)
  }

  /// A change of one number of the hardware keeps the others.
  @Test func aDeviceCanBeVaried() throws {
    let answer = try project(
      "gpt3-175b-node", "hardware={extends: nvidia-h200, name: half}",
      "hardware.memory.hbm.bandwidth={value: 2.4 TB/s, kind: assumed, source: half, low: 2 TB/s, high: 3 TB/s}"
    )
    let whole = try project("gpt3-175b-node", "calibration=none")
    #expect(answer.scenario.device.mainMemory.bandwidth?.value == 2.4e12)
    #expect(answer.scenario.device.peakRate(.bf16)?.value == 989e12)
    // The update of the weights moves data, beside some 0.8 parameters a clock and unit: with half the bandwidth it takes
    // nearly twice as long, and never more.
    let ratio = try answer.root.part("weight update").time / whole.root.part("weight update").time
    #expect((1.85...2.0).contains(ratio))
  }

  @Test(arguments: [
    ("run.batch=2", "batch"), ("run.micro_batch=0", "micro_batch"), ("run.micro_batch=two", "micro_batch"),
    ("hardware=nvidia-h2000", "nvidia-h200"), ("run", "KEY=VALUE"), ("=1", "KEY=VALUE"),
    ("run..x=1", "KEY=VALUE"), ("run.datatype=bf17", "bf16"), ("calibration=nvidia-h20", "nvidia-h200"),
    ("parallelism.tensor=7", "heads"), ("run.pass=forward", "optimizer"), ("hardware=upmem-prim", "memory"),
    ("parallelism.tensor=12", "8"), ("parallelism.tensor=-8", "tensor"),
  ])
  func changesThatCannotBeAreExplained(change: String, word: String) throws {
    do {
      _ = try Scenario(named: "gpt3-175b-node", in: Repository.library, changes: [change])
      Issue.record("'\(change)' was accepted")
    } catch {
      #expect("\(error)".contains(word))
    }
  }

  /// Twelve devices would fill one node of eight and half of another; sixteen fill two, and cost more than eight.
  @Test func groupsFillWholeNodes() throws {
    #expect(throws: Diagnostic.self) { try project("gpt3-175b-node", "parallelism.tensor=12") }
    let two = try project("gpt3-175b-node", "parallelism.tensor=16")
    #expect(two.time.value.isFinite)
    let one = try project()
    #expect(two.root.communicationTime > one.root.communicationTime)
  }

  static func operators(_ list: String) throws -> Projection {
    try project(
      "gemm-square-h200", "workload={name: list, title: List, kind: operators, operators: [\(list)]}")
  }

  /// A dot product reads two arrays: about twice a sum, and no less than its bytes at the peak of the memory.
  @Test func aDotProductIsAStream() throws {
    let dot = try Self.operators("{op: dot, n: 134217728, datatype: fp32}")
    let bytes = 2 * 4 * 134217728.0
    let sheet = bytes / 4.8e12
    #expect(dot.time.value > sheet)
    #expect(dot.time.value < 1.5 * sheet)
    #expect(dot.root.traffic.value == bytes)
  }

  @Test func countsMultiply() throws {
    let once = try Self.operators("{op: gemm, m: 512, n: 512, k: 512, datatype: bf16}")
    let often = try Self.operators("{op: gemm, m: 512, n: 512, k: 512, datatype: bf16, count: 10}")
    #expect(near(often.time.value, 10 * once.time.value))
    // Ten times 2·512³.
    #expect(often.root.work.value == 2_684_354_560)
    #expect(near(often.root.standardError.value, 10 * once.root.standardError.value))
  }

  /// A triad moves three arrays, a copy two: for large ones at like rates, half more time.
  @Test func streamsTakeTheTimeOfTheirBytes() throws {
    let triad = try Self.operators("{op: triad, n: 67108864, datatype: fp32}")
    let copy = try Self.operators("{op: copy, n: 67108864, datatype: fp32}")
    #expect(triad.root.traffic.value == 805_306_368)
    #expect((1.35...1.65).contains(triad.time / copy.time))
  }

  /// Sizes beyond what the calibration saw are marked, and those within are not.
  @Test func extrapolationIsMarked() throws {
    let within = try Self.operators("{op: gemm, m: 4096, n: 4096, k: 4096, datatype: bf16}")
    let beyond = try Self.operators("{op: gemm, m: 65536, n: 65536, k: 65536, datatype: bf16}")
    #expect(!within.root.isExtrapolated)
    #expect(beyond.root.isExtrapolated)
    // Four ranks were measured, eight were not.
    let four = try project("gpt3-175b-node", "parallelism.tensor=4")
    let eight = try project()
    let (known, unknown) = (
      try four.root.part("attention all-reduce"), try eight.root.part("attention all-reduce")
    )
    #expect(!known.isExtrapolated)
    #expect(unknown.isExtrapolated)
  }
}

import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import ModelTestSupport
import Testing
import Workloads

/// Scenarios of the catalogue with a change or two.
func project(_ name: String = "gpt3-175b-node", _ changes: String...) throws -> Projection {
  try Scenario(named: name, in: Repository.library, changes: changes).project()
}

/// A model of the classic form, as a change of the scenario's workload.
func smallModel(layers: Int, name: String = "small") -> String {
  """
  workload={name: \(name), title: Small, kind: transformer, shape: {layers: \(layers), hidden: 2048, heads: 16, \
  feed_forward: 8192, activation: gelu, vocabulary: 32768, sequence: 1024}, \
  provenance: {kind: assumed, source: a test}}
  """
}

extension CostNode {
  /// This part and all below it.
  var all: [CostNode] { [self] + parts.flatMap(\.all) }

  /// The part of this name below this one.
  func part(_ name: String) throws -> CostNode { try #require(all.first { $0.name == name }) }
}

func near(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
  abs(a - b) <= tolerance * max(abs(a), abs(b))
}

@Suite struct ProjectionTests {
  static let questions = [
    ("gpt3-175b-node", ""), ("llama-405b-prompt", ""), ("bert-large-a100", ""), ("gemm-square-h200", ""),
    ("gpt3-175b-node", "calibration=none"), ("gpt3-175b-node", "hardware=nvidia-h200-slow-b"),
    ("gpt3-175b-node", "parallelism.tensor=32"), ("bert-large-a100", "hardware=amd-mi300x"),
    ("gpt3-175b-node", "parallelism.sequence=true"), ("gpt3-175b-node", "parallelism.data=64"),
    ("gpt3-175b-node", "parallelism={tensor: 4, data: 6, overlap: false}"),
    ("bert-large-a100", "parallelism.data=8"),
    ("bert-large-a100", "run={execution: eager, host_launch: 1 ms}"),
  ]

  static func answer(_ name: String, _ change: String) throws -> Projection {
    change.isEmpty ? try project(name) : try project(name, change)
  }

  /// Everything in a part is the sum of what it is made of, as often as it runs.
  @Test(arguments: questions)
  func theTreeAddsUp(name: String, change: String) throws {
    let answer = try Self.answer(name, change)
    for node in answer.root.all where !node.parts.isEmpty {
      let count = Double(node.count)
      func sum(_ value: (CostNode) -> Double) -> Double { count * node.parts.map(value).reduce(0, +) }
      let (time, work) = (sum { $0.time.value }, sum { $0.work.value })
      let (traffic, exchange) = (sum { $0.traffic.value }, sum { $0.communicationTime.value })
      #expect(near(node.time.value, time))
      #expect(near(node.work.value, work))
      #expect(near(node.traffic.value, traffic))
      #expect(near(node.communicationTime.value, exchange))
      let byBound = node.timeByBound.values.reduce(0, +)
      #expect(near(byBound, node.time.value))
      // Errors of unlike parts cancel in part: never more than their plain sum and what all have in common: the 2 %
      // of repeated runs, or the quarter by which constants of other devices may be wrong for all kernels alike.
      let common = answer.scenario.calibration == nil ? 0.2501 : 0.0201
      let bound = sum { $0.standardError.value } + common * node.time.value
      #expect(node.standardError.value <= bound)
    }
    for node in answer.root.all {
      #expect(node.time.value > 0 && node.time.value.isFinite)
      #expect(node.communicationTime <= node.time)
    }
  }

  @Test(arguments: questions)
  func sharesAndRatesBelongTogether(name: String, change: String) throws {
    let answer = try Self.answer(name, change)
    #expect((0..<1).contains(answer.communicationShare))
    #expect(near(answer.communicationShare, answer.root.communicationTime / answer.root.time))
    guard let tokens = answer.tokens else {
      #expect(answer.tokensPerSecond == nil && answer.modelFLOPUtilization == nil)
      return
    }
    #expect(
      tokens
        == Double(answer.scenario.dataParallel * answer.scenario.microBatch * answer.scenario.sequence))
    let rate = try #require(answer.tokensPerSecond)
    #expect(near(rate * answer.time.value, tokens))
    let utilization = try #require(answer.modelFLOPUtilization)
    #expect(utilization > 0 && utilization < 1)
  }

  @Test(arguments: questions)
  func intervalsHoldTheTime(name: String, change: String) throws {
    for node in try Self.answer(name, change).root.all {
      #expect(node.interval90.lowerBound < node.time && node.time < node.interval90.upperBound)
      // On a logarithmic scale the time is in the middle.
      let (low, high) = (node.interval90.lowerBound / node.time, node.interval90.upperBound / node.time)
      #expect(near(low * high, 1, 1e-9))
    }
  }

  @Test func withoutACalibrationTheIntervalIsWider() throws {
    func width(_ answer: Projection) -> Double {
      answer.root.interval90.upperBound / answer.root.interval90.lowerBound
    }
    #expect(width(try project("gpt3-175b-node", "calibration=none")) > 1.1 * width(try project()))
  }

  /// GPT-3's step of one sequence: 72·B·s·l·h²·(1 + s/6h + V/12lh) FLOP (arXiv 2205.05198, section 5.4), of which
  /// eight H200 at 989 TFLOP/s would need 0.27 s.
  @Test func utilizationCountsThePublishedOperations() throws {
    let answer = try project()
    let (s, l, h, v) = (2048.0, 96.0, 12288.0, 51200.0)
    let factor = 1 + s / (6 * h) + v / (12 * l * h)
    let needed = 72 * s * l * h * h * factor
    let work = try #require(answer.modelWork).value
    #expect(near(work, needed, 1e-9))
    let utilization = try #require(answer.modelFLOPUtilization)
    #expect(near(utilization, needed / (8 * 989e12) / answer.time.value, 1e-9))
  }

  /// One device executes its eighth of that: masks save half of the scores, the gradient computes them once more.
  @Test func theTreeDoesTheOperationsOfTheModel() throws {
    let answer = try project()
    let needed = try #require(answer.modelWork).value / 8
    #expect((0.98...1.0).contains(answer.root.work.value / needed))
  }

  @Test func oneDeviceExchangesNothing() throws {
    for name in ["gpt3-175b-node", "bert-large-a100"] {
      let answer = try project(name, "parallelism.tensor=1")
      #expect(answer.communicationShare == 0)
      #expect(!answer.root.all.contains { $0.isCommunication })
    }
  }

  /// Four all-reduces a layer, of 2·B·s·H bytes each (reference, section 2.2), and three around the layers' ends.
  @Test func exchangesMoveTheActivations() throws {
    let answer = try project()
    let payload = 2.0 * 2048 * 12288
    let exchanges = answer.root.all.filter { $0.parts.isEmpty && $0.isCommunication }
    #expect(exchanges.count == 6)
    let layers = try answer.root.part("layers")
    let bytes = layers.all.filter { $0.parts.isEmpty && $0.isCommunication }
      .map(\.traffic.value).reduce(0, +)
    // The layers run 96 times, their passes once each within: the leaves hold one layer.
    #expect(near(bytes, 4 * payload))
  }

  @Test func twiceTheLayersTakeTwiceTheTimeOfTheLayers() throws {
    let once = try project("bert-large-a100", smallModel(layers: 12))
    let twice = try project("bert-large-a100", smallModel(layers: 24))
    let (short, long) = (try once.root.part("layers"), try twice.root.part("layers"))
    #expect(near(long.time.value, 2 * short.time.value))
    for name in ["embedding", "output head", "embedding gradient"] {
      let (few, many) = (try once.root.part(name), try twice.root.part(name))
      #expect(few.time == many.time)
    }
    // The update grows with the parameters, less than twice because the embedding stays.
    let growth = try twice.root.part("optimizer").time / once.root.part("optimizer").time
    #expect(growth > 1.3 && growth < 2)
  }

  /// The products of one device of eight take an eighth of the time at the least, up to a clock that falls less, and
  /// more because slices fill the device less well.
  @Test func slicingDividesTheProducts() throws {
    func products(_ answer: Projection) throws -> Double {
      let names = ["QKV", "output projection", "FC1", "FC2"]
      return try answer.root.part("layers").all
        .filter { node in
          node.parts.isEmpty && node.work > .zero && names.contains { node.name.hasPrefix($0) }
        }
        .map(\.time.value).reduce(0, +)
    }
    // At full clock: a device that waits for exchanges is less limited by its power.
    let alone = try products(try project("gpt3-175b-node", "parallelism.tensor=1", "run.sustained=false"))
    let sliced = try products(try project("gpt3-175b-node", "run.sustained=false"))
    print("products of one of eight devices: \(sliced / alone) of the time of one alone")
    #expect((0.118...0.15).contains(sliced / alone))
  }

  /// A network twice as fast touches exchanges only, and at most halves them.
  @Test func aFasterLinkConcernsExchangesOnly() throws {
    func link(_ bandwidth: String, _ latency: String) -> String {
      """
      hardware={extends: nvidia-h200, name: other-link, links: {node: {\
      bandwidth: {value: \(bandwidth), kind: assumed, source: a test, low: 1 GB/s, high: 10 TB/s}, \
      latency: {value: \(latency), kind: assumed, source: a test, low: 1 ns, high: 1 s}}}}
      """
    }
    // At full clock: the faster the network, the less a device waits, and the more its power limits it.
    let slow = try project("gpt3-175b-node", link("450 GB/s", "1 us"), "run.sustained=false")
    let sheet = try project("gpt3-175b-node", "calibration=none", "run.sustained=false")
    // The data sheet's numbers written out are the data sheet.
    #expect(near(slow.time.value, sheet.time.value))
    for other in [link("900 GB/s", "1 us"), link("450 GB/s", "0.5 us"), link("900 GB/s", "0.5 us")] {
      let fast = try project("gpt3-175b-node", other, "run.sustained=false")
      #expect(fast.time < slow.time)
      let rest = (fast.time - fast.root.communicationTime).value
      #expect(near(rest, (slow.time - slow.root.communicationTime).value))
      let (less, more) = (fast.root.communicationTime, slow.root.communicationTime)
      #expect(2 * less >= more)
    }
  }

  /// The three H200 systems differ in their networks alone: the same compute, and ever slower exchanges.
  @Test func theSlowerSystemsDifferInTheirExchanges() throws {
    let answers = try ["nvidia-h200", "nvidia-h200-slow-a", "nvidia-h200-slow-b"].map {
      try project("gpt3-175b-node", "hardware=\($0)", "parallelism.tensor=4", "run.sustained=false")
    }
    let compute = answers.map { ($0.time - $0.root.communicationTime).value }
    #expect(near(compute[0], compute[1]) && near(compute[0], compute[2]))
    let exchange = answers.map(\.root.communicationTime.value)
    // About 1/7 and 1/15 of the bandwidth (notebooks-data/measurements/README.md).
    #expect((5...9).contains(exchange[1] / exchange[0]))
    #expect((11...20).contains(exchange[2] / exchange[0]))
  }

  /// Each generation is faster than the one before it, with the data sheet alone and with what was measured.
  @Test(arguments: ["calibration=none", ""])
  func generationsAreInOrder(change: String) throws {
    let measured = ["nvidia-a100-80g-sxm", "nvidia-h200", "nvidia-b200"]
    let all = [
      "nvidia-v100-32g-sxm", "nvidia-a100-80g-sxm", "nvidia-h100-80g-sxm", "nvidia-h200", "nvidia-b200",
    ]
    var times: [Seconds] = []
    for name in change.isEmpty ? measured : all {
      // The oldest has no bf16; all others compute both 16-bit types alike.
      let changes = ["hardware=\(name)", "run.datatype=fp16"] + (change.isEmpty ? [] : [change])
      let scenario = try Scenario(named: "gpt3-175b-node", in: Repository.library, changes: changes)
      times.append(scenario.project().time)
    }
    for (older, newer) in zip(times, times.dropFirst()) { #expect(newer < older) }
  }

  /// PyTorch's plain descent is one kernel whether it is told to fuse or not.
  @Test func unfusedDescentIsOneKernel() throws {
    let fused = try project("gpt3-175b-node", "run.optimizer=sgd")
    let unfused = try project("gpt3-175b-node", "run.optimizer=sgd_unfused")
    #expect(fused.time.value == unfused.time.value)
    #expect(try project("gpt3-175b-node", "run.optimizer=none").time < unfused.time)
  }

  /// A forward pass is a part of a training step: less than half, since backward does twice its work.
  @Test func theForwardPassIsAboutAThird() throws {
    let training = try project("gpt3-175b-node", "run.optimizer=none")
    let forward = try project("gpt3-175b-node", "run.optimizer=none", "run.pass=forward")
    #expect((0.28...0.4).contains(forward.time / training.time))
    let (whole, part) = (try #require(training.modelWork), try #require(forward.modelWork))
    #expect(near(whole.value, 3 * part.value))
  }
}

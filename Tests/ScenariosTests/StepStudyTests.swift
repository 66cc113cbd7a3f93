import Calibration
import Documents
import Quantities
import Scenarios
import TestSupport
import Testing

@Suite struct PowerLimitTests {
  private func project(_ changes: String...) throws -> Projection {
    try Scenario(named: "gpt3-175b-node", in: Repository.library, changes: changes).project()
  }

  /// Less power, slower steps; with plenty of it the clock is full, and then more changes nothing.
  @Test func theLimitHoldsTheClock() throws {
    func limited(_ watts: Int) throws -> Projection {
      try project(
        "hardware={extends: nvidia-h200, power: {limit: {value: \(watts) W, kind: published, source: a test}}}",
        "run.micro_batch=8")
    }
    var last = try limited(300)
    for watts in [400, 500, 600, 700, 900, 1300] {
      let next = try limited(watts)
      let (slow, fast) = (try #require(last.clock), try #require(next.clock))
      #expect(slow <= fast)
      #expect(next.time <= last.time)
      last = next
    }
    #expect(last.clock == 1)
    #expect(try limited(2000).time == last.time)
  }

  /// The mean power of a step never exceeds what a limited device settles at.
  @Test(arguments: [1, 2, 8, 16])
  func powerStaysBelowTheLimit(microBatch: Int) throws {
    let energy = try #require(try project("run.micro_batch=\(microBatch)").energy)
    #expect(energy.power.value < 1.02 * 700)
    #expect(energy.sustainedTime.value < 1.01 * (try project("run.micro_batch=\(microBatch)").time.value))
  }

  /// A measured step of 2.7 billion parameters on an H100 SXM: 0.678 s, 700 W, the clock far below the full one
  /// (h100_training_steps.csv); none of it was fitted.
  @Test func aMeasuredStepOnAnH100() throws {
    let node = try parseDocument(
      """
      name: step
      workload: {name: g, title: g, kind: transformer, provenance: {kind: measured, source: x},
        shape: {layers: 32, hidden: 2560, heads: 20, activation: gelu, vocabulary: 51200, sequence: 2048,
          tied_embeddings: false}}
      hardware: nvidia-h100-80g-sxm
      calibration: nvidia-h200
      run: {micro_batch: 8, recompute: full, gradient_datatype: fp32}
      """, file: nil)
    let limited = try Scenario(node: node, path: "step.yaml", in: Repository.library).project()
    #expect(abs(limited.time.value / 0.678 - 1) < 0.08)
    #expect(try #require(limited.clock) < 0.97)
    #expect(abs(try #require(limited.energy).power.value / 700 - 1) < 0.08)
  }
}

@Suite struct TrainingTableTests {
  fileprivate func predictions(_ table: String, file: String = "steps.csv", hardware: String? = nil) throws
    -> [Double]
  {
    let folder = try TemporaryFolder()
    try folder.write(file, Array(table.utf8))
    let comparison = try TableComparison(
      path: folder.path + "/" + file, hardware: hardware, calibration: nil, library: Repository.library)
    return comparison.values.compactMap(\.predicted)
  }

  /// Products in 8 bits make a step faster, by less than the rates say: casts, attention and norms stay.
  @Test func eightBits() throws {
    let times = try predictions(
      """
      table,hardware,model,hidden,layers,seq,tp,pp,dp,gpus,micro_batch,global_batch,precision,iteration_s
      other,h100,llama3_8b,,,8192,1,1,8,8,1,32,bf16,1
      other,h100,llama3_8b,,,8192,1,1,8,8,1,32,fp8,1
      """)
    #expect(times.count == 2)
    #expect(times[1] < 0.9 * times[0] && times[1] > 0.55 * times[0])
  }

  /// A row of a device that the catalogue does not have has no answer; the others keep theirs.
  @Test func anUnknownDevice() throws {
    let folder = try TemporaryFolder()
    let table = """
      table,hardware,model,hidden,layers,seq,tp,pp,dp,gpus,micro_batch,global_batch,precision,iteration_s
      other,h100,llama3_8b,,,8192,1,1,8,8,1,32,bf16,1
      other,h300,llama3_8b,,,8192,1,1,8,8,1,32,bf16,1
      """
    try folder.write("steps.csv", Array(table.utf8))
    let comparison = try TableComparison(
      path: folder.path + "/steps.csv", hardware: nil, calibration: nil, library: Repository.library)
    #expect(comparison.values.map { $0.predicted == nil } == [false, true])
    #expect(comparison.values.map(\.reason) == [nil, "the catalogue has no device 'h300'"])
  }

  /// A table without a column for the device means the one that is named, or its file; else the stacks' own.
  @Test func whoseStepsTheyAre() throws {
    let table = """
      gpus,global_batch,micro_batch,hidden,heads,layers,seq,tp,dp,pp,iteration_ms
      8,16,2,4096,32,32,2048,8,1,1,1000
      """
    let (plain, named) = (try predictions(table), try predictions(table, file: "single_node.csv"))
    #expect(plain == named)
    let asked = try predictions(table, hardware: "nvidia-h100-80g-sxm")
    #expect(asked == (try predictions(table, file: "h100.csv")))
    #expect(asked[0] < 0.7 * plain[0])
  }
}

@Suite struct StepQuantityTests {
  /// Memory and power of measured steps are judged in the units of their columns, beside the time.
  @Test func memoryAndPower() throws {
    let comparison = try TableComparison(
      path: Repository.root + "/notebooks-data/measurements/measure-gpu/h100_training_steps.csv",
      hardware: nil, calibration: nil, library: Repository.library)
    let errors = try ["iteration_s", "memory_gib", "mean_watts"].map { column in
      try #require(comparison.summaries.first { $0.quantity == column }).rows
    }
    #expect(errors == [38, 38, 38])
    let power = try #require(comparison.summaries.first { $0.quantity == "mean_watts" })
    #expect(try #require(power.mape) < 8)
    #expect(comparison.byGroup.map { $0.values.count } == [38, 38, 38])
  }
}

extension TrainingTableTests {
  /// A cell of memory may carry its unit or no number at all; the row's time counts either way.
  @Test func memoryWithAUnit() throws {
    let rows = try predictions(
      """
      table,hardware,model,hidden,layers,heads,seq,tp,pp,dp,gpus,micro_batch,global_batch,iteration_s,memory_gib
      other,h100,a,2048,24,16,2048,1,1,8,8,1,32,1,47GB
      other,h100,a,2048,24,16,2048,1,1,8,8,1,32,1,GB
      other,h100,a,2048,24,16,2048,1,1,8,8,1,32,1,
      """)
    #expect(rows.count == 4)
    #expect(rows[0] == rows[2] && rows[0] == rows[3])
  }
}

@Suite struct ChangedTitleTests {
  /// A title that speaks of the file says what this run changes.
  @Test func titlesSayWhatChanged() throws {
    let plain = try Scenario(named: "llama-70b-decode", in: Repository.library).title
    let changed = try Scenario(
      named: "llama-70b-decode", in: Repository.library,
      changes: ["workload=mixtral-8x7b", "parallelism={tensor:   4}"]
    ).title
    #expect(changed == plain + " (changed: workload=mixtral-8x7b, parallelism={tensor: 4})")
  }
}

@Suite struct PeerComparisonTests {
  /// On steps that no fit saw, the answers are nearer to the measurement than Calculon's.
  @Test func unseenStepsOfThePaper() throws {
    let comparison = try PeerComparison(
      path: Repository.root + "/notebooks-data/published/calculon.csv", library: Repository.library)
    let errors = try #require(comparison.errors)
    #expect(errors.rows == 14)
    #expect(errors.ours < errors.peer)
    let unseen = comparison.rows.filter { $0.given.run.table == "megatron-sc21" }
    #expect(unseen.count == 6)
    for row in unseen {
      #expect(abs(try #require(row.relativeError)) < 0.05)
      #expect(abs(try #require(row.peerError)) > 0.09)
    }
  }
}

@Suite struct ScalingStudyTests {
  private func study(_ axis: ScalingStudy.Axis, _ changes: String...) throws -> ScalingStudy {
    try ScalingStudy(
      named: "gpt3-175b-node", in: Repository.library, changes: changes, axis: axis, upTo: 256)
  }

  /// The batch stays in strong scaling and grows with the replicas in weak scaling; more devices never cost speed here, and
  /// never bring more than their share.
  @Test func replicas() throws {
    let study = try study(.data, "run.micro_batches=32")
    let (strong, weak) = (try #require(study.curves.first), try #require(study.curves.last))
    #expect(strong.isStrong && !weak.isStrong)
    #expect(strong.points.map(\.devices) == [8, 16, 32, 64, 128, 256])
    #expect(strong.points.allSatisfy { $0.projection.scenario.globalBatch == 32 })
    #expect(weak.points.allSatisfy { $0.projection.scenario.globalBatch == 4 * $0.devices })
    for curve in study.curves {
      for (fewer, more) in zip(curve.points, curve.points.dropFirst()) {
        #expect(more.efficiency <= fewer.efficiency * 1.001)
        #expect(more.efficiency > 0 && more.efficiency <= 1.001)
      }
      for point in curve.points {
        let speed =
          try #require(point.projection.tokensPerSecond)
          / (try #require(curve.points[0].projection.tokensPerSecond))
        #expect(abs(speed / (point.efficiency * Double(point.devices) / 8) - 1) < 1e-9)
      }
    }
  }

  /// A curve ends with the reason.
  @Test func endsWhereTheHeadsDo() throws {
    let curve = try #require(try study(.tensor).curves.first)
    #expect(curve.points.last?.degree == 32)
    #expect(try #require(curve.end).contains("does not divide the 96 heads"))
  }
}

@Suite struct ServingSweepTests {
  /// Each remedy that is named does make the model fit.
  @Test(arguments: [
    ["run.micro_batch=4096"], ["parallelism.tensor=1"], ["parallelism.tensor=2", "run.micro_batch=256"],
  ])
  func remediesHelp(changes: [String]) throws {
    let library = Repository.library
    let serving = try #require(
      try Scenario(named: "llama-70b-decode", in: library, changes: changes).project().serving)
    #expect(!serving.fits)
    #expect(!serving.remedies.isEmpty)
    for remedy in serving.remedies {
      let changed = try #require(
        try Scenario(named: "llama-70b-decode", in: library, changes: changes + [remedy.change]).project()
          .serving)
      #expect(changed.fits, "\(remedy.change)")
      #expect(changed.memory.total == remedy.total)
    }
  }

  /// What has to fit and does not is an error, where a model is served too, with a change that makes it fit.
  @Test func whatHasToFit() throws {
    func read(_ changes: String...) throws -> Scenario {
      try Scenario(
        named: "llama-70b-decode", in: Repository.library, changes: changes + ["run.require_fit=true"])
    }
    #expect(throws: Never.self) { try read() }
    #expect(throws: Never.self) { try read("parallelism.tensor=1", "run.weights=fp8") }
    do {
      _ = try read("parallelism.tensor=1")
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains("'run.require_fit' is true, but the step needs 186 GB of the 141 GB"))
      #expect("\(error)".contains("'run.weights=fp8' would make it fit"))
    }
  }

  /// More sequences make more tokens a second and a joule; longer caches fewer.
  @Test func batchesAndContexts() throws {
    let sweep = try ServingSweep(
      named: "llama-70b-decode", in: Repository.library, changes: [], batches: [1, 8, 64],
      contexts: [1024, 8192])
    #expect(sweep.points.map(\.batch) == [1, 8, 64, 1, 8, 64])
    let rates = try sweep.points.map { try #require($0.projection.tokensPerSecond) }
    let energies = try sweep.points.map { try #require($0.projection.energy?.tokensPerJoule) }
    for values in [rates, energies] {
      #expect(values[0] < values[1] && values[1] < values[2])
      #expect(values[3] < values[4] && values[4] < values[5])
      #expect(zip(values.prefix(3), values.suffix(3)).allSatisfy { $0 > $1 })
    }
  }
}

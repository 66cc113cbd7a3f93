import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import TestSupport
import Testing

@testable import Sweeps

/// Spaces that vary everything a training step has, with few scenarios each.
private let spaces = [
  // Plans of a dense model, interleaved, with sequence parallelism.
  """
  name: plans
  model: training
  base:
    name: base
    workload: megatron-22b
    hardware: nvidia-a100-80g-sxm
    run: {sequence: 2048, recompute: selective, separate_accumulation: true, gradient_datatype: fp32}
    parallelism: {sharding: optimizer, scatter_gather: true}
    costs:
      device_hour: {value: 2 USD/h, kind: published, source: x}
      pue: {value: 1.2, kind: published, source: x}
      surroundings: {value: 300 W, kind: published, source: x}
      grid_intensity: {value: 0.4 kg/kWh, kind: published, source: x}
  axes:
    gpus: {sets: parallelism.devices, values: [8, 24, 64, 512]}
    tensor: {sets: parallelism.tensor, values: [1, 2, 3, 8, 16]}
    pipeline: {sets: parallelism.pipeline, values: [1, 2, 4, 8, 64]}
    virtual_stages: {sets: parallelism.virtual_stages, values: [1, 2, 3]}
    micro_batch: {sets: run.micro_batch, values: [1, 2, 5]}
    global_batch: {sets: run.global_batch, values: [64, 480, 512]}
    shares: {sets: parallelism.sequence, values: [false, true]}
  """,
  // Machines of two kinds, faster and slower in memory, links and arithmetic; runs of several kinds.
  """
  name: machines
  model: training
  base:
    name: base
    workload: megatron-1.7b
    hardware: nvidia-h200
    run: {micro_batch: 4, global_batch: 512}
    parallelism: {tensor: 4, data: 8, sequence: true}
    costs:
      capital: {value: 40 kUSD, kind: published, source: x}
      lifetime: {value: 1460 d, kind: published, source: x}
      use: {value: 0.8, kind: published, source: x}
      power_price: {value: 0.1 USD/kWh, kind: published, source: x}
      grid_intensity: {value: 20 g/kWh, kind: published, source: x}
  axes:
    hardware: {sets: hardware, values: [nvidia-h200, nvidia-b200]}
    hbm: {sets: hardware.memory.hbm.bandwidth, times: [0.5, 2]}
    peak: {sets: hardware.compute.rates.bf16, values: [500 TFLOP/s, 2 PFLOP/s]}
    link: {sets: hardware.links.node.bandwidth, values: [100 GB/s, 900 GB/s]}
    sequence: {sets: run.sequence, values: [1024, 4096]}
    recompute: {sets: run.recompute, values: [none, full]}
    sharding: {sets: parallelism.sharding, values: [none, optimizer, parameters]}
    overlap: {sets: parallelism.overlap, values: ["true", "false"]}
    tensor: {sets: parallelism.tensor, values: [1, 4]}
  """,
  // A mixture of experts, eager execution, no calibration.
  """
  name: experts
  model: training
  base:
    name: base
    workload: \(Repository.root)/Tests/WorkloadsTests/Fixtures/mixtral-8x7b.json
    hardware: nvidia-h100-80g-sxm
    run: {execution: eager, host_launch: 8 us, micro_batches: 4}
    parallelism: {sequence: false}
    costs:
      device_hour: {value: 3 USD/h, kind: published, source: x}
      grid_intensity: {value: 0.1 kg/kWh, kind: published, source: x}
  axes:
    expert: {sets: parallelism.expert, values: [1, 2, 3, 8]}
    data: {sets: parallelism.data, values: [1, 2, 8, 16]}
    tensor: {sets: parallelism.tensor, values: [1, 2]}
    context: {sets: parallelism.context, values: [1, 2]}
    pipeline: {sets: parallelism.pipeline, values: [1, 4]}
    micro_batch: {sets: run.micro_batch, values: [1, 2]}
  """,
]

@Suite struct TrainingSweepTests {
  /// The scenario that an index stands for, as `rooftree estimate` would read it.
  private func scenario(_ sweep: Sweep, _ index: Int) throws -> Scenario {
    var document = sweep.base
    let place = sweep.base
    let space = sweep.space
    func nested(_ key: String, _ value: DocumentNode) -> DocumentNode {
      .nested(key.split(separator: ".").map(String.init), value, like: place)
    }
    func text(_ text: String) -> DocumentNode {
      DocumentNode(content: .scalar(text, quoted: false), position: place.position, file: place.file)
    }
    func label(_ name: String) -> String? {
      space.axes.firstIndex { $0.name == name }.map { axis in
        space.label(axis, at: space.digit(space.dimensionOfAxis[axis], of: index))
      }
    }
    var hardware: DocumentNode?
    func change(_ key: String, _ value: String) throws {
      let name = try #require(document.value("hardware"))
      let old = hardware ?? nested("extends", name)
      let sourced = try parseDocument(
        "{value: \(value), kind: assumed, low: \(value), high: \(value), source: x}", file: nil)
      hardware = old.overlaid(with: nested(key, sourced))
    }
    for axis in space.axes {
      guard let key = axis.key, !key.hasPrefix("hardware.") else { continue }
      document = document.overlaid(with: nested(key, text(try #require(label(axis.name)))))
    }
    if sweep.name == "machines" {
      let bandwidth = label("hardware") == "nvidia-h200" ? 4.8 : 8.0
      try change("memory.hbm.bandwidth", "\(bandwidth * (Double(label("hbm") ?? "") ?? 1)) TB/s")
      try change("compute.rates.bf16", "\(label("peak") ?? "") FLOP/s")
      try change("links.node.bandwidth", "\(label("link") ?? "") B/s")
    }
    if let hardware { document = document.overlaid(with: nested("hardware", hardware)) }
    return try Scenario(node: document, path: "x", in: Repository.library)
  }

  /// Every scenario that is looked at has the answer of `estimate` to 1e-12, or none where `estimate` has none.
  @Test(arguments: [0, 1, 2])
  func sweepsAnswerAsEstimatesDo(number: Int) throws {
    let sweep = try sweep(
      spaces[number]
        + "\noutputs: [time, tokens_per_second, model_flop_utilization, memory, devices, bubble, messages, exposed, "
        + "sustained_time, energy, energy_per_token, power, cost, cost_per_token, carbon]\n"
    )
    let prepared = try PreparedSweep(sweep, in: Repository.library, version: "1")
    let engine = SweepEngine(sweep, prepared.model, threads: 1)
    var random = SplitMix64(seed: UInt64(number))
    var (answers, refusals) = (0, 0)
    for _ in 0..<150 {
      let index = Int.random(in: 0..<sweep.space.count, using: &random)
      let found = engine.scenario(index)
      guard let expected = try? scenario(sweep, index).project() else {
        #expect(found.reason != nil, "scenario \(index)")
        refusals += 1
        continue
      }
      #expect(found.reason == nil, "scenario \(index)")
      answers += 1
      let step = try #require(expected.step)
      let energy = try #require(expected.energy)
      let tokens = try #require(expected.tokens)
      let money = try #require(energy.money).value.value
      let numbers = [
        step.total, try #require(expected.tokensPerSecond), try #require(expected.modelFLOPUtilization),
        try #require(expected.memory).memory.total, Double(expected.scenario.plan.devices), step.bubble,
        step.messages,
        step.exposedWeights + step.exposedGradients, energy.sustainedTime.value, energy.energy.value,
        try #require(energy.perToken).value, energy.power.value, money, money / tokens,
        try #require(energy.carbon).value.value,
      ]
      #expect(found.values.count == numbers.count)
      for (ours, theirs) in zip(found.values, numbers) {
        #expect(abs(ours - theirs) <= 1e-12 * abs(theirs), "scenario \(index)")
      }
      #expect(abs(found.values[0] / expected.time.value - 1) < 1e-12, "scenario \(index)")
    }
    #expect(answers > 10)
    if number != 1 { #expect(refusals > 10) }
  }

  /// Numbers of the hardware that are sampled are set without a document, and the answers are those of one all the same.
  @Test(arguments: ["nvidia-h200", "nvidia-h100-80g-sxm"])
  func sampledMachines(name: String) throws {
    let text = """
      name: sampled
      model: training
      base: {name: b, workload: megatron-1.7b, hardware: \(name), run: {micro_batch: 2, global_batch: 64}, parallelism: {tensor: 2, data: 16}}
      axes:
        machines:
          method: latin-hypercube
          count: 12
          seed: 5
          axes:
            hbm: {sets: hardware.memory.hbm.bandwidth, from: 1 TB/s, to: 9 TB/s}
            peak: {sets: hardware.compute.rates.bf16, from: 0.3 PFLOP/s, to: 3 PFLOP/s, spacing: logarithmic}
            clock: {sets: hardware.compute.clock, from: 1 GHz, to: 2 GHz}
            launch: {sets: hardware.overhead.launch, from: 1 us, to: 9 us}
            link: {sets: hardware.links.node.bandwidth, from: 50 GB/s, to: 900 GB/s}
            latency: {sets: hardware.links.node.latency, from: 0.3 us, to: 3 us}
            rails: {sets: hardware.links.cluster.bandwidth, from: 10 GB/s, to: 90 GB/s}
            limit: {sets: hardware.power.limit, from: 400 W, to: 900 W}
      outputs: [time, energy, exposed]
      """
    let sweep = try sweep(text)
    let prepared = try PreparedSweep(sweep, in: Repository.library, version: "1")
    let engine = SweepEngine(sweep, prepared.model, threads: 1)
    let slow = TrainingContextMaker(sweep, in: Repository.library, usesDocuments: true)
    for index in 0..<12 {
      let found = engine.scenario(index).values
      let context = try slow.context { sweep.space.digit(sweep.space.dimensionOfAxis[$0], of: index) }
      let hbm = try #require(context.scenario.device.mainMemory.bandwidth?.value)
      #expect(abs(hbm / sweep.space.number(0, at: index) - 1) < 1e-14)
      var plan = context.scenario.plan
      (plan.tensor, plan.data, plan.microBatches) = (2, 16, 2)
      let expected = context.scenario.spread(
        plan, microBatch: 2, sequenceParallel: false, separateAccumulation: false
      ).project()
      let step = try #require(expected.step)
      let numbers = [
        step.total, try #require(expected.energy).energy.value,
        step.exposedGradients + step.exposedWeights,
      ]
      for (ours, theirs) in zip(found, numbers) { #expect(abs(ours - theirs) <= 1e-12 * theirs) }
    }
  }

  /// Draws spread the time as much as the covariance says, the same for everyone, around the calibrated time.
  @Test func drawsOfTheCalibration() throws {
    let text = """
      name: draws
      model: training
      base: {name: b, workload: gpt2-xl, hardware: nvidia-h200, run: {sequence: 1024, sustained: false}}
      axes:
        draw: {draws: 40, seed: 3}
      """
    let sweep = try sweep(text)
    let prepared = try PreparedSweep(sweep, in: Repository.library, version: "1")
    let engine = SweepEngine(sweep, prepared.model, threads: 1)
    let times = (0..<40).map { engine.scenario($0).values[0] }
    #expect(Set(times).count == 40)
    let plain = try Scenario(node: sweep.base, path: "x", in: Repository.library).project().time.value
    let mean = times.reduce(0, +) / 40
    let spread = (times.map { ($0 / mean - 1) * ($0 / mean - 1) }.reduce(0, +) / 39).squareRoot()
    // A few per cent: constants are known better than single rows are predicted.
    #expect(spread > 0.001 && spread < 0.1)
    #expect(abs(mean / plain - 1) < 4 * spread / 40.0.squareRoot() + 0.01)
    let again = SweepEngine(sweep, prepared.model, threads: 1)
    #expect(again.scenario(17).values[0] == times[17])
  }
}

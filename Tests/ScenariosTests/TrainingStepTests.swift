import CostModels
import Documents
import Hardware
import ModelTestSupport
import Quantities
import Scenarios
import Testing
import Workloads

/// Whole training steps: composition, memory, tables of measured and printed steps.
@Suite struct TrainingStepTests {
  static func parts(forward: Double = 1, backward: Double = 2) -> StepParts<Double> {
    var parts = StepParts<Double>()
    parts.forward = forward
    parts.backward = backward
    return parts
  }

  /// For equal stages the bubble is (p - 1)/(m v) of the work (arXiv 2104.04473, section 2.2).
  @Test(arguments: [(4, 8, 1), (8, 64, 1), (8, 64, 3), (64, 512, 2), (2, 2, 1), (1, 7, 1)])
  func equalStagesHaveTheTextbookBubble(p: Int, m: Int, v: Int) {
    let counts = StepCounts<Double>(
      stages: Double(p), virtualStages: Double(v), microBatches: Double(m), middleLayers: 6, endLayers: 6)
    let times = TrainingStepForm.time(Self.parts(), counts, overlap: false, contention: ContentionForm())
    #expect(near(times.bubble / (Double(m) * times.microBatch), Double(p - 1) / Double(m * v)))
    #expect(near(times.total, Double(m) * 18 * (1 + Double(p - 1) / Double(m * v))))
  }

  /// The slowest stage sets the pace: a head of two layers' cost on the last stage of four delays all micro-batches.
  @Test func theSlowestStageSetsThePace() {
    var parts = Self.parts()
    parts.head = 6
    let counts = StepCounts<Double>(
      stages: 4, virtualStages: 1, microBatches: 10, middleLayers: 2, endLayers: 2)
    let times = TrainingStepForm.time(parts, counts, overlap: false, contention: ContentionForm())
    // Ten micro-batches of 12 on the last stage, one of 6 through the three before it.
    #expect(near(times.total, 10 * 12 + 3 * 6))
  }

  /// The closed form of equal segments is the loop over them.
  @Test(arguments: UInt64(0)..<200)
  func equalSegmentsInClosedForm(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    func draw() -> Double { Double.random(in: 0...3, using: &random) }
    let form = ContentionForm<Double>()
    let compute = draw() + 0.01
    let segment = ContentionForm<Double>.Segment(
      compute: compute, crowded: compute + draw(), exchange: draw())
    let end = draw()
    let last = ContentionForm<Double>.Segment(compute: end, crowded: end + draw(), exchange: draw())
    let count = Int.random(in: 1...40, using: &random)
    let loop = form.overlap([ContentionForm.Segment](repeating: segment, count: count) + [last])
    let closed = form.overlap(segment, count: Double(count), last: last)
    #expect(near(loop.total, closed.total, 1e-9))
    #expect(abs(loop.exposed - closed.exposed) < 1e-9 * loop.total)
    #expect(abs(loop.slowdown - closed.slowdown) < 1e-9 * loop.total)
  }

  static let plans = [
    "parallelism={tensor: 8, pipeline: 8, virtual_stages: 3, data: 2, sequence: true, sharding: optimizer}",
    "parallelism={tensor: 4, pipeline: 16, data: 4, overlap: false, scatter_gather: true}",
    "parallelism={tensor: 8, data: 8, sharding: parameters}",
    "parallelism={tensor: 8, context: 4, data: 2, sharding: gradients}",
    "parallelism={tensor: 1, pipeline: 32, data: 2}",
  ]

  /// The tree is as long as the composition, whatever the plan.
  @Test(arguments: plans)
  func theTreeIsTheComposition(plan: String) throws {
    let answer = try project(
      "gpt3-175b-node", plan, "run={micro_batches: 16, recompute: full, step_overhead: 3 ms}")
    let step = try #require(answer.step)
    #expect(near(answer.time.value, step.total))
    #expect(step.total > 0 && step.total.isFinite)
    #expect(answer.tokens == Double(answer.scenario.globalBatch * 2048))
  }

  /// Memory of a GPU as arXiv 2205.05198 prints it (Figure 1): states within 1 %, activations within 3 %.
  ///
  /// States of the layers, activations of the baseline and of sequence parallelism with selective recomputation, in GiB. The
  /// mask of the embedding's dropout, which the figure leaves out, is up to 2.4 %.
  @Test(arguments: [
    ("megatron-22b", 1, 1, 4, 45.5625, 59.25, 9.5625), ("gpt3-175b", 8, 3, 1, 45.5625, 66.84375, 12.3515625),
    ("mt-nlg-530b", 35, 3, 1, 31.640625, 114.0234375, 23.076171875),
    ("megatron-1t", 64, 1, 1, 32.958984375, 131.25, 26.5625),
  ])
  func memoryIsAsPrinted(
    model: String, pipeline: Int, runs: Int, microBatch: Int, states: Double, kept: Double, selective: Double
  ) throws {
    func memory(_ sequence: Bool, _ recompute: String) throws -> TrainingMemory<Double> {
      let answer = try project(
        "gpt3-175b-node", "workload=\(model)", "hardware=nvidia-a100-80g-sxm",
        "parallelism={tensor: 8, pipeline: \(pipeline), virtual_stages: \(runs), sequence: \(sequence)}",
        "run={micro_batch: \(microBatch), micro_batches: \(pipeline * 2), recompute: \(recompute), attention: materialised, dropout: true, gradient_datatype: fp32}"
      )
      return try #require(answer.memory).memory
    }
    let (plain, small) = (try memory(false, "none"), try memory(true, "selective"))
    let gibibyte = 0x1p30
    #expect(near((plain.weights + plain.gradients + plain.optimizer) / gibibyte, states, 0.01))
    #expect(near(plain.activations / gibibyte, kept, 0.03))
    #expect(near(small.activations / gibibyte, selective, 0.03))
  }

  /// What does not fit is an answer with a change that helps; it is an error if asked.
  @Test func whatDoesNotFitIsAnAnswer() throws {
    let answer = try project("gpt3-175b-node")
    let verdict = try #require(answer.memory)
    #expect(!verdict.fits && !verdict.remedies.isEmpty)
    let remedy = try #require(verdict.remedies.first)
    let changed = try #require(try project("gpt3-175b-node", remedy.change).memory)
    #expect(changed.fits)
    #expect(near(changed.memory.total, remedy.total.value, 1e-9))
    do {
      _ = try project("gpt3-175b-node", "run.require_fit=true")
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains("'run.require_fit' is true, but the step needs"))
    }
  }

  /// Sharing out more states leaves less in memory and never changes the operations.
  @Test func shardingSavesMemory() throws {
    var last = Double.infinity
    for sharding in ["none", "optimizer", "gradients", "parameters"] {
      let answer = try project(
        "gpt3-175b-node", "parallelism={tensor: 8, data: 8, sharding: \(sharding)}")
      let memory = try #require(answer.memory).memory
      let states = memory.weights + memory.gradients + memory.optimizer + memory.outer
      #expect(states < last)
      last = states
    }
  }

  /// Experts shared among eight devices: an eighth of their parameters each, all-to-alls before and after.
  @Test func expertsAreShared() throws {
    func step(_ expert: Int) throws -> Projection {
      try project(
        "gpt3-175b-node", "workload=deepseek-v2", "hardware=nvidia-b200",
        "parallelism={tensor: 1, pipeline: 4, data: 8, expert: \(expert)}", "run.micro_batches=8")
    }
    let (whole, shared) = (try step(1), try step(8))
    let weights = try (
      #require(whole.memory).memory.weights, #require(shared.memory).memory.weights
    )
    // 59 of 60 layers hold 160 experts of 3 x 5120 x 1536 in 16 bits; seven eighths of them are elsewhere.
    let experts = 59.0 * 160 * 3 * 5120 * 1536 * 2 / 4
    #expect(near(weights.0 - weights.1, experts * 7 / 8, 1e-9))
    #expect(try shared.root.part("dispatch all-to-all").time.value > 0)
    let skewed = try project(
      "gpt3-175b-node", "workload=deepseek-v2", "hardware=nvidia-b200",
      "parallelism={tensor: 1, pipeline: 4, data: 8, expert: 8, routing_imbalance: 1.5}",
      "run.micro_batches=8")
    #expect(skewed.time > shared.time)
  }

  /// The bars of the tables that the stacks were fitted to, in per cent.
  @Test(arguments: [
    ("notebooks-data/measurements/a100-megatron/multi_node.csv", "several nodes", 6.0),
    ("notebooks-data/published/training_steps.csv", "megatron-sc21", 5.0),
    ("notebooks-data/published/training_steps.csv", "megatron-2020", 5.0),
    ("notebooks-data/published/training_steps.csv", "korthikanti-2022", 5.0),
    ("notebooks-data/published/training_steps.csv", "bloom-sweep", 10.0),
    ("notebooks-data/published/training_steps.csv", "mpt-fsdp", 10.0),
    ("notebooks-data/published/training_steps.csv", "b200-megatron", 10.0),
    // No constant was fitted to these: the data sheet of the H100, kernels of the H200, the slowdown of A100 stacks.
    ("notebooks-data/measurements/measure-gpu/h100_training_steps.csv", "pytorch-gpt", 12.0),
  ])
  func tablesArePredicted(table: String, group: String, bar: Double) throws {
    let comparison = try TableComparison(
      path: Repository.root + "/" + table, hardware: nil, calibration: nil, library: Repository.library)
    let summary = try #require(comparison.summaries.first { $0.group == group })
    let error = try #require(summary.mape)
    #expect(error < bar)
    #expect(comparison.values.allSatisfy { $0.predicted != nil })
    #expect(try #require(summary.coverage90) >= 85)
  }

  @Test(arguments: [
    (
      "parallelism={tensor: 8, pipeline: 97}",
      "'parallelism.pipeline' is 97, more than the 96 layers of gpt3-175b"
    ),
    (
      "parallelism={tensor: 8, pipeline: 7}",
      "'parallelism.pipeline' is 7: so many stages do not share the 96 layers of gpt3-175b evenly"
    ),
    (
      "parallelism={tensor: 8, pipeline: 4, devices: 100}",
      "'parallelism.devices' is 100, but tensor 8 x context 1 x pipeline 4 does not divide it"
    ),
    (
      "parallelism={tensor: 8, pipeline: 4, data: 2, devices: 128}",
      "'parallelism.devices' is 128, but tensor 8 x context 1 x pipeline 4 x data 2 is 64"
    ),
    (
      "parallelism={tensor: 8, virtual_stages: 2}",
      "'parallelism.virtual_stages' is 2, but 'parallelism.pipeline' is 1: nothing to interleave"
    ),
    (
      "parallelism={tensor: 8, pipeline: 8, virtual_stages: 2}",
      "'parallelism.virtual_stages' is 2, which needs micro-batches in multiples of the 8 stages; there are 1"
    ),
    ("parallelism={tensor: 8, expert: 2}", "'parallelism.expert' is 2, but gpt3-175b has no experts"),
    (
      "parallelism={tensor: 8, context: 3}",
      "'parallelism.context' is 3, which does not divide the 2048 tokens"
    ),
    (
      "run.global_batch=0", "'run.global_batch' is '0'; expected a whole number from 1 to 1000000000"
    ),
  ])
  func wrongPlansAreNamed(change: String, words: String) throws {
    do {
      _ = try project("gpt3-175b-node", change)
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
    }
  }

  @Test func aBatchThatDoesNotDivideIsNamed() throws {
    do {
      _ = try project(
        "gpt3-175b-node", "run={global_batch: 100, micro_batch: 3}", "parallelism={tensor: 8, data: 8}")
      Issue.record("accepted")
    } catch {
      #expect(
        "\(error)".contains(
          "'run.global_batch' is 100, which 8 replicas with micro-batches of 3 do not divide"))
    }
  }
}

/// Inputs of other tools.
@Suite struct ImportTests {
  static let application = """
    {"name": "gpt3-175B", "hidden": 12288, "feedforward": 49152, "seq_size": 2048, "attn_heads": 96, "attn_size": 128,
    "num_blocks": 96}
    """
  static let execution = """
    {"num_procs": 64, "tensor_par": 8, "pipeline_par": 8, "data_par": 1, "tensor_par_net": 0, "pipeline_par_net": 1,
    "data_par_net": 1, "batch_size": 64, "microbatch_size": 1, "datatype": "float16", "fused_activation": false,
    "attention_type": "multihead", "activation_recompute": "attn_only", "pipeline_interleaving": 3,
    "optimizer_sharding": false, "tensor_par_comm_type": "rs_ag", "tensor_par_overlap": "none",
    "seq_par_ag_redo": true, "data_par_overlap": false, "weight_offload": false, "activations_offload": false,
    "optimizer_offload": false, "training": true, "colour": "blue"}
    """

  /// GPT-3 175B of arXiv 2205.05198, Table 5: 13.75 s measured; what Calculon reads is enough to come within a tenth.
  @Test func calculonBecomesAScenario() throws {
    let imported = try ImportedScenario(
      calculon: try parseDocument(Self.application, file: "app.json"),
      execution: try parseDocument(Self.execution, file: "exe.json"), system: nil,
      hardware: "nvidia-a100-80g-sxm")
    #expect(imported.unknown == ["execution: colour"])
    #expect(imported.unused.map(\.field).contains("execution: tensor_par_net"))
    #expect(imported.text.contains("# unknown, and so not used: execution: colour"))
    let scenario = try Scenario(
      node: try parseDocument(imported.text, file: "imported.yaml"), path: "imported.yaml",
      in: Repository.library)
    #expect(scenario.plan.devices == 64 && scenario.plan.virtualStages == 3 && scenario.sequenceParallel)
    #expect(scenario.globalBatch == 64 && scenario.plan.recompute == .selective)
    #expect(abs(scenario.project().time.value / 13.75 - 1) < 0.1)
  }

  @Test func megatronArgumentsBecomeAScenario() throws {
    let words = """
      --num-layers 96 --hidden-size 12288 --num-attention-heads 96 --seq-length 2048 --micro-batch-size 1
      --global-batch-size 1536 --tensor-model-parallel-size 8 --pipeline-model-parallel-size 8
      --num-layers-per-virtual-pipeline-stage 3 --sequence-parallel --fp16 --recompute-granularity selective
      --lr 1.5e-4 --frobnicate 7 --use-flash-attn
      """.split { $0.isWhitespace }.map(String.init)
    let imported = try ImportedScenario(
      megatron: words, devices: 128, hardware: "nvidia-a100-80g-sxm", file: "arguments")
    #expect(imported.unknown == ["--frobnicate"] && imported.unused.map(\.field) == ["--lr"])
    let scenario = try Scenario(
      node: try parseDocument(imported.text, file: "imported.yaml"), path: "imported.yaml",
      in: Repository.library)
    #expect(scenario.plan.data == 2 && scenario.plan.virtualStages == 4 && scenario.globalBatch == 1536)
  }

  @Test func anArgumentThatIsMissingIsNamed() {
    do {
      _ = try ImportedScenario(
        megatron: ["--num-layers", "many"], devices: nil, hardware: "x", file: "arguments")
      Issue.record("accepted")
    } catch {
      #expect(
        "\(error)" == "arguments: error: '--num-layers' is 'many'; expected a whole number above zero"
          || "\(error)".contains("expected a whole number above zero"))
    }
  }
}

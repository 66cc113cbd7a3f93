import Documents
import Quantities
import TestSupport
import Testing
import Workloads

@Suite struct InferenceTests {
  static func model(_ name: String) throws -> TransformerModel {
    try TransformerModel(node: try readDocument(path: Repository.models + "/workloads/\(name).yaml"))
  }

  /// Counts the FLOP, the bytes of weights and the cached bytes that a step reads.
  struct Reads: OperatorSink {
    var flop = 0.0
    var weights = 0.0
    var cache = 0.0
    mutating func add(_ operation: Operator<Double>) {
      switch operation.work {
      case .gemm(let shape):
        flop += shape.flop
        weights += shape.batch * shape.k * shape.n * (shape.weightBytes ?? operation.dataType.bytes)
      case .attention(let shape):
        flop += shape.flop
        let width = shape.batch * shape.keyValueHeads * shape.keys * shape.headSize
        cache += 2 * width * (shape.keyValueBytes ?? operation.dataType.bytes)
      default: break
      }
    }
  }

  static func reads(_ step: DecodeStep<Double>) -> Reads {
    var reads = Reads()
    for _ in 0..<step.model.denseLayers { step.layer(mixture: false, into: &reads) }
    for _ in step.model.denseLayers..<step.model.layers { step.layer(mixture: true, into: &reads) }
    step.head(into: &reads)
    return reads
  }

  /// Bytes a token of the cache: Llama 3 70B keeps 80 layers of 8 heads of 128 keys and values in 16 bits, 320 KiB;
  /// GPT-3 keeps 96 layers of 12,288 each, 4.5 MiB; DeepSeek-V2 and V3 keep 576 elements a layer (arXiv 2405.04434,
  /// section 2.1.4: 512 + 64), 60 and 61 layers.
  @Test func cacheOfPublishedModels() throws {
    #expect(try Self.model("llama-3-70b").cacheBytesPerToken(.bf16) == 327_680)
    #expect(try Self.model("gpt3-175b").cacheBytesPerToken(.fp16) == 4_718_592)
    #expect(try Self.model("deepseek-v2").cacheBytesPerToken(.bf16) == 60 * 576 * 2)
    #expect(try Self.model("deepseek-v3").cacheBytesPerToken(.bf16) == 61 * 576 * 2)
    // Eight devices share the heads of Llama, each has DeepSeek's vector.
    #expect(try Self.model("llama-3-70b").cacheBytesPerToken(.bf16, tensorParallel: 8) == 40_960)
    #expect(try Self.model("llama-3-70b").cacheBytesPerToken(.fp8, tensorParallel: 16) == 20_480)
    #expect(try Self.model("deepseek-v3").cacheBytesPerToken(.bf16, tensorParallel: 8) == 61 * 576 * 2)
  }

  /// A step for one sequence reads every weight of a dense model once, but for norms and the rows of the embedding, and
  /// does two operations with each.
  @Test(arguments: ["llama-3-70b", "gpt3-175b", "llama-65b"])
  func aStepReadsAllWeightsOnce(name: String) throws {
    let model = try Self.model(name)
    let step = DecodeStep<Double>(model: model, batch: 1, context: 1, layout: InferenceLayout())
    let reads = Self.reads(step)
    let matrices =
      Double(model.layers) * model.layerMatrixParameters + Double(model.vocabulary * model.hidden)
    #expect(abs(reads.weights / (2 * matrices) - 1) < 1e-12)
    let attention = Double(model.layers * 4 * model.queryWidth)
    #expect(abs(reads.flop / (2 * matrices + attention) - 1) < 1e-12)
    // The cache of one token.
    #expect(abs(reads.cache / model.cacheBytesPerToken(.bf16) - 1) < 1e-12)
  }

  /// Latent attention reads its weights once as well, with the up-projections taken into queries and context, and 576
  /// elements of each cached token.
  @Test func latentAttentionReadsVectors() throws {
    let model = try Self.model("deepseek-v3")
    let layout = InferenceLayout(cache: .fp8)
    let step = DecodeStep<Double>(model: model, batch: 4, context: 1000, layout: layout)
    var layer = Reads()
    step.layer(mixture: false, into: &layer)
    #expect(abs(layer.weights / (2 * model.layerMatrixParameters) - 1) < 1e-12)
    #expect(abs(layer.cache - 4 * 1000 * 576) < 1e-6)
    // 128 heads: scores over 576 elements, context over 512.
    var attention = 0.0
    var list = OperatorList<Double>()
    step.layer(mixture: false, into: &list)
    for operation in list.operators {
      if case .attention(let shape) = operation.work { attention += shape.flop }
    }
    #expect(abs(attention - 2 * 4 * 128 * 1000 * (576 + 512)) < 1e-3)
  }

  /// One token of DeepSeek-V3 wakes 8 of 256 experts a layer; thousands wake all of them, and weights are read once.
  @Test func expertsThatTokensWake() throws {
    let model = try Self.model("deepseek-v3")
    func experts(_ batch: Double) throws -> Double {
      var reads = Reads()
      var other = Reads()
      let step = DecodeStep<Double>(model: model, batch: batch, context: 1, layout: InferenceLayout())
      step.layer(mixture: true, into: &reads)
      step.layer(mixture: false, into: &other)
      let shared = Double(3 * model.hidden) * Double(model.experts?.sharedFeedForward ?? 0)
      let router = Double(model.hidden * 256)
      let dense = Double(3 * model.hidden * model.feedForward)
      let routed = reads.weights / 2 - (other.weights / 2 - dense) - shared - router
      return routed / (3 * Double(model.hidden) * 2048)
    }
    #expect(abs(try experts(1) - 8) < 1e-6)
    // 256 (1 - (1 - 8/256)^32) = 163.3
    #expect(abs(try experts(32) - 163.31) < 0.1)
    #expect(abs(try experts(4096) - 256) < 1e-6)
  }

  /// Eight devices hold an eighth, and move an eighth; the cache of grouped heads is shared out as well.
  @Test func tensorParallelSharesEverything() throws {
    let model = try Self.model("llama-3-70b")
    let one = Self.reads(DecodeStep(model: model, batch: 16, context: 500, layout: InferenceLayout()))
    let eighth = Self.reads(
      DecodeStep(model: model, batch: 16, context: 500, layout: InferenceLayout(tensorParallel: 8)))
    #expect(abs(eighth.weights / one.weights - 0.125) < 1e-12)
    #expect(abs(eighth.cache / one.cache - 0.125) < 1e-12)
    #expect(abs(eighth.flop / one.flop - 0.125) < 1e-12)
  }

  /// 4-bit groups of 128 with a scale and a zero of 16 bits: 4.25 bits a weight; MX blocks of 32 with 8 bits: the same.
  @Test func bitsOfFormats() {
    #expect(StorageFormat.int4.bytes * 8 == 4.25)
    #expect(StorageFormat.fp4.bytes * 8 == 4.25)
    #expect(StorageFormat(.tf32).bytes == 4)
    #expect(StorageFormat.int8.needsConversion(to: .bf16))
    #expect(!StorageFormat.fp8.needsConversion(to: .fp8))
  }

  /// Published sizes: Llama 3 70B has 70.6 billion parameters, 141 GB in 16 bits; DeepSeek-V3's 671 billion in 8 bits are
  /// 671 GB and a little for what stays in 16.
  @Test func weightsOfPublishedModels() throws {
    let llama = try Self.model("llama-3-70b").weightBytes(InferenceLayout())
    #expect(abs(llama / 141.1e9 - 1) < 0.005)
    let deepSeek = try Self.model("deepseek-v3").weightBytes(InferenceLayout(dataType: .fp8))
    #expect(deepSeek > 668e9 && deepSeek < 680e9)
    let shared = try Self.model("deepseek-v3").weightBytes(
      InferenceLayout(expertParallel: 64, dataType: .fp8))
    #expect(shared < 0.06 * deepSeek)
  }
}

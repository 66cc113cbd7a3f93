import Documents
import Quantities
import TestSupport
import Testing
import Workloads

private func model(_ name: String) throws -> TransformerModel {
  try TransformerModel(node: try readDocument(path: Repository.models + "/workloads/\(name).yaml"))
}

private let transformers = Repository.library.names(.workloads).filter { name in
  guard let node = try? readDocument(path: Repository.models + "/workloads/\(name).yaml"),
    case .scalar("transformer", _)? = node.value("kind")?.content
  else { return false }
  return true
}

@Suite struct ParameterTests {
  /// Counts that the publishers print, typed here again; per cent that the shape may differ.
  @Test(
    arguments: [
      ("gpt3-175b", 175e9, 1), ("gpt2-xl", 1_557_611_200, 0.1), ("bert-large", 335_141_888, 0.5),
      ("bloom-176b", 176_247_271_424, 0.01), ("llama-65b", 65.2e9, 0.5), ("llama-3.1-405b", 405.85e9, 0.1),
      ("palm-540b", 540.35e9, 0.5), ("mt-nlg-530b", 529.6e9, 0.1), ("megatron-1t", 1008e9, 0.1),
      ("gopher-280b", 280e9, 8), ("t-nlg-17b", 17e9, 2), ("megatron-1.7b", 1.7e9, 3),
      ("megatron-3.6b", 3.6e9, 2), ("megatron-7.5b", 7.5e9, 2), ("megatron-18b", 18.4e9, 1),
      ("megatron-39b", 39.1e9, 1), ("megatron-76b", 76.1e9, 1), ("megatron-145b", 145.6e9, 1),
      ("megatron-310b", 310.1e9, 1), ("megatron-2020-1b", 1.16e9, 2), ("megatron-2020-2b", 2.03e9, 2),
      ("megatron-2020-4b", 4.24e9, 1), ("megatron-2020-8b", 8.67e9, 1),
    ] as [(String, Double, Double)])
  func agreeWithThePublishedCount(name: String, published: Double, percent: Double) throws {
    #expect(abs(try model(name).parameters / published - 1) * 100 < percent)
  }

  /// Every file's own figure is what its shape gives, but for two that the shape cannot say in full: T5 has
  /// cross-attention, and Gopher a matrix of relative positions in each layer, 80 x 16384^2 = 21.5e9 in all.
  @Test(arguments: transformers)
  func shapeGivesTheStatedCount(name: String) throws {
    let shape = try model(name)
    let stated = try #require(shape.publishedParameters)
    let tolerance = ["t5-11b": 0.15, "gopher-280b": 0.08][name] ?? 0.035
    #expect(abs(shape.parameters / stated.value - 1) < tolerance)
    #expect(shape.name == name)
  }

  /// l (12 h^2 + 13 h) + V h + s h + 2 h, the count of arXiv 2104.04473, for any shape of the GPT family.
  @Test(arguments: UInt64(0)..<100)
  func classicFamilyFollowsTheFormula(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let heads = Int.random(in: 1...128, using: &random)
    let h = heads * Int.random(in: 8...256, using: &random)
    let (l, v, s) = (
      Int.random(in: 1...200, using: &random), Int.random(in: 2...300_000, using: &random),
      Int.random(in: 1...10_000, using: &random)
    )
    let text = """
      {name: x, title: x, kind: transformer, provenance: {kind: measured, source: a test}, shape: {layers: \(l),
      hidden: \(h), heads: \(heads), activation: gelu, vocabulary: \(v), sequence: \(s)}}
      """
    let shape = try TransformerModel(node: try parseDocument(text, file: nil))
    let expected = l * (12 * h * h + 13 * h) + v * h + s * h + 2 * h
    #expect(shape.parameters == Double(expected))
  }
}

@Suite struct UtilizationTests {
  /// arXiv 2205.05198: seconds with selective recomputation, and the printed utilisations of 312 TFLOP/s.
  @Test(
    arguments: [
      ("megatron-22b", 8, 4, 1.10, 41.5, 43.7), ("gpt3-175b", 64, 64, 13.75, 51.4, 52.8),
      ("mt-nlg-530b", 280, 280, 37.83, 56.0, 57.0), ("megatron-1t", 512, 512, 71.49, 56.3, 57.0),
    ] as [(String, Double, Double, Double, Double, Double)])
  func selectiveRecomputation(
    name: String, gpus: Double, batch: Double, seconds: Double, modelPercent: Double, hardwarePercent: Double
  ) throws {
    let shape = try model(name)
    func percent(_ work: FLOP) -> Double { work.value / (seconds * gpus * 312e12) * 100 }
    #expect(abs(percent(shape.modelFLOP(sequences: batch, length: 2048)) - modelPercent) <= 0.2)
    let executed = shape.hardwareFLOP(sequences: batch, length: 2048, recompute: .selective)
    #expect(abs(percent(executed) - hardwarePercent) <= 0.2)
  }

  /// Full recomputation: seconds a step against the TFLOP/s that are printed (Megatron-LM, MT-NLG, BLOOM).
  @Test(
    arguments: [
      ("gpt3-175b", 1024, 1536, 32, 138, 1), ("mt-nlg-530b", 2240, 1920, 60.1, 126, 1),
      ("mt-nlg-530b", 2800, 1920, 50.2, 121, 1), ("mt-nlg-530b", 3360, 1920, 44.4, 113, 1),
      ("bloom-176b", 384, 2048, 105, 149.5, 1),
    ] as [(String, Double, Double, Double, Double, Double)])
  func fullRecomputation(
    name: String, gpus: Double, batch: Double, seconds: Double, printed: Double, within: Double
  ) throws {
    let work = try model(name).hardwareFLOP(sequences: batch, length: 2048, recompute: .full)
    #expect(abs(work.value / seconds / gpus / 1e12 - printed) <= within)
  }

  /// Megatron-LM, SC21 table 1: seconds as derived from 96 B s l h^2 (1 + s/6h + V/16lh), so they invert exactly.
  @Test(
    arguments: [
      ("megatron-1.7b", 32, 512, 137, 3.528), ("megatron-3.6b", 64, 512, 138, 3.697),
      ("megatron-7.5b", 128, 512, 142, 3.696), ("megatron-18b", 256, 1024, 135, 9.399),
      ("megatron-39b", 512, 1536, 138, 14.45), ("megatron-76b", 1024, 1792, 140, 16.06),
      ("megatron-145b", 1536, 2304, 148, 24.82), ("megatron-310b", 1920, 2160, 155, 37.61),
      ("mt-nlg-530b", 2520, 2520, 163, 54.08), ("megatron-1t", 3072, 3072, 163, 102.6),
    ] as [(String, Double, Double, Double, Double)])
  func supercomputingTable(name: String, gpus: Double, batch: Double, teraflops: Double, seconds: Double)
    throws
  {
    let work = try model(name).hardwareFLOP(sequences: batch, length: 2048, recompute: .full)
    #expect(abs(work.value / (teraflops * 1e12 * gpus) / seconds - 1) < 6e-4)
  }

  /// Megatron 2020 on one DGX-A100: 149.8 TFLOP/s at 1,076 ms, batch 16, length 1,024 (printed).
  @Test(
    arguments: [
      ("megatron-2020-1b", 1, 1.076, 149.8), ("megatron-2020-2b", 2, 1.026, 136.8),
      ("megatron-2020-4b", 4, 1.162, 124.7), ("megatron-2020-8b", 8, 1.343, 109.3),
    ] as [(String, Double, Double, Double)])
  func insideOneNode(name: String, gpus: Double, seconds: Double, printed: Double) throws {
    let work = try model(name).hardwareFLOP(sequences: 16, length: 1024, recompute: .full)
    #expect(abs(work.value / seconds / gpus / 1e12 / printed - 1) < 0.01)
  }

  /// PaLM: 238.3 thousand tokens a second are 46.2 % of 6,144 chips of 275 TFLOP/s, attention included.
  @Test func palm() throws {
    let perToken = try model("palm-540b").modelFLOP(sequences: 1, length: 2048).value / 2048
    #expect(abs(perToken * 238.3e3 / (6144 * 275e12) * 100 - 46.2) < 0.3)
  }

  @Test func recomputationOnlyAdds() throws {
    for name in transformers {
      let shape = try model(name)
      func executed(_ recompute: Recompute) -> FLOP {
        shape.hardwareFLOP(sequences: 2, length: 1024, recompute: recompute)
      }
      #expect(executed(.none) == shape.modelFLOP(sequences: 2, length: 1024))
      #expect(executed(.selective) > executed(.none))
      // All layers once more is a third of the layers' share, and never more than a third of the whole.
      #expect(executed(.full) / executed(.none) > 1.15 && executed(.full) / executed(.none) < 4.0 / 3)
    }
  }
}

@Suite struct TrafficTests {
  /// Training FLOP for each byte that tensor parallelism moves (reference, section 2.3).
  @Test(
    arguments: [
      ("megatron-gpt2-8.3b", 3072, 1024, 8, 3648), ("t-nlg-17b", 4256, 1024, 8, 4980),
      ("gpt3-175b", 12288, 2048, 8, 14208), ("palm-540b", 18432, 2048, 12, 14080),
      ("mt-nlg-530b", 20480, 2048, 8, 23424), ("bert-large", 1024, 512, 1, 9984),
    ] as [(String, Double, Double, Double, Double)])
  func edges(name: String, hidden: Double, length: Double, degree: Double, edge: Double) throws {
    let shape = try model(name)
    #expect(Double(shape.hidden) == hidden)
    #expect(
      TransformerTraffic.edge(hidden: hidden, length: length, elementBytes: 2, tensorParallel: degree).value
        == edge)
  }

  /// The share of serialised communication in per cent (reference, section 2.6: 118 TFLOP/s, 150 GB/s, 2,048 tokens).
  @Test(
    arguments: [
      (1024, 4, 1, 28), (1024, 16, 2, 79), (1024, 256, 4, 99), (4096, 8, 1, 22), (4096, 32, 1, 55),
      (4096, 64, 4, 91),
      (16384, 4, 2, 6), (16384, 16, 4, 39), (16384, 64, 1, 40), (16384, 128, 1, 57), (65536, 8, 4, 7),
      (65536, 32, 4, 25), (65536, 64, 2, 25), (65536, 256, 1, 40), (65536, 256, 4, 73),
    ] as [(Double, Double, Double, Double)])
  func shares(hidden: Double, degree: Double, faster: Double, percent: Double) {
    let share = TransformerTraffic.serializedShare(
      hidden: hidden, length: 2048, elementBytes: 2, tensorParallel: degree,
      computeRate: FLOPPerSecond(faster * 118e12), busBandwidth: BytesPerSecond(150e9))
    #expect((100 * share).rounded() == percent)
  }

  @Test func shareInTheLimits() {
    func share(_ degree: Double, _ rate: Double) -> Double {
      TransformerTraffic.serializedShare(
        hidden: 4096, length: 2048, elementBytes: 2, tensorParallel: degree, computeRate: FLOPPerSecond(rate),
        busBandwidth: BytesPerSecond(150e9))
    }
    #expect(share(1, 1e15) == 0)
    #expect(share(8, 1e30) > 0.999999)
    #expect(share(8, 1) < 1e-9)
  }

  /// GPT-3 prompt of 8 x 2,048 tokens: the all-reduce of LLMCompass moves 402.7 MB.
  @Test func tensorPayload() {
    let payload = TransformerTraffic.tensorPayload(
      elementBytes: 2, microBatch: 8, length: 2048, hidden: 12288)
    #expect(payload.value == 402_653_184)
    // Megatron 2020, TP 1: 2.32 GB of gradients in FP16 for 24 layers of 1,920 and the embeddings.
    let layers = TransformerTraffic.gradientPayload(
      gradientBytes: 2, layerParameters: 24 * (12 * 1920 * 1920 + 13 * 1920), tensorParallel: 1)
    #expect(abs(layers.value + 2 * 51200 * 1920 - 2.32e9) < 0.01e9)
  }

  /// Slack, (2/3)(s B/p)(6 + s/H), approaches 4 s B/p for the feed-forward weights alone when H is large.
  @Test func slackInTheLimit() {
    let slack = TransformerTraffic.slack(hidden: 1e12, length: 2048, microBatch: 4, gradientBytes: 2)
    #expect(abs(slack.value / (4 * 2048 * 4 / 2) - 1) < 1e-6)
  }
}

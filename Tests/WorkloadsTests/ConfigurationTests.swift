import Documents
import TestSupport
import Testing
import Workloads

private func fixture(_ name: String) throws -> TransformerModel {
  let path = Repository.root + "/Tests/WorkloadsTests/Fixtures/\(name).json"
  return try TransformerModel(huggingFace: try readDocument(path: path), name: name)
}

private func read(_ json: String) throws -> TransformerModel {
  try TransformerModel(huggingFace: try parseDocument(json, file: "config.json"), name: "x")
}

/// config.json files of the Hugging Face hub, against the parameter counts of the published weights.
@Suite struct ConfigurationTests {
  /// `missing` counts parameters that the shape leaves out, by the model's own definition.
  @Test(
    arguments: [
      ("gpt2", 124_439_808, 0), ("llama-3-8b", 8_030_261_248, 0),
      // Two token types and the pooler.
      ("bert-base", 109_482_240, 2 * 768 + 768 * 769),
      // The normalisation behind the embedding.
      ("bloom-176b", 176_247_271_424, 2 * 14336),
      // Two rows more in the table of positions.
      ("opt-6.7b", 6_658_473_984, 2 * 4096),
      // A second normalisation in each layer, although the blocks stand side by side.
      ("gpt-neox-20b", 20_554_567_680, 44 * 2 * 6144),
      ("gemma-2b", 2_506_172_416, 0),
    ] as [(String, Double, Double)])
  func parameters(name: String, published: Double, missing: Double) throws {
    #expect(try fixture(name).parameters + missing == published)
  }

  @Test func groupedQueries() throws {
    let model = try fixture("llama-3-8b")
    #expect(model.layers == 32 && model.hidden == 4096 && model.heads == 32 && model.keyValueHeads == 8)
    #expect(model.headSize == 128 && model.keyValueWidth == 1024 && model.feedForward == 14336)
    #expect(model.activation == .swiglu && model.normalization == .rmsnorm && model.positions == .rotary)
    #expect(!model.biases && !model.tiedEmbeddings && model.sequence == 8192 && model.vocabulary == 128_256)
  }

  @Test func shapes() throws {
    let gpt2 = try fixture("gpt2")
    #expect(gpt2.feedForward == 3072 && gpt2.headSize == 64 && gpt2.sequence == 1024 && gpt2.tiedEmbeddings)
    #expect(gpt2.activation == .gelu && gpt2.positions == .learned && gpt2.biases)
    let bloom = try fixture("bloom-176b")
    #expect(bloom.hidden == 14336 && bloom.layers == 70 && bloom.heads == 112 && bloom.sequence == 2048)
    #expect(bloom.feedForward == 57344 && bloom.positions == .alibi)
    let neox = try fixture("gpt-neox-20b")
    #expect(neox.parallelBlocks && neox.positions == .rotary && !neox.tiedEmbeddings && neox.biases)
    let opt = try fixture("opt-6.7b")
    #expect(opt.activation == .relu && opt.feedForward == 16384 && opt.title == "facebook/opt-6.7b")
    let bert = try fixture("bert-base")
    #expect(bert.sequence == 512 && bert.vocabulary == 30522 && bert.activation == .gelu)
    let gemma = try fixture("gemma-2b")
    #expect(
      gemma.headSize == 256 && gemma.keyValueHeads == 1 && gemma.activation == .geglu && gemma.tiedEmbeddings)
    let t5 = try fixture("t5-11b")
    #expect(
      t5.headSize == 128 && t5.queryWidth == 16384 && t5.feedForward == 65536 && t5.positions == .relative)
  }

  /// Mixtral 8x7B as its publisher counts it: 46.7 B parameters, 12.9 B of them active for a token (arXiv 2401.04088).
  @Test func expertsAreCounted() throws {
    let mixtral = try fixture("mixtral-8x7b")
    #expect(mixtral.experts == Experts(count: 8, active: 2, feedForward: 14336))
    #expect(abs(mixtral.parameters / 46.7e9 - 1) < 0.002)
    let idle = mixtral.layersParameters - 32 * mixtral.activeMatrixParameters
    #expect(abs((mixtral.parameters - idle) / 12.9e9 - 1) < 0.003)
    #expect(
      complaint {
        try read(
          #"{"model_type": "qwen2_moe", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_experts": 60}"#
        )
      } == "config.json:1:1: error: the file lacks the key 'num_experts_per_tok'")
  }

  @Test func whatIsMissingOrWrongIsNamed() {
    #expect(
      complaint { try read(#"{"model_type": "llama", "hidden_size": 4096}"#) }
        == "config.json:1:1: error: the file lacks the key 'num_hidden_layers'")
    #expect(
      complaint { try read(#"{"model_type": "gpt2", "n_layer": "many", "n_embd": 768}"#) }
        == "config.json:1:35: error: 'n_layer' is 'many'; expected a whole number from 1 to 1000000000")
    #expect(
      complaint {
        try read(
          #"{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 100, "num_attention_heads": 3}"#)
      }
        == "config.json:1:1: error: hidden 100 is not divisible by 3 heads; give head_size if that is meant")
    #expect(
      complaint {
        try read(
          #"{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 96, "num_attention_heads": 12, "num_key_value_heads": 5}"#
        )
      } == "config.json:1:1: error: 12 heads cannot share 5 key-value heads evenly")
  }

  @Test func recognition() throws {
    #expect(TransformerModel.isHuggingFace(try parseDocument(#"{"model_type": "gpt2"}"#, file: nil)))
    #expect(TransformerModel.isHuggingFace(try parseDocument(#"{"architectures": ["X"]}"#, file: nil)))
    #expect(!TransformerModel.isHuggingFace(try parseDocument("{kind: transformer}", file: nil)))
  }
}

@Suite struct ModelFileTests {
  private func model(_ shape: String, kind: String = "transformer") throws -> TransformerModel {
    let text = """
      name: x
      title: x
      kind: \(kind)
      provenance: {kind: measured, source: a test}
      shape: {\(shape)}
      """
    return try TransformerModel(node: try parseDocument(text, file: "m.yaml"))
  }

  @Test(
    arguments: [
      (
        "layers: 2, hidden: 100, heads: 3, activation: gelu, vocabulary: 10, sequence: 8", 5, 8,
        "hidden 100 is not divisible by 3 heads; give head_size if that is meant"
      ),
      (
        "layers: 2, hidden: 96, heads: 12, key_value_heads: 5, activation: gelu, vocabulary: 10, sequence: 8",
        5, 8,
        "12 heads cannot share 5 key-value heads evenly"
      ),
      (
        "layers: 2, hidden: 96, heads: 12, activation: gelo, vocabulary: 10, sequence: 8", 5, 55,
        "'shape.activation' is 'gelo'; did you mean 'gelu'?"
      ),
      (
        "layers: 2, hidden: 96, heads: 12, activation: gelu, vocabulary: 10", 5, 8,
        "'shape' lacks the key 'sequence'"
      ),
      (
        "layers: 2, hidden: 96, heads: 12, activation: gelu, vocabulary: 10, sequence: 8, biasses: false", 5,
        90,
        "unknown key 'biasses' in 'shape'; did you mean 'biases'?"
      ),
      (
        "layers: 0, hidden: 96, heads: 12, activation: gelu, vocabulary: 10, sequence: 8", 5, 17,
        "'shape.layers' is '0'; expected a whole number from 1 to 100000"
      ),
    ] as [(String, Int, Int, String)])
  func wrongShapes(shape: String, line: Int, column: Int, words: String) {
    #expect(complaint { try model(shape) } == "m.yaml:\(line):\(column): error: \(words)")
  }

  @Test func unknownKindIsNoTransformer() {
    let shape = "layers: 2, hidden: 96, heads: 12, activation: gelu, vocabulary: 10, sequence: 8"
    #expect(
      complaint { try model(shape, kind: "tranformer") }
        == "m.yaml:3:7: error: 'kind' is 'tranformer'; did you mean 'transformer'?")
    #expect(complaint { try model(shape) } == "no error")
  }

  @Test func headSizeMayDifferFromTheQuotient() throws {
    let shape =
      "layers: 2, hidden: 100, heads: 3, head_size: 64, activation: gelu, vocabulary: 10, sequence: 8"
    let shaped = try model(shape)
    #expect(shaped.queryWidth == 192 && shaped.keyValueWidth == 192)
  }
}

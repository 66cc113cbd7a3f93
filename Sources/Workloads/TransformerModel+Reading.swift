public import Documents
import Quantities

extension TransformerModel {
  /// Reads a Transformer from a mapping of the catalogue's form.
  ///
  /// - Throws: `Diagnostic` at the first fault, among them shapes that contradict themselves.
  public init(node: DocumentNode) throws(Diagnostic) {
    var reader = try MappingReader(node)
    name = try reader.text("name")
    title = try reader.text("title")
    let kindNode = try reader.node("kind")
    let kind = try MappingReader.scalar(kindNode, path: "kind", expected: "transformer or operators")
    guard kind == "transformer" else {
      throw kindNode.diagnostic(.unknownWord(path: "kind", found: kind, known: ["transformer", "operators"]))
    }
    year = try reader.optionalInteger("year", in: 1960...2100)
    note = try reader.optionalText("note")
    let sources = try reader.sourceTexts()
    var shape = try reader.mapping("shape")
    layers = try shape.integer("layers", in: 1...100_000)
    hidden = try shape.integer("hidden", in: 1...10_000_000)
    heads = try shape.integer("heads", in: 1...100_000)
    let keyValueHeads = try shape.optionalInteger("key_value_heads", in: 1...100_000) ?? heads
    let headSize = try shape.optionalInteger("head_size", in: 1...1_000_000)
    feedForward = try shape.optionalInteger("feed_forward", in: 1...100_000_000) ?? 4 * hidden
    activation = try shape.word("activation", as: Activation.self)
    vocabulary = try shape.integer("vocabulary", in: 1...100_000_000)
    sequence = try shape.integer("sequence", in: 1...100_000_000)
    normalization = try shape.optionalWord("normalization", as: Normalization.self) ?? .layernorm
    biases = try shape.optionalFlag("biases") ?? true
    parallelBlocks = try shape.optionalFlag("parallel_blocks") ?? false
    tiedEmbeddings = try shape.optionalFlag("tied_embeddings") ?? true
    positions = try shape.optionalWord("positions", as: Positions.self) ?? .learned
    latentAttention = try shape.optionalMapping("latent_attention").map { mapping throws(Diagnostic) in
      try LatentAttention(reading: mapping)
    }
    experts = try shape.optionalMapping("experts").map { mapping throws(Diagnostic) in
      try Experts(reading: mapping)
    }
    try shape.finish()
    (self.keyValueHeads, self.headSize) = try Self.headShape(
      hidden: hidden, heads: heads, keyValueHeads: keyValueHeads,
      headSize: latentAttention.map { $0.plainHead + $0.rotaryHead } ?? headSize, at: shape.node)
    var provenance = try reader.mapping("provenance")
    self.provenance = try provenance.provenance(sources: sources)
    _ = try provenance.optionalText("note")
    try provenance.finish()
    publishedParameters = try reader.optionalSourced("parameters", as: Number.self, sources: sources)
    try reader.finish()
  }

  private static func headShape(
    hidden: Int, heads: Int, keyValueHeads: Int, headSize: Int?, at node: DocumentNode
  ) throws(Diagnostic) -> (keyValueHeads: Int, headSize: Int) {
    guard heads % keyValueHeads == 0 else {
      throw node.diagnostic(
        .contradiction("\(heads) heads cannot share \(keyValueHeads) key-value heads evenly"))
    }
    guard let headSize else {
      guard hidden % heads == 0 else {
        throw node.diagnostic(
          .contradiction(
            "hidden \(hidden) is not divisible by \(heads) heads; give head_size if that is meant"))
      }
      return (keyValueHeads, hidden / heads)
    }
    return (keyValueHeads, headSize)
  }
}

extension TransformerModel {
  /// Whether a file is a Hugging Face `config.json`.
  public static func isHuggingFace(_ node: DocumentNode) -> Bool {
    node.value("model_type") != nil || node.value("architectures") != nil
  }

  /// Reads the shape from a Hugging Face `config.json` as it is.
  ///
  /// The families differ in their key names (`hidden_size`, `n_embd`, `d_model`); all spellings of the dense
  /// decoder and encoder families are known. Keys that do not bear on cost are left alone.
  ///
  /// - Parameters:
  ///   - node: the file.
  ///   - name: a name for the model, usually its path.
  /// - Throws: `Diagnostic` when a needed key is missing, or the model has experts (not modelled yet).
  public init(huggingFace node: DocumentNode, name: String) throws(Diagnostic) {
    var reader = try MappingReader(node)
    let family = (try reader.optionalText("model_type") ?? "").lowercased()
    func optional(_ keys: [String]) throws(Diagnostic) -> Int? {
      for key in keys {
        guard let value = node.value(key) else { continue }
        if case .scalar("null", false) = value.content { continue }
        return try MappingReader.integer(value, path: key, in: 1...1_000_000_000)
      }
      return nil
    }
    func find(_ keys: [String], default fallback: Int? = nil) throws(Diagnostic) -> Int {
      if let value = try optional(keys) ?? fallback { return value }
      throw node.diagnostic(.missingKey(keys[0], path: ""))
    }
    self.name = name
    title = try reader.optionalText("_name_or_path").flatMap { $0.isEmpty ? nil : $0 } ?? name
    year = nil
    note = nil
    layers = try find(["num_hidden_layers", "n_layer", "num_layers", "n_layers"])
    hidden = try find(["hidden_size", "n_embd", "n_embed", "d_model", "dim"])
    heads = try find(["num_attention_heads", "n_head", "n_heads", "num_heads"])
    let isMultiQuery = try reader.optionalFlag("multi_query") ?? false
    let keyValueHeads = try find(
      ["num_key_value_heads", "num_kv_heads", "n_head_kv"], default: isMultiQuery ? 1 : heads)
    let headSize = try optional(["head_dim", "d_kv"])
    latentAttention = try optional(["kv_lora_rank"]).map { rank throws(Diagnostic) in
      LatentAttention(
        queryRank: try optional(["q_lora_rank"]), keyValueRank: rank,
        plainHead: try find(["qk_nope_head_dim"]), rotaryHead: try find(["qk_rope_head_dim"]),
        valueHead: try find(["v_head_dim"]))
    }
    (self.keyValueHeads, self.headSize) = try Self.headShape(
      hidden: hidden, heads: heads, keyValueHeads: keyValueHeads,
      headSize: latentAttention.map { $0.plainHead + $0.rotaryHead } ?? headSize, at: node)
    feedForward = try find(
      ["intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size"], default: 4 * hidden)
    experts = try Self.huggingFaceExperts(feedForward: feedForward, optional, find)
    let gatedFamilies = [
      "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "cohere", "olmo",
      "olmo2", "internlm2", "granite", "starcoder2_gated", "stablelm", "deepseek", "deepseek_v2",
      "deepseek_v3",
      "mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "gpt_oss", "kimi_k2",
    ]
    let isGated = gatedFamilies.contains(family)
    var function = "gelu"
    for key in ["hidden_activation", "activation_function", "hidden_act"] {
      if let text = try reader.optionalText(key) { function = text.lowercased() }
    }
    if isGated {
      activation = function.contains("gelu") ? .geglu : .swiglu
    } else {
      activation = function.contains("relu") ? .relu : .gelu
    }
    vocabulary = try find(["vocab_size"])
    sequence = try find(
      ["max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len"], default: 2048)
    normalization = node.value("rms_norm_eps") == nil ? .layernorm : .rmsnorm
    biases = try reader.optionalFlag("attention_bias") ?? !isGated
    let parallelAttention = try reader.optionalFlag("parallel_attn")
    let parallelResidual = try reader.optionalFlag("use_parallel_residual")
    parallelBlocks = parallelAttention ?? parallelResidual ?? false
    // What the library assumes when the file is silent: most gated families untie, these do not.
    let tiesByDefault = !isGated || family.hasPrefix("gemma") || family == "cohere"
    tiedEmbeddings = try reader.optionalFlag("tie_word_embeddings") ?? tiesByDefault
    switch family {
    case "bloom": positions = .alibi
    case "t5": positions = .relative
    default:
      let rotary =
        node.value("rope_theta") != nil || node.value("rotary_pct") != nil
        || node.value("rope_scaling") != nil || isGated
      positions = rotary ? .rotary : .learned
    }
    provenance = Provenance(.published, "config.json as published with the model's weights")
    publishedParameters = nil
  }

  /// The experts of a mixture, in the spellings of Mixtral, Qwen and DeepSeek; nil for a dense model.
  private static func huggingFaceExperts(
    feedForward: Int, _ optional: ([String]) throws(Diagnostic) -> Int?,
    _ find: ([String], Int?) throws(Diagnostic) -> Int
  ) throws(Diagnostic) -> Experts? {
    guard let count = try optional(["num_local_experts", "n_routed_experts", "num_experts"]) else {
      return nil
    }
    let width = try optional(["moe_intermediate_size"]) ?? feedForward
    var sharedWidth = width * (try optional(["n_shared_experts"]) ?? 0)
    if let stated = try optional(["shared_expert_intermediate_size"]) { sharedWidth = stated }
    return Experts(
      count: count, active: try find(["num_experts_per_tok", "moe_top_k", "num_experts_per_token"], nil),
      feedForward: width, sharedFeedForward: sharedWidth,
      denseLayers: try optional(["first_k_dense_replace"]) ?? 0)
  }
}

extension Experts {
  /// Reads `experts` of a shape.
  init(reading mapping: MappingReader) throws(Diagnostic) {
    var reader = mapping
    let count = try reader.integer("count", in: 1...1_000_000)
    let active = try reader.integer("active", in: 1...1_000_000)
    guard active <= count else {
      throw reader.node.diagnostic(
        .contradiction("\(active) active experts are more than the \(count) that there are"))
    }
    self.init(
      count: count, active: active, feedForward: try reader.integer("feed_forward", in: 1...100_000_000),
      sharedFeedForward: try reader.optionalInteger("shared_feed_forward", in: 1...100_000_000) ?? 0,
      denseLayers: try reader.optionalInteger("dense_layers", in: 0...100_000) ?? 0)
    try reader.finish()
  }
}

extension LatentAttention {
  /// Reads `latent_attention` of a shape.
  init(reading mapping: MappingReader) throws(Diagnostic) {
    var reader = mapping
    let sizes = 1...1_000_000
    self.init(
      queryRank: try reader.optionalInteger("query_rank", in: sizes),
      keyValueRank: try reader.integer("key_value_rank", in: sizes),
      plainHead: try reader.integer("plain_head", in: sizes),
      rotaryHead: try reader.integer("rotary_head", in: sizes),
      valueHead: try reader.integer("value_head", in: sizes))
    try reader.finish()
  }
}

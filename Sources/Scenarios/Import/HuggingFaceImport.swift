public import Documents
import Workloads

extension ImportedScenario {
  /// Reads a Hugging Face `config.json` as a workload of ours, and lists what was not read.
  ///
  /// - Parameters:
  ///   - configuration: the file.
  ///   - name: a name for the model.
  /// - Throws: `Diagnostic` when a needed key is missing or wrong.
  public init(huggingFace configuration: DocumentNode, name: String) throws(Diagnostic) {
    let model = try TransformerModel(huggingFace: configuration, name: name)
    var shape =
      "layers: \(model.layers), hidden: \(model.hidden), heads: \(model.heads), key_value_heads: "
      + "\(model.keyValueHeads), feed_forward: \(model.feedForward), activation: \(model.activation), vocabulary: "
      + "\(model.vocabulary), sequence: \(model.sequence), normalization: \(model.normalization), biases: "
      + "\(model.biases), parallel_blocks: \(model.parallelBlocks), tied_embeddings: \(model.tiedEmbeddings), "
      + "positions: \(model.positions)"
    if let latent = model.latentAttention {
      shape += ", latent_attention: {" + (latent.queryRank.map { "query_rank: \($0), " } ?? "")
      shape += "key_value_rank: \(latent.keyValueRank), plain_head: \(latent.plainHead), rotary_head: "
      shape += "\(latent.rotaryHead), value_head: \(latent.valueHead)}"
    } else {
      shape += ", head_size: \(model.headSize)"
    }
    if let experts = model.experts {
      shape += ", experts: {count: \(experts.count), active: \(experts.active), feed_forward: "
      shape += "\(experts.feedForward)"
      if experts.sharedFeedForward > 0 { shape += ", shared_feed_forward: \(experts.sharedFeedForward)" }
      shape += ", dense_layers: \(experts.denseLayers)}"
    }
    let lines = [
      "name: \(plainName(name))", "title: \(quoted(model.title))", "kind: transformer", "shape: {\(shape)}",
      "provenance: {kind: published, source: \"config.json as published with the model's weights\"}",
    ]
    let keys = try MappingReader(configuration).entries().map(\.name)
    self.init(
      lines, unused: keys.filter(Self.harmless.contains).map { ($0, "does not bear on cost") },
      unknown: keys.filter { !Self.read.contains($0) && !Self.harmless.contains($0) })
  }

  /// Keys that the reader of configurations looks at.
  private static let read: Set<String> = [
    "model_type", "architectures", "_name_or_path", "num_hidden_layers", "n_layer", "num_layers", "n_layers",
    "hidden_size", "n_embd", "n_embed", "d_model", "dim", "num_attention_heads", "n_head", "n_heads",
    "num_heads", "multi_query", "num_key_value_heads", "num_kv_heads", "n_head_kv", "head_dim", "d_kv",
    "kv_lora_rank", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "intermediate_size",
    "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size", "hidden_activation", "activation_function", "hidden_act",
    "vocab_size", "max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len",
    "rms_norm_eps", "attention_bias", "parallel_attn", "use_parallel_residual", "tie_word_embeddings",
    "rope_theta", "rotary_pct", "rope_scaling", "num_local_experts", "n_routed_experts", "num_experts",
    "moe_intermediate_size", "shared_expert_intermediate_size", "n_shared_experts", "num_experts_per_tok",
    "moe_top_k", "num_experts_per_token", "first_k_dense_replace",
  ]

  /// Keys without a bearing on time and memory.
  private static let harmless: Set<String> = [
    "attention_dropout", "hidden_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop", "bos_token_id",
    "eos_token_id", "pad_token_id", "initializer_range", "layer_norm_eps", "layer_norm_epsilon",
    "transformers_version", "use_cache", "torch_dtype", "dtype", "pretraining_tp", "rope_interleaved",
    "output_router_logits", "router_aux_loss_coef", "router_jitter_noise", "scoring_func", "topk_method",
    "aux_loss_alpha", "seq_aux", "norm_topk_prob", "n_group", "topk_group", "routed_scaling_factor",
    "ep_size", "summary_type", "summary_use_proj", "summary_activation", "task_specific_params",
    "gradient_checkpointing",
    "position_embedding_type", "type_vocab_size", "auto_map", "use_sliding_window", "max_window_layers",
  ]
}

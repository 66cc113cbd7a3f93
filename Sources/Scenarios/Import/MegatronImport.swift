public import Documents

extension ImportedScenario {
  /// Reads an argument list of Megatron-LM: `--num-layers 96 --hidden-size 12288 ...`.
  ///
  /// - Parameters:
  ///   - words: the arguments, as a shell splits them.
  ///   - devices: all devices (Megatron-LM takes them from its launcher).
  ///   - hardware: the device of our catalogue.
  ///   - file: where they stand, for messages.
  /// - Throws: `Diagnostic` when a needed argument is missing or no number.
  public init(megatron words: [String], devices: Int?, hardware: String, file: String) throws(Diagnostic) {
    var arguments = MegatronArguments(words, file: file)
    let (layers, hidden) = (try arguments.integer("num-layers"), try arguments.integer("hidden-size"))
    let heads = try arguments.integer("num-attention-heads")
    let sequence = try arguments.integer("seq-length")
    let isGated = arguments.flag("swiglu")
    let feedForward =
      try arguments.optional("ffn-hidden-size") ?? (isGated ? (hidden * 8 / 3 + 63) / 64 * 64 : 4 * hidden)
    let groups = try arguments.optional("num-query-groups")
    let isGrouped = arguments.flag("group-query-attention")
    let headSize = try arguments.optional("kv-channels")
    let vocabulary = try arguments.optional("padded-vocab-size", "vocab-size") ?? 51200
    let isRoot = arguments.word("normalization") == "RMSNorm"
    let positions = arguments.word("position-embedding-type") ?? "learned_absolute"
    let usesRotary = arguments.flag("use-rotary-position-embeddings") || positions == "rope"
    let isUntied = arguments.flag("untie-embeddings-and-output-weights")
    let hasBiases = !arguments.flag("disable-bias-linear")
    var shape =
      "layers: \(layers), hidden: \(hidden), heads: \(heads), feed_forward: \(feedForward), activation: "
      + "\(isGated ? "swiglu" : "gelu"), vocabulary: \(vocabulary), sequence: \(sequence), normalization: "
      + "\(isRoot ? "rmsnorm" : "layernorm"), biases: \(hasBiases), tied_embeddings: \(!isUntied), positions: "
      + "\(usesRotary ? "rotary" : positions == "none" ? "none" : "learned")"
    if isGrouped, let groups { shape += ", key_value_heads: \(groups)" }
    if let headSize { shape += ", head_size: \(headSize)" }
    if let experts = try arguments.optional("num-experts") {
      let active = try arguments.optional("moe-router-topk") ?? 2
      let width = try arguments.optional("moe-ffn-hidden-size") ?? feedForward
      let shared = try arguments.optional("moe-shared-expert-intermediate-size")
      shape += ", experts: {count: \(experts), active: \(active), feed_forward: \(width)"
      shape += (shared.map { ", shared_feed_forward: \($0)" } ?? "") + "}"
    }
    let tensor = try arguments.optional("tensor-model-parallel-size") ?? 1
    let pipeline = try arguments.optional("pipeline-model-parallel-size") ?? 1
    let context = try arguments.optional("context-parallel-size") ?? 1
    let expert = try arguments.optional("expert-model-parallel-size") ?? 1
    var virtual = try arguments.optional("num-virtual-stages-per-pipeline-rank") ?? 1
    if let chunk = try arguments.optional("num-layers-per-virtual-pipeline-stage") {
      virtual = Swift.max(1, layers / (pipeline * chunk))
    }
    let microBatch = try arguments.integer("micro-batch-size")
    let granularity = arguments.word("recompute-granularity")
    let selective = arguments.flag("recompute-activations")
    let isFused = arguments.flag("use-flash-attn")
    let hasDropout = [arguments.word("hidden-dropout"), arguments.word("attention-dropout")].map {
      $0.flatMap(Double.init) ?? 0.1
    }
    let isHalf = arguments.flag("fp16")
    let wide = arguments.flag("accumulate-allreduce-grads-in-fp32")
    let isBrain = arguments.flag("bf16")
    let type = isHalf ? "fp16" : isBrain ? "bf16" : "fp32"
    let sharded = arguments.flag("use-distributed-optimizer")
    let overlaps = arguments.flag("overlap-grad-reduce")
    let shares = arguments.flag("sequence-parallel")
    let batch = try arguments.optional("global-batch-size")
    let world = try arguments.optional("world-size") ?? devices
    var lines = [
      "name: megatron-arguments", "title: Imported from an argument list of Megatron-LM", "workload:",
      "  name: megatron-arguments", "  title: Imported from an argument list of Megatron-LM",
      "  kind: transformer", "  shape: {\(shape)}",
      "  provenance: {kind: published, source: \"the argument list\"}", "hardware: \(hardware)", "run:",
      "  datatype: \(type)", "  micro_batch: \(microBatch)",
      "  recompute: \(granularity ?? (selective ? "selective" : "none"))",
      "  attention: \(isFused ? "flash" : "materialised")", "  dropout: \(hasDropout.contains { $0 > 0 })",
      "  gradient_datatype: \(wide || isBrain ? "fp32" : type)",
    ]
    if let batch { lines.append("  global_batch: \(batch)") }
    lines += [
      "parallelism:", "  tensor: \(tensor)", "  pipeline: \(pipeline)", "  context: \(context)",
      "  expert: \(expert)", "  virtual_stages: \(virtual)", "  sequence: \(shares && tensor > 1)",
      "  sharding: \(sharded ? "optimizer" : "none")", "  overlap: \(overlaps)",
    ]
    if let world { lines.append("  devices: \(world)") }
    self.init(
      lines, unused: arguments.unused.map { ($0, "does not bear on cost") }, unknown: arguments.unknown)
  }
}

/// `--key value` and `--flag` of a command line.
struct MegatronArguments {
  private var values: [(key: String, value: String?)] = []
  private let file: String
  private(set) var stray: [String] = []

  /// Arguments of Megatron-LM that say nothing about time and memory.
  private static let harmless: Set<String> = [
    "lr", "min-lr", "lr-decay-style", "lr-decay-iters", "lr-warmup-iters", "lr-warmup-fraction",
    "lr-decay-samples",
    "lr-warmup-samples", "weight-decay", "clip-grad", "adam-beta1", "adam-beta2", "adam-eps",
    "init-method-std", "seed", "split",
    "data-path", "vocab-file", "merge-file", "tokenizer-type", "tokenizer-model", "save", "load",
    "save-interval", "eval-interval", "eval-iters", "log-interval", "train-iters", "train-samples",
    "tensorboard-dir", "distributed-backend", "initial-loss-scale", "loss-scale", "loss-scale-window",
    "max-position-embeddings", "exit-interval", "rampup-batch-size", "num-workers", "log-throughput",
    "timing-log-level", "norm-epsilon", "recompute-method", "recompute-num-layers", "rotary-base",
    "make-vocab-size-divisible-by", "no-load-optim", "no-load-rng", "mock-data", "null-tokenizer",
  ]

  init(_ words: [String], file: String) {
    self.file = file
    for word in words {
      if word.hasPrefix("--") {
        let pair = word.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
        values.append((pair.first ?? "", pair.count > 1 ? pair[1] : nil))
      } else if let last = values.last, last.value == nil {
        values[values.count - 1].value = word
      } else if let last = values.last, Self.harmless.contains(last.key) {
        continue
      } else {
        stray.append(word)
      }
    }
  }

  /// Known arguments without effect.
  var unused: [String] { values.filter { Self.harmless.contains($0.key) }.map { "--" + $0.key } }
  /// All others that nobody asked for.
  var unknown: [String] {
    values.filter { !Self.harmless.contains($0.key) }.map { "--" + $0.key } + stray
  }

  mutating func word(_ key: String) -> String? {
    guard let index = values.firstIndex(where: { $0.key == key }) else { return nil }
    return values.remove(at: index).value
  }

  mutating func flag(_ key: String) -> Bool {
    guard let index = values.firstIndex(where: { $0.key == key }) else { return false }
    values.remove(at: index)
    return true
  }

  mutating func optional(_ keys: String...) throws(Diagnostic) -> Int? {
    for key in keys {
      guard let index = values.firstIndex(where: { $0.key == key }) else { continue }
      let text = values.remove(at: index).value ?? ""
      guard let value = Int(text), value > 0 else {
        throw Diagnostic(
          file: file, position: nil,
          fault: .wrongKind(
            path: "--" + key, found: "'\(printable(text))'", expected: "a whole number above zero"))
      }
      return value
    }
    return nil
  }

  mutating func integer(_ key: String) throws(Diagnostic) -> Int {
    guard let value = try optional(key) else {
      throw Diagnostic(file: file, position: nil, fault: .missingKey("--" + key, path: ""))
    }
    return value
  }
}

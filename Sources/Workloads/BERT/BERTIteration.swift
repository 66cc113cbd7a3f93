public import Quantities

/// One pre-training iteration of BERT on one device: every kernel, in classes that a profile would have.
///
/// Two tasks share the encoder: words that were masked are predicted over the vocabulary, and one bit says whether the
/// second sentence follows the first (arXiv 1810.04805, section 3.1). Attention is materialised and queries, keys and values
/// are projected apart, as the implementations of that time run it; LAMB updates the weights in FP32 (arXiv 1904.00962).
public struct BERTIteration<N: ModelNumber>: Sendable {
  /// What a kernel is for.
  public enum Class: String, Sendable, CaseIterable {
    /// Products with weights: queries, keys, values, output, FC1, FC2.
    case linear = "linear and FC products"
    /// Batched products of attention: scores and context.
    case attention = "attention products"
    /// Scaling, masking, softmax and dropout of the scores.
    case softmax = "scale, mask, softmax, dropout"
    /// GELU between FC1 and FC2.
    case gelu = "GELU"
    /// Dropout after a block, and the sum with its input.
    case residual = "dropout and residual"
    /// Layer normalisation.
    case norm = "layer norm"
    /// Gradients of biases, and heads brought into order.
    case bias = "bias gradients and copies"
    /// Rows of the tables of words, positions and sentences.
    case embedding = "embedding"
    /// The predictions and their loss.
    case output = "output"
    /// LAMB.
    case optimizer = "optimizer"
    /// Exchanges between devices.
    case communication = "communication"

    /// Whether the class is made of matrix products.
    public var isProduct: Bool { self == .linear || self == .attention }
  }

  /// A kernel, its class, and how often it runs in an iteration.
  public struct Kernel: Sendable {
    /// The kernel.
    public let operation: Operator<N>
    /// What it is for.
    public let group: Class
    /// How often it runs.
    public let count: N
  }

  /// The shape of the model.
  public struct Shape: Sendable {
    /// Layers, hidden size, heads, width of the feed-forward part, words, longest sequence.
    public var layers, hidden, heads, feedForward, vocabulary, positions: N

    /// A shape.
    public init(layers: N, hidden: N, heads: N, feedForward: N, vocabulary: N, positions: N) {
      self.layers = layers
      self.hidden = hidden
      self.heads = heads
      self.feedForward = feedForward
      self.vocabulary = vocabulary
      self.positions = positions
    }

    /// Parameters: encoder, embeddings with two sentences, pooler, and the transform of the predicted words (the decoder
    /// shares the table of words).
    public var parameters: N {
      let layer = 4 * hidden * hidden + 2 * hidden * feedForward + 9 * hidden + feedForward
      let embedding = (vocabulary + positions + 2) * hidden + 2 * hidden
      let heads = 2 * (hidden * hidden + hidden) + 2 * hidden + vocabulary + 2 * hidden + 2
      return layers * layer + embedding + heads
    }
  }

  /// The shape of the model.
  public var shape: Shape
  /// Tokens of a sequence.
  public var sequence: N
  /// Sequences of a micro-batch.
  public var batch: N
  /// Micro-batches of an iteration, whose gradients add up before one update.
  public var accumulation: N
  /// Part of the tokens whose word is predicted: 1 where logits are computed for all, about 0.15 where they are gathered.
  public var predicted: N
  /// The type of activations and of the weights that products read; the update is in FP32.
  public var dataType: DataType
  /// Devices that share each layer (Megatron's slicing).
  public var tensorParallel: Int
  /// Replicas that exchange gradients.
  public var dataParallel: Int
  /// Whether the replicas share the update: each updates its part, and weights are gathered.
  public var shardsOptimizer: Bool
  /// Whether several sequences make copies of heads necessary before batched products.
  public var copiesHeads: Bool

  /// An iteration.
  ///
  /// - Parameters:
  ///   - shape: of the model.
  ///   - sequence: tokens of a sequence.
  ///   - batch: sequences.
  ///   - dataType: of activations.
  ///   - predicted: part of the tokens whose word is predicted.
  public init(shape: Shape, sequence: N, batch: N, dataType: DataType, predicted: N = N(1)) {
    self.shape = shape
    self.sequence = sequence
    self.batch = batch
    self.dataType = dataType
    self.predicted = predicted
    accumulation = N(1)
    tensorParallel = 1
    dataParallel = 1
    shardsOptimizer = false
    copiesHeads = true
  }

  /// Tokens of a micro-batch.
  public var tokens: N { batch * sequence }

  /// Every kernel of the iteration, in the order in which they run.
  public var kernels: [Kernel] {
    var result: [Kernel] = []
    func add(
      _ group: Class, _ name: StaticString, _ pass: Operator<N>.Pass, _ work: Work<N>, count: N? = nil,
      _ type: DataType? = nil
    ) {
      result.append(
        Kernel(
          operation: Operator(name, pass, work, type ?? dataType), group: group, count: count ?? accumulation)
      )
    }
    func stream(
      _ group: Class, _ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, rows: N,
      _ columns: N
    ) {
      add(group, name, pass, .streaming(Streaming(kind, rows: rows, columns: columns)))
    }
    let hidden = shape.hidden
    // Embedding: three tables, two sums, normalisation and dropout.
    stream(.embedding, "word rows", .forward, .copy, rows: tokens, hidden)
    stream(.embedding, "position sum", .forward, .add, rows: tokens, hidden)
    stream(.embedding, "sentence sum", .forward, .add, rows: tokens, hidden)
    stream(.embedding, "embedding norm", .forward, .layernorm, rows: tokens, hidden)
    stream(.embedding, "embedding dropout", .forward, .dropout, rows: tokens, hidden)
    result += layerKernels
    // Output: the predicted words (transform, logits, loss) and the pooled sentence.
    let words = predicted * tokens
    let vocabulary = shape.vocabulary / Double(tensorParallel)
    func product(_ name: StaticString, _ width: N, _ inner: N, _ rows: N) {
      add(.output, name, .forward, .gemm(GEMM(m: rows, n: width, k: inner)))
      add(.output, name, .backward, .gemm(GEMM(m: rows, n: inner, k: width, layout: .NN)))
      add(.output, name, .backward, .gemm(GEMM(m: width, n: inner, k: rows, layout: .TN)))
    }
    product("word transform", hidden, hidden, words)
    stream(.output, "transform activation", .forward, .gelu, rows: words, hidden)
    stream(.output, "transform activation gradient", .backward, .geluBackward, rows: words, hidden)
    stream(.output, "transform norm", .forward, .layernorm, rows: words, hidden)
    stream(.output, "transform norm gradient", .backward, .layernormBackward, rows: words, hidden)
    product("logits", vocabulary, hidden, words)
    stream(.output, "word loss", .forward, .softmax, rows: words, vocabulary)
    stream(.output, "word loss gradient", .backward, .softmaxBackward, rows: words, vocabulary)
    product("pooler", hidden, hidden, batch)
    stream(.embedding, "embedding dropout gradient", .backward, .dropoutBackward, rows: tokens, hidden)
    stream(.embedding, "embedding norm gradient", .backward, .layernormBackward, rows: tokens, hidden)
    stream(.embedding, "word row gradients", .backward, .add, rows: tokens, hidden)
    result += updateKernels
    return result
  }

  /// The kernels of all layers.
  private var layerKernels: [Kernel] {
    let layer = EagerLayer<N>(
      hidden: shape.hidden, heads: shape.heads, feedForward: shape.feedForward, batch: batch,
      sequence: sequence,
      tensorParallel: tensorParallel, attention: .materialised(copiesHeads: copiesHeads),
      separateProjections: true, masksPadding: true, dataType: dataType)
    return layer.kernels.map {
      Kernel(operation: $0, group: Self.group(of: $0), count: shape.layers * accumulation)
    }
  }

  /// The class of a kernel of a layer: products by whether they are batched, streaming kernels by what they do.
  private static func group(of operation: Operator<N>) -> Class {
    let name = "\(operation.name)"
    switch operation.work {
    case .collective: return .communication
    case .attention: return .attention
    case .gemm:
      let batched = [
        "scores", "context", "dropped score gradient", "value gradient", "query gradient", "key gradient",
      ]
      return batched.contains(name) ? .attention : .linear
    case .streaming(let shape):
      if name.hasPrefix("score") || name.hasPrefix("softmax") { return .softmax }
      switch shape.kind {
      case .gelu, .geluBackward: return .gelu
      case .layernorm, .layernormBackward: return .norm
      case .rowSum, .permute, .copy, .concatenate: return .bias
      default: return .residual
      }
    }
  }

  /// The exchange of gradients and the update of the weights, once an iteration.
  private var updateKernels: [Kernel] {
    let own = shape.parameters / Double(tensorParallel)
    var result: [Kernel] = []
    func add(_ group: Class, _ name: StaticString, _ work: Work<N>, _ type: DataType) {
      result.append(
        Kernel(operation: Operator(name, .optimizer, work, type), group: group, count: N(1)))
    }
    let bytes = dataType.bytes * own
    if dataParallel > 1 {
      add(
        .communication, shardsOptimizer ? "gradient reduce-scatter" : "gradient all-reduce",
        .collective(
          Collective(shardsOptimizer ? .reduceScatter : .allReduce, bytes: bytes, ranks: dataParallel)),
        dataType)
    }
    let updated = shardsOptimizer ? own / Double(dataParallel) : own
    add(.optimizer, "gradient norm", .streaming(Streaming(.sum, rows: N(1), columns: updated)), dataType)
    add(.optimizer, "LAMB", .streaming(Streaming(.lamb, rows: N(1), columns: updated)), .fp32)
    // Mixed precision keeps FP32 weights: gradients are widened before the update and weights narrowed after it.
    if dataType.bytes < 4 {
      add(.optimizer, "gradient widening", .streaming(Streaming(.add, rows: N(1), columns: updated)), .bf16)
      add(.optimizer, "weight narrowing", .streaming(Streaming(.add, rows: N(1), columns: updated)), .bf16)
    }
    if dataParallel > 1, shardsOptimizer {
      add(
        .communication, "weight all-gather",
        .collective(Collective(.allGather, bytes: bytes, ranks: dataParallel)),
        dataType)
    }
    return result
  }
}

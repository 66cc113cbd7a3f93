public import Quantities

/// One Transformer layer on one device of a tensor-parallel group, as the kernels that run there.
///
/// The slicing is Megatron's: the first matrix of each block is split by columns, the second by rows, and an
/// all-reduce follows each block forward and backward (arXiv 1909.08053, section 3). With sequence parallelism each
/// device keeps its part of the tokens between the blocks: an all-gather precedes and a reduce-scatter follows each block
/// in place of the all-reduce (arXiv 2205.05198, section 4.2.2). The inputs that the backward pass gathers once more there
/// hide behind the gradients of the data and are not listed.
public struct TransformerLayer<N: ModelNumber>: Sendable {
  /// Hidden size H.
  public let hidden: N
  /// Width of all query heads.
  public let queryWidth: N
  /// Width of all key (or value) heads.
  public let keyValueWidth: N
  /// Query heads.
  public let heads: N
  /// Key and value heads.
  public let keyValueHeads: N
  /// Width of the feed-forward part.
  public let feedForward: N
  /// Whether the feed-forward part is gated.
  public let isGated: Bool
  /// Whether linear layers have biases.
  public let biases: Bool
  /// Whether attention and feed-forward read the same input (one normalisation, one all-reduce).
  public let parallelBlocks: Bool
  /// Sequences of the micro-batch.
  public let microBatch: N
  /// Tokens of a sequence.
  public let sequence: N
  /// Tensor-parallel degree.
  public let tensorParallel: Int
  /// Whether the tokens are split over the same devices between the blocks.
  public let sequenceParallel: Bool
  /// Whether later tokens are masked.
  public let causal: Bool
  /// The data type of activations and weights.
  public let dataType: DataType
  /// Whether the group exchanges its partial sums; without it the compute of one device alone is listed.
  public let communicates: Bool

  /// A layer of a model, sliced.
  public init(
    model: TransformerModel, microBatch: N, sequence: N, tensorParallel: Int,
    sequenceParallel: Bool = false, causal: Bool, dataType: DataType, communicates: Bool = true
  ) {
    hidden = N(Double(model.hidden))
    queryWidth = N(Double(model.queryWidth))
    keyValueWidth = N(Double(model.keyValueWidth))
    heads = N(Double(model.heads))
    keyValueHeads = N(Double(model.keyValueHeads))
    feedForward = N(Double(model.feedForward))
    isGated = model.activation.isGated
    biases = model.biases
    parallelBlocks = model.parallelBlocks
    self.microBatch = microBatch
    self.sequence = sequence
    self.tensorParallel = tensorParallel
    self.sequenceParallel = sequenceParallel
    self.causal = causal
    self.dataType = dataType
    self.communicates = communicates
  }

  /// A layer of the classic form: 4H feed-forward, GELU, as many key-value heads as heads.
  public init(
    hidden: N, heads: N, microBatch: N, sequence: N, tensorParallel: Int,
    sequenceParallel: Bool = false, causal: Bool = false, biases: Bool = true, dataType: DataType = .bf16,
    communicates: Bool = true
  ) {
    self.hidden = hidden
    queryWidth = hidden
    keyValueWidth = hidden
    self.heads = heads
    keyValueHeads = heads
    feedForward = 4 * hidden
    isGated = false
    self.biases = biases
    parallelBlocks = false
    self.microBatch = microBatch
    self.sequence = sequence
    self.tensorParallel = tensorParallel
    self.sequenceParallel = sequenceParallel
    self.causal = causal
    self.dataType = dataType
    self.communicates = communicates
  }

  /// Tokens of the micro-batch.
  public var tokens: N { microBatch * sequence }

  /// Tokens that one device handles between the blocks.
  public var residentTokens: N { sequenceParallel ? tokens / Double(tensorParallel) : tokens }

  /// Width of the QKV projection on one device.
  var projectionWidth: N { (queryWidth + 2 * keyValueWidth) / Double(tensorParallel) }

  /// Width of the feed-forward part on one device.
  var feedForwardSlice: N { feedForward / Double(tensorParallel) }

  /// Width of the first feed-forward matrix on one device, gate included.
  var feedForwardWidth: N { (isGated ? 2.0 : 1.0) * feedForwardSlice }

  /// Whether there is anybody to exchange partial sums with.
  private var exchanges: Bool { communicates && tensorParallel > 1 }

  /// An exchange of the activations of all tokens.
  func exchange(_ kind: Collective<N>.Kind) -> Collective<N> {
    Collective(kind, bytes: dataType.bytes * tokens * hidden, ranks: tensorParallel)
  }

  /// Lists what brings the tokens of all devices together before a block: nothing without sequence parallelism.
  private func gather<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, into sink: inout Sink
  )
  where Sink.N == N {
    guard exchanges, sequenceParallel else { return }
    sink.add(Operator(name, pass, .collective(exchange(.allGather)), dataType))
  }

  /// Lists what sums the partial results after a block.
  private func reduce<Sink: OperatorSink>(
    _ name: StaticString, scattered: StaticString, _ pass: Operator<N>.Pass, into sink: inout Sink
  ) where Sink.N == N {
    guard exchanges else { return }
    sink.add(
      Operator(
        sequenceParallel ? scattered : name, pass,
        .collective(exchange(sequenceParallel ? .reduceScatter : .allReduce)), dataType))
  }

  private func attention(backward: Bool) -> FlashAttention<N> {
    FlashAttention(
      batch: microBatch, heads: heads / Double(tensorParallel),
      keyValueHeads: keyValueHeads / Double(tensorParallel),
      queries: sequence, keys: sequence, headSize: queryWidth / heads, causal: causal,
      backward: backward)
  }

  /// Lists the kernels of the forward pass in order.
  public func forward<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gemm(_ name: StaticString, n: N, k: N) {
      sink.add(Operator(name, .forward, .gemm(GEMM(m: tokens, n: n, k: k)), dataType))
    }
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil) {
      sink.add(
        Operator(
          name, .forward, .streaming(Streaming(kind, rows: rows ?? tokens, columns: columns)), dataType))
    }
    stream("attention norm", .layernorm, hidden, rows: residentTokens)
    gather("attention input all-gather", .forward, into: &sink)
    gemm("QKV projection", n: projectionWidth, k: hidden)
    sink.add(Operator("attention", .forward, .attention(attention(backward: false)), dataType))
    gemm("output projection", n: hidden, k: queryWidth / Double(tensorParallel))
    if !parallelBlocks {
      reduce("attention all-reduce", scattered: "attention reduce-scatter", .forward, into: &sink)
      stream("attention residual", .add, hidden, rows: residentTokens)
      stream("feed-forward norm", .layernorm, hidden, rows: residentTokens)
      gather("feed-forward input all-gather", .forward, into: &sink)
    }
    gemm("FC1", n: feedForwardWidth, k: hidden)
    stream("activation", isGated ? .gatedActivation : .gelu, feedForwardSlice)
    gemm("FC2", n: hidden, k: feedForwardSlice)
    if parallelBlocks { stream("block sum", .add, hidden) }
    reduce("feed-forward all-reduce", scattered: "feed-forward reduce-scatter", .forward, into: &sink)
    stream("feed-forward residual", .add, hidden, rows: residentTokens)
  }

  /// Lists the kernels of the backward pass in order.
  public func backward<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gradients(_ dataName: StaticString, _ weightName: StaticString, n: N, k: N) {
      sink.add(
        Operator(
          dataName, .backward, .gemm(GEMM(m: tokens, n: k, k: n, layout: .NN)), dataType))
      sink.add(
        Operator(
          weightName, .backward, .gemm(GEMM(m: n, n: k, k: tokens, layout: .TN)), dataType))
    }
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil) {
      sink.add(
        Operator(
          name, .backward, .streaming(Streaming(kind, rows: rows ?? tokens, columns: columns)), dataType))
    }
    func bias(_ name: StaticString, _ columns: N, rows: N? = nil) {
      if biases { stream(name, .rowSum, columns, rows: rows) }
    }
    bias("FC2 bias gradient", hidden, rows: residentTokens)
    gather("feed-forward gradient all-gather", .backward, into: &sink)
    gradients("FC2 data gradient", "FC2 weight gradient", n: hidden, k: feedForwardSlice)
    stream(
      "activation gradient", isGated ? .gatedActivationBackward : .geluBackward,
      feedForwardSlice)
    bias("FC1 bias gradient", feedForwardWidth)
    gradients("FC1 data gradient", "FC1 weight gradient", n: feedForwardWidth, k: hidden)
    if !parallelBlocks {
      reduce(
        "feed-forward gradient all-reduce", scattered: "feed-forward gradient reduce-scatter", .backward,
        into: &sink)
      stream("feed-forward norm gradient", .layernormBackward, hidden, rows: residentTokens)
      stream("feed-forward residual gradient", .add, hidden, rows: residentTokens)
    }
    bias("output projection bias gradient", hidden, rows: residentTokens)
    if !parallelBlocks { gather("attention gradient all-gather", .backward, into: &sink) }
    gradients(
      "output projection data gradient", "output projection weight gradient", n: hidden,
      k: queryWidth / Double(tensorParallel))
    sink.add(Operator("attention gradient", .backward, .attention(attention(backward: true)), dataType))
    stream("QKV gradient concatenation", .copy, projectionWidth)
    bias("QKV bias gradient", projectionWidth)
    gradients("QKV data gradient", "QKV weight gradient", n: projectionWidth, k: hidden)
    reduce(
      "attention gradient all-reduce", scattered: "attention gradient reduce-scatter", .backward, into: &sink)
    stream("attention norm gradient", .layernormBackward, hidden, rows: residentTokens)
    stream("attention residual gradient", .add, hidden, rows: residentTokens)
  }
}

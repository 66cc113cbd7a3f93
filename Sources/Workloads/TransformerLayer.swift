public import Quantities

/// What the software fuses, and how the layer is shared among devices besides its matrices.
public struct LayerOptions: Sendable, Hashable {
  /// How attention is computed.
  public enum Attention: String, Sendable, CaseIterable {
    /// Scores stay on the chip.
    case flash
    /// Scores are written out; scale, mask and softmax are one kernel (Megatron-LM before 2022).
    case materialised
  }

  /// How attention is computed.
  public var attention: Attention
  /// Whether activations are dropped at random.
  public var dropout: Bool
  /// Whether the gradients of the weights are added to those of earlier micro-batches by a kernel of its own.
  public var separateAccumulation: Bool
  /// The data type of products with weights, where it is not that of activations and weights: 8-bit training.
  public var productDataType: DataType?
  /// Devices that share the tokens of a sequence throughout the layer.
  public var contextParallel: Int
  /// Devices that share the experts.
  public var expertParallel: Int
  /// Tokens of the busiest device's experts over the mean.
  public var routingImbalance: Double

  /// Flash attention, nothing dropped, nothing shared.
  public init(
    attention: Attention = .flash, dropout: Bool = false, separateAccumulation: Bool = false,
    productDataType: DataType? = nil, contextParallel: Int = 1, expertParallel: Int = 1,
    routingImbalance: Double = 1
  ) {
    self.productDataType = productDataType
    self.attention = attention
    self.dropout = dropout
    self.separateAccumulation = separateAccumulation
    self.contextParallel = contextParallel
    self.expertParallel = expertParallel
    self.routingImbalance = routingImbalance
  }
}

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
  /// How rows are normalised.
  public let normalization: TransformerModel.Normalization
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
  /// What is fused and shared besides.
  public let options: LayerOptions
  /// The experts; nil for a dense layer.
  public let experts: Experts?
  /// Latent attention, if keys and values are compressed.
  public let latent: LatentAttention?
  /// Width of what attention hands to the output projection.
  public let valueWidth: N
  /// Parameters of the layer on one device.
  public let localParameters: N

  /// A layer of a model, sliced.
  @_specialize(where N == Double)
  public init(
    model: TransformerModel, microBatch: N, sequence: N, tensorParallel: Int,
    sequenceParallel: Bool = false, causal: Bool, dataType: DataType, communicates: Bool = true,
    options: LayerOptions = LayerOptions(), mixture: Bool = false
  ) {
    self.options = options
    self.experts = mixture ? model.experts : nil
    latent = model.latentAttention
    valueWidth = N(Double(model.valueWidth))
    let experts: Double = mixture ? model.routedExpertParameters : 0
    let elsewhere: Double = experts - experts / Double(options.expertParallel)
    let local: Double = model.layerParameters(mixture: mixture) - elsewhere
    localParameters = N(local / Double(tensorParallel))
    hidden = N(Double(model.hidden))
    queryWidth = N(Double(model.queryWidth))
    keyValueWidth = N(Double(model.keyValueWidth))
    heads = N(Double(model.heads))
    keyValueHeads = N(Double(model.keyValueHeads))
    feedForward = N(Double(model.feedForward))
    isGated = model.activation.isGated
    normalization = model.normalization
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
    options = LayerOptions()
    experts = nil
    latent = nil
    valueWidth = hidden
    let matrices: N = 12 * hidden * hidden
    let vectors: N = 13 * hidden
    localParameters = (matrices + vectors) / Double(tensorParallel)
    self.hidden = hidden
    queryWidth = hidden
    keyValueWidth = hidden
    self.heads = heads
    keyValueHeads = heads
    feedForward = 4 * hidden
    isGated = false
    normalization = .layernorm
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

  /// Tokens of the micro-batch, of those that share its sequences a part each.
  public var tokens: N { microBatch * sequence / Double(options.contextParallel) }

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
    let share = Double(tensorParallel)
    // Query and value heads of latent attention differ in length; their mean keeps the operations.
    let width: N = queryWidth + valueWidth
    let headSize: N = latent == nil ? queryWidth / heads : width / (2 * heads)
    return FlashAttention(
      batch: microBatch, heads: heads / share, keyValueHeads: keyValueHeads / share,
      queries: sequence / Double(options.contextParallel), keys: sequence, headSize: headSize,
      causal: causal, backward: backward)
  }

  /// Lists a product with weights in the type that products have.
  private func product<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ shape: GEMM<N>, into sink: inout Sink
  ) where Sink.N == N {
    sink.add(Operator(name, pass, .gemm(shape), options.productDataType ?? dataType))
  }

  /// Lists such a product behind the cast of its activation, or of its gradient, to a narrower type.
  ///
  /// The gradient of the weights takes the same casts.
  private func linear<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ shape: GEMM<N>, into sink: inout Sink
  ) where Sink.N == N {
    if let narrow = options.productDataType, narrow.bytes < dataType.bytes {
      // It reads the one type and writes the other, where a copy counts two of the wider.
      let moved = (dataType.bytes + narrow.bytes) / (2 * dataType.bytes)
      let cast = Streaming<N>(.copy, rows: shape.m * shape.batch, columns: moved * shape.k)
      sink.add(
        Operator(
          pass == .forward ? "cast of an input" : "cast of a gradient", pass, .streaming(cast), dataType))
    }
    product(name, pass, shape, into: &sink)
  }

  /// Lists what makes queries, keys and values of the hidden state.
  private func project<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gemm(_ name: StaticString, n: N, k: N) {
      linear(name, .forward, GEMM(m: tokens, n: n, k: k), into: &sink)
    }
    guard let latent else { return gemm("QKV projection", n: projectionWidth, k: hidden) }
    for part in latentProducts(latent) { gemm(part.name, n: part.columns, k: part.inner) }
  }

  /// The products of latent attention: down to the short vectors, and up to the heads.
  private func latentProducts(_ latent: LatentAttention)
    -> [(name: StaticString, gradient: StaticString, weight: StaticString, columns: N, inner: N)]
  {
    let share = Double(tensorParallel)
    let keyValues = Double(latent.keyValueRank)
    let perHead = Double(latent.plainHead + latent.valueHead)
    let up: N = heads * (perHead / share)
    var result: [(name: StaticString, gradient: StaticString, weight: StaticString, columns: N, inner: N)] =
      []
    if let rank = latent.queryRank {
      result.append(
        (
          "query down-projection", "query down-projection data gradient",
          "query down-projection weight gradient", N(Double(rank)), hidden
        ))
    }
    result.append(
      (
        "query projection", "query projection data gradient", "query projection weight gradient",
        queryWidth / share, latent.queryRank.map { N(Double($0)) } ?? hidden
      ))
    result.append(
      (
        "key-value down-projection", "key-value down-projection data gradient",
        "key-value down-projection weight gradient", N(keyValues + Double(latent.rotaryHead)), hidden
      ))
    result.append(
      (
        "key-value projection", "key-value projection data gradient", "key-value projection weight gradient",
        up, N(keyValues)
      ))
    return result
  }

  /// Lists scores, softmax and context, and what brings keys and values of other devices here.
  ///
  /// - Parameters:
  ///   - pass: the pass that it belongs to.
  ///   - sink: takes the kernels.
  public func attentionCore<Sink: OperatorSink>(_ pass: Operator<N>.Pass, into sink: inout Sink)
  where Sink.N == N {
    gatherKeys("key-value all-gather", pass, .allGather, into: &sink)
    guard options.attention == .materialised else {
      sink.add(Operator("attention", pass, .attention(attention(backward: false)), dataType))
      return
    }
    let batch: N = microBatch * heads / Double(tensorParallel)
    let size: N = queryWidth / heads
    scoreProduct("attention scores", pass, GEMM(m: sequence, n: sequence, k: size, batch: batch), into: &sink)
    scoreStream("attention softmax", pass, .softmax, into: &sink)
    if options.dropout { scoreStream("attention dropout", pass, .dropout, into: &sink) }
    scoreProduct(
      "attention context", pass, GEMM(m: sequence, n: size, k: sequence, batch: batch, layout: .NN),
      into: &sink)
  }

  private func scoreProduct<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ shape: GEMM<N>, into sink: inout Sink
  ) where Sink.N == N {
    sink.add(Operator(name, pass, .gemm(shape), dataType))
  }

  private func scoreStream<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, into sink: inout Sink
  ) where Sink.N == N {
    let local: N = heads / Double(tensorParallel)
    let rows: N = microBatch * local * sequence
    sink.add(Operator(name, pass, .streaming(Streaming(kind, rows: rows, columns: sequence)), dataType))
  }

  /// Lists the gradient of attention.
  private func attentionGradient<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    gatherKeys("key-value all-gather", .backward, .allGather, into: &sink)
    if options.attention == .flash {
      sink.add(Operator("attention gradient", .backward, .attention(attention(backward: true)), dataType))
    } else {
      let batch: N = microBatch * heads / Double(tensorParallel)
      let size: N = queryWidth / heads
      let scores = GEMM<N>(m: sequence, n: sequence, k: size, batch: batch)
      let values = GEMM<N>(m: sequence, n: size, k: sequence, batch: batch, layout: .TN)
      scoreProduct("probabilities gradient", .backward, scores, into: &sink)
      scoreProduct("values gradient", .backward, values, into: &sink)
      if options.dropout { scoreStream("attention dropout gradient", .backward, .dropout, into: &sink) }
      scoreStream("attention softmax gradient", .backward, .softmaxBackward, into: &sink)
      scoreProduct("queries gradient", .backward, values, into: &sink)
      scoreProduct("keys gradient", .backward, values, into: &sink)
    }
    gatherKeys("key-value gradient reduce-scatter", .backward, .reduceScatter, into: &sink)
  }

  /// Lists the exchange of keys and values among the devices that share the sequences.
  private func gatherKeys<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Collective<N>.Kind, into sink: inout Sink
  ) where Sink.N == N {
    guard communicates, options.contextParallel > 1 else { return }
    let width: N = keyValueWidth * (2 / Double(tensorParallel))
    let elements: N = microBatch * sequence * width
    let exchange = Collective<N>(
      kind, bytes: dataType.bytes * elements, ranks: options.contextParallel, stride: tensorParallel)
    sink.add(Operator(name, pass, .collective(exchange), dataType))
  }

  /// The routed experts of one device: tokens of one expert, experts, width.
  private func local(_ experts: Experts) -> (rows: N, count: N, width: N) {
    let ranks = Double(options.expertParallel)
    let routed: Double = options.routingImbalance * ranks * Double(experts.active)
    let rows: N = tokens * (routed / Double(experts.count))
    let count = Double(experts.count) / ranks
    let width = Double(experts.feedForward) / Double(tensorParallel)
    return (rows, N(count), N(width))
  }

  /// The tokens of one device, each as often as it is routed.
  private func routedTokens(_ experts: Experts) -> N {
    let copies: Double = options.routingImbalance * Double(experts.active)
    return tokens * copies
  }

  private func routeTokens<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ experts: Experts, into sink: inout Sink
  ) where Sink.N == N {
    guard communicates, options.expertParallel > 1 else { return }
    let share: Double = sequenceParallel ? Double(tensorParallel) : 1
    let elements: N = routedTokens(experts) * hidden
    let exchange = Collective<N>(
      .allToAll, bytes: elements * (dataType.bytes / share), ranks: options.expertParallel,
      stride: tensorParallel)
    sink.add(Operator(name, pass, .collective(exchange), dataType))
  }

  /// Lists the feed-forward part of a mixture, forward.
  private func mixture<Sink: OperatorSink>(_ experts: Experts, into sink: inout Sink) where Sink.N == N {
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ rows: N, _ columns: N) {
      sink.add(
        Operator(name, .forward, .streaming(Streaming(kind, rows: rows, columns: columns)), dataType))
    }
    func gemm(_ name: StaticString, _ shape: GEMM<N>) { linear(name, .forward, shape, into: &sink) }
    let (rows, count, width) = local(experts)
    let every: N = rows * count
    let inner: N = width * (isGated ? 2.0 : 1.0)
    let choices = N(Double(experts.count))
    let sharedWidth = Double(experts.sharedFeedForward) / Double(tensorParallel)
    let shared = N(sharedWidth)
    let sharedInner = N(isGated ? 2 * sharedWidth : sharedWidth)
    gemm("router", GEMM(m: residentTokens, n: choices, k: hidden))
    stream("routing weights", .softmax, residentTokens, choices)
    stream("dispatch permutation", .copy, routedTokens(experts), hidden)
    routeTokens("dispatch all-to-all", .forward, experts, into: &sink)
    gemm("experts FC1", GEMM(m: rows, n: inner, k: hidden, batch: count))
    stream("experts activation", isGated ? .gatedActivation : .gelu, every, width)
    gemm("experts FC2", GEMM(m: rows, n: hidden, k: width, batch: count))
    routeTokens("combine all-to-all", .forward, experts, into: &sink)
    stream("combination", .add, routedTokens(experts), hidden)
    guard experts.sharedFeedForward > 0 else { return }
    gemm("shared FC1", GEMM(m: tokens, n: sharedInner, k: hidden))
    stream("shared activation", isGated ? .gatedActivation : .gelu, tokens, shared)
    gemm("shared FC2", GEMM(m: tokens, n: hidden, k: shared))
  }

  /// Lists the gradient of the feed-forward part of a mixture.
  private func mixtureGradient<Sink: OperatorSink>(_ experts: Experts, into sink: inout Sink)
  where Sink.N == N {
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ rows: N, _ columns: N) {
      sink.add(
        Operator(name, .backward, .streaming(Streaming(kind, rows: rows, columns: columns)), dataType))
    }
    func gradients(
      _ dataName: StaticString, _ weightName: StaticString, rows: N, n: N, k: N, batch: N = N(1)
    ) {
      linear(dataName, .backward, GEMM(m: rows, n: k, k: n, batch: batch, layout: .NN), into: &sink)
      product(weightName, .backward, GEMM(m: n, n: k, k: rows, batch: batch, layout: .TN), into: &sink)
    }
    let (rows, count, width) = local(experts)
    let every: N = rows * count
    let inner: N = width * (isGated ? 2.0 : 1.0)
    let choices = N(Double(experts.count))
    let sharedWidth = Double(experts.sharedFeedForward) / Double(tensorParallel)
    let shared = N(sharedWidth)
    let sharedInner = N(isGated ? 2 * sharedWidth : sharedWidth)
    if experts.sharedFeedForward > 0 {
      gradients(
        "shared FC2 data gradient", "shared FC2 weight gradient", rows: tokens, n: hidden, k: shared)
      stream("shared activation gradient", isGated ? .gatedActivationBackward : .geluBackward, tokens, shared)
      gradients(
        "shared FC1 data gradient", "shared FC1 weight gradient", rows: tokens, n: sharedInner,
        k: hidden)
    }
    stream("combination gradient", .add, routedTokens(experts), hidden)
    routeTokens("combine gradient all-to-all", .backward, experts, into: &sink)
    gradients(
      "experts FC2 data gradient", "experts FC2 weight gradient", rows: rows, n: hidden, k: width,
      batch: count)
    stream(
      "experts activation gradient", isGated ? .gatedActivationBackward : .geluBackward, every, width)
    gradients(
      "experts FC1 data gradient", "experts FC1 weight gradient", rows: rows, n: inner, k: hidden,
      batch: count)
    routeTokens("dispatch gradient all-to-all", .backward, experts, into: &sink)
    stream("dispatch permutation gradient", .copy, routedTokens(experts), hidden)
    gradients(
      "router data gradient", "router weight gradient", rows: residentTokens, n: choices, k: hidden)
  }

  /// Lists the kernels of the forward pass in order.
  @_specialize(where N == Double, Sink == OperatorList<Double>)
  public func forward<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gemm(_ name: StaticString, n: N, k: N) {
      linear(name, .forward, GEMM(m: tokens, n: n, k: k), into: &sink)
    }
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil) {
      sink.add(
        Operator(
          name, .forward, .streaming(Streaming(kind, rows: rows ?? tokens, columns: columns)), dataType))
    }
    stream("attention norm", normalization.kind(), hidden, rows: residentTokens)
    gather("attention input all-gather", .forward, into: &sink)
    project(into: &sink)
    attentionCore(.forward, into: &sink)
    gemm("output projection", n: hidden, k: valueWidth / Double(tensorParallel))
    if !parallelBlocks {
      reduce("attention all-reduce", scattered: "attention reduce-scatter", .forward, into: &sink)
      stream("attention residual", .add, hidden, rows: residentTokens)
      stream("feed-forward norm", normalization.kind(), hidden, rows: residentTokens)
      gather("feed-forward input all-gather", .forward, into: &sink)
    }
    if let experts {
      mixture(experts, into: &sink)
    } else {
      gemm("FC1", n: feedForwardWidth, k: hidden)
      stream("activation", isGated ? .gatedActivation : .gelu, feedForwardSlice)
      gemm("FC2", n: hidden, k: feedForwardSlice)
    }
    if parallelBlocks { stream("block sum", .add, hidden) }
    reduce("feed-forward all-reduce", scattered: "feed-forward reduce-scatter", .forward, into: &sink)
    stream("feed-forward residual", .add, hidden, rows: residentTokens)
  }

  /// Lists the kernels of the backward pass in order.
  @_specialize(where N == Double, Sink == OperatorList<Double>)
  public func backward<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gradients(_ dataName: StaticString, _ weightName: StaticString, n: N, k: N) {
      linear(dataName, .backward, GEMM(m: tokens, n: k, k: n, layout: .NN), into: &sink)
      product(weightName, .backward, GEMM(m: n, n: k, k: tokens, layout: .TN), into: &sink)
    }
    func stream(_ name: StaticString, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil) {
      sink.add(
        Operator(
          name, .backward, .streaming(Streaming(kind, rows: rows ?? tokens, columns: columns)), dataType))
    }
    func bias(_ name: StaticString, _ columns: N, rows: N? = nil) {
      if biases { stream(name, .rowSum, columns, rows: rows) }
    }
    if options.dropout { stream("feed-forward dropout gradient", .dropout, hidden, rows: residentTokens) }
    bias("FC2 bias gradient", hidden, rows: residentTokens)
    gather("feed-forward gradient all-gather", .backward, into: &sink)
    if let experts {
      mixtureGradient(experts, into: &sink)
    } else {
      gradients("FC2 data gradient", "FC2 weight gradient", n: hidden, k: feedForwardSlice)
      stream(
        "activation gradient", isGated ? .gatedActivationBackward : .geluBackward,
        feedForwardSlice)
      bias("FC1 bias gradient", feedForwardWidth)
      gradients("FC1 data gradient", "FC1 weight gradient", n: feedForwardWidth, k: hidden)
    }
    if !parallelBlocks {
      reduce(
        "feed-forward gradient all-reduce", scattered: "feed-forward gradient reduce-scatter", .backward,
        into: &sink)
      stream("feed-forward norm gradient", .layernormBackward, hidden, rows: residentTokens)
      stream("feed-forward residual gradient", .add, hidden, rows: residentTokens)
    }
    if options.dropout, !parallelBlocks {
      stream("attention block dropout gradient", .dropout, hidden, rows: residentTokens)
    }
    bias("output projection bias gradient", hidden, rows: residentTokens)
    if !parallelBlocks { gather("attention gradient all-gather", .backward, into: &sink) }
    gradients(
      "output projection data gradient", "output projection weight gradient", n: hidden,
      k: valueWidth / Double(tensorParallel))
    attentionGradient(into: &sink)
    if let latent {
      for part in latentProducts(latent) {
        gradients(part.gradient, part.weight, n: part.columns, k: part.inner)
      }
    } else {
      stream("QKV gradient concatenation", .copy, projectionWidth)
      bias("QKV bias gradient", projectionWidth)
      gradients("QKV data gradient", "QKV weight gradient", n: projectionWidth, k: hidden)
    }
    reduce(
      "attention gradient all-reduce", scattered: "attention gradient reduce-scatter", .backward, into: &sink)
    stream("attention norm gradient", .layernormBackward, hidden, rows: residentTokens)
    stream("attention residual gradient", .add, hidden, rows: residentTokens)
    if options.separateAccumulation {
      sink.add(
        Operator(
          "gradient accumulation", .backward,
          .streaming(Streaming(.add, rows: N(1), columns: localParameters)), dataType))
    }
  }

  /// Lists what the backward pass computes again.
  ///
  /// - Parameters:
  ///   - mode: what was not kept.
  ///   - sink: takes the kernels.
  @_specialize(where N == Double, Sink == OperatorList<Double>)
  public func recompute<Sink: OperatorSink>(_ mode: Recompute, into sink: inout Sink) where Sink.N == N {
    switch mode {
    case .none: break
    // Attention that never writes the scores computes them again anyhow.
    case .selective: if options.attention == .materialised { attentionCore(.backward, into: &sink) }
    case .full: forward(into: &sink)
    }
  }
}

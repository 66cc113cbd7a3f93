public import Quantities

/// How a model is laid out for inference on one replica.
public struct InferenceLayout: Sendable, Hashable {
  /// Devices that share each layer.
  public var tensorParallel: Int
  /// Replicas that share the experts of a mixture.
  public var expertParallel: Int
  /// Tokens of the busiest device's experts over the mean.
  public var routingImbalance: Double
  /// The data type that kernels compute in.
  public var dataType: DataType
  /// How weights are stored.
  public var weights: StorageFormat
  /// How keys and values are stored.
  public var cache: StorageFormat

  /// A layout; weights and cache in the type of the products unless said otherwise.
  public init(
    tensorParallel: Int = 1, expertParallel: Int = 1, routingImbalance: Double = 1,
    dataType: DataType = .bf16, weights: StorageFormat? = nil, cache: StorageFormat? = nil
  ) {
    self.tensorParallel = tensorParallel
    self.expertParallel = expertParallel
    self.routingImbalance = routingImbalance
    self.dataType = dataType
    self.weights = weights ?? StorageFormat(dataType)
    self.cache = cache ?? StorageFormat(dataType)
  }
}

extension TransformerModel {
  /// Elements that the cache keeps for one token and layer: keys and values of all key-value heads, or the latent vector
  /// with the key that all heads share (arXiv 2405.04434, section 2.1.4).
  public var cacheElements: Int {
    latentAttention.map { $0.keyValueRank + $0.rotaryHead } ?? 2 * keyValueWidth
  }

  /// Bytes that one device's cache keeps for one token, all layers.
  ///
  /// Tensor parallelism deals out key-value heads until each device has one; a latent vector is on every device.
  ///
  /// - Parameters:
  ///   - cache: how keys and values are stored.
  ///   - tensorParallel: devices that share each layer.
  /// - Returns: bytes on one device.
  public func cacheBytesPerToken(_ cache: StorageFormat, tensorParallel: Int = 1) -> Double {
    let share = latentAttention == nil ? Double(Swift.min(tensorParallel, keyValueHeads)) : 1
    return Double(layers * cacheElements) * cache.bytes / share
  }

  /// Bytes of the weights that one device holds: matrices as they are stored, the rest in 16 bits.
  ///
  /// - Parameter layout: how they are stored and shared.
  /// - Returns: bytes.
  public func weightBytes(_ layout: InferenceLayout) -> Double {
    let mixtures = Double(layers - denseLayers)
    let experts: Double = mixtures * routedExpertParameters
    let matrices: Double =
      Double(denseLayers) * layerMatrixParameters(mixture: false) + mixtures
      * layerMatrixParameters(mixture: true)
    let rest: Double = parameters - matrices
    let held: Double = matrices - experts + experts / Double(layout.expertParallel)
    let plain = Swift.max(2, layout.weights == .fp32 ? 4 : 2)
    return (held * layout.weights.bytes + rest * Double(plain)) / Double(layout.tensorParallel)
  }
}

/// A step that makes one token for each of some sequences whose keys and values are cached, on one device.
///
/// Keys and values of the new token join the cache, attention reads all of it, products have as many rows as there are
/// sequences, and weights are read once for all of them. Latent attention works on the latent vectors themselves: the
/// up-projections of keys and values are taken into queries and context, head by head (arXiv 2405.04434, section 2.1.2).
public struct DecodeStep<N: ModelNumber>: Sendable {
  /// The model.
  public let model: TransformerModel
  /// Sequences of the replica.
  public let batch: N
  /// Tokens of each sequence in the cache.
  public let context: N
  /// How the model is laid out.
  public let layout: InferenceLayout

  /// A step over so many sequences with so many cached tokens each.
  public init(model: TransformerModel, batch: N, context: N, layout: InferenceLayout) {
    self.model = model
    self.batch = batch
    self.context = context
    self.layout = layout
  }

  private var share: Double { Double(layout.tensorParallel) }

  private func count(_ value: Int) -> N { N(Double(value)) }

  /// A product with weights, stored as the layout says.
  private func product<Sink: OperatorSink>(
    _ name: StaticString, n: N, k: N, rows: N? = nil, batch: N = N(1), into sink: inout Sink
  ) where Sink.N == N {
    let stored = layout.weights.bytes == layout.dataType.bytes ? nil : layout.weights.bytes
    let shape = GEMM<N>(m: rows ?? self.batch, n: n, k: k, batch: batch, weightBytes: stored)
    sink.add(Operator(name, .forward, .gemm(shape), layout.dataType))
  }

  private func stream<Sink: OperatorSink>(
    _ name: StaticString, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil, into sink: inout Sink
  ) where Sink.N == N {
    let shape = Streaming<N>(kind, rows: rows ?? batch, columns: columns)
    sink.add(Operator(name, .forward, .streaming(shape), layout.dataType))
  }

  private func reduce<Sink: OperatorSink>(_ name: StaticString, into sink: inout Sink) where Sink.N == N {
    guard layout.tensorParallel > 1 else { return }
    let elements: N = batch * count(model.hidden)
    let exchange = Collective<N>(
      .allReduce, bytes: layout.dataType.bytes * elements, ranks: layout.tensorParallel)
    sink.add(Operator(name, .forward, .collective(exchange), layout.dataType))
  }

  /// Lists the kernels of one layer in order.
  ///
  /// - Parameters:
  ///   - mixture: whether its feed-forward part is a mixture of experts.
  ///   - sink: takes the kernels.
  public func layer<Sink: OperatorSink>(mixture: Bool, into sink: inout Sink) where Sink.N == N {
    let hidden = count(model.hidden)
    stream("attention norm", model.normalization.kind(), hidden, into: &sink)
    if let latent = model.latentAttention {
      latentAttention(latent, into: &sink)
    } else {
      // Where there are fewer key-value heads than devices, each device keeps a whole one.
      let keyValues =
        Double(Swift.max(model.keyValueHeads, layout.tensorParallel)) * Double(model.headSize) / share
      let width = Double(model.queryWidth) / share + 2 * keyValues
      product("QKV projection", n: N(width), k: hidden, into: &sink)
      stream("cache update", .copy, N(2 * keyValues), into: &sink)
      sink.add(
        Operator(
          "attention", .forward,
          .attention(
            FlashAttention(
              batch: batch, heads: N(Double(model.heads) / share),
              keyValueHeads: N(keyValues / Double(model.headSize)), queries: N(1), keys: context,
              headSize: count(model.headSize), causal: false, backward: false, isDecode: true,
              keyValueBytes: cacheBytes)), layout.dataType))
    }
    product("output projection", n: hidden, k: N(Double(model.valueWidth) / share), into: &sink)
    if !model.parallelBlocks {
      reduce("attention all-reduce", into: &sink)
      stream("attention residual", .add, hidden, into: &sink)
      stream("feed-forward norm", model.normalization.kind(), hidden, into: &sink)
    }
    if mixture, let experts = model.experts {
      self.mixture(experts, into: &sink)
    } else {
      let slice = Double(model.feedForward) / share
      product("FC1", n: N(model.activation.isGated ? 2 * slice : slice), k: hidden, into: &sink)
      stream("activation", model.activation.isGated ? .gatedActivation : .gelu, N(slice), into: &sink)
      product("FC2", n: hidden, k: N(slice), into: &sink)
    }
    reduce("feed-forward all-reduce", into: &sink)
    stream("feed-forward residual", .add, hidden, into: &sink)
  }

  private var cacheBytes: Double? {
    layout.cache.bytes == layout.dataType.bytes ? nil : layout.cache.bytes
  }

  private func latentAttention<Sink: OperatorSink>(_ latent: LatentAttention, into sink: inout Sink)
  where Sink.N == N {
    let hidden = count(model.hidden)
    let heads: N = N(Double(model.heads) / share)
    let rank = count(latent.keyValueRank)
    let queryWidth = N(Double(model.queryWidth) / share)
    if let queryRank = latent.queryRank {
      product("query down-projection", n: count(queryRank), k: hidden, into: &sink)
      product("query projection", n: queryWidth, k: count(queryRank), into: &sink)
    } else {
      product("query projection", n: queryWidth, k: hidden, into: &sink)
    }
    let cached = Double(latent.keyValueRank + latent.rotaryHead)
    product("key-value down-projection", n: N(cached), k: hidden, into: &sink)
    stream("cache update", .copy, N(cached), into: &sink)
    product("queries to latent", n: rank, k: count(latent.plainHead), batch: heads, into: &sink)
    // Scores go over the whole vector, the context over the part without position: their mean keeps the operations,
    // and the part of a head keeps the bytes.
    let size = (cached + Double(latent.keyValueRank)) / 2
    sink.add(
      Operator(
        "attention", .forward,
        .attention(
          FlashAttention(
            batch: batch, heads: heads, keyValueHeads: N(cached / (2 * size)), queries: N(1), keys: context,
            headSize: N(size), causal: false, backward: false, isDecode: true, keyValueBytes: cacheBytes)),
        layout.dataType))
    product("latent to values", n: count(latent.valueHead), k: rank, batch: heads, into: &sink)
  }

  /// Experts of one device that at least one token is sent to: n (1 − (1 − active/count)^tokens).
  ///
  /// - Parameters:
  ///   - experts: the mixture.
  ///   - local: how many of its experts the device holds.
  ///   - tokens: tokens of all devices that share the experts.
  /// - Returns: the expected number.
  static func busyExperts(_ experts: Experts, of local: Double, tokens: N) -> N {
    let missed = 1 - Double(experts.active) / Double(experts.count)
    guard missed > 0 else { return N(local) }
    return local * (N(1) - N(missed).raised(to: tokens))
  }

  private func mixture<Sink: OperatorSink>(_ experts: Experts, into sink: inout Sink) where Sink.N == N {
    let hidden = count(model.hidden)
    let ranks = Double(layout.expertParallel)
    let routed: N = batch * (Double(experts.active) * layout.routingImbalance)
    let busy = Self.busyExperts(experts, of: Double(experts.count) / ranks, tokens: ranks * batch)
    let width = Double(experts.feedForward) / share
    let gated = model.activation.isGated
    product("router", n: count(experts.count), k: hidden, into: &sink)
    stream("routing weights", .softmax, count(experts.count), into: &sink)
    route("dispatch all-to-all", routed, into: &sink)
    product(
      "experts FC1", n: N(gated ? 2 * width : width), k: hidden, rows: routed / busy, batch: busy, into: &sink
    )
    stream("experts activation", gated ? .gatedActivation : .gelu, N(width), rows: routed, into: &sink)
    product("experts FC2", n: hidden, k: N(width), rows: routed / busy, batch: busy, into: &sink)
    route("combine all-to-all", routed, into: &sink)
    stream("combination", .add, hidden, rows: routed, into: &sink)
    guard experts.sharedFeedForward > 0 else { return }
    let shared = Double(experts.sharedFeedForward) / share
    product("shared FC1", n: N(gated ? 2 * shared : shared), k: hidden, into: &sink)
    stream("shared activation", gated ? .gatedActivation : .gelu, N(shared), into: &sink)
    product("shared FC2", n: hidden, k: N(shared), into: &sink)
  }

  private func route<Sink: OperatorSink>(_ name: StaticString, _ rows: N, into sink: inout Sink)
  where Sink.N == N {
    guard layout.expertParallel > 1 else { return }
    let elements: N = rows * count(model.hidden)
    let exchange = Collective<N>(
      .allToAll, bytes: layout.dataType.bytes * elements, ranks: layout.expertParallel,
      stride: layout.tensorParallel)
    sink.add(Operator(name, .forward, .collective(exchange), layout.dataType))
  }

  /// Lists the rows of the embedding.
  public func embedding<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    stream("token rows", .copy, count(model.hidden), into: &sink)
    reduce("embedding all-reduce", into: &sink)
  }

  /// Lists final normalisation, logits of one token a sequence, and the choice of the next token.
  public func head<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    let vocabulary = Double(model.vocabulary) / share
    stream("final norm", model.normalization.kind(), count(model.hidden), into: &sink)
    product("logits", n: N(vocabulary), k: count(model.hidden), into: &sink)
    stream("sampling", .softmax, N(vocabulary), into: &sink)
  }
}

extension Operator {
  /// The operator with its weights stored in another format: products of one matrix with weights, or of a batch of experts.
  ///
  /// - Parameter format: how the weights are stored.
  /// - Returns: the operator; unchanged when it is no product or the format is that of its type.
  public func storingWeights(_ format: StorageFormat) -> Operator {
    guard case .gemm(let shape) = work, format.bytes != dataType.bytes else { return self }
    return Operator(
      name, pass,
      .gemm(
        GEMM(
          m: shape.m, n: shape.n, k: shape.k, batch: shape.batch, layout: shape.layout,
          weightBytes: format.bytes)), dataType)
  }
}

public import Quantities

/// The shape of a Transformer, with how it is known.
public struct TransformerModel: Sendable {
  /// The function between the feed-forward matrices.
  public enum Activation: String, Sendable, CaseIterable {
    /// Gaussian error linear unit, two matrices.
    case gelu
    /// Rectified linear unit, two matrices.
    case relu
    /// SiLU-gated linear unit, three matrices.
    case swiglu
    /// GELU-gated linear unit, three matrices.
    case geglu

    /// Whether a third matrix produces a gate.
    public var isGated: Bool { self == .swiglu || self == .geglu }
  }

  /// The kind of normalisation.
  public enum Normalization: String, Sendable, CaseIterable {
    /// Mean and variance, with scale and shift.
    case layernorm
    /// Root mean square, with scale.
    case rmsnorm

    /// The kernel of its forward pass.
    func kind<N: ModelNumber>() -> Streaming<N>.Kind { self == .layernorm ? .layernorm : .rmsnorm }
  }

  /// How positions enter.
  public enum Positions: String, Sendable, CaseIterable {
    /// A learned table of `sequence` rows.
    case learned
    /// Rotation of queries and keys.
    case rotary
    /// A bias on the scores by distance.
    case alibi
    /// A learned bias on the scores by distance.
    case relative
    /// Not at all.
    case none
  }

  /// The name in the catalogue.
  public let name: String
  /// The name for people.
  public let title: String
  /// The year of publication.
  public let year: Int?
  /// A remark for the reader.
  public let note: String?
  /// Transformer layers.
  public var layers: Int
  /// Hidden size H.
  public var hidden: Int
  /// Attention (query) heads.
  public var heads: Int
  /// Key and value heads; fewer than `heads` means grouped-query attention.
  public var keyValueHeads: Int
  /// Elements of one head.
  public var headSize: Int
  /// Width of the feed-forward part.
  public var feedForward: Int
  /// The function between the feed-forward matrices.
  public let activation: Activation
  /// Tokens of the vocabulary.
  public var vocabulary: Int
  /// Tokens of a sequence, unless a scenario says otherwise.
  public var sequence: Int
  /// The kind of normalisation.
  public let normalization: Normalization
  /// Whether linear layers have biases.
  public let biases: Bool
  /// Whether attention and feed-forward read the same input.
  public let parallelBlocks: Bool
  /// Whether the output head shares the embedding's matrix.
  public let tiedEmbeddings: Bool
  /// How positions enter.
  public let positions: Positions
  /// The experts of a mixture; nil for a dense model.
  public var experts: Experts?
  /// How keys and values are compressed (multi-latent attention); nil for plain or grouped heads.
  public let latentAttention: LatentAttention?
  /// How the shape is known.
  public let provenance: Provenance
  /// The parameter count that the publisher states.
  public let publishedParameters: Sourced<Dimensions.Number>?

  /// Width of all query heads together.
  public var queryWidth: Int { heads * headSize }
  /// Width of all key heads together (and of all value heads, unless ``valueWidth`` says otherwise).
  public var keyValueWidth: Int { keyValueHeads * headSize }
  /// Width of what attention hands to the output projection.
  public var valueWidth: Int { heads * (latentAttention?.valueHead ?? headSize) }
  /// Layers whose feed-forward part is not a mixture of experts.
  public var denseLayers: Int { experts.map { Swift.min($0.denseLayers, layers) } ?? layers }
  /// Feed-forward matrices of a layer: two, or three with a gate.
  public var feedForwardMatrices: Int { activation.isGated ? 3 : 2 }

  /// Weights of the attention matrices of one layer.
  public var attentionParameters: Double {
    guard let latent = latentAttention else {
      return Double(hidden) * Double(2 * queryWidth + 2 * keyValueWidth)
    }
    let query: Double
    if let rank = latent.queryRank {
      query = Double(rank * (hidden + queryWidth))
    } else {
      query = Double(hidden * queryWidth)
    }
    let keyValue: Double =
      Double(hidden * (latent.keyValueRank + latent.rotaryHead))
      + Double(latent.keyValueRank * heads * (latent.plainHead + latent.valueHead))
    return query + keyValue + Double(valueWidth) * Double(hidden)
  }

  /// Weights of all routed experts of one mixture layer; zero for a dense model.
  public var routedExpertParameters: Double {
    guard let experts else { return 0 }
    return Double(experts.count * feedForwardMatrices) * Double(hidden * experts.feedForward)
  }

  /// Weights of the matrices of one layer: of a mixture layer, all experts, those shared and the router.
  ///
  /// - Parameter mixture: whether the layer is a mixture of experts.
  /// - Returns: the count.
  public func layerMatrixParameters(mixture: Bool) -> Double {
    guard mixture, let experts else {
      return attentionParameters + Double(feedForwardMatrices * hidden) * Double(feedForward)
    }
    let shared = Double(feedForwardMatrices * hidden) * Double(experts.sharedFeedForward)
    let router = Double(hidden * experts.count)
    return attentionParameters + routedExpertParameters + shared + router
  }

  /// Weights of the matrices of one dense layer.
  public var layerMatrixParameters: Double { layerMatrixParameters(mixture: false) }

  /// All parameters of one layer: matrices, biases and normalisations.
  ///
  /// With a 4H feed-forward, biases and layer norm this is 12 H² + 13 H
  /// (bigscience, math/README.md; arXiv 2104.04473 eq. 2).
  ///
  /// - Parameter mixture: whether the layer is a mixture of experts.
  /// - Returns: the count.
  public func layerParameters(mixture: Bool) -> Double {
    let norms = Double((parallelBlocks ? 1 : 2) * (normalization == .layernorm ? 2 : 1) * hidden)
    let biasCount =
      queryWidth + 2 * keyValueWidth + hidden + (feedForwardMatrices - 1) * feedForward + hidden
    return layerMatrixParameters(mixture: mixture) + norms + (biases ? Double(biasCount) : 0)
  }

  /// All parameters of one dense layer.
  public var layerParameters: Double { layerParameters(mixture: false) }

  /// Parameters of all layers.
  public var layersParameters: Double {
    Double(denseLayers) * layerParameters(mixture: false)
      + Double(layers - denseLayers) * layerParameters(mixture: true)
  }

  /// All parameters: layers, embeddings, positions, final normalisation and an untied output head.
  ///
  /// For the GPT family l (12 H² + 13 H) + V H + s H + 2 H (bigscience, math/README.md).
  public var parameters: Double {
    let embedding = Double(vocabulary) * Double(hidden)
    let position = positions == .learned ? Double(sequence) * Double(hidden) : 0
    let final = Double((normalization == .layernorm ? 2 : 1) * hidden)
    return layersParameters + embedding * (tiedEmbeddings ? 1 : 2) + position + final
  }
}

/// A mixture of experts in place of the feed-forward part.
public struct Experts: Sendable, Hashable {
  /// Routed experts of a layer.
  public let count: Int
  /// Experts that each token is sent to.
  public let active: Int
  /// Width of one routed expert.
  public let feedForward: Int
  /// Width of what every token passes besides; 0 for nothing.
  public let sharedFeedForward: Int
  /// Layers, the first ones, that keep a plain feed-forward part.
  public var denseLayers: Int

  /// A mixture of this shape.
  public init(count: Int, active: Int, feedForward: Int, sharedFeedForward: Int = 0, denseLayers: Int = 0) {
    self.count = count
    self.active = active
    self.feedForward = feedForward
    self.sharedFeedForward = sharedFeedForward
    self.denseLayers = denseLayers
  }
}

/// Multi-latent attention: keys and values of all heads come from one short vector a token (arXiv 2405.04434, section 2.1).
public struct LatentAttention: Sendable, Hashable {
  /// Elements of the vector that queries come from; nil when they come from the hidden state.
  public let queryRank: Int?
  /// Elements of the vector that keys and values come from.
  public let keyValueRank: Int
  /// Elements of a query or key head without position.
  public let plainHead: Int
  /// Elements of a query head, and of the key shared by all heads, that rotate with the position.
  public let rotaryHead: Int
  /// Elements of a value head.
  public let valueHead: Int

  /// Latent attention of this shape.
  public init(queryRank: Int?, keyValueRank: Int, plainHead: Int, rotaryHead: Int, valueHead: Int) {
    self.queryRank = queryRank
    self.keyValueRank = keyValueRank
    self.plainHead = plainHead
    self.rotaryHead = rotaryHead
    self.valueHead = valueHead
  }
}

/// What a training step keeps of the forward pass, and what it computes again.
public enum Recompute: String, Sendable, CaseIterable {
  /// Everything is kept.
  case none
  /// Scores and softmax are computed again.
  case selective
  /// The whole layer is computed again from its input.
  case full
}

extension TransformerModel {
  /// FLOP of the forward pass of the layers for so many sequences.
  ///
  /// 4 H s B (6 H + s) a layer for a 4H feed-forward (reference, section 2.1); scores are counted in full,
  /// without the saving of a causal mask, as the published utilisations do.
  ///
  /// - Parameters:
  ///   - sequences: sequences of the batch.
  ///   - length: tokens of one sequence.
  /// - Returns: operations of all layers.
  public func layersForwardFLOP(sequences: Double, length: Double) -> FLOP {
    let tokens = sequences * length
    let dense = Double(denseLayers) * layerMatrixParameters
    let mixture = Double(layers - denseLayers) * activeMatrixParameters
    let attention = Double(layers) * attentionForwardFLOP(sequences: sequences, length: length)
    return FLOP(2 * tokens * (dense + mixture) + attention)
  }

  /// Weights of a mixture layer that one token passes.
  public var activeMatrixParameters: Double {
    guard let experts else { return layerMatrixParameters }
    let idle: Double = Double(experts.count - experts.active) / Double(experts.count)
    return layerMatrixParameters(mixture: true) - idle * routedExpertParameters
  }

  /// FLOP of scores and context of one layer, forward: 2 B s² times the widths of query and value heads.
  func attentionForwardFLOP(sequences: Double, length: Double) -> Double {
    2 * sequences * length * length * Double(queryWidth + valueWidth)
  }

  /// FLOP of the output head, forward: 2 B s H V.
  public func headForwardFLOP(sequences: Double, length: Double) -> FLOP {
    FLOP(2 * sequences * length * Double(hidden) * Double(vocabulary))
  }

  /// FLOP that a training step needs, nothing computed twice: for model FLOP utilisation.
  ///
  /// For a 4H feed-forward 72 B s l h² (1 + s/6h + V/12lh) (arXiv 2205.05198, eq. in section 5.4).
  public func modelFLOP(sequences: Double, length: Double) -> FLOP {
    3
      * (layersForwardFLOP(sequences: sequences, length: length)
        + headForwardFLOP(sequences: sequences, length: length))
  }

  /// FLOP that a training step executes, recomputation included: for hardware FLOP utilisation.
  ///
  /// As the papers count: full recompute repeats the forward pass of the layers, 96 B s l h²
  /// (1 + s/6h + V/16lh) (arXiv 2104.04473, eq. 3). Selective recompute counts the attention part twice,
  /// 72 B s l h² (1 + s/3h + V/12lh) (arXiv 2205.05198): more than one more forward pass of it, but it is the
  /// count behind the printed utilisations.
  public func hardwareFLOP(sequences: Double, length: Double, recompute: Recompute) -> FLOP {
    let model = modelFLOP(sequences: sequences, length: length)
    switch recompute {
    case .none: return model
    case .selective:
      let attention = attentionForwardFLOP(sequences: sequences, length: length)
      return model + FLOP(3 * Double(layers) * attention)
    case .full: return model + layersForwardFLOP(sequences: sequences, length: length)
    }
  }
}

/// The byte algebra of tensor and data parallelism (reference, sections 2.2 and 2.3).
public enum TransformerTraffic {
  /// Payload of one tensor-parallel all-reduce: p B s H.
  ///
  /// - Parameters:
  ///   - elementBytes: p, bytes of an activation.
  ///   - microBatch: B, sequences.
  ///   - length: s, tokens.
  ///   - hidden: H.
  /// - Returns: the payload.
  public static func tensorPayload(
    elementBytes: Double, microBatch: Double, length: Double, hidden: Double
  ) -> Bytes { Bytes(elementBytes * microBatch * length * hidden) }

  /// Payload of a layer's data-parallel gradient all-reduce: p_g times the layer's parameters over TP.
  public static func gradientPayload(
    gradientBytes: Double, layerParameters: Double, tensorParallel: Double
  ) -> Bytes { Bytes(gradientBytes * layerParameters / tensorParallel) }

  /// Edge: training FLOP per serialised payload byte, 3 (6 H + s)/(p TP); B cancels.
  public static func edge(
    hidden: Double, length: Double, elementBytes: Double, tensorParallel: Double
  ) -> FLOPPerByte { FLOPPerByte(3 * (6 * hidden + length) / (elementBytes * tensorParallel)) }

  /// Slack: backward FLOP of a layer per gradient byte, (2/3)(s B/p_g)(6 + s/H).
  public static func slack(
    hidden: Double, length: Double, microBatch: Double, gradientBytes: Double
  ) -> FLOPPerByte { FLOPPerByte(2 / 3.0 * length * microBatch / gradientBytes * (6 + length / hidden)) }

  /// Share of a layer's time that serialised communication takes: x/(1+x), x = (2p/3)(TP-1) F/(BW (6H+s)).
  ///
  /// - Parameters:
  ///   - hidden: H.
  ///   - length: s, tokens.
  ///   - elementBytes: p, bytes of an activation.
  ///   - tensorParallel: TP.
  ///   - computeRate: F, the FLOP rate that the device sustains.
  ///   - busBandwidth: BW, the ring bus bandwidth of one device.
  /// - Returns: a share between 0 and 1.
  public static func serializedShare(
    hidden: Double, length: Double, elementBytes: Double, tensorParallel: Double,
    computeRate: FLOPPerSecond, busBandwidth: BytesPerSecond
  ) -> Double {
    let x =
      2 * elementBytes / 3 * (tensorParallel - 1) * (computeRate.value / busBandwidth.value)
      / (6 * hidden + length)
    return x / (1 + x)
  }
}

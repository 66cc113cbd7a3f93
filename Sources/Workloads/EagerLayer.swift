public import Quantities

/// One Transformer layer kernel by kernel, as PyTorch starts it from plain modules.
///
/// Nothing is fused: dropout, residual and normalisation are kernels of their own, and attention may write its scores, scale,
/// mask and drop them in one kernel each. ``TransformerLayer`` is the layer of libraries that fuse more. The counts of kernels
/// are those of a profile (H100, PyTorch 2.11; Tests/WorkloadsTests/BERTTests.swift).
public struct EagerLayer<N: ModelNumber>: Sendable {
  /// How attention runs.
  public enum Attention: Sendable {
    /// In one kernel; scores stay on the chip.
    case flash
    /// As products, softmax and elementwise kernels; scores are written to memory.
    ///
    /// Before a batch of products, heads are copied into an order that one call can read. With a single sequence
    /// (`copiesHeads: false`) the strides do without.
    case materialised(copiesHeads: Bool)
  }

  /// Hidden size, heads, width of the feed-forward part, sequences, tokens of one.
  public let hidden, heads, feedForward, batch, sequence: N
  /// Devices that share the layer (Megatron's slicing).
  public let tensorParallel: Int
  /// How attention runs.
  public let attention: Attention
  /// Whether queries, keys and values are projected by a product each, as in the BERT of 2018; else by one, whose gradients are
  /// stacked and brought back into order.
  public let separateProjections: Bool
  /// Whether a mask of padded tokens is added to materialised scores.
  public let masksPadding: Bool
  /// The data type of activations and weights.
  public let dataType: DataType

  /// A layer.
  ///
  /// - Parameters:
  ///   - hidden: hidden size.
  ///   - heads: heads.
  ///   - feedForward: width of the feed-forward part; four times the hidden size if nil.
  ///   - batch: sequences.
  ///   - sequence: tokens of one.
  ///   - tensorParallel: devices that share the layer.
  ///   - attention: how attention runs.
  ///   - separateProjections: whether queries, keys and values are projected by a product each.
  ///   - masksPadding: whether a mask is added to materialised scores.
  ///   - dataType: of activations and weights.
  public init(
    hidden: N, heads: N, feedForward: N? = nil, batch: N, sequence: N, tensorParallel: Int = 1,
    attention: Attention, separateProjections: Bool = false, masksPadding: Bool = false,
    dataType: DataType = .bf16
  ) {
    self.hidden = hidden
    self.heads = heads
    self.feedForward = feedForward ?? 4 * hidden
    self.batch = batch
    self.sequence = sequence
    self.tensorParallel = tensorParallel
    self.attention = attention
    self.separateProjections = separateProjections
    self.masksPadding = masksPadding
    self.dataType = dataType
  }

  private var tokens: N { batch * sequence }
  private var width: N { hidden / Double(tensorParallel) }
  private var feedForwardWidth: N { feedForward / Double(tensorParallel) }
  /// Heads of all sequences on one device: as many products in a batch.
  private var headCount: N { batch * heads / Double(tensorParallel) }

  /// The kernels of the forward and the backward pass, in order.
  public var kernels: [Operator<N>] {
    var list = OperatorList<N>()
    forward(into: &list)
    backward(into: &list)
    return list.operators
  }

  private func add<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ work: Work<N>, into sink: inout Sink
  ) where Sink.N == N { sink.add(Operator(name, pass, work, dataType)) }

  private func stream<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil,
    into sink: inout Sink
  ) where Sink.N == N {
    // The heads of a single sequence lie in one dimension less.
    let dimensions = N.choose(where: batch, isAtMost: N(1), then: N(3), otherwise: N(4))
    // Both products of a gradient stand before the sum of its bias.
    let residency: Streaming<N>.Residency = kind == .rowSum ? .loop : .justWritten
    let shape = Streaming(
      kind, rows: rows ?? tokens, columns: columns, residency: residency, dimensions: dimensions)
    add(name, pass, .streaming(shape), into: &sink)
  }

  /// An elementwise kernel over all scores.
  private func scores<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, into sink: inout Sink
  ) where Sink.N == N { stream(name, pass, kind, sequence, rows: headCount * sequence, into: &sink) }

  /// A copy of one array of heads into the order of a batch of products.
  private func order<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, into sink: inout Sink
  ) where Sink.N == N {
    stream(name, pass, .permute, hidden / heads, rows: headCount * sequence, into: &sink)
  }

  /// A batch of products of attention: scores, or what has the size of a head.
  private func batched<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, givesScores: Bool, _ layout: Layout, into sink: inout Sink
  ) where Sink.N == N {
    let size = hidden / heads
    let (columns, inner) = givesScores ? (sequence, size) : (size, sequence)
    add(
      name, pass, .gemm(GEMM(m: sequence, n: columns, k: inner, batch: headCount, layout: layout)),
      into: &sink)
  }

  private func flash(backward: Bool, part: FlashAttention<N>.Part) -> Work<N> {
    let own = heads / Double(tensorParallel)
    return .attention(
      FlashAttention(
        batch: batch, heads: own, keyValueHeads: own, queries: sequence, keys: sequence,
        headSize: hidden / heads, causal: false, backward: backward, part: part))
  }

  private func exchange<Sink: OperatorSink>(
    _ name: StaticString, _ pass: Operator<N>.Pass, into sink: inout Sink
  ) where Sink.N == N {
    guard tensorParallel > 1 else { return }
    add(
      name, pass,
      .collective(Collective(.allReduce, bytes: dataType.bytes * tokens * hidden, ranks: tensorParallel)),
      into: &sink)
  }

  private func forward<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gemm(_ name: StaticString, n: N, k: N, into sink: inout Sink) {
      add(name, .forward, .gemm(GEMM(m: tokens, n: n, k: k)), into: &sink)
    }
    stream("attention norm", .forward, .layernorm, hidden, into: &sink)
    if separateProjections {
      gemm("query projection", n: width, k: hidden, into: &sink)
      gemm("key projection", n: width, k: hidden, into: &sink)
      gemm("value projection", n: width, k: hidden, into: &sink)
    } else {
      gemm("QKV projection", n: 3 * width, k: hidden, into: &sink)
    }
    switch attention {
    case .flash: add("attention", .forward, flash(backward: false, part: .whole), into: &sink)
    case .materialised(let copiesHeads):
      if copiesHeads {
        order("query order", .forward, into: &sink)
        order("key order", .forward, into: &sink)
        order("value order", .forward, into: &sink)
      }
      batched("scores", .forward, givesScores: true, .NT, into: &sink)
      scores("score scale", .forward, .scale, into: &sink)
      if masksPadding { scores("score mask", .forward, .scale, into: &sink) }
      scores("softmax", .forward, .softmax, into: &sink)
      scores("score dropout", .forward, .dropout, into: &sink)
      batched("context", .forward, givesScores: false, .NN, into: &sink)
      order("context order", .forward, into: &sink)
    }
    gemm("output projection", n: hidden, k: width, into: &sink)
    exchange("attention all-reduce", .forward, into: &sink)
    stream("attention dropout", .forward, .dropout, hidden, into: &sink)
    stream("attention residual", .forward, .add, hidden, into: &sink)
    stream("feed-forward norm", .forward, .layernorm, hidden, into: &sink)
    gemm("FC1", n: feedForwardWidth, k: hidden, into: &sink)
    stream("activation", .forward, .gelu, feedForwardWidth, into: &sink)
    gemm("FC2", n: hidden, k: feedForwardWidth, into: &sink)
    exchange("feed-forward all-reduce", .forward, into: &sink)
    stream("feed-forward dropout", .forward, .dropout, hidden, into: &sink)
    stream("feed-forward residual", .forward, .add, hidden, into: &sink)
  }

  private func backward<Sink: OperatorSink>(into sink: inout Sink) where Sink.N == N {
    func gradients(
      _ bias: StaticString, _ data: StaticString, _ weight: StaticString, n: N, k: N, into sink: inout Sink
    ) {
      stream(bias, .backward, .rowSum, n, into: &sink)
      add(data, .backward, .gemm(GEMM(m: tokens, n: k, k: n, layout: .NN)), into: &sink)
      add(weight, .backward, .gemm(GEMM(m: n, n: k, k: tokens, layout: .TN)), into: &sink)
    }
    stream("feed-forward dropout gradient", .backward, .dropoutBackward, hidden, into: &sink)
    gradients(
      "FC2 bias gradient", "FC2 data gradient", "FC2 weight gradient", n: hidden, k: feedForwardWidth,
      into: &sink)
    stream("activation gradient", .backward, .geluBackward, feedForwardWidth, into: &sink)
    gradients(
      "FC1 bias gradient", "FC1 data gradient", "FC1 weight gradient", n: feedForwardWidth, k: hidden,
      into: &sink)
    exchange("feed-forward gradient all-reduce", .backward, into: &sink)
    stream("feed-forward norm gradient", .backward, .layernormBackward, hidden, into: &sink)
    stream("feed-forward residual gradient", .backward, .add, hidden, into: &sink)
    stream("attention dropout gradient", .backward, .dropoutBackward, hidden, into: &sink)
    gradients(
      "output projection bias gradient", "output projection data gradient",
      "output projection weight gradient",
      n: hidden, k: width, into: &sink)
    switch attention {
    case .flash:
      add("attention gradient", .backward, flash(backward: true, part: .products), into: &sink)
      add("attention gradient passes", .backward, flash(backward: true, part: .passes), into: &sink)
    case .materialised(let copiesHeads):
      if copiesHeads { order("context gradient order", .backward, into: &sink) }
      batched("dropped score gradient", .backward, givesScores: true, .NT, into: &sink)
      batched("value gradient", .backward, givesScores: false, .TN, into: &sink)
      scores("score dropout gradient", .backward, .dropoutBackward, into: &sink)
      scores("softmax gradient product", .backward, .multiply, into: &sink)
      scores("softmax gradient", .backward, .softmaxBackward, into: &sink)
      scores("score scale gradient", .backward, .scale, into: &sink)
      batched("query gradient", .backward, givesScores: false, .NN, into: &sink)
      batched("key gradient", .backward, givesScores: false, .TN, into: &sink)
    }
    if separateProjections {
      stream("query gradient order", .backward, .permute, width, into: &sink)
      gradients(
        "query bias gradient", "query data gradient", "query weight gradient", n: width, k: hidden,
        into: &sink)
      stream("key gradient order", .backward, .permute, width, into: &sink)
      gradients(
        "key bias gradient", "key data gradient", "key weight gradient", n: width, k: hidden, into: &sink)
      stream("projection gradient sum", .backward, .add, hidden, into: &sink)
      stream("value gradient order", .backward, .permute, width, into: &sink)
      gradients(
        "value bias gradient", "value data gradient", "value weight gradient", n: width, k: hidden,
        into: &sink)
      stream("projection gradient sum", .backward, .add, hidden, into: &sink)
    } else {
      stream("QKV gradient stack", .backward, .concatenate, 3 * width, into: &sink)
      stream("QKV gradient order", .backward, .permute, 3 * width, into: &sink)
      gradients(
        "QKV bias gradient", "QKV data gradient", "QKV weight gradient", n: 3 * width, k: hidden, into: &sink)
    }
    exchange("attention gradient all-reduce", .backward, into: &sink)
    stream("attention norm gradient", .backward, .layernormBackward, hidden, into: &sink)
    stream("attention residual gradient", .backward, .add, hidden, into: &sink)
  }
}

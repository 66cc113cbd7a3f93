public import Quantities

/// A kernel and how often it runs.
public struct CountedOperator<N: ModelNumber>: Sendable {
  /// The kernel.
  public let operation: Operator<N>
  /// How often it runs in an iteration.
  public let count: N

  /// A kernel that runs so often.
  public init(_ operation: Operator<N>, count: N) {
    self.operation = operation
    self.count = count
  }
}

/// A network whose kernels depend on the length of its sequences.
public enum RecurrentNetwork: String, Sendable, CaseIterable {
  /// Speech to text: two convolutions over time and frequency, five bidirectional GRU layers, CTC over characters
  /// (arXiv 1512.02595). A length is one of frames of 20 ms.
  case deepSpeech2
  /// Translation: LSTM encoder (the first layer bidirectional) and decoder of four layers, attention over the source,
  /// softmax over words (arXiv 1609.08144, sizes of the MLPerf reference). A length is one of words, the same on both sides.
  case gnmt

  /// Hidden units of a layer.
  public var width: Double { self == .deepSpeech2 ? 800 : 1024 }

  /// The kernels of a training iteration.
  ///
  /// - Parameters:
  ///   - length: frames or words of every sequence of the batch (shorter ones are padded).
  ///   - batch: sequences.
  ///   - type: of activations and weights.
  /// - Returns: the kernels of forward pass, loss, backward pass and update by gradient descent.
  public func kernels<N: ModelNumber>(length: N, batch: N, type: DataType) -> [CountedOperator<N>] {
    var list = RecurrentKernels<N>(batch: batch, type: type)
    switch self {
    case .deepSpeech2:
      // Stride 2 in time and frequency, then 2 in frequency: 161 bins become 81 and 41.
      let steps = (length / 2).roundedUp()
      let width = N(self.width)
      list.convolution("first convolution", outputs: 32, inputs: 1, kernel: 41 * 11, positions: 81 * steps)
      list.convolution("second convolution", outputs: 32, inputs: 32, kernel: 21 * 11, positions: 41 * steps)
      list.layer(gates: 3, inputs: N(32 * 41), width: width, steps: steps, count: 2)
      list.layer(gates: 3, inputs: 2 * width, width: width, steps: steps, count: 8)
      list.linear("characters", rows: batch * steps, outputs: N(29), inputs: 2 * width)
      list.connectionistLoss(steps: steps, characters: steps / 8)
    case .gnmt:
      let width = N(self.width)
      let words = batch * length
      list.stream("word rows", .copy, rows: 2 * words, columns: width)
      list.layer(gates: 4, inputs: width, width: width / 2, steps: length, count: 2)
      list.layer(gates: 4, inputs: width, width: width, steps: length, count: 7)
      list.attention(queries: length, keys: length, width: width)
      list.linear("words", rows: words, outputs: N(32000), inputs: 2 * width)
      list.stream("loss", .softmax, rows: words, columns: N(32000))
      list.stream("loss gradient", .softmaxBackward, rows: words, columns: N(32000), pass: .backward)
      list.stream("word row gradients", .add, rows: 2 * words, columns: width, pass: .backward)
      list.parameters = list.parameters + N(32000) * width
    }
    list.stream("weight update", .sgd, rows: N(1), columns: list.parameters, pass: .optimizer)
    return list.kernels
  }
}

/// Collects the kernels of a recurrent network.
struct RecurrentKernels<N: ModelNumber> {
  let batch: N
  let type: DataType
  var kernels: [CountedOperator<N>] = []
  /// Weights listed so far.
  var parameters = N(0)

  init(batch: N, type: DataType) {
    self.batch = batch
    self.type = type
  }

  private mutating func add(_ name: StaticString, _ pass: Operator<N>.Pass, _ work: Work<N>, count: N) {
    kernels.append(CountedOperator(Operator(name, pass, work, type), count: count))
  }

  mutating func stream(
    _ name: StaticString, _ kind: Streaming<N>.Kind, rows: N, columns: N, count: N = N(1),
    pass: Operator<N>.Pass = .forward
  ) {
    add(name, pass, .streaming(Streaming(kind, rows: rows, columns: columns)), count: count)
  }

  /// A product with weights, its two gradients and that of its bias, so many times.
  mutating func linear(_ name: StaticString, rows: N, outputs: N, inputs: N, count: Double = 1) {
    add(name, .forward, .gemm(GEMM(m: rows, n: outputs, k: inputs)), count: N(count))
    add(name, .backward, .gemm(GEMM(m: rows, n: inputs, k: outputs, layout: .NN)), count: N(count))
    add(name, .backward, .gemm(GEMM(m: outputs, n: inputs, k: rows, layout: .TN)), count: N(count))
    stream(name, .rowSum, rows: rows, columns: outputs, count: N(count), pass: .backward)
    parameters = parameters + count * outputs * inputs
  }

  /// A convolution as the product that it is equal to, normalised over the batch and clipped.
  mutating func convolution(
    _ name: StaticString, outputs: Double, inputs: Double, kernel: Double, positions: N
  ) {
    let rows = batch * positions
    linear(name, rows: rows, outputs: N(outputs), inputs: N(inputs * kernel))
    stream(name, .layernorm, rows: N(outputs), columns: rows)
    stream(name, .layernormBackward, rows: N(outputs), columns: rows, pass: .backward)
    stream(name, .gelu, rows: rows, columns: N(outputs))
    stream(name, .geluBackward, rows: rows, columns: N(outputs), pass: .backward)
  }

  /// Recurrent layers (or directions of one) that are alike: one product of all inputs, then step after step a product
  /// of the state and its gates.
  mutating func layer(gates: Double, inputs: N, width: N, steps: N, count: Double) {
    let gated = N(gates) * width
    let rows = batch * steps
    let turns = count * steps
    linear("inputs of the gates", rows: rows, outputs: gated, inputs: inputs, count: count)
    add("state product", .forward, .gemm(GEMM(m: batch, n: gated, k: width)), count: turns)
    stream("gates", .gatedActivation, rows: batch, columns: gated, count: turns)
    add("state gradient", .backward, .gemm(GEMM(m: batch, n: width, k: gated, layout: .NN)), count: turns)
    stream(
      "gate gradients", .gatedActivationBackward, rows: batch, columns: gated, count: turns, pass: .backward)
    add(
      "state weight gradient", .backward, .gemm(GEMM(m: gated, n: width, k: rows, layout: .TN)),
      count: N(count))
    parameters = parameters + count * gated * width
  }

  /// Attention of each word of the target over all words of the source.
  mutating func attention(queries: N, keys: N, width: N) {
    linear("query", rows: batch * queries, outputs: width, inputs: width)
    let rows = batch * queries
    func products(_ name: StaticString, _ pass: Operator<N>.Pass, _ count: Double) -> [CountedOperator<N>] {
      [
        GEMM<N>(m: queries, n: keys, k: width, batch: batch),
        GEMM<N>(m: queries, n: width, k: keys, batch: batch, layout: .NN),
      ].map { CountedOperator(Operator(name, pass, .gemm($0), type), count: N(count)) }
    }
    kernels += products("scores", .forward, 1) + products("score gradients", .backward, 2)
    stream("attention weights", .softmax, rows: rows, columns: keys)
    stream("attention weight gradients", .softmaxBackward, rows: rows, columns: keys, pass: .backward)
    stream("context beside state", .concatenate, rows: rows, columns: 2 * width)
  }

  /// CTC: softmax of each step, then the sums over all paths step after step, forward and backward (Graves et al., ICML
  /// 2006): a kernel of two states a character and sequence in each step.
  mutating func connectionistLoss(steps: N, characters: N) {
    stream("character softmax", .softmax, rows: batch * steps, columns: N(29))
    stream("path sums", .add, rows: batch, columns: 2 * characters, count: steps)
    stream("path sums", .add, rows: batch, columns: 2 * characters, count: steps, pass: .backward)
    stream(
      "character softmax gradient", .softmaxBackward, rows: batch * steps, columns: N(29), pass: .backward)
  }
}

public import Quantities

/// One step of a Transformer on one device of a tensor-parallel group: a layer, and what stands around the layers.
public struct TransformerStep<N: ModelNumber>: Sendable {
  /// One of the layers.
  public let layer: TransformerLayer<N>
  let model: TransformerModel

  /// A step of a model.
  ///
  /// - Parameters:
  ///   - model: its shape.
  ///   - microBatch: sequences.
  ///   - sequence: tokens of one.
  ///   - tensorParallel: devices that share each layer.
  ///   - causal: whether later tokens are masked.
  ///   - dataType: of activations and weights.
  public init(
    model: TransformerModel, microBatch: N, sequence: N, tensorParallel: Int, causal: Bool,
    dataType: DataType
  ) {
    self.model = model
    layer = TransformerLayer(
      model: model, microBatch: microBatch, sequence: sequence, tensorParallel: tensorParallel,
      causal: causal, dataType: dataType)
  }

  /// Parameters that one device holds.
  public var localParameters: Double { model.parameters / Double(layer.tensorParallel) }

  private var vocabularySlice: N { N(Double(model.vocabulary) / Double(layer.tensorParallel)) }

  /// Lists the kernels of the embedding: a row for each token, summed over the slices of the vocabulary.
  public func embedding<Sink: OperatorSink>(backward: Bool, into sink: inout Sink) where Sink.N == N {
    let rows = Streaming<N>(backward ? .add : .copy, rows: layer.tokens, columns: layer.hidden)
    sink.add(
      Operator(
        backward ? "embedding gradient" : "token rows", backward ? .backward : .forward, .streaming(rows),
        layer.dataType))
    if !backward, layer.tensorParallel > 1, layer.communicates {
      sink.add(
        Operator(
          "embedding all-reduce", .forward,
          .collective(
            Collective(
              .allReduce, bytes: layer.dataType.bytes * layer.tokens * layer.hidden,
              ranks: layer.tensorParallel)), layer.dataType))
    }
  }

  /// Lists the kernels of the output head: final normalisation, logits, loss and, in training, their gradients.
  public func head<Sink: OperatorSink>(backward: Bool, into sink: inout Sink) where Sink.N == N {
    func stream(_ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, _ columns: N) {
      sink.add(
        Operator(
          name, pass, .streaming(Streaming(kind, rows: layer.tokens, columns: columns)), layer.dataType))
    }
    func product(_ name: StaticString, _ pass: Operator<N>.Pass, _ shape: GEMM<N>) {
      sink.add(Operator(name, pass, .gemm(shape), layer.dataType))
    }
    let (tokens, hidden, vocabulary) = (layer.tokens, layer.hidden, vocabularySlice)
    stream("final norm", .forward, .layernorm, hidden)
    product("logits", .forward, GEMM(m: tokens, n: vocabulary, k: hidden))
    guard backward else { return }
    stream("loss", .forward, .softmax, vocabulary)
    stream("loss gradient", .backward, .softmaxBackward, vocabulary)
    product("logits data gradient", .backward, GEMM(m: tokens, n: hidden, k: vocabulary, layout: .NN))
    product("logits weight gradient", .backward, GEMM(m: vocabulary, n: hidden, k: tokens, layout: .TN))
    if layer.tensorParallel > 1, layer.communicates {
      sink.add(
        Operator(
          "logits gradient all-reduce", .backward,
          .collective(
            Collective(
              .allReduce, bytes: layer.dataType.bytes * tokens * hidden, ranks: layer.tensorParallel)),
          layer.dataType))
    }
    stream("final norm gradient", .backward, .layernormBackward, hidden)
  }

  /// Lists the update of the weights that one device holds, in FP32.
  public func optimizer<Sink: OperatorSink>(adam: Bool, into sink: inout Sink) where Sink.N == N {
    sink.add(
      Operator(
        "weight update", .optimizer,
        .streaming(Streaming(adam ? .adamw : .sgd, rows: N(1), columns: N(localParameters))), .fp32))
  }
}

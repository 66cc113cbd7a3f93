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
  ///   - sequenceParallel: whether they share the tokens between the blocks too.
  ///   - causal: whether later tokens are masked.
  ///   - dataType: of activations and weights.
  public init(
    model: TransformerModel, microBatch: N, sequence: N, tensorParallel: Int,
    sequenceParallel: Bool = false, causal: Bool, dataType: DataType
  ) {
    self.model = model
    layer = TransformerLayer(
      model: model, microBatch: microBatch, sequence: sequence, tensorParallel: tensorParallel,
      sequenceParallel: sequenceParallel, causal: causal, dataType: dataType)
  }

  /// Parameters that one device holds.
  public var localParameters: Double { model.parameters / Double(layer.tensorParallel) }

  /// Bytes of the gradients of one layer that one device holds.
  public var layerGradientBytes: Double {
    layer.dataType.bytes * model.layerParameters / Double(layer.tensorParallel)
  }

  /// Bytes of the gradients outside of the layers that one device holds: embedding, output head, final normalisation.
  public var otherGradientBytes: Double {
    layer.dataType.bytes * localParameters - Double(model.layers) * layerGradientBytes
  }

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
          layer.sequenceParallel ? "embedding reduce-scatter" : "embedding all-reduce", .forward,
          .collective(layer.exchange(layer.sequenceParallel ? .reduceScatter : .allReduce)), layer.dataType))
    }
  }

  /// Lists the kernels of the output head: final normalisation, logits, loss and, in training, their gradients.
  public func head<Sink: OperatorSink>(backward: Bool, into sink: inout Sink) where Sink.N == N {
    func stream(
      _ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, _ columns: N, rows: N? = nil
    ) {
      sink.add(
        Operator(
          name, pass, .streaming(Streaming(kind, rows: rows ?? layer.tokens, columns: columns)),
          layer.dataType))
    }
    func product(_ name: StaticString, _ pass: Operator<N>.Pass, _ shape: GEMM<N>) {
      sink.add(Operator(name, pass, .gemm(shape), layer.dataType))
    }
    let (tokens, hidden, vocabulary) = (layer.tokens, layer.hidden, vocabularySlice)
    stream("final norm", .forward, .layernorm, hidden, rows: layer.residentTokens)
    if layer.tensorParallel > 1, layer.communicates, layer.sequenceParallel {
      sink.add(
        Operator("logits input all-gather", .forward, .collective(layer.exchange(.allGather)), layer.dataType)
      )
    }
    product("logits", .forward, GEMM(m: tokens, n: vocabulary, k: hidden))
    guard backward else { return }
    stream("loss", .forward, .softmax, vocabulary)
    stream("loss gradient", .backward, .softmaxBackward, vocabulary)
    product("logits data gradient", .backward, GEMM(m: tokens, n: hidden, k: vocabulary, layout: .NN))
    product("logits weight gradient", .backward, GEMM(m: vocabulary, n: hidden, k: tokens, layout: .TN))
    if layer.tensorParallel > 1, layer.communicates {
      sink.add(
        Operator(
          layer.sequenceParallel ? "logits gradient reduce-scatter" : "logits gradient all-reduce", .backward,
          .collective(layer.exchange(layer.sequenceParallel ? .reduceScatter : .allReduce)), layer.dataType))
    }
    stream("final norm gradient", .backward, .layernormBackward, hidden, rows: layer.residentTokens)
  }

  /// Lists the update of the weights that one device holds, in FP32.
  public func optimizer<Sink: OperatorSink>(adam: Bool, into sink: inout Sink) where Sink.N == N {
    sink.add(
      Operator(
        "weight update", .optimizer,
        .streaming(Streaming(adam ? .adamw : .sgd, rows: N(1), columns: N(localParameters))), .fp32))
  }
}

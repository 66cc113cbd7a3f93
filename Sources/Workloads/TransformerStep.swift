public import Quantities

/// One step of a Transformer on one device of a tensor-parallel group: a layer, and what stands around the layers.
public struct TransformerStep<N: ModelNumber>: Sendable {
  /// One of the dense layers (of the mixture layers, where all are).
  public let layer: TransformerLayer<N>
  /// The kinds of layers, with how many there are of each.
  public let layers: [(layer: TransformerLayer<N>, count: Int)]
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
  ///   - options: what is fused and shared besides.
  @_specialize(where N == Double)
  public init(
    model: TransformerModel, microBatch: N, sequence: N, tensorParallel: Int,
    sequenceParallel: Bool = false, causal: Bool, dataType: DataType, options: LayerOptions = LayerOptions()
  ) {
    self.model = model
    func layer(mixture: Bool) -> TransformerLayer<N> {
      TransformerLayer(
        model: model, microBatch: microBatch, sequence: sequence, tensorParallel: tensorParallel,
        sequenceParallel: sequenceParallel, causal: causal, dataType: dataType, options: options,
        mixture: mixture)
    }
    let dense = model.denseLayers
    layers = [(layer(mixture: false), dense), (layer(mixture: true), model.layers - dense)].filter {
      $0.count > 0
    }
    self.layer = layers.first?.layer ?? layer(mixture: false)
  }

  /// Parameters that one device holds when it holds all layers: every one but the experts of others.
  public var localParameters: Double {
    let experts: Double = Double(model.layers - model.denseLayers) * model.routedExpertParameters
    let elsewhere: Double = experts - experts / Double(layer.options.expertParallel)
    return (model.parameters - elsewhere) / Double(layer.tensorParallel)
  }

  /// Parameters outside of the layers that one device holds: embedding, positions, head, final normalisation.
  public var outerParameters: Double {
    (model.parameters - model.layersParameters) / Double(layer.tensorParallel)
  }

  /// Parameters of a mean layer that one device holds: those that all replicas share, and those of its experts.
  ///
  /// - Parameter expertParallel: devices that share the experts.
  /// - Returns: both counts.
  public func layerParametersByGroup(expertParallel: Int) -> (dense: Double, experts: Double) {
    let slices = Double(layer.tensorParallel * model.layers)
    let experts: Double = Double(model.layers - model.denseLayers) * model.routedExpertParameters
    return ((model.layersParameters - experts) / slices, experts / (slices * Double(expertParallel)))
  }

  /// Parameters of the embedding and of learned positions that one device holds.
  public var embeddingParameters: Double {
    let positions = model.positions == .learned ? Double(model.sequence * model.hidden) : 0
    return (Double(model.vocabulary * model.hidden) + positions) / Double(layer.tensorParallel)
  }

  /// Columns of the output head on one device.
  public var localVocabulary: N { vocabularySlice }

  /// Bytes of the gradients of one layer that one device holds.
  public var layerGradientBytes: Double {
    layer.dataType.bytes * model.layerParameters / Double(layer.tensorParallel)
  }

  /// Bytes of the gradients outside of the layers that one device holds: embedding, output head, final normalisation.
  public var otherGradientBytes: Double {
    layer.dataType.bytes * outerParameters
  }

  private var vocabularySlice: N { N(Double(model.vocabulary) / Double(layer.tensorParallel)) }

  /// Lists the kernels of the embedding: a row for each token, summed over the slices of the vocabulary.
  @_specialize(where N == Double, Sink == OperatorList<Double>)
  public func embedding<Sink: OperatorSink>(backward: Bool, into sink: inout Sink) where Sink.N == N {
    let kind: Streaming<N>.Kind = backward ? .embeddingBackward : .embedding
    let rows = Streaming<N>(kind, rows: layer.tokens, columns: layer.hidden)
    if backward {
      // The gradient is one of the whole table, zero where no token points.
      let table = Streaming<N>(.fill, rows: vocabularySlice, columns: layer.hidden)
      sink.add(Operator("embedding gradient zeros", .backward, .streaming(table), layer.dataType))
    }
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
  @_specialize(where N == Double, Sink == OperatorList<Double>)
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
    stream("final norm", .forward, model.normalization.kind(), hidden, rows: layer.residentTokens)
    if layer.tensorParallel > 1, layer.communicates, layer.sequenceParallel {
      sink.add(
        Operator("logits input all-gather", .forward, .collective(layer.exchange(.allGather)), layer.dataType)
      )
    }
    product("logits", .forward, GEMM(m: tokens, n: vocabulary, k: hidden))
    guard backward else { return }
    // The loss is computed in FP32: a copy of the logits, and one of their gradient back.
    func loss(_ name: StaticString, _ pass: Operator<N>.Pass, _ kind: Streaming<N>.Kind, _ columns: N) {
      sink.add(Operator(name, pass, .streaming(Streaming(kind, rows: tokens, columns: columns)), .fp32))
    }
    let isShort = layer.dataType.bytes < 4
    // Two bytes on one side and four on the other, where a copy of FP32 counts eight.
    if isShort { loss("logits in FP32", .forward, .copy, 0.75 * vocabulary) }
    loss("loss", .forward, .softmax, vocabulary)
    loss("loss gradient", .backward, .softmaxBackward, vocabulary)
    if isShort { loss("gradient in 16 bits", .backward, .copy, 0.75 * vocabulary) }
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
}

import CostModels
import Hardware
import Quantities
import Workloads

extension Scenario {
  /// Costs the scenario: expands the workload to operators, costs each, and composes them.
  public func project() -> Projection {
    let model = DeviceModel<Double>(device, calibration)
    switch work {
    case .operators(let list):
      var parts = list.map { entry in
        model.node(entry.operation, name: entry.name, count: entry.count)
      }
      if let wait = hostWait(for: parts) { parts.append(wait) }
      return Projection(
        scenario: self, root: CostNode("operators", parts: parts), hiddenCommunication: .zero, tokens: nil,
        modelWork: nil)
    case .transformer(let transformer): return project(transformer, on: model)
    }
  }

  /// The time that eager kernels wait for the host to start them: it runs ahead within a part, so that only what all of
  /// the part's starts take longer than its kernels counts.
  private func hostWait(for parts: [CostNode]) -> CostNode? {
    guard execution == .eager else { return nil }
    let device = parts.reduce(.zero) { $0 + $1.time }
    let host = Double(parts.reduce(0) { $0 + $1.operatorRuns }) * hostLaunch
    guard host > device else { return nil }
    let wait = (host - device).value
    // Hosts differ between runs of one program by a third.
    return CostNode("waiting for the host", time: wait, standardError: 0.3 * wait, bound: .launch)
  }

  private func project(_ transformer: TransformerModel, on model: DeviceModel<Double>) -> Projection {
    let step = TransformerStep(
      model: transformer, microBatch: Double(microBatch), sequence: Double(sequence),
      tensorParallel: tensorParallel, sequenceParallel: sequenceParallel, causal: causal, dataType: dataType)
    func part(_ name: String, _ list: (inout OperatorList<Double>) -> Void) -> CostNode {
      var operators = OperatorList<Double>()
      list(&operators)
      var parts = operators.operators.map { model.node($0, name: "\($0.name)") }
      if let wait = hostWait(for: parts) { parts.append(wait) }
      return CostNode(name, parts: parts)
    }
    let training = pass == .training
    var parts = [part("embedding") { step.embedding(backward: false, into: &$0) }]
    var layer = [part("forward") { step.layer.forward(into: &$0) }]
    if training { layer.append(part("backward") { step.layer.backward(into: &$0) }) }
    parts.append(CostNode("layers", count: transformer.layers, parts: layer))
    parts.append(part("output head") { step.head(backward: training, into: &$0) })
    var hidden = Seconds.zero
    if training {
      let embedding = part("embedding gradient") { step.embedding(backward: true, into: &$0) }
      parts.append(embedding)
      if dataParallel > 1 {
        let exchange = gradientExchange(
          step, layers: transformer.layers, backward: layer[1], embedding: embedding, on: model)
        parts.append(exchange.node)
        hidden = exchange.hidden
      }
    }
    if optimizer != .none {
      parts.append(part("optimizer") { step.optimizer(adam: optimizer == .adamw, into: &$0) })
    }
    let sequences = Double(microBatch * dataParallel)
    let length = Double(sequence)
    let needed =
      training
      ? transformer.modelFLOP(sequences: sequences, length: length)
      : transformer.layersForwardFLOP(sequences: sequences, length: length)
        + transformer.headForwardFLOP(sequences: sequences, length: length)
    return Projection(
      scenario: self,
      root: CostNode(
        training ? "training step" : "forward pass", parts: parts, noise: model.commonSpread),
      hiddenCommunication: hidden, tokens: sequences * length, modelWork: needed)
  }

  /// The exchange of the gradients among the replicas: one all-reduce for each layer, one for what is outside of them.
  ///
  /// With overlap, each layer's runs beside the backward pass of the layers below it; what the last kernel leaves of
  /// them is exposed, and the kernels beside them are slowed.
  private func gradientExchange(
    _ step: TransformerStep<Double>, layers: Int, backward: CostNode, embedding: CostNode,
    on model: DeviceModel<Double>
  ) -> (node: CostNode, hidden: Seconds) {
    func allReduce(_ bytes: Double) -> Collective<Double> {
      Collective(.allReduce, bytes: bytes, ranks: dataParallel)
    }
    let contention = model.contention
    func time(_ bytes: Double) -> Double {
      let cost = model.network.cost(allReduce(bytes), stride: tensorParallel)?.cost
      return (cost?.time ?? .infinity) + contention.handover
    }
    let (ofLayer, ofRest) = (allReduce(step.layerGradientBytes), allReduce(step.otherGradientBytes))
    let spread = model.network.spread(of: ofLayer, stride: tensorParallel)
    let isExtrapolated = model.network.isExtrapolated(ofLayer, stride: tensorParallel)
    let (layerTime, restTime) = (time(ofLayer.bytes), time(ofRest.bytes))
    let whole = Double(layers) * layerTime + restTime
    let bytes = Double(layers) * ofLayer.bytes + ofRest.bytes
    func exposed(_ name: String, _ time: Double) -> CostNode {
      CostNode(
        name, time: time, standardError: spread * time, bound: .network, isCommunication: true,
        traffic: bytes,
        isExtrapolated: isExtrapolated)
    }
    guard overlap else {
      return (CostNode("gradient exchange", parts: [exposed("gradient all-reduces", whole)]), .zero)
    }
    var operators = OperatorList<Double>()
    step.layer.backward(into: &operators)
    let channels = model.network.channels(ranks: dataParallel, stride: tensorParallel)
    // Where kernels wait for the host or for their own exchanges, an exchange beside them costs them nothing more.
    let alone = operators.operators.reduce(0.0) { sum, operation in
      sum + (model.cost(operation.work, operation.dataType)?.time ?? .infinity)
    }
    let slowed = (model.crowdedTime(operators.operators, channels: channels) ?? alone) - alone
    let compute = backward.time.value
    let segment = ContentionForm<Double>.Segment(
      compute: compute, crowded: compute + Double.larger(0, slowed), exchange: layerTime)
    let last = ContentionForm<Double>.Segment(
      compute: embedding.time.value, crowded: embedding.time.value, exchange: restTime)
    let result = contention.overlap(
      [ContentionForm.Segment](repeating: segment, count: layers) + [last])
    let node = CostNode(
      "gradient exchange",
      parts: [
        exposed("exposed all-reduces", result.exposed),
        CostNode(
          "kernels beside all-reduces", time: result.slowdown,
          standardError: contentionSpread * result.slowdown, bound: .network),
      ])
    return (node, Seconds(whole - result.exposed))
  }
}

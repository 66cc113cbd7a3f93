public import CostModels
import Hardware
public import Quantities
import Workloads

extension Scenario {
  /// Costs the scenario: expands the workload to operators, costs each, and composes them.
  public func project() -> Projection {
    let model = deviceModel
    switch work {
    case .operators(let list):
      var parts = list.map { entry in
        model.aloneNode(entry.operation, name: entry.name, count: entry.count)
      }
      var sources = list.map { model.errorSource(of: $0.operation) }
      if let wait = hostWait(for: parts) {
        parts.append(wait)
        sources.append("host")
      }
      return Projection(
        scenario: self,
        root: CostNode("operators", parts: parts, spread: CostNode.spread(of: parts, sources: sources)),
        hiddenCommunication: .zero, tokens: nil,
        modelWork: nil)
    case .transformer(let transformer): return project(transformer, on: model)
    }
  }

  /// The time that eager kernels wait for the host to start them: it runs ahead within a part, so that only what all of
  /// the part's starts take longer than its kernels counts.
  ///
  /// - Parameters:
  ///   - parts: the kernels.
  ///   - backward: whether they belong to the backward pass.
  ///   - before: kernels of the same phase that ran before them.
  /// - Returns: nil where the host is not in the way.
  func hostWait(for parts: [CostNode], backward: Bool = false, after before: [CostNode] = []) -> CostNode? {
    guard execution != .graph else { return nil }
    let all = before + parts
    let device = all.reduce(.zero) { $0 + $1.time }
    let kernels = Double(all.reduce(0) { $0 + $1.operatorRuns })
    let wait = hostStarts.time(device: device.value, kernels: kernels, backward: backward) - device.value
    guard wait > 0 else { return nil }
    // Hosts differ between runs of one program by a third.
    return CostNode("waiting for the host", time: wait, standardError: 0.3 * wait, bound: .launch)
  }

  /// The kernels of one device, as many layers as the model has.
  func transformerStep(_ transformer: TransformerModel) -> TransformerStep<Double> {
    TransformerStep(
      model: transformer, microBatch: Double(microBatch), sequence: Double(sequence),
      tensorParallel: plan.tensor, sequenceParallel: sequenceParallel, causal: causal, dataType: dataType,
      options: layerOptions)
  }

  /// How the host starts kernels.
  public var hostStarts: HostLaunch<Double> {
    guard execution != .graph else { return HostLaunch() }
    return HostLaunch(
      each: hostLaunch.value, eachBackward: factors[.backwardLaunch] ?? hostLaunch.value,
      blocks: execution == .blocking)
  }

  private func project(_ transformer: TransformerModel, on model: DeviceModel<Double>) -> Projection {
    if let serving { return project(serving, of: transformer, on: model) }
    let step = transformerStep(transformer)
    func part(_ name: String, _ list: (inout OperatorList<Double>) -> Void) -> CostNode {
      var operators = OperatorList<Double>()
      list(&operators)
      let timed = model.running(list)
      var parts = operators.operators.map { timed.node($0, name: "\($0.name)") }
      if let wait = hostWait(for: parts) { parts.append(wait) }
      return CostNode(name, parts: parts)
    }
    let sequences = Double(globalBatch)
    let length = Double(sequence)
    guard pass == .training else {
      let forward = step.layers.map { layer, count in
        CostNode(
          layer.experts == nil ? "layers" : "mixture layers", count: count,
          parts: [part("forward") { layer.forward(into: &$0) }])
      }
      let parts =
        [part("embedding") { step.embedding(backward: false, into: &$0) }] + forward
        + [part("output head") { step.head(backward: false, into: &$0) }]
      let needed =
        transformer.layersForwardFLOP(sequences: sequences, length: length)
        + transformer.headForwardFLOP(sequences: sequences, length: length)
      return Projection(
        scenario: self, root: CostNode("forward pass", parts: parts, noise: model.commonSpread),
        hiddenCommunication: .zero, tokens: sequences * length, modelWork: needed)
    }
    let composition = TrainingComposition(self, transformer, step, on: model, part: part)
    return Projection(
      scenario: self, root: composition.root, hiddenCommunication: Seconds(composition.times.hidden),
      tokens: sequences * length,
      modelWork: transformer.modelFLOP(sequences: sequences, length: length),
      hardwareWork: transformer.hardwareFLOP(
        sequences: sequences, length: length, recompute: plan.recompute),
      step: composition.times, memory: memoryVerdict(transformer), exposure: composition.exposure,
      clock: composition.clock)
  }
}

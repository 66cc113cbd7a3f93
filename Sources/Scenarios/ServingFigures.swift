public import Quantities
import CostModels
import Hardware
import Workloads

/// What users of a served model feel, and what it takes in memory.
public struct ServingFigures: Sendable {
  /// Time until the first token of a prompt; nil where no prompt is costed.
  public let timeToFirstToken: Seconds?
  /// Mean time of a further token of each sequence; nil where none is costed.
  public let timePerOutputToken: Seconds?
  /// Memory of one device.
  public let memory: ServingMemory
  /// What the device has.
  public let capacity: Bytes
  /// Most sequences of a replica that fit; nil when not even the weights do.
  public let largestBatch: Int?
  /// Memory of one device with so many.
  public let largestMemory: ServingMemory?
  /// Changes, each of which alone makes it fit, the least intrusive first; empty when it fits or none does.
  public let remedies: [MemoryVerdict.Remedy]

  /// Whether it fits.
  public var fits: Bool { memory.total <= capacity }
}

/// What serving keeps in the memory of one device.
public struct ServingMemory: Sendable {
  /// Weights as they are stored.
  public let weights: Bytes
  /// Keys and values of all sequences at their longest.
  public let cache: Bytes
  /// Activations of the widest moment, logits, the context of the device and libraries.
  public let buffers: Bytes

  /// All of it.
  public var total: Bytes { weights + cache + buffers }
}

extension Scenario {
  /// What serving so many sequences keeps on one device.
  ///
  /// Buffers hold the inputs and the widest result of a layer for the tokens in flight, FP32 logits of one token a sequence,
  /// and what a device's context and libraries take.
  func servingMemory(_ plan: ServingPlan, of model: TransformerModel, sequences: Int) -> ServingMemory {
    let layout = plan.layout
    let share = Double(layout.tensorParallel)
    let longest = pass == .generation ? sequence + plan.output : sequence
    let perToken = model.cacheBytesPerToken(layout.cache, tensorParallel: layout.tensorParallel)
    let tokens = Double(sequences) * Double(pass == .decode ? 1 : sequence)
    let inner = Double(
      model.experts.map { $0.active * $0.feedForward + $0.sharedFeedForward } ?? model.feedForward)
    let widest = Swift.max(2 * inner, Double(model.queryWidth + 2 * model.keyValueWidth)) / share
    let activations = tokens * (2 * Double(model.hidden) + widest) * layout.dataType.bytes
    let logits = 4 * Double(sequences) * Double(model.vocabulary) / share
    return ServingMemory(
      weights: Bytes(model.weightBytes(layout)),
      cache: Bytes(Double(sequences) * Double(longest) * perToken),
      buffers: Bytes(activations + logits + MemoryForm<Double>.contextBytes))
  }

  /// What would make a served model fit: fewer sequences, which change no number, then a narrower cache, narrower weights,
  /// and more devices.
  private func servingRemedies(
    _ plan: ServingPlan, of model: TransformerModel, capacity: Bytes, largestBatch: Int?
  ) -> [MemoryVerdict.Remedy] {
    guard servingMemory(plan, of: model, sequences: microBatch).total > capacity else { return [] }
    var remedies: [MemoryVerdict.Remedy] = []
    func consider(_ change: String, _ layout: InferenceLayout, sequences: Int) -> Bool {
      let changed = ServingPlan(layout: layout, output: plan.output)
      let total = servingMemory(changed, of: model, sequences: sequences).total
      guard total <= capacity else { return false }
      remedies.append(.init(change: change, total: total))
      return true
    }
    if let largestBatch, largestBatch >= 1 {
      _ = consider("run.micro_batch=\(largestBatch)", plan.layout, sequences: largestBatch)
    }
    for (key, path) in [("cache", \InferenceLayout.cache), ("weights", \.weights)] {
      for format in [StorageFormat.fp8, .fp4] where format.bytes < plan.layout[keyPath: path].bytes {
        var layout = plan.layout
        layout[keyPath: path] = format
        if consider("run.\(key)=\(format.rawValue)", layout, sequences: microBatch) { break }
      }
    }
    var layout = plan.layout
    while layout.tensorParallel < model.heads {
      layout.tensorParallel *= 2
      let degree = layout.tensorParallel
      guard model.heads % degree == 0, model.feedForward % degree == 0,
        model.keyValueHeads <= degree || model.keyValueHeads % degree == 0,
        device.link(joining: degree * self.plan.data) != nil
      else { break }
      if consider("parallelism.tensor=\(degree)", layout, sequences: microBatch) { break }
    }
    return remedies
  }

  /// Costs a prompt, a step of decoding, or both.
  func project(
    _ plan: ServingPlan, of transformer: TransformerModel, on model: DeviceModel<Double>
  ) -> Projection {
    func node(_ name: String, _ list: (inout OperatorList<Double>) -> Void) -> CostNode {
      var operators = OperatorList<Double>()
      list(&operators)
      var parts = operators.operators.map { operation in
        model.node(operation.storingWeights(plan.layout.weights), name: "\(operation.name)")
      }
      if let wait = hostWait(for: parts) { parts.append(wait) }
      return CostNode(name, parts: parts)
    }
    let batch = Double(microBatch)
    func decode(context: Double) -> [CostNode] {
      let step = DecodeStep<Double>(model: transformer, batch: batch, context: context, layout: plan.layout)
      let dense = transformer.denseLayers
      var parts = [node("embedding") { step.embedding(into: &$0) }]
      for (mixture, count) in [(false, dense), (true, transformer.layers - dense)] where count > 0 {
        parts.append(
          CostNode(
            mixture ? "mixture layers" : "layers", count: count,
            parts: [node("decode") { step.layer(mixture: mixture, into: &$0) }]))
      }
      return parts + [node("output head") { step.head(into: &$0) }]
    }
    func prefill() -> [CostNode] {
      let step = transformerStep(transformer)
      let last = DecodeStep<Double>(
        model: transformer, batch: batch, context: Double(sequence), layout: plan.layout)
      let layers = step.layers.map { layer, count in
        CostNode(
          layer.experts == nil ? "layers" : "mixture layers", count: count,
          parts: [node("prefill") { layer.forward(into: &$0) }])
      }
      return [node("embedding") { step.embedding(backward: false, into: &$0) }] + layers
        + [node("output head") { last.head(into: &$0) }]
    }
    let sequences = Double(globalBatch)
    let length = Double(sequence)
    let further = plan.output - 1
    // A step's time is a straight line in the length of the cache, so that all steps take what the mean one does.
    let meanContext = length + Double(further + 1) / 2
    func decodeWork(context: Double) -> FLOP {
      transformer.layersForwardFLOP(sequences: sequences, length: 1)
        + transformer.headForwardFLOP(sequences: sequences, length: 1)
        + FLOP(
          Double(transformer.layers) * 2 * sequences * (context - 1)
            * Double(transformer.queryWidth + transformer.valueWidth))
    }
    let prefillWork =
      transformer.layersForwardFLOP(sequences: sequences, length: length)
      + transformer.headForwardFLOP(sequences: sequences, length: 1)
    let noise = model.commonSpread
    let root: CostNode
    let tokens: Double
    let work: FLOP
    var first, later: Seconds?
    switch pass {
    case .decode:
      root = CostNode("decode step", parts: decode(context: length), noise: noise)
      (tokens, work, later) = (sequences, decodeWork(context: length), root.time)
    case .generation:
      let prompt = CostNode("prefill", parts: prefill(), noise: noise)
      let steps = CostNode("decode steps", count: further, parts: decode(context: meanContext), noise: noise)
      root = CostNode("generation", parts: further > 0 ? [prompt, steps] : [prompt])
      tokens = sequences * Double(plan.output)
      work = prefillWork + Double(further) * decodeWork(context: meanContext)
      first = prompt.time
      later = further > 0 ? steps.time / Double(further) : nil
    default:
      root = CostNode("prefill", parts: prefill(), noise: noise)
      (tokens, work, first) = (sequences * length, prefillWork, root.time)
    }
    let capacity = Bytes(device.mainMemory.capacity.value)
    let one = servingMemory(plan, of: transformer, sequences: 1).total.value
    let each = servingMemory(plan, of: transformer, sequences: 2).total.value - one
    let room = (capacity.value - one) / each
    let largest = room >= 0 ? Int(Swift.min(room, 1e12)) + 1 : nil
    return Projection(
      scenario: self, root: root, hiddenCommunication: .zero, tokens: tokens, modelWork: work,
      serving: ServingFigures(
        timeToFirstToken: first, timePerOutputToken: later,
        memory: servingMemory(plan, of: transformer, sequences: microBatch), capacity: capacity,
        largestBatch: largest,
        largestMemory: largest.map { servingMemory(plan, of: transformer, sequences: $0) },
        remedies: servingRemedies(plan, of: transformer, capacity: capacity, largestBatch: largest)))
  }
}

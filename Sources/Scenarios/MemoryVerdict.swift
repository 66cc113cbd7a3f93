public import CostModels
public import Quantities
import Hardware
import Workloads

/// Whether a training step fits in memory, and the smallest change that makes it fit.
public struct MemoryVerdict: Sendable {
  /// What is kept on the fullest device.
  public let memory: TrainingMemory<Double>
  /// What the device has.
  public let capacity: Bytes
  /// Changes, each of which alone makes it fit, the least intrusive first; empty when it fits or none does.
  public let remedies: [Remedy]

  /// A change of the scenario, as `--set` takes it.
  public struct Remedy: Sendable {
    /// The key and its value: `run.recompute=selective`.
    public let change: String
    /// What is kept then.
    public let total: Bytes
  }

  /// Whether it fits.
  public var fits: Bool { memory.total <= capacity.value }
}

extension Scenario {
  /// What a training step of a model keeps, and what would make it fit.
  func memoryVerdict(_ transformer: TransformerModel) -> MemoryVerdict {
    let capacity = Bytes(device.mainMemory.capacity.value)
    let memory = memoryForm(transformerStep(transformer)).memory
    guard memory.total > capacity.value else {
      return MemoryVerdict(memory: memory, capacity: capacity, remedies: [])
    }
    var remedies: [MemoryVerdict.Remedy] = []
    func consider(
      _ change: String, _ plan: ParallelPlan, microBatch: Int? = nil, sequenceParallel: Bool? = nil
    ) {
      let batch = microBatch ?? self.microBatch
      let step = TransformerStep<Double>(
        model: transformer, microBatch: Double(batch), sequence: Double(sequence),
        tensorParallel: plan.tensor,
        sequenceParallel: sequenceParallel ?? self.sequenceParallel, causal: causal, dataType: dataType,
        options: layerOptions)
      let form = memoryForm(step)
      let total = MemoryForm(
        step, plan, gradientBytes: form.gradientBytes, optimizerBytes: form.optimizerBytes
      ).memory.total
      if total <= capacity.value { remedies.append(.init(change: change, total: Bytes(total))) }
    }
    // What costs least time first: sharding among the replicas, sharing tokens, computing again, smaller micro-batches,
    // more devices.
    if plan.replicas > 1 {
      let order = ParallelPlan.Sharding.allCases
      for sharding in order.drop(while: { $0 != plan.sharding }).dropFirst() {
        var changed = plan
        changed.sharding = sharding
        consider("parallelism.sharding=\(sharding.rawValue)", changed)
        if !remedies.isEmpty { break }
      }
    }
    if plan.tensor > 1, !sequenceParallel {
      consider("parallelism.sequence=true", plan, sequenceParallel: true)
    }
    for recompute in Recompute.allCases.drop(while: { $0 != plan.recompute }).dropFirst() {
      var changed = plan
      changed.recompute = recompute
      consider("run.recompute=\(recompute.rawValue)", changed)
    }
    if let half = (1..<microBatch).reversed().first(where: { microBatch % $0 == 0 }) {
      var changed = plan
      changed.microBatches *= microBatch / half
      consider("run.micro_batch=\(half)", changed, microBatch: half)
    }
    var stages = plan
    for stageCount in 1...transformer.layers where stageCount > plan.pipeline {
      stages.pipeline = stageCount
      guard stages.stageLayers(of: transformer.layers) != nil else { continue }
      let before = remedies.count
      consider("parallelism.pipeline=\(stageCount)", stages)
      if remedies.count > before { break }
    }
    var slices = plan
    while slices.tensor < transformer.heads {
      slices.tensor *= 2
      guard transformer.heads % slices.tensor == 0, transformer.feedForward % slices.tensor == 0 else {
        break
      }
      let before = remedies.count
      consider("parallelism.tensor=\(slices.tensor)", slices)
      if remedies.count > before { break }
    }
    return MemoryVerdict(memory: memory, capacity: capacity, remedies: remedies)
  }
}

public import Quantities
public import Workloads

/// What a training step keeps in the memory of the fullest device, in bytes.
public struct TrainingMemory<N: ModelNumber>: Sendable {
  /// Weights of the layers that kernels read.
  public let weights: N
  /// Their gradients.
  public let gradients: N
  /// Their optimizer's state: FP32 weights where those that kernels read are shorter, and moments.
  public let optimizer: N
  /// Weights, gradients and optimizer's state of the embedding (and of the head where the stage holds it).
  public let outer: N
  /// What the forward pass keeps for the backward pass.
  public let activations: N
  /// Buffers of exchanges and of what is alive only for a moment.
  public let buffers: N
  /// What the allocator cannot use.
  public let fragmentation: N

  /// All of it.
  public var total: N {
    let state: N = weights + gradients + optimizer + outer
    return state + activations + buffers + fragmentation
  }
}

/// The memory of a training step.
///
/// States follow the count of bytes a parameter of mixed-precision Adam (2 + 4 + 12 with FP32 gradients), activations the
/// equations of arXiv 2205.05198 (section 4), written out by tensor so that they hold for grouped heads, gates, no dropout
/// and attention that keeps no scores: for a 4H feed-forward with dropout, s b h (10 + 24/t + 5 a s/(h t)) a layer, all
/// divided by t with sequence parallelism, without the last term with selective recomputation, 2 s b h with full.
public struct MemoryForm<N: ModelNumber>: Sendable {
  /// Part of the allocated memory that an allocator with caching leaves unused.
  ///
  /// PyTorch's caching allocator keeps blocks of sizes that no later request has; a few per cent, an assumption (0 to 10 %).
  public static var fragmentationShare: Double { 0.03 }
  /// Bytes of a context, of libraries and of exchange buffers: assumed, 1 to 3 GB on GPUs with NCCL.
  public static var contextBytes: Double { 1.5e9 }

  let step: TransformerStep<N>
  let plan: ParallelPlan
  /// Bytes of one kept gradient.
  public let gradientBytes: Double
  /// Bytes of the optimizer's state for one parameter.
  public let optimizerBytes: Double

  /// The memory of a step.
  ///
  /// - Parameters:
  ///   - step: the kernels.
  ///   - plan: how it is spread.
  ///   - gradientBytes: bytes of one kept gradient.
  ///   - optimizerBytes: bytes of the optimizer's state for one parameter, FP32 weights included.
  public init(_ step: TransformerStep<N>, _ plan: ParallelPlan, gradientBytes: Double, optimizerBytes: Double)
  {
    self.step = step
    self.plan = plan
    self.gradientBytes = gradientBytes
    self.optimizerBytes = optimizerBytes
  }

  /// Parameters of the layers of a stage: those all replicas share, and experts.
  var layerParameters: (dense: Double, experts: Double) {
    let (dense, experts) = step.layerParametersByGroup(expertParallel: plan.expert)
    let layers = Double(step.layers.reduce(0) { $0 + $1.count })
    let stage = layers / Double(plan.pipeline)
    return (stage * dense, stage * experts)
  }

  /// Parameters outside of the layers: the embedding stands in the first stage; with one stage everything does.
  var outerParameters: Double { plan.pipeline == 1 ? step.outerParameters : step.embeddingParameters }

  /// Parameters that one device updates.
  public var updatedParameters: Double {
    let (layers, experts) = layerParameters
    let dense: Double = layers + outerParameters
    guard plan.sharding != .none else { return dense + experts }
    return dense / Double(plan.replicas) + experts / Double(plan.expertReplicas)
  }

  /// The memory of the fullest device.
  public var memory: TrainingMemory<N> {
    let (dense, experts) = layerParameters
    func held(_ stage: ParallelPlan.Sharding, _ dense: Double, _ experts: Double) -> Double {
      let order: [ParallelPlan.Sharding] = [.none, .optimizer, .gradients, .parameters]
      let isShared = (order.firstIndex(of: plan.sharding) ?? 0) >= (order.firstIndex(of: stage) ?? 0)
      guard isShared else { return dense + experts }
      return dense / Double(plan.replicas) + experts / Double(plan.expertReplicas)
    }
    let weightBytes = step.layer.dataType.bytes
    let weights: Double = weightBytes * held(.parameters, dense, experts)
    let gradients: Double = gradientBytes * held(.gradients, dense, experts)
    let optimizer: Double = optimizerBytes * held(.optimizer, dense, experts)
    var outer: Double = weightBytes * held(.parameters, outerParameters, 0)
    outer += gradientBytes * held(.gradients, outerParameters, 0)
    outer += optimizerBytes * held(.optimizer, outerParameters, 0)
    let activations = activationBytes
    // Two layers' gathered weights are alive where replicas share them out.
    let gathered: Double =
      plan.sharding == .parameters ? 2 * weightBytes * (dense + experts) / Double(layerCount) : 0
    let buffers = N(Self.contextBytes + gathered) + headBytes
    let states: Double = weights + gradients + optimizer + outer
    let used: N = N(states) + activations
    return TrainingMemory(
      weights: N(weights), gradients: N(gradients), optimizer: N(optimizer), outer: N(outer),
      activations: activations, buffers: buffers, fragmentation: Self.fragmentationShare * used)
  }

  private var layerCount: Int { Swift.max(1, step.layers.reduce(0) { $0 + $1.count } / plan.pipeline) }

  /// Layers of activations that the first stage keeps at the most.
  ///
  /// With 1F1B those of p micro-batches, so those of one through all layers; interleaved (1 + (p - 1)/(p v)) times as many
  /// (arXiv 2205.05198, section 4.2.3).
  var layersInFlight: Double {
    let layers = Double(step.layers.reduce(0) { $0 + $1.count })
    let (p, v) = (Double(plan.pipeline), Double(plan.virtualStages))
    let most = v > 1 ? layers * (1 + (p - 1) / (p * v)) : layers
    // Fewer micro-batches than stages fill fewer.
    return Swift.min(most, layers / p * Double(plan.microBatches))
  }

  /// Bytes that the layers keep, and the inputs of embedding and head.
  var activationBytes: N {
    let layers = Double(step.layers.reduce(0) { $0 + $1.count })
    var kept = N(0)
    var largest = N(0)
    for (layer, count) in step.layers {
      let share = Double(count) / layers
      kept = kept + share * layer.activationBytes(plan.recompute)
      largest = N.larger(largest, layer.activationBytes(.none))
    }
    let running = plan.recompute == .full ? largest : N(0)
    let stages = Swift.min(plan.pipeline, plan.microBatches)
    let layer = step.layer
    // Each micro-batch in flight keeps the mask of the embedding's dropout.
    let mask: N = layer.options.dropout ? layer.residentTokens * layer.hidden : N(0)
    return kept * layersInFlight + running + Double(stages) * mask
  }

  /// Bytes of final normalisation, head and loss where the first stage is also the last.
  ///
  /// Inputs of normalisation and head, 4 s b h/t (arXiv 2205.05198, section 4.3); the logits, and in FP32 what the loss
  /// keeps of them and its gradient. The paper counts one copy in FP32, PyTorch's own loss has up to three
  /// (h100_training_steps.csv).
  var headBytes: N {
    guard plan.pipeline == 1 else { return N(0) }
    let layer = step.layer
    let inputs: N = 2 * layer.dataType.bytes * layer.residentTokens * layer.hidden
    return inputs + (layer.dataType.bytes + 8) * layer.tokens * step.localVocabulary
  }
}

extension TransformerLayer {
  /// Bytes that one layer keeps of the forward pass.
  ///
  /// - Parameter recompute: what is computed again instead.
  /// - Returns: the bytes on one device.
  public func activationBytes(_ recompute: Recompute) -> N {
    let bytes = dataType.bytes
    let wide: N = residentTokens * hidden
    guard recompute != .full else { return bytes * wide }
    let share = Double(tensorParallel)
    let mask: Double = options.dropout ? 1 : 0
    // Inputs of both normalisations, of QKV and of FC1, and two masks.
    let between: N = wide * (4 * bytes + 2 * mask)
    let heads: N = (2 * queryWidth + keyValueWidth + keyValueWidth) * (bytes / share)
    let attention: N = tokens * heads
    var scores = N(0)
    if options.attention == .materialised, recompute == .none {
      let local: N = self.heads / share
      let squares: N = microBatch * local * sequence * sequence
      // Softmax's result, the mask, and what is left of it.
      scores = squares * (options.dropout ? 2 * bytes + 1 : bytes)
    }
    return between + attention + scores + feedForwardBytes
  }

  /// Bytes that the feed-forward part keeps: its inputs are counted elsewhere.
  private var feedForwardBytes: N {
    let bytes = dataType.bytes
    // The result of FC1 (gate included) and what the activation makes of it.
    let tensors: Double = isGated ? 3 : 2
    guard let experts else { return tokens * feedForward * (tensors * bytes / Double(tensorParallel)) }
    let active = Double(experts.active) * options.routingImbalance
    let width: Double = active * Double(experts.feedForward) + Double(experts.sharedFeedForward)
    let inner: N = tokens * (tensors * bytes * width / Double(tensorParallel))
    // The copies of the tokens that experts read and write.
    let copies: N = tokens * hidden * (2 * bytes * active / (sequenceParallel ? Double(tensorParallel) : 1))
    return inner + copies
  }
}

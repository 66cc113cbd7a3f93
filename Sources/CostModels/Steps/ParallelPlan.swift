public import Workloads

/// How a training step is spread over devices and over time.
///
/// Ranks are numbered as Megatron-LM numbers them: tensor-parallel peers are neighbours, then come those that share
/// sequences (context), then replicas (data), and pipeline stages are farthest apart. Experts are shared among replicas.
public struct ParallelPlan: Sendable, Hashable {
  /// What the replicas share out among themselves.
  public enum Sharding: String, Sendable, CaseIterable {
    /// Nothing: every replica holds everything.
    case none
    /// The optimizer's state (ZeRO-1, Megatron's distributed optimizer).
    case optimizer
    /// That and the gradients (ZeRO-2).
    case gradients
    /// That and the weights, which are gathered layer by layer (ZeRO-3, fully sharded data parallelism).
    case parameters
  }

  /// Devices that share each layer.
  public var tensor: Int
  /// Devices that share the tokens of a sequence.
  public var context: Int
  /// Devices that share the experts of a mixture; they are replicas of the rest.
  public var expert: Int
  /// Stages that share the layers.
  public var pipeline: Int
  /// Runs of layers of one stage (interleaved schedule, arXiv 2104.04473 section 2.2.2); 1 for plain 1F1B.
  public var virtualStages: Int
  /// Replicas.
  public var data: Int
  /// Micro-batches of one replica in a step.
  public var microBatches: Int
  /// What replicas share out.
  public var sharding: Sharding
  /// What the backward pass computes again.
  public var recompute: Recompute
  /// Whether exchanges of gradients and weights run beside kernels.
  public var overlap: Bool
  /// Whether embedding and head count as a layer each where layers are dealt out to stages.
  public var endsAsLayers: Bool
  /// Whether stages may hold unlike numbers of layers; the ends then hold the fewer.
  public var unevenStages: Bool
  /// Whether tensor-parallel peers send a part each to the next stage and gather it there
  /// (arXiv 2104.04473, section 4.1).
  public var scatterGather: Bool

  /// One device, unless degrees say otherwise.
  public init(
    tensor: Int = 1, context: Int = 1, expert: Int = 1, pipeline: Int = 1, virtualStages: Int = 1,
    data: Int = 1, microBatches: Int = 1, sharding: Sharding = .none, recompute: Recompute = .none,
    overlap: Bool = true, endsAsLayers: Bool = false, unevenStages: Bool = false,
    scatterGather: Bool = false
  ) {
    self.tensor = tensor
    self.context = context
    self.expert = expert
    self.pipeline = pipeline
    self.virtualStages = virtualStages
    self.data = data
    self.microBatches = microBatches
    self.sharding = sharding
    self.recompute = recompute
    self.overlap = overlap
    self.endsAsLayers = endsAsLayers
    self.unevenStages = unevenStages
    self.scatterGather = scatterGather
  }

  /// All devices.
  @inlinable
  public var devices: Int { tensor * context * pipeline * data }
  /// Devices that hold the same dense weights: they sum their gradients.
  @inlinable
  public var replicas: Int { data * context }
  /// Devices that hold the same experts.
  @inlinable
  public var expertReplicas: Int { Swift.max(1, replicas / expert) }
  /// How often gradients are exchanged in a step: after each micro-batch where replicas keep only their part of them.
  @inlinable
  public var gradientExchanges: Int {
    sharding == .gradients || sharding == .parameters ? microBatches : 1
  }
  /// Distance of neighbouring stages, in ranks.
  @inlinable
  public var stageStride: Int { tensor * context * data }

  /// Layers of a stage in the middle and of the first and the last one.
  ///
  /// - Parameter layers: of the model.
  /// - Returns: nil when they do not divide.
  @inlinable
  public func stageLayers(of layers: Int) -> (middle: Int, ends: Int)? {
    let slots = layers + (endsAsLayers && pipeline > 1 ? 2 : 0)
    guard slots % (pipeline * virtualStages) == 0 else {
      guard unevenStages, virtualStages == 1 else { return nil }
      return ((layers + pipeline - 1) / pipeline, layers / pipeline)
    }
    let middle = slots / pipeline
    return (middle, endsAsLayers && pipeline > 1 ? middle - 1 : middle)
  }
}

public import Workloads

/// What a plan of a training step has to keep to: the one list of rules for scenarios and sweeps.
///
/// It holds numbers only, so that a sweep can ask it millions of times a second.
public struct PlanRules: Sendable {
  /// A rule that a plan breaks, in the order in which they are looked at.
  public enum Fault: Int, Sendable {
    /// The tensor-parallel devices do not divide the heads, the key-value heads, the feed-forward columns.
    case heads, keyValueHeads, feedForward
    /// No network joins the tensor-parallel devices; they do not fill nodes.
    case tensorNetwork, tensorNodes
    /// Nobody to share the tokens with; the devices do not divide them.
    case lonelySequence, sequenceTokens
    /// More stages than layers; stages that do not share the layers.
    case tooManyStages, unevenStages
    /// Virtual stages with one stage; micro-batches that are no multiple of the stages.
    case lonelyVirtualStages, interleaving
    /// The devices that share a sequence do not divide it.
    case context
    /// Experts where there are none; devices that do not divide them; replicas that do not.
    case noExperts, experts, expertReplicas
    /// No network joins all devices; they do not fill nodes.
    case network, nodes
  }

  /// Heads, key-value heads, feed-forward columns, layers and experts (0 for none) of the model.
  public let heads, keyValueHeads, feedForward, layers, experts: Int
  /// Tokens of a sequence.
  public let sequence: Int
  /// Devices of a node and of the largest network; 0 without.
  public let node, most: Int

  /// The rules for a model of nothing on a lone device.
  public init() {
    (heads, keyValueHeads, feedForward, layers, experts) = (1, 1, 1, 1, 0)
    (sequence, node, most) = (1, 0, 0)
  }

  /// The rules for a model on a machine.
  ///
  /// - Parameters:
  ///   - model: its shape.
  ///   - sequence: tokens of a sequence.
  ///   - networks: devices of each network, the nearest first.
  public init(_ model: TransformerModel, sequence: Int, networks: [Int]) {
    heads = model.heads
    keyValueHeads = model.keyValueHeads
    feedForward = model.feedForward
    layers = model.layers
    experts = model.experts?.count ?? 0
    self.sequence = sequence
    node = networks.first ?? 0
    most = networks.max() ?? 0
  }

  /// The first rule that a plan breaks.
  ///
  /// - Parameters:
  ///   - plan: how a step is spread, its micro-batches included.
  ///   - microBatch: sequences of a micro-batch.
  ///   - sequenceParallel: whether tensor-parallel devices share the tokens between the blocks.
  /// - Returns: nil for a plan that can be.
  @inlinable
  public func fault(_ plan: ParallelPlan, microBatch: Int, sequenceParallel: Bool) -> Fault? {
    let tensor = plan.tensor
    if heads % tensor != 0 { return .heads }
    if keyValueHeads > tensor, keyValueHeads % tensor != 0 { return .keyValueHeads }
    if feedForward % tensor != 0 { return .feedForward }
    if tensor > 1 {
      if most < tensor { return .tensorNetwork }
      if tensor > node, tensor % node != 0 { return .tensorNodes }
    }
    if sequenceParallel {
      if tensor == 1 { return .lonelySequence }
      if (microBatch * sequence) % (tensor * plan.context) != 0 { return .sequenceTokens }
    }
    if plan.pipeline * plan.virtualStages > layers { return .tooManyStages }
    if plan.stageLayers(of: layers) == nil { return .unevenStages }
    if plan.virtualStages > 1 {
      if plan.pipeline == 1 { return .lonelyVirtualStages }
      if !plan.interleaves { return .interleaving }
    }
    if sequence % plan.context != 0 { return .context }
    if plan.expert > 1 {
      if experts == 0 { return .noExperts }
      if experts % plan.expert != 0 { return .experts }
      if plan.replicas % plan.expert != 0 { return .expertReplicas }
    }
    let (devices, overflow) = (tensor * plan.context * plan.pipeline).multipliedReportingOverflow(
      by: plan.data)
    if overflow || devices > 1 {
      if overflow || most < devices { return .network }
      if devices > node, devices % node != 0 { return .nodes }
    }
    return nil
  }
}

extension ParallelPlan {
  /// Whether the micro-batches suit the schedule: interleaved stages want multiples of the stages.
  @inlinable public var interleaves: Bool { virtualStages == 1 || microBatches % pipeline == 0 }

  /// Replicas that so many devices make.
  ///
  /// - Parameters:
  ///   - devices: all of them; 0 where only the replicas are given.
  ///   - given: replicas; 0 where only the devices are given.
  /// - Returns: nil when the devices are no multiple of what holds one replica, or both are given and do not agree.
  @inlinable
  public func replicas(devices: Int, given: Int) -> Int? {
    guard devices > 0 else { return Swift.max(1, given) }
    let one = tensor * context * pipeline
    guard devices % one == 0, given == 0 || given == devices / one else { return nil }
    return devices / one
  }

  /// Micro-batches of a replica that a global batch makes.
  ///
  /// - Parameters:
  ///   - batch: sequences of a step over all replicas; 0 where only the count is given.
  ///   - microBatch: sequences of a micro-batch.
  ///   - given: micro-batches; 0 where only the batch is given.
  /// - Returns: nil when they do not divide the batch, or both are given and do not agree.
  @inlinable
  public func microBatches(batch: Int, microBatch: Int, given: Int) -> Int? {
    guard batch > 0 else { return Swift.max(1, given) }
    let (step, overflow) = microBatch.multipliedReportingOverflow(by: data)
    guard !overflow, batch % step == 0, given == 0 || given == batch / step else { return nil }
    return batch / step
  }
}

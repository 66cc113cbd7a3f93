public import Quantities

/// What the parts of a training step take on one device, in seconds.
///
/// Each depends on few axes: those of layer, embedding and head on the machine, tensor and context degrees, micro-batch and
/// sequence; those of exchanges besides on the group that exchanges. A sweep keeps them and composes many plans from them.
public struct StepParts<N: ModelNumber>: Sendable {
  /// Forward pass of one layer (of the mean of unlike layers).
  public var forward: N
  /// What the backward pass of a layer computes again.
  public var recompute: N
  /// Backward pass of one layer, without what is computed again.
  public var backward: N
  /// Rows of the embedding, for one micro-batch.
  public var embedding: N
  /// Gradient of the embedding.
  public var embeddingGradient: N
  /// Final normalisation, logits and loss, forward and backward.
  public var head: N
  /// One activation, or its gradient, to the neighbouring stage.
  public var message: N
  /// What the host does for each micro-batch while the device waits.
  public var perMicroBatch: N
  /// Exchange of the gradients of one layer among its replicas.
  public var layerGradients: N
  /// Exchange of the gradients outside of the layers.
  public var outerGradients: N
  /// Gathering the weights of one layer, where replicas share them out; zero elsewhere.
  public var layerWeights: N
  /// Putting a layer's gathered weights where kernels read them, once for each gathering.
  public var weightCopies: N
  /// Putting a layer's gradients into the buffer of their exchange, for each micro-batch.
  public var gradientCopies: N
  /// Time that the kernels of a layer's forward pass lose on the units that an exchange leaves.
  public var forwardLoss: N
  /// The same of recomputation and backward pass.
  public var backwardLoss: N
  /// Update of the weights of one stage.
  public var optimizer: N
  /// Gathering the updated weights of a stage, where replicas share out the update only.
  public var updatedWeights: N
  /// What the program does once a step besides.
  public var once: N

  /// Parts that take no time.
  @inlinable
  public init() {
    let none = N(0)
    (forward, recompute, backward) = (none, none, none)
    (embedding, embeddingGradient, head, message) = (none, none, none, none)
    (layerGradients, outerGradients, layerWeights) = (none, none, none)
    (weightCopies, gradientCopies) = (none, none)
    (forwardLoss, backwardLoss) = (none, none)
    (optimizer, updatedWeights, once, perMicroBatch) = (none, none, none, none)
  }
}

/// How often the parts of a step run, as numbers.
public struct StepCounts<N: ModelNumber>: Sendable {
  /// Pipeline stages.
  public var stages: N
  /// Runs of layers of a stage.
  public var virtualStages: N
  /// Micro-batches of a replica.
  public var microBatches: N
  /// How often gradients are exchanged: once, or after each micro-batch.
  public var gradientExchanges: N
  /// Layers of a stage in the middle.
  public var middleLayers: N
  /// Layers of the first and of the last stage.
  public var endLayers: N

  /// The counts of a plan.
  @inlinable
  public init(
    stages: N, virtualStages: N, microBatches: N, gradientExchanges: N = N(1), middleLayers: N, endLayers: N
  ) {
    self.stages = stages
    self.virtualStages = virtualStages
    self.microBatches = microBatches
    self.gradientExchanges = gradientExchanges
    self.middleLayers = middleLayers
    self.endLayers = endLayers
  }
}

/// What a training step takes, and what of it is exposed, in seconds.
public struct StepTimes<N: ModelNumber>: Sendable {
  /// One micro-batch on the slowest stage, without messages.
  public let microBatch: N
  /// Layers of that stage.
  public let layers: N
  /// Whether that stage has the embedding: 1, else 0.
  public let front: N
  /// Whether that stage has the output head: 1, else 0.
  public let head: N
  /// Messages between stages of all micro-batches on the slowest stage.
  public let messages: N
  /// Waiting while the pipeline fills and empties.
  public let bubble: N
  /// What gathering weights of layers adds (replicas that share them out), over all micro-batches.
  public let exposedWeights: N
  /// What exchanging gradients adds.
  public let exposedGradients: N
  /// What kernels lose beside exchanges.
  public let slowdown: N
  /// Exchanges that run beside kernels and add nothing.
  public let hidden: N
  /// Update of the weights.
  public let optimizer: N
  /// Gathering the updated weights.
  public let updatedWeights: N
  /// What the program does once a step besides.
  public let once: N
  /// All of it.
  public let total: N

  /// A step's times.
  @inlinable
  public init(
    microBatch: N, layers: N, front: N, head: N, messages: N, bubble: N, exposedWeights: N,
    exposedGradients: N, slowdown: N,
    hidden: N, optimizer: N, updatedWeights: N, once: N, total: N
  ) {
    self.microBatch = microBatch
    self.layers = layers
    self.front = front
    self.head = head
    self.messages = messages
    self.bubble = bubble
    self.exposedWeights = exposedWeights
    self.exposedGradients = exposedGradients
    self.slowdown = slowdown
    self.hidden = hidden
    self.optimizer = optimizer
    self.updatedWeights = updatedWeights
    self.once = once
    self.total = total
  }
}

/// A training step from the times of its parts.
///
/// Stages run one forward and one backward at a time (1F1B): m micro-batches on the slowest stage, and once the way of one
/// micro-batch through all other stages, a v-th of it with v runs of layers a stage, so that for equal stages the bubble is
/// (p - 1)/(m v) of the work (arXiv 2104.04473, section 2.2). Each boundary costs a stage two messages a micro-batch and
/// run, which wait (Megatron-LM's schedule synchronises).
public enum TrainingStepForm<N: ModelNumber> {
  /// One step.
  ///
  /// - Parameters:
  ///   - parts: times of its parts.
  ///   - counts: how often they run.
  ///   - overlap: whether exchanges of gradients and weights run beside kernels.
  ///   - contention: how kernels and exchanges slow one another.
  /// - Returns: the time with its pieces.
  @inlinable
  public static func time(
    _ parts: StepParts<N>, _ counts: StepCounts<N>, overlap: Bool, contention: ContentionForm<N>
  ) -> StepTimes<N> {
    let (p, v, m) = (counts.stages, counts.virtualStages, counts.microBatches)
    // Replicas that share weights out copy them where kernels read them, and gradients where they are exchanged.
    let forward: N = parts.forward + parts.weightCopies
    let copies: N = parts.weightCopies + parts.gradientCopies
    let backward: N = parts.recompute + parts.backward + copies
    let layer: N = forward + backward
    let front: N = parts.embedding + parts.embeddingGradient
    let middle: N = counts.middleLayers * layer + parts.perMicroBatch
    let ends: N = counts.endLayers * layer + parts.perMicroBatch
    let first: N = ends + front
    let last: N = ends + parts.head
    let outer: N = N.larger(first, last)
    // One stage has both ends; of two, none is in the middle.
    let longest = N.choose(where: p, isAtMost: N(2), then: outer, otherwise: N.larger(middle, outer))
    let slowest = N.choose(where: p, isAtMost: N(1), then: ends + front + parts.head, otherwise: longest)
    let isMiddle = N.choose(where: middle, isAtMost: outer, then: N(0), otherwise: N(1))
    let layers = N.choose(
      where: p, isAtMost: N(2), then: counts.endLayers,
      otherwise: isMiddle * counts.middleLayers + (N(1) - isMiddle) * counts.endLayers)
    // Both ends with one stage, the slower one of several, none where a stage in the middle is slower.
    let inMiddle = N.choose(where: p, isAtMost: N(2), then: N(0), otherwise: isMiddle)
    let headLeads = N.choose(where: front, isAtMost: parts.head, then: N(1), otherwise: N(0))
    let hasHead = N.choose(where: p, isAtMost: N(1), then: N(1), otherwise: (N(1) - inMiddle) * headLeads)
    let hasFront = N.choose(
      where: p, isAtMost: N(1), then: N(1), otherwise: (N(1) - inMiddle) * (N(1) - headLeads))
    let way: N = (p - 2) * middle + first + last
    let isPiped = N.choose(where: p, isAtMost: N(1), then: N(0), otherwise: N(1))
    let others: N = isPiped * N.larger(N(0), way - slowest)
    let exchange: N = 2 * isPiped * parts.message
    let messages: N = m * v * exchange
    let bubble: N = others / v + (p - 1) * exchange

    let sends: N = counts.gradientExchanges
    let whole: N = sends * (layers * parts.layerGradients + parts.outerGradients)
    let gathered: N = layers * parts.layerWeights
    var exposedGradients = whole
    var exposedWeights: N = 2 * m * gathered
    var slowdown = N(0)
    var hidden = N(0)
    if overlap {
      // With weights shared out every micro-batch gathers them, forward and backward.
      let forwardRun = contention.overlap(
        .init(
          compute: forward, crowded: forward + parts.forwardLoss, exchange: parts.layerWeights),
        count: layers, last: .init(compute: parts.head, crowded: parts.head, exchange: N(0)))
      let weightsOnly = contention.overlap(
        .init(compute: backward, crowded: backward + parts.backwardLoss, exchange: parts.layerWeights),
        count: layers,
        last: .init(compute: parts.embeddingGradient, crowded: parts.embeddingGradient, exchange: N(0)))
      let both = contention.overlap(
        .init(
          compute: backward, crowded: backward + parts.backwardLoss,
          exchange: parts.layerGradients + parts.layerWeights),
        count: layers,
        last: .init(
          compute: parts.embeddingGradient, crowded: parts.embeddingGradient, exchange: parts.outerGradients))
      // The first layer's weights are awaited.
      exposedWeights = m * (forwardRun.exposed + parts.layerWeights) + (m - sends) * weightsOnly.exposed
      exposedGradients = sends * both.exposed
      slowdown = m * forwardRun.slowdown + (m - sends) * weightsOnly.slowdown + sends * both.slowdown
      hidden = N.larger(N(0), 2 * m * gathered + whole - exposedWeights - exposedGradients)
    }
    let work: N = m * slowest
    let pipeline: N = work + messages + bubble
    let exchanges: N = exposedWeights + exposedGradients + slowdown
    let update: N = parts.optimizer + parts.updatedWeights + parts.once
    return StepTimes(
      microBatch: slowest, layers: layers, front: hasFront, head: hasHead, messages: messages, bubble: bubble,
      exposedWeights: exposedWeights,
      exposedGradients: exposedGradients, slowdown: slowdown, hidden: hidden, optimizer: parts.optimizer,
      updatedWeights: parts.updatedWeights, once: parts.once, total: pipeline + exchanges + update)
  }
}

extension ContentionForm {
  /// So many equal segments and a last one, as ``overlap(_:)`` of them all, in closed form.
  ///
  /// Beside each segment but the first runs what its predecessors left: as much as fits, so the backlog either stays at one
  /// exchange or grows by what did not fit.
  ///
  /// - Parameters:
  ///   - segment: one of the equal segments.
  ///   - count: how many, at least one.
  ///   - last: what runs after them.
  /// - Returns: the times of the whole run.
  @inlinable
  public func overlap(_ segment: Segment, count: N, last: Segment) -> Overlap {
    let crowded: N = segment.crowded
    let fits: N = crowded * exchangeRate
    let together: N = N.smaller(crowded, segment.exchange / exchangeRate)
    let lost: N = together - together * (segment.compute / N.larger(crowded, N(1e-30)))
    let repeats: N = count - 1
    let backlog: N = segment.exchange + repeats * N.larger(N(0), segment.exchange - fits)
    let lastCrowded: N = last.crowded
    let lastTogether: N = N.smaller(lastCrowded, backlog / exchangeRate)
    let lastLost: N = lastTogether - lastTogether * (last.compute / N.larger(lastCrowded, N(1e-30)))
    let exposed: N = N.larger(N(0), backlog - lastTogether * exchangeRate) + last.exchange
    let slowdown: N = repeats * lost + lastLost
    let kernels: N = count * segment.compute + last.compute
    return Overlap(total: kernels + slowdown + exposed, exposed: exposed, slowdown: slowdown)
  }
}

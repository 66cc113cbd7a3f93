public import Quantities

/// A matrix product whose output, a partial sum, is reduced and scattered over tensor-parallel ranks.
public struct ScatteredProduct<N: ModelNumber>: Sendable {
  /// Rows of the output: tokens.
  public let tokens: N
  /// Columns of the output: the hidden size.
  public let columns: N
  /// Length of the inner products on one rank.
  public let inner: N
  /// Ranks.
  public let ranks: N
  /// Bytes of an element.
  public let elementBytes: N

  /// A product by its shape on one rank.
  @inlinable
  public init(tokens: N, columns: N, inner: N, ranks: N, elementBytes: N = N(2)) {
    self.tokens = tokens
    self.columns = columns
    self.inner = inner
    self.ranks = ranks
    self.elementBytes = elementBytes
  }

  /// Floating-point operations on one rank.
  @inlinable public var flop: N { 2 * tokens * columns * inner }
  /// Bytes of the output.
  @inlinable public var outputBytes: N { tokens * columns * elementBytes }
  /// Bytes of one rank's part of the output.
  @inlinable public var chunk: N { outputBytes / ranks }
}

/// Bytes that pass a rank's memory in a product, the reduce-scatter of its output and the all-gather that follows.
public struct SublayerTraffic<N: ModelNumber>: Sendable {
  /// Operands that the product reads.
  public let productReads: N
  /// What the reduce-scatter reads.
  public let scatterReads: N
  /// What the product and the reduce-scatter write.
  public let writes: N
  /// What the all-gather reads and writes.
  public let gather: N
  /// All of it.
  @inlinable public var total: N { productReads + scatterReads + writes + gather }

  @usableFromInline init(productReads: N, scatterReads: N, writes: N, gather: N) {
    self.productReads = productReads
    self.scatterReads = scatterReads
    self.writes = writes
    self.gather = gather
  }
}

/// Times of a product, its reduce-scatter and the all-gather that follows, by how they overlap; in seconds.
public struct SublayerTimes<N: ModelNumber>: Sendable {
  /// The product alone, as an ordinary kernel.
  public let product: N
  /// The reduce-scatter alone, by the compute units.
  public let reduceScatter: N
  /// The reduce-scatter alone, added up near the memory.
  public let reduceScatterNearMemory: N
  /// The all-gather alone.
  public let allGather: N
  /// One after another.
  public let sequential: N
  /// The product beside the reduce-scatter without any contention.
  public let ideal: N
  /// The same with addition near the memory.
  public let idealNearMemory: N
  /// Fused, with memory accesses in the order in which they come.
  public let fused: N
  /// Fused, with the product's accesses before those of the exchange.
  public let arbitrated: N

  @usableFromInline init(
    product: N, reduceScatter: N, reduceScatterNearMemory: N, allGather: N, fused: N, arbitrated: N
  ) {
    self.product = product
    self.reduceScatter = reduceScatter
    self.reduceScatterNearMemory = reduceScatterNearMemory
    self.allGather = allGather
    sequential = product + reduceScatter + allGather
    ideal = N.larger(product, reduceScatter) + allGather
    idealNearMemory = N.larger(product, reduceScatterNearMemory) + allGather
    self.fused = fused + allGather
    self.arbitrated = arbitrated + allGather
  }
}

/// A matrix product whose chunks are sent and added up near the memory of the next rank while the rest is computed.
///
///     product = max(waves · tile / unit rate, (reads + output) / memory)
///     step = chunk / link + latency
///     reduce-scatter = (N − 1) step + 3 chunk / memory            near memory: (N − 1) step
///     fused(p) = p / N + (N − 1) max(p / N, step)                 a chunk must be there before it is sent
///     arbitrated = fused(max(product, (bytes of the fused product + bytes of the exchange) / memory))
///     unarbitrated = fused(max(product, bytes of the fused product / memory) + bytes of the exchange / memory)
///
/// Chunks of 1/N of the output follow one another in the order of the ring. The last step of a library's
/// reduce-scatter reads two chunks and writes their sum before it ends; near the memory nothing is left to do. A memory
/// controller that serves requests as they come lets a burst of the exchange stop the product for as long as it takes;
/// one that prefers the product gives the exchange only what is free.
///
/// Source: T3 (arXiv 2401.16677) for the mechanism; the closed forms are our own (its text was not available).
public struct FusedReduceScatterForm<N: ModelNumber>: Sendable {
  /// Compute units.
  public var units: N
  /// Floating-point operations a second of all units at their peak.
  public var peak: N
  /// Part of its peak that a unit reaches within a tile.
  public var efficiency: N
  /// Side of a tile.
  public var tile: N
  /// Bytes of the last-level cache.
  public var cache: N
  /// Waves of outputs that stand in the cache between two uses of a weight, where outputs pass through it.
  public var heldOutputs: N
  /// Bandwidth of the memory, in bytes a second.
  public var memoryBandwidth: N
  /// Bandwidth of the ring, in bytes a second.
  public var linkBandwidth: N
  /// Latency of a link, in seconds.
  public var linkLatency: N
  /// Time of an addition near the memory over that of a plain write.
  public var updateCost: N

  /// A machine by its numbers.
  @inlinable
  public init(
    units: N, peak: N, efficiency: N, tile: N, cache: N, heldOutputs: N, memoryBandwidth: N, linkBandwidth: N,
    linkLatency: N, updateCost: N
  ) {
    self.units = units
    self.peak = peak
    self.efficiency = efficiency
    self.tile = tile
    self.cache = cache
    self.heldOutputs = heldOutputs
    self.memoryBandwidth = memoryBandwidth
    self.linkBandwidth = linkBandwidth
    self.linkLatency = linkLatency
    self.updateCost = updateCost
  }

  /// Chunks that a library's ring reduce-scatter reads from memory: 1 to send, 2 for each of N − 2 sums, 2 for the last.
  @inlinable public static func scatterReads(ranks: N) -> N { 2 * ranks - N(1) }
  /// Chunks that a fused one reads: one for each of N − 2 steps in the middle; the first goes out as it is computed.
  @inlinable public static func fusedScatterReads(ranks: N) -> N { ranks - N(2) }
  /// Chunks that a product and a library's reduce-scatter write: the output, N − 1 received and one sum.
  @inlinable public static func writes(ranks: N) -> N { 2 * ranks }
  /// Chunks that a fused product and reduce-scatter write: N − 1 of its own, N − 1 added up where they arrive.
  @inlinable public static func fusedWrites(ranks: N) -> N { 2 * ranks - N(2) }

  /// Bytes that a product reads: each operand once, and the weights again for every group of rows as far as the cache
  /// does not hold them from one use to the next.
  ///
  /// Between two uses of a weight pass all weights, the rows of a wave, and the outputs where they pass through the
  /// cache; what is beyond the cache's size is missing in proportion.
  ///
  /// - Parameters:
  ///   - product: the product.
  ///   - isFused: whether outputs bypass the cache.
  /// - Returns: bytes.
  @inlinable
  public func productReads(_ product: ScatteredProduct<N>, isFused: Bool) -> N {
    let rowsOfWave = N.larger(N(1), units / (product.columns / tile).roundedUp())
    let weights = product.inner * product.columns * product.elementBytes
    let inputs = product.tokens * product.inner * product.elementBytes
    let rows = rowsOfWave * tile * product.inner * product.elementBytes
    let outputs = isFused ? N(0) : heldOutputs * units * tile * tile * product.elementBytes
    let missing = N.larger(N(0), N(1) - cache / (weights + rows + outputs))
    let passes = N.larger(N(1), (product.tokens / tile).roundedUp() / rowsOfWave)
    return inputs + weights * (N(1) + missing * (passes - N(1)))
  }

  /// Bytes of a sub-layer.
  ///
  /// - Parameters:
  ///   - product: the product.
  ///   - isFused: whether it is fused with its reduce-scatter.
  /// - Returns: bytes by what they are for.
  @inlinable
  public func traffic(_ product: ScatteredProduct<N>, isFused: Bool) -> SublayerTraffic<N> {
    let ranks = product.ranks
    let chunk = product.chunk
    return SublayerTraffic(
      productReads: productReads(product, isFused: isFused),
      scatterReads: chunk
        * (isFused ? Self.fusedScatterReads(ranks: ranks) : Self.scatterReads(ranks: ranks)),
      writes: chunk * (isFused ? Self.fusedWrites(ranks: ranks) : Self.writes(ranks: ranks)),
      gather: 2 * (ranks - N(1)) * chunk)
  }

  /// The time of a product alone on so many units.
  ///
  /// - Parameters:
  ///   - product: the product.
  ///   - units: compute units that it has; all if nil.
  /// - Returns: seconds.
  @inlinable
  public func productTime(_ product: ScatteredProduct<N>, units: N? = nil) -> N {
    let tiles = (product.tokens / tile).roundedUp() * (product.columns / tile).roundedUp()
    let waves = (tiles / (units ?? self.units)).roundedUp()
    let computing = waves * 2 * tile * tile * product.inner / (efficiency * peak / self.units)
    let moved = productReads(product, isFused: false) + product.outputBytes
    return N.larger(computing, moved / memoryBandwidth)
  }

  /// The times of a sub-layer.
  ///
  /// - Parameter product: the product.
  /// - Returns: the times by how product and exchange overlap.
  @inlinable
  public func times(_ product: ScatteredProduct<N>) -> SublayerTimes<N> {
    let ranks = product.ranks
    let step = product.chunk / linkBandwidth + linkLatency
    let steps = (ranks - N(1)) * step
    let alone = productTime(product)
    let traffic = traffic(product, isFused: true)
    // Additions near the memory take the banks longer than plain writes; half of the writes are those of the product.
    let writes = updateCost * traffic.writes / 2
    let exchange = (traffic.scatterReads + writes) / memoryBandwidth
    let own = (traffic.productReads + writes) / memoryBandwidth
    func fused(_ time: N) -> N { time / ranks + (ranks - N(1)) * N.larger(time / ranks, step) }
    return SublayerTimes(
      product: alone, reduceScatter: steps + 3 * product.chunk / memoryBandwidth,
      reduceScatterNearMemory: steps, allGather: steps,
      fused: fused(N.larger(alone, own) + exchange), arbitrated: fused(N.larger(alone, own + exchange)))
  }
}

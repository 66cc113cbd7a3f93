public import Quantities
public import RealModule
public import Workloads

/// The closed alpha-beta forms of collectives.
///
/// `alpha` is the time of one step in seconds, `bandwidth` what one device sends in one direction in bytes a
/// second. The ring factors are those of the nccl-tests documentation (doc/PERFORMANCE.md); the tree is the double
/// binary tree of NCCL; both in the form of Thakur, Rabenseifner and Gropp, Optimization of Collective
/// Communication Operations in MPICH (IJHPCA 19(1), 2005).
public enum CollectiveForms {
  /// The algorithm of a collective.
  public enum Algorithm: String, Sendable, CaseIterable {
    /// N - 1 steps around the ring (twice for an all-reduce).
    case ring
    /// About log2 N steps up a tree and down again.
    case tree
  }

  /// Bytes that one device sends for each payload byte: the factor between algorithm and bus bandwidth.
  ///
  /// 2 (N-1)/N for an all-reduce; (N-1)/N for all-gather, reduce-scatter and all-to-all; 1 for broadcast and
  /// point-to-point; nothing when there is one rank.
  @inlinable
  public static func wireFactor<N: ModelNumber>(_ kind: Collective<N>.Kind, ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    let part = Double(ranks - 1) / Double(ranks)
    switch kind {
    case .allReduce: return 2 * part
    case .allGather, .reduceScatter, .allToAll: return part
    case .broadcast, .pointToPoint: return 1
    }
  }

  /// Bytes that one device's processors handle for each payload byte: slices that they copy, add or pass on.
  ///
  /// A ring all-reduce takes 2N - 1 of them of S/N (one sent, N - 2 added and passed on, one added and kept, N - 2
  /// passed on, one kept), an all-gather, a reduce-scatter and an all-to-all N; a broadcast and a message the whole
  /// payload once.
  @inlinable
  public static func relayFactor<N: ModelNumber>(_ kind: Collective<N>.Kind, ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    return kind == .allReduce ? 2 - 1 / Double(ranks) : 1
  }

  /// Bytes of its result that one device's processors write for each payload byte.
  ///
  /// A slice of a reduce-scatter, all of the others. Of a broadcast and of a message one end reads and the other writes
  /// at the same time: half.
  @inlinable
  static func writtenFactor<N: ModelNumber>(_ kind: Collective<N>.Kind, ranks: Int) -> Double {
    guard ranks > 1 else { return 0 }
    switch kind {
    case .reduceScatter: return 1 / Double(ranks)
    case .allReduce, .allGather, .allToAll: return 1
    case .broadcast, .pointToPoint: return 0.5
    }
  }

  /// Bytes that one device's processors add to others for each payload byte: N - 1 slices of S/N where there is a sum.
  @inlinable
  static func addedFactor<N: ModelNumber>(_ kind: Collective<N>.Kind, ranks: Int) -> Double {
    guard ranks > 1, kind == .allReduce || kind == .reduceScatter else { return 0 }
    return Double(ranks - 1) / Double(ranks)
  }

  /// Steps that follow one another, each of one alpha.
  ///
  /// Ring: 2 (N-1) for an all-reduce, N-1 otherwise. Tree: 2 log2 N for an all-reduce, log2 N otherwise; an
  /// all-to-all has no tree and takes N-1 steps either way. Point-to-point: one.
  @inlinable
  public static func steps<N: ModelNumber>(
    _ kind: Collective<N>.Kind, ranks: Int, algorithm: Algorithm
  ) -> Double {
    guard ranks > 1 else { return 0 }
    let ring = Double(ranks - 1)
    let tree = Double.log2(Double(ranks))
    switch (kind, algorithm) {
    case (.pointToPoint, _): return 1
    case (.allToAll, _): return ring
    case (.allReduce, .ring): return 2 * ring
    case (.allReduce, .tree): return 2 * tree
    case (_, .ring): return ring
    case (_, .tree): return tree
    }
  }

  /// Time of a collective in one network domain, in seconds: steps times alpha plus wire bytes over bandwidth.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many.
  ///   - alpha: time of a step, in seconds.
  ///   - bandwidth: of one device in one direction, in bytes a second.
  ///   - algorithm: ring or tree. A tree moves 2 S (all-reduce) or S through the busiest device.
  /// - Returns: the time in seconds.
  @inlinable
  public static func time<N: ModelNumber>(
    _ collective: Collective<N>, alpha: N, bandwidth: N, algorithm: Algorithm = .ring
  ) -> N {
    let wire: Double
    switch (algorithm, collective.kind) {
    case _ where collective.ranks < 2: wire = 0
    case (.tree, .allReduce): wire = 2
    case (.tree, .allGather), (.tree, .reduceScatter): wire = 1
    default: wire = wireFactor(collective.kind, ranks: collective.ranks)
    }
    return steps(collective.kind, ranks: collective.ranks, algorithm: algorithm) * alpha
      + wire * collective.bytes / bandwidth
  }

  /// Time of a ring all-reduce in one network domain, in seconds: ``time(_:alpha:bandwidth:algorithm:)`` for a number of
  /// ranks that may vary: 2 (p-1) alpha + 2 (p-1)/p S/B.
  ///
  /// - Parameters:
  ///   - bytes: the payload S.
  ///   - ranks: p, at least 1.
  ///   - alpha: time of a step, in seconds.
  ///   - bandwidth: of one device in one direction, in bytes a second.
  /// - Returns: the time in seconds.
  @inlinable
  public static func ringAllReduceTime<N: ModelNumber>(bytes: N, ranks: N, alpha: N, bandwidth: N) -> N {
    let steps = 2 * (ranks - N(1))
    return steps * alpha + steps * bytes / (ranks * bandwidth)
  }

  /// The faster of ring and tree, in seconds: trees save steps where ranks are many, rings bytes.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many.
  ///   - alpha: time of a step, in seconds.
  ///   - bandwidth: of one device in one direction, in bytes a second.
  /// - Returns: the time in seconds.
  @inlinable
  public static func fastestTime<N: ModelNumber>(_ collective: Collective<N>, alpha: N, bandwidth: N) -> N {
    N.smaller(
      time(collective, alpha: alpha, bandwidth: bandwidth, algorithm: .ring),
      time(collective, alpha: alpha, bandwidth: bandwidth, algorithm: .tree))
  }

  /// Time of a collective over nodes of several devices, in seconds, phase after phase.
  ///
  /// All-reduce: reduce-scatter in the node, all-reduce of each shard over the rails, all-gather in the node:
  /// 2 (g-1)/g P over the node's links and 2 (k-1)/k P/g over each adapter (reference, section 2.2, from
  /// stas00/ml-engineering network/README.md). The others likewise in two phases.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many in all.
  ///   - nodeRanks: g, devices of the group in one node.
  ///   - within: time of a phase in a node, in seconds; asked of g ranks.
  ///   - across: time of a phase over the rails, in seconds; asked of the number of nodes.
  /// - Returns: the time in seconds.
  @inlinable
  public static func hierarchicalTime<N: ModelNumber>(
    _ collective: Collective<N>, nodeRanks: Int, within: (Collective<N>) -> N,
    across: (Collective<N>) -> N
  ) -> N {
    let nodes = collective.ranks / nodeRanks
    func inNode(_ kind: Collective<N>.Kind, _ bytes: N) -> N {
      nodeRanks > 1 ? within(Collective(kind, bytes: bytes, ranks: nodeRanks)) : N(0)
    }
    func overRails(_ kind: Collective<N>.Kind, _ bytes: N) -> N {
      nodes > 1 ? across(Collective(kind, bytes: bytes, ranks: nodes)) : N(0)
    }
    let bytes = collective.bytes
    switch collective.kind {
    case .allReduce:
      return inNode(.reduceScatter, bytes) + overRails(.allReduce, bytes / Double(nodeRanks))
        + inNode(.allGather, bytes)
    case .allGather:
      return overRails(.allGather, bytes / Double(nodeRanks)) + inNode(.allGather, bytes)
    case .reduceScatter:
      return inNode(.reduceScatter, bytes) + overRails(.reduceScatter, bytes / Double(nodeRanks))
    case .allToAll:
      return inNode(.allToAll, bytes) + overRails(.allToAll, bytes)
    case .broadcast:
      return overRails(.broadcast, bytes) + inNode(.broadcast, bytes)
    case .pointToPoint:
      return nodes > 1 ? overRails(.pointToPoint, bytes) : inNode(.pointToPoint, bytes)
    }
  }

  /// Time of a collective over nodes of several devices where both phases follow alpha-beta laws, in seconds.
  ///
  /// - Parameters:
  ///   - collective: what is exchanged, by how many in all.
  ///   - nodeRanks: g, devices of the group in one node.
  ///   - node: alpha and bandwidth in the node.
  ///   - rail: alpha and bandwidth of one adapter between nodes.
  /// - Returns: the time in seconds.
  @inlinable
  public static func hierarchicalTime<N: ModelNumber>(
    _ collective: Collective<N>, nodeRanks: Int, node: (alpha: N, bandwidth: N),
    rail: (alpha: N, bandwidth: N)
  ) -> N {
    hierarchicalTime(collective, nodeRanks: nodeRanks) { phase in
      time(phase, alpha: node.alpha, bandwidth: node.bandwidth)
    } across: { phase in
      time(phase, alpha: rail.alpha, bandwidth: rail.bandwidth)
    }
  }
}

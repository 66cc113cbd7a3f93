public import Quantities

/// The closed forms of Comp-vs-Comm: how much a Transformer layer computes for what it exchanges.
///
/// From the operation and byte counts of Megatron's slicing (arXiv 1909.08053) with a 4H feed-forward part; the quantities
/// are those of Computation vs. Communication Scaling (arXiv 2302.02825), whose orders are O((H+SL)/TP) and O(SL·B).
/// H is the hidden size, SL the tokens of a sequence, B the sequences of a micro-batch, TP and DP the parallel degrees, p
/// the bytes of an activation, p_g those of a gradient.
public enum CommunicationForms {
  /// Operations of one layer in training on one device: 12 H SL B (6H + SL) / TP, without recomputation.
  ///
  /// - Parameters:
  ///   - hidden: H.
  ///   - sequence: SL.
  ///   - microBatch: B.
  ///   - tensorParallel: TP.
  /// - Returns: FLOP of forward and backward, products only.
  @inlinable
  public static func trainingFLOP<N: ModelNumber>(
    hidden: N, sequence: N, microBatch: N, tensorParallel: N
  ) -> N {
    12 * hidden * sequence * microBatch * (6 * hidden + sequence) / tensorParallel
  }

  /// Payload of one tensor-parallel all-reduce: p B SL H bytes; four of them in a layer's training step.
  @inlinable
  public static func activationBytes<N: ModelNumber>(
    hidden: N, sequence: N, microBatch: N, elementBytes: N
  ) -> N { elementBytes * microBatch * sequence * hidden }

  /// Edge: operations of a layer for each byte of its serialized exchanges, 3 (6H + SL) / (p TP), in FLOP/B.
  ///
  /// The micro-batch cancels. The larger the edge, the smaller the part of the time that tensor parallelism exchanges.
  @inlinable
  public static func edge<N: ModelNumber>(
    hidden: N, sequence: N, tensorParallel: N, elementBytes: N
  ) -> N { 3 * (6 * hidden + sequence) / (elementBytes * tensorParallel) }

  /// Slack: backward operations of a layer for each byte of its gradients, (2/3) (SL B / p_g) (6 + SL/H), in FLOP/B.
  ///
  /// Independent of TP, and of H while SL is small against it: what data parallelism exchanges hides behind tokens.
  @inlinable
  public static func slack<N: ModelNumber>(
    hidden: N, sequence: N, microBatch: N, gradientBytes: N
  ) -> N {
    2 * sequence * microBatch / (3 * gradientBytes) * (6 + sequence / hidden)
  }

  /// Time of a layer's serialized exchanges over the time of its products, no latency:
  /// x = (2p/3) (TP - 1) F / (BW (6H + SL)).
  ///
  /// - Parameters:
  ///   - hidden: H.
  ///   - sequence: SL.
  ///   - tensorParallel: TP.
  ///   - elementBytes: p.
  ///   - rate: F, what the products reach, in FLOP/s.
  ///   - bandwidth: BW, the bus bandwidth of a ring, in bytes a second.
  /// - Returns: x; the exchanges' share of the time is x/(1 + x).
  @inlinable
  public static func serializedRatio<N: ModelNumber>(
    hidden: N, sequence: N, tensorParallel: N, elementBytes: N, rate: N, bandwidth: N
  ) -> N {
    2 * elementBytes * (tensorParallel - 1) * rate / (3 * bandwidth * (6 * hidden + sequence))
  }

  /// Part of the time that a layer's serialized exchanges take, x/(1 + x), for the ratio x.
  @inlinable
  public static func share<N: ModelNumber>(ofRatio ratio: N) -> N { ratio / (1 + ratio) }

  /// Time of a layer's gradient all-reduce over that of the backward products that hide it, no latency:
  /// y = 2 (DP - 1)/DP F / (BW slack).
  ///
  /// Above one the exchange is exposed, however well it overlaps.
  ///
  /// - Parameters:
  ///   - slack: backward operations for each byte of gradients, in FLOP/B.
  ///   - dataParallel: DP.
  ///   - rate: F, what the products reach, in FLOP/s.
  ///   - bandwidth: BW, the bus bandwidth of a ring, in bytes a second.
  /// - Returns: y.
  @inlinable
  public static func overlappedRatio<N: ModelNumber>(
    slack: N, dataParallel: N, rate: N, bandwidth: N
  ) -> N {
    2 * (dataParallel - 1) * rate / (dataParallel * bandwidth * slack)
  }
}

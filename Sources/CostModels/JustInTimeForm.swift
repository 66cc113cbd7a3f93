public import Quantities

/// What stands in memory for a weight, and what of it need not stand there.
public struct TrainingState<N: ModelNumber>: Sendable {
  /// Bytes of the precise weight and of the optimizer's state.
  public let precise: N
  /// Bytes of all low-precision copies.
  public let copies: N
  /// Layers; the copies of one are kept while it is computed.
  public let layers: N

  /// The state of a weight.
  @inlinable
  public init(precise: N, copies: N, layers: N) {
    self.precise = precise
    self.copies = copies
    self.layers = layers
  }

  /// Bytes of a weight with all copies.
  @inlinable public var stored: N { precise + copies }
  /// Bytes of a weight when copies are made as they are needed.
  @inlinable public var justInTime: N { precise + copies / layers }
  /// Part of the memory that is saved.
  @inlinable public var saving: N { N(1) - justInTime / stored }
}

/// A pass of a layer on the processor while the next layer's weights are quantised in memory.
///
///     stalled = stall · used · min(quantising, pass)
///     exposed = max(0, quantising − pass)
///
/// `used` is the part of the memory's bandwidth that the pass needs: so much of the time in which the banks are taken
/// falls on accesses of the processor.
public struct JustInTimePass<N: ModelNumber>: Sendable {
  /// Time of the pass, in seconds.
  public let pass: N
  /// Time to quantise the weights, in seconds.
  public let quantising: N
  /// Time by which the pass takes longer, in seconds.
  public let added: N

  /// A pass.
  ///
  /// - Parameters:
  ///   - pass: its time alone, in seconds.
  ///   - traffic: bytes that it moves.
  ///   - bandwidth: of the memory, in bytes a second.
  ///   - quantising: time to quantise the weights, in seconds.
  ///   - stall: part of the hindered accesses that the processor waits for, 0 to 1.
  @inlinable
  public init(pass: N, traffic: N, bandwidth: N, quantising: N, stall: N) {
    self.pass = pass
    self.quantising = quantising
    let used = N.smaller(N(1), traffic / bandwidth / pass)
    added =
      stall * used * N.smaller(quantising, pass) + N.larger(N(0), quantising - pass)
  }
}

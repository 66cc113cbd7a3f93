public import Hardware
public import Quantities

/// The numbers of a memory that computes which the forms are read with: one unit's pipeline and memories, and how many
/// units share a rank of the memory bus.
public struct UnitArray<N: ModelNumber>: Sendable {
  /// Clock of a unit, in Hz.
  public var clock: N
  /// Cycles between two instructions of one tasklet: so many tasklets fill the pipeline.
  public var reissue: N
  /// Cycles to set up a read of the bank.
  public var readSetup: N
  /// Cycles to set up a write to the bank.
  public var writeSetup: N
  /// Cycles for each byte that a transfer to or from the bank moves.
  public var cyclesPerByte: N
  /// The largest single transfer to or from the bank, in bytes.
  public var largestTransfer: N
  /// Units of a rank, which share one memory bus.
  public var rankUnits: N
  /// The most that the host sends to all units together, in bytes a second.
  public var hostToUnits: N
  /// The most that the host fetches from all units together, in bytes a second.
  public var unitsToHost: N

  /// The numbers of a device.
  ///
  /// A module of 128 units has two ranks. Where the description is silent, those of the UPMEM DPU hold.
  public init(_ device: Device) {
    let pim = device.pim
    clock = N(device.compute.clock.value)
    reissue = N(pim?.reissueInterval?.value ?? 11)
    readSetup = N(pim?.dmaSetup?.value ?? 77)
    writeSetup = N(pim?.dmaWriteSetup?.value ?? pim?.dmaSetup?.value ?? 61)
    cyclesPerByte = N(pim?.dmaPerByte?.value ?? 0.5)
    largestTransfer = N(pim?.dmaMaximum?.value ?? 2048)
    rankUnits = N((pim?.moduleUnits?.value ?? 128) / 2)
    hostToUnits = N(pim?.hostToUnit?.value ?? 1e12)
    unitsToHost = N(pim?.unitToHost?.value ?? 1e12)
  }

  /// Cycles of one transfer to or from the bank: a setup and so many cycles a byte.
  ///
  ///     L(s) = alpha + beta s
  ///
  /// Source: PrIM (arXiv 2105.03814), section 3.1.2; alpha about 77 for reads and 61 for writes, beta 0.5.
  ///
  /// - Parameters:
  ///   - bytes: size of the transfer, 8 to 2,048 B in steps of 8 on UPMEM.
  ///   - writes: whether it goes to the bank.
  /// - Returns: cycles.
  @inlinable
  public func transferCycles(bytes: N, writes: Bool) -> N {
    (writes ? writeSetup : readSetup) + cyclesPerByte * bytes
  }

  /// Cycles that a unit needs for instructions of its tasklets.
  ///
  /// The pipeline takes an instruction a cycle, but only every ``reissue`` cycles one of the same tasklet: below
  /// so many tasklets, or with uneven shares, the busiest tasklet decides.
  ///
  ///     cycles = max(sum of instructions, reissue · instructions of the busiest tasklet)
  ///
  /// Source: PrIM (arXiv 2105.03814), section 3.1.1.
  @inlinable
  public func pipelineCycles(instructions: N, busiest: N) -> N {
    N.larger(instructions, reissue * busiest)
  }
}

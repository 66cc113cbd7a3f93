public import Hardware
public import Quantities

/// Matrix times vector, and what streams like it, on memory whose units execute commands of the bus in step.
///
/// A command feeds each unit one operand (32 B) from its bank and multiplies it with a shared one; a channel takes one
/// command an interval, whatever its units. Rows of banks are opened in step too.
///
///     commands = multiplications of a unit + writes of the shared operand + reads of sums
///     time = (commands · interval + rows opened · row change) / (1 − refresh)
///
/// Source: the command sequences of Samsung's PIMSimulator and of aim_simulator (other_pim_specs.csv). No measurement
/// of either device was available; the one published result of a model of another group (AMDGeniePIM, a GEMV of 6,144
/// by 2,048 bytes on LPDDR5X) comes out within 3 %.
public struct UnitCommandForm<N: ModelNumber>: Sendable {
  /// All units.
  public var units: N
  /// Units of a channel.
  public var channelUnits: N
  /// Bytes that a command feeds to a unit.
  public var operand: N
  /// Time between commands of a channel, in seconds.
  public var interval: N
  /// Bytes of a row of a bank.
  public var row: N
  /// Time to change rows, in seconds.
  public var rowChange: N
  /// Part of the time in which banks refresh.
  public var refresh: N
  /// Bytes that hold the shared operand.
  public var sharedOperand: N
  /// Sums of a unit.
  public var sums: N
  /// Bandwidth of the ordinary interface, in bytes a second.
  public var externalBandwidth: N

  /// The numbers of a device.
  ///
  /// - Returns: nil for a device whose units have programs of their own.
  public init?(_ device: Device) {
    guard let commands = device.pim?.commands, let external = device.mainMemory.bandwidth else { return nil }
    units = N(device.compute.units.value)
    channelUnits = N(commands.channelUnits.value)
    operand = N(commands.operand.value)
    interval = N(commands.interval.value)
    row = N(commands.row.value)
    rowChange = N(commands.rowChange.value)
    refresh = N(commands.refresh.value)
    sharedOperand = N(commands.sharedOperand.value)
    sums = N(commands.sums.value)
    externalBandwidth = N(external.value)
  }

  /// Channels.
  @inlinable public var channels: N { units / channelUnits }

  /// Bandwidth of all units at a command each interval, in bytes a second: rows open, nothing else to do.
  @inlinable public var peakBandwidth: N { units * operand / interval }

  /// The time of a matrix times a vector.
  ///
  /// Rows of the matrix lie along a unit's bank; a tile is a row for every sum of every unit. For each tile the
  /// vector passes in pieces of the shared operand, every piece written once to each channel, and at the end of a
  /// tile the sums are read.
  ///
  /// - Parameters:
  ///   - rows: of the matrix.
  ///   - columns: of the matrix.
  ///   - bytes: of an element.
  /// - Returns: seconds.
  @inlinable
  public func matrixVector(rows: N, columns: N, bytes: N) -> N {
    let tiles = (rows / (units * sums)).roundedUp()
    let width = columns * bytes
    let products = tiles * sums * (width / operand).roundedUp()
    // A buffer written once serves all the tiles that pass over it; registers are written for each.
    let fits = N.choose(where: width, isAtMost: sharedOperand, then: N(1), otherwise: tiles)
    let writes = fits * (width / operand).roundedUp()
    let reads = tiles * sums
    // The matrix lies in the order in which the units walk over it, so a row of the bank is opened once.
    let opened = (tiles * sums * width / row).roundedUp()
    return busy(commands: products + writes + reads, opened: opened)
  }

  /// The time to read every bank once and do one command's work on each operand: a pass of elementwise work, with
  /// the result written back where it was.
  ///
  /// - Parameters:
  ///   - elements: in all.
  ///   - bytes: of an element read.
  ///   - written: bytes of an element written back.
  /// - Returns: seconds.
  @inlinable
  public func elementwise(elements: N, bytes: N, written: N) -> N {
    let commands = (elements * (bytes + written) / (units * operand)).roundedUp()
    let opened = (elements * (bytes + written) / (units * row)).roundedUp()
    return busy(commands: commands, opened: opened)
  }

  /// The time to quantise numbers where they lie: every operand read goes through several commands, every operand of
  /// the result is written with one.
  ///
  /// - Parameters:
  ///   - elements: in all.
  ///   - bytes: of an element read.
  ///   - written: bytes of an element written.
  ///   - commands: for each operand read: to fetch it, to find the largest exponent of its block, to scale, round, pack.
  /// - Returns: seconds.
  @inlinable
  public func quantisation(elements: N, bytes: N, written: N, commands: N) -> N {
    let each = elements / (units * operand)
    let opened = (elements * (bytes + written) / (units * row)).roundedUp()
    return busy(
      commands: (each * bytes).roundedUp() * commands + (each * written).roundedUp(), opened: opened)
  }

  /// Time of commands and of changing rows, refreshes added.
  @inlinable
  func busy(commands: N, opened: N) -> N {
    (commands * interval + opened * rowChange) / (N(1) - refresh)
  }

  /// The time to read so many bytes through the ordinary interface, in seconds.
  @inlinable
  public func external(bytes: N) -> N { bytes / externalBandwidth }
}

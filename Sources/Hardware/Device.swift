public import Quantities

/// What a machine can do, as its data sheet says it.
///
/// Nothing here was fitted: what a kernel reaches of these peaks is in a calibration.
public struct Device: Sendable {
  /// The broad class of a device; it decides which closed forms apply.
  public enum Kind: String, Sendable, CaseIterable {
    /// A graphics processor or another throughput accelerator.
    case gpu
    /// A general-purpose processor, or several sockets of one host.
    case cpu
    /// Memory that computes.
    case pim
  }

  /// The name in the catalogue.
  public let name: String
  /// The name for people.
  public let title: String
  /// The broad class.
  public let kind: Kind
  /// Who makes it.
  public let vendor: String?
  /// The year in which it could first be had.
  public let year: Int?
  /// A remark for the reader.
  public let note: String?
  /// The calibration, of a device of the same family, that is borrowed where this one has none of its own.
  public let calibratedLike: String?
  /// Compute units and their rates.
  public let compute: Compute
  /// Memory levels, the farthest from the compute units first.
  public let memory: [MemoryLevel]
  /// Time to start a kernel.
  public let launchOverhead: Sourced<Dimensions.Time>?
  /// Power.
  public let power: Power
  /// Links to other devices, the nearest domain first.
  public let links: [Link]
  /// What is particular to processing in memory.
  public let pim: ProcessingInMemory?

  /// The farthest memory level: where the data of a large problem is.
  public var mainMemory: MemoryLevel { memory[0] }

  /// The peak rate for a data type.
  ///
  /// - Returns: nil when the device has no such rate.
  public func peakRate(_ type: DataType) -> Sourced<Dimensions.WorkRate>? { compute.rates[type] }

  /// What to say of a data type that the device does not compute in.
  ///
  /// - Parameter type: the type.
  /// - Returns: that it has no rate, and the types that it has.
  public func lacks(_ type: DataType) -> String {
    let known = DataType.allCases.filter { compute.rates[$0] != nil }.map(\.rawValue)
    return "'\(name)' has no rate for \(type.rawValue), only for \(known.joined(separator: ", "))"
  }

  /// The link that joins so many devices: the nearest domain that holds them.
  ///
  /// - Parameter devices: how many take part.
  /// - Returns: nil when no domain is that large.
  public func link(joining devices: Int) -> Link? { links.first { $0.devices >= devices } }
}

/// Compute units and their rates.
public struct Compute: Sendable {
  /// What one unit is called: streaming multiprocessor, core, DPU.
  public let unitName: String
  /// How many units there are.
  public let units: Sourced<Dimensions.Number>
  /// The highest clock of the units.
  public let clock: Sourced<Dimensions.Frequency>
  /// Dense peak rates of the whole device by data type.
  public let rates: [DataType: Sourced<Dimensions.WorkRate>]
  /// Peak rates of the vector pipes where they differ from the matrix pipes.
  public let vectorRates: [DataType: Sourced<Dimensions.WorkRate>]
}

/// One level of memory.
public struct MemoryLevel: Sendable {
  /// Whose capacity and bandwidth are given.
  public enum Scope: String, Sendable, CaseIterable {
    /// The total of the device.
    case device
    /// One compute unit.
    case unit
  }

  /// The name: hbm, l2, dram, mram.
  public let name: String
  /// What it is made of.
  public let technology: String
  /// Whose capacity and bandwidth these are.
  public let scope: Scope
  /// How much it holds.
  public let capacity: Sourced<Dimensions.Data>
  /// How fast it can be read or written; nil when no source gives it.
  public let bandwidth: Sourced<Dimensions.DataRate>?
}

/// Power of a device.
public struct Power: Sendable {
  /// The most that the device draws over time.
  public let limit: Sourced<Dimensions.Power>?
  /// What it draws when nothing runs.
  public let idle: Sourced<Dimensions.Power>?
  /// What the machine around it draws while the device is in use: processors of a host, plain memory.
  public let host: Sourced<Dimensions.Power>?
}

/// A network domain that a device is part of.
public struct Link: Sendable {
  /// How the devices of a domain are joined.
  public enum Topology: String, Sendable, CaseIterable {
    /// Every device at full rate to every other, through a switch.
    case `switch`
    /// Neighbours in a ring.
    case ring
    /// A direct link to every other device, each with a part of the bandwidth.
    case mesh
    /// Through the memory of the host.
    case host
    /// One network for every device position of the nodes.
    case rails
    /// Neighbours in a grid that closes on itself.
    case torus
  }

  /// The name of the domain: node, cluster, socket, host.
  public let name: String
  /// What it is made of.
  public let technology: String
  /// How the devices are joined.
  public let topology: Topology
  /// How many devices the domain joins.
  public let devices: Int
  /// Peak rate of one device in one direction.
  public let bandwidth: Sourced<Dimensions.DataRate>
  /// Time of the smallest message over one hop.
  public let latency: Sourced<Dimensions.Time>
}

/// What is particular to memory that computes.
public struct ProcessingInMemory: Sendable {
  /// Hardware threads (tasklets) of one unit.
  public let threads: Sourced<Dimensions.Number>
  /// Cycles between two instructions of one thread.
  public let reissueInterval: Sourced<Dimensions.Number>?
  /// Stages of the pipeline.
  public let pipelineDepth: Sourced<Dimensions.Number>?
  /// The most units that experiments use, where some are faulty.
  public let unitsUsed: Sourced<Dimensions.Number>?
  /// Cycles to set up one transfer between the unit's memories.
  public let dmaSetup: Sourced<Dimensions.Number>?
  /// Cycles to set up a transfer to the unit's main memory, where it differs.
  public let dmaWriteSetup: Sourced<Dimensions.Number>?
  /// Cycles for each byte of such a transfer.
  public let dmaPerByte: Sourced<Dimensions.Number>?
  /// The smallest transfer.
  public let dmaMinimum: Bytes?
  /// The largest transfer.
  public let dmaMaximum: Bytes?
  /// Host to all units, in parallel.
  public let hostToUnit: Sourced<Dimensions.DataRate>?
  /// All units to the host, in parallel.
  public let unitToHost: Sourced<Dimensions.DataRate>?
  /// Units of one memory module.
  public let moduleUnits: Sourced<Dimensions.Number>?
  /// Memory modules of the system.
  public let modules: Sourced<Dimensions.Number>?
  /// Power of one memory module.
  public let modulePower: Sourced<Dimensions.Power>?
  /// How commands of the memory bus drive the units, where these have no programs of their own.
  public let commands: UnitCommands?
}

/// Units beside the banks that execute one command of the memory bus in step.
public struct UnitCommands: Sendable {
  /// Bytes that a command feeds to each unit from its bank.
  public let operand: Bytes
  /// Time between two such commands of a channel.
  public let interval: Sourced<Dimensions.Time>
  /// Bytes of a bank's row.
  public let row: Bytes
  /// Time to close a row and open the next in all banks of a channel.
  public let rowChange: Sourced<Dimensions.Time>
  /// Part of the time in which the banks refresh.
  public let refresh: Sourced<Dimensions.Number>
  /// Units of a channel, which work in step.
  public let channelUnits: Sourced<Dimensions.Number>
  /// Bytes of registers, or of a channel's buffer, for the operand that all units share.
  public let sharedOperand: Bytes
  /// Sums that a unit holds at once.
  public let sums: Sourced<Dimensions.Number>
}

public import Hardware
public import Quantities

/// A number of a machine that sweeps and sensitivities vary.
public enum MachineNumber: Sendable, Hashable {
  case units, clock, rate(DataType), memoryBandwidth, cacheCapacity, launch, powerLimit, idlePower
  /// Of a link, by its place from the nearest.
  case linkBandwidth(Int), linkLatency(Int)

  /// All numbers that a device's description gives, with their keys there.
  ///
  /// - Parameter device: the device.
  /// - Returns: keys as `memory.hbm.bandwidth`, in the order of a description.
  public static func all(of device: Device) -> [(key: String, number: MachineNumber)] {
    var result: [(key: String, number: MachineNumber)] = []
    for type in DataType.allCases where device.compute.rates[type] != nil {
      result.append(("compute.rates.\(type.rawValue)", .rate(type)))
    }
    result += [("compute.units", .units), ("compute.clock", .clock)]
    if device.mainMemory.bandwidth != nil {
      result.append(("memory.\(device.mainMemory.name).bandwidth", .memoryBandwidth))
    }
    if let cache = device.memory.dropFirst().first(where: { $0.scope == .device }) {
      result.append(("memory.\(cache.name).capacity", .cacheCapacity))
    }
    if device.launchOverhead != nil { result.append(("overhead.launch", .launch)) }
    // An idle power that is not given follows from the limit.
    if device.power.idle != nil { result += [("power.limit", .powerLimit), ("power.idle", .idlePower)] }
    for (index, link) in device.links.enumerated() {
      result.append(("links.\(link.name).bandwidth", .linkBandwidth(index)))
      result.append(("links.\(link.name).latency", .linkLatency(index)))
    }
    return result
  }
}

extension Machine {
  /// A number, in base units.
  public subscript(number: MachineNumber) -> N {
    get {
      switch number {
      case .units: units
      case .clock: clock
      case .rate(let type): rates[type] ?? N(0)
      case .memoryBandwidth: memoryBandwidth
      case .cacheCapacity: cacheCapacity
      case .launch: launch
      case .powerLimit: powerLimit
      case .idlePower: idlePower
      case .linkBandwidth(let index): links[index].bandwidth
      case .linkLatency(let index): links[index].latency
      }
    }
    set {
      switch number {
      case .units: units = newValue
      case .clock: clock = newValue
      case .rate(let type): rates[type] = newValue
      case .memoryBandwidth: memoryBandwidth = newValue
      case .cacheCapacity: cacheCapacity = newValue
      case .launch: launch = newValue
      case .powerLimit: powerLimit = newValue
      case .idlePower: idlePower = newValue
      case .linkBandwidth(let index): links[index].bandwidth = newValue
      case .linkLatency(let index): links[index].latency = newValue
      }
    }
  }
}

public import Hardware
public import Quantities

/// The numbers of a device that closed forms use, in base units, ready to be varied.
public struct Machine<N: ModelNumber>: Sendable {
  /// Compute units.
  public var units: N
  /// Clock of the units, in hertz.
  public var clock: N
  /// Peak rates by data type, in FLOP/s; zero where the device has none.
  public var rates: [DataType: N]
  /// Bandwidth of the main memory, in bytes a second.
  public var memoryBandwidth: N
  /// Capacity of the last-level cache, in bytes.
  public var cacheCapacity: N
  /// Time to start a kernel, in seconds.
  public var launch: N
  /// The most that the device draws over time, in watts; zero where nothing is known.
  public var powerLimit: N
  /// What it draws when nothing runs, in watts.
  public var idlePower: N
  /// Peak rate of a device over each link in one direction, in bytes a second, and the link's latency, in seconds; the
  /// nearest domain first.
  public var links: [(bandwidth: N, latency: N)]

  /// The numbers of a device as its description gives them.
  ///
  /// A device without a cache level counts as one with 1 MiB; one without a launch overhead starts at once; one without
  /// an idle power draws the part of its limit that an H200 does, 18 %.
  public init(_ device: Device) {
    units = N(device.compute.units.value)
    clock = N(device.compute.clock.value)
    rates = device.compute.rates.mapValues { N($0.value) }
    memoryBandwidth = N(device.mainMemory.bandwidth?.value ?? 0)
    let cache = device.memory.dropFirst().first { $0.scope == .device }
    cacheCapacity = N(cache?.capacity.value ?? 0x1p20)
    launch = N(device.launchOverhead?.value ?? 0)
    links = device.links.map { (N($0.bandwidth.value), N($0.latency.value)) }
    let limit = device.power.limit?.value ?? 0
    powerLimit = N(limit)
    idlePower = N(device.power.idle?.value ?? 0.18 * limit)
  }

  /// Peak rate for a data type, in FLOP/s.
  ///
  /// No type stands in for another: what software makes of a type that the hardware lacks (an error, a conversion, a
  /// library of its own) no data sheet says.
  ///
  /// - Returns: nil when the device has none.
  @inlinable
  public func rate(_ type: DataType) -> N? { rates[type] }
}

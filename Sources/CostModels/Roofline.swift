public import Hardware
public import Quantities

/// The hierarchical roofline with overhead: time = overhead + work at the rate of the level that binds.
///
/// Williams, Waterman and Patterson, Roofline (CACM 52(4), 2009), with one roof for each memory level as in
/// Ilic, Pratas and Sousa (Cache-aware Roofline, IEEE CAL 13(1), 2014), and a fixed start as in the reference,
/// section 3.2, where it cuts the error at small sizes by three.
public struct Roofline<N: ModelNumber>: Sendable {
  /// Peak rate, in FLOP/s.
  public let peak: N
  /// Bandwidth of each memory level, the farthest first, in bytes a second.
  public let bandwidths: [N]
  /// Time to start, in seconds.
  public let overhead: N

  /// A roofline.
  ///
  /// - Parameters:
  ///   - peak: in FLOP/s, above zero.
  ///   - bandwidths: of each memory level, the farthest first, in bytes a second, above zero.
  ///   - overhead: in seconds.
  public init(peak: N, bandwidths: [N], overhead: N) {
    self.peak = peak
    self.bandwidths = bandwidths
    self.overhead = overhead
  }

  /// The time of a kernel before one memory level, in seconds: overhead + max(flop/peak, bytes/bandwidth).
  ///
  /// - Parameters:
  ///   - flop: operations.
  ///   - peak: in FLOP/s, above zero.
  ///   - bytes: that cross the level.
  ///   - bandwidth: of the level, in bytes a second, above zero.
  ///   - overhead: time to start, in seconds.
  /// - Returns: the time in seconds.
  @inlinable
  public static func time(flop: N, peak: N, bytes: N, bandwidth: N, overhead: N) -> N {
    overhead + N.larger(flop / peak, bytes / bandwidth)
  }

  /// The time of a kernel.
  ///
  /// - Parameters:
  ///   - flop: operations.
  ///   - traffic: bytes that cross each memory level, the farthest first; missing levels move nothing.
  /// - Returns: the time with the terms that make it up.
  public func cost(flop: N, traffic: [N]) -> Cost<N> {
    let compute = flop / peak
    let memory = traffic.first.map { $0 / bandwidths[0] } ?? N(0)
    var cache = N(0)
    for (bytes, bandwidth) in zip(traffic, bandwidths).dropFirst() {
      cache = N.larger(cache, bytes / bandwidth)
    }
    let work = N.larger(compute, N.larger(memory, cache))
    return Cost(
      time: overhead + work, launch: overhead, compute: compute, memory: memory, cache: cache)
  }

  /// The rate that a kernel of this intensity reaches against one memory level, overhead left out.
  ///
  /// - Parameters:
  ///   - intensity: operations per byte of that level.
  ///   - level: which level, the farthest is 0.
  /// - Returns: the lesser of the peak and intensity times bandwidth, in FLOP/s.
  public func attainable(intensity: N, level: Int = 0) -> N {
    N.smaller(peak, intensity * bandwidths[level])
  }
}

extension Roofline where N == Double {
  /// The roofline of a device as its data sheet gives it.
  ///
  /// - Parameters:
  ///   - device: the device.
  ///   - type: the data type of the operations.
  ///   - units: how many compute units take part; rates and the bandwidths of private levels scale with them.
  ///
  /// Nil when the device has no rate for the type.
  public init?(_ device: Device, _ type: DataType, units: Double? = nil) {
    guard let rate = Machine<Double>(device).rate(type) else { return nil }
    let all = device.compute.units.value
    let used = min(units ?? all, all)
    var bandwidths: [Double] = []
    for (index, level) in device.memory.enumerated() {
      guard let bandwidth = level.bandwidth?.value else { continue }
      // The main memory is shared; caches are private or sliced with the units.
      let share = level.scope == .unit ? used : index == 0 ? 1 : used / all
      bandwidths.append(bandwidth * share)
    }
    self.init(
      peak: rate * used / all, bandwidths: bandwidths, overhead: device.launchOverhead?.value ?? 0)
  }
}

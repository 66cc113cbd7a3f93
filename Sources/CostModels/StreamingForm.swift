public import Quantities
public import Workloads

/// The time of a kernel that does little per element: it starts, then moves data or handles elements.
///
///     time = start + row_latency · columns/1024 + max(latency, ⁴√((row_time·rows)⁴ + handling⁴ + moving⁴))
///     handling = elements / (element_rate · units · clock)
///     moving   = bytes / bandwidth · (hot/cache_speedup + (1 − hot)/memory_efficiency)
///
/// `hot` is the part of the bytes that the last-level cache still holds, 1 − bytes/(resident share · capacity).
/// The fourth-power mean stands for limits that overlap imperfectly. Each kind of kernel has its own constants;
/// a kind that was not measured takes those of its nearest relative (``relative(of:)``).
public struct StreamingForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files, before the kind.
  public static var name: String { "streaming" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time to start a kernel and end it, with nothing in between", initial: 1.5,
        in: 0.3...20),
      Constant(
        "latency", unit: "us", "least time between start and end: chains of dependent loads", initial: 0.4,
        in: 0.02...60),
      Constant(
        "memory_efficiency", "part of the main memory's bandwidth that it reaches", initial: 0.85,
        in: 0.3...1.05),
      Constant(
        "large_efficiency",
        "the same for copies of more than 320 MiB, which libraries hand to the copy engines",
        initial: 0.7, in: 0.3...1.05),
      Constant(
        "element_rate", unit: "1/clock/unit", "elements that one unit handles in a clock", initial: 5,
        in: 0.3...60),
      Constant(
        "row_time", unit: "ns", "time of a row besides its elements, all units together", initial: 1,
        in: 0.05...30),
      Constant(
        "row_latency", unit: "us", "time that 1024 columns of a row add before the first result",
        initial: 0.3, in: 0.01...5),
      Constant(
        "resident_share", "part of the cache that holds what was just written", initial: 0.4,
        in: 0.05...1.5),
      Constant(
        "cache_speedup", "bandwidth of the cache over that of the main memory", initial: 1.6,
        in: 1.2...2.2),
    ]
  }

  @usableFromInline let start, latency, elementRate, rowTime, rowLatency, residentShare, cacheSpeedup: N
  @usableFromInline let memoryEfficiency, largeEfficiency: N

  /// The form with these constants, microseconds and nanoseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    latency = 1e-6 * c[1]
    memoryEfficiency = c[2]
    largeEfficiency = c[3]
    elementRate = c[4]
    rowTime = 1e-9 * c[5]
    rowLatency = 1e-6 * c[6]
    residentShare = c[7]
    cacheSpeedup = c[8]
  }

  /// The constants that a kind has on the devices that were measured: the centre of the plausible range.
  ///
  /// Sums of whole arrays run two kernels after one another; fused optimizers walk over lists of tensors, a chain
  /// of dependent loads of some 25 us whatever the size (H200, `operators.csv`), and handle some 0.8 parameters a clock
  /// and unit, which rules where states have 16 bits (`layers.csv`). Kernels that compute where each element goes handle
  /// about one a clock and unit, whatever the memory (alike on H100 and H200). Quantising finds the largest number and then
  /// scales, in some kernels: 12 us whatever the size, known to a fifth (fp8 rows of a B200).
  public static func typicalConstants(of kind: Streaming<N>.Kind) -> [Double] {
    var values = constants.map(\.initial)
    switch kind {
    case .sum: values[0] = 6
    case .adamw:
      values[1] = 25
      values[4] = 0.8
    case .permute: values[4] = 1.2
    case .concatenate: values[4] = 0.85
    case .quantise: (values[0], values[2]) = (12, 0.35)
    default: break
    }
    return values
  }

  /// The measured kind whose constants a kind takes when it was not measured itself.
  public static func relative(of kind: Streaming<N>.Kind) -> Streaming<N>.Kind {
    switch kind {
    case .geluBackward, .gatedActivation, .gatedActivationBackward: .gelu
    case .layernormBackward: .layernorm
    case .softmaxBackward: .softmax
    case .rowSum: .sum
    case .scale, .multiply, .dropoutBackward: .add
    case .lamb: .adamw
    default: kind
    }
  }

  /// The name of a kind's constants in calibration files.
  public static func name(of kind: Streaming<N>.Kind) -> String { "\(name).\(kind.rawValue)" }

  /// Bytes from which a copy counts as large.
  @inlinable static var largeCopy: Double { 640 * 0x1p20 }

  /// The time of a streaming kernel.
  ///
  /// - Parameters:
  ///   - streaming: what it does to how many elements.
  ///   - type: the data type.
  ///   - machine: the device.
  ///   - units: compute units given to it; all of the device if nil.
  /// - Returns: the time with the terms that make it up.
  @inlinable
  public func cost(
    _ streaming: Streaming<N>, _ type: DataType, on machine: Machine<N>, units: N? = nil
  ) -> Cost<N> {
    let used = units ?? machine.units
    let bytes = streaming.bytes(type)
    let hot = N.larger(N(0), N(1) - bytes / (residentShare * machine.cacheCapacity))
    let efficiency =
      streaming.kind == .copy
      ? N.choose(
        where: bytes, isAtMost: N(Self.largeCopy), then: memoryEfficiency, otherwise: largeEfficiency)
      : memoryEfficiency
    let memory = bytes / machine.memoryBandwidth * (hot / cacheSpeedup + (N(1) - hot) / efficiency)
    let compute = streaming.elements / (elementRate * used * machine.clock)
    // Elementwise kernels do not see rows: they have neither a time for each row nor a latency along it.
    let hasRows = N(streaming.kind.worksOnRows ? 1 : 0)
    let rows = hasRows * rowTime * streaming.rows
    let along = hasRows * rowLatency * streaming.columns / 1024
    let (m2, c2, r2) = (memory * memory, compute * compute, rows * rows)
    let body = (m2 * m2 + c2 * c2 + r2 * r2).squareRoot().squareRoot()
    return Cost(
      time: start + along + N.larger(latency, body), launch: start + along, compute: N.larger(compute, rows),
      memory: memory)
  }
}

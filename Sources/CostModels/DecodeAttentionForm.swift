public import Quantities
public import Workloads

/// The time of attention of a few new tokens over a cache of keys and values.
///
/// The cache is read once, whatever the number of query heads that share it:
///
///     time = start + (combination, if the cache is split) + ⁴√(moving⁴ + products⁴)
///     moving   = (Q + O + cache) bytes / (memory_efficiency · bandwidth)
///     products = FLOP · padding / (compute_efficiency · peak)
///
/// Where sequences and key-value heads fill less than half of the units, the keys are split over several units and a
/// second kernel combines their results (flash decoding). Matrix units take 64 rows at a time: the query heads of a
/// key-value head (all heads for latent attention) are padded to that.
///
/// Initial values: ten shapes on an H100 with PyTorch's kernel (notebooks-data/measurements/measure-gpu/h100_decode.csv).
public struct DecodeAttentionForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "decode_attention" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time to start the kernel and end it", initial: 3.1, in: 1...15),
      Constant(
        "combination", unit: "us", "time of the kernel that combines the parts of a split cache",
        initial: 2.8,
        in: 0.5...15),
      Constant(
        "memory_efficiency", "part of the main memory's bandwidth that it reaches", initial: 0.92,
        in: 0.4...1.02),
      Constant(
        "compute_efficiency", "part of the peak rate in its products, padding counted", initial: 0.6,
        in: 0.2...1),
    ]
  }

  @usableFromInline let start, combination, memoryEfficiency, computeEfficiency: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    combination = 1e-6 * c[1]
    memoryEfficiency = c[2]
    computeEfficiency = c[3]
  }

  /// Rows that the matrix units take at a time.
  @inlinable static var rowTile: Double { 64 }

  /// The time of a decode attention kernel.
  ///
  /// - Parameters:
  ///   - attention: its shape.
  ///   - type: the data type of the products.
  ///   - machine: the device.
  /// - Returns: nil when the device has no rate for the type.
  @inlinable
  public func cost(_ attention: FlashAttention<N>, _ type: DataType, on machine: Machine<N>) -> Cost<N>? {
    guard let peak = machine.rate(type) else { return nil }
    // Latent attention has one cache for all heads, which counts as a part of a key-value head.
    let caches = N.larger(N(1), attention.keyValueHeads)
    let rows = attention.queries * attention.heads / caches
    let padding = (rows / Self.rowTile).roundedUp() * Self.rowTile / rows
    let products = attention.flop * padding / (computeEfficiency * peak)
    let moving = attention.bytes(type) / (memoryEfficiency * machine.memoryBandwidth)
    let (p2, m2) = (products * products, moving * moving)
    let body = (p2 * p2 + m2 * m2).squareRoot().squareRoot()
    let split = N.choose(
      where: 2 * attention.batch * caches, isAtMost: machine.units, then: combination, otherwise: N(0))
    return Cost(time: start + split + body, launch: start + split, compute: products, memory: moving)
  }
}

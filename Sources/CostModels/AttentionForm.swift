public import Quantities
public import Workloads

/// The time of attention that keeps its scores on the chip.
///
/// A unit handles 128 queries of one head at a time and walks over the keys:
///
///     block = prologue + 4·128·keys·d / (e · unit's rate)
///     time  = start + ceil(blocks / units) · block
///
/// With a causal mask blocks differ; they are dealt out longest first, so the units end together but for a
/// `tail` of one block. The gradient does five products instead of two and walks over the queries per block of
/// keys; around it, row sums and the conversion of the query gradient stream five arrays more in three kernels.
/// Algorithm: Dao, FlashAttention-2 (arXiv 2307.08691), sections 3.1 and 3.2.
public struct AttentionForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "attention" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time to start the kernel and end it", initial: 4.5, in: 0.5...30),
      Constant(
        "prologue", unit: "us", "time of one block besides its products: loading queries, writing the result",
        initial: 1, in: 0.02...10),
      Constant(
        "efficiency_64", "part of a unit's peak rate in the products, heads of 64 elements", initial: 0.5,
        in: 0.1...1),
      Constant(
        "efficiency_128", "the same for heads of 128 elements and more", initial: 0.7, in: 0.1...1),
      Constant(
        "backward_efficiency", "rate of the gradient's products over that of the forward ones",
        initial: 0.8, in: 0.2...1.2),
      Constant(
        "tail", "part of a block by which units end apart under a causal mask", initial: 0.7,
        in: 0.05...2),
    ]
  }

  @usableFromInline let start, prologue, efficiency64, efficiency128, backwardEfficiency, tail: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    prologue = 1e-6 * c[1]
    efficiency64 = c[2]
    efficiency128 = c[3]
    backwardEfficiency = c[4]
    tail = c[5]
  }

  /// Queries of one block.
  @inlinable static var blockQueries: Double { 128 }

  /// The time of an attention kernel.
  ///
  /// - Parameters:
  ///   - attention: its shape.
  ///   - type: the data type; the rate is that of the matrix units.
  ///   - machine: the device.
  ///   - streaming: how the passes around the gradient move data.
  /// - Returns: nil when the device has no rate for the type.
  @inlinable
  public func cost(
    _ attention: FlashAttention<N>, _ type: DataType, on machine: Machine<N>,
    streaming: StreamingForm<N>
  ) -> Cost<N>? {
    guard let peak = machine.rate(type) else { return nil }
    let unitRate = peak / machine.units
    // Between 64 and 128 elements the efficiency is interpolated in the head size.
    let part = N.smaller(N(1), N.larger(N(0), (attention.headSize - 64) / 64))
    var efficiency = efficiency64 + part * (efficiency128 - efficiency64)
    if attention.backward { efficiency = efficiency * backwardEfficiency }
    let products = attention.backward ? 5.0 : 2.0
    let blocks =
      attention.batch * attention.heads * (attention.queries / Self.blockQueries).roundedUp()
    let work =
      (2 * products * Self.blockQueries) * attention.keys * attention.headSize / unitRate / efficiency
    // The block's own work besides the products grows with the products that it feeds.
    let fixed = products / 2 * prologue
    let whole = fixed + work
    var schedule = (blocks / machine.units).roundedUp() * whole
    if attention.causal {
      let mean = fixed + 0.5 * work * (N(1) + Self.blockQueries / attention.keys)
      let rounds = blocks / machine.units
      let ragged = tail * whole * N.smaller(N(1), N.larger(N(0), rounds - 1))
      // Sequences of a block or two have little to mask: never more than the whole waves of the full product.
      schedule = N.smaller(schedule, N.larger(whole, mean * rounds + ragged))
    }
    let memory = attention.bytes(type) / (streaming.memoryEfficiency * machine.memoryBandwidth)
    var time = start + N.larger(schedule, memory)
    var launch = start
    if attention.part == .passes {
      time = N(0)
      launch = N(0)
      schedule = N(0)
    }
    if attention.backward, attention.part != .products {
      let array = attention.batch * attention.heads * attention.queries * attention.headSize
      let around = 5 * type.bytes * array / (streaming.memoryEfficiency * machine.memoryBandwidth)
      time = time + 3 * streaming.start + around
      launch = launch + 3 * streaming.start
    }
    return Cost(time: time, launch: launch, compute: schedule, memory: memory)
  }
}

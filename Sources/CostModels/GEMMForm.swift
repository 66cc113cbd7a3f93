public import Quantities
public import Workloads

/// The time of a matrix product on a GPU: tiles, waves, and the traffic behind them.
///
/// The result is cut into tiles, a tile to a compute unit at a time; long inner products may be split over
/// several units. With F the peak rate of one unit, B the bandwidth of the main memory and q elements of k in
/// 128 bytes, for each tile tm × tn and split s
///
///     step  = q/F · max(2·tm·tn/e, feed_side·(tm + tn), 2·step_side²)
///     unit  = waves · ceil(k/(s·q)) · step + (1 + output_exposure·w/√(1 + w/50)) · output,  w = waves − 1
///     main  = √((ceil(k/(s·q)) · 2·step_side²·q/F)² + (bytes/(memory_efficiency·B))²)
///     time  = start + ⁴√(unit⁴ + main⁴) + split_overhead (s > 1)
///
/// and the library takes the fastest. `feed_side` and `step_side` are lengths of a tile in elements: a square
/// tile with shorter sides waits for its operands, and no step is shorter than that of a tile of `step_side`.
/// Measured against the peak of one unit, both come out alike on three GPU generations, which is what carries
/// them over to devices that were not measured. The waves lie between the exact quotient of tiles and units and
/// the next whole number (`wave_rounding`), because kernels that stay resident hide a part of the last wave. The
/// fourth-power mean stands for the imperfect overlap of the units' work with the main memory. Units that start
/// together write together; with every wave they drift apart, and the writing of one hides better behind the work
/// of the others. Long kernels lose clock to the power limit: with i = 2mnk/peak, their time grows by
/// sustained_slowdown · i/(i + 400 us).
///
/// Tiling and waves: NVIDIA, Matrix Multiplication Background User's Guide; the roofline in each step:
/// Williams et al. (CACM 2009). Derivation, alternatives that were tried, and errors: docs/models.md.
public struct GEMMForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "gemm" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time to start a kernel and end it, with nothing in between", initial: 2.3,
        in: 0.5...20),
      Constant(
        "compute_efficiency", "part of the peak rate that the inner loop of the largest tiles reaches",
        initial: 0.85, in: 0.2...1.3),
      Constant(
        "memory_efficiency", "part of the main memory's bandwidth that operands reach", initial: 0.85,
        in: 0.4...1.05),
      Constant(
        "feed_side", unit: "elements", "side below which a square tile waits for its operands", initial: 108,
        in: 40...300),
      Constant(
        "step_side", unit: "elements", "side of the tile whose step is the shortest there is", initial: 71,
        in: 25...200),
      Constant(
        "wave_rounding", "part of the idle rest of the last wave that is not hidden", initial: 0.3,
        in: 0.02...1),
      Constant(
        "split_overhead", unit: "us", "cost of adding up the parts of a split inner product", initial: 3,
        in: 0.3...15),
      Constant(
        "output_rate", "rate of writing a tile, of one unit's share of the memory bandwidth", initial: 0.6,
        in: 0.1...5),
      Constant(
        "output_exposure",
        "part of the writing of earlier tiles that is not hidden behind the next, while the units are in step",
        initial: 0.9, in: 0.05...2),
      Constant(
        "sustained_slowdown", "growth of the time of long kernels, which run at a lower clock",
        initial: 0.1, in: 0.005...0.5),
      Constant(
        "misalignment", "growth of the time when rows do not start at multiples of 64 bytes",
        initial: 0.05, in: 0.005...1),
    ]
  }

  @usableFromInline let start, feedSide, stepSide, waveRounding, splitOverhead, outputRate, outputExposure: N
  @usableFromInline let computeEfficiency, memoryEfficiency, sustainedSlowdown, misalignment: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    computeEfficiency = c[1]
    memoryEfficiency = c[2]
    feedSide = c[3]
    stepSide = c[4]
    waveRounding = c[5]
    splitOverhead = 1e-6 * c[6]
    outputRate = c[7]
    outputExposure = c[8]
    sustainedSlowdown = c[9]
    misalignment = c[10]
  }

  /// The name of a data type's constants in calibration files: 16-bit types share one set, the others differ in
  /// the pipes that they run on.
  public static func name(of type: DataType) -> String {
    switch type {
    case .bf16, .fp16: name
    case .fp8, .int8, .fp4: "\(name).fp8"
    case .tf32: "\(name).tf32"
    case .fp32, .int32: "\(name).fp32"
    case .fp64, .int64: "\(name).fp64"
    }
  }

  /// The time of a product.
  ///
  /// - Parameters:
  ///   - gemm: its shape.
  ///   - type: the data type of the operands.
  ///   - machine: the device.
  ///   - units: compute units given to it; all of the device if nil.
  /// - Returns: nil when the device has no rate for the type.
  @inlinable
  public func cost(_ gemm: GEMM<N>, _ type: DataType, on machine: Machine<N>, units: N? = nil) -> Cost<N>? {
    guard let peak = machine.rate(type) else { return nil }
    let used = units ?? machine.units
    let inputBytes = type.bytes
    let outputBytes = max(type.bytes, 2)
    let unitRate = peak / machine.units
    let bandwidth = machine.memoryBandwidth * memoryEfficiency
    let unitOutput = outputRate * machine.memoryBandwidth / machine.units
    let step = GEMMTiling.stepBytes / inputBytes
    let (m, n, k) = (gemm.m, gemm.n, gemm.k)
    var traffic =
      gemm.batch * (inputBytes * (m * k) + (gemm.weightBytes ?? inputBytes) * (k * n) + outputBytes * (m * n))
      / bandwidth
    if let weightBytes = gemm.weightBytes, weightBytes < inputBytes {
      // Quantised weights are turned into operands on the way; what converts overlaps with what loads.
      let converted = gemm.batch * k * n / (GEMMTiling.conversionRate * used * machine.clock)
      let (loads, converts) = (traffic * traffic, converted * converted)
      traffic = (loads * loads + converts * converts).squareRoot().squareRoot()
    }
    let shortestStep = 2 * step * stepSide * stepSide / unitRate

    var best = N(.greatestFiniteMagnitude)
    var bestUnit = N(0)
    var bestFeed = N(0)
    for (rows, columns) in GEMMTiling.tiles {
      let tiles = (m / rows).roundedUp() * (n / columns).roundedUp() * gemm.batch
      let filledRows = N.smaller(N(rows), m)
      let filledColumns = N.smaller(N(columns), n)
      let filled = filledRows * filledColumns
      let compute = N(2 * rows * columns * step) / (unitRate * computeEfficiency)
      let feed = step * feedSide * (filledRows + filledColumns) / unitRate
      let stepTime = N.larger(N.larger(compute, feed), shortestStep)
      for split in GEMMTiling.splits {
        let steps = (k / (split * step)).roundedUp()
        let exact = N.larger(N(1), split * tiles / used)
        let waves = exact + waveRounding * (exact.roundedUp() - exact)
        let output = (split == 1 ? outputBytes : 4) * filled / unitOutput
        let later = waves - 1
        let exposed = 1 + outputExposure * later / (1 + later / GEMMTiling.wavesInStep).squareRoot()
        let unit = waves * stepTime * steps + exposed * output
        let latency = steps * shortestStep
        let main = latency * latency + traffic * traffic
        let unit2 = unit * unit
        var time = (unit2 * unit2 + main * main).squareRoot().squareRoot()
        if split > 1 {
          // A split of less than two steps is not offered.
          time = N.choose(
            where: steps, isAtMost: N(1), then: N(.greatestFiniteMagnitude), otherwise: time + splitOverhead)
        }
        bestFeed = N.choose(where: best, isAtMost: time, then: bestFeed, otherwise: waves * feed * steps)
        bestUnit = N.choose(where: best, isAtMost: time, then: bestUnit, otherwise: unit)
        best = N.smaller(best, time)
      }
    }

    // Leading dimensions that are no multiple of 64 bytes make the loads of a row straddle lines.
    let line = GEMMTiling.lineBytes / inputBytes
    let (leadingA, leadingB) = (gemm.layout == .TN ? m : k, gemm.layout == .NT ? k : n)
    let whole = { (x: N, unit: Double) in (x / unit).roundedUp() * N(unit) - x }
    let rest =
      whole(leadingA, line) + whole(leadingB, line) + whole(n, GEMMTiling.lineBytes / outputBytes)
    let crooked = N.choose(where: rest, isAtMost: N(0), then: N(1), otherwise: 1 + misalignment)
    let ideal = gemm.flop / peak
    let slowdown = 1 + sustainedSlowdown * ideal / (ideal + GEMMTiling.clockFallTime)
    return Cost(
      time: (start + best * crooked) * slowdown, launch: start, compute: bestUnit,
      memory: traffic, cache: bestFeed, slowdown: slowdown)
  }
}

/// What libraries offer to cut a matrix product with.
@usableFromInline
enum GEMMTiling {
  /// Rows and columns of the tiles, in result elements.
  @usableFromInline static let tiles: [(rows: Double, columns: Double)] = [
    (256, 128), (128, 256), (128, 128), (128, 64), (64, 128), (64, 64), (64, 16), (16, 64),
  ]
  /// How many units share one inner product.
  @usableFromInline static let splits: [Double] = [1, 2, 3, 4, 6, 8, 12, 16, 32]
  /// Bytes to whose multiples rows are aligned.
  @usableFromInline static let lineBytes = 64.0
  /// Bytes of k in one step of the inner loop.
  @usableFromInline static let stepBytes = 128.0
  /// Weights of fewer bits that a unit turns into operands in a clock.
  ///
  /// PyTorch's kernel for 4-bit groups of 128 on an H100 (notebooks-data/measurements/measure-gpu/h100_decode.csv, two
  /// shapes of one row: 15 and 17). Assumed for other formats and devices, 8 to 40: kernels made for it are faster.
  @usableFromInline static let conversionRate = 16.0
  /// Waves that units which started together take to drift out of step, some 40 to 100 (docs/models.md).
  @usableFromInline static let wavesInStep = 50.0
  /// Ideal duration around which the clock starts to fall, in seconds; some 300 to 600 us (docs/models.md).
  @usableFromInline static let clockFallTime = 400e-6
}

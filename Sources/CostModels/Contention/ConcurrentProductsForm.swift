public import Quantities
public import Workloads

/// Products that share a device: the tiles of all of them follow one another on its units without a gap.
///
/// With d products of t tiles each on u units, and the times of a step of the inner loop and of writing a tile as
/// ``GEMMForm`` has them,
///
///     unit = d·t/u · (steps · step + exposed_output · output)
///     time = start + d · exposed_start · start + ⁴√(unit⁴ + (d·bytes/(memory_efficiency·B))⁴)
///
/// The last wave of one product is filled by the next, and a part of starts and outputs hides behind neighbours' inner
/// loops; operands, on the other hand, come from several products at once and meet less often in the cache, so that the
/// feeding limit grows by `shared_feed`.
public struct ConcurrentProductsForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "concurrent_products" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "exposed_start", "part of a kernel's start that its neighbours do not hide", initial: 0.47,
        in: 0.05...1.5),
      Constant(
        "exposed_output", "part of writing a tile that other tiles do not hide", initial: 0.36, in: 0.03...1),
      Constant(
        "shared_feed", "growth of the feeding limit when operands of several products share the caches",
        initial: 1.3, in: 1...2),
    ]
  }

  let exposedStart, exposedOutput, sharedFeed: N

  /// The form with these constants.
  public init(constants c: [N]) {
    exposedStart = c[0]
    exposedOutput = c[1]
    sharedFeed = c[2]
  }

  /// The time of equal products on parallel branches.
  ///
  /// - Parameters:
  ///   - gemm: the shape of each.
  ///   - count: how many, at least one.
  ///   - type: the data type of the operands.
  ///   - form: the constants of products alone.
  ///   - machine: the device.
  ///   - waves: how the tiles of one lie on the device.
  ///   - missed: bytes that each reads again from the main memory because the others crowd the cache.
  /// - Returns: nil when the device has no rate for the type. One product alone costs no more than ``GEMMForm`` says.
  public func cost(
    _ gemm: GEMM<N>, count: N, _ type: DataType, form: GEMMForm<N>, on machine: Machine<N>,
    waves: TileWaves<N>, missed: N = N(0)
  ) -> Cost<N>? {
    guard let peak = machine.rate(type), let alone = form.cost(gemm, type, on: machine) else { return nil }
    let unitRate = peak / machine.units
    let step = GEMMTiling.stepBytes / type.bytes
    let compute = 2 * step * waves.rows * waves.columns / (unitRate * form.computeEfficiency)
    let feed = step * form.feedSide * sharedFeed * (waves.rows + waves.columns) / unitRate
    let shortest = 2 * step * form.stepSide * form.stepSide / unitRate
    let stepTime = N.larger(N.larger(compute, feed), shortest)
    let outputBytes = max(type.bytes, 2)
    let unitOutput = form.outputRate * machine.memoryBandwidth / machine.units
    let output = outputBytes * waves.rows * waves.columns / unitOutput
    let steps = (gemm.k / step).roundedUp()
    let unit = count * waves.tiles / machine.units * (steps * stepTime + exposedOutput * output)
    let bytes =
      gemm.batch * (type.bytes * (gemm.m * gemm.k + gemm.k * gemm.n) + outputBytes * gemm.m * gemm.n)
    let memory = count * (bytes + missed) / (machine.memoryBandwidth * form.memoryEfficiency)
    let (u2, m2) = (unit * unit, memory * memory)
    let body = (u2 * u2 + m2 * m2).squareRoot().squareRoot()
    let ideal = gemm.flop / peak
    let slowdown = 1 + form.sustainedSlowdown * ideal / (ideal + GEMMTiling.clockFallTime)
    let together = (form.start + count * exposedStart * form.start + body) * slowdown
    // One is no crowd; and nobody runs side by side what is faster one after another by the library's own choice.
    let time = N.choose(where: count, isAtMost: N(1), then: alone.time, otherwise: together)
    return Cost(time: time, launch: form.start, compute: unit, memory: memory, cache: count * feed * steps)
  }
}

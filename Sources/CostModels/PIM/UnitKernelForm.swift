public import Quantities
public import Workloads

/// The time of a kernel in all units of a memory that computes, which work on equal shares.
///
///     time = launches · launch + max(pipeline, bank) / clock
///     pipeline = max(n, reissue · n of the busiest tasklet),  n = items · item + rows · row
///     bank = bytes · (cycles a byte + setup / 1024)
///
/// Each kind of kernel has its own constants. Source: the pipeline and bank laws of PrIM (``UnitArray``).
public struct UnitKernelForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files, before the kernel's.
  public static var name: String { "unit_kernel" }
  /// The name of a kernel's constants in calibration files.
  public static func name(of benchmark: PrIMBenchmark) -> String { "\(name).\(benchmark.rawValue)" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "item", unit: "cycles", "instructions of one item, over all tasklets together", initial: 20,
        in: 4...6000),
      Constant(
        "row", unit: "cycles", "instructions of a row besides its items", initial: 1000, in: 50...2e6),
      Constant(
        "launch", unit: "us",
        "start of the kernel on all units, its fixed parts and the wait for its end", initial: 200,
        in: 50...1200),
    ]
  }

  @usableFromInline let item, row, launch: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    item = c[0]
    row = c[1]
    launch = 1e-6 * c[2]
  }

  /// What a kernel's constants are without a fit: the centre of the plausible range.
  public static func typicalConstants(of benchmark: PrIMBenchmark) -> [Double] {
    switch benchmark {
    case .timeSeries: [1800, 1000, 200]
    case .transposition: [4e5 / 100, 4e5, 200]
    case .sharedHistogram: [100, 1000, 200]
    default: constants.map(\.initial)
    }
  }

  /// The time of a kernel.
  ///
  /// - Parameters:
  ///   - kernel: what each unit does.
  ///   - units: the units.
  /// - Returns: the time in seconds with the terms that make it up.
  @inlinable
  public func cost(_ kernel: UnitKernel<N>, on units: UnitArray<N>) -> Cost<N> {
    let instructions = kernel.items * item + kernel.rows * row
    let busiest = kernel.busiestItems * item + kernel.busiestRows * row
    let pipeline = units.pipelineCycles(instructions: instructions, busiest: busiest) / units.clock
    let block = N(1024)
    let bank =
      kernel.bytes / block * units.transferCycles(bytes: block, writes: false) / units.clock
    let start = kernel.launches * launch
    return Cost(
      time: start + N.larger(pipeline, bank), launch: start, compute: pipeline, memory: bank)
  }
}

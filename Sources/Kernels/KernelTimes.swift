/// A kernel to measure, as a row of a table names it.
public struct KernelCase {
  /// What it does: `gemm`, `triad`, `lr_dense`.
  public let operation: String
  /// The format of its numbers.
  public let precision: Precision
  /// Its shape: `m=512;n=512;k=512`.
  public let parameters: String
  /// Threads that it runs on.
  public let threads: Int
  /// Sets it up, with its data.
  public let make: () -> any TimedKernel

  /// A kernel to measure.
  public init(
    _ operation: String, _ precision: Precision, _ parameters: String, threads: Int,
    make: @escaping () -> any TimedKernel
  ) {
    self.operation = operation
    self.precision = precision
    self.parameters = parameters
    self.threads = threads
    self.make = make
  }

  /// A text that tells it from all others: its row's first columns.
  public var key: String { "\(operation),\(precision.rawValue),\(threads),\(parameters)" }
}

/// Times of one kernel with what the machine did meanwhile.
public struct KernelTimes: Sendable {
  /// One timed batch of runs.
  public struct Sample: Sendable {
    /// Seconds of one run by the wall clock.
    public let wall: Double
    /// Processor seconds of one run, over all threads.
    public let processor: Double
    /// The speed probe just before and after, steps a nanosecond; the lower of the two.
    public let probe: Double

    /// One timed batch of runs.
    public init(wall: Double, processor: Double, probe: Double) {
      self.wall = wall
      self.processor = processor
      self.probe = probe
    }
  }

  /// The first columns of its row: operation, precision, threads, parameters.
  public let key: String
  /// Threads that it ran on.
  public let threads: Int
  /// Operations and bytes of one run.
  public let flop, bytes: Int
  /// The samples, in the order in which they were taken.
  public let samples: [Sample]

  /// The times of a kernel.
  public init(key: String, threads: Int, flop: Int, bytes: Int, wanted: Int, samples: [Sample]) {
    self.wanted = wanted
    self.key = key
    self.threads = threads
    self.flop = flop
    self.bytes = bytes
    self.samples = samples
  }

  /// How many samples statistics use.
  public let wanted: Int

  /// The samples beside which the processor was fastest, as many as are wanted.
  ///
  /// The choice looks at the probe alone, never at the kernel's time, so it favours no result.
  public var undisturbed: [Sample] { Array(samples.sorted { $0.probe > $1.probe }.prefix(wanted)) }

  /// The shortest undisturbed sample, in seconds: the machine at its best.
  public var best: Double { undisturbed.map(\.wall).min() ?? .nan }

  /// The median undisturbed sample, in seconds.
  public var median: Double {
    let sorted = undisturbed.map(\.wall).sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Median over best, minus one: how unsteady the kernel's times were.
  public var unsteadiness: Double { median / best - 1 }
}

/// How kernels are timed.
public struct MeasurementPlan: Sendable {
  /// Samples of each kernel.
  public var samples: Int
  /// Least duration of a sample, in seconds: short kernels run many times in one.
  public var sampleDuration: Double
  /// Runs before the first sample, in seconds.
  public var warmUp: Double

  /// A minute for a few dozen kernels: the medians are good to some per cent.
  public static let quick = MeasurementPlan(samples: 7, sampleDuration: 0.02, warmUp: 0.03)
  /// Some minutes: enough samples to see what the neighbours on the machine do.
  public static let thorough = MeasurementPlan(samples: 25, sampleDuration: 0.05, warmUp: 0.1)

  /// A plan.
  public init(samples: Int, sampleDuration: Double, warmUp: Double) {
    self.samples = samples
    self.sampleDuration = sampleDuration
    self.warmUp = warmUp
  }

  /// Sets a kernel up and times it: warm-up, then samples with the speed probe between them.
  ///
  /// Samples go on, up to four times as many as wanted, until enough of them stand beside a probe within 4 % of the
  /// fastest that this team of threads ever showed.
  ///
  /// - Parameters:
  ///   - item: the kernel.
  ///   - team: the threads that the probe runs on, as many as the kernel's.
  ///   - fastest: the fastest probe so far; raised here.
  ///   - isCancelled: asked between samples; the measurement ends early with those that it has.
  /// - Returns: the samples; none when it was cancelled before the first.
  public func measure(
    _ item: KernelCase, team: WorkerPool?, fastest: inout Double, isCancelled: () -> Bool = { false }
  ) -> KernelTimes {
    let kernel = item.make()
    var runs = 0
    let start = Stopwatch.wall
    repeat {
      kernel.run()
      runs += 1
    } while Stopwatch.wall - start < warmUp
    let perRun = (Stopwatch.wall - start) / Double(runs)
    let count = max(1, Int((sampleDuration / perRun).rounded(.up)))
    var taken: [KernelTimes.Sample] = []
    var before = Stopwatch.probe(on: team)
    fastest = max(fastest, before)
    while taken.count < 4 * samples {
      let clean = taken.count { $0.probe >= 0.96 * fastest }
      if isCancelled() || clean >= samples { break }
      let wall = Stopwatch.wall
      let processor = Stopwatch.processor
      for _ in 0..<count { kernel.run() }
      let wallTime = Stopwatch.wall - wall
      let processorTime = Stopwatch.processor - processor
      let after = Stopwatch.probe(on: team)
      fastest = max(fastest, after)
      taken.append(
        .init(
          wall: wallTime / Double(count), processor: processorTime / Double(count),
          probe: min(before, after)))
      before = after
    }
    return KernelTimes(
      key: item.key, threads: item.threads, flop: kernel.flop, bytes: kernel.bytes, wanted: samples,
      samples: taken)
  }
}

/// Whether a run of measurements can be trusted, and why not.
public struct DisturbanceReport: Sendable {
  /// Largest relative drop of the speed probe below its best, over the samples that are used.
  public let probeDrop: Double
  /// Share of the samples that are used whose probe was more than 5 % below the best.
  public let slowSamples: Double
  /// Share of multi-threaded samples that got less than 90 % of their threads' processor time.
  public let starvedSamples: Double
  /// Reasons to doubt the run, in words; empty when there are none.
  public let reasons: [String]

  /// Whether most samples were disturbed, so that no statistic of them can be trusted.
  public var isSevere: Bool { slowSamples > 0.5 || starvedSamples > 0.6 }

  /// Judges a run by the probes between its samples and by the processor time that its threads got.
  ///
  /// - Parameter measurements: all kernels of the run.
  public init(_ measurements: [KernelTimes]) {
    // Teams of different size have probes of their own.
    var drop = 0.0
    var slow = 0
    var all = 0
    for threads in Set(measurements.map(\.threads)) {
      let team = measurements.filter { $0.threads == threads }
      let fastest = team.flatMap { $0.samples.map(\.probe) }.max() ?? .nan
      let used = team.flatMap { $0.undisturbed.map(\.probe) }
      drop = max(drop, 1 - (used.min() ?? fastest) / fastest)
      slow += used.count { $0 < 0.95 * fastest }
      all += used.count
    }
    probeDrop = drop
    slowSamples = all == 0 ? 0 : Double(slow) / Double(all)
    let parallel = measurements.filter { $0.threads > 1 }.flatMap { measurement in
      measurement.undisturbed.map { $0.processor / $0.wall / Double(measurement.threads) }
    }
    starvedSamples =
      parallel.isEmpty ? 0 : Double(parallel.count { $0 < 0.9 }) / Double(parallel.count)
    var reasons: [String] = []
    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    if slowSamples > 0.1 {
      reasons.append(
        "the speed probe was more than 5 % below its best beside \(percent(slowSamples)) of the samples: the clock changes or a core is shared"
      )
    }
    if starvedSamples > 0.25 {
      reasons.append(
        "\(percent(starvedSamples)) of the samples with several threads got less than 90 % of their processor time: something else runs"
      )
    }
    self.reasons = reasons
  }
}

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
    /// Which pass over all kernels it was taken in, from 0.
    public let round: Int
    /// Seconds of one run by the wall clock.
    public let wall: Double
    /// Processor seconds of one run, over all threads.
    public let processor: Double
    /// The speed probe just before and after, steps a nanosecond; the lower of the two.
    public let probe: Double
    /// Joules of one run of the package and its memory; nil where no counter can be read.
    public let joules: Double?

    /// One timed batch of runs.
    public init(round: Int = 0, wall: Double, processor: Double, probe: Double, joules: Double? = nil) {
      self.round = round
      self.wall = wall
      self.processor = processor
      self.probe = probe
      self.joules = joules
    }
  }

  /// The first columns of its row: operation, precision, threads, parameters.
  public let key: String
  /// Threads that it ran on.
  public let threads: Int
  /// Operations and bytes of one run.
  public let flop, bytes: Int
  /// The samples, in the order in which they were taken.
  public var samples: [Sample]

  /// The times of a kernel.
  public init(key: String, threads: Int, flop: Int, bytes: Int, samples: [Sample]) {
    self.key = key
    self.threads = threads
    self.flop = flop
    self.bytes = bytes
    self.samples = samples
  }

  /// The shortest sample, in seconds: what the machine does when nothing is in the way.
  ///
  /// Neighbours, interrupts and a lower clock only ever add time, so of samples spread over a whole run the shortest
  /// is the one that repeats. It is taken of every kernel alike, fitted or not.
  public var best: Double { samples.map(\.wall).min() ?? .nan }

  /// The median sample, in seconds: what a run met on this machine while it was measured.
  public var median: Double { middle(samples.map(\.wall)) }

  /// Median over best, minus one: how unsteady the kernel's times were.
  public var unsteadiness: Double { median / best - 1 }

  /// The shortest sample of each round, in seconds.
  public var roundBests: [Double] {
    Dictionary(grouping: samples, by: \.round).sorted { $0.key < $1.key }.compactMap {
      $0.value.map(\.wall).min()
    }
  }

  /// The median energy of a run, in joules; nil where no counter can be read.
  public var joules: Double? {
    let list = samples.compactMap(\.joules)
    return list.isEmpty ? nil : middle(list)
  }
}

/// The median of some numbers; not a number for none.
private func middle(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  let half = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/// How kernels are timed.
public struct MeasurementPlan: Sendable {
  /// Passes over all kernels: a disturbance of seconds then falls on some samples of many kernels, not on all of one.
  public var rounds: Int
  /// Samples of each kernel in a round.
  public var samples: Int
  /// Least duration of a sample, in seconds: short kernels run many times in one.
  public var sampleDuration: Double
  /// Runs before the first sample of a round, in seconds.
  public var warmUp: Double

  /// One or two minutes: each kernel at three different times.
  public static let quick = MeasurementPlan(rounds: 3, samples: 3, sampleDuration: 0.01, warmUp: 0.005)
  /// Some ten minutes: each kernel at eight different times, which outlasts what the neighbours do.
  public static let thorough = MeasurementPlan(rounds: 8, samples: 4, sampleDuration: 0.025, warmUp: 0.015)

  /// A plan.
  public init(rounds: Int, samples: Int, sampleDuration: Double, warmUp: Double) {
    self.rounds = rounds
    self.samples = samples
    self.sampleDuration = sampleDuration
    self.warmUp = warmUp
  }

  /// Sets a kernel up and times it in one round: warm-up, then samples with the speed probe between them.
  ///
  /// Samples go on, up to twice as many as wanted, until enough of them stand beside a probe within 4 % of the
  /// fastest that this team of threads ever showed.
  ///
  /// - Parameters:
  ///   - item: the kernel.
  ///   - round: the number of the pass, from 0.
  ///   - team: the threads that the probe runs on, as many as the kernel's.
  ///   - meter: the machine's energy counters.
  ///   - fastest: the fastest probe so far; raised here.
  ///   - isCancelled: asked between samples; the measurement ends early with those that it has.
  /// - Returns: the samples; none when it was cancelled before the first.
  public func measure(
    _ item: KernelCase, round: Int, team: WorkerPool?, meter: EnergyMeter, fastest: inout Double,
    isCancelled: () -> Bool = { false }
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
    while taken.count < 2 * samples {
      let clean = taken.count { $0.probe >= 0.96 * fastest }
      if isCancelled() || clean >= samples { break }
      let energy = meter.read()
      let wall = Stopwatch.wall
      let processor = Stopwatch.processor
      for _ in 0..<count { kernel.run() }
      let wallTime = Stopwatch.wall - wall
      let processorTime = Stopwatch.processor - processor
      let joules = energy.flatMap { first in meter.read().map { meter.joules(from: first, to: $0) } }
      let after = Stopwatch.probe(on: team)
      fastest = max(fastest, after)
      taken.append(
        .init(
          round: round, wall: wallTime / Double(count), processor: processorTime / Double(count),
          probe: min(before, after), joules: joules.map { $0 / Double(count) }))
      before = after
    }
    return KernelTimes(
      key: item.key, threads: item.threads, flop: kernel.flop, bytes: kernel.bytes, samples: taken)
  }
}

/// Whether a run of measurements can be trusted, and why not.
public struct DisturbanceReport: Sendable {
  /// Share of the kernels none of whose samples stood beside a probe within 5 % of the fastest tenth.
  public let unprobed: Double
  /// Share of the samples whose probe was more than 5 % below the fastest tenth.
  public let slowSamples: Double
  /// Share of the kernels on several threads whose best sample got less than 90 % of their processor time.
  public let starved: Double
  /// How much longer a kernel's best sample of a round is than that of its best round: the median over kernels of
  /// the median over rounds.
  public let roundSpread: Double
  /// Reasons to doubt the run, in words; empty when there are none.
  public let reasons: [String]

  /// Whether too few samples were undisturbed for the best of them to be trusted.
  public var isSevere: Bool { unprobed > 0.5 || starved > 0.6 || roundSpread > 0.25 }

  /// The verdict in a sentence.
  public var verdict: String {
    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    let facts =
      "\(percent(slowSamples)) of the samples stood beside a slow speed probe, \(percent(unprobed)) of the kernels had none "
      + "beside a fast one; a round's best sample is typically \(percent(roundSpread)) longer than the best of all"
    return isSevere
      ? "disturbed too much: \(facts)" : reasons.isEmpty ? "quiet: \(facts)" : "disturbed: \(facts)"
  }

  /// Judges a run by the probes between its samples, by the processor time that its threads got, and by how well
  /// its rounds repeat each other.
  ///
  /// - Parameter measurements: all kernels of the run.
  public init(_ measurements: [KernelTimes]) {
    // Teams of different size have probes of their own.
    var slow = 0
    var all = 0
    var without = 0
    for threads in Set(measurements.map(\.threads)) {
      let team = measurements.filter { $0.threads == threads }
      // What a tenth of the probes exceed: a clock that is higher for a moment, now and then, is no reference.
      let probes = team.flatMap { $0.samples.map(\.probe) }.sorted()
      let fastest = probes.isEmpty ? .nan : probes[min(probes.count - 1, probes.count * 9 / 10)]
      for kernel in team {
        let slowHere = kernel.samples.count { $0.probe < 0.95 * fastest }
        slow += slowHere
        all += kernel.samples.count
        if slowHere == kernel.samples.count { without += 1 }
      }
    }
    slowSamples = all == 0 ? 0 : Double(slow) / Double(all)
    unprobed = measurements.isEmpty ? 0 : Double(without) / Double(measurements.count)
    let parallel = measurements.filter { $0.threads > 1 }.compactMap { kernel in
      kernel.samples.min { $0.wall < $1.wall }.map { $0.processor / $0.wall / Double(kernel.threads) }
    }
    starved = parallel.isEmpty ? 0 : Double(parallel.count { $0 < 0.9 }) / Double(parallel.count)
    let spreads = measurements.filter { $0.roundBests.count > 1 }.map { middle($0.roundBests) / $0.best - 1 }
    roundSpread = spreads.isEmpty ? 0 : middle(spreads)
    var reasons: [String] = []
    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    if unprobed > 0.1 {
      reasons.append(
        "\(percent(unprobed)) of the kernels have no sample beside a speed probe within 5 % of the fastest tenth: the clock changes or a core is shared"
      )
    }
    if starved > 0.25 {
      reasons.append(
        "the best samples of \(percent(starved)) of the kernels with several threads got less than 90 % of their processor time: something else runs, or the library used fewer threads"
      )
    }
    if roundSpread > 0.1 {
      reasons.append(
        "the best samples of a kernel's rounds differ by \(percent(roundSpread)): caches or memory are shared with something else"
      )
    }
    self.reasons = reasons
  }
}

public import Quantities
public import Workloads

/// Where the time of an epoch goes; the parts add up.
public struct TrainingParts<N: ModelNumber>: Sendable {
  /// Instructions of the workers; for a processor or a GPU, its computing.
  public var compute: N
  /// Movement between a worker's memories that computing does not hide.
  public var memory: N
  /// Model, or pull, from the host to the workers; for a GPU, the samples.
  public var toWorkers: N
  /// Models or gradients from the workers to the host; for a processor, the all-reduces.
  public var fromWorkers: N
  /// The host's average of what the workers returned.
  public var reduction: N
  /// Starts of kernels and of steps.
  public var launch: N

  /// The parts of an epoch, in seconds.
  @inlinable
  public init(
    compute: N = N(0), memory: N = N(0), toWorkers: N = N(0), fromWorkers: N = N(0), reduction: N = N(0),
    launch: N = N(0)
  ) {
    self.compute = compute
    self.memory = memory
    self.toWorkers = toWorkers
    self.fromWorkers = fromWorkers
    self.reduction = reduction
    self.launch = launch
  }

  /// Time of the epoch.
  @inlinable public var total: N { kernel + synchronisation }
  /// Time of the workers.
  @inlinable public var kernel: N { compute + memory + launch }
  /// Time of exchange and average.
  @inlinable public var synchronisation: N { toWorkers + fromWorkers + reduction }
}

/// The time of an epoch of a linear model's training on memory that computes, after PIM-Opt's kernels and host code.
///
///     epoch = kernel + transfers + reduction        (additive, as the paper accounts for it)
///     kernel = launches · launch + (max(pipeline, bank) of samples + that of steps + serial) / clock
///     pipeline = max(n, reissue · n of the busiest tasklet)
///     n = multiplications · multiply + features · feature + non-zeros · nonzero + updates · update + barriers · tasklets · barrier
///     serial = reissue · sigmoids · sigmoid
///     bank = sum over transfers of setup + cycles a byte · bytes
///     reduction = bytes from all units · words of state / reduce_rate + synchronisations · threads · thread
///
/// The instruction counts of a multiplication and of the lines around it are estimates of the reference (the SDK's
/// comment for the 64-bit multiplication; "inferred" for the rest), not measurements. Source: pim-opt.md, section 4.
public struct UnitTrainingForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "unit_training" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "multiply", unit: "instructions", "multiplication of two 64-bit numbers, in software", initial: 150,
        in: 130...170),
      Constant(
        "feature", unit: "instructions",
        "the rest of a dense feature: loads, shifts, additions, comparisons; 50 in all for logistic regression",
        initial: 45, in: 30...60),
      Constant(
        "nonzero", unit: "instructions", "a feature of a sparse sample, in both passes", initial: 120,
        in: 50...250),
      Constant(
        "update", unit: "instructions", "the step of one weight", initial: 30, in: 15...60),
      Constant(
        "sigmoid", unit: "instructions", "a sigmoid by table look-up and double precision, on one tasklet",
        initial: 3000, in: 1500...5000),
      Constant(
        "barrier", unit: "instructions", "a barrier, for each tasklet", initial: 50, in: 20...150),
      Constant("launch", unit: "us", "start of a kernel and wait for its end", initial: 200, in: 140...550),
      Constant(
        "reduce_rate", unit: "GB/s", "bytes of models or gradients that the host adds up", initial: 60,
        in: 25...140),
      Constant(
        "thread", unit: "us", "creation and join of one host thread", initial: 25, in: 8...80),
      Constant(
        "host_share", "what the host's transfers reach of the rates that the device's description assumes",
        initial: 1, in: 0.75...1.33),
    ]
  }

  /// Host threads that average: a part of the model each.
  ///
  /// Source: PIM-Opt repository @bbc8313, host/app.c.
  @inlinable static func hostThreads(_ training: LinearTraining) -> Double { training.isDense ? 17 : 63 }

  @usableFromInline let multiply, feature, nonzero, update, sigmoid, barrier, launch, reduceRate, thread: N
  @usableFromInline let hostShare: N

  /// The form with these constants, turned into seconds and bytes a second.
  @inlinable
  public init(constants c: [N]) {
    multiply = c[0]
    feature = c[1]
    nonzero = c[2]
    update = c[3]
    sigmoid = c[4]
    barrier = c[5]
    launch = 1e-6 * c[6]
    reduceRate = 1e9 * c[7]
    thread = 1e-6 * c[8]
    hostShare = c[9]
  }

  /// A direct network between the units, which real ones have not.
  public struct DirectLinks: Sendable {
    /// Bandwidth of one unit in one direction, in bytes a second.
    public var bandwidth: N
    /// Time of a message to a neighbour, in seconds.
    public var latency: N

    /// Links of this speed.
    @inlinable
    public init(bandwidth: N, latency: N) {
      self.bandwidth = bandwidth
      self.latency = latency
    }
  }

  /// The time of an epoch.
  ///
  /// - Parameters:
  ///   - training: the workload.
  ///   - tasklets: of each unit.
  ///   - block: bytes of a transfer of weights or gradients inside a unit.
  ///   - model: the device with its transfers.
  ///   - links: a direct network, over which the units add up in a ring without the host; nil for none.
  /// - Returns: the parts, in seconds.
  @inlinable
  public func epoch(
    _ training: LinearTraining, tasklets: N = N(16), block: N = N(512), on model: UnitModel<N>,
    links: DirectLinks? = nil
  ) -> TrainingParts<N> {
    let work = UnitEpoch<N>(training, tasklets: tasklets, block: block)
    let units = model.units
    let even = work.multiplications * multiply + work.denseFeatures * feature
    let sparse = work.sparseFeatures * nonzero
    let barriers = work.barriers * barrier
    let samples = units.pipelineCycles(
      instructions: even + sparse + tasklets * barriers,
      busiest: even / tasklets + sparse * work.busiestShare + barriers)
    let steps = work.updates * update
    let updates = units.pipelineCycles(instructions: steps, busiest: steps / tasklets)
    // Barriers part the gradients of samples from the steps of batches, so each waits for its own transfers.
    let bankOfSamples = bank(work.reads, work.writes, units)
    let bankOfUpdates = bank(work.updateReads, work.updateWrites, units)
    let exposed =
      N.larger(N(0), bankOfSamples - samples) + N.larger(N(0), bankOfUpdates - updates)
    let serial = units.reissue * work.sigmoids * sigmoid
    var parts = TrainingParts<N>(
      compute: (samples + updates + serial) / units.clock, memory: exposed / units.clock,
      launch: work.launches * launch)
    if let links {
      ring(training, links, into: &parts)
    } else {
      exchange(training, on: model, into: &parts)
    }
    return parts
  }

  /// Cycles of transfers between a unit's memories.
  @inlinable
  func bank(_ reads: (count: N, bytes: N), _ writes: (count: N, bytes: N), _ units: UnitArray<N>) -> N {
    reads.count * units.readSetup + writes.count * units.writeSetup
      + units.cyclesPerByte * (reads.bytes + writes.bytes)
  }

  /// Model down, models or gradients up, and their average by the host.
  @inlinable
  func exchange(_ training: LinearTraining, on model: UnitModel<N>, into parts: inout TrainingParts<N>) {
    let plan = training.plan
    let count = N(Double(plan.synchronisationsPerEpoch))
    let workers = N(Double(plan.workers))
    let hasBias = plan.size.biasBytes > 0
    var units = model.units
    units.hostToUnits = hostShare * units.hostToUnits
    units.unitsToHost = hostShare * units.unitsToHost
    // One buffer for all units; ADMM's pull is another for each.
    let down = N(Double(plan.bytesDown))
    let own = plan.algorithm == .admm ? workers * N(Double(plan.size.weightBytes)) : N(0)
    let toUnits = UnitTransfer(
      units: workers, pushes: N((hasBias ? 2 : 1) + (plan.algorithm == .admm ? 1 : 0)), bytesPerUnit: down,
      hostBytes: N(Double(plan.size.modelBytes)) + own)
    parts.toWorkers = count * model.toUnits.cost(toUnits, .toUnits, on: units).time
    let up = N(Double(plan.bytesUp))
    let fromUnits = UnitTransfer(units: workers, pushes: N(hasBias ? 2 : 1), bytesPerUnit: up)
    parts.fromWorkers = count * model.fromUnits.cost(fromUnits, .fromUnits, on: units).time
    // The consensus reads the dual beside each model and writes the dual and the pull.
    let passes = plan.algorithm == .admm ? 4.0 : 1.0
    parts.reduction =
      count * (passes * workers * up / reduceRate + thread * N(Self.hostThreads(training)))
  }

  /// A ring all-reduce over direct links: 2 (D − 1)/D of the buffer past every unit, 2 (D − 1) messages.
  @inlinable
  func ring(_ training: LinearTraining, _ links: DirectLinks, into parts: inout TrainingParts<N>) {
    let plan = training.plan
    let steps = 2 * N(Double(plan.workers - 1))
    let bytes = N(Double(plan.bytesUp))
    let once = steps * (bytes / N(Double(plan.workers)) / links.bandwidth + links.latency)
    parts.fromWorkers = N(Double(plan.synchronisationsPerEpoch)) * once
  }
}

import CostModels
import Quantities
import Sampling
import Workloads

extension SeqPointStudy {
  /// A run on one machine, projected from the points of the first.
  struct Projected: Sendable {
    let machine: String
    let total: Double
    let error: Double
    /// How much faster than the first machine, projected over true, minus one.
    let speedUpError: Double
  }

  /// A run with its points and what they project.
  struct Evaluated: Sendable {
    let run: Run
    let log: TrainingLog
    let points: SeqPoints
    let projected: [Projected]
    let baselines: [SamplingBaseline]
    /// Time of an iteration by its length on the first machine and on the measured GPU, in seconds.
    let times: [(length: Int, first: Double, reference: Double)]
    /// Errors and saving under other assumptions.
    var variants: [(name: String, error: Double, speedUpError: Double, saving: Double)]

    /// Geometric mean of the errors over all machines, in per cent.
    var error: Double { geometricMean(projected.map { 100 * abs($0.error) }) }
    /// The same of speed-ups, over all machines but the first.
    var speedUpError: Double { geometricMean(projected.dropFirst().map { 100 * abs($0.speedUpError) }) }
  }

  /// The time of an iteration, in seconds.
  static func time(
    _ network: RecurrentNetwork, length: Int, batch: Double, type: DataType, on model: DeviceModel<Double>,
    productFactor: Double = 1
  ) -> Double {
    network.kernels(length: Double(length), batch: batch, type: type).reduce(0) { sum, kernel in
      let operation = kernel.operation
      let time = model.costInStep(operation.work, operation.dataType)?.time ?? .nan
      if case .gemm = operation.work { return sum + kernel.count * time / productFactor }
      return sum + kernel.count * time
    }
  }

  /// The log of a run on a machine: the modelled time of each length, with the noise of a real iteration.
  private func log(_ run: Run, times: [Int: Double], noise: Double, stream: UInt64) -> TrainingLog {
    var generator = SplitMix64(seed: 2020, stream: stream)
    return TrainingLog(
      run.lengths.enumerated().map { number, length in
        let factor = 1 + noise * generator.normal()
        return .init(
          number: number, sequenceLength: length, seconds: max(0.5, factor) * times[length, default: .nan])
      })
  }

  /// The time of an iteration of each length on each machine, in seconds.
  ///
  /// - Parameters:
  ///   - run: the run.
  ///   - known: times of another run of the network, one dictionary a machine.
  /// - Returns: one dictionary a machine.
  func times(of run: Run, known: [[Int: Double]] = []) -> [[Int: Double]] {
    let unique = Set(run.lengths)
    return machines.enumerated().map { index, machine in
      var result = known.indices.contains(index) ? known[index] : [:]
      for length in unique where result[length] == nil {
        result[length] = Self.time(
          run.network, length: length, batch: batch, type: .fp32, on: machine.model,
          productFactor: machine.productFactor)
      }
      return result
    }
  }

  /// Chooses points on the first machine and projects all machines from them.
  func evaluate(_ run: Run, times all: [[Int: Double]], noise: Double? = nil) -> Evaluated {
    let noise = noise ?? self.noise.value
    let unique = Set(run.lengths).sorted()
    let logs = all.enumerated().map { log(run, times: $1, noise: noise, stream: UInt64($0)) }
    let points = SeqPoints(logs[0], choice: .time, tolerance: tolerances[run.network] ?? 1e-3)
    let projected = machines.indices.map { index -> Projected in
      // The same iterations run on every machine.
      let there = points.timed(in: logs[index])
      let truth = logs[index].totalSeconds
      let speedUp = (points.projectedSeconds / there) / (logs[0].totalSeconds / truth)
      return Projected(
        machine: machines[index].name, total: truth, error: there / truth - 1, speedUpError: speedUp - 1)
    }
    // A curve of the measured GPU needs no more than a few lengths.
    let stride = max(1, unique.count / 24)
    return Evaluated(
      run: run, log: logs[0], points: points, projected: projected, baselines: SamplingBaseline.all(logs[0]),
      times: unique.enumerated().filter { $0.offset % stride == 0 }.map { _, length in
        (
          length, all[0][length, default: .nan],
          Self.time(run.network, length: length, batch: batch, type: .fp32, on: reference.model)
        )
      }, variants: [])
  }

  /// The same with the errors at the ends of the plausible noise, and with batches padded to longer multiples.
  func evaluate(_ run: Run) -> Evaluated {
    let times = times(of: run)
    var result = evaluate(run, times: times)
    func add(_ name: String, _ other: Evaluated) {
      result.variants.append((name, other.error, other.speedUpError, other.points.profilingSaving))
    }
    let ends = [noise.interval?.lowerBound.value, noise.interval?.upperBound.value].compactMap { $0 }
    for end in ends where end != noise.value {
      add("with \(formatted(100 * end, digits: 2)) % of noise", evaluate(run, times: times, noise: end))
    }
    for padding in run.paddedTo {
      let padded = Run(
        network: run.network, title: run.title,
        lengths: run.lengths.map { ($0 + padding - 1) / padding * padding })
      add("padded to \(padding) frames", evaluate(padded, times: self.times(of: padded, known: times)))
    }
    return result
  }

  /// A measured log with its points.
  struct Measured: Sendable {
    let name: String
    let log: TrainingLog
    let points: SeqPoints
    let byLength: SeqPoints
    let baselines: [SamplingBaseline]

    /// - Parameters:
    ///   - log: the run.
    ///   - repeats: iterations timed for a point.
    ///   - warmUp: iterations at the start whose time is not used.
    ///   - tolerance: of points chosen by time.
    ///   - bins: of points chosen by length: as many as said before, because no total is known to stop at.
    init(_ log: Log, repeats: Int, warmUp: Int, tolerance: Double, bins: Int) {
      name = log.name
      self.log = log.log
      points = SeqPoints(log.log, choice: .time, tolerance: tolerance, repeats: repeats, warmUp: warmUp)
      byLength = SeqPoints(
        log.log, choice: .length, tolerance: .greatestFiniteMagnitude, repeats: repeats, warmUp: warmUp,
        fewest: bins)
      baselines = SamplingBaseline.all(log.log)
    }

    /// Iterations that are timed, in per cent of all.
    var timed: Double { 100 * Double(points.timedIterations) / Double(points.iterations) }

    /// Part of the variance of iteration times that their length explains, in per cent, the first iterations left out.
    var explained: Double {
      let settled = Array(log.iterations.dropFirst(20))
      guard settled.count > 1 else { return .nan }
      let mean = settled.reduce(0) { $0 + $1.seconds } / Double(settled.count)
      let whole = settled.reduce(0) { $0 + ($1.seconds - mean) * ($1.seconds - mean) }
      let groups = Dictionary(grouping: settled, by: \.sequenceLength).values
      let between = groups.reduce(0.0) { sum, group in
        let own = group.reduce(0) { $0 + $1.seconds } / Double(group.count)
        return sum + Double(group.count) * (own - mean) * (own - mean)
      }
      return 100 * between / whole
    }
  }
}

extension SeqPoints {
  /// The time of a run that the same iterations project when they are timed elsewhere, in seconds.
  func timed(in other: TrainingLog) -> Double {
    var seconds: [Int: Double] = [:]
    for iteration in other.iterations { seconds[iteration.number] = iteration.seconds }
    return points.reduce(0) { sum, point in
      let times = point.timed.compactMap { seconds[$0] }
      return sum + Double(point.weight) * times.reduce(0, +) / Double(max(1, times.count))
    }
  }
}

/// Geometric mean of some numbers, those below 0.001 counted as 0.001.
func geometricMean(_ numbers: [Double]) -> Double {
  guard !numbers.isEmpty else { return .nan }
  return (numbers.reduce(0) { $0 + max(0.001, $1).logarithm() } / Double(numbers.count)).exponential()
}

/// Iterations that stand for all iterations of a training run: SeqPoint (arXiv 2007.10459).
///
/// Iterations of a sequence network differ by the length of their sequences and by little else. The range of lengths
/// is cut into contiguous bins, one length of each bin stands for it, and the time of the run is projected as
///
///     T = Σ weight · time,   Σ weight = iterations
///
/// More bins are taken until the projection is as good as asked. (The steps are those recalled of the paper, see
/// `seqpoint` in the study; its abstract confirms lengths as the key.)
public struct SeqPoints: Sendable {
  /// What a bin's representative is chosen by.
  public enum Choice: String, Sendable, CaseIterable {
    /// The length whose time is closest to the mean time of the bin's iterations, and of that length the iterations
    /// that are closest to it: needs the times of a log, and gives the iterations to run or to simulate elsewhere.
    case time
    /// The length closest to the mean length of the bin's iterations, and of that length iterations spread over the
    /// run: needs no time before the points are timed, so its error is that of a run that was never timed in full.
    case length
  }

  /// A length that stands for a bin.
  public struct Point: Equatable, Sendable {
    /// The length to be run.
    public let sequenceLength: Int
    /// The shortest and longest length that it stands for.
    public let lengths: ClosedRange<Int>
    /// How many iterations it stands for.
    public let weight: Int
    /// The numbers of the iterations whose median time is used.
    public let timed: [Int]
    /// That time, in seconds.
    public let seconds: Double
  }

  /// The points, from the shortest length; their weights add up to the iterations of the log.
  public let points: [Point]
  /// The time of the run that the points project, in seconds.
  public let projectedSeconds: Double
  /// The time of the run by the log, in seconds.
  public let totalSeconds: Double
  /// How many iterations the log has.
  public let iterations: Int
  /// What the points were chosen by.
  public let choice: Choice

  /// Projected over true time of the run, minus one.
  public var relativeError: Double { projectedSeconds / totalSeconds - 1 }
  /// Iterations that have to be timed to project the run.
  public var timedIterations: Int { points.reduce(0) { $0 + $1.timed.count } }
  /// Time of the run over the time of the iterations that have to be timed.
  public let profilingSaving: Double

  /// Chooses the points of a log.
  ///
  /// - Parameters:
  ///   - log: the run.
  ///   - choice: how a bin's length is chosen.
  ///   - tolerance: the error of the projected time at which no more bins are tried, such as 0.01.
  ///   - repeats: how many iterations of a point's length are timed, where so many are. Their mean is its time.
  ///   - warmUp: iterations at the start of the log whose time is not used.
  ///   - fewest: bins to begin with; a log of at most ten different lengths takes each of them.
  ///   - most: bins at most; the number of different lengths if nil.
  public init(
    _ log: TrainingLog, choice: Choice, tolerance: Double, repeats: Int = 1, warmUp: Int = 0, fewest: Int = 5,
    most: Int? = nil
  ) {
    precondition(tolerance > 0 && repeats > 0 && warmUp >= 0 && fewest > 0)
    let lengths = LengthTimes(log, warmUp: warmUp, repeats: repeats)
    let limit = min(most ?? lengths.all.count, lengths.all.count)
    var bins = lengths.all.count <= 10 ? limit : min(fewest, limit)
    var best = SeqPoints(log, lengths, bins: bins, choice: choice)
    while abs(best.relativeError) > tolerance && bins < limit {
      bins += 1
      let candidate = SeqPoints(log, lengths, bins: bins, choice: choice)
      if abs(candidate.relativeError) < abs(best.relativeError) { best = candidate }
    }
    self = best
  }

  /// The points of equally wide bins.
  init(_ log: TrainingLog, _ lengths: LengthTimes, bins: Int, choice: Choice) {
    var points: [Point] = []
    for members in lengths.bins(bins) {
      let weight = members.reduce(0) { $0 + $1.count }
      func mean(_ value: (LengthTimes.Entry) -> Double) -> Double {
        members.reduce(0) { $0 + Double($1.count) * value($1) } / Double(weight)
      }
      let measure: (LengthTimes.Entry) -> Double =
        choice == .time ? { $0.median } : { Double($0.length) }
      let middle = choice == .time ? mean(\.mean) : mean { Double($0.length) }
      guard
        let chosen = members.min(by: { abs(measure($0) - middle) < abs(measure($1) - middle) }),
        let shortest = members.first?.length, let longest = members.last?.length
      else { continue }
      let timed = choice == .time ? chosen.closest(to: middle) : chosen.spread
      points.append(
        Point(
          sequenceLength: chosen.length, lengths: shortest...longest,
          weight: weight, timed: timed.map(\.number), seconds: Sampling.mean(of: timed)))
    }
    self.init(points: points, log: log, choice: choice)
  }

  /// The same points with the times of another run: another machine, another setting.
  ///
  /// - Parameters:
  ///   - other: the other run.
  ///   - repeats: how many of its iterations of each length are timed.
  ///   - warmUp: iterations at its start whose time is not used.
  /// - Returns: nil when a point's length does not occur in it.
  public func retimed(by other: TrainingLog, repeats: Int, warmUp: Int) -> SeqPoints? {
    let times = LengthTimes(other, warmUp: warmUp, repeats: repeats)
    var points: [Point] = []
    for point in self.points {
      guard let entry = times.all.first(where: { $0.length == point.sequenceLength }) else { return nil }
      points.append(
        Point(
          sequenceLength: point.sequenceLength, lengths: point.lengths, weight: 0,
          timed: entry.spread.map(\.number), seconds: Sampling.mean(of: entry.spread)))
    }
    return SeqPoints(points: points, log: other, choice: choice)
  }

  /// Points with the weights that a run's lengths give them: each of its iterations goes to the nearest bin.
  init(points: [Point], log: TrainingLog, choice: Choice) {
    var weights = [Int](repeating: 0, count: points.count)
    for iteration in log.iterations {
      let length = iteration.sequenceLength
      func distance(_ index: Int) -> Int {
        max(0, points[index].lengths.lowerBound - length, length - points[index].lengths.upperBound)
      }
      if let nearest = points.indices.min(by: { distance($0) < distance($1) }) { weights[nearest] += 1 }
    }
    self.points = zip(points, weights).map { point, weight in
      Point(
        sequenceLength: point.sequenceLength, lengths: point.lengths, weight: weight, timed: point.timed,
        seconds: point.seconds)
    }
    self.choice = choice
    let used = Set(points.flatMap(\.timed))
    let spent = log.iterations.reduce(0) { used.contains($1.number) ? $0 + $1.seconds : $0 }
    projectedSeconds = self.points.reduce(0) { $0 + Double($1.weight) * $1.seconds }
    totalSeconds = log.totalSeconds
    iterations = log.iterations.count
    profilingSaving = totalSeconds / spent
  }

  /// The time of a run of which only the lengths are known, in seconds: the next epoch, the other half of a log.
  public func projection(of lengths: TrainingLog) -> (projectedSeconds: Double, totalSeconds: Double) {
    let other = SeqPoints(points: points, log: lengths, choice: choice)
    return (other.projectedSeconds, other.totalSeconds)
  }
}

/// The iterations of each length of a log that may be timed.
struct LengthTimes {
  struct Entry {
    let length: Int
    /// How often the length occurs, warm-up included.
    let count: Int
    /// Its iterations after the warm-up, or all if there are no others.
    let settled: [TrainingLog.Iteration]
    /// How many of them are timed.
    let repeats: Int
    /// Mean time of all its iterations, warm-up included: what adds up to the run.
    let mean: Double
    /// Median time of its settled iterations.
    let median: Double

    init(_ length: Int, _ all: [TrainingLog.Iteration], warm: Set<Int>, repeats: Int) {
      self.length = length
      count = all.count
      let later = all.filter { !warm.contains($0.number) }
      settled = later.isEmpty ? all : later
      self.repeats = min(repeats, settled.count)
      mean = Sampling.mean(of: all)
      let sorted = settled.map(\.seconds).sorted()
      median = (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
    }

    /// Iterations at equal distances over the run: a machine's speed drifts.
    var spread: [TrainingLog.Iteration] {
      (0..<repeats).map { settled[(2 * $0 + 1) * settled.count / (2 * repeats)] }
    }

    /// The iterations whose time is closest to a time.
    func closest(to seconds: Double) -> [TrainingLog.Iteration] {
      Array(settled.sorted { abs($0.seconds - seconds) < abs($1.seconds - seconds) }.prefix(repeats))
    }
  }

  /// From the shortest length.
  let all: [Entry]

  init(_ log: TrainingLog, warmUp: Int, repeats: Int) {
    let warm = Set(log.iterations.prefix(warmUp).map(\.number))
    all = log.lengths.map { Entry($0.length, $0.iterations, warm: warm, repeats: repeats) }
  }

  /// Contiguous bins of equal width over the range of lengths; empty ones are left out.
  func bins(_ count: Int) -> [[Entry]] {
    guard count < all.count, let first = all.first, let last = all.last else { return all.map { [$0] } }
    let width = Double(last.length - first.length + 1) / Double(count)
    let grouped = Dictionary(grouping: all) { Int(Double($0.length - first.length) / width) }
    return grouped.sorted { $0.key < $1.key }.map(\.value)
  }
}

/// Mean time of some iterations, in seconds.
func mean(of iterations: [TrainingLog.Iteration]) -> Double {
  iterations.reduce(0) { $0 + $1.seconds } / Double(iterations.count)
}

/// What one would do without SeqPoint: one iteration, or the first few, times the number of iterations.
public struct SamplingBaseline: Sendable {
  /// What it takes.
  public let name: String
  /// The time of the run that it projects, in seconds.
  public let projectedSeconds: Double
  /// Iterations that it times.
  public let timedIterations: Int

  /// The baselines that the paper compares with (recalled of arXiv 2007.10459): the most frequent length, the median
  /// length, the worst choice of one length, and the mean of the first iterations.
  ///
  /// - Parameters:
  ///   - log: the run.
  ///   - first: how many iterations the last of them takes.
  /// - Returns: the four of them; none for a run without iterations.
  public static func all(_ log: TrainingLog, first: Int = 50) -> [SamplingBaseline] {
    let count = Double(log.iterations.count)
    let times = LengthTimes(log, warmUp: 0, repeats: 1).all
    let total = log.totalSeconds
    let ordered = log.iterations.map(\.sequenceLength).sorted()
    guard let frequent = times.max(by: { ($0.count, -$0.length) < ($1.count, -$1.length) }),
      let middle = times.first(where: { $0.length == ordered[ordered.count / 2] }),
      let worst = times.max(by: { abs($0.median * count - total) < abs($1.median * count - total) })
    else { return [] }
    let head = log.iterations.prefix(first)
    let mean = head.reduce(0) { $0 + $1.seconds } / Double(head.count)
    return [
      SamplingBaseline(
        name: "most frequent length", projectedSeconds: frequent.median * count, timedIterations: 1),
      SamplingBaseline(name: "median length", projectedSeconds: middle.median * count, timedIterations: 1),
      SamplingBaseline(name: "worst length", projectedSeconds: worst.median * count, timedIterations: 1),
      SamplingBaseline(
        name: "first \(head.count) iterations", projectedSeconds: mean * count, timedIterations: head.count),
    ]
  }
}

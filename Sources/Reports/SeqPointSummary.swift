import Quantities
public import Sampling

/// What a person or a program reads about the points of a training run.
public struct SeqPointSummary {
  let points: SeqPoints
  let baselines: [SamplingBaseline]
  let others: [(name: String, points: SeqPoints)]
  let unseenHalf: (projectedSeconds: Double, totalSeconds: Double)?

  /// A summary.
  ///
  /// - Parameters:
  ///   - points: of the log.
  ///   - baselines: of the log.
  ///   - others: the same points on other logs.
  ///   - unseenHalf: the second half of the log, projected by points of the first; nil when there are no halves.
  public init(
    points: SeqPoints, baselines: [SamplingBaseline], others: [(name: String, points: SeqPoints)],
    unseenHalf: (projectedSeconds: Double, totalSeconds: Double)?
  ) {
    self.points = points
    self.baselines = baselines
    self.others = others
    self.unseenHalf = unseenHalf
  }

  /// Lines for a terminal.
  public var text: String {
    var result = "\(points.points.count) points stand for \(points.iterations) iterations\n"
    result += "projected: \(time(points.projectedSeconds)), by the log: \(time(points.totalSeconds)),"
    result += " error \(percent(points.relativeError))\n"
    let share = Double(points.timedIterations) / Double(points.iterations)
    result += "timed: \(points.timedIterations) iterations, \(fixed(100 * share, decimals: 1)) % of them,"
    result += " 1/\(fixed(points.profilingSaving, decimals: 0)) of the time\n"
    if let unseenHalf {
      let error = unseenHalf.projectedSeconds / unseenHalf.totalSeconds - 1
      result += "points of the first half, on the second: error \(percent(error))\n"
    }
    var table = TextTable([
      ("sequence length", .right), ("stands for", .right), ("weight", .right), ("time", .right),
      ("share", .right), ("iterations to time", .left),
    ])
    for point in points.points {
      let all = Double(point.weight) * point.seconds / points.projectedSeconds
      table.add([
        "\(point.sequenceLength)", "\(point.lengths.lowerBound) to \(point.lengths.upperBound)",
        "\(point.weight)", time(point.seconds), fixed(100 * all, decimals: 0) + " %",
        point.timed.map(String.init).joined(separator: " "),
      ])
    }
    result += "\n" + table.text
    var comparison = TextTable([("without points", .left), ("timed", .right), ("error", .right)])
    for baseline in baselines {
      comparison.add([
        baseline.name, "\(baseline.timedIterations)",
        percent(baseline.projectedSeconds / points.totalSeconds - 1),
      ])
    }
    result += "\n" + comparison.text
    guard !others.isEmpty else { return result }
    var elsewhere = TextTable([
      ("other run", .left), ("projected", .right), ("by the log", .right), ("error", .right),
      ("speed-up", .right), ("error of the speed-up", .right),
    ])
    for other in others {
      let speedUp = points.projectedSeconds / other.points.projectedSeconds
      elsewhere.add([
        other.name, time(other.points.projectedSeconds), time(other.points.totalSeconds),
        percent(other.points.relativeError), fixed(speedUp, decimals: 2),
        percent(speedUp / (points.totalSeconds / other.points.totalSeconds) - 1),
      ])
    }
    return result + "\n" + elsewhere.text
  }

  /// An object with all digits.
  public var json: String {
    func object(_ points: SeqPoints) -> [(String, JSONText)] {
      [
        ("iterations", .number(Double(points.iterations))),
        ("timed_iterations", .number(Double(points.timedIterations))),
        ("projected_s", .number(points.projectedSeconds)), ("total_s", .number(points.totalSeconds)),
        ("error_percent", .number(100 * points.relativeError)),
        ("profiling_saving", .number(points.profilingSaving)),
      ]
    }
    var pairs = object(points)
    pairs.append(("chosen_by", .text(points.choice.rawValue)))
    pairs.append(
      (
        "second_half_error_percent",
        .number(unseenHalf.map { 100 * ($0.projectedSeconds / $0.totalSeconds - 1) })
      ))
    pairs.append(
      (
        "points",
        .array(
          points.points.map { point in
            .object([
              ("sequence_length", .number(Double(point.sequenceLength))),
              ("shortest", .number(Double(point.lengths.lowerBound))),
              ("longest", .number(Double(point.lengths.upperBound))),
              ("weight", .number(Double(point.weight))), ("time_s", .number(point.seconds)),
            ])
          })
      ))
    pairs.append(
      (
        "baselines",
        .array(
          baselines.map { baseline in
            .object([
              ("name", .text(baseline.name)), ("timed_iterations", .number(Double(baseline.timedIterations))),
              ("error_percent", .number(100 * (baseline.projectedSeconds / points.totalSeconds - 1))),
            ])
          })
      ))
    pairs.append(
      ("others", .array(others.map { .object([("log", .text($0.name))] + object($0.points)) })))
    return JSONText.object(pairs).text + "\n"
  }

  private func time(_ seconds: Double) -> String { Seconds(seconds).formatted() }

  private func percent(_ share: Double) -> String {
    (share < 0 ? "-" : "+") + fixed(abs(100 * share), decimals: 2) + " %"
  }
}

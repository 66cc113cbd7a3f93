import Quantities
import Documents
import Sampling
import TestSupport
import Testing

/// Iterations whose time is a function of their length, lengths uniform over a range.
private func log(
  _ count: Int, lengths: ClosedRange<Int>, seed: UInt64, noise: Double = 0, time: (Double) -> Double
) -> TrainingLog {
  var generator = SplitMix64(seed: seed)
  return TrainingLog(
    (0..<count).map { number in
      let length = Int.random(in: lengths, using: &generator)
      let factor = 1 + noise * Double.random(in: -1...1, using: &generator)
      return .init(number: number, sequenceLength: length, seconds: factor * time(Double(length)))
    })
}

@Suite("SeqPoint")
struct SeqPointTests {
  @Test("few lengths: each is a point, and without noise the projection is exact")
  func fewLengths() {
    let run = log(500, lengths: 10...18, seed: 1) { 1e-3 * $0 * $0 }
    let points = SeqPoints(run, choice: .time, tolerance: 1e-9)
    #expect(points.points.map(\.sequenceLength) == Array(10...18))
    #expect(abs(points.relativeError) < 1e-12)
  }

  @Test("weights add up to the iterations, bins cover every length once", arguments: 0..<50)
  func weights(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let low = Int.random(in: 1...100, using: &generator)
    let high = low + Int.random(in: 0...900, using: &generator)
    let run = log(Int.random(in: 1...2000, using: &generator), lengths: low...high, seed: seed, noise: 0.3) {
      1 + 0.01 * $0 * $0
    }
    for choice in SeqPoints.Choice.allCases {
      let points = SeqPoints(run, choice: choice, tolerance: 0.01, repeats: 2).points
      #expect(points.reduce(0) { $0 + $1.weight } == run.iterations.count)
      #expect(zip(points, points.dropFirst()).allSatisfy { $0.lengths.upperBound < $1.lengths.lowerBound })
      #expect(points.allSatisfy { $0.lengths.contains($0.sequenceLength) })
    }
  }

  @Test("a length and its time twice as often weighs twice")
  func repeatedRun() {
    let run = log(300, lengths: 5...300, seed: 3) { 0.2 + 0.01 * $0 }
    let twice = TrainingLog(
      (run.iterations + run.iterations).enumerated().map {
        .init(number: $0, sequenceLength: $1.sequenceLength, seconds: $1.seconds)
      })
    let once = SeqPoints(run, choice: .time, tolerance: 0.01)
    let both = SeqPoints(twice, choice: .time, tolerance: 0.01)
    #expect(both.points.map(\.weight) == once.points.map { 2 * $0.weight })
    #expect(abs(both.projectedSeconds / once.projectedSeconds - 2) < 1e-12)
  }

  @Test("more points until the error is as asked; recurrent and quadratic costs, 2 % noise")
  func tolerance() {
    for (seed, cost) in [(4, { 0.1 + 0.004 * $0 }), (5, { 0.1 + 1e-5 * $0 * $0 })]
      as [(UInt64, (Double) -> Double)]
    {
      let run = log(3000, lengths: 20...800, seed: seed, noise: 0.02, time: cost)
      let points = SeqPoints(run, choice: .time, tolerance: 0.003, repeats: 3)
      #expect(abs(points.relativeError) <= 0.003)
      #expect(points.timedIterations < 60)
      let worst = SamplingBaseline.all(run).map { abs($0.projectedSeconds / run.totalSeconds - 1) }.max()!
      #expect(worst > 0.5)
    }
  }

  @Test("points of one machine project another whose time depends on length in another way")
  func otherMachine() throws {
    let run = log(2000, lengths: 20...400, seed: 6) { 0.1 + 0.004 * $0 }
    let other = TrainingLog(
      run.iterations.map {
        .init(number: $0.number, sequenceLength: $0.sequenceLength, seconds: 0.3 + 0.5 * $0.seconds)
      })
    let points = SeqPoints(run, choice: .time, tolerance: 1e-4)
    let moved = try #require(points.retimed(by: other, repeats: 1, warmUp: 0))
    #expect(abs(moved.relativeError) < 1e-3)
    #expect(moved.points.map(\.weight) == points.points.map(\.weight))
  }

  @Test("lengths alone project a run that was never timed")
  func nextEpoch() {
    let first = log(1000, lengths: 20...400, seed: 7) { 0.1 + 0.004 * $0 }
    let second = log(1000, lengths: 20...400, seed: 8) { 0.1 + 0.004 * $0 }
    let points = SeqPoints(first, choice: .length, tolerance: 0.001)
    let next = points.projection(of: second)
    #expect(abs(next.projectedSeconds / next.totalSeconds - 1) < 0.005)
  }

  @Test(
    "measured runs of recurrent networks on an H200: within 1 %, from under 2 % of the iterations",
    arguments: ["translation-fp32", "translation-tf32", "translation-bf16", "speech-bf16"])
  func measuredRuns(name: String) throws {
    let path = Repository.root + "/notebooks-data/measurements/training-logs/\(name).csv"
    let run = try TrainingLog(try Table(path: path))
    #expect(run.iterations.count >= 1000 && run.lengths.count >= 30)
    let points = SeqPoints(run, choice: .time, tolerance: 0.005, repeats: 3, warmUp: 10)
    #expect(abs(points.relativeError) < 0.005)
    #expect(Double(points.timedIterations) < 0.02 * Double(run.iterations.count))
  }

  @Test("a steady measured run: its first half projects the second, which no point saw")
  func measuredHalves() throws {
    let run = try TrainingLog(
      try Table(path: Repository.root + "/notebooks-data/measurements/training-logs/translation-fp32.csv"))
    let halves = try #require(run.halves)
    for choice in SeqPoints.Choice.allCases {
      let points = SeqPoints(halves.first, choice: choice, tolerance: 0.005, repeats: 3, warmUp: 10)
      let next = points.projection(of: halves.second)
      #expect(abs(next.projectedSeconds / next.totalSeconds - 1) < 0.01)
    }
  }

  @Test("a table that is no log says what is wrong")
  func wrongLogs() {
    func complaint(_ text: String) -> String {
      do {
        _ = try TrainingLog(try Table(text: text, file: "log.csv"))
        return "none"
      } catch { return error.description }
    }
    #expect(
      complaint("iteration,length,time_s\n1,2,3\n")
        == "log.csv:1:1: error: the table lacks the column 'sequence_length'; it has iteration, length, time_s"
    )
    #expect(
      complaint("iteration,sequence_length,time\n1,2,3\n")
        == "log.csv:1:1: error: the table lacks the column 'time_s'; it has iteration, sequence_length, time")
    #expect(
      complaint("iteration,sequence_length,time_s\n1,2.5,3\n")
        == "log.csv:2:3: error: 'sequence_length' is 2.5; expected a whole number")
    #expect(
      complaint("iteration,sequence_length,time_s\n1,2,3\n1,4,3\n")
        == "log.csv:3:1: error: iteration 1 stands twice")
    #expect(
      complaint("iteration,sequence_length,time_ms\n1,2,0\n")
        == "log.csv:2:5: error: 'time_ms' is '0'; expected a number above zero")
    #expect(
      complaint("iteration,sequence_length,time_ms\n")
        == "log.csv: error: a log of no iterations has no points")
  }
}

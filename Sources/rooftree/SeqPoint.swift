import ArgumentParser
import Documents
import Quantities
import Reports
import Sampling

struct SeqPoint: ParsableCommand {
  enum Basis: String, CaseIterable, ExpressibleByArgument {
    case time, length
    var choice: SeqPoints.Choice { self == .time ? .time : .length }
  }

  static let configuration = CommandConfiguration(
    commandName: "seqpoint",
    abstract: "Choose the iterations that stand for a training run.",
    discussion: """
      Reads a log of a training run, a CSV file with the columns iteration, sequence_length and time_s (or time_ms, \
      time_us), and finds the few sequence lengths whose iterations, weighted, give the time of the run (SeqPoint, \
      arXiv 2007.10459). With --other, runs of the same lengths elsewhere are projected from the same points.

      Example: rooftree seqpoint run.csv --other run-on-the-new-machine.csv
      """)

  @Argument(help: ArgumentHelp("The log of a training run.", valueName: "log"))
  var log: String
  @Option(
    help: ArgumentHelp("The log of another run with the same lengths; may be repeated.", valueName: "log"))
  var other: [String] = []
  @Option(
    help: ArgumentHelp(
      "What a length is chosen by: the mean time of its bin, or its mean length, which needs no time before.",
      valueName: "time|length"))
  var by: Basis = .time
  @Option(help: ArgumentHelp("The error, in per cent, at which no more points are added.", valueName: "%"))
  var tolerance: Double = 0.5
  @Option(help: ArgumentHelp("Iterations to time for each point; their median counts.", valueName: "count"))
  var repeats: Int = 3
  @Option(help: ArgumentHelp("Iterations at the start whose time is not used.", valueName: "count"))
  var warmUp: Int = 10
  @Flag(help: "Print an object, all digits, times in seconds.")
  var json = false

  func validate() throws {
    guard tolerance > 0, tolerance.isFinite else { throw ValidationError("--tolerance must be above zero") }
    guard repeats > 0 else { throw ValidationError("--repeats must be at least 1") }
    guard warmUp >= 0 else { throw ValidationError("--warm-up must not be negative") }
  }

  func run() throws {
    let log = try TrainingLog(try Table(path: log))
    let others = try other.map { path in (path: path, log: try TrainingLog(try Table(path: path))) }
    func points(_ log: TrainingLog) -> SeqPoints {
      SeqPoints(log, choice: by.choice, tolerance: tolerance / 100, repeats: repeats, warmUp: warmUp)
    }
    let chosen = points(log)
    let projections = try others.map { other in
      guard let points = chosen.retimed(by: other.log, repeats: repeats, warmUp: warmUp) else {
        throw Diagnostic(
          file: other.path, position: nil,
          fault: .contradiction("a length of the points does not occur in this log"))
      }
      return (name: other.path, points: points)
    }
    let halves = log.halves
    let unseen = halves.map { points($0.first).projection(of: $0.second) }
    let summary = SeqPointSummary(
      points: chosen, baselines: SamplingBaseline.all(log), others: projections, unseenHalf: unseen)
    try emit(json ? summary.json : summary.text)
  }
}

import ArgumentParser
import Documents
import Reports
import Scenarios
import Sweeps

struct Sensitivity: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Which number of the hardware buys most: elasticities of a training step.",
    discussion: """
      Derivatives of the same closed forms, exact: by how many per cent the step grows when a number of the hardware \
      grows by one. Beside them what 10 % of each saves, and the time at both ends of its plausible range. --draws adds \
      the interval that the calibration's covariance leaves.

      Example: rooftree sensitivity getting-started --draws 200
      """)

  @Argument(help: ArgumentHelp("The scenario.", valueName: "scenario"))
  var scenario: String
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the scenario; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Option(help: ArgumentHelp("Draws of the calibration's constants.", valueName: "count"))
  var draws = 0
  @Option(help: ArgumentHelp("Seed of the draws.", valueName: "number"))
  var seed: UInt64 = 1
  @Flag(help: "Print JSON: all digits, base units.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    if !(0...1_000_000).contains(draws) {
      throw ValidationError("--draws is \(draws); expected 0 to 1000000")
    }
  }

  func run() throws {
    let library = try options.library()
    let scenario = try Scenario(named: scenario, in: library, changes: changes)
    let result = try Sweeps.Sensitivity(scenario, draws: draws, seed: seed, in: library)
    try emit(json ? result.json(scenario.title, changes: changes) : result.text(scenario.title))
  }
}

struct Indices: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "indices",
    abstract: "Which axis of a space makes the variance of an output: Sobol indices.",
    discussion: """
      Two samples of the space, and for each axis the first with that axis taken from the second: a row. Rows in which a \
      place has no answer are left out; where more than half of them are, axes do not vary independently and the indices \
      mean nothing, so none are given. Standard errors are those of rows drawn again (bootstrap).

      Example: rooftree indices roofline-space --of time --samples 4096
      """)

  @OptionGroup var sweep: SweepOptions
  @Option(
    name: .customLong("of"),
    help: ArgumentHelp("The output (default: the first one shown).", valueName: "name"))
  var name: String?
  @Option(help: ArgumentHelp("Points of each of the two samples.", valueName: "count"))
  var samples = 2048

  func validate() throws {
    if !(SobolIndices.leastPoints...10_000_000).contains(samples) {
      throw ValidationError(
        "--samples is \(samples); expected \(SobolIndices.leastPoints) to 10000000")
    }
  }

  func run() throws {
    let prepared = try sweep.prepared()
    let known = prepared.sweep.outputs.map(\.name)
    let name = name ?? known[0]
    guard known.contains(name) else {
      throw Diagnostic(
        file: "--of", position: nil, fault: .unknownName(kind: "output", found: name, known: known))
    }
    guard let indices = SobolIndices(prepared, output: name, samples: samples) else {
      throw Diagnostic(
        file: prepared.sweep.files[0], position: nil,
        fault: .contradiction("the space has more than 12 dimensions, more than the sequence has"))
    }
    guard indices.isSound else {
      throw Diagnostic(
        file: prepared.sweep.files[0], position: nil,
        fault: .contradiction(
          "\(indices.points) of \(samples) sampled rows have an answer in every place; indices need half of them "
            + "and \(SobolIndices.leastPoints): narrow the axes or drop constraints, so that axes vary independently"
        ))
    }
    try emit(sweep.json ? indices.json(prepared.sweep) : indices.text(prepared.sweep))
  }
}

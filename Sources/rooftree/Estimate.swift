import ArgumentParser
import Documents
import Reports
import Scenarios

struct Estimate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cost one scenario: the time with its interval, and the breakdown as a tree.",
    discussion: """
      A scenario is a name of models/scenarios or a YAML file: a workload, hardware, a calibration and how the step \
      runs. --set changes a key for this run only.

      Example: rooftree estimate getting-started --set hardware=nvidia-b200 --set run.micro_batch=4
      """)

  @Argument(help: ArgumentHelp("The scenario.", valueName: "scenario"))
  var scenario: String
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the scenario; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Option(help: ArgumentHelp("How many levels of the tree to print.", valueName: "levels"))
  var depth = 4
  @Flag(help: "Print JSON: all digits, times in seconds.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    if !(1...16).contains(depth) { throw ValidationError("--depth is \(depth); expected 1 to 16") }
  }

  func run() throws {
    let library = try options.library()
    if let training = try TrainingScenario(named: scenario, in: library, changes: changes) {
      let projection = training.project()
      try emit(json ? projection.json.text + "\n" : projection.text())
      return
    }
    let scenario = try Scenario(named: scenario, in: library, changes: changes)
    let projection = scenario.project()
    try emit(json ? projection.json.text + "\n" : projection.text(depth: depth))
  }
}

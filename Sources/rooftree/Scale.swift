import ArgumentParser
import CostModels
import Documents
import Foundation
import Reports
import Scenarios

struct Scale: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "A training step over more and more devices: efficiency, and the knee.",
    discussion: """
      Doubles a degree of the scenario until no more devices are wanted or the plan cannot be. Strong scaling keeps the \
      global batch; by replicas, weak scaling is shown too, which keeps the batch of a replica. The knee is the number of \
      devices from which a doubling brings less than half of what it should.

      Example: rooftree scale getting-started --by data --up-to 8192
      """)

  @Argument(help: ArgumentHelp("The scenario.", valueName: "scenario"))
  var scenario: String
  @Option(help: ArgumentHelp("What shares the work: data, tensor, pipeline or context.", valueName: "degree"))
  var by = "data"
  @Option(help: ArgumentHelp("The most devices.", valueName: "count"))
  var upTo = 16_384
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the scenario; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Option(help: ArgumentHelp("Write a page to this folder.", valueName: "folder"))
  var report: String?
  @Flag(help: "Print an object with all digits.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    if ScalingStudy.Axis(rawValue: by) == nil {
      throw ValidationError(
        "--by is '\(printable(by))'; expected "
          + ScalingStudy.Axis.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if !(1...10_000_000).contains(upTo) {
      throw ValidationError("--up-to is \(upTo); expected 1 to 10000000 devices")
    }
  }

  func run() throws {
    let library = try options.library()
    let devices = try Scenario(named: scenario, in: library, changes: changes).plan.devices
    guard devices <= upTo else {
      throw ValidationError("--up-to is \(upTo); expected at least the \(devices) devices of the scenario")
    }
    let study = try ScalingStudy(
      named: scenario, in: library, changes: changes,
      axis: ScalingStudy.Axis(rawValue: by) ?? .data, upTo: upTo)
    let sets = changes.map { " --set '\($0)'" }.joined()
    let page = ScalingPage(
      study, command: "rooftree scale \(scenario) --by \(by) --up-to \(upTo)\(sets) --report FOLDER")
    try emit(json ? page.json.text + "\n" : page.text)
    guard let report else { return }
    try writePage(page.files, html: try page.html(), to: report)
    if !json { try emit("\nwritten to \(report)/index.html\n") }
  }
}

/// Writes a page with the files beside it.
func writePage(_ files: [(name: String, text: String)], html: String, to folder: String) throws {
  for file in files { try writeFile(file.text, to: "\(folder)/\(file.name)") }
  try writeFile(html, to: folder + "/index.html")
}

import ArgumentParser
import CostModels
import Documents
import Foundation
import Hardware
import Reports
import Scenarios

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a page about a scenario: the projection beside measurements of the same device.",
    discussion: """
      The page is one HTML file that needs no network; its figures (SVG) and their tables (CSV) stand beside it. Measurements are those of notebooks-data/measurements that \
      were read on the scenario's device, or the tables that --table names.

      Example: rooftree report getting-started --output reports/getting-started
      """)

  @Argument(help: ArgumentHelp("The scenario.", valueName: "scenario"))
  var scenario: String
  @Option(
    help: ArgumentHelp(
      "The folder to write to (default: reports/ and the name of the scenario).", valueName: "folder"))
  var output: String?
  @Option(
    name: .customLong("table"),
    help: ArgumentHelp("A table of measurements; may be repeated.", valueName: "file"))
  var tables: [String] = []
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the scenario; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @OptionGroup var options: LibraryOptions

  func run() throws {
    let library = try options.library()
    let scenario = try Scenario(named: scenario, in: library, changes: changes)
    let paths = tables.isEmpty ? Self.measurements(beside: library) : tables
    var comparisons: [TableComparison] = []
    for path in paths {
      guard !tables.isEmpty || TableComparison.device(forTable: path) == scenario.device.name else {
        continue
      }
      comparisons.append(
        try TableComparison(
          path: path, hardware: scenario.device.name, calibration: scenario.calibration?.name ?? "none",
          library: library))
    }
    // A layer table of the same device on a narrower network shows how the models carry over.
    if tables.isEmpty {
      for path in paths where path.contains("tp_layers") {
        let device = TableComparison.device(forTable: path)
        guard device != scenario.device.name, device.hasPrefix(scenario.device.name) else { continue }
        comparisons.append(
          try TableComparison(path: path, hardware: device, calibration: nil, library: library))
      }
    }
    let page = ScenarioPage(scenario.project(), tables: comparisons)
    let folder = output ?? "reports/\(scenario.name)"
    let html = try page.html()
    for file in page.files { try writeFile(file.text, to: "\(folder)/\(file.name)") }
    try writeFile(html, to: folder + "/index.html")
    try emit("\(printable(page.summary, limit: 2000))\n\nwritten to \(folder)/index.html\n")
  }

  /// The tables of the project, sorted.
  static func measurements(beside library: Library) -> [String] {
    let root =
      library.root.hasSuffix("/models")
      ? String(library.root.dropLast("models".count)) : library.root == "models" ? "" : library.root + "/../"
    let folder = root + "notebooks-data/measurements"
    guard let files = FileManager.default.enumerator(atPath: folder) else { return [] }
    return files.compactMap { $0 as? String }.filter { $0.hasSuffix(".csv") }.sorted()
      .map { folder + "/" + $0 }
  }
}

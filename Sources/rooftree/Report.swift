import ArgumentParser
import CostModels
import Documents
import Foundation
import Hardware
import Reports
import Scenarios
import Studies

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a page about a scenario or a study, or about the claims of all studies.",
    discussion: """
      The page is one HTML file that needs no network; its figures (SVG) and their tables (CSV) stand beside it. Of a \
      scenario: the projection beside the measurements of notebooks-data/measurements that were read on its device, or \
      the tables that --table names. Of a study: its figures, and each claim of its paper beside our number. claims: \
      the claims of all studies as one table.

      Example: rooftree report getting-started --output reports/getting-started
      Example: rooftree report comp-vs-comm
      """)

  @Argument(help: ArgumentHelp("A scenario, a study, or claims.", valueName: "subject"))
  var subject: String
  @Option(
    help: ArgumentHelp(
      "The folder to write to (default: reports/ and the name of the subject).", valueName: "folder"))
  var output: String?
  @Option(
    name: .customLong("table"),
    help: ArgumentHelp("A table of measurements; may be repeated.", valueName: "file"))
  var tables: [String] = []
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the scenario; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Flag(help: "Print a study or the claims as JSON (all digits) and write no page.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func run() throws {
    let library = try options.library()
    if subject == "claims" || Self.isStudy(subject, in: library) {
      let scenarioOptions = [tables.isEmpty ? nil : "--table", changes.isEmpty ? nil : "--set"]
      if let option = scenarioOptions.compactMap({ $0 }).first {
        throw ValidationError("\(option) is for scenarios; '\(printable(subject))' is none")
      }
      try subject == "claims" ? reportClaims(library) : reportStudy(library)
    } else {
      if json { throw ValidationError("--json is for studies; rooftree estimate prints a scenario as JSON") }
      try reportScenario(library)
    }
  }

  /// Whether a word names a study, or a file that is one.
  static func isStudy(_ subject: String, in library: Library) -> Bool {
    guard Library.isPath(subject) else { return library.names(.studies).contains(subject) }
    let node = try? readDocument(path: subject)
    return node?.value("claims") != nil || node?.value("question") != nil
  }

  private func reportStudy(_ library: Library) throws {
    let result = try StudyResult(named: subject, in: library)
    let page = StudyPage(result)
    if json {
      try emit(page.json.text + "\n")
      return
    }
    let folder = output ?? "reports/\(result.file.name)"
    let html = try page.html()
    for file in page.files { try writeFile(file.text, to: "\(folder)/\(file.name)") }
    try writeFile(html, to: folder + "/index.html")
    try emit(page.text + "\nwritten to \(folder)/index.html\n")
  }

  private func reportClaims(_ library: Library) throws {
    let registry = ClaimsRegistry(
      try library.names(.studies).map { try StudyResult(named: $0, in: library) })
    if json {
      try emit(registry.json.text + "\n")
      return
    }
    let folder = output ?? "reports/claims"
    let html = try registry.html()
    try writeFile(registry.table.csv, to: folder + "/claims.csv")
    try writeFile(registry.markdown, to: folder + "/claims.md")
    try writeFile(html, to: folder + "/index.html")
    try emit(registry.text + "\nwritten to \(folder)/index.html\n")
  }

  private func reportScenario(_ library: Library) throws {
    if try TrainingScenario(named: subject, in: library, changes: changes) != nil {
      throw ValidationError(
        "'\(printable(subject))' trains a linear model: rooftree estimate shows it, rooftree report pim-opt its study"
      )
    }
    let scenario = try Scenario(named: subject, in: library, changes: changes)
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

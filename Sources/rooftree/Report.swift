import ArgumentParser
import Calibration
import CostModels
import Documents
import Foundation
import Hardware
import Reports
import Scenarios
import Studies
import Sweeps

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a page about a scenario, a study, a sweep or a calibration, or about all of them.",
    discussion: """
      The page is one HTML file that needs no network; its figures (SVG), their tables (CSV) and the same page as \
      Markdown stand beside it. Of a scenario: the projection beside the measurements of notebooks-data/measurements that \
      were read on its device, or the tables that --table names. Of a study: its figures, and each claim of its paper \
      beside our number; three-networks takes further --table of layers on its networks. Of a sweep: the best, the Pareto front, what each choice does, what has no answer and why; it is \
      computed first, and results stand beside the page. Of a calibration: its constants, its curves, and how its models \
      do on these tables. claims: the claims of all studies as one table. all: a page of everything in the library, with an \
      index over them.

      Example: rooftree report getting-started --output reports/getting-started
      Example: rooftree report comp-vs-comm
      Example: rooftree report gpt3-parallelism
      Example: rooftree report all --output reports
      """)

  @Argument(
    help: ArgumentHelp("A scenario, a study, a sweep, a calibration, claims, or all.", valueName: "subject"))
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
    help: ArgumentHelp("Change a key of the scenario or the sweep; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Option(
    name: .customLong("beside"),
    help: ArgumentHelp("Another device whose roofs stand beside; may be repeated.", valueName: "hardware"))
  var others: [String] = []
  @Flag(help: "Write every figure as PNG and PDF too, through rsvg-convert.")
  var images = false
  @Flag(help: "Print a study or the claims as JSON (all digits) and write no page.")
  var json = false
  @OptionGroup var options: LibraryOptions

  /// What a subject names.
  enum Kind { case claims, all, study, sweep, scenario, calibration }

  func run() throws {
    let library = try options.library()
    let kind = try Self.kind(of: subject, in: library)
    if kind != .scenario {
      let given = [
        tables.isEmpty || kind == .calibration || kind == .study ? nil : "--table",
        changes.isEmpty || kind == .sweep ? nil : "--set",
        others.isEmpty ? nil : "--beside",
      ]
      if let option = given.compactMap({ $0 }).first {
        throw ValidationError("\(option) is for scenarios; '\(printable(subject))' is none")
      }
    }
    if json, kind != .study, kind != .claims {
      throw ValidationError("--json is for studies; rooftree estimate prints a scenario as JSON")
    }
    if images, Self.imageConverter == nil {
      throw ValidationError("--images needs rsvg-convert (Debian: librsvg2-bin), which is not installed")
    }
    switch kind {
    case .claims:
      let registry = try claims(library)
      if json { return try emit(registry.json.text + "\n") }
      let folder = output ?? "reports/claims"
      try write(registry.files, html: try registry.html(), to: folder)
      try emit(registry.text + "\nwritten to \(folder)/index.html\n")
    case .study:
      let page = try studyPage(subject, library)
      if json { return try emit(page.json.text + "\n") }
      let folder = output ?? "reports/\(page.name)"
      try write(page.files, html: try page.html(), to: folder)
      try emit(page.text + "\nwritten to \(folder)/index.html\n")
    case .calibration, .scenario, .sweep:
      let made =
        switch kind {
        case .scenario: try scenario(subject, library)
        case .sweep: try sweep(subject, library, root: nil)
        default: try calibration(subject, library)
        }
      let folder = output ?? "reports/\(made.name)"
      try write(made.files, html: made.html, to: folder)
      try emit("\(printable(made.summary, limit: 4000))\n\nwritten to \(folder)/index.html\n")
    case .all: try reportAll(library)
    }
  }

  /// What a subject names.
  ///
  /// - Throws: `Diagnostic` with the nearest names where it names nothing.
  static func kind(of subject: String, in library: Library) throws(Diagnostic) -> Kind {
    if subject == "claims" { return .claims }
    if subject == "all" { return .all }
    guard Library.isPath(subject) else {
      if library.names(.studies).contains(subject) { return .study }
      if library.names(.scenarios).contains(subject) { return .scenario }
      if library.names(.sweeps).contains(subject) { return .sweep }
      if library.names(.calibrations).contains(subject) { return .calibration }
      let kinds = [Library.Kind.scenarios, .studies, .sweeps, .calibrations]
      throw library.unknown(
        "scenario, study, sweep or calibration", subject,
        among: kinds.flatMap { library.names($0) } + ["all", "claims"])
    }
    let node = try? readDocument(path: subject)
    if node?.value("claims") != nil || node?.value("question") != nil { return .study }
    if node?.value("axes") != nil { return .sweep }
    return node?.value("forms") != nil || node?.value("collectives") != nil ? .calibration : .scenario
  }

  private func write(_ files: [(name: String, text: String)], html: String, to folder: String) throws {
    for file in files { try writeFile(file.text, to: "\(folder)/\(file.name)") }
    try writeFile(html, to: folder + "/index.html")
    guard images, let converter = Self.imageConverter else { return }
    for file in files where file.name.hasSuffix(".svg") {
      let base = folder + "/" + file.name.dropLast(4)
      for (format, scale) in [("png", "2"), ("pdf", "1")] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: converter)
        process.arguments = [
          "--format", format, "--zoom", scale, "--output", "\(base).\(format)", base + ".svg",
        ]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
          throw OutputFailure(path: "\(base).\(format)", reason: "rsvg-convert failed")
        }
      }
    }
  }

  /// Where rsvg-convert is; nil where it is not installed.
  private static var imageConverter: String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return path.split(separator: ":").map { $0 + "/rsvg-convert" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  private func claims(_ library: Library) throws -> ClaimsRegistry {
    ClaimsRegistry(try library.names(.studies).map { try StudyResult(named: $0, in: library) })
  }

  private func studyPage(_ name: String, _ library: Library) throws -> StudyPage {
    let (result, files) = try ReadingLog.recording {
      try StudyResult(named: name, in: library, tables: tables)
    }
    return StudyPage(result, files: files, in: library)
  }

  /// Computes a sweep, as far as it is not there already, and makes its page.
  private func sweep(_ name: String, _ library: Library, root: String?) throws -> Made {
    let (made, files) = try ReadingLog.recording { () -> (PreparedSweep, SweepResults) in
      let sweep = try Sweeps.Sweep(named: name, in: library, changes: changes)
      let prepared = try PreparedSweep(sweep, in: library, version: Rooftree.configuration.version)
      let folder = (root.map { "\($0)/\(sweep.name)" } ?? output ?? "reports/\(sweep.name)") + "/results"
      do {
        let environment = ProcessInfo.processInfo.environment
        let processors = ProcessInfo.processInfo.activeProcessorCount
        _ = try prepared.run(
          shard: .whole, in: folder,
          threads: defaultThreads(environment: environment, processors: processors))
        let results = try prepared.results(in: folder)
        _ = try prepared.write(results, to: folder, program: "rooftree " + Rooftree.configuration.version)
        return (prepared, results)
      } catch let failure as FileFailure { throw failure.forUser }
    }
    let page = SweepPage(made.0.sweep, made.1, files: files, in: library)
    return (made.0.sweep.name, made.0.sweep.title, page.summary, page.files, try page.html())
  }

  /// A page that is ready to be written.
  private typealias Made = (
    name: String, title: String, summary: String, files: [(name: String, text: String)], html: String
  )

  private func scenario(_ name: String, _ library: Library) throws -> Made {
    let sets = changes.map { " --set '\($0)'" }.joined()
    let command = "rooftree report \(name)\(sets)"
    if let training = try TrainingScenario(named: name, in: library, changes: changes) {
      let page = TrainingPage(training.project(), command: command)
      return (training.name, training.title, page.summary, page.files, try page.html())
    }
    let scenario = try Scenario(named: name, in: library, changes: changes)
    // Tables that no model is about are looked at and not used.
    let measured = tables.isEmpty ? Self.measurements(of: scenario.device, beside: library) : tables
    var (page, files) = try ReadingLog.recording {
      let devices = try others.map { try Device(named: $0, in: library) }
      return ScenarioPage(
        scenario.project(), tables: try comparisons(measured, for: scenario, library),
        whatIf: WhatIf(scenario, named: name, in: library, changes: changes),
        sensitivity: scenario.pass == .training && scenario.transformer != nil
          ? try Sweeps.Sensitivity(scenario, in: library) : nil,
        others: others.isEmpty ? Self.typicalOthers(scenario.device, library) : devices, command: command)
    }
    page.inputs = scenario.files + files.filter { !scenario.files.contains($0) }
    return (scenario.name, scenario.title, page.summary, page.files, try page.html())
  }

  /// Devices that roofs are compared with when none is asked for: the one before and the one after.
  private static func typicalOthers(_ device: Device, _ library: Library) -> [Device] {
    ["nvidia-a100-80g-sxm", "nvidia-b200", "amd-mi300x"].filter { $0 != device.name && device.kind == .gpu }
      .compactMap { try? Device(named: $0, in: library) }
  }

  private func comparisons(_ paths: [String], for scenario: Scenario, _ library: Library) throws
    -> [TableComparison]
  {
    try paths.map { path in
      let own = TableComparison.device(forTable: path, in: library) == scenario.device.name || !tables.isEmpty
      return try TableComparison(
        path: path,
        hardware: own ? scenario.device.name : TableComparison.device(forTable: path, in: library),
        calibration: own ? scenario.calibration?.name ?? "none" : nil, library: library)
    }
  }

  private func calibration(_ name: String, _ library: Library) throws -> Made {
    let calibration = try DeviceCalibration(named: name, in: library)
    let device = try Device(named: calibration.hardware, in: library)
    let paths =
      tables.isEmpty
      ? Self.measurements(beside: library).filter {
        TableComparison.device(forTable: $0, in: library) == device.name && TableComparison.isKnown(path: $0)
      } : tables
    let (comparisons, files) = try ReadingLog.recording {
      try paths.map {
        try TableComparison(path: $0, hardware: device.name, calibration: name, library: library)
      }
    }
    let own = [try library.path(.calibrations, name), try library.path(.hardware, calibration.hardware)]
    let page = DeviceCalibrationPage(
      device: device, calibration: calibration, tables: comparisons,
      files: own + files.filter { !own.contains($0) })
    return (calibration.name, "Calibration of \(device.title)", page.summary, page.files, try page.html())
  }

  private func reportAll(_ library: Library) throws {
    let root = output ?? "reports"
    var entries: [IndexPage.Entry] = []
    func add(_ group: String, _ made: Made) throws {
      // Pages of two kinds may have one name.
      var made = made
      if entries.contains(where: { $0.folder == made.name }) { made.name += "-\(group.lowercased())" }
      try write(made.files, html: made.html, to: "\(root)/\(made.name)")
      entries.append(
        .init(group: group, folder: made.name, title: made.title, summary: made.summary))
    }
    for name in library.names(.scenarios) { try add("Scenarios", try scenario(name, library)) }
    for name in library.names(.studies) {
      let page = try studyPage(name, library)
      try add("Studies", (page.name, page.title, page.summary, page.files, try page.html()))
    }
    let registry = try claims(library)
    try add("Studies", ("claims", "Claims registry", registry.summary, registry.files, try registry.html()))
    for name in library.names(.sweeps) { try add("Sweeps", try sweep(name, library, root: root)) }
    for name in library.names(.calibrations) { try add("Calibrations", try calibration(name, library)) }
    for path in Self.measurements(beside: library) where TableComparison.isKnown(path: path) {
      let whole = try TableComparison(path: path, hardware: nil, calibration: nil, library: library)
      for comparison in whole.byGroup {
        let page = ValidationPage(comparison, command: "rooftree validate \(path) --report FOLDER")
        try add("Validation", (page.name, page.title, page.summary, page.files, try page.html()))
      }
      guard let peers = try? PeerComparison(path: path, library: library) else { continue }
      let page = PeerPage(peers, command: "rooftree compare \(path) --report FOLDER")
      try add(
        "Validation",
        ("compared-\(peers.peer.lowercased())", page.title, page.summary, page.files, try page.html()))
    }
    let index = IndexPage(entries)
    try writeFile(index.markdown, to: root + "/index.md")
    try writeFile(try index.html(), to: root + "/index.html")
    try emit("\(entries.count) pages\n\nwritten to \(root)/index.html\n")
  }

  /// The tables of a device, and those of whole layers on the same device with a narrower network, which show how the
  /// models carry over.
  private static func measurements(of device: Device, beside library: Library) -> [String] {
    let all = measurements(beside: library)
    let own = all.filter {
      TableComparison.device(forTable: $0, in: library) == device.name && TableComparison.isKnown(path: $0)
    }
    let narrower = all.filter { path in
      let other = TableComparison.device(forTable: path, in: library)
      return path.contains("tp_layers") && other != device.name && other.hasPrefix(device.name)
    }
    return own + narrower
  }

  /// The tables of the project, sorted.
  static func measurements(beside library: Library) -> [String] {
    let root =
      library.root.hasSuffix("/models")
      ? String(library.root.dropLast("models".count)) : library.root == "models" ? "" : library.root + "/../"
    return ["measurements", "published"].flatMap { name -> [String] in
      let folder = root + "notebooks-data/" + name
      guard let files = FileManager.default.enumerator(atPath: folder) else { return [] }
      return files.compactMap { $0 as? String }.filter { $0.hasSuffix(".csv") }.sorted()
        .map { folder + "/" + $0 }
    }
  }
}

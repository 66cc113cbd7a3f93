import ArgumentParser
import Calibration
import Documents
import Foundation
import Hardware
import Quantities
import Reports
import Scenarios

struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare predictions with tables of measurements.",
    discussion: """
      Recognises each table by its header and prints, for every group of rows, the mean signed error (bias), the \
      mean absolute percentage error, its median, 90th percentile and worst case, and how many measured values lie \
      in the 90 % interval. Kinds of row that no model covers yet are listed without errors.

      --report writes a page for each table (for each group of a table of training steps), with every row, its interval and \
      what it waits for; several have an index over them.

      Example: rooftree validate notebooks-data/measurements/h200/layers.csv

      With pages: rooftree validate notebooks-data/published/training_steps.csv --report reports/measured
      """)

  @Argument(help: ArgumentHelp("Tables of measurements.", valueName: "table"))
  var tables: [String]
  @Option(
    help: ArgumentHelp(
      "The device that was measured (default: by the file's lines, its name or its folder's, else nvidia-h200).",
      valueName: "name")
  )
  var hardware: String?
  @Option(
    help: ArgumentHelp(
      "The calibration to use (default: that of the device, or of its family; none for none).",
      valueName: "name"))
  var calibration: String?
  @Flag(
    help:
      "Take kernels and layers to run again and again without pauses, so that the power limit slows them.")
  var sustained = false
  @Flag(help: "Print an array of objects, errors in per cent.")
  var json = false
  @Option(
    help: ArgumentHelp("Write measured and predicted for each row to this CSV file.", valueName: "file"))
  var rows: String?
  @Option(help: ArgumentHelp("Write a page for each table to this folder.", valueName: "folder"))
  var report: String?
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    if tables.isEmpty { throw ValidationError("Missing expected argument '<table> ...'") }
  }

  func run() throws {
    let library = try options.library()
    var summaries: [ErrorSummary] = []
    var rowText = TableComparison.rowHeader
    var pages: [ValidationPage] = []
    var leftOut: [String: (point: Double?, curve: Double?)] = [:]
    for path in tables {
      let comparison = try TableComparison(
        path: path, hardware: hardware, calibration: calibration, library: library, sustained: sustained)
      summaries += comparison.summaries
      leftOut[path] = comparison.leftOut
      rowText += comparison.rowText
      if report != nil {
        pages += comparison.byGroup.map {
          ValidationPage($0, command: "rooftree validate \(path) --report FOLDER")
        }
      }
    }
    if let rows { try writeFile(rowText, to: rows) }
    try emit(json ? ErrorSummary.json(summaries) : ErrorSummary.text(summaries, leftOut: leftOut))
    guard let report else { return }
    if pages.count == 1 {
      try writePage(pages[0].files, html: try pages[0].html(), to: report)
    } else {
      for page in pages { try writePage(page.files, html: try page.html(), to: "\(report)/\(page.name)") }
      let index = IndexPage(pages.map(\.entry))
      try writeFile(index.markdown, to: report + "/index.md")
      try writeFile(try index.html(), to: report + "/index.html")
    }
    if !json { try emit("\nwritten to \(report)/index.html\n") }
  }
}

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

      Example: rooftree validate notebooks-data/measurements/h200/tp_layers_nvlink.csv
      """)

  @Argument(help: ArgumentHelp("Tables of measurements.", valueName: "table"))
  var tables: [String]
  @Option(
    help: ArgumentHelp(
      "The device that was measured (default: by the name of the file, else nvidia-h200).", valueName: "name")
  )
  var hardware: String?
  @Option(
    help: ArgumentHelp(
      "The calibration to use (default: that of the device; none for none).", valueName: "name"))
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
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    if tables.isEmpty { throw ValidationError("Missing expected argument '<table> ...'") }
  }

  func run() throws {
    let library = try options.library()
    var summaries: [ErrorSummary] = []
    var rowText = TableComparison.rowHeader
    for path in tables {
      let comparison = try TableComparison(
        path: path, hardware: hardware, calibration: calibration, library: library, sustained: sustained)
      summaries += comparison.summaries
      rowText += comparison.rowText
    }
    if let rows { try writeFile(rowText, to: rows) }
    try emit(json ? ErrorSummary.json(summaries) : ErrorSummary.text(summaries))
  }
}

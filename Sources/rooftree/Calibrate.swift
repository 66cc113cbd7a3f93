import ArgumentParser
import Calibration
import CostModels
import Documents
import Foundation
import Hardware
import Quantities
import Reports

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fit the constants of a device to tables of measurements.",
    discussion: """
      Reads tables of operators and collectives, fits every form that they determine, prints the error on rows \
      that each fit did not see, and writes a calibration.

      Example: rooftree calibrate --hardware nvidia-h200 --table operators.csv --table collectives.csv \
      --output models/calibrations/nvidia-h200.yaml
      """)

  @Option(help: ArgumentHelp("The device that was measured.", valueName: "name"))
  var hardware: String
  @Option(
    name: .customLong("table"),
    help: ArgumentHelp("A table of measurements; may be repeated.", valueName: "file"))
  var tables: [String]
  @Option(help: ArgumentHelp("Where to write the calibration (default: print it).", valueName: "file"))
  var output: String?
  @Option(help: ArgumentHelp("The name of the calibration (default: that of the device).", valueName: "name"))
  var name: String?
  @Option(
    help: ArgumentHelp("A calibration whose forms hold for this device too.", valueName: "name"))
  var extends: String?
  @Option(
    help: ArgumentHelp("Where to write the covariance of the constants, as CSV.", valueName: "file"))
  var covariance: String?
  @OptionGroup var options: LibraryOptions

  func run() throws {
    let library = try options.library()
    var values: [MeasuredValue] = []
    for path in tables {
      let table = try Table(path: path)
      values += try measuredValues(of: table, kind: try TableKind.recognise(table))
    }
    let isTerminal = isatty(2) == 1
    let source = "rooftree calibrate, fitted to " + tables.joined(separator: ", ")
    func progress(_ form: String) {
      if isTerminal { FileHandle.standardError.write(Data("\u{1b}[2K\rfitting \(form)".utf8)) }
    }
    var device = DeviceFit(device: try Device(named: hardware, in: library))
    device.add(values)
    var host = HostFit(device: device.device)
    host.add(values)
    var calibration: DeviceCalibration
    var reports: [FormReport]
    var comparisons: [ModelComparison] = []
    let calibrationName = name ?? device.device.name
    do {
      (calibration, reports) = try device.calibration(
        named: calibrationName, source: source, progress: progress)
      let onHost = try host.calibration(named: calibrationName, source: source, progress: progress)
      calibration.forms.merge(onHost.calibration.forms) { first, _ in first }
      reports += onHost.reports
      comparisons = onHost.comparisons
    } catch {
      throw Diagnostic(
        file: tables.first, position: nil, fault: .contradiction("cannot be fitted: \(error)"))
    }
    if isTerminal { FileHandle.standardError.write(Data("\u{1b}[2K\r".utf8)) }
    guard !reports.isEmpty else {
      throw Diagnostic(
        file: tables.first, position: nil,
        fault: .contradiction("no form has enough rows to be fitted"))
    }
    var table = TextTable([
      ("form", .left), ("rows", .right), ("held-out error %", .right), ("90th %", .right), ("bias %", .right),
    ])
    for report in reports {
      let absolute = report.heldOutErrors.map { abs($0) * 100 }
      let count = Double(absolute.count)
      table.add([
        report.form, "\(report.rows)", fixed(absolute.reduce(0, +) / count, decimals: 1),
        fixed(quantile(absolute, 0.9), decimals: 1),
        fixed(report.heldOutErrors.reduce(0, +) / count * 100, decimals: 1),
      ])
    }
    if let covariance { try writeFile(calibration.covarianceTable, to: covariance) }
    let text = calibration.yaml(extending: extends)
    guard let output else {
      try emit(text)
      return
    }
    try writeFile(text, to: output)
    try emit(table.text + Self.text(of: comparisons) + "\nwritten to \(output)\n")
  }

  /// The comparisons of variants for a terminal.
  static func text(of comparisons: [ModelComparison]) -> String {
    guard !comparisons.isEmpty else { return "" }
    var table = TextTable([
      ("form", .left), ("variant", .left), ("constants", .right), ("error on unseen shapes %", .right),
      ("worse than the best by, standard errors", .right), ("", .left),
    ])
    for comparison in comparisons {
      for entry in comparison.entries {
        table.add([
          comparison.form, entry.name, "\(entry.constants)", fixed(entry.error * 100, decimals: 1),
          fixed(entry.excess, decimals: 1), entry.name == comparison.chosen ? "chosen" : "",
        ])
      }
    }
    return "\n" + table.text
  }
}

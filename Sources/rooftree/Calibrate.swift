import ArgumentParser
import Calibration
import CostModels
import Documents
import Foundation
import Hardware
import Kernels
import Quantities
import Reports
import Scenarios

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure this processor and fit its constants, or fit a device's to tables of measurements.",
    discussion: """
      Without --table: times reference kernels (matrix products through OpenBLAS, triad and copy, dense and sparse SGD \
      steps) on this machine, fits them, judges the fit on kernels that it did not see, and writes \
      models/hardware/this-machine.yaml, models/calibrations/this-machine.yaml and a page, \
      reports/calibration/index.html. Ctrl-C keeps what was measured; the same command goes on. Raw samples are kept in \
      notebooks-data/this-machine. Leave the machine alone meanwhile: a run that something disturbs says so.

      With --table: reads tables of operators, collectives, profiles or processor kernels, fits every form that they \
      determine, prints the error on rows that each fit did not see, and writes a calibration.

      Example: rooftree calibrate --thorough
      Example: rooftree calibrate --hardware nvidia-h200 --table operators.csv --table collectives.csv \
      --output models/calibrations/nvidia-h200.yaml
      """)

  @Option(
    help: ArgumentHelp("The device that was measured (with --table).", valueName: "name"))
  var hardware: String?
  @Option(
    name: .customLong("table"),
    help: ArgumentHelp("A table of measurements; may be repeated.", valueName: "file"))
  var tables: [String] = []
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
  @Flag(
    help:
      "Time each kernel at eight different moments instead of three: some fifteen minutes instead of three.")
  var thorough = false
  @Flag(help: "Fit the samples of the last run again, also of one that was stopped, without measuring.")
  var fromSamples = false
  @Flag(help: "Measure again although an interrupted run could be continued.")
  var fresh = false
  @Flag(help: "Write the calibration although something else ran on the machine.")
  var acceptDisturbed = false
  @Option(
    help: ArgumentHelp(
      "The OpenBLAS kernel to use, such as Haswell (default: the fastest that the processor has).",
      valueName: "name"))
  var blasKernel: String?
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    if fromSamples, fresh {
      throw ValidationError(
        "--from-samples and --fresh exclude each other: one measures nothing, the other all")
    }
    if tables.isEmpty {
      let given = [
        hardware.map { _ in "--hardware" }, output.map { _ in "--output" }, name.map { _ in "--name" },
      ]
      if let option = given.compactMap({ $0 }).first {
        throw ValidationError("\(option) needs --table: without tables this machine is measured")
      }
    } else if hardware == nil {
      throw ValidationError(
        "Missing expected argument '--hardware <name>': the device that the tables were read on")
    }
  }

  func run() throws {
    let library = try options.library()
    guard let hardware, !tables.isEmpty else {
      try calibrateThisMachine(library)
      return
    }
    let device = try Device(named: hardware, in: library)
    var values: [MeasuredValue] = []
    for path in tables {
      let table = try measurements(path: path)
      values += table.values
      if let (name, words) = TableComparison.deviceTold(by: path, titled: table.device, in: library),
        name != device.name
      {
        complain("warning: \(path): \(words) \(name), but --hardware is \(device.name)")
      }
    }
    let fitted = try fit(
      values, device: device,
      source: "rooftree calibrate, fitted to " + tables.joined(separator: ", "))
    if let covariance { try writeFile(fitted.calibration.covarianceTable, to: covariance) }
    let text = fitted.calibration.yaml(extending: extends)
    guard let output else {
      try emit(text)
      return
    }
    try writeFile(text, to: output)
    try emit(
      Self.text(of: fitted.reports) + Self.text(of: fitted.comparisons)
        + Self.text(of: fitted.calibration.identifiability) + "\nwritten to \(output)\n")
  }

  /// Fits every form that some measured values determine.
  func fit(_ values: [MeasuredValue], device: Device, source: String) throws -> (
    calibration: DeviceCalibration, reports: [FormReport], comparisons: [ModelComparison]
  ) {
    let isTerminal = isatty(2) == 1
    func progress(_ form: String) {
      if isTerminal { FileHandle.standardError.write(Data("\u{1b}[2K\rfitting \(form)".utf8)) }
    }
    defer { if isTerminal { FileHandle.standardError.write(Data("\u{1b}[2K\r".utf8)) } }
    var onDevice = DeviceFit(device: device)
    onDevice.add(values)
    let (fast, judged) = onDevice.tooFast
    if fast > max(2, judged / 50) {
      complain(
        "warning: \(fast) of \(judged) products took less time than the data sheet of \(device.name) allows: was another "
          + "device measured?")
    }
    var onHost = HostFit(device: device)
    onHost.add(values)
    var onUnits = UnitFit(device: device)
    onUnits.add(values)
    let calibrationName = name ?? device.name
    do {
      var (calibration, reports) = try onDevice.calibration(
        named: calibrationName, source: source, progress: progress)
      let host = try onHost.calibration(named: calibrationName, source: source, progress: progress)
      calibration.forms.merge(host.calibration.forms) { first, _ in first }
      calibration.threadCurves.merge(host.calibration.threadCurves) { first, _ in first }
      reports += host.reports
      let units = try onUnits.calibration(named: calibrationName, source: source, progress: progress)
      calibration.forms.merge(units.calibration.forms) { first, _ in first }
      reports += units.reports
      guard !reports.isEmpty else {
        throw Diagnostic(
          file: tables.first, position: nil,
          fault: .contradiction(
            "no form has enough rows to be fitted"
              + Self.text(
                ofTooFew: onDevice.tooFew + onHost.tooFew.map { ($0.form, $0.rows, HostFit.leastRows) })))
      }
      for report in reports where report.form == GEMMForm<Double>.name && report.meanError > 0.15 {
        complain(
          "warning: products left out of the fit are missed by \(fixed(100 * report.meanError, decimals: 0)) %, those of A100, "
            + "H200 and B200 by 7 %: was another device measured, or with something else running?")
      }
      return (calibration, reports, host.comparisons)
    } catch let error as FitError {
      throw Diagnostic(
        file: tables.first, position: nil, fault: .contradiction("cannot be fitted: \(error)"))
    }
  }

  /// The held-out errors of forms for a terminal.
  static func text(of reports: [FormReport]) -> String {
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
    return table.text
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

  /// What the rows leave open, for a terminal.
  static func text(of identifiability: [Identifiability]) -> String {
    let words = identifiability.flatMap(\.words)
    return words.isEmpty ? "" : "\n" + words.map { "\($0)\n" }.joined()
  }

  /// Which forms had too few rows, for a message.
  private static func text(ofTooFew forms: [(form: String, rows: Int, needed: Int)]) -> String {
    let parts = forms.map {
      "\($0.form) has \($0.rows) row\($0.rows == 1 ? "" : "s") of the \($0.needed) that it needs"
    }
    return parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))"
  }

  private func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}

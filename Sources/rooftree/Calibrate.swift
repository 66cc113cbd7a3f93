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
      models/hardware/this-machine.yaml and models/calibrations/this-machine.yaml. Ctrl-C keeps what was measured; the \
      same command goes on. Raw samples are kept in notebooks-data/this-machine.

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
  @Flag(help: "Take many samples of each kernel: some ten minutes instead of one or two.")
  var thorough = false
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
      try measureThisMachine(library)
      return
    }
    var values: [MeasuredValue] = []
    for path in tables {
      values += try measurements(path: path).values
    }
    let fitted = try fit(
      values, device: try Device(named: hardware, in: library),
      source: "rooftree calibrate, fitted to " + tables.joined(separator: ", "))
    if let covariance { try writeFile(fitted.calibration.covarianceTable, to: covariance) }
    let text = fitted.calibration.yaml(extending: extends)
    guard let output else {
      try emit(text)
      return
    }
    try writeFile(text, to: output)
    try emit(Self.text(of: fitted.reports) + Self.text(of: fitted.comparisons) + "\nwritten to \(output)\n")
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
    var onHost = HostFit(device: device)
    onHost.add(values)
    let calibrationName = name ?? device.name
    do {
      var (calibration, reports) = try onDevice.calibration(
        named: calibrationName, source: source, progress: progress)
      let host = try onHost.calibration(named: calibrationName, source: source, progress: progress)
      calibration.forms.merge(host.calibration.forms) { first, _ in first }
      reports += host.reports
      guard !reports.isEmpty else {
        throw Diagnostic(
          file: tables.first, position: nil,
          fault: .contradiction("no form has enough rows to be fitted"))
      }
      return (calibration, reports, host.comparisons)
    } catch let error as FitError {
      throw Diagnostic(
        file: tables.first, position: nil, fault: .contradiction("cannot be fitted: \(error)"))
    }
  }

  /// Times the reference kernels here, fits them, and judges the fit on kernels kept out of it.
  private func measureThisMachine(_ library: Library) throws {
    let root = library.root.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let folder = (root.isEmpty ? "" : root + "/") + "notebooks-data/this-machine"
    let run = try HostMeasurement(folder: folder, kernel: blasKernel, thorough: thorough)
    try emit("\(run.signature)\n")
    guard let measurements = try run.run(fresh: fresh) else { throw ExitCode(130) }
    let disturbance = DisturbanceReport(Array(measurements.values))
    for reason in disturbance.reasons { try emit("disturbed: \(reason)\n") }
    let fitText = run.table(measurements, heldOut: false)
    let judgeText = run.table(measurements, heldOut: true)
    try writeFile(fitText, to: folder + "/kernels.csv")
    try writeFile(judgeText, to: folder + "/kernels-held-out.csv")
    if disturbance.isSevere, !acceptDisturbed {
      throw Diagnostic(
        file: nil, position: nil,
        fault: .contradiction(
          "the run was disturbed too much to be fitted (see above); the samples are kept in \(folder). "
            + "Run again with --fresh when the machine is quiet, or fit them all the same with --accept-disturbed"
        ))
    }
    let hardwareText = run.hardware(measurements)
    let device = try Device(
      node: try parseDocument(hardwareText, file: "this-machine.yaml"), in: library)
    let table = try Table(text: fitText, file: folder + "/kernels.csv")
    let note =
      disturbance.reasons.isEmpty ? "" : "; disturbed: " + disturbance.reasons.joined(separator: "; ")
    let fitted = try fit(
      try measuredValues(of: table, kind: .cpuKernels), device: device,
      source:
        "rooftree calibrate: \(run.signature), \(measurements.count) kernels, \(run.plan.samples) samples each\(note)"
    )
    // Both files or none: the description first, because the calibration names it.
    try writeFile(hardwareText, to: library.root + "/hardware/this-machine.yaml")
    try writeFile(fitted.calibration.yaml(), to: library.root + "/calibrations/this-machine.yaml")
    let comparison = try TableComparison(
      path: folder + "/kernels-held-out.csv", hardware: "this-machine", calibration: nil, library: library)
    try emit(
      Self.text(of: fitted.reports) + Self.text(of: fitted.comparisons)
        + "\nkernels that the fit did not see, measured in the same run:\n\n"
        + ErrorSummary.text(comparison.summaries)
        + "written to \(library.root)/hardware/this-machine.yaml and \(library.root)/calibrations/this-machine.yaml\n"
    )
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
}

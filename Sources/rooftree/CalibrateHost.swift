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

extension Calibrate {
  /// Times the reference kernels here (or takes the samples of the last run), fits them, and judges the fit on kernels
  /// kept out of it.
  ///
  /// - Parameters:
  ///   - library: where the machine's files are written.
  ///   - run: what is timed, given the folder of its samples; all kernels of the suite if nil.
  /// - Throws: `Diagnostic` and `OutputFailure` for what cannot be measured, fitted or written; `ExitCode` 130 when it
  ///   was interrupted.
  func calibrateThisMachine(_ library: Library, run: ((String) -> HostMeasurement)? = nil) throws {
    let root = library.root.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let base = root.isEmpty ? "" : root + "/"
    let folder = base + "notebooks-data/this-machine"
    let run =
      try run?(folder) ?? HostMeasurement(folder: folder, kernel: blasKernel, thorough: thorough)
    try emit("\(run.signature)\n")
    try run.library.slowness.map { try emit("slow BLAS: \($0)\n") }
    guard let measurements = try fromSamples ? run.earlier() : run.run(fresh: fresh) else {
      throw ExitCode(130)
    }
    let disturbance = DisturbanceReport(Array(measurements.values))
    for reason in disturbance.reasons { try emit("disturbed: \(reason)\n") }
    let fitText = run.table(measurements, heldOut: false)
    let fitPath = run.folder + "/kernels.csv"
    let judgePath = run.folder + "/kernels-held-out.csv"
    try writeFiles([(fitText, fitPath), (run.table(measurements, heldOut: true), judgePath)])
    if disturbance.isSevere, !acceptDisturbed {
      throw Diagnostic(
        file: nil, position: nil,
        fault: .contradiction(
          "the run was disturbed too much to be fitted (see above); the samples are kept in \(run.folder). "
            + "Run again with --fresh when the machine is quiet, or fit them all the same with --from-samples "
            + "--accept-disturbed"))
    }
    let energy = try HostEnergyReport(measurements.values.map { $0 }, meter: run.meter)
    let hardwareText = run.hardware(measurements, energy: energy)
    let device = try Device(
      node: try parseDocument(hardwareText, file: "this-machine.yaml"), in: library)
    let note =
      disturbance.reasons.isEmpty ? "" : "; disturbed: " + disturbance.reasons.joined(separator: "; ")
    var fitted = try fit(
      try measuredValues(of: try Table(text: fitText, file: fitPath), kind: .cpuKernels), device: device,
      source:
        "rooftree calibrate: \(run.signature), best of \(run.plan.rounds * run.plan.samples) samples or more of each kernel\(note)"
    )
    if let constants = energy.constants {
      fitted.calibration.forms[HostEnergyForm<Double>.name] = constants
      fitted.reports += energy.reports
    }
    try writeFiles([
      (hardwareText, library.root + "/hardware/this-machine.yaml"),
      (fitted.calibration.yaml(), library.root + "/calibrations/this-machine.yaml"),
    ])
    func compare(_ path: String) throws -> TableComparison {
      try TableComparison(path: path, hardware: "this-machine", calibration: "this-machine", library: library)
    }
    let page = CalibrationPage(
      device: device, calibration: fitted.calibration,
      run: .init(
        signature: run.signature,
        library: "\(run.library.configuration); kernel \(run.library.kernel), up to \(run.host.cores) threads"
          + (run.library.slowness.map { "; \($0)" } ?? ""),
        verdict: disturbance.verdict, isQuiet: disturbance.reasons.isEmpty, energy: energy.words),
      comparisons: fitted.comparisons, fitted: try compare(fitPath), heldOut: try compare(judgePath))
    let pageFolder = base + "reports/calibration"
    try writeFiles(
      page.files.map { ($0.text, "\(pageFolder)/\($0.name)") } + [
        (try page.html(), pageFolder + "/index.html")
      ])
    try emit(
      Self.text(of: fitted.reports) + Self.text(of: fitted.comparisons)
        + Self.text(of: fitted.calibration.identifiability) + "\nenergy: \(energy.words)\n"
        + "\nkernels that the fit did not see, measured in the same run:\n\n"
        + ErrorSummary.text(page.heldOut.summaries) + "\n\(page.summary)\n\nwritten to "
        + "\(library.root)/hardware/this-machine.yaml, \(library.root)/calibrations/this-machine.yaml and "
        + "\(pageFolder)/index.html\n")
  }
}

/// What is known of the energy of this machine: fitted where it has a counter, assumed where it has none.
struct HostEnergyReport {
  /// The constants, where a counter could be read.
  var constants: FittedConstants?
  /// The errors of the fit, where there is one.
  var reports: [FormReport] = []
  /// What is known, in a sentence.
  let words: String

  /// Fits the energies of a run.
  ///
  /// - Parameters:
  ///   - measurements: all kernels of a run.
  ///   - meter: the machine's counters.
  /// - Throws: `Diagnostic` when counters were read but cannot be fitted.
  init(_ measurements: [KernelTimes], meter: EnergyMeter) throws {
    let observations = measurements.compactMap { kernel in
      kernel.joules.map {
        EnergyObservation(
          seconds: kernel.median, threads: Double(kernel.threads), flop: Double(kernel.flop),
          bytes: Double(kernel.bytes), joules: $0)
      }
    }.filter { $0.joules > 0 }.sorted { ($0.seconds, $0.joules) < ($1.seconds, $1.joules) }
    guard observations.count >= 8 else {
      let reason =
        meter.absence ?? "the counters (\(meter.counters.map(\.name).joined(separator: ", "))) did not move"
      words =
        "\(reason). Idle power and power limit in the hardware file are assumptions from published figures, with wide "
        + "intervals; energy by operation and byte is not known"
      return
    }
    do {
      let fitted = try fitHostEnergy(observations)
      constants = fitted.constants
      reports = [fitted.report]
      let values = fitted.constants.values
      let mean = fitted.report.heldOutErrors.map(abs).reduce(0, +) / Double(observations.count)
      words =
        "fitted to \(meter.counters.map(\.name).joined(separator: ", ")) over \(observations.count) kernels: idle "
        + "\(Watts(values[0]).formatted()), \(Watts(values[1]).formatted()) for each busy thread, "
        + "\(formatted(values[2])) pJ/FLOP, \(formatted(values[3])) pJ/B; rows left out miss by \(percent(mean)) on average"
    } catch {
      throw Diagnostic(
        file: nil, position: nil, fault: .contradiction("the energies cannot be fitted: \(error)"))
    }
  }
}

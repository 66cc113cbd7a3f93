import ArgumentParser
import Calibration
import CostModels
import Documents
import Hardware
import Kernels
import Quantities
import Reports
import Scenarios
import Studies
import Sweeps
import Workloads

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show one entry of the catalogue: every number with its interval and its source.",
    discussion: "Example: rooftree show nvidia-h200")

  @Argument(
    help: ArgumentHelp(
      "A name of hardware, a workload, a calibration, a scenario, a study or a sweep, or blas.",
      valueName: "name"))
  var name: String
  @Flag(help: "Print JSON: all digits, base units.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func run() throws {
    if name == "blas" {
      do {
        try emit(BLASDescription(library: try BLASLibrary.load()).text(json: json))
      } catch let error as BLASLibrary.LoadError {
        throw Diagnostic(file: nil, position: nil, fault: .contradiction("\(error)"))
      }
      return
    }
    let library = try options.library()
    let known = [Library.Kind.hardware, .workloads, .calibrations, .scenarios, .studies, .stacks, .sweeps]
    // A device and its calibration share a name: both are shown.
    var parts: [FactSheet] = []
    for kind in known where Library.isPath(name) || library.names(kind).contains(name) {
      if Library.isPath(name) {
        parts = [try FactSheet.file(name, in: library)]
        break
      }
      let path = try library.path(kind, name)
      switch kind {
      case .hardware: parts.append(FactSheet(try Device(named: name, in: library)))
      case .workloads: parts.append(try FactSheet.workload(try readDocument(path: path), path: path))
      case .calibrations: parts.append(FactSheet(try DeviceCalibration(named: name, in: library)))
      case .scenarios: parts.append(try FactSheet.scenario(name, in: library))
      case .stacks: parts.append(FactSheet(try Scenario(named: path, in: library)))
      case .studies: parts.append(FactSheet(try StudyFile(named: name, in: library)))
      case .sweeps: parts.append(FactSheet(try Sweeps.Sweep(named: name, in: library)))
      }
    }
    guard !parts.isEmpty else {
      throw Diagnostic(
        file: library.root, position: nil,
        fault: .unknownName(
          kind: "entry", found: name, known: known.flatMap { library.names($0) }))
    }
    if json {
      try emit(JSONText.array(parts.map(\.json)).text + "\n")
    } else {
      try emit(parts.map(\.text).joined(separator: "\n"))
    }
  }
}

/// The BLAS library that this program runs on.
struct BLASDescription {
  let library: BLASLibrary

  func text(json: Bool) -> String {
    if json {
      return JSONText.object([
        ("configuration", .text(library.configuration)), ("kernel", .text(library.kernel)),
        ("threads", .number(Double(library.threads))),
      ]).text + "\n"
    }
    return "\(library.configuration)\nkernel: \(library.kernel)\nthreads: \(library.threads)\n"
  }
}

import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Workloads

/// PIM-Opt (arXiv 2404.07164): distributed SGD of linear models on memory that computes, against a CPU and a GPU.
public struct PIMOpt: Study {
  /// The name of its file.
  public static let name = "pim-opt"

  /// The three systems.
  public let systems: PIMOptSystems
  /// Direct links of the machine that has them.
  let links: UnitTrainingForm<Double>.DirectLinks
  let linkEnds: [UnitTrainingForm<Double>.DirectLinks]
  let convergence: Convergence
  let hbm: Device
  let aim: Device

  /// Takes its parameters and reads the devices, their calibrations and the table of convergence.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    let names = try parameters.words("systems")
    guard names.count == 3 else {
      throw parameters.file.root.diagnostic(
        .contradiction("'parameters.systems' has \(names.count) devices, expected 3: pim, cpu, gpu"))
    }
    func system(_ name: String, _ kind: Device.Kind, resident: Bool = false) throws(Diagnostic)
      -> TrainingSystem
    {
      let device = try Device(named: name, in: library)
      guard device.kind == kind else {
        throw parameters.file.root.diagnostic(
          .contradiction(
            "'parameters.systems': \(name) is a \(device.kind.rawValue), expected a \(kind.rawValue)"))
      }
      let calibration =
        library.names(.calibrations).contains(device.name)
        ? try DeviceCalibration(named: device.name, in: library) : nil
      return TrainingSystem(device, calibration, resident: resident)
    }
    systems = PIMOptSystems(
      pim: try system(names[0], .pim), cpu: try system(names[1], .cpu), gpu: try system(names[2], .gpu),
      resident: try system(names[2], .gpu, resident: true),
      processes: try parameters.integer("processes", in: 2...1_000_000),
      gpuBatch: try parameters.integer("gpu_batch"))
    let bandwidth = try parameters.quantity("link_bandwidth", as: BytesPerSecond.self)
    let latency = try parameters.quantity("link_latency", as: Seconds.self)
    links = .init(bandwidth: bandwidth.value, latency: latency.value)
    linkEnds = [
      .init(
        bandwidth: bandwidth.interval?.lowerBound.value ?? bandwidth.value,
        latency: latency.interval?.upperBound.value ?? latency.value),
      .init(
        bandwidth: bandwidth.interval?.upperBound.value ?? bandwidth.value,
        latency: latency.interval?.lowerBound.value ?? latency.value),
    ]
    guard let path = try parameters.files("convergence").first else {
      throw parameters.file.root.diagnostic(.missingKey("convergence", path: "parameters"))
    }
    convergence = try Convergence(path: path)
    hbm = try Device(named: "samsung-hbm-pim", in: library)
    aim = try Device(named: "skhynix-gddr6-aim", in: library)
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [
      breakdown, algorithms, batches, scaling(strong: false), scaling(strong: true), comparison,
      timeToAccuracy, future, otherMemories,
    ]
    findings.answers = PIMOptBounds(systems: systems).answers.merging(abstractAnswers) { _, other in other }
    findings.foundations = [
      "kernels of PIM-Opt: instruction counts estimated from the artifact's code, not measured (UnitTrainingForm)",
      "transfers of one rank: fitted to PrIM runs with 1 to 16 DPUs (calibration upmem-prim); the host's limits are deduced from axes of the paper's figures",
      "power: limits and assumptions of the devices' files; PIM-Opt measured none",
      "convergence: our reference kernels at reduced scale",
    ]
    return findings
  }
}

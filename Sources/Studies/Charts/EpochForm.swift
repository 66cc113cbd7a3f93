public import CostModels
import Hardware
public import Quantities
public import Workloads

/// Epochs of training on memory that computes, as a form of the machine's speeds: for each run its parts in the order of
/// ``partNames``.
public struct EpochForm: RecordableForm {
  /// The names of the parts.
  public static let partNames = [
    "computing", "banks", "launch", "host to DPUs", "DPUs to host", "average in the host",
  ]

  let device: Device
  let calibration: DeviceCalibration?
  let constants: [Double]
  let tasklets: Int
  let block: Double
  let runs: [LinearTraining]

  /// Epochs of some runs; nil for a machine that is no memory that computes, or that has direct links.
  public init?(_ system: TrainingSystem, runs: [LinearTraining]) {
    guard case .units(let model, _, let tasklets, let block, nil) = system.machine else { return nil }
    device = system.device
    calibration = model.calibration
    constants = system.constants
    self.tasklets = tasklets
    self.block = block
    self.runs = runs
  }

  /// The parameters that a reader can move.
  public var sliders: [LiveForm.Slider] {
    let units = UnitArray<Double>(device)
    return [
      .init("DPU clock", unit: "Hz", value: units.clock, factor: 4),
      .init("host to all DPUs", unit: "B/s", value: units.hostToUnits),
      .init("all DPUs to host", unit: "B/s", value: units.unitsToHost),
      .init("instructions of a product", value: constants[0], in: 1...2 * constants[0]),
    ]
  }

  /// The form with its sliders.
  public var live: LiveForm { LiveForm(self, sliders: sliders, samples: [[]]) }

  /// The parts of all runs, in seconds.
  public func outputs<N: ModelNumber>(_ inputs: [N]) -> [N] {
    var model = UnitModel<N>(device, calibration)
    model.units.clock = inputs[0]
    model.units.hostToUnits = inputs[1]
    model.units.unitsToHost = inputs[2]
    var values = constants.map { N($0) }
    values[0] = inputs[3]
    let form = UnitTrainingForm<N>(constants: values)
    return runs.flatMap { run in
      let parts = form.epoch(run, tasklets: N(Double(tasklets)), block: N(block), on: model)
      return [parts.compute, parts.memory, parts.launch, parts.toWorkers, parts.fromWorkers, parts.reduction]
    }
  }
}

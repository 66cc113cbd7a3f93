public import Hardware
public import Quantities
import RealModule
public import Workloads

/// A machine that trains linear models: what it is, and what of it a question changes.
public enum TrainingMachine: Sendable {
  /// Memory that computes, with so many tasklets in a unit, transfers of so many bytes inside it, and a direct network
  /// between the units where they have one.
  case units(
    UnitModel<Double>, form: UnitTrainingForm<Double>, tasklets: Int, block: Double,
    links: UnitTrainingForm<Double>.DirectLinks?)
  /// A processor with a process for each worker.
  case cpu(BaselineMachine<Double>, form: CPUTrainingForm<Double>)
  /// A GPU, with the samples in its own memory or fed from the host's.
  case gpu(BaselineMachine<Double>, form: GPUTrainingForm<Double>, resident: Bool)
}

/// Time and energy of an epoch, with what is known of their errors.
public struct TrainingEstimate: Sendable {
  /// Where the time goes, in seconds.
  public let parts: TrainingParts<Double>
  /// Relative standard error of the time: constants varied one at a time, and the error of transfers.
  public let relativeError: Double
  /// Energy of an epoch, in joules, with everything that is switched on.
  public let energy: Double
  /// Relative standard error of the energy: that of the time and that of the power.
  public let energyError: Double

  /// Time of an epoch, in seconds.
  public var time: Double { parts.total }
  /// The 90 % interval of the time, in seconds.
  public var interval90: ClosedRange<Double> { Self.interval90(time, relativeError) }
  /// The 90 % interval of the energy, in joules.
  public var energyInterval90: ClosedRange<Double> { Self.interval90(energy, energyError) }

  /// The 90 % interval of a value with this relative standard error, on a logarithmic scale.
  public static func interval90(_ value: Double, _ error: Double) -> ClosedRange<Double> {
    let width = Double.exp(1.645 * error)
    return value / width...value * width
  }
}

/// A machine with its power and the errors of its constants.
public struct TrainingSystem: Sendable {
  /// The machine.
  public var machine: TrainingMachine
  /// The device.
  public let device: Device
  /// Constants of the machine's form, in the order of its list.
  public var constants: [Double]
  /// Relative standard error of each constant.
  public var errors: [Double]

  /// A device as a machine that trains, with its calibration.
  ///
  /// - Parameters:
  ///   - device: what it is; the kind decides the form.
  ///   - calibration: what was measured on it, if it was.
  ///   - tasklets: of each unit.
  ///   - block: bytes of a transfer of weights or gradients inside a unit.
  ///   - resident: whether a GPU holds the samples itself.
  public init(
    _ device: Device, _ calibration: DeviceCalibration?, tasklets: Int = 16, block: Double = 512,
    resident: Bool = false
  ) {
    self.device = device
    func prepare<F: FittedForm>(_ type: F.Type) -> (form: F, values: [Double], errors: [Double])
    where F.N == Double {
      let definitions = F.constants
      if let fitted = calibration?.forms[F.name], fitted.values.count == definitions.count {
        return (F(constants: fitted.values), fitted.values, fitted.relativeErrors)
      }
      // A plausible range holds its value with four standard errors from end to end.
      let widths = definitions.map { Double.log($0.range.upperBound / $0.range.lowerBound) / 4 }
      return (.uncalibrated, definitions.map(\.initial), widths)
    }
    switch device.kind {
    case .pim:
      let (form, values, errors) = prepare(UnitTrainingForm<Double>.self)
      (constants, self.errors) = (values, errors)
      machine = .units(
        UnitModel(device, calibration), form: form, tasklets: tasklets, block: block, links: nil)
    case .cpu:
      let (form, values, errors) = prepare(CPUTrainingForm<Double>.self)
      (constants, self.errors) = (values, errors)
      machine = .cpu(BaselineMachine(device), form: form)
    case .gpu:
      let (form, values, errors) = prepare(GPUTrainingForm<Double>.self)
      (constants, self.errors) = (values, errors)
      machine = .gpu(BaselineMachine(device), form: form, resident: resident)
    }
  }

  /// The parts of an epoch with other constants.
  private func parts(_ training: LinearTraining, _ constants: [Double]) -> TrainingParts<Double> {
    switch machine {
    case .units(let model, _, let tasklets, let block, let links):
      return UnitTrainingForm(constants: constants).epoch(
        training, tasklets: Double(tasklets), block: block, on: model, links: links)
    case .cpu(let machine, _):
      return CPUTrainingForm(constants: constants).epoch(training, on: machine)
    case .gpu(let machine, _, let resident):
      return GPUTrainingForm(constants: constants).epoch(training, on: machine, resident: resident)
    }
  }

  /// The parts of an epoch, in seconds.
  public func parts(_ training: LinearTraining) -> TrainingParts<Double> { parts(training, constants) }

  /// Time and energy of an epoch.
  public func epoch(_ training: LinearTraining) -> TrainingEstimate {
    let centre = parts(training, constants)
    var variance = 0.0
    for index in constants.indices where errors[index] > 0 {
      var other = constants
      other[index] *= Double.exp(errors[index])
      let change = Double.log(parts(training, other).total / centre.total)
      variance += change * change
    }
    if case .units(let model, _, _, _, let links) = machine, links == nil {
      let down = model.spread(of: .toUnits) * centre.toWorkers / centre.total
      let up = model.spread(of: .fromUnits) * centre.fromWorkers / centre.total
      variance += down * down + up * up
    }
    let (power, powerError) = power(centre)
    return TrainingEstimate(
      parts: centre, relativeError: variance.squareRoot(), energy: power * centre.total,
      energyError: (variance + powerError * powerError).squareRoot())
  }

  /// Mean power in watts and its relative standard error: the host, and the device between idle and its limit.
  ///
  /// A memory that computes draws its limit while kernels run; the processor all the time, because its processes
  /// spin at barriers; a GPU while it computes.
  private func power(_ parts: TrainingParts<Double>) -> (watts: Double, error: Double) {
    let busy: Double
    switch machine {
    case .units: busy = parts.kernel / parts.total
    case .cpu: busy = 1
    case .gpu: busy = (parts.memory + parts.launch) / parts.total
    }
    func end(_ pick: (Sourced<Dimensions.Power>) -> Double) -> Double {
      let limit = device.power.limit.map(pick) ?? 0
      let idle = Double.minimum(device.power.idle.map(pick) ?? limit, limit)
      return (device.power.host.map(pick) ?? 0) + idle + busy * (limit - idle)
    }
    let centre = end(\.value)
    let low = end { $0.interval?.lowerBound.value ?? $0.value }
    let high = end { $0.interval?.upperBound.value ?? $0.value }
    guard low > 0 else { return (centre, 0) }
    return (centre, Double.log(high / low) / (2 * 1.645))
  }
}

import CostModels
import Documents
import Hardware
public import Quantities
public import Scenarios
import Workloads

extension TrainingProjection {
  /// The projection as text for a terminal: the answer, then where an epoch's time goes.
  public func text() -> String {
    let training = scenario.training
    let plan = training.plan
    let time = epoch.interval90
    let energy = epoch.energyInterval90
    let epochs = Double(training.epochs)
    func seconds(_ value: Double) -> String { Seconds(value).formatted() }
    func joules(_ value: Double) -> String { Joules(value).formatted() }
    var text = "\(printable(scenario.title))\n"
    text += "epoch: \(seconds(epoch.time)) [\(seconds(time.lowerBound)), \(seconds(time.upperBound))]\n"
    text += "\(training.epochs) epochs: \(seconds(epochs * epoch.time))\n"
    text +=
      "energy of an epoch: \(joules(epoch.energy)) [\(joules(energy.lowerBound)), \(joules(energy.upperBound))]\n"
    text +=
      "\(plan.algorithm.rawValue): \(plan.workers) workers, \(plan.samplesPerWorker) samples each, "
      + "\(plan.synchronisationsPerEpoch) synchronisations, "
      + "\(Bytes(Double(plan.bytesDownPerEpoch)).formatted()) to workers, \(Bytes(Double(plan.bytesUpPerEpoch)).formatted()) back\n\n"
    var table = TextTable([("part", .left), ("time", .right), ("share", .right)])
    for part in parts {
      table.add([part.name, part.time.formatted(), percent(part.time.value / epoch.time)])
    }
    text += table.text + "\nhardware: \(scenario.system.device.title)\n"
    return text
      + (scenario.calibration.map { "calibration: \($0.name), \($0.source)\n" }
        ?? "calibration: none; constants are the middle of plausible ranges\n")
  }

  /// The projection as JSON, times in seconds and energies in joules.
  public var json: JSONText {
    let plan = scenario.training.plan
    func interval(_ range: ClosedRange<Double>) -> JSONText {
      .array([.number(range.lowerBound), .number(range.upperBound)])
    }
    return .object([
      ("scenario", .text(scenario.name)), ("title", .text(scenario.title)),
      ("hardware", .text(scenario.system.device.name)),
      ("calibration", scenario.calibration.map { .text($0.name) } ?? .number(nil)),
      ("files", .array(scenario.files.map { .text($0) })),
      ("epoch_s", .number(epoch.time)), ("epoch_interval90_s", interval(epoch.interval90)),
      ("epochs", .number(Double(scenario.training.epochs))),
      ("epoch_energy_J", .number(epoch.energy)),
      ("epoch_energy_interval90_J", interval(epoch.energyInterval90)),
      ("workers", .number(Double(plan.workers))),
      ("samples_per_worker", .number(Double(plan.samplesPerWorker))),
      ("synchronisations_per_epoch", .number(Double(plan.synchronisationsPerEpoch))),
      ("bytes_to_workers_per_epoch", .number(Double(plan.bytesDownPerEpoch))),
      ("bytes_from_workers_per_epoch", .number(Double(plan.bytesUpPerEpoch))),
      (
        "parts",
        .array(parts.map { .object([("part", .text($0.name)), ("time_s", .number($0.time.value))]) })
      ),
    ])
  }
}

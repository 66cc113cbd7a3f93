import CostModels
import Documents
import Hardware
import Quantities
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
      + (scenario.calibration.map { "calibration: \($0.words)\n" }
        ?? "calibration: none; constants are the middle of plausible ranges\n")
  }

  /// The projection as JSON, times in seconds and energies in joules.
  public var json: JSONText {
    let plan = scenario.training.plan
    func interval(_ range: ClosedRange<Double>) -> JSONText {
      .array([.number(range.lowerBound), .number(range.upperBound)])
    }
    // Integers of a memory that computes are no floating-point operations, so `flop` stays 0 throughout.
    func part(_ name: String, runs: Double, time: Double, bytes: Double, exchange: Bool, parts: [JSONText])
      -> JSONText
    {
      let low = epoch.interval90.lowerBound / epoch.time
      let high = epoch.interval90.upperBound / epoch.time
      return .object([
        ("name", .text(name)), ("runs", .number(runs)), ("time_s", .number(time)),
        ("low90_s", .number(time * low)), ("high90_s", .number(time * high)), ("flop", .number(0)),
        ("bytes", .number(bytes)), ("communication", .flag(exchange)), ("parts", .array(parts)),
      ])
    }
    let epochs = Double(scenario.training.epochs)
    let breakdown = part(
      "training", runs: epochs, time: time.value,
      bytes: epochs * parts.reduce(0) { $0 + $1.bytes.value }, exchange: false,
      parts: parts.map {
        part(
          $0.name, runs: 1, time: $0.time.value, bytes: $0.bytes.value, exchange: $0.isExchange, parts: [])
      })
    return .object([
      ("scenario", .text(scenario.name)), ("title", .text(scenario.title)),
      ("changed", .array(scenario.changes.map { .text($0) })),
      ("hardware", .text(scenario.system.device.name)),
      ("calibration", scenario.calibration.map { .text($0.name) } ?? .number(nil)),
      ("files", .array(scenario.files.map { .text($0) })),
      ("time_s", .number(time.value)), ("time_low90_s", .number(interval90.lowerBound.value)),
      ("time_high90_s", .number(interval90.upperBound.value)),
      ("epoch_s", .number(epoch.time)), ("epoch_interval90_s", interval(epoch.interval90)),
      ("epochs", .number(Double(scenario.training.epochs))),
      ("epoch_energy_J", .number(epoch.energy)),
      ("epoch_energy_interval90_J", interval(epoch.energyInterval90)),
      ("workers", .number(Double(plan.workers))),
      ("samples_per_worker", .number(Double(plan.samplesPerWorker))),
      ("synchronisations_per_epoch", .number(Double(plan.synchronisationsPerEpoch))),
      ("bytes_to_workers_per_epoch", .number(Double(plan.bytesDownPerEpoch))),
      ("bytes_from_workers_per_epoch", .number(Double(plan.bytesUpPerEpoch))),
      ("breakdown", breakdown),
    ])
  }
}

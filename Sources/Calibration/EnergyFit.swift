import CostModels
import Quantities
import RealModule
import Workloads

/// Fits the powers and energies of a GPU to operators that ran for seconds.
///
/// A row gives its mean power, the power between pauses where the table has it, and its time where the time at full
/// clock is known: from the table itself (`burst_us`), or from a row of the same operator alone in another table. A time at
/// full clock that a form predicts is off by as much as the limit changes it; such a row's time is judged, not fitted.
/// A row is left out as a whole when its errors are judged.
struct EnergyFit {
  private struct Subject: Sendable {
    let operation: Operator<Double>
    let cost: Cost<Double>
    let isBurstMeasured: Bool
    let quantity: SustainedQuantity

    var isFitted: Bool { quantity != .seconds || isBurstMeasured }
  }

  private let values: [MeasuredValue]
  /// Measured times of operators alone, in seconds, by what they are.
  private let bursts: [String: Double]

  init(values: [MeasuredValue]) {
    self.values = values.filter { value in
      guard case .sustained(_, let quantity) = value.subject else { return false }
      return quantity != .energy
    }
    var bursts: [String: Double] = [:]
    for value in values where value.quantity == "median_us" {
      guard case .kernel(let operation, nil, 1) = value.subject else { continue }
      bursts[Self.key(of: operation)] = value.measured * value.unit
    }
    self.bursts = bursts
  }

  private static func key(of operation: Operator<Double>) -> String {
    "\(operation.work) \(operation.dataType)"
  }

  /// Whether there are enough rows: at least four with a power.
  var isDetermined: Bool { values.count { $0.quantity == SustainedQuantity.power.rawValue } >= 4 }

  /// The constants, with the errors of rows left out.
  ///
  /// - Parameter model: the device with the forms that were fitted to its operators.
  /// - Throws: ``FitError``.
  /// - Returns: the constants, whose spread is that of the power of rows left out, and reports for power and time.
  func outcome(on model: DeviceModel<Double>) throws(FitError) -> (
    constants: FittedConstants, reports: [FormReport]
  ) {
    let machine = model.machine
    var rows: [Observation<Subject>] = []
    var lines: [Int] = []
    for value in values {
      guard case .sustained(let run, let quantity) = value.subject,
        var cost = model.cost(run.operation.work, run.operation.dataType)
      else { continue }
      let burst = run.burst ?? bursts[Self.key(of: run.operation)]
      cost.time = burst ?? cost.time / cost.slowdown
      let measured = quantity == .seconds ? value.measured / run.iterations : value.measured
      let work =
        switch run.operation.work {
        case .gemm(let shape): shape.flop
        case .attention(let shape): shape.flop
        case .streaming(let shape): shape.bytes(run.operation.dataType)
        case .collective(let exchange): exchange.bytes
        }
      rows.append(
        Observation(
          Subject(
            operation: run.operation, cost: cost, isBurstMeasured: burst != nil, quantity: quantity),
          seconds: measured, work: work))
      lines.append(value.line)
    }
    func predict(_ form: EnergyForm<Double>, _ subject: Subject) -> Double {
      let demand = form.demand(of: subject.operation.work, subject.operation.dataType, cost: subject.cost)
      let roof = PowerRoof(
        idle: machine.idlePower,
        limit: machine.powerLimit > 0 ? form.limitShare * machine.powerLimit : 1e9,
        exponent: form.clockExponent)
      return switch subject.quantity {
      case .seconds: roof.sustained(demand).time
      case .power: roof.sustained(demand).power
      case .energy: roof.sustained(demand).energy
      case .burstPower: roof.demandedPower(demand)
      }
    }
    let whole = try fit(
      EnergyForm<Double>.self, to: rows.filter { $0.subject.isFitted }, predict: predict)
    var errors = [Double](repeating: 0, count: rows.count)
    for line in Set(lines).sorted() {
      let kept = rows.indices.filter { lines[$0] != line && rows[$0].subject.isFitted }.map { rows[$0] }
      let partial = try fit(EnergyForm<Double>.self, to: kept, from: whole.values, predict: predict)
      let form = EnergyForm<Double>(constants: partial.values)
      for index in rows.indices where lines[index] == line {
        errors[index] = predict(form, rows[index].subject) / rows[index].seconds - 1
      }
    }
    func part(_ quantity: SustainedQuantity) -> [Double] {
      rows.indices.filter { rows[$0].subject.quantity == quantity }.map { errors[$0] }
    }
    let power = part(.power)
    let constants = whole.with(spread: robustSpread(power.map { Double.log(1 + $0) }))
    let name = EnergyForm<Double>.name
    var reports = [FormReport(form: "\(name), mean power", rows: power.count, heldOutErrors: power)]
    let others = [(SustainedQuantity.seconds, "sustained time"), (.burstPower, "power at full clock")]
    for (quantity, words) in others {
      let own = part(quantity)
      if !own.isEmpty {
        reports.append(FormReport(form: "\(name), \(words)", rows: own.count, heldOutErrors: own))
      }
    }
    return (constants, reports)
  }
}

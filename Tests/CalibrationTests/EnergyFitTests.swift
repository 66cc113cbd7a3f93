import Calibration
import CostModels
import ModelTestSupport
import Quantities
import Testing
import Workloads

@Suite struct EnergyFitTests {
  /// Rows that a known device would give: times at full clock are in the table, power and time come from the truth.
  static func values(_ truth: EnergyForm<Double>, on model: DeviceModel<Double>) throws -> [MeasuredValue] {
    var works: [(Work<Double>, DataType)] = []
    for size in [1024.0, 2048, 4096, 8192] {
      works.append((.gemm(GEMM(m: size, n: size, k: size)), .bf16))
      works.append((.gemm(GEMM(m: size, n: size, k: size)), .fp8))
      works.append((.gemm(GEMM(m: 16, n: size, k: size)), .bf16))
      works.append((.streaming(Streaming(.copy, rows: size, columns: 16384)), .bf16))
      works.append((.streaming(Streaming(.gelu, rows: size, columns: 16384)), .bf16))
    }
    var values: [MeasuredValue] = []
    for (line, (work, type)) in works.enumerated() {
      var cost = try #require(model.cost(work, type))
      cost.time /= cost.slowdown
      let demand = truth.demand(of: work, type, cost: cost)
      let roof = PowerRoof(
        idle: model.machine.idlePower, limit: truth.limitShare * model.machine.powerLimit,
        exponent: truth.clockExponent)
      let run = SustainedOperator(
        operation: Operator("", .forward, work, type), iterations: 1000, burst: cost.time)
      let sustained = roof.sustained(demand)
      for (quantity, value) in [
        (SustainedQuantity.seconds, 1000 * sustained.time), (.power, sustained.power),
        (.burstPower, roof.demandedPower(demand)),
      ] {
        values.append(
          MeasuredValue(
            line: line + 2, group: "", quantity: quantity.rawValue, unit: 1, measured: value,
            subject: .sustained(run, quantity)))
      }
    }
    return values
  }

  /// From data without noise the constants come back that they were made with, those that the rows determine.
  @Test func theConstantsComeBack() throws {
    let device = try Repository.device("nvidia-h200")
    var constants = EnergyForm<Double>.constants.map(\.initial)
    constants[0] = 170  // active power
    constants[1] = 0.7  // matrix energy
    constants[2] = 0.65  // 8-bit ratio
    constants[6] = 100  // memory energy
    constants[7] = 20  // instruction energy
    constants[9] = 2.2  // exponent
    constants[10] = 0.96  // share of the limit
    var fit = DeviceFit(device: device)
    fit.add(
      try Self.values(EnergyForm(constants: constants), on: DeviceModel<Double>(device, nil)))
    let (calibration, reports) = try fit.calibration(named: "made", source: "made")
    let fitted = try #require(calibration.forms["energy"])
    for index in [0, 1, 2, 6, 7, 9, 10] {
      #expect(
        // The exponent shows only through times that grow with its cube root.
        abs(fitted.values[index] / constants[index] - 1) < (index == 9 ? 0.12 : 0.05),
        "\(EnergyForm<Double>.constants[index].name)"
      )
    }
    // What no row shows stays where other devices put it.
    #expect(abs(fitted.values[5] / constants[5] - 1) < 0.02)
    #expect(
      reports.map(\.form) == ["energy, mean power", "energy, sustained time", "energy, power at full clock"])
    for report in reports { #expect(report.heldOutErrors.allSatisfy { abs($0) < 0.03 }) }
  }
}

import Calibration
import CostModels
import ModelTestSupport
import Testing
import Workloads

@Suite struct UnitFitTests {
  /// Kernels of the runs with 16 DPUs, predicted from those with 1 and 4: more units than any that the fit saw.
  @Test func kernelsOnMoreUnitsThanTheFitSaw() throws {
    let values = try Repository.values("upmem/prim_kernels.csv")
    func units(_ value: MeasuredValue) -> Double {
      if case .units(let run, _) = value.subject { run.units } else { 0 }
    }
    var fit = UnitFit(device: try Repository.device("upmem-prim"))
    fit.add(values.filter { units($0) < 16 })
    let calibration = try fit.calibration(named: "few", source: "1 and 4 DPUs").calibration
    let model = UnitModel<Double>(try Repository.device("upmem-prim"), calibration)
    let streaming: Set<PrIMBenchmark> = [
      .vectorAddition, .reduction, .selection, .unique, .scanReduceFirst, .scanAddLast, .matrixVector,
      .ownHistograms,
    ]
    var errors: [Double] = []
    for value in values where units(value) == 16 {
      guard case .units(let run, .kernel) = value.subject, streaming.contains(run.benchmark),
        calibration.forms[UnitKernelForm<Double>.name(of: run.benchmark)] != nil
      else { continue }
      errors.append(abs(model.cost(run).time / (1e-3 * value.measured) - 1))
    }
    // UNI has two rows with fewer than 16 DPUs, too few to fit.
    #expect(errors.count > 20)
    #expect(errors.reduce(0, +) / Double(errors.count) < 0.05)
  }

  /// The shipped constants are what the fit comes to.
  @Test func shippedConstantsAreThoseOfTheFit() throws {
    var fit = UnitFit(device: try Repository.device("upmem-prim"))
    fit.add(try Repository.values("upmem/prim_kernels.csv"))
    let fitted = try fit.calibration(named: "upmem-prim", source: "").calibration
    let shipped = try Repository.calibration("upmem-prim")
    for (name, constants) in fitted.forms {
      let other = try #require(shipped.forms[name])
      for (a, b) in zip(constants.values, other.values) { #expect(abs(a / b - 1) < 1e-3, "\(name)") }
    }
  }
}

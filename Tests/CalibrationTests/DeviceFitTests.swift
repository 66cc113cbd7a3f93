import Calibration
import CostModels
import Documents
import Quantities
import ModelTestSupport
import Testing
import Workloads

@Suite struct DeviceFitTests {
  @Test func collectivesBecomeTheirCurves() throws {
    var fit = DeviceFit(device: try Repository.device("nvidia-h200"))
    let values = try Repository.values("h200/collectives_nvlink.csv")
    fit.add(values)
    let (calibration, reports) = try fit.calibration(named: "x", source: "s")
    #expect(calibration.curves.count == 7)
    #expect(calibration.curves.values.allSatisfy { $0.points.count == 21 })
    #expect(calibration.forms.isEmpty)
    // 19 inner points of each curve are predicted by their neighbours; SizeCurve states a mean of 4.5 %.
    let report = try #require(reports.first)
    #expect(report.heldOutErrors.count == 7 * 19)
    let mean = report.heldOutErrors.map(abs).reduce(0, +) / Double(report.heldOutErrors.count)
    print("inner points of the H200 curves from their neighbours: mean error \(100 * mean) %")
    #expect(mean < 0.05)
    #expect((0.03...0.12).contains(calibration.curveSpread ?? 0))
  }

  /// Rows of three types of subject; too few of each to determine anything.
  @Test func fewRowsDetermineNothing() throws {
    var fit = DeviceFit(device: try Repository.device("nvidia-h200"))
    let table = try Table(
      text: """
        suite,op,dtype,params,median_us
        a,gemm,bf16,m=512;n=512;k=512,5
        a,gelu,bf16,n=4096,2
        a,sdpa_fwd,bf16,b=1;heads=16;s=512;d=64;causal=0,10

        """, file: "t.csv")
    fit.add(try measuredValues(of: table, kind: .operators))
    let (calibration, reports) = try fit.calibration(named: "x", source: "s")
    #expect(calibration.forms.isEmpty && calibration.curves.isEmpty && reports.isEmpty)
  }

  /// The fit is repeatable to the last digit, and says how it errs on rows that it did not see: GELU's eight rows.
  @Test func aFitRepeats() throws {
    let device = try Repository.device("nvidia-h200")
    let rows = try Repository.values("h200/operators.csv").filter { $0.group.hasPrefix("gelu") }
    #expect(rows.count == 8)
    func run() throws -> (calibration: DeviceCalibration, reports: [FormReport]) {
      var fit = DeviceFit(device: device)
      fit.add(rows)
      return try fit.calibration(named: "x", source: "s")
    }
    let (first, second) = (try run(), try run())
    #expect(first.calibration.yaml() == second.calibration.yaml())
    let report = try #require(first.reports.first)
    #expect(report.form == "streaming.gelu")
    #expect(report.heldOutErrors.count == 8)
    #expect(report.heldOutErrors.map(abs).reduce(0, +) / 8 < 0.15)
  }
}

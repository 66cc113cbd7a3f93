import Calibration
import CostModels
import Documents
import Quantities
import ModelTestSupport
import Testing
import Workloads

@Suite struct DeviceFitTests {
  /// Each inner size predicted by the others of its curve, and each curve by the other curves, mean errors in per cent.
  ///
  /// The issue asks 5 % of sizes and 10 % of curves that were not fitted (H200), and 8 % of rows (A100, B200).
  @Test(arguments: [
    ("nvidia-h200", "h200/collectives_nvlink.csv", 7, 147, 3.4, 9.3),
    ("nvidia-h200-slow-a", "h200/collectives_slow_a.csv", 4, 84, 2.8, 5.7),
    ("nvidia-h200-slow-b", "h200/collectives_slow_b.csv", 4, 84, 2.8, 6.7),
    ("nvidia-a100-80g-sxm", "aiconfigurator/a100_collectives.csv", 12, 127, 4.3, 4.4),
    ("nvidia-b200", "aiconfigurator/b200_collectives.csv", 12, 123, 4.9, 5.4),
  ])
  func collectivesThatTheFitDidNotSee(
    name: String, path: String, curves: Int, rows: Int, sizeBound: Double, curveBound: Double
  ) throws {
    var fit = DeviceFit(device: try Repository.device(name))
    fit.add(try Repository.values(path))
    let (calibration, reports) = try fit.calibration(named: "x", source: "s")
    #expect(calibration.curves.count == curves)
    #expect(calibration.curves.values.reduce(0) { $0 + $1.points.count } == rows)
    #expect(Set(calibration.forms.keys) == ["collective"])
    let (sizes, others) = (try #require(reports.first), try #require(reports.last))
    #expect(sizes.heldOutErrors.count == rows - 2 * curves)
    #expect(others.heldOutErrors.count == rows)
    func mean(_ report: FormReport) -> Double {
      100 * report.heldOutErrors.map(abs).reduce(0, +) / Double(report.heldOutErrors.count)
    }
    print("\(name) collectives, left out: sizes \(mean(sizes)) %, curves \(mean(others)) %")
    #expect(mean(sizes) < sizeBound)
    #expect(mean(others) < curveBound)
    // The intervals that come of it hold nine rows of ten.
    for (report, spread) in [(sizes, calibration.curveSpread), (others, calibration.transferredSpread)] {
      let width = 1.645 * (spread ?? 0)
      let held = report.heldOutErrors.filter { abs((1 + $0).logarithm()) <= width }.count
      #expect((0.85...0.95).contains(Double(held) / Double(report.heldOutErrors.count)))
    }
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

import Calibration
import CostModels
import Documents
import ModelTestSupport
import Quantities
import Scenarios
import Testing

/// Whole layers by the classes of a profile, and LeNet's layers, as `rooftree validate` prints them.
///
/// Fits saw these rows; rows of the same tables that they did not see are kept back.
@Suite struct ProfileTests {
  @Test func deviceTimeOfEagerLayers() throws {
    let comparison = try AccuracyTests.comparison("h200/layers.csv")
    let totals = comparison.values.filter { $0.value.quantity == deviceTimeQuantity }
    #expect(totals.count == 19)
    #expect(try AccuracyTests.error(totals) <= 1.8)
    for total in totals { #expect(abs(total.relativeError ?? 1) < 0.05, "line \(total.value.line)") }
  }

  /// Classes of kernels, in sample; before a step's clock, residency and dimensions were known copies were missed by 9.2 %,
  /// dropout by 6 to 8 %, GELU by 3.4 % and attention by 10.2 %.
  @Test(arguments: [
    ("copy", 3.2), ("dropout", 3.2), ("gelu", 2), ("elementwise", 2.8), ("reduce", 2.5), ("attention", 8.5),
  ])
  func classesOfKernels(name: String, bound: Double) throws {
    let values = try AccuracyTests.comparison("h200/layers.csv").values.filter {
      $0.value.quantity == "kernel_breakdown_us" && $0.value.group.hasSuffix(" \(name)")
    }
    #expect(values.count == (name == "attention" ? 7 : 19))
    #expect(try AccuracyTests.error(values) <= bound)
    #expect(AccuracyTests.coverage(values) >= 85)
  }

  /// Every class that has 5 % or more of the device's time is within 3 points.
  @Test func sharesOfClasses() throws {
    let comparison = try AccuracyTests.comparison("h200/layers.csv")
    let points = comparison.summaries.compactMap { summary in summary.sharePoints.map { (summary.group, $0) }
    }
    #expect(points.count >= 16)
    for (group, difference) in points { #expect(difference <= 3, "\(group)") }
  }

  /// Times on the wall where the device is the slower of the two, and all of them within the intervals.
  ///
  /// Rows left out of the fit of the few constants are missed by 2.8 % (forward), 2.3 % (with the backward pass), 5.7 %
  /// (update) and 1.9 % (iteration).
  @Test(arguments: [("fwd_us", 4.0), ("fwdbwd_us", 3.5), ("opt_us", 8), ("iter_us", 3.5)])
  func timesOnTheWall(quantity: String, bound: Double) throws {
    let values = try AccuracyTests.comparison("h200/layers.csv").values.filter {
      $0.value.quantity == quantity
    }
    #expect(values.count == 19)
    // 128 tokens leave the device idle.
    let table = try Table(path: Repository.measurements("h200/layers.csv"))
    let short = Set(table.rows.filter { $0.text("s") == "128" }.map(\.line))
    #expect(try AccuracyTests.error(values.filter { !short.contains($0.value.line) }) <= bound)
    #expect(values.allSatisfy { !short.contains($0.value.line) || $0.bound == .launch })
    #expect(AccuracyTests.coverage(values) >= 85)
  }

  /// A profile's total is the sum of its classes, measured and predicted.
  @Test func totalIsTheSumOfTheClasses() throws {
    let values = try AccuracyTests.comparison("h200/layers.csv").values
    for (_, row) in Dictionary(grouping: values, by: \.value.line) {
      let classes = row.filter { $0.value.quantity == "kernel_breakdown_us" }
      let total = try #require(row.first { $0.value.quantity == deviceTimeQuantity })
      let measured = classes.reduce(0) { $0 + $1.value.measured }
      let predicted = try classes.reduce(0) { try $0 + #require($1.predicted) }
      #expect(abs(measured / total.value.measured - 1) < 1e-12)
      #expect(abs(predicted / (try #require(total.predicted)) - 1) < 1e-12)
    }
  }

  @Test func layersOfLeNet() throws {
    let comparison = try AccuracyTests.comparison("lenet/h200.csv")
    let covered = comparison.values.filter { $0.predicted != nil }
    #expect(comparison.values.count == 210 && covered.count == 196)
    #expect(try AccuracyTests.error(covered) <= 15)
  }
}

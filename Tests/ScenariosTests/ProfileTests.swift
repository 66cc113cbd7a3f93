import Calibration
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
    #expect(try AccuracyTests.error(totals) <= 3)
    for total in totals { #expect(abs(total.relativeError ?? 1) < 0.07, "line \(total.value.line)") }
  }

  /// Every class that has 5 % or more of the device's time is within 3 points.
  @Test func sharesOfClasses() throws {
    let comparison = try AccuracyTests.comparison("h200/layers.csv")
    let points = comparison.summaries.compactMap { summary in summary.sharePoints.map { (summary.group, $0) }
    }
    #expect(points.count >= 16)
    for (group, difference) in points { #expect(difference <= 3, "\(group)") }
  }

  /// A profile's total is the sum of its classes, measured and predicted.
  @Test func totalIsTheSumOfTheClasses() throws {
    let values = try AccuracyTests.comparison("h200/layers.csv").values
    for (_, row) in Dictionary(grouping: values, by: \.value.line) {
      let classes = row.filter { $0.value.quantity != deviceTimeQuantity }
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

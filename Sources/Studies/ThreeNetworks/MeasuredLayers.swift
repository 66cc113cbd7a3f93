import Calibration
import Documents
import Scenarios

/// A row of a table of layers: times with and without their exchanges, measured and projected, in seconds.
struct MeasuredLayer: Sendable {
  /// Measured and projected.
  struct Pair: Sendable {
    let measured: Double
    let projected: Double
    let interval: ClosedRange<Double>
    let isCovered: Bool

    var error: Double { projected / measured - 1 }
  }

  let line: Int
  let ranks: Int
  let hidden: Int
  let sequence: Int
  let batch: Int
  let layers: Int
  /// The values by the names of their columns.
  let values: [String: Pair]

  /// Its shape in a few words.
  var shape: String { "\(ranks) GPUs, H \(hidden), \(sequence) x \(batch)" }

  /// Part of a time that is not there without exchanges.
  ///
  /// - Parameters:
  ///   - column: the time with them.
  ///   - alone: the time without.
  ///   - projected: of the projection, or of the measurement.
  /// - Returns: the share; nil when the table lacks one of the columns.
  func share(_ column: String, without alone: String, projected: Bool) -> Double? {
    guard let whole = values[column], let compute = values[alone] else { return nil }
    return projected ? 1 - compute.projected / whole.projected : 1 - compute.measured / whole.measured
  }

  /// Reads the rows of a table of layers and projects them on a device.
  ///
  /// - Parameters:
  ///   - path: the table.
  ///   - ranks: the column with the number of GPUs.
  ///   - hardware: the device; its own calibration is used.
  ///   - library: the catalogue.
  /// - Throws: `Diagnostic` at the first fault.
  static func read(_ path: String, ranks: String, on hardware: String, in library: Library) throws(Diagnostic)
    -> [MeasuredLayer]
  {
    let comparison = try TableComparison(
      path: path, hardware: hardware, calibration: nil, library: library)
    let table = try Table(path: path)
    var layers: [MeasuredLayer] = []
    for row in table.rows {
      var values: [String: Pair] = [:]
      for value in comparison.values where value.value.line == row.line {
        guard let predicted = value.predicted, let interval = value.interval90 else { continue }
        let unit = value.value.unit
        values[value.value.quantity] = Pair(
          measured: unit * value.value.measured, projected: unit * predicted,
          interval: unit * interval.lowerBound...unit * interval.upperBound,
          isCovered: value.isCovered ?? false)
      }
      layers.append(
        MeasuredLayer(
          line: row.line, ranks: Int(try row.positive(ranks)), hidden: Int(try row.positive("h")),
          sequence: Int(try row.positive("s")), batch: Int(try row.positive("b")),
          layers: Int(try row.positive("layers")), values: values))
    }
    return layers
  }
}

/// Mean of some numbers; nil of none.
func mean(_ numbers: [Double]) -> Double? {
  numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count)
}

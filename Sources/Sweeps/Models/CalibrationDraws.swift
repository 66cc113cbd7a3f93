import CostModels
import Documents
import Quantities

/// Draws of a calibration's constants: logarithms with the covariance of the fit.
struct CalibrationDraws: Sendable {
  private struct Form: Sendable {
    let name: String
    let values: [Double]
    /// Lower triangle whose product with its transpose is the covariance.
    let root: [[Double]]
  }

  private let calibration: DeviceCalibration
  private let forms: [Form]
  /// The table that was read.
  let file: String

  /// The draws of a calibration, from the table of covariances beside the measurements.
  ///
  /// - Parameters:
  ///   - calibration: the constants.
  ///   - library: its folder's neighbour `notebooks-data/calibrations` holds the table.
  /// - Throws: `Diagnostic` when there is no table, or it holds no covariance.
  init(_ calibration: DeviceCalibration, in library: Library) throws(Diagnostic) {
    let parent =
      library.root.contains("/")
      ? String(library.root[..<(library.root.lastIndex(of: "/") ?? library.root.startIndex)]) : "."
    let path = parent + "/notebooks-data/calibrations/\(calibration.name)-covariance.csv"
    file = path
    let table = try Table(path: path)
    for column in ["form", "constant", "other", "log_covariance"] where !table.has(column) {
      throw Diagnostic(file: path, position: nil, fault: .missingColumn(column, known: table.columns))
    }
    var names: [String: [String]] = [:]
    var entries: [String: [[String]: Double]] = [:]
    for row in table.rows {
      let (form, constant, other) = (row.text("form"), row.text("constant"), row.text("other"))
      let value = try row.number("log_covariance", in: -1e6...1e6)
      if names[form, default: []].contains(constant) == false { names[form, default: []].append(constant) }
      entries[form, default: [:]][[constant, other]] = value
      entries[form, default: [:]][[other, constant]] = value
    }
    var forms: [Form] = []
    for name in calibration.forms.keys.sorted() {
      guard let fitted = calibration.forms[name], let order = names[name], order.count == fitted.values.count
      else {
        continue
      }
      let covariance = order.map { a in order.map { b in entries[name]?[[a, b]] ?? 0 } }
      guard let root = Self.root(covariance) else {
        throw Diagnostic(
          file: path, position: nil, fault: .contradiction("the covariance of '\(name)' is not positive"))
      }
      forms.append(Form(name: name, values: fitted.values, root: root))
    }
    self.calibration = calibration
    self.forms = forms
  }

  /// The Cholesky factor of a covariance; directions without spread stay without.
  ///
  /// - Returns: nil when the matrix has a negative variance.
  static func root(_ matrix: [[Double]]) -> [[Double]]? {
    let count = matrix.count
    var root = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
    for i in 0..<count {
      for j in 0...i {
        var rest = matrix[i][j]
        for k in 0..<j { rest -= root[i][k] * root[j][k] }
        if i == j {
          guard rest > -1e-9 * Swift.max(matrix[i][i], 1e-12) else { return nil }
          root[i][i] = rest > 0 ? rest.squareRoot() : 0
        } else {
          root[i][j] = root[j][j] > 0 ? rest / root[j][j] : 0
        }
      }
    }
    return root
  }

  /// A draw: the same one for the same seed and number, whoever asks.
  func draw(_ number: Int, seed: UInt64) -> DeviceCalibration {
    var random = SplitMix64(seed: seed, stream: UInt64(number))
    var result = calibration
    for form in forms {
      let normal = form.values.map { _ in random.normal() }
      let values = form.values.indices.map { i in
        var shift = 0.0
        for k in 0...i { shift += form.root[i][k] * normal[k] }
        return form.values[i] * shift.exponential()
      }
      guard let old = calibration.forms[form.name] else { continue }
      result.forms[form.name] = FittedConstants(
        values: values, logCovariance: old.logCovariance, spread: old.spread, rows: old.rows,
        domain: old.domain)
    }
    return result
  }
}

import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Studies

/// What a page's numbers rest on.
struct Trust {
  /// Models, calibrations and tables, in words.
  var foundations: [String] = []
  /// The files that were read.
  var files: [String] = []
  /// Constants with their provenance, errors of the models, what is extrapolated.
  var tables: [DataTable] = []
  /// The command that writes the page again.
  var command = ""
}

extension Trust {
  /// The data sheets and calibrations among some files: every number with its provenance, and how well the fitted forms do
  /// on rows that they did not see.
  ///
  /// - Parameters:
  ///   - files: files that were read, as the library names them.
  ///   - library: where they are.
  /// - Returns: a table of errors, then one for each data sheet and calibration; what two calibrations share stands in
  ///   the first.
  static func provenance(of files: [String], in library: Library) -> [DataTable] {
    let read = Set(files)
    func names(_ kind: Library.Kind) -> [String] {
      library.names(kind).filter { name in (try? library.path(kind, name)).map(read.contains) ?? false }
    }
    let calibrations = names(.calibrations).compactMap { try? DeviceCalibration(named: $0, in: library) }
    let devices = names(.hardware).compactMap { try? Device(named: $0, in: library) }
    var tables: [DataTable] = []
    if !calibrations.isEmpty { tables.append(accuracy(of: calibrations)) }
    tables += devices.map { device in
      ScenarioPage.facts(FactSheet(device), "The data sheet of \(device.name), number by number")
    }
    var known: Set<String> = []
    for calibration in calibrations {
      let all = ScenarioPage.facts(FactSheet(calibration), "")
      let rows = all.rows.filter { known.insert($0.map(\.machine).joined(separator: "\u{1f}")).inserted }
      guard !rows.isEmpty else { continue }
      let isRest = rows.count < all.rows.count
      tables.append(
        DataTable(
          "The calibration \(calibration.name), constant by constant\(isRest ? ", beyond those above" : "")",
          columns: all.columns, rows: rows))
    }
    return tables
  }

  /// How well the forms of some calibrations do, as their fits found it: on rows that were left out.
  private static func accuracy(of calibrations: [DeviceCalibration]) -> DataTable {
    var rows: [[DataTable.Cell]] = []
    for calibration in calibrations {
      for name in calibration.forms.keys.sorted() {
        guard let form = calibration.forms[name] else { continue }
        let cells: [DataTable.Cell] = [
          .text(name), .number(Double(form.rows)), .number(100 * form.spread, digits: 2),
        ]
        // A calibration that takes its forms from another one adds nothing.
        if !rows.contains(where: { Array($0.dropFirst()) == cells }) {
          rows.append([.text(calibration.name)] + cells)
        }
      }
    }
    return DataTable(
      "How accurate the models are: rows that the fits did not see",
      columns: [
        .init("calibration"), .init("form"), .init("measured rows"),
        .init("error of one row, a standard deviation", unit: "%"),
      ], rows: rows)
  }
}

public import Calibration
public import CostModels
public import Documents
public import Hardware

/// The files of the project, wherever the tests run.
public enum Repository {
  /// The root of the checkout.
  public static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/")

  /// The catalogue that the project ships.
  public static let library = Library(root: root + "/models")

  /// A device of the catalogue.
  public static func device(_ name: String) throws -> Device { try Device(named: name, in: library) }

  /// A calibration of the catalogue.
  public static func calibration(_ name: String) throws -> DeviceCalibration {
    try DeviceCalibration(named: name, in: library)
  }

  /// A table of `notebooks-data/measurements`, by its path there.
  public static func measurements(_ path: String) -> String {
    root + "/notebooks-data/measurements/" + path
  }

  /// The measured values of such a table.
  public static func values(_ path: String) throws -> [MeasuredValue] {
    let table = try Table(path: measurements(path))
    return try measuredValues(of: table, kind: try TableKind.recognise(table))
  }
}

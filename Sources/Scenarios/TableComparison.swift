public import Calibration
import CostModels
public import Documents
import Hardware
import Quantities

extension TableKind {
  /// What kind of device the rows can be of; nil where any.
  fileprivate var deviceKind: Device.Kind? {
    switch self {
    case .operators, .unitPartition, .tensorParallelLayers, .dataParallel, .concurrency, .layers,
      .convolutions:
      .gpu
    case .cpuKernels: .cpu
    case .pimKernels: .pim
    case .collectives, .energy, .trainingIterations, .publishedSteps: nil
    }
  }
}

/// A table of measurements with the predictions for it.
public struct TableComparison: Sendable {
  /// The file.
  public let path: String
  /// What the table holds.
  public let kind: TableKind
  /// The name of the device whose models predicted.
  public let hardware: String
  /// The values in the order of the rows.
  public let values: [ComparedValue]
  /// The software stacks of training steps, in the order in which rows need them.
  public let stacks: [Scenario]
  /// Relative errors of collectives that the calibration holds from leaving out: a point of a curve, and a whole curve;
  /// nil where it has none.
  public let leftOut: (point: Double?, curve: Double?)

  /// Reads a table and predicts its values.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - hardware: the device; by the name of the file if nil.
  ///   - calibration: a calibration's name, `none`, or nil for that of the device.
  ///   - library: the catalogue.
  ///   - sustained: whether what was measured is taken to run again and again without pauses.
  /// - Throws: `Diagnostic` at the first fault.
  public init(
    path: String, hardware: String?, calibration: String?, library: Library, sustained: Bool = false
  ) throws(Diagnostic) {
    let (kind, measured) = try measurements(path: path)
    self.kind = kind
    let name = hardware ?? Self.device(forTable: path)
    self.hardware = name
    self.path = path
    let device = try Device(named: name, in: library)
    if hardware != nil, let wanted = kind.deviceKind, wanted != device.kind {
      throw Diagnostic(
        file: path, position: nil,
        fault: .contradiction(
          "holds measurements of a \(wanted.rawValue), but '\(name)' is a \(device.kind.rawValue)"))
    }
    var fitted: DeviceCalibration?
    if let calibration {
      fitted =
        calibration == "none"
        ? nil : try DeviceCalibration(named: calibration, in: library).used(on: device, in: library)
    } else if library.names(.calibrations).contains(device.name) {
      fitted = try DeviceCalibration(named: device.name, in: library)
    }
    // What a stack's file holds wrongly is an error of the reader, not a row that no model covers.
    // Training steps of a table that says nothing of its device are those of the stacks, not of the default device.
    let stepHardware = hardware ?? Self.namedDevice(forTable: path)
    var runs = TrainingRunReader(library: library, hardware: stepHardware)
    for value in measured {
      if case .trainingStep(let run) = value.subject { _ = try runs.scenario(run) }
    }
    stacks = runs.used
    leftOut = (fitted?.curveSpread, fitted?.transferredSpread)
    let validation = Validation(
      device: device, calibration: fitted, sustained: sustained, library: library,
      stepHardware: stepHardware)
    values = validation.compare(measured)
  }

  /// Whether a table has the columns of a kind that models are about.
  ///
  /// - Parameter path: the file.
  /// - Returns: false also for a file that cannot be read.
  public static func isKnown(path: String) -> Bool { (try? measurements(path: path)) != nil }

  /// The device that a table of the project was measured on, by the name of its file.
  ///
  /// - Parameter path: the file.
  /// - Returns: the name of a device; `nvidia-h200` where the file's name says nothing.
  public static func device(forTable path: String) -> String { namedDevice(forTable: path) ?? "nvidia-h200" }

  /// The device that the name of a table's file says; nil where it says nothing.
  private static func namedDevice(forTable path: String) -> String? {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    let names = [
      ("slow_a", "nvidia-h200-slow-a"), ("slow_b", "nvidia-h200-slow-b"), ("a100", "nvidia-a100-80g-sxm"),
      ("b200", "nvidia-b200"), ("h100", "nvidia-h100-80g-sxm"), ("l40s", "nvidia-l40s"),
      ("v100", "nvidia-v100-32g-sxm"), ("cpu_xeon", "intel-xeon-16c"), ("prim_", "upmem-prim"),
      ("single_node", "nvidia-a100-80g-sxm"), ("multi_node", "nvidia-a100-80g-sxm"),
      ("training_steps", "nvidia-a100-80g-sxm"),
    ]
    return names.first { file.contains($0.0) }?.1
  }

  /// The errors by column and group, then of each column as a whole.
  public var summaries: [ErrorSummary] {
    var result: [ErrorSummary] = []
    var quantities: [String] = []
    for value in values where !quantities.contains(value.value.quantity) {
      quantities.append(value.value.quantity)
    }
    for quantity in quantities {
      let column = values.filter { $0.value.quantity == quantity }
      var groups: [String] = []
      for value in column where !groups.contains(value.value.group) { groups.append(value.value.group) }
      for group in groups {
        result.append(
          ErrorSummary(
            table: path, group: group, quantity: quantity, column.filter { $0.value.group == group },
            sharePoints: sharePoints(of: group)))
      }
      if groups.count > 1 {
        result.append(ErrorSummary(table: path, group: "all", quantity: quantity, column))
      }
    }
    return result
  }

  /// One table for each group and column of a table of published training steps; the table itself where there is one.
  public var byGroup: [TableComparison] {
    func key(_ value: ComparedValue) -> [String] { [value.value.group, value.value.quantity] }
    var parts: [[String]] = []
    for value in values where !parts.contains(key(value)) { parts.append(key(value)) }
    guard kind == .publishedSteps, parts.count > 1 else { return [self] }
    return parts.map { part in
      TableComparison(self, values: values.filter { key($0) == part }, group: part[0])
    }
  }

  private init(_ whole: TableComparison, values: [ComparedValue], group: String) {
    (path, kind, hardware) = (whole.path, whole.kind, whole.hardware)
    self.values = values
    leftOut = whole.leftOut
    stacks = whole.stacks.filter { $0.name.hasPrefix(group) }
  }

  /// Values that are points of the calibration's own curves; they say nothing of how well it predicts.
  public var readBack: Int { values.count { $0.isReadBack } }

  /// What each row is, by its line: the columns that are no results.
  public var labels: [Int: String] {
    var result: [Int: String] = [:]
    for value in values {
      if case .trainingStep(let run) = value.value.subject { result[value.value.line] = run.words }
    }
    guard result.isEmpty, let table = try? Table(path: path) else { return result }
    let results = ["_us", "_ms", "_s", "seconds", "joules", "iters"]
    let columns = kind.columns.filter { column in !results.contains { column.hasSuffix($0) } }
    for row in table.rows {
      result[row.line] = columns.map { "\($0) \(row.text($0))" }.joined(separator: ", ")
    }
    return result
  }

  /// What the rows name as their sources, each once.
  public var sources: [String] {
    guard let table = try? Table(path: path), table.has("source") else { return [] }
    let lines = Set(values.map(\.value.line))
    var result: [String] = []
    for row in table.rows where lines.contains(row.line) {
      let source = row.text("source")
      if !source.isEmpty, !result.contains(source) { result.append(source) }
    }
    return result
  }

  /// The shares of one class in the profiles of the table, in per cent of the device's time: measured and predicted.
  public func shares(of group: String) -> [(line: Int, measured: Double, predicted: Double)] {
    guard kind == .layers else { return [] }
    var totals: [Int: ComparedValue] = [:]
    for value in values where value.value.quantity == deviceTimeQuantity { totals[value.value.line] = value }
    return values.compactMap { value in
      guard value.value.group == group, value.value.quantity == "kernel_breakdown_us",
        let total = totals[value.value.line], let predicted = value.predicted, let whole = total.predicted
      else { return nil }
      return (
        value.value.line, 100 * value.value.measured / total.value.measured, 100 * predicted / whole
      )
    }
  }

  private func sharePoints(of group: String) -> Double? {
    shares(of: group).filter { $0.measured >= 5 }.map { abs($0.predicted - $0.measured) }.max()
  }

  /// The header of ``rowText``.
  public static var rowHeader: String {
    "table,line,group,quantity,measured,predicted,low90,high90,relative_error_percent,extrapolated\n"
  }

  /// One CSV line for each value, all digits, in the unit of the column.
  public var rowText: String {
    var text = ""
    for compared in values {
      let value = compared.value
      func cell(_ number: Double?) -> String { number.map { "\($0)" } ?? "" }
      text +=
        "\(csvField(path)),\(value.line),\(csvField(value.group)),\(value.quantity),\(value.measured),"
        + "\(cell(compared.predicted)),\(cell(compared.interval90?.lowerBound)),"
        + "\(cell(compared.interval90?.upperBound)),\(cell(compared.relativeError.map { 100 * $0 })),"
        + "\(compared.isExtrapolated)\n"
    }
    return text
  }
}

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

/// What the predictions for a table rest on.
public struct TableBasis: Sendable {
  /// How the device was found.
  public enum Choice: String, Sendable {
    /// It was asked for.
    case asked
    /// The file's own lines name it.
    case lines
    /// The name of the file.
    case file
    /// The name of the folder that the file stands in.
    case folder
    /// Nothing names one: the usual device.
    case usual
  }

  /// The device.
  public let hardware: String
  /// How it was found.
  public let choice: Choice
  /// The calibration; nil for the data sheet alone.
  public let calibration: String?
  /// The title of the device that the calibration was measured on, where that is another one.
  public let lender: String?
  /// The device as the file's own lines name it.
  public let title: String?
  /// Whether rows of training steps name devices of their own, each with the calibration of its stack.
  public let isOfRows: Bool

  init(
    device: Device, choice: Choice, calibration: DeviceCalibration?, titled title: String?, ofRows: Bool
  ) {
    hardware = device.name
    self.choice = choice
    self.calibration = calibration?.name
    lender = calibration?.measuredDevice?.title
    self.title = title
    isOfRows = ofRows
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
  /// What the predictions rest on, and how the device was found.
  public let basis: TableBasis
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
    let (kind, measured, title) = try measurements(path: path)
    self.kind = kind
    self.path = path
    let (device, choice) = try Self.device(of: path, asked: hardware, titled: title, kind, library)
    self.hardware = device.name
    var fitted: DeviceCalibration?
    if let name = calibration ?? DeviceCalibration.usualName(for: device, in: library), name != "none" {
      fitted = try DeviceCalibration(named: name, in: library).used(on: device, in: library)
    }
    basis = TableBasis(
      device: device, choice: choice, calibration: fitted,
      titled: title, ofRows: kind == .publishedSteps || kind == .trainingIterations)
    // What a stack's file holds wrongly is an error of the reader, not a row that no model covers.
    // Training steps of a table that says nothing of its device are those of the stacks, not of the default device.
    let stepHardware = hardware ?? (choice == .usual ? nil : device.name)
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

  /// The device that a table was measured on, by the name of its file, else of the folder that it stands in.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - library: the catalogue.
  /// - Returns: the name of a device; `nvidia-h200` where neither names one.
  public static func device(forTable path: String, in library: Library) -> String {
    let named = try? namedDevice(forTable: path, DeviceSpelling(library.names(.hardware)))
    return named?.name ?? "nvidia-h200"
  }

  /// The device that a file's lines, its name or its folder tell, and the words that say which.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - title: the device as the file's own lines name it.
  ///   - library: the catalogue.
  /// - Returns: nil where nothing tells one of the catalogue.
  public static func deviceTold(by path: String, titled title: String?, in library: Library)
    -> (name: String, words: String)?
  {
    let spelling = DeviceSpelling(library.names(.hardware))
    if let name = title.flatMap(spelling.device(in:)) { return (name, "its lines name") }
    guard let (name, choice) = (try? namedDevice(forTable: path, spelling)) ?? nil else { return nil }
    return (name, choice == .file ? "its name means" : "its folder's name means")
  }

  /// The device that a file or its folder names; nil where they name none.
  private static func namedDevice(forTable path: String, _ spelling: DeviceSpelling) throws(Diagnostic)
    -> (name: String, choice: TableBasis.Choice)?
  {
    let parts = path.split(separator: "/").suffix(2).reversed().map(String.init)
    for (part, choice) in zip(parts, [TableBasis.Choice.file, .folder]) {
      // A folder that is named by a UUID (`...-b200-...`) names no device.
      if choice == .folder, part.count >= 36, part.split(separator: "-").count >= 5 { continue }
      if let name = spelling.device(in: part) { return (name, choice) }
      // Folders have names of many kinds, drawn ones among them; only a file's name is taken at its word.
      if choice == .file, let word = spelling.unknownDevice(in: part) {
        throw Diagnostic(
          file: path, position: nil,
          fault: .contradiction(
            "the name of the file speaks of '\(word)', which is no device of the "
              + "catalogue; --hardware says which was measured"))
      }
    }
    // Training steps of clusters whose machines their tables do not name.
    let steps = ["single_node", "multi_node", "training_steps"]
    let isStep = steps.contains { parts.first?.contains($0) == true }
    return isStep ? ("nvidia-a100-80g-sxm", .file) : nil
  }

  /// The device that was measured: the one asked for, else the one that the file's lines, its name or its folder's name
  /// tell, else the usual one.
  private static func device(
    of path: String, asked: String?, titled title: String?, _ kind: TableKind, _ library: Library
  ) throws(Diagnostic) -> (Device, TableBasis.Choice) {
    if let asked {
      let device = try Device(named: asked, in: library)
      if let wanted = kind.deviceKind, wanted != device.kind {
        throw Diagnostic(
          file: path, position: nil,
          fault: .contradiction(
            "holds measurements of a \(wanted.rawValue), but '\(asked)' is a \(device.kind.rawValue)"))
      }
      return (device, .asked)
    }
    let spelling = DeviceSpelling(library.names(.hardware))
    if let title {
      guard let name = spelling.device(in: title) else {
        throw Diagnostic(
          file: path, position: nil,
          fault: .contradiction(
            "names the device '\(printable(title))', which the catalogue does not have; --hardware says which to take"
          ))
      }
      return (try Device(named: name, in: library), .lines)
    }
    if let (name, choice) = try namedDevice(forTable: path, spelling) {
      let device = try Device(named: name, in: library)
      // A processor's table may stand in the folder of a GPU.
      if kind.deviceKind == nil || kind.deviceKind == device.kind { return (device, choice) }
    }
    let usual: String
    switch kind.deviceKind {
    case .cpu: usual = "intel-xeon-16c"
    case .pim: usual = "upmem-prim"
    case .gpu, nil: usual = "nvidia-h200"
    }
    return (try Device(named: usual, in: library), .usual)
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
            sharePoints: sharePoints(of: group), basis: basis))
      }
      if groups.count > 1 {
        result.append(ErrorSummary(table: path, group: "all", quantity: quantity, column, basis: basis))
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
    (path, kind, hardware, basis) = (whole.path, whole.kind, whole.hardware, whole.basis)
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
    "table,line,group,quantity,measured,predicted,low90,high90,relative_error_percent,extrapolated,"
      + "hardware,calibration\n"
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
        + "\(compared.predicted == nil ? "" : "\(compared.isExtrapolated)"),\(csvField(basis.hardware)),\(csvField(basis.calibration ?? ""))\n"
    }
    return text
  }
}

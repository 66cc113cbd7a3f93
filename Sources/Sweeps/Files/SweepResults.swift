import Documents
import Foundation
import Quantities

/// A table of results, ready for a file or a terminal.
public struct ResultTable: Sendable {
  /// A column with its unit and meaning.
  public struct Column: Sendable {
    /// Its name.
    public let name: String
    /// Its unit; `1` for plain numbers, empty for words.
    public let unit: String
    /// What it is.
    public let title: String
  }

  /// The name of the file, without `.csv`.
  public let name: String
  /// What it shows.
  public let title: String
  /// The columns.
  public let columns: [Column]
  /// The rows, numbers in all digits.
  public let rows: [[String]]
  /// The columns by which scenarios were chosen, and whether less of each is better; empty for other tables.
  public internal(set) var objectives: [(column: String, isLess: Bool)] = []

  /// The table as CSV, units in the header.
  public var csv: String {
    var text = columns.map { csvField(Self.header($0)) }.joined(separator: ",") + "\n"
    for row in rows { text += row.map(csvField).joined(separator: ",") + "\n" }
    return text
  }

  /// `time_s`, `memory_B`, `tensor`.
  static func header(_ column: Column) -> String {
    column.unit.isEmpty || column.unit == "1"
      ? column.name : column.name + "_" + column.unit.replacingOccurrences(of: "/", with: "_per_")
  }
}

/// What a sweep found: the counts, and a table for each thing that was asked for.
public struct SweepResults: Sendable {
  /// Scenarios of the space.
  public let scenarios: Int
  /// Scenarios with an answer.
  public let feasible: Int
  /// Scenarios without one, by reason.
  public let reasons: [(reason: String, count: Int)]
  /// The tables.
  public let tables: [ResultTable]
}

extension PreparedSweep {
  /// The column of an axis.
  private func column(ofAxis axis: Int) -> ResultTable.Column {
    let axis = sweep.space.axes[axis]
    return ResultTable.Column(name: axis.name, unit: axis.isNames ? "" : axis.unit, title: axis.title)
  }

  private func column(_ output: SweepOutput) -> ResultTable.Column {
    ResultTable.Column(name: output.name, unit: output.unit, title: output.title)
  }

  /// The columns of scenarios: the index, the axes, the outputs.
  private var scenarioColumns: [ResultTable.Column] {
    [ResultTable.Column(name: "scenario", unit: "1", title: "the index of the scenario in the space")]
      + sweep.space.axes.indices.map { column(ofAxis: $0) } + sweep.outputs.map { column($0) }
  }

  private func labels(_ index: Int) -> [String] {
    sweep.space.axes.indices.map { axis in
      sweep.space.label(axis, at: sweep.space.digit(sweep.space.dimensionOfAxis[axis], of: index))
    }
  }

  private func output(_ name: String) -> SweepOutput {
    (sweep.model.outputs + sweep.derived.map(\.output)).first { $0.name == name }
      ?? SweepOutput(name, unit: "1", name)
  }

  /// What was found, from all parts.
  ///
  /// - Parameter folder: where they are.
  /// - Returns: counts and tables.
  /// - Throws: `FileFailure` when a part is missing, damaged or of another space.
  public func results(in folder: String) throws(FileFailure) -> SweepResults {
    let kept = try merged(in: folder)
    let engine = SweepEngine(sweep, model, threads: 1)
    var tables: [ResultTable] = []
    for (reduction, reducer) in zip(sweep.reductions, kept.reducers) {
      tables.append(table(reduction, reducer, engine))
    }
    let reasons = zip(engine.reasons, kept.tally.byReason).map { (reason: $0, count: Int($1)) }.filter {
      $0.count > 0
    }
    return SweepResults(
      scenarios: sweep.space.count, feasible: Int(kept.tally.feasible),
      reasons: reasons.sorted { $0.count > $1.count }, tables: tables)
  }

  func table(_ reduction: Sweep.Reduction, _ reducer: any Reducer, _ engine: SweepEngine)
    -> ResultTable
  {
    // Outputs that scenarios were chosen by are shown even where nobody asked for them.
    func chosen(
      _ name: String, _ title: String, _ objectives: [(output: String, direction: Sweep.Direction)],
      _ entries: [(index: Int, values: [Double])]
    ) -> ResultTable {
      let hidden = objectives.indices.filter { place in
        !sweep.outputs.contains { $0.name == objectives[place].output }
      }
      return ResultTable(
        name: name, title: title,
        columns: scenarioColumns + hidden.map { column(output(objectives[$0].output)) },
        rows: entries.map { index, values in
          [plainNumber(Double(index))] + labels(index) + engine.scenario(index).values.map(plainNumber)
            + hidden.map { plainNumber(values[$0]) }
        }, objectives: objectives.map { ($0.output, $0.direction == .minimize) })
    }
    func words(_ objectives: [(output: String, direction: Sweep.Direction)]) -> String {
      objectives.map { "\($0.direction == .minimize ? "least" : "largest") \($0.output)" }.joined(
        separator: ", ")
    }
    switch (reduction, reducer) {
    case (.best(let objectives, _), let best as BestScenarios):
      return chosen(
        "best", "the best by \(words(objectives))", objectives,
        best.entries.map { entry in
          (entry.index, zip(objectives, entry.values).map { $0.direction.sign * $1 })
        })
    case (.pareto(let objectives), let front as ParetoFront):
      return chosen("pareto", "not beaten in \(words(objectives))", objectives, front.sorted)
    case (.percentiles(let name, let shares), let distribution as Distribution):
      let output = output(name)
      return ResultTable(
        name: "percentiles-\(name)", title: "percentiles of \(output.title), to within 0.1 %",
        columns: [
          .init(name: "percent", unit: "%", title: "share of the scenarios that do not exceed the value"),
          column(output),
        ],
        rows: shares.map { [plainNumber($0), distribution.quantile($0 / 100).map(plainNumber) ?? ""] })
    case (.histogram(let name, _, _, _), let histogram as Histogram):
      let output = output(name)
      return ResultTable(
        name: "histogram-\(name)", title: "how \(output.title) is spread",
        columns: [
          .init(name: "from", unit: output.unit, title: "start of the bin, which belongs to it"),
          .init(name: "to", unit: output.unit, title: "end of the bin, which does not"),
          .init(name: "count", unit: "1", title: "scenarios in the bin"),
        ],
        rows: histogram.counts.indices.map { bin in
          let (low, high) = histogram.bounds(bin)
          return [plainNumber(low), plainNumber(high), "\(histogram.counts[bin])"]
        })
    case (.marginal(let name, let axis), let marginal as Marginal):
      let output = output(name)
      let axisName = sweep.space.axes[axis].name
      return ResultTable(
        name: "marginal-\(name)-\(axisName)", title: "\(output.title) by \(axisName)",
        columns: [
          column(ofAxis: axis), .init(name: "count", unit: "1", title: "scenarios with an answer"),
          .init(name: "least_\(name)", unit: output.unit, title: "least \(output.title)"),
          .init(name: "mean_\(name)", unit: output.unit, title: "mean \(output.title)"),
          .init(name: "largest_\(name)", unit: output.unit, title: "largest \(output.title)"),
        ],
        rows: marginal.entries.enumerated().map { digit, entry in
          let label = sweep.space.label(axis, at: digit)
          guard entry.count > 0 else { return [label, "0", "", "", ""] }
          return [
            label, "\(entry.count)", plainNumber(entry.least),
            plainNumber(entry.sum.value / Double(entry.count)),
            plainNumber(entry.largest),
          ]
        })
    default: return ResultTable(name: "nothing", title: "", columns: [], rows: [])
    }
  }

  /// Writes the tables, the files of all scenarios and the data dictionary beside them.
  ///
  /// - Parameters:
  ///   - results: what was found.
  ///   - folder: where they go; the parts are there.
  ///   - program: name and version, for the provenance of array files.
  /// - Returns: the files that were written, and remarks on those that could not be.
  /// - Throws: `FileFailure`.
  public func write(_ results: SweepResults, to folder: String, program: String) throws(FileFailure)
    -> (files: [String], remarks: [String])
  {
    var files: [String] = []
    var remarks: [String] = []
    var dictionary: [[String]] = []
    for table in results.tables {
      let path = "\(folder)/\(table.name).csv"
      try replaceFile(path, with: table.csv)
      files.append(path)
      for column in table.columns {
        dictionary.append(["\(table.name).csv", ResultTable.header(column), column.unit, column.title])
      }
    }
    let counts =
      [["with an answer", "\(results.feasible)"]] + results.reasons.map { [$0.reason, "\($0.count)"] }
    let tally = ResultTable(
      name: "scenarios", title: "",
      columns: [
        .init(name: "reason", unit: "", title: "why a scenario has no answer"),
        .init(name: "count", unit: "1", title: "scenarios"),
      ], rows: counts)
    try replaceFile("\(folder)/scenarios.csv", with: tally.csv)
    files.append("\(folder)/scenarios.csv")
    for column in tally.columns {
      dictionary.append(["scenarios.csv", column.name, column.unit, column.title])
    }

    let wantsTable = sweep.formats.contains(.csv) || sweep.formats.contains(.parquet)
    if sweep.formats.contains(.netcdf) {
      let path = "\(folder)/\(sweep.name).nc"
      try writeArray(path, in: folder, program: program)
      files.append(path)
      for axis in sweep.space.axes {
        dictionary.append(["\(sweep.name).nc", axis.name, axis.isNames ? "" : axis.unit, axis.title])
      }
      for output in sweep.outputs {
        dictionary.append(["\(sweep.name).nc", output.name, output.unit, output.title])
      }
    }
    if wantsTable {
      let path = "\(folder)/\(sweep.name).csv"
      try writeTable(path, in: folder)
      var written = ["\(sweep.name).csv"]
      if sweep.formats.contains(.parquet) {
        if let remark = convertToParquet(path) {
          remarks.append(remark)
        } else {
          // The CSV file was only its source, unless it was asked for as well.
          if !sweep.formats.contains(.csv) {
            unlink(path)
            written = []
          }
          written.append("\(sweep.name).parquet")
        }
      }
      for name in written {
        files.append("\(folder)/\(name)")
        for column in scenarioColumns {
          dictionary.append([name, ResultTable.header(column), column.unit, column.title])
        }
      }
    }
    let columns = ResultTable(
      name: "columns", title: "",
      columns: ["file", "column", "unit", "meaning"].map { .init(name: $0, unit: "", title: "") },
      rows: dictionary)
    try replaceFile("\(folder)/columns.csv", with: columns.csv)
    files.append("\(folder)/columns.csv")
    return (files, remarks)
  }

  /// The array file: a variable over the dimensions of the space for each output, coordinates for each axis.
  private func writeArray(_ path: String, in folder: String, program: String) throws(FileFailure) {
    let space = sweep.space
    let temporary = path + ".new"
    do throws(FileFailure) {
      let file = try NetCDFFile(path: temporary)
      var dimensions: [Int32] = []
      for dimension in space.dimensions {
        dimensions.append(try file.dimension(dimension.name, dimension.size))
      }
      try file.attribute("Conventions", "CF-1.10")
      try file.attribute("title", sweep.title)
      try file.attribute("source", program)
      try file.attribute("fingerprint", fingerprint)
      try file.attribute("inputs", files.joined(separator: " "))
      try file.attribute("comment", sweep.note ?? "")
      var coordinates: [(axis: Int, variable: Int32)] = []
      for dimension in space.dimensions.indices {
        for axis in space.dimensions[dimension].axes {
          let given = space.axes[axis]
          let over = [dimensions[dimension]]
          let variable =
            given.isNames ? try file.textVariable(given.name, over) : try file.variable(given.name, over)
          try file.attribute("long_name", given.title, of: variable)
          if !given.isNames { try file.attribute("units", given.unit, of: variable) }
          coordinates.append((axis, variable))
        }
      }
      let chunk = Self.chunk(of: space.dimensions.map(\.size))
      var variables: [Int32] = []
      for output in sweep.outputs {
        let variable = try file.variable(output.name, dimensions, chunk: chunk)
        try file.attribute("long_name", output.title, of: variable)
        try file.attribute("units", output.unit, of: variable)
        // Axes that share a dimension are not named like it; this tells readers that they are coordinates.
        let others = space.axes.indices.filter {
          space.axes[$0].name != space.dimensions[space.dimensionOfAxis[$0]].name
        }
        try file.attribute(
          "coordinates", others.map { space.axes[$0].name }.joined(separator: " "), of: variable)
        variables.append(variable)
      }
      try file.endDefinitions()
      for (axis, variable) in coordinates {
        let size = space.dimensions[space.dimensionOfAxis[axis]].size
        if space.axes[axis].isNames {
          try file.put(variable, texts: (0..<size).map { space.label(axis, at: $0) })
        } else {
          var start = 0
          while start < size {
            let end = Swift.min(size, start + 65_536)
            try file.put(
              variable, start: [start], count: [end - start], (start..<end).map { space.number(axis, at: $0) }
            )
            start = end
          }
        }
      }
      let buffer = UnsafeMutablePointer<Double>.allocate(capacity: Swift.min(sweep.partSize, space.count))
      defer { buffer.deallocate() }
      for (index, variable) in variables.enumerated() {
        for number in 0..<partCount {
          guard let part = try openPart(number, in: folder) else { continue }
          let range = part.header.range
          part.copy(column: index, range, to: buffer)
          for box in Self.boxes(range, sizes: space.dimensions.map(\.size)) {
            try file.put(
              variable, start: box.start, count: box.count, buffer + (box.offset - range.lowerBound))
          }
        }
      }
      try file.close()
    } catch {
      unlink(temporary)
      throw error
    }
    try moveIntoPlace(temporary, path)
  }

  /// Chunks of up to 1 MiB that follow the order of the index.
  static func chunk(of sizes: [Int]) -> [Int] {
    var left = 1 << 17
    var result = [Int](repeating: 1, count: sizes.count)
    for index in sizes.indices.reversed() {
      result[index] = Swift.max(1, Swift.min(sizes[index], left))
      left = result[index] == sizes[index] ? left / sizes[index] : 1
    }
    return result
  }

  /// A run of indices as boxes of an array, in the order of the index.
  static func boxes(_ range: Range<Int>, sizes: [Int]) -> [(offset: Int, start: [Int], count: [Int])] {
    var strides = [Int](repeating: 1, count: sizes.count)
    for index in sizes.indices.dropLast().reversed() {
      strides[index] = strides[index + 1] * sizes[index + 1]
    }
    var result: [(offset: Int, start: [Int], count: [Int])] = []
    var position = range.lowerBound
    while position < range.upperBound {
      // The largest box that starts here: whole trailing dimensions, as much as is left of the one before them.
      var level = sizes.count - 1
      while level > 0, position % strides[level - 1] == 0, position + strides[level - 1] <= range.upperBound {
        level -= 1
      }
      let digit = position / strides[level] % sizes[level]
      let rows = Swift.max(1, Swift.min(sizes[level] - digit, (range.upperBound - position) / strides[level]))
      var start = [Int](repeating: 0, count: sizes.count)
      var count = [Int](repeating: 1, count: sizes.count)
      for index in sizes.indices {
        if index <= level { start[index] = position / strides[index] % sizes[index] }
        if index == level { count[index] = rows }
        if index > level { count[index] = sizes[index] }
      }
      result.append((position, start, count))
      position += rows * strides[level]
    }
    return result
  }

  /// The table of all scenarios with an answer.
  private func writeTable(_ path: String, in folder: String) throws(FileFailure) {
    let temporary = path + ".new"
    let space = sweep.space
    var labels: [[String]?] = []
    for axis in space.axes.indices {
      let size = space.dimensions[space.dimensionOfAxis[axis]].size
      labels.append(size <= 1 << 16 ? (0..<size).map { csvField(space.label(axis, at: $0)) } : nil)
    }
    do throws(FileFailure) {
      let writer = try TextWriter(temporary)
      writer.add(scenarioColumns.map { csvField(ResultTable.header($0)) }.joined(separator: ",") + "\n")
      for number in 0..<partCount {
        guard let part = try openPart(number, in: folder) else { continue }
        let range = part.header.range
        let columns = UnsafeMutablePointer<Double>.allocate(capacity: range.count * sweep.outputs.count)
        defer { columns.deallocate() }
        for index in sweep.outputs.indices {
          part.copy(column: index, range, to: columns + index * range.count)
        }
        for place in 0..<range.count {
          // Scenarios without an answer have no number in any column.
          guard sweep.outputs.indices.contains(where: { !columns[$0 * range.count + place].isNaN }) else {
            continue
          }
          let index = range.lowerBound + place
          writer.add("\(index)")
          for axis in space.axes.indices {
            let digit = space.digit(space.dimensionOfAxis[axis], of: index)
            writer.add(",")
            writer.add(labels[axis]?[digit] ?? space.label(axis, at: digit))
          }
          for output in sweep.outputs.indices {
            writer.add(",")
            writer.add(plainNumber(columns[output * range.count + place]))
          }
          writer.add("\n")
          try writer.flushIfLarge()
        }
      }
      try writer.close()
    } catch {
      unlink(temporary)
      throw error
    }
    try moveIntoPlace(temporary, path)
  }

  /// Has the DuckDB command turn the table into a Parquet file beside it: names are text, the index whole, the rest doubles.
  ///
  /// - Returns: a remark when it is not installed or fails; then no Parquet file is left.
  private func convertToParquet(_ path: String) -> String? {
    let target = String(path.dropLast(3)) + "parquet"
    let temporary = target + ".new"
    let quoted = { (text: String) in "'" + text.replacingOccurrences(of: "'", with: "''") + "'" }
    let types = scenarioColumns.enumerated().map { number, column in
      let type = number == 0 ? "BIGINT" : column.unit.isEmpty ? "VARCHAR" : "DOUBLE"
      return "\(quoted(ResultTable.header(column))): '\(type)'"
    }
    let process = Process()
    let errors = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "duckdb", "-c",
      "set memory_limit = '400MB'; copy (from read_csv(\(quoted(path)), header = true, auto_detect = false, "
        + "quote = '\"', escape = '\"', columns = {\(types.joined(separator: ", "))})) to \(quoted(temporary)) "
        + "(format parquet, compression zstd)",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    do { try process.run() } catch { return "no Parquet file: \(error)" }
    let words = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    switch process.terminationStatus {
    case 0:
      do throws(FileFailure) { try moveIntoPlace(temporary, target) } catch {
        return "no Parquet file: \(error)"
      }
      return nil
    case 127:
      return "no Parquet file: the command duckdb is not installed (pip install duckdb-cli); the table is CSV"
    default:
      unlink(temporary)
      let first = String(decoding: words, as: UTF8.self).split(separator: "\n").first ?? ""
      return "no Parquet file: duckdb failed: \(printable(String(first)))"
    }
  }
}

/// Writes a text file in one step.
func replaceFile(_ path: String, with text: String) throws(FileFailure) {
  let writer = try TextWriter(path + ".new")
  writer.add(text)
  do throws(FileFailure) { try writer.close() } catch {
    unlink(path + ".new")
    throw error
  }
  try moveIntoPlace(path + ".new", path)
}

/// Gives a finished file its name.
private func moveIntoPlace(_ temporary: String, _ path: String) throws(FileFailure) {
  let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
  if descriptor >= 0 {
    fsync(descriptor)
    close(descriptor)
  }
  guard rename(temporary, path) == 0 else {
    let failure = FileFailure.system(path)
    unlink(temporary)
    throw failure
  }
}

/// A text file that is written through one buffer.
final class TextWriter {
  private let path: String
  private var descriptor: Int32
  private var buffer: [UInt8] = []

  init(_ path: String) throws(FileFailure) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(path) }
  }

  deinit { if descriptor >= 0 { Foundation.close(descriptor) } }

  func add(_ text: String) { buffer.append(contentsOf: text.utf8) }

  func flushIfLarge() throws(FileFailure) { if buffer.count > 1 << 18 { try flush() } }

  private func flush() throws(FileFailure) {
    guard buffer.withUnsafeBytes({ writeAll($0, to: descriptor) }) else { throw .system(path) }
    buffer.removeAll(keepingCapacity: true)
  }

  func close() throws(FileFailure) {
    try flush()
    guard fsync(descriptor) == 0 else { throw .system(path) }
    Foundation.close(descriptor)
    descriptor = -1
  }
}

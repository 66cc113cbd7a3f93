import Quantities
public import Sweeps

extension SweepResults {
  /// The results for a terminal: counts, then the tables, long ones cut.
  ///
  /// - Parameters:
  ///   - sweep: the question.
  ///   - files: what was written.
  ///   - remarks: what could not be.
  /// - Returns: text that ends a line.
  public func text(_ sweep: Sweep, files: [String], remarks: [String]) -> String {
    var text = sweep.title + "\n"
    let sizes = sweep.space.dimensions.map { "\($0.name) \($0.size)" }.joined(separator: " x ")
    text += "scenarios: \(grouped(scenarios)) (\(sizes))\n"
    text += "with an answer: \(grouped(feasible))\n"
    for entry in reasons { text += "  without: \(grouped(entry.count)), \(entry.reason)\n" }
    if feasible == 0, scenarios > 0 {
      text += "no scenario has an answer: the constraints leave nothing of the space\n"
    }
    for table in tables where !table.rows.isEmpty { text += "\n" + table.text }
    if !files.isEmpty { text += "\nwritten: " + files.joined(separator: ", ") + "\n" }
    for remark in remarks { text += remark + "\n" }
    return text
  }

  /// The results as JSON, all digits.
  ///
  /// - Parameter sweep: the question.
  /// - Returns: text that ends a line.
  public func json(_ sweep: Sweep) -> String {
    return JSONText.object([
      ("title", .text(sweep.title)), ("changed", .array(sweep.changes.map { .text($0) })),
      ("scenarios", .number(Double(scenarios))), ("feasible", .number(Double(feasible))),
      (
        "infeasible",
        .array(reasons.map { .object([("reason", .text($0.reason)), ("count", .number(Double($0.count)))]) })
      ),
      ("tables", .array(tables.map(\.jsonText))),
    ]).text + "\n"
  }
}

extension SweepSearch {
  /// What was found, for a terminal, and how much of the space was looked at.
  public func text(_ sweep: Sweep) -> String {
    var text = sweep.title + "\n"
    text += "scenarios: \(grouped(scenarios)); computed: \(grouped(computed))\n"
    text +=
      "left out: \(grouped(impossible)) in which a constraint never holds, \(grouped(beaten)) that cannot be better\n"
    return text + tables.map { "\n" + $0.text }.joined()
  }

  /// What was found, as JSON.
  ///
  /// - Parameter sweep: the question.
  /// - Returns: text that ends a line.
  public func json(_ sweep: Sweep) -> String {
    JSONText.object([
      ("title", .text(sweep.title)), ("changed", .array(sweep.changes.map { .text($0) })),
      ("scenarios", .number(Double(scenarios))), ("computed", .number(Double(computed))),
      ("impossible", .number(Double(impossible))), ("beaten", .number(Double(beaten))),
      ("tables", .array(tables.map(\.jsonText))),
    ]).text + "\n"
  }
}

extension ResultTable {
  /// The table with its title, for a terminal: few digits, and at most 12 rows.
  var text: String {
    let shown = 12
    var printed = TextTable(
      columns.map { column in
        let isPlain = column.unit.isEmpty || column.unit == "1"
        let alignment: TextTable.Alignment = column.unit.isEmpty ? .left : .right
        return (isPlain ? column.name : "\(column.name), \(column.unit)", alignment)
      })
    for row in rows.prefix(shown) { printed.add(row.map(short)) }
    let rest = rows.count > shown ? "and \(grouped(rows.count - shown)) more\n" : ""
    return title + "\n" + printed.text + rest
  }

  /// The table with all digits.
  var jsonText: JSONText {
    let columns = columns.map { column in
      JSONText.object([
        ("name", .text(column.name)), ("unit", .text(column.unit)), ("title", .text(column.title)),
      ])
    }
    let rows = rows.map { row in
      JSONText.array(row.map { cell in Double(cell).map { JSONText.number($0) } ?? JSONText.text(cell) })
    }
    return .object([
      ("name", .text(name)), ("title", .text(title)), ("columns", .array(columns)), ("rows", .array(rows)),
    ])
  }

  /// A cell with few digits.
  private func short(_ cell: String) -> String {
    guard let value = Double(cell), value.isFinite else { return cell }
    return Int(exactly: value) != nil && abs(value) < 1e9 ? cell : formatted(value, digits: 4)
  }
}

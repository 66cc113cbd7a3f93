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
    let shown = 12
    for table in tables where !table.rows.isEmpty {
      text += "\n" + table.title + "\n"
      var printed = TextTable(
        table.columns.map { column in
          (
            column.unit.isEmpty || column.unit == "1" ? column.name : "\(column.name), \(column.unit)",
            column.unit.isEmpty ? .left : .right
          )
        })
      for row in table.rows.prefix(shown) { printed.add(row.map(short)) }
      text += printed.text
      if table.rows.count > shown {
        text += "and \(grouped(table.rows.count - shown)) more in \(table.name).csv\n"
      }
    }
    if !files.isEmpty { text += "\nwritten: " + files.joined(separator: ", ") + "\n" }
    for remark in remarks { text += remark + "\n" }
    return text
  }

  /// A cell with few digits.
  private func short(_ cell: String) -> String {
    guard let value = Double(cell), value.isFinite else { return cell }
    return Int(exactly: value) != nil && abs(value) < 1e9 ? cell : formatted(value, digits: 4)
  }

  /// The results as JSON, all digits.
  public var json: String {
    var lines: [JSONText] = []
    for table in tables {
      lines.append(
        .object([
          ("name", .text(table.name)), ("title", .text(table.title)),
          (
            "columns",
            .array(
              table.columns.map {
                .object([("name", .text($0.name)), ("unit", .text($0.unit)), ("title", .text($0.title))])
              })
          ),
          (
            "rows",
            .array(
              table.rows.map { row in
                .array(row.map { cell in Double(cell).map { .number($0) } ?? .text(cell) })
              })
          ),
        ]))
    }
    return JSONText.object([
      ("scenarios", .number(Double(scenarios))), ("feasible", .number(Double(feasible))),
      (
        "infeasible",
        .array(reasons.map { .object([("reason", .text($0.reason)), ("count", .number(Double($0.count)))]) })
      ),
      ("tables", .array(lines)),
    ]).text + "\n"
  }
}

/// A count with its digits in groups of three.
private func grouped(_ count: Int) -> String {
  var digits = "\(count)"
  var result = ""
  while digits.count > 3 {
    result = "," + digits.suffix(3) + result
    digits.removeLast(3)
  }
  return digits + result
}

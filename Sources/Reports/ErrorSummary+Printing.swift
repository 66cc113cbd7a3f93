import Calibration
import Quantities
public import Scenarios

extension ErrorSummary {
  /// The summaries as a table for a terminal.
  ///
  /// - Parameters:
  ///   - summaries: of groups of rows.
  ///   - leftOut: what a collective misses when its point or curve is left out, by table.
  /// - Returns: text that ends a line.
  public static func text(
    _ summaries: [ErrorSummary], leftOut: [String: (point: Double?, curve: Double?)] = [:]
  ) -> String {
    var text = ""
    var tables: [String] = []
    var anyBeyond = false
    for summary in summaries where !tables.contains(summary.table) { tables.append(summary.table) }
    for name in tables {
      let hasShares = summaries.contains { $0.table == name && $0.sharePoints != nil }
      // Where all rows are, as without a calibration, the column would tell nothing apart.
      let isBeyond = summaries.contains {
        $0.table == name && $0.extrapolated > 0 && $0.extrapolated < $0.rows
      }
      anyBeyond = anyBeyond || isBeyond
      var table = TextTable(
        [
          ("group", .left), ("quantity", .left), ("rows", .right), ("bias %", .right), ("MAPE %", .right),
          ("median %", .right), ("90th %", .right), ("worst %", .right), ("in 90 % interval", .right),
        ] + (hasShares ? [("share, worst points", .right)] : [])
          + (isBeyond ? [("extrapolated", .right)] : []))
      for summary in summaries where summary.table == name {
        func cell(_ value: Double?, _ decimals: Int = 1) -> String {
          value.map { fixed($0, decimals: decimals) } ?? "-"
        }
        table.add(
          [
            summary.group, summary.quantity, "\(summary.rows)", cell(summary.bias), cell(summary.mape),
            cell(summary.p50), cell(summary.p90), cell(summary.max),
            summary.coverage90.map { fixed($0, decimals: 0) + " %" } ?? "-",
          ] + (hasShares ? [cell(summary.sharePoints)] : []) + (isBeyond ? ["\(summary.extrapolated)"] : []))
      }
      let basis = summaries.lazy.filter { $0.table == name }.compactMap(\.basis).first
      text += "\(name)\n\(basis.map { $0.words + "\n" } ?? "")\(table.text)"
      let own = summaries.filter { $0.table == name && $0.group != "all" }.reduce(0) { $0 + $1.readBack }
      if own > 0 {
        text += TableComparison.words(readBack: own, leftOut: leftOut[name] ?? (nil, nil)) + "\n"
      }
      // The values of a row lack their answers for one reason.
      var printed: Set<String> = []
      for summary in summaries where summary.table == name && summary.group != "all" {
        for (reason, rows) in summary.reasons {
          let line = "\(summary.group): no answer for \(rows) of \(summary.rows) rows: \(reason)\n"
          if printed.insert(line).inserted { text += line }
        }
      }
      if summaries.contains(where: { $0.table == name && $0.group.hasSuffix(MeasuredValue.quantisedMark) }) {
        text +=
          "input quantised: one time a row, as a collection of library layers gives it; quantise=0 in params says that the "
          + "product was timed alone\n"
      }
      text += "\n"
    }
    let uncovered = summaries.contains { summary in
      summary.mape == nil && summary.readBack == 0
        && summary.reasons.reduce(0, { $0 + $1.rows }) < summary.rows
    }
    if uncovered { text += "-: no model covers these rows yet\n" }
    if anyBeyond {
      text +=
        "extrapolated: rows larger or smaller than anything that the calibration saw, or of another data type\n"
    }
    return text
  }

  /// The summaries as a JSON array, errors in per cent, null where no model covers the rows.
  public static func json(_ summaries: [ErrorSummary]) -> String {
    JSONText.array(
      summaries.map { summary in
        JSONText.object([
          ("table", .text(summary.table)), ("group", .text(summary.group)),
          ("quantity", .text(summary.quantity)), ("rows", .number(Double(summary.rows))),
          ("read_back_rows", .number(Double(summary.readBack))),
          ("bias", .number(summary.bias)), ("mape", .number(summary.mape)), ("p50", .number(summary.p50)),
          ("p90", .number(summary.p90)), ("max", .number(summary.max)),
          ("coverage90", .number(summary.coverage90)), ("share_points", .number(summary.sharePoints)),
          ("extrapolated", .number(Double(summary.extrapolated))),
          ("no_answer", .array(summary.reasons.map { .text($0.reason) })),
          ("hardware", summary.basis.map { .text($0.hardware) } ?? .number(nil)),
          ("hardware_by", summary.basis.map { .text($0.choice.rawValue) } ?? .number(nil)),
          ("calibration", summary.basis?.calibration.map { .text($0) } ?? .number(nil)),
        ])
      }
    ).text + "\n"
  }
}

extension TableBasis {
  /// The device, how it was found, and the calibration, in a line.
  var words: String {
    let found =
      switch choice {
      case .asked: "--hardware"
      case .lines: "the file says \(title ?? hardware)"
      case .file: "by the file's name"
      case .folder: "by the folder's name"
      case .usual: "the usual one: the file's name says none"
      }
    var words = "device: \(hardware) (\(found)"
    if choice != .lines, let title { words += "; the file says \(title)" }
    if isOfRows { return words + ") where a row names none; calibration: that of each row's stack" }
    words += "); calibration: \(calibration ?? "none")"
    if let lender {
      words += " (borrowed: measured on \(lender); collectives and energies by the data sheet)"
    }
    return words
  }
}

extension TableComparison {
  /// What rows that are the calibration's own curves say, in words.
  static func words(readBack: Int, leftOut: (point: Double?, curve: Double?)) -> String {
    var words =
      "\(readBack) values are points of the calibration's own measured curves, read back where they were measured: "
      + "no error is counted for them."
    if let point = leftOut.point {
      words += " A point left out of its curve is missed by \(fixed(100 * point, decimals: 1)) %"
      words += leftOut.curve.map { ", a curve left out by \(fixed(100 * $0, decimals: 1)) %" } ?? ""
      words += " (one standard deviation)."
    }
    return words
  }

  /// The same for some tables of one calibration; nil where no value is read back.
  static func readBackWords(_ tables: [TableComparison]) -> String? {
    let count = tables.reduce(0) { $0 + $1.readBack }
    guard count > 0, let first = tables.first(where: { $0.readBack > 0 }) else { return nil }
    return words(readBack: count, leftOut: first.leftOut)
  }
}

public import Documents
import Quantities
import Studies
public import Sweeps

/// A page about a space of scenarios: the best, the Pareto front, how outputs are spread, what has no answer and why.
public struct SweepPage: Sendable {
  let sweep: Sweep
  let results: SweepResults
  let inputs: [String]
  let provenance: [DataTable]

  /// A page.
  ///
  /// - Parameters:
  ///   - sweep: the space.
  ///   - results: what was found.
  ///   - files: every file that was read for it.
  ///   - library: where data sheets and calibrations among them are.
  public init(_ sweep: Sweep, _ results: SweepResults, files: [String], in library: Library) {
    self.sweep = sweep
    self.results = results
    inputs = files
    provenance = Trust.provenance(of: files, in: library)
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let share = Double(results.feasible) / Double(max(1, results.scenarios))
    var words = "Of \(grouped(results.scenarios)) scenarios "
    words +=
      results.feasible == results.scenarios
      ? "all have an answer." : "\(grouped(results.feasible)) (\(percent(share))) have an answer."
    if let reason = results.reasons.first {
      words += " The most frequent reason for none (\(grouped(reason.count))): \(reason.reason)."
    }
    if let best = table("best"), let first = best.rows.first {
      words += " The best by \(best.objectiveWords) has \(choices(best, first)): \(best.values(of: first))."
    }
    if let front = table("pareto"), let first = front.rows.first, let last = front.rows.last {
      words +=
        " \(front.rows.count == 1 ? "One scenario is" : "\(grouped(front.rows.count)) scenarios are") not beaten in \(front.objectiveWords)"
      words += front.rows.count == 1 ? "." : ": from \(front.values(of: first)) to \(front.values(of: last))."
    }
    return words
  }

  private func table(_ name: String) -> ResultTable? {
    results.tables.first { $0.name == name && !$0.rows.isEmpty }
  }

  /// The axes of a scenario that vary, with their values: `tensor 8, pipeline 4`.
  private func choices(_ table: ResultTable, _ row: [String]) -> String {
    let axes = Set(
      sweep.space.dimensions.filter { $0.size > 1 }.flatMap(\.axes).map { sweep.space.axes[$0].name })
    return table.columns.indices.filter { axes.contains(table.columns[$0].name) && $0 < row.count }
      .map { column in
        let name = readable(table.columns[column].name)
        return row[column] == "none" ? "no \(name)" : "\(name) \(table.shown(row[column], column))"
      }.joined(separator: ", ")
  }

  private var sections: [Section] {
    var sections: [Section] = []
    if let best = table("best") {
      sections.append(
        Section(
          "The best", prose: ["By \(best.objectiveWords); equal ones in the order of the space."], charts: [],
          tables: [best.dataTable]))
    }
    if let front = table("pareto") {
      sections.append(
        Section(
          "The Pareto front",
          prose: [
            "No scenario of the space is at least as good in all of these and better in one: \(front.objectiveWords)."
          ], charts: frontCharts(front), tables: [front.dataTable]))
    }
    let marginals = results.tables.filter { $0.name.hasPrefix("marginal-") }.compactMap(marginal)
    if !marginals.isEmpty {
      sections.append(
        Section(
          "What each choice does",
          prose: [
            "All scenarios with an answer, grouped by one axis; everything else varies within a group."
          ],
          charts: marginals))
    }
    let spreads = results.tables.compactMap { table in
      table.name.hasPrefix("histogram-")
        ? histogram(table) : table.name.hasPrefix("percentiles-") ? percentiles(table) : nil
    }
    if !spreads.isEmpty { sections.append(Section("How outputs are spread", prose: [], charts: spreads)) }
    sections.append(
      Section(
        "What has an answer",
        prose: [],
        charts: [
          Chart(
            "Scenarios with an answer, and without one by reason",
            "A scenario counts for the first reason that rules it out.",
            .bars(
              BarChart(
                parts: ["scenarios"], label: "scenarios", unit: "",
                bars: [.init("with an answer", [Double(results.feasible)])]
                  + results.reasons.map { .init($0.reason, [Double($0.count)]) })))
        ], tables: [axes]))
    return sections
  }

  private func frontCharts(_ front: ResultTable) -> [Chart] {
    guard front.objectives.count >= 2 else { return [] }
    // A front of three objectives is seen from each side.
    let pairs =
      front.objectives.count == 2
      ? [(0, 1)] : front.objectives.count == 3 ? [(0, 1), (0, 2), (1, 2)] : [(0, 1)]
    return pairs.compactMap { first, second in
      let (x, y) = (front.objectives[first], front.objectives[second])
      guard let xs = front.numbers(x.column), let ys = front.numbers(y.column) else { return nil }
      let points = zip(front.rows, zip(xs, ys)).map { row, place in
        LineChart.Point(place.0, place.1, name: choices(front, row))
      }.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
      let isLine = front.objectives.count == 2
      return Chart(
        "\(x.isLess ? "Least" : "Largest") \(front.title(of: x.column)) against \(y.isLess ? "least" : "largest") \(front.title(of: y.column))",
        isLine
          ? "Each mark is a scenario that no other one beats; point at it for its choices."
          : "The front seen from one side: of scenarios that look beaten here, another objective speaks.",
        .lines(
          LineChart(
            x: front.axis(x.column, xs), y: front.axis(y.column, ys),
            series: [.init("", points, isLine: isLine, line: x.isLess ? .steps : .solid)])))
    }
  }

  /// Mean, least and largest of an output by the values of an axis.
  private func marginal(_ table: ResultTable) -> Chart? {
    let rows = table.rows.filter { !$0[2].isEmpty }
    guard rows.count > 1, let largest = rows.compactMap({ Double($0[4]) }).max() else { return nil }
    let (factor, unit) = Self.scale(largest, table.columns[3].unit)
    return Chart(
      table.title.capitalisedSentence,
      "The bar and its number are the mean over all scenarios with an answer; the thin line reaches from the least to the largest.",
      .bars(
        BarChart(
          parts: ["mean"], label: String(table.columns[3].title.dropFirst("mean ".count)), unit: unit,
          bars: rows.compactMap { row in
            guard let least = Double(row[2]), let mean = Double(row[3]), let most = Double(row[4]) else {
              return nil
            }
            return .init(
              "\(table.columns[0].name) \(table.shown(row[0], 0))", [mean / factor],
              interval: least / factor...most / factor)
          })))
  }

  private func histogram(_ table: ResultTable) -> Chart? {
    let bins = table.rows.compactMap { row -> (from: Double, to: Double, count: Double)? in
      guard let from = Double(row[0]), let to = Double(row[1]), let count = Double(row[2]) else { return nil }
      return (from, to, count)
    }
    guard let first = bins.first, let last = bins.last, bins.count > 1 else { return nil }
    let points = bins.map { LineChart.Point($0.from, $0.count) } + [.init(last.to, last.count)]
    // Bins of one factor are logarithmic.
    let isLogarithmic =
      first.from > 0 && abs(first.to / first.from - last.to / last.from) < 1e-6 * last.to / last.from
    return Chart(
      table.title.capitalisedSentence, "Scenarios with an answer, by bins.",
      .lines(
        LineChart(
          x: table.axis("from", points.map(\.x), isLogarithmic: isLogarithmic, label: Self.output(table)),
          y: .init("scenarios", including: [0]), series: [.init("", points, hasMarks: false, line: .steps)])))
  }

  private func percentiles(_ table: ResultTable) -> Chart? {
    let points = table.rows.compactMap { row -> LineChart.Point? in
      guard let share = Double(row[0]), let value = Double(row[1]) else { return nil }
      return .init(value, share)
    }
    guard points.count > 1 else { return nil }
    return Chart(
      table.title.capitalisedSentence, "The share of scenarios with an answer that do not exceed a value.",
      .lines(
        LineChart(
          x: table.axis(table.columns[1].name, points.map(\.x)),
          y: .init("scenarios", unit: "%", including: [0, 100]), series: [.init("", points)])))
  }

  private static func output(_ table: ResultTable) -> String {
    let words = table.title
    return words.hasPrefix("how ") && words.hasSuffix(" is spread")
      ? String(words.dropFirst(4).dropLast(" is spread".count)) : words
  }

  /// The axes of the space with their values.
  private var axes: DataTable {
    let space = sweep.space
    return DataTable(
      "The axes of the space",
      columns: ["axis", "values", "from", "to", "unit", "sets"].map { .init($0) },
      rows: space.dimensions.flatMap { dimension in
        dimension.axes.map { index in
          let axis = space.axes[index]
          return [
            .text(axis.name), .number(Double(dimension.size)), .text(space.label(index, at: 0)),
            .text(space.label(index, at: dimension.size - 1)),
            .text(axis.isNames || axis.unit == "1" ? "" : axis.unit), .text(axis.key ?? ""),
          ]
        }
      })
  }

  /// A factor and a unit with a prefix in which a number reads well.
  static func scale(_ largest: Double, _ unit: String) -> (factor: Double, unit: String) {
    guard !unit.isEmpty, unit != "1", unit != "1/s", unit != "%", largest > 0 else {
      return (1, unit == "1" ? "" : unit)
    }
    let prefixes: [(String, Double)] = [
      ("n", 1e-9), ("u", 1e-6), ("m", 1e-3), ("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12),
      ("P", 1e15),
    ]
    let best = prefixes.last { largest >= $0.1 } ?? prefixes[0]
    return (best.1, best.0 + unit)
  }

  private var page: ReportPage {
    var page = ReportPage(kind: "Sweep", title: sweep.title, summary: summary)
    page.lead = sweep.note ?? ""
    page.headlines =
      [
        ("scenarios", grouped(results.scenarios)), ("with an answer", grouped(results.feasible)),
      ]
      + sweep.space.dimensions.filter { $0.size > 1 }.map { dimension in
        (dimension.name, "\(grouped(dimension.size)) values")
      }
    page.sections = sections
    page.trust.foundations = [
      "Every scenario is answered by the closed forms of rooftree estimate; the tables are the same whatever the number of "
        + "threads and shards. Scenarios without an answer are counted by their reason."
    ]
    page.trust.files = inputs
    page.trust.tables = provenance
    page.trust.command = "rooftree report \(sweep.name)"
    return page
  }

  /// Figures, tables and the page as Markdown, by name.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }
}

extension ResultTable {
  /// What the scenarios were chosen by: `largest tokens a second, least devices`.
  var objectiveWords: String {
    objectives.map { "\($0.isLess ? "least" : "largest") \(title(of: $0.column))" }
      .joined(separator: " and ")
  }

  func index(of column: String) -> Int? { columns.firstIndex { $0.name == column } }

  func title(of column: String) -> String { index(of: column).map { columns[$0].title } ?? column }

  /// The numbers of a column; nil when one is missing.
  func numbers(_ column: String) -> [Double]? {
    guard let index = index(of: column) else { return nil }
    let numbers = rows.compactMap { Double($0[index]) }
    return numbers.count == rows.count ? numbers : nil
  }

  /// A field for people.
  func shown(_ field: String, _ column: Int) -> String {
    guard let value = Double(field) else { return field }
    let unit = columns[column].unit
    if unit.isEmpty || unit == "1" {
      return value == value.rounded() && abs(value) < 1e15
        ? grouped(Int(value)) : trimmed(formatted(value, digits: 4))
    }
    // Rates say in words what they are a second of.
    return unit == "1/s" ? counted(value) : prefixed(value, unit)
  }

  /// The objectives of a row with their values.
  func values(of row: [String]) -> String {
    objectives.compactMap { objective in
      index(of: objective.column).map { "\(columns[$0].title) \(shown(row[$0], $0))" }
    }.joined(separator: " and ")
  }

  /// An axis for the numbers of a column.
  func axis(_ column: String, _ numbers: [Double], isLogarithmic: Bool? = nil, label: String? = nil)
    -> LineChart.Axis
  {
    let unit = index(of: column).map { columns[$0].unit } ?? ""
    let isPlain = unit.isEmpty || unit == "1"
    let (low, high) = (numbers.min() ?? 0, numbers.max() ?? 0)
    return .init(
      label ?? title(of: column), unit: isPlain ? "" : unit,
      isLogarithmic: isLogarithmic ?? (low > 0 && high / low > 20),
      hasPrefixes: !isPlain && unit != "1/s" && unit != "%")
  }

  /// The table as a page shows it.
  var dataTable: DataTable {
    // The index of a scenario says nothing to a reader, nor does what is the same in all rows of several.
    let shown = columns.indices.filter { index in
      columns[index].name != "scenario"
        && (rows.count < 2 || objectives.contains { $0.column == columns[index].name }
          || Set(rows.map { $0[index] }).count > 1)
    }
    let same = columns.indices.filter { !shown.contains($0) && columns[$0].name != "scenario" }
    let constant = same.map { "\(readable(columns[$0].name)) \(self.shown(rows[0][$0], $0))" }
    let scales = columns.indices.map { index in
      SweepPage.scale(rows.compactMap { Double($0[index]) }.map(abs).max() ?? 0, columns[index].unit)
    }
    return DataTable(
      (name == "best" ? "The best scenarios" : name == "pareto" ? "The front" : title.capitalisedSentence)
        + (constant.isEmpty ? "" : "; in all rows \(constant.joined(separator: ", "))"),
      columns: shown.map { index in
        let unit = scales[index].unit
        return .init(readable(columns[index].name), unit: ["1", "1/s"].contains(unit) ? "" : unit)
      },
      rows: rows.map { row in
        shown.map { index in
          Double(row[index]).map { .number($0 / scales[index].factor) } ?? .text(row[index])
        }
      })
  }
}

/// A name of the command in words: `tokens a second of a device` for `tokens_per_device_second`.
private func readable(_ name: String) -> String {
  switch name {
  case "tokens_per_second": "tokens a second"
  case "tokens_per_device_second": "tokens a second of a device"
  case "model_flop_utilization": "model FLOP utilisation"
  default: name.split(separator: "_").joined(separator: " ").replacing(" per ", with: " a ")
  }
}

import Calibration
import CostModels
import Documents
import Hardware
import Quantities
public import Scenarios
import Studies

/// A page about a table of measurements: predicted beside measured, row by row, and what the predictions rest on.
public struct ValidationPage: Sendable {
  let comparison: TableComparison
  let command: String

  /// A page.
  ///
  /// - Parameters:
  ///   - comparison: the table with its predictions.
  ///   - command: what writes the page again.
  public init(_ comparison: TableComparison, command: String = "") {
    self.comparison = comparison
    self.command = command
  }

  /// The table with its folder, which says what was measured where its own name does not.
  private var file: String { comparison.path.split(separator: "/").suffix(2).joined(separator: "/") }

  /// The group, where the page is about one of several groups of a table of training steps.
  private var group: String? {
    guard comparison.kind == .publishedSteps, let first = comparison.values.first?.value.group,
      comparison.values.allSatisfy({ $0.value.group == first })
    else { return nil }
    return first
  }

  /// The name of the page's folder.
  public var name: String {
    let parts = comparison.path.split(separator: "/").suffix(2)
    let stem = parts.joined(separator: "-")
    let plain = stem.hasSuffix(".csv") ? String(stem.dropLast(4)) : stem
    // Groups of one name stand in several tables.
    return "measured-"
      + (plain + (group.map { "-" + $0 } ?? "") + (other.map { "-\($0.word)" } ?? ""))
      .map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "-" }.joined()
  }

  /// The title.
  public var title: String {
    "Predicted against measured: \(group.map { "\($0) of " } ?? "")\(file)\(other.map { ", \($0.word)" } ?? "")"
  }

  /// What all values of the page are, if not times.
  private var other: StepQuantity? {
    guard let first = comparison.values.first?.value.stepQuantity,
      comparison.values.allSatisfy({ $0.value.stepQuantity == first })
    else { return nil }
    return first
  }

  /// The page in an index.
  public var entry: IndexPage.Entry {
    .init(group: "Validation", folder: name, title: title, summary: summary)
  }

  /// Values with a prediction that is not the value itself.
  private var known: [ComparedValue] {
    comparison.values.filter { $0.predicted != nil && !$0.isReadBack }
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let errors = known.compactMap(\.relativeError).map { 100 * $0 }
    let readBack = TableComparison.readBackWords([comparison])
    guard !errors.isEmpty else {
      if let readBack { return readBack }
      return "\(comparison.values.count) measured values stand in \(file); no model covers them yet."
    }
    let sizes = errors.map(abs)
    let bias = errors.reduce(0, +) / Double(errors.count)
    var words =
      "\(errors.count) measured values are predicted with a mean absolute error of "
      + "\(fixed(sizes.reduce(0, +) / Double(sizes.count), decimals: 1)) % (on average "
      + "\(fixed(abs(bias), decimals: 1)) % too \(bias < 0 ? "low" : "high")); nine of ten err by less than "
      + "\(fixed(quantile(sizes, 0.9), decimals: 1)) %, the worst by \(fixed(sizes.max() ?? 0, decimals: 1)) %."
    let covered = known.compactMap(\.isCovered)
    if !covered.isEmpty {
      let share = 100 * Double(covered.count { $0 }) / Double(covered.count)
      words += " \(fixed(share, decimals: 0)) % of them lie in their 90 % intervals."
    }
    if let readBack { words += " " + readBack }
    let rest = comparison.values.count - known.count - comparison.readBack
    if rest > 0 { words += " \(rest) more are covered by no model yet." }
    return words
  }

  private var charts: [Chart] {
    let tables = [comparison]
    let (word, unit) = other.map { ($0.word, $0.symbol) } ?? ("time", "s")
    var charts = [
      Chart.tables("Every measured value", tables, quantity: word, unit: unit, error: 0.1)
    ].compactMap { $0 }
    let points = known.filter { $0.value.unit > 0 }.compactMap { value in
      value.relativeError.map {
        LineChart.Point(value.value.measured * value.value.unit, 100 * $0, name: "line \(value.value.line)")
      }
    }
    let quantities = Set(known.map(\.value.quantity))
    if points.count > 1, quantities.count == 1 {
      charts.append(
        Chart(
          "The errors", "A mark above the line is predicted too high.",
          .lines(
            LineChart(
              x: .init("measured \(word)", unit: unit, isLogarithmic: true, hasPrefixes: true),
              y: .init("predicted − measured", unit: "%", including: [-10, 10]),
              series: [.init("", points, isLine: false)], band: (-10...10, "± 10 %")))))
    }
    return charts
  }

  private var rows: DataTable {
    let labels = comparison.labels
    func cell(_ number: Double?, digits: Int = 4) -> DataTable.Cell {
      number.map { .number($0, digits: digits) } ?? .empty
    }
    return DataTable(
      "Every row, in the unit of its column",
      columns: [
        .init("line"), .init("what"), .init("column"), .init("measured"), .init("predicted"),
        .init("low 90 %"),
        .init("high 90 %"), .init("error", unit: "%"), .init("in the interval"), .init("waits for"),
      ],
      rows: comparison.values.map { value in
        [
          .number(Double(value.value.line)), .text(labels[value.value.line] ?? value.value.group),
          .text(value.value.quantity), cell(value.value.measured), cell(value.predicted),
          cell(value.interval90?.lowerBound), cell(value.interval90?.upperBound),
          value.isReadBack
            ? .text("read back") : cell(value.relativeError.map { 100 * $0 }, digits: 2),
          .text(value.isCovered.map { $0 ? "yes" : "no" } ?? ""), .text(value.bound?.rawValue ?? ""),
        ]
      })
  }

  private var page: ReportPage {
    var page = ReportPage(kind: "Validation", title: title, summary: summary)
    page.lead = comparison.sources.joined(separator: "; ")
    let errors = known.compactMap(\.relativeError).map { abs(100 * $0) }
    if !errors.isEmpty {
      page.headlines = [
        ("values", "\(errors.count)"),
        ("mean absolute error", "\(fixed(errors.reduce(0, +) / Double(errors.count), decimals: 1)) %"),
        ("90th percentile", "\(fixed(quantile(errors, 0.9), decimals: 1)) %"),
      ]
    }
    page.sections = [
      Section(
        "Predicted against measured", prose: [], charts: charts,
        tables: comparison.summaries.contains { $0.mape != nil || $0.readBack == 0 }
          ? [ScenarioPage.accuracyTable(comparison.summaries)] : []),
      Section("Row by row", prose: [], tables: [rows]),
    ]
    page.trust = Self.trust(stacks: comparison.stacks, basis: comparison.basis)
    page.trust.files.insert(comparison.path, at: 0)
    page.trust.command = command
    return page
  }

  /// What predictions of training steps rest on: the stacks with their fitted constants and the files behind them.
  static func trust(stacks: [Scenario], basis: TableBasis? = nil) -> Trust {
    var trust = Trust()
    trust.foundations =
      stacks.isEmpty
      ? basis.map { ["Predicted with \($0.words)."] } ?? []
      : stacks.map { stack in
        "\(stack.name): \(stack.title). \(stack.note ?? "") Kernels of \(stack.device.title), "
          + (stack.calibration.map { "calibration \($0.name)." } ?? "constants of other devices.")
      }
    for file in stacks.flatMap(\.files) where !trust.files.contains(file) { trust.files.append(file) }
    let constants = stacks.flatMap { stack in
      Self.constants(ofStack: stack.files.first ?? "").map { [.text(stack.name)] + $0 }
    }
    if !constants.isEmpty {
      trust.tables = [
        DataTable(
          "What the software stacks add to kernels measured alone",
          columns: ["stack", "constant", "value", "low 90 %", "high 90 %", "how known", "source"].map {
            .init($0)
          },
          rows: constants)
      ]
    }
    return trust
  }

  /// The constants of a stack's file that carry a source.
  private static func constants(ofStack path: String) -> [[DataTable.Cell]] {
    guard let run = (try? readDocument(path: path))?.value("run") else { return [] }
    return run.keys.compactMap { key in
      guard let node = run.value(key), node.value("value") != nil else { return nil }
      return [.text(key)]
        + ["value", "low", "high", "kind", "source"].map { .text(Self.scalar(node.value($0))) }
    }
  }

  private static func scalar(_ node: DocumentNode?) -> String {
    if case .scalar(let text, _)? = node?.content { text } else { "" }
  }

  /// Figures, tables and the page as Markdown, by name.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }
}

extension StepQuantity {
  /// What it is, in a word.
  var word: String {
    switch self {
    case .memory: "memory"
    case .power: "power"
    }
  }

  /// Its unit, which the column's is a multiple of.
  var symbol: String {
    switch self {
    case .memory: "B"
    case .power: "W"
    }
  }
}

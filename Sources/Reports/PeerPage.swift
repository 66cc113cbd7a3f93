import Calibration
import Documents
import Quantities
public import Scenarios
import Studies

/// A page that shows another program's answers for the same input beside ours and the measurement.
public struct PeerPage: Sendable {
  let comparison: PeerComparison
  let command: String

  /// A page.
  ///
  /// - Parameters:
  ///   - comparison: the answers.
  ///   - command: what writes the page again.
  public init(_ comparison: PeerComparison, command: String = "") {
    self.comparison = comparison
    self.command = command
  }

  /// The title.
  public var title: String { "\(comparison.peer) and Rooftree on the same input" }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    var words = "\(comparison.rows.count) training steps that \(comparison.peer) answers."
    if let errors = comparison.errors {
      words +=
        " \(errors.rows) of them were measured: \(comparison.peer) misses them by "
        + "\(fixed(errors.peer, decimals: 1)) % on average, Rooftree by \(fixed(errors.ours, decimals: 1)) %."
    }
    return words
  }

  /// The answers as a table for a terminal.
  public var text: String {
    var table = TextTable([
      ("line", .right), ("step", .left), (comparison.peer, .right), ("Rooftree", .right),
      ("90 % interval", .right),
      ("measured", .right), ("\(comparison.peer) %", .right), ("Rooftree %", .right),
    ])
    for row in comparison.rows {
      func error(_ value: Double?) -> String { value.map { fixed(100 * $0, decimals: 1) } ?? "-" }
      table.add([
        "\(row.given.line)", printable(row.given.run.words), Seconds(row.given.peer).formatted(),
        row.time.formatted(),
        "\(row.interval90.lowerBound.formatted()) to \(row.interval90.upperBound.formatted())",
        row.given.measured.map { Seconds($0).formatted() } ?? "-", error(row.peerError),
        error(row.relativeError),
      ])
    }
    return table.text + "\n" + summary + "\n"
  }

  /// The answers, all digits.
  public var json: JSONText {
    .object([
      ("table", .text(comparison.path)), ("peer", .text(comparison.peer)),
      ("mean_error_percent", .number(comparison.errors?.ours)),
      ("peer_mean_error_percent", .number(comparison.errors?.peer)),
      (
        "rows",
        .array(
          comparison.rows.map { row in
            .object([
              ("line", .number(Double(row.given.line))), ("step", .text(row.given.run.words)),
              ("peer_s", .number(row.given.peer)), ("time_s", .number(row.time.value)),
              ("time_low90_s", .number(row.interval90.lowerBound.value)),
              ("time_high90_s", .number(row.interval90.upperBound.value)),
              ("measured_s", .number(row.given.measured)), ("note", .text(row.given.note)),
            ])
          })
      ),
    ])
  }

  private var page: ReportPage {
    var page = ReportPage(kind: "Validation", title: title, summary: summary)
    func points(_ time: (PeerComparison.Row) -> Double) -> [LineChart.Point] {
      comparison.rows.compactMap { row in
        row.given.measured.map { .init($0, time(row), name: row.given.run.words) }
      }
    }
    let measured: [(name: String, points: [LineChart.Point])] = [
      ("Rooftree", points { $0.time.value }), (comparison.peer, points { $0.given.peer }),
    ]
    var charts: [Chart] = []
    if measured.contains(where: { !$0.points.isEmpty }) {
      charts.append(
        .predictedAgainstMeasured(
          "Both programs against the measurement", "On the line a prediction is right.", quantity: "time",
          unit: "s", error: 0.05, groups: measured))
    }
    charts.append(
      .predictedAgainstMeasured(
        "Rooftree against \(comparison.peer)",
        "All steps that \(comparison.peer) answers, measured or not; on the line both say the same.",
        quantity: "time by \(comparison.peer)", unit: "s", error: 0.1,
        groups: [
          ("steps", comparison.rows.map { .init($0.given.peer, $0.time.value, name: $0.given.run.words) })
        ]
      ))
    func cell(_ number: Double?, digits: Int = 4) -> DataTable.Cell {
      number.map { .number($0, digits: digits) } ?? .empty
    }
    let table = DataTable(
      "The same input to both",
      columns: [
        .init("step"), .init(comparison.peer, unit: "s"), .init("Rooftree", unit: "s"),
        .init("low 90 %", unit: "s"), .init("high 90 %", unit: "s"), .init("measured", unit: "s"),
        .init("error of \(comparison.peer)", unit: "%"), .init("error of Rooftree", unit: "%"), .init("note"),
      ],
      rows: comparison.rows.map { row in
        [
          .text(row.given.run.words), cell(row.given.peer), cell(row.time.value),
          cell(row.interval90.lowerBound.value), cell(row.interval90.upperBound.value),
          cell(row.given.measured), cell(row.peerError.map { 100 * $0 }, digits: 2),
          cell(row.relativeError.map { 100 * $0 }, digits: 2), .text(row.given.note),
        ]
      })
    page.sections = [Section("The answers", prose: [], charts: charts, tables: [table])]
    page.trust = ValidationPage.trust(stacks: comparison.stacks)
    page.trust.files.insert(comparison.path, at: 0)
    page.trust.command = command
    return page
  }

  /// Figures, tables and the page as Markdown, by name.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }
}

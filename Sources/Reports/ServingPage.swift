import CostModels
import Documents
import Quantities
public import Scenarios
import Studies

/// A page about a served model over batches and contexts.
public struct ServingPage: Sendable {
  let sweep: ServingSweep
  let command: String

  /// A page.
  ///
  /// - Parameters:
  ///   - sweep: the answers.
  ///   - command: what writes the page again.
  public init(_ sweep: ServingSweep, command: String = "") {
    self.sweep = sweep
    self.command = command
  }

  private var contexts: [Int] {
    var seen: [Int] = []
    for point in sweep.points where !seen.contains(point.context) { seen.append(point.context) }
    return seen
  }

  /// Time that a user waits: for a further token where there is one, else for the first.
  private func latency(_ point: ServingSweep.Point) -> Seconds? {
    point.projection.serving?.timePerOutputToken ?? point.projection.serving?.timeToFirstToken
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    contexts.compactMap { context -> String? in
      let fitting = sweep.points.filter { $0.context == context && $0.fits }
      guard
        let best = fitting.max(by: {
          ($0.projection.tokensPerSecond ?? 0) < ($1.projection.tokensPerSecond ?? 0)
        })
      else { return "With \(context) tokens nothing fits." }
      let joules =
        best.projection.energy?.tokensPerJoule.map { " at \(formatted($0)) tokens/J" } ?? ""
      return
        "With \(context) tokens \(best.batch) sequences make the most that fits: "
        + "\(formatted(best.projection.tokensPerSecond ?? 0)) tokens/s\(joules)."
    }.joined(separator: " ")
  }

  /// The points as a table for a terminal.
  public var text: String {
    var table = TextTable([
      ("context", .right), ("batch", .right), ("first token", .right), ("each token", .right),
      ("tokens/s", .right), ("tokens/J", .right), ("power of a device", .right), ("memory", .right),
      ("fits", .left),
    ])
    for point in sweep.points {
      let (projection, serving) = (point.projection, point.projection.serving)
      table.add([
        "\(point.context)", "\(point.batch)", serving?.timeToFirstToken?.formatted() ?? "-",
        serving?.timePerOutputToken?.formatted() ?? "-", formatted(projection.tokensPerSecond ?? 0),
        projection.energy?.tokensPerJoule.map { formatted($0) } ?? "-",
        projection.energy?.power.formatted() ?? "-", serving?.memory.total.formatted() ?? "-",
        point.fits ? "yes" : "no",
      ])
    }
    return "\(printable(sweep.scenario.title))\n\n\(table.text)\n\(summary)\n"
  }

  /// The points, all digits.
  public var json: JSONText {
    .object([
      ("scenario", .text(sweep.scenario.name)), ("title", .text(sweep.scenario.title)),
      ("changed", .array(sweep.scenario.changes.map { .text($0) })),
      (
        "points",
        .array(
          sweep.points.map { point in
            let projection = point.projection
            return .object([
              ("context", .number(Double(point.context))), ("batch", .number(Double(point.batch))),
              ("time_s", .number(projection.time.value)),
              ("time_to_first_token_s", .number(projection.serving?.timeToFirstToken?.value)),
              ("time_per_output_token_s", .number(projection.serving?.timePerOutputToken?.value)),
              ("tokens_per_s", .number(projection.tokensPerSecond)),
              ("tokens_per_j", .number(projection.energy?.tokensPerJoule)),
              ("mean_power_w", .number(projection.energy?.power.value)),
              ("cost_usd", .number(projection.energy?.money?.value.value)),
              ("memory_bytes", .number(projection.serving?.memory.total.value)), ("fits", .flag(point.fits)),
            ])
          })
      ),
    ])
  }

  private func series(_ value: (ServingSweep.Point) -> (x: Double, y: Double)?) -> [LineChart.Series] {
    contexts.enumerated().map { index, context in
      LineChart.Series(
        "\(context) tokens",
        sweep.points.filter { $0.context == context && $0.fits }.compactMap { point in
          value(point).map { .init($0.x, $0.y, name: "\(point.batch) sequences") }
        }, color: index)
    }.filter { !$0.points.isEmpty }
  }

  private var page: ReportPage {
    var page = ReportPage(
      kind: "Serving", title: "Batches and contexts: \(sweep.scenario.title)", summary: summary)
    let rate = series { point in point.projection.tokensPerSecond.map { (Double(point.batch), $0) } }
    let energy = series { point in
      point.projection.energy?.tokensPerJoule.map { (Double(point.batch), $0) }
    }
    let trade = series { point in
      guard let latency = latency(point), let rate = point.projection.tokensPerSecond else { return nil }
      return (latency.value, rate)
    }
    let batch = LineChart.Axis("sequences of a replica", isLogarithmic: true)
    var charts: [Chart] = []
    func add(
      _ title: String, _ words: String, _ x: LineChart.Axis, _ y: LineChart.Axis, _ series: [LineChart.Series]
    ) {
      guard !series.isEmpty else { return }
      charts.append(Chart(title, words, .lines(LineChart(x: x, y: y, series: series))))
    }
    add(
      "Tokens a second over the batch", "Batches that do not fit in memory are left out.", batch,
      .init("tokens a second", isLogarithmic: true), rate)
    add(
      "Tokens a joule over the batch", "Energy of all devices, idle power included.", batch,
      .init("tokens a joule", isLogarithmic: true), energy)
    add(
      "What throughput costs in latency", "Each mark is a batch; to the upper left is better.",
      .init("time of a token", unit: "s", isLogarithmic: true, hasPrefixes: true),
      .init("tokens a second", isLogarithmic: true), trade)
    func cell(_ number: Double?) -> DataTable.Cell { number.map { .number($0, digits: 4) } ?? .empty }
    let table = DataTable(
      "Every batch and context",
      columns: [
        .init("context"), .init("batch"), .init("time to first token", unit: "s"),
        .init("time per output token", unit: "s"), .init("tokens a second", unit: "1/s"),
        .init("tokens a joule", unit: "1/J"), .init("mean power of a device", unit: "W"),
        .init("memory of a device", unit: "B"), .init("fits"),
      ],
      rows: sweep.points.map { point in
        let (projection, serving) = (point.projection, point.projection.serving)
        return [
          .number(Double(point.context)), .number(Double(point.batch)),
          cell(serving?.timeToFirstToken?.value),
          cell(serving?.timePerOutputToken?.value), cell(projection.tokensPerSecond),
          cell(projection.energy?.tokensPerJoule), cell(projection.energy?.power.value),
          cell(serving?.memory.total.value), .text(point.fits ? "yes" : "no"),
        ]
      })
    page.sections = [Section("Throughput, energy and latency", prose: [], charts: charts, tables: [table])]
    page.trust.foundations = [
      "Every point is the scenario read again with another batch and context and projected by the same models."
    ]
    page.trust.files = sweep.scenario.files
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

import Calibration
import CostModels
import Documents
import Hardware
import Mustache
import Quantities
public import Scenarios
import Workloads

/// A self-contained page about one scenario: the projection beside measurements of the same device.
public struct ScenarioPage: Sendable {
  let projection: Projection
  let tables: [TableComparison]

  /// A page.
  ///
  /// - Parameters:
  ///   - projection: the answer to the scenario.
  ///   - tables: measurements of the scenario's device, with their predictions.
  public init(_ projection: Projection, tables: [TableComparison]) {
    self.projection = projection
    self.tables = tables
  }

  /// Summaries of whole columns of the tables that a model covers.
  var accuracy: [ErrorSummary] {
    tables.flatMap { table -> [ErrorSummary] in
      let summaries = table.summaries
      let whole = summaries.filter { $0.group == "all" && $0.mape != nil }
      return whole.isEmpty ? summaries.filter { $0.mape != nil } : whole
    }
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let interval = projection.root.interval90
    var words =
      "One \(projection.root.name) of \(projection.scenario.title) takes "
      + "\(projection.time.formatted()), with 90 % confidence between \(interval.lowerBound.formatted()) and "
      + "\(interval.upperBound.formatted())."
    if let rate = projection.tokensPerSecond {
      words += " That is \(formatted(rate)) tokens a second"
      words +=
        projection.modelFLOPUtilization.map { " at \(percent($0)) of the peak rate of all devices." } ?? "."
    }
    if projection.scenario.tensorParallel > 1 {
      words += " Exchanges between devices take \(percent(projection.communicationShare)) of the time."
    }
    let layers = accuracy.filter { $0.table.contains("tp_layers") && !$0.quantity.contains("nocomm") }
    if let worst = layers.compactMap(\.mape).max(), let best = layers.compactMap(\.mape).min() {
      words +=
        " On measured layers of this device that no fit saw, the same models err by \(fixed(best, decimals: 1)) to "
        + "\(fixed(worst, decimals: 1)) % on average."
    }
    if projection.scenario.calibration == nil {
      words += " The device was not measured: constants of other devices stand in, and the interval is wide."
    }
    return words
  }

  /// The figures of the page, in order.
  private var figures: [Figure] {
    let device = projection.scenario.device
    return [
      Figure.breakdown(projection), Figure.layerErrors(tables),
      Figure.roofline(device, projection.scenario.dataType, tables),
    ].compactMap { $0 }
  }

  /// Each figure as an SVG file and its table as a CSV file, by name.
  public var files: [(name: String, text: String)] {
    figures.enumerated().flatMap { index, figure in
      [("figure-\(index + 1).svg", figure.standaloneSVG), ("figure-\(index + 1).csv", figure.csv)]
    }
  }

  /// The page as HTML: no script, no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String {
    let template = try MustacheTemplate(
      string: String(decoding: PackageResources.page_mustache, as: UTF8.self))
    let figures = figures
    let context: [String: Any] = [
      "palette": StyleSheet.palette, "figureStyle": StyleSheet.figure, "pageStyle": StyleSheet.page,
      "title": printable(projection.scenario.title), "summary": printableLong(summary),
      "note": projection.scenario.note.map { printableLong($0) } ?? "",
      "headlines": projection.headlines.map { ["label": $0.label, "value": $0.value] },
      "figures": figures.enumerated().map { index, figure in
        [
          "number": "\(index + 1)", "title": figure.title, "words": figure.words,
          "svg": figure.svg + figure.legend,
          "header": figure.header, "rows": figure.rows.map { ["cells": $0.map { printable($0) }] },
          "count": "\(figure.rows.count)",
        ] as [String: Any]
      },
      "accuracy": accuracy.map { summary -> [String: String] in
        func cell(_ value: Double?) -> String { value.map { fixed($0, decimals: 1) } ?? "-" }
        return [
          "table": printable(summary.table.split(separator: "/").suffix(2).joined(separator: "/")),
          "group": printable(summary.group),
          "quantity": printable(summary.quantity), "rows": "\(summary.rows)", "bias": cell(summary.bias),
          "mape": cell(summary.mape), "p90": cell(summary.p90), "max": cell(summary.max),
          "coverage": cell(summary.coverage90),
        ]
      },
      "hasAccuracy": !accuracy.isEmpty,
      "facts": FactSheet(projection.scenario.device).facts.filter { !$0.kind.isEmpty }.map { fact in
        [
          "name": fact.name, "value": fact.value, "interval": fact.interval, "kind": fact.kind,
          "source": printableLong(fact.source),
        ]
      },
      "device": printable(projection.scenario.device.title),
      "calibration": projection.scenario.calibration.map { printableLong("\($0.name): \($0.source)") }
        ?? "none",
      "files": projection.scenario.files.map { printable($0) },
      "extrapolated": projection.root.isExtrapolated,
    ]
    return template.render(context)
  }

  /// Text from a user's file of any length that a page can hold.
  private func printableLong(_ text: String) -> String { printable(text, limit: 20_000) }
}

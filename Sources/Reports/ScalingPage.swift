import CostModels
import Documents
import Quantities
public import Scenarios
import Studies

/// A page about a training step over more and more devices.
public struct ScalingPage: Sendable {
  let study: ScalingStudy
  let command: String

  /// A page.
  ///
  /// - Parameters:
  ///   - study: the answers.
  ///   - command: what writes the page again.
  public init(_ study: ScalingStudy, command: String = "") {
    self.study = study
    self.command = command
  }

  private static let header: [(String, String)] = [
    ("devices", ""), ("degree", ""), ("global batch", ""), ("time", "s"), ("tokens a second", "1/s"),
    ("efficiency", "%"), ("communication", "%"), ("bubble", "%"), ("model FLOP utilisation", "%"),
    ("memory of a device", "B"), ("fits", ""),
  ]

  private func name(of curve: ScalingStudy.Curve) -> String {
    curve.isStrong
      ? "Strong scaling by \(study.axis.rawValue): the batch stays"
      : "Weak scaling by \(study.axis.rawValue): the batch of a replica stays"
  }

  private func knee(of curve: ScalingStudy.Curve) -> String {
    guard let knee = Chart.knee(curve.speeds) else {
      return "No knee: every doubling brings half of what it should or more"
    }
    return
      "Knee: from \(fixed(knee, decimals: 0)) devices on a doubling brings less than half of what it should"
  }

  private func words(of curve: ScalingStudy.Curve) -> String {
    guard let first = curve.points.first, let last = curve.points.last else {
      return curve.end.map { "No point: \($0)." } ?? "No point."
    }
    let end = curve.end.map { " No answer for \($0)." } ?? ""
    guard curve.points.count > 1 else { return "One point.\(end)" }
    return
      "From \(first.devices) to \(last.devices) devices the efficiency "
      + "\(last.efficiency < 0.995 ? "falls to" : "stays at") \(percent(last.efficiency)), counted from "
      + "the scenario's own number of devices. "
      + "\(knee(of: curve)).\(end)"
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    study.curves.map { "\(name(of: $0)). \(words(of: $0))" }.joined(separator: " ")
  }

  /// The curves as tables for a terminal.
  public var text: String {
    var text = "\(printable(study.scenario.title))\n"
    for curve in study.curves {
      var table = TextTable([
        ("devices", .right), ("degree", .right), ("batch", .right), ("time", .right), ("tokens/s", .right),
        ("efficiency", .right), ("communication", .right), ("MFU", .right), ("memory", .right),
        ("fits", .left),
      ])
      for point in curve.points {
        let projection = point.projection
        table.add([
          "\(point.devices)", "\(point.degree)", "\(projection.scenario.globalBatch)",
          projection.time.formatted(), formatted(projection.tokensPerSecond ?? 0), percent(point.efficiency),
          percent(projection.communicationShare), percent(projection.modelFLOPUtilization ?? 0),
          Bytes(projection.memory?.memory.total ?? 0).formatted(),
          projection.memory?.fits == false ? "no" : "yes",
        ])
      }
      text += "\n\(name(of: curve))\n\n\(table.text)\n\(words(of: curve))\n"
    }
    return text
  }

  /// The curves, all digits.
  public var json: JSONText {
    .object([
      ("scenario", .text(study.scenario.name)), ("title", .text(study.scenario.title)),
      ("changed", .array(study.scenario.changes.map { .text($0) })), ("axis", .text(study.axis.rawValue)),
      (
        "curves",
        .array(
          study.curves.map { curve in
            .object([
              ("scaling", .text(curve.isStrong ? "strong" : "weak")),
              ("knee_devices", .number(Chart.knee(curve.speeds))),
              ("end", .text(curve.end ?? "")),
              (
                "points",
                .array(
                  curve.points.map { point in
                    .object([
                      ("devices", .number(Double(point.devices))), ("degree", .number(Double(point.degree))),
                      ("global_batch", .number(Double(point.projection.scenario.globalBatch))),
                      ("time_s", .number(point.projection.time.value)),
                      ("time_low90_s", .number(point.projection.root.interval90.lowerBound.value)),
                      ("time_high90_s", .number(point.projection.root.interval90.upperBound.value)),
                      ("tokens_per_s", .number(point.projection.tokensPerSecond)),
                      ("efficiency", .number(point.efficiency)),
                      ("communication_share", .number(point.projection.communicationShare)),
                      ("model_flop_utilization", .number(point.projection.modelFLOPUtilization)),
                      ("memory_bytes", .number(point.projection.memory?.memory.total)),
                      ("fits", .flag(point.projection.memory?.fits ?? true)),
                    ])
                  })
              ),
            ])
          })
      ),
    ])
  }

  private func table(of curve: ScalingStudy.Curve) -> DataTable {
    DataTable(
      name(of: curve), columns: Self.header.map { .init($0.0, unit: $0.1) },
      rows: curve.points.map { point in
        let projection = point.projection
        let bubble = projection.step.map { $0.bubble / projection.time.value } ?? 0
        return [
          .number(Double(point.devices)), .number(Double(point.degree)),
          .number(Double(projection.scenario.globalBatch)), .number(projection.time.value, digits: 4),
          .number(projection.tokensPerSecond ?? 0, digits: 4), .number(100 * point.efficiency, digits: 3),
          .number(100 * projection.communicationShare, digits: 2), .number(100 * bubble, digits: 2),
          .number(100 * (projection.modelFLOPUtilization ?? 0), digits: 3),
          .number(projection.memory?.memory.total ?? 0, digits: 3),
          .text(projection.memory?.fits == false ? "no" : "yes"),
        ]
      })
  }

  private var page: ReportPage {
    var page = ReportPage(kind: "Scaling", title: "Scaling: \(study.scenario.title)", summary: summary)
    page.sections = study.curves.map { curve in
      Section(
        name(of: curve), prose: [words(of: curve)],
        charts: curve.points.count < 2
          ? []
          : [
            .scaling(
              curve.isStrong ? "Speed, the batch stays" : "Speed, the batch grows",
              "Speed and efficiency count from the scenario's own number of devices. The dashed line is the ideal.",
              devices: "devices", base: curve.points.first.map { Double($0.devices) },
              curves: [
                (
                  study.axis.rawValue,
                  curve.points.map { (count: Double($0.devices), time: $0.projection.time.value) }
                )
              ], isStrong: curve.isStrong),
            Chart(
              "Efficiency",
              "Speed over that of the scenario's own number of devices, over the growth of devices.",
              .lines(
                LineChart(
                  x: .init("devices", isLogarithmic: true),
                  y: .init("efficiency", unit: "%", including: [0, 100]),
                  series: [
                    .init("", curve.points.map { .init(Double($0.devices), 100 * $0.efficiency) })
                  ]))),
          ], tables: [table(of: curve)])
    }
    page.trust.foundations = [
      "Every point is the scenario read again with other degrees and projected by the same models."
    ]
    page.trust.files = study.scenario.files
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

public import Calibration
public import CostModels
import Documents
public import Hardware
import Mustache
import Quantities
public import Scenarios

/// A self-contained page about the calibration of a processor: how it was measured, what was fitted, how well that does.
public struct CalibrationPage: Sendable {
  /// What is known of the run besides its times.
  public struct Run: Sendable {
    /// The processor, the library, its kernel and the plan.
    public let signature: String
    /// The library's own words about its build, its kernel and its threads.
    public let library: String
    /// The verdict on disturbances.
    public let verdict: String
    /// Whether the run was quiet.
    public let isQuiet: Bool
    /// What is known of energy.
    public let energy: String

    /// What is known of the run besides its times.
    public init(signature: String, library: String, verdict: String, isQuiet: Bool, energy: String) {
      self.signature = signature
      self.library = library
      self.verdict = verdict
      self.isQuiet = isQuiet
      self.energy = energy
    }
  }

  let device: Device
  let calibration: DeviceCalibration
  let run: Run
  let comparisons: [ModelComparison]
  let fitted: TableComparison
  /// The kernels kept out of the fit, with their predictions.
  public let heldOut: TableComparison

  /// A page.
  ///
  /// - Parameters:
  ///   - device: the processor.
  ///   - calibration: its constants.
  ///   - run: how it was measured.
  ///   - comparisons: the variants of each form.
  ///   - fitted: the kernels of the fit, with their predictions.
  ///   - heldOut: those kept out of it.
  public init(
    device: Device, calibration: DeviceCalibration, run: Run, comparisons: [ModelComparison],
    fitted: TableComparison, heldOut: TableComparison
  ) {
    self.device = device
    self.calibration = calibration
    self.run = run
    self.comparisons = comparisons
    self.fitted = fitted
    self.heldOut = heldOut
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let all = heldOut.values.compactMap(\.relativeError).map { abs($0) * 100 }
    guard !all.isEmpty else { return "No kernel was kept out of the fit." }
    let covered = heldOut.values.compactMap(\.isCovered)
    let mean = all.reduce(0, +) / Double(all.count)
    let parts = HostKind.allCases.compactMap { kind -> String? in
      let errors = heldOut.values.filter { HostKind($0) == kind && kind.isJudged($0) }
        .compactMap(\.relativeError).map { abs($0) * 100 }
      guard !errors.isEmpty else { return nil }
      return "\(kind.words) \(fixed(errors.reduce(0, +) / Double(errors.count), decimals: 1)) %"
    }
    return
      "\(all.count) kernels that no constant was fitted to are predicted within \(fixed(mean, decimals: 1)) % on average "
      + "(\(parts.joined(separator: ", "))); \(covered.count { $0 } * 100 / max(1, covered.count)) % of them lie in their 90 % "
      + "intervals. Times are the best of samples spread over the run."
  }

  private var figures: [Figure] {
    let model = HostModel<Double>(device, calibration)
    let values = fitted.values + heldOut.values
    var threads: [Double] = []
    for value in values.compactMap(\.threads) where !threads.contains(value) { threads.append(value) }
    return threads.sorted().compactMap { Figure.hostRoofline(model, threads: $0, values) }
      + [
        Figure.streams(model, "triad", fitted.values, heldOut.values),
        Figure.residuals(fitted.values, heldOut.values),
        Figure.predictedAgainstMeasured(fitted.values, heldOut.values),
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
      string: String(decoding: PackageResources.calibration_mustache, as: UTF8.self))
    let forms = DeviceCalibration.formNames.filter { calibration.forms[$0] != nil }
    let context: [String: Any] = [
      "palette": StyleSheet.palette, "figureStyle": StyleSheet.figure, "pageStyle": StyleSheet.page,
      "title": "Calibration of \(printable(device.title))", "summary": summary,
      "run": printableLong(run.signature), "library": printableLong(run.library),
      "verdict": printableLong(run.verdict), "isQuiet": run.isQuiet, "energy": printableLong(run.energy),
      "figures": figures.enumerated().map { index, figure in
        [
          "number": "\(index + 1)", "title": figure.title, "words": figure.words,
          "svg": figure.svg + figure.legend, "header": figure.header,
          "rows": figure.rows.map { ["cells": $0.map { printable($0) }] }, "count": "\(figure.rows.count)",
        ] as [String: Any]
      },
      "accuracy": heldOut.summaries.map { summary -> [String: String] in
        func cell(_ value: Double?) -> String { value.map { fixed($0, decimals: 1) } ?? "-" }
        return [
          "group": printable(summary.group), "rows": "\(summary.rows)", "bias": cell(summary.bias),
          "mape": cell(summary.mape), "p90": cell(summary.p90), "max": cell(summary.max),
          "coverage": summary.coverage90.map { fixed($0, decimals: 0) } ?? "-",
        ]
      },
      "forms": forms.map { name in
        [
          "name": name, "rows": "\(calibration.forms[name]?.rows ?? 0)",
          "spread": fixed(100 * (calibration.forms[name]?.spread ?? 0), decimals: 1),
          "constants": constants(of: name),
        ] as [String: Any]
      },
      "open": calibration.identifiability.flatMap(\.words),
      "comparisons": comparisons.flatMap { comparison in
        comparison.entries.map { entry -> [String: String] in
          [
            "form": comparison.form, "variant": entry.name, "constants": "\(entry.constants)",
            "error": fixed(100 * entry.error, decimals: 1), "excess": fixed(entry.excess, decimals: 1),
            "chosen": entry.name == comparison.chosen ? "chosen" : "",
          ]
        }
      },
      "facts": FactSheet(device).facts.filter { !$0.kind.isEmpty }.map { fact in
        [
          "name": fact.name, "value": fact.value, "interval": fact.interval, "kind": fact.kind,
          "source": printableLong(fact.source),
        ]
      },
      "source": printableLong(calibration.source),
    ]
    return template.render(context)
  }

  private func constants(of form: String) -> [[String: String]] {
    guard let fitted = calibration.forms[form], let definitions = DeviceCalibration.constants(ofForm: form)
    else { return [] }
    return definitions.enumerated().map { index, definition in
      let value = fitted.values[index]
      let width = (1.645 * fitted.relativeErrors[index]).exponential()
      let unit = definition.unit.isEmpty ? "" : " \(definition.unit)"
      return [
        "name": definition.name, "value": formatted(value) + unit,
        "interval": "\(formatted(value / width)) to \(formatted(value * width))\(unit)",
        "known": fitted.determines(index, definition) ? "fitted" : "not determined",
        "meaning": definition.meaning,
      ]
    }
  }

  /// Text from a user's file of any length that a page can hold.
  private func printableLong(_ text: String) -> String { printable(text, limit: 20_000) }
}

public import Calibration
public import CostModels
import Documents
public import Hardware
import Quantities
public import Scenarios
import Studies

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

  private var charts: [Chart] {
    let model = HostModel<Double>(device, calibration)
    let values = fitted.values + heldOut.values
    var threads: [Double] = []
    for value in values.compactMap(\.threads) where !threads.contains(value) { threads.append(value) }
    return threads.sorted().compactMap { Chart.hostRoofline(model, threads: $0, values) }
      + [
        Chart.streams(model, "triad", fitted.values, heldOut.values),
        Chart.residuals(fitted.values, heldOut.values),
        Chart.keptOut(heldOut.values),
      ].compactMap { $0 }
  }

  /// Figures, tables and the page as Markdown, by name.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }

  private var page: ReportPage {
    var page = ReportPage(kind: "Calibration", title: "Calibration of \(device.title)", summary: summary)
    page.headlines = [
      ("run", run.signature), ("BLAS", run.library), ("disturbance", run.verdict), ("energy", run.energy),
    ]
    let warning =
      run.isQuiet
      ? []
      : [
        "Something else ran on this machine, or its clock changed: times may be too long, and the constants with them."
      ]
    page.sections = [
      Section(
        "Kernels and what the fitted forms say of them", prose: warning, charts: charts,
        tables: [ScenarioPage.accuracyTable(heldOut.summaries.sorted { $0.group < $1.group })]),
      Section(
        "The constants",
        prose: Self.constantsProse, tables: Self.constants(of: calibration) + Self.entangled(calibration)),
      Section(
        "Which variant of each form",
        prose: [
          "Each variant is fitted without one group of shapes after another and predicts it. The simplest that is not "
            + "worse than the best by more than one standard error (of the difference between groups), nor by more than a "
            + "quarter, is chosen."
        ],
        tables: [
          DataTable(
            "Variants",
            columns: [
              .init("form"), .init("variant"), .init("constants"), .init("error on unseen shapes", unit: "%"),
              .init("worse than the best, standard errors"), .init("chosen"),
            ],
            rows: comparisons.flatMap { comparison in
              comparison.entries.map { entry in
                [
                  .text(comparison.form), .text(entry.name), .number(Double(entry.constants)),
                  .number(100 * entry.error), .number(entry.excess),
                  .text(entry.name == comparison.chosen ? "chosen" : ""),
                ]
              }
            })
        ]),
    ]
    page.trust.foundations = ["Source of all constants: \(calibration.source)."]
    page.trust.files = [fitted.path, heldOut.path]
    page.trust.tables = [ScenarioPage.facts(FactSheet(device), "The description of the machine")]
    page.trust.command = "rooftree calibrate"
    return page
  }

  static let constantsProse = [
    "Fitted to logarithms of time; intervals are 90 %. The column 'how known' marks constants that the rows do not "
      + "determine, or that the chosen variant does without: a prediction that rests on one of them is a guess."
  ]

  /// The pairs of constants that the rows can hardly tell apart, in one table; none where there are none.
  static func entangled(_ calibration: DeviceCalibration) -> [DataTable] {
    let rows = calibration.identifiability.flatMap { form in
      form.entangled.map { pair -> [DataTable.Cell] in
        [.text(form.form), .text(pair.first), .text(pair.second), .number(pair.correlation, digits: 2)]
      }
    }
    guard !rows.isEmpty else { return [] }
    return [
      DataTable(
        "Pairs that the rows hardly tell apart: only what they do together is known",
        columns: ["form", "constant", "and", "correlation"].map { .init($0) }, rows: rows)
    ]
  }

  /// A table for each form: its constants with their intervals and their meaning.
  static func constants(of calibration: DeviceCalibration) -> [DataTable] {
    calibration.forms.keys.sorted().compactMap { form in
      guard let fitted = calibration.forms[form],
        let definitions = DeviceCalibration.constants(ofForm: form)
      else { return nil }
      return DataTable(
        "\(form): \(fitted.rows) rows, rows left out miss by \(fixed(100 * fitted.spread, decimals: 1)) % (one standard deviation)",
        columns: ["constant", "value", "low", "high", "unit", "how known", "meaning"].map { .init($0) },
        rows: definitions.enumerated().map { index, definition in
          let value = fitted.values[index]
          let width = (1.645 * fitted.relativeErrors[index]).exponential()
          return [
            .text(definition.name), .number(value), .number(value / width), .number(value * width),
            .text(definition.unit), .text(fitted.doubt(index, definition) ?? "fitted"),
            .text(definition.meaning),
          ]
        })
    }
  }
}

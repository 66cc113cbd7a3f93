import Calibration
public import CostModels
import Documents
public import Hardware
import Quantities
public import Scenarios
import Studies
import Workloads

/// A page about a calibration of the catalogue: its constants, its curves, and how well its models do.
public struct DeviceCalibrationPage: Sendable {
  let device: Device
  let calibration: DeviceCalibration
  let tables: [TableComparison]
  let sources: [String]

  /// A page.
  ///
  /// - Parameters:
  ///   - device: what was measured.
  ///   - calibration: what was fitted.
  ///   - tables: measurements of the device, with the predictions of this calibration.
  ///   - files: the files of the device and the calibration.
  public init(
    device: Device, calibration: DeviceCalibration, tables: [TableComparison], files: [String]
  ) {
    self.device = device
    self.calibration = calibration
    self.tables = tables
    sources = files
  }

  private var known: [ComparedValue] {
    tables.flatMap(\.values).filter { $0.predicted != nil && !$0.isReadBack }
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let constants = calibration.forms.values.reduce(0) { $0 + $1.values.count }
    var words =
      "\(constants) constants of \(calibration.forms.count) forms and \(calibration.curves.count) curves of collectives "
      + "describe \(device.title)."
    let errors = known.compactMap(\.relativeError).map { abs(100 * $0) }
    let readBack = TableComparison.readBackWords(tables).map { " " + $0 } ?? ""
    guard !errors.isEmpty else {
      guard readBack.isEmpty else { return words + readBack }
      return words + " No table of this device was given to judge them by."
    }
    let covered = known.compactMap(\.isCovered)
    words +=
      " Over \(errors.count) measured values the models err by \(fixed(errors.reduce(0, +) / Double(errors.count), decimals: 1)) % on average, "
      + "half of them by less than \(fixed(quantile(errors, 0.5), decimals: 1)) %"
    if !covered.isEmpty {
      words +=
        "; \(fixed(100 * Double(covered.count { $0 }) / Double(covered.count), decimals: 0)) % lie in their 90 % intervals"
    }
    return words
      + ". Rows that constants were fitted to are among them; rows left out of the fits miss by what each form says below."
      + readBack
  }

  private var collectiveCharts: [Chart] {
    let network = NetworkModel<Double>(device, calibration)
    var kinds: [String] = []
    for key in calibration.curves.keys.sorted(by: { ($0.kind, $0.ranks) < ($1.kind, $1.ranks) })
    where !kinds.contains(key.kind) { kinds.append(key.kind) }
    return kinds.compactMap { kind in
      guard let collective = Collective<Double>.Kind(rawValue: kind) else { return nil }
      var series: [LineChart.Series] = []
      for (color, key) in calibration.curves.keys.filter({ $0.kind == kind }).sorted(by: {
        $0.ranks < $1.ranks
      })
      .enumerated() {
        guard let curve = calibration.curves[key] else { continue }
        let span = (curve.largest / curve.smallest).logarithm()
        let form = (0...80).compactMap { step -> LineChart.Point? in
          let bytes = curve.smallest * (Double(step) / 80 * span).exponential()
          let cost = network.cost(Collective(collective, bytes: bytes, ranks: key.ranks))?.cost
          return cost.map { .init(bytes, $0.time) }
        }
        series.append(.init("\(key.ranks) devices", form, hasMarks: false, color: color))
        series.append(
          .init(
            "\(key.ranks) devices, measured", curve.points.map { .init($0.bytes, $0.seconds) }, isLine: false,
            color: color))
      }
      return Chart(
        "Time of \(kind) over its payload", "Marks are measured; lines are the form with its correction.",
        .lines(
          LineChart(
            x: .init("payload", unit: "B", isLogarithmic: true, hasPrefixes: true),
            y: .init("time", unit: "s", isLogarithmic: true, hasPrefixes: true), series: series)))
    }
  }

  private var page: ReportPage {
    var page = ReportPage(
      kind: "Calibration", title: "Calibration of \(device.title)", summary: summary)
    page.lead = calibration.source
    page.sections = []
    let checks = [
      Chart.tables("Every measured row of this device", tables, error: 0.1), Chart.layerErrors(tables),
    ].compactMap { $0 }
    let accuracy = tables.flatMap { table in table.summaries.filter { $0.mape != nil } }
    if !checks.isEmpty || !accuracy.isEmpty {
      page.sections.append(
        Section(
          "Predicted against measured", prose: [], charts: checks,
          tables: accuracy.isEmpty ? [] : [ScenarioPage.accuracyTable(accuracy)]))
    }
    if !collectiveCharts.isEmpty {
      page.sections.append(Section("Collectives", prose: [], charts: collectiveCharts))
    }
    page.sections.append(
      Section(
        "The constants",
        prose: CalibrationPage.constantsProse,
        tables: CalibrationPage.constants(of: calibration) + CalibrationPage.entangled(calibration)))
    page.trust.foundations = ["\(calibration.name): \(calibration.source)."]
    page.trust.files = sources
    page.trust.tables = [ScenarioPage.facts(FactSheet(device), "The data sheet, number by number")]
    page.trust.command = "rooftree report \(calibration.name)"
    return page
  }

  /// Figures, tables and the page as Markdown, by name.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }
}

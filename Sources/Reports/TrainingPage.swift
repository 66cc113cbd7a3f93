import CostModels
import Hardware
import Quantities
public import Scenarios
import Studies
import Workloads

/// A page about the training of a linear model.
public struct TrainingPage: Sendable {
  let projection: TrainingProjection
  let command: String

  /// A page.
  ///
  /// - Parameters:
  ///   - projection: the answer to the scenario.
  ///   - command: what writes the page again.
  public init(_ projection: TrainingProjection, command: String) {
    self.projection = projection
    self.command = command
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let epoch = projection.epoch
    let range = epoch.interval90
    let longest = projection.parts.max { ($0.time, $1.name) < ($1.time, $0.name) }
    return
      "An epoch of \(projection.scenario.title) takes \(Seconds(epoch.time).formatted()), with 90 % confidence between "
      + "\(Seconds(range.lowerBound).formatted()) and \(Seconds(range.upperBound).formatted()), and \(Joules(epoch.energy).formatted())."
      + (longest.map {
        " The largest part is \($0.name), \(percent($0.time.value / epoch.time)) of the time."
      } ?? "") + " Exchange and average take \(percent(epoch.parts.synchronisation / epoch.time))."
  }

  private var page: ReportPage {
    let (scenario, epoch) = (projection.scenario, projection.epoch)
    let plan = scenario.training.plan
    var page = ReportPage(kind: "Scenario", title: scenario.title, summary: summary)
    page.headlines = [
      ("an epoch", Seconds(epoch.time).formatted()),
      (
        "\(scenario.training.epochs) epochs",
        Seconds(Double(scenario.training.epochs) * epoch.time).formatted()
      ),
      ("energy of an epoch", Joules(epoch.energy).formatted()),
      ("workers", "\(plan.workers), \(plan.algorithm.rawValue)"),
      ("synchronisations of an epoch", "\(plan.synchronisationsPerEpoch)"),
      (
        "to the workers and back",
        "\(Bytes(Double(plan.bytesDownPerEpoch)).formatted()), \(Bytes(Double(plan.bytesUpPerEpoch)).formatted())"
      ),
    ]
    let form = EpochForm(scenario.system, runs: [scenario.training])
    let parts =
      form.map { form in zip(EpochForm.partNames, form.outputs(form.sliders.map(\.value))).map { ($0, $1) } }
      ?? projection.parts.map { ($0.name, $0.time.value) }
    page.sections = [
      Section(
        "Where an epoch's time goes", prose: [],
        charts: [
          Chart(
            "Parts of an epoch",
            "The parts follow one another and add up. The thin line is the 90 % interval.",
            .bars(
              BarChart(
                parts: parts.map(\.0), label: "time of an epoch", unit: "s",
                bars: [
                  .init("epoch", parts.map(\.1), interval: epoch.interval90, output: form == nil ? nil : 0)
                ], live: form?.live)))
        ])
    ]
    page.trust.foundations = [
      "Device: \(scenario.system.device.title). "
        + (scenario.calibration.map { "Calibration \($0.name): \($0.source)." }
          ?? "No calibration: constants are the middle of plausible ranges.")
    ]
    page.trust.files = scenario.files
    page.trust.tables = [
      ScenarioPage.facts(FactSheet(scenario.system.device), "The data sheet, number by number")
    ]
    if let calibration = scenario.calibration {
      page.trust.tables.append(
        ScenarioPage.facts(FactSheet(calibration), "The calibration, constant by constant"))
    }
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

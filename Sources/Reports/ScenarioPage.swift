import Calibration
import CostModels
import Documents
public import Hardware
import Quantities
public import Scenarios
import Studies
public import Sweeps
import Workloads

/// A self-contained page about one scenario: the projection beside measurements of the same device.
public struct ScenarioPage: Sendable {
  let projection: Projection
  let tables: [TableComparison]
  let whatIf: WhatIf?
  let sensitivity: Sensitivity?
  let others: [Device]
  let command: String
  /// The files that its numbers rest on.
  public var inputs: [String]

  /// A page.
  ///
  /// - Parameters:
  ///   - projection: the answer to the scenario.
  ///   - tables: measurements of the scenario's device, with their predictions.
  ///   - whatIf: the scenario on other machines.
  ///   - sensitivity: what the numbers of the hardware leave open.
  ///   - others: devices whose roofs stand beside those of the scenario's.
  ///   - command: what writes the page again.
  public init(
    _ projection: Projection, tables: [TableComparison], whatIf: WhatIf? = nil,
    sensitivity: Sensitivity? = nil, others: [Device] = [], command: String = ""
  ) {
    self.projection = projection
    self.tables = tables
    self.whatIf = whatIf
    self.sensitivity = sensitivity
    self.others = others
    self.command = command
    inputs = projection.scenario.files + tables.map(\.path)
  }

  /// Summaries of whole columns of the tables that a model covers.
  var accuracy: [ErrorSummary] {
    tables.flatMap { table -> [ErrorSummary] in
      let summaries = table.summaries
      let whole = summaries.filter { $0.group == "all" && $0.mape != nil }
      return whole.isEmpty ? summaries.filter { $0.mape != nil } : whole
    }
  }

  /// What takes the time: `one training step takes`, `all operators take`.
  private var taking: String {
    let name = projection.root.name
    return name.hasSuffix("s") ? "all \(name) take" : "one \(name) takes"
  }

  /// Whether the scenario is made of whole layers like those that were measured: a forward pass or a training step.
  private var isOfLayers: Bool {
    projection.root.repeatedLayers != nil && [.forward, .training].contains(projection.scenario.pass)
  }

  /// One paragraph in plain words, made from the numbers.
  public var summary: String {
    let interval = projection.root.interval90
    var words =
      "\(projection.scenario.title): \(taking) "
      + "\(projection.time.formatted()), with 90 % confidence between \(interval.lowerBound.formatted()) and "
      + "\(interval.upperBound.formatted())."
    if let rate = projection.tokensPerSecond {
      words += " That is \(counted(rate)) tokens a second"
      words +=
        projection.modelFLOPUtilization.map { " at \(percent($0)) of the peak rate of all devices" } ?? ""
      words += "." + wholeTraining
    }
    if projection.scenario.plan.devices > 1 {
      let range = projection.communicationInterval
      words +=
        " Communication takes \(percent(projection.communicationShare)) [\(bare(range.lowerBound)), "
        + "\(bare(range.upperBound))] of the \(projection.root.name)."
    }
    if let bubble = projection.step?.bubble, bubble > 0 {
      words += " Stages wait for one another \(percent(bubble / projection.time.value)) of it."
    }
    if let energy = projection.energy, energy.sustainedTime.value > 1.01 * projection.time.value {
      words +=
        " When one follows another the power limit makes it \(energy.sustainedTime.formatted())."
    }
    if let memory = projection.memory {
      words += Self.words(Bytes(memory.memory.total), memory.capacity, fits: memory.fits)
    } else if let serving = projection.serving {
      words += Self.words(serving.memory.total, serving.capacity, fits: serving.fits)
    }
    words += savings
    let layers =
      !isOfLayers ? [] : accuracy.filter { $0.table.contains("tp_layers") && !$0.quantity.contains("nocomm") }
    if let worst = layers.compactMap(\.mape).max(), let best = layers.compactMap(\.mape).min() {
      words +=
        " On measured layers of this device that no fit saw, the same models err by \(fixed(best, decimals: 1)) to "
        + "\(fixed(worst, decimals: 1)) % on average."
    }
    if projection.scenario.calibration == nil {
      words += " The device was not measured: constants of other devices stand in, and the interval is wide."
    }
    let beyond = extrapolated
    if !beyond.isEmpty {
      let share = beyond.reduce(0) { $0 + $1.time.value } / projection.time.value
      words += " Of the time \(percent(share)) is extrapolated: sizes beyond everything that was measured."
    }
    return words
  }

  /// Kernels that are larger or smaller than anything that the calibration saw.
  private var extrapolated: [CostNode.Kernel] { projection.root.kernels.filter(\.isExtrapolated) }

  /// What training on all tokens takes, where they are given.
  private var wholeTraining: String {
    guard let time = projection.trainingTime, let tokens = projection.scenario.trainingTokens else {
      return ""
    }
    let days = formatted(time.value / 86_400)
    let steps = projection.tokens.map { tokens / $0 } ?? 0
    let money = projection.energy?.money.map { " and \(counted(steps * $0.value.value)) USD" } ?? ""
    return " Training on \(counted(tokens)) tokens takes \(days) days\(money)."
  }

  private static func words(_ total: Bytes, _ capacity: Bytes, fits: Bool) -> String {
    fits
      ? " The fullest device keeps \(total.formatted()) of its \(capacity.formatted()) of memory."
      : " It does not fit: a device would keep \(total.formatted()), and has \(capacity.formatted()) of memory."
  }

  /// What doubling each part of the machine would save, the largest first.
  private var savings: String {
    let names: [WhatIf.Kind: String] = [
      .peak: "the peak rate", .memory: "the memory bandwidth", .link: "the link bandwidth",
    ]
    let parts = (whatIf?.effects ?? []).compactMap { effect -> (name: String, saved: Double)? in
      names[effect.kind].map { ($0, max(0, 1 - effect.doubled / projection.time)) }
    }.sorted { ($0.saved, $1.name) > ($1.saved, $0.name) }
    guard let first = parts.first else { return "" }
    let rest = parts.dropFirst().map { ", \($0.name) \(percent($0.saved))" }.joined()
    return " Doubling \(first.name) would save \(percent(first.saved))\(rest)."
  }

  private func bare(_ share: Double) -> String { fixed(share * 100, decimals: share < 0.0995 ? 1 : 0) }

  private var sections: [Section] {
    var sections = [
      Section(
        "Where the time goes", prose: [], charts: [.icicle(projection), .kernels(projection)])
    ]
    func add(_ title: String, _ charts: [Chart?], prose: [String] = []) {
      let charts = charts.compactMap { $0 }
      if !charts.isEmpty { sections.append(Section(title, prose: prose, charts: charts)) }
    }
    add("The step over time", [.stepTimeline(projection), .layerTimeline(projection)])
    add("Memory", [.memory(projection)])
    add("Energy and power", [.energyParts(projection)] + Chart.powerOverTime(projection))
    add("What the hardware allows", [.roofline(projection, others: others, tables: tables)])
    sections += whatIfSections
    add(
      "Predicted against measured",
      [.layerErrors(tables), .tables("Every measured row of this device", tables, error: 0.1)],
      prose: [
        "Constants were fitted to rows of most of these tables, partitions of the device (sm_partition.csv) included; the "
          + "calibration names them below. No constant was fitted to whole layers (tp_layers, dp)."
      ] + [TableComparison.readBackWords(tables)].compactMap { $0 })
    return sections
  }

  private var whatIfSections: [Section] {
    guard let whatIf else { return [] }
    var charts: [Chart] = []
    if let moved = Chart.movedStep(projection) { charts.append(moved) }
    if !whatIf.effects.isEmpty {
      charts.append(
        Chart(
          "One parameter of the machine at half and at twice its value",
          "The scenario projected again with one change; everything else, calibrated efficiencies included, stays.",
          .tornado(
            Tornado(
              label: "time of the \(projection.root.name)", unit: "s", base: projection.time.value,
              bars: whatIf.effects.map { effect in
                Tornado.Bar(
                  "\(effect.name), \(effect.value)", low: (effect.halved.value, "half"),
                  high: (effect.doubled.value, "twice"))
              }))))
    }
    if let sensitivity { charts.append(.sensitivity(sensitivity, projection.root.name)) }
    if whatIf.strong.count > 1 {
      charts.append(
        .scaling(
          "More replicas for the same batch",
          "The sequences of a step stay, the replicas that share them grow (strong scaling). Speed and efficiency count from the "
            + "scenario's own number of devices, as those of rooftree scale. The dashed line is the ideal.",
          devices: "devices", base: Double(projection.scenario.plan.devices),
          curves: [("data parallelism", Self.times(whatIf.strong))], isStrong: true))
    }
    if whatIf.weak.count > 1 {
      charts.append(
        .scaling(
          "More replicas for as many more sequences",
          "Each replica keeps its sequences (weak scaling). Speed and efficiency count from the scenario's own "
            + "number of devices. The dashed line is the ideal.",
          devices: "devices", base: Double(projection.scenario.plan.devices),
          curves: [("data parallelism", Self.times(whatIf.weak))], isStrong: false))
    }
    if !whatIf.tensor.isEmpty {
      charts.append(
        .scaling(
          "The same step over more devices, tensor-parallel",
          "The work stays, the devices that share it grow. The dashed line is the ideal. Whether the model fits is another "
            + "question: see the memory of a device. Speed and efficiency count from the scenario's own number of devices.",
          devices: "devices", base: Double(projection.scenario.plan.devices),
          curves: [
            (
              "tensor parallelism",
              Self.times(whatIf.tensor)
            )
          ], isStrong: true))
      charts.append(
        Chart(
          "What the devices do with the time",
          "Time of the step times the devices that it keeps busy, by what it waits for.",
          .bars(Self.deviceTime(whatIf.tensor))))
    }
    guard !charts.isEmpty else { return [] }
    return [
      Section(
        "What if", prose: [],
        charts: charts,
        tables: whatIf.effects.isEmpty
          ? []
          : [
            DataTable(
              "How to ask the same with the command",
              columns: [
                .init("parameter"), .init("today"), .init("time at half", unit: "s"),
                .init("time at twice", unit: "s"), .init("saved by doubling", unit: "%"), .init("--set"),
              ],
              rows: whatIf.effects.map { effect in
                [
                  .text(effect.name), .text(effect.value), .number(effect.halved.value),
                  .number(effect.doubled.value),
                  .number(100 * (1 - effect.doubled / projection.time), digits: 2), .text(effect.change),
                ]
              })
          ])
    ]
  }

  private static func times(_ answers: [(degree: Int, projection: Projection)]) -> [(
    count: Double, time: Double
  )] {
    answers.map { (count: Double($0.projection.scenario.plan.devices), time: $0.projection.time.value) }
  }

  private static func deviceTime(_ tensor: [(degree: Int, projection: Projection)]) -> BarChart {
    func devices(_ projection: Projection) -> Double { Double(projection.scenario.plan.devices) }
    let most = tensor.map { devices($0.projection) * $0.projection.time.value }.max() ?? 1
    let (factor, symbol) = timeUnit(most)
    let bounds = Bound.drawn.filter { bound in
      tensor.contains { $0.projection.root.timeByBound[bound, default: 0] > 1e-3 * $0.projection.time.value }
    }
    return BarChart(
      parts: bounds.map { "waits for \($0.rawValue)" }, label: "time of all devices", unit: symbol,
      bars: tensor.map { degree, projection in
        let times = projection.root.timeByBound
        let devices = devices(projection)
        return BarChart.Bar(
          "\(projection.scenario.plan.devices) device\(projection.scenario.plan.devices == 1 ? "" : "s")",
          bounds.map { devices * times[$0, default: 0] / factor },
          interval: devices * projection.root.interval90.lowerBound.value / factor...devices
            * projection.root.interval90.upperBound.value / factor)
      })
  }

  private var page: ReportPage {
    let scenario = projection.scenario
    var page = ReportPage(kind: "Scenario", title: scenario.title, summary: summary)
    page.lead = scenario.note ?? ""
    page.headlines =
      [("time of the \(projection.root.name)", projection.timeWithInterval)] + projection.headlines
    page.sections = sections
    page.trust = trust
    return page
  }

  private var trust: Trust {
    let scenario = projection.scenario
    var trust = Trust()
    trust.foundations = [
      "Device: \(scenario.device.title). "
        + (scenario.calibration.map { "Calibration \($0.name): \($0.source)." }
          ?? "No calibration: constants that other devices agree on, with a spread of a quarter.")
    ]
    let kernels = extrapolated
    trust.foundations.append(
      kernels.isEmpty
        ? "Nothing is extrapolated: every kernel lies within what the calibration saw, up to a factor of two."
        : "Extrapolated, \(percent(kernels.reduce(0) { $0 + $1.time.value } / projection.time.value)) of the time: "
          + kernels.map(\.name).joined(separator: ", ") + ".")
    trust.files = inputs
    if !accuracy.isEmpty { trust.tables.append(Self.accuracyTable(accuracy)) }
    trust.tables.append(Self.facts(FactSheet(scenario.device), "The data sheet, number by number"))
    if let calibration = scenario.calibration {
      trust.tables.append(Self.facts(FactSheet(calibration), "The calibration, constant by constant"))
    }
    if let costs = scenario.costs {
      trust.tables.append(Self.facts(FactSheet(costs), "Prices and the grid, number by number"))
    }
    trust.command = command
    return trust
  }

  static func accuracyTable(_ accuracy: [ErrorSummary]) -> DataTable {
    func cell(_ value: Double?) -> DataTable.Cell { value.map { .number($0, digits: 2) } ?? .empty }
    return DataTable(
      "How accurate the models are on this device",
      columns: [
        .init("table"), .init("group"), .init("column"), .init("rows"), .init("bias", unit: "%"),
        .init("mean absolute error", unit: "%"), .init("90th percentile", unit: "%"),
        .init("worst", unit: "%"), .init("in the 90 % interval", unit: "%"),
      ],
      rows: accuracy.map { summary in
        [
          .text(summary.table.split(separator: "/").suffix(2).joined(separator: "/")), .text(summary.group),
          .text(summary.quantity), .number(Double(summary.rows)), cell(summary.bias), cell(summary.mape),
          cell(summary.p90), cell(summary.max), cell(summary.coverage90),
        ]
      })
  }

  static func facts(_ sheet: FactSheet, _ title: String) -> DataTable {
    DataTable(
      title, columns: ["number", "value", "interval", "how known", "source"].map { .init($0) },
      rows: sheet.facts.filter { !$0.kind.isEmpty }.map { fact in
        [.text(fact.name), .text(fact.value), .text(fact.interval), .text(fact.kind), .text(fact.source)]
      })
  }

  /// Figures, tables and the page as Markdown, by name.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }
}

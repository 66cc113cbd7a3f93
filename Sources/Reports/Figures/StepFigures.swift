import CostModels
import Hardware
import Quantities
import Scenarios
import Studies
import Sweeps
import Workloads

/// How a step runs: over time, in energy, in memory, on other machines.
extension Chart {
  /// The most that a timeline tells apart: more cannot be seen, and makes a page heavy.
  private static let mostSpans = 200

  /// The whole step: layers as they run, exchanges exposed and hidden.
  static func stepTimeline(_ projection: Projection) -> Chart? {
    let order = RunningOrder(projection.root, atMost: mostSpans)
    var spans: [Timeline.Span] = []
    var now = 0.0
    var backward: (start: Double, end: Double)?
    for run in order.runs where run.time > 0 {
      // A run's kernels, then its exchanges, as the parts of a long step alternate.
      let end = now + run.time
      let exchange = run.exchangeTime
      let isWaiting = run.kind == "pipeline bubble"
      if exchange < run.time {
        spans.append(
          .init(run.name, lane: isWaiting ? 2 : 0, from: now, to: end - exchange, kind: isWaiting ? 2 : 0))
      }
      if exchange > 0 {
        let name = exchange < run.time ? "\(run.name): exchanges" : run.name
        spans.append(.init(name, lane: 1, from: end - exchange, to: end, kind: 1))
      }
      if run.kind == "backward" { backward = (backward?.start ?? now, end) }
      now = end
    }
    var lanes = ["kernels", "exposed exchanges"]
    var kinds = ["computation", "exposed communication"]
    func add(lane: String, kind: String) {
      lanes.append(lane)
      kinds.append(kind)
    }
    let waits = spans.contains { $0.lane == 2 }
    if waits { add(lane: "waiting", kind: "waiting for other stages") }
    if projection.hiddenCommunication > .zero, let backward {
      let length = min(projection.hiddenCommunication.value, backward.end - backward.start)
      add(lane: "hidden exchanges", kind: "hidden communication")
      spans.append(
        .init(
          "exchanges beside kernels", lane: lanes.count - 1, from: backward.end - length, to: backward.end,
          kind: lanes.count - 1))
    }
    guard spans.count > 1 else { return nil }
    return Chart(
      "The \(projection.root.name) as it runs",
      "What a device of the slowest stage does. Within a span kernels and exchanges alternate; here its exchanges stand "
        + "together at its end."
        + (waits ? " A pipeline waits while it fills and while it empties; here both stand together." : "")
        + " Zoom in to tell spans apart.",
      .timeline(Timeline(lanes: lanes, kinds: kinds, spans: spans)))
  }

  /// One layer: kernels in one lane, exchanges in another.
  static func layerTimeline(_ projection: Projection) -> Chart? {
    guard let layers = projection.root.repeatedLayers else { return nil }
    var spans: [Timeline.Span] = []
    var now = 0.0
    for kernel in layers.parts.flatMap(\.kernelsInOrder) where kernel.time.value > 0 {
      let kind = kernel.isCommunication ? 1 : 0
      spans.append(
        .init(kernel.name, lane: kind, from: now, to: now + kernel.time.value, kind: kind))
      now += kernel.time.value
    }
    guard spans.count > 1, spans.count <= 2 * mostSpans else { return nil }
    let hasExchanges = spans.contains { $0.kind == 1 }
    return Chart(
      "One of the \(layers.name) as it runs",
      layers.parts.map(\.name).joined(separator: ", then ").capitalisedSentence
        + ". Kernels follow one another"
        + (hasExchanges
          ? "; while an exchange runs that kernels wait for, the lane of kernels is empty." : "."),
      .timeline(
        Timeline(
          lanes: hasExchanges ? ["kernels", "exchanges"] : ["kernels"],
          kinds: hasExchanges ? ["computation", "exposed communication"] : ["computation"], spans: spans)))
  }

  /// Where the energy of the step goes, part by part.
  static func energyParts(_ projection: Projection) -> Chart? {
    guard let energy = projection.energy else { return nil }
    var parts: [(kind: String, part: String, demand: EnergyDemand<Double>)] = []
    for run in RunningOrder(projection.root, atMost: mostSpans).runs {
      if let index = parts.firstIndex(where: { $0.kind == run.kind && $0.part == run.part }) {
        parts[index].demand = parts[index].demand + run.demand
      } else {
        parts.append((run.kind, run.part, run.demand))
      }
    }
    let devices = Double(projection.scenario.plan.devices)
    let shares = parts.map { (name: $0.kind, split: energy.split($0.demand, in: $0.part)) }
      .filter { $0.split.energy.value > 5e-4 * energy.energy.value / devices }
    let (factor, symbol) = energyUnit(devices * (shares.map { $0.split.energy.value }.max() ?? 1))
    return Chart(
      "Where the energy goes",
      "Energy of \(devices == 1 ? "the device" : "all \(grouped(projection.scenario.plan.devices)) devices") by part of the step. Idle power is drawn whatever "
        + "runs; compute units and data add to it. Parts below 0.05 % are left out.",
      .bars(
        BarChart(
          parts: ["idle power", "compute units", "memory and links"], label: "energy", unit: symbol,
          bars: shares.map { name, split in
            .init(name, [split.idle, split.computing, split.moving].map { devices * $0.value / factor })
          })))
  }

  /// Power over a step, and within one layer, against the limit.
  static func powerOverTime(_ projection: Projection) -> [Chart] {
    guard let energy = projection.energy, let limit = projection.scenario.device.power.limit?.quantity else {
      return []
    }
    typealias Piece = (name: String, group: String, demand: EnergyDemand<Double>)
    let runs = RunningOrder(projection.root, atMost: mostSpans).runs
    var groups: [String: EnergyProjection.Phase] = [:]
    for (group, members) in Dictionary(grouping: runs, by: \.clockGroup) {
      let demand = members.reduce(.zero) { $0 + $1.demand }
      let time = members.reduce(0) { $0 + $1.time }
      if demand.time > 0 { groups[group] = energy.phase(demand, time: time) }
    }
    func chart(_ title: String, _ words: String, _ pieces: [Piece]) -> Chart? {
      var points: [LineChart.Point] = []
      var now = 0.0
      for piece in pieces {
        guard let phase = groups[piece.group] else { continue }
        let split = energy.split(piece.demand, at: phase)
        guard split.time.value > 0 else { continue }
        points.append(.init(now, split.power.value, name: piece.name))
        now += split.time.value
      }
      guard points.count > 1, let last = points.last else { return nil }
      points.append(.init(now, last.y, name: "end"))
      return Chart(
        title, words,
        .lines(
          LineChart(
            x: .init("time from the start", unit: "s", hasPrefixes: true),
            y: .init("power of one device", unit: "W", including: [0], hasPrefixes: true),
            series: [.init("", points, hasMarks: false, line: .steps)],
            guides: [
              .level(limit.value, "power limit \(limit.formatted())"),
              .level(energy.idlePower.value, "idle \(energy.idlePower.formatted())"),
            ])))
    }
    // The slowest of the layers' clocks, where the times of the step hold it; else that of this figure.
    let layers = runs.compactMap(\.layers).compactMap { groups[$0]?.cost.clock }.min()
    let clock = projection.clock ?? layers ?? groups.values.map(\.cost.clock).min() ?? 1
    let words =
      clock < 0.9995
      ? layers == nil
        ? "The limit holds the mean of each part: compute units run at \(percent(clock)) of the full clock in the one that asks for most."
        : "The times hold one clock for all passes of a layer, \(percent(clock)) of the full one, at which their mean meets the "
          + "limit. A pass that asks for more than the mean is therefore drawn above the limit, another below; the regulator, "
          + "which looks at some 50 ms, evens long passes out."
      : "No phase of the step asks for more than the limit, so the clock stays as it is."
    let step = chart(
      "Power over the \(projection.root.name)",
      "Mean power of each part on one device when one \(projection.root.name) follows another; \(energy.power.formatted()) on average. \(words)",
      runs.map { ($0.name, $0.clockGroup, $0.demand) })
    let layer = projection.root.repeatedLayers.flatMap { layers in
      // Where micro-batches are not told apart, the layers are held with all that is in one.
      let group =
        groups[layers.name] != nil
        ? layers.name
        : projection.root.parts.first { $0.name == layers.name || $0.repeatedLayers != nil }?.name ?? ""
      return chart(
        "Power within one of the \(layers.name)",
        "Kernel by kernel. The device keeps the mean of some 50 ms below its limit, so single kernels may draw more.",
        layers.parts.flatMap(\.kernelsInOrder).map { ($0.name, group, $0.demand) })
    }
    return [step, layer].compactMap { $0 }
  }

  /// What a device keeps in memory as the scenario stands, and with one thing changed, against what it has.
  static func memory(_ projection: Projection) -> Chart? {
    if let serving = projection.serving { return memory(serving, projection.scenario.microBatch) }
    guard let verdict = projection.memory else { return nil }
    let scenario = projection.scenario
    func bar(_ name: String, _ memory: TrainingMemory<Double>) -> BarChart.Bar {
      let parts = [
        memory.weights, memory.gradients, memory.optimizer, memory.outer, memory.activations,
        memory.buffers + memory.fragmentation,
      ]
      return .init(name, parts.map { $0 / 1e9 })
    }
    var bars = [bar("as it is", verdict.memory)]
    func add(
      _ name: String, microBatch: Int? = nil, sequenceParallel: Bool? = nil,
      _ change: (inout ParallelPlan) -> Void = { _ in }
    ) {
      var plan = scenario.plan
      change(&plan)
      let other = scenario.spread(
        plan, microBatch: microBatch ?? scenario.microBatch,
        sequenceParallel: sequenceParallel ?? scenario.sequenceParallel,
        separateAccumulation: scenario.layerOptions.separateAccumulation)
      if let step = other.trainingKernels { bars.append(bar(name, other.memory(of: step))) }
    }
    for recompute in Recompute.allCases where recompute != scenario.plan.recompute {
      add("recompute: \(recompute.rawValue)") { $0.recompute = recompute }
    }
    if scenario.plan.replicas > 1 {
      for sharding in ParallelPlan.Sharding.allCases where sharding != scenario.plan.sharding {
        add("sharding: \(sharding.rawValue)") { $0.sharding = sharding }
      }
    }
    if scenario.plan.tensor > 1 {
      add(
        scenario.sequenceParallel ? "no sequence parallelism" : "sequence parallelism",
        sequenceParallel: !scenario.sequenceParallel)
    }
    add("micro-batches of \(2 * scenario.microBatch)", microBatch: 2 * scenario.microBatch)
    return Chart(
      "Memory of the fullest device",
      "As the scenario stands, and with one thing changed. The dashed line is what the device has.",
      .bars(
        BarChart(
          parts: [
            "weights", "gradients", "optimizer", "embedding and head", "activations",
            "buffers and fragmentation",
          ], label: "memory", unit: "GB", bars: bars,
          limit: (verdict.capacity.value / 1e9, "capacity \(verdict.capacity.formatted())"))))
  }

  private static func memory(_ serving: ServingFigures, _ batch: Int) -> Chart {
    func bar(_ sequences: Int, _ memory: ServingMemory, _ words: String) -> BarChart.Bar {
      .init(
        "\(sequences) sequence\(sequences == 1 ? "" : "s"), \(words)",
        [memory.weights, memory.cache, memory.buffers].map { $0.value / 1e9 })
    }
    var bars = [bar(batch, serving.memory, "as it is")]
    if let largest = serving.largestBatch, let memory = serving.largestMemory, largest != batch {
      bars.append(bar(largest, memory, "the most that fit"))
    }
    return Chart(
      "Memory of a device",
      "Weights as they are stored, keys and values of all sequences at their longest, buffers. The dashed line is what the "
        + "device has.",
      .bars(
        BarChart(
          parts: ["weights", "cache", "buffers"], label: "memory", unit: "GB", bars: bars,
          limit: (serving.capacity.value / 1e9, "capacity \(serving.capacity.formatted())"))))
  }

  /// The pieces of a training step, which sliders of the machine's numbers move.
  static func movedStep(_ projection: Projection) -> Chart? {
    guard let form = MovedStep(projection.scenario) else { return nil }
    let live = LiveForm(
      form,
      sliders: form.parameters.map { parameter in
        parameter.isLimit
          ? .init(
            parameter.name, unit: parameter.unit, value: parameter.value,
            in: 0.4 * parameter.value...2 * parameter.value)
          : .init(parameter.name, unit: parameter.unit, value: parameter.value, factor: 4)
      }, samples: [[]])
    let pieces = form.outputs(form.parameters.map(\.value))
    let total = pieces.reduce(0, +)
    let ratio = projection.time.value > 0 ? total / projection.time.value : 1
    let interval = projection.root.interval90
    return Chart(
      "The \(projection.root.name) on a machine with other numbers",
      "What the step is made of"
        + (form.pieces.contains(.powerLimit) ? ", when steps follow one another under the power limit" : "")
        + ". The thin line is the 90 % interval. Calibrated efficiencies stay as they are.",
      .bars(
        BarChart(
          parts: form.pieces.map(\.rawValue), label: "time", unit: "s",
          bars: [
            .init(
              projection.root.name, pieces,
              interval: ratio * interval.lowerBound.value...ratio * interval.upperBound.value, output: 0)
          ], live: live)))
  }

  /// What the time becomes over the plausible range of each number of the hardware.
  static func sensitivity(_ sensitivity: Sensitivity, _ name: String) -> Chart {
    Chart(
      "What the numbers of the hardware leave open, and could change",
      "The \(name) with one number at the low and at the high end of its range: the interval of its source, a tenth to "
        + "either side where it has none.",
      .tornado(
        Tornado(
          label: "time of the \(name)", unit: "s", base: sensitivity.time,
          bars: sensitivity.bars.map { bar in
            let parameter = bar.parameter
            func words(_ value: Double) -> String {
              prefixed(value, parameter.unit == "1" ? "" : parameter.unit)
            }
            return Tornado.Bar(
              parameter.key.split(separator: ".").dropFirst().joined(separator: " "),
              low: (bar.timeAtLow, words(parameter.range.lowerBound)),
              high: (bar.timeAtHigh, words(parameter.range.upperBound)))
          })))
  }
}

/// The unit in which energies of a chart are read best: joules over it, and its symbol.
func energyUnit(_ largest: Double) -> (joules: Double, symbol: String) {
  largest < 1 ? (1e-3, "mJ") : largest < 1e3 ? (1, "J") : largest < 1e6 ? (1e3, "kJ") : (1e6, "MJ")
}

extension String {
  /// With a capital first letter.
  var capitalisedSentence: String { prefix(1).uppercased() + dropFirst() }
}

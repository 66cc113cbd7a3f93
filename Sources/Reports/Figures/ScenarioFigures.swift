import Calibration
import CostModels
import Hardware
import Quantities
import Scenarios
import Studies
import Workloads

extension Bound {
  /// The order of the colours in figures.
  static let drawn: [Bound] = [.compute, .network, .memory, .launch, .cache]

  var kind: Int { Self.drawn.firstIndex(of: self) ?? 0 }
}

/// The unit in which times of a chart are read best: seconds over it, and its symbol.
func timeUnit(_ longest: Double) -> (seconds: Double, symbol: String) {
  longest < 1e-3 ? (1e-6, "us") : longest < 1 ? (1e-3, "ms") : (1, "s")
}

extension Chart {
  /// The step as a whole and its parts, down to the kernels.
  static func icicle(_ projection: Projection) -> Chart {
    func node(_ part: CostNode, times: Double) -> Icicle.Node {
      let interval = part.interval90
      let count = part.count > 1 ? "\(part.count) × " : ""
      let words =
        "90 % between \((times * interval.lowerBound).formatted()) and \((times * interval.upperBound).formatted())"
        + (part.isExtrapolated && part.parts.isEmpty ? "; extrapolated" : "")
      return Icicle.Node(
        count + part.name, value: times * part.time.value, kind: part.bound.kind, words: words,
        parts: part.parts.map { node($0, times: times * Double(part.count)) })
    }
    return Chart(
      "Where the time of a \(projection.root.name) goes",
      "From left to right: the step, its parts, their kernels. Click a field to look into it, again to come back.",
      .icicle(
        Icicle(
          label: "time", unit: "s", kinds: Bound.drawn.map { "waits for \($0.rawValue)" },
          root: node(projection.root, times: 1))))
  }

  /// Time by kernel, largest first, with 90 % intervals and what each waits for.
  static func kernels(_ projection: Projection) -> Chart {
    let leaves = projection.root.kernels
    let shown = leaves.prefix(16)
    let bounds = Bound.drawn.filter { bound in shown.contains { $0.bound == bound } }
    let (factor, symbol) = timeUnit(shown.map { $0.time.value }.max() ?? 1)
    let rest = leaves.count - shown.count
    return Chart(
      "Kernels of the \(projection.root.name), the longest first",
      "Each bar is the time of one kind of kernel over all its runs; the thin line is its 90 % interval; the colour says "
        + "what it waits for." + (rest > 0 ? " \(rest) smaller kinds are left out." : ""),
      .bars(
        BarChart(
          parts: bounds.map { "waits for \($0.rawValue)" }, label: "time of all runs", unit: symbol,
          bars: shown.map { kernel in
            BarChart.Bar(
              kernel.name, bounds.map { $0 == kernel.bound ? kernel.time.value / factor : 0 },
              interval: kernel.interval90.lowerBound.value / factor...kernel.interval90.upperBound.value
                / factor)
          })))
  }

  /// The kernels of the scenario and measured products under the roofs of the device and of others.
  static func roofline(
    _ projection: Projection, others: [Device], tables: [TableComparison]
  ) -> Chart? {
    let (device, type) = (projection.scenario.device, projection.scenario.dataType)
    guard let roofs = Roofs(device, type) else { return nil }
    let kernels = projection.root.kernels.filter { $0.work > .zero && $0.traffic > .zero }.prefix(24)
    var groups: [(name: String, points: [LineChart.Point])] = [
      (
        "kernels of this scenario, predicted",
        kernels.map { kernel in
          let low = kernel.work.value / kernel.interval90.upperBound.value
          return LineChart.Point(
            kernel.work.value / kernel.traffic.value, kernel.work.value / kernel.time.value,
            interval: low...kernel.work.value / kernel.interval90.lowerBound.value,
            name: "\(kernel.name), waits for \(kernel.bound.rawValue)")
        }
      )
    ]
    var measured: [LineChart.Point] = []
    for table in tables where table.kind == .operators {
      for value in table.values {
        guard case .kernel(let operation, units: nil, repeats: 1) = value.value.subject,
          operation.dataType == type, case .gemm(let shape) = operation.work, value.predicted != nil
        else { continue }
        let seconds = value.value.measured * value.value.unit
        measured.append(
          .init(
            shape.flop / shape.bytes(type), shape.flop / seconds,
            name:
              "\(Int(shape.m)) x \(Int(shape.n)) x \(Int(shape.k)) \(shape.layout.rawValue), error \(fixed(100 * (value.relativeError ?? 0), decimals: 1)) %"
          ))
      }
    }
    if !measured.isEmpty { groups.insert(("measured \(type.rawValue) products", measured), at: 0) }
    guard groups.contains(where: { !$0.points.isEmpty }) else { return nil }
    return .rooflines(
      "Kernels under the roofs of the data sheet, \(type.rawValue)",
      "Each mark is a kernel: how many operations it does for each byte that it must move, and the rate that it reaches. "
        + "Lines are what data sheets allow: full for the main memory, dashed for caches. The distance to the line is what "
        + "the calibrated models explain: tiles, waves, operand feeding, starts.",
      machines: [roofs] + others.compactMap { Roofs($0, type) }.map { main(of: $0) },
      points: groups)
  }

  private static func main(of roofs: Roofs) -> Roofs {
    Roofs(roofs.name, peak: roofs.peak, levels: Array(roofs.levels.prefix(1)), isPlanned: roofs.isPlanned)
  }

  /// Errors of whole layers that no fit saw: predicted over measured against the measured time.
  static func layerErrors(_ tables: [TableComparison]) -> Chart? {
    var series: [LineChart.Series] = []
    for (color, table) in tables.filter({ $0.kind == .tensorParallelLayers }).enumerated() {
      var columns: [String] = []
      for value in table.values where !columns.contains(value.value.quantity) {
        columns.append(value.value.quantity)
      }
      for column in columns where !column.contains("nocomm") {
        let points = table.values.filter { $0.value.quantity == column }.compactMap { value in
          value.relativeError.map {
            LineChart.Point(
              value.value.measured * value.value.unit, 100 * $0, name: "line \(value.value.line)")
          }
        }
        guard !points.isEmpty else { continue }
        let isBackward = column.contains("bwd")
        series.append(
          .init(
            "\(shortName(table.path)), \(isBackward ? "forward and backward" : "forward")", points,
            isLine: false, color: color + (isBackward ? 6 : 0)))
      }
    }
    let points = series.flatMap(\.points)
    guard !points.isEmpty else { return nil }
    let mean = points.map { abs($0.y) }.reduce(0, +) / Double(points.count)
    return Chart(
      "Whole layers that no fit saw",
      "\(points.count) measured times of Transformer layers split over GPUs, against what the operator and collective "
        + "models add up to. No constant was fitted to these rows. Mean absolute error \(fixed(mean, decimals: 1)) %.",
      .lines(
        LineChart(
          x: .init("measured time", unit: "s", isLogarithmic: true, hasPrefixes: true),
          y: .init("predicted − measured", unit: "%", including: [-10, 10]), series: series,
          band: (-6...6, "± 6 %, the bound that this project set itself"))))
  }

  /// Predicted against measured values of some tables, by group: times, or what all values are.
  static func tables(
    _ title: String, _ tables: [TableComparison], quantity: String = "time", unit: String = "s", error: Double
  ) -> Chart? {
    var groups: [(name: String, points: [LineChart.Point])] = []
    for table in tables {
      for value in table.values
      where value.predicted != nil && !value.isReadBack && value.value.unit > 0
        && value.value.isTime == (unit == "s")
      {
        let name = value.value.kind
        if let index = groups.firstIndex(where: { $0.name == name }) {
          groups[index].points.append(value.point)
        } else {
          groups.append((name, [value.point]))
        }
      }
    }
    guard !groups.isEmpty else { return nil }
    // Nine groups can be told apart; the small ones stand together.
    groups.sort { ($0.points.count, $1.name) > ($1.points.count, $0.name) }
    if groups.count > 8 {
      let rest = groups.dropFirst(7).flatMap(\.points)
      groups = Array(groups.prefix(7)) + [("others", rest)]
    }
    return .predictedAgainstMeasured(
      title,
      "On the line a prediction is right."
        + (tables.contains { $0.readBack > 0 }
          ? " Points of the calibration's own curves are left out." : ""),
      quantity: quantity, unit: unit, error: error,
      groups: groups)
  }

  static func shortName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

extension MeasuredValue {
  /// Whether it is a time, and no power or energy.
  var isTime: Bool {
    switch subject {
    case .sustained(_, let quantity): quantity == .seconds
    case .trainingStep: stepQuantity == nil
    default: true
    }
  }

  /// What was measured of a training step, if it is not its time.
  var stepQuantity: StepQuantity? {
    if case .trainingStep = subject { StepQuantity(rawValue: quantity) } else { nil }
  }

  /// What was measured, in a word that few groups share.
  var kind: String {
    switch subject {
    case .kernel(let operation, let units, _):
      (units == nil ? "" : "part of the device: ") + Self.kind(operation.work)
    case .chain(let operation, _): Self.kind(operation.work)
    case .kernels: "several kernels"
    case .sustained: "without pauses"
    case .concurrentGEMM: "concurrent products"
    case .layers: "layers"
    case .dataParallel: "data-parallel layers"
    case .beside: "products beside exchanges"
    case .copies: "exchanges by copy engines"
    default: group
    }
  }

  private static func kind(_ work: Work<Double>) -> String {
    switch work {
    case .gemm: "products"
    case .attention: "attention"
    case .streaming: "streaming kernels"
    case .collective: "exchanges"
    }
  }
}

extension CostNode {
  /// A kind of kernel with all its runs in a step.
  struct Kernel {
    let name: String
    var count: Int
    var time: Seconds
    var standardError: Seconds
    var work: FLOP
    var traffic: Bytes
    let bound: Bound
    let isExtrapolated: Bool
    let isCommunication: Bool

    var interval90: ClosedRange<Seconds> { CostNode.interval90(time: time, standardError: standardError) }
  }

  /// The operators below with all their runs, the longest first.
  var kernels: [Kernel] {
    guard !parts.isEmpty else {
      return [
        Kernel(
          name: name, count: count, time: time, standardError: standardError, work: work, traffic: traffic,
          bound: bound, isExtrapolated: isExtrapolated, isCommunication: isCommunication)
      ]
    }
    var result: [Kernel] = []
    for kernel in parts.flatMap(\.kernels) {
      var all = kernel
      all.count *= count
      all.time = Double(count) * kernel.time
      all.standardError = Double(count) * kernel.standardError
      all.work = Double(count) * kernel.work
      all.traffic = Double(count) * kernel.traffic
      result.append(all)
    }
    return result.sorted { ($0.time, $1.name) > ($1.time, $0.name) }
  }

  /// Variance of the time of exchanges and of everything else, in seconds squared: unlike parts err independently.
  var variances: (communication: Double, rest: Double) {
    guard !parts.isEmpty else {
      let variance = standardError.value * standardError.value
      return isCommunication ? (variance, 0) : (0, variance)
    }
    let factor = Double(count * count)
    return parts.reduce((0, 0)) { sum, part in
      let inner = part.variances
      return (sum.0 + factor * inner.communication, sum.1 + factor * inner.rest)
    }
  }
}

extension Projection {
  /// The 90 % interval of the share of exchanges; what all parts have in common does not move it.
  var communicationInterval: ClosedRange<Double> {
    let share = communicationShare
    let (exchange, rest) = (root.communicationTime.value, root.time.value - root.communicationTime.value)
    guard exchange > 0, rest > 0 else { return share...share }
    let (first, second) = root.variances
    let relative = (first / (exchange * exchange) + second / (rest * rest)).squareRoot()
    let width = (1.645 * relative).exponential()
    // The odds of a share carry its error as a factor.
    let odds = share / (1 - share)
    return odds / width / (1 + odds / width)...odds * width / (1 + odds * width)
  }
}

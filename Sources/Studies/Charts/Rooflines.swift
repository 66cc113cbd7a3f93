import CostModels
public import Hardware
public import Quantities

/// A machine's roofs in a figure.
public struct Roofs: Sendable {
  /// What it is.
  public let name: String
  /// The peak rate, in FLOP/s.
  public let peak: Double
  /// The memory levels, the farthest first, with their bandwidths in bytes a second.
  public let levels: [(name: String, bandwidth: Double)]
  /// Whether it is an idea and not a machine that can be bought.
  public let isPlanned: Bool

  /// Roofs by their numbers.
  public init(
    _ name: String, peak: Double, levels: [(name: String, bandwidth: Double)], isPlanned: Bool = false
  ) {
    self.name = name
    self.peak = peak
    self.levels = levels
    self.isPlanned = isPlanned
  }

  /// The roofs of a device as its data sheet gives them; nil when it has no rate for the type.
  public init?(_ device: Device, _ type: DataType, isPlanned: Bool = false) {
    guard let roofline = Roofline<Double>(device, type) else { return nil }
    let names = device.memory.filter { $0.bandwidth != nil }.map(\.name)
    self.init(
      String(device.title.prefix { $0 != "," }), peak: roofline.peak,
      levels: zip(names, roofline.bandwidths).map { (name: $0.0, bandwidth: $0.1) }, isPlanned: isPlanned)
  }
}

/// The attainable rate under each level of memory: sliders peak and bandwidths, then the intensity.
struct AttainableForm: RecordableForm {
  let levels: Int

  func outputs<N: ModelNumber>(_ inputs: [N]) -> [N] {
    let roofline = Roofline(peak: inputs[0], bandwidths: Array(inputs[1...levels]), overhead: N(0))
    return (0..<levels).map { roofline.attainable(intensity: inputs[levels + 1], level: $0) }
  }
}

extension Chart {
  /// Rooflines of one or several machines, each with all its memory levels, and points under them.
  ///
  /// Peak and bandwidths of the first machine can be moved in a page.
  ///
  /// - Parameters:
  ///   - title: the heading.
  ///   - words: how to read it.
  ///   - machines: the roofs, the one that the points belong to first.
  ///   - points: points by what they are; x is the intensity in FLOP/B, y the rate in FLOP/s.
  /// - Returns: the figure.
  public static func rooflines(
    _ title: String, _ words: String, machines: [Roofs],
    points: [(name: String, points: [LineChart.Point])]
  ) -> Chart {
    let all = points.flatMap(\.points)
    let ridges = machines.flatMap { machine in machine.levels.map { machine.peak / $0.bandwidth } }
    let low = max(1e-3, 0.7 * min(all.map(\.x).min() ?? .infinity, 0.3 * (ridges.min() ?? 1)))
    let high = 1.4 * max(all.map(\.x).max() ?? 0, 4 * (ridges.max() ?? 1))
    var series: [LineChart.Series] = []
    var live: LiveForm?
    for (index, machine) in machines.enumerated() {
      let form = AttainableForm(levels: machine.levels.count)
      let numbers = [machine.peak] + machine.levels.map(\.bandwidth)
      var places = (0...48).map {
        (low.logarithm() + Double($0) / 48 * (high / low).logarithm()).exponential()
      }
      places = (places + machine.levels.map { machine.peak / $0.bandwidth }.filter { low < $0 && $0 < high })
        .sorted()
      if index == 0 {
        live = LiveForm(
          form,
          sliders: [.init("peak", unit: "FLOP/s", value: machine.peak)]
            + machine.levels.map { .init("\($0.name) bandwidth", unit: "B/s", value: $0.bandwidth) },
          samples: places.map { [$0] })
      }
      for (level, memory) in machine.levels.enumerated() {
        let short = machines.count > 1 ? "\(machine.name), \(memory.name)" : memory.name
        series.append(
          LineChart.Series(
            short,
            places.map { .init($0, form.outputs(numbers + [$0])[level]) }, hasMarks: false,
            line: machine.isPlanned || level > 0 ? .dashed : .solid, color: index,
            arguments: index == 0 ? [] : nil, output: level))
      }
    }
    // What is drawn last lies on top: it has the colour of the first machine, all else others.
    series += points.enumerated().map { index, group in
      LineChart.Series(
        group.name, group.points, isLine: false, color: index == points.count - 1 ? 0 : 5 - index)
    }
    return Chart(
      title, words,
      .lines(
        LineChart(
          x: .init("arithmetic intensity", unit: "FLOP/B", isLogarithmic: true),
          y: .init("rate", unit: "FLOP/s", isLogarithmic: true, hasPrefixes: true), series: series,
          live: live)))
  }

  /// Speed over the number of devices, beside the ideal, with the knee.
  ///
  /// The knee is the first number of devices from which one more step brings less than half of what it should.
  ///
  /// - Parameters:
  ///   - title: the heading.
  ///   - words: how to read it.
  ///   - devices: what is counted on the horizontal axis.
  ///   - base: the number of devices whose speed counts as one; the fewest if nil or not among those of a curve.
  ///   - curves: for each curve the time of the same work (strong) or of work that grows with the devices (weak) by
  ///     number of devices, ascending.
  ///   - isStrong: whether the work stays the same.
  /// - Returns: the figure.
  public static func scaling(
    _ title: String, _ words: String, devices: String, base: Double? = nil,
    curves: [(name: String, times: [(count: Double, time: Double)])], isStrong: Bool
  ) -> Chart {
    let base = base.flatMap { base in
      curves.allSatisfy { $0.times.contains { $0.count == base } } ? base : nil
    }
    func speeds(_ times: [(count: Double, time: Double)]) -> [(
      count: Double, speed: Double, efficiency: Double
    )] {
      guard let first = times.first(where: { $0.count == base }) ?? times.first else { return [] }
      return times.map { point in
        let growth = point.count / first.count
        let speed = first.time / point.time * (isStrong ? 1 : growth)
        return (point.count, speed, speed / growth)
      }
    }
    var guides: [LineChart.Guide] = []
    var series: [LineChart.Series] = []
    for (name, times) in curves {
      let points = speeds(times)
      series.append(
        LineChart.Series(
          name,
          points.map {
            .init($0.count, $0.speed, name: "efficiency \(fixed(100 * $0.efficiency, decimals: 0)) %")
          }, isLabelled: curves.count == 1))
      if curves.count == 1, let knee = knee(points.map { ($0.count, $0.speed) }) {
        guides.append(.place(knee, "knee: \(fixed(knee, decimals: 0)) \(devices)"))
      }
    }
    let counts = curves.flatMap { $0.times.map(\.count) }
    if let low = counts.min(), let high = counts.max() {
      series.append(
        LineChart.Series(
          "ideal", [.init(low, low / (base ?? low)), .init(high, high / (base ?? low))], hasMarks: false,
          line: .dashed, color: 5))
    }
    return Chart(
      title, words,
      .lines(
        LineChart(
          x: .init(devices, isLogarithmic: true),
          y: .init(
            base.map { "speed against \(fixed($0, decimals: 0)) \(devices)" } ?? "speed against the fewest",
            unit: "x", isLogarithmic: true), series: series,
          guides: guides)))
  }

  /// The first count after which speed grows by less than half of what the count does.
  ///
  /// - Parameter points: speeds by ascending count.
  /// - Returns: nil where speed keeps up.
  public static func knee(_ points: [(count: Double, speed: Double)]) -> Double? {
    for (now, next) in zip(points, points.dropFirst()) {
      let ideal = (next.count / now.count).logarithm()
      if (next.speed / now.speed).logarithm() < 0.5 * ideal { return now.count }
    }
    return nil
  }

  /// Designs between two costs, with those that no other beats.
  ///
  /// - Parameters:
  ///   - title: the heading.
  ///   - words: how to read it.
  ///   - x: the horizontal axis; less is better.
  ///   - y: the vertical axis; less is better.
  ///   - points: the designs, by group.
  /// - Returns: the figure.
  public static func pareto(
    _ title: String, _ words: String, x: LineChart.Axis, y: LineChart.Axis,
    points: [(name: String, points: [LineChart.Point])]
  ) -> Chart {
    let front = paretoFront(points.flatMap(\.points))
    let groups = points.map { LineChart.Series($0.name, $0.points, isLine: false) }
    let line = LineChart.Series(
      "Pareto front", front, hasMarks: false, isLabelled: false, line: .steps, color: points.count)
    let names = LineChart.Series("", front, isLine: false, hasMarks: false, isLabelled: true)
    return Chart(title, words, .lines(LineChart(x: x, y: y, series: groups + [line, names])))
  }

  /// The points that no other one beats in both coordinates, by growing x.
  static func paretoFront(_ points: [LineChart.Point]) -> [LineChart.Point] {
    var best = Double.infinity
    return points.filter { $0.x.isFinite && $0.y.isFinite }.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
      .filter { point in
        guard point.y < best else { return false }
        best = point.y
        return true
      }
  }

  /// Predicted against measured values, with the band of an error around where both are equal.
  ///
  /// - Parameters:
  ///   - title: the heading.
  ///   - words: how to read it.
  ///   - quantity: what is measured.
  ///   - unit: its unit, without a prefix.
  ///   - error: the relative error of the band: 0.06.
  ///   - groups: x is measured, y predicted.
  /// - Returns: the figure.
  public static func predictedAgainstMeasured(
    _ title: String, _ words: String, quantity: String, unit: String, error: Double,
    groups: [(name: String, points: [LineChart.Point])]
  ) -> Chart {
    Chart(
      title, words,
      .lines(
        LineChart(
          x: .init("measured \(quantity)", unit: unit, isLogarithmic: true, hasPrefixes: true),
          y: .init("predicted \(quantity)", unit: unit, isLogarithmic: true, hasPrefixes: true),
          series: groups.map { .init($0.name, $0.points, isLine: false) },
          guides: [
            .equal(
              band: (1 - error)...(1 + error), "band: ± \(fixed(100 * error, decimals: 0)) % around equal")
          ])))
  }
}

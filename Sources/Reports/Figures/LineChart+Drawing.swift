import Quantities
import Studies

extension LineChart {
  private static let width = 720.0

  /// The drawing.
  func svg(description: String) -> String {
    let names = series.map(\.name).filter { !$0.isEmpty }
    let legend = SVG.legendHeight(names, left: 60, width: Self.width)
    let points = series.flatMap(\.points)
    let verticals = points.flatMap { point -> [Double] in
      [point.y] + (point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }
    var plot = Plot(
      description: description, width: Self.width, height: 380 + legend,
      x: (x.range(of: points.map(\.x)), log: x.isLogarithmic),
      y: (y.range(of: verticals), log: y.isLogarithmic), xLabel: x.words, yLabel: y.words, xText: x.tick,
      yText: y.tick, top: 14 + legend)
    if let band {
      let (top, bottom) = (plot.y.clamped(band.values.upperBound), plot.y.clamped(band.values.lowerBound))
      plot.svg.rectangle(plot.x.start, top, plot.x.end - plot.x.start, bottom - top, class: "band")
      // Words stand in the band where there is room for them, else above it.
      plot.svg.text(
        plot.x.end - 6, bottom - top > 40 ? top + 14 : top - 5, band.words, anchor: "end", class: "note")
    }
    if !y.isLogarithmic, plot.y.values.contains(0) {
      plot.svg.line(plot.x.start, plot.y.position(0), plot.x.end, plot.y.position(0), class: "zero")
    }
    var taken: [Box] = []
    for (index, one) in series.enumerated() { draw(one, index, in: &plot, taken: &taken) }
    for one in series where one.isLabelled { label(one, in: &plot, taken: &taken) }
    _ = plot.svg.legend(names, left: 60) { svg, index, x, y in
      let drawn = series.firstIndex { $0.name == names[index] } ?? index
      if series[drawn].isLine { svg.path([(x - 8, y), (x + 8, y)], class: "stroke\(drawn % 6)") }
      if series[drawn].hasMarks { svg.mark(drawn, x, y, title: names[index]) }
    }
    return plot.svg.markup
  }

  private func draw(_ one: Series, _ index: Int, in plot: inout Plot, taken: inout [Box]) {
    let places = one.points.map { (plot.x.position($0.x), plot.y.position($0.y)) }
    if one.isLine, places.count > 1 { plot.svg.path(places, class: "stroke\(index % 6)") }
    for (point, place) in zip(one.points, places) {
      if let interval = point.interval {
        plot.svg.line(
          place.0, plot.y.position(interval.lowerBound), place.0, plot.y.position(interval.upperBound),
          class: "whisker")
      }
      guard one.hasMarks else { continue }
      let name = [one.name, point.name].filter { !$0.isEmpty }.joined(separator: ", ")
      plot.svg.mark(index, place.0, place.1, title: "\(name): \(x.value(point.x)), \(y.value(point.y))")
      taken.append(Box(x: place.0 - 5, y: place.1 - 5, width: 10, height: 10))
    }
  }

  /// A place that words or a mark take.
  private struct Box {
    let x, y, width, height: Double

    func overlaps(_ other: Box) -> Bool {
      x < other.x + other.width && other.x < x + width && y < other.y + other.height
        && other.y < y + height
    }
  }

  /// Names beside points, where there is room; the table has all of them.
  private func label(_ one: Series, in plot: inout Plot, taken: inout [Box]) {
    for point in one.points where !point.name.isEmpty {
      let (px, py) = (plot.x.position(point.x), plot.y.position(point.y))
      let width = estimatedWidth(point.name, size: 12)
      let candidates: [(x: Double, y: Double, anchor: String)] = [
        (px + 9, py + 4, "start"), (px - 9, py + 4, "end"), (px, py - 9, "middle"), (px, py + 18, "middle"),
        (px + 7, py - 8, "start"), (px + 7, py + 16, "start"), (px - 7, py - 8, "end"),
        (px - 7, py + 16, "end"),
      ]
      for candidate in candidates {
        let left =
          candidate.anchor == "start"
          ? candidate.x : candidate.anchor == "end" ? candidate.x - width : candidate.x - width / 2
        let box = Box(x: left, y: candidate.y - 11, width: width, height: 14)
        guard box.x >= plot.x.start, box.x + width <= plot.x.end + 28, box.y >= plot.y.end,
          box.y + 14 <= plot.y.start, !taken.contains(where: box.overlaps)
        else { continue }
        plot.svg.text(candidate.x, candidate.y, point.name, anchor: candidate.anchor, class: "note")
        taken.append(box)
        break
      }
    }
  }

  /// The table of the points.
  func table(_ title: String) -> DataTable {
    let points = series.flatMap { one in one.points.map { (one.name, $0) } }
    let hasNames = points.contains { !$0.1.name.isEmpty }
    let hasSeries = series.count > 1
    let hasIntervals = points.contains { $0.1.interval != nil }
    var columns: [DataTable.Column] = hasSeries ? [.init("series")] : []
    if hasNames { columns.append(.init("point")) }
    columns += [.init(x.label, unit: x.unit), .init(y.label, unit: y.unit)]
    if hasIntervals { columns += [.init("low", unit: y.unit), .init("high", unit: y.unit)] }
    return DataTable(
      title, columns: columns,
      rows: points.map { name, point in
        var row: [DataTable.Cell] = hasSeries ? [.text(name)] : []
        if hasNames { row.append(.text(point.name)) }
        row += [.number(point.x), .number(point.y)]
        if hasIntervals {
          row += [
            point.interval.map { .number($0.lowerBound) } ?? .empty,
            point.interval.map { .number($0.upperBound) } ?? .empty,
          ]
        }
        return row
      })
  }
}

extension LineChart.Axis {
  var words: String { unit.isEmpty ? label : "\(label), \(unit)" }

  func value(_ number: Double) -> String {
    unit.isEmpty ? "\(label) \(tick(number))" : "\(tick(number)) \(unit)"
  }

  func tick(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e6
      ? fixed(number, decimals: 0) : trimmed(formatted(number, digits: 2))
  }

  /// What the axis spans.
  func range(of values: [Double]) -> ClosedRange<Double> {
    let all = (values + including).filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    guard let low = all.min(), let high = all.max() else { return isLogarithmic ? 1...10 : 0...1 }
    if isLogarithmic {
      let margin = max(1.12, (high / low).squareRoot().squareRoot().squareRoot().squareRoot())
      return low / margin...high * margin
    }
    let span = high > low ? high - low : max(abs(high), 1)
    // A bound that was asked for is the edge itself.
    return
      (including.contains(low) ? low : low - 0.06 * span)...(including.contains(high)
      ? high : high + 0.06 * span)
  }
}

extension Axis {
  /// A position, at the edge for a value outside.
  func clamped(_ value: Double) -> Double {
    position(min(max(value, values.lowerBound), values.upperBound))
  }
}

extension SVG {
  /// The mark of a series: its shape and its colour.
  mutating func mark(_ series: Int, _ x: Double, _ y: Double, title: String) {
    let name = "mark series\(series % 6)"
    switch series % 4 {
    case 0: circle(x, y, 4.5, class: name, title: title)
    case 1: square(x, y, 8, class: name, title: title)
    case 2: polygon([(x, y - 5.5), (x + 5.2, y + 4), (x - 5.2, y + 4)], class: name, title: title)
    default: polygon([(x, y - 5.6), (x + 5.6, y), (x, y + 5.6), (x - 5.6, y)], class: name, title: title)
    }
  }
}

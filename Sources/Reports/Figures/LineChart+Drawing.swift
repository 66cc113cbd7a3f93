import Quantities
import Studies

/// How wide figures are drawn: for a page, and for the screen of a telephone.
enum DrawingWidth {
  static let page = 820.0
  static let narrow = 350.0
  /// The number of points from which marks become dots of one shape.
  static let manyPoints = 300
  /// A series of so many has marks among dots.
  static let fewPoints = 40
}

extension LineChart {
  /// Whether there are too many points for a mark each.
  private var isCrowded: Bool { series.reduce(0) { $0 + $1.points.count } > DrawingWidth.manyPoints }

  /// Whether the marks of a series are dots of one shape, whose names stand in the page's data: of a crowded figure all
  /// but the small series.
  func hasDots(_ index: Int) -> Bool {
    series[index].hasMarks && isCrowded && series[index].points.count > DrawingWidth.fewPoints
  }

  /// Whether intervals of a series are drawn: in a crowd they would hide one another, and stand in the table.
  func hasWhiskers(_ index: Int) -> Bool {
    !hasDots(index) && series[index].points.contains { $0.interval != nil }
  }

  /// The number of a series' colour and mark.
  func color(_ index: Int) -> Int { series[index].color ?? index }

  /// The drawing.
  func svg(id: String, description: String, width: Double) -> String {
    let isNarrow = width < 500
    // Lines are named at their ends where there is room; all other series in a legend above.
    let lines = series.indices.filter {
      series[$0].isLine && !series[$0].name.isEmpty && series[$0].points.count > 1
    }
    let longest = lines.map { estimatedWidth(series[$0].name, size: 12) }.max() ?? 0
    let isDirect = !isNarrow && !lines.isEmpty && lines.count <= 9 && longest < 0.3 * width
    let named = series.indices.filter { !series[$0].name.isEmpty && !(isDirect && lines.contains($0)) }
    let legend = SVG.legendHeight(named.map { series[$0].name }, left: 4, width: width)
    let points = series.flatMap(\.points)
    let verticals = points.flatMap { point -> [Double] in
      [point.y] + (point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }
    var (levels, places): ([Double], [Double]) = ([], [])
    for guide in guides {
      if case .level(let value, _) = guide { levels.append(value) }
      if case .place(let value, _) = guide { places.append(value) }
    }
    var (across, up) = (points.map(\.x) + places, verticals + levels)
    let isSquare = guides.contains { if case .equal = $0 { true } else { false } }
    if isSquare { (across, up) = (across + up, across + up) }
    var plot = Plot(
      id: id, description: description, width: width, height: (isNarrow ? 320 : 430) + legend,
      x: x.scale(of: across, points: points.map(\.x)), y: y.scale(of: up, points: []), top: legend,
      right: isDirect ? longest + 16 : 16)
    draw(band: &plot)
    plot.svg.open(class: "data", clipped: true)
    draw(guides: &plot)
    var taken: [Box] = []
    for index in series.indices { draw(index, in: &plot, taken: &taken) }
    plot.svg.close()
    write(guides: &plot, taken: &taken)
    if isDirect { nameLines(lines, in: &plot, taken: &taken) }
    for index in series.indices where series[index].isLabelled { label(index, in: &plot, taken: &taken) }
    _ = plot.svg.legend(named.map { (series[$0].name, $0) }, left: 4) { svg, key, x, y in
      let index = named[key]
      if series[index].isLine { svg.path([(x - 8, y), (x + 8, y)], class: lineClass(index)) }
      if series[index].hasMarks { svg.mark(color(index), x, y, title: nil) }
    }
    return plot.svg.markup
  }

  private func lineClass(_ index: Int) -> String {
    "stroke\(color(index) % 6)" + (series[index].line == .dashed ? " dashed" : "")
  }

  private func draw(band plot: inout Plot) {
    guard let band else { return }
    let (top, bottom) = (plot.y.clamped(band.values.upperBound), plot.y.clamped(band.values.lowerBound))
    plot.svg.open(class: "data", clipped: true)
    plot.svg.area(
      [(plot.x.start, top), (plot.x.end, top), (plot.x.end, bottom), (plot.x.start, bottom)], class: "band")
    plot.svg.close()
    // Words stand in the band where there is room for them, else above it.
    plot.svg.open(class: "guides")
    plot.svg.text(
      plot.x.end - 6, bottom - top > 40 ? top + 14 : top - 5,
      fitted(band.words, width: plot.x.end - plot.x.start - 6, size: 12), anchor: "end", class: "note halo")
    plot.svg.close()
  }

  private func draw(guides plot: inout Plot) {
    if !y.isLogarithmic, plot.y.values.contains(0) {
      plot.svg.path(
        [(plot.x.start, plot.y.position(0)), (plot.x.end, plot.y.position(0))], class: "zero")
    }
    for guide in guides {
      switch guide {
      case .level(let value, _):
        plot.svg.path(
          [(plot.x.start, plot.y.position(value)), (plot.x.end, plot.y.position(value))], class: "guide")
      case .place(let value, _):
        plot.svg.path(
          [(plot.x.position(value), plot.y.start), (plot.x.position(value), plot.y.end)], class: "guide")
      case .equal(let band, _):
        let low = max(plot.x.values.lowerBound, plot.y.values.lowerBound)
        let high = min(plot.x.values.upperBound, plot.y.values.upperBound)
        if let band {
          let corners = [
            (low, low * band.lowerBound), (high, high * band.lowerBound), (high, high * band.upperBound),
            (low, low * band.upperBound),
          ]
          plot.svg.area(
            corners.map { (plot.x.position($0.0), plot.y.position(max($0.1, 1e-300))) }, class: "band")
        }
        plot.svg.path(
          [(plot.x.position(low), plot.y.position(low)), (plot.x.position(high), plot.y.position(high))],
          class: "guide")
      }
    }
  }

  private func write(guides plot: inout Plot, taken: inout [Box]) {
    guard !guides.isEmpty else { return }
    plot.svg.open(class: "guides")
    defer { plot.svg.close() }
    for guide in guides {
      switch guide {
      case .level(let value, let words):
        let place = plot.y.position(value)
        let y = place - 5 < plot.y.end + 10 ? place + 14 : place - 5
        let text = fitted(words, width: plot.x.end - plot.x.start, size: 12)
        let width = estimatedWidth(text, size: 12)
        // At the left end, or where lines run there and not at the right end, at that.
        let ends = [plot.x.start + 6, plot.x.end - 6 - width].map {
          Box(x: $0, y: y - 11, width: width, height: 14)
        }
        let box = ends.first { box in !crosses(box, plot) } ?? ends[0]
        plot.svg.text(
          box.x == ends[0].x ? box.x : plot.x.end - 6, y, text, anchor: box.x == ends[0].x ? "start" : "end",
          class: "note halo")
        taken.append(box)
      case .place(let value, let words):
        let place = plot.x.position(value)
        let room = max(place - plot.x.start, plot.x.end - place)
        let text = fitted(words, width: room, size: 12)
        let isLeft = place - plot.x.start == room
        plot.svg.text(
          place + (isLeft ? -5 : 5), plot.y.end + 12, text, anchor: isLeft ? "end" : "start",
          class: "note halo")
        let width = estimatedWidth(text, size: 12)
        taken.append(
          Box(x: isLeft ? place - 5 - width : place + 5, y: plot.y.end + 1, width: width, height: 14))
      case .equal(_, let words):
        guard !words.isEmpty else { continue }
        plot.svg.text(
          plot.x.end - 4, plot.y.start - 8, fitted(words, width: plot.x.end - plot.x.start, size: 12),
          anchor: "end", class: "note halo")
      }
    }
  }

  /// Whether a line runs through a box: the box around each of its pieces does.
  private func crosses(_ box: Box, _ plot: Plot) -> Bool {
    series.filter(\.isLine).contains { one in
      let places = one.points.map { (plot.x.position($0.x), plot.y.position($0.y)) }
      return zip(places, places.dropFirst()).contains { a, b in
        Box(
          x: min(a.0, b.0), y: min(a.1, b.1), width: max(abs(a.0 - b.0), 1), height: max(abs(a.1 - b.1), 1)
        ).overlaps(box)
      }
    }
  }

  private func draw(_ index: Int, in plot: inout Plot, taken: inout [Box]) {
    let one = series[index]
    let places = one.points.map { (plot.x.position($0.x), plot.y.position($0.y)) }
    plot.svg.open(class: "series", series: index)
    if one.isLine, places.count > 1 {
      var line = places
      if one.line == .steps {
        line = [places[0]]
        for (last, next) in zip(places, places.dropFirst()) { line += [(next.0, last.1), next] }
      }
      plot.svg.path(line, class: "line " + lineClass(index))
    }
    let whiskers = zip(one.points, places).compactMap { point, place in
      !hasWhiskers(index)
        ? nil
        : point.interval.map { interval in
          (
            x: place.0,
            from: plot.y.clamped(max(interval.lowerBound, y.isLogarithmic ? 1e-300 : -.infinity)),
            to: plot.y.clamped(interval.upperBound)
          )
        }
    }
    if !whiskers.isEmpty { plot.svg.uprights(whiskers, class: "whisker") }
    if hasDots(index) {
      plot.svg.dots(places, class: "dots stroke\(color(index) % 6)")
    } else if one.hasMarks {
      for (point, place) in zip(one.points, places) {
        plot.svg.mark(color(index), place.0, place.1, title: title(one, point))
        taken.append(Box(x: place.0 - 5, y: place.1 - 5, width: 10, height: 10))
      }
    }
    plot.svg.close()
  }

  /// What a mark says of itself.
  func title(_ one: Series, _ point: Point) -> String {
    let name = [one.name, point.name].filter { !$0.isEmpty }.joined(separator: ", ")
    let interval = point.interval.map { " [\(y.value($0.lowerBound)), \(y.value($0.upperBound))]" } ?? ""
    return (name.isEmpty ? "" : name + ": ") + "\(x.value(point.x)), \(y.value(point.y))\(interval)"
  }

  /// Names at the ends of lines, moved apart where they would touch.
  private func nameLines(_ lines: [Int], in plot: inout Plot, taken: inout [Box]) {
    var ends = lines.map { index -> (index: Int, y: Double) in
      let last = series[index].points.last.map(\.y) ?? 0
      return (index, plot.y.clamped(max(last, y.isLogarithmic ? 1e-300 : last)))
    }.sorted { ($0.y, $0.index) < ($1.y, $1.index) }
    for place in ends.indices.dropFirst() where ends[place].y < ends[place - 1].y + 15 {
      ends[place].y = ends[place - 1].y + 15
    }
    if let last = ends.indices.last, ends[last].y > plot.y.start {
      ends[last].y = plot.y.start
      for place in ends.indices.dropLast().reversed() where ends[place].y > ends[place + 1].y - 15 {
        ends[place].y = ends[place + 1].y - 15
      }
    }
    for (index, y) in ends {
      let x = plot.x.end + 10
      taken.append(
        Box(x: x - 4, y: y - 10, width: estimatedWidth(series[index].name, size: 12) + 8, height: 20))
      plot.svg.open(class: "key", series: index)
      plot.svg.rectangle(
        x - 3, y - 8, estimatedWidth(series[index].name, size: 12) + 6, 16, class: "hit")
      plot.svg.text(x, y + 4, series[index].name, class: "note name\(color(index) % 6)")
      plot.svg.close()
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
  private func label(_ index: Int, in plot: inout Plot, taken: inout [Box]) {
    plot.svg.open(class: "labels", series: index)
    for point in series[index].points where !point.name.isEmpty {
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
        guard box.x >= plot.x.start, box.x + width <= plot.svg.width - 2, box.y >= plot.y.end,
          box.y + 14 <= plot.y.start, !taken.contains(where: box.overlaps)
        else { continue }
        plot.svg.text(candidate.x, candidate.y, point.name, anchor: candidate.anchor, class: "note halo")
        taken.append(box)
        break
      }
    }
    plot.svg.close()
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
  var words: String { unit.isEmpty || hasPrefixes ? label : "\(label), \(unit)" }

  func value(_ number: Double) -> String {
    if hasPrefixes { return prefixed(number, unit, digits: 3) }
    let text =
      number == number.rounded() && abs(number) < 1e6
      ? fixed(number, decimals: 0) : trimmed(formatted(number))
    return unit.isEmpty ? "\(label) \(text)" : "\(text) \(unit)"
  }

  func tick(_ number: Double) -> String {
    if hasPrefixes { return prefixed(number, unit, digits: 2) }
    if abs(number) >= 1e5, ["", "1/s"].contains(unit) {
      let (factor, letter) = abs(number) < 1e6 ? (1e3, "k") : abs(number) < 1e9 ? (1e6, "M") : (1e9, "G")
      return trimmed(formatted(number / factor)) + " " + letter
    }
    return number == number.rounded() && abs(number) < 1e6
      ? fixed(number, decimals: 0) : trimmed(formatted(number, digits: 3))
  }

  /// The frame's axis for some values.
  func scale(of values: [Double], points: [Double]) -> Plot.Scale {
    // Powers of two have ticks of their own: degrees, sizes, counts of devices.
    let distinct = Set(points).sorted()
    let isBinary =
      isLogarithmic && (3...12).contains(distinct.count)
      && distinct.allSatisfy { $0 >= 1 && $0 == $0.rounded() && $0.significand == 1 }
    return Plot.Scale(
      values: range(of: values), isLogarithmic: isLogarithmic, words: words, text: tick,
      ticks: isBinary ? distinct : [], unit: unit, hasPrefixes: hasPrefixes)
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

/// A number with a decimal prefix before its unit: 4.8 TB/s, 723 ms.
func prefixed(_ value: Double, _ unit: String, digits: Int = 3) -> String {
  guard !unit.isEmpty else { return trimmed(formatted(value, digits: digits)) }
  guard value != 0, value.isFinite else { return "\(formatted(value)) \(unit)" }
  // A unit without prefixes: shares, ratios such as FLOP/B.
  if ["%", "FLOP/B", "1/s"].contains(unit) { return trimmed(formatted(value, digits: digits)) + " " + unit }
  let prefixes = [
    ("p", 1e-12), ("n", 1e-9), ("u", 1e-6), ("m", 1e-3), ("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9),
    ("T", 1e12), ("P", 1e15), ("E", 1e18),
  ]
  let size = abs(Double(formatted(value, digits: digits)) ?? value)
  let best = prefixes.last { size >= $0.1 * (1 - 1e-12) } ?? prefixes[0]
  return trimmed(formatted(value / best.1, digits: digits)) + " " + best.0 + unit
}

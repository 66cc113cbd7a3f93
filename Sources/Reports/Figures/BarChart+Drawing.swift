import Quantities
import Studies

/// Rows of bars: names beside them on a page, above them on a narrow screen.
struct BarRows {
  let isNarrow: Bool
  let left: Double
  let rowHeight: Double
  let nameWidth: Double

  init(_ names: [String], width: Double) {
    isNarrow = width < 500
    let longest = names.map { estimatedWidth($0) }.max() ?? 0
    nameWidth = isNarrow ? width - 8 : min(longest, 0.4 * width)
    left = isNarrow ? 8 : 14 + nameWidth
    rowHeight = isNarrow ? 40 : 26
  }

  /// Writes a name; gives the top of its bar.
  func write(_ name: String, row: Int, top: Double, in svg: inout SVG) -> Double {
    let y = top + Double(row) * rowHeight
    let words = fitted(name, width: nameWidth)
    if isNarrow {
      svg.text(left, y + 13, words, class: "label halo")
      return y + 18
    }
    svg.text(left - 8, y + 13, words, anchor: "end")
    return y
  }
}

extension BarChart {
  /// The drawing.
  func svg(id: String, description: String, width: Double) -> String {
    let keys = parts.count > 1 || !reference.isEmpty ? parts + (reference.isEmpty ? [] : [reference]) : []
    let rows = BarRows(bars.map(\.name), width: width)
    let top = SVG.legendHeight(keys, left: 4, width: width) + (limit == nil ? 8 : 24)
    let title = Plot.lines(unit.isEmpty ? label : "\(label), \(unit)", width: width - 8)
    let below = 14 * Double(title.count - 1)
    let height = top + Double(bars.count) * rows.rowHeight + 46 + below
    let widest =
      (bars.flatMap { bar -> [Double] in
        [bar.lengths.reduce(0, +), bar.reference ?? 0, bar.interval?.upperBound ?? 0]
      } + [limit?.value ?? 0]).max() ?? 1
    var svg = SVG(id: id, width: width, height: height, description: description)
    let axis = Axis(
      logarithmic: false, values: 0...(widest > 0 ? widest * 1.02 : 1), from: rows.left, to: width - 70)
    svg.data = [("bars", axis.data), ("u", unit)]
    var end = -Double.infinity
    svg.open(class: "ax")
    for tick in axis.ticks {
      svg.line(axis.position(tick), top - 4, axis.position(tick), height - 42 - below, class: "grid")
      let words = trimmed(formatted(tick, digits: 3))
      let half = estimatedWidth(words, size: 12) / 2
      guard axis.position(tick) - half > end + 4 else { continue }
      svg.text(axis.position(tick), height - 27 - below, words, anchor: "middle", class: "tick")
      end = axis.position(tick) + half
    }
    svg.close()
    for (index, words) in title.enumerated() {
      let half = estimatedWidth(words, size: 12) / 2
      svg.text(
        max(half + 4, min(width - half - 4, (rows.left + width - 70) / 2)),
        height - 7 - below + 14 * Double(index), words, anchor: "middle", class: "axis")
    }
    for (index, bar) in bars.enumerated() {
      svg.open(class: "bar", series: index)
      let y = rows.write(bar.name, row: index, top: top, in: &svg)
      draw(bar, y: y, axis: axis, in: &svg)
      svg.close()
    }
    if let limit {
      let x = axis.position(limit.value)
      svg.line(x, top - 6, x, height - 42 - below, class: "limit")
      let words = fitted(limit.words, width: width - 8, size: 12)
      let half = estimatedWidth(words, size: 12) / 2
      svg.text(min(max(x, half + 4), width - half - 4), top - 10, words, anchor: "middle", class: "note")
    }
    _ = svg.legend(keys.enumerated().map { ($0.element, $0.offset) }, left: 4) { svg, index, x, y in
      if index < parts.count {
        svg.rectangle(x - 6, y - 6, 12, 12, class: "mark series\(index % 6)")
      } else {
        svg.line(x, y - 8, x, y + 8, class: "reference")
      }
    }
    return svg.markup
  }

  private func draw(_ bar: Bar, y: Double, axis: Axis, in svg: inout SVG) {
    var total = 0.0
    for (part, length) in bar.lengths.enumerated() {
      let (from, to) = (axis.position(total), axis.position(total + length))
      svg.rectangle(
        from, y, max(0.5, to - from), 16, class: "part series\(part % 6)",
        title:
          "\(bar.name)\(parts[part].isEmpty ? "" : ", " + parts[part]): \(trimmed(formatted(length))) \(unit)",
        data: " data-s=\"\(part)\"")
      total += length
    }
    var end = axis.position(total)
    if let interval = bar.interval {
      // Below the number, which stands at the end of the bar that it is of, and not of the interval.
      let middle = y + 13
      svg.line(
        axis.position(interval.lowerBound), middle, axis.position(interval.upperBound), middle,
        class: "whisker")
    }
    if let reference = bar.reference {
      svg.line(axis.position(reference), y - 3, axis.position(reference), y + 19, class: "reference")
      end = max(end, axis.position(reference))
    }
    svg.text(end + 6, bar.interval == nil ? y + 13 : y + 8, trimmed(formatted(total)), class: "value halo")
  }

  /// The table of the bars.
  func table(_ title: String) -> DataTable {
    let hasIntervals = bars.contains { $0.interval != nil }
    var columns: [DataTable.Column] = [.init("bar")] + parts.map { .init($0, unit: unit) }
    if parts.count > 1 { columns.append(.init("sum", unit: unit)) }
    if hasIntervals { columns += [.init("low", unit: unit), .init("high", unit: unit)] }
    if !reference.isEmpty { columns.append(.init(reference, unit: unit)) }
    if let limit { columns.append(.init(limit.words, unit: unit)) }
    return DataTable(
      title, columns: columns,
      rows: bars.map { bar in
        var row: [DataTable.Cell] = [.text(bar.name)] + bar.lengths.map { .number($0) }
        if parts.count > 1 { row.append(.number(bar.lengths.reduce(0, +))) }
        if hasIntervals {
          row += [
            bar.interval.map { .number($0.lowerBound) } ?? .empty,
            bar.interval.map { .number($0.upperBound) } ?? .empty,
          ]
        }
        if !reference.isEmpty { row.append(bar.reference.map { .number($0) } ?? .empty) }
        if let limit { row.append(.number(limit.value)) }
        return row
      })
  }
}

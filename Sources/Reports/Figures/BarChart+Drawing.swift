import Quantities
import Studies

extension BarChart {
  private static let width = 720.0

  /// The drawing.
  func svg(description: String) -> String {
    let rowHeight = 24.0
    let keys = parts.count > 1 || !reference.isEmpty ? parts + (reference.isEmpty ? [] : [reference]) : []
    let top = SVG.legendHeight(keys, left: 10, width: Self.width) + 8
    let height = top + Double(bars.count) * rowHeight + 48
    let left = 14 + (bars.map { estimatedWidth($0.name) }.max() ?? 0)
    let values = bars.flatMap { bar -> [Double] in
      [bar.lengths.reduce(0, +), bar.reference ?? 0, bar.interval?.upperBound ?? 0]
    }
    let widest = values.max() ?? 1
    var svg = SVG(width: Self.width, height: height, description: description)
    let axis = Axis(
      logarithmic: false, values: 0...(widest > 0 ? widest * 1.02 : 1), from: left, to: Self.width - 86)
    for tick in axis.ticks {
      svg.line(axis.position(tick), top - 4, axis.position(tick), height - 44, class: "grid")
      svg.text(axis.position(tick), height - 28, formatted(tick, digits: 3), anchor: "middle", class: "tick")
    }
    svg.text(
      (left + Self.width - 86) / 2, height - 8, unit.isEmpty ? label : "\(label), \(unit)", anchor: "middle",
      class: "axis")
    for (index, bar) in bars.enumerated() {
      draw(bar, y: top + Double(index) * rowHeight, left: left, axis: axis, in: &svg)
    }
    _ = svg.legend(keys, left: 10) { svg, index, x, y in
      if index < parts.count {
        svg.rectangle(x - 6, y - 6, 12, 12, class: "mark series\(index % 6)")
      } else {
        svg.line(x, y - 8, x, y + 8, class: "reference")
      }
    }
    return svg.markup
  }

  private func draw(_ bar: Bar, y: Double, left: Double, axis: Axis, in svg: inout SVG) {
    svg.text(left - 8, y + 13, bar.name, anchor: "end")
    var total = 0.0
    for (part, length) in bar.lengths.enumerated() {
      let (from, to) = (axis.position(total), axis.position(total + length))
      svg.rectangle(
        from, y, max(0.5, to - from), 16, class: "mark series\(part % 6)",
        title: "\(bar.name), \(parts[part]): \(formatted(length)) \(unit)")
      total += length
    }
    var end = axis.position(total)
    if let interval = bar.interval {
      svg.line(
        axis.position(interval.lowerBound), y + 8, axis.position(interval.upperBound), y + 8, class: "whisker"
      )
      end = max(end, axis.position(interval.upperBound))
    }
    if let reference = bar.reference {
      svg.line(axis.position(reference), y - 3, axis.position(reference), y + 19, class: "reference")
      end = max(end, axis.position(reference))
    }
    svg.text(end + 6, y + 13, formatted(total), class: "value")
  }

  /// The table of the bars.
  func table(_ title: String) -> DataTable {
    let hasIntervals = bars.contains { $0.interval != nil }
    var columns: [DataTable.Column] = [.init("bar")] + parts.map { .init($0, unit: unit) }
    if parts.count > 1 { columns.append(.init("sum", unit: unit)) }
    if hasIntervals { columns += [.init("low", unit: unit), .init("high", unit: unit)] }
    if !reference.isEmpty { columns.append(.init(reference, unit: unit)) }
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
        return row
      })
  }
}

import Quantities
import Studies

extension Icicle {
  private var depth: Int {
    func depth(_ node: Node) -> Int { 1 + (node.parts.map(depth).max() ?? 0) }
    return depth(root) - 1
  }

  /// The drawing: levels from left to right, so that names have room.
  func svg(id: String, description: String, width: Double) -> String {
    let isNarrow = width < 500
    let keys = kinds.enumerated().filter { isUsed($0.offset) }.map { ($0.element, $0.offset) }
    let top = SVG.legendHeight(keys.map(\.0), left: 4, width: width) + 22
    let height = isNarrow ? 520.0 : 600
    var svg = SVG(id: id, width: width, height: top + height + 6, description: description)
    svg.data = [("icicle", "\(SVG.c(top)) \(SVG.c(height))")]
    // The last level holds the kernels, whose names are longest.
    let levels = Double(max(1, depth))
    let columns = (0...depth).map { level -> Double in
      depth <= 1 ? Double(level) * width : width * (Double(level) / (levels + 0.6))
    }
    let total = fitted("\(root.name): \(prefixed(root.value, unit))", width: width - 8)
    svg.text(4, top - 8, total, class: "value")
    func draw(_ node: Node, level: Int, from start: Double, scale: Double) {
      var at = start
      for part in node.parts {
        let size = part.value * scale
        let x = columns[level]
        let end = part.parts.isEmpty ? width : columns[level + 1]
        let share = root.value > 0 ? part.value / root.value : 0
        let title =
          "\(part.name): \(prefixed(part.value, unit)), \(percent(share)), \(kinds[part.kind])"
          + (part.words.isEmpty ? "" : "; \(part.words)")
        svg.open(class: "part", series: part.kind)
        svg.rectangle(
          x + 0.5, at + 0.25, max(0.5, end - x - 1), max(0.2, size - 0.5), class: "cell kind\(part.kind)",
          title: title)
        if size >= 14 {
          let words = "\(part.name)  \(percent(share))"
          let room = end - x - 10
          svg.text(
            x + 6, at + min(size / 2 + 4, 17),
            estimatedWidth(words, size: 12) <= room ? words : fitted(part.name, width: room, size: 12),
            class: "on")
        }
        svg.close()
        if !part.parts.isEmpty {
          let inner = part.parts.reduce(0) { $0 + $1.value }
          draw(part, level: level + 1, from: at, scale: inner > 0 ? size / inner : 0)
        }
        at += size
      }
    }
    let sum = root.parts.reduce(0) { $0 + $1.value }
    draw(root, level: 0, from: top, scale: sum > 0 ? height / sum : 0)
    _ = svg.legend(keys, left: 4) { svg, index, x, y in
      svg.rectangle(x - 6, y - 6, 12, 12, class: "cell kind\(keys[index].1)")
    }
    return svg.markup
  }

  private func isUsed(_ kind: Int) -> Bool {
    func uses(_ node: Node) -> Bool { node.kind == kind || node.parts.contains(where: uses) }
    return root.parts.contains(where: uses)
  }

  /// The table of the parts, in order, each with its level.
  func table(_ title: String) -> DataTable {
    var rows: [[DataTable.Cell]] = []
    func add(_ node: Node, level: Int) {
      let share = root.value > 0 ? 100 * node.value / root.value : 0
      rows.append([
        .number(Double(level)), .text(node.name), .number(node.value), .number(share),
        .text(kinds[node.kind]),
        .text(node.words),
      ])
      for part in node.parts { add(part, level: level + 1) }
    }
    add(root, level: 0)
    return DataTable(
      title,
      columns: [
        .init("level"), .init("part"), .init(label, unit: unit), .init("share", unit: "%"),
        .init("waits for"), .init("remark"),
      ], rows: rows)
  }
}

extension Timeline {
  /// The drawing.
  func svg(id: String, description: String, width: Double) -> String {
    let isNarrow = width < 500
    let keys = kinds.enumerated().map { ($0.element, $0.offset) }
    let legend = SVG.legendHeight(kinds, left: 4, width: width)
    let longest = lanes.map { estimatedWidth($0, size: 12) }.max() ?? 0
    let nameWidth = isNarrow ? width - 12 : min(longest, 0.25 * width)
    let left = isNarrow ? 6 : nameWidth + 14
    let lane = isNarrow ? 64.0 : 52
    let top = legend + 10
    let height = top + lane * Double(lanes.count) + 46
    let (first, last) = (spans.map(\.start).min() ?? 0, spans.map(\.end).max() ?? 1)
    let axis = Axis(
      logarithmic: false, values: first...(last > first ? last : first + 1), from: left, to: width - 20)
    var svg = SVG(id: id, width: width, height: height, description: description)
    svg.data = [("time", axis.data), ("ux", unit)]
    svg.clip(axis.start - 0.5, 0, axis.end - axis.start + 1, height)
    svg.open(class: "ax")
    var end = -Double.infinity
    for tick in axis.ticks {
      svg.line(axis.position(tick), top, axis.position(tick), height - 40, class: "grid")
      let words = tick == 0 ? "0" : prefixed(tick, unit)
      let half = estimatedWidth(words, size: 12) / 2
      guard axis.position(tick) - half > end + 6, axis.position(tick) + half < width else { continue }
      svg.text(axis.position(tick), height - 25, words, anchor: "middle", class: "tick")
      end = axis.position(tick) + half
    }
    svg.close()
    svg.text((left + width - 20) / 2, height - 6, "time from the start", anchor: "middle", class: "axis")
    for (index, name) in lanes.enumerated() {
      let y = top + lane * Double(index)
      if isNarrow {
        svg.text(left, y + 13, fitted(name, width: nameWidth, size: 12), class: "note")
      } else {
        svg.text(
          left - 8, y + lane / 2 + 4, fitted(name, width: nameWidth, size: 12), anchor: "end", class: "note")
      }
    }
    svg.open(class: "data", clipped: true)
    for span in spans {
      let y = top + lane * Double(span.lane) + (isNarrow ? 20 : 8)
      let (from, to) = (axis.position(span.start), axis.position(span.end))
      svg.rectangle(
        from, y, max(0.4, to - from), 36, class: "cell kind\(span.kind)\(to - from < 4 ? " thin" : "")",
        title:
          "\(span.name): \(prefixed(span.end - span.start, unit)), from \(prefixed(span.start, unit)), \(kinds[span.kind])",
        data: " data-s=\"\(span.kind)\"")
      let room = to - from - 8
      if room > 26 {
        let words = fitted(span.name, width: room, size: 12)
        if words.count > 3 || words == span.name { svg.text(from + 4, y + 22, words, class: "on") }
      }
    }
    svg.close()
    _ = svg.legend(keys, left: 4) { svg, index, x, y in
      svg.rectangle(x - 6, y - 6, 12, 12, class: "cell kind\(index)")
    }
    return svg.markup
  }

  /// The table of what runs.
  func table(_ title: String) -> DataTable {
    DataTable(
      title,
      columns: [
        .init("lane"), .init("what"), .init("kind"), .init("start", unit: unit), .init("end", unit: unit),
      ],
      rows: spans.map { span in
        [
          .text(lanes[span.lane]), .text(span.name), .text(kinds[span.kind]), .number(span.start),
          .number(span.end),
        ]
      })
  }
}

extension Tornado {
  /// The drawing.
  func svg(id: String, description: String, width: Double) -> String {
    let rows = BarRows(bars.map(\.name), width: width)
    let legend = SVG.legendHeight(["worse end", "better end"], left: 4, width: width)
    let top = legend + 24
    let height = top + Double(bars.count) * rows.rowHeight + 46
    let ends = bars.flatMap { [$0.low.result, $0.high.result] } + [base]
    let (low, high) = (ends.min() ?? 0, ends.max() ?? 1)
    let span = high > low ? high - low : max(abs(base), 1) * 0.1
    // Words stand outside of the bars on both sides.
    let room = rows.isNarrow ? 72.0 : 92
    var svg = SVG(id: id, width: width, height: height, description: description)
    let axis = Axis(
      logarithmic: false, values: low - 0.02 * span...high + 0.02 * span, from: rows.left + room,
      to: width - room)
    var end = -Double.infinity
    for tick in axis.ticks {
      svg.line(axis.position(tick), top - 4, axis.position(tick), height - 42, class: "grid")
      let words = prefixed(tick, unit)
      let half = estimatedWidth(words, size: 12) / 2
      guard axis.position(tick) - half > end + 6 else { continue }
      svg.text(axis.position(tick), height - 27, words, anchor: "middle", class: "tick")
      end = axis.position(tick) + half
    }
    svg.text((axis.start + axis.end) / 2, height - 7, label, anchor: "middle", class: "axis")
    let middle = axis.position(base)
    svg.line(middle, top - 6, middle, height - 42, class: "reference")
    for (index, bar) in bars.enumerated() {
      svg.open(class: "bar", series: index)
      let y = rows.write(bar.name, row: index, top: top, in: &svg)
      for one in [bar.low, bar.high] {
        let x = axis.position(one.result)
        let isBetter = one.result <= base
        svg.rectangle(
          min(x, middle), y, max(0.5, abs(x - middle)), 16, class: "part series\(isBetter ? 0 : 1)",
          title: "\(bar.name) \(one.words): \(prefixed(one.result, unit))",
          data: " data-s=\"\(isBetter ? 0 : 1)\"")
      }
      let (first, second) =
        bar.low.result <= bar.high.result ? (bar.low, bar.high) : (bar.high, bar.low)
      if min(first.result, base) < base || second.result <= base {
        svg.text(
          min(axis.position(first.result), middle) - 5, y + 13, fitted(first.words, width: room, size: 12),
          anchor: "end", class: "value halo")
      }
      if second.result > base || first.result >= base {
        svg.text(
          max(axis.position(second.result), middle) + 5, y + 13, fitted(second.words, width: room, size: 12),
          class: "value halo")
      }
      svg.close()
    }
    let words = prefixed(base, unit)
    let half = estimatedWidth(words, size: 12) / 2
    svg.text(min(max(middle, half), width - half), top - 10, words, anchor: "middle", class: "note")
    _ = svg.legend([("lower", 0), ("higher", 1)], left: 4) { svg, index, x, y in
      svg.rectangle(x - 6, y - 6, 12, 12, class: "part series\(index)")
    }
    return svg.markup
  }

  /// The table of the parameters.
  func table(_ title: String) -> DataTable {
    DataTable(
      title,
      columns: [
        .init("parameter"), .init("low end"), .init(label + " there", unit: unit), .init("high end"),
        .init(label + " at the high end", unit: unit), .init("base", unit: unit),
      ],
      rows: bars.map { bar in
        [
          .text(bar.name), .text(bar.low.words), .number(bar.low.result), .text(bar.high.words),
          .number(bar.high.result), .number(base),
        ]
      })
  }
}

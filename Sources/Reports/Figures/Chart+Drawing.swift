import Studies

extension Figure {
  /// The figure of a chart, with the table of what it draws.
  init(_ chart: Chart) {
    let drawing: (svg: String, table: DataTable) =
      switch chart.drawing {
      case .lines(let lines): (lines.svg(description: chart.title), lines.table(chart.title))
      case .maps(let maps): (HeatMap.svg(maps, description: chart.title), HeatMap.table(maps, chart.title))
      case .bars(let bars): (bars.svg(description: chart.title), bars.table(chart.title))
      }
    self.init(
      title: chart.title, words: chart.words, svg: drawing.svg, header: drawing.table.header,
      rows: drawing.table.rows.map { $0.map(\.shown) })
  }
}

extension Chart {
  /// Whether the drawing needs more room than a column of text.
  var isWide: Bool { if case .maps(let maps) = drawing { maps.count > 2 } else { false } }

  /// The table of what the chart draws.
  var table: DataTable {
    switch drawing {
    case .lines(let lines): lines.table(title)
    case .maps(let maps): HeatMap.table(maps, title)
    case .bars(let bars): bars.table(title)
    }
  }
}

/// How wide words are in a drawing, about: the marks keep clear of them.
func estimatedWidth(_ words: String, size: Double = 12.5) -> Double {
  words.reduce(0) { $0 + ($1.isUppercase || $1 == "m" || $1 == "w" ? 0.74 : 0.56) * size }
}

extension SVG {
  /// Keys of series in rows above a drawing.
  ///
  /// - Parameters:
  ///   - names: the series, in order.
  ///   - left: where rows start.
  ///   - mark: draws the mark of a series with its centre at a point.
  /// - Returns: the height that the rows took.
  mutating func legend(
    _ names: [String], left: Double, mark: (inout SVG, Int, Double, Double) -> Void
  ) -> Double {
    var (x, y) = (left, 14.0)
    for (index, name) in names.enumerated() {
      let width = 20 + estimatedWidth(name) + 16
      if x > left, x + width > self.width { (x, y) = (left, y + 20) }
      mark(&self, index, x + 7, y - 4)
      text(x + 20, y, name, class: "note")
      x += width
    }
    return names.isEmpty ? 0 : y + 8
  }

  /// The height that ``legend(_:left:mark:)`` will take.
  static func legendHeight(_ names: [String], left: Double, width: Double) -> Double {
    var scratch = SVG(width: width, height: 0, description: "")
    return scratch.legend(names, left: left) { _, _, _, _ in }
  }
}

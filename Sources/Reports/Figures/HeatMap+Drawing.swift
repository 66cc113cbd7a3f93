import Quantities
import Studies

extension HeatMap {
  private static let height = 26.0

  /// Maps come in rows of three where that fills the rows, in pairs elsewhere.
  private static func across(_ count: Int) -> Int { count % 3 == 0 ? 3 : min(2, count) }

  private var left: Double { 12 + 16 + (rows.names.map { estimatedWidth($0, size: 12) }.max() ?? 0) }
  private func width(_ cell: Double) -> Double { left + cell * Double(columns.names.count) + 10 }
  private var wholeHeight: Double { 30 + Self.height * Double(rows.names.count) + 44 }

  /// Several maps beside each other.
  static func svg(_ maps: [HeatMap], description: String) -> String {
    let across = max(1, across(maps.count))
    let cell = across == 3 ? 35.0 : 46.0
    let mapWidth = maps.map { $0.width(cell) }.max() ?? 0
    let mapHeight = maps.map(\.wholeHeight).max() ?? 0
    let down = (maps.count + across - 1) / across
    var svg = SVG(
      width: max(mapWidth * Double(across), 360), height: mapHeight * Double(down),
      description: description)
    for (index, map) in maps.enumerated() {
      map.draw(
        in: &svg, x: mapWidth * Double(index % across), y: mapHeight * Double(index / across), cell: cell)
    }
    return svg.markup
  }

  private func draw(in svg: inout SVG, x: Double, y: Double, cell: Double) {
    let (left, top) = (x + left, y + 30)
    let middle = left + cell * Double(columns.names.count) / 2
    svg.text(middle, y + 18, title, anchor: "middle", class: "value")
    for (row, name) in rows.names.enumerated() {
      let cy = top + Self.height * Double(row)
      svg.text(left - 7, cy + 17, name, anchor: "end", class: "tick")
      for column in columns.names.indices {
        let cx = left + cell * Double(column)
        guard let value = values[row][column] else {
          svg.rectangle(cx, cy, cell - 1, Self.height - 1, class: "void")
          continue
        }
        let span = scale.upperBound - scale.lowerBound
        let shade = min(max((value - scale.lowerBound) / span, 0), 1)
        svg.rectangle(
          cx, cy, cell - 1, Self.height - 1, class: "shade", opacity: 0.06 + 0.94 * shade,
          title:
            "\(title), \(rows.label) \(name), \(columns.label) \(columns.names[column]): \(formatted(value)) \(unit)"
        )
        svg.text(
          cx + (cell - 1) / 2, cy + 17, Self.short(value), anchor: "middle", class: "value")
      }
    }
    let bottom = top + Self.height * Double(rows.names.count)
    for (column, name) in columns.names.enumerated() {
      svg.text(
        left + cell * (Double(column) + 0.5), bottom + 15, name, anchor: "middle", class: "tick")
    }
    svg.text(middle, bottom + 34, columns.label, anchor: "middle", class: "axis")
    svg.text(x + 12, (top + bottom) / 2, rows.label, anchor: "middle", class: "axis", turned: true)
  }

  private static func short(_ value: Double) -> String {
    abs(value) >= 9.95 || value == value.rounded()
      ? fixed(value, decimals: 0) : fixed(value, decimals: 1)
  }

  /// The table of the fields.
  static func table(_ maps: [HeatMap], _ title: String) -> DataTable {
    guard let first = maps.first else { return DataTable(title, columns: [], rows: []) }
    return DataTable(
      title,
      columns: [
        .init("map"), .init(first.rows.label), .init(first.columns.label), .init("value", unit: first.unit),
      ],
      rows: maps.flatMap { map in
        map.rows.names.indices.flatMap { row in
          map.columns.names.indices.map { column in
            [
              .text(map.title), .text(map.rows.names[row]), .text(map.columns.names[column]),
              map.values[row][column].map { .number($0) } ?? .empty,
            ]
          }
        }
      })
  }
}

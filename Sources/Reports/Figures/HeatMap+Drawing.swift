import Quantities
import Studies

extension HeatMap {
  private static let height = 26.0

  private func left(in width: Double) -> Double {
    36 + min(rows.names.map { estimatedWidth($0, size: 12) }.max() ?? 0, 0.4 * width)
  }

  /// How wide the widest name of a column is.
  private var columnWidth: Double { columns.names.map { estimatedWidth($0, size: 12) }.max() ?? 0 }

  /// Room below the fields for the names of the columns, which are turned where they are wider than a field.
  private func foot(_ cell: Double) -> Double { columnWidth > cell - 1 ? min(columnWidth, 130) + 10 : 18 }

  /// Several maps beside each other: in rows of three where that fills the rows, in pairs or alone elsewhere.
  static func svg(_ maps: [HeatMap], id: String, description: String, width: Double) -> String {
    let columns = Double(maps.map(\.columns.names.count).max() ?? 1)
    let left: Double = maps.map { $0.left(in: width) }.max() ?? 0
    let most = maps.count % 3 == 0 ? 3 : min(2, maps.count)
    func room(_ across: Int) -> Double { width / Double(across) - left - 10 }
    let across = (1...max(1, most)).last { room($0) >= 26 * columns } ?? 1
    let longest: Double = maps.map(\.columnWidth).max() ?? 0
    let cell: Double = min(max(52, longest + 8), max(18, room(across) / columns))
    let mapWidth = left + cell * columns + 10
    let mapHeight: Double =
      maps.map { (map: HeatMap) -> Double in
        let fields: Double = height * Double(map.rows.names.count)
        return 58 + fields + map.foot(cell)
      }.max() ?? 0
    let down = (maps.count + across - 1) / across
    var svg = SVG(
      id: id, width: max(mapWidth * Double(across), 300), height: mapHeight * Double(down),
      description: description)
    for (index, map) in maps.enumerated() {
      svg.open(class: "map", series: index)
      map.draw(
        in: &svg, x: mapWidth * Double(index % across), y: mapHeight * Double(index / across), cell: cell,
        left: left)
      svg.close()
    }
    return svg.markup
  }

  /// How dark a value is drawn.
  private func shade(_ value: Double) -> Double {
    0.06 + 0.94 * min(max((value - scale.lowerBound) / (scale.upperBound - scale.lowerBound), 0), 1)
  }

  private func draw(in svg: inout SVG, x: Double, y: Double, cell: Double, left: Double) {
    let (left, top) = (x + left, y + 30)
    let size = cell < 30 ? "value small" : "value"
    let middle = left + cell * Double(columns.names.count) / 2
    svg.text(
      middle, y + 18, fitted(title, width: cell * Double(columns.names.count) + 40), anchor: "middle",
      class: "value")
    for (row, name) in rows.names.enumerated() {
      let cy = top + Self.height * Double(row)
      svg.text(
        left - 7, cy + 17, fitted(name, width: left - x - 36, size: 12), anchor: "end", class: "tick")
      for column in columns.names.indices {
        let cx = left + cell * Double(column)
        guard let value = values[row][column] else {
          svg.rectangle(cx, cy, cell - 1, Self.height - 1, class: "void")
          continue
        }
        svg.rectangle(
          cx, cy, cell - 1, Self.height - 1, class: "shade", opacity: shade(value),
          title:
            "\(title), \(rows.label) \(name), \(columns.label) \(columns.names[column]): \(formatted(value)) \(unit)"
        )
        svg.text(
          cx + (cell - 1) / 2, cy + 17, Self.short(value), anchor: "middle", class: size)
      }
    }
    let bottom = top + Self.height * Double(rows.names.count)
    let foot = foot(cell)
    for (column, name) in columns.names.enumerated() {
      let place = left + cell * (Double(column) + 0.5)
      if foot > 18 {
        svg.text(
          place + 4, bottom + 6, fitted(name, width: foot - 8, size: 12), anchor: "end", class: "tick",
          turned: true)
      } else {
        svg.text(place, bottom + 15, name, anchor: "middle", class: "tick")
      }
    }
    svg.text(middle, bottom + foot + 16, columns.label, anchor: "middle", class: "axis")
    svg.text(x + 14, (top + bottom) / 2, rows.label, anchor: "middle", class: "axis", turned: true)
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

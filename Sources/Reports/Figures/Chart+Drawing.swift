import Documents
import Quantities
import Studies

/// A figure as it stands in a page: drawn for a page and for a narrow screen, with the table of what it draws.
struct DrawnChart {
  let chart: Chart
  /// The number in its page.
  let number: Int
  let wide: String
  let narrow: String
  let table: DataTable

  init(_ chart: Chart, number: Int) {
    self.chart = chart
    self.number = number
    wide = chart.svg(id: "f\(number)w", width: DrawingWidth.page)
    narrow = chart.svg(id: "f\(number)n", width: DrawingWidth.narrow)
    table = chart.table
  }

  /// The drawing as a file of its own, on white, with the light palette.
  var standaloneSVG: String {
    var style = StyleSheet.figure
    for (name, value) in StyleSheet.lightPalette {
      style = style.split(separator: "var(--\(name))", omittingEmptySubsequences: false)
        .joined(separator: value)
    }
    style = style.split(separator: "svg text", omittingEmptySubsequences: false).joined(separator: "text")
    style = style.split(separator: "svg .", omittingEmptySubsequences: false).joined(separator: ".")
    guard let end = wide.firstIndex(of: "\n") else { return wide }
    let background = "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    let font = "text { font-family: system-ui, 'DejaVu Sans', sans-serif; }"
    return wide[...end] + "<style>\n\(style)\(font)\n</style>\n\(background)\n"
      + wide[wide.index(after: end)...]
  }

  /// What a page's script needs beyond the drawing; nil for a figure that needs nothing.
  var data: JSONText? {
    var pairs: [(String, JSONText)] = []
    func add(_ live: LiveForm) {
      pairs.append(
        (
          "sliders",
          .array(
            live.sliders.map { slider in
              .array([
                .text(slider.name), .text(slider.unit), .number(slider.value),
                .number(slider.range.lowerBound), .number(slider.range.upperBound),
              ])
            })
        ))
      pairs.append(
        (
          "checks",
          .array(live.checks.map { .array([.numbers($0.inputs), .numbers($0.outputs)]) })
        ))
    }
    switch chart.drawing {
    case .lines(let lines):
      if let live = lines.live {
        add(live)
        pairs.append(
          (
            "series",
            .array(
              lines.series.map { one in
                guard let arguments = one.arguments else { return .number(nil) }
                return .array([
                  .numbers(arguments), .numbers(one.points.map(\.x)), .number(Double(one.output)),
                ])
              })
          ))
      }
      if lines.series.indices.contains(where: { lines.hasDots($0) }) {
        pairs.append(("dots", .array(lines.series.indices.map { Self.dots(lines, $0) })))
      }
    case .maps(let maps):
      if let live = maps.first?.live?.form {
        add(live)
        pairs.append(
          (
            "maps",
            .array(
              maps.map { map in
                .array([
                  .numbers(map.live?.arguments ?? []), .numbers(map.live?.columns ?? []),
                  .numbers(map.live?.rows ?? []), .numbers([map.scale.lowerBound, map.scale.upperBound]),
                  .text(map.unit),
                ])
              })
          ))
      }
    case .bars(let bars):
      if let live = bars.live {
        add(live)
        pairs.append(
          (
            "bars",
            .array(
              bars.bars.map { bar in
                bar.output.map { .numbers([Double($0), Double(bar.lengths.count)]) } ?? .number(nil)
              })
          ))
      }
    case .icicle, .timeline, .tornado: break
    }
    return pairs.isEmpty ? nil : .object(pairs)
  }

  /// The names and values of a series of dots: its name, that of each point without what all of them start with, and x and
  /// y in turn.
  private static func dots(_ lines: LineChart, _ index: Int) -> JSONText {
    guard lines.hasDots(index) else { return .number(nil) }
    let one = lines.series[index]
    let own = one.name + ", "
    let isOwn = !one.name.isEmpty && one.points.allSatisfy { $0.name.hasPrefix(own) }
    var names: [String] = []
    var last: (words: Substring, isKnown: Bool) = ("", false)
    for point in one.points {
      let name = isOwn ? point.name.dropFirst(own.count) : point.name[...]
      // A name that differs from the one before by its last number only is that number.
      let end = name.lastIndex(of: " ").map { name.index(after: $0) } ?? name.startIndex
      let (words, number) = (name[..<end], name[end...])
      let isNumber =
        number.count < 10 && number.first != "0" && number.allSatisfy { $0.isASCII && $0.isNumber }
      names.append(
        isNumber && !number.isEmpty && last.isKnown && last.words == words
          ? String(number) : JSONText.text(String(name)).text)
      last = (words, true)
    }
    return .array([
      .text(one.name), .raw("[" + names.joined(separator: ",") + "]"),
      .raw("[" + one.points.map { "\(short($0.x)),\(short($0.y))" }.joined(separator: ",") + "]"),
    ])
  }

  /// A number with four digits, as short as JSON allows.
  private static func short(_ value: Double) -> String {
    let plain = trimmed(formatted(value, digits: 4))
    guard value.isFinite, abs(value) >= 1e5 || abs(value) < 1e-3, value != 0 else { return plain }
    let exponent = Int((abs(value).logarithm() / 10.0.logarithm()).rounded(.down)) - 3
    let whole = (value / ((Double(exponent) * 10.0.logarithm()).exponential())).rounded()
    return "\(Int(whole))e\(exponent)"
  }

  /// The operations of the figure's closed form for the page's script.
  var program: String? { chart.live?.program.javaScript }
}

/// The style sheets and the script of the templates.
enum StyleSheet {
  static let palette = String(decoding: PackageResources.palette_css, as: UTF8.self)
  static let figure = String(decoding: PackageResources.figure_css, as: UTF8.self)
  static let page = String(decoding: PackageResources.page_css, as: UTF8.self)
  static let script = String(decoding: PackageResources.explore_js, as: UTF8.self)

  /// The colours of the light palette by name: the first block of the palette's sheet.
  static let lightPalette: [(name: String, value: String)] = {
    let block = palette.prefix { $0 != "}" }
    return block.split(separator: ";").compactMap { declaration in
      let parts = declaration.split(separator: ":", maxSplits: 1)
      let word = parts[0].split(whereSeparator: \.isWhitespace).last ?? ""
      guard parts.count == 2, word.hasPrefix("--") else { return nil }
      return (String(word.dropFirst(2)), String(parts[1].drop { $0 == " " }))
    }
  }()
}

extension JSONText {
  /// An array of numbers on one line.
  static func numbers(_ values: [Double]) -> JSONText {
    .raw("[" + values.map { JSONText.number($0).text }.joined(separator: ",") + "]")
  }
}

extension Chart {
  /// The drawing at a width.
  func svg(id: String, width: Double) -> String {
    let words = printable(title, limit: 300)
    return switch drawing {
    case .lines(let lines): lines.svg(id: id, description: words, width: width)
    case .maps(let maps): HeatMap.svg(maps, id: id, description: words, width: width)
    case .bars(let bars): bars.svg(id: id, description: words, width: width)
    case .icicle(let icicle): icicle.svg(id: id, description: words, width: width)
    case .timeline(let timeline): timeline.svg(id: id, description: words, width: width)
    case .tornado(let tornado): tornado.svg(id: id, description: words, width: width)
    }
  }

  /// The closed form behind the figure, where sliders can move it.
  var live: LiveForm? {
    switch drawing {
    case .lines(let lines): lines.live
    case .maps(let maps): maps.first?.live?.form
    case .bars(let bars): bars.live
    case .icicle, .timeline, .tornado: nil
    }
  }

  /// The table of what the chart draws.
  var table: DataTable {
    switch drawing {
    case .lines(let lines): lines.table(title)
    case .maps(let maps): HeatMap.table(maps, title)
    case .bars(let bars): bars.table(title)
    case .icicle(let icicle): icicle.table(title)
    case .timeline(let timeline): timeline.table(title)
    case .tornado(let tornado): tornado.table(title)
    }
  }
}

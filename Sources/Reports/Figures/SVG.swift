import Documents
import Quantities

/// Text made safe to stand in HTML and SVG, as content or as an attribute.
public func escaped(_ text: String) -> String {
  var result = ""
  for character in text.unicodeScalars {
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case _ where character.value < 0x20 && character != "\n": result += " "
    default: result.unicodeScalars.append(character)
    }
  }
  return result
}

/// How wide words are in a drawing, at most: the widest fonts that a page may be shown with take so much.
func estimatedWidth(_ words: String, size: Double = 12.5) -> Double {
  words.reduce(0) { $0 + ($1.isUppercase || $1 == "m" || $1 == "w" ? 0.76 : 0.615) * size }
}

/// Words cut to a width, with an ellipsis where something is missing.
func fitted(_ words: String, width: Double, size: Double = 12.5) -> String {
  let room = Int(width / (0.615 * size) + 1e-6)
  guard words.count > room else { return words }
  return room < 2 ? "" : words.prefix(room - 1).trimmingSuffixSpaces + "…"
}

extension Substring {
  fileprivate var trimmingSuffixSpaces: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// An SVG drawing, built mark by mark; colours come from the classes of the page's style sheet.
struct SVG {
  /// The name of the drawing in its page: parts of it are named after it.
  let id: String
  let width: Double
  var height: Double
  let description: String
  /// What a page's script needs to know of the axes.
  var data: [(name: String, value: String)] = []
  private var body = ""

  init(id: String = "d", width: Double, height: Double, description: String) {
    self.id = id
    self.width = width
    self.height = height
    self.description = description
  }

  /// A coordinate with one decimal.
  static func c(_ value: Double) -> String {
    let text = fixed(value, decimals: 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func list(_ points: [(Double, Double)]) -> String {
    points.map { "\(c($0.0)),\(c($0.1))" }.joined(separator: " ")
  }

  /// Starts a group.
  mutating func open(class name: String, series: Int? = nil, clipped: Bool = false) {
    let data = series.map { " data-s=\"\($0)\"" } ?? ""
    body += "<g class=\"\(name)\"\(data)\(clipped ? " clip-path=\"url(#\(id)c)\"" : "")>\n"
  }

  /// Ends a group.
  mutating func close() { body += "</g>\n" }

  /// Nothing of a clipped group is drawn outside of this field.
  mutating func clip(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    body +=
      "<clipPath id=\"\(id)c\"><rect x=\"\(Self.c(x))\" y=\"\(Self.c(y))\" width=\"\(Self.c(width))\" height=\"\(Self.c(height))\"/></clipPath>\n"
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
    body +=
      "<line x1=\"\(Self.c(x1))\" y1=\"\(Self.c(y1))\" x2=\"\(Self.c(x2))\" y2=\"\(Self.c(y2))\" class=\"\(name)\"/>\n"
  }

  mutating func path(_ points: [(Double, Double)], class name: String) {
    body += "<polyline points=\"\(Self.list(points))\" class=\"\(name)\"/>\n"
  }

  mutating func area(_ points: [(Double, Double)], class name: String) {
    body += "<polygon points=\"\(Self.list(points))\" class=\"\(name)\"/>\n"
  }

  /// Many small dots as one shape.
  mutating func dots(_ points: [(Double, Double)], class name: String) {
    let text = points.map { "M\(Self.c($0.0)),\(Self.c($0.1))h0" }.joined()
    body += "<path d=\"\(text)\" class=\"\(name)\"/>\n"
  }

  /// Many thin upright lines as one shape.
  mutating func uprights(_ lines: [(x: Double, from: Double, to: Double)], class name: String) {
    let text = lines.map { "M\(Self.c($0.x)),\(Self.c($0.from))V\(Self.c($0.to))" }.joined()
    body += "<path d=\"\(text)\" class=\"\(name)\"/>\n"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String, opacity: Double? = nil,
    title: String? = nil, data: String = ""
  ) {
    let opacity = opacity.map { " fill-opacity=\"\(fixed($0, decimals: 3))\"" } ?? ""
    let shape =
      "<rect x=\"\(Self.c(x))\" y=\"\(Self.c(y))\" width=\"\(Self.c(width))\" height=\"\(Self.c(height))\" class=\"\(name)\"\(opacity)\(data)"
    body +=
      title.map { "\(shape)><title>\(escaped(printable($0, limit: 600)))</title></rect>\n" } ?? shape + "/>\n"
  }

  /// The mark of a series: its shape and its colour.
  mutating func mark(_ series: Int, _ x: Double, _ y: Double, title: String?, size: Double = 1) {
    let shape: String
    switch series % 4 {
    case 0: shape = "<circle r=\"\(Self.c(4.5 * size))\""
    case 1: shape = "<path d=\"M-4-4h8v8h-8z\""
    case 2: shape = "<path d=\"M0-5.5L5.2 4H-5.2z\""
    default: shape = "<path d=\"M0-5.6L5.6 0L0 5.6L-5.6 0z\""
    }
    let text =
      "\(shape) transform=\"translate(\(Self.c(x)),\(Self.c(y)))\" class=\"mark series\(series % 6)\""
    body +=
      title.map {
        "\(text)><title>\(escaped(printable($0, limit: 600)))</title></\(shape.hasPrefix("<c") ? "circle" : "path")>\n"
      } ?? text + "/>\n"
  }

  mutating func text(
    _ x: Double, _ y: Double, _ words: String, anchor: String = "start", class name: String = "label",
    turned: Bool = false
  ) {
    let turn = turned ? " transform=\"rotate(-90 \(Self.c(x)) \(Self.c(y)))\"" : ""
    body +=
      "<text x=\"\(Self.c(x))\" y=\"\(Self.c(y))\" text-anchor=\"\(anchor)\" class=\"\(name)\"\(turn)>\(escaped(printable(words, limit: 400)))</text>\n"
  }

  /// Keys of series in rows above a drawing.
  ///
  /// - Parameters:
  ///   - keys: the names with the numbers of their series.
  ///   - left: where rows start.
  ///   - mark: draws the mark of a series with its centre at a point.
  /// - Returns: the height that the rows took.
  mutating func legend(
    _ keys: [(name: String, series: Int)], left: Double, mark: (inout SVG, Int, Double, Double) -> Void
  ) -> Double {
    var (x, y) = (left, 16.0)
    for (index, key) in keys.enumerated() {
      let name = fitted(key.name, width: width - left - 24, size: 12)
      let width = 20 + estimatedWidth(name, size: 12) + 12
      if x > left, x + width > self.width { (x, y) = (left, y + 22) }
      open(class: "key", series: key.series)
      rectangle(x - 3, y - 15, width - 6, 20, class: "hit")
      mark(&self, index, x + 7, y - 4)
      text(x + 20, y, name, class: "note")
      close()
      x += width
    }
    return keys.isEmpty ? 0 : y + 8
  }

  /// The height that ``legend(_:left:mark:)`` will take.
  static func legendHeight(_ names: [String], left: Double, width: Double) -> Double {
    var scratch = SVG(width: width, height: 0, description: "")
    return scratch.legend(names.map { ($0, 0) }, left: left) { _, _, _, _ in }
  }

  /// The drawing as markup at its own size or smaller.
  var markup: String {
    let attributes = data.map { " data-\($0.name)=\"\(escaped($0.value))\"" }.joined()
    let size = "width=\"\(Self.c(width))\" height=\"\(Self.c(height))\""
    return
      "<svg viewBox=\"0 0 \(Self.c(width)) \(Self.c(height))\" \(size) role=\"img\" aria-label=\"\(escaped(description))\"\(attributes) xmlns=\"http://www.w3.org/2000/svg\">\n\(body)</svg>\n"
  }
}

/// One axis of a figure: values to pixels, and where its ticks are.
struct Axis {
  let isLogarithmic: Bool
  let values: ClosedRange<Double>
  let start: Double
  let end: Double
  /// Ticks at these values only; chosen by the range if empty.
  var chosen: [Double] = []

  init(
    logarithmic: Bool, values: ClosedRange<Double>, from start: Double, to end: Double, chosen: [Double] = []
  ) {
    isLogarithmic = logarithmic
    self.values = values
    self.start = start
    self.end = end
    self.chosen = chosen
  }

  private func scaled(_ value: Double) -> Double { isLogarithmic ? value.logarithm() : value }

  func position(_ value: Double) -> Double {
    let low = scaled(values.lowerBound)
    let part = (scaled(value) - low) / (scaled(values.upperBound) - low)
    return start + part * (end - start)
  }

  /// A position, at the edge for a value outside.
  func clamped(_ value: Double) -> Double {
    position(min(max(value, values.lowerBound), values.upperBound))
  }

  /// Decades on a logarithmic axis, about six round steps on a linear one.
  var ticks: [Double] {
    if !chosen.isEmpty { return chosen }
    if isLogarithmic {
      var result: [Double] = []
      for exponent in -18...24 {
        let decade = Double("1e\(exponent)") ?? 1
        if values.contains(decade) { result.append(decade) }
      }
      return result
    }
    let span = values.upperBound - values.lowerBound
    let steps = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500].map { Double($0) }
    let scale = Double("1e\(Int((span.logarithm() / 10.0.logarithm()).rounded(.down)) - 2)") ?? 1
    let most = abs(end - start) < 300 ? 5.0 : 7
    let step = steps.map { $0 * scale }.first { span / $0 <= most } ?? span
    var result: [Double] = []
    var tick = (values.lowerBound / step).rounded(.up) * step
    while tick <= values.upperBound + step * 1e-9 {
      result.append(abs(tick) < step * 1e-9 ? 0 : tick)
      tick += step
    }
    return result
  }

  /// Ticks with words: all of them, and 2 and 5 between decades where there are few decades.
  var labelledTicks: [Double] {
    guard isLogarithmic, chosen.isEmpty, ticks.count < 3 else { return ticks }
    return (ticks + minorTicks.filter { [2, 5].contains(leadingDigit($0)) }).sorted()
  }

  private func leadingDigit(_ value: Double) -> Int {
    let ten = 10.0.logarithm()
    return Int((value / ((value.logarithm() / ten + 1e-9).rounded(.down) * ten).exponential()).rounded())
  }

  /// Lines between the decades of a logarithmic axis.
  var minorTicks: [Double] {
    guard isLogarithmic, chosen.isEmpty else { return [] }
    var result: [Double] = []
    for exponent in -18...24 {
      let decade = Double("1e\(exponent)") ?? 1
      for digit in 2...9 where values.contains(Double(digit) * decade) {
        result.append(Double(digit) * decade)
      }
    }
    return result
  }

  /// The axis for a page's script: bounds, pixels, and whether it is logarithmic.
  var data: String {
    "\(values.lowerBound) \(values.upperBound) \(SVG.c(start)) \(SVG.c(end)) \(isLogarithmic ? 1 : 0)"
  }
}

/// The frame of a figure with two axes.
struct Plot {
  var svg: SVG
  let x: Axis
  let y: Axis

  /// What an axis of the frame is.
  struct Scale {
    let values: ClosedRange<Double>
    let isLogarithmic: Bool
    let words: String
    let text: (Double) -> String
    var ticks: [Double] = []
    var unit = ""
    var hasPrefixes = false
  }

  init(
    id: String, description: String, width: Double, height: Double, x: Scale, y: Scale, top legend: Double,
    right: Double
  ) {
    svg = SVG(id: id, width: width, height: height, description: description)
    // A title that is wider than the figure takes two lines.
    let (acrossTitle, upTitle) = (
      Self.lines(x.words, width: width - 8), Self.lines(y.words, width: width - 8)
    )
    let top = legend + 24 + 14 * Double(upTitle.count - 1)
    let bottom = 14 * Double(acrossTitle.count - 1)
    self.y = Axis(
      logarithmic: y.isLogarithmic, values: y.values, from: height - 44 - bottom, to: top, chosen: y.ticks)
    let labels = self.y.labelledTicks.map { ($0, y.text($0)) }
    let left = 16 + (labels.map { estimatedWidth($0.1, size: 12) }.max() ?? 20)
    self.x = Axis(
      logarithmic: x.isLogarithmic, values: x.values, from: left, to: width - right, chosen: x.ticks)
    svg.data = [
      ("x", self.x.data), ("y", self.y.data), ("ux", x.unit), ("uy", y.unit),
      ("p", "\(x.hasPrefixes ? 1 : 0)\(y.hasPrefixes ? 1 : 0)"),
    ]
    svg.open(class: "ax")
    for tick in self.x.minorTicks { grid(x: tick, class: "minor") }
    for tick in self.y.minorTicks { grid(y: tick, class: "minor") }
    for tick in self.x.ticks { grid(x: tick, class: "grid") }
    for tick in self.y.ticks { grid(y: tick, class: "grid") }
    // Words of ticks that would touch are left out.
    var end = -Double.infinity
    for tick in self.x.labelledTicks {
      let (middle, words) = (self.x.position(tick), x.text(tick))
      let half = estimatedWidth(words, size: 12) / 2
      guard middle - half > end + 4, middle + half <= width else { continue }
      svg.text(middle, height - 27 - bottom, words, anchor: "middle", class: "tick")
      end = middle + half
    }
    var last = Double.infinity
    for (tick, words) in labels {
      let place = self.y.position(tick)
      guard last - place > 13 else { continue }
      svg.text(left - 7, place + 4, words, anchor: "end", class: "tick")
      last = place
    }
    svg.close()
    for (index, words) in acrossTitle.enumerated() {
      // In the middle of the axis, moved where it would leave the figure.
      let half = estimatedWidth(words, size: 12) / 2
      svg.text(
        max(half + 4, min(width - half - 4, (left + width - right) / 2)),
        height - 7 - bottom + 14 * Double(index), words, anchor: "middle", class: "axis")
    }
    for (index, words) in upTitle.enumerated() {
      svg.text(4, legend + 13 + 14 * Double(index), words, class: "axis")
    }
    svg.clip(
      self.x.start - 6, self.y.end - 6, self.x.end - self.x.start + 12, self.y.start - self.y.end + 12)
  }

  /// A title in one line, or in two of about the same length.
  static func lines(_ words: String, width: Double) -> [String] {
    guard estimatedWidth(words, size: 12) > width else { return [words] }
    let parts = words.split(separator: " ")
    let whole = words.count
    var first = ""
    for part in parts where first.count + part.count <= whole / 2 + 4 || first.isEmpty {
      guard words.hasPrefix(first.isEmpty ? part : first + " " + part) else { break }
      first += (first.isEmpty ? "" : " ") + part
    }
    let second = words.dropFirst(first.count + 1)
    return [fitted(first, width: width, size: 12), fitted(String(second), width: width, size: 12)]
  }

  private mutating func grid(x value: Double, class name: String) {
    svg.line(x.position(value), y.start, x.position(value), y.end, class: name)
  }

  private mutating func grid(y value: Double, class name: String) {
    svg.line(x.start, y.position(value), x.end, y.position(value), class: name)
  }
}

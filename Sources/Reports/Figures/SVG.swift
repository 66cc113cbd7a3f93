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

/// An SVG drawing, built mark by mark; colours come from the classes of the page's style sheet.
struct SVG {
  let width: Double
  let height: Double
  let description: String
  private var body = ""

  init(width: Double, height: Double, description: String) {
    self.width = width
    self.height = height
    self.description = description
  }

  /// A coordinate with one decimal.
  private static func c(_ value: Double) -> String {
    let text = fixed(value, decimals: 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
    body +=
      "<line x1=\"\(Self.c(x1))\" y1=\"\(Self.c(y1))\" x2=\"\(Self.c(x2))\" y2=\"\(Self.c(y2))\" class=\"\(name)\"/>\n"
  }

  mutating func path(_ points: [(Double, Double)], class name: String) {
    let text = points.map { "\(Self.c($0.0)),\(Self.c($0.1))" }.joined(separator: " ")
    body += "<polyline points=\"\(text)\" class=\"\(name)\"/>\n"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String, opacity: Double? = nil,
    title: String? = nil
  ) {
    let opacity = opacity.map { " fill-opacity=\"\(fixed($0, decimals: 3))\"" } ?? ""
    let shape =
      "<rect x=\"\(Self.c(x))\" y=\"\(Self.c(y))\" width=\"\(Self.c(width))\" height=\"\(Self.c(height))\" class=\"\(name)\"\(opacity)"
    body += title.map { "\(shape)><title>\(escaped($0))</title></rect>\n" } ?? shape + "/>\n"
  }

  mutating func circle(_ x: Double, _ y: Double, _ radius: Double, class name: String, title: String) {
    body +=
      "<circle cx=\"\(Self.c(x))\" cy=\"\(Self.c(y))\" r=\"\(Self.c(radius))\" class=\"\(name)\"><title>\(escaped(title))</title></circle>\n"
  }

  mutating func polygon(_ points: [(Double, Double)], class name: String, title: String) {
    let text = points.map { "\(Self.c($0.0)),\(Self.c($0.1))" }.joined(separator: " ")
    body += "<polygon points=\"\(text)\" class=\"\(name)\"><title>\(escaped(title))</title></polygon>\n"
  }

  mutating func square(_ x: Double, _ y: Double, _ side: Double, class name: String, title: String) {
    rectangle(x - side / 2, y - side / 2, side, side, class: name, title: title)
  }

  mutating func text(
    _ x: Double, _ y: Double, _ words: String, anchor: String = "start", class name: String = "label",
    turned: Bool = false
  ) {
    let turn = turned ? " transform=\"rotate(-90 \(Self.c(x)) \(Self.c(y)))\"" : ""
    body +=
      "<text x=\"\(Self.c(x))\" y=\"\(Self.c(y))\" text-anchor=\"\(anchor)\" class=\"\(name)\"\(turn)>\(escaped(words))</text>\n"
  }

  /// The drawing as markup that scales with the page.
  var markup: String {
    "<svg viewBox=\"0 0 \(Self.c(width)) \(Self.c(height))\" role=\"img\" aria-label=\"\(escaped(description))\" xmlns=\"http://www.w3.org/2000/svg\">\n\(body)</svg>\n"
  }
}

/// One axis of a figure: values to pixels, and where its ticks are.
struct Axis {
  let isLogarithmic: Bool
  let values: ClosedRange<Double>
  let start: Double
  let end: Double

  init(logarithmic: Bool, values: ClosedRange<Double>, from start: Double, to end: Double) {
    isLogarithmic = logarithmic
    self.values = values
    self.start = start
    self.end = end
  }

  private func scaled(_ value: Double) -> Double { isLogarithmic ? value.logarithm() : value }

  func position(_ value: Double) -> Double {
    let low = scaled(values.lowerBound)
    let part = (scaled(value) - low) / (scaled(values.upperBound) - low)
    return start + part * (end - start)
  }

  /// Decades and their halves on a logarithmic axis, about six round steps on a linear one.
  var ticks: [Double] {
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
    let step = steps.map { $0 * scale }.first { span / $0 <= 7 } ?? span
    var result: [Double] = []
    var tick = (values.lowerBound / step).rounded(.up) * step
    while tick <= values.upperBound + step * 1e-9 {
      result.append(tick)
      tick += step
    }
    return result
  }

  /// Ticks with words: all of them, and 2 and 5 between decades where there are few decades.
  var labelledTicks: [Double] {
    guard isLogarithmic, ticks.count < 3 else { return ticks }
    return
      (ticks
      + minorTicks.filter { tick in
        ticks.contains { decade in [0.2, 0.5, 2, 5].contains { abs(tick / decade / $0 - 1) < 1e-9 } }
      }).sorted()
  }

  /// Lines between the decades of a logarithmic axis.
  var minorTicks: [Double] {
    guard isLogarithmic else { return [] }
    var result: [Double] = []
    for exponent in -18...24 {
      let decade = Double("1e\(exponent)") ?? 1
      for digit in 2...9 where values.contains(Double(digit) * decade) {
        result.append(Double(digit) * decade)
      }
    }
    return result
  }
}

/// The frame of a figure with two axes.
struct Plot {
  /// Room for the words of the vertical axis.
  private static let left = 104.0
  var svg: SVG
  let x: Axis
  let y: Axis

  init(
    description: String, width: Double = 760, height: Double = 420, x: (ClosedRange<Double>, log: Bool),
    y: (ClosedRange<Double>, log: Bool), xLabel: String, yLabel: String,
    xText: (Double) -> String, yText: (Double) -> String, top: Double = 14
  ) {
    svg = SVG(width: width, height: height, description: description)
    self.x = Axis(logarithmic: x.log, values: x.0, from: Self.left, to: width - 30)
    self.y = Axis(logarithmic: y.log, values: y.0, from: height - 52, to: top)
    for tick in self.x.minorTicks { grid(x: tick, class: "minor") }
    for tick in self.y.minorTicks { grid(y: tick, class: "minor") }
    for tick in self.x.ticks { grid(x: tick, class: "grid") }
    for tick in self.x.labelledTicks {
      svg.text(self.x.position(tick), height - 34, xText(tick), anchor: "middle", class: "tick")
    }
    for tick in self.y.ticks { grid(y: tick, class: "grid") }
    for tick in self.y.labelledTicks {
      svg.text(Self.left - 8, self.y.position(tick) + 4, yText(tick), anchor: "end", class: "tick")
    }
    svg.text((Self.left + width - 30) / 2, height - 10, xLabel, anchor: "middle", class: "axis")
    svg.text(14, (height - 52 + top) / 2, yLabel, anchor: "middle", class: "axis", turned: true)
  }

  private mutating func grid(x value: Double, class name: String) {
    svg.line(x.position(value), y.start, x.position(value), y.end, class: name)
  }

  private mutating func grid(y value: Double, class name: String) {
    svg.line(x.start, y.position(value), x.end, y.position(value), class: name)
  }
}

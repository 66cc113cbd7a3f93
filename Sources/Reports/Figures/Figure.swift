import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// A figure of a page with the table of what it draws.
struct Figure {
  let title: String
  /// How to read it.
  let words: String
  let svg: String
  /// Keys of colours and marks, as HTML.
  var legend = ""
  let header: [String]
  let rows: [[String]]

  /// The drawing as a file of its own, on white, with the light palette.
  var standaloneSVG: String {
    var style = StyleSheet.figure
    for (name, value) in StyleSheet.lightPalette {
      style = style.split(separator: "var(--\(name))", omittingEmptySubsequences: false)
        .joined(separator: value)
    }
    style = style.split(separator: "svg text", omittingEmptySubsequences: false).joined(separator: "text")
    style = style.split(separator: "svg .", omittingEmptySubsequences: false).joined(separator: ".")
    guard let end = svg.firstIndex(of: "\n") else { return svg }
    let background = "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    let font = "text { font-family: system-ui, 'DejaVu Sans', sans-serif; }"
    return svg[...end] + "<style>\n\(style)\(font)\n</style>\n\(background)\n" + svg[svg.index(after: end)...]
  }

  /// The table of the figure as CSV.
  var csv: String {
    ([header] + rows).map { $0.map(csvField).joined(separator: ",") + "\n" }.joined()
  }
}

/// The style sheets of the templates.
enum StyleSheet {
  static let palette = String(decoding: PackageResources.palette_css, as: UTF8.self)
  static let figure = String(decoding: PackageResources.figure_css, as: UTF8.self)
  static let page = String(decoding: PackageResources.page_css, as: UTF8.self)

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

extension Figure {
  /// Time by kernel, largest first, with 90 % intervals and what each waits for.
  static func breakdown(_ projection: Projection) -> Figure {
    let leaves = projection.root.kernels
    let shown = leaves.prefix(16)
    let rest = leaves.dropFirst(16)
    let rowHeight = 24.0
    let height = Double(shown.count) * rowHeight + 58
    let widest = shown.map { $0.interval90.upperBound.value }.max() ?? 1
    var svg = SVG(
      width: 760, height: height,
      description: "Bars of the time of each kind of kernel with its 90 % interval")
    let axis = Axis(logarithmic: false, values: 0...widest * 1.02, from: 250, to: 660)
    for tick in axis.ticks {
      svg.line(axis.position(tick), 6, axis.position(tick), height - 46, class: "grid")
      svg.text(
        axis.position(tick), height - 30, tick == 0 ? "0" : Seconds(tick).formatted(digits: 2),
        anchor: "middle", class: "tick")
    }
    svg.text(455, height - 8, "time of all runs", anchor: "middle", class: "axis")
    for (index, kernel) in shown.enumerated() {
      let y = 10 + Double(index) * rowHeight
      let end = axis.position(kernel.time.value)
      let share = percent(kernel.time / projection.time)
      svg.text(242, y + 13, kernel.name, anchor: "end")
      svg.rectangle(
        250, y, max(1, end - 250), 16, class: "bar \(kernel.bound.rawValue)",
        title: "\(kernel.name): \(kernel.time.formatted()), \(share), waits for \(kernel.bound.rawValue)")
      let interval = kernel.interval90
      let (low, high) = (axis.position(interval.lowerBound.value), axis.position(interval.upperBound.value))
      svg.line(low, y + 8, high, y + 8, class: "whisker")
      svg.text(max(end, high) + 6, y + 13, "\(kernel.time.formatted()) (\(share))", class: "value")
    }
    let words =
      "Each bar is the time of one kind of kernel over all its runs in the step; the thin line is its 90 % "
      + "interval; the colour says what it waits for."
      + (rest.isEmpty ? "" : " \(rest.count) smaller kinds are in the table only.")
    return Figure(
      title: "Where the time goes", words: words, svg: svg.markup, legend: legend(shown.map(\.bound)),
      header: ["kernel", "runs", "time", "low", "high", "share", "waits for"],
      rows: leaves.map { kernel in
        [
          kernel.name, "\(kernel.count)", kernel.time.formatted(),
          kernel.interval90.lowerBound.formatted(), kernel.interval90.upperBound.formatted(),
          percent(kernel.time / projection.time), kernel.bound.rawValue,
        ]
      })
  }

  private static func legend(_ bounds: [Bound]) -> String {
    let present = Bound.allCases.filter { bounds.contains($0) }
    let items = present.map { "<span class=\"key \($0.rawValue)\"></span>\($0.rawValue)" }
    return "<p class=\"legend\">waits for: \(items.joined(separator: " &nbsp; "))</p>\n"
  }

  /// Errors of whole layers that no fit saw: predicted over measured against the measured time.
  static func layerErrors(_ tables: [TableComparison]) -> Figure? {
    var points: [(table: String, column: String, value: ComparedValue)] = []
    for table in tables where table.kind == .tensorParallelLayers {
      for value in table.values where value.predicted != nil && !value.value.quantity.contains("nocomm") {
        points.append((shortName(table.path), value.value.quantity, value))
      }
    }
    guard let first = points.first else { return nil }
    let times = points.map { $0.value.value.measured * $0.value.value.unit }
    let errors = points.compactMap { $0.value.relativeError.map { 100 * $0 } }
    let reach = max(10, ((errors.map(abs).max() ?? 0) / 5).rounded(.up) * 5)
    var plot = Plot(
      description: "Relative error of predicted layer times against the measured time",
      height: 360,
      x: (decades(times), log: true), y: (-reach...reach, log: false),
      xLabel: "measured time", yLabel: "predicted − measured, %",
      xText: { Seconds($0).formatted(digits: 1) }, yText: { fixed($0, decimals: 0) })
    let (top, bottom) = (plot.y.position(6), plot.y.position(-6))
    plot.svg.rectangle(plot.x.start, top, plot.x.end - plot.x.start, bottom - top, class: "band")
    plot.svg.text(plot.x.end - 6, top + 14, "± 6 %", anchor: "end", class: "note")
    plot.svg.line(plot.x.start, plot.y.position(0), plot.x.end, plot.y.position(0), class: "zero")
    var tableNames: [String] = []
    for point in points where !tableNames.contains(point.table) { tableNames.append(point.table) }
    for point in points {
      guard let error = point.value.relativeError, let predicted = point.value.predicted else { continue }
      let seconds = point.value.value.measured * point.value.value.unit
      let title =
        "\(point.table) line \(point.value.value.line), \(point.column): measured \(Seconds(seconds).formatted()), predicted \(Seconds(predicted * point.value.value.unit).formatted()), \(fixed(100 * error, decimals: 1)) %"
      let (x, y) = (plot.x.position(seconds), plot.y.position(100 * error))
      let series = "series\((tableNames.firstIndex(of: point.table) ?? 0) % 6)"
      if point.column.contains("bwd") {
        plot.svg.square(x, y, 8, class: "mark \(series)", title: title)
      } else {
        plot.svg.circle(x, y, 4.5, class: "mark \(series)", title: title)
      }
    }
    let keys = tableNames.enumerated().map {
      "<span class=\"key series\($0.offset % 6)\"></span>\(escaped($0.element))"
    }
    let mean = errors.map(abs).reduce(0, +) / Double(errors.count)
    let unit = first.value.value.unit
    return Figure(
      title: "Whole layers that no fit saw",
      words:
        "\(points.count) measured times of Transformer layers split over GPUs, against what the operator and "
        + "collective models add up to. No constant was fitted to these rows. Circles: forward; squares: forward and "
        + "backward. Mean absolute error \(fixed(mean, decimals: 1)) %. The band is the bound that this project set "
        + "itself.",
      svg: plot.svg.markup,
      legend: "<p class=\"legend\">\(keys.joined(separator: " &nbsp; "))</p>\n",
      header: ["table", "line", "column", "measured", "predicted", "error", "in 90 % interval"],
      rows: points.map { point in
        [
          point.table, "\(point.value.value.line)", point.column,
          Seconds(point.value.value.measured * unit).formatted(),
          Seconds((point.value.predicted ?? 0) * unit).formatted(),
          fixed(100 * (point.value.relativeError ?? 0), decimals: 1) + " %",
          point.value.isCovered == true ? "yes" : "no",
        ]
      })
  }

  /// Measured GEMMs under the roofs of the data sheet.
  static func roofline(_ device: Device, _ type: DataType, _ tables: [TableComparison]) -> Figure? {
    guard let roofline = Roofline(device, type), let memory = roofline.bandwidths.first else { return nil }
    var points: [(shape: GEMM<Double>, intensity: Double, rate: Double, value: ComparedValue)] = []
    for table in tables where table.kind == .operators {
      for value in table.values {
        guard case .kernel(let operation, units: nil, repeats: 1) = value.value.subject,
          operation.dataType == type,
          case .gemm(let shape) = operation.work, value.predicted != nil
        else { continue }
        let seconds = value.value.measured * value.value.unit
        points.append((shape, shape.flop / shape.bytes(type), shape.flop / seconds, value))
      }
    }
    guard !points.isEmpty else { return nil }
    let xRange = decades(points.map(\.intensity))
    let yRange = decades(points.map(\.rate) + [roofline.peak])
    var plot = Plot(
      description: "Roofline of \(device.title) with measured matrix products",
      x: (xRange, log: true), y: (yRange, log: true), xLabel: "arithmetic intensity, FLOP/B",
      yLabel: "\(type.rawValue) rate",
      xText: { $0 < 1e6 ? "\($0 < 1 ? formatted($0, digits: 1) : "\(Int($0))")" : formatted($0, digits: 1) },
      yText: { FLOPPerSecond($0).formatted(digits: 1) })
    let ridge = roofline.peak / memory
    let left = max(xRange.lowerBound, yRange.lowerBound / memory)
    var roof = [(plot.x.position(left), plot.y.position(min(roofline.peak, left * memory)))]
    if xRange.contains(ridge) { roof.append((plot.x.position(ridge), plot.y.position(roofline.peak))) }
    let right = min(roofline.peak, xRange.upperBound * memory)
    roof.append((plot.x.position(xRange.upperBound), plot.y.position(right)))
    plot.svg.path(roof, class: "roof")
    plot.svg.text(
      plot.x.end - 6, plot.y.position(roofline.peak) - 6,
      "peak \(FLOPPerSecond(roofline.peak).formatted())", anchor: "end", class: "note")
    plot.svg.text(
      plot.x.position(left) + 22, plot.y.position(left * memory) + 8,
      "\(device.mainMemory.name) \(BytesPerSecond(memory).formatted())", class: "note")
    for point in points {
      let title =
        "\(Int(point.shape.m)) x \(Int(point.shape.n)) x \(Int(point.shape.k)) \(point.shape.layout.rawValue): "
        + "\(FLOPPerSecond(point.rate).formatted()), error \(fixed(100 * (point.value.relativeError ?? 0), decimals: 1)) %"
      plot.svg.circle(
        plot.x.position(point.intensity), plot.y.position(point.rate), 3, class: "mark series0", title: title)
    }
    return Figure(
      title: "Measured matrix products under the roofs of the data sheet",
      words:
        "Each point is a measured \(type.rawValue) product: how many operations it does for each byte that it must "
        + "move, and the rate that it reached. The line is what the data sheet allows. The distance to it is what the "
        + "GEMM model explains: tiles, waves, operand feeding, start.",
      svg: plot.svg.markup,
      header: ["m", "n", "k", "layout", "FLOP/B", "measured rate", "measured", "predicted", "error"],
      rows: points.map { point in
        let unit = point.value.value.unit
        return [
          "\(Int(point.shape.m))", "\(Int(point.shape.n))", "\(Int(point.shape.k))",
          point.shape.layout.rawValue, formatted(point.intensity), FLOPPerSecond(point.rate).formatted(),
          Seconds(point.value.value.measured * unit).formatted(),
          Seconds((point.value.predicted ?? 0) * unit).formatted(),
          fixed(100 * (point.value.relativeError ?? 0), decimals: 1) + " %",
        ]
      })
  }

  private static func shortName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// Whole decades, or halves of them, around some values.
  static func decades(_ values: [Double]) -> ClosedRange<Double> {
    let ten = 10.0.logarithm()
    let low = ((values.min() ?? 1).logarithm() / ten - 0.05)
    let high = ((values.max() ?? 10).logarithm() / ten + 0.05)
    let steps = 4.0
    return ((low * steps).rounded(.down) / steps * ten)
      .exponential()...((high * steps).rounded(.up) / steps * ten)
      .exponential()
  }
}

extension CostNode {
  /// A kind of kernel with all its runs in a step.
  struct Kernel {
    let name: String
    var count: Int
    var time: Seconds
    var standardError: Seconds
    let bound: Bound

    var interval90: ClosedRange<Seconds> { CostNode.interval90(time: time, standardError: standardError) }
  }

  /// The operators below with all their runs, the longest first.
  var kernels: [Kernel] {
    guard !parts.isEmpty else {
      return [Kernel(name: name, count: count, time: time, standardError: standardError, bound: bound)]
    }
    var result: [Kernel] = []
    for kernel in parts.flatMap(\.kernels) {
      var all = kernel
      all.count *= count
      all.time = Double(count) * kernel.time
      all.standardError = Double(count) * kernel.standardError
      result.append(all)
    }
    return result.sorted { ($0.time, $1.name) > ($1.time, $0.name) }
  }
}

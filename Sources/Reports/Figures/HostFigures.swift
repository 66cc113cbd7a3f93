import Calibration
import CostModels
import Hardware
import Quantities
import Scenarios
import Workloads

/// Kinds of processor kernels that figures and summaries tell apart.
enum HostKind: Int, CaseIterable {
  case product, stream, matrixVector, denseStep, sparseStep

  init?(_ value: ComparedValue) {
    guard case .host(let kernel, let operation, _, _) = value.value.subject else { return nil }
    switch kernel {
    case .gemm: self = .product
    case .sparse: self = .sparseStep
    case .stream:
      self = operation.hasSuffix("_dense") ? .denseStep : operation == "gemv" ? .matrixVector : .stream
    }
  }

  var words: String {
    switch self {
    case .product: "matrix products"
    case .stream: "triad and copy"
    case .matrixVector: "matrix-vector products"
    case .denseStep: "dense SGD steps"
    case .sparseStep: "sparse SGD steps"
    }
  }

  /// Whether the bound on errors is meant for it: products of more than a million operations.
  func isJudged(_ value: ComparedValue) -> Bool {
    guard case .host(.gemm(let shape), _, _, _) = value.value.subject else { return true }
    return shape.flop > 1e6
  }
}

extension ComparedValue {
  /// Threads of a processor's kernel.
  var threads: Double? {
    guard case .host(_, _, _, let threads) = value.subject else { return nil }
    return threads
  }

  fileprivate var seconds: Double { value.measured * value.unit }

  /// Operations and bytes of a processor's kernel; nil where there are none of one of them.
  fileprivate var counts: (flop: Double, bytes: Double)? {
    guard case .host(let kernel, let operation, let type, _) = value.subject else { return nil }
    switch kernel {
    case .gemm(let shape): return (shape.flop, shape.bytes(type))
    case .sparse(let samples, let nonzeros, _):
      return (samples * (2 * nonzeros + 10), samples * (12 * nonzeros + 8))
    case .stream(let bytes, _):
      // For each number that is read: two operations (gemv), four (a step: score and gradient); two for three (triad).
      let perNumber = ["triad": 2.0 / 3, "gemv": 2, "lr_dense": 4, "svm_dense": 4][operation]
      return perNumber.map { (bytes / type.bytes * $0, bytes) }
    }
  }

  fileprivate var label: String {
    guard case .host(let kernel, let operation, let type, let threads) = value.subject else { return "" }
    let shape: String
    switch kernel {
    case .gemm(let gemm): shape = "\(Int(gemm.m)) x \(Int(gemm.n)) x \(Int(gemm.k))"
    case .stream(let bytes, let footprint):
      shape =
        bytes == footprint
        ? Bytes(bytes).formatted(binary: true)
        : "\(Bytes(bytes).formatted(binary: true)) of \(Bytes(footprint).formatted(binary: true))"
    case .sparse(let samples, _, _): shape = "\(Int(samples)) samples"
    }
    return "\(operation) \(type.rawValue) \(shape), \(Int(threads)) thread\(threads == 1 ? "" : "s")"
  }

  fileprivate var title: String {
    "\(label): measured \(Seconds(seconds).formatted()), predicted \(Seconds((predicted ?? 0) * value.unit).formatted()), "
      + "\(fixed(100 * (relativeError ?? 0), decimals: 1)) %"
  }

  fileprivate func row(heldOut: Bool) -> [String] {
    [
      label, heldOut ? "no" : "yes", Seconds(seconds).formatted(),
      Seconds((predicted ?? 0) * value.unit).formatted(),
      fixed(100 * (relativeError ?? 0), decimals: 1) + " %",
      isCovered == true ? "yes" : "no",
    ]
  }
}

private let rowHeader = ["kernel", "in the fit", "measured", "predicted", "error", "in 90 % interval"]

extension Figure {
  /// Measured kernels under the fitted roofs: compute of each precision, and every level of memory.
  static func hostRoofline(_ model: HostModel<Double>, threads: Double, _ values: [ComparedValue]) -> Figure?
  {
    let shown = values.filter { $0.threads == threads && $0.counts != nil }
    guard let triad = model.calibration?.fitted(HostStreamForm<Double>.self, named: "host_stream.triad"),
      !shown.isEmpty
    else { return nil }
    let efficiency = model.calibration?.forms[HostGEMMForm<Double>.name]?.values[1] ?? 1
    let peaks = [DataType.fp32, .fp64].compactMap { type in
      model.machine(type).map { (type, efficiency * $0.coreRate * threads) }
    }
    let slopes = triad.roofs(threads: threads)
    let points = shown.compactMap { value -> (ComparedValue, Double, Double)? in
      value.counts.map { (value, $0.flop / $0.bytes, $0.flop / value.seconds) }
    }
    let xRange = decades(points.map(\.1))
    let yRange = decades(points.map(\.2) + peaks.map(\.1))
    var plot = Plot(
      description: "Roofline on \(Int(threads)) threads with measured kernels", x: (xRange, log: true),
      y: (yRange, log: true), xLabel: "arithmetic intensity, FLOP/B", yLabel: "rate",
      xText: { $0 < 1 ? formatted($0, digits: 1) : "\(Int($0.rounded()))" },
      yText: { FLOPPerSecond($0).formatted(digits: 1) })
    let top = peaks.map(\.1).max() ?? 1
    for (level, slope) in slopes {
      let start = max(xRange.lowerBound, yRange.lowerBound / slope)
      let end = min(xRange.upperBound, top / slope)
      guard start < end else { continue }
      plot.svg.path(
        [
          (plot.x.position(start), plot.y.position(start * slope)),
          (plot.x.position(end), plot.y.position(end * slope)),
        ], class: "roof")
      _ = level
    }
    for (type, peak) in peaks {
      let fastest = slopes.map(\.rate).max() ?? 1
      let start = max(xRange.lowerBound, peak / fastest)
      plot.svg.line(
        plot.x.position(start), plot.y.position(peak), plot.x.end, plot.y.position(peak), class: "roof")
      plot.svg.text(
        plot.x.end - 6, plot.y.position(peak) + 15,
        "\(type.rawValue) \(FLOPPerSecond(peak).formatted())", anchor: "end", class: "note")
    }
    for (value, intensity, rate) in points {
      let (x, y) = (plot.x.position(intensity), plot.y.position(rate))
      mark(&plot.svg, value, x, y, square: false)
    }
    let words = slopes.map { "\($0.level) \(BytesPerSecond($0.rate).formatted())" }.joined(separator: ", ")
    return Figure(
      title: threads == 1 ? "Roofs of one core" : "Roofs of \(Int(threads)) threads",
      words:
        "Each point is a measured kernel: how many operations it does for each byte that it must move, and the rate that it "
        + "reached. Sloping lines are the fitted rates of the triad out of each level of memory (\(words)); level lines the "
        + "fitted rate of large products. A point above a slope has its data in a nearer level.",
      svg: plot.svg.markup, legend: kindLegend(shown),
      header: ["kernel", "FLOP/B", "rate", "measured", "predicted", "error"],
      rows: points.map { value, intensity, rate in
        [
          value.label, formatted(intensity), FLOPPerSecond(rate).formatted(),
          Seconds(value.seconds).formatted(), Seconds((value.predicted ?? 0) * value.value.unit).formatted(),
          fixed(100 * (value.relativeError ?? 0), decimals: 1) + " %",
        ]
      })
  }

  /// Rates of a stream over its working set, with the fitted curves.
  static func streams(
    _ model: HostModel<Double>, _ operation: String, _ fitted: [ComparedValue], _ heldOut: [ComparedValue]
  ) -> Figure? {
    typealias Point = (value: ComparedValue, bytes: Double, threads: Double, type: DataType, heldOut: Bool)
    func points(_ values: [ComparedValue], _ out: Bool) -> [Point] {
      values.compactMap { value in
        guard case .host(.stream(let bytes, _), operation, let type, let threads) = value.value.subject else {
          return nil
        }
        return (value, bytes, threads, type, out)
      }
    }
    let all = points(fitted, false) + points(heldOut, true)
    guard let type = all.first?.type else { return nil }
    let xRange = decades(all.map(\.bytes))
    let yRange = decades(all.map { $0.bytes / $0.value.seconds })
    var plot = Plot(
      description: "Rate of the \(operation) over its working set", x: (xRange, log: true),
      y: (yRange, log: true), xLabel: "bytes of all arrays", yLabel: "rate",
      xText: { Bytes($0).formatted(digits: 1) }, yText: { BytesPerSecond($0).formatted(digits: 1) })
    let counts = Set(all.map(\.threads)).sorted()
    for (series, threads) in counts.enumerated() {
      let curve = (0...240).compactMap { step -> (Double, Double)? in
        let bytes =
          (xRange.lowerBound.logarithm()
          + Double(step) / 240 * (xRange.upperBound / xRange.lowerBound).logarithm()).exponential()
        guard
          let cost = model.cost(
            .stream(bytes: bytes, footprint: bytes), operation: operation, type, threads: threads)
        else { return nil }
        let rate = bytes / cost.time
        guard yRange.contains(rate) else { return nil }
        return (plot.x.position(bytes), plot.y.position(rate))
      }
      plot.svg.path(curve, class: "curve stroke\(series)")
    }
    for point in all {
      let (x, y) = (plot.x.position(point.bytes), plot.y.position(point.bytes / point.value.seconds))
      let series = "mark series\(counts.firstIndex(of: point.threads) ?? 0)"
      if point.heldOut {
        plot.svg.square(x, y, 8, class: series, title: point.value.title)
      } else {
        plot.svg.circle(x, y, 4, class: series, title: point.value.title)
      }
    }
    let keys = counts.enumerated().map {
      "<span class=\"key series\($0.offset)\"></span>\(Int($0.element)) thread\($0.element == 1 ? "" : "s")"
    }
    return Figure(
      title: "The \(operation) out of every level of memory",
      words:
        "Circles were fitted, squares were kept out; the lines are the fitted form. The steps are the caches: their usable "
        + "parts and how steeply each gives way are constants of the fit.",
      svg: plot.svg.markup, legend: legendLine(keys), header: rowHeader,
      rows: all.map { $0.value.row(heldOut: $0.heldOut) })
  }

  /// Relative errors against the measured time.
  static func residuals(_ fitted: [ComparedValue], _ heldOut: [ComparedValue]) -> Figure? {
    let all = fitted.map { ($0, false) } + heldOut.map { ($0, true) }
    let known = all.filter { $0.0.relativeError != nil }
    guard !known.isEmpty else { return nil }
    // The figure ends where all but the wildest one in a hundred lie; those stand at its edge.
    let sizes = known.map { abs(100 * ($0.0.relativeError ?? 0)) }
    let reach = max(10, (quantile(sizes, 0.99) / 10).rounded(.up) * 10)
    var plot = Plot(
      description: "Relative error of predicted times against the measured time",
      x: (decades(known.map(\.0.seconds)), log: true), y: (-reach...reach, log: false),
      xLabel: "measured time",
      yLabel: "predicted − measured, %", xText: { Seconds($0).formatted(digits: 1) },
      yText: { fixed($0, decimals: 0) })
    plot.svg.line(plot.x.start, plot.y.position(0), plot.x.end, plot.y.position(0), class: "zero")
    for (value, out) in known {
      let error = min(max(100 * (value.relativeError ?? 0), -reach), reach)
      mark(
        &plot.svg, value, plot.x.position(value.seconds), plot.y.position(error), square: out)
    }
    return Figure(
      title: "Errors",
      words: "Circles were fitted, squares were kept out of the fit. Point at a mark to see its kernel.",
      svg: plot.svg.markup, legend: kindLegend(known.map(\.0)), header: rowHeader,
      rows: known.map { $0.0.row(heldOut: $0.1) })
  }

  /// Predicted against measured times of the kernels kept out.
  static func predictedAgainstMeasured(_ fitted: [ComparedValue], _ heldOut: [ComparedValue]) -> Figure? {
    let known = heldOut.filter { $0.predicted != nil }
    guard !known.isEmpty else { return nil }
    let range = decades(known.flatMap { [$0.seconds, ($0.predicted ?? 0) * $0.value.unit] })
    var plot = Plot(
      description: "Predicted against measured times", x: (range, log: true), y: (range, log: true),
      xLabel: "measured", yLabel: "predicted", xText: { Seconds($0).formatted(digits: 1) },
      yText: { Seconds($0).formatted(digits: 1) })
    plot.svg.path(
      [
        (plot.x.position(range.lowerBound), plot.y.position(range.lowerBound)),
        (plot.x.position(range.upperBound), plot.y.position(range.upperBound)),
      ], class: "curve stroke5")
    for value in known {
      let x = plot.x.position(value.seconds)
      if let interval = value.interval90 {
        plot.svg.line(
          x, plot.y.position(max(interval.lowerBound * value.value.unit, range.lowerBound)), x,
          plot.y.position(min(interval.upperBound * value.value.unit, range.upperBound)), class: "whisker")
      }
      mark(
        &plot.svg, value, x, plot.y.position((value.predicted ?? 0) * value.value.unit), square: true)
    }
    return Figure(
      title: "Predicted against measured, kernels kept out of the fit",
      words: "On the line a prediction is right. The thin lines are the 90 % intervals.",
      svg: plot.svg.markup,
      legend: kindLegend(known), header: rowHeader, rows: known.map { $0.row(heldOut: true) })
  }

  private static func mark(_ svg: inout SVG, _ value: ComparedValue, _ x: Double, _ y: Double, square: Bool) {
    let series = "mark series\(HostKind(value)?.rawValue ?? 5)"
    if square {
      svg.square(x, y, 7, class: series, title: value.title)
    } else {
      svg.circle(x, y, 3.5, class: series, title: value.title)
    }
  }

  private static func kindLegend(_ values: [ComparedValue]) -> String {
    let present = Set(values.compactMap { HostKind($0) })
    return legendLine(
      HostKind.allCases.filter { present.contains($0) }
        .map { "<span class=\"key series\($0.rawValue)\"></span>\($0.words)" })
  }

  private static func legendLine(_ keys: [String]) -> String {
    "<p class=\"legend\">\(keys.joined(separator: " &nbsp; "))</p>\n"
  }
}

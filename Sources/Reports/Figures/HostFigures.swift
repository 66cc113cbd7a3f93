import Calibration
import CostModels
import Hardware
import Quantities
import Scenarios
import Studies
import Workloads

/// Kinds of processor kernels that figures and summaries tell apart.
enum HostKind: Int, CaseIterable {
  case product, stream, matrixVector, denseStep, sparseStep, copy

  init?(_ value: ComparedValue) {
    guard case .host(let kernel, let operation, _, _) = value.value.subject else { return nil }
    switch kernel {
    case .gemm: self = .product
    case .sparse: self = .sparseStep
    case .stream:
      self =
        operation.hasSuffix("_dense")
        ? .denseStep : operation == "gemv" ? .matrixVector : operation == "copy" ? .copy : .stream
    }
  }

  var words: String {
    switch self {
    case .product: "matrix products"
    case .stream: "triad"
    case .copy: "copy"
    case .matrixVector: "matrix-vector products"
    case .denseStep: "dense SGD steps"
    case .sparseStep: "sparse SGD steps"
    }
  }

  /// The number of its colour: those of neighbours differ also where colours are hard to tell apart.
  var series: Int { self == .sparseStep ? 5 : self == .copy ? 4 : rawValue }

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
}

extension Chart {
  /// Measured kernels under the fitted roofs: compute of each precision, and every level of memory.
  static func hostRoofline(_ model: HostModel<Double>, threads: Double, _ values: [ComparedValue]) -> Chart? {
    let shown = values.filter { $0.threads == threads && $0.counts != nil }
    guard let triad = model.calibration?.fitted(HostStreamForm<Double>.self, named: "host_stream.triad"),
      !shown.isEmpty
    else { return nil }
    let efficiency = model.calibration?.forms[HostGEMMForm<Double>.name]?.values[1] ?? 1
    let peaks = [DataType.fp32, .fp64].compactMap { type in
      model.machine(type).map { (type, efficiency * $0.coreRate * threads) }
    }
    let slopes = triad.roofs(threads: threads)
    let groups = byKind(shown).map { kind, members in
      (
        name: kind.words,
        points: members.compactMap { value in
          value.counts.map {
            LineChart.Point($0.flop / $0.bytes, $0.flop / value.seconds, name: value.label)
          }
        }
      )
    }
    let words = slopes.map { "\($0.level) \(BytesPerSecond($0.rate).formatted())" }.joined(separator: ", ")
    return .rooflines(
      threads == 1 ? "Roofs of one core" : "Roofs of \(Int(threads)) threads",
      "Each point is a measured kernel: how many operations it does for each byte that it must move, and the rate that it "
        + "reached. Sloping lines are the fitted rates of the triad out of each level of memory (\(words)); level lines the "
        + "fitted rate of large products. A point above a slope has its data in a nearer level.",
      machines: peaks.map { type, peak in
        Roofs(type.rawValue, peak: peak, levels: slopes.map { (name: "\($0.level)", bandwidth: $0.rate) })
      }, points: groups)
  }

  /// Rates of a stream over its working set, with the fitted curves.
  static func streams(
    _ model: HostModel<Double>, _ operation: String, _ fitted: [ComparedValue], _ heldOut: [ComparedValue]
  ) -> Chart? {
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
    guard let type = all.first?.type, let low = all.map(\.bytes).min(), let high = all.map(\.bytes).max()
    else { return nil }
    var series: [LineChart.Series] = []
    for (color, threads) in Set(all.map(\.threads)).sorted().enumerated() {
      let name = "\(Int(threads)) thread\(threads == 1 ? "" : "s")"
      let curve = (0...120).compactMap { step -> LineChart.Point? in
        let bytes = (low.logarithm() + Double(step) / 120 * (high / low).logarithm()).exponential()
        let cost = model.cost(
          .stream(bytes: bytes, footprint: bytes), operation: operation, type, threads: threads)
        return cost.map { .init(bytes, bytes / $0.time) }
      }
      series.append(.init("\(name), fitted form", curve, hasMarks: false, color: color))
      for isOut in [false, true] {
        let members = all.filter { $0.threads == threads && $0.heldOut == isOut }
        guard !members.isEmpty else { continue }
        series.append(
          .init(
            "\(name), \(isOut ? "kept out" : "fitted")",
            members.map { .init($0.bytes, $0.bytes / $0.value.seconds, name: $0.value.label) }, isLine: false,
            color: color + (isOut ? 6 : 0)))
      }
    }
    return Chart(
      "The \(operation) out of every level of memory",
      "The lines are the fitted form; its steps are the caches: their usable parts and how steeply each gives way are "
        + "constants of the fit.",
      .lines(
        LineChart(
          x: .init("bytes of all arrays", unit: "B", isLogarithmic: true, hasPrefixes: true),
          y: .init("rate", unit: "B/s", isLogarithmic: true, hasPrefixes: true), series: series)))
  }

  /// Relative errors against the measured time.
  static func residuals(_ fitted: [ComparedValue], _ heldOut: [ComparedValue]) -> Chart? {
    let known = (fitted + heldOut).filter { $0.relativeError != nil }
    guard !known.isEmpty else { return nil }
    // The figure ends where all but the wildest one in a hundred lie; those stand at its edge.
    let reach = max(
      10, (quantile(known.map { abs(100 * ($0.relativeError ?? 0)) }, 0.99) / 10).rounded(.up) * 10)
    func series(_ values: [ComparedValue], _ words: String) -> [LineChart.Series] {
      byKind(values.filter { $0.relativeError != nil }).map { kind, members in
        .init(
          "\(kind.words)\(words)",
          members.map {
            .init($0.seconds, min(max(100 * ($0.relativeError ?? 0), -reach), reach), name: $0.label)
          }, isLine: false, color: kind.series + (words.isEmpty ? 0 : 6))
      }
    }
    return Chart(
      "Errors",
      "Predicted over measured, minus one. Errors beyond ± \(fixed(reach, decimals: 0)) % stand at the edge.",
      .lines(
        LineChart(
          x: .init("measured time", unit: "s", isLogarithmic: true, hasPrefixes: true),
          y: .init("predicted − measured", unit: "%", including: [-reach, reach]),
          series: series(fitted, "") + series(heldOut, ", kept out"))))
  }

  /// Predicted against measured times of the kernels kept out.
  static func keptOut(_ heldOut: [ComparedValue]) -> Chart? {
    let known = heldOut.filter { $0.predicted != nil }
    guard !known.isEmpty else { return nil }
    return .predictedAgainstMeasured(
      "Predicted against measured, kernels kept out of the fit",
      "On the line a prediction is right.", quantity: "time", unit: "s", error: 0.1,
      groups: byKind(known).map { kind, members in
        (kind.words, members.map(\.point))
      })
  }

  private static func byKind(_ values: [ComparedValue]) -> [(HostKind, [ComparedValue])] {
    HostKind.allCases.compactMap { kind in
      let members = values.filter { HostKind($0) == kind }
      return members.isEmpty ? nil : (kind, members)
    }
  }
}

extension ComparedValue {
  /// Measured and predicted seconds with the interval.
  var point: LineChart.Point {
    .init(
      value.measured * value.unit, (predicted ?? 0) * value.unit,
      interval: interval90.map { $0.lowerBound * value.unit...$0.upperBound * value.unit },
      name: label.isEmpty ? "\(value.group), line \(value.line)" : label)
  }
}

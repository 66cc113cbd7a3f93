import CostModels
import Hardware
import Quantities
import RealModule
import Workloads

/// Fits what a device's measured collectives determine: the form of its link and the curves that correct it.
struct CollectiveFit {
  /// What a fit found, with the errors of rows that it did not see.
  struct Outcome {
    /// The constants of the form; nil when the rows are too few for them.
    let form: FittedConstants?
    /// The measured curves.
    let curves: [DeviceCalibration.CurveKey: SizeCurve]
    /// Errors of inner points, each predicted by the others.
    let betweenPoints: [Double]
    /// Errors of whole curves, each predicted from the others.
    let otherCurves: [Double]
  }

  let device: Device
  let curves: [DeviceCalibration.CurveKey: SizeCurve]

  /// The measured collectives among the values; nil when there are none, or nothing joins the device to others.
  ///
  /// A size that was measured twice (in place and out of place, say) counts once, by its geometric mean.
  init?(device: Device, values: [MeasuredValue]) {
    var times: [DeviceCalibration.CurveKey: [Double: [Double]]] = [:]
    for value in values where value.quantity != "coll_alone_us" {
      guard case .kernel(let operation, _, let repeats) = value.subject, repeats == 1,
        case .collective(let exchange) = operation.work, exchange.ranks > 1
      else { continue }
      let key = DeviceCalibration.CurveKey(kind: exchange.kind.rawValue, ranks: exchange.ranks)
      times[key, default: [:]][exchange.bytes, default: []].append(value.measured * value.unit)
    }
    guard !times.isEmpty, !device.links.isEmpty else { return nil }
    self.device = device
    curves = times.mapValues { sizes in
      SizeCurve(
        sizes.map { bytes, seconds in
          let mean = seconds.reduce(0) { $0 + Double.log($1) } / Double(seconds.count)
          return SizeCurve.Point(bytes: bytes, seconds: seconds.count == 1 ? seconds[0] : Double.exp(mean))
        })
    }
  }

  /// Keys in an order that does not depend on the run.
  private var keys: [DeviceCalibration.CurveKey] {
    curves.keys.sorted { ($0.kind, $0.ranks) < ($1.kind, $1.ranks) }
  }

  /// Fits the form to all rows, and predicts points and curves from what is left without them.
  func outcome() throws(FitError) -> Outcome {
    let form = try constants(of: curves)
    var betweenPoints: [Double] = []
    var otherCurves: [Double] = []
    for key in keys {
      guard let curve = curves[key] else { continue }
      for index in curve.points.indices.dropFirst().dropLast() {
        var others = curve.points
        let left = others.remove(at: index)
        var rest = curves
        rest[key] = SizeCurve(others)
        betweenPoints += errors(of: [left], key, from: rest, form)
      }
      var rest = curves
      rest[key] = nil
      if !rest.isEmpty {
        otherCurves += errors(of: curve.points, key, from: rest, try constants(of: rest))
      }
    }
    return Outcome(form: form, curves: curves, betweenPoints: betweenPoints, otherCurves: otherCurves)
  }

  /// Relative errors of points of a curve, predicted from curves and constants.
  private func errors(
    of points: [SizeCurve.Point], _ key: DeviceCalibration.CurveKey,
    from curves: [DeviceCalibration.CurveKey: SizeCurve], _ form: FittedConstants?
  ) -> [Double] {
    guard let kind = Collective<Double>.Kind(rawValue: key.kind), let link = device.links.first else {
      return []
    }
    let calibration = DeviceCalibration(
      name: "", hardware: device.name, source: "",
      forms: form.map { [CollectiveForm<Double>.name: $0] } ?? [:], curves: curves,
      curveBandwidth: link.bandwidth.value, curveLatency: link.latency.value)
    let network = NetworkModel<Double>(device, calibration)
    return points.compactMap { point in
      let exchange = Collective<Double>(kind, bytes: point.bytes, ranks: key.ranks)
      return network.cost(exchange).map { $0.cost.time / point.seconds - 1 }
    }
  }

  /// The constants that curves determine; nil for fewer rows than constants.
  private func constants(of curves: [DeviceCalibration.CurveKey: SizeCurve]) throws(FitError)
    -> FittedConstants?
  {
    var rows: [Observation<Collective<Double>>] = []
    for key in keys {
      guard let curve = curves[key], let kind = Collective<Double>.Kind(rawValue: key.kind) else { continue }
      for point in curve.points {
        let exchange = Collective<Double>(kind, bytes: point.bytes, ranks: key.ranks)
        rows.append(Observation(exchange, seconds: point.seconds, work: point.bytes))
      }
    }
    guard let link = device.links.first, rows.count > CollectiveForm<Double>.constants.count else {
      return nil
    }
    // Protocols switch at sizes that the rate on which the library counts decides: about that of an NVLink (0.8), of a
    // way through the host, and of an NVLink that was narrowed behind the library's back.
    let prior = CollectiveForm<Double>.typicalConstants(of: link)
    let starts = [1.8, 7].map { rate in
      var start = prior
      start[CollectiveForm<Double>.assumedRateIndex] = rate
      return start
    }
    var options = FitOptions()
    options.furtherStarts = starts
    return try fit(
      CollectiveForm<Double>.self, to: rows, holding: CollectiveForm<Double>.unusedConstants(of: link),
      prior: prior, options: options
    ) { form, exchange in
      form.time(
        exchange, bandwidth: link.bandwidth(among: exchange.ranks), latency: link.latency.value,
        topology: link.topology)
    }
  }
}

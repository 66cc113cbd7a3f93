import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Workloads

/// A GPU whose operators and collectives were measured: layers cost what its calibrated models say.
struct MeasuredDevice: Sendable {
  let device: Device
  let calibration: DeviceCalibration
  let model: DeviceModel<Double>

  init(named name: String, in library: Library) throws(Diagnostic) {
    device = try Device(named: name, in: library)
    calibration = try DeviceCalibration(named: name, in: library)
    model = DeviceModel(device, calibration)
  }

  /// The time of an operator in bf16, in seconds; of an exchange without the point of the measured curve that is this very one.
  func unseenTime(_ work: Work<Double>) -> Double? {
    guard case .collective(let exchange) = work else { return model.cost(work, .bf16)?.time }
    let key = DeviceCalibration.CurveKey(kind: exchange.kind.rawValue, ranks: exchange.ranks)
    var others = calibration
    let points = others.curves[key]?.points.filter { abs($0.bytes / exchange.bytes - 1) > 1e-5 } ?? []
    others.curves[key] = points.isEmpty ? nil : SizeCurve(points)
    return NetworkModel<Double>(device, others).cost(exchange)?.cost.time
  }

  /// Compute and exchange of one layer's training step on one device, in seconds; nil where it cannot be sliced so.
  func layer(hidden: Int, sequence: Int, microBatch: Int, degree: Int) -> (compute: Double, exchange: Double)?
  {
    // Heads of 128, the size that large models share.
    let heads = hidden / 128
    guard heads >= degree, heads % degree == 0 else { return nil }
    let layer = TransformerLayer<Double>(
      hidden: Double(hidden), heads: Double(heads), microBatch: Double(microBatch),
      sequence: Double(sequence),
      tensorParallel: degree, causal: true)
    var operators = OperatorList<Double>()
    layer.forward(into: &operators)
    layer.backward(into: &operators)
    var (compute, exchange) = (0.0, 0.0)
    for operation in operators.operators {
      guard let time = model.cost(operation.work, operation.dataType)?.time else { return nil }
      if case .collective = operation.work { exchange += time } else { compute += time }
    }
    return (compute, exchange)
  }
}

extension CompVsComm {
  /// The same maps for a GPU that was measured, with every operator's own closed form.
  var measuredMachine: Section {
    let degrees = [2, 4, 8, 16, 32, 64]
    let hidden = space.hidden.filter { $0 <= 32768 }
    let sequence = 2048
    let cells = hidden.map { size in
      degrees.map { reference.layer(hidden: size, sequence: sequence, microBatch: 1, degree: $0) }
    }
    let maps = space.factors.map { factor in
      HeatMap(
        "\(formatted(factor, digits: 1))x", columns: ("TP", degrees.map { "\($0)" }),
        rows: ("H", hidden.map(Self.thousands)),
        values: cells.map { row in
          row.map { cell in cell.map { 100 * $0.exchange / ($0.exchange + $0.compute / factor) } }
        }, unit: "%", scale: 0...100)
    }
    return Section(
      "The same question of a measured GPU",
      prose: [
        "\(reference.device.title) with its measured operators and collectives: every kernel of the layer costs what its own "
          + "closed form says, small exchanges pay their latency, and beyond a node of eight the exchange goes over the "
          + "node's adapters. Blank: fewer heads than devices. Over 2 and 4 GPUs whole layers were measured; the study "
          + "three-networks shows the errors there.",
        "The wall is the node: from TP 8 to 16 the share jumps, which a ring of one bandwidth at any degree does not show.",
      ],
      charts: [
        Chart(
          "Share of a layer's training step that its exchanges take on \(reference.device.title), in %",
          "SL \(sequence), B 1, bf16, causal. Across: growth of FLOP/s against bandwidth. Degrees above 8 are projected from "
            + "data sheets and marked so by `rooftree estimate`.",
          .maps(maps))
      ])
  }
}

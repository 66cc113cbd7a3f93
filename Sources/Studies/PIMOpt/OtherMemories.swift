import CostModels
import Hardware
import Quantities

/// Memories whose units execute commands in step: the section on HBM-PIM and AiM.
extension PIMOpt {
  /// GEMV and a pass of dense SGD on HBM-PIM and AiM against their own ordinary interfaces.
  var otherMemories: Section {
    var rows: [[DataTable.Cell]] = []
    for device in [hbm, aim] {
      guard let form = UnitCommandForm<Double>(device) else { continue }
      for (m, n) in [(4096.0, 4096.0), (8192, 8192), (16384, 4096), (65536, 8192)] {
        let time = form.matrixVector(rows: m, columns: n, bytes: 2)
        let plain = form.external(bytes: 2 * m * n)
        rows.append([
          .text(device.title), .text("matrix \(Int(m)) x \(Int(n)) times vector, fp16"),
          .number(1e6 * time), .number(1e6 * plain), .number(plain / time),
          .number(100 * 2 * m * n / time / form.peakBandwidth, digits: 2),
        ])
      }
      // A dense batch: scores are one product of the samples with the model, gradients another of their transpose.
      let (samples, features) = (65536.0, 4096.0)
      let sgd =
        form.matrixVector(rows: samples, columns: features, bytes: 2)
        + form.matrixVector(rows: features, columns: samples, bytes: 2)
      let plain = form.external(bytes: 2 * 2 * samples * features)
      rows.append([
        .text(device.title), .text("dense SGD step, 65,536 samples of 4,096 features, fp16"),
        .number(1e6 * sgd),
        .number(1e6 * plain), .number(plain / sgd),
        .number(100 * 2 * 2 * samples * features / sgd / form.peakBandwidth, digits: 2),
      ])
      let elements = 1e9
      let quantise = form.elementwise(elements: elements, bytes: 2, written: 1)
      let outside = form.external(bytes: 3 * elements)
      rows.append([
        .text(device.title), .text("quantising 10^9 weights from fp16 to 8 bits"), .number(1e6 * quantise),
        .number(1e6 * outside), .number(outside / quantise),
        .number(100 * 3 * elements / quantise / form.peakBandwidth, digits: 2),
      ])
    }
    return Section(
      "Other memories that compute",
      prose: [
        "HBM-PIM and AiM have no programs: units beside the banks execute one command of the bus in step. What they gain is the bandwidth of all banks together, less what the bus spends on passing the vector, on opening rows, on reading sums and on refresh. The times beside are of a processor that reads the same bytes at the full rate of the ordinary interface, which none does.",
        "These are sums over published command timings. No measurement of either memory was at hand, so no error is known.",
      ],
      tables: [
        DataTable(
          "Commands against the ordinary interface",
          columns: [
            .init("memory"), .init("work"), .init("in memory", unit: "us"),
            .init("ordinary interface", unit: "us"),
            .init("gain", unit: "x"), .init("of the banks' peak", unit: "%"),
          ], rows: rows)
      ])
  }
}

import Documents
import Hardware
import Quantities
import Workloads

/// Models and the memory of GPUs over the years, and the tensor-parallel degree that the two ask for.
struct MemoryTrend: Sendable {
  let eras: [CompVsComm.Era]
  let devices: [Device]
  let base: (model: TransformerModel, degree: Double, device: Device)
  let later: TransformerModel
  let laterDevice: Device
  let stateBytes: Sourced<Dimensions.Number>

  init(_ parameters: inout ParameterReader, eras: [CompVsComm.Era], in library: Library) throws(Diagnostic) {
    self.eras = eras
    var devices: [Device] = []
    for name in try parameters.words("devices") { devices.append(try Device(named: name, in: library)) }
    self.devices = devices.sorted { ($0.year ?? 0) < ($1.year ?? 0) }
    base = (
      try TransformerModel(studied: try parameters.word("base_model"), in: library),
      try parameters.number("base_degree").value,
      try Device(named: try parameters.word("base_device"), in: library)
    )
    later = try TransformerModel(studied: try parameters.word("later_model"), in: library)
    laterDevice = try Device(named: try parameters.word("later_device"), in: library)
    stateBytes = try parameters.number("state_bytes")
  }

  /// The memory of the largest GPU that there was in a year, in bytes.
  func capacity(in year: Int) -> Double {
    let there = devices.filter { ($0.year ?? 0) <= year }
    return (there.isEmpty ? devices : there).map { $0.mainMemory.capacity.value }.max() ?? 1
  }

  /// Growth of the degree over the base model's: ratio of parameters over ratio of memory.
  func growth(to model: TransformerModel, capacity: Double? = nil) -> Double {
    let memory = capacity ?? self.capacity(in: model.year ?? 0)
    return model.parameters / base.model.parameters / (memory / base.device.mainMemory.capacity.value)
  }

  /// The degree that a model would need by the paper's rule, no less than one.
  func neededDegree(of model: TransformerModel) -> Double { max(1, base.degree * growth(to: model)) }

  /// The degree at which weights, gradients and optimizer state alone fit, without activations.
  func stateDegree(of model: TransformerModel) -> Double {
    max(1, (stateBytes.value * model.parameters / capacity(in: model.year ?? 0)).rounded(.up))
  }

  var section: Section {
    let models = LineChart.Series(
      "state of a model in training",
      eras.map { .init(Double($0.year), stateBytes.value * $0.model.parameters / 1e9, name: $0.model.title) },
      isLine: false, isLabelled: true)
    let memory = LineChart.Series(
      "memory of a GPU",
      devices.map { .init(Double($0.year ?? 0), $0.mainMemory.capacity.value / 1e9, name: $0.name) })
    let rows = eras.map { era -> [DataTable.Cell] in
      [
        .text(era.model.title), .text("\(era.year)"), .number(era.model.parameters / 1e9),
        .number(capacity(in: era.year) / 1e9), .number(growth(to: era.model)),
        .number(neededDegree(of: era.model)),
        .number(stateDegree(of: era.model)), .number(era.degree),
      ]
    }
    return Section(
      "Memory capacity, and the degree that models need",
      prose: [
        "Parameters grew by three orders of magnitude while a GPU's memory grew by one. The paper scales the degree of "
          + "\(base.model.title) on \(base.device.title) by the ratio of parameters over the ratio of memory. The last but one "
          + "column says how many GPUs the training state alone needs (\(formatted(stateBytes.value, digits: 2)) bytes a "
          + "parameter, no activations), the last how many tensor parallelism really had."
      ],
      charts: [
        Chart(
          "Training state of models and memory of GPUs",
          "Where a point lies by so many decades above the line, so many decades of GPUs must share the model.",
          .lines(
            LineChart(
              x: .init("year"), y: .init("bytes", unit: "GB", isLogarithmic: true), series: [models, memory]))
        )
      ],
      tables: [
        DataTable(
          "The degree that models need",
          columns: [
            .init("model"), .init("year"), .init("parameters", unit: "10^9"),
            .init("memory of a GPU", unit: "GB"),
            .init("growth over the base", unit: "x"), .init("TP by the paper's rule"),
            .init("GPUs for the state"),
            .init("TP used"),
          ], rows: rows)
      ])
  }
}

/// Growth of compute and network from one GPU to its successor, from data sheets.
struct HardwareGrowth: Sendable {
  let first: Device
  let second: Device
  let sparsity: Double
  let other: Device
  let otherRate: Double
  let otherLink: Double

  init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    let names = try parameters.words("trend_compute")
    guard names.count == 2 else {
      throw parameters.file.fault(
        at: "trend_compute",
        .wrongKind(
          path: "parameters.trend_compute", found: "a list of \(names.count)", expected: "a list of 2"))
    }
    first = try Device(named: names[0], in: library)
    second = try Device(named: names[1], in: library)
    sparsity = try parameters.number("sparsity").value
    otherRate = try parameters.quantity("mi50_rate", as: FLOPPerSecond.self).value
    otherLink = try parameters.quantity("mi50_link", as: BytesPerSecond.self).value
    other = try Device(named: try parameters.word("vendor_b_device"), in: library)
  }

  /// Dense FP16 rate of the second over the first.
  var compute: Double { rate(second) / rate(first) }
  var network: Double { link(second) / link(first) }
  var otherCompute: Double { rate(other) / otherRate }
  var otherNetwork: Double { link(other) / otherLink }

  private func rate(_ device: Device) -> Double { device.compute.rates[.fp16]?.value ?? .nan }
  private func link(_ device: Device) -> Double { device.links.first?.bandwidth.value ?? .nan }
}

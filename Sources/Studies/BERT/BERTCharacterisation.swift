import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// Demystifying BERT (arXiv 2104.08335): what an iteration of BERT's pre-training is made of, and what changes it.
public struct BERTCharacterisation: Study {
  /// The name of its file.
  public static let name = "bert-characterisation"

  typealias Iteration = BERTIteration<Double>
  typealias Class = Iteration.Class

  /// A configuration of the paper: phase, batch, precision.
  struct Configuration: Sendable {
    let name: String
    let sequence: Double
    let batch: Double
    let isMixed: Bool
  }

  let model: TransformerModel
  let configurations: [Configuration]
  /// Those that the paper names, which its claims may mean.
  let named: [Configuration]
  let machine: DeviceModel<Double>
  let reference: MeasuredDevice
  let predicted: Sourced<Dimensions.Number>
  let productSlowdown: Sourced<Dimensions.Number>
  let nearMemory: Sourced<Dimensions.Number>
  let hidden: [Double]
  let layers: [Double]
  let sequences: [Double]
  let batches: [Double]
  let accumulations: [Double]
  let replicas: [Int]
  let degrees: [Int]
  let profile: TableComparison

  /// Takes its parameters and reads the model, the devices and the profile.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    model = try TransformerModel(studied: try parameters.word("model"), in: library)
    machine = DeviceModel(try Device(named: try parameters.word("machine"), in: library), nil)
    reference = try MeasuredDevice(named: try parameters.word("reference_machine"), in: library)
    let phases = try parameters.numbers("phases", in: 1...1e6)
    let microBatches = try parameters.numbers("micro_batches", in: 1...1e6)
    var configurations: [Configuration] = []
    for isMixed in [false, true] {
      for (phase, sequence) in phases.enumerated() {
        for batch in microBatches {
          configurations.append(
            Configuration(
              name: "Ph\(phase + 1)-B\(Int(batch))-\(isMixed ? "mixed" : "FP32")", sequence: sequence,
              batch: batch, isMixed: isMixed))
        }
      }
    }
    self.configurations = configurations
    var named: [Configuration] = []
    for name in try parameters.words("named_configurations") {
      guard let configuration = configurations.first(where: { $0.name == name }) else {
        throw parameters.file.fault(
          at: "named_configurations",
          .unknownName(kind: "configuration", found: name, known: configurations.map(\.name)))
      }
      named.append(configuration)
    }
    self.named = named
    predicted = try parameters.number("predicted_part")
    productSlowdown = try parameters.number("product_slowdown")
    nearMemory = try parameters.number("near_memory_bandwidth")
    hidden = try parameters.numbers("hidden_sizes", in: 64...1e6)
    layers = try parameters.numbers("layer_counts", in: 1...1e4)
    sequences = try parameters.numbers("sequence_lengths", in: 1...1e6)
    batches = try parameters.numbers("batch_sizes", in: 1...1e6)
    accumulations = try parameters.numbers("accumulations", in: 1...1e6)
    replicas = try parameters.integers("data_parallel", in: 1...100_000)
    degrees = try parameters.integers("tensor_parallel", in: 1...1024)
    let heads = model.heads
    for degree in degrees where heads % degree != 0 {
      throw parameters.file.fault(
        at: "tensor_parallel",
        .contradiction("'parameters.tensor_parallel' has \(degree), which does not divide the \(heads) heads")
      )
    }
    guard let path = try parameters.files("profile_table").first else {
      throw parameters.file.root.diagnostic(.missingKey("profile_table", path: "parameters"))
    }
    profile = try TableComparison(
      path: path, hardware: reference.device.name, calibration: nil, library: library)
    guard profile.kind == .layers else {
      throw parameters.file.fault(
        at: "profile_table",
        .contradiction("'parameters.profile_table' is no table of profiled layers (kernel_breakdown_us)"))
    }
  }

  // MARK: - Numbers

  var shape: Iteration.Shape {
    Iteration.Shape(
      layers: Double(model.layers), hidden: Double(model.hidden), heads: Double(model.heads),
      feedForward: Double(model.feedForward), vocabulary: Double(model.vocabulary),
      positions: Double(model.sequence))
  }

  func iteration(_ configuration: Configuration, shape: Iteration.Shape? = nil, predicted: Double? = nil)
    -> Iteration
  {
    var iteration = Iteration(
      shape: shape ?? self.shape, sequence: configuration.sequence, batch: configuration.batch,
      dataType: configuration.isMixed ? .fp16 : .fp32, predicted: predicted ?? self.predicted.value)
    iteration.copiesHeads = configuration.batch > 1
    return iteration
  }

  /// Time by class, in seconds.
  struct Breakdown: Sendable {
    var times: [Class: Double] = [:]
    /// Time of the kernels that wait for memory, and bytes over bandwidth of them.
    var total: Double { times.values.reduce(0, +) }

    func share(_ classes: [Class]) -> Double {
      100 * classes.reduce(0) { $0 + times[$1, default: 0] } / total
    }
  }

  func time(_ kernel: Iteration.Kernel, on model: DeviceModel<Double>, slowdown: Double = 1) -> Double {
    let operation = kernel.operation
    let time = model.costInStep(operation.work, operation.dataType)?.time ?? .nan
    if case .gemm = operation.work { return kernel.count * time * slowdown }
    return kernel.count * time
  }

  func breakdown(_ iteration: Iteration, on model: DeviceModel<Double>, slowdown: Double = 1) -> Breakdown {
    var result = Breakdown()
    for kernel in iteration.kernels {
      result.times[kernel.group, default: 0] += time(kernel, on: model, slowdown: slowdown)
    }
    return result
  }

  /// A share on the paper's machine for each configuration, with assumed constants in the middle.
  func shares(_ classes: [Class], of configurations: [Configuration]) -> [Double] {
    configurations.map {
      breakdown(iteration($0), on: machine, slowdown: productSlowdown.value).share(classes)
    }
  }

  /// The same with products as slow and predictions as many as is plausible.
  func extremes(_ classes: [Class], of configurations: [Configuration]) -> [Double] {
    let slow = productSlowdown.interval.map { [$0.lowerBound.value, $0.upperBound.value] } ?? []
    let parts = predicted.interval.map { [$0.lowerBound.value, $0.upperBound.value] } ?? []
    return configurations.flatMap { configuration in
      slow.flatMap { slowdown in
        parts.map { part in
          breakdown(iteration(configuration, predicted: part), on: machine, slowdown: slowdown).share(classes)
        }
      }
    }
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [operators, classes, measured, movements, distribution, whatIf]
    findings.answers = answers
    findings.foundations = [
      "\(machine.device.title): its data sheet and the constants that calibrated GPUs share; nothing was measured on it, "
        + "so products are also taken \(formatted(productSlowdown.interval?.upperBound.value ?? 1)) times as slow.",
      "\(reference.device.title): \(reference.calibration.source).",
      "Operators: Workloads.BERTIteration, checked against the dimensions of 51_bert_gemm_dims_intensity.csv.",
    ]
    return findings
  }

  static let products: [Class] = [.linear, .attention]

  private var summary: String {
    let full = shares([.linear], of: configurations.filter { !$0.isMixed })
    let mixed = shares([.linear], of: configurations.filter(\.isMixed))
    let update = shares([.optimizer], of: configurations)
    return
      "On \(machine.device.title) the products with weights take \(range(full).words) of an iteration in FP32 and "
      + "\(range(mixed).words) in mixed precision; what streams takes most of the rest, and LAMB \(range(update).words), "
      + "the more the smaller the batch. On \(reference.device.title) the same models meet profiles of whole layers to "
      + "\(fixed(profileErrors.total, decimals: 1)) % of the device's time and every class of 5 % or more to "
      + "\(fixed(profileErrors.points, decimals: 1)) points."
  }

  /// Mean absolute error of the total, in per cent, and the largest difference of a share, in points.
  var profileErrors: (total: Double, points: Double) {
    let summaries = profile.summaries
    return (
      summaries.last { $0.quantity == deviceTimeQuantity && $0.group == "all" }?.mape ?? .nan,
      summaries.compactMap(\.sharePoints).max() ?? .nan
    )
  }
}

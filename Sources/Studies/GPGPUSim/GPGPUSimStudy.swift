import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// PyTorch on GPGPU-Sim (arXiv 1811.08933): LeNet's layers by cuDNN's algorithms, in phases, on GPUs of that class.
///
/// The paper simulates each instruction; here each kernel has a closed form whose constants come from a real GPU, in clocks,
/// operations and bytes, so that they carry over to the cards of the paper.
public struct GPGPUSimStudy: Study {
  /// The name of its file.
  public static let name = "gpgpu-sim"

  /// A card of the paper with its memory's partitions.
  struct Card: Sendable {
    let device: Device
    let partitions: Int
    let model: ConvolutionModel<Double>
    let operators: DeviceModel<Double>
  }

  /// A kernel of a profiled call.
  struct ProfiledPhase: Sendable {
    let layer: LeNet<Double>.Layer
    let pass: Convolution<Double>.Pass
    let algorithm: Convolution<Double>.Algorithm
    let batch: Int
    let phase: String
    let seconds: Double
    let runs: Double
  }

  let cards: [Card]
  let interleave: Int
  let batches: [Int]
  let reference: MeasuredDevice
  let comparison: TableComparison
  let profiledDevice: Device
  let phases: [ProfiledPhase]

  /// Takes its parameters and reads the devices, their calibration and the measured tables.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    reference = try MeasuredDevice(named: try parameters.word("reference_machine"), in: library)
    let names = try parameters.words("cards")
    let counts = try parameters.integers("partitions", in: 1...1024)
    guard names.count == counts.count else {
      throw parameters.file.fault(
        at: "partitions",
        .wrongKind(
          path: "parameters.partitions", found: "a list of \(counts.count)",
          expected: "a list of \(names.count), one a card"))
    }
    var cards: [Card] = []
    for (index, name) in names.enumerated() {
      let device = try Device(named: name, in: library)
      let carried = reference.calibration.convolutions(carriedTo: device, from: reference.device)
      cards.append(
        Card(
          device: device, partitions: counts[index],
          model: ConvolutionModel(machine: Machine(device), carried), operators: DeviceModel(device, nil)))
    }
    self.cards = cards
    interleave = try parameters.integer("interleave", in: 1...1_048_576)
    batches = try parameters.integers("batches", in: 1...1_000_000)
    guard let table = try parameters.files("layer_table").first,
      let profile = try parameters.files("phase_table").first
    else { throw parameters.file.root.diagnostic(.missingKey("layer_table", path: "parameters")) }
    comparison = try TableComparison(
      path: table, hardware: reference.device.name, calibration: nil, library: library)
    guard comparison.kind == .convolutions else {
      throw parameters.file.fault(
        at: "layer_table",
        .contradiction(
          "'parameters.layer_table' is no table of LeNet's layers (layer, pass, algorithm, batch)"))
    }
    profiledDevice = try Device(named: try parameters.word("phase_machine"), in: library)
    phases = try Self.profile(profile)
  }

  private static func profile(_ path: String) throws(Diagnostic) -> [ProfiledPhase] {
    let table = try Table(path: path)
    for column in ["layer", "pass", "algorithm", "batch", "phase", "runs", "mean_us"] where !table.has(column)
    {
      throw Diagnostic(
        file: table.file, position: .init(line: 1, column: 1),
        fault: .missingColumn(column, known: table.columns))
    }
    var phases: [ProfiledPhase] = []
    for row in table.rows {
      func word<Word: RawRepresentable & CaseIterable>(_ column: String, _ type: Word.Type) throws(Diagnostic)
        -> Word where Word.RawValue == String
      {
        guard let value = Word(rawValue: row.text(column)) else {
          throw row.diagnostic(
            column, .unknownWord(path: column, found: row.text(column), known: Word.allCases.map(\.rawValue)))
        }
        return value
      }
      phases.append(
        ProfiledPhase(
          layer: try word("layer", LeNet<Double>.Layer.self),
          pass: try word("pass", Convolution<Double>.Pass.self),
          algorithm: try word("algorithm", Convolution<Double>.Algorithm.self),
          batch: Int(try row.number("batch", in: 1...1e6)), phase: row.text("phase"),
          seconds: 1e-6 * (try row.positive("mean_us")), runs: try row.positive("runs")))
    }
    return phases
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [phaseSection, algorithmSection, campingSection, measuredSection]
    findings.answers = answers
    findings.foundations = [
      "\(reference.device.title): \(reference.calibration.source).",
      "Cards of the paper: data sheets. Constants of the convolutions are those of \(reference.device.title): lengths in clocks, "
        + "rates a clock and unit, parts of the memory's bandwidth; starts by the launch overhead of the card.",
      "Phases: kernels of each call under a profiler on \(profiledDevice.title) (tools/measure-lenet-phases.py).",
    ]
    return findings
  }

  // MARK: - Numbers

  /// Algorithms that run every layer forward.
  static let forward: [Convolution<Double>.Algorithm] = [
    .implicitGEMM, .implicitPrecomputedGEMM, .gemm, .fft, .fftTiling, .winograd,
  ]

  /// Errors of the layers in per cent, of convolutions and of all others.
  var layerErrors: (convolutions: [Double], others: [Double]) {
    var result: (convolutions: [Double], others: [Double]) = ([], [])
    for value in comparison.values {
      guard let error = value.relativeError else { continue }
      if case .convolution(_) = value.value.subject {
        result.convolutions.append(100 * error)
      } else {
        result.others.append(100 * error)
      }
    }
    return result
  }

  /// The forward pass of the whole network with one algorithm: measured and predicted, in seconds.
  struct NetworkTime: Sendable {
    let algorithm: Convolution<Double>.Algorithm
    let batch: Int
    let measured: Double
    let predicted: Double
    var error: Double { 100 * (predicted / measured - 1) }
  }

  var networkTimes: [NetworkTime] {
    var others: [Int: (Double, Double)] = [:]
    var convolutions: [String: (Convolution<Double>, Double, Double, Int)] = [:]
    for value in comparison.values {
      guard let predicted = value.predicted else { continue }
      let unit = value.value.unit
      switch value.value.subject {
      case .convolution(let convolution):
        guard convolution.pass == .forward else { continue }
        let key = "\(convolution.algorithm.rawValue) \(Int(convolution.batch))"
        let old = convolutions[key]
        convolutions[key] = (
          convolution, (old?.1 ?? 0) + unit * value.value.measured, (old?.2 ?? 0) + unit * predicted,
          (old?.3 ?? 0) + 1
        )
      case .kernel(let operation, _, _):
        add(operation, unit * value.value.measured, unit * predicted, to: &others)
      case .kernels(let operations, _, _):
        guard value.value.group.hasSuffix(" forward"), let first = operations.first else { continue }
        add(first, unit * value.value.measured, unit * predicted, to: &others)
      default: continue
      }
    }
    return convolutions.values.compactMap { convolution, measured, predicted, count in
      let batch = Int(convolution.batch)
      guard count == 2, let other = others[batch] else { return nil }
      return NetworkTime(
        algorithm: convolution.algorithm, batch: batch, measured: measured + other.0,
        predicted: predicted + other.1)
    }.sorted { ($0.algorithm.rawValue, $0.batch) < ($1.algorithm.rawValue, $1.batch) }
  }

  private func add(
    _ operation: Operator<Double>, _ measured: Double, _ predicted: Double,
    to others: inout [Int: (Double, Double)]
  ) {
    guard let batch = Self.batch(of: operation) else { return }
    let old = others[batch] ?? (0, 0)
    others[batch] = (old.0 + measured, old.1 + predicted)
  }

  /// The images that a layer which is no convolution was run on.
  private static func batch(of operation: Operator<Double>) -> Int? {
    switch operation.work {
    case .gemm(let shape): operation.pass == .forward ? Int(shape.m) : nil
    case .streaming(let shape):
      switch shape.kind {
      case .maxPool: Int(shape.rows / (shape.columns == 144 ? 20 : 50))
      default: Int(shape.rows)
      }
    default: nil
    }
  }

  /// The part of a card's partitions that a phase reaches at a time.
  func reached(_ card: Card) -> (ConvolutionPhase<Double>) -> Double {
    { phase in
      PartitionCamping.reached(
        stride: max(1, Int(phase.stride)), partitions: card.partitions, interleave: interleave)
    }
  }

  /// Time of a convolution on a card, in seconds, with and without hashed addresses.
  func time(_ convolution: Convolution<Double>, on card: Card) -> (camped: Double, hashed: Double) {
    (
      card.model.time(convolution, reached: reached(card)) ?? .nan,
      card.model.time(convolution) ?? .nan
    )
  }

  private var summary: String {
    let errors = layerErrors
    let networks = networkTimes.map { abs($0.error) }
    return
      "LeNet's convolutions by six algorithms forward and their gradients are predicted to "
      + "\(fixed(mean(errors.convolutions.map(abs)) ?? .nan, decimals: 1)) % on average on \(reference.device.title), where they "
      + "were measured (whole forward passes to \(fixed(mean(networks) ?? .nan, decimals: 1)) %). Transformed convolutions run in "
      + "four or five kernels a call, and on cards whose addresses are not hashed the strides of a power of two "
      + "between frequencies reach a part of the memory's partitions: up to "
      + "\(fixed(worstCamping, decimals: 1)) times longer on \(cards.first?.device.title ?? "the first card")."
  }

  /// The largest slowdown by partition camping of a convolution on the first card.
  var worstCamping: Double {
    guard let card = cards.first else { return 1 }
    return batches.flatMap { batch in
      [LeNet<Double>.Layer.conv1, .conv2].flatMap { layer in
        Self.forward.compactMap { algorithm -> Double? in
          guard
            let convolution = LeNet(batch: Double(batch)).convolution(layer, .forward, algorithm)
          else { return nil }
          let (camped, hashed) = time(convolution, on: card)
          return camped / hashed
        }
      }
    }.max() ?? 1
  }
}

extension DeviceCalibration {
  /// The constants of convolutions for another device: what is counted in clocks, operations and bytes stays, starts go with
  /// the launch overhead.
  func convolutions(carriedTo device: Device, from own: Device) -> DeviceCalibration {
    var result = DeviceCalibration(
      name: "\(name), carried", hardware: device.name, source: "carried over from \(name)")
    let scale = (device.launchOverhead?.value ?? 0) / (own.launchOverhead?.value ?? 1)
    for name in ConvolutionModel<Double>.formNames {
      guard let fitted = forms[name] else { continue }
      let constants = ConvolutionModel<Double>.constants(ofForm: name)
      result.forms[name] = FittedConstants(
        values: zip(fitted.values, constants).map { $1.unit == "us" && scale > 0 ? scale * $0 : $0 },
        logCovariance: fitted.logCovariance, spread: fitted.spread, rows: fitted.rows, domain: fitted.domain)
    }
    return result
  }
}

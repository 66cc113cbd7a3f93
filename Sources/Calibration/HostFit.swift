public import CostModels
public import Hardware
import Quantities
import Workloads

/// A kernel of a processor with everything that its time depends on.
struct HostSubject: Sendable {
  let kernel: HostKernel<Double>
  let type: DataType
  let threads: Double
}

/// Fits every host form that a processor's measurements determine.
public struct HostFit: Sendable {
  /// The processor.
  public let device: Device
  private var rows: [String: [(observation: Observation<HostSubject>, group: String)]] = [:]

  /// A fit of a processor.
  public init(device: Device) { self.device = device }

  /// Adds the values of a table; values of other kinds are left alone.
  public mutating func add(_ values: [MeasuredValue]) {
    for value in values {
      guard case .host(let kernel, let operation, let type, let threads) = value.subject else { continue }
      let work: Double
      let group: String
      switch kernel {
      case .gemm(let shape):
        work = shape.flop
        group = "\(shape.m) \(shape.n) \(shape.k)"
      case .stream(let bytes, let footprint):
        work = bytes
        group = "\(bytes) \(footprint)"
      case .sparse(let samples, let nonzeros, _):
        work = samples * nonzeros
        group = "\(samples)"
      }
      let observation = Observation(
        HostSubject(kernel: kernel, type: type, threads: threads), seconds: value.measured * value.unit,
        work: work)
      rows[kernel.formName(operation: operation), default: []].append((observation, group))
    }
  }

  /// Forms with too few different shapes to be fitted, with how many they have.
  public var tooFew: [(form: String, shapes: Int)] {
    rows.keys.sorted().compactMap { name in
      let shapes = Set(rows[name, default: []].map(\.group)).count
      return shapes < Self.leastShapes ? (name, shapes) : nil
    }
  }

  /// Different shapes that a form needs.
  static let leastShapes = 3

  /// The calibration that the values determine: for each form the simplest variant that predicts unseen shapes as
  /// well as the best.
  ///
  /// - Parameters:
  ///   - name: the name of the calibration.
  ///   - source: where the rows came from.
  ///   - progress: told the name of each form before it is fitted.
  /// - Throws: ``FitError`` when a form cannot be fitted.
  /// - Returns: the calibration, the held-out errors of each form, and the comparisons of variants.
  public func calibration(
    named name: String, source: String, progress: (String) -> Void = { _ in }
  ) throws(FitError) -> (
    calibration: DeviceCalibration, reports: [FormReport], comparisons: [ModelComparison]
  ) {
    var result = DeviceCalibration(name: name, hardware: device.name, source: source)
    var reports: [FormReport] = []
    var comparisons: [ModelComparison] = []
    let model = HostModel<Double>(device, nil)
    for formName in rows.keys.sorted() {
      guard let entries = rows[formName], Set(entries.map(\.group)).count >= Self.leastShapes, let first = entries.first
      else { continue }
      progress(formName)
      let observations = entries.map(\.observation)
      // Where shapes are few, each is the only one of its regime: rows are dealt into ten groups instead.
      let isFine = Set(entries.map(\.group)).count >= 20
      var generator = SplitMix64(seed: 97)
      let parts = entries.indices.shuffled(using: &generator).map { "part \($0 % 10)" }
      let groups = isFine ? entries.map(\.group) : parts
      func machine(_ subject: HostSubject) -> HostMachine<Double> {
        model.machine(subject.type) ?? HostMachine(coreRate: .nan, coreCaches: [])
      }
      let selected: (constants: FittedConstants, errors: [Double], comparison: ModelComparison)
      switch first.observation.subject.kernel {
      case .gemm:
        selected = try selectVariant(
          HostGEMMForm<Double>.self, named: formName, variants: Self.gemmVariants, observations,
          groups: groups
        ) { form, subject in
          guard case .gemm(let shape) = subject.kernel else { return .nan }
          return form.cost(shape, subject.type, on: machine(subject), threads: subject.threads).time
        }
      case .stream:
        selected = try selectVariant(
          HostStreamForm<Double>.self, named: formName, variants: Self.streamVariants, observations,
          groups: groups
        ) { form, subject in
          guard case .stream(let bytes, let footprint) = subject.kernel else { return .nan }
          return form.cost(
            bytes: bytes, footprint: footprint, on: machine(subject), threads: subject.threads
          ).time
        }
      case .sparse:
        selected = try selectVariant(
          HostSparseForm<Double>.self, named: formName, variants: Self.sparseVariants, observations,
          groups: groups
        ) { form, subject in
          guard case .sparse(let samples, let nonzeros, let modelBytes) = subject.kernel else { return .nan }
          return form.cost(
            samples: samples, nonzeros: nonzeros, modelBytes: modelBytes, on: machine(subject),
            threads: subject.threads
          ).time
        }
      }
      result.forms[formName] = selected.constants
      reports.append(FormReport(form: formName, rows: entries.count, heldOutErrors: selected.errors))
      comparisons.append(selected.comparison)
    }
    return (result, reports, comparisons)
  }

  // Variants from the simplest: what they leave out stands where it has no effect (the least overheads, the fastest
  // copying, every thread at work from the start, caches faster than can be).

  static let gemmVariants: [FormVariant] = {
    let all = [
      "start": 0.02, "sync": 0.1, "edge_m": 0.05, "edge_n": 0.05, "edge_k": 0.05, "packing_rate": 200,
      "exchange_rate": 400, "thread_loss": 0.0005, "core_memory_rate": 200, "memory_rate": 3000,
    ]
    func without(_ freed: [String]) -> [String: Double] { all.filter { !freed.contains($0.key) } }
    let overhead = ["start", "sync"]
    let edges = overhead + ["edge_m", "edge_n", "edge_k"]
    let memory = edges + ["packing_rate", "core_memory_rate", "memory_rate"]
    return [
      FormVariant("roofline", neutral: without([])),
      FormVariant("with overhead", neutral: without(overhead)),
      FormVariant("with small-size efficiency", neutral: without(edges)),
      FormVariant("with cache levels", neutral: without(memory)),
      FormVariant("with thread loss", neutral: without(memory + ["thread_loss"])),
      FormVariant("with exchange", neutral: [:]),
    ]
  }()

  static let streamVariants: [FormVariant] = {
    let fixed: [String: Double] = ["core_part": 1, "shared_part": 0.8, "shared_growth": 0.01, "sharpness": 4]
    let caches: [String: Double] = ["l1_rate": 1500, "l2_rate": 800, "l3_rate": 400]
    let eager = ["grain": 0.001]
    func neutral(_ parts: [String: Double]...) -> [String: Double] {
      parts.reduce(into: [:]) { all, part in all.merge(part) { first, _ in first } }
    }
    return [
      FormVariant("roofline", neutral: neutral(fixed, caches, eager, ["start": 0.002, "sync": 0.02])),
      FormVariant("with overhead", neutral: neutral(fixed, caches, eager)),
      FormVariant("with cache levels", neutral: neutral(fixed, eager)),
      FormVariant("with usable capacities", neutral: eager),
      FormVariant("with team size", neutral: fixed),
      FormVariant("with all", neutral: [:]),
    ]
  }()

  static let sparseVariants: [FormVariant] = [
    FormVariant(
      "non-zeros",
      neutral: ["start": 0.005, "sync": 0.05, "row_time": 0.2, "sample_time": 0.5, "miss_time": 0.02]),
    FormVariant("with overhead", neutral: ["row_time": 0.2, "sample_time": 0.5, "miss_time": 0.02]),
    FormVariant("with rows", neutral: ["sample_time": 0.5, "miss_time": 0.02]),
    FormVariant("with cache misses", neutral: ["sample_time": 0.5]),
    FormVariant("with samples", neutral: [:]),
  ]
}

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

  /// Forms with too few rows to be fitted, with how many they have.
  public var tooFew: [(form: String, rows: Int)] {
    rows.keys.sorted().compactMap { name in
      let count = rows[name, default: []].count
      return count < Self.leastRows ? (name, count) : nil
    }
  }

  /// Rows that a form needs.
  public static let leastRows = 3

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
      guard let entries = rows[formName], entries.count >= Self.leastRows, let first = entries.first
      else { continue }
      progress(formName)
      let observations = entries.map(\.observation)
      // Where shapes are few, each is the only one of its regime: rows are dealt into ten groups instead. One or two
      // shapes say nothing of how time depends on shape: only the simplest variant is fitted to them.
      let shapes = Set(entries.map(\.group)).count
      let isFine = shapes >= 20
      func variants(_ all: [FormVariant]) -> [FormVariant] { shapes < 3 ? Array(all.prefix(1)) : all }
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
          HostGEMMForm<Double>.self, named: formName, variants: variants(Self.gemmVariants), observations,
          groups: groups
        ) { form, subject in
          guard case .gemm(let shape) = subject.kernel else { return .nan }
          return form.cost(shape, subject.type, on: machine(subject), threads: subject.threads).time
        }
      case .stream:
        selected = try selectVariant(
          HostStreamForm<Double>.self, named: formName, variants: variants(Self.streamVariants), observations,
          groups: groups
        ) { form, subject in
          guard case .stream(let bytes, let footprint) = subject.kernel else { return .nan }
          return form.cost(
            bytes: bytes, footprint: footprint, on: machine(subject), threads: subject.threads
          ).time
        }
      case .sparse:
        selected = try selectVariant(
          HostSparseForm<Double>.self, named: formName, variants: variants(Self.sparseVariants), observations,
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
      result.threadCurves.merge(Self.threadCurves(observations, form: formName)) { first, _ in first }
      reports.append(FormReport(form: formName, rows: entries.count, heldOutErrors: selected.errors))
      comparisons.append(selected.comparison)
    }
    return (result, reports, comparisons)
  }

  /// The curves of kernels that were measured on several numbers of threads.
  static func threadCurves(_ observations: [Observation<HostSubject>], form: String)
    -> [ThreadCurve.Key: ThreadCurve]
  {
    let kernels = Dictionary(grouping: observations) { observation in
      ThreadCurve.Key(form: form, type: observation.subject.type, sizes: observation.subject.kernel.sizes)
    }
    return kernels.compactMapValues { rows in
      // The same kernel twice on as many threads: its quickest time, since noise only adds.
      let times = Dictionary(grouping: rows, by: \.subject.threads).compactMapValues {
        $0.map(\.seconds).min()
      }
      guard times.count > 1 else { return nil }
      return ThreadCurve(times.map { ThreadCurve.Point(threads: $0.key, seconds: $0.value) })
    }
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
    let steady = ["thread_loss": 0.001]
    let caches: [String: Double] = ["l1_rate": 1500, "l2_rate": 800, "l3_rate": 400]
    let eager = ["grain": 0.001]
    func neutral(_ parts: [String: Double]...) -> [String: Double] {
      parts.reduce(into: [:]) { all, part in all.merge(part) { first, _ in first } }
    }
    return [
      FormVariant(
        "roofline", neutral: neutral(fixed, steady, caches, eager, ["start": 0.002, "sync": 0.02])),
      FormVariant("with overhead", neutral: neutral(fixed, steady, caches, eager)),
      FormVariant("with cache levels", neutral: neutral(fixed, steady, eager)),
      FormVariant("with team size", neutral: neutral(fixed, steady)),
      FormVariant("with thread loss", neutral: neutral(fixed, eager)),
      FormVariant("with usable capacities", neutral: neutral(steady, eager)),
      FormVariant("with all but thread loss", neutral: steady),
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

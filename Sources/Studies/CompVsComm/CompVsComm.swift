import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Workloads

/// Computation against communication in future Transformers (arXiv 2302.02825).
///
/// The paper's method on its own machine: a layer's time from one measured baseline by operation counts, exchanges from
/// their payload. Beside it the same questions asked of a GPU whose operators and collectives were measured here, with
/// the method's own error on those measurements.
public struct CompVsComm: Study {
  /// The name of its file.
  public static let name = "comp-vs-comm"

  /// A model with how it was, or might have been, run.
  struct Era: Sendable {
    let model: TransformerModel
    let year: Int
    let degree: Double
    let microBatch: Double

    var hidden: Double { Double(model.hidden) }
    var sequence: Double { Double(model.sequence) }
  }

  // What the paper fixes and we recall.
  let machine: Device
  let ring: Sourced<Dimensions.DataRate>
  let baselineRate: Sourced<Dimensions.WorkRate>
  let largeRate: Sourced<Dimensions.WorkRate>
  let elementBytes: Double
  let space: Space
  let future: (hidden: [Double], degrees: [Double])
  let caseStudy: [Double]
  let dataParallel: Double
  let overlapTokens: (likely: [Double], possible: [Double])
  // Models, devices and their years.
  let eras: [Era]
  let trend: MemoryTrend
  let growth: HardwareGrowth
  // A measured GPU.
  let reference: MeasuredDevice
  let operatorProjection: OperatorProjection
  /// Time to set up and warm up one measurement.
  let setup: Sourced<Dimensions.Time>

  /// The points that the paper studies.
  struct Space: Sendable {
    let hidden: [Int]
    let sequences: [Int]
    let microBatches: [Int]
    let degrees: [Int]
    let factors: [Double]
  }

  /// Takes its parameters and reads devices, models and tables.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    machine = try Device(named: try parameters.word("machine"), in: library)
    ring = try parameters.quantity("ring_bandwidth", as: BytesPerSecond.self)
    baselineRate = try parameters.quantity("baseline_rate", as: FLOPPerSecond.self)
    largeRate = try parameters.quantity("large_rate", as: FLOPPerSecond.self)
    elementBytes = try parameters.number("element_bytes").value
    space = Space(
      hidden: try parameters.integers("hidden_sizes"), sequences: try parameters.integers("sequence_lengths"),
      microBatches: try parameters.integers("micro_batches"),
      degrees: try parameters.integers("tensor_degrees"),
      factors: try parameters.numbers("compute_factors", in: 1e-3...1e3))
    future = (
      try parameters.numbers("future_hidden", count: 2), try parameters.numbers("future_degrees", count: 2)
    )
    overlapTokens = (
      try parameters.numbers("overlap_tokens", count: 2), try parameters.numbers("overlap_tokens_possible")
    )
    caseStudy = try parameters.numbers("case_study", count: 5)
    dataParallel = try parameters.number("data_parallel").value
    eras = try Self.eras(&parameters, library)
    trend = try MemoryTrend(&parameters, eras: eras, in: library)
    growth = try HardwareGrowth(&parameters, in: library)
    reference = try MeasuredDevice(named: try parameters.word("reference_machine"), in: library)
    operatorProjection = try OperatorProjection(&parameters, on: reference)
    setup = try parameters.quantity("setup", as: Seconds.self)
  }

  private static func eras(_ parameters: inout ParameterReader, _ library: Library) throws(Diagnostic)
    -> [Era]
  {
    let names = try parameters.words("models")
    let degrees = try parameters.numbers("degrees_used", count: names.count)
    let batches = try parameters.numbers("batches_used", count: names.count)
    var eras: [Era] = []
    for (index, name) in names.enumerated() {
      let model = try TransformerModel(studied: name, in: library)
      eras.append(
        Era(
          model: model, year: model.year ?? 0, degree: degrees[index], microBatch: batches[index]))
    }
    return eras.sorted { ($0.year, $0.model.parameters) < ($1.year, $1.model.parameters) }
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [
      edgeAndSlack, operatorProjection.section, serialized, overlapped, measuredMachine, trend.section,
      saving.section(setup: setup),
    ]
    findings.answers = answers
    findings.foundations = [
      "The paper's machine, \(machine.title), is taken as its data sheet and LLMCompass's measured products describe it; no "
        + "table of its collectives could be found.",
      "\(reference.device.title): \(reference.calibration.source). Its errors on rows that no fit saw are in docs/models.md.",
      "The closed forms of edge, slack and shares are CostModels.CommunicationForms.",
    ]
    return findings
  }

  private var summary: String {
    let twice = range(shares(factor: 2, rate: largeRate.value)).words
    let four = range(shares(factor: 4, rate: largeRate.value)).words
    let error = operatorProjection.products
    return
      "Over the points that we take for future (H \(Int(future.hidden[0])) to \(Int(future.hidden[1])), TP "
      + "\(Int(future.degrees[0])) to \(Int(future.degrees[1])), no more than heads of 128), tensor-parallel exchanges on \(machine.title) take "
      + "\(twice) of a layer's time once FLOP/s have doubled against bandwidth, and \(four) once they have grown four "
      + "times. The paper's 40 to 75 % lies in that range, and which points it means decides how much of it. Scaling one "
      + "BERT-sized product to all others, as the paper does, misses measured ones on \(reference.device.title) by "
      + "\(fixed(error.ratio, decimals: 0)) % on average; with the start of a kernel kept apart by "
      + "\(fixed(error.withStart, decimals: 0)) %, and a tile model that was fitted to the GPU by "
      + "\(fixed(error.model, decimals: 1)) %."
  }
}

/// A range in per cent with its words.
struct PercentRange: Sendable {
  let values: ClosedRange<Double>

  var words: String {
    "\(fixed(values.lowerBound, decimals: 0)) to \(fixed(values.upperBound, decimals: 0)) %"
  }
}

/// The range of some numbers; zero of none.
func range(_ numbers: [Double]) -> PercentRange {
  PercentRange(values: (numbers.min() ?? 0)...(numbers.max() ?? 0))
}

extension TransformerModel {
  /// A model of the library for a study.
  init(studied name: String, in library: Library) throws(Diagnostic) {
    let node = try readDocument(path: try library.path(.workloads, name))
    if TransformerModel.isHuggingFace(node) {
      try self.init(huggingFace: node, name: name)
    } else {
      try self.init(node: node)
    }
  }
}

extension ParameterReader {
  /// Several plain numbers, as many as expected.
  mutating func numbers(_ name: String, count: Int) throws(Diagnostic) -> [Double] {
    let numbers = try numbers(name)
    guard numbers.count == count else {
      throw file.fault(
        at: name,
        .wrongKind(
          path: "parameters." + name, found: "a list of \(numbers.count)", expected: "a list of \(count)"))
    }
    return numbers
  }
}

import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Sampling
import Workloads

/// SeqPoint (arXiv 2007.10459): a few iterations that stand for a training run of a network with sequences.
public struct SeqPointStudy: Study {
  /// The name of its file.
  public static let name = "seqpoint"

  /// A GPU with parts of it changed: what remains of its units, clock, product rate, bandwidth and cache.
  struct Machine: Sendable {
    let name: String
    let model: DeviceModel<Double>
    let productFactor: Double
  }

  /// A run of a network: its lengths, in the order of the iterations.
  struct Run: Sendable {
    let network: RecurrentNetwork
    let title: String
    let lengths: [Int]
    /// The same run with batches padded to longer multiples, by their frames; empty where nothing is assumed of it.
    let paddedTo: [Int]

    init(network: RecurrentNetwork, title: String, lengths: [Int], paddedTo: [Int] = []) {
      self.network = network
      self.title = title
      self.lengths = lengths
      self.paddedTo = paddedTo
    }
  }

  /// A measured log with its name.
  struct Log: Sendable {
    let name: String
    let log: TrainingLog
  }

  let machines: [Machine]
  let reference: MeasuredDevice
  let runs: [Run]
  let batch: Double
  let noise: Sourced<Dimensions.Number>
  let tolerances: [RecurrentNetwork: Double]
  let repeats: Int
  let warmUp: Int
  let logs: [Log]
  let logTolerance: Double
  let logBins: Int

  /// Takes its parameters, reads the devices and the logs, and draws the lengths.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    machines = try Self.machines(&parameters, library)
    reference = try MeasuredDevice(named: try parameters.word("reference_machine"), in: library)
    batch = Double(try parameters.integer("batch", in: 1...1_000_000))
    noise = try parameters.number("noise")
    let tolerances = try parameters.numbers("tolerances", count: 2)
    self.tolerances = [.deepSpeech2: tolerances[0] / 100, .gnmt: tolerances[1] / 100]
    repeats = try parameters.integer("log_repeats", in: 1...1000)
    warmUp = try parameters.integer("log_warm_up", in: 0...100_000)
    logBins = try parameters.integer("log_bins", in: 1...10_000)
    logTolerance = try parameters.number("log_tolerance").value / 100
    guard let least = tolerances.min(), least > 0, logTolerance > 0 else {
      throw parameters.file.fault(
        at: logTolerance > 0 ? "tolerances" : "log_tolerance",
        .contradiction("a tolerance of zero is never reached"))
    }
    runs = try Self.runs(&parameters)
    var logs: [Log] = []
    for path in try parameters.files("logs") {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      logs.append(Log(name: name, log: try TrainingLog(try Table(path: path))))
    }
    self.logs = logs
  }

  /// The configurations of the paper's GPU: lists of factors, one a configuration.
  private static func machines(_ parameters: inout ParameterReader, _ library: Library) throws(Diagnostic)
    -> [Machine]
  {
    let device = try Device(named: try parameters.word("machine"), in: library)
    let names = try parameters.words("configurations")
    let range = 1e-6...1e6
    func factors(_ name: String) throws(Diagnostic) -> [Double] {
      let values = try parameters.numbers(name, in: range)
      guard values.count == names.count else {
        throw parameters.file.fault(
          at: name,
          .wrongKind(
            path: "parameters." + name, found: "a list of \(values.count)",
            expected: "a list of \(names.count), one a configuration"))
      }
      return values
    }
    let units = try factors("unit_factors")
    let clocks = try factors("clock_factors")
    let products = try factors("product_factors")
    let bandwidths = try factors("bandwidth_factors")
    let caches = try factors("cache_factors")
    return names.indices.map { index in
      var model = DeviceModel<Double>(device, nil)
      let compute = units[index] * clocks[index]
      model.machine.units *= units[index]
      model.machine.clock *= clocks[index]
      model.machine.rates = model.machine.rates.mapValues { $0 * compute }
      model.machine.memoryBandwidth *= bandwidths[index]
      model.machine.cacheCapacity *= caches[index]
      return Machine(name: names[index], model: model, productFactor: products[index])
    }
  }

  private static func runs(_ parameters: inout ParameterReader) throws(Diagnostic) -> [Run] {
    let seed = UInt64(try parameters.integer("seed", in: 0...1_000_000_000))
    let speech = try parameters.numbers("speech_seconds", count: 4)
    let words = try parameters.numbers("sentence_words", count: 4)
    let counts = try parameters.integers("iterations", in: 1...10_000_000)
    let paddings = try parameters.number("speech_padding")
    guard let padding = Int(exactly: paddings.value), (1...1000).contains(padding) else {
      throw parameters.file.fault(
        at: "speech_padding",
        .contradiction("'parameters.speech_padding' is a number of frames: a whole number from 1 to 1000"))
    }
    let coarsest = Int(paddings.interval?.upperBound.value ?? 0)
    guard counts.count == 2 else {
      throw parameters.file.fault(
        at: "iterations",
        .wrongKind(path: "parameters.iterations", found: "a list of \(counts.count)", expected: "a list of 2")
      )
    }
    for (name, list) in [("speech_seconds", speech), ("sentence_words", words)]
    where !(list[0] > 0 && list[0] < list[1] && list[1] <= 1e5) {
      throw parameters.file.fault(
        at: name, .contradiction("'parameters.\(name)' needs a shortest above zero and a longest above it"))
    }
    var runs = [
      Run(
        network: .deepSpeech2, title: "DeepSpeech2 on lengths like LibriSpeech",
        lengths: SequenceLengths.speech(
          count: counts[0], shortest: speech[0], longest: speech[1], usual: speech[2], tail: speech[3],
          padding: padding, seed: seed), paddedTo: coarsest > padding ? [coarsest] : []),
      Run(
        network: .gnmt, title: "GNMT on lengths like IWSLT15",
        lengths: SequenceLengths.sentences(
          count: counts[1], shortest: Int(words[0]), longest: Int(words[1]), median: words[2],
          spread: words[3],
          seed: seed)),
    ]
    let own = try parameters.files("own_lengths")
    for path in own where !path.hasSuffix("none") {
      let lengths = try SequenceLengths.read(path)
      runs.append(Run(network: .gnmt, title: "GNMT on the lengths of \(path)", lengths: lengths))
    }
    return runs
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    let evaluated = runs.map { evaluate($0) }
    let measured = logs.map {
      Measured($0, repeats: repeats, warmUp: warmUp, tolerance: logTolerance, bins: logBins)
    }
    var findings = Findings(summary: summary(evaluated, measured))
    findings.sections = [
      lengthsSection(evaluated), pointsSection(evaluated), machinesSection(evaluated), logsSection(measured),
    ]
    findings.answers = answers(evaluated, measured)
    findings.foundations = [
      "\(machines[0].model.device.title): published data and the constants that calibrated GPUs share; nothing was measured "
        + "on it. How caches that are switched off slow it down is assumed.",
      "\(reference.device.title): \(reference.calibration.source).",
      "Logs: whole iterations measured with tools/measure-recurrent.py (notebooks-data/measurements/training-logs).",
    ]
    return findings
  }
}

/// Lengths of sequences like those of data sets that are not here.
enum SequenceLengths {
  /// Frames of 20 ms of batches of like length: most utterances just below the usual longest, a tail of longer ones.
  ///
  /// LibriSpeech's utterances were cut so that few exceed some 16 s (Panayotov et al., ICASSP 2015).
  static func speech(
    count: Int, shortest: Double, longest: Double, usual: Double, tail: Double, padding: Int, seed: UInt64
  ) -> [Int] {
    var generator = SplitMix64(seed: seed, stream: 1)
    return (0..<count).map { _ in
      let seconds: Double
      if generator.uniform() < tail {
        seconds = usual + (longest - usual) * generator.uniform()
      } else {
        // A triangle from the shortest to the usual longest with its peak at nine tenths.
        let peak = 0.9
        let u = generator.uniform()
        let place = u < peak ? (u * peak).squareRoot() : 1 - ((1 - u) * (1 - peak)).squareRoot()
        seconds = shortest + (usual - shortest) * place
      }
      return Int((seconds / 0.020 / Double(padding)).rounded(.up)) * padding
    }
  }

  /// Words of batches of like length: logarithms of lengths are spread normally around the median.
  static func sentences(count: Int, shortest: Int, longest: Int, median: Double, spread: Double, seed: UInt64)
    -> [Int]
  {
    var generator = SplitMix64(seed: seed, stream: 2)
    return (0..<count).map { _ in
      let words = (median.logarithm() + spread * generator.normal()).exponential()
      return min(longest, max(shortest, Int(words.rounded(.up))))
    }
  }

  /// A user's own lengths: a table with a column `sequence_length`.
  static func read(_ path: String) throws(Diagnostic) -> [Int] {
    let table = try Table(path: path)
    guard table.has("sequence_length") else {
      throw Diagnostic(
        file: table.file, position: .init(line: 1, column: 1),
        fault: .missingColumn("sequence_length", known: table.columns))
    }
    var lengths: [Int] = []
    for row in table.rows {
      let value = try row.number("sequence_length", in: 1...1e6)
      guard let length = Int(exactly: value) else {
        throw row.diagnostic(
          "sequence_length",
          .wrongKind(path: "sequence_length", found: row.text("sequence_length"), expected: "a whole number"))
      }
      lengths.append(length)
    }
    guard !lengths.isEmpty else {
      throw Diagnostic(
        file: table.file, position: nil, fault: .contradiction("a table of no iterations has no points"))
    }
    return lengths
  }
}

public import Documents
public import Quantities
public import Workloads

/// A measured training step as the columns of a table describe it; nil where a column is empty.
public struct TrainingRun: Sendable {
  /// Whose runs these are: the table's name in a collection, or none.
  public let table: String?
  /// The device, as the table spells it.
  public let hardware: String?
  /// The model's name.
  public let model: String?
  /// Parameters of the model.
  public let parameters: Double?
  /// Hidden size.
  public let hidden: Int?
  /// Layers.
  public let layers: Int?
  /// Attention heads.
  public let heads: Int?
  /// Key and value heads.
  public let keyValueHeads: Int?
  /// Width of the feed-forward part.
  public let feedForward: Int?
  /// Tokens of a sequence.
  public let sequence: Int
  /// Tokens of the vocabulary.
  public let vocabulary: Int?
  /// All devices.
  public let devices: Int
  /// Tensor-parallel degree.
  public let tensor: Int
  /// Pipeline stages.
  public let pipeline: Int?
  /// Replicas.
  public let data: Int?
  /// Devices that share sequences.
  public let context: Int
  /// Devices that share experts.
  public let expert: Int
  /// Sequences of a micro-batch.
  public let microBatch: Int?
  /// Sequences of a step.
  public let globalBatch: Int?
  /// Micro-batches of a replica.
  public let microBatches: Int?
  /// Layers of one run of a stage (interleaved schedule).
  public let layersPerChunk: Int?
  /// Runs of layers of a stage.
  public let virtualStages: Int?
  /// What is computed again.
  public let recompute: Recompute?
  /// Whether tensor-parallel devices share the tokens.
  public let sequenceParallel: Bool?
  /// What replicas share out, as the table spells it.
  public let sharding: String?
  /// The data type of activations.
  public let dataType: DataType?

  /// The run in a line: the model and how it is spread.
  public var words: String {
    var parts = [
      model ?? "\(layers.map { "\($0) x " } ?? "")\(hidden.map(String.init) ?? "")", "tp \(tensor)",
    ]
    if let pipeline { parts.append("pp \(pipeline)") }
    if let data { parts.append("dp \(data)") }
    if context > 1 { parts.append("cp \(context)") }
    if expert > 1 { parts.append("ep \(expert)") }
    parts.append("\(devices) GPUs")
    if let microBatch { parts.append("micro-batch \(microBatch) x \(sequence)") }
    if let globalBatch { parts.append("batch \(globalBatch)") }
    if let recompute { parts.append("recompute \(recompute.rawValue)") }
    if sequenceParallel == true { parts.append("sequence-parallel") }
    if let sharding, !sharding.isEmpty { parts.append(sharding) }
    if let hardware { parts.append(hardware) }
    return parts.joined(separator: ", ")
  }
}

/// A training step in a table with another program's answer for it.
public struct PeerRow: Sendable {
  /// The line of the table.
  public let line: Int
  /// What runs.
  public let run: TrainingRun
  /// The measured step, in seconds; nil where none is known.
  public let measured: Double?
  /// What the other program says, in seconds.
  public let peer: Double
  /// What the table remarks.
  public let note: String
}

/// Reads training steps with another program's answers: the columns of published steps, and one named `NAME_s`.
///
/// - Parameter table: the table.
/// - Returns: the other program's name, and the rows that it answers.
/// - Throws: `Diagnostic` at the first field that is not what its column holds, or when no other program's column is there.
public func peerRows(of table: Table) throws(Diagnostic) -> (name: String, rows: [PeerRow]) {
  guard let column = ["calculon_s"].first(where: table.has) else {
    throw Diagnostic(
      file: table.file, position: .init(line: 1, column: 1),
      fault: .missingColumn("calculon_s", known: table.columns))
  }
  var rows: [PeerRow] = []
  for row in table.rows where !row.text(column).isEmpty {
    let measured = row.text("iteration_s").isEmpty ? nil : try row.positive("iteration_s")
    rows.append(
      PeerRow(
        line: row.line, run: try row.trainingRun(), measured: measured, peer: try row.positive(column),
        note: row.text("note")))
  }
  return ("Calculon", rows)
}

extension Table.Row {
  /// A row of training steps: the configuration, and the step's time.
  func trainingRun() throws(Diagnostic) -> TrainingRun {
    func whole(_ columns: String...) throws(Diagnostic) -> Int? {
      for column in columns where !text(column).isEmpty { return try count(column) }
      return nil
    }
    func word(_ column: String) -> String? {
      let value = text(column)
      return value.isEmpty ? nil : value
    }
    /// A number in the remark, written `key=4`.
    func remark(_ key: String) -> Int? {
      for part in (word("note") ?? "").split(whereSeparator: { " ;,".contains($0) }) {
        let pair = part.split(separator: "=")
        if pair.count == 2, pair[0] == key { return Int(pair[1]) }
      }
      return nil
    }
    guard let sequence = try whole("seq", "sequence") else {
      throw diagnostic("seq", .missingColumn("seq", known: []))
    }
    var recompute: Recompute?
    if let text = word("recompute") {
      guard let value = Recompute(rawValue: text) else {
        throw diagnostic(
          "recompute",
          .unknownWord(path: "recompute", found: text, known: Recompute.allCases.map(\.rawValue)))
      }
      recompute = value
    }
    var dataType: DataType?
    if let text = word("precision") {
      guard let value = DataType(rawValue: text.split(separator: "_").last.map(String.init) ?? text) else {
        throw diagnostic(
          "precision",
          .unknownWord(path: "precision", found: text, known: DataType.allCases.map(\.rawValue)))
      }
      dataType = value
    }
    var sequenceParallel: Bool?
    if let text = word("sequence_parallel") {
      guard ["yes", "no", "true", "false"].contains(text) else {
        throw diagnostic(
          "sequence_parallel",
          .unknownWord(path: "sequence_parallel", found: text, known: ["yes", "no"]))
      }
      sequenceParallel = text == "yes" || text == "true"
    }
    let (tensor, pipeline) = (try whole("tp") ?? 1, try whole("pp"))
    let (context, data) = (try whole("cp") ?? remark("cp") ?? 1, try whole("dp"))
    let devices = try whole("gpus", "devices") ?? tensor * context * (pipeline ?? 1) * (data ?? 1)
    if let pipeline, let data, tensor * pipeline * data * context != devices {
      throw diagnostic(
        "gpus",
        .contradiction(
          "'gpus' is \(devices), but tp \(tensor) x pp \(pipeline) x dp \(data)"
            + (context > 1 ? " x cp \(context)" : "") + " is \(tensor * pipeline * data * context)"))
    }
    let parameters =
      word("params").flatMap(Double.init) ?? word("params_b").flatMap(Double.init).map { $0 * 1e9 }
    return TrainingRun(
      table: word("table"), hardware: word("hardware"), model: word("model"), parameters: parameters,
      hidden: try whole("hidden"), layers: try whole("layers"), heads: try whole("heads"),
      keyValueHeads: try whole("kv_heads"), feedForward: try whole("ffn", "feed_forward"),
      sequence: sequence, vocabulary: try whole("vocab"), devices: devices, tensor: tensor,
      pipeline: pipeline,
      data: data, context: context, expert: try whole("ep") ?? remark("ep") ?? 1,
      microBatch: try whole("micro_batch"), globalBatch: try whole("global_batch"),
      microBatches: remark("microbatches") ?? remark("grad_accum"),
      layersPerChunk: try whole("layers_per_chunk"), virtualStages: try whole("vp", "virtual_stages"),
      recompute: recompute, sequenceParallel: sequenceParallel, sharding: word("sharding"),
      dataType: dataType)
  }

  /// What was measured of a row of a collection: the step's time, and a device's memory and power where they are given.
  func trainingStepValues() throws(Diagnostic) -> [MeasuredValue] {
    let run = try trainingRun()
    let group = run.table ?? (run.devices > 8 ? "several nodes" : "one node")
    var values: [MeasuredValue] = []
    if let time = try stepTime(of: run, group: group) { values.append(time) }
    for quantity in StepQuantity.allCases {
      guard let number = try leadingNumber(quantity.rawValue) else { continue }
      values.append(
        MeasuredValue(
          line: line, group: group, quantity: quantity.rawValue, unit: quantity.unit, measured: number,
          subject: .trainingStep(run)))
    }
    return values
  }

  /// The number that a cell begins with, as `47` of `47GB`; nil where it begins with none, as in the logs of BLOOM.
  private func leadingNumber(_ column: String) throws(Diagnostic) -> Double? {
    let text = text(column)
    guard let number = Double(text) ?? Double(text.prefix { "0123456789.-".contains($0) }) else { return nil }
    guard number.isFinite, number > 0 else {
      throw diagnostic(column, .outOfRange(path: column, found: text, expected: "a number above zero"))
    }
    return number
  }

  /// The measured time of a step: its seconds, or what follows from its rates.
  private func stepTime(of run: TrainingRun, group: String) throws(Diagnostic) -> MeasuredValue? {
    let subject = Subject.trainingStep(run)
    for (column, unit) in [("iteration_s", 1.0), ("iteration_ms", 1e-3)]
    where !text(column).isEmpty {
      return try value(column, unit: unit, group: group, subject)
    }
    guard !text("tokens_per_s_per_gpu").isEmpty else { return nil }
    guard let batch = run.globalBatch else { return nil }
    let rate = try positive("tokens_per_s_per_gpu")
    let seconds = Double(batch * run.sequence) / (rate * Double(run.devices))
    return MeasuredValue(
      line: line, group: group, quantity: "iteration_s", unit: 1, measured: seconds, subject: subject)
  }
}

import Documents
import Workloads

/// Epochs to a target quality, measured at reduced scale with the reference kernels.
struct Convergence: Sendable {
  /// One run, at the learning rate that needed the fewest epochs.
  struct Row: Sendable {
    let isDense: Bool
    let model: LinearModel
    let algorithm: DistributedAlgorithm
    let workers: Int
    let samplesPerWorker: Int
    let batchPerWorker: Int
    /// Nil where the target was not reached.
    let epochs: Int?
    let optimum: Double
    let last: Double
  }

  let rows: [Row]

  /// Reads the table.
  ///
  /// - Throws: `Diagnostic` at the first fault.
  init(path: String) throws(Diagnostic) {
    let table = try Table(path: path)
    for column in ["samples_kind", "model", "algorithm", "workers", "epochs_to_target"]
    where !table.has(column) {
      throw Diagnostic(
        file: path, position: .init(line: 1, column: 1),
        fault: .missingColumn(column, known: table.columns))
    }
    var rows: [Row] = []
    for row in table.rows {
      guard let algorithm = DistributedAlgorithm(rawValue: row.text("algorithm")) else {
        throw row.diagnostic(
          "algorithm",
          .unknownWord(
            path: "algorithm", found: row.text("algorithm"),
            known: DistributedAlgorithm.allCases.map(\.rawValue)))
      }
      let hasEpochs = !row.text("epochs_to_target").isEmpty
      rows.append(
        Row(
          isDense: row.text("samples_kind") == "dense",
          model: row.text("model") == "LR" ? .logisticRegression : .supportVectorMachine,
          algorithm: algorithm, workers: Int(try row.number("workers", in: 1...1e9)),
          samplesPerWorker: Int(try row.number("samples_per_worker", in: 1...1e9)),
          batchPerWorker: Int(try row.number("batch_per_worker", in: 1...1e9)),
          epochs: hasEpochs ? Int(try row.number("epochs_to_target", in: 1...1e6)) : nil,
          optimum: try row.number("optimum"), last: try row.number("last_quality")))
    }
    self.rows = rows
  }

  /// The run of the most workers with the shards of weak scaling, and the smallest batch.
  func largest(_ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel) -> Row? {
    let candidates = rows.filter {
      $0.isDense == (dataset == .yfcc) && $0.algorithm == algorithm && $0.model == model
    }
    let shard = candidates.map(\.samplesPerWorker).max() ?? 0
    return candidates.filter { $0.samplesPerWorker == shard }
      .max { ($0.workers, -$0.batchPerWorker) < ($1.workers, -$1.batchPerWorker) }
  }
}

/// What a linear model minimises.
public enum LinearModel: String, Sendable, Hashable, CaseIterable {
  /// Logistic regression: the binary cross-entropy of `sigmoid(z)`.
  case logisticRegression
  /// Support vector machine: the hinge loss `max(0, margin - y z)` with `y` of -1 and 1.
  case supportVectorMachine

  /// Its name in words.
  public var words: String { self == .logisticRegression ? "logistic regression" : "support vector machine" }
}

/// The distributed algorithms of PIM-Opt.
public enum DistributedAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// MA-SGD: every worker steps on a batch of its own, then their models are averaged.
  case modelAveraging = "MA-SGD"
  /// GA-SGD: the workers share a batch; their gradients are added and the host steps.
  case gradientAveraging = "GA-SGD"
  /// ADMM: every worker takes a pass over its samples, pulled towards the consensus of all, then a new consensus.
  case admm = "ADMM"
}

/// How numbers are held and exchanged.
public enum NumberForm: String, Sendable, Hashable, CaseIterable {
  /// IEEE binary32 throughout.
  case float32
  /// As on the DPUs: samples uint32 in Q0.31, weights int32 in Q0.31, wide accumulators.
  case fixedPoint
}

/// The bytes of a model and of a gradient when they pass between host and worker.
public struct ModelSize: Sendable, Hashable {
  /// Parameters that the host averages: the weights and the bias.
  public let parameters: Int
  /// Bytes of the weights, with the bias where it stands among them and with padding.
  public let weightBytes: Int
  /// Bytes of the bias where it is sent by itself.
  public let biasBytes: Int
  /// Bytes of a gradient, with its bias.
  public let gradientBytes: Int

  /// Bytes of a model with its bias.
  public var modelBytes: Int { weightBytes + biasBytes }

  /// A dense model as for YFCC100M-HNfc6: 4 bytes a weight and 8 for the bias, gradients alike.
  public static func dense(features: Int) -> ModelSize {
    ModelSize(
      parameters: features + 1, weightBytes: 4 * features, biasBytes: 8, gradientBytes: 4 * features + 8)
  }

  /// A sparse model as for Criteo: weights and bias padded so that each of 16 tasklets has blocks of 128 weights.
  ///
  /// 4 bytes a weight. A gradient has 8 in fixed point (int64) and 4 in FP32.
  public static func sparse(features: Int, form: NumberForm = .fixedPoint) -> ModelSize {
    let blocks = ((features + 1 + 15) / 16 + 127) / 128
    let padded = 16 * 128 * blocks
    return ModelSize(
      parameters: features + 1, weightBytes: 4 * padded, biasBytes: 0,
      gradientBytes: (form == .fixedPoint ? 8 : 4) * padded)
  }
}

/// A way to split a data set over workers, which says how often they meet and what they exchange.
///
/// Source: pim-opt.md, section 4, and sync_counts_and_bytes.csv, from PIM-Opt repository @bbc8313.
public struct DistributedPlan: Sendable, Hashable {
  /// The algorithm.
  public let algorithm: DistributedAlgorithm
  /// Samples of the data set.
  public let samples: Int
  /// Workers, each with an equal shard.
  public let workers: Int
  /// Samples of a batch: of each worker for MA-SGD and ADMM, of all workers together for GA-SGD.
  public let batch: Int
  /// What is exchanged.
  public let size: ModelSize

  /// Why a plan cannot be carried out.
  public enum PlanError: Error, Equatable, CustomStringConvertible {
    /// A number that must be positive is not.
    case notPositive(String, Int)
    /// The global batch of GA-SGD does not divide over the workers.
    case unevenBatch(batch: Int, workers: Int)
    /// A worker has fewer samples than a batch takes from it.
    case shardTooSmall(samples: Int, needed: Int)
    /// ADMM lacks its penalty.
    case noPenalty
    /// Fixed point divides by shifts, so this has to be a power of two.
    case notPowerOfTwo(String, Double)
    /// Fixed point has class weights in halves, up to 1024.
    case notHalves(Double)

    /// The reason in words.
    public var description: String {
      switch self {
      case .notPositive(let what, let value): "the \(what) must be positive, not \(value)"
      case .unevenBatch(let batch, let workers):
        "a global batch of \(batch) does not divide over \(workers) workers"
      case .shardTooSmall(let samples, let needed):
        "a worker has \(samples) samples and a batch takes \(needed) from it"
      case .noPenalty: "ADMM needs a penalty"
      case .notPowerOfTwo(let what, let value):
        "in fixed point the \(what) must be a power of two, not \(value)"
      case .notHalves(let value):
        "in fixed point a class weight must be a multiple of one half up to 1024, not \(value)"
      }
    }
  }

  /// A plan.
  ///
  /// - Throws: ``PlanError`` where the samples do not fill a batch of every worker.
  public init(
    _ algorithm: DistributedAlgorithm, samples: Int, workers: Int, batch: Int, size: ModelSize
  ) throws(PlanError) {
    for (what, value) in [("number of samples", samples), ("number of workers", workers), ("batch", batch)]
    where value <= 0 {
      throw .notPositive(what, value)
    }
    if algorithm == .gradientAveraging, !batch.isMultiple(of: workers) {
      throw .unevenBatch(batch: batch, workers: workers)
    }
    self.algorithm = algorithm
    self.samples = samples
    self.workers = workers
    self.batch = batch
    self.size = size
    guard batchPerWorker <= samplesPerWorker else {
      throw .shardTooSmall(samples: samplesPerWorker, needed: batchPerWorker)
    }
  }

  /// Samples of a shard; what does not divide over the workers is not used.
  public var samplesPerWorker: Int { samples / workers }
  /// Samples of a worker in a batch.
  public var batchPerWorker: Int { algorithm == .gradientAveraging ? batch / workers : batch }
  /// Batches of a worker in an epoch; samples that do not fill one are not used.
  public var batchesPerEpoch: Int { samplesPerWorker / batchPerWorker }
  /// Times that all workers meet in an epoch.
  public var synchronisationsPerEpoch: Int { algorithm == .admm ? 1 : batchesPerEpoch }
  /// Samples of a worker between two meetings.
  public var samplesPerSynchronisation: Int {
    algorithm == .admm ? samplesPerWorker : batchPerWorker
  }
  /// Bytes to each worker at each synchronisation: the model; for ADMM also the pull, without a second bias where
  /// the bias is sent by itself.
  public var bytesDown: Int {
    algorithm == .admm ? size.modelBytes + size.weightBytes : size.modelBytes
  }
  /// Bytes from each worker at each synchronisation: the model, or for GA-SGD the gradient.
  public var bytesUp: Int {
    algorithm == .gradientAveraging ? size.gradientBytes : size.modelBytes
  }
  /// Bytes to all workers in an epoch.
  public var bytesDownPerEpoch: Int { synchronisationsPerEpoch * workers * bytesDown }
  /// Bytes from all workers in an epoch.
  public var bytesUpPerEpoch: Int { synchronisationsPerEpoch * workers * bytesUp }
  /// Numbers that the host adds up in an epoch.
  public var reducedElementsPerEpoch: Int { synchronisationsPerEpoch * workers * size.parameters }
}

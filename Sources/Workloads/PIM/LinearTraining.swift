public import Quantities

/// Training of a linear model over workers, as a workload: what is learnt from which samples, by which algorithm.
///
/// The sizes are those of PIM-Opt's kernels: a dense sample is its features in 32-bit fixed point, a sparse one a list
/// of byte offsets padded to an even number of words.
///
/// Source: pim-opt.md, sections 3 and 4, kernel_op_counts.csv, from PIM-Opt repository @bbc8313.
public struct LinearTraining: Sendable, Hashable {
  /// What is minimised.
  public let model: LinearModel
  /// Features of a sample.
  public let features: Int
  /// Features of a sample that are not 0; equal to the features of a dense one.
  public let nonZeros: Int
  /// How samples and steps are split over the workers.
  public let plan: DistributedPlan
  /// Passes over the data.
  public let epochs: Int

  /// Whether samples hold all their features.
  public var isDense: Bool { nonZeros == features }
  /// Bytes of a stored sample, without its label.
  public var sampleBytes: Int { Self.sampleBytes(features: features, nonZeros: nonZeros) }
  /// Bytes of the samples and labels of one worker.
  public var shardBytes: Int { plan.samplesPerWorker * (sampleBytes + 4) }
  /// Bytes of a worker's memory that hold the model, the pull of ADMM and the gradient.
  public var stateBytes: Int {
    plan.size.modelBytes + plan.size.gradientBytes + (plan.algorithm == .admm ? plan.size.weightBytes : 0)
  }
  /// Bytes of all samples.
  public var dataBytes: Int { plan.samples * sampleBytes }

  /// Bytes of a stored sample, without its label.
  static func sampleBytes(features: Int, nonZeros: Int) -> Int {
    nonZeros == features ? 4 * features : 4 * (nonZeros + nonZeros % 2)
  }

  /// Training of a linear model.
  public init(
    model: LinearModel, features: Int, nonZeros: Int? = nil, plan: DistributedPlan, epochs: Int = 10
  ) {
    self.model = model
    self.features = features
    self.nonZeros = nonZeros ?? features
    self.plan = plan
    self.epochs = epochs
  }

  /// One of PIM-Opt's runs.
  ///
  /// - Parameters:
  ///   - dataset: the data set.
  ///   - algorithm: the algorithm.
  ///   - model: what is minimised.
  ///   - units: workers.
  ///   - batch: samples of a batch; that of the paper's scaling figures if nil.
  ///   - strong: whether the data set stays that of 256 workers; it grows with the workers otherwise.
  /// - Throws: ``DistributedPlan/PlanError``.
  public init(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel, units: Int,
    batch: Int? = nil, strong: Bool = false
  ) throws(DistributedPlan.PlanError) {
    let parameters = Hyperparameters.pimOpt(dataset, algorithm, model)
    let samples = dataset.samplesPerUnit * (strong ? 256 : units)
    self.init(
      model: model, features: dataset.features, nonZeros: dataset.nonZeros,
      plan: try DistributedPlan(
        algorithm, samples: samples, workers: units, batch: batch ?? parameters.batch, size: dataset.size),
      epochs: parameters.epochs)
  }
}

extension PIMOptDataset {
  /// Samples of one unit under weak scaling (workloads_datasets.csv).
  public var samplesPerUnit: Int { self == .yfcc ? 3328 : 196_608 }
}

/// The work of one unit in an epoch of ``LinearTraining``, as PIM-Opt's kernels do it.
///
/// Counts that the units share out over 16 tasklets; the busiest tasklet has its share of features, or three of the 39
/// indices of a sparse sample where others have two.
///
/// Source: kernel_op_counts.csv, from PIM-Opt repository @bbc8313; its block sizes are the code's.
public struct UnitEpoch<N: ModelNumber>: Sendable {
  /// Multiplications of 64-bit numbers.
  public let multiplications: N
  /// Features handled in the two passes over a dense sample: loads, shifts, additions, comparisons.
  public let denseFeatures: N
  /// Features of sparse samples.
  public let sparseFeatures: N
  /// Weights that the step of a batch updates.
  public let updates: N
  /// Share of the sparse features that the busiest tasklet has.
  public let busiestShare: N
  /// Sigmoids that one tasklet computes while the others wait.
  public let sigmoids: N
  /// Barriers of all tasklets.
  public let barriers: N
  /// Transfers from the bank and their bytes, for the gradients of samples.
  public let reads: (count: N, bytes: N)
  /// Transfers to the bank and their bytes, for the gradients of samples.
  public let writes: (count: N, bytes: N)
  /// Transfers from the bank and their bytes, for the steps of batches.
  public let updateReads: (count: N, bytes: N)
  /// Transfers to the bank and their bytes, for the steps of batches and for zeroing gradients.
  public let updateWrites: (count: N, bytes: N)
  /// Launches of the kernel.
  public let launches: N

  /// The work of an epoch.
  ///
  /// - Parameters:
  ///   - training: the workload.
  ///   - tasklets: of each unit.
  ///   - block: bytes of a transfer of weights or gradients.
  ///   - violated: part of the samples inside the margin, whose gradients a support vector machine writes.
  @inlinable
  public init(_ training: LinearTraining, tasklets: N, block: N = N(512), violated: N = N(1)) {
    let plan = training.plan
    let batches = N(Double(plan.batchesPerEpoch))
    let samples = batches * N(Double(plan.batchPerWorker))
    let features = N(Double(training.features))
    let isLogistic = training.model == .logisticRegression
    let steps = plan.algorithm != .gradientAveraging
    let pulls = plan.algorithm == .admm
    launches = N(Double(plan.synchronisationsPerEpoch))
    barriers = 2 * samples
    sigmoids = isLogistic ? samples : N(0)
    let labels = 4 * samples
    if training.isDense {
      let row = 4 * features
      multiplications = (isLogistic ? 2.0 : 1.0) * samples * features
      denseFeatures = samples * features
      sparseFeatures = N(0)
      updates = steps ? batches * features : N(0)
      busiestShare = N(1) / tasklets
      // A sample reads itself in blocks twice as large, the weights and the gradient, and writes the gradient.
      reads = (
        count: samples * (row / (2 * block) + 2 * row / block), bytes: 3 * samples * row + labels
      )
      writes = (count: samples * row / block, bytes: samples * row)
      let readBytes = (steps ? (pulls ? 3.0 : 2.0) : 0.0) * batches * row
      updateReads = (count: readBytes / block, bytes: readBytes)
      let writeBytes = (steps ? 2.0 : 1.0) * batches * row
      updateWrites = (count: writeBytes / block, bytes: writeBytes)
    } else {
      let nonZeros = N(Double(training.nonZeros))
      let weights = N(Double(plan.size.weightBytes))
      multiplications = N(0)
      denseFeatures = N(0)
      sparseFeatures = samples * nonZeros
      updates = steps ? batches * features : N(0)
      busiestShare = (nonZeros / tasklets).roundedUp() / nonZeros
      // Each index fetches 8 B of weights and 8 B of gradient from wherever they are; indices come in 8 or 16 B.
      let slices = N.smaller(tasklets, nonZeros)
      reads = (
        count: samples * (slices + 2 * nonZeros + N(1)),
        bytes: samples * (4 * nonZeros + 28 + 16 * nonZeros + 8) + labels
      )
      let written = isLogistic ? N(1) : violated
      writes = (
        count: samples * (written * nonZeros + N(1)), bytes: samples * (8 * written * nonZeros + N(8))
      )
      // A chunk of weights, one of gradients twice as large, and for ADMM one of the pull.
      updateReads = (
        count: (steps ? (pulls ? 3.0 : 2.0) : 0.0) * batches * weights / block,
        bytes: (steps ? (pulls ? 4.0 : 3.0) : 0.0) * batches * weights
      )
      let updated = steps ? batches * weights : N(0)
      let zeroed = 2 * batches * weights
      updateWrites = (count: updated / block + zeroed / 1024, bytes: updated + zeroed)
    }
  }
}

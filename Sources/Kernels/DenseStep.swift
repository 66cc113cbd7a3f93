import Workloads

/// One mini-batch step of stochastic gradient descent on dense samples, in FP32.
///
/// `z = X w + bias`, `r` the derivatives of the loss, `w = (1 - rate regularisation) w - rate/b X^T r`, by two
/// matrix-vector products of OpenBLAS on blocks of rows that stay in the L2 cache between them: the samples come from
/// memory once. Threads take rows, meet, and add up their gradients in a fixed order. Every run takes the next batch
/// of the samples and begins again at their end.
public final class DenseStep: TimedKernel {
  /// What is minimised.
  public let objective: Objective
  /// Samples of a step.
  public let batch: Int
  /// Rows of a block: as many as fit a quarter of the L2 cache of one core.
  public let blockRows: Int
  /// Threads.
  public let threads: Int

  /// The weights, trained by every run.
  public let weights: Buffer<Float>
  /// The constant of the score.
  public private(set) var bias: Float = 0

  private let blas: BLAS
  private let samples: DenseSamples
  private let rate: Float
  private let pool: WorkerPool
  private let gradients: Buffer<Float>
  private let scores: Buffer<Float>
  private let biasGradients: Buffer<Float>
  private var next = 0

  /// Prepares steps over samples that are not copied.
  ///
  /// - Parameters:
  ///   - blas: the library; it is set to one thread at every run.
  ///   - samples: at least one batch.
  ///   - objective: what is minimised.
  ///   - batch: samples of a step.
  ///   - rate: the learning rate.
  ///   - threads: workers, each on a part of the rows.
  ///   - blockRows: rows of a block; nil for 256 KiB.
  ///   - pool: threads to use; without one the kernel starts its own.
  public init(
    _ blas: BLAS, samples: DenseSamples, objective: Objective, batch: Int, rate: Float = 0x1p-6,
    threads: Int, blockRows: Int? = nil, pool: WorkerPool? = nil
  ) {
    precondition(batch > 0 && batch <= samples.count && threads > 0, "a batch is a part of the samples")
    self.blas = blas
    self.samples = samples
    self.objective = objective
    self.batch = batch
    self.rate = rate
    self.threads = threads
    self.blockRows = blockRows ?? max(1, (256 << 10) / (4 * samples.features))
    self.pool = pool ?? WorkerPool(threads: threads)
    precondition(self.pool.threads == threads, "the pool has another number of threads")
    weights = Buffer(repeating: 0, count: samples.features)
    gradients = Buffer(repeating: 0, count: samples.features * threads)
    scores = Buffer(repeating: 0, count: batch)
    biasGradients = Buffer(repeating: 0, count: threads * 16)
  }

  /// `dense-sgd fp32 BATCHxFEATURES` and the model.
  public var name: String { "dense-sgd fp32 \(objective.model.rawValue) \(batch)x\(samples.features)" }

  /// For each sample `4 F + 8`: two products, the constant and its gradient, and for the loss 6, counting the
  /// exponential as one; then `3 F + 3` for the update.
  public var flop: Int { batch * (4 * samples.features + 8) + 3 * samples.features + 3 }

  /// The samples and labels read once, the weights read and written once, 4 bytes each.
  public var bytes: Int { 4 * (batch * (samples.features + 1) + 2 * (samples.features + 1)) }

  /// All samples: the batches go round them.
  public var workingSet: Int { 4 * (samples.count * (samples.features + 1) + 2 * (samples.features + 1)) }

  /// Does the step of the next batch.
  public func run() {
    blas.use(threads: 1)
    if next + batch > samples.count { next = 0 }
    let first = next
    next += batch
    let features = samples.features
    let bias = bias
    let scale = -rate / Float(batch)
    let keep = 1 - rate * Float(objective.regularisation)
    pool.run { worker in
      let rows = WorkerPool.part(worker, of: threads, count: batch)
      let gradient = gradients.start + worker * features
      gradient.update(repeating: 0, count: features)
      biasGradients.start[worker * 16] = addDenseGradient(
        blas, samples, objective, rows: first + rows.lowerBound..<first + rows.upperBound,
        blockRows: blockRows, weights: weights.start, bias: bias, scores: scores.start + rows.lowerBound,
        to: gradient)
      pool.barrier()
      let part = WorkerPool.part(worker, of: threads, count: features, grain: 16)
      update(part, keep: keep, scale: scale)
    }
    var sum: Float = 0
    for worker in 0..<threads { sum += biasGradients.start[worker * 16] }
    self.bias = bias + scale * sum
  }

  private func update(_ part: Range<Int>, keep: Float, scale: Float) {
    let w = weights.start
    let first = gradients.start
    for worker in 1..<max(threads, 1) {
      let other = gradients.start + worker * samples.features
      for j in part { first[j] += other[j] }
    }
    for j in part { w[j] = keep * w[j] + scale * first[j] }
  }
}

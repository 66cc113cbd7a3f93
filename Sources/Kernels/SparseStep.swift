import Workloads

/// One mini-batch step of stochastic gradient descent on sparse samples of ones, in FP32.
///
/// Gathers the weights of a sample to its score, and after the whole batch scatters `-rate/b` times the derivative
/// of its loss to them. The L2 penalty shrinks a common factor of the weights, `w = factor v`, so a step touches only
/// what its samples have. Threads own features, not rows, so that no weight passes between caches: each sums over its
/// features for every row of the batch, they add up these scores, and each scatters to its own. The samples are sorted
/// by owner beforehand. Every run takes the next batch of the samples and begins again at their end.
public final class SparseStep: TimedKernel {
  /// What is minimised.
  public let objective: Objective
  /// Samples of a step.
  public let batch: Int
  /// Non-zeros of all samples divided by samples.
  public let nonZerosPerSample: Double
  /// Threads.
  public let threads: Int

  private let samples: SparseSamples
  private let rate: Float
  private let pool: WorkerPool
  private let scaled: Buffer<Float>
  /// The samples of each thread: row starts and the indices that it owns.
  private let shards: [(starts: Buffer<Int32>, indices: Buffer<Int32>)]
  /// The part of the score of each row that comes from each thread.
  private let partial: Buffer<Float>
  private var factor: Float = 1
  private var bias: Float = 0
  private var next = 0

  /// Prepares steps over samples, which are copied when there is more than one thread.
  ///
  /// - Parameters:
  ///   - samples: at least one batch.
  ///   - objective: what is minimised.
  ///   - batch: samples of a step.
  ///   - rate: the learning rate.
  ///   - threads: workers.
  ///   - pool: threads to use; without one the kernel starts its own.
  public init(
    samples: SparseSamples, objective: Objective, batch: Int, rate: Float = 1, threads: Int,
    pool: WorkerPool? = nil
  ) {
    precondition(batch > 0 && batch <= samples.count && threads > 0, "a batch is a part of the samples")
    self.samples = samples
    self.objective = objective
    self.batch = batch
    self.rate = rate
    self.threads = threads
    self.pool = pool ?? WorkerPool(threads: threads)
    precondition(self.pool.threads == threads, "the pool has another number of threads")
    nonZerosPerSample = Double(samples.indices.count) / Double(samples.count)
    scaled = Buffer(repeating: 0, count: samples.features)
    partial = Buffer(repeating: 0, count: batch * threads)
    shards =
      threads == 1
      ? [(samples.rowStarts, samples.indices)]
      : (0..<threads).map { SparseStep.shard(samples, worker: $0, of: threads) }
  }

  /// The rows with only the features that a worker owns.
  private static func shard(
    _ samples: SparseSamples, worker: Int, of workers: Int
  ) -> (starts: Buffer<Int32>, indices: Buffer<Int32>) {
    let own = WorkerPool.part(worker, of: workers, count: samples.features, grain: 16)
    let starts = Buffer<Int32>(repeating: 0, count: samples.count + 1)
    let source = samples.indices.start
    func owned(_ k: Int) -> Bool { own.contains(Int(source[k])) }
    let indices = Buffer<Int32>(
      repeating: 0, count: (0..<samples.indices.count).count(where: owned))
    var next = 0
    for row in 0..<samples.count {
      for k in Int(samples.rowStarts.start[row])..<Int(samples.rowStarts.start[row + 1]) where owned(k) {
        indices.start[next] = source[k]
        next += 1
      }
      starts.start[row + 1] = Int32(next)
    }
    return (starts, indices)
  }

  /// `sparse-sgd fp32 BATCHxNONZEROS` and the model.
  public var name: String {
    "sparse-sgd fp32 \(objective.model.rawValue) \(batch)x\(Int(nonZerosPerSample.rounded()))"
  }

  /// For each non-zero two additions, for each sample 10: its constant, its loss (6) and its scale; 3 for the rest.
  ///
  /// Where rows differ in length this is the mean over the samples, rounded.
  public var flop: Int { Int((Double(batch) * (2 * nonZerosPerSample + 10)).rounded()) + 3 }

  /// For each non-zero its index (4) and its weight read and written (8); for each sample its row start and label (8).
  ///
  /// Two non-zeros of a batch that share a weight count twice; where rows differ in length this is the mean.
  public var bytes: Int { Int((Double(batch) * (12 * nonZerosPerSample + 8)).rounded()) }

  /// All samples and the weights.
  public var workingSet: Int { 4 * (samples.indices.count + 2 * samples.count + samples.features) }

  /// Does the step of the next batch.
  public func run() {
    if next + batch > samples.count { next = 0 }
    let first = next
    next += batch
    let v = scaled.start
    let z = partial.start
    let labels = samples.labels.start + first
    let factor = factor
    let bias = bias
    let kept = factor * (1 - rate * Float(objective.regularisation))
    let scale = -rate / (Float(batch) * kept)
    pool.run { worker in
      let starts = shards[worker].starts.start + first
      let indices = shards[worker].indices.start
      let own = z + worker * batch
      var row = 0
      while row < batch {
        var k = Int(starts[row])
        let end = Int(starts[row + 1])
        var sum: Float = 0
        while k < end {
          sum += v[Int(indices[k])]
          k += 1
        }
        own[row] = factor * sum
        row += 1
      }
      pool.barrier()
      let rows = WorkerPool.part(worker, of: threads, count: batch, grain: 16)
      for row in rows {
        var score = bias
        for other in 0..<threads { score += z[other * batch + row] }
        z[row] = score
      }
      objective.derivatives(
        z + rows.lowerBound, labels: labels + rows.lowerBound, count: rows.count)
      pool.barrier()
      row = 0
      while row < batch {
        let change = scale * z[row]
        if change != 0 {
          var k = Int(starts[row])
          let end = Int(starts[row + 1])
          while k < end {
            v[Int(indices[k])] += change
            k += 1
          }
        }
        row += 1
      }
    }
    var sum: Float = 0
    for row in 0..<batch { sum += z[row] }
    self.bias = bias - rate / Float(batch) * sum
    self.factor = kept
    if kept < 0x1p-20 { normalise() }
  }

  /// Puts the factor into the weights before it gets too small for FP32.
  private func normalise() {
    for j in 0..<samples.features { scaled.start[j] *= factor }
    factor = 1
  }

  /// The weight of a feature.
  public func weight(_ feature: Int) -> Float { factor * scaled.elements[feature] }

  /// The constant of the score.
  public var constant: Float { bias }
}

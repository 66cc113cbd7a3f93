/// One mini-batch step of stochastic gradient descent on sparse samples of ones, in FP32.
///
/// Gathers the weights of a sample to its score, and after the whole batch scatters `-rate/b` times the derivative
/// of its loss to them. The L2 penalty shrinks a common factor of the weights, `w = factor v`, so a step touches only
/// what its samples have. With more than one thread, threads gather rows and then scatter only to the features that
/// are theirs, in the order of the samples: the result does not depend on the threads. Every run takes the next batch.
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
  private let scores: Buffer<Float>
  private var factor: Float = 1
  private var bias: Float = 0
  private var next = 0

  /// Prepares steps over samples that are not copied.
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
    scaled = Buffer(repeating: 0, count: samples.features + 32 * (threads + 2))
    scores = Buffer(repeating: 0, count: batch)
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
    let z = scores.start
    let starts = samples.rowStarts.start + first
    let indices = samples.indices.start
    let factor = factor
    let bias = bias
    let kept = factor * (1 - rate * Float(objective.regularisation))
    let scale = -rate / (Float(batch) * kept)
    let features = samples.features
    pool.run { worker in
      let rows = WorkerPool.part(worker, of: threads, count: batch)
      for row in rows {
        var k = Int(starts[row])
        let end = Int(starts[row + 1])
        var sum: Float = 0
        while k < end {
          sum += v[Int(indices[k])]
          k += 1
        }
        z[row] = factor * sum + bias
      }
      objective.derivatives(
        z + rows.lowerBound, labels: samples.labels.start + first + rows.lowerBound, count: rows.count)
      pool.barrier()
      if threads == 1 {
        for row in 0..<batch {
          let change = scale * z[row]
          if change == 0 { continue }
          var k = Int(starts[row])
          let end = Int(starts[row + 1])
          while k < end {
            v[Int(indices[k])] += change
            k += 1
          }
        }
      } else {
        // Features of others go to a slot that nobody reads: a branch would be mispredicted half of the time.
        let own = WorkerPool.part(worker, of: threads, count: features, grain: 16)
        let slot = features + 32 * (worker + 1)
        let low = own.lowerBound
        let width = UInt(own.count)
        for row in 0..<batch {
          let change = scale * z[row]
          if change == 0 { continue }
          var k = Int(starts[row])
          let end = Int(starts[row + 1])
          while k < end {
            let j = Int(indices[k])
            v[UInt(bitPattern: j &- low) < width ? j : slot] += change
            k += 1
          }
        }
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

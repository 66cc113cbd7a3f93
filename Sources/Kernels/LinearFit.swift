import Glibc
import Workloads

/// Samples of either kind.
public enum TrainingSamples: Sendable {
  /// Rows of numbers.
  case dense(DenseSamples)
  /// Rows of ones.
  case sparse(SparseSamples)

  /// Features of a sample.
  public var features: Int {
    switch self {
    case .dense(let samples): samples.features
    case .sparse(let samples): samples.features
    }
  }

  /// Samples.
  public var count: Int { labels.count }

  /// A label for each sample, 0 or 1.
  public var labels: Buffer<Float> {
    switch self {
    case .dense(let samples): samples.labels
    case .sparse(let samples): samples.labels
    }
  }
}

/// A linear model: the score of a sample `x` is `x weights + bias`, and its label 1 where the score is positive.
public struct LinearFit: Sendable {
  /// A weight for each feature.
  public var weights: [Float]
  /// The constant.
  public var bias: Float

  /// A model of known weights.
  public init(weights: [Float], bias: Float) {
    self.weights = weights
    self.bias = bias
  }

  /// The scores of samples, in their order, computed by one thread.
  public func scores(_ blas: BLAS, of samples: TrainingSamples) -> [Float] {
    precondition(samples.features == weights.count, "model and samples have different features")
    var scores = [Float](repeating: bias, count: samples.count)
    weights.withUnsafeBufferPointer { w in
      scores.withUnsafeMutableBufferPointer { z in
        guard let w = w.baseAddress, let z = z.baseAddress else { return }
        switch samples {
        case .dense(let dense):
          blas.use(threads: 1)
          Float.gemv(
            blas, rows: dense.count, columns: dense.features, transposed: false, alpha: 1,
            dense.values.start, w, beta: 1, z)
        case .sparse(let sparse):
          gather(sparse, rows: 0..<sparse.count, weights: w, bias: bias, into: z)
        }
      }
    }
    return scores
  }

  /// How well this model does.
  ///
  /// - Returns: the objective on `samples` and the part of labels and the order of scores that it gets right.
  public func quality(_ blas: BLAS, of samples: TrainingSamples, objective: Objective) -> Quality {
    let scores = scores(blas, of: samples)
    let labels = samples.labels.start
    var loss = 0.0
    var right = 0
    var i = 0
    while i < scores.count {
      loss += objective.loss(score: Double(scores[i]), label: labels[i])
      right += (scores[i] > 0) == (labels[i] > 0.5) ? 1 : 0
      i += 1
    }
    let squares = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
    let count = Double(max(scores.count, 1))
    return Quality(
      loss: loss / count + objective.regularisation / 2 * squares, accuracy: Double(right) / count,
      auc: areaUnderCurve(scores: scores, labels: samples.labels.array))
  }
}

/// How well a model does on samples.
public struct Quality: Sendable, Hashable {
  /// The mean loss with its penalty.
  public let loss: Double
  /// The part of labels that the sign of the score gets right, of 0 to 1.
  public let accuracy: Double
  /// The probability that a sample of label 1 has a higher score than one of label 0; 0.5 where a label is missing.
  public let auc: Double
}

/// The area under the receiver operating characteristic, by ranks; equal scores share their mean rank.
///
/// - Returns: the probability that a random sample of label 1 scores higher than one of label 0, a tie counting half;
///   0.5 where one of the labels does not occur.
public func areaUnderCurve(scores: [Float], labels: [Float]) -> Double {
  precondition(scores.count == labels.count, "a label for each score")
  let order = scores.indices.sorted { scores[$0] < scores[$1] }
  var positives = 0.0
  var rankSum = 0.0
  var i = 0
  while i < order.count {
    var j = i
    var tied = 0.0
    while j < order.count, scores[order[j]] == scores[order[i]] {
      if labels[order[j]] > 0.5 { tied += 1 }
      j += 1
    }
    rankSum += tied * Double(i + 1 + j) / 2
    positives += tied
    i = j
  }
  let negatives = Double(order.count) - positives
  guard positives > 0, negatives > 0 else { return 0.5 }
  return (rankSum - positives * (positives + 1) / 2) / (positives * negatives)
}

/// Scores of the rows of a range of sparse samples, to `scores[0]` and on.
func gather(
  _ samples: SparseSamples, rows: Range<Int>, weights: UnsafePointer<Float>, bias: Float,
  into scores: UnsafeMutablePointer<Float>
) {
  let starts = samples.rowStarts.start
  let indices = samples.indices.start
  var row = rows.lowerBound
  while row < rows.upperBound {
    var k = Int(starts[row])
    let end = Int(starts[row + 1])
    var sum: Float = 0
    while k < end {
      sum += weights[Int(indices[k])]
      k += 1
    }
    scores[row - rows.lowerBound] = sum + bias
    row += 1
  }
}

/// Adds to `gradient` the sum over rows of the derivative of the loss by the weights, and returns that by the bias.
///
/// Rows go in blocks that stay in the cache between the two products. `scores` has room for all rows of the range.
func addDenseGradient(
  _ blas: BLAS, _ samples: DenseSamples, _ objective: Objective, rows: Range<Int>, blockRows: Int,
  weights: UnsafePointer<Float>, bias: Float, scores: UnsafeMutablePointer<Float>,
  to gradient: UnsafeMutablePointer<Float>
) -> Float {
  var biasGradient: Float = 0
  var row = rows.lowerBound
  let features = samples.features
  while row < rows.upperBound {
    let count = min(blockRows, rows.upperBound - row)
    let x = samples.values.start + row * features
    let z = scores + (row - rows.lowerBound)
    z.update(repeating: bias, count: count)
    Float.gemv(blas, rows: count, columns: features, transposed: false, alpha: 1, x, weights, beta: 1, z)
    objective.derivatives(z, labels: samples.labels.start + row, count: count)
    Float.gemv(blas, rows: count, columns: features, transposed: true, alpha: 1, x, z, beta: 1, gradient)
    var i = 0
    while i < count {
      biasGradient += z[i]
      i += 1
    }
    row += count
  }
  return biasGradient
}

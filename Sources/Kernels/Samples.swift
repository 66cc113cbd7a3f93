import Glibc
import Quantities

/// Samples with dense features: a row-major matrix and a label for each row.
public final class DenseSamples: Sendable {
  /// Features of a sample.
  public let features: Int
  /// Samples.
  public let count: Int
  /// `count` rows of `features` numbers.
  public let values: Buffer<Float>
  /// A label for each row, 0 or 1.
  public let labels: Buffer<Float>

  /// Takes rows and labels as they are; both buffers must fit the counts.
  public init(features: Int, values: Buffer<Float>, labels: Buffer<Float>) {
    precondition(features > 0 && values.count == features * labels.count, "rows and labels must agree")
    self.features = features
    self.values = values
    self.labels = labels
    count = labels.count
  }
}

/// Samples whose features are 0 or 1 and mostly 0: compressed sparse rows without values.
public final class SparseSamples: Sendable {
  /// Features that a sample can have.
  public let features: Int
  /// Samples.
  public let count: Int
  /// Where each row starts in ``indices``: `count + 1` numbers.
  public let rowStarts: Buffer<Int32>
  /// The features that are 1, row after row, each in `0..<features`.
  public let indices: Buffer<Int32>
  /// A label for each row, 0 or 1.
  public let labels: Buffer<Float>

  /// Takes rows and labels as they are; the buffers must fit each other.
  public init(features: Int, rowStarts: Buffer<Int32>, indices: Buffer<Int32>, labels: Buffer<Float>) {
    precondition(features > 0 && rowStarts.count == labels.count + 1, "rows and labels must agree")
    precondition(
      Int(rowStarts.elements[labels.count]) == indices.count, "the last row must end with the indices")
    self.features = features
    self.rowStarts = rowStarts
    self.indices = indices
    self.labels = labels
    count = labels.count
  }
}

/// Dense samples like the deep features of YFCC100M-HNfc6, with a planted logistic model.
///
/// A feature is an activation after a rectifier, scaled to [0, 1): zero with a probability of its own, else the
/// square of a uniform number, independent of the others. Activity of a feature lies between 5 % and 50 %. The
/// planted score is a weighted sum of standardised features, so nearly normal with variance 1 when there are many;
/// a label is 1 with probability `sigmoid(strength * score)`. The strength is chosen so that the best classifier
/// that there is errs with the probability ``bayesError``.
public struct PlantedDense: Sendable {
  /// Features of a sample; the data set that this imitates has 4,096.
  public let features: Int
  /// Error of the classifier that knows the model, in (0, 0.5).
  public let bayesError: Double
  /// What the random numbers start from.
  public let seed: UInt64
  /// Factor of the score in the log odds.
  public let strength: Double
  /// Weights of the features in the log odds.
  public let weights: [Float]
  /// The constant in the log odds.
  public let bias: Double

  private let thresholds: [UInt32]

  /// Plants a model.
  public init(features: Int = 4096, bayesError: Double = 0.05, seed: UInt64) {
    precondition(features > 0, "a sample needs features")
    precondition(bayesError > 0 && bayesError < 0.5, "the Bayes error lies between 0 and 0.5")
    self.features = features
    self.bayesError = bayesError
    self.seed = seed
    strength = PlantedDense.strength(bayesError: bayesError)
    var random = SplitMix64(seed: seed, stream: .max)
    var thresholds: [UInt32] = []
    var weights: [Double] = []
    var variance = 0.0
    var mean = 0.0
    for _ in 0..<features {
      // With activity q and u uniform, q u^2 has mean q/3 and second moment q/5.
      let activity = 0.05 + 0.45 * random.uniform()
      let weight = random.normal()
      thresholds.append(UInt32(activity * 0x1p24))
      weights.append(weight)
      mean += weight * activity / 3
      variance += weight * weight * (activity / 5 - activity * activity / 9)
    }
    let scale = strength / variance.squareRoot()
    self.thresholds = thresholds
    self.weights = weights.map { Float($0 * scale) }
    bias = -mean * scale
  }

  /// The factor `k` for which a normal score `s` of variance 1 has a mean of `sigmoid(-k |s|)` of `bayesError`.
  static func strength(bayesError: Double) -> Double {
    func error(_ k: Double) -> Double {
      // The midpoint rule over the half-normal density; its tail beyond 8 does not matter.
      let steps = 4000
      let width = 8.0 / Double(steps)
      var sum = 0.0
      for i in 0..<steps {
        let s = (Double(i) + 0.5) * width
        sum += exp(-s * s / 2) / (1 + exp(k * s))
      }
      return sum * width * (2 / Double.pi).squareRoot()
    }
    var low = 0.0
    var high = 1e4
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if error(middle) > bayesError { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// Generates samples; the rows of a range are the same whatever range and thread they come with.
  ///
  /// - Parameters:
  ///   - rows: numbers of the samples: training and test sets take ranges that do not meet.
  ///   - pool: threads to use.
  /// - Returns: the samples with their labels.
  public func samples(_ rows: Range<Int>, pool: WorkerPool? = nil) -> DenseSamples {
    let values = Buffer<Float>(repeating: 0, count: rows.count * features)
    let labels = Buffer<Float>(repeating: 0, count: rows.count)
    (pool ?? WorkerPool(threads: 1)).run { worker in
      for i in WorkerPool.part(worker, of: pool?.threads ?? 1, count: rows.count) {
        labels.start[i] = row(rows.lowerBound + i, into: values.start + i * features)
      }
    }
    return DenseSamples(features: features, values: values, labels: labels)
  }

  private func row(_ number: Int, into x: UnsafeMutablePointer<Float>) -> Float {
    var random = SplitMix64(seed: seed, stream: UInt64(number))
    var score = Float(bias)
    thresholds.withUnsafeBufferPointer { thresholds in
      weights.withUnsafeBufferPointer { weights in
        var j = 0
        while j < features {
          let bits = random.next()
          let u = Float(bits >> 40) * 0x1p-24
          let active = UInt32(truncatingIfNeeded: bits & 0xFF_FFFF) < thresholds[j]
          let value = active ? u * u : 0
          x[j] = value
          score += value * weights[j]
          j += 1
        }
      }
    }
    return random.uniform() < 1 / (1 + exp(-Double(score))) ? 1 : 0
  }
}

/// Sparse samples like Criteo's click logs after hashing, with a planted sparse logistic model.
///
/// A sample has one value in each field. The values of a field are skewed like Zipf's law: the value of rank r is
/// drawn with a probability near `r^-exponent`; the fields have from 10 to ``largestField`` values, evenly on
/// a logarithmic scale. Field and value are hashed together to one of ``features``. A part ``density`` of the features
/// has a weight, normal with deviation ``strength``, in the log odds; the constant is chosen on
/// a pilot sample so that a part ``positiveRate`` of the labels is 1.
public struct PlantedSparse: Sendable {
  /// Hashed features; the data set that this imitates has 1,000,000.
  public let features: Int
  /// Features that are 1 in a sample; 39 in the data set that this imitates.
  public let fields: Int
  /// The part of labels that are 1; about 0.034 in the data set that this imitates.
  public let positiveRate: Double
  /// The part of features that matter.
  public let density: Double
  /// Deviation of their weights.
  public let strength: Double
  /// Values of the largest field.
  public let largestField: Int
  /// Exponent of Zipf's law.
  public let exponent: Double
  /// What the random numbers start from.
  public let seed: UInt64
  /// The constant in the log odds.
  public private(set) var bias = 0.0

  private let cardinalities: [Double]

  /// Plants a model.
  public init(
    features: Int = 1_000_000, fields: Int = 39, positiveRate: Double = 0.03, density: Double = 0.3,
    strength: Double = 0.5, largestField: Int = 1_000_000, exponent: Double = 1.1, seed: UInt64
  ) {
    precondition(features > 0 && features <= Int(Int32.max), "indices have 32 bits")
    precondition(fields > 0 && largestField >= 10, "fields have 10 values or more")
    precondition(positiveRate > 0 && positiveRate < 1, "a rate lies between 0 and 1")
    precondition(exponent > 0 && exponent != 1, "the exponent is positive and not 1")
    self.features = features
    self.fields = fields
    self.positiveRate = positiveRate
    self.density = density
    self.strength = strength
    self.largestField = largestField
    self.exponent = exponent
    self.seed = seed
    let decades = log10(Double(largestField)) - 1
    cardinalities = (0..<fields).map { field in
      (pow(10, 1 + decades * Double(field) / Double(max(fields - 1, 1)))).rounded()
    }
    bias = interceptFor(positiveRate)
  }

  /// The weight of a feature in the log odds; 0 for those that do not matter.
  public func weight(_ feature: Int) -> Double {
    var random = SplitMix64(seed: seed ^ 0x5EED_0F_3E16_4757, stream: UInt64(feature))
    return random.uniform() < density ? strength * random.normal() : 0
  }

  /// Generates samples; the rows of a range are the same whatever range and thread they come with.
  ///
  /// - Parameters:
  ///   - rows: numbers of the samples: training and test sets take ranges that do not meet.
  ///   - pool: threads to use.
  /// - Returns: the samples with their labels.
  public func samples(_ rows: Range<Int>, pool: WorkerPool? = nil) -> SparseSamples {
    precondition(rows.count * fields <= Int(Int32.max), "rows start at 32-bit offsets")
    let indices = Buffer<Int32>(repeating: 0, count: rows.count * fields)
    let labels = Buffer<Float>(repeating: 0, count: rows.count)
    let starts = Buffer<Int32>((0...rows.count).map { Int32($0 * fields) }, zero: 0)
    (pool ?? WorkerPool(threads: 1)).run { worker in
      for i in WorkerPool.part(worker, of: pool?.threads ?? 1, count: rows.count) {
        var random = SplitMix64(seed: seed, stream: UInt64(rows.lowerBound + i))
        let score = bias + row(&random, into: indices.start + i * fields)
        labels.start[i] = random.uniform() < 1 / (1 + exp(-score)) ? 1 : 0
      }
    }
    return SparseSamples(features: features, rowStarts: starts, indices: indices, labels: labels)
  }

  /// Draws the features of a sample and returns its score without the constant.
  private func row(_ random: inout SplitMix64, into indices: UnsafeMutablePointer<Int32>) -> Double {
    var score = 0.0
    let power = 1 - exponent
    for field in 0..<fields {
      let span = pow(cardinalities[field] + 1, power) - 1
      let rank = UInt64(pow(span * random.uniform() + 1, 1 / power))
      let hash = SplitMix64.mix(UInt64(field) << 40 ^ rank &* 0x9E37_79B9_7F4A_7C15)
      let index = Int(hash.multipliedFullWidth(by: UInt64(features)).high)
      indices[field] = Int32(index)
      score += weight(index)
    }
    return score
  }

  private func interceptFor(_ rate: Double) -> Double {
    let pilot = Buffer<Int32>(repeating: 0, count: fields)
    let scores = (0..<4096).map { i in
      var random = SplitMix64(seed: seed ^ 0x5EED_0F_9110_7000, stream: UInt64(i))
      return row(&random, into: pilot.start)
    }
    var low = -50.0
    var high = 50.0
    for _ in 0..<60 {
      let middle = (low + high) / 2
      let mean = scores.reduce(0) { $0 + 1 / (1 + exp(-$1 - middle)) } / Double(scores.count)
      if mean < rate { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

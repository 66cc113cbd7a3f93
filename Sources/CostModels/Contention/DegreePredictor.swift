public import Quantities
public import Workloads
import RealModule

/// Decides at run time how many equal products to run at once: a logistic model of their shape.
///
/// GOLDYLOC (arXiv 2409.02227) puts such a predictor into the command processor of a GPU. It answers for one step at a time
/// whether so many products at once are faster, each, than half as many; the degree is the last one before the first no.
public struct DegreePredictor: Sendable {
  /// Weights of the features, the constant last.
  public let weights: [Double]
  /// Mean and spread of each feature over the shapes that it learned from.
  let scale: [(mean: Double, spread: Double)]
  /// Degrees that it may choose, from 1 on.
  public let degrees: [Double]

  /// What it looks at: sides of the product and how full one wave of so many is, as logarithms.
  static func features(_ gemm: GEMM<Double>, degree: Double, units: Double) -> [Double] {
    let tiles = gemm.m * gemm.n / 16384
    return [
      gemm.m.logarithm(), gemm.n.logarithm(), gemm.k.logarithm(), (degree * tiles / units).logarithm(),
      degree.logarithm(),
    ]
  }

  /// Learns from shapes whose best step is known, by gradient descent on the logistic loss.
  ///
  /// - Parameters:
  ///   - shapes: products.
  ///   - degrees: degrees to choose from, rising, the first of them 1.
  ///   - units: compute units of the device.
  ///   - time: time of one of so many products that run at once, in seconds.
  public init(
    learningFrom shapes: [GEMM<Double>], degrees: [Double], units: Double,
    time: (GEMM<Double>, Double) -> Double
  ) {
    self.degrees = degrees
    var samples: [(features: [Double], isBetter: Double)] = []
    for shape in shapes {
      for (lower, degree) in zip(degrees, degrees.dropFirst()) {
        let isBetter = time(shape, degree) < 0.99 * time(shape, lower)
        samples.append((Self.features(shape, degree: degree, units: units), isBetter ? 1 : 0))
      }
    }
    let count = samples.first?.features.count ?? 0
    let scale = (0..<count).map { index -> (mean: Double, spread: Double) in
      let values = samples.map { $0.features[index] }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return (mean, Double.maximum(1e-9, variance.squareRoot()))
    }
    self.scale = scale
    var weights = [Double](repeating: 0, count: count + 1)
    let scaled = samples.map { sample in
      zip(sample.features, scale).map { ($0 - $1.mean) / $1.spread } + [1]
    }
    for _ in 0..<120 {
      var gradient = [Double](repeating: 0, count: count + 1)
      for (features, sample) in zip(scaled, samples) {
        let error = Self.probability(weights, features) - sample.isBetter
        for index in gradient.indices { gradient[index] += error * features[index] }
      }
      for index in weights.indices {
        weights[index] -= 4 * gradient[index] / Double(Swift.max(1, samples.count))
      }
    }
    self.weights = weights
  }

  private static func probability(_ weights: [Double], _ features: [Double]) -> Double {
    1 / (1 + (-zip(weights, features).reduce(0) { $0 + $1.0 * $1.1 }).exponential())
  }

  /// How many of these products to run at once.
  ///
  /// - Parameters:
  ///   - gemm: the shape of each.
  ///   - units: compute units of the device.
  /// - Returns: one of ``degrees``.
  public func degree(for gemm: GEMM<Double>, units: Double) -> Double {
    var chosen = degrees.first ?? 1
    for degree in degrees.dropFirst() {
      let features = zip(Self.features(gemm, degree: degree, units: units), scale).map {
        ($0 - $1.mean) / $1.spread
      }
      guard Self.probability(weights, features + [1]) > 0.5 else { break }
      chosen = degree
    }
    return chosen
  }
}

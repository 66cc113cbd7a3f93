import Quantities

/// How much of an output's variance over a space each of its dimensions makes, alone and with all others.
///
/// Two samples A and B of independent points, and for each dimension the points of A with that dimension's place taken
/// from B: first-order indices by Saltelli's estimator (Comput. Phys. Commun. 181, 2010, table 2b), total ones by
/// Jansen's (2f). Points come from a Sobol sequence; scenarios without an answer are left out with their partners.
public struct SobolIndices: Sendable {
  /// One dimension of the space.
  public struct Index: Sendable {
    /// Its name.
    public let dimension: String
    /// Part of the variance that it makes alone.
    public let first: Double
    /// Standard error of ``first``.
    public let firstError: Double
    /// Part of the variance that is left when all others are known.
    public let total: Double
    /// Standard error of ``total``.
    public let totalError: Double
  }

  /// The fewest rows that indices are estimated from.
  public static let leastPoints = 64
  /// How often the rows are drawn again for the standard errors.
  private static let redraws = 100

  /// The output.
  public let output: SweepOutput
  /// Points of each of A and B.
  public let sampled: Int
  /// Points of A and B that have answers, they and all their partners.
  public let points: Int
  /// Whether enough rows have answers: ``leastPoints``, and at least half.
  ///
  /// Where more are missing the axes that are left no longer vary independently, which the estimators take for granted.
  public var isSound: Bool { points >= Self.leastPoints && 2 * points >= sampled }
  /// Mean of the output.
  public let mean: Double
  /// Standard deviation of the output.
  public let deviation: Double
  /// The dimensions by falling total index.
  public let indices: [Index]

  /// The indices of an output over a space.
  ///
  /// - Parameters:
  ///   - prepared: the space, with the output among those that it shows.
  ///   - name: its name.
  ///   - samples: points of each of A and B; the number of scenarios is 2 + dimensions times as large.
  ///   - seed: shifts the sequence.
  /// Nil when the space has more dimensions than the sequence supports, or the output is not shown.
  public init?(_ prepared: PreparedSweep, output name: String, samples: Int, seed: UInt64 = 1) {
    let space = prepared.sweep.space
    let count = space.dimensions.count
    guard 2 * count <= Sobol.mostDimensions,
      let column = prepared.sweep.outputs.firstIndex(where: { $0.name == name })
    else { return nil }
    let engine = SweepEngine(prepared.sweep, prepared.model, threads: 1)
    let sequence = Sobol(dimensions: 2 * count, seed: seed)
    var (a, b): ([Double], [Double]) = ([], [])
    var mixed = [[Double]](repeating: [], count: count)
    func value(_ digits: [Int]) -> Double {
      let index = zip(digits, space.strides).reduce(0) { $0 + $1.0 * $1.1 }
      return engine.scenario(index).values[column]
    }
    for point in 0..<samples {
      func digits(_ offset: Int) -> [Int] {
        (0..<count).map { dimension in
          let part = sequence.coordinate(offset + dimension, ofPoint: point)
          return Swift.min(
            Int(part * Double(space.dimensions[dimension].size)), space.dimensions[dimension].size - 1)
        }
      }
      let (first, second) = (digits(0), digits(count))
      let values = [value(first), value(second)]
      guard values.allSatisfy(\.isFinite) else { continue }
      var others: [Double] = []
      for dimension in 0..<count {
        var digits = first
        digits[dimension] = second[dimension]
        others.append(value(digits))
      }
      guard others.allSatisfy(\.isFinite) else { continue }
      a.append(values[0])
      b.append(values[1])
      for dimension in 0..<count { mixed[dimension].append(others[dimension]) }
    }
    output = prepared.sweep.outputs[column]
    sampled = samples
    points = a.count
    let rows = Rows(a: a, b: b, mixed: mixed)
    let estimate = rows.estimate(Array(a.indices))
    mean = estimate.mean
    deviation = estimate.variance.squareRoot()
    var random = SplitMix64(seed: seed)
    var again: [Estimate] = []
    if !a.isEmpty {
      for _ in 0..<Self.redraws {
        again.append(rows.estimate(a.indices.map { _ in Int(random.uniform() * Double(a.count)) }))
      }
    }
    func error(_ value: (Estimate) -> Double) -> Double {
      guard again.count > 1 else { return 0 }
      let values = again.map(value)
      let middle = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
      return (squares / Double(values.count - 1)).squareRoot()
    }
    indices = (0..<count).map { dimension in
      Index(
        dimension: space.dimensions[dimension].name, first: estimate.first[dimension],
        firstError: error { $0.first[dimension] }, total: estimate.total[dimension],
        totalError: error { $0.total[dimension] })
    }.sorted { $0.total > $1.total }
  }

  /// What rows give.
  private struct Estimate {
    var mean, variance: Double
    var first, total: [Double]
  }

  /// The output in A, in B, and in A with each dimension from B, row by row.
  private struct Rows {
    let a, b: [Double]
    let mixed: [[Double]]

    /// The estimators over some rows, each as often as it is named.
    func estimate(_ rows: [Int]) -> Estimate {
      let pairs = Double(Swift.max(1, rows.count))
      let mean = rows.reduce(0) { $0 + a[$1] + b[$1] } / (2 * pairs)
      let squares = rows.reduce(0.0) { sum, row in
        sum + (a[row] - mean) * (a[row] - mean) + (b[row] - mean) * (b[row] - mean)
      }
      let variance = squares / (2 * pairs)
      var result = Estimate(mean: mean, variance: variance, first: [], total: [])
      for others in mixed {
        var (first, total) = (0.0, 0.0)
        for row in rows {
          first += (b[row] - mean) * (others[row] - a[row])
          total += (a[row] - others[row]) * (a[row] - others[row])
        }
        result.first.append(variance > 0 ? first / pairs / variance : 0)
        result.total.append(variance > 0 ? total / (2 * pairs) / variance : 0)
      }
      return result
    }
  }
}

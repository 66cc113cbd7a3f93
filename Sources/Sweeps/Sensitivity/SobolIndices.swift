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
    /// Part of the variance that is left when all others are known.
    public let total: Double
  }

  /// The output.
  public let output: SweepOutput
  /// Points of A and B that have answers.
  public let points: Int
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
    let all = a + b
    let mean = all.reduce(0, +) / Double(Swift.max(1, all.count))
    let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(Swift.max(1, all.count))
    output = prepared.sweep.outputs[column]
    points = a.count
    self.mean = mean
    deviation = variance.squareRoot()
    let pairs = Double(Swift.max(1, a.count))
    indices = (0..<count).map { dimension in
      var (first, total) = (0.0, 0.0)
      for i in a.indices {
        let other = mixed[dimension][i]
        first += b[i] * (other - a[i])
        total += (a[i] - other) * (a[i] - other)
      }
      return Index(
        dimension: space.dimensions[dimension].name, first: variance > 0 ? first / pairs / variance : 0,
        total: variance > 0 ? total / (2 * pairs) / variance : 0)
    }.sorted { $0.total > $1.total }
  }
}

import Quantities

/// The Sobol sequence, any point by its index.
///
/// Direction numbers: Joe and Kuo, SIAM J. Sci. Comput. 30 (2008).
/// Points come in the order of Gray codes, so that the first 2^k are those of every other implementation, SciPy's among
/// them. A seed other than 0 shifts all points by an exclusive or, which keeps their even spread.
struct Sobol: Sendable {
  /// The most dimensions that there are direction numbers for.
  static let mostDimensions = table.count + 1

  private let directions: [[UInt32]]
  private let shifts: [UInt32]

  /// A sequence.
  ///
  /// - Parameters:
  ///   - dimensions: from 1 to ``mostDimensions``.
  ///   - seed: of the shift; 0 for none.
  init(dimensions: Int, seed: UInt64) {
    precondition((1...Self.mostDimensions).contains(dimensions))
    var directions = [(0..<32).map { UInt32(1) << (31 - UInt32($0)) }]
    for row in Self.table.prefix(dimensions - 1) {
      let (s, a, m) = (row.m.count, row.a, row.m)
      var v = [UInt32](repeating: 0, count: 32)
      for i in 0..<32 {
        if i < s {
          v[i] = m[i] << (31 - UInt32(i))
          continue
        }
        v[i] = v[i - s] ^ (v[i - s] >> UInt32(s))
        for k in 1..<Swift.max(s, 1) where (a >> UInt32(s - 1 - k)) & 1 == 1 { v[i] ^= v[i - k] }
      }
      directions.append(v)
    }
    self.directions = directions
    var generator = SplitMix64(seed: seed)
    shifts = directions.map { _ in seed == 0 ? 0 : UInt32(truncatingIfNeeded: generator.next() >> 32) }
  }

  /// A coordinate of a point, in [0, 1).
  func coordinate(_ dimension: Int, ofPoint index: Int) -> Double {
    var gray = UInt32(truncatingIfNeeded: index ^ (index >> 1))
    var x = shifts[dimension]
    let directions = directions[dimension]
    while gray != 0 {
      x ^= directions[gray.trailingZeroBitCount]
      gray &= gray - 1
    }
    return Double(x) * 0x1p-32
  }

  /// Coefficients of the primitive polynomials and the first direction numbers, dimensions 2 to 24.
  private static let table: [(a: UInt32, m: [UInt32])] = [
    (0, [1]), (1, [1, 3]), (1, [1, 3, 1]), (2, [1, 1, 1]), (1, [1, 1, 3, 3]), (4, [1, 3, 5, 13]),
    (2, [1, 1, 5, 5, 17]), (4, [1, 1, 5, 5, 5]), (7, [1, 1, 7, 11, 19]), (11, [1, 1, 5, 1, 1]),
    (13, [1, 1, 1, 3, 11]), (14, [1, 3, 5, 5, 31]), (1, [1, 3, 3, 9, 7, 49]), (13, [1, 1, 1, 15, 21, 21]),
    (16, [1, 3, 1, 13, 27, 49]), (19, [1, 1, 1, 15, 7, 5]), (22, [1, 3, 1, 15, 13, 25]),
    (25, [1, 1, 5, 5, 19, 61]), (1, [1, 3, 7, 11, 23, 15, 103]), (4, [1, 3, 7, 13, 13, 15, 69]),
    (7, [1, 1, 3, 13, 7, 35, 63]), (8, [1, 3, 5, 9, 1, 25, 53]), (14, [1, 3, 1, 13, 9, 35, 107]),
  ]
}

/// A Latin hypercube: every dimension cut into as many cells as there are points, one point in each.
///
/// The permutations are Feistel networks that walk on until they land inside, so that any point is known from its index
/// and nothing is held. McKay, Beckman and Conover (Technometrics 21, 1979).
struct LatinHypercube: Sendable {
  let count: Int
  let seed: UInt64
  private let halfBits: Int

  /// A design of so many points.
  init(count: Int, seed: UInt64) {
    self.count = count
    self.seed = seed
    let bits = Swift.max(2, Int.bitWidth - Swift.max(0, count - 1).leadingZeroBitCount)
    halfBits = (bits + 1) / 2
  }

  /// A coordinate of a point, in [0, 1).
  func coordinate(_ dimension: Int, ofPoint index: Int) -> Double {
    var generator = SplitMix64(seed: seed &+ UInt64(dimension), stream: UInt64(index))
    return (Double(permuted(index, dimension)) + generator.uniform()) / Double(count)
  }

  /// The cell of a point.
  func permuted(_ index: Int, _ dimension: Int) -> Int {
    let mask = UInt64(1) << UInt64(halfBits) - 1
    var value = UInt64(index)
    repeat {
      var (left, right) = (value >> UInt64(halfBits), value & mask)
      for round in 0..<4 {
        let key = SplitMix64.mix(seed &+ UInt64(dimension) &* 0x9E37_79B9 &+ UInt64(round) << 56)
        (left, right) = (right, left ^ (SplitMix64.mix(right ^ key) & mask))
      }
      value = left << UInt64(halfBits) | right
    } while value >= UInt64(count)
    return Int(value)
  }
}

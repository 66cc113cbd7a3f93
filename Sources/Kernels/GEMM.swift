import Quantities

/// The matrix product `c = a b` of `m` by `k` and `k` by `n`, row-major, by OpenBLAS.
public final class GEMM: TimedKernel {
  /// Number format of all three matrices.
  public let precision: Precision
  /// Rows of the result.
  public let m: Int
  /// Columns of the result.
  public let n: Int
  /// Length of the scalar products.
  public let k: Int
  /// Threads that OpenBLAS may use.
  public let threads: Int

  private let body: () -> Void
  private let element: (Int) -> Double

  /// Allocates the matrices and fills `a` and `b` with numbers of [-1, 1).
  public init(
    _ blas: BLAS, precision: Precision, m: Int, n: Int, k: Int, threads: Int, seed: UInt64 = 1
  ) {
    precondition(m > 0 && n > 0 && k > 0 && threads > 0, "sizes and threads are positive")
    (self.precision, self.m, self.n, self.k, self.threads) = (precision, m, n, k, threads)
    switch precision {
    case .fp32: (body, element) = GEMM.prepare(Float.self, blas, m, n, k, threads, seed)
    case .fp64: (body, element) = GEMM.prepare(Double.self, blas, m, n, k, threads, seed)
    }
  }

  private static func prepare<E: BLASElement>(
    _: E.Type, _ blas: BLAS, _ m: Int, _ n: Int, _ k: Int, _ threads: Int, _ seed: UInt64
  ) -> (() -> Void, (Int) -> Double) {
    let a = randomBuffer(of: E.self, count: m * k, seed: seed, stream: 0)
    let b = randomBuffer(of: E.self, count: k * n, seed: seed, stream: 1)
    let c = Buffer<E>(repeating: 0, count: m * n)
    return (
      {
        blas.use(threads: threads)
        E.gemm(
          blas, m: m, n: n, k: k, alpha: 1, a.start, transposeA: false, b.start, transposeB: false,
          beta: 0, c.start)
      }, { Double(c.elements[$0]) }
    )
  }

  /// `gemm fp32 MxNxK`.
  public var name: String { "gemm \(precision.rawValue) \(m)x\(n)x\(k)" }
  /// `2 m n k`: a multiplication and an addition for each term.
  public var flop: Int { 2 * m * n * k }
  /// Both factors read, the result written.
  public var bytes: Int { (m * k + k * n + m * n) * precision.bytes }
  /// The three matrices.
  public var workingSet: Int { bytes }
  /// Computes the product.
  public func run() { body() }
  /// An element of the result of the last run.
  public func result(row: Int, column: Int) -> Double { element(row * n + column) }
}

/// The product of a matrix of `rows` by `columns`, row-major, or of its transpose, with a vector, by OpenBLAS.
public final class GEMV: TimedKernel {
  /// Number format.
  public let precision: Precision
  /// Rows of the matrix as it is stored.
  public let rows: Int
  /// Columns of the matrix as it is stored.
  public let columns: Int
  /// Whether its transpose is multiplied.
  public let transposed: Bool
  /// Threads that OpenBLAS may use.
  public let threads: Int

  private let body: () -> Void
  private let element: (Int) -> Double

  /// Allocates and fills the matrix and the vector with numbers of [-1, 1).
  public init(
    _ blas: BLAS, precision: Precision, rows: Int, columns: Int, transposed: Bool = false, threads: Int,
    seed: UInt64 = 1
  ) {
    precondition(rows > 0 && columns > 0 && threads > 0, "sizes and threads are positive")
    (self.precision, self.rows, self.columns) = (precision, rows, columns)
    (self.transposed, self.threads) = (transposed, threads)
    switch precision {
    case .fp32: (body, element) = GEMV.prepare(Float.self, blas, rows, columns, transposed, threads, seed)
    case .fp64: (body, element) = GEMV.prepare(Double.self, blas, rows, columns, transposed, threads, seed)
    }
  }

  private static func prepare<E: BLASElement>(
    _: E.Type, _ blas: BLAS, _ rows: Int, _ columns: Int, _ transposed: Bool, _ threads: Int, _ seed: UInt64
  ) -> (() -> Void, (Int) -> Double) {
    let a = randomBuffer(of: E.self, count: rows * columns, seed: seed, stream: 0)
    let x = randomBuffer(of: E.self, count: transposed ? rows : columns, seed: seed, stream: 1)
    let y = Buffer<E>(repeating: 0, count: transposed ? columns : rows)
    return (
      {
        blas.use(threads: threads)
        E.gemv(
          blas, rows: rows, columns: columns, transposed: transposed, alpha: 1, a.start, x.start, beta: 0,
          y.start)
      }, { Double(y.elements[$0]) }
    )
  }

  /// `gemv fp32 ROWSxCOLUMNS`, with `t` where the transpose is multiplied.
  public var name: String { "gemv\(transposed ? "t" : "") \(precision.rawValue) \(rows)x\(columns)" }
  /// `2 rows columns`.
  public var flop: Int { 2 * rows * columns }
  /// The matrix and one vector read, the other written.
  public var bytes: Int { (rows * columns + rows + columns) * precision.bytes }
  /// The matrix and both vectors.
  public var workingSet: Int { bytes }
  /// Computes the product.
  public func run() { body() }
  /// An element of the result of the last run.
  public func result(_ index: Int) -> Double { element(index) }
}

/// Numbers of [-1, 1), the same for the same seed and stream.
func randomBuffer<E: BLASElement>(of _: E.Type, count: Int, seed: UInt64, stream: UInt64) -> Buffer<E> {
  let buffer = Buffer<E>(repeating: 0, count: count)
  var random = SplitMix64(seed: seed, stream: stream)
  let start = buffer.start
  var i = 0
  while i < count {
    start[i] = E(2 * random.uniform() - 1)
    i += 1
  }
  return buffer
}

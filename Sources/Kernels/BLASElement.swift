import COpenBLAS

/// A number type that OpenBLAS computes with: `Float` (FP32) and `Double` (FP64).
public protocol BLASElement: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  /// The name in the field's terms: `fp32`, `fp64`.
  static var precision: String { get }

  /// `c = alpha a b + beta c`, with `a` of `m` by `k`, `b` of `k` by `n` and `c` of `m` by `n`, row-major.
  ///
  /// With `transposeA` the memory of `a` holds its transpose, `k` by `m`; `transposeB` likewise, `n` by `k`.
  static func gemm(
    _ blas: BLAS, m: Int, n: Int, k: Int, alpha: Self, _ a: UnsafePointer<Self>, transposeA: Bool,
    _ b: UnsafePointer<Self>, transposeB: Bool, beta: Self, _ c: UnsafeMutablePointer<Self>)

  /// `y = alpha a x + beta y`, or with `a` transposed, for a row-major `a` of `rows` by `columns`.
  static func gemv(
    _ blas: BLAS, rows: Int, columns: Int, transposed: Bool, alpha: Self, _ a: UnsafePointer<Self>,
    _ x: UnsafePointer<Self>, beta: Self, _ y: UnsafeMutablePointer<Self>)

  /// The scalar product of two vectors of `count` elements.
  static func dot(_ blas: BLAS, count: Int, _ x: UnsafePointer<Self>, _ y: UnsafePointer<Self>) -> Self

  /// `y += alpha x` for vectors of `count` elements.
  static func axpy(
    _ blas: BLAS, count: Int, alpha: Self, _ x: UnsafePointer<Self>, _ y: UnsafeMutablePointer<Self>)
}

extension Float: BLASElement {
  /// FP32.
  public static var precision: String { "fp32" }

  /// `c = alpha a b + beta c`, by `sgemm`.
  public static func gemm(
    _ blas: BLAS, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, transposeA: Bool,
    _ b: UnsafePointer<Float>, transposeB: Bool, beta: Float, _ c: UnsafeMutablePointer<Float>
  ) {
    blas.functions.sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      CInt(m), CInt(n), CInt(k), alpha, a, CInt(max(transposeA ? m : k, 1)), b,
      CInt(max(transposeB ? k : n, 1)), beta, c, CInt(max(n, 1)))
  }

  /// `y = alpha a x + beta y`, by `sgemv`.
  public static func gemv(
    _ blas: BLAS, rows: Int, columns: Int, transposed: Bool, alpha: Float, _ a: UnsafePointer<Float>,
    _ x: UnsafePointer<Float>, beta: Float, _ y: UnsafeMutablePointer<Float>
  ) {
    blas.functions.sgemv(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CInt(rows), CInt(columns), alpha, a,
      CInt(max(columns, 1)), x, 1, beta, y, 1)
  }

  /// The scalar product, by `sdot`.
  public static func dot(
    _ blas: BLAS, count: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>
  ) -> Float {
    blas.functions.sdot(CInt(count), x, 1, y, 1)
  }

  /// `y += alpha x`, by `saxpy`.
  public static func axpy(
    _ blas: BLAS, count: Int, alpha: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    blas.functions.saxpy(CInt(count), alpha, x, 1, y, 1)
  }

  /// `x *= alpha` for a vector of `count` elements, by `sscal`.
  public static func scale(_ blas: BLAS, count: Int, alpha: Float, _ x: UnsafeMutablePointer<Float>) {
    blas.functions.sscal(CInt(count), alpha, x, 1)
  }

  /// The Euclidean norm of a vector of `count` elements, by `snrm2`.
  public static func norm(_ blas: BLAS, count: Int, _ x: UnsafePointer<Float>) -> Float {
    blas.functions.snrm2(CInt(count), x, 1)
  }
}

extension Double: BLASElement {
  /// FP64.
  public static var precision: String { "fp64" }

  /// `c = alpha a b + beta c`, by `dgemm`.
  public static func gemm(
    _ blas: BLAS, m: Int, n: Int, k: Int, alpha: Double, _ a: UnsafePointer<Double>, transposeA: Bool,
    _ b: UnsafePointer<Double>, transposeB: Bool, beta: Double, _ c: UnsafeMutablePointer<Double>
  ) {
    blas.functions.dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      CInt(m), CInt(n), CInt(k), alpha, a, CInt(max(transposeA ? m : k, 1)), b,
      CInt(max(transposeB ? k : n, 1)), beta, c, CInt(max(n, 1)))
  }

  /// `y = alpha a x + beta y`, by `dgemv`.
  public static func gemv(
    _ blas: BLAS, rows: Int, columns: Int, transposed: Bool, alpha: Double, _ a: UnsafePointer<Double>,
    _ x: UnsafePointer<Double>, beta: Double, _ y: UnsafeMutablePointer<Double>
  ) {
    blas.functions.dgemv(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CInt(rows), CInt(columns), alpha, a,
      CInt(max(columns, 1)), x, 1, beta, y, 1)
  }

  /// The scalar product, by `ddot`.
  public static func dot(
    _ blas: BLAS, count: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>
  ) -> Double {
    blas.functions.ddot(CInt(count), x, 1, y, 1)
  }

  /// `y += alpha x`, by `daxpy`.
  public static func axpy(
    _ blas: BLAS, count: Int, alpha: Double, _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>
  ) {
    blas.functions.daxpy(CInt(count), alpha, x, 1, y, 1)
  }
}

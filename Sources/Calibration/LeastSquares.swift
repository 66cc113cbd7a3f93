import CMinpack
import Quantities

/// The result of a nonlinear least-squares fit.
public struct LeastSquaresFit: Sendable {
  /// The parameters at the minimum.
  public let parameters: [Double]
  /// Their covariance, scaled by the residual variance; zero rows for those that the data do not determine.
  public let covariance: [[Double]]
  /// Sum of squared residuals at the minimum.
  public let sumOfSquares: Double
  /// Observations minus parameters.
  public let degreesOfFreedom: Int
}

/// Why a fit could not be done.
public enum FitError: Error, Equatable, CustomStringConvertible {
  /// Fewer observations than parameters.
  case underdetermined(observations: Int, parameters: Int)
  /// The iteration did not settle; holds MINPACK's code.
  case notConverged(Int)
  /// A residual was not finite.
  case notFinite

  /// The reason in words.
  public var description: String {
    switch self {
    case .underdetermined(let observations, let parameters):
      "\(observations) rows cannot determine \(parameters) constants"
    case .notConverged(let code): "the fit did not converge (MINPACK code \(code))"
    case .notFinite: "the model gave a time that is not finite"
    }
  }
}

private final class ResidualContext {
  let body: (UnsafeBufferPointer<Double>, UnsafeMutableBufferPointer<Double>) -> Bool
  init(_ body: @escaping (UnsafeBufferPointer<Double>, UnsafeMutableBufferPointer<Double>) -> Bool) {
    self.body = body
  }
}

/// Minimises a sum of squares by Levenberg and Marquardt's method (MINPACK's `lmdif`, through cminpack).
///
/// - Parameters:
///   - count: how many residuals there are.
///   - initial: the starting point.
///   - residuals: fills the residuals at a point; returns false when one is not finite.
/// - Throws: ``FitError``.
/// - Returns: the minimum with the covariance of the parameters.
public func leastSquares(
  count: Int, initial: [Double],
  residuals: (UnsafeBufferPointer<Double>, UnsafeMutableBufferPointer<Double>) -> Bool
) throws(FitError) -> LeastSquaresFit {
  let n = initial.count
  guard count >= n else { throw .underdetermined(observations: count, parameters: n) }
  var x = initial
  var f = [Double](repeating: 0, count: count)
  var jacobian = [Double](repeating: 0, count: count * n)
  var scale = [Double](repeating: 1, count: n)
  var pivot = [Int32](repeating: 0, count: n)
  var evaluations: Int32 = 0
  var w1 = scale, w2 = scale, w3 = scale, qtf = scale, w4 = f
  let info = withoutActuallyEscaping(residuals) { body in
    let context = ResidualContext(body)
    return withExtendedLifetime(context) {
      lmdif(
        { pointer, m, n, x, f, _ in
          guard let pointer, let x, let f else { return -1 }
          let context = Unmanaged<ResidualContext>.fromOpaque(pointer).takeUnretainedValue()
          let finite = context.body(.init(start: x, count: Int(n)), .init(start: f, count: Int(m)))
          return finite ? 0 : -1
        }, Unmanaged.passUnretained(context).toOpaque(), Int32(count), Int32(n), &x, &f, 1e-9, 1e-9, 0,
        Int32(200 * (n + 1)), 1e-10, &scale, 1, 10, 0, &evaluations, &jacobian, Int32(count), &pivot,
        &qtf, &w1, &w2, &w3, &w4)
    }
  }
  guard info >= 0 else { throw .notFinite }
  // 5 is the limit on evaluations: the point is near a flat minimum, and good enough to judge.
  guard (1...8).contains(info) else { throw .notConverged(Int(info)) }
  let sum = f.reduce(0) { $0 + $1 * $1 }
  covar1(Int32(count), Int32(n), sum, &jacobian, Int32(count), &pivot, 1e-12, &w1)
  let covariance = (0..<n).map { i in (0..<n).map { j in jacobian[i + j * count] } }
  return LeastSquaresFit(
    parameters: x, covariance: covariance, sumOfSquares: sum, degreesOfFreedom: count - n)
}

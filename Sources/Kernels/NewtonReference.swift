import Workloads

/// The optimum of a regularised linear model, by damped Newton steps on all samples in FP64.
///
/// Every step solves the normal equations of the local quadratic model with LAPACK's `dposv` and halves it until
/// the objective falls enough (Armijo's rule). Meant for 256 to 1,024 features: the Hessian has
/// `(features + 1)^2` numbers and a step costs `samples features^2` multiplications.
///
/// The hinge of a support vector machine is smoothed: within `smoothing` of the margin its loss is quadratic, which
/// raises no loss and lowers none by more than `smoothing / 2` times the class weight.
public struct NewtonReference: Sendable {
  /// The model at the optimum, in FP64, the bias last.
  public let parameters: [Double]
  /// Its objective, with the smoothed hinge.
  public let objective: Double
  /// The Euclidean norm of the gradient there.
  public let gradientNorm: Double
  /// Steps taken.
  public let steps: Int

  /// The model in FP32.
  public var fit: LinearFit {
    LinearFit(weights: parameters.dropLast().map { Float($0) }, bias: Float(parameters.last ?? 0))
  }

  /// Why there is no optimum.
  public enum NewtonError: Error, Equatable, CustomStringConvertible {
    /// The Hessian cannot be factored; without regularisation a feature may not vary.
    case singular(BLAS.SolveError)
    /// The gradient is still larger than the tolerance after the steps that were allowed.
    case notConverged(gradientNorm: Double, steps: Int)

    /// The reason in words.
    public var description: String {
      switch self {
      case .singular(let error): "Newton's equations have no solution: \(error); add regularisation"
      case .notConverged(let norm, let steps):
        "Newton's method has a gradient of \(norm) after \(steps) steps"
      }
    }
  }

  /// Finds the optimum.
  ///
  /// - Parameters:
  ///   - blas: the library.
  ///   - samples: all samples; sparse ones are written out densely, 8 bytes a feature.
  ///   - objective: what is minimised.
  ///   - smoothing: half-open width of the quadratic part of the hinge, more than 0.
  ///   - tolerance: the gradient norm to reach.
  ///   - maximumSteps: when to give up.
  ///   - threads: threads that OpenBLAS may use.
  /// - Throws: ``NewtonError``.
  public init(
    _ blas: BLAS, samples: TrainingSamples, objective: Objective, smoothing: Double = 0.01,
    tolerance: Double = 1e-8, maximumSteps: Int = 200, threads: Int = 1
  ) throws(NewtonError) {
    precondition(smoothing > 0 && samples.count > 0, "a smooth objective over samples")
    blas.use(threads: threads)
    var problem = NewtonProblem(blas, samples, objective, smoothing)
    var x = [Double](repeating: 0, count: problem.width)
    var value = problem.evaluate(x)
    var taken = 0
    while true {
      let gradient = problem.gradient(x)
      let norm = Double.dot(blas, count: gradient.count, gradient, gradient).squareRoot()
      if norm <= tolerance {
        parameters = x
        self.objective = value
        gradientNorm = norm
        steps = taken
        return
      }
      guard taken < maximumSteps else { throw .notConverged(gradientNorm: norm, steps: taken) }
      var hessian = problem.hessian()
      var direction = gradient
      do {
        try blas.solvePositiveDefinite(&hessian, &direction)
      } catch {
        throw .singular(error)
      }
      let slope = Double.dot(blas, count: gradient.count, gradient, direction)
      var length = 1.0
      while true {
        let trial = zip(x, direction).map { $0 - length * $1 }
        let trialValue = problem.evaluate(trial)
        if trialValue <= value - 1e-4 * length * slope || length < 0x1p-40 {
          (x, value) = (trial, trialValue)
          break
        }
        length /= 2
      }
      taken += 1
    }
  }
}

/// The smooth objective, its gradient and its Hessian, where it was evaluated last.
private struct NewtonProblem {
  let blas: BLAS
  let objective: Objective
  let smoothing: Double
  let rows: Int
  /// Parameters: features and bias.
  let width: Int
  /// Rows of the features and a 1.
  let matrix: Buffer<Double>
  let scaled: Buffer<Double>
  let labels: Buffer<Float>
  private let slopes: Buffer<Double>
  private let curvatures: Buffer<Double>

  init(_ blas: BLAS, _ samples: TrainingSamples, _ objective: Objective, _ smoothing: Double) {
    self.blas = blas
    self.objective = objective
    self.smoothing = smoothing
    rows = samples.count
    width = samples.features + 1
    labels = samples.labels
    matrix = Buffer(repeating: 0, count: rows * width)
    scaled = Buffer(repeating: 0, count: rows * width)
    slopes = Buffer(repeating: 0, count: rows)
    curvatures = Buffer(repeating: 0, count: rows)
    let start = matrix.start
    var row = 0
    while row < rows {
      let target = start + row * width
      switch samples {
      case .dense(let dense):
        let source = dense.values.start + row * dense.features
        var j = 0
        while j < dense.features {
          target[j] = Double(source[j])
          j += 1
        }
      case .sparse(let sparse):
        var k = Int(sparse.rowStarts.start[row])
        while k < Int(sparse.rowStarts.start[row + 1]) {
          target[Int(sparse.indices.start[k])] += 1
          k += 1
        }
      }
      target[width - 1] = 1
      row += 1
    }
  }

  /// The objective; keeps the derivatives of each sample's loss.
  mutating func evaluate(_ x: [Double]) -> Double {
    let scores = slopes.start
    Double.gemv(
      blas, rows: rows, columns: width, transposed: false, alpha: 1, matrix.start, x, beta: 0, scores)
    var sum = 0.0
    let count = Double(rows)
    var i = 0
    while i < rows {
      let (loss, slope, curvature) = derivatives(scores[i], labels.start[i])
      sum += loss
      slopes.start[i] = slope / count
      curvatures.start[i] = curvature / count
      i += 1
    }
    let squares = x.dropLast().reduce(0) { $0 + $1 * $1 }
    return sum / count + objective.regularisation / 2 * squares
  }

  private func derivatives(_ z: Double, _ label: Float) -> (Double, Double, Double) {
    let weight = objective.weight(label)
    switch objective.model {
    case .logisticRegression:
      let slope = objective.derivative(score: z, label: label)
      let p = slope / weight + Double(label)
      return (objective.loss(score: z, label: label), slope, weight * p * (1 - p))
    case .supportVectorMachine:
      let y = label > 0.5 ? 1.0 : -1.0
      let short = objective.margin - y * z
      if short <= 0 { return (0, 0, 0) }
      if short >= smoothing { return (weight * (short - smoothing / 2), -y * weight, 0) }
      return (
        weight * short * short / (2 * smoothing), -y * weight * short / smoothing, weight / smoothing
      )
    }
  }

  func gradient(_ x: [Double]) -> [Double] {
    var gradient = x.map { objective.regularisation * $0 }
    gradient[width - 1] = 0
    Double.gemv(
      blas, rows: rows, columns: width, transposed: true, alpha: 1, matrix.start, slopes.start, beta: 1,
      &gradient)
    return gradient
  }

  /// `X^T D X`, the penalty on the diagonal, and a little for the bias, whose curvature may be 0.
  func hessian() -> [Double] {
    var row = 0
    var used = 0
    while row < rows {
      // Rows without curvature (far from the hinge) are left out.
      if curvatures.start[row] > 0 {
        let root = curvatures.start[row].squareRoot()
        let source = matrix.start + row * width
        let target = scaled.start + used * width
        target.update(repeating: 0, count: width)
        Double.axpy(blas, count: width, alpha: root, source, target)
        used += 1
      }
      row += 1
    }
    var hessian = [Double](repeating: 0, count: width * width)
    if used > 0 {
      Double.gemm(
        blas, m: width, n: width, k: used, alpha: 1, scaled.start, transposeA: true, scaled.start,
        transposeB: false, beta: 0, &hessian)
    }
    for j in 0..<(width - 1) { hessian[j * width + j] += objective.regularisation }
    hessian[width * width - 1] += 1e-9
    return hessian
  }
}

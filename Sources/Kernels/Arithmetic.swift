import Glibc
import Workloads

/// The arithmetic of a training run: what a worker and the host compute, in one number form on one kind of samples.
///
/// A model, a gradient and a pull are vectors of `features + 1` values, the bias last.
protocol Arithmetic: Sendable {
  /// What vectors hold.
  associatedtype Value: BitwiseCopyable & Sendable & AdditiveArithmetic

  /// Weights without the bias.
  var features: Int { get }

  /// The sum over rows of the derivatives of the loss by the model; in fixed point times the rate.
  func gradient(
    rows: Range<Int>, model: UnsafePointer<Value>, scores: UnsafeMutablePointer<Float>,
    into gradient: UnsafeMutablePointer<Value>)

  /// Steps the parameters of a range by a gradient that was summed over `batch` samples; with a pull for ADMM.
  func step(
    _ range: Range<Int>, of model: UnsafeMutablePointer<Value>, gradient: UnsafePointer<Value>, batch: Int,
    pull: UnsafePointer<Value>?)

  /// A sum over workers divided by their number.
  func mean(_ sum: Value, of count: Int) -> Value

  /// The value of a parameter as it fits in what is sent.
  func limited(_ value: Value, at parameter: Int) -> Value

  /// The model in FP32.
  func decoded(_ model: UnsafePointer<Value>) -> LinearFit
}

/// FP32 on dense or sparse samples.
struct FloatArithmetic: Arithmetic {
  let blas: BLAS
  let samples: TrainingSamples
  let objective: Objective
  let rate: Float
  let penalty: Float
  let pullsBias: Bool

  init(_ blas: BLAS, _ samples: TrainingSamples, _ objective: Objective, _ parameters: Hyperparameters) {
    self.blas = blas
    self.samples = samples
    self.objective = objective
    rate = Float(parameters.rate)
    penalty = Float(parameters.penalty ?? 0)
    if case .sparse = samples { pullsBias = true } else { pullsBias = false }
  }

  var features: Int { samples.features }

  func gradient(
    rows: Range<Int>, model: UnsafePointer<Float>, scores: UnsafeMutablePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    gradient.update(repeating: 0, count: features + 1)
    switch samples {
    case .dense(let dense):
      gradient[features] = addDenseGradient(
        blas, dense, objective, rows: rows, blockRows: max(1, (256 << 10) / (4 * features)), weights: model,
        bias: model[features], scores: scores, to: gradient)
    case .sparse(let sparse):
      gather(sparse, rows: rows, weights: model, bias: model[features], into: scores)
      objective.derivatives(scores, labels: sparse.labels.start + rows.lowerBound, count: rows.count)
      let starts = sparse.rowStarts.start
      let indices = sparse.indices.start
      var row = rows.lowerBound
      var biasGradient: Float = 0
      while row < rows.upperBound {
        let change = scores[row - rows.lowerBound]
        biasGradient += change
        var k = Int(starts[row])
        let end = Int(starts[row + 1])
        while k < end {
          gradient[Int(indices[k])] += change
          k += 1
        }
        row += 1
      }
      gradient[features] = biasGradient
    }
  }

  func step(
    _ range: Range<Int>, of model: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, batch: Int,
    pull: UnsafePointer<Float>?
  ) {
    let scale = rate / Float(batch)
    let shrink = rate * Float(objective.regularisation)
    let spring = rate * penalty
    let end = min(range.upperBound, features)
    var j = range.lowerBound
    if let pull {
      while j < end {
        model[j] -= scale * gradient[j] + shrink * model[j] + spring * (model[j] + pull[j])
        j += 1
      }
    } else {
      while j < end {
        model[j] -= scale * gradient[j] + shrink * model[j]
        j += 1
      }
    }
    guard range.contains(features) else { return }
    let force = pullsBias ? pull.map { spring * (model[features] + $0[features]) } ?? 0 : 0
    model[features] -= scale * gradient[features] + force
  }

  func mean(_ sum: Float, of count: Int) -> Float { sum / Float(count) }

  func limited(_ value: Float, at parameter: Int) -> Float { value }

  func decoded(_ model: UnsafePointer<Float>) -> LinearFit {
    LinearFit(
      weights: Array(UnsafeBufferPointer(start: model, count: features)), bias: model[features])
  }
}

/// Fixed point as on the DPUs: samples uint32 in Q0.31, weights int32 in Q0.31 that saturate, sums in int64.
///
/// Multiplications by the rate, the regularisation, the penalty and `1/b` are arithmetic shifts to the right. A shift
/// leaves -1 of every small negative number; the kernels replace that by 0, so that nothing drifts. Values here
/// are held in 64-bit words and limited to 32 where the DPU's are: weights, dense gradients, and pulls. The bias of
/// a dense model has 64 bits there as well.
///
/// Source: kernel_op_counts.csv and pim-opt.md, section 4, from PIM-Opt repository @bbc8313.
struct FixedArithmetic: Arithmetic {
  enum Store: Sendable {
    case dense(Buffer<UInt32>)
    case sparse(SparseSamples)
  }

  static let unit: Int64 = 1 << 31

  let store: Store
  let labels: Buffer<Float>
  let features: Int
  let model: LinearModel
  let margin: Int64
  let shifts: Shifts
  let table: ExponentialTable

  /// The factors of a run as shifts to the right, and class weights in halves.
  struct Shifts: Sendable {
    let rate: Int64
    let regularisation: Int64?
    let penalty: Int64
    let negativeWeight: Int64
    let positiveWeight: Int64

    init(_ objective: Objective, _ parameters: Hyperparameters) throws(DistributedPlan.PlanError) {
      func shift(_ what: String, _ value: Double) throws(DistributedPlan.PlanError) -> Int64 {
        guard value > 0x1p-31, value <= 1, value.significand == 1 else { throw .notPowerOfTwo(what, value) }
        return Int64(-value.exponent)
      }
      func halves(_ weight: Double) throws(DistributedPlan.PlanError) -> Int64 {
        guard weight <= 1024, (2 * weight).rounded() == 2 * weight else { throw .notHalves(weight) }
        return Int64(2 * weight)
      }
      rate = try shift("learning rate", parameters.rate)
      regularisation =
        objective.regularisation == 0
        ? nil : try shift("regularisation", objective.regularisation) + rate
      penalty = try shift("penalty", parameters.penalty ?? 1) + rate
      if parameters.batch & (parameters.batch - 1) != 0 {
        throw .notPowerOfTwo("batch", Double(parameters.batch))
      }
      negativeWeight = try halves(objective.negativeWeight)
      positiveWeight = try halves(objective.positiveWeight)
    }
  }

  init(_ samples: TrainingSamples, _ objective: Objective, _ shifts: Shifts) {
    features = samples.features
    labels = samples.labels
    switch samples {
    case .dense(let dense): store = .dense(FixedArithmetic.quantised(dense.values))
    case .sparse(let sparse): store = .sparse(sparse)
    }
    model = objective.model
    margin = Int64((objective.margin * Double(FixedArithmetic.unit)).rounded())
    self.shifts = shifts
    table = ExponentialTable.shared
  }

  /// Numbers of [0, 1] in Q0.31, to the nearest; what lies outside is set to the nearer end.
  static func quantised(_ values: Buffer<Float>) -> Buffer<UInt32> {
    let result = Buffer<UInt32>(repeating: 0, count: values.count)
    let source = values.start
    let target = result.start
    var i = 0
    while i < values.count {
      let value = min(max(source[i], 0), 1)
      target[i] = UInt32(Double(value) * 0x1p31 + 0.5)
      i += 1
    }
    return result
  }

  /// The int32 that is nearest to a number.
  @inline(__always)
  static func saturated(_ value: Int64) -> Int64 {
    value > Int64(Int32.max) ? Int64(Int32.max) : value < Int64(Int32.min) ? Int64(Int32.min) : value
  }

  /// `value >> shift`, with 0 for -1.
  @inline(__always)
  static func shifted(_ value: Int64, _ shift: Int64) -> Int64 {
    let result = value >> shift
    return result == -1 ? 0 : result
  }

  /// The derivative of the loss by the score, without the class weight, in Q31; nil where it is 0 by the margin.
  private func residual(_ score: Int64, positive: Bool) -> Int64? {
    switch model {
    case .logisticRegression:
      let probability = table.sigmoid(Float(score) / 0x1p31)
      return Int64(probability * 0x1p31) - (positive ? FixedArithmetic.unit : 0)
    case .supportVectorMachine:
      guard (positive ? score : -score) < margin else { return nil }
      return positive ? -FixedArithmetic.unit : FixedArithmetic.unit
    }
  }

  func gradient(
    rows: Range<Int>, model weights: UnsafePointer<Int64>, scores: UnsafeMutablePointer<Float>,
    into gradient: UnsafeMutablePointer<Int64>
  ) {
    gradient.update(repeating: 0, count: features + 1)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let positive = labels.start[row] > 0.5
      let weight = positive ? shifts.positiveWeight : shifts.negativeWeight
      switch store {
      case .dense(let values):
        let x = values.start + row * features
        var score = weights[features]
        var j = 0
        while j < features {
          score &+= (Int64(x[j]) &* weights[j]) &>> 31
          j += 1
        }
        if let r = residual(score, positive: positive) {
          addDense(x, r, weight, to: gradient)
        }
      case .sparse(let samples):
        let first = Int(samples.rowStarts.start[row])
        let end = Int(samples.rowStarts.start[row + 1])
        let indices = samples.indices.start
        var score = weights[features]
        var k = first
        while k < end {
          score &+= weights[Int(indices[k])]
          k += 1
        }
        if let r = residual(score, positive: positive) {
          let change = FixedArithmetic.shifted((r &* weight) &>> 1, shifts.rate)
          k = first
          while k < end {
            gradient[Int(indices[k])] &+= change
            k += 1
          }
          gradient[features] &+= change
        }
      }
      row += 1
    }
  }

  private func addDense(
    _ x: UnsafePointer<UInt32>, _ r: Int64, _ weight: Int64, to gradient: UnsafeMutablePointer<Int64>
  ) {
    let shift = shifts.rate
    var j = 0
    while j < features {
      let product = (Int64(x[j]) &* r) &>> 31
      let raw = ((product &* weight) &>> 1) &>> shift
      let change = raw == -1 ? 0 : raw
      let sum = gradient[j] &+ change
      gradient[j] =
        sum > Int64(Int32.max) ? Int64(Int32.max) : sum < Int64(Int32.min) ? Int64(Int32.min) : sum
      j += 1
    }
    gradient[features] &+= FixedArithmetic.shifted((r &* weight) &>> 1, shift)
  }

  func step(
    _ range: Range<Int>, of model: UnsafeMutablePointer<Int64>, gradient: UnsafePointer<Int64>, batch: Int,
    pull: UnsafePointer<Int64>?
  ) {
    let batchShift = Int64(batch.trailingZeroBitCount)
    let end = min(range.upperBound, features)
    var j = range.lowerBound
    while j < end {
      var value = model[j] &- FixedArithmetic.shifted(gradient[j], batchShift)
      if let shift = shifts.regularisation { value &-= FixedArithmetic.shifted(model[j], shift) }
      if let pull { value &-= FixedArithmetic.shifted(model[j] &+ pull[j], shifts.penalty) }
      model[j] = FixedArithmetic.saturated(value)
      j += 1
    }
    guard range.contains(features) else { return }
    var bias = model[features] &- FixedArithmetic.shifted(gradient[features], batchShift)
    switch store {
    case .dense: break
    case .sparse:
      if let pull { bias &-= FixedArithmetic.shifted(model[features] &+ pull[features], shifts.penalty) }
      bias = FixedArithmetic.saturated(bias)
    }
    model[features] = bias
  }

  func mean(_ sum: Int64, of count: Int) -> Int64 { sum / Int64(count) }

  func limited(_ value: Int64, at parameter: Int) -> Int64 {
    if case .dense = store, parameter == features { return value }
    return FixedArithmetic.saturated(value)
  }

  func decoded(_ model: UnsafePointer<Int64>) -> LinearFit {
    LinearFit(
      weights: (0..<features).map { Float(Double(model[$0]) * 0x1p-31) },
      bias: Float(Double(model[features]) * 0x1p-31))
  }
}

/// The exponential function from a table, as PIM-Opt's kernels have it from TransPimLib.
///
/// `e^x = 2^k e^r` with `r` of `[0, ln 2)` looked up among `2^bits` FP32 numbers, the entry below `r`; the relative
/// error is below `ln 2 / 2^bits` and that of FP32.
public struct ExponentialTable: Sendable {
  /// The logarithm to base 2 of the number of entries; PIM-Opt has 20 (4 MiB), in two of its directories 19.
  public let bits: Int
  private let entries: Buffer<Float>

  /// PIM-Opt's table of 2^20 entries.
  public static let shared = ExponentialTable(bits: 20)

  /// Fills a table.
  public init(bits: Int) {
    precondition((1...24).contains(bits), "a table has 2 to 2^24 entries")
    self.bits = bits
    let count = 1 << bits
    entries = Buffer(repeating: 1, count: count)
    // Products of a coarse and a fine factor: one exponential for each of the 2^(bits/2) of them.
    let fineBits = bits / 2
    let step = log(2.0) / Double(count)
    let fine = (0..<(1 << fineBits)).map { exp(Double($0) * step) }
    let start = entries.start
    fine.withUnsafeBufferPointer { fine in
      var i = 0
      while i < count {
        let coarse = exp(Double(i) * step)
        var j = 0
        while j < fine.count {
          start[i + j] = Float(coarse * fine[j])
          j += 1
        }
        i += fine.count
      }
    }
  }

  /// `e^x`; 0 below -87 and that of 88 above it.
  public func exponential(_ x: Float) -> Float {
    guard x > -87 else { return 0 }
    let scaled = min(Double(x), 88) * 1.4426950408889634
    let whole = scaled.rounded(.down)
    let index = Int((scaled - whole) * Double(entries.count))
    return Float(sign: .plus, exponent: Int(whole), significand: entries.start[min(index, entries.count - 1)])
  }

  /// `1 / (1 + e^-x)`: the exponential from the table, the addition and the division in FP64.
  public func sigmoid(_ x: Float) -> Double { 1 / (1 + Double(exponential(-x))) }
}

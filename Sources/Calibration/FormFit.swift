public import CostModels
import Quantities
import RealModule

/// A measured time of something whose time a form predicts.
public struct Observation<Subject: Sendable>: Sendable {
  /// What was measured.
  public let subject: Subject
  /// Its measured time, in seconds.
  public let seconds: Double
  /// How much work it is, in FLOP or bytes: the calibration records the range that it saw.
  public let work: Double

  /// A measured time.
  public init(_ subject: Subject, seconds: Double, work: Double) {
    self.subject = subject
    self.seconds = seconds
    self.work = work
  }
}

/// How a fit treats its rows.
public struct FitOptions: Sendable {
  /// Residuals of the logarithm beyond this count linearly instead of squared, so that an outlier cannot rule.
  public var outlierScale = 0.1
  /// Weight of the plausible range: its quarter width in logarithms counts as one standard deviation, and the
  /// data as having this one.
  public var dataScale = 0.08
  /// Further starting points of the search; the lowest minimum is kept.
  public var restarts = 0
  /// Further points to begin from, in the constants' order; the lowest minimum is kept.
  public var furtherStarts: [[Double]] = []

  /// The default treatment.
  public init() {}
}

/// Fits the constants of a form to measured times.
///
/// The residuals are logarithms of predicted over measured time, so a microsecond counts as much as a second,
/// with a pseudo-Huber loss against outliers. Constants stay within their plausible range by a change of
/// variables; the range also enters as a weak prior, so that a constant that the data do not determine stays
/// where the other devices put it, and its standard error says so.
///
/// - Parameters:
///   - form: the closed form.
///   - observations: measured times, above zero.
///   - held: constants that are not to be fitted, by index: they stay at the prior's.
///   - prior: the centre of the plausible range; the form's initial values if nil.
///   - start: where to begin; the prior's if nil.
///   - options: treatment of the rows.
///   - predict: the time of a subject under the form, in seconds.
/// - Throws: ``FitError``.
/// - Returns: the constants with their covariance, spread and domain.
public func fit<Form: FittedForm, Subject>(
  _ form: Form.Type, to observations: [Observation<Subject>], holding held: Set<Int> = [],
  prior: [Double]? = nil, from start: [Double]? = nil, options: FitOptions = FitOptions(),
  predict: (Form, Subject) -> Double
) throws(FitError) -> FittedConstants where Form.N == Double {
  let definitions = Form.constants
  let centre = prior ?? definitions.map(\.initial)
  let startValues = definitions.indices.map { held.contains($0) ? centre[$0] : (start ?? centre)[$0] }
  let free = definitions.indices.filter { !held.contains($0) }
  let measured = observations.map { Double.log($0.seconds) }

  func values(_ u: some Collection<Double>) -> [Double] {
    var result = startValues
    for (index, variable) in zip(free, u) {
      let low = Double.log(definitions[index].range.lowerBound)
      let high = Double.log(definitions[index].range.upperBound)
      result[index] = Double.exp(low + (high - low) / (1 + Double.exp(-variable)))
    }
    return result
  }
  func priorWidth(_ index: Int) -> Double {
    let range = definitions[index].range
    return Double.log(range.upperBound / range.lowerBound) / 4
  }
  func variables(_ values: [Double]) -> [Double] {
    free.map { index -> Double in
      let range = definitions[index].range
      let low = Double.log(range.lowerBound)
      let high = Double.log(range.upperBound)
      let part = min(max((Double.log(values[index]) - low) / (high - low), 0.01), 0.99)
      let variable = Double.log(part / (1 - part))
      // MINPACK's differences step by a part of the variable: from a point beside zero they would see no change.
      return abs(variable) < 0.01 ? 0.01 : variable
    }
  }
  let initial = variables(startValues)
  let scale = options.outlierScale
  func residuals(_ u: UnsafeBufferPointer<Double>, _ f: UnsafeMutableBufferPointer<Double>) -> Bool {
    let constants = values(u)
    let model = Form(constants: constants)
    for (row, observation) in observations.enumerated() {
      let time = predict(model, observation.subject)
      guard time > 0, time.isFinite else { return false }
      let residual = (Double.log(time) - measured[row]) / scale
      // Pseudo-Huber: quadratic near zero, linear far out, as a residual whose square is the loss.
      let loss = 2 * ((1 + residual * residual).squareRoot() - 1)
      f[row] = scale * (residual < 0 ? -1 : 1) * loss.squareRoot()
    }
    for (offset, index) in free.enumerated() {
      let distance = Double.log(constants[index] / centre[index]) / priorWidth(index)
      f[observations.count + offset] = distance * options.dataScale
    }
    return true
  }
  var result = try leastSquares(
    count: observations.count + free.count, initial: initial, residuals: residuals)
  // Further starts around the first: forms with regimes have more than one minimum.
  var generator = SplitMix64(seed: 4_711)
  let others =
    options.furtherStarts.map(variables)
    + (0..<options.restarts).map { _ in
      initial.map { 0.5 * $0 + Double.random(in: -2.5...2.5, using: &generator) }
    }
  for other in others {
    let candidate = try? leastSquares(
      count: observations.count + free.count, initial: other, residuals: residuals)
    if let candidate, candidate.sumOfSquares < result.sumOfSquares { result = candidate }
  }

  let constants = values(result.parameters)
  let model = Form(constants: constants)
  let errors = observations.map { Double.log(predict(model, $0.subject)) - Double.log($0.seconds) }
  // d log(value) / d u, to carry the covariance from the free variables to the constants.
  var slope = [Double](repeating: 0, count: definitions.count)
  for (index, variable) in zip(free, result.parameters) {
    let range = definitions[index].range
    let sigmoid = 1 / (1 + Double.exp(-variable))
    slope[index] = Double.log(range.upperBound / range.lowerBound) * sigmoid * (1 - sigmoid)
  }
  // MINPACK takes the rows' variance s² for that of the prior's residuals too, which is dataScale²: a constant that
  // only the prior holds would be as certain as the rows are steady. With C = s² H⁻¹ and P the prior's part of H,
  // H⁻¹ (s² (H - P) + dataScale² P) H⁻¹ = C + (dataScale² - s²)/s⁴ · C P C gives each part its own variance.
  let variance = result.sumOfSquares / Double(max(result.degreesOfFreedom, 1))
  let excess =
    variance > 0 ? (options.dataScale * options.dataScale - variance) / (variance * variance) : 0
  let priorWeights = free.map { index in
    let derivative = slope[index] * options.dataScale / priorWidth(index)
    return derivative * derivative
  }
  var covariance = [[Double]](
    repeating: [Double](repeating: 0, count: definitions.count), count: definitions.count)
  for (i, a) in free.enumerated() {
    for (j, b) in free.enumerated() {
      var value = result.covariance[i][j]
      for (l, weight) in priorWeights.enumerated() {
        value += excess * result.covariance[i][l] * weight * result.covariance[l][j]
      }
      covariance[a][b] = value * slope[a] * slope[b]
    }
  }
  for index in held {
    let width = priorWidth(index)
    covariance[index][index] = width * width
  }
  return FittedConstants(
    values: constants, logCovariance: covariance, spread: robustSpread(errors),
    rows: observations.count,
    domain: (observations.map(\.work).min() ?? 0)...(observations.map(\.work).max() ?? 0))
}

/// A standard deviation that a few outliers do not rule: from the 90th percentile of the absolute values.
func robustSpread(_ errors: [Double]) -> Double {
  guard !errors.isEmpty else { return 0 }
  // The 90th percentile of |x| of a normal distribution is 1.645 standard deviations.
  return quantile(errors.map(abs), 0.9) / 1.645
}

/// The same of rows that were left out, so that nine in ten further rows lie within 1.645 of it.
///
/// The interpolated quantile of n errors holds too few of the next: of n + 1 alike errors nine in ten are no larger than the
/// one of rank 0.9 (n + 1). Fewer than nine errors hold no such rank; the largest stands for it.
/// Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), conformal prediction.
func leftOutSpread(_ errors: [Double]) -> Double {
  let sorted = errors.map(abs).sorted()
  guard let largest = sorted.last else { return 0 }
  let rank = Int((0.9 * Double(sorted.count + 1)).rounded(.up))
  return (rank <= sorted.count ? sorted[rank - 1] : largest) / 1.645
}

/// The quantile of a list, interpolated between neighbours (type 7 of Hyndman and Fan, R's default).
///
/// - Parameters:
///   - values: at least one, in any order.
///   - part: between 0 and 1.
/// - Returns: the quantile; not a number for an empty list.
public func quantile(_ values: [Double], _ part: Double) -> Double {
  let sorted = values.sorted()
  guard let last = sorted.last else { return .nan }
  let position = part * Double(sorted.count - 1)
  let index = Int(position)
  guard index + 1 < sorted.count else { return last }
  return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
}

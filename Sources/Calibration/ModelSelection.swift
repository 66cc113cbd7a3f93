public import CostModels
import Quantities
import RealModule

/// A form with some of its constants held at values that switch them off.
public struct FormVariant: Sendable {
  /// What the variant takes into account: `with overhead`.
  public let name: String
  /// Constants that are not fitted, with the value at which they have no effect.
  public let neutral: [String: Double]

  /// A variant of a form.
  public init(_ name: String, neutral: [String: Double]) {
    self.name = name
    self.neutral = neutral
  }
}

/// How well the variants of a form predict groups of rows that their fits did not see.
public struct ModelComparison: Sendable {
  /// One variant with its errors.
  public struct Entry: Sendable {
    /// The variant's name.
    public let name: String
    /// Constants that it fits.
    public let constants: Int
    /// Mean absolute relative error of the rows left out.
    public let error: Double
    /// Mean excess of its error over the best variant's, row by row, in standard errors of that mean.
    public let excess: Double
  }

  /// The form.
  public let form: String
  /// The variants, the simplest first.
  public let entries: [Entry]
  /// The name of the chosen one: the simplest that is not worse than the best by more than one standard error, nor by
  /// more than a quarter of its error.
  public let chosen: String
}

extension FitOptions {
  /// For forms with regimes, whose residuals have several minima.
  static var manyStarts: FitOptions {
    var options = FitOptions()
    options.restarts = 16
    options.outlierScale = 0.2
    return options
  }
}

/// Leaves one group of rows out after another and predicts it from the others.
///
/// - Parameters:
///   - form: the form.
///   - rows: the measured times.
///   - groups: the group of each row.
///   - held: constants that are not fitted, by index.
///   - prior: the centre of the plausible range, and the value of held constants.
///   - predict: the time of a subject under the form, in seconds.
/// - Throws: ``FitError``.
/// - Returns: relative errors of the rows, each from a fit without its group.
public func leaveOneGroupOut<Form: FittedForm, Subject>(
  _ form: Form.Type, _ rows: [Observation<Subject>], groups: [String], holding held: Set<Int> = [],
  prior: [Double]? = nil, predict: (Form, Subject) -> Double
) throws(FitError) -> [Double] where Form.N == Double {
  let whole = try fit(
    form, to: rows, holding: held, prior: prior, options: .manyStarts, predict: predict)
  var errors = [Double](repeating: 0, count: rows.count)
  for group in Set(groups).sorted() {
    let kept = rows.indices.filter { groups[$0] != group }.map { rows[$0] }
    guard !kept.isEmpty else { continue }
    let partial = try fit(
      form, to: kept, holding: held, prior: prior, from: whole.values, predict: predict)
    let model = Form(constants: partial.values)
    for index in rows.indices where groups[index] == group {
      errors[index] = predict(model, rows[index].subject) / rows[index].seconds - 1
    }
  }
  return errors
}

/// Fits the variants of a form and chooses the simplest that predicts unseen groups as well as the best.
///
/// - Parameters:
///   - form: the form.
///   - name: the name of its constants.
///   - variants: the simplest first.
///   - rows: the measured times.
///   - groups: the group of each row.
///   - predict: the time of a subject under the form, in seconds.
/// - Throws: ``FitError``.
/// - Returns: the constants of the chosen variant, its held-out errors, and the comparison.
public func selectVariant<Form: FittedForm, Subject>(
  _ form: Form.Type, named name: String, variants: [FormVariant], _ rows: [Observation<Subject>],
  groups: [String], predict: (Form, Subject) -> Double
) throws(FitError) -> (constants: FittedConstants, errors: [Double], comparison: ModelComparison)
where Form.N == Double {
  var candidates: [(held: Set<Int>, prior: [Double], errors: [Double])] = []
  for variant in variants {
    var prior = Form.constants.map(\.initial)
    var held: Set<Int> = []
    for (index, constant) in Form.constants.enumerated() {
      guard let value = variant.neutral[constant.name] else { continue }
      prior[index] = value
      held.insert(index)
    }
    let errors = try leaveOneGroupOut(
      form, rows, groups: groups, holding: held, prior: prior, predict: predict)
    candidates.append((held, prior, errors))
  }
  func size(_ error: Double) -> Double { abs(Double.log(1 + error)) }
  func mean(_ list: [Double]) -> Double { list.reduce(0, +) / Double(list.count) }
  let best = candidates.min { mean($0.errors.map(size)) < mean($1.errors.map(size)) }
  guard let best else { throw .underdetermined(observations: rows.count, parameters: 0) }
  var entries: [ModelComparison.Entry] = []
  var chosen: Int?
  for (index, candidate) in candidates.enumerated() {
    // Rows of a group err together, so the comparison is between groups.
    let differences = Set(groups).sorted().map { group in
      let inGroup = rows.indices.filter { groups[$0] == group }
      return mean(inGroup.map { size(candidate.errors[$0]) - size(best.errors[$0]) })
    }
    let average = mean(differences)
    let variance =
      mean(differences.map { ($0 - average) * ($0 - average) }) / Double(max(1, differences.count - 1))
    let excess = variance > 0 ? average / variance.squareRoot() : 0
    entries.append(
      .init(
        name: variants[index].name, constants: Form.constants.count - candidate.held.count,
        error: mean(candidate.errors.map(abs)), excess: excess))
    // Few rows make every difference insignificant: what misses by a quarter more is worse all the same.
    if chosen == nil, excess <= 1, average <= 0.25 * mean(best.errors.map(size)) { chosen = index }
  }
  let index = chosen ?? variants.count - 1
  let candidate = candidates[index]
  let whole = try fit(
    form, to: rows, holding: candidate.held, prior: candidate.prior, options: .manyStarts,
    predict: predict)
  let spread = robustSpread(candidate.errors.map { Double.log(1 + $0) })
  let constants = FittedConstants(
    values: whole.values, logCovariance: whole.logCovariance, spread: spread, rows: rows.count,
    domain: whole.domain)
  return (
    constants, candidate.errors,
    ModelComparison(form: name, entries: entries, chosen: variants[index].name)
  )
}

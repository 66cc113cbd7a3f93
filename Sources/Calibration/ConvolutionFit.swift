import CostModels
import Hardware
import Quantities
import Workloads

extension DeviceFit {
  /// Fits the forms of convolutions to their measured times.
  ///
  /// Rows are left out by their batch, all algorithms and layers of it together: a batch between those that were seen
  /// is what a user asks for.
  func convolutions(
    _ progress: (String) -> Void, _ machine: Machine<Double>
  ) throws(FitError) -> [(name: String, constants: FittedConstants, report: FormReport)] {
    var rows: [String: [Observation<Convolution<Double>>]] = [:]
    for value in values {
      guard case .convolution(let convolution) = value.subject else { continue }
      let name = ConvolutionModel<Double>.formName(of: convolution.algorithm, convolution.pass)
      rows[name, default: []].append(
        Observation(convolution, seconds: value.measured * value.unit, work: convolution.flop))
    }
    var result: [(name: String, constants: FittedConstants, report: FormReport)] = []
    for (name, rows) in rows.sorted(by: { $0.key < $1.key }) {
      progress(name)
      let constants: (FittedConstants, [Double])
      if rows[0].subject.phases.isEmpty {
        if rows[0].subject.pass == .filter {
          constants = try judged(FilterGradientForm<Double>.self, rows, holding: [0]) { form, convolution in
            form.cost(convolution, on: machine).time
          }
        } else {
          constants = try judged(TiledConvolutionForm<Double>.self, rows, holding: []) { form, convolution in
            form.cost(convolution, on: machine).time
          }
        }
      } else {
        // Winograd's transforms know neither tiles of 16 nor turned filters.
        let isFourier = rows[0].subject.algorithm != .winograd
        constants = try judged(
          TransformedConvolutionForm<Double>.self, rows, holding: isFourier ? [] : [1, 8]
        ) { form, convolution in
          convolution.phases.reduce(0) { $0 + (form.cost($1, on: machine)?.time ?? .nan) }
        }
      }
      result.append(
        (name, constants.0, FormReport(form: name, rows: rows.count, heldOutErrors: constants.1)))
    }
    return result
  }

  private func judged<Form: FittedForm>(
    _ type: Form.Type, _ rows: [Observation<Convolution<Double>>], holding held: Set<Int>,
    predict: (Form, Convolution<Double>) -> Double
  ) throws(FitError) -> (FittedConstants, [Double]) where Form.N == Double {
    let whole = try fit(type, to: rows, holding: held, predict: predict)
    var errors: [Double] = []
    for batch in Set(rows.map(\.subject.batch)).sorted() {
      let kept = rows.filter { $0.subject.batch != batch }
      guard kept.count > 2 else { continue }
      let partial = try fit(type, to: kept, holding: held, from: whole.values, predict: predict)
      let form = Form(constants: partial.values)
      for row in rows where row.subject.batch == batch {
        errors.append(predict(form, row.subject) / row.seconds - 1)
      }
    }
    let spread = robustSpread(errors.map { (1 + $0).logarithm() })
    return (
      FittedConstants(
        values: whole.values, logCovariance: whole.logCovariance, spread: spread, rows: rows.count,
        domain: whole.domain), errors
    )
  }
}

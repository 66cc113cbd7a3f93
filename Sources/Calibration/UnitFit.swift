public import CostModels
public import Hardware
import Quantities
import RealModule
import Workloads

/// Fits the forms of a memory that computes to a table of PrIM runs.
///
/// A form's spread is that of rows left out in five parts, and ``repeatSpread`` beside it: kernels have so few rows that
/// a lucky few would promise more than another run of the same kernel keeps.
///
/// Transfers are fitted to the table and to ``TransferLine``s, published fits to further runs of the same machine; these
/// are no measurements, and no error or spread counts them.
public struct UnitFit: Sendable {
  /// The device.
  public let device: Device
  private var values: [MeasuredValue] = []

  /// A fit of a device.
  public init(device: Device) { self.device = device }

  /// Adds the values of a table.
  public mutating func add(_ values: [MeasuredValue]) { self.values += values }

  /// The constants that the values determine, with how well each form predicts rows that it did not see.
  ///
  /// - Throws: ``FitError`` when a form cannot be fitted.
  public func calibration(
    named name: String, source: String, progress: (String) -> Void = { _ in }
  ) throws(FitError) -> (calibration: DeviceCalibration, reports: [FormReport]) {
    var result = DeviceCalibration(name: name, hardware: device.name, source: source)
    var reports: [FormReport] = []
    let units = UnitArray<Double>(device)
    for benchmark in PrIMBenchmark.allCases {
      let rows = observations(.kernel) { $0.benchmark == benchmark }
      guard rows.count >= 3 else { continue }
      let formName = UnitKernelForm<Double>.name(of: benchmark)
      progress(formName)
      // Rows cost something of their own only where their length varies: in the perceptron.
      let held: Set<Int> = benchmark == .perceptron || benchmark == .transposition ? [] : [1]
      var prior = UnitKernelForm<Double>.typicalConstants(of: benchmark)
      if benchmark == .matrixVector { prior[1] = 300 }
      var options = FitOptions()
      options.outlierScale = 0.04
      options.dataScale = 0.02
      let (constants, errors) = try judged(
        UnitKernelForm<Double>.self, rows, holding: held, prior: prior, options: options
      ) { form, run in form.cost(run.kernel, on: units).time }
      result.forms[formName] = constants
      reports.append(FormReport(form: formName, rows: rows.count, heldOutErrors: errors))
    }
    for direction in UnitTransferForm<Double>.Direction.allCases {
      let rows = observations(direction == .toUnits ? .toUnits : .fromUnits) { _ in true }.map {
        Observation(
          direction == .toUnits ? $0.subject.toUnits : $0.subject.fromUnits, seconds: $0.seconds,
          work: $0.work)
      }
      guard rows.count > UnitTransferForm<Double>.constants.count else { continue }
      let lines = TransferLine.known.filter { $0.device == device.name && $0.direction == direction }
      let formName = UnitTransferForm<Double>.name(of: direction)
      progress(formName)
      var options = FitOptions()
      options.outlierScale = 0.2
      options.dataScale = direction == .toUnits ? 0.3 : 0.1
      let (constants, errors) = try judged(
        UnitTransferForm<Double>.self, rows, beside: lines.flatMap(\.observations),
        prior: UnitTransferForm<Double>.typicalConstants(of: direction), options: options
      ) { form, transfer in form.cost(transfer, direction, on: units).time }
      result.forms[formName] = constants
      reports.append(FormReport(form: formName, rows: rows.count, heldOutErrors: errors))
    }
    return (result, reports)
  }

  private func observations(
    _ phase: PrIMPhase, where isWanted: (PrIMRun<Double>) -> Bool
  ) -> [Observation<PrIMRun<Double>>] {
    values.compactMap { value in
      guard case .units(let run, phase) = value.subject, isWanted(run) else { return nil }
      return Observation(run, seconds: value.measured * value.unit, work: run.size)
    }
  }

  /// Relative difference between runs that no row shows: a table has one time for each.
  private let repeatSpread = 0.01

  /// A fit to all rows, with the errors and the spread of rows left out; those beside them are always in it.
  private func judged<Form: FittedForm, Subject>(
    _ type: Form.Type, _ rows: [Observation<Subject>], beside others: [Observation<Subject>] = [],
    holding held: Set<Int> = [], prior: [Double], options: FitOptions, predict: (Form, Subject) -> Double
  ) throws(FitError) -> (FittedConstants, [Double]) where Form.N == Double {
    let whole = try fit(
      type, to: rows + others, holding: held, prior: prior, options: options, predict: predict)
    var generator = SplitMix64(seed: 20_240_917)
    let order = rows.indices.shuffled(using: &generator)
    let parts = min(5, rows.count)
    var errors: [Double] = []
    for part in 0..<parts {
      let out = Set(order.enumerated().filter { $0.offset % parts == part }.map(\.element))
      let kept = rows.indices.filter { !out.contains($0) }.map { rows[$0] }
      guard kept.count >= 2 else { continue }
      let partial = try fit(
        type, to: kept + others, holding: held, prior: prior, from: whole.values, options: options,
        predict: predict)
      let form = Form(constants: partial.values)
      errors += out.sorted().map { predict(form, rows[$0].subject) / rows[$0].seconds - 1 }
    }
    let missed = robustSpread(errors.map { Double.log(1 + $0) })
    let spread = (missed * missed + repeatSpread * repeatSpread).squareRoot()
    return (
      FittedConstants(
        values: whole.values, logCovariance: whole.logCovariance, spread: spread, rows: rows.count,
        domain: whole.domain), errors
    )
  }
}

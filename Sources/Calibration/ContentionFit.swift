import CostModels
import Hardware
import Quantities
import RealModule
import Workloads

/// Fits the constants of kernels that share a device.
///
/// Whole product shapes are left out in turn: what is predicted are shapes that the fit did not see.
struct ContentionFit {
  let device: Device
  let values: [MeasuredValue]
  /// What is fitted already: kernels alone.
  let calibration: DeviceCalibration

  /// One measured time with the product that it groups by.
  private struct Shared: Sendable {
    let subject: Subject
    let group: String

    /// Whether kernels ran at the same time.
    var isTogether: Bool {
      switch subject {
      case .beside, .concurrentGEMM: true
      default: false
      }
    }
  }

  /// Fits every form that the values determine.
  ///
  /// - Throws: ``FitError``.
  /// - Returns: constants and report by form.
  func outcomes() throws(FitError) -> [(constants: FittedConstants, report: FormReport)] {
    var result: [(FittedConstants, FormReport)] = []
    let machine = Machine<Double>(device)
    let model = DeviceModel<Double>(device, calibration)

    let shared = besideRows(copies: false) + partitionRows
    if besideRows(copies: false).count > 2 {
      result.append(
        try grouped(ContentionForm<Double>.self, shared) { form, shared in
          switch shared.subject {
          case .beside(let subject): Self.time(of: subject, form, on: model)
          case .kernel(let operation, let units, _):
            Self.partitionedTime(operation, units: units ?? machine.units, form, on: model)
          default: .nan
          }
        })
    }
    let concurrent = values.compactMap { value -> Observation<Shared>? in
      guard case .concurrentGEMM(let shape, _, _) = value.subject else { return nil }
      return observation(value, shape, work: shape.flop)
    }
    if concurrent.count > ConcurrentProductsForm<Double>.constants.count {
      result.append(
        try grouped(ConcurrentProductsForm<Double>.self, concurrent) { form, shared in
          guard case .concurrentGEMM(let shape, let type, let count) = shared.subject else { return .nan }
          return form.cost(
            shape, count: count, type, form: model.productForm(type), on: machine,
            waves: model.waves(of: shape)
          )?.time ?? .nan
        })
    }
    let copies = besideRows(copies: true) + copyRows
    if copies.count > CopyEngineForm<Double>.constants.count, let link = device.links.first {
      result.append(
        try grouped(CopyEngineForm<Double>.self, copies) { form, shared in
          switch shared.subject {
          case .beside(let subject):
            guard case .collective(let exchange) = subject.exchange.work,
              let alone = subject.isolated,
              let time = form.time(exchange, bandwidth: link.bandwidth.value)
            else { return .nan }
            return form.beside(
              kernels: alone.products, exchange: time, exchanges: Double(subject.exchanges),
              launch: form.launch(ranks: exchange.ranks))
          case .copies(let operation, let repeats):
            guard case .collective(let exchange) = operation.work,
              let time = form.time(exchange, bandwidth: link.bandwidth.value)
            else { return .nan }
            return repeats * time
          default: return .nan
          }
        })
    }
    return result
  }

  private func observation(_ value: MeasuredValue, _ shape: GEMM<Double>, work: Double) -> Observation<Shared>
  {
    Observation(
      Shared(subject: value.subject, group: "\(shape.m) \(shape.n) \(shape.k)"),
      seconds: value.measured * value.unit, work: work)
  }

  /// Products beside collectives with their measured isolated times.
  private func besideRows(copies: Bool) -> [Observation<Shared>] {
    values.compactMap { value in
      guard case .beside(let subject) = value.subject, subject.isolated != nil,
        case .gemm(let shape) = subject.product.work, case .collective(let exchange) = subject.exchange.work,
        (subject.engine == .copyEngines) == copies
      else { return nil }
      return observation(value, shape, work: exchange.bytes)
    }
  }

  /// Collectives by copy engines alone: one group for each size.
  private var copyRows: [Observation<Shared>] {
    values.compactMap { value in
      guard case .copies(let operation, _) = value.subject, case .collective(let exchange) = operation.work
      else {
        return nil
      }
      return Observation(
        Shared(subject: value.subject, group: "\(exchange.bytes)"), seconds: value.measured * value.unit,
        work: exchange.bytes)
    }
  }

  /// Copies on a part of the units: they tell the bytes that a unit moves.
  ///
  /// On a third of the units or less, where nothing else binds.
  private var partitionRows: [Observation<Shared>] {
    values.compactMap { value in
      guard case .kernel(let operation, let units?, _) = value.subject,
        case .streaming(let shape) = operation.work,
        shape.kind == .copy, units * 3 <= device.compute.units.value
      else { return nil }
      return Observation(
        Shared(subject: value.subject, group: "copy \(units)"), seconds: value.measured * value.unit,
        work: shape.bytes(operation.dataType))
    }
  }

  /// The time of products beside exchanges under a form.
  private static func time(
    of subject: BesideSubject, _ form: ContentionForm<Double>, on model: DeviceModel<Double>
  ) -> Double {
    guard let alone = subject.isolated, case .gemm(let shape) = subject.product.work,
      case .collective(let exchange) = subject.exchange.work, case .units(let channels) = subject.engine
    else { return .nan }
    return form.beside(
      product: alone.products / subject.products, waves: model.waves(of: shape), products: subject.products,
      exchange: alone.exchanges / Double(subject.exchanges), exchanges: subject.exchanges,
      held: channels ?? model.network.channels(ranks: exchange.ranks),
      throttle: ClockBurst.throttle(of: alone.products))
  }

  /// The time of a copy whose units bind alone.
  private static func partitionedTime(
    _ operation: Operator<Double>, units: Double, _ form: ContentionForm<Double>,
    on model: DeviceModel<Double>
  ) -> Double {
    guard case .streaming(let shape) = operation.work else { return .nan }
    return form.movingTime(shape.bytes(operation.dataType), units: units, clock: model.machine.clock)
  }

  /// A fit to all rows, with the errors of groups left out: those of kernels that share a device, not of parts alone.
  private func grouped<Form: FittedForm>(
    _ type: Form.Type, _ rows: [Observation<Shared>], predict: (Form, Shared) -> Double
  ) throws(FitError) -> (FittedConstants, FormReport) where Form.N == Double {
    let whole = try fit(type, to: rows, predict: predict)
    var errors: [Double] = []
    for group in Set(rows.map(\.subject.group)).sorted() {
      let kept = rows.filter { $0.subject.group != group }
      let partial = try fit(type, to: kept, from: whole.values, predict: predict)
      let form = Form(constants: partial.values)
      for row in rows where row.subject.group == group && row.subject.isTogether {
        errors.append(predict(form, row.subject) / row.seconds - 1)
      }
    }
    let spread = robustSpread(errors.map { Double.log(1 + $0) })
    return (
      whole.with(spread: spread), FormReport(form: Form.name, rows: errors.count, heldOutErrors: errors)
    )
  }
}

public import CostModels
public import Hardware
import Quantities
import RealModule
import Workloads

/// One kernel as a fit sees it.
struct KernelSubject: Sendable {
  let work: Work<Double>
  let type: DataType
  let units: Double?
  /// Other kernels that the measured time holds, whose forms are fitted already.
  var beside: [Operator<Double>] = []
  /// How often all of them ran.
  var repeats = 1.0
  /// Equal or alike kernels of the class in the measured time.
  var alike: [Work<Double>] = []
  /// The part of the eager step around them in which the power limit has lowered the clock; nil where there is none.
  var limited: Double?
}

/// How well a form predicts rows that its fit did not see.
public struct FormReport: Sendable {
  /// The name of the form.
  public let form: String
  /// Rows of the fit.
  public let rows: Int
  /// Relative errors (predicted over measured, minus one) of each row, from a fit that left it out.
  public let heldOutErrors: [Double]

  /// Their mean size.
  public var meanError: Double {
    heldOutErrors.reduce(0) { $0 + abs($1) } / Double(max(1, heldOutErrors.count))
  }
}

/// Fits every form that a device's measurements determine.
///
/// The errors reported, and the spread that intervals are drawn from, are those of rows left out: the rows are
/// dealt into five parts, and each part is predicted by a fit to the other four.
public struct DeviceFit: Sendable {
  /// The device.
  public let device: Device
  /// The measured values of its tables.
  public private(set) var values: [MeasuredValue] = []

  /// A fit of a device.
  public init(device: Device) { self.device = device }

  /// Adds the values of a table.
  public mutating func add(_ values: [MeasuredValue]) { self.values += values }

  /// Forms whose rows are too few to be fitted, with how many they have and need.
  public var tooFew: [(form: String, rows: Int, needed: Int)] {
    var rows: [String: Int] = [:]
    var order: [String] = []
    func add(_ operation: Operator<Double>) {
      let form: String
      switch operation.work {
      case .gemm: form = GEMMForm<Double>.name(of: operation.dataType)
      case .attention(let shape):
        form = shape.isDecode ? DecodeAttentionForm<Double>.name : AttentionForm<Double>.name
      case .streaming(let shape): form = StreamingForm<Double>.name(of: shape.kind)
      case .collective: return
      }
      if rows[form] == nil { order.append(form) }
      rows[form, default: 0] += 1
    }
    for observation in observations(where: { _ in true }) {
      add(Operator("", .forward, observation.subject.work, observation.subject.type))
    }
    return order.compactMap { form in
      let count = rows[form, default: 0]
      let needed = Self.leastRows(of: form)
      return count < needed ? (form, count, needed) : nil
    }
  }

  /// Rows that the fit of a form needs: more than it has constants where these are all its own.
  private static func leastRows(of form: String) -> Int {
    switch form {
    case GEMMForm<Double>.name: GEMMForm<Double>.constants.count + 1
    case AttentionForm<Double>.name: AttentionForm<Double>.constants.count + 1
    case DecodeAttentionForm<Double>.name: DecodeAttentionForm<Double>.constants.count + 1
    case _ where form.hasPrefix(GEMMForm<Double>.name): 4
    default: 3
    }
  }

  /// Products and kernels of the values that are faster than the data sheet of the device allows, by more than a twentieth,
  /// and all that can be judged so.
  ///
  /// A product needs the peak rate of its type; one whose operands are larger than all caches needs the main memory too.
  public var tooFast: (rows: Int, judged: Int) {
    let machine = Machine<Double>(device)
    let cache = device.memory.dropFirst().map { level in
      level.capacity.value * (level.scope == .unit ? machine.units : 1)
    }.max()
    var (rows, judged) = (0, 0)
    for observation in observations(where: { _ in true }) {
      let subject = observation.subject
      var least = 0.0
      switch subject.work {
      case .gemm(let shape):
        guard let rate = machine.rate(subject.type) else { continue }
        let bytes = shape.bytes(subject.type)
        least = max(shape.flop / rate, bytes > 2 * (cache ?? 0) ? bytes / machine.memoryBandwidth : 0)
      default: continue
      }
      judged += 1
      if observation.seconds < least / 1.05 { rows += 1 }
    }
    return (rows, judged)
  }

  /// The calibration that the values determine, with how well each form predicts rows that it did not see.
  ///
  /// - Parameters:
  ///   - name: the name of the calibration.
  ///   - source: where the rows came from.
  ///   - progress: told the name of each form before it is fitted.
  /// - Throws: ``FitError`` when a form cannot be fitted.
  /// - Returns: the calibration, and a report for each form.
  public func calibration(
    named name: String, source: String, progress: (String) -> Void = { _ in }
  ) throws(FitError) -> (calibration: DeviceCalibration, reports: [FormReport]) {
    var result = DeviceCalibration(name: name, hardware: device.name, source: source)
    var reports: [FormReport] = []
    let machine = Machine<Double>(device)

    // What rows that are not aligned cost is a factor on the form's time (`RowAlignment`).
    let products = observations { work in if case .gemm = work { true } else { false } }.filter {
      guard case .gemm(let shape) = $0.subject.work else { return true }
      return shape.hasAlignedRows($0.subject.type)
    }
    for formName in DeviceCalibration.gemmNames {
      let rows = products.filter { GEMMForm<Double>.name(of: $0.subject.type) == formName }
      let isBase = formName == GEMMForm<Double>.name
      guard rows.count >= Self.leastRows(of: formName) else { continue }
      progress(formName)
      // Other types differ from 16-bit ones in the pipe that multiplies: what concerns tiles and memory is kept.
      let base = isBase ? nil : result.forms[GEMMForm<Double>.name]
      let own: Set<String> = ["start", "compute_efficiency", "step_side"]
      let held =
        base == nil
        ? []
        : Set(
          GEMMForm<Double>.constants.indices.filter { !own.contains(GEMMForm<Double>.constants[$0].name) })
      let (constants, errors) = try crossValidated(
        GEMMForm<Double>.self, rows, holding: held, prior: base?.values
      ) { form, subject in
        guard case .gemm(let shape) = subject.work else { return .nan }
        return form.cost(shape, subject.type, on: machine, units: subject.units)?.time ?? .nan
      }
      result.forms[formName] = base.map { constants.inheriting(held, from: $0) } ?? constants
      reports.append(FormReport(form: formName, rows: rows.count, heldOutErrors: errors))
    }

    // Measured alone first; then gradients, which a profile shows only together with their forward kernels.
    let kinds = Streaming<Double>.Kind.allCases
    let order =
      kinds.filter { StreamingForm<Double>.relative(of: $0) == $0 }
      + kinds.filter { StreamingForm<Double>.relative(of: $0) != $0 }
    for kind in order {
      let isAlone = StreamingForm<Double>.relative(of: kind) == kind
      var rows = observations { work in
        if case .streaming(let shape) = work { shape.kind == kind } else { false }
      }
      let model = DeviceModel<Double>(device, result)
      if !isAlone { rows += profiled(kind, model) }
      // Only profiles have these, and weights and optimizer state of 16 bits; profiles' dropout differs from that alone.
      if [.permute, .concatenate, .adamw, .dropout].contains(kind) { rows += profiled(kind, model) }
      // These are measured together with a kernel whose form is fitted already: the product behind, the product before,
      // the table filled with zeros.
      if [.quantise, .softmaxBackward, .embeddingBackward].contains(kind) { rows += accompanied(kind) }
      guard rows.count >= 3 else { continue }
      let formName = StreamingForm<Double>.name(of: kind)
      progress(formName)
      let relative = result.forms[StreamingForm<Double>.name(of: StreamingForm<Double>.relative(of: kind))]
      let (constants, errors) = try crossValidated(
        StreamingForm<Double>.self, rows,
        prior: isAlone || [.softmaxBackward, .rowSum].contains(kind)
          ? StreamingForm<Double>.typicalConstants(of: kind) : relative?.values
      ) { form, subject in
        let isInStep = subject.limited != nil
        var inStep = model
        inStep.limitedShare = subject.limited
        var time = 0.0
        for work in subject.alike {
          guard case .streaming(let shape) = work else { return .nan }
          let alone = form.cost(shape, subject.type, on: machine, units: subject.units)
          time += isInStep ? inStep.inStep(alone, of: work).time : alone.time
        }
        for operation in subject.beside {
          let cost =
            isInStep
            ? inStep.costInStep(operation.work, operation.dataType)
            : model.cost(operation.work, operation.dataType)
          time += cost?.time ?? .nan
        }
        return time * subject.repeats
      }
      result.forms[formName] = constants
      reports.append(FormReport(form: formName, rows: rows.count, heldOutErrors: errors))
    }

    let attention = observations { work in
      if case .attention(let shape) = work { !shape.isDecode } else { false }
    }
    if attention.count > AttentionForm<Double>.constants.count {
      progress(AttentionForm<Double>.name)
      let streaming = result.forms[StreamingForm<Double>.name(of: .copy)].map {
        StreamingForm<Double>(constants: $0.values)
      }
      let around = streaming ?? .uncalibrated
      let (constants, errors) = try crossValidated(AttentionForm<Double>.self, attention) { form, subject in
        guard case .attention(let shape) = subject.work else { return .nan }
        return form.cost(shape, subject.type, on: machine, streaming: around)?.time ?? .nan
      }
      result.forms[AttentionForm<Double>.name] = constants
      reports.append(
        FormReport(form: AttentionForm<Double>.name, rows: attention.count, heldOutErrors: errors))
    }

    let model = DeviceModel<Double>(device, result)
    let profiles = profiledProducts(model)
    if profiles.count >= 3 {
      let name = StepForm<Double>.name
      progress(name)
      let (constants, errors) = try crossValidated(StepForm<Double>.self, profiles) { form, subject in
        subject.repeats
          * subject.alike.reduce(0) { sum, work in
            let cost = model.cost(work, subject.type).map { form.cost($0, limited: subject.limited ?? 0) }
            return sum + (cost?.time ?? .nan)
          }
      }
      result.forms[name] = constants
      reports.append(FormReport(form: name, rows: profiles.count, heldOutErrors: errors))
    }

    for fitted in try convolutions(progress, machine) {
      result.forms[fitted.name] = fitted.constants
      reports.append(fitted.report)
    }

    let decoding = observations { work in
      if case .attention(let shape) = work { shape.isDecode } else { false }
    }
    if decoding.count > DecodeAttentionForm<Double>.constants.count {
      progress(DecodeAttentionForm<Double>.name)
      let (constants, errors) = try crossValidated(DecodeAttentionForm<Double>.self, decoding) {
        form, subject in
        guard case .attention(let shape) = subject.work else { return .nan }
        return form.cost(shape, subject.type, on: machine)?.time ?? .nan
      }
      result.forms[DecodeAttentionForm<Double>.name] = constants
      reports.append(
        FormReport(form: DecodeAttentionForm<Double>.name, rows: decoding.count, heldOutErrors: errors))
    }

    if let collectives = CollectiveFit(device: device, values: values) {
      let name = CollectiveForm<Double>.name
      progress(name)
      let outcome = try collectives.outcome()
      let link = device.links.first
      result.curves = outcome.curves
      result.curveBandwidth = link?.bandwidth.value
      result.curveLatency = link?.latency.value
      // A handful of inner points says little: no less than what longer curves show.
      let between = robustSpread(outcome.betweenPoints.map { Double.log(1 + $0) })
      result.curveSpread = outcome.betweenPoints.count < 10 ? max(between, 0.07) : between
      reports.append(
        FormReport(form: name, rows: outcome.betweenPoints.count, heldOutErrors: outcome.betweenPoints))
      if !outcome.otherCurves.isEmpty {
        let spread = robustSpread(outcome.otherCurves.map { Double.log(1 + $0) })
        result.transferredSpread = spread
        reports.append(
          FormReport(
            form: "\(name), curves not measured", rows: outcome.otherCurves.count,
            heldOutErrors: outcome.otherCurves))
        result.forms[name] = outcome.form?.with(spread: spread)
      }
    }
    let sustained = EnergyFit(values: values)
    if sustained.isDetermined {
      progress(EnergyForm<Double>.name)
      let outcome = try sustained.outcome(on: DeviceModel(device, result))
      result.forms[EnergyForm<Double>.name] = outcome.constants
      reports += outcome.reports
    }
    let shared = ContentionFit(device: device, values: values, calibration: result)
    for (constants, report) in try shared.outcomes() {
      progress(report.form)
      result.forms[report.form] = constants
      reports.append(report)
    }
    return (result, reports)
  }

  /// The kernels of a class with their times, outliers of the instrument left out.
  private func observations(where isWanted: (Work<Double>) -> Bool) -> [Observation<KernelSubject>] {
    values.compactMap { value in
      guard case .kernel(let operation, nil, let repeats) = value.subject, repeats == 1,
        value.quantity == "median_us", isWanted(operation.work), !isHostBound(operation.work)
      else { return nil }
      let work: Double
      switch operation.work {
      case .gemm(let shape): work = shape.flop
      case .attention(let shape): work = shape.flop
      case .streaming(let shape): work = shape.bytes(operation.dataType)
      case .collective(let exchange): work = exchange.bytes
      }
      let subject = KernelSubject(
        work: operation.work, type: operation.dataType, units: nil, alike: [operation.work])
      return Observation(subject, seconds: value.measured * value.unit, work: work)
    }
  }

  /// Times of a class of kernels in a profile, where all kernels but those of this kind are fitted already.
  private func profiled(_ kind: Streaming<Double>.Kind, _ model: DeviceModel<Double>)
    -> [Observation<KernelSubject>]
  {
    values.compactMap { value in
      guard case .kernels(let operations, let repeats, let step) = value.subject,
        value.quantity == "kernel_breakdown_us",
        Set(operations.map { KernelClass($0.work) }).count == 1
      else { return nil }
      func isWanted(_ operation: Operator<Double>) -> Bool {
        if case .streaming(let shape) = operation.work { shape.kind == kind } else { false }
      }
      let wanted = operations.filter(isWanted)
      guard let first = wanted.first else { return nil }
      let bytes = wanted.reduce(0.0) { sum, operation in
        guard case .streaming(let shape) = operation.work else { return sum }
        return Double.maximum(sum, shape.bytes(operation.dataType))
      }
      let subject = KernelSubject(
        work: first.work, type: first.dataType, units: nil,
        beside: operations.filter { !isWanted($0) }, repeats: repeats, alike: wanted.map(\.work),
        limited: model.inEagerStep(step, count: repeats).limitedShare)
      return Observation(subject, seconds: value.measured * value.unit, work: bytes)
    }
  }

  /// Kernels of a kind that are measured together with others, whose forms are fitted already.
  private func accompanied(_ kind: Streaming<Double>.Kind) -> [Observation<KernelSubject>] {
    values.compactMap { value in
      guard case .kernels(let operations, _, _) = value.subject, value.quantity == "median_us" else {
        return nil
      }
      func isWanted(_ operation: Operator<Double>) -> Bool {
        if case .streaming(let shape) = operation.work { shape.kind == kind } else { false }
      }
      guard let wanted = operations.first(where: isWanted), case .streaming(let shape) = wanted.work else {
        return nil
      }
      let subject = KernelSubject(
        work: wanted.work, type: wanted.dataType, units: nil,
        beside: operations.filter { !isWanted($0) }, alike: [wanted.work])
      return Observation(
        subject, seconds: value.measured * value.unit, work: shape.bytes(wanted.dataType))
    }
  }

  /// The products of profiles of whole layers.
  private func profiledProducts(_ model: DeviceModel<Double>) -> [Observation<KernelSubject>] {
    values.compactMap { value in
      guard case .kernels(let operations, let repeats, let step) = value.subject,
        let first = operations.first,
        value.quantity == "kernel_breakdown_us",
        operations.allSatisfy({ KernelClass($0.work) == .gemm })
      else { return nil }
      let flop = operations.reduce(0.0) { sum, operation in
        if case .gemm(let shape) = operation.work { sum + shape.flop } else { sum }
      }
      let subject = KernelSubject(
        work: first.work, type: first.dataType, units: nil, repeats: repeats, alike: operations.map(\.work),
        limited: model.inEagerStep(step, count: repeats).limitedShare)
      return Observation(subject, seconds: value.measured * value.unit, work: flop)
    }
  }

  /// Gradients of short attention were timed with the host in the way: not a time of the device.
  ///
  /// The table's rows below about 140 us are all alike whatever the shape; the bound here is on the shape, 3
  /// times the work that the device does in that time.
  private func isHostBound(_ work: Work<Double>) -> Bool {
    guard case .attention(let shape) = work, shape.backward else { return false }
    let rate = device.peakRate(.bf16)?.value ?? 0
    return shape.flop < 3 * 140e-6 * 0.5 * rate
  }

  /// A fit to all rows, with the errors and the spread of rows left out.
  private func crossValidated<Form: FittedForm>(
    _ type: Form.Type, _ rows: [Observation<KernelSubject>], holding held: Set<Int> = [],
    prior: [Double]? = nil, predict: (Form, KernelSubject) -> Double
  ) throws(FitError) -> (FittedConstants, [Double]) where Form.N == Double {
    let whole = try fit(type, to: rows, holding: held, prior: prior, predict: predict)
    var errors = [Double](repeating: 0, count: rows.count)
    let parts = min(5, rows.count)
    // Rows of one shape family stand together in the tables: dealing them out by a fixed shuffle mixes them.
    var generator = SplitMix64(seed: 20_240_917)
    let order = rows.indices.shuffled(using: &generator)
    for part in 0..<parts {
      let out = Set(order.enumerated().filter { $0.offset % parts == part }.map(\.element))
      let kept = rows.indices.filter { !out.contains($0) }.map { rows[$0] }
      let partial = try fit(
        type, to: kept, holding: held, prior: prior, from: whole.values, predict: predict)
      let form = Form(constants: partial.values)
      for index in out { errors[index] = predict(form, rows[index].subject) / rows[index].seconds - 1 }
    }
    let spread = leftOutSpread(errors.map { Double.log(1 + $0) })
    let constants = FittedConstants(
      values: whole.values, logCovariance: whole.logCovariance, spread: spread, rows: rows.count,
      domain: whole.domain)
    return (constants, errors)
  }
}

extension FittedConstants {
  /// These constants with another spread.
  func with(spread: Double) -> FittedConstants {
    FittedConstants(
      values: values, logCovariance: logCovariance, spread: spread, rows: rows, domain: domain)
  }

  /// These constants where some were not fitted but taken from another fit: they keep the errors that they have there.
  func inheriting(_ indices: Set<Int>, from other: FittedConstants) -> FittedConstants {
    var covariance = logCovariance
    for i in indices {
      for j in indices { covariance[i][j] = other.logCovariance[i][j] }
    }
    return FittedConstants(
      values: values, logCovariance: covariance, spread: spread, rows: rows, domain: domain)
  }
}

public import Calibration
public import CostModels
public import Documents
public import Hardware
import Quantities
import Workloads

/// A measured value with what the models predict for it.
public struct ComparedValue: Sendable {
  /// What was measured.
  public let value: MeasuredValue
  /// The prediction in the unit of the column; nil when no form covers it yet.
  public let predicted: Double?
  /// The 90 % interval of the prediction, in the unit of the column.
  public let interval90: ClosedRange<Double>?
  /// What most of the predicted time waits for; nil where a form does not say.
  public var bound: Bound?
  /// Whether a kernel of it is more than twice larger or smaller than anything that the calibration saw, or of another data type.
  public var isExtrapolated = false
  /// Whether the row is a point of the calibration's own measured curve, so that its prediction only gives it back.
  public var isReadBack = false

  /// Why there is no prediction, where a form covers the row and the device cannot do it.
  public var reason: String?

  /// Predicted over measured, minus one.
  public var relativeError: Double? { predicted.map { $0 / value.measured - 1 } }

  /// Whether the measured value lies in the interval.
  public var isCovered: Bool? { interval90.map { $0.contains(value.measured) } }
}

/// The errors of one group of rows, in per cent.
public struct ErrorSummary: Sendable {
  /// The table, by its file.
  public let table: String
  /// The operator, collective or class; `all` for the whole table.
  public let group: String
  /// The measured column.
  public let quantity: String
  /// Rows.
  public let rows: Int
  /// Rows that are points of the calibration's own curves; errors and coverage are those of the others.
  public let readBack: Int
  /// Mean signed error; nil when no form covers the rows, or all of them are read back.
  public let bias: Double?
  /// Mean absolute percentage error.
  public let mape: Double?
  /// Median absolute error.
  public let p50: Double?
  /// 90th percentile of the absolute errors.
  public let p90: Double?
  /// Largest absolute error.
  public let max: Double?
  /// Share of rows whose measured value lies in the 90 % interval, in per cent.
  public let coverage90: Double?
  /// For a class of kernels in profiles: the largest difference between its predicted and its measured share of the
  /// device's time, in points, over the profiles where it has 5 % or more; nil for anything else.
  public let sharePoints: Double?
  /// Rows whose prediction is extrapolated: sizes beyond what the calibration saw.
  public let extrapolated: Int
  /// Why rows have no prediction, with how many they are; those that no form covers are not among them.
  public let reasons: [(reason: String, rows: Int)]

  /// What the predictions rest on; nil where nobody said.
  public let basis: TableBasis?

  /// The errors of compared values.
  public init(
    table: String, group: String, quantity: String, _ values: [ComparedValue], sharePoints: Double? = nil,
    basis: TableBasis? = nil
  ) {
    self.sharePoints = sharePoints
    self.basis = basis
    self.table = table
    self.group = group
    self.quantity = quantity
    rows = values.count
    extrapolated = values.count { $0.isExtrapolated }
    var reasons: [(reason: String, rows: Int)] = []
    for reason in values.compactMap(\.reason) {
      if let index = reasons.firstIndex(where: { $0.reason == reason }) {
        reasons[index].rows += 1
      } else {
        reasons.append((reason, 1))
      }
    }
    self.reasons = reasons
    let judged = values.filter { !$0.isReadBack }
    readBack = values.count - judged.count
    let errors = judged.compactMap { $0.relativeError.map { 100 * $0 } }
    let absolute = errors.map(abs)
    func mean(_ list: [Double]) -> Double? {
      list.isEmpty ? nil : list.reduce(0, +) / Double(list.count)
    }
    bias = mean(errors)
    mape = mean(absolute)
    p50 = absolute.isEmpty ? nil : quantile(absolute, 0.5)
    p90 = absolute.isEmpty ? nil : quantile(absolute, 0.9)
    max = absolute.max()
    coverage90 = mean(judged.compactMap { $0.isCovered.map { $0 ? 100.0 : 0 } })
  }
}

/// Predictions beside the measured values of tables.
public struct Validation: Sendable {
  let model: DeviceModel<Double>
  /// Whether what was measured is taken to run again and again without pauses, so that the power limit rules.
  let sustained: Bool
  let library: Library?
  /// The device of training steps whose rows name none; that of their stack if nil.
  let stepHardware: String?

  /// The models of a device.
  ///
  /// - Parameters:
  ///   - device: the device.
  ///   - calibration: what was measured on it, if it was.
  ///   - sustained: whether kernels and layers are taken to run again and again without pauses, so that the power limit
  ///     rules their time.
  ///   - library: where training steps find their software, models and devices; none are predicted without it.
  ///   - stepHardware: the device of training steps whose rows name none; that of their stack if nil.
  public init(
    device: Device, calibration: DeviceCalibration?, sustained: Bool = false, library: Library? = nil,
    stepHardware: String? = nil
  ) {
    self.stepHardware = stepHardware
    model = DeviceModel(device, calibration)
    self.sustained = sustained
    self.library = library
  }

  /// Predicts each measured value.
  public func compare(_ values: [MeasuredValue]) -> [ComparedValue] {
    var reader = library.map { TrainingRunReader(library: $0, hardware: stepHardware) }
    // The values of a row follow one another.
    var last: (line: Int, projection: Projection)?
    return values.map { value in
      guard case .trainingStep(let run) = value.subject else { return compare(value) }
      if last?.line != value.line {
        last = ((try? reader?.scenario(run)) ?? nil).map { (value.line, $0.project()) }
      }
      guard let projection = last?.projection else {
        return ComparedValue(
          value: value, predicted: nil, interval90: nil,
          reason: reader?.unknownDevice(of: run).map { "the catalogue has no device '\(printable($0))'" })
      }
      switch StepQuantity(rawValue: value.quantity) {
      case .memory:
        // What allocators keep has no spread that measurements gave: a value without an interval.
        return ComparedValue(
          value: value, predicted: projection.memory.map { $0.memory.total / value.unit }, interval90: nil)
      case .power: return compared(value, projection.energy.map { ($0.power.value, $0.powerError) })
      case nil:
        var result = compared(value, relative(projection.root))
        result.bound = projection.root.bound
        result.isExtrapolated = projection.root.isExtrapolated
        return result
      }
    }
  }

  /// Predicts one measured value.
  public func compare(_ value: MeasuredValue) -> ComparedValue {
    if let reason = impossibility(value.subject) {
      return ComparedValue(value: value, predicted: nil, interval90: nil, reason: reason)
    }
    let answer = prediction(value.subject)
    var result: ComparedValue
    if let answer, answer.seconds < value.hostTime, model.device.name == hostTimeDevice {
      result = compared(value, (value.hostTime, hostTimeSpread))
      result.bound = .launch
    } else {
      result = compared(value, answer)
      result.bound = bound(value.subject)
      result.isReadBack = isPointOfCurve(value)
    }
    result.isExtrapolated = result.predicted != nil && isExtrapolated(value.subject)
    return result
  }

  /// Whether a measured value is a point of the calibration's own curves: of its payload and its time, to the digits that
  /// a calibration's file keeps.
  private func isPointOfCurve(_ value: MeasuredValue) -> Bool {
    guard case .kernel(let operation, units: nil, let repeats) = value.subject,
      case .collective(let exchange) = operation.work,
      let calibration = model.calibration, calibration.hardware == model.device.name,
      let curve = calibration.curves[.init(kind: exchange.kind.rawValue, ranks: exchange.ranks)]
    else { return false }
    let seconds = value.measured * value.unit / repeats
    return curve.points.contains {
      abs($0.bytes / exchange.bytes - 1) < 1e-5 && abs($0.seconds / seconds - 1) < 1e-3
    }
  }

  /// What the time of a subject waits for, where its form says so.
  private func bound(_ subject: Subject) -> Bound? {
    switch subject {
    case .kernel(let operation, units: nil, _), .chain(let operation, _), .copies(let operation, _):
      return model.cost(operation.work, operation.dataType)?.bound
    case .sustained(let run, _): return model.cost(run.operation.work, run.operation.dataType)?.bound
    case .layers(let layer, let count, let backward):
      return node(layer, count: count, backward: backward).bound
    case .dataParallel(let layer, let count, _, _): return node(layer, count: count, backward: true).bound
    case .kernels(let operations, _, _):
      return CostNode("", parts: operations.map { model.eagerNode($0) }).bound
    case .eagerPasses(let passes):
      let (kernels, total, _) = timed(passes)
      return total > 1.2 * EagerPassForm<Double>.gaps * kernels.time.value ? .launch : kernels.bound
    default: return nil
    }
  }

  /// Unlike kernels that the host starts one by one; streaming kernels of one form over as many elements err alike.
  private func eagerParts(_ operations: [Operator<Double>], _ model: DeviceModel<Double>) -> [CostNode] {
    var groups: [[CostNode]] = []
    var known: [String: Int] = [:]
    for operation in operations {
      let node = model.eagerNode(operation)
      guard case .streaming(let shape) = operation.work else {
        groups.append([node])
        continue
      }
      let key = "\(model.formName(of: operation.work, operation.dataType)) \(shape.elements)"
      if let index = known[key] {
        groups[index].append(node)
      } else {
        known[key] = groups.count
        groups.append([node])
      }
    }
    return groups.map { group in
      let error = group.reduce(0) { $0 + $1.standardError.value } / group.reduce(0) { $0 + $1.time.value }
      return CostNode("", parts: group, spread: error)
    }
  }

  /// What keeps the device from doing it; nil for nothing.
  private func impossibility(_ subject: Subject) -> String? {
    let name = model.device.name
    for operation in kernels(of: subject) {
      switch operation.work {
      case .collective(let exchange):
        if exchange.ranks < 2 { return "one rank exchanges nothing" }
        if model.network.cost(exchange, stride: exchange.stride) == nil {
          return "no network of \(name) joins \(exchange.ranks) devices"
        }
        let (bytes, capacity) = (exchange.bytes, model.device.mainMemory.capacity.value)
        if model.device.kind == .gpu, bytes > capacity {
          return
            "a buffer of \(Bytes(bytes).formatted()) does not fit in the \(Bytes(capacity).formatted()) of \(name)"
        }
      case .gemm(let shape):
        guard model.device.kind == .gpu else { continue }
        let type = operation.dataType
        if model.machine.rate(type) == nil { return "\(name) has no rate for \(type.rawValue)" }
        let (bytes, capacity) = (shape.bytes(type), model.device.mainMemory.capacity.value)
        if bytes > capacity {
          return
            "operands of \(Bytes(bytes).formatted()) do not fit in the \(Bytes(capacity).formatted()) of \(name)"
        }
      default: continue
      }
    }
    return nil
  }

  /// Whether a prediction rests on kernels beyond what the calibration saw: the kernel itself, or a tenth of the time of many.
  ///
  /// Forms of other things do not say.
  private func isExtrapolated(_ subject: Subject) -> Bool {
    switch subject {
    case .roofline where model.regressionSpread == nil: return true
    case .concurrentGEMM where model.calibration?.forms[ConcurrentProductsForm<Double>.name] == nil:
      return true
    default: break
    }
    let operators = kernels(of: subject)
    guard operators.count > 1 else { return operators.contains { model.isExtrapolated($0) } }
    var (beyond, all) = (0.0, 0.0)
    for operation in operators {
      guard let time = model.cost(operation.work, operation.dataType)?.time else { continue }
      all += time
      if model.isExtrapolated(operation) { beyond += time }
    }
    return beyond > 0.1 * all
  }

  /// The kernels of what was measured; none where it is something else.
  private func kernels(of subject: Subject) -> [Operator<Double>] {
    switch subject {
    case .kernel(let operation, _, _), .chain(let operation, _): [operation]
    case .eagerPasses(let passes): passes.layer
    case .sustained(let run, _): [run.operation]
    case .concurrentGEMM(let shape, let type, _): [Operator("", .forward, .gemm(shape), type)]
    case .beside(let subject): [subject.product]
    default: subject.kernels?.operators ?? []
    }
  }

  private func compared(_ value: MeasuredValue, _ answer: (seconds: Double, error: Double)?) -> ComparedValue
  {
    guard let (seconds, error) = answer, seconds.isFinite, seconds > 0 else {
      return ComparedValue(value: value, predicted: nil, interval90: nil)
    }
    let predicted = seconds / value.unit
    let width = (1.645 * error).exponential()
    return ComparedValue(
      value: value, predicted: predicted, interval90: predicted / width...predicted * width)
  }

  /// Time in seconds and its relative standard error, under the power limit if asked.
  private func prediction(_ subject: Subject) -> (seconds: Double, error: Double)? {
    guard let (seconds, error) = predict(subject) else { return nil }
    guard sustained, let (operators, count) = subject.kernels else { return (seconds, error) }
    var demand = EnergyDemand<Double>.zero
    var alone = 0.0
    for operation in operators {
      guard let cost = model.cost(operation.work, operation.dataType),
        let part = model.demand(of: operation.work, operation.dataType)
      else { return (seconds, error) }
      demand = demand + part
      alone += cost.time
    }
    demand = count * demand
    // What the sum of the kernels does not hold (handovers, what runs beside one another) draws nothing of its own.
    demand.time += seconds - count * alone
    return (
      model.powerRoof.sustained(demand).time,
      (error * error + sustainedSlowdownSpread * sustainedSlowdownSpread).squareRoot()
    )
  }

  /// Time of a pass that a benchmark repeats: full clock for as long as a burst lasts, then what the power limit leaves.
  ///
  /// - Parameters:
  ///   - answer: seconds and relative standard error where every kernel takes its time in a loop of itself.
  ///   - demand: what the pass asks for at full clock.
  /// - Returns: seconds and relative standard error; the answer as it is where `sustained` applies the limit to all of it.
  private func inBursts(_ answer: (seconds: Double, error: Double), _ demand: EnergyDemand<Double>)
    -> (seconds: Double, error: Double)
  {
    guard !sustained, model.machine.powerLimit > 0 else { return answer }
    let limited = model.powerRoof.sustained(demand).time / demand.time
    let beyond = Swift.max(0, demand.time - ClockBurst.duration)
    return (demand.time + (limited - 1) * beyond, answer.error)
  }

  /// Time in seconds and its relative standard error.
  private func predict(_ subject: Subject) -> (seconds: Double, error: Double)? {
    switch subject {
    case .kernel(let operation, let units, let repeats):
      let spread = model.spread(of: operation.work, operation.dataType)
      if let units {
        let time = model.partitionedTime(operation.work, operation.dataType, units: units)
        return time.map { (repeats * $0, hypot(spread, partitionSpread)) }
      }
      guard let cost = model.cost(operation.work, operation.dataType) else { return nil }
      return (repeats * cost.time, spread)
    case .chain(let operation, let times):
      guard let cost = model.cost(operation.work, operation.dataType) else { return nil }
      return (ClockBurst.time(times * cost.time), model.spread(of: operation.work, operation.dataType))
    case .kernels(let operations, let repeats, let step):
      let inStep = model.inEagerStep(step, count: repeats)
      guard step.isEmpty else {
        let parts = eagerParts(operations, inStep)
        return relative(CostNode("", count: Int(repeats), parts: parts, noise: model.commonSpread))
      }
      // Not of a profile, whose forms' spreads are those of sums already: kernels of one form err alike, whatever their sizes.
      let parts = operations.map { inStep.eagerNode($0) }
      let error = CostNode.spread(of: parts, sources: operations.map { model.errorSource(of: $0) })
      return relative(
        CostNode("", count: Int(repeats), parts: parts, spread: hypot(error, repeatedRunSpread)))
    case .eagerPasses(let passes): return predict(passes)
    case .sustained(let run, let quantity): return predict(run, quantity)
    case .concurrentGEMM(let shape, let type, let degree):
      return model.concurrentCost(shape, type, count: degree).map { ($0.time, model.concurrentSpread) }
    case .layers(let layer, let count, let backward):
      let node = node(layer, count: count, backward: backward)
      return inBursts(relative(node), node.demand)
    case .dataParallel(let layer, let count, let exchange, let overlap):
      let operation = Operator<Double>("gradient all-reduce", .backward, .collective(exchange), .bf16)
      guard let alone = model.cost(operation.work, .bf16) else { return nil }
      let spread = model.spread(of: operation.work, .bf16)
      let compute = node(layer, count: count, backward: true)
      switch overlap {
      case .alone: return (count * alone.time, spread)
      case .serial:
        let node = CostNode("", parts: [compute, model.node(operation, name: "", count: Int(count))])
        return inBursts(relative(node), node.demand)
      case .overlapped:
        var backward = OperatorList<Double>()
        layer.backward(into: &backward)
        let forward = node(layer, count: count, backward: false)
        guard
          let crowded = model.crowdedTime(
            backward.operators, channels: model.network.channels(ranks: exchange.ranks))
        else { return nil }
        let segment = ContentionForm<Double>.Segment(
          compute: (compute.time - forward.time).value / count, crowded: crowded,
          exchange: alone.time + model.contention.handover)
        let result = model.contention.overlap([ContentionForm.Segment](repeating: segment, count: Int(count)))
        let total = forward.time.value + result.total
        let error = compute.standardError.value + spread * result.exposed + slowdownSpread * result.slowdown
        // The exchanges beside the kernels draw power in the time that is left of the step.
        var demand = compute.demand + model.node(operation, name: "", count: Int(count)).demand
        demand.time = total - (compute.time.value - compute.demand.time)
        return inBursts((total, error / total), demand)
      }
    case .beside(let subject): return predict(subject)
    case .copies(let exchange, let repeats):
      guard case .collective(let collective) = exchange.work, let time = model.copyTime(collective) else {
        return nil
      }
      return (repeats * time, model.copySpread)
    case .roofline(let flop, let bytes, let type, let units, let launches, let gathered):
      guard let roofline = Roofline(model.device, type, units: units) else { return nil }
      let resident = model.device.residentLevel(for: bytes, units: units)
      var traffic = [Double](repeating: 0, count: roofline.bandwidths.count)
      for index in traffic.indices where index >= resident { traffic[index] = bytes }
      traffic[0] /= model.readEfficiency
      if traffic.count > 1 { traffic[1] += gathered / gatherEfficiency }
      let cost = roofline.cost(flop: flop, traffic: traffic)
      return (
        cost.time + (launches - 1) * roofline.overhead, model.regressionSpread ?? model.uncalibratedSpread
      )
    case .host(let kernel, let operation, let type, let threads):
      let host = HostModel<Double>(model.device, model.calibration)
      guard let cost = host.cost(kernel, operation: operation, type, threads: threads) else { return nil }
      let spread = model.calibration?.forms[kernel.formName(operation: operation)]?.spread
      return (cost.time, spread ?? model.uncalibratedSpread)
    case .units(let run, let phase): return UnitModel(model.device, model.calibration).time(of: run, phase)
    case .convolution(let convolution):
      let name = ConvolutionModel<Double>.formName(of: convolution.algorithm, convolution.pass)
      return ConvolutionModel(machine: model.machine, model.calibration).time(convolution).map {
        ($0, model.calibration?.forms[name]?.spread ?? model.uncalibratedSpread)
      }
    case .trainingStep, .unmodelled: return nil
    }
  }

  /// Seconds, watts or joules of an operator that runs without pauses, and the relative standard error.
  private func predict(_ run: SustainedOperator, _ quantity: SustainedQuantity) -> (Double, error: Double)? {
    let (work, type) = (run.operation.work, run.operation.dataType)
    guard let demand = model.demand(of: work, type, time: run.burst) else { return nil }
    let cost = model.powerRoof.sustained(demand)
    let power = model.powerSpread(clock: cost.clock)
    // Under the limit the energy decides the time, so that an error of the time at full clock counts in part only.
    var kernel = run.burst == nil ? model.spread(of: work, type) : repeatedRunSpread
    if run.burst == nil, let longer = model.demand(of: work, type, time: 1.05 * demand.time) {
      let growth = model.powerRoof.sustained(longer).time / cost.time
      kernel *= Swift.min(1, Swift.max(0, growth.logarithm() / 1.05.logarithm()))
    }
    let time = (kernel * kernel + sustainedSlowdownSpread * sustainedSlowdownSpread).squareRoot()
    switch quantity {
    case .seconds: return (run.iterations * cost.time, time)
    case .power: return (cost.power, power)
    case .energy: return (run.iterations * cost.energy, (power * power + time * time).squareRoot())
    case .burstPower: return (model.powerRoof.demandedPower(demand), power)
    }
  }

  /// The kernels of eager passes, the time until all are done, and what the host alone needs for it.
  private func timed(_ passes: EagerPasses) -> (kernels: CostNode, total: Double, host: Double) {
    let layers = Int(passes.layers)
    let repeated = passes.span == .forward ? passes.layer.filter { $0.pass == .forward } : passes.layer
    let model = model.inEagerStep(repeated, count: passes.layers)
    func part(_ operations: [Operator<Double>]) -> CostNode {
      CostNode("", count: layers, parts: eagerParts(operations, model), noise: model.commonSpread)
    }
    let forward = part(passes.layer.filter { $0.pass == .forward })
    let gradients = passes.layer.filter { $0.pass == .backward }
    let backward = part(gradients + (passes.span == .forwardBackward ? [passes.accumulation] : []))
    let update = part([passes.update])
    typealias Form = EagerPassForm<Double>
    let forwardPass = Form.Pass.forward(
      device: forward.time.value, kernels: Double(layers * (passes.layer.count - gradients.count)))
    let backwardPass = Form.Pass.backward(
      device: backward.time.value, kernels: Double(layers * gradients.count))
    let updatePass = Form.Pass.update(device: update.time.value)
    let parts: [(CostNode, Form.Pass)] =
      switch passes.span {
      case .forward: [(forward, forwardPass)]
      case .forwardBackward: [(forward, forwardPass), (backward, backwardPass)]
      case .update: [(update, updatePass)]
      case .iteration: [(forward, forwardPass), (backward, backwardPass), (update, updatePass)]
      }
    let (total, host) = Form.time(parts.map(\.1))
    return (CostNode("", parts: parts.map(\.0)), total, host)
  }

  /// The wall time of eager passes; its error is that of the kernels or of the host, as likely as either holds the other up.
  private func predict(_ passes: EagerPasses) -> (seconds: Double, error: Double)? {
    let (kernels, total, host) = timed(passes)
    guard total.isFinite else { return nil }
    typealias Form = EagerPassForm<Double>
    let overhead =
      switch passes.span {
      case .forward: 0.0
      case .forwardBackward, .iteration: Form.lossTime
      case .update: Form.updateLead
      }
    let device = hypot(
      relative(kernels).error, hypot(Form.gapSpread, Form.overheadSpread * overhead / total))
    guard host > 0 else { return (total, device) }
    let hostError = passes.span == .forward ? Form.forwardLaunchSpread : Form.backwardLaunchSpread
    // A logistic curve stands for the normal distribution.
    let distance = (host / (Form.gaps * kernels.time.value)).logarithm() / hypot(device, hostError)
    let held = 1 / (1 + (-1.7 * distance).exponential())
    return (total, (held * hostError * hostError + (1 - held) * device * device).squareRoot())
  }

  /// Products beside collectives.
  ///
  /// Isolated times are those of the row where it is asked so, and predicted otherwise.
  private func predict(_ subject: BesideSubject) -> (seconds: Double, error: Double)? {
    guard case .gemm(let shape) = subject.product.work,
      case .collective(let exchange) = subject.exchange.work,
      let product = model.cost(subject.product.work, subject.product.dataType)
    else { return nil }
    let alone = subject.isolated?.products ?? ClockBurst.time(subject.products * product.time)
    switch subject.engine {
    case .copyEngines:
      guard let time = model.copyTime(exchange) else { return nil }
      let exchanges = subject.isolated?.exchanges ?? Double(subject.exchanges) * time
      let count = Double(subject.exchanges)
      let total = model.copyEngines.beside(
        kernels: alone, exchange: exchanges / count, exchanges: count,
        launch: model.copyEngines.launch(ranks: exchange.ranks))
      return (total, model.copySpread)
    case .units(let channels):
      guard let one = model.network.cost(exchange, channels: channels)?.cost.time else { return nil }
      let exchanges = subject.isolated?.exchanges ?? Double(subject.exchanges) * one
      let time = model.contention.beside(
        product: alone / subject.products, waves: model.waves(of: shape), products: subject.products,
        exchange: exchanges / Double(subject.exchanges), exchanges: subject.exchanges,
        held: channels ?? model.network.channels(ranks: exchange.ranks),
        throttle: ClockBurst.throttle(of: alone))
      let spread = model.contentionSpread
      return (time, subject.isolated == nil ? hypot(spread, isolatedSpread) : spread)
    }
  }

  private func relative(_ node: CostNode) -> (seconds: Double, error: Double) {
    (node.time.value, node.standardError.value / node.time.value)
  }

  private func node(_ layer: TransformerLayer<Double>, count: Double, backward: Bool) -> CostNode {
    var operators = OperatorList<Double>()
    layer.forward(into: &operators)
    if backward { layer.backward(into: &operators) }
    return CostNode(
      "layers", count: Int(count),
      parts: operators.operators.map { model.node($0, name: "\($0.name)") }, noise: model.commonSpread)
  }
}

extension Subject {
  /// The kernels of what was measured, and how often all of them ran; nil where the power limit has no say.
  fileprivate var kernels: (operators: [Operator<Double>], count: Double)? {
    func listed(_ layer: TransformerLayer<Double>, backward: Bool) -> [Operator<Double>] {
      var list = OperatorList<Double>()
      layer.forward(into: &list)
      if backward { layer.backward(into: &list) }
      return list.operators
    }
    switch self {
    case .kernel(let operation, units: nil, let repeats): return ([operation], repeats)
    case .kernels(let operations, let repeats, _): return (operations, repeats)
    case .layers(let layer, let count, let backward): return (listed(layer, backward: backward), count)
    case .dataParallel(let layer, let count, let exchange, let overlap):
      let operation = Operator<Double>("gradient all-reduce", .backward, .collective(exchange), .bf16)
      return (overlap == .alone ? [operation] : listed(layer, backward: true) + [operation], count)
    default: return nil
    }
  }
}

/// Relative error of the time that kernels lose beside exchanges.
///
/// The whole times of c3.csv are missed by 3 %, where about a fifth of the time is lost; more for the shapes of other
/// workloads.
let slowdownSpread = 0.3

/// Part of the last-level cache's bandwidth that single sectors of 32 bytes reach at random places.
///
/// Sparse steps of an H200 move 4.4 to 4.9 TB/s of sectors (`lr_sparse` of `h200/operators.csv`, two largest batches), where
/// its cache is assumed to carry 10.
let gatherEfficiency = 0.48

/// The device whose host the times of `MeasuredValue.hostTime` were read on; another machine has another host.
let hostTimeDevice = "nvidia-h200"

/// Relative error of what a host takes to start a kernel, from the spread of like rows (`autogradTime`).
let hostTimeSpread = 0.2

/// Relative error that predicted isolated times add to that of products beside exchanges.
///
/// The longer of the two errs by its form's spread of 5 to 8 %, and their sum by less: what is left of c3.csv.
let isolatedSpread = 0.05

/// Relative error of a law for a part of the compute units, beside that of the whole device.
let partitionSpread = 0.07

private func hypot(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }

extension DeviceModel where N == Double {
  /// The time of products that share the device.
  func concurrentCost(_ shape: GEMM<Double>, _ type: DataType, count: Double) -> Cost<Double>? {
    concurrentProducts.cost(
      shape, count: count, type, form: productForm(type), on: machine, waves: waves(of: shape))
  }

  /// Relative error of products beside exchanges, on rows that the fit did not see.
  var contentionSpread: Double { calibration?.forms[ContentionForm<Double>.name]?.spread ?? 0.1 }

  /// Relative error of steps that are known by their operations and bytes: dense and sparse regression, nil where nobody
  /// measured them.
  ///
  /// 0.08 on an H200 (`h200/operators.csv`); in its family 0.14 more, as its kernels that move data.
  var regressionSpread: Double? {
    guard calibration?.hardware == hostTimeDevice, !isForeign else { return nil }
    return device.name == hostTimeDevice ? 0.08 : hypot(0.08, 0.14)
  }

  /// Relative error of products that share the device.
  var concurrentSpread: Double {
    let known = calibration?.forms[ConcurrentProductsForm<Double>.name]?.spread ?? uncalibratedSpread
    return isForeign ? Swift.max(known, uncalibratedSpread) : known
  }

  /// Relative error of exchanges by copy engines.
  var copySpread: Double { calibration?.forms[CopyEngineForm<Double>.name]?.spread ?? uncalibratedSpread }

  /// Time of an exchange by copy engines over the nearest link, in seconds.
  func copyTime(_ exchange: Collective<Double>) -> Double? {
    guard let link = device.links.first, exchange.ranks <= link.devices else { return nil }
    return copyEngines.time(exchange, bandwidth: link.bandwidth.value)
  }
}

extension Device {
  /// The nearest memory level that holds so many bytes, by index among the levels with a bandwidth.
  ///
  /// - Parameters:
  ///   - bytes: the working set.
  ///   - units: compute units that take part: private caches add up over them.
  /// - Returns: the index of the level.
  func residentLevel(for bytes: Double, units: Double?) -> Int {
    let all = compute.units.value
    let used = Swift.min(units ?? all, all)
    var result = 0
    for (index, level) in memory.filter({ $0.bandwidth != nil }).enumerated() {
      let capacity = level.capacity.value * (level.scope == .unit ? used : 1)
      if bytes <= capacity { result = index }
    }
    return result
  }
}

extension UnitModel where N == Double {
  /// Time of a phase of a PrIM run in seconds, and its relative standard error; nil where nothing passes.
  func time(of run: PrIMRun<Double>, _ phase: PrIMPhase) -> (seconds: Double, error: Double)? {
    switch phase {
    case .kernel: return (cost(run).time, spread(of: run.benchmark))
    case .toUnits: return (toUnits.cost(run.toUnits, .toUnits, on: units).time, spread(of: .toUnits))
    case .fromUnits:
      return (fromUnits.cost(run.fromUnits, .fromUnits, on: units).time, spread(of: .fromUnits))
    case .between:
      guard let between = run.betweenLaunches else { return nil }
      let up = fromUnits.cost(between.from, .fromUnits, on: units).time
      let down = toUnits.cost(between.to, .toUnits, on: units).time
      return (up + down, spread(of: .toUnits))
    }
  }
}

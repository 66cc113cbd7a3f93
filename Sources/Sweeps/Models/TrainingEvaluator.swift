import CostModels
import Documents
import Quantities
import Scenarios
import Workloads

/// Numbers kept by a key, in a table that forgets an entry when another one needs its place.
struct PartTable {
  private let width: Int
  private let mask: Int
  private let keys: UnsafeMutablePointer<Int>
  private let values: UnsafeMutablePointer<Double>

  /// A table.
  ///
  /// - Parameters:
  ///   - width: numbers of an entry.
  ///   - entries: distinct keys, if known.
  ///   - limit: the most places.
  init(width: Int, entries: Int, limit: Int = 1 << 18) {
    self.width = width
    var size = 64
    while size < limit, size < 2 * entries { size *= 2 }
    mask = size - 1
    keys = .allocate(capacity: size)
    keys.initialize(repeating: -1, count: size)
    values = .allocate(capacity: size * width)
    values.initialize(repeating: 0, count: size * width)
  }

  func deallocate() {
    keys.deallocate()
    values.deallocate()
  }

  /// The place of a key, and whether its numbers are there; if not, it is the key's now.
  @inline(__always)
  func place(_ key: Int) -> (values: UnsafeMutablePointer<Double>, isKnown: Bool) {
    // Neighbouring keys keep neighbouring places; the high bits tell large spaces apart.
    let slot = (key ^ (key >> 17) &* 0x9E37_79B1) & mask
    let isKnown = keys[slot] == key
    keys[slot] = key
    return (values + slot * width, isKnown)
  }

  /// Takes back what ``place(_:)`` promised.
  func forget(_ key: Int) { keys[(key ^ (key >> 17) &* 0x9E37_79B1) & mask] = -1 }
}

/// A mixed-radix number over some dimensions of a space.
struct PartKey {
  let terms: [(dimension: Int, factor: Int)]
  let count: Int

  init(_ space: SweepSpace, _ dimensions: [Int]) {
    var terms: [(dimension: Int, factor: Int)] = []
    var count = 1
    for dimension in Array(Set(dimensions)).sorted() {
      terms.append((dimension, count))
      count = count.multipliedReportingOverflow(by: space.dimensions[dimension].size).partialValue
    }
    self.terms = terms
    self.count = Swift.max(1, count)
  }

  /// The key of a scenario.
  func value(_ space: SweepSpace, _ index: Int) -> Int {
    terms.reduce(0) { $0 &+ space.digit($1.dimension, of: index) &* $1.factor }
  }

  /// The key of a scenario from the columns of its places.
  @inline(__always)
  func value(_ digits: UnsafeMutablePointer<UnsafePointer<Int32>?>, _ place: Int) -> Int {
    terms.withUnsafeBufferPointer { terms in
      var key = 0
      for term in terms {
        if let column = digits[term.dimension] { key &+= Int(column[place]) &* term.factor }
      }
      return key
    }
  }
}

/// Evaluates training steps on one thread.
///
/// Scenarios that differ in their batches alone come as runs: the plan is checked and its parts are found once for a run
/// (``PlanState``); what is left for each scenario is the composition. Neither counts references nor allocates, unless a
/// part is costed for the first time.
final class TrainingEvaluator: BlockEvaluator {
  private typealias Fault = TrainingSweep.Fault

  let sweep: Sweep
  let source: PlanSource
  private let maker: TrainingContextMaker
  private let firstReason: Int
  private let separateAccumulation: Bool
  private let requiresFit: Bool

  let contextKey, layerKey: PartKey
  private let planKey, exchangeKey, messageKey, memoryKey: PartKey
  let layers: PartTable
  private let exchanges, messages, losses, memories: PartTable
  private var contexts: [Int: (context: TrainingContext?, reason: UInt8)] = [:]
  private var steps: [Int: TransformerStep<Double>] = [:]
  /// The context of the plan at hand, for parts that are not known yet.
  private var current: TrainingContext?
  private let wantsEnergy: Bool
  /// The places along each dimension, of the block at hand.
  private let digits: UnsafeMutablePointer<UnsafePointer<Int32>?>
  private let planColumn: UnsafeMutablePointer<Int>
  private let blank = PlanState()
  /// The values of the numbers of a plan that axes set, by their dimension.
  private let values: [(dimension: Int, values: UnsafeMutablePointer<Int>)?]

  init(
    _ sweep: Sweep, _ source: PlanSource, _ maker: TrainingContextMaker, firstReason: Int,
    separateAccumulation: Bool, requiresFit: Bool
  ) {
    self.sweep = sweep
    self.source = source
    self.maker = maker
    self.firstReason = firstReason
    self.separateAccumulation = separateAccumulation
    self.requiresFit = requiresFit
    let read = BlockPipeline.modelOutputsRead(by: sweep)
    wantsEnergy = TrainingSweep.outputs.dropFirst(TrainingSweep.Output.sustainedTime.rawValue).contains {
      read.contains($0.name)
    }
    let space = sweep.space
    let context = maker.axes.map { space.dimensionOfAxis[$0] }
    let group = source.dimensions([.tensor, .context, .expert])
    let replicas = source.dimensions([.data, .devices, .pipeline])
    let batch = source.dimensions([.microBatch, .sequenceParallel])
    // Whether there are several micro-batches matters to the layers where gradients are added by kernels of their own.
    let several =
      separateAccumulation
      ? source.dimensions([.microBatches, .globalBatch, .data, .devices, .pipeline]) : []
    // Memory does not depend on how fast the machine is, but for its capacity, which is read elsewhere.
    let described = maker.axes.filter { axis in
      let key = space.axes[axis].key ?? ""
      return key != "calibration" && key != "hardware" && !key.hasPrefix("hardware.")
    }.map { space.dimensionOfAxis[$0] }
    contextKey = PartKey(space, context)
    layerKey = PartKey(space, context + group + batch + several)
    planKey = PartKey(
      space, context + group + replicas + batch + several + source.dimensions([.virtualStages]))
    exchangeKey = PartKey(space, context + group + replicas)
    messageKey = PartKey(space, context + group + replicas + batch)
    memoryKey = PartKey(
      space, described + group + replicas + batch + several + source.dimensions([.virtualStages]))
    layers = PartTable(width: wantsEnergy ? 18 : 6, entries: layerKey.count)
    losses = PartTable(width: 3, entries: layerKey.count.multipliedReportingOverflow(by: 4).partialValue)
    exchanges = PartTable(width: wantsEnergy ? 24 : 8, entries: exchangeKey.count)
    messages = PartTable(width: 1, entries: messageKey.count)
    memories = PartTable(width: 1, entries: memoryKey.count.multipliedReportingOverflow(by: 8).partialValue)
    digits = .allocate(capacity: Swift.max(1, space.dimensions.count))
    digits.initialize(repeating: nil, count: Swift.max(1, space.dimensions.count))
    planColumn = .allocate(capacity: ColumnBlock.capacity)
    values = source.axes.map { axis in
      axis.map { axis in
        let column = UnsafeMutablePointer<Int>.allocate(capacity: axis.values.count)
        column.initialize(from: axis.values, count: axis.values.count)
        return (axis.dimension, column)
      }
    }
  }

  deinit {
    for table in [layers, exchanges, messages, losses, memories] { table.deallocate() }
    for case let (_, column)? in values { column.deallocate() }
    digits.deallocate()
    planColumn.deallocate()
  }

  /// The context of a scenario; nil, with the reason, where there is none.
  func context(_ key: Int, _ index: Int) -> (context: TrainingContext?, reason: UInt8) {
    if let known = contexts[key] { return known }
    if contexts.count >= 4096 { contexts = [:] }
    let space = sweep.space
    var result: (context: TrainingContext?, reason: UInt8)
    do throws(Diagnostic) {
      result = (try maker.context { space.digit(space.dimensionOfAxis[$0], of: index) }, 0)
    } catch {
      result = (nil, reason(.inputs))
    }
    contexts[key] = result
    return result
  }

  private func reason(_ fault: Fault) -> UInt8 { UInt8(firstReason + fault.rawValue) }

  /// A number of the plan of a scenario; 0 where nothing is said.
  @inline(__always)
  private func number(_ number: PlanSource.Number, _ place: Int) -> Int {
    guard let (dimension, values) = values[number.rawValue] else { return source.base[number.rawValue] }
    return values[Int(digits[dimension].unsafelyUnwrapped[place])]
  }

  func evaluate(_ block: ColumnBlock, into outputs: [UnsafeMutablePointer<Double>?]) {
    let columns = OutputColumns(outputs)
    for dimension in sweep.space.dimensions.indices { digits[dimension] = block.digits(dimension) }
    planColumn.update(repeating: 0, count: block.count)
    for (dimension, factor) in planKey.terms {
      let digits = block.digits(dimension)
      for place in 0..<block.count { planColumn[place] &+= Int(digits[place]) &* factor }
    }
    var last = -1
    var state = blank
    block.forEachActive { place in
      let key = planColumn[place]
      if key != last {
        last = key
        state = blank
        begin(&state, place, block.start + place)
      }
      let reason = state.reason == 0 ? compose(&state, place, columns) : state.reason
      if reason != 0 { block.reasons[place] = reason }
    }
    block.dropUnanswered()
  }

  /// What scenarios that differ in their batches alone have in common: plain numbers.
  private struct PlanState {
    /// Why none of them has an answer; 0 where some may have.
    var reason: UInt8 = 0
    var numbers = TrainingContext.Numbers()
    var plan = ParallelPlan()
    var microBatch = 1
    var sequenceParallel = false
    /// Micro-batches in flight that ``memory`` was counted for.
    var waiting = -1
    var memory = 0.0
    var hasParts = false
    var parts = StepParts<Double>()
    var demands = StepDemands<Double>()
    var counts = StepCounts<Double>(
      stages: 1, virtualStages: 1, microBatches: 1, middleLayers: 1, endLayers: 1)
    var devices = 1.0
  }

  /// Looks at the plan of a scenario: its context, its degrees, the rules that do not depend on the batches.
  @inline(never)
  private func begin(_ state: inout PlanState, _ place: Int, _ index: Int) {
    let (context, reason) = context(contextKey.value(digits, place), index)
    guard let context else {
      state.reason = reason
      return
    }
    current = context
    state.numbers = context.numbers
    state.microBatch = Swift.max(1, number(.microBatch, place))
    state.sequenceParallel = number(.sequenceParallel, place) == 1
    var plan = context.numbers.plan
    (plan.tensor, plan.context) = (
      Swift.max(1, number(.tensor, place)), Swift.max(1, number(.context, place))
    )
    (plan.pipeline, plan.expert) = (
      Swift.max(1, number(.pipeline, place)), Swift.max(1, number(.expert, place))
    )
    plan.virtualStages = Swift.max(1, number(.virtualStages, place))
    guard let data = plan.replicas(devices: number(.devices, place), given: number(.data, place)) else {
      state.reason = self.reason(.devices)
      return
    }
    plan.data = data
    // As many micro-batches as stages break no rule of their own.
    plan.microBatches = plan.pipeline
    if let rule = state.numbers.rules.fault(
      plan, microBatch: state.microBatch, sequenceParallel: state.sequenceParallel)
    {
      state.reason = self.reason(Fault(rule))
      return
    }
    if wantsEnergy, !state.numbers.knowsEnergy {
      state.reason = self.reason(.energy)
      return
    }
    let layers = plan.stageLayers(of: state.numbers.rules.layers) ?? (1, 1)
    state.plan = plan
    state.devices = Double(plan.devices)
    state.counts = StepCounts(
      stages: Double(plan.pipeline), virtualStages: Double(plan.virtualStages), microBatches: 1,
      middleLayers: Double(layers.middle), endLayers: Double(layers.ends))
  }

  /// Computes one scenario of a plan.
  ///
  /// - Returns: why it has no answer; 0 where it has one.
  @inline(__always)
  private func compose(_ state: inout PlanState, _ place: Int, _ columns: OutputColumns) -> UInt8 {
    guard
      let microBatches = state.plan.microBatches(
        batch: number(.globalBatch, place), microBatch: state.microBatch, given: number(.microBatches, place))
    else { return reason(.batch) }
    state.plan.microBatches = microBatches
    guard state.plan.interleaves else { return reason(.interleaving) }

    // The memory first: most plans of a large space do not fit.
    if requiresFit || columns.memory != nil {
      // Interleaved stages keep up to twice as many micro-batches as there are stages.
      let waiting = Swift.min(2 * state.plan.pipeline, microBatches)
      if waiting != state.waiting { countMemory(&state, place, waiting: waiting) }
      columns.memory?[place] = state.memory
      if requiresFit, state.memory > state.numbers.capacity { return reason(.memory) }
    }
    if !state.hasParts { findParts(&state, place) }
    state.counts.microBatches = Double(microBatches)
    state.counts.gradientExchanges = Double(state.plan.gradientExchanges)
    let times = TrainingStepForm<Double>.time(
      state.parts, state.counts, overlap: state.plan.overlap, contention: state.numbers.contention)
    guard times.total.isFinite else { return reason(.network) }
    let sequences = Double(state.microBatch * state.plan.data) * Double(microBatches)
    let tokens = sequences * Double(state.numbers.rules.sequence)
    let rate = tokens / times.total
    columns.time?[place] = times.total
    columns.tokensPerSecond?[place] = rate
    columns.tokensPerDeviceSecond?[place] = rate / state.devices
    columns.modelFLOPUtilization?[place] =
      state.numbers.sequenceWork * sequences / times.total / (state.numbers.peak * state.devices)
    columns.memoryCapacity?[place] = state.numbers.capacity
    columns.devices?[place] = state.devices
    columns.microBatches?[place] = Double(microBatches)
    columns.bubble?[place] = times.bubble
    columns.messages?[place] = times.messages
    columns.exposed?[place] = times.exposedWeights + times.exposedGradients
    guard wantsEnergy else { return 0 }
    return addEnergy(state, place, columns, times, tokens: tokens)
  }

  /// Fills the columns of energy, money and carbon.
  @inline(never)
  private func addEnergy(
    _ state: PlanState, _ place: Int, _ columns: OutputColumns, _ times: StepTimes<Double>, tokens: Double
  ) -> UInt8 {
    let phases = TrainingStepForm<Double>.phases(state.demands, state.parts, state.counts, times)
    let sustained = state.numbers.roof.sustained(phases)
    let energy = state.devices * sustained.energy
    columns.sustainedTime?[place] = sustained.time
    columns.energy?[place] = energy
    columns.energyPerToken?[place] = energy / tokens
    columns.power?[place] = energy / state.devices / sustained.time
    if columns.cost != nil || columns.costPerToken != nil {
      guard let money = state.numbers.cost?.money(energy, devices: state.devices, time: sustained.time) else {
        return reason(.prices)
      }
      columns.cost?[place] = money
      columns.costPerToken?[place] = money / tokens
    }
    if let carbon = columns.carbon {
      guard let mass = state.numbers.cost?.carbon(energy, devices: state.devices, time: sustained.time) else {
        return reason(.prices)
      }
      carbon[place] = mass
    }
    return 0
  }

  /// The question of a plan, and its kernels.
  private func question(_ state: PlanState, _ place: Int)
    -> (scenario: Scenario, kernels: TransformerStep<Double>)?
  {
    guard let current else { return nil }
    let scenario = current.scenario.spread(
      state.plan, microBatch: state.microBatch, sequenceParallel: state.sequenceParallel,
      separateAccumulation: separateAccumulation)
    let key = layerKey.value(digits, place)
    if let known = steps[key] { return (scenario, known) }
    guard let kernels = scenario.trainingKernels else { return nil }
    if steps.count >= 1 << 15 { steps = [:] }
    steps[key] = kernels
    return (scenario, kernels)
  }

  /// Finds the memory of a plan with so many micro-batches in flight.
  @inline(never)
  private func countMemory(_ state: inout PlanState, _ place: Int, waiting: Int) {
    state.waiting = waiting
    let key = memoryKey.value(digits, place) &+ waiting &* (memoryKey.count | 1)
    let (entry, isKnown) = memories.place(key)
    if !isKnown {
      guard let (scenario, kernels) = question(state, place) else { return memories.forget(key) }
      entry[0] = scenario.memory(of: kernels).total
    }
    state.memory = entry[0]
  }

  /// Finds the times of the parts of a plan, and costs those that nobody has asked for yet.
  @inline(never)
  private func findParts(_ state: inout PlanState, _ place: Int) {
    state.hasParts = true
    guard let current else { return }
    var asked: (scenario: Scenario, kernels: TransformerStep<Double>)?
    func ask() -> (scenario: Scenario, kernels: TransformerStep<Double>)? {
      if asked == nil { asked = question(state, place) }
      return asked
    }
    let host = state.numbers.host
    let layer = layer(layerKey.value(digits, place), current, energy: wantsEnergy) { ask()?.kernels }
    guard let layer else { return state.reason = reason(.inputs) }
    (state.parts.forward, state.parts.recompute, state.parts.backward) = (layer[0], layer[1], layer[2])
    (state.parts.embedding, state.parts.embeddingGradient, state.parts.head) = (layer[3], layer[4], layer[5])
    state.parts.perMicroBatch = state.numbers.perMicroBatch
    state.parts.once = state.numbers.once

    let (exchange, isExchangeKnown) = exchanges.place(exchangeKey.value(digits, place))
    if !isExchangeKnown, let (scenario, kernels) = ask() {
      var costs = StepParts<Double>()
      let (exchanges, updates) = (scenario.exchanges(of: kernels), scenario.updates(of: kernels))
      current.device.addExchanges(exchanges, to: &costs)
      (exchange[0], exchange[1]) = (costs.layerGradients, costs.outerGradients)
      (exchange[2], exchange[3]) = (costs.layerWeights, costs.updatedWeights)
      exchange[4] = current.device.updateTime(updates, host: host)
      exchange[5] = current.device.besideChannels(state.plan) ?? 0
      (exchange[6], exchange[7]) = (costs.weightCopies, costs.gradientCopies)
      if wantsEnergy {
        var demands = StepDemands<Double>()
        current.device.addExchanges(exchanges, to: &demands)
        (exchange[8], exchange[9]) = (demands.layerGradients, demands.outerGradients)
        (exchange[10], exchange[11]) = (demands.layerWeights, demands.updatedWeights)
        current.device.updateDemand(updates, host: host).store(exchange + 12)
        demands.weightCopies.store(exchange + 16)
        demands.gradientCopies.store(exchange + 20)
      }
    }
    (state.parts.layerGradients, state.parts.outerGradients) = (exchange[0], exchange[1])
    (state.parts.layerWeights, state.parts.updatedWeights) = (exchange[2], exchange[3])
    state.parts.optimizer = exchange[4]
    (state.parts.weightCopies, state.parts.gradientCopies) = (exchange[6], exchange[7])
    if wantsEnergy {
      state.demands.layer = EnergyDemand(layer + 6)
      state.demands.front = EnergyDemand(layer + 10)
      state.demands.head = EnergyDemand(layer + 14)
      (state.demands.layerGradients, state.demands.outerGradients) = (exchange[8], exchange[9])
      (state.demands.layerWeights, state.demands.updatedWeights) = (exchange[10], exchange[11])
      state.demands.optimizer = EnergyDemand(exchange + 12)
      state.demands.weightCopies = EnergyDemand(exchange + 16)
      state.demands.gradientCopies = EnergyDemand(exchange + 20)
    }

    if state.plan.pipeline > 1 {
      let (message, isKnown) = messages.place(messageKey.value(digits, place))
      if !isKnown, let (_, kernels) = ask() { message[0] = current.device.messageTime(kernels, state.plan) }
      state.parts.message = message[0]
    }
    let channels = exchange[5]
    if channels > 0 {
      // Few networks, so few numbers of channels: the loss is kept by layer and number.
      let key = layerKey.value(digits, place) &* 64 &+ Int(truncatingIfNeeded: channels.bitPattern % 61)
      let (loss, isKnown) = losses.place(key)
      if !isKnown || loss[2] != channels, let (_, kernels) = ask() {
        (loss[0], loss[1]) = current.device.losses(kernels, state.plan, channels: channels)
        loss[2] = channels
      }
      (state.parts.forwardLoss, state.parts.backwardLoss) = (loss[0], loss[1])
    }
  }

  /// The times of layer, embedding and head, and what they ask of the power.
  ///
  /// - Parameters:
  ///   - key: of the layer.
  ///   - context: the machine.
  ///   - energy: whether demands are wanted.
  ///   - kernels: lists the kernels when the layer is not known.
  /// - Returns: six times and three demands; nil without kernels.
  func layer(
    _ key: Int, _ context: TrainingContext, energy: Bool, kernels: () -> TransformerStep<Double>?
  ) -> UnsafeMutablePointer<Double>? {
    let (layer, isKnown) = layers.place(key)
    if isKnown { return layer }
    guard let kernels = kernels() else {
      layers.forget(key)
      return nil
    }
    let (recompute, host) = (context.numbers.plan.recompute, context.numbers.host)
    let costs = context.device.layerParts(kernels, recompute: recompute, host: host)
    (layer[0], layer[1], layer[2]) = (costs.forward, costs.recompute, costs.backward)
    (layer[3], layer[4], layer[5]) = (costs.embedding, costs.embeddingGradient, costs.head)
    if energy {
      let demands = context.device.layerDemands(kernels, recompute: recompute, host: host)
      demands.layer.store(layer + 6)
      demands.front.store(layer + 10)
      demands.head.store(layer + 14)
    }
    return layer
  }
}

extension EnergyDemand where N == Double {
  fileprivate init(_ numbers: UnsafePointer<Double>) {
    self.init(
      time: numbers[0], clockedTime: numbers[1], coreEnergy: numbers[2], otherEnergy: numbers[3])
  }

  fileprivate func store(_ numbers: UnsafeMutablePointer<Double>) {
    (numbers[0], numbers[1], numbers[2], numbers[3]) = (time, clockedTime, coreEnergy, otherEnergy)
  }
}

/// The columns of the outputs that somebody reads.
private struct OutputColumns {
  typealias Column = UnsafeMutablePointer<Double>?
  let time, tokensPerSecond, tokensPerDeviceSecond, modelFLOPUtilization: Column
  let memory, memoryCapacity, devices, microBatches, bubble, messages, exposed: Column
  let sustainedTime, energy, energyPerToken, power, cost, costPerToken, carbon: Column

  init(_ columns: [Column]) {
    func column(_ output: TrainingSweep.Output) -> Column { columns[output.rawValue] }
    time = column(.time)
    tokensPerSecond = column(.tokensPerSecond)
    tokensPerDeviceSecond = column(.tokensPerDeviceSecond)
    modelFLOPUtilization = column(.modelFLOPUtilization)
    memory = column(.memory)
    memoryCapacity = column(.memoryCapacity)
    devices = column(.devices)
    microBatches = column(.microBatches)
    bubble = column(.bubble)
    messages = column(.messages)
    exposed = column(.exposed)
    sustainedTime = column(.sustainedTime)
    energy = column(.energy)
    energyPerToken = column(.energyPerToken)
    power = column(.power)
    cost = column(.cost)
    costPerToken = column(.costPerToken)
    carbon = column(.carbon)
  }
}

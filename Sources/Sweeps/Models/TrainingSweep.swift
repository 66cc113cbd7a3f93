import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// Training steps over a space of plans, machines and runs: what `rooftree estimate` answers, composed from parts that are
/// costed once.
///
/// The cost of a layer does not depend on how many stages or replicas there are, that of an exchange of gradients not on
/// the micro-batch. So each part is kept by the axes that it reads, and only the composition
/// (``TrainingStepForm/time(_:_:overlap:contention:)``, the function that an estimate calls) runs for each scenario.
struct TrainingSweep: SweepModel {
  static let outputs = [
    SweepOutput("time", unit: "s", "time of a training step"),
    SweepOutput("tokens_per_second", unit: "1/s", "tokens a second of all devices"),
    SweepOutput("tokens_per_device_second", unit: "1/s", "tokens a second of each device"),
    SweepOutput("model_flop_utilization", unit: "1", "share of the peak rate that the needed operations use"),
    SweepOutput("memory", unit: "B", "memory of the fullest device"),
    SweepOutput("memory_capacity", unit: "B", "main memory of a device"),
    SweepOutput("devices", unit: "1", "devices"),
    SweepOutput("micro_batches", unit: "1", "micro-batches of a replica"),
    SweepOutput("bubble", unit: "s", "waiting while the pipeline fills and empties"),
    SweepOutput("messages", unit: "s", "messages between stages"),
    SweepOutput("exposed", unit: "s", "exchanges of gradients and weights that lengthen the step"),
  ]

  /// Why a plan cannot be.
  enum Fault: Int, CaseIterable {
    case tensor, devices, batch, stages, interleaving, tokens, experts, network, memory, inputs

    var words: String {
      switch self {
      case .tensor: "the tensor-parallel degree does not divide heads or feed-forward columns"
      case .devices: "tensor x context x pipeline x data is not the number of devices"
      case .batch: "micro-batches and replicas do not divide the global batch"
      case .stages: "the stages do not share the layers evenly"
      case .interleaving: "virtual stages need stages, and micro-batches in multiples of them"
      case .tokens: "the devices do not share the tokens evenly"
      case .experts: "the devices do not share the experts evenly"
      case .network: "no network joins so many devices"
      case .memory: "the step does not fit in memory"
      case .inputs: "workload, hardware and run contradict one another"
      }
    }
  }

  let reasons = Fault.allCases.map(\.words)
  let files: [String]
  private let sweep: Sweep
  private let library: Library
  private let plan: PlanSource
  private let separateAccumulation: Bool
  private let requiresFit: Bool

  /// The model of a sweep.
  ///
  /// - Throws: `Diagnostic` at the first thing in the base or the axes that no scenario could have.
  init(_ sweep: Sweep, in library: Library) throws(Diagnostic) {
    self.sweep = sweep
    self.library = library
    plan = try PlanSource(sweep)
    separateAccumulation = sweep.base.value("run")?.value("separate_accumulation")?.text == "true"
    requiresFit = sweep.base.value("run")?.value("require_fit")?.text == "true"
    // Each value of each axis is tried once, so that a wrong one is found before the work begins.
    let maker = TrainingContextMaker(sweep, in: library)
    for axis in [nil] + maker.axes.map(Optional.some) {
      let size = axis.map { sweep.space.dimensions[sweep.space.dimensionOfAxis[$0]].size } ?? 1
      for digit in 0..<Swift.min(size, 64) {
        do throws(Diagnostic) {
          _ = try maker.context { $0 == axis ? digit : 0 }
        } catch {
          if axis != nil, case .contradiction = error.fault { continue }
          throw error
        }
      }
    }
    var seen: Set<String> = []
    files = maker.files.filter { seen.insert($0).inserted }
  }

  func evaluator(firstReason: Int) -> any BlockEvaluator {
    TrainingEvaluator(
      sweep, plan, TrainingContextMaker(sweep, in: library), firstReason: firstReason,
      separateAccumulation: separateAccumulation, requiresFit: requiresFit)
  }
}

/// Where the numbers of a plan come from: axes, or the base.
struct PlanSource: Sendable {
  /// The numbers of a plan, in the order of the columns.
  enum Number: Int, CaseIterable {
    case tensor, pipeline, virtualStages, data, context, expert, devices, sequenceParallel, microBatch,
      microBatches,
      globalBatch

    var key: String { TrainingContextMaker.planKeys[rawValue] }
  }

  /// The value of the base; 0 where nothing is said.
  private(set) var base: [Int] = []
  /// The axis that sets the number, with its values.
  private(set) var axes: [(axis: Int, dimension: Int, values: [Int])?] = []

  init(_ sweep: Sweep) throws(Diagnostic) {
    for number in Number.allCases {
      let keys = number.key.split(separator: ".").map(String.init)
      var value = 0
      if let node = sweep.base.value(keys[0])?.value(keys[1]) {
        value = try Self.whole(node.text, number, node, path: "base.\(number.key)")
      }
      base.append(value)
      guard let axis = sweep.space.axes.firstIndex(where: { $0.key == number.key }) else {
        axes.append(nil)
        continue
      }
      let given = sweep.space.axes[axis]
      let node = given.keyNode ?? sweep.base
      let dimension = sweep.space.dimensionOfAxis[axis]
      switch given.values {
      case .numbers, .words: break
      case .multiples, .sampled, .draws:
        throw node.diagnostic(
          .wrongKind(path: "axes.\(given.name)", found: "no list of values", expected: "whole numbers"))
      }
      var values: [Int] = []
      for digit in 0..<sweep.space.dimensions[dimension].size {
        values.append(
          try Self.whole(
            sweep.space.label(axis, at: digit), number,
            given.nodes.indices.contains(digit) ? given.nodes[digit] : node, path: "axes.\(given.name)"))
      }
      axes.append((axis, dimension, values))
    }
  }

  private static func whole(_ text: String, _ number: Number, _ node: DocumentNode, path: String)
    throws(Diagnostic)
    -> Int
  {
    if number == .sequenceParallel {
      guard let flag = ["true": 1, "false": 0][text] else {
        throw node.diagnostic(
          .wrongKind(path: path, found: "'\(printable(text))'", expected: "true or false"))
      }
      return flag
    }
    let limit = [.microBatch, .microBatches, .globalBatch].contains(number) ? 1_000_000_000 : 1_000_000
    guard let value = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) }), (1...limit).contains(value)
    else {
      throw node.diagnostic(
        .outOfRange(path: path, found: text, expected: "a whole number from 1 to \(limit)"))
    }
    return value
  }

  /// The dimensions of numbers that are set by an axis.
  func dimensions(_ numbers: [Number]) -> [Int] { numbers.compactMap { axes[$0.rawValue]?.dimension } }
}

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

/// Evaluates training steps on one thread.
final class TrainingEvaluator: BlockEvaluator {
  private typealias Fault = TrainingSweep.Fault

  let sweep: Sweep
  let source: PlanSource
  private let maker: TrainingContextMaker
  private let firstReason: Int
  private let separateAccumulation: Bool
  private let requiresFit: Bool

  /// A mixed-radix number over some dimensions.
  struct Key {
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
  }

  let contextKey, layerKey: Key
  private let exchangeKey, messageKey, memoryKey: Key
  let layers: PartTable
  private let exchanges, messages, losses, memories: PartTable
  private var contexts: [Int: (context: TrainingContext?, reason: UInt8)] = [:]
  private var steps: [Int: TransformerStep<Double>] = [:]
  private let keyColumns: UnsafeMutablePointer<Int>
  private let planColumns: UnsafeMutablePointer<Int>

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
    contextKey = Key(space, context)
    layerKey = Key(space, context + group + batch + several)
    exchangeKey = Key(space, context + group + replicas)
    messageKey = Key(space, context + group + replicas + batch)
    memoryKey = Key(
      space, described + group + replicas + batch + several + source.dimensions([.virtualStages]))
    layers = PartTable(width: 6, entries: layerKey.count)
    losses = PartTable(width: 3, entries: layerKey.count.multipliedReportingOverflow(by: 4).partialValue)
    exchanges = PartTable(width: 6, entries: exchangeKey.count)
    messages = PartTable(width: 1, entries: messageKey.count)
    memories = PartTable(width: 1, entries: memoryKey.count.multipliedReportingOverflow(by: 8).partialValue)
    keyColumns = .allocate(capacity: 5 * ColumnBlock.capacity)
    planColumns = .allocate(capacity: PlanSource.Number.allCases.count * ColumnBlock.capacity)
  }

  deinit {
    for table in [layers, exchanges, messages, losses, memories] { table.deallocate() }
    keyColumns.deallocate()
    planColumns.deallocate()
  }

  /// Fills a column with the keys of the scenarios of a block.
  private func fill(_ key: Key, _ block: ColumnBlock, _ column: UnsafeMutablePointer<Int>) {
    column.update(repeating: 0, count: block.count)
    for (dimension, factor) in key.terms {
      let digits = block.digits(dimension)
      for place in 0..<block.count { column[place] &+= Int(digits[place]) &* factor }
    }
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
      result = (nil, UInt8(firstReason + Fault.inputs.rawValue))
    }
    contexts[key] = result
    return result
  }

  func evaluate(_ block: ColumnBlock, into outputs: [UnsafeMutablePointer<Double>?]) {
    let capacity = ColumnBlock.capacity
    let columns = (0..<5).map { keyColumns + $0 * capacity }
    for (column, key) in zip(columns, [contextKey, layerKey, exchangeKey, messageKey, memoryKey]) {
      fill(key, block, column)
    }
    for number in PlanSource.Number.allCases {
      let column = planColumns + number.rawValue * capacity
      guard let axis = source.axes[number.rawValue] else {
        column.update(repeating: source.base[number.rawValue], count: block.count)
        continue
      }
      let digits = block.digits(axis.dimension)
      axis.values.withUnsafeBufferPointer { values in
        for place in 0..<block.count { column[place] = values[Int(digits[place])] }
      }
    }
    let wantsMemory = outputs[4] != nil || requiresFit
    var lastKey = -1
    var last: (context: TrainingContext?, reason: UInt8) = (nil, 0)
    block.forEachActive { place in
      let key = columns[0][place]
      if key != lastKey {
        last = context(key, block.start + place)
        lastKey = key
      }
      guard let context = last.context else {
        block.reasons[place] = last.reason
        return
      }
      guard let fault = scenario(place, context, columns, outputs, wantsMemory: wantsMemory) else { return }
      block.reasons[place] = UInt8(firstReason + fault.rawValue)
    }
    block.dropUnanswered()
  }

  /// Computes one scenario; says what is wrong with its plan where something is.
  @inline(__always)
  private func scenario(
    _ place: Int, _ context: TrainingContext, _ columns: [UnsafeMutablePointer<Int>],
    _ outputs: [UnsafeMutablePointer<Double>?], wantsMemory: Bool
  ) -> Fault? {
    let capacity = ColumnBlock.capacity
    func number(_ number: PlanSource.Number) -> Int { planColumns[number.rawValue * capacity + place] }
    let base = context.scenario
    let model = context.transformer
    let (tensor, pipeline) = (Swift.max(1, number(.tensor)), Swift.max(1, number(.pipeline)))
    let (virtual, ways) = (Swift.max(1, number(.virtualStages)), Swift.max(1, number(.context)))
    let expert = Swift.max(1, number(.expert))
    let microBatch = Swift.max(1, number(.microBatch))
    let isSequenceParallel = number(.sequenceParallel) == 1

    // The replicas.
    let replica = tensor * pipeline * ways
    var data = Swift.max(1, number(.data))
    let devices = number(.devices)
    if devices > 0 {
      guard devices % replica == 0, number(.data) == 0 || devices == replica * data else { return .devices }
      data = devices / replica
    }
    // The micro-batches.
    var microBatches = Swift.max(1, number(.microBatches))
    let batch = number(.globalBatch)
    if batch > 0 {
      guard batch % (microBatch * data) == 0 else { return .batch }
      let count = batch / (microBatch * data)
      guard number(.microBatches) == 0 || count == microBatches else { return .batch }
      microBatches = count
    }
    guard model.heads % tensor == 0, model.feedForward % tensor == 0,
      model.keyValueHeads <= tensor || model.keyValueHeads % tensor == 0
    else { return .tensor }
    if isSequenceParallel {
      guard tensor > 1, (microBatch * base.sequence) % (tensor * ways) == 0 else { return .tokens }
    }
    guard base.sequence % ways == 0 else { return .tokens }
    guard pipeline * virtual <= model.layers else { return .stages }
    let slots = model.layers + (base.plan.endsAsLayers && pipeline > 1 ? 2 : 0)
    guard slots % (pipeline * virtual) == 0 else { return .stages }
    let middle = slots / pipeline
    let ends = base.plan.endsAsLayers && pipeline > 1 ? middle - 1 : middle
    guard virtual == 1 || (pipeline > 1 && microBatches % pipeline == 0) else { return .interleaving }
    if expert > 1 {
      guard let experts = model.experts, experts.count % expert == 0, (data * ways) % expert == 0 else {
        return .experts
      }
    }
    let all = replica * data
    if all > 1 {
      guard let near = context.networks.first, let far = context.networks.last, far >= all,
        all <= near || all % near == 0
      else { return .network }
    }
    if tensor > 1 {
      guard let near = context.networks.first, tensor <= near || tensor % near == 0 else { return .network }
    }

    var plan: ParallelPlan {
      var plan = base.plan
      (plan.tensor, plan.context, plan.expert, plan.pipeline) = (tensor, ways, expert, pipeline)
      (plan.virtualStages, plan.data, plan.microBatches) = (virtual, data, microBatches)
      return plan
    }
    func step() -> (scenario: Scenario, kernels: TransformerStep<Double>) {
      let scenario = base.spread(
        plan, microBatch: microBatch, sequenceParallel: isSequenceParallel,
        separateAccumulation: separateAccumulation)
      let key = columns[1][place]
      if let known = steps[key] { return (scenario, known) }
      let kernels =
        scenario.trainingKernels
        ?? TransformerStep(
          model: model, microBatch: 1, sequence: 1, tensorParallel: 1, causal: true, dataType: .bf16)
      if steps.count >= 1 << 15 { steps = [:] }
      steps[key] = kernels
      return (scenario, kernels)
    }

    // The memory first: most plans of a large space do not fit.
    if wantsMemory {
      // Interleaved stages keep up to twice as many micro-batches as there are stages.
      let waiting = Swift.min(2 * pipeline, microBatches)
      let (entry, isKnown) = memories.place(columns[4][place] &* 4096 &+ waiting)
      if !isKnown {
        let (scenario, kernels) = step()
        entry[0] = scenario.memory(of: kernels).total
      }
      outputs[4]?[place] = entry[0]
      if requiresFit, entry[0] > context.capacity { return .memory }
    }

    var parts = StepParts<Double>()
    let (layer, isLayerKnown) = layers.place(columns[1][place])
    if !isLayerKnown {
      let costs = context.device.layerParts(
        step().kernels, recompute: base.plan.recompute, host: base.hostStarts)
      (layer[0], layer[1], layer[2]) = (costs.forward, costs.recompute, costs.backward)
      (layer[3], layer[4], layer[5]) = (costs.embedding, costs.embeddingGradient, costs.head)
    }
    (parts.forward, parts.recompute, parts.backward) = (layer[0], layer[1], layer[2])
    parts.perMicroBatch = context.device.stepFactors.microBatch
    parts.once = context.device.stepFactors.once
    (parts.embedding, parts.embeddingGradient, parts.head) = (layer[3], layer[4], layer[5])

    let (exchange, isExchangeKnown) = exchanges.place(columns[2][place])
    if !isExchangeKnown {
      let (scenario, kernels) = step()
      var costs = StepParts<Double>()
      context.device.addExchanges(scenario.exchanges(of: kernels), to: &costs)
      (exchange[0], exchange[1]) = (costs.layerGradients, costs.outerGradients)
      (exchange[2], exchange[3]) = (costs.layerWeights, costs.updatedWeights)
      exchange[4] = context.device.updateTime(scenario.updates(of: kernels), host: base.hostStarts)
      exchange[5] = context.device.besideChannels(plan) ?? 0
    }
    (parts.layerGradients, parts.outerGradients) = (exchange[0], exchange[1])
    (parts.layerWeights, parts.updatedWeights, parts.optimizer) = (exchange[2], exchange[3], exchange[4])

    if pipeline > 1 {
      let (message, isKnown) = messages.place(columns[3][place])
      if !isKnown { message[0] = context.device.messageTime(step().kernels, plan) }
      parts.message = message[0]
    }
    let channels = exchange[5]
    if channels > 0 {
      // Few networks, so few numbers of channels: the loss is kept by layer and number.
      let key = columns[1][place] &* 64 &+ Int(truncatingIfNeeded: channels.bitPattern % 61)
      let (loss, isKnown) = losses.place(key)
      if !isKnown || loss[2] != channels {
        (loss[0], loss[1]) = context.device.losses(step().kernels, plan, channels: channels)
        loss[2] = channels
      }
      (parts.forwardLoss, parts.backwardLoss) = (loss[0], loss[1])
    }

    let times = TrainingStepForm<Double>.time(
      parts,
      StepCounts(
        stages: Double(pipeline), virtualStages: Double(virtual), microBatches: Double(microBatches),
        gradientExchanges: Double(plan.gradientExchanges), middleLayers: Double(middle),
        endLayers: Double(ends)),
      overlap: base.plan.overlap, contention: context.device.contention)
    guard times.total.isFinite else { return .network }
    let sequences = Double(microBatch * microBatches * data)
    let rate = sequences * Double(base.sequence) / times.total
    outputs[0]?[place] = times.total
    outputs[1]?[place] = rate
    outputs[2]?[place] = rate / Double(all)
    outputs[3]?[place] = context.sequenceWork * sequences / times.total / (context.peak * Double(all))
    outputs[5]?[place] = context.capacity
    outputs[6]?[place] = Double(all)
    outputs[7]?[place] = Double(microBatches)
    outputs[8]?[place] = times.bubble
    outputs[9]?[place] = times.messages
    outputs[10]?[place] = times.exposedWeights + times.exposedGradients
    return nil
  }
}

extension TrainingSweep: BoundingModel {
  func bounder() -> any BoxBounder {
    TrainingBounder(sweep, plan, TrainingContextMaker(sweep, in: library))
  }
}

/// Bounds of training steps: all the work of the layers, spread evenly over all devices, without waiting or exchange.
///
/// Where everything that a layer depends on is given, its cost is; elsewhere no product runs faster than 1.3 times the peak
/// rate, the end of the range that fits allow for its efficiency.
private final class TrainingBounder: BoxBounder {
  private let sweep: Sweep
  private let source: PlanSource
  private let maker: TrainingContextMaker
  private let evaluator: TrainingEvaluator
  private let layerDimensions: [Int]
  private let contextDimensions: [Int]

  init(_ sweep: Sweep, _ source: PlanSource, _ maker: TrainingContextMaker) {
    self.sweep = sweep
    self.source = source
    self.maker = maker
    evaluator = TrainingEvaluator(
      sweep, source, maker, firstReason: 1, separateAccumulation: false, requiresFit: false)
    contextDimensions = maker.axes.map { sweep.space.dimensionOfAxis[$0] }
    layerDimensions =
      contextDimensions + source.dimensions([.tensor, .context, .expert, .microBatch, .sequenceParallel])
  }

  /// The range of a number of the plan over a box; at least 1.
  private func range(_ number: PlanSource.Number, _ box: SearchBox) -> Interval {
    guard let axis = source.axes[number.rawValue] else {
      return Interval(Double(Swift.max(1, source.base[number.rawValue])))
    }
    if axis.dimension < box.fixed {
      return Interval(Double(axis.values[box.space.digit(axis.dimension, of: box.start)]))
    }
    return Interval(Double(axis.values.min() ?? 1), Double(axis.values.max() ?? 1))
  }

  private func isGiven(_ number: PlanSource.Number) -> Bool {
    source.axes[number.rawValue] != nil || source.base[number.rawValue] > 0
  }

  func ranges(_ box: SearchBox, outputs: [Int]) -> [Interval] {
    let product = range(.tensor, box) * range(.context, box) * range(.pipeline, box)
    let devices = isGiven(.devices) ? range(.devices, box) : product * range(.data, box)
    let data = isGiven(.devices) ? Interval(1, devices.high) : range(.data, box)
    let sequences =
      isGiven(.globalBatch)
      ? range(.globalBatch, box) : range(.microBatch, box) * range(.microBatches, box) * data
    var least = Interval(0, .infinity)
    var rate = Interval(0, .infinity)
    var capacity = Interval.all
    if contextDimensions.allSatisfy({ $0 < box.fixed }), let context = evaluator.context(of: box.start) {
      capacity = Interval(context.capacity)
      let perSequence: Double
      if layerDimensions.allSatisfy({ $0 < box.fixed }),
        let layer = evaluator.layerTime(context, of: box.start)
      {
        perSequence = Double(context.transformer.layers) * layer
      } else {
        let tokens = Double(context.scenario.sequence)
        let matrices = Double(context.transformer.layers) * context.transformer.layerMatrixParameters
        // Mixtures use a part of their matrices: nothing is claimed of them.
        perSequence = context.transformer.experts == nil ? 6 * tokens * matrices / (1.3 * context.peak) : 0
      }
      let time = Interval(perSequence) * sequences / devices
      least = Interval(time.low, .infinity)
      if perSequence > 0 {
        rate = Interval(0, (Interval(Double(context.scenario.sequence) / perSequence) * devices).high)
      }
    }
    return outputs.map { (output: Int) -> Interval in
      switch output {
      case 0: least
      case 1: rate
      case 2: Interval(0, (rate / devices).high)
      case 5: capacity
      case 6: devices
      default: Interval(0, .infinity)
      }
    }
  }
}

extension TrainingEvaluator {
  /// The context of a scenario by its index; nil where there is none.
  func context(of index: Int) -> TrainingContext? {
    context(contextKey.value(sweep.space, index), index).context
  }

  /// Time of a layer for one sequence on as many devices as share it, times these devices, in seconds: what all layers'
  /// work comes to whatever the stages and replicas.
  ///
  /// - Returns: nil where the tensor-parallel degree does not divide the layer.
  func layerTime(_ context: TrainingContext, of index: Int) -> Double? {
    func number(_ number: PlanSource.Number) -> Int {
      guard let axis = source.axes[number.rawValue] else { return Swift.max(1, source.base[number.rawValue]) }
      return axis.values[sweep.space.digit(axis.dimension, of: index)]
    }
    let (tensor, ways, microBatch) = (number(.tensor), number(.context), number(.microBatch))
    let model = context.transformer
    guard model.heads % tensor == 0, model.feedForward % tensor == 0,
      model.keyValueHeads <= tensor || model.keyValueHeads % tensor == 0,
      context.scenario.sequence % ways == 0
    else { return nil }
    let key = layerKey.value(sweep.space, index)
    let (layer, isKnown) = layers.place(key)
    if !isKnown {
      var plan = context.scenario.plan
      (plan.tensor, plan.context, plan.expert) = (tensor, ways, number(.expert))
      let flag =
        source.axes[PlanSource.Number.sequenceParallel.rawValue] == nil
        ? source.base[PlanSource.Number.sequenceParallel.rawValue] : number(.sequenceParallel)
      let scenario = context.scenario.spread(
        plan, microBatch: microBatch, sequenceParallel: flag == 1, separateAccumulation: false)
      guard let kernels = scenario.trainingKernels else {
        layers.forget(key)
        return nil
      }
      let costs = context.device.layerParts(
        kernels, recompute: plan.recompute, host: context.scenario.hostStarts)
      (layer[0], layer[1], layer[2]) = (costs.forward, costs.recompute, costs.backward)
      (layer[3], layer[4], layer[5]) = (costs.embedding, costs.embeddingGradient, costs.head)
    }
    return (layer[0] + layer[1] + layer[2]) * Double(tensor * ways) / Double(microBatch)
  }
}

public import Hardware
public import Quantities
public import Workloads

/// A device with its calibration: what turns operators into costs.
///
/// Data sheet and measurements meet here and nowhere else. Without a calibration the constants are those that
/// the calibrated devices agree on, and intervals are wide.
public struct DeviceModel<N: ModelNumber>: Sendable {
  /// The device.
  public let device: Device
  /// Its numbers, which a sweep may vary.
  public var machine: Machine<N>
  /// The calibration, if there is one.
  public let calibration: DeviceCalibration?
  let gemm: [DataType: GEMMForm<N>]
  let attention: AttentionForm<N>
  let decodeAttention: DecodeAttentionForm<N>
  let streaming: [Streaming<N>.Kind: StreamingForm<N>]
  /// What its kernels take of its power.
  public let energy: EnergyForm<N>
  let step: StepForm<N>
  let rowAlignment: RowAlignment.Knowledge
  /// Its network.
  public private(set) var network: NetworkModel<N>
  /// How kernels and exchanges slow one another.
  public let contention: ContentionForm<N>
  /// Products that share the device.
  public let concurrentProducts: ConcurrentProductsForm<N>
  /// Exchanges by copy engines.
  public let copyEngines: CopyEngineForm<N>
  /// The part of an eager step in which the power limit has lowered the clock: 0 for short steps, nil outside of one.
  public var limitedShare: N?
  /// What running whole steps changes about kernels measured alone.
  public var stepFactors = StepFactors<N>()
  /// Speed of the compute units over that at full clock in what runs again and again; nil for kernels as they run with
  /// pauses, whose forms hold what long ones lose.
  public private(set) var clock: N?

  /// The model with the clock that the power limit leaves kernels that run again and again.
  ///
  /// The limit holds the mean of some 50 ms, which is that of the kernels where all of them together take less, or where
  /// they repeat.
  ///
  /// - Parameter operators: the kernels, one after another.
  /// - Returns: this model where steps are not sustained.
  func running(_ operators: [Operator<N>]) -> DeviceModel {
    guard stepFactors.isSustained else { return self }
    var model = self
    model.clock = N(1)
    var demand = EnergyDemand<N>.zero
    for operation in operators {
      guard let cost = model.fullClockCost(operation) else { continue }
      demand = demand + energy.demand(of: operation.work, operation.dataType, cost: cost)
    }
    model.clock = powerRoof.sustained(demand).clock
    return model
  }

  /// The model with the clock that the power limit leaves the kernels that a closure lists.
  ///
  /// - Parameter list: lists them.
  /// - Returns: this model where steps are not sustained.
  public func running(_ list: (inout OperatorList<N>) -> Void) -> DeviceModel {
    var operators = OperatorList<N>()
    list(&operators)
    return running(operators.operators)
  }

  /// A device with what was measured on it.
  ///
  /// - Parameters:
  ///   - device: as its data sheet describes it.
  ///   - calibration: what was measured; nil for nothing.
  ///   - varied: its numbers where they are varied; those of the data sheet if nil.
  @_specialize(where N == Double)
  public init(_ device: Device, _ calibration: DeviceCalibration?, machine varied: Machine<N>? = nil) {
    self.device = device
    self.calibration = calibration
    rowAlignment = RowAlignment.Knowledge(device)
    let machine = varied ?? Machine<N>(device)
    self.machine = machine
    var gemm: [DataType: GEMMForm<N>] = [:]
    for type in DataType.allCases {
      let name = Self.calibratedName(of: type, calibration)
      gemm[type] =
        calibration?.fitted(GEMMForm<N>.self, named: name) ?? .uncalibrated(on: machine)
    }
    self.gemm = gemm
    attention = calibration?.fitted(AttentionForm<N>.self) ?? .uncalibrated(on: machine)
    decodeAttention = calibration?.fitted(DecodeAttentionForm<N>.self) ?? .uncalibrated(on: machine)
    var streaming: [Streaming<N>.Kind: StreamingForm<N>] = [:]
    for kind in Streaming<N>.Kind.allCases {
      streaming[kind] = Self.streamingForm(kind, calibration, machine)
    }
    self.streaming = streaming
    energy = calibration?.fitted(EnergyForm<N>.self) ?? .uncalibrated(on: machine)
    step = calibration?.fitted(StepForm<N>.self) ?? .uncalibrated
    network = NetworkModel(device, calibration, machine: machine)
    contention = calibration?.fitted(ContentionForm<N>.self) ?? .uncalibrated
    concurrentProducts = calibration?.fitted(ConcurrentProductsForm<N>.self) ?? .uncalibrated
    copyEngines = calibration?.fitted(CopyEngineForm<N>.self) ?? .uncalibrated
  }

  /// The device with other numbers; what was fitted stays.
  ///
  /// Far quicker than making a model: forms read the numbers each time they are asked. Only those that nobody fitted are
  /// made of the launch overhead, the power limit and the peak rate; they are made again where one of these changes.
  ///
  /// - Parameters:
  ///   - machine: all numbers.
  ///   - changed: those that differ.
  /// - Returns: the model that a device with these numbers has.
  @_specialize(where N == Double)
  public func moved(to machine: Machine<N>, changed: [MachineNumber]) -> DeviceModel {
    let isEnergyFitted = calibration?.forms[EnergyForm<N>.name] != nil
    let isAnew = changed.contains { number in
      switch number {
      case .launch: true
      case .powerLimit, .rate: !isEnergyFitted
      default: false
      }
    }
    var result = isAnew ? DeviceModel(device, calibration, machine: machine) : self
    result.stepFactors = stepFactors
    result.machine = machine
    result.network = network.moved(to: machine.links)
    return result
  }

  /// The constants that products of a type are costed with: their own, or those of 16-bit types.
  private static func calibratedName(of type: DataType, _ calibration: DeviceCalibration?) -> String {
    let own = GEMMForm<N>.name(of: type)
    return calibration?.forms[own] == nil ? GEMMForm<N>.name : own
  }

  private static func streamingForm(
    _ kind: Streaming<N>.Kind, _ calibration: DeviceCalibration?, _ machine: Machine<N>
  ) -> StreamingForm<N> {
    let name = calibratedName(of: kind, calibration)
    let fitted = name.flatMap { calibration?.fitted(StreamingForm<N>.self, named: $0) }
    return fitted ?? .uncalibrated(StreamingForm<N>.typicalConstants(of: kind), on: machine)
  }

  /// The constants that a kind is costed with: its own, or those of its nearest relative.
  private static func calibratedName(of kind: Streaming<N>.Kind, _ calibration: DeviceCalibration?)
    -> String?
  {
    let names = [kind, StreamingForm<N>.relative(of: kind)].map { StreamingForm<N>.name(of: $0) }
    return names.first { calibration?.forms[$0] != nil }
  }

  /// The cost of one operator, alone.
  ///
  /// - Parameters:
  ///   - work: what it computes.
  ///   - type: the data type of its operands.
  ///   - units: compute units given to it; all of the device if nil.
  /// - Returns: nil when the device cannot do it: no rate for the type, or no network that joins the ranks.
  public func cost(_ work: Work<N>, _ type: DataType, units: N? = nil) -> Cost<N>? {
    switch work {
    case .gemm(let shape):
      let form = gemm[type] ?? .uncalibrated(on: machine)
      guard var cost = form.cost(shape, type, on: machine, units: units) else { return nil }
      if rowAlignment != .none, type.bytes == 2 {
        let growth = RowAlignment.growth(shape)
        cost.time = growth * cost.time
        cost.compute = growth * cost.compute
      }
      return cost
    case .attention(let shape) where shape.isDecode: return decodeAttention.cost(shape, type, on: machine)
    case .attention(let shape):
      return attention.cost(
        shape, type, on: machine, streaming: streaming[.copy] ?? .uncalibrated(on: machine))
    case .streaming(let shape):
      let form = streaming[shape.kind] ?? .uncalibrated(on: machine)
      return form.cost(shape, type, on: machine, units: units)
    case .collective(let exchange):
      return network.cost(exchange, stride: exchange.stride, channels: units)?.cost
    }
  }

  /// The part of the main memory's bandwidth that kernels reach which only read.
  public var readEfficiency: N { (streaming[.sum] ?? .uncalibrated(on: machine)).memoryEfficiency }

  /// The constants of products of a type.
  public func productForm(_ type: DataType) -> GEMMForm<N> { gemm[type] ?? .uncalibrated(on: machine) }

  /// How the tiles of a product lie on the device when its library has all units in mind.
  ///
  /// - Parameters:
  ///   - gemm: the product.
  ///   - tuned: units that its kernel is chosen for; all of the device if nil.
  /// - Returns: its waves on this device.
  public func waves(of gemm: GEMM<N>, tuned: N? = nil) -> TileWaves<N> {
    TileWaves(gemm, units: machine.units, dispatch: .of(device), tuned: tuned)
  }

  /// The time of an operator beside others that hold compute units to its end, in seconds.
  ///
  /// - Parameters:
  ///   - operation: what is computed.
  ///   - held: units that others hold; never more than all but one.
  /// - Returns: nil when the device cannot do it.
  public func crowdedTime(_ operation: Operator<N>, held: N) -> N? {
    cost(operation.work, operation.dataType).map { crowdedTime(operation, alone: $0, held: held) }
  }

  /// The same, where the cost of the operator alone is known.
  func crowdedTime(_ operation: Operator<N>, alone: Cost<N>, held: N) -> N {
    let left = N.larger(N(1), machine.units - held)
    switch operation.work {
    case .gemm(let shape):
      let waves = waves(of: shape)
      let crowded = waves.crowd(held: held).time(unit: N(1) / waves.waves, lone: contention.loneUnit)
      return alone.time * Self.growth(alone, of: crowded)
    case .attention:
      // The form of attention counts all units.
      return alone.time * (machine.units / left)
    case .streaming(let shape): return streamingTime(shape, operation.dataType, alone, units: left)
    case .collective: return alone.time
    }
  }

  /// The time of an operator on a part of the compute units that is its own, in seconds.
  ///
  /// Products keep the tiles that their library chose for the whole device; fewer units run faster each, because the
  /// power limit binds less. Streaming kernels reach the memory's bandwidth with about half of the units.
  ///
  /// - Parameters:
  ///   - work: what is computed.
  ///   - type: the data type of its operands.
  ///   - units: how many units; whole clusters.
  /// - Returns: nil when the device cannot do it.
  public func partitionedTime(_ work: Work<N>, _ type: DataType, units: N) -> N? {
    guard let alone = cost(work, type) else { return nil }
    let part = N.smaller(N(1), units / machine.units)
    switch work {
    case .gemm(let shape):
      let waves = waves(of: shape)
      let loaded = contention.loneUnit + (N(1) - contention.loneUnit) * part
      let crowd = waves.crowd(held: N.larger(N(0), machine.units - units), isAligned: true)
      let crowded = crowd.time(unit: loaded / waves.waves, lone: N(1))
      return alone.time
        * Self.growth(alone, of: N.choose(where: N(1), isAtMost: part, then: N(1), otherwise: crowded))
    case .streaming(let shape): return streamingTime(shape, type, alone, units: units)
    case .attention: return alone.time / part
    case .collective: return network.cost(collective(of: work), channels: units)?.cost.time
    }
  }

  private func collective(of work: Work<N>) -> Collective<N> {
    if case .collective(let exchange) = work {
      exchange
    } else {
      Collective(.pointToPoint, bytes: N(0), ranks: 1)
    }
  }

  private func streamingTime(_ shape: Streaming<N>, _ type: DataType, _ alone: Cost<N>, units: N) -> N {
    let moved = contention.movingTime(shape.bytes(type), units: units, clock: machine.clock)
    // What computes on each element needs the units for that as well.
    let computes = shape.kind != .copy && shape.kind != .add && shape.kind != .fill
    let computed = computes ? alone.compute * (machine.units / units) : N(0)
    let unit = N.larger(moved, computed)
    let body = N.larger(N(0), alone.time - alone.launch)
    let third = (body * body * body + unit * unit * unit).raised(to: N(1.0 / 3))
    // On all units it is what it was.
    return N.choose(
      where: machine.units, isAtMost: units, then: alone.time,
      otherwise: N.larger(alone.time, alone.launch + third))
  }

  /// Growth of a time whose units need so many times as long, while the memory needs what it needed.
  private static func growth(_ cost: Cost<N>, of units: N) -> N {
    let memory = cost.memory / N.larger(cost.compute, N(1e-12))
    let (r2, m2) = (units * units, memory * memory)
    let (crowded, alone) = (r2 * r2 + m2 * m2, 1 + m2 * m2)
    return (crowded / alone).squareRoot().squareRoot()
  }

  /// The cost of one operator among the unlike kernels of a step.
  ///
  /// - Parameters:
  ///   - work: what it computes.
  ///   - type: the data type of its operands.
  /// - Returns: nil when the device cannot do it.
  public func costInStep(_ work: Work<N>, _ type: DataType) -> Cost<N>? {
    cost(work, type).map { inStep($0, of: work) }
  }

  /// The cost of an operator among the unlike kernels of a step, where its cost alone is known.
  ///
  /// The lower clock stretches what waits for the units. Softmax and sums over rows wait for chains of loads.
  ///
  /// - Parameters:
  ///   - alone: its cost in a loop of itself.
  ///   - work: what it computes.
  /// - Returns: its cost in the step, with ``limitedShare``.
  public func inStep(_ alone: Cost<N>, of work: Work<N>) -> Cost<N> {
    let limited = limitedShare ?? N(0)
    switch work {
    case .gemm: return step.cost(alone, limited: limited)
    case .collective: return alone
    case .streaming(let shape) where [.softmax, .softmaxBackward, .sum, .rowSum].contains(shape.kind):
      return alone
    case .attention, .streaming:
      let stretch = 1 + (ClockBurst.stepGrowth - 1) * limited
      var cost = alone
      if case .streaming(let shape) = work, shape.kind == .dropout {
        let spared = N.smaller(N(StreamingForm<N>.generatorLoad), 0.25 * alone.launch)
        cost.time = alone.time - spared
        cost.launch = alone.launch - spared
      }
      cost.time = cost.time + (Self.growth(alone, of: stretch) - N(1)) * (alone.time - alone.launch)
      cost.compute = stretch * alone.compute
      return cost
    }
  }

  /// The model for the kernels of an eager step, with what the power limit makes of long ones.
  ///
  /// - Parameters:
  ///   - operators: the kernels of one iteration, or of a part of it.
  ///   - count: how many such parts an iteration has.
  /// - Returns: this model with ``limitedShare``.
  public func inEagerStep(_ operators: [Operator<N>], count: N) -> DeviceModel {
    var products = N(0)
    for operation in operators {
      guard case .gemm = operation.work, let cost = cost(operation.work, operation.dataType) else { continue }
      products = products + cost.time
    }
    var model = self
    model.limitedShare = ClockBurst.limitedShare(products: count * products)
    return model
  }

  /// The time of operators one after another beside an exchange that holds so many compute units, in seconds.
  ///
  /// - Parameters:
  ///   - operators: what is computed.
  ///   - channels: units that the exchange holds.
  /// - Returns: nil when the device cannot do it.
  public func crowdedTime(_ operators: [Operator<N>], channels: N) -> N? {
    var sum = N(0)
    for operation in operators {
      guard let time = crowdedTime(operation, held: channels) else { return nil }
      sum = sum + time
    }
    return sum
  }

  /// The class of an operator: the constants that it is costed with, by the name of calibration files.
  public func formName(of work: Work<N>, _ type: DataType) -> String {
    switch work {
    case .gemm: Self.calibratedName(of: type, calibration)
    case .attention(let shape): shape.isDecode ? DecodeAttentionForm<N>.name : AttentionForm<N>.name
    case .streaming(let shape):
      Self.calibratedName(of: shape.kind, calibration) ?? StreamingForm<N>.name(of: shape.kind)
    case .collective: CollectiveForm<N>.name
    }
  }
}

extension DeviceModel where N == Double {
  /// Relative error to expect of one operator: the spread of its form on rows that the fit did not see.
  ///
  /// Constants of another device err more, and know no more than the data sheet does: the least error is that without a
  /// calibration, except within a family, where it is so only as far as the units differ.
  ///
  /// - Parameters:
  ///   - work: what it computes.
  ///   - type: the data type of its operands.
  /// - Returns: the standard deviation of the logarithm of the time; for a device without a calibration, or a
  ///   form without one, ``uncalibratedSpread``.
  public func spread(of work: Work<Double>, _ type: DataType) -> Double {
    if case .collective(let exchange) = work {
      return network.spread(of: exchange, stride: exchange.stride)
    }
    let relative = isOfRelative(work) ? relativeSpread(of: work) : 0
    let unaligned = rowSpread(of: work, type)
    let rows = (unaligned * unaligned + relative * relative).squareRoot()
    let sheet = uncalibratedSpread(of: work, type)
    guard let calibration, let own = calibration.forms[formName(of: work, type)]?.spread else {
      return (sheet * sheet + rows * rows).squareRoot()
    }
    let other = isOfOtherType(work, type) ? Self.otherTypeSpread : 0
    let profile = profileSpread(of: work)
    let known = own * own + other * other + rows * rows + profile * profile
    guard calibration.hardware != device.name else { return known.squareRoot() }
    let unlikeness: Double
    if case .streaming = work { unlikeness = 0 } else { unlikeness = unitUnlikeness(type) }
    // The constants of an H200 miss an H100's kernels that move data by 13 % on average, its attention by 6 and its 8-bit
    // products by 8 %: more than the rows that the fits left out. Its other products they miss by no more.
    let foreign: Double
    switch work {
    case .streaming: foreign = 0.14
    case .gemm where type.bytes >= 2: foreign = 0.14 * unlikeness
    default: foreign = Swift.max(0.05, 0.14 * unlikeness)
    }
    let least = (isForeign ? 1 : unlikeness) * sheet
    return Swift.max(known + foreign * foreign, least * least + rows * rows).squareRoot()
  }

  /// What rows that are not aligned add to the error of a product.
  private func rowSpread(of work: Work<Double>, _ type: DataType) -> Double {
    guard case .gemm(let shape) = work, !shape.hasAlignedRows(type) else { return 0 }
    switch type.bytes == 2 ? rowAlignment : .none {
    case .measured:
      let isNarrow = shape.m * shape.n < RowAlignment.wide
      return isNarrow ? RowAlignment.narrowSpread : RowAlignment.spread
    case .transferred: return RowAlignment.transferredSpread
    case .none: return RowAlignment.unknownSpread
    }
  }

  /// Whether nobody measured what rows that are not aligned cost a product of this type on a device of this kind.
  ///
  /// - Parameters:
  ///   - work: what is computed.
  ///   - type: the data type of its operands.
  /// - Returns: false for anything but products.
  public func hasUnmeasuredRows(_ work: Work<Double>, _ type: DataType) -> Bool {
    guard case .gemm(let shape) = work, !shape.hasAlignedRows(type) else { return false }
    return type.bytes != 2 || rowAlignment != .measured
  }

  /// What is added to the error of a kernel outside of an eager step when its constants come from profiles of such steps.
  ///
  /// A profile shows the sum of a class. Gradients of GELU and normalisation and sums over rows of an H200 and an H100 that were
  /// measured alone (`measure-gpu`) are missed by 5 to 14 %, profiles left out by 1 to 6 %.
  private func profileSpread(of work: Work<Double>) -> Double {
    guard limitedShare == nil, calibration?.forms[StepForm<Double>.name] != nil,
      case .streaming(let shape) = work, StreamingForm<Double>.profiledKinds.contains(shape.kind)
    else { return 0 }
    return 0.08
  }

  /// Whether a kernel is costed with the constants of another kind, for want of rows of its own.
  ///
  /// - Parameter work: what is computed.
  /// - Returns: false for anything but streaming kernels.
  public func isOfRelative(_ work: Work<Double>) -> Bool {
    guard case .streaming(let shape) = work else { return false }
    if shape.isStandIn { return true }
    guard let calibration else { return false }
    let relative = StreamingForm<Double>.relative(of: shape.kind)
    return calibration.forms[StreamingForm<Double>.name(of: shape.kind)] == nil
      && calibration.forms[StreamingForm<Double>.name(of: relative)] != nil
  }

  /// What the constants of another kind add to the error of a kernel: root mean square errors of measured kinds of an H200
  /// that are costed with those of their relatives (`measure-gpu/h200_operators*.csv`, their own constants left out).
  ///
  /// SiLU 0.17 and the gradient of GELU 0.23, by GELU. Normalisation by the root mean square 0.34 and the gradient of
  /// normalisation 0.48, by layer normalisation; the gradient of softmax 0.33, by softmax. Transposes 0.67, embedding 0.20 and sums
  /// over rows 0.79, by kernels that keep the order. An optimizer of separate additions (`lamb_unfused`) 0.064.
  private func relativeSpread(of work: Work<Double>) -> Double {
    guard case .streaming(let shape) = work else { return 0 }
    switch shape.kind {
    case .silu, .geluBackward, .gatedActivation, .gatedActivationBackward: return 0.2
    case .rmsnorm, .layernormBackward, .softmaxBackward: return 0.39
    case .transpose, .embedding, .rowSum: return 0.61
    case .add, .scale, .multiply, .dropoutBackward, .sgd: return 0.064
    // All that compute.
    default: return 0.33
    }
  }

  /// Whether a product or attention is costed with constants that rows of other data types gave, for want of rows of its own.
  ///
  /// 16-bit types are one. Products of fp8 are measured too where a calibration knows the kernel that quantises before them:
  /// its rows hold both.
  ///
  /// - Parameters:
  ///   - work: what is computed.
  ///   - type: the data type of its operands.
  /// - Returns: false without a calibration.
  public func isOfOtherType(_ work: Work<Double>, _ type: DataType) -> Bool {
    guard let calibration, type != .bf16, type != .fp16 else { return false }
    switch work {
    case .gemm:
      switch type {
      case .fp8:
        return calibration.forms[GEMMForm<Double>.name(of: type)] == nil
          && calibration.forms[StreamingForm<Double>.name(of: .quantise)] == nil
      case .tf32, .fp32, .fp64: return calibration.forms[GEMMForm<Double>.name(of: type)] == nil
      default: return true
      }
    case .attention: return true
    case .streaming, .collective: return false
    }
  }

  /// What constants of another data type add to the error of an operator.
  ///
  /// Products of an H200 costed with its 16-bit constants (notebooks-data/measurements, h200/operators.csv and
  /// measure-gpu/h200_operators.csv): the root mean square error is 0.16 for fp8 and fp32, 0.21 for fp64, 0.30 for tf32,
  /// 0.21 over all 298 rows.
  static let otherTypeSpread = 0.21

  /// Whether the calibration is of a device that is not of the family of this one.
  public var isForeign: Bool {
    calibration.map { $0.hardware != device.name && $0.name != device.calibratedLike } ?? false
  }

  /// How unlike the units are to those of the measured device: 0 where they do as many operations a clock, 1 where the
  /// rates differ by a factor of 1.65 or more.
  ///
  /// H200, A100 and B200, whose tensor units differ by 1.8 to 3.8 times, miss one another's bf16 products by 20 to 40 % at
  /// the 90th percentile, and the H200 an H100's, whose units are equal, by no more than its own (docs/models.md).
  private func unitUnlikeness(_ type: DataType) -> Double {
    guard let measured = calibration?.measuredDevice.map({ Machine<Double>($0) }),
      let there = measured.rate(type), let here = machine.rate(type)
    else { return 1 }
    let ratio = (here / machine.units / machine.clock) / (there / measured.units / measured.clock)
    return Swift.min(1, abs(ratio.logarithm()) / 0.5)
  }

  /// Relative error of an operator from a data sheet and what the calibrated devices agree on.
  ///
  /// Measured on A100, H200 and B200 without their calibrations: 16- and 8-bit products and 16-bit attention are missed by 13 to 20 %
  /// at the 90th percentile, and an H100's by 12 %. A device whose units are like none of theirs keeps the quarter.
  private func uncalibratedSpread(of work: Work<Double>, _ type: DataType) -> Double {
    switch work {
    case .gemm where [.bf16, .fp16, .fp8].contains(type): break
    case .attention where [.bf16, .fp16].contains(type): break
    default: return uncalibratedSpread
    }
    guard device.vendor == "NVIDIA", let rate = machine.rate(.fp16) else { return uncalibratedSpread }
    // 16-bit operations of a unit in a clock: 2,048 (A100), 3,784 (H200 and H100), 7,736 (B200).
    let own = rate / machine.units / machine.clock
    let unlikeness = [2048, 3784, 7736].map { abs((own / $0).logarithm()) }.min() ?? 1
    return 0.12 + (uncalibratedSpread - 0.12) * Swift.min(1, unlikeness / 0.5)
  }

  /// Relative error that all kernels of a step have in common without a calibration, and of kernels that no device
  /// without one was judged on.
  public var uncalibratedSpread: Double { 0.25 }
}

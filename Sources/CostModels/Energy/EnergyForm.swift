public import Quantities
public import Workloads

/// The energy of a kernel on a GPU above what the idle device draws.
///
///     core  = active_power · time + matrix_energy · ratio(type) · FLOP + instruction_energy · instructions
///     other = memory_energy · bytes + link_energy · wire bytes
///
/// Constant power, energy of an operation and energy of a byte are kept apart as by Choi, Bedard, Fowler and Vuduc,
/// A roofline model of energy (IPDPS 2013); what kernels other than products do to each element is counted in
/// instructions (``instructions(of:)``). ``PowerRoof`` adds the idle power and the limit.
///
/// The initial values were fitted to kernels on an H100 that ran with pauses, so that no limit held them
/// (notebooks-data/measurements/measure-gpu/h100_energy.csv); an H200, the same chip with other memory, gives the same
/// within a few per cent. A device without measurements takes them scaled (``uncalibrated(on:)``).
public struct EnergyForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "energy" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "active_power", unit: "W", "power that compute units draw while a kernel holds them, above idle",
        initial: 143, in: 40...450),
      Constant(
        "matrix_energy", unit: "pJ", "energy of an operation of 16-bit matrix units, operands fetched",
        initial: 0.84, in: 0.2...3),
      Constant(
        "fp8_ratio", "energy of an 8-bit operation over that of a 16-bit one", initial: 0.59, in: 0.4...0.9),
      Constant(
        "tf32_ratio", "energy of a TF32 operation over that of a 16-bit one", initial: 1.87, in: 1.2...3),
      Constant(
        "fp32_ratio", "energy of an FP32 operation over that of a 16-bit one", initial: 10, in: 5...20),
      Constant(
        "fp64_ratio", "energy of an FP64 operation over that of a 16-bit one", initial: 13.7, in: 6...30),
      Constant(
        "memory_energy", unit: "pJ", "energy of a byte of main memory, with its way to the units",
        initial: 82,
        in: 40...200),
      Constant(
        "instruction_energy", unit: "pJ", "energy of an instruction of one thread", initial: 16.7, in: 6...45),
      Constant(
        "link_energy", unit: "pJ",
        "energy of a byte that a device sends in an exchange, receiving and relaying too",
        initial: 570, in: 200...1600),
      Constant(
        "clock_exponent", "the power of the speed that the energy of the compute units goes with",
        initial: 1.9, in: 1...3),
      Constant(
        "limit_share", "part of the power limit that a limited device settles at", initial: 0.99,
        in: 0.9...1.06),
    ]
  }

  @usableFromInline let activePower, matrixEnergy, fp8Ratio, tf32Ratio, fp32Ratio, fp64Ratio: N
  @usableFromInline let memoryEnergy, instructionEnergy, linkEnergy: N
  /// The power of the speed that the energy of the compute units goes with.
  public let clockExponent: N
  /// Part of the power limit that a limited device settles at.
  public let limitShare: N

  /// The form with these constants, picojoules turned into joules.
  @inlinable
  public init(constants c: [N]) {
    activePower = c[0]
    matrixEnergy = 1e-12 * c[1]
    fp8Ratio = c[2]
    tf32Ratio = c[3]
    fp32Ratio = c[4]
    fp64Ratio = c[5]
    memoryEnergy = 1e-12 * c[6]
    instructionEnergy = 1e-12 * c[7]
    linkEnergy = 1e-12 * c[8]
    clockExponent = c[9]
    limitShare = c[10]
  }

  /// Energy of an operation, in joules.
  @inlinable
  func energy(of type: DataType) -> N {
    switch type {
    case .bf16, .fp16: matrixEnergy
    case .fp8, .int8, .fp4: fp8Ratio * matrixEnergy
    case .tf32: tf32Ratio * matrixEnergy
    case .fp32, .int32: fp32Ratio * matrixEnergy
    case .fp64, .int64: fp64Ratio * matrixEnergy
    }
  }

  /// Instructions for each element of a streaming kernel: its measured energy above that of its time and bytes, in
  /// instructions of an FP32 product.
  ///
  /// Measured on an H100 (PyTorch's kernels, h100_energy.csv) for copy, add, GELU, layer norm, softmax, dropout and
  /// AdamW; the others are estimates from like kernels. Known to about a fifth.
  @inlinable
  static func instructions(of kind: Streaming<N>.Kind) -> Double {
    switch kind {
    case .fill: 0
    case .copy, .embedding, .sum, .rowSum: 1
    case .add, .sgd, .quantise, .scale, .multiply, .dropoutBackward, .embeddingBackward, .maxPool: 2
    case .dropout: 16
    case .gelu, .silu, .gatedActivation: 19
    // These compute where each element goes: an estimate.
    case .permute, .transpose, .concatenate: 20
    case .adamw, .lamb: 25
    case .geluBackward, .gatedActivationBackward, .softmaxBackward: 30
    case .layernorm, .rmsnorm: 33
    case .softmax: 37
    case .layernormBackward: 45
    }
  }

  /// Instructions for each score of attention, for the same reason: four forward, twenty backward (H100, heads of 64
  /// and 128 elements).
  @inlinable
  static func scoreInstructions(backward: Bool) -> Double { backward ? 20 : 4 }

  /// Energy of a byte of constants over that of a byte of random data: fewer wires change (H100, `fill`).
  @inlinable static var constantDataShare: Double { 0.55 }

  /// What an operator asks of the device's power.
  ///
  /// - Parameters:
  ///   - work: what it computes.
  ///   - type: the data type of its operands.
  ///   - cost: its time at full clock with the terms that make it up.
  /// - Returns: time and energy in parts.
  @inlinable
  public func demand(of work: Work<N>, _ type: DataType, cost: Cost<N>) -> EnergyDemand<N> {
    let time = cost.time
    // The part of the time that the units rather than the memory rule, as the forms' fourth-power means weigh them.
    let (compute, memory) = (cost.compute * cost.compute, cost.memory * cost.memory)
    let sum = compute * compute + memory * memory
    let share = N.choose(where: sum, isAtMost: N(0), then: N(0), otherwise: compute * compute / sum)
    var core = activePower * time
    var other = N(0)
    switch work {
    case .gemm(let shape):
      core = core + energy(of: type) * shape.flop
      other = memoryEnergy * shape.bytes(type)
    case .attention(let shape) where shape.part == .passes:
      other = memoryEnergy * shape.bytes(type)
    case .attention(let shape):
      let scores = shape.flop / ((shape.backward ? 10.0 : 4.0) * shape.headSize)
      core =
        core + energy(of: type) * shape.flop
        + Self.scoreInstructions(backward: shape.backward) * instructionEnergy * scores
      other = memoryEnergy * shape.bytes(type)
    case .streaming(let shape):
      core = core + Self.instructions(of: shape.kind) * instructionEnergy * shape.elements
      other = (shape.kind == .fill ? Self.constantDataShare : 1) * memoryEnergy * shape.bytes(type)
    case .collective(let exchange):
      // Measured for the exchange as a whole, its few units and its passes over memory included.
      let wire = CollectiveForms.wireFactor(exchange.kind, ranks: exchange.ranks) * exchange.bytes
      return EnergyDemand(time: time, clockedTime: N(0), coreEnergy: N(0), otherEnergy: linkEnergy * wire)
    }
    return EnergyDemand(time: time, clockedTime: share * time, coreEnergy: core, otherEnergy: other)
  }

  /// The form for a device whose energy was not measured.
  ///
  /// The power limit over the peak rate says how much energy an operation may take at most. An older device has more of
  /// it; that its operations also need as much more is one bound, that they need what an H100's do the other. The
  /// form takes the geometric mean. Active power goes with the limit; energies of bytes are kept.
  ///
  /// - Parameter machine: the device.
  /// - Returns: the form; known to a third (`uncalibratedEnergySpread`).
  public static func uncalibrated(on machine: Machine<N>) -> EnergyForm {
    var values = constants.map { N($0.initial) }
    guard let peak = machine.rate(.bf16) ?? machine.rate(.fp16) ?? machine.rate(.fp32) else {
      return EnergyForm(constants: values)
    }
    let ofLimit = machine.powerLimit / EnergyReference.powerLimit
    let ofOperation = (ofLimit * EnergyReference.peakRate / peak).squareRoot()
    for (index, scale) in [(0, ofLimit), (1, ofOperation), (7, ofOperation)] {
      values[index] = N.choose(
        where: machine.powerLimit, isAtMost: N(0), then: values[index], otherwise: scale * values[index])
    }
    return EnergyForm(constants: values)
  }
}

/// The device that the initial values of ``EnergyForm`` were measured on: an H100 SXM.
enum EnergyReference {
  /// Its power limit, in watts.
  static let powerLimit = 700.0
  /// Its dense 16-bit rate, in FLOP/s.
  static let peakRate = 989e12
}

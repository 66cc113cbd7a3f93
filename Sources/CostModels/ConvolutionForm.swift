public import Quantities
public import Workloads

/// The time of a convolution that is one kernel: tiles of its product, in waves.
///
///     wave = (fixed + inner · step) / clock
///     time = start + max(1, ⌈outputs / (tile · resident · units)⌉) · wave
///
/// A block walks along the inner length with a chain of dependent loads, so a step has a length in clocks whatever the
/// rate of the units; more blocks than a unit holds make another wave. Tiles and blocks on a unit are those that fit
/// best for each algorithm (``geometry(of:)``); cuDNN does not print them.
public struct TiledConvolutionForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files, before the algorithm.
  public static var name: String { "convolution" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time to start a kernel and end it", initial: 2.3, in: 0.5...20),
      Constant("fixed", unit: "clock", "a wave besides its steps", initial: 1000, in: 1...20000),
      Constant("step", unit: "clock", "one element of the inner length", initial: 60, in: 0.5...1000),
    ]
  }

  @usableFromInline let start, fixed, step: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    fixed = c[1]
    step = c[2]
  }

  /// Rows and columns of a tile of outputs, and blocks that share a unit.
  public static func geometry(of algorithm: Convolution<N>.Algorithm) -> (
    rows: Double, columns: Double, resident: Double
  ) {
    switch algorithm {
    case .gemm: (16, 8, 8)
    case .algorithm0, .algorithm3: (16, 8, 4)
    case .algorithm1: (16, 16, 2)
    default: (16, 64, 4)
    }
  }

  /// The time of a convolution.
  ///
  /// - Parameters:
  ///   - convolution: its shape, forward or the gradient of the images.
  ///   - machine: the device.
  /// - Returns: the time with the terms that make it up.
  public func cost(_ convolution: Convolution<N>, on machine: Machine<N>) -> Cost<N> {
    let (rows, columns, resident) = Self.geometry(of: convolution.algorithm)
    let shape = convolution.product
    let tiles = (shape.rows / rows).roundedUp() * (shape.columns / columns).roundedUp()
    let waves = N.larger(N(1), (tiles / (resident * machine.units)).roundedUp())
    let work = waves * (fixed + shape.inner * step) / machine.clock
    return Cost(time: start + work, launch: start, compute: work)
  }
}

/// The time of the gradient of filters as one kernel: each block walks over the pixels of an image, then images queue.
///
///     walk  = (fixed + pixels · pixel) / clock
///     queue = images · (image + weights · pixels / rate) / (units · clock)
///     time  = start + ⁴√(walk⁴ + queue⁴)
///
/// For a single image cuDNN takes another kernel, which the form does not know.
public struct FilterGradientForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files, before the algorithm.
  public static var name: String { "convolution.filter" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time to start a kernel and end it", initial: 2.3, in: 0.5...20),
      Constant("fixed", unit: "clock", "a walk besides its pixels", initial: 10000, in: 100...100_000),
      Constant("pixel", unit: "clock", "one pixel of the result", initial: 60, in: 1...1000),
      Constant(
        "image", unit: "clock", "one image besides its products, one unit", initial: 30000, in: 100...1e6),
      Constant(
        "rate", unit: "1/clock/unit", "multiplications and additions of a unit in a clock", initial: 45,
        in: 1...128),
    ]
  }

  @usableFromInline let start, fixed, pixel, image, rate: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    fixed = c[1]
    pixel = c[2]
    image = c[3]
    rate = c[4]
  }

  /// The time of a gradient of filters.
  public func cost(_ convolution: Convolution<N>, on machine: Machine<N>) -> Cost<N> {
    let pixels = convolution.resultSize * convolution.resultSize
    let walk = (fixed + pixels * pixel) / machine.clock
    let products = convolution.flop / (2 * convolution.batch)
    let queue = convolution.batch * (image + products / rate) / (machine.units * machine.clock)
    let (w2, q2) = (walk * walk, queue * queue)
    let work = (w2 * w2 + q2 * q2).squareRoot().squareRoot()
    return Cost(time: start + work, launch: start, compute: work)
  }
}

/// The time of a convolution in phases: transforms, products for each frequency or place, and back.
///
///     transform = start + ⁴√((elements / (rate · units · clock))⁴ + (bytes / (memory_efficiency · B · c))⁴)
///     product   = product_start + ⁴√((flop / (product_efficiency · F))⁴ + (bytes / (memory_efficiency · B · c))⁴)
///
/// with c the part of the memory's partitions that a stride reaches (``PartitionCamping``). The inverse of Winograd's
/// transform also pays for each image, whose rest at the border makes a tile of its own.
public struct TransformedConvolutionForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files, before the algorithm.
  public static var name: String { "convolution" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "one transform of tiles of 32 or 9, at the least", initial: 3, in: 0.5...20),
      Constant(
        "small_start", unit: "us", "one transform of tiles of 16, at the least", initial: 2.5, in: 0.5...20),
      Constant(
        "element_rate", unit: "1/clock/unit", "transformed elements of a unit in a clock", initial: 1,
        in: 0.1...20),
      Constant("inverse_rate", unit: "1/clock/unit", "the same on the way back", initial: 1.5, in: 0.1...20),
      Constant(
        "image", unit: "clock", "an image on the way back besides its elements, one unit", initial: 100,
        in: 1...5000),
      Constant("memory_efficiency", "part of the memory's bandwidth", initial: 0.65, in: 0.2...1.05),
      Constant(
        "product_start", unit: "us", "the batch of products, at the least", initial: 2.8, in: 0.5...20),
      Constant("product_efficiency", "part of the peak rate in the products", initial: 0.6, in: 0.05...1),
      Constant(
        "flip_rate", unit: "1/clock/unit", "elements turned round by a unit in a clock", initial: 0.5,
        in: 0.05...10),
    ]
  }

  @usableFromInline let start, smallStart, elementRate, inverseRate, image, memoryEfficiency: N
  @usableFromInline let productStart, productEfficiency, flipRate: N

  /// The form with these constants, microseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    smallStart = 1e-6 * c[1]
    elementRate = c[2]
    inverseRate = c[3]
    image = c[4]
    memoryEfficiency = c[5]
    productStart = 1e-6 * c[6]
    productEfficiency = c[7]
    flipRate = c[8]
  }

  /// The time of one phase.
  ///
  /// - Parameters:
  ///   - phase: the phase.
  ///   - machine: the device.
  ///   - reached: part of the memory's partitions that the phase reaches at a time.
  /// - Returns: nil when the device has no FP32 rate.
  public func cost(_ phase: ConvolutionPhase<N>, on machine: Machine<N>, reached: N = N(1)) -> Cost<N>? {
    guard let peak = machine.rate(.fp32) else { return nil }
    let clocks = machine.units * machine.clock
    let memory = phase.bytes / (memoryEfficiency * machine.memoryBandwidth * reached)
    let launch: N
    let compute: N
    switch phase.kind {
    case .flip:
      launch = 0.5 * smallStart
      compute = phase.elements / (flipRate * clocks)
    case .transform:
      launch = N.choose(where: phase.side, isAtMost: N(16), then: smallStart, otherwise: start)
      compute = phase.elements / (elementRate * clocks)
    case .inverse:
      launch = N.choose(where: phase.side, isAtMost: N(16), then: smallStart, otherwise: start)
      compute = (phase.elements / inverseRate + phase.images * image) / clocks
    case .product:
      launch = productStart
      compute = phase.flop / (productEfficiency * peak)
    }
    let (c2, m2) = (compute * compute, memory * memory)
    let work = (c2 * c2 + m2 * m2).squareRoot().squareRoot()
    return Cost(time: launch + work, launch: launch, compute: compute, memory: memory)
  }
}

/// How many of a memory's partitions accesses at a stride reach at a time.
///
/// Addresses go round the partitions in pieces of `interleave` bytes. A stride of a whole number of pieces s reaches P/gcd(P, s)
/// of P partitions; any other stride reaches all of them. GPUs that hash addresses reach all of them always.
public enum PartitionCamping {
  /// The part of the partitions that are reached.
  ///
  /// - Parameters:
  ///   - stride: bytes between accesses, at least 1.
  ///   - partitions: of the memory, at least 1.
  ///   - interleave: bytes of a piece, at least 1.
  /// - Returns: between 1/partitions and 1.
  public static func reached(stride: Int, partitions: Int, interleave: Int) -> Double {
    precondition(stride > 0 && partitions > 0 && interleave > 0)
    guard stride % interleave == 0 else { return 1 }
    var (a, b) = (partitions, stride / interleave)
    while b > 0 { (a, b) = (b, a % b) }
    return 1 / Double(a)
  }
}

/// The convolutions of a device.
public struct ConvolutionModel<N: ModelNumber>: Sendable {
  /// Its numbers.
  public var machine: Machine<N>
  let calibration: DeviceCalibration?

  /// The convolutions of a device, with the constants of a calibration.
  public init(machine: Machine<N>, _ calibration: DeviceCalibration?) {
    self.machine = machine
    self.calibration = calibration
  }

  /// The constants that a convolution is costed with, by their name in calibration files.
  public static func formName(of algorithm: Convolution<N>.Algorithm, _ pass: Convolution<N>.Pass) -> String {
    switch algorithm {
    case .fft, .fftTiling: "convolution.fft"
    case .winograd: "convolution.winograd"
    default:
      pass == .filter ? "convolution.filter.\(algorithm.rawValue)" : "convolution.\(algorithm.rawValue)"
    }
  }

  /// Every such name.
  public static var formNames: [String] {
    var names: [String] = []
    for pass in Convolution<N>.Pass.allCases {
      for algorithm in Convolution<N>.Algorithm.allCases {
        let name = formName(of: algorithm, pass)
        if !names.contains(name) { names.append(name) }
      }
    }
    return names
  }

  /// The constants of a name.
  public static func constants(ofForm name: String) -> [Constant] {
    if name == "convolution.fft" || name == "convolution.winograd" {
      return TransformedConvolutionForm<N>.constants
    }
    return name.hasPrefix("convolution.filter")
      ? FilterGradientForm<N>.constants : TiledConvolutionForm<N>.constants
  }

  private func form<Form: FittedForm>(_ type: Form.Type, _ name: String) -> Form where Form.N == N {
    calibration?.fitted(type, named: name) ?? .uncalibrated
  }

  /// The phases of a convolution with their costs; one phase for an algorithm of one kernel.
  ///
  /// - Parameters:
  ///   - convolution: its shape.
  ///   - reached: part of the memory's partitions that a phase reaches; all of them if nil.
  /// - Returns: nil when the device has no FP32 rate.
  public func phases(
    _ convolution: Convolution<N>, reached: ((ConvolutionPhase<N>) -> N)? = nil
  ) -> [(phase: ConvolutionPhase<N>?, cost: Cost<N>)]? {
    let name = Self.formName(of: convolution.algorithm, convolution.pass)
    let phases = convolution.phases
    guard phases.isEmpty else {
      let form = form(TransformedConvolutionForm<N>.self, name)
      var result: [(phase: ConvolutionPhase<N>?, cost: Cost<N>)] = []
      for phase in phases {
        guard let cost = form.cost(phase, on: machine, reached: reached?(phase) ?? N(1)) else { return nil }
        result.append((phase, cost))
      }
      return result
    }
    guard convolution.pass == .filter else {
      return [(nil, form(TiledConvolutionForm<N>.self, name).cost(convolution, on: machine))]
    }
    return [(nil, form(FilterGradientForm<N>.self, name).cost(convolution, on: machine))]
  }

  /// The time of a convolution, in seconds.
  public func time(_ convolution: Convolution<N>, reached: ((ConvolutionPhase<N>) -> N)? = nil) -> N? {
    phases(convolution, reached: reached)?.reduce(N(0)) { $0 + $1.cost.time }
  }
}

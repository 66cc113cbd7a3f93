public import Hardware
public import Quantities
public import Workloads

/// A kernel on a processor, as host forms see it.
public enum HostKernel<N: ModelNumber>: Sendable {
  /// A matrix product through BLAS.
  case gemm(GEMM<N>)
  /// A walk over arrays: so many bytes moved, arrays of so many bytes walked over again and again.
  case stream(bytes: N, footprint: N)
  /// A mini-batch on sparse samples.
  case sparse(samples: N, nonzeros: N, modelBytes: N)

  /// The name of its constants in calibration files.
  ///
  /// Streams and sparse steps differ in what they do for each byte, so each operation has constants of its own.
  ///
  /// - Parameter operation: the operation's name in tables.
  /// - Returns: the name of a form, and for streams of the operation.
  public func formName(operation: String) -> String {
    switch self {
    case .gemm: HostGEMMForm<N>.name
    case .stream: "\(HostStreamForm<N>.name).\(operation)"
    case .sparse: "\(HostSparseForm<N>.name).\(operation)"
    }
  }
}

extension HostKernel where N == Double {
  /// The numbers that make a kernel the same as another.
  public var sizes: [Double] {
    switch self {
    case .gemm(let shape): [shape.batch, shape.m, shape.n, shape.k]
    case .stream(let bytes, let footprint): [bytes, footprint]
    case .sparse(let samples, let nonzeros, let modelBytes): [samples, nonzeros, modelBytes]
    }
  }
}

/// The measured times of a kernel on several numbers of threads.
///
/// What a shape deviates from its form on one number of threads it deviates in part on the next.
public struct ThreadCurve: Sendable, Hashable {
  /// Which kernel a curve is of.
  public struct Key: Sendable, Hashable, Comparable {
    /// The name of its form in calibration files.
    public let form: String
    /// The data type.
    public let type: DataType
    /// The numbers of ``HostKernel``, in their order.
    public let sizes: [Double]

    /// The kernel of a form.
    public init(form: String, type: DataType, sizes: [Double]) {
      self.form = form
      self.type = type
      self.sizes = sizes
    }

    /// A kernel as tables name it.
    public init(_ kernel: HostKernel<Double>, operation: String, _ type: DataType) {
      self.init(form: kernel.formName(operation: operation), type: type, sizes: kernel.sizes)
    }

    /// The order of calibration files: by form, type and sizes.
    public static func < (a: Key, b: Key) -> Bool {
      if a.form != b.form { return a.form < b.form }
      if a.type != b.type { return a.type.rawValue < b.type.rawValue }
      return a.sizes.lexicographicallyPrecedes(b.sizes)
    }

    /// The kernel; nil when the form has other numbers.
    public var kernel: HostKernel<Double>? {
      switch (form, sizes.count) {
      case (HostGEMMForm<Double>.name, 4):
        .gemm(GEMM(m: sizes[1], n: sizes[2], k: sizes[3], batch: sizes[0]))
      case (_, 2) where form.hasPrefix(HostStreamForm<Double>.name):
        .stream(bytes: sizes[0], footprint: sizes[1])
      case (_, 3) where form.hasPrefix(HostSparseForm<Double>.name):
        .sparse(samples: sizes[0], nonzeros: sizes[1], modelBytes: sizes[2])
      default: nil
      }
    }
  }

  /// A measured time.
  public struct Point: Sendable, Hashable {
    /// How many threads shared the work.
    public let threads: Double
    /// The time, in seconds.
    public let seconds: Double

    /// A measured time.
    public init(threads: Double, seconds: Double) {
      self.threads = threads
      self.seconds = seconds
    }
  }

  /// The points by growing number of threads.
  public let points: [Point]

  /// A curve through points.
  ///
  /// - Parameter points: at least one; sorted here, numbers of threads must differ.
  public init(_ points: [Point]) {
    precondition(!points.isEmpty, "a curve needs a point")
    self.points = points.sorted { $0.threads < $1.threads }
  }
}

/// A processor with its calibration.
public struct HostModel<N: ModelNumber>: Sendable {
  /// The processor.
  public let device: Device
  /// The calibration, if there is one.
  public let calibration: DeviceCalibration?

  /// A processor with what was measured on it.
  public init(_ device: Device, _ calibration: DeviceCalibration?) {
    self.device = device
    self.calibration = calibration
  }

  /// The numbers of one core for a data type; nil when the device has no rate for it.
  public func machine(_ type: DataType) -> HostMachine<N>? {
    guard let rate = Machine<N>(device).rate(type) else { return nil }
    return HostMachine(
      coreRate: rate / device.compute.units.value,
      coreCaches: device.memory.dropFirst().reversed().map { level in
        // A cache of the device that is not shared by all is given as a total: one core has its slice.
        let isShared = level.name == "l3" || level.scope == .unit
        return N(level.capacity.value / (isShared ? 1 : device.compute.units.value))
      })
  }

  /// The cost of a kernel by its form alone.
  ///
  /// - Parameters:
  ///   - kernel: what it does.
  ///   - operation: its name in tables.
  ///   - type: the data type.
  ///   - threads: how many share the work.
  /// - Returns: nil when the device has no rate for the type.
  public func formCost(_ kernel: HostKernel<N>, operation: String, _ type: DataType, threads: N) -> Cost<N>? {
    guard let machine = machine(type) else { return nil }
    let name = kernel.formName(operation: operation)
    switch kernel {
    case .gemm(let shape):
      let form = calibration?.fitted(HostGEMMForm<N>.self, named: name) ?? .uncalibrated
      return form.cost(shape, type, on: machine, threads: threads)
    case .stream(let bytes, let footprint):
      let form = calibration?.fitted(HostStreamForm<N>.self, named: name) ?? .uncalibrated
      return form.cost(bytes: bytes, footprint: footprint, on: machine, threads: threads)
    case .sparse(let samples, let nonzeros, let modelBytes):
      let form = calibration?.fitted(HostSparseForm<N>.self, named: name) ?? .uncalibrated
      return form.cost(
        samples: samples, nonzeros: nonzeros, modelBytes: modelBytes, on: machine, threads: threads)
    }
  }

  /// The energy of a kernel, in joules, by the machine's own counters.
  ///
  /// - Parameters:
  ///   - time: how long it runs, in seconds.
  ///   - threads: how many are busy.
  ///   - flop: its operations.
  ///   - bytes: what it moves.
  /// - Returns: nil when the calibration saw no counter.
  public func energy(time: N, threads: N, flop: N, bytes: N) -> N? {
    calibration?.fitted(HostEnergyForm<N>.self)?.energy(
      time: time, threads: threads, flop: flop, bytes: bytes)
  }
}

extension HostModel where N == Double {
  /// The part of a deviation that is expected on other numbers of threads.
  static var keptPart: Double { 0.5 }

  /// The cost of a kernel: by its form, corrected by what the same kernel was measured to deviate.
  ///
  /// Where the calibration knows the kernel on other numbers of threads, the logarithm of what it deviates from the
  /// form is read as straight lines over the logarithm of the number of threads, and half of it is taken: the half
  /// that stays with a shape, the other comes and goes from row to row (docs/models.md, processors).
  ///
  /// - Parameters:
  ///   - kernel: what it does.
  ///   - operation: its name in tables.
  ///   - type: the data type.
  ///   - threads: how many share the work, more than 0.
  /// - Returns: nil when the device has no rate for the type.
  public func cost(_ kernel: HostKernel<Double>, operation: String, _ type: DataType, threads: Double)
    -> Cost<Double>?
  {
    guard let cost = formCost(kernel, operation: operation, type, threads: threads) else { return nil }
    let key = ThreadCurve.Key(kernel, operation: operation, type)
    guard let curve = calibration?.threadCurves[key] else { return cost }
    let deviations = curve.points.compactMap { point -> (x: Double, y: Double)? in
      guard let form = formCost(kernel, operation: operation, type, threads: point.threads) else {
        return nil
      }
      return (point.threads.logarithm(), (point.seconds / form.time).logarithm())
    }
    guard !deviations.isEmpty else { return cost }
    let ratio = (Self.keptPart * BrokenLine(deviations).value(at: threads.logarithm())).exponential()
    return Cost(
      time: ratio * cost.time, launch: ratio * cost.launch, compute: ratio * cost.compute,
      memory: ratio * cost.memory, cache: ratio * cost.cache)
  }
}

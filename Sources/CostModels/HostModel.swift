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

  /// The cost of a kernel.
  ///
  /// - Parameters:
  ///   - kernel: what it does.
  ///   - operation: its name in tables.
  ///   - type: the data type.
  ///   - threads: how many share the work.
  /// - Returns: nil when the device has no rate for the type.
  public func cost(_ kernel: HostKernel<N>, operation: String, _ type: DataType, threads: N) -> Cost<N>? {
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
    calibration?.fitted(HostEnergyForm<N>.self)?.energy(time: time, threads: threads, flop: flop, bytes: bytes)
  }
}

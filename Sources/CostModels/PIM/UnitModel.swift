public import Hardware
public import Quantities
public import Workloads

/// A memory that computes with its calibration: what turns kernels of its units and transfers into times.
public struct UnitModel<N: ModelNumber>: Sendable {
  /// The numbers of the device.
  public var units: UnitArray<N>
  /// The calibration, if there is one.
  public let calibration: DeviceCalibration?
  /// Transfers by direction.
  public let toUnits: UnitTransferForm<N>
  /// Transfers from the units.
  public let fromUnits: UnitTransferForm<N>
  let kernels: [PrIMBenchmark: UnitKernelForm<N>]

  /// A device with what was measured on it.
  public init(_ device: Device, _ calibration: DeviceCalibration?) {
    units = UnitArray(device)
    self.calibration = calibration
    func transfer(_ direction: UnitTransferForm<N>.Direction) -> UnitTransferForm<N> {
      calibration?.fitted(UnitTransferForm<N>.self, named: UnitTransferForm<N>.name(of: direction))
        ?? UnitTransferForm(
          constants: UnitTransferForm<N>.typicalConstants(of: direction).map { N($0) })
    }
    toUnits = transfer(.toUnits)
    fromUnits = transfer(.fromUnits)
    var kernels: [PrIMBenchmark: UnitKernelForm<N>] = [:]
    for benchmark in PrIMBenchmark.allCases {
      kernels[benchmark] =
        calibration?.fitted(UnitKernelForm<N>.self, named: UnitKernelForm<N>.name(of: benchmark))
        ?? UnitKernelForm(constants: UnitKernelForm<N>.typicalConstants(of: benchmark).map { N($0) })
    }
    self.kernels = kernels
  }

  /// The cost of a PrIM kernel in all units.
  public func cost(_ run: PrIMRun<N>) -> Cost<N> {
    (kernels[run.benchmark] ?? .uncalibrated).cost(run.kernel, on: units)
  }
}

extension UnitModel where N == Double {
  /// Relative error of a projection without a calibration: constants of the centre of their plausible ranges.
  public var uncalibratedSpread: Double { 0.6 }

  /// Relative error to expect of a kernel: that of rows which the fit did not see.
  public func spread(of benchmark: PrIMBenchmark) -> Double {
    calibration?.forms[UnitKernelForm<Double>.name(of: benchmark)]?.spread ?? uncalibratedSpread
  }

  /// Relative error to expect of a transfer.
  public func spread(of direction: UnitTransferForm<Double>.Direction) -> Double {
    calibration?.forms[UnitTransferForm<Double>.name(of: direction)]?.spread ?? uncalibratedSpread
  }
}

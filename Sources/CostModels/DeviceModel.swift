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
  let streaming: [Streaming<N>.Kind: StreamingForm<N>]
  /// What its kernels take of its power.
  public let energy: EnergyForm<N>
  /// Its network.
  public let network: NetworkModel<N>
  /// How kernels and exchanges slow one another.
  public let contention = ContentionForm<N>()

  /// A device with what was measured on it.
  public init(_ device: Device, _ calibration: DeviceCalibration?) {
    self.device = device
    self.calibration = calibration
    let machine = Machine<N>(device)
    self.machine = machine
    var gemm: [DataType: GEMMForm<N>] = [:]
    for type in DataType.allCases {
      let name = Self.calibratedName(of: type, calibration)
      gemm[type] =
        calibration?.fitted(GEMMForm<N>.self, named: name) ?? .uncalibrated(on: machine)
    }
    self.gemm = gemm
    attention = calibration?.fitted(AttentionForm<N>.self) ?? .uncalibrated(on: machine)
    var streaming: [Streaming<N>.Kind: StreamingForm<N>] = [:]
    for kind in Streaming<N>.Kind.allCases {
      streaming[kind] = Self.streamingForm(kind, calibration, machine)
    }
    self.streaming = streaming
    energy = calibration?.fitted(EnergyForm<N>.self) ?? .uncalibrated(on: machine)
    network = NetworkModel(device, calibration)
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
      return (gemm[type] ?? .uncalibrated(on: machine)).cost(shape, type, on: machine, units: units)
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

  /// The time of operators one after another beside an exchange that holds so many compute units, in seconds.
  ///
  /// - Parameters:
  ///   - operators: what is computed.
  ///   - channels: units that the exchange holds; never more than all but one.
  /// - Returns: nil when the device cannot do it.
  public func crowdedTime(_ operators: [Operator<N>], channels: N) -> N? {
    let left = N.larger(N(1), machine.units - channels)
    var sum = N(0)
    for operation in operators {
      guard let cost = cost(operation.work, operation.dataType, units: left) else { return nil }
      // The form of attention counts all units.
      if case .attention = operation.work {
        sum = sum + cost.time * (machine.units / left)
      } else {
        sum = sum + cost.time
      }
    }
    return sum
  }

  /// The class of an operator: the constants that it is costed with, by the name of calibration files.
  public func formName(of work: Work<N>, _ type: DataType) -> String {
    switch work {
    case .gemm: Self.calibratedName(of: type, calibration)
    case .attention: AttentionForm<N>.name
    case .streaming(let shape):
      Self.calibratedName(of: shape.kind, calibration) ?? StreamingForm<N>.name(of: shape.kind)
    case .collective: CollectiveForm<N>.name
    }
  }
}

extension DeviceModel where N == Double {
  /// Relative error to expect of one operator: the spread of its form on rows that the fit did not see.
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
    return calibration?.forms[formName(of: work, type)]?.spread ?? uncalibratedSpread
  }

  /// Relative error of a projection from a data sheet and other devices' constants.
  ///
  /// The constants of one device, applied to another, miss its GEMM rows by about a quarter (docs/accuracy.md).
  public var uncalibratedSpread: Double { 0.25 }
}

public import Hardware
import Quantities

/// The constants of a form as a fit estimated them.
public struct FittedConstants: Sendable, Hashable {
  /// The values, in the order of the form's list.
  public let values: [Double]
  /// Covariance of the logarithms of the values.
  public let logCovariance: [[Double]]
  /// Standard deviation of the logarithm of predicted over measured: the typical relative error of one row that
  /// the fit did not see.
  public let spread: Double
  /// Rows that the fit saw.
  public let rows: Int
  /// The least and the most work of these rows, in FLOP or bytes as the form counts it.
  public let domain: ClosedRange<Double>

  /// Fitted constants.
  public init(
    values: [Double], logCovariance: [[Double]], spread: Double, rows: Int,
    domain: ClosedRange<Double>
  ) {
    self.values = values
    self.logCovariance = logCovariance
    self.spread = spread
    self.rows = rows
    self.domain = domain
  }

  /// Relative standard error of each constant.
  public var relativeErrors: [Double] {
    values.indices.map { logCovariance[$0][$0].squareRoot() }
  }
}

/// What was measured and fitted on one device.
public struct DeviceCalibration: Sendable {
  /// Which collective a curve is of.
  public struct CurveKey: Sendable, Hashable {
    /// The collective.
    public let kind: String
    /// Devices that took part.
    public let ranks: Int

    /// The curve of a collective over so many ranks.
    public init(kind: String, ranks: Int) {
      self.kind = kind
      self.ranks = ranks
    }
  }

  /// The name in the catalogue.
  public let name: String
  /// The device that was measured.
  public let hardware: String
  /// The data sheet of that device, where another one is costed with its constants.
  ///
  /// How unlike the two are widens the intervals. Nil where it is the same device, or not known.
  public var measuredDevice: Device?
  /// Where the rows came from and how they were fitted.
  public let source: String
  /// Constants by the name of their form.
  public var forms: [String: FittedConstants]
  /// Measured curves of collectives.
  public var curves: [CurveKey: SizeCurve]
  /// Bandwidth of the link that the curves were measured on, in bytes a second.
  ///
  /// It is the one that the device's description gives: on another link the same wire time carries more or fewer
  /// bytes. Nil when it was not recorded.
  public var curveBandwidth: Double?
  /// Latency of that link, in seconds; nil when it was not recorded.
  public var curveLatency: Double?
  /// Relative error of a curve between its points, from leaving points out.
  public var curveSpread: Double?
  /// Relative error of a collective or rank count that was not measured, from leaving whole curves out.
  public var transferredSpread: Double?
  /// Measured times of a processor's kernels on several numbers of threads.
  public var threadCurves: [ThreadCurve.Key: ThreadCurve] = [:]

  /// A calibration of a device.
  public init(
    name: String, hardware: String, source: String, forms: [String: FittedConstants] = [:],
    curves: [CurveKey: SizeCurve] = [:], curveSpread: Double? = nil, transferredSpread: Double? = nil,
    curveBandwidth: Double? = nil, curveLatency: Double? = nil
  ) {
    self.name = name
    self.hardware = hardware
    self.source = source
    self.forms = forms
    self.curves = curves
    self.curveSpread = curveSpread
    self.transferredSpread = transferredSpread
    self.curveBandwidth = curveBandwidth
    self.curveLatency = curveLatency
  }

  /// Whether it says something of a network.
  var hasCollectives: Bool { !curves.isEmpty || forms[CollectiveForm<Double>.name] != nil }

  /// The form with the fitted constants.
  ///
  /// - Parameters:
  ///   - type: the form.
  ///   - name: the name of its constants; that of the form if nil.
  /// - Returns: nil when the calibration has no such constants.
  public func fitted<Form: FittedForm>(_ type: Form.Type, named name: String? = nil) -> Form? {
    guard let fitted = forms[name ?? Form.name], fitted.values.count == Form.constants.count else {
      return nil
    }
    return Form(constants: fitted.values.map { Form.N($0) })
  }
}

public import Quantities

/// A constant of a closed form: what it is, in which unit, and where it can lie.
///
/// Every constant is positive. A calibration holds its value with its standard error; a device without one
/// takes `initial`, the value that the calibrated devices agree on, with the wide interval of `range`.
public struct Constant: Sendable, Hashable {
  /// The name in calibration files.
  public let name: String
  /// Its unit; empty for a plain ratio.
  public let unit: String
  /// What it is, in one sentence.
  public let meaning: String
  /// The value without a calibration.
  public let initial: Double
  /// The physically plausible range.
  public let range: ClosedRange<Double>

  /// A constant of a closed form.
  public init(
    _ name: String, unit: String = "", _ meaning: String, initial: Double, in range: ClosedRange<Double>
  ) {
    self.name = name
    self.unit = unit
    self.meaning = meaning
    self.initial = initial
    self.range = range
  }
}

/// A closed form with constants that a fit can estimate.
public protocol FittedForm<N>: Sendable {
  /// The number that it is read with.
  associatedtype N: ModelNumber
  /// The name in calibration files.
  static var name: String { get }
  /// The constants in the order of ``init(constants:)``.
  static var constants: [Constant] { get }
  /// The form with these constants.
  ///
  /// - Parameter constants: as many as ``constants`` lists, in its order.
  init(constants: [N])
}

/// Time to start a kernel on the device whose starts are the initial values of the forms (H200), in seconds.
let referenceLaunch = 2.3e-6

extension FittedForm {
  /// The form with the values that hold without a calibration, its start scaled by the device's launch overhead.
  ///
  /// - Parameters:
  ///   - typical: other values than the initial ones; nil for these.
  ///   - machine: the device; one that says nothing of its launch keeps the typical start.
  /// - Returns: the form.
  static func uncalibrated(_ typical: [Double]? = nil, on machine: Machine<N>) -> Self {
    var values = (typical ?? constants.map(\.initial)).map { N($0) }
    guard let index = constants.firstIndex(where: { $0.name == "start" }) else {
      return Self(constants: values)
    }
    let scale = machine.launch / referenceLaunch
    values[index] = N.choose(
      where: machine.launch, isAtMost: N(0), then: values[index], otherwise: scale * values[index])
    return Self(constants: values)
  }

  /// The form with the values that hold without a calibration.
  public static var uncalibrated: Self { Self(constants: constants.map { N($0.initial) }) }
}

/// The time of one operator with the terms that make it up.
///
/// The terms say what each resource alone would need; they overlap, so they do not add up to the time.
public struct Cost<N: ModelNumber>: Sendable {
  /// Time of the operator, in seconds.
  public var time: N
  /// Start of the kernel and its fixed parts, in seconds; never overlapped.
  public var launch: N
  /// Time that the compute units need, in seconds.
  public var compute: N
  /// Time that the main memory needs, in seconds.
  public var memory: N
  /// Time that the last-level cache needs, in seconds.
  public var cache: N
  /// Time that the network needs, in seconds.
  public var network: N
  /// By how much the time is already longer than at full clock, because the form was fitted to kernels so long that the
  /// power limit held them; 1 where it is not.
  public var slowdown: N

  /// A cost with its terms, all in seconds but the slowdown, which is a ratio.
  @inlinable
  public init(
    time: N, launch: N = N(0), compute: N = N(0), memory: N = N(0), cache: N = N(0), network: N = N(0),
    slowdown: N = N(1)
  ) {
    self.time = time
    self.launch = launch
    self.compute = compute
    self.memory = memory
    self.cache = cache
    self.network = network
    self.slowdown = slowdown
  }
}

/// What an operator waits for.
public enum Bound: String, Sendable, CaseIterable {
  /// The start of the kernel.
  case launch
  /// The compute units.
  case compute
  /// The main memory.
  case memory
  /// The last-level cache.
  case cache
  /// The network.
  case network
}

extension Cost where N == Double {
  /// The term that is largest: improving any other helps less.
  public var bound: Bound {
    let terms: [(Bound, Double)] = [
      (.compute, compute), (.memory, memory), (.cache, cache), (.network, network), (.launch, launch),
    ]
    return terms.max { $0.1 < $1.1 }?.0 ?? .launch
  }
}

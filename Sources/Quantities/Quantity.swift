/// What a quantity measures, with the spellings of its units.
public protocol Dimension: Sendable {
  /// The name used in messages: "a time", "a data rate".
  static var name: String { get }
  /// The units in which this dimension can be written; the first is the base unit.
  static var units: [Unit] { get }
}

/// A number with a unit that the compiler checks.
///
/// The layout is that of a `Double`; the dimension exists at compile time only. The number is held in
/// the base unit of the dimension (seconds, bytes, FLOP, joules, watts, hertz and their ratios).
public struct Quantity<D: Dimension>: Sendable, Hashable, Comparable {
  /// The number of base units.
  public var value: Double

  /// A quantity of so many base units.
  public init(_ value: Double) { self.value = value }

  /// Nothing of it.
  public static var zero: Self { Self(0) }
  /// Smaller means fewer base units.
  public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
  /// The sum of two quantities of one dimension.
  public static func + (a: Self, b: Self) -> Self { Self(a.value + b.value) }
  /// The difference of two quantities of one dimension.
  public static func - (a: Self, b: Self) -> Self { Self(a.value - b.value) }
  /// Adds in place.
  public static func += (a: inout Self, b: Self) { a.value += b.value }
  /// So many times the quantity.
  public static func * (a: Double, b: Self) -> Self { Self(a * b.value) }
  /// So many times the quantity.
  public static func * (a: Self, b: Double) -> Self { Self(a.value * b) }
  /// A part of the quantity.
  public static func / (a: Self, b: Double) -> Self { Self(a.value / b) }
  /// How many times one quantity is another.
  public static func / (a: Self, b: Self) -> Double { a.value / b.value }
}

/// Dimensions of the quantities that performance models use.
public enum Dimensions {
  /// Time, in seconds.
  public enum Time: Dimension {
    /// The name in messages.
    public static let name = "a time"
    /// Seconds and the multiples that people write.
    public static let units = [
      Unit("s", prefixes: .small), Unit("min", factor: 60), Unit("h", factor: 3600),
      Unit("d", factor: 86400),
    ]
  }
  /// Data, in bytes.
  public enum Data: Dimension {
    /// The name in messages.
    public static let name = "an amount of data"
    /// Bytes and bits.
    public static let units = [
      Unit("B", prefixes: .decimalAndBinary), Unit("bit", factor: 0.125, prefixes: .decimalAndBinary),
    ]
  }
  /// Arithmetic work, in floating-point (or integer) operations.
  public enum Work: Dimension {
    /// The name in messages.
    public static let name = "an amount of work"
    /// FLOP, and OP for integers.
    public static let units = [Unit("FLOP", prefixes: .large), Unit("OP", prefixes: .large)]
  }
  /// Energy, in joules.
  public enum Energy: Dimension {
    /// The name in messages.
    public static let name = "an energy"
    /// Joules and watt hours.
    public static let units = [Unit("J", prefixes: .decimal), Unit("Wh", factor: 3600, prefixes: .large)]
  }
  /// Power, in watts.
  public enum Power: Dimension {
    /// The name in messages.
    public static let name = "a power"
    /// Watts.
    public static let units = [Unit("W", prefixes: .decimal)]
  }
  /// Frequency, in hertz.
  public enum Frequency: Dimension {
    /// The name in messages.
    public static let name = "a frequency"
    /// Hertz.
    public static let units = [Unit("Hz", prefixes: .large)]
  }
  /// Data per time, in bytes a second.
  public enum DataRate: Dimension {
    /// The name in messages.
    public static let name = "a data rate"
    /// Bytes and bits a second.
    public static let units = [
      Unit("B/s", prefixes: .decimalAndBinary),
      Unit("bit/s", factor: 0.125, prefixes: .decimalAndBinary),
      Unit("b/s", factor: 0.125, prefixes: .decimalAndBinary),
    ]
  }
  /// Work per time, in FLOP a second.
  public enum WorkRate: Dimension {
    /// The name in messages.
    public static let name = "a compute rate"
    /// FLOP/s, and OP/s for integers.
    public static let units = [Unit("FLOP/s", prefixes: .large), Unit("OP/s", prefixes: .large)]
  }
  /// Energy per moved byte, in joules a byte.
  public enum EnergyPerData: Dimension {
    /// The name in messages.
    public static let name = "an energy per moved data"
    /// Joules a byte or a bit.
    public static let units = [Unit("J/B", prefixes: .small), Unit("J/bit", factor: 8, prefixes: .small)]
  }
  /// Energy per operation, in joules a FLOP.
  public enum EnergyPerWork: Dimension {
    /// The name in messages.
    public static let name = "an energy per operation"
    /// Joules a FLOP or an integer operation.
    public static let units = [Unit("J/FLOP", prefixes: .small), Unit("J/OP", prefixes: .small)]
  }
  /// Arithmetic intensity, in FLOP a byte.
  public enum Intensity: Dimension {
    /// The name in messages.
    public static let name = "an arithmetic intensity"
    /// FLOP a byte.
    public static let units = [Unit("FLOP/B")]
  }
  /// Money, in US dollars of the year that its source names.
  public enum Money: Dimension {
    /// The name in messages.
    public static let name = "an amount of money"
    /// US dollars.
    public static let units = [Unit("USD", prefixes: .large)]
  }
  /// Money per time, in US dollars a second.
  public enum MoneyRate: Dimension {
    /// The name in messages.
    public static let name = "a price per time"
    /// US dollars a second, hour or year of 365 days.
    public static let units = [
      Unit("USD/s"), Unit("USD/h", factor: 1.0 / 3600), Unit("USD/year", factor: 1.0 / 31_536_000),
    ]
  }
  /// Money per energy, in US dollars a joule.
  public enum MoneyPerEnergy: Dimension {
    /// The name in messages.
    public static let name = "a price per energy"
    /// US dollars a joule or a watt hour.
    public static let units = [
      Unit("USD/J"), Unit("USD/kWh", factor: 1 / 3.6e6), Unit("USD/MWh", factor: 1 / 3.6e9),
    ]
  }
  /// Mass, in grams: of carbon dioxide, or of what warms as much.
  public enum Mass: Dimension {
    /// The name in messages.
    public static let name = "a mass"
    /// Grams and tonnes.
    public static let units = [Unit("g", prefixes: .decimal), Unit("t", factor: 1e6, prefixes: .large)]
  }
  /// Mass per energy, in grams a joule.
  public enum MassPerEnergy: Dimension {
    /// The name in messages.
    public static let name = "a mass per energy"
    /// Grams a joule or a watt hour.
    public static let units = [
      Unit("g/J"), Unit("g/kWh", factor: 1 / 3.6e6), Unit("kg/kWh", factor: 1 / 3.6e3),
      Unit("kg/MWh", factor: 1 / 3.6e6),
    ]
  }
  /// A plain count or ratio.
  public enum Number: Dimension {
    /// The name in messages.
    public static let name = "a plain number"
    /// No unit, or per cent.
    public static let units = [Unit(""), Unit("%", factor: 0.01)]
  }
}

/// A time.
public typealias Seconds = Quantity<Dimensions.Time>
/// An amount of data.
public typealias Bytes = Quantity<Dimensions.Data>
/// An amount of arithmetic.
public typealias FLOP = Quantity<Dimensions.Work>
/// An energy.
public typealias Joules = Quantity<Dimensions.Energy>
/// A power.
public typealias Watts = Quantity<Dimensions.Power>
/// A frequency.
public typealias Hertz = Quantity<Dimensions.Frequency>
/// Data per time.
public typealias BytesPerSecond = Quantity<Dimensions.DataRate>
/// Work per time.
public typealias FLOPPerSecond = Quantity<Dimensions.WorkRate>
/// Energy per moved data.
public typealias JoulesPerByte = Quantity<Dimensions.EnergyPerData>
/// Energy per operation.
public typealias JoulesPerFLOP = Quantity<Dimensions.EnergyPerWork>
/// Arithmetic intensity.
public typealias FLOPPerByte = Quantity<Dimensions.Intensity>
/// An amount of money, in US dollars.
public typealias Dollars = Quantity<Dimensions.Money>
/// A price per time.
public typealias DollarsPerSecond = Quantity<Dimensions.MoneyRate>
/// A price per energy.
public typealias DollarsPerJoule = Quantity<Dimensions.MoneyPerEnergy>
/// A mass.
public typealias Grams = Quantity<Dimensions.Mass>
/// A mass per energy.
public typealias GramsPerJoule = Quantity<Dimensions.MassPerEnergy>
/// A count or ratio.
public typealias Number = Quantity<Dimensions.Number>

/// Time to move data at a rate.
public func / (a: Bytes, b: BytesPerSecond) -> Seconds { Seconds(a.value / b.value) }
/// Rate at which data moved.
public func / (a: Bytes, b: Seconds) -> BytesPerSecond { BytesPerSecond(a.value / b.value) }
/// Data moved at a rate for a time.
public func * (a: BytesPerSecond, b: Seconds) -> Bytes { Bytes(a.value * b.value) }
/// Time to do work at a rate.
public func / (a: FLOP, b: FLOPPerSecond) -> Seconds { Seconds(a.value / b.value) }
/// Rate at which work was done.
public func / (a: FLOP, b: Seconds) -> FLOPPerSecond { FLOPPerSecond(a.value / b.value) }
/// Work done at a rate for a time.
public func * (a: FLOPPerSecond, b: Seconds) -> FLOP { FLOP(a.value * b.value) }
/// Arithmetic intensity: work per moved byte.
public func / (a: FLOP, b: Bytes) -> FLOPPerByte { FLOPPerByte(a.value / b.value) }
/// The intensity at which a compute rate and a bandwidth meet (the ridge of a roofline).
public func / (a: FLOPPerSecond, b: BytesPerSecond) -> FLOPPerByte { FLOPPerByte(a.value / b.value) }
/// The compute rate that a bandwidth can feed at an intensity.
public func * (a: FLOPPerByte, b: BytesPerSecond) -> FLOPPerSecond { FLOPPerSecond(a.value * b.value) }
/// Energy of a power over a time.
public func * (a: Watts, b: Seconds) -> Joules { Joules(a.value * b.value) }
/// Mean power of an energy over a time.
public func / (a: Joules, b: Seconds) -> Watts { Watts(a.value / b.value) }
/// Time for which an energy lasts at a power.
public func / (a: Joules, b: Watts) -> Seconds { Seconds(a.value / b.value) }
/// Energy to move data.
public func * (a: JoulesPerByte, b: Bytes) -> Joules { Joules(a.value * b.value) }
/// Energy to do work.
public func * (a: JoulesPerFLOP, b: FLOP) -> Joules { Joules(a.value * b.value) }
/// Duration of so many cycles.
public func / (cycles: Double, b: Hertz) -> Seconds { Seconds(cycles / b.value) }

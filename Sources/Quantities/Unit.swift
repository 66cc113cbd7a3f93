/// One unit of a dimension, with the prefixes that it takes.
public struct Unit: Sendable, Hashable {
  /// Which prefixes people write before a unit.
  public enum Prefixes: Sendable, Hashable {
    /// None: minutes, per cent.
    case none
    /// From atto to milli: seconds, joules a byte.
    case small
    /// From kilo to yotta: FLOP, hertz.
    case large
    /// Both: joules, watts.
    case decimal
    /// From kilo upwards, decimal and binary: bytes.
    case decimalAndBinary
  }

  /// The spelling without a prefix, a ratio written with a slash.
  public let symbol: String
  /// Base units of the dimension in one of this unit.
  public let factor: Double
  /// The prefixes that it takes.
  public let prefixes: Prefixes

  /// A unit that is `factor` base units.
  public init(_ symbol: String, factor: Double = 1, prefixes: Prefixes = .none) {
    self.symbol = symbol
    self.factor = factor
    self.prefixes = prefixes
  }

  /// The prefixes of this unit with their factors; always holds the empty one.
  public var scales: [(prefix: String, factor: Double)] {
    let none = [("", 1.0)]
    switch prefixes {
    case .none: return none
    case .small: return none + Unit.smallPrefixes
    case .large: return none + Unit.largePrefixes
    case .decimal: return none + Unit.smallPrefixes + Unit.largePrefixes
    case .decimalAndBinary: return none + Unit.largePrefixes + Unit.binaryPrefixes
    }
  }

  // Micro has two code points that look alike: the micro sign and the Greek letter.
  static let smallPrefixes: [(String, Double)] = [
    ("m", 1e-3), ("u", 1e-6), ("\u{b5}", 1e-6), ("\u{3bc}", 1e-6), ("n", 1e-9), ("p", 1e-12),
    ("f", 1e-15), ("a", 1e-18),
  ]
  static let largePrefixes: [(String, Double)] = [
    ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15), ("E", 1e18), ("Z", 1e21),
    ("Y", 1e24),
  ]
  static let binaryPrefixes: [(String, Double)] = [
    ("Ki", 0x1p10), ("Mi", 0x1p20), ("Gi", 0x1p30), ("Ti", 0x1p40), ("Pi", 0x1p50), ("Ei", 0x1p60),
  ]
}

/// Why a text is not a quantity of the dimension that was asked for.
public struct QuantityError: Error, Equatable, Sendable {
  /// What went wrong.
  public enum Reason: Equatable, Sendable {
    /// Nothing but white space.
    case empty
    /// No number at the start.
    case notANumber
    /// Infinite, not a number, or beyond the range of a `Double`.
    case notFinite
    /// A number without a unit where the dimension needs one; holds examples.
    case missingUnit(examples: [String])
    /// A unit of another dimension; holds that dimension's name.
    case wrongDimension(unit: String, isA: String)
    /// A unit that no dimension has; holds the nearest spellings of the expected dimension.
    case unknownUnit(unit: String, nearest: [String])
  }

  /// The text as it stood.
  public let text: String
  /// The name of the dimension that was expected.
  public let expected: String
  /// What went wrong.
  public let reason: Reason
}

extension Quantity {
  /// Reads a number with a unit: `4.8 TB/s`, `64 MiB`, `1e-6 s`, `20pJ/bit`.
  ///
  /// - Parameter text: the number in the C locale, then the unit, with or without a space.
  /// - Throws: ``QuantityError`` with the nearest right spelling.
  public init(parsing text: String) throws(QuantityError) {
    let (number, unit) = try Self.split(text)
    guard !unit.isEmpty else {
      if D.units.contains(where: { $0.symbol.isEmpty }) {
        self.init(number)
        return
      }
      throw Self.error(text, .missingUnit(examples: Self.examples))
    }
    if let factor = Self.factor(of: unit) {
      let value = times(number, factor)
      guard value.isFinite else { throw Self.error(text, .notFinite) }
      self.init(value)
      return
    }
    for other in allDimensions where other.name != D.name {
      if unitFactor(unit, in: other.units) != nil {
        throw Self.error(text, .wrongDimension(unit: unit, isA: other.name))
      }
    }
    let spellings = D.units.flatMap { unit in unit.scales.map { $0.prefix + unit.symbol } }
    // A sign as % is no misspelt letter.
    let words = spellings.filter { $0.contains(where: \.isLetter) }
    throw Self.error(text, .unknownUnit(unit: unit, nearest: nearestSpellings(to: unit, among: words)))
  }

  /// Base units in one of the unit spelled so; nil when the dimension has no such unit.
  static func factor(of spelling: String) -> Double? { unitFactor(spelling, in: D.units) }

  /// A unit that people use, for messages: of those without prefixes the second, as USD/h.
  public static var exampleUnit: String {
    D.units.first?.scales.count == 1 && D.units.count > 1 ? D.units[1].symbol : examples.last ?? ""
  }

  private static var examples: [String] {
    guard let base = D.units.first else { return [] }
    let scales = base.scales.map { $0.prefix + base.symbol }
    let wanted = ["u", "G", "T", "Ki"]
    let shown = wanted.compactMap { p in scales.first { $0 == p + base.symbol } }
    return shown.isEmpty ? [base.symbol] : Array(shown.prefix(2))
  }

  private static func error(_ text: String, _ reason: QuantityError.Reason) -> QuantityError {
    QuantityError(text: text, expected: D.name, reason: reason)
  }

  private static func split(_ text: String) throws(QuantityError) -> (Double, String) {
    let bytes = Array(text.utf8)
    func isSpace(_ b: UInt8) -> Bool { b == 32 || b == 9 }
    var start = 0
    while start < bytes.count, isSpace(bytes[start]) { start += 1 }
    guard start < bytes.count else { throw error(text, .empty) }
    var end = start
    func isDigit(_ i: Int) -> Bool { i < bytes.count && bytes[i] >= 48 && bytes[i] <= 57 }
    if bytes[end] == 43 || bytes[end] == 45 { end += 1 }
    let digits = end
    while isDigit(end) || (end < bytes.count && bytes[end] == 46) { end += 1 }
    if end > digits, end < bytes.count, bytes[end] == 101 || bytes[end] == 69 {
      var after = end + 1
      if after < bytes.count, bytes[after] == 43 || bytes[after] == 45 { after += 1 }
      if isDigit(after) {
        while isDigit(after) { after += 1 }
        end = after
      }
    }
    let lower = String(decoding: bytes[digits...], as: UTF8.self).lowercased()
    if lower.hasPrefix("inf") || lower.hasPrefix("nan") || lower.hasPrefix(".inf")
      || lower.hasPrefix(".nan")
    {
      throw error(text, .notFinite)
    }
    guard let number = Double(String(decoding: bytes[start..<end], as: UTF8.self)) else {
      throw error(text, .notANumber)
    }
    guard number.isFinite else { throw error(text, .notFinite) }
    var unitEnd = bytes.count
    while unitEnd > end, isSpace(bytes[unitEnd - 1]) { unitEnd -= 1 }
    while end < unitEnd, isSpace(bytes[end]) { end += 1 }
    return (number, String(decoding: bytes[end..<unitEnd], as: UTF8.self))
  }
}

/// The dimension and its units, for messages that name another dimension.
let allDimensions: [(name: String, units: [Unit])] = {
  func entry<D: Dimension>(_: D.Type) -> (name: String, units: [Unit]) { (D.name, D.units) }
  return [
    entry(Dimensions.Time.self), entry(Dimensions.Data.self), entry(Dimensions.Work.self),
    entry(Dimensions.Energy.self), entry(Dimensions.Power.self), entry(Dimensions.Frequency.self),
    entry(Dimensions.DataRate.self), entry(Dimensions.WorkRate.self),
    entry(Dimensions.EnergyPerData.self), entry(Dimensions.EnergyPerWork.self),
    entry(Dimensions.Intensity.self), entry(Dimensions.Money.self), entry(Dimensions.MoneyRate.self),
    entry(Dimensions.MoneyPerEnergy.self), entry(Dimensions.Mass.self), entry(Dimensions.MassPerEnergy.self),
    entry(Dimensions.Number.self),
  ]
}()

/// A number times the factor of a unit, such that 10 us is exactly 1e-5 s: a division by a whole number where the
/// factor itself is no exact number.
func times(_ number: Double, _ factor: Double) -> Double {
  let inverse = (1 / factor).rounded()
  return factor < 1 && inverse < 0x1p53 ? number / inverse : number * factor
}

/// Base units in one of the unit spelled so, among these units.
private func unitFactor(_ spelling: String, in units: [Unit]) -> Double? {
  for unit in units where spelling.hasSuffix(unit.symbol) {
    let prefix = spelling.dropLast(unit.symbol.count)
    if unit.symbol.isEmpty && !prefix.isEmpty { continue }
    for scale in unit.scales where scale.prefix == prefix { return scale.factor * unit.factor }
  }
  return nil
}

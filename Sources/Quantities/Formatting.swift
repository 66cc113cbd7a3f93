import RealModule

/// A number with so many significant digits, in the C locale, without an exponent where that reads well.
///
/// - Parameters:
///   - value: any finite number; others print as `inf`, `-inf` or `nan`.
///   - digits: significant digits, 1 to 15.
/// - Returns: the number as text.
public func formatted(_ value: Double, digits: Int = 3) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  guard value != 0 else { return "0" }
  // The least numbers are scaled up first: the power of ten that divides them would be no normal number.
  let isTiny = abs(value) < 1e-280
  let magnitude = isTiny ? abs(value) * 1e40 : abs(value)
  var exponent = Int(Double.log10(magnitude).rounded(.down))
  var scaled = (magnitude / power10(exponent - digits + 1)).rounded()
  if scaled >= power10(digits) {
    scaled = (scaled / 10).rounded()
    exponent += 1
  }
  if isTiny { exponent -= 40 }
  let sign = value < 0 ? "-" : ""
  let text = wholeNumber(scaled)
  if exponent >= digits + 3 || exponent < -4 {
    let fraction = text.dropFirst()
    return sign + String(text.prefix(1)) + (fraction.isEmpty ? "" : "." + fraction) + "e\(exponent)"
  }
  if exponent >= digits - 1 { return sign + text + String(repeating: "0", count: exponent - digits + 1) }
  if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + text }
  return sign + text.prefix(exponent + 1) + "." + text.dropFirst(exponent + 1)
}

/// A number with so many digits after the point, in the C locale.
///
/// - Parameters:
///   - value: any finite number below 1e15; others print as ``formatted(_:digits:)`` does.
///   - decimals: digits after the point, 0 to 9.
/// - Returns: the number as text.
public func fixed(_ value: Double, decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return formatted(value, digits: 6) }
  let scale = power10(decimals)
  let scaled = (abs(value) * scale).rounded()
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + wholeNumber(scaled) }
  var text = wholeNumber(scaled)
  if text.count <= decimals { text = String(repeating: "0", count: decimals + 1 - text.count) + text }
  return sign + text.dropLast(decimals) + "." + text.suffix(decimals)
}

private func power10(_ exponent: Int) -> Double {
  // Double parses decimal literals exactly; pow() may be off by one unit in the last place.
  Double("1e\(exponent)") ?? Double.pow(10, exponent)
}

private func wholeNumber(_ value: Double) -> String {
  String(UInt128(value))
}

extension Quantity {
  /// The quantity with the prefix that puts its number between 1 and 1000, and no more digits than asked.
  ///
  /// - Parameters:
  ///   - digits: significant digits.
  ///   - binary: whether data is written with binary prefixes (`64 MiB`).
  /// - Returns: the number as text.
  public func formatted(digits: Int = 3, binary: Bool = false) -> String {
    guard let unit = D.units.first else { return Quantities.formatted(value, digits: digits) }
    let rounded = Double(Quantities.formatted(value, digits: digits)) ?? value
    var best = (prefix: "", factor: 1.0)
    if rounded != 0, rounded.isFinite {
      let scales = unit.scales.filter { scale in
        !["\u{b5}", "\u{3bc}"].contains(scale.prefix)
          && (scale.factor == 1 || scale.prefix.hasSuffix("i") == binary)
      }
      for scale in scales.sorted(by: { $0.factor < $1.factor })
      where abs(rounded) >= scale.factor || scale.factor == scales.map(\.factor).min() {
        best = scale
      }
    }
    let number = Quantities.formatted(value / best.factor, digits: digits)
    let symbol = best.prefix + unit.symbol
    return symbol.isEmpty ? number : number + " " + symbol
  }

  /// The number in one given unit: `"12.5"` for 12.5 microseconds and `"us"`.
  ///
  /// - Parameter unit: a spelling that the dimension has.
  /// - Returns: the number of those units, or nil when the dimension has no such unit.
  public func value(in unit: String) -> Double? {
    Self.factor(of: unit).map { factor in
      // The inverse of what reading does, so that 12.5 us stays 12.5.
      let inverse = (1 / factor).rounded()
      return factor < 1 && inverse < 0x1p53 ? value * inverse : value / factor
    }
  }
}

extension Quantity: CustomStringConvertible {
  /// All digits, in the base unit, such that reading it back gives the same quantity.
  public var description: String {
    let symbol = D.units.first?.symbol ?? ""
    return symbol.isEmpty ? "\(value)" : "\(value) \(symbol)"
  }
}

import Quantities

/// A count with its digits in groups of three: `949,000`.
func grouped(_ count: Int) -> String {
  var digits = "\(count.magnitude)"
  var result = ""
  while digits.count > 3 {
    result = "," + digits.suffix(3) + result
    digits.removeLast(3)
  }
  return (count < 0 ? "-" : "") + digits + result
}

/// A large number for people, three digits of it: `2,580`, `949,000`, `1.04 million`, `15 trillion`.
func counted(_ value: Double) -> String {
  let rounded = Double(formatted(value)) ?? value
  guard abs(rounded) >= 1000, abs(rounded) < 1e15 else { return formatted(value) }
  if abs(rounded) < 1e6 { return grouped(Int(rounded)) }
  let (factor, word) =
    abs(rounded) < 1e9 ? (1e6, "million") : abs(rounded) < 1e12 ? (1e9, "billion") : (1e12, "trillion")
  return trimmed(formatted(rounded / factor)) + " " + word
}

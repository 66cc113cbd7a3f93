public import Quantities
/// Damages the bytes of a valid file the way that slips, broken transfers and attackers do.
public struct Mutator: Sendable {
  private static let words = [
    "{", "}", "[", "]", ":", ": ", "- ", "? ", ",", "\n", "\r\n", "\t", "\"", "'", "#", "&a ", "*a", "!!int ",
    "|\n",
    ">\n", "---\n", "...\n", "%YAML 1.1\n", "<<: ", "\0", "\u{feff}", "null", "~", "true", ".inf", ".nan",
    "-1",
    "1e999", "1e-999", "99999999999999999999", "0x7f", "GB/s", "us", "extends", "kind", "value", "low",
    "high",
    "\u{e9}", "\u{3bc}", "\u{301}", "\u{1f600}", "  ", "        ",
  ]

  /// A damaged copy: a few random edits, sometimes a piece of another file.
  ///
  /// - Parameters:
  ///   - bytes: the valid file.
  ///   - other: where pieces may come from.
  ///   - random: decides.
  /// - Returns: the copy.
  public static func damaged(
    _ bytes: [UInt8], with other: [UInt8], using random: inout SplitMix64
  ) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place = Int.random(in: 0...result.count, using: &random)
      switch Int.random(in: 0..<7, using: &random) {
      case 0 where !result.isEmpty:
        let index = min(place, result.count - 1)
        result[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1 where !result.isEmpty:
        result[min(place, result.count - 1)] = .random(in: 0...255, using: &random)
      case 2:
        let end = min(result.count, place + Int.random(in: 1...40, using: &random))
        result.removeSubrange(place..<end)
      case 3: result.removeSubrange(place...)
      case 4:
        let end = min(result.count, place + Int.random(in: 1...60, using: &random))
        result.insert(contentsOf: result[place..<end], at: Int.random(in: 0...result.count, using: &random))
      case 5 where !other.isEmpty:
        let start = Int.random(in: 0..<other.count, using: &random)
        let end = min(other.count, start + Int.random(in: 1...80, using: &random))
        result.insert(contentsOf: other[start..<end], at: place)
      default:
        result.insert(contentsOf: Array((words.randomElement(using: &random) ?? ":").utf8), at: place)
      }
    }
    return result
  }

  /// Bytes without any order, more often than not from the alphabet of YAML.
  ///
  /// - Parameter random: decides.
  /// - Returns: up to 200 bytes or words.
  public static func noise(using random: inout SplitMix64) -> [UInt8] {
    var result: [UInt8] = []
    let plain = Bool.random(using: &random)
    for _ in 0..<Int.random(in: 0...200, using: &random) {
      if plain {
        result.append(.random(in: 0...255, using: &random))
      } else {
        result += Array((words.randomElement(using: &random) ?? ":").utf8)
      }
    }
    return result
  }
}

/// A sum of doubles without any rounding, so that it does not depend on the order.
///
/// One integer of 2,176 bits holds every finite double (Kulisch and Miranker, SIAM Review 28, 1986); it is rounded once,
/// when it is read. Blocks add one number each, so its cost does not matter.
struct ExactSum: Sendable, Equatable {
  /// Two's complement, lowest word first; the lowest bit is worth 2^-1088.
  private(set) var words = [UInt64](repeating: 0, count: 34 + 2)

  /// Adds a finite number.
  mutating func add(_ value: Double) {
    guard value != 0, value.isFinite else { return }
    let exponent = Int(value.exponentBitPattern)
    let isNormal = value.exponentBitPattern != 0
    let significand = value.significandBitPattern | (isNormal ? 1 << 52 : 0)
    // The value is significand times 2^(e - 1075) with e at least 1.
    let position = Swift.max(exponent, 1) - 1075 + 1088
    let (word, shift) = (position / 64, UInt64(position % 64))
    let low = significand << shift
    let high = shift == 0 ? 0 : significand >> (64 - shift)
    if value > 0 {
      carry(low, at: word)
      carry(high, at: word + 1)
    } else {
      borrow(low, at: word)
      borrow(high, at: word + 1)
    }
  }

  private mutating func carry(_ value: UInt64, at word: Int) {
    var (value, word) = (value, word)
    while value != 0, word < words.count {
      let (sum, overflow) = words[word].addingReportingOverflow(value)
      words[word] = sum
      value = overflow ? 1 : 0
      word += 1
    }
  }

  private mutating func borrow(_ value: UInt64, at word: Int) {
    var (value, word) = (value, word)
    while value != 0, word < words.count {
      let (difference, overflow) = words[word].subtractingReportingOverflow(value)
      words[word] = difference
      value = overflow ? 1 : 0
      word += 1
    }
  }

  /// Adds another sum.
  mutating func add(_ other: ExactSum) {
    var carried: UInt64 = 0
    for index in words.indices {
      let (first, overflow) = words[index].addingReportingOverflow(other.words[index])
      let (second, again) = first.addingReportingOverflow(carried)
      words[index] = second
      carried = overflow || again ? 1 : 0
    }
  }

  /// The sum as a double, to within one unit in the last place.
  var value: Double {
    let isNegative = words[words.count - 1] >> 63 == 1
    var magnitude = words
    if isNegative {
      var carried: UInt64 = 1
      for index in magnitude.indices {
        let (sum, overflow) = (~magnitude[index]).addingReportingOverflow(carried)
        magnitude[index] = sum
        carried = overflow ? 1 : 0
      }
    }
    guard let top = magnitude.lastIndex(where: { $0 != 0 }) else { return 0 }
    var result = 0.0
    for index in stride(from: top, through: Swift.max(0, top - 2), by: -1) {
      result += Double(sign: .plus, exponent: 64 * index - 1088, significand: Double(magnitude[index]))
    }
    return isNegative ? -result : result
  }

  /// From words that were written before; nil when there are not as many.
  init?(words: [UInt64]) {
    guard words.count == 36 else { return nil }
    self.words = words
  }

  init() {}
}

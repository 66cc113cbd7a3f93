/// The candidates that a misspelt word most likely means, best first.
///
/// The distance is that of Damerau and Levenshtein (insertion, deletion, substitution, swap of
/// neighbours), where a difference of case only costs a tenth of an edit.
///
/// - Parameters:
///   - word: what was found.
///   - candidates: the right spellings.
///   - limit: how many to return at most.
/// - Returns: those within a third of the word's length (at least one edit), all with the same least number of
///   whole edits, so `gb/s` finds both `Gb/s` and `GB/s`.
public func nearestSpellings(to word: String, among candidates: [String], limit: Int = 3) -> [String] {
  guard word.count <= 64 else { return [] }
  let allowed = max(1.0, Double(word.count) / 3)
  var scored: [(Double, String)] = []
  for candidate in candidates where !candidate.isEmpty {
    guard Double(abs(candidate.count - word.count)) <= allowed else { continue }
    let distance = editDistance(Array(word), Array(candidate))
    if distance <= allowed { scored.append((distance, candidate)) }
  }
  guard let best = scored.map(\.0.wholeEdits).min() else { return [] }
  var result: [String] = []
  for (_, candidate) in scored.filter({ $0.0.wholeEdits == best }).sorted(by: { $0.0 < $1.0 })
  where !result.contains(candidate) { result.append(candidate) }
  return Array(result.prefix(limit))
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Double {
  var rows = [[Double]](
    repeating: [Double](repeating: 0, count: b.count + 1), count: a.count + 1)
  for i in 0...a.count { rows[i][0] = Double(i) }
  for j in 0...b.count { rows[0][j] = Double(j) }
  guard !a.isEmpty, !b.isEmpty else { return rows[a.count][b.count] }
  for i in 1...a.count {
    for j in 1...b.count {
      let substitution: Double =
        a[i - 1] == b[j - 1] ? 0 : a[i - 1].lowercased() == b[j - 1].lowercased() ? 0.1 : 1
      rows[i][j] = min(
        rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + substitution)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
      }
    }
  }
  return rows[a.count][b.count]
}

extension Double {
  fileprivate var wholeEdits: Double { rounded(.down) }
}

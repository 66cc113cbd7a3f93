/// Finds the device that a text names: a file, a folder, a line of a program.
///
/// People leave out the vendor, and write a model's memory and form in many ways: `h100`, `A100-SXM4-80GB`,
/// `NVIDIA H100 80GB HBM3`, `rtx4090`. A device is found by its model, whole words of the text; of the devices of one
/// model the text may name the memory (`40g`) and the form (`pcie`, `nvl`), and has to where the form is not `sxm`.
public struct DeviceSpelling: Sendable {
  private struct Entry {
    let name: String
    /// The model without spaces: `h100`, `rtx4090`.
    let model: String
    /// Words that the text must have besides.
    let needed: [String]
    /// Words that it may have.
    let optional: [String]
  }

  private let entries: [Entry]
  private let names: [String]

  /// A finder of devices.
  ///
  /// - Parameter names: the devices of the catalogue.
  public init(_ names: [String]) {
    self.names = names
    entries = names.map { name in
      var words = name.split(separator: "-").map(String.init)
      if words.count > 1, Self.vendors.contains(words[0]) { words.removeFirst() }
      let end = words.firstIndex { $0.contains(where: \.isNumber) }.map { $0 + 1 } ?? words.count
      let rest = words[end...]
      func isOptional(_ word: String) -> Bool {
        word == "sxm" || (word.hasSuffix("g") && word.dropLast().allSatisfy(\.isNumber))
      }
      return Entry(
        name: name, model: words[..<end].joined(), needed: rest.filter { !isOptional($0) },
        optional: rest.filter(isOptional))
    }
  }

  private static let vendors: Set<String> = ["nvidia", "amd", "intel", "upmem", "samsung", "skhynix"]

  /// Other words for devices, where no model is named: networks of the tables here, and short forms.
  private static let aliases = [
    ("slowa", "nvidia-h200-slow-a"), ("slowb", "nvidia-h200-slow-b"), ("xeon16", "intel-xeon-16c"),
    ("cpuxeon", "intel-xeon-16c"), ("mi300", "amd-mi300x"), ("mi250", "amd-mi250x"),
  ]

  /// The device that a text names.
  ///
  /// - Parameter text: a file's name without its folder, or any other words.
  /// - Returns: its name in the catalogue; nil where the text names none.
  public func device(in text: String) -> String? {
    let words = Self.words(of: text)
    var best: (place: Int, score: Int, name: String)?
    for entry in entries {
      let isNamed = entry.needed.allSatisfy(words.contains)
      let spelling = isNamed ? entry.model : entry.model + entry.needed.joined()
      guard let place = Self.place(of: spelling, in: words) else { continue }
      let score =
        2 * entry.needed.count
        + entry.optional.count { word in
          words.contains { $0 == word || $0 == word + "b" || (word == "sxm" && $0.hasPrefix(word)) }
        }
      // The first that is named; of one model the one that more words mean, then the one with the larger memory.
      if let known = best, (-known.place, known.score, known.name) > (-place, score, entry.name) { continue }
      best = (place, score, entry.name)
    }
    return best?.name
      ?? Self.aliases.first { names.contains($0.1) && Self.place(of: $0.0, in: words) != nil }?.1
  }

  /// A word that looks like the name of a device that the catalogue does not have: `h800`, `rtx3090`.
  ///
  /// - Parameter text: as in ``device(in:)``.
  /// - Returns: nil where there is none, or where a device is named.
  public func unknownDevice(in text: String) -> String? {
    device(in: text) == nil ? Self.words(of: text).first(where: Self.looksLikeDevice) : nil
  }

  private static func looksLikeDevice(_ word: String) -> Bool {
    let letters = String(word.prefix { $0.isLetter })
    let digits = word.dropFirst(letters.count).prefix { $0.isNumber }
    guard word.count - letters.count - digits.count <= 2 else { return false }
    switch letters {
    case "rtx", "gtx", "gaudi", "tpu", "trn", "gh", "gb", "mi": return !digits.isEmpty
    // Batches, layers and sizes are spelt so too: `b32`, `h1024`.
    case "a", "b", "h", "l", "p", "v": return digits.hasSuffix("00") && digits.count == 3
    default: return false
    }
  }

  /// The index of the word at which a model begins, spelt as one word or as several.
  private static func place(of model: String, in words: [String]) -> Int? {
    words.indices.first { start in
      var joined = words[start]
      var next = start + 1
      // A single letter is a word of its own: `m_b_200` is not a B200.
      while joined.count > 1, joined.count < model.count, next < words.count {
        joined += words[next]
        next += 1
      }
      return joined == model
    }
  }

  /// Lowercase words; forms that are written onto a model (`h100pcie`) stand alone.
  private static func words(of text: String) -> [String] {
    var words: [String] = []
    for word in text.lowercased().split(whereSeparator: { !($0.isLetter || $0.isNumber) }) {
      let form = ["sxm", "pcie", "nvl"].lazy.compactMap { form -> Substring.Index? in
        guard let tail = word.suffixStart(of: form), tail > word.startIndex else { return nil }
        return tail
      }.first
      guard let form else {
        words.append(String(word))
        continue
      }
      words += [String(word[..<form]), String(word[form...])]
    }
    return words
  }
}

extension Substring {
  /// Where a word ends in a form, with or without its generation: `pcie`, `sxm4`.
  fileprivate func suffixStart(of form: String) -> Index? {
    let stem = last?.isNumber == true ? dropLast() : self
    return stem.hasSuffix(form) ? index(stem.endIndex, offsetBy: -form.count) : nil
  }
}

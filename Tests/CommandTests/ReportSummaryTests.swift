import Foundation
import TestSupport
import Testing

/// Each number of the paragraph on top of a scenario's page is one that `estimate --json` prints, or `validate --json`.
@Suite struct ReportSummaryTests {
  private func json(_ arguments: [String]) throws -> Any {
    let result = try Command.run(Command.rooftree, arguments)
    #expect(result.status == 0, "\(result.errors)")
    return try JSONSerialization.jsonObject(with: Data(result.output.utf8))
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  /// Numbers of a sentence in base units, each with the least step of its digits.
  private func numbers(_ sentence: String) -> [(value: Double, step: Double)] {
    let units = [
      "us": 1e-6, "ms": 1e-3, "ks": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "%": 0.01, "million": 1e6,
      "billion": 1e9, "trillion": 1e12, "days": 86_400,
    ]
    let words = sentence.split(separator: " ").map {
      String($0).trimmingCharacters(in: CharacterSet(charactersIn: "[](),.:"))
    }
    var result: [(value: Double, step: Double)] = []
    for (index, word) in words.enumerated() {
      let digits = word.replacingOccurrences(of: ",", with: "")
      guard let number = Double(digits), digits.first?.isNumber == true else { continue }
      let isBracketed = sentence.contains("[\(word),") || sentence.contains(", \(word)]")
      let factor = isBracketed ? 0.01 : index + 1 < words.count ? units[words[index + 1]] ?? 1 : 1
      let decimals = digits.split(separator: ".").dropFirst().first?.count ?? 0
      // Numbers above three digits are rounded to three.
      let rounding = max(
        pow(10, -Double(decimals)), decimals > 0 ? 0 : pow(10, Double(max(0, digits.count - 3))))
      result.append((number * factor, rounding * factor))
    }
    return result
  }

  private func value(_ object: Any?, _ keys: String...) -> Double? {
    var object = object
    for key in keys { object = (object as? [String: Any])?[key] }
    return object as? Double
  }

  /// Seconds of the kernels below that are extrapolated, and of those with a name.
  private func seconds(_ node: Any?, times: Double = 1, where isCounted: ([String: Any]) -> Bool) -> Double {
    guard let node = node as? [String: Any], let parts = node["parts"] as? [Any] else { return 0 }
    if parts.isEmpty { return isCounted(node) ? times * (node["time_s"] as? Double ?? 0) : 0 }
    let runs = node["runs"] as? Double ?? 1
    return parts.reduce(0) { $0 + seconds($1, times: times * runs, where: isCounted) }
  }

  @Test(arguments: [
    ("getting-started", [String]()), ("gpt3-175b-node", []), ("llama-70b-serving", []),
    ("bert-large-a100", ["run.micro_batch=4"]),
    ("gpt3-175b-node", ["hardware=amd-mi300x", "calibration=none"]),
  ])
  func everyNumberIsAnEstimate(name: String, changes: [String]) throws {
    let folder = try TemporaryFolder()
    let sets = changes.flatMap { ["--set", $0] }
    let written = try Command.run(
      Command.rooftree, ["report", name, "--output", folder.path + "/out"] + sets)
    #expect(written.status == 0, "\(written.errors)")
    let answer = try json(["estimate", name, "--json"] + sets)
    let time = try #require(value(answer, "time_s"))
    func optional(_ values: Double?...) -> [Double] { values.compactMap { $0 } }

    /// What doubling a part of the machine saves, by the command that the page names.
    func saving(_ part: String) throws -> Double {
      let rows = try text(folder.path + "/out/table-1.csv").split(separator: "\n").map(String.init)
      let row = try #require(
        rows.first { $0.hasPrefix(part) || $0.hasPrefix("\"" + part) || $0.contains(part) })
      let change = try #require(row.range(of: "hardware={")).lowerBound
      let set = String(row[change...]).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
      return 1
        - (try #require(value(try json(["estimate", name, "--json"] + sets + ["--set", set]), "time_s")))
        / time
    }

    /// Mean errors on whole layers of the device.
    func layerErrors() throws -> [Double] {
      let tables = ["tp_layers_nvlink.csv", "tp_layers_slow_a.csv"].map {
        "notebooks-data/measurements/h200/" + $0
      }
      let rows = try #require(try json(["validate", "--json"] + tables) as? [[String: Any]])
      let errors = rows.filter { row in
        let quantity = row["quantity"] as? String ?? ""
        return row["group"] as? String == "all" && !quantity.contains("nocomm")
      }.compactMap { $0["mape"] as? Double }
      return [0.01 * (try #require(errors.min())), 0.01 * (try #require(errors.max()))]
    }

    let summary = try #require(
      written.output.components(separatedBy: "\n").first?.components(separatedBy: ": one ").last)
    var seen = 0
    for sentence in ("One " + summary).components(separatedBy: ". ") {
      let expected: [Double]
      if sentence.hasPrefix("One ") {
        expected = optional(time, 0.9, value(answer, "time_low90_s"), value(answer, "time_high90_s"))
      } else if sentence.contains("tokens a second") {
        expected = optional(value(answer, "tokens_per_s"), value(answer, "model_flop_utilization"))
      } else if sentence.hasPrefix("Training on") {
        let tokens = try #require(value(answer, "training_time_s")) * (value(answer, "tokens_per_s") ?? 0)
        let steps = tokens / ((value(answer, "tokens_per_s") ?? 1) * time)
        expected = optional(
          tokens, value(answer, "training_time_s"), value(answer, "energy", "cost_usd").map { steps * $0 })
      } else if sentence.hasPrefix("Communication takes") {
        expected = optional(
          value(answer, "communication_share"), value(answer, "communication_share_low90"),
          value(answer, "communication_share_high90"))
      } else if sentence.hasPrefix("Stages wait") {
        let root = (answer as? [String: Any])?["breakdown"]
        expected = [seconds(root) { $0["name"] as? String == "pipeline bubble" } / time]
      } else if sentence.contains("power limit makes it") {
        expected = optional(value(answer, "energy", "sustained_time_s"))
      } else if sentence.contains("of memory") {
        let kept =
          value(answer, "memory_bytes", "total")
          ?? ["weights_bytes", "cache_bytes", "buffer_bytes"].compactMap { value(answer, "serving", $0) }
          .reduce(0, +)
        expected = optional(
          kept, value(answer, "memory_bytes", "capacity") ?? value(answer, "serving", "capacity_bytes"))
      } else if sentence.hasPrefix("Doubling") {
        let parts = [
          ("peak rate", "peak rate"), ("memory bandwidth", "hbm bandwidth"),
          ("link bandwidth", "link bandwidth"),
        ]
        let places = parts.compactMap { words, row in
          sentence.range(of: words).map { (place: $0.lowerBound, row: row) }
        }.sorted { $0.place < $1.place }
        expected = try places.map { max(0, try saving($0.row)) }
      } else if sentence.hasPrefix("On measured layers") {
        expected = try layerErrors()
      } else if sentence.hasPrefix("Of the time") {
        let root = (answer as? [String: Any])?["breakdown"]
        expected = [seconds(root) { $0["extrapolated"] as? Bool == true } / time]
      } else {
        #expect(sentence.contains("was not measured"), "an unknown sentence: \(sentence)")
        expected = []
      }
      var found = numbers(sentence)
      // The first of two errors carries no sign of its own.
      if sentence.hasPrefix("On measured layers"), found.count == 2 {
        found[0] = (0.01 * found[0].value, found[1].step)
      }
      #expect(found.count == expected.count, "\(sentence): \(found), \(expected)")
      for (number, exact) in zip(found, expected) {
        #expect(abs(number.value - exact) <= 0.5001 * number.step, "\(sentence): \(number.value), \(exact)")
      }
      seen += found.count
    }
    #expect(seen >= 8)
  }
}

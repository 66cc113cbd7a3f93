import Foundation
import TestSupport
import Testing

@Suite struct StepCommandTests {
  /// What money and carbon rest on is printed with them, each number with how it is known.
  @Test func pricesHaveSources() throws {
    let rented = try Command.run(Command.rooftree, ["estimate", "getting-started", "--depth", "1"])
    #expect(rented.output.contains("price of a device: 3.00 USD/h [2.00 to 5.00 USD/h], assumed: "))
    let owned = try Command.run(Command.rooftree, ["estimate", "llama-70b-serving", "--depth", "1"])
    for line in [
      "lifetime of a device: 1460 d [1100 to 1830 d], assumed: ",
      "carbon dioxide of the grid: 400 g/kWh [30.0 to 800 g/kWh], assumed: ",
    ] { #expect(owned.output.contains(line), "\(line)") }
  }

  /// A page for each group of a table, with every row, and an index over them.
  @Test func tablesHavePages() throws {
    let folder = try TemporaryFolder()
    let table = Repository.root + "/notebooks-data/published/training_steps.csv"
    let result = try Command.run(
      Command.rooftree, ["validate", table, "--report", folder.path + "/pages"])
    #expect(result.status == 0, "\(result.errors)")
    let index = try String(contentsOfFile: folder.path + "/pages/index.html", encoding: .utf8)
    let lines = try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n").dropFirst()
    for group in Set(lines.compactMap { $0.split(separator: ",").first.map(String.init) }) {
      let name = "measured-published-training-steps-\(group)"
      #expect(index.contains("\(name)/"), "\(group)")
      let page = folder.path + "/pages/\(name)/"
      let html = try String(contentsOfFile: page + "index.html", encoding: .utf8)
      #expect(html.contains("Predicted against measured: \(group)"))
      // The last table of the results is that of the rows.
      let rows = try String(contentsOfFile: page + "table-2.csv", encoding: .utf8).split(separator: "\n")
      #expect(rows.count - 1 == lines.count { $0.hasPrefix(group + ",") })
      #expect(
        rows.dropFirst().allSatisfy {
          $0.contains("compute") || $0.contains("network") || $0.contains("memory")
        })
    }
  }

  /// Groups of one name in two tables have a page each: as many folders as the index leads to.
  @Test func groupsOfTwoTablesHavePagesOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    func rows(_ table: String) throws -> [String] {
      try String(contentsOfFile: Repository.root + "/notebooks-data/published/" + table, encoding: .utf8)
        .split(separator: "\n").map(String.init)
    }
    var tables: [String] = []
    for table in ["training_steps.csv", "calculon.csv"] {
      let all = try rows(table)
      var few = [all[0]]
      for group in ["megatron-sc21", "korthikanti-2022"] {
        few.append(try #require(all.first { $0.hasPrefix(group + ",") }))
      }
      tables.append(try folder.write(table, Array((few.joined(separator: "\n") + "\n").utf8)))
    }
    let result = try Command.run(
      Command.rooftree, ["validate"] + tables + ["--report", folder.path + "/pages"])
    #expect(result.status == 0, "\(result.errors)")
    let folders = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/pages")
      .filter { $0.hasPrefix("measured-") }
    #expect(folders.count >= 4, "\(folders)")
    let index = try String(contentsOfFile: folder.path + "/pages/index.html", encoding: .utf8)
    #expect(index.components(separatedBy: "/index.html\"").count - 1 == folders.count)
    for name in folders { #expect(index.components(separatedBy: "\"\(name)/index.html\"").count == 2) }
  }

  /// The three commands print JSON whose numbers are those of an estimate.
  @Test func numbersAreThoseOfAnEstimate() throws {
    func object(_ words: String...) throws -> [String: Any] {
      let result = try Command.run(Command.rooftree, words)
      #expect(result.status == 0, "\(result.errors)")
      return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }
    let scaled = try object("scale", "gpt3-175b-node", "--by", "tensor", "--up-to", "16", "--json")
    let curve = try #require((scaled["curves"] as? [[String: Any]])?.first)
    let points = try #require(curve["points"] as? [[String: Any]])
    #expect(points.count == 2)
    let estimate = try object("estimate", "gpt3-175b-node", "--set", "parallelism.tensor=16", "--json")
    #expect(points[1]["time_s"] as? Double == estimate["time_s"] as? Double)
    let served = try object(
      "serve", "llama-70b-decode", "--batches", "8", "--contexts", "1024", "--json")
    let step = try #require((served["points"] as? [[String: Any]])?.first)
    let decode = try object(
      "estimate", "llama-70b-decode", "--set", "run.micro_batch=8", "--set", "run.sequence=1024", "--json")
    #expect(step["time_s"] as? Double == decode["time_s"] as? Double)
    let compared = try object(
      "compare", Repository.root + "/notebooks-data/published/calculon.csv", "--json")
    #expect((compared["rows"] as? [Any])?.count == 32)
  }
}

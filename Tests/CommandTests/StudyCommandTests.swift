import Foundation
import TestSupport
import Testing

/// Pages of studies, as files that a browser or a notebook reads.
@Suite struct StudyCommandTests {
  private func report(_ arguments: [String], to folder: String) throws -> CommandResult {
    try Command.run(Command.rooftree, ["report"] + arguments + ["--output", folder])
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  /// The page is one file under 1 MB that asks nobody for anything; figures and tables stand beside it.
  @Test(arguments: Repository.files(in: "models/studies", ending: ".yaml"))
  func aStudyIsAPageWithItsData(file: String) throws {
    let folder = try TemporaryFolder()
    let out = folder.path + "/out"
    let result = try report(["./" + file], to: out)
    #expect(result.status == 0, "\(result.errors)")
    let html = try text(out + "/index.html")
    #expect(html.utf8.count < 1_000_000)
    for word in ["src=", "@import", "url(h", "url(/", "url('", "url(&quot;", "fetch(", "XMLHttpRequest"] {
      #expect(!html.contains(word), "\(word)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: out)
    let figures = names.filter { $0.hasSuffix(".svg") }.count
    #expect(figures >= 1)
    // Every figure of the page is a file, with the table of what it draws and a description for those who cannot see it;
    // the page has it twice, for wide and for narrow screens.
    #expect(html.components(separatedBy: "role=\"img\" aria-label=\"").count - 1 == 2 * figures)
    for index in 1...figures { #expect(names.contains("figure-\(index).csv")) }
    for name in names where name.hasSuffix(".svg") {
      let drawing = try text(out + "/" + name)
      #expect(drawing.hasPrefix("<svg ") && drawing.hasSuffix("</svg>\n"), "\(name)")
      #expect(!drawing.contains("var(--"), "\(name): a colour of the page")
    }
    #expect(names.contains("claims.csv") && names.contains("report.md"))
    #expect(try text(out + "/report.md").contains("](figure-1.svg)"))
  }

  /// The same inputs give the same bytes.
  @Test func pagesAreReproducible() throws {
    let folder = try TemporaryFolder()
    for out in ["a", "b"] { _ = try report(["three-networks"], to: folder.path + "/" + out) }
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a") {
      #expect(try text(folder.path + "/a/" + name) == text(folder.path + "/b/" + name), "\(name)")
    }
  }

  /// Markup, quotes and directions in a file of a user are shown as text and break nothing.
  @Test func hostileNamesAreText() throws {
    let folder = try TemporaryFolder()
    let hostile =
      "<script>alert(1)</script> \" ' & | \u{202e} `x` [y](javascript:z) {{title}} "
      + String(repeating: "long ", count: 60)
    let quoted = "\"" + hostile.replacingOccurrences(of: "\"", with: "\\\"") + "\""
    let original = try text(Repository.root + "/models/studies/three-networks.yaml")
    let changed = original.replacingOccurrences(
      of: "title: One GPU, three networks", with: "title: \(quoted)"
    ).replacingOccurrences(of: "../../", with: Repository.root + "/")
    let path = try folder.write("hostile.yaml", Array(changed.utf8))
    let result = try report([path], to: folder.path + "/out")
    #expect(result.status == 0, "\(result.errors)")
    let html = try text(folder.path + "/out/index.html")
    #expect(!html.contains("<script>alert"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!html.contains("\u{202e}"))
    #expect(!(try text(folder.path + "/out/report.md")).contains("<script>"))
  }

  /// One table over all studies: as many rows as their files have claims.
  @Test func claimsOfAllStudies() throws {
    let folder = try TemporaryFolder()
    let result = try report(["claims"], to: folder.path + "/out")
    #expect(result.status == 0, "\(result.errors)")
    let objects = try JSONSerialization.jsonObject(
      with: Data(try Command.run(Command.rooftree, ["report", "claims", "--json"]).output.utf8))
    let claims = try #require(objects as? [[String: Any]])
    var written = 0
    for file in Repository.files(in: "models/studies", ending: ".yaml") {
      written += try text(Repository.root + "/" + file).components(separatedBy: "    says:").count - 1
    }
    #expect(claims.count == written)
    let standings = Set(claims.compactMap { $0["standing"] as? String })
    #expect(standings.isSubset(of: ["agrees", "differs", "cannot be checked"]))
    #expect(claims.allSatisfy { ($0["why"] as? String)?.isEmpty == false })
    #expect(try text(folder.path + "/out/claims.csv").components(separatedBy: "\n").count == written + 2)
  }

  @Test(arguments: [
    (
      ["report", "comp-vs-comm", "--beside", "nvidia-b200"],
      "--beside is for scenarios; 'comp-vs-comm' is none"
    ),
    (["report", "comp-vs-comm", "--set", "a=b"], "--set is for scenarios; 'comp-vs-comm' is none"),
    (["report", "getting-started", "--json"], "--json is for studies"),
  ])
  func optionsOfTheOtherKind(words: [String], message: String) throws {
    let result = try Command.run(Command.rooftree, words)
    #expect(result.status == 64)
    #expect(result.errors.contains(message))
  }

  /// A copy of a study with a slip in its parameters is refused at the place, in words.
  @Test(arguments: [
    (
      "bert-characterisation", "values: [1, 2, 4, 8], kind", "values: [1, 3], kind",
      "'parameters.tensor_parallel' has 3, which does not divide the 16 heads"
    ),
    (
      "bert-characterisation", "Ph2-B4-mixed]", "Ph3-B4-mixed]", "there is no configuration 'Ph3-B4-mixed'"
    ),
    ("bert-characterisation", "h200/layers.csv", "h200/dp_nvlink.csv", "is no table of profiled layers"),
    ("seqpoint", "values: [0.1, 0.5]", "values: [0, 0.5]", "a tolerance of zero is never reached"),
    (
      "seqpoint", "values: [1, 0.5, 1, 1, 1]", "values: [1, 0.5]", "expected a list of 5, one a configuration"
    ),
    (
      "seqpoint", "values: [1.3, 35,", "values: [40, 35,",
      "needs a shortest above zero and a longest above it"
    ),
    (
      "seqpoint", "value: 8, low: 1, high: 16", "value: 8.5, low: 1, high: 16",
      "a whole number from 1 to 1000"
    ),
    ("gpgpu-sim", "values: [4, 11]", "values: [4]", "expected a list of 2, one a card"),
    ("gpgpu-sim", "lenet/h200.csv", "h200/layers.csv", "is no table of LeNet's layers"),
  ])
  func wrongParameters(study: String, old: String, new: String, message: String) throws {
    let folder = try TemporaryFolder()
    let original = try text(Repository.root + "/models/studies/\(study).yaml")
    try #require(original.components(separatedBy: old).count == 2, "'\(old)' should be there once")
    let changed = original.replacingOccurrences(of: old, with: new)
      .replacingOccurrences(of: "../../", with: Repository.root + "/")
    let path = try folder.write("study.yaml", Array(changed.utf8))
    let result = try report([path], to: folder.path + "/out")
    #expect(result.status == 65)
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.errors.hasPrefix(path + ":"))
  }

  /// A table of layers on the slowest network, here those of the one narrowed to two channels, answers its claim; the host's memory is
  /// slower still, so that the projections are far above.
  @Test func furtherTablesAnswerTheirClaim() throws {
    let folder = try TemporaryFolder()
    let rows = try text(Repository.root + "/notebooks-data/measurements/h200/tp_layers_slow_a.csv")
    let table = try folder.write("tp_layers_slow_b.csv", Array(rows.utf8))
    let command = ["report", "three-networks", "--json"]
    let claim = "layers-host"
    func standing(_ arguments: [String]) throws -> String? {
      let output = try Command.run(Command.rooftree, command + arguments).output
      let object = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
      let claims = object?["claims"] as? [[String: Any]]
      return claims?.first { $0["id"] as? String == claim }?["standing"] as? String
    }
    #expect(try standing([]) == "cannot be checked")
    #expect(try standing(["--table", table]) == "differs")
    let other = try folder.write("tp_layers_a100.csv", Array(rows.utf8))
    let wrong = try report(["three-networks", "--table", other], to: folder.path + "/out")
    #expect(wrong.status == 65)
    #expect(
      wrong.errors
        == """
        \(other): error: a table of tensor- or data-parallel layers is expected, of a network that its name tells (slow_a, \
        slow_b)

        """)
    let none = try report(["comp-vs-comm", "--table", table], to: folder.path + "/out")
    #expect(none.status == 65)
    #expect(
      none.errors
        == "\(table): error: study 'comp-vs-comm' takes no tables but those that its parameters name\n")
  }
}

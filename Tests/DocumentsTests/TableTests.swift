import Documents
import Quantities
import TestSupport
import Testing

@Suite struct TableTests {
  @Test func quotesAndLineEnds() throws {
    let text = "\u{feff}a,b,c\r\n1,\"x, y\",\"say \"\"so\"\"\"\r\n\n2,\"two\nlines\",\n3,caf\u{e9},z"
    let table = try Table(text: text, file: "t.csv")
    #expect(table.columns == ["a", "b", "c"])
    #expect(table.rows.map { $0.text("b") } == ["x, y", "two\nlines", "caf\u{e9}"])
    #expect(table.rows.map { $0.text("c") } == ["say \"so\"", "", "z"])
    // The lines are those of the file, embedded line ends and blank lines counted.
    #expect(table.rows.map(\.line) == [2, 4, 6])
    #expect(table.has("b") && !table.has("d"))
    #expect(table.rows[0].text("d") == "")
  }

  @Test(
    arguments: [
      ("", "t.csv: error: is empty; expected a table with a header"),
      ("\n \n\t\n", "t.csv: error: is empty; expected a table with a header"),
      ("a,b\n1,2,3\n", "t.csv:2:1: error: the row has 3 fields; expected 2 as in the header"),
      ("a,b\n\n1\n", "t.csv:3:1: error: the row has 1 field; expected 2 as in the header"),
      ("a,b,a\n1,2,3\n", "t.csv:1:1: error: the key 'a' is there twice"),
      ("a,b\n1,2\n3,\"open\n4,5\n", "t.csv:3:1: error: a quoted field is not closed"),
    ])
  func wrongTables(text: String, expected: String) {
    #expect(complaint { try Table(text: text, file: "t.csv") } == expected)
  }

  @Test(
    arguments: [
      ("abc,x,1", "5", "'x'"), (",x,1", "2", "'x'"), ("abc,,1", "5", "empty"), ("abc,nan,1", "5", "'nan'"),
      ("abc,inf,1", "5", "'inf'"), ("abc,1e999,1", "5", "'1e999'"), ("abc,1 2,1", "5", "'1 2'"),
      ("\"a,b\",x,1", "7", "'x'"), ("\"say \"\"so\"\"\",x,1", "14", "'x'"), ("caf\u{e9},x,1", "6", "'x'"),
    ])
  func numberErrorsNameThePlace(row: String, column: String, found: String) throws {
    let table = try Table(text: "name,time,n\nok,1,1\n\(row)\n", file: "t.csv")
    #expect(
      complaint { try table.rows[1].number("time") }
        == "t.csv:3:\(column): error: 'time' is \(found); expected a finite number")
  }

  @Test func rangesOfNumbers() throws {
    let row = try Table(text: "a,b,c\n0,-2,1e7\n", file: "t.csv").rows[0]
    #expect(try row.number("a") == 0)
    #expect(
      complaint { try row.positive("a") } == "t.csv:2:1: error: 'a' is '0'; expected a number above zero")
    #expect(complaint { try row.number("b") } == "t.csv:2:3: error: 'b' is '-2'; expected at least 0")
    #expect(
      complaint { try row.number("c", in: 1...1e6) }
        == "t.csv:2:6: error: 'c' is '1e7'; expected at most 1000000")
    #expect(complaint { try row.number("d") } == "t.csv:2:1: error: 'd' is empty; expected a finite number")
  }

  @Test func parametersOfARow() throws {
    let table = try Table(text: "params\nm=512;n=3072;layout=NT\nm=1;;n\n", file: "t.csv")
    #expect(try table.rows[0].parameters("params") == ["m": "512", "n": "3072", "layout": "NT"])
    #expect(
      complaint { try table.rows[1].parameters("params") }
        == "t.csv:3:1: error: 'params' is 'm=1;;n'; expected key=value;key=value")
  }

  /// Every shipped table has the header that its rows fit, and no row is lost.
  @Test(arguments: ["h200", "a100-megatron", "aiconfigurator", "upmem"])
  func shippedTables(folder: String) throws {
    let files = Repository.files(in: "notebooks-data/measurements/" + folder, ending: ".csv")
    #expect(!files.isEmpty)
    for file in files {
      let text = try Repository.text(file)
      let table = try Table(path: Repository.root + "/" + file)
      #expect(table.rows.count == text.utf8.split(separator: 10).count - 1, "\(file)")
    }
  }

  /// Whatever stands in the fields, a table that was written is read back.
  @Test(arguments: UInt64(0)..<300)
  func randomTablesAreReadBack(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let pieces = [
      "a", "7", ",", "\"", "\"\"", "\n", "\r\n", "\r", " ", "\u{e9}", "\u{301}", "\u{1f600}", ";", "=",
      "\u{2028}", "'", "",
    ]
    func field() -> String {
      (0..<Int.random(in: 0...5, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
    }
    let width = Int.random(in: 2...6, using: &random)
    let header = (0..<width).map { "c\($0)" + field() }
    let rows = (0..<Int.random(in: 0...8, using: &random)).map { _ in (0..<width).map { _ in field() } }
    let end = Bool.random(using: &random) ? "\n" : "\r\n"
    let lines = ([header] + rows).map { $0.map(csvField).joined(separator: ",") }
    let table = try Table(
      text: lines.joined(separator: end) + (Bool.random(using: &random) ? end : ""), file: nil)
    func scalars(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
    #expect(scalars(table.columns) == scalars(header))
    #expect(table.rows.map { row in scalars(header.map { row.text($0) }) } == rows.map(scalars))
  }
}

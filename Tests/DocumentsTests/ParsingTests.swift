import Documents
import Foundation
import Quantities
import TestSupport
import Testing

/// A document as text with the place of every value, so that two can be compared.
private func outline(_ node: DocumentNode, places: Bool) -> String {
  let place = places ? "@\(node.position.line):\(node.position.column)" : ""
  switch node.content {
  case .scalar(let text, _): return "<\(text)>" + place
  case .sequence(let items):
    return "[" + items.map { outline($0, places: places) }.joined(separator: ",") + "]" + place
  case .mapping(let pairs):
    return "{"
      + pairs.map { outline($0.key, places: places) + "=" + outline($0.value, places: places) }
      .joined(separator: ",") + "}" + place
  }
}

private func parsed(_ text: String, places: Bool = false) throws -> String {
  outline(try parseDocument(text, file: "f.yaml"), places: places)
}

@Suite struct ParsingTests {
  @Test func jsonAndYAMLAreTheSame() throws {
    let json = """
      {"name": "x", "n": 12, "list": [1, {"a": "b c"}, []], "empty": {}, "flag": true, "nothing": null}
      """
    let yaml = """
      # a comment
      name: x
      n: 12
      list:
        - 1
        - a: b c
        - []
      empty: {}
      flag: true
      nothing: null
      """
    #expect(try parsed(json) == parsed(yaml))
    #expect(
      try parsed(json)
        == "{<name>=<x>,<n>=<12>,<list>=[<1>,{<a>=<b c>},[]],<empty>={},<flag>=<true>,<nothing>=<null>}")
  }

  /// No value is turned into another type: Norway, octal and dates stay what was written.
  @Test func scalarsStayAsWritten() throws {
    #expect(
      try parsed("[no, NO, 010, 0o10, 1_000, 2024-01-01, .inf, ~, 1e3, 'it''s', \"a\\tb\"]")
        == "[<no>,<NO>,<010>,<0o10>,<1_000>,<2024-01-01>,<.inf>,<~>,<1e3>,<it's>,<a\tb>]")
  }

  @Test func everyValueHasItsPlace() throws {
    let text = """
      name: x
      run:
        pass:   training
      list:
        - a
        - {m: 1, n: [2]}
      """
    #expect(
      try parsed(text, places: true)
        == "{<name>@1:1=<x>@1:7,<run>@2:1={<pass>@3:3=<training>@3:11}@3:3,"
        + "<list>@4:1=[<a>@5:5,{<m>@6:6=<1>@6:9,<n>@6:12=[<2>@6:16]@6:15}@6:5]@5:3}@1:1")
  }

  /// Columns count Unicode scalars, so that they agree with what an editor shows.
  @Test func columnsCountScalarsNotBytes() throws {
    #expect(
      try parsed("{\u{e9}\u{1f600}: a, b: c}", places: true)
        == "{<\u{e9}\u{1f600}>@1:2=<a>@1:6,<b>@1:9=<c>@1:12}@1:1")
  }

  @Test func byteOrderMarkAndCarriageReturnsChangeNothing() throws {
    let plain = "name: x\nrun:\n  pass: y\n"
    let windows = "\u{feff}" + plain.replacingOccurrences(of: "\n", with: "\r\n")
    #expect(try parsed(windows) == parsed(plain))
    #expect(
      try parsed(plain.replacingOccurrences(of: "\n", with: "\r\n"), places: true)
        == parsed(plain, places: true))
  }

  @Test func anchorsAndAliases() throws {
    #expect(
      try parsed("a: &x {v: 1}\nb: *x\nc: [&y t, *y, *y]")
        == "{<a>={<v>=<1>},<b>={<v>=<1>},<c>=[<t>,<t>,<t>]}")
    // A source that is named forty times is ordinary use.
    let many = "s: &s data sheet\n" + (0..<40).map { "k\($0): {source: *s}\n" }.joined()
    #expect(try parseDocument(many, file: nil).keys.count == 41)
  }

  @Test(
    arguments: [
      ("", "f.yaml: error: is empty; expected a mapping"),
      ("  \n\n", "f.yaml: error: is empty; expected a mapping"),
      ("# only\n# comments\n", "f.yaml: error: is empty; expected a mapping"),
      ("a: [1, 2\nb: 3\n", "f.yaml:2:2: error: did not find expected ',' or ']'"),
      ("a: b: c\n", "f.yaml:1:5: error: mapping values are not allowed in this context"),
      ("a: \"x\nb: 1\n", "f.yaml:3:1: error: found unexpected end of stream"),
      ("a:\n\t- b\n", "f.yaml:2:1: error: a tab; YAML is indented with spaces"),
      ("a: *nobody\n", "f.yaml:1:4: error: found undefined alias"),
      ("a: 1\n---\nb: 2\n", "f.yaml:2:1: error: a second document begins; expected one"),
      ("a: x\0y\n", "f.yaml:1:5: error: a NUL byte is not allowed"),
      ("a: 1\n  \0", "f.yaml:2:3: error: a NUL byte is not allowed"),
      ("? [a]\n: 1\n", "f.yaml:1:3: error: 'key' is a list; expected a word"),
      ("{a: 1}: 1\n", "f.yaml:1:1: error: 'key' is a mapping; expected a word"),
      ("a: `x`\n", "f.yaml:1:4: error: '`' cannot start a value; put it in quotes"),
    ])
  func wrongText(text: String, expected: String) {
    #expect(complaint { try parseDocument(text, file: "f.yaml") } == expected)
  }

  @Test(
    arguments: [
      ("a: 1\nb: 2\na: 3\n", "3:1", "a"),
      ("a: 1\r\nb: 2\r\na: 3\r\n", "3:1", "a"),
      ("m:\n  hbm:\n    v: 1\n  l2:\n    v: 2\n    w: 3\n    v: 4\n", "7:5", "v"),
      ("l:\n  - m: 1\n  - m: 2\n    n: 3\n    m: 4\n", "5:5", "m"),
      ("run: {a: 1, b: [1, {a: 5}], a: 2}\n", "1:29", "a"),
      ("{\n  \"a\": 1,\n  \"b\": {\"a\": 2},\n  \"a\": 3\n}\n", "4:3", "a"),
      ("{\"a\": \"x, a: 1\", \"a\": 2}\n", "1:18", "a"),
      ("'a': 1\n\"a\": 2\n", "2:1", "a"),
      ("a: |\n  a: 1\nb: 1\na: 1\n", "4:1", "a"),
      ("ab: 1\na: 1\n# a: 2\na : 2\n", "4:1", "a"),
    ])
  func duplicateKeysAreLocated(text: String, place: String, key: String) {
    #expect(
      complaint { try parseDocument(text, file: "f") } == "f:\(place): error: the key '\(key)' is there twice"
    )
  }

  @Test func deepNestingIsRejected() {
    let deep = "nested more than 64 deep"
    let brackets = String(repeating: "[", count: 5000)
    #expect(complaint { try parseDocument(brackets, file: "f") } == "f:1:257: error: \(deep)")
    #expect(
      complaint { try parseDocument(brackets + String(repeating: "]", count: 5000), file: "f") }.hasSuffix(
        deep))
    #expect(
      complaint { try parseDocument(String(repeating: "{a: ", count: 5000), file: "f") }.hasSuffix(deep))
    #expect(
      complaint { try parseDocument(String(repeating: "- ", count: 5000) + "a", file: "f") }.hasSuffix(deep))
    #expect(
      complaint { try parseDocument(String(repeating: "? ", count: 5000) + "a", file: "f") }.hasSuffix(deep))
    #expect(
      complaint { try parseDocument("? a\n: " + String(repeating: "- ", count: 5000) + "b", file: "f") }
        .hasSuffix(deep))
    // Indentation nests as well as brackets do.
    let steps = (0..<1500).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(complaint { try parseDocument(steps, file: "f") }.hasSuffix(deep))
    let bound = String(repeating: "[", count: 64) + "x" + String(repeating: "]", count: 64)
    #expect(complaint { try parseDocument(bound, file: "f") } == "no error")
    #expect(complaint { try parseDocument("[" + bound + "]", file: "f") }.hasSuffix(deep))
  }

  /// Nine levels of nine aliases stand for 3.5 thousand million values.
  private static let laughs: String = {
    var text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for (name, before) in zip("bcdefghij", "abcdefghi") {
      text += "\(name): &\(name) [" + Array(repeating: "*\(before)", count: 9).joined(separator: ", ") + "]\n"
    }
    return text
  }()

  @Test func aliasBombIsRejected() {
    let start = ContinuousClock.now
    #expect(
      complaint { try parseDocument(Self.laughs, file: "f") }.hasSuffix("error: more than 2000000 values"))
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  /// The same bomb as a key: it must not be hashed.
  @Test(
    arguments: [
      ("? *j\n: 1\n", "11:1"), ("*j : 1\n", "11:4"), ("[*j]: 1\n", "11:5"), ("k: {*j : 1}\n", "11:8"),
      ("k: {? *j : 1}\n", "11:5"),
    ])
  func aliasBombInAKeyIsRejected(key: String, place: String) {
    let start = ContinuousClock.now
    #expect(
      complaint { try parseDocument(Self.laughs + key, file: "f") }
        == "f:\(place): error: a key that is not a word, in a file with many aliases")
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func notUTF8() {
    #expect(
      complaint { try decodeUTF8([0x61, 0x3a, 0x20, 0xff, 0x0a], file: "f") }
        == "f: error: byte 3 is not UTF-8; expected text in UTF-8")
    // Latin-1 e acute after a two-byte character; a lone half of a surrogate pair; an overlong slash; a cut end.
    #expect(complaint { try decodeUTF8([0xc3, 0xa9, 0xe9, 0x20], file: "f") }.contains("byte 2 "))
    #expect(complaint { try decodeUTF8([0x41, 0xed, 0xa0, 0x80], file: "f") }.contains("byte 1 "))
    #expect(complaint { try decodeUTF8([0xc0, 0xaf], file: "f") }.contains("byte 0 "))
    #expect(complaint { try decodeUTF8([0x41, 0x42, 0xe2, 0x82], file: "f") }.contains("byte 2 "))
  }

  @Test(arguments: UInt64(0)..<200)
  func firstWrongByteIsNamed(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let good = String((0..<20).map { _ in "aZ\u{e9}\u{20ac}\u{1f600}".randomElement(using: &random) ?? "a" })
    let bytes = Array(good.utf8) + [0xff] + Array("x".utf8)
    #expect(
      complaint { try decodeUTF8(bytes, file: "f") }
        == "f: error: byte \(good.utf8.count) is not UTF-8; expected text in UTF-8")
    #expect((try? decodeUTF8(Array(good.utf8), file: "f")) == good)
  }

  /// A tree of random shape is read back from JSON and from indented YAML as the same tree.
  @Test(arguments: UInt64(0)..<200)
  func randomTreesAreReadBack(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let tree = Tree.random(depth: 4, using: &random)
    #expect(try parsed(tree.json) == tree.outline)
    #expect(try parsed(tree.yaml(indent: 0)) == tree.outline)
  }
}

/// A document made by a test.
private indirect enum Tree {
  case leaf(String)
  case list([Tree])
  case map([(String, Tree)])

  static func random(depth: Int, using random: inout SplitMix64) -> Tree {
    let size = Int.random(in: 1...4, using: &random)
    switch depth == 0 ? 0 : Int.random(in: depth == 4 ? 1...2 : 0...2, using: &random) {
    case 0:
      let letters: [Character] = [
        "a", "Z", "7", " ", ":", "#", "\u{e9}", "-", "'", "\"", ",", "\\", "{", "\u{1f600}",
      ]
      return .leaf(String((0..<size * 2).map { _ in letters.randomElement(using: &random) ?? "a" }))
    case 1: return .list((0..<size).map { _ in Tree.random(depth: depth - 1, using: &random) })
    default: return .map((0..<size).map { ("k\($0)", Tree.random(depth: depth - 1, using: &random)) })
    }
  }

  var outline: String {
    switch self {
    case .leaf(let text): "<\(text)>"
    case .list(let items): "[" + items.map(\.outline).joined(separator: ",") + "]"
    case .map(let pairs): "{" + pairs.map { "<\($0.0)>=" + $0.1.outline }.joined(separator: ",") + "}"
    }
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
      + "\""
  }

  var json: String {
    switch self {
    case .leaf(let text): quoted(text)
    case .list(let items): "[" + items.map(\.json).joined(separator: ", ") + "]"
    case .map(let pairs): "{" + pairs.map { quoted($0.0) + ": " + $0.1.json }.joined(separator: ", ") + "}"
    }
  }

  func yaml(indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    switch self {
    case .leaf(let text): return " '" + text.replacingOccurrences(of: "'", with: "''") + "'\n"
    case .list(let items):
      return (indent == 0 ? "" : "\n") + items.map { margin + "-" + $0.yaml(indent: indent + 2) }.joined()
    case .map(let pairs):
      return (indent == 0 ? "" : "\n")
        + pairs.map { margin + $0.0 + ":" + $0.1.yaml(indent: indent + 2) }.joined()
    }
  }
}

@Suite struct OverlayTests {
  private func overlaid(_ below: String, _ above: String) throws -> String {
    try parsed(below: below, above: above)
  }

  private func parsed(below: String, above: String) throws -> String {
    let base = try parseDocument(below, file: "below.yaml")
    return outline(base.overlaid(with: try parseDocument(above, file: "above.yaml")), places: false)
  }

  @Test func mappingsMergeDeeply() throws {
    #expect(
      try overlaid("a: {x: 1, y: {p: 2, q: 3}}\nb: 4", "a: {y: {q: 5}}\nc: 6")
        == "{<a>={<x>=<1>,<y>={<p>=<2>,<q>=<5>}},<b>=<4>,<c>=<6>}")
  }

  @Test func listsAndScalarsAreReplaced() throws {
    #expect(try overlaid("a: [1, 2, 3]\nb: 1", "a: [4]\nb: {c: 2}") == "{<a>=[<4>],<b>={<c>=<2>}}")
    #expect(try overlaid("a: {x: 1}", "a: 7") == "{<a>=<7>}")
  }

  /// A new value does not inherit the interval or the source of the one that it replaces.
  @Test func valuesWithProvenanceAreReplacedWhole() throws {
    #expect(
      try overlaid(
        "m: {value: 1 s, low: 0 s, high: 2 s, kind: assumed, source: a}",
        "m: {value: 3 s, kind: measured, source: b}")
        == "{<m>={<value>=<3 s>,<kind>=<measured>,<source>=<b>}}")
    #expect(
      try overlaid("m: {value: 1 s, kind: assumed}", "m: {note: why}")
        == "{<m>={<value>=<1 s>,<kind>=<assumed>,<note>=<why>}}")
  }

  @Test func everyValueKeepsItsFile() throws {
    let base = try parseDocument("a: 1\nb: 2", file: "below.yaml")
    let merged = base.overlaid(with: try parseDocument("b: 3", file: "above.yaml"))
    #expect(merged.value("a")?.file == "below.yaml")
    #expect(merged.value("b")?.file == "above.yaml")
    #expect(merged.keys == ["a", "b"])
    #expect(merged.value("c") == nil)
  }
}

@Suite struct FileTests {
  @Test func missingDirectoryAndLoop() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    #expect(
      complaint { try readDocument(path: path + "/no.yaml") }
        == "\(path)/no.yaml: error: cannot be read: No such file or directory")
    #expect(complaint { try readDocument(path: path) } == "\(path): error: is a directory; expected a file")
    try folder.write("file", Array("a: 1".utf8))
    #expect(
      complaint { try readDocument(path: path + "/file/x.yaml") }
        == "\(path)/file/x.yaml: error: cannot be read: Not a directory")
    try FileManager.default.createSymbolicLink(atPath: path + "/loop", withDestinationPath: path + "/loop")
    #expect(
      complaint { try readDocument(path: path + "/loop") }
        == "\(path)/loop: error: cannot be read: Too many levels of symbolic links")
  }

  @Test func bytesOfAFile() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write("empty.yaml", [])
    #expect(complaint { try readDocument(path: empty) } == "\(empty): error: is empty; expected a mapping")
    let latin = try folder.write("latin.yaml", Array("title: caf".utf8) + [0xe9, 0x0a])
    #expect(
      complaint { try readDocument(path: latin) }
        == "\(latin): error: byte 10 is not UTF-8; expected text in UTF-8")
    let nul = try folder.write("nul.yaml", Array("a: 1\nb: \0\n".utf8))
    #expect(complaint { try readDocument(path: nul) } == "\(nul):2:4: error: a NUL byte is not allowed")
  }

  /// 100 MB that take no room on the disk: rejected by size, so in no time.
  @Test func hugeFileIsNotRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("huge.yaml", [])
    #expect(truncate(path, 100_000_000) == 0)
    let start = ContinuousClock.now
    #expect(
      complaint { try readDocument(path: path) }
        == "\(path): error: has 100000000 bytes; expected at most 16777216")
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  /// A device without an end has no size to check beforehand.
  @Test func endlessDeviceIsLeft() {
    #expect(
      complaint { try readText(path: "/dev/zero", limit: 1 << 20) }.hasPrefix("/dev/zero: error: has "))
  }
}

@Suite struct MessageTests {
  @Test func controlCharactersAreEscaped() {
    #expect(printable("a\u{1b}[31mb\nc\u{202e}d\u{feff}") == "a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{feff}")
    #expect(printable("caf\u{e9} \u{1f600}") == "caf\u{e9} \u{1f600}")
    #expect(printable(String(repeating: "x", count: 201)) == String(repeating: "x", count: 200) + "...")
    let fault = Diagnostic.Fault.outOfRange(path: "memory.\u{1b}[2J.x", found: "-1", expected: "more")
    #expect(
      Diagnostic(file: "f\u{7}", position: .init(line: 2, column: 3), fault: fault).description
        == "f\\u{7}:2:3: error: 'memory.\\u{1b}[2J.x' is '-1'; expected more")
  }

  /// A long path does not push the place out of the message.
  @Test func longPathKeepsLineAndColumn() {
    let path = "/" + String(repeating: "folder/", count: 60) + "x.yaml"
    let text = Diagnostic(file: path, position: .init(line: 12, column: 34), fault: .empty).description
    #expect(text == path + ":12:34: error: is empty; expected a mapping")
  }

  @Test func keysOfAMapping() throws {
    let node = try parseDocument("layers: 3\nheds: 4\n", file: "f")
    var reader = try MappingReader(node)
    #expect(try reader.integer("layers") == 3)
    #expect(
      complaint { try reader.integer("heads") }
        == "f:2:1: error: the file lacks the key 'heads'; is 'heds' meant for it?")
    #expect(
      complaint { try reader.finish() }
        == "f:2:1: error: unknown key 'heds' in the file; did you mean 'heads'?")
  }

  @Test(
    arguments: [
      ("1", 1), ("1e9", 1_000_000_000), ("1e3", 1000), ("1000000000", 1_000_000_000), ("0", nil), ("-1", nil),
      ("2.5", nil), ("1e400", nil), ("nan", nil), ("1000000001", nil), ("99999999999999999999", nil),
      ("''", nil),
      ("x", nil),
    ] as [(String, Int?)])
  func wholeNumbers(text: String, expected: Int?) throws {
    var reader = try MappingReader(try parseDocument("n: \(text)", file: "f"))
    if let expected {
      #expect(try reader.integer("n") == expected)
    } else {
      let found = text == "''" ? "" : text
      #expect(
        complaint { try reader.integer("n") }
          == "f:1:4: error: 'n' is '\(found)'; expected a whole number from 1 to 1000000000")
    }
  }
}

import Foundation
import TestSupport
import Testing

/// A wrong input and the complaint that it must bring.
struct WrongInput: Sendable, CustomTestStringConvertible {
  /// What is different from the good files of Fixtures/.
  enum Change: Sendable {
    /// Nothing: the arguments are wrong.
    case nothing
    /// One place of a file.
    case edit(String, String, String)
    /// All of a file.
    case whole(String, String)
    /// All of a file, as bytes.
    case bytes(String, [UInt8])
    /// A file of so many bytes that takes no room.
    case hollow(String, Int)
    /// The rest of a calibration, which the scenario then names.
    case calibration(String)
  }

  /// How the command is called.
  enum Arguments: Sendable {
    /// The scenario of Fixtures/ is estimated.
    case estimate
    /// The space of Fixtures/ is computed.
    case sweep
    /// A table is compared with the uncalibrated device of Fixtures/.
    case validate(String)
    /// As given.
    case words([String])
  }

  let name: String
  let change: Change
  let arguments: Arguments
  /// All of standard error but the last line end; `{models}` stands for the folder of the catalogue.
  let complaint: String

  init(_ name: String, _ change: Change, _ arguments: Arguments, _ complaint: String) {
    self.name = name
    self.change = change
    self.arguments = arguments
    self.complaint = complaint
  }

  var testDescription: String { name }

  var words: [String] {
    switch arguments {
    case .estimate: ["estimate", "scenario.yaml"]
    case .sweep: ["sweep", "space.yaml", "--output", "results"]
    case .validate(let table): ["validate", table, "--hardware", "./device.yaml", "--calibration", "none"]
    case .words(let words): words
    }
  }
}

/// The files that every case starts from.
func writeGoodFiles(to folder: borrowing TemporaryFolder) throws {
  for name in [
    "device.yaml", "workload.yaml", "scenario.yaml", "operators.csv", "collectives.csv", "layers.csv",
    "space.yaml",
  ] {
    try folder.write(name, Array(try Repository.text("Tests/CommandTests/Fixtures/" + name).utf8))
  }
}

@Suite struct WrongInputTests {
  private func apply(_ change: WrongInput.Change, to folder: borrowing TemporaryFolder) throws {
    switch change {
    case .whole(let file, _), .bytes(let file, _):
      let parent = URL(fileURLWithPath: folder.path + "/" + file).deletingLastPathComponent()
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    default: break
    }
    func replace(_ file: String, _ old: String, _ new: String) throws {
      let text = try Repository.text("Tests/CommandTests/Fixtures/" + file)
      let parts = text.components(separatedBy: old)
      try #require(parts.count == 2, "'\(old)' should be in \(file) once")
      try folder.write(file, Array(parts.joined(separator: new).utf8))
    }
    switch change {
    case .nothing: break
    case .edit(let file, let old, let new): try replace(file, old, new)
    case .whole(let file, let text): try folder.write(file, Array(text.utf8))
    case .bytes(let file, let bytes): try folder.write(file, bytes)
    case .hollow(let file, let size): try #require(truncate(folder.path + "/" + file, size) == 0)
    case .calibration(let rest):
      let text = "name: c\nhardware: test-gpu\nsource: a test\n" + rest
      try folder.write("calibration.yaml", Array(text.utf8))
      try replace("scenario.yaml", "calibration: none", "calibration: ./calibration.yaml")
    }
  }

  @Test(arguments: WrongInput.all)
  func complaintIsExact(input: WrongInput) throws {
    let folder = try TemporaryFolder()
    try writeGoodFiles(to: folder)
    try apply(input.change, to: folder)
    let result = try Command.run(
      Command.rooftree, input.words, in: folder.path, environment: ["ROOFTREE_MODELS": Repository.models])
    let expected = input.complaint.replacingOccurrences(of: "{models}", with: Repository.models) + "\n"
    #expect(result.errors == expected)
    #expect(result.output == "")
    #expect(result.status == (expected.hasPrefix("Error: ") ? 64 : 65))
  }

  /// The good files are good, so that each complaint is about its one change.
  @Test func goodFilesPass() throws {
    let folder = try TemporaryFolder()
    try writeGoodFiles(to: folder)
    func run(_ arguments: WrongInput.Arguments) throws -> CommandResult {
      try Command.run(
        Command.rooftree, WrongInput("", .nothing, arguments, "").words, in: folder.path,
        environment: ["ROOFTREE_MODELS": Repository.models])
    }
    for arguments in [
      WrongInput.Arguments.estimate, .sweep, .validate("operators.csv"), .validate("collectives.csv"),
      .validate("layers.csv"),
    ] {
      let result = try run(arguments)
      #expect(result.status == 0)
      #expect(result.errors == "")
      #expect(!result.output.isEmpty)
    }
  }

  @Test func thereAreManyCasesOfDifferentKinds() {
    #expect(WrongInput.all.count >= 100)
    #expect(Set(WrongInput.all.map(\.name)).count == WrongInput.all.count)
    let words = WrongInput.all.map { $0.complaint.drop { $0 != "'" } }
    #expect(Set(words).count > 60)
  }
}

import Foundation

/// What a run of a program left behind.
public struct CommandResult: Sendable {
  /// The exit status; 128 and more when a signal ended it.
  public let status: Int32
  /// Standard output.
  public let output: String
  /// Standard error.
  public let errors: String
}

/// Programs that tests run.
public enum Command {
  /// The program that this build made, beside the test bundle.
  public static let rooftree: String = {
    var folders: [String] = []
    for argument in CommandLine.arguments where argument.contains("PackageTests.xctest") {
      folders.append(URL(fileURLWithPath: argument).deletingLastPathComponent().path)
    }
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      folders.append(URL(fileURLWithPath: own).deletingLastPathComponent().path)
    }
    folders.append(Repository.root + "/.build/debug")
    let candidates = folders.map { $0 + "/rooftree" }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[0]
  }()

  /// Runs a program and waits for its end.
  ///
  /// - Parameters:
  ///   - program: its path.
  ///   - arguments: what follows the program's name.
  ///   - folder: the current folder of the run.
  ///   - environment: variables to add.
  /// - Returns: status, output and errors.
  /// - Throws: when it cannot be started.
  public static func run(
    _ program: String = rooftree, _ arguments: [String], in folder: String = Repository.root,
    environment: [String: String] = [:]
  ) throws -> CommandResult {
    // Files rather than pipes: nothing to drain while the program runs.
    let scratch = try TemporaryFolder()
    let outputPath = try scratch.write("output", [])
    let errorPath = try scratch.write("errors", [])
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var variables = ProcessInfo.processInfo.environment
    for name in ["ROOFTREE_MODELS", "COLUMNS"] { variables[name] = nil }
    variables["SWIFT_BACKTRACE"] = "enable=no"
    variables.merge(environment) { $1 }
    process.environment = variables
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: outputPath)
    process.standardError = FileHandle(forWritingAtPath: errorPath)
    try process.run()
    process.waitUntilExit()
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
    return CommandResult(
      status: process.terminationReason == .exit
        ? process.terminationStatus : 128 + process.terminationStatus,
      output: try text(outputPath), errors: try text(errorPath))
  }
}

import ArgumentParser
import Documents
import Foundation
import Quantities

/// The command.
@main
struct Rooftree: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rooftree",
    abstract: "What will this model cost on that machine, and what if the machine changes?",
    discussion: """
      Closed-form performance models, calibrated against measurements. Every answer shows its error and its \
      sources.

      Exit status: 0 done, 64 misuse of the command, 65 bad data, 70 a fault of ours, 74 output that cannot be \
      written.
      """,
    version: "0.1.0",
    subcommands: [
      Estimate.self, Scale.self, Serve.self, Sweep.self, Merge.self, Search.self, Sensitivity.self,
      Indices.self,
      Validate.self, Compare.self, Calibrate.self, Report.self, SeqPoint.self, Import.self, List.self,
      Show.self,
    ])

  static func main() {
    if let verb = CommandLine.arguments.dropFirst().first, !verb.hasPrefix("-") {
      let known = configuration.subcommands.compactMap { $0._commandName } + ["help"]
      let near = known.contains(verb) ? [] : nearestSpellings(to: verb, among: known)
      if !near.isEmpty {
        let words = near.map { "'\($0)'" }.joined(separator: " or ")
        exit(withError: ValidationError("there is no verb '\(printable(verb))'; did you mean \(words)?"))
      }
    }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let diagnostic as Diagnostic {
      complain(diagnostic.description)
      Foundation.exit(65)
    } catch let failure as OutputFailure {
      complain("error: " + failure.description)
      Foundation.exit(74)
    } catch {
      exit(withError: error)
    }
  }

  private static func complain(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}

/// Options of every verb that reads the catalogue.
struct LibraryOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder with hardware, workloads, calibrations, scenarios and studies.",
      discussion: "Default: ROOFTREE_MODELS, or models/ here, above here or beside the program.",
      valueName: "folder"))
  var models: String?

  /// The library, or an error that says where it was looked for.
  func library() throws -> Library {
    let environment = ProcessInfo.processInfo.environment["ROOFTREE_MODELS"]
    guard let library = Library.find(explicit: models, environment: environment) else {
      let place = models ?? environment
      throw Diagnostic(
        file: place ?? "models", position: nil,
        fault: .unreadable(
          reason: place == nil
            ? "no such folder here, above here or beside the program; give --models"
            : "it has no folder hardware"))
    }
    return library
  }
}

/// A file or stream that could not be written.
struct OutputFailure: Error, CustomStringConvertible {
  let path: String
  let reason: String
  var description: String { "\(path): cannot be written: \(reason)" }
}

/// Writes text to standard output; a reader that goes away ends the program quietly.
func emit(_ text: String) throws {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    if count < 0 {
      if errno == EINTR { continue }
      if errno == EPIPE { Foundation.exit(0) }
      throw OutputFailure(path: "standard output", reason: String(cString: strerror(errno)))
    }
    bytes = bytes.dropFirst(count)
  }
}

/// Writes a file in one step: a temporary file beside it, synced and renamed, so that no half is ever there.
///
/// What is no regular file (a pipe, a link, /dev/stdout, /dev/null) is written to as it is, and stays what it is.
func writeFile(_ text: String, to path: String) throws {
  func failure() -> OutputFailure { OutputFailure(path: path, reason: String(cString: strerror(errno))) }
  func write(to descriptor: Int32) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      bytes = bytes.dropFirst(count)
    }
    return true
  }
  var info = stat()
  if lstat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG {
    let descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    guard write(to: descriptor) else { throw failure() }
    return
  }
  let slash = path.lastIndex(of: "/")
  let folder = slash.map { String(path[..<$0]) } ?? ""
  let file = slash.map { String(path[path.index(after: $0)...]) } ?? path
  if !folder.isEmpty {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw OutputFailure(path: folder, reason: "the folder cannot be made")
    }
  }
  let temporary =
    (folder.isEmpty ? "" : folder + "/") + ".\(file).\(getpid())"
  func fail() -> OutputFailure {
    let failed = failure()
    unlink(temporary)
    return failed
  }
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw fail() }
  guard write(to: descriptor) else {
    let failed = fail()
    close(descriptor)
    throw failed
  }
  guard fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else { throw fail() }
}

/// Writes several files that belong together: none takes its place before all are on the disk.
func writeFiles(_ files: [(text: String, path: String)]) throws {
  var written: [(temporary: String, path: String)] = []
  do {
    for file in files {
      let temporary = file.path + ".new"
      try writeFile(file.text, to: temporary)
      written.append((temporary, file.path))
    }
    for file in written where rename(file.temporary, file.path) != 0 {
      throw OutputFailure(path: file.path, reason: String(cString: strerror(errno)))
    }
  } catch {
    for file in written { unlink(file.temporary) }
    throw error
  }
}

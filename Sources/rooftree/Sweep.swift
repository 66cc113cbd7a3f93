import ArgumentParser
import Documents
import Foundation
import Quantities
import Reports
import Sweeps

/// Set by Ctrl-C: finish the part at hand, then stop.
private nonisolated(unsafe) var interruptions: sig_atomic_t = 0

/// Writes to standard error.
@Sendable private func complain(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

/// Options of the verbs that work on a space.
struct SweepOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The space of scenarios: a name of models/sweeps or a YAML file.", valueName: "space"))
  var space: String
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the space's file; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Option(help: ArgumentHelp("Where results go (default: sweep-NAME).", valueName: "folder"))
  var output: String?
  @Flag(help: "Print JSON: counts and tables, all digits.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func prepared() throws -> PreparedSweep {
    let library = try options.library()
    let sweep = try Sweeps.Sweep(named: space, in: library, changes: changes)
    return try PreparedSweep(sweep, in: library, version: Rooftree.configuration.version)
  }

  func folder(_ sweep: PreparedSweep) -> String { output ?? "sweep-" + sweep.sweep.name }

  /// Adds up the parts, writes the files and prints what was found.
  func finish(_ sweep: PreparedSweep) throws {
    let folder = folder(sweep)
    let program = "rooftree " + Rooftree.configuration.version
    let results: SweepResults
    let written: (files: [String], remarks: [String])
    do {
      results = try sweep.results(in: folder)
      written = try sweep.write(results, to: folder, program: program)
    } catch { throw error.forUser }
    try emit(
      json
        ? results.json(sweep.sweep)
        : results.text(sweep.sweep, files: written.files, remarks: written.remarks))
  }
}

extension FileFailure {
  /// The failure as the command reports it.
  var forUser: any Error {
    isOutput
      ? OutputFailure(path: path, reason: reason)
      : Diagnostic(file: path, position: nil, fault: .contradiction(reason))
  }
}

struct Sweep: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Compute a space of scenarios: the best, the Pareto front, how outputs are spread, array files.",
    discussion: """
      The space is cut into parts. A part that is done is a file, so a run that was stopped goes on where it was, and \
      shards of one space can run anywhere: --shard 2/8, or what Slurm, MPI or PBS say. Ctrl-C finishes the part at \
      hand. The results are the same bit for bit whatever the number of threads and shards.

      Example: rooftree sweep gpt3-parallelism --set base.hardware=nvidia-b200
      """)

  @OptionGroup var sweep: SweepOptions
  @Option(
    help: ArgumentHelp("Which share of the parts to compute, from 0, as 2/8.", valueName: "index/count"))
  var shard: String?
  @Option(
    help: ArgumentHelp(
      "Threads (default: what the scheduler gives, else all processors).", valueName: "count"))
  var threads: Int?
  @Flag(help: "Show progress even where standard error is no terminal.")
  var progress = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); expected 1 to 1024")
    }
    _ = try chosenShard()
  }

  private func chosenShard() throws -> Shard {
    do {
      return try Shard(argument: shard, environment: ProcessInfo.processInfo.environment)
    } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    let prepared = try sweep.prepared()
    let shard = try chosenShard()
    let folder = sweep.folder(prepared)
    let showsProgress = progress || isatty(2) == 1
    signal(SIGINT) { _ in
      interruptions += 1
      // A second one ends the program at once; the parts that are done stay.
      if interruptions > 1 { _exit(130) }
    }
    let environment = ProcessInfo.processInfo.environment
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let count = threads ?? defaultThreads(environment: environment, processors: processors)
    var report: (@Sendable (SweepProgress) -> Void)?
    if showsProgress {
      report = { (progress: SweepProgress) -> Void in complain("\r" + progress.line) }
    }
    let outcome: SweepOutcome
    do {
      outcome = try prepared.run(
        shard: shard, in: folder, threads: count, isStopped: { interruptions > 0 }, report: report)
    } catch {
      if showsProgress { complain("\n") }
      throw error.forUser
    }
    if showsProgress { complain("\r\u{1b}[K") }
    if outcome.isInterrupted {
      let done = outcome.found + outcome.computed
      complain("stopped: \(done) of \(outcome.parts.count) parts are done; run it again to go on\n")
      Foundation.exit(130)
    }
    if self.shard != nil || shard != .whole {
      let counts = "\(outcome.found) found, \(outcome.computed) computed"
      try emit(
        "shard \(shard.index) of \(shard.count): \(outcome.parts.count) of \(outcome.allParts) parts, \(counts)\n"
      )
      return
    }
    try sweep.finish(prepared)
  }
}

extension SweepProgress {
  /// One line for a terminal.
  var line: String {
    let share = total > 0 ? Double(done) / Double(total) : 1
    let left = secondsLeft.map { ", " + Seconds($0).formatted(digits: 2) + " left" } ?? ""
    return fixed(100 * share, decimals: 1) + " %, " + formatted(rate, digits: 3) + " scenarios/s" + left
      + "\u{1b}[K"
  }
}

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add up the parts of a space that shards have computed.",
    discussion: """
      Refuses unless every part is there, whole, and of the same space, files and version of the program. The results \
      are those of one run on one core, bit for bit.

      Example: rooftree merge gpt3-parallelism --output results
      """)

  @OptionGroup var sweep: SweepOptions

  func run() throws { try sweep.finish(try sweep.prepared()) }
}

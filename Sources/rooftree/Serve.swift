import ArgumentParser
import Documents
import Foundation
import Reports
import Scenarios

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "A served model over batches and contexts: latency, tokens a second and a joule.",
    discussion: """
      The scenario's pass is prefill, decode or generation. Each batch and context is the scenario read again; what does not \
      fit in memory is said so.

      Example: rooftree serve llama-70b-decode --batches 1,8,64 --contexts 2048,32768
      """)

  @Argument(help: ArgumentHelp("The scenario.", valueName: "scenario"))
  var scenario: String
  @Option(
    help: ArgumentHelp(
      "Sequences of a replica, separated by commas (default: powers of two up to the most that fit).",
      valueName: "counts"))
  var batches: String?
  @Option(
    help: ArgumentHelp(
      "Tokens of a prompt or cache, separated by commas (default: a quarter, all and four times the scenario's).",
      valueName: "counts"))
  var contexts: String?
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a key of the scenario; may be repeated.", valueName: "key=value"))
  var changes: [String] = []
  @Option(help: ArgumentHelp("Write a page to this folder.", valueName: "folder"))
  var report: String?
  @Flag(help: "Print an object with all digits.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    _ = try Self.counts(batches, "--batches")
    _ = try Self.counts(contexts, "--contexts")
  }

  /// Whole numbers above zero, separated by commas.
  private static func counts(_ text: String?, _ option: String) throws -> [Int] {
    guard let text else { return [] }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let count = Int(word), (1...1_000_000_000).contains(count) else {
        throw ValidationError(
          "\(option) has '\(printable(String(word)))'; expected whole numbers above zero, separated by commas"
        )
      }
      return count
    }
  }

  func run() throws {
    let sweep = try ServingSweep(
      named: scenario, in: try options.library(), changes: changes,
      batches: try Self.counts(batches, "--batches"), contexts: try Self.counts(contexts, "--contexts"))
    let given =
      (batches.map { " --batches \($0)" } ?? "") + (contexts.map { " --contexts \($0)" } ?? "")
      + changes.map { " --set '\($0)'" }.joined()
    let page = ServingPage(sweep, command: "rooftree serve \(scenario)\(given) --report FOLDER")
    try emit(json ? page.json.text + "\n" : page.text)
    guard let report else { return }
    try writePage(page.files, html: try page.html(), to: report)
    if !json { try emit("\nwritten to \(report)/index.html\n") }
  }
}

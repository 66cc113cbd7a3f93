import ArgumentParser
import Documents
import Foundation
import Reports
import Scenarios

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Another program's answers beside ours and the measurement, for the same training steps.",
    discussion: """
      The table has the columns of training steps, and one with the other program's answers in seconds (calculon_s); \
      iteration_s may be empty where nobody measured. Each row is projected over the software stack that its column \
      'table' names.

      Example: rooftree compare notebooks-data/published/calculon.csv
      """)

  @Argument(
    help: ArgumentHelp("A table of training steps with another program's answers.", valueName: "table"))
  var table: String
  @Option(help: ArgumentHelp("Write a page to this folder.", valueName: "folder"))
  var report: String?
  @Flag(help: "Print an object with all digits.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func run() throws {
    let comparison = try PeerComparison(path: table, library: try options.library())
    let page = PeerPage(comparison, command: "rooftree compare \(table) --report FOLDER")
    try emit(json ? page.json.text + "\n" : page.text)
    guard let report else { return }
    try writePage(page.files, html: try page.html(), to: report)
    if !json { try emit("\nwritten to \(report)/index.html\n") }
  }
}

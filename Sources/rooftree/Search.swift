import ArgumentParser
import Documents
import Reports
import Sweeps

struct Search: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the best of a space, or its Pareto front, without computing all of it; exact.",
    discussion: """
      Answers what the space's file asks for in 'reduce': the best parallelisation of a model on a machine (best), the \
      cheapest machine that reaches a target (a constraint on the output, and best by cost), Pareto fronts (pareto). \
      Closed forms bound what parts of the space can hold, so that most of it is never computed.

      Example: rooftree search gpt3-parallelism
      """)

  @OptionGroup var sweep: SweepOptions

  func run() throws {
    let prepared = try sweep.prepared()
    let found: SweepSearch
    do {
      found = try SweepSearch(prepared)
    } catch {
      throw Diagnostic(
        file: prepared.sweep.files[0], position: nil, fault: .contradiction(error.description))
    }
    try emit(sweep.json ? found.json(prepared.sweep) : found.text(prepared.sweep))
  }
}

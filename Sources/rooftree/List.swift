import ArgumentParser
import Calibration
import CostModels
import Documents
import Hardware
import Reports
import Scenarios
import Workloads

/// A kind of file of the catalogue as an argument.
enum CatalogueKind: String, ExpressibleByArgument, CaseIterable {
  case hardware, workloads, calibrations, scenarios, studies, stacks, sweeps

  var kind: Library.Kind {
    switch self {
    case .hardware: .hardware
    case .workloads: .workloads
    case .calibrations: .calibrations
    case .scenarios: .scenarios
    case .studies: .studies
    case .stacks: .stacks
    case .sweeps: .sweeps
    }
  }
}

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the catalogue: hardware, workloads, calibrations, scenarios, studies and sweeps.",
    discussion: "Example: rooftree list hardware")

  @Argument(help: ArgumentHelp("What to list (default: everything).", valueName: "kind"))
  var kind: CatalogueKind?
  @Flag(help: "Print an array of objects.")
  var json = false
  @OptionGroup var options: LibraryOptions

  func run() throws {
    let library = try options.library()
    let kinds = kind.map { [$0] } ?? CatalogueKind.allCases
    var table = TextTable([("kind", .left), ("name", .left), ("title", .left)])
    var objects: [JSONText] = []
    for kind in kinds {
      for name in library.names(kind.kind) {
        let title = try Self.title(of: name, kind.kind, in: library)
        table.add([kind.kind.singular, name, title])
        objects.append(
          .object([("kind", .text(kind.kind.singular)), ("name", .text(name)), ("title", .text(title))]))
      }
    }
    try emit(json ? JSONText.array(objects).text + "\n" : table.text)
  }

  /// The title of a file, without reading more of it than its mapping.
  static func title(of name: String, _ kind: Library.Kind, in library: Library) throws -> String {
    let node = try readDocument(path: try library.path(kind, name))
    for key in ["title", "source"] {
      if case .scalar(let text, _)? = node.value(key)?.content { return printable(text) }
    }
    return ""
  }
}

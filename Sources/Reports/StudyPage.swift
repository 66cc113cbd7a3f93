public import Documents
import Quantities
public import Studies

/// A self-contained page about one study, with its figures and tables as files beside it.
public struct StudyPage: Sendable {
  let study: StudyResult
  let inputs: [String]
  let provenance: [DataTable]

  /// A page.
  ///
  /// - Parameters:
  ///   - study: what was asked and found.
  ///   - files: every file that was read for it.
  ///   - library: where data sheets and calibrations among them are.
  public init(_ study: StudyResult, files: [String], in library: Library) {
    self.study = study
    inputs = files
    provenance = Trust.provenance(of: files, in: library)
  }

  /// The name of the study.
  public var name: String { study.file.name }
  /// Its title.
  public var title: String { study.file.title }
  /// The answer in a paragraph.
  public var summary: String { study.findings.summary }

  /// How the claims stand, for a heading.
  private var headlines: [(label: String, value: String)] {
    guard !study.claims.isEmpty else { return [] }
    return Standing.allCases.map { standing in
      (standing.rawValue, "\(study.count(standing)) of \(study.claims.count) claims")
    }
  }

  /// The answer and the claims, for a terminal.
  public var text: String {
    let claims = study.claims.isEmpty ? "" : "\n" + ClaimsRegistry([study]).text
    return "\(printable(study.file.title))\n\n\(printable(study.findings.summary, limit: 20_000))\n\(claims)"
  }

  /// Figures, tables and claims as files: `figure-1.svg`, `figure-1.csv`, `table-1.csv`, `claims.csv`, `report.md`.
  public var files: [(name: String, text: String)] { page.files }

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }

  /// The page as Markdown; figures are the files beside it.
  public var markdown: String { page.markdown }

  private var page: ReportPage {
    let file = study.file
    var page = ReportPage(kind: "Study", title: file.title, summary: study.findings.summary)
    page.lead = file.question
    if let paper = file.paper {
      page.about = (
        "\(paper.authors): \(paper.title) (\(paper.year)).", paper.arXiv, paper.note ?? ""
      )
    }
    page.headlines = headlines
    page.sections = study.findings.sections
    page.claims = ([study], false)
    page.trust.foundations = study.findings.foundations
    page.trust.files = inputs
    if !file.parameters.isEmpty {
      page.trust.tables.append(
        DataTable(
          "Parameters of the study, with their sources",
          columns: ["parameter", "value", "plausible range", "how known", "source"].map { .init($0) },
          rows: file.parameters.map { parameter in
            [
              .text(parameter.title), .text(parameter.values.joined(separator: ", ")),
              .text(parameter.interval.map { "\($0.low) to \($0.high)" } ?? ""),
              .text(parameter.provenance.kind.rawValue),
              .text(
                [parameter.provenance.source, parameter.note ?? ""].filter { !$0.isEmpty }
                  .joined(separator: ". ")),
            ]
          }))
    }
    page.trust.tables += provenance
    page.trust.command = "rooftree report \(file.name)"
    return page
  }

  /// The study as JSON: all digits, units beside the names.
  public var json: JSONText {
    .object([
      ("study", .text(study.file.name)), ("title", .text(study.file.title)),
      ("summary", .text(study.findings.summary)),
      ("claims", .array(study.claims.map(\.json))),
      (
        "sections",
        .array(
          study.findings.sections.map { section in
            .object([
              ("title", .text(section.title)), ("prose", .array(section.prose.map { .text($0) })),
              ("figures", .array(section.charts.map { $0.table.json })),
              ("tables", .array(section.tables.map(\.json))),
            ])
          })
      ),
      (
        "parameters",
        .array(
          study.file.parameters.map { parameter in
            .object([
              ("name", .text(parameter.name)), ("title", .text(parameter.title)),
              ("values", .array(parameter.values.map { .text($0) })),
              ("low", .text(parameter.interval?.low ?? "")), ("high", .text(parameter.interval?.high ?? "")),
              ("kind", .text(parameter.provenance.kind.rawValue)),
              ("source", .text(parameter.provenance.source)),
            ])
          })
      ),
    ])
  }
}

extension ClaimsRegistry {
  private var page: ReportPage {
    var page = ReportPage(kind: "Claims", title: "Claims registry", summary: summary)
    page.lead = "What the papers say, what our models say, and how the two stand."
    page.headlines = Standing.allCases.map { ($0.rawValue, "\(count($0))") }
    page.claims = (studies, true)
    page.trust.foundations = ["Each study's page says what its numbers rest on."]
    page.trust.files = studies.map(\.file.path)
    page.trust.command = "rooftree report claims"
    return page
  }

  /// The registry as a page.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String { try page.html() }

  /// The registry as a Markdown table.
  public var markdown: String {
    markdownTable(
      ["study", "claim", "paper", "known", "ours", "standing", "rests on"],
      studies.flatMap { study in
        study.claims.map { judged in
          [
            study.file.name, judged.claim.says, judged.claim.paperText, judged.claim.known.rawValue,
            judged.ourText, judged.standing.rawValue, judged.answer.constants.joined(separator: ", "),
          ]
        }
      }) + "\n" + summary + "\n"
  }

  /// The claims as files beside the page: `claims.csv`, `claims.md`, `report.md`.
  public var files: [(name: String, text: String)] { page.files + [("claims.md", markdown)] }
}

extension DataTable {
  /// The table as JSON: numbers with all digits, null where there is none.
  var json: JSONText {
    .object([
      ("title", .text(title)),
      ("columns", .array(columns.map { .object([("title", .text($0.title)), ("unit", .text($0.unit))]) })),
      (
        "rows",
        .array(
          rows.map { row in
            .array(
              row.map { cell in
                switch cell {
                case .text(let text): .text(text)
                case .number(let value, _): .number(value)
                case .empty: .number(nil)
                }
              })
          })
      ),
    ])
  }
}

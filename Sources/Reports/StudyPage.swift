import Documents
import Mustache
import Quantities
public import Studies

/// A self-contained page about one study, with its figures and tables as files beside it.
public struct StudyPage: Sendable {
  let study: StudyResult
  private let sections: [(section: Section, figures: [Figure])]

  /// A page.
  public init(_ study: StudyResult) {
    self.study = study
    sections = study.findings.sections.map { ($0, $0.charts.map { Figure($0) }) }
  }

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

  /// Figures, tables and claims as files: `figure-1.svg`, `figure-1.csv`, `table-1.csv`, `claims.csv`.
  public var files: [(name: String, text: String)] {
    var files: [(name: String, text: String)] = []
    var (figures, tables) = (0, 0)
    for (section, drawn) in sections {
      for (chart, figure) in zip(section.charts, drawn) {
        figures += 1
        files.append(("figure-\(figures).svg", figure.standaloneSVG))
        files.append(("figure-\(figures).csv", chart.table.csv))
      }
      for table in section.tables {
        tables += 1
        files.append(("table-\(tables).csv", table.csv))
      }
    }
    if !study.claims.isEmpty { files.append(("claims.csv", StudyResult.claimsTable([study]).csv)) }
    files.append(("report.md", markdown))
    return files
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

  /// The page as HTML: no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String {
    let template = try MustacheTemplate(
      string: String(decoding: PackageResources.study_mustache, as: UTF8.self))
    let file = study.file
    var number = 0
    let shown = sections.enumerated().map { index, entry -> [String: Any] in
      let figures = zip(entry.section.charts, entry.figures).map { chart, figure -> [String: Any] in
        number += 1
        return [
          "number": "\(number)", "title": long(figure.title), "words": long(figure.words), "svg": figure.svg,
        ]
        .merging(Self.context(chart.table)) { first, _ in first }
      }
      return [
        "anchor": "section-\(index + 1)", "title": long(entry.section.title),
        "prose": entry.section.prose.map(long), "figures": figures,
        "tables": entry.section.tables.map { Self.context($0) },
      ]
    }
    var contents = sections.enumerated().map { index, entry in
      ["anchor": "section-\(index + 1)", "title": long(entry.section.title)]
    }
    if !study.claims.isEmpty {
      contents.append(["anchor": "claims", "title": "The claims, and where they stand"])
    }
    contents.append(["anchor": "foundations", "title": "What the numbers rest on"])
    var context: [String: Any] = [
      "palette": StyleSheet.palette, "figureStyle": StyleSheet.figure, "pageStyle": StyleSheet.page,
      "title": long(file.title), "question": long(file.question), "summary": long(study.findings.summary),
      "headlines": headlines.map { ["label": $0.label, "value": $0.value] }, "contents": contents,
      "hasClaims": !study.claims.isEmpty, "hasStudies": false, "claims": Self.claims([study], named: false),
      "sections": shown, "foundations": study.findings.foundations.map(long),
      "hasParameters": !file.parameters.isEmpty,
      "parameters": file.parameters.map { parameter in
        [
          "title": long(parameter.title), "value": long(parameter.values.joined(separator: ", ")),
          "interval": long(parameter.interval.map { "\($0.low) to \($0.high)" } ?? ""),
          "kind": parameter.provenance.kind.rawValue,
          "source": long(
            [parameter.provenance.source, parameter.note ?? ""].filter { !$0.isEmpty }.joined(separator: ". ")
          ),
        ]
      },
      "files": [long(file.path)],
    ]
    if let paper = file.paper {
      var citation: [String: Any] = ["citation": long(Self.citation(paper)), "note": long(paper.note ?? "")]
      if let number = paper.arXiv, number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }) {
        citation["link"] = "https://arxiv.org/abs/\(number)"
        citation["linkText"] = "arXiv \(number)"
      }
      context["paper"] = citation
    }
    return template.render(context)
  }

  /// The page as Markdown; figures are the files beside it.
  public var markdown: String {
    let file = study.file
    var text = "# \(inline(file.title))\n\n\(inline(file.question))\n\n\(inline(study.findings.summary))\n"
    if let paper = file.paper {
      text += "\nAbout: \(inline(Self.citation(paper)))"
      text += paper.arXiv.map { " arXiv \(inline($0))." } ?? ""
      text += paper.note.map { " " + inline($0) } ?? ""
      text += "\n"
    }
    var (figures, tables) = (0, 0)
    for (section, drawn) in sections {
      text += "\n## \(inline(section.title))\n"
      for paragraph in section.prose { text += "\n\(inline(paragraph))\n" }
      for figure in drawn {
        figures += 1
        text += "\n![\(inline(figure.title))](figure-\(figures).svg)\n\n"
        text +=
          "Figure \(figures). \(inline(figure.title)). \(inline(figure.words)) [Data](figure-\(figures).csv)\n"
      }
      for table in section.tables {
        tables += 1
        text += "\n### \(inline(table.title))\n\n"
        text += markdownTable(table.header, table.rows.map { $0.map(\.shown) })
        text += "\n[Data](table-\(tables).csv)\n"
      }
    }
    if !study.claims.isEmpty {
      text += "\n## The claims, and where they stand\n\n"
      text += markdownTable(
        ["claim", "paper", "known", "ours", "standing", "why"],
        study.claims.map { judged in
          [
            judged.claim.says, judged.claim.paperText, judged.claim.known.rawValue, judged.ourText,
            judged.standing.rawValue, judged.why,
          ]
        })
    }
    text += "\n## What the numbers rest on\n"
    for paragraph in study.findings.foundations { text += "\n\(inline(paragraph))\n" }
    if !file.parameters.isEmpty {
      text +=
        "\n"
        + markdownTable(
          ["parameter", "value", "plausible range", "how known", "source"],
          file.parameters.map { parameter in
            [
              parameter.title, parameter.values.joined(separator: ", "),
              parameter.interval.map { "\($0.low) to \($0.high)" } ?? "", parameter.provenance.kind.rawValue,
              parameter.provenance.source,
            ]
          })
    }
    return text
  }

  private static func citation(_ paper: StudyFile.Paper) -> String {
    "\(paper.authors): \(paper.title) (\(paper.year))."
  }

  private func long(_ text: String) -> String { printable(text, limit: 20_000) }

  /// A table for the template.
  static func context(_ table: DataTable) -> [String: Any] {
    [
      "title": printable(table.title), "header": table.header.map { printable($0) },
      "count": "\(table.rows.count)",
      "isLong": table.rows.count > 20,
      "rows": table.rows.map { row in
        ["cells": row.map { ["text": printable($0.shown, limit: 2000), "class": $0.isNumber ? "n" : ""] }]
      },
    ]
  }

  /// The claims of some studies for the template.
  static func claims(_ studies: [StudyResult], named: Bool) -> [[String: Any]] {
    studies.flatMap { study in
      study.claims.map { judged in
        let claim = judged.claim
        let constants = study.constants(of: judged).joined(separator: "; ")
        var context: [String: Any] = [
          "says": printable(claim.says, limit: 2000), "paper": printable(claim.paperText),
          "known": claim.known.rawValue, "reference": printable(claim.reference, limit: 2000),
          "columns": named ? "5" : "4",
          "ours": judged.ourText, "standing": judged.standing.rawValue,
          "class": judged.standing == .cannotBeChecked ? "unchecked" : judged.standing.rawValue,
          "why": printable(judged.why, limit: 2000),
        ]
        if claim.tolerance != nil { context["tolerance"] = claim.toleranceText }
        if named { context["study"] = printable(study.file.name) }
        if !constants.isEmpty { context["constants"] = printable(constants, limit: 2000) }
        return context
      }
    }
  }
}

extension ClaimsRegistry {
  /// The registry as a page.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String {
    let template = try MustacheTemplate(
      string: String(decoding: PackageResources.study_mustache, as: UTF8.self))
    return template.render([
      "palette": StyleSheet.palette, "figureStyle": StyleSheet.figure, "pageStyle": StyleSheet.page,
      "title": "Claims registry",
      "question": "What the papers say, what our models say, and how the two stand.",
      "summary": summary,
      "headlines": Standing.allCases.map { ["label": $0.rawValue, "value": "\(count($0))"] },
      "contents": [[String: String]](), "hasClaims": true, "hasStudies": true,
      "claims": StudyPage.claims(studies, named: true), "sections": [[String: Any]](),
      "foundations": ["Each study's page says what its numbers rest on."], "hasParameters": false,
      "parameters": [[String: Any]](), "files": studies.map { printable($0.file.path) },
    ])
  }

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

/// Text that Markdown shows as it is, on one line.
private func inline(_ text: String) -> String {
  var result = ""
  for character in printable(text, limit: 20_000) {
    if "\\`*_[]<>|#".contains(character) { result += "\\" }
    result.append(character)
  }
  return result
}

private func markdownTable(_ header: [String], _ rows: [[String]]) -> String {
  func line(_ cells: [String]) -> String { "| " + cells.map(inline).joined(separator: " | ") + " |\n" }
  return line(header) + "|" + String(repeating: "---|", count: header.count) + "\n" + rows.map(line).joined()
}

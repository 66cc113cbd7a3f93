import Documents
import Mustache
import Quantities
import Studies

/// A self-contained page: what was asked, the answer, figures with their tables, and what all of it rests on.
///
/// Every kind of page is one of these, so that all are read, printed, explored and checked alike.
struct ReportPage {
  /// Scenario, study, calibration, sweep.
  let kind: String
  let title: String
  /// What was asked.
  var lead = ""
  /// The answer: one paragraph made from the numbers.
  let summary: String
  /// A work that the page is about.
  var about: (citation: String, arXiv: String?, note: String)?
  var headlines: [(label: String, value: String)] = []
  var sections: [Section] = []
  /// Studies whose claims are listed, and whether each names its study.
  var claims: (studies: [StudyResult], areNamed: Bool) = ([], false)
  var trust = Trust()

  /// The figures of each section, numbered through the page.
  private var drawn: [[DrawnChart]] {
    var number = 0
    return sections.map { section in
      section.charts.map { chart in
        number += 1
        return DrawnChart(chart, number: number)
      }
    }
  }

  private var allClaims: [(study: StudyResult, claim: JudgedClaim)] {
    claims.studies.flatMap { study in study.claims.map { (study, $0) } }
  }

  /// Figures, tables and claims as files: `figure-1.svg`, `figure-1.csv`, `table-1.csv`, `claims.csv`, `report.md`.
  var files: [(name: String, text: String)] {
    var files: [(name: String, text: String)] = []
    for figure in drawn.joined() {
      files.append(("figure-\(figure.number).svg", figure.standaloneSVG))
      files.append(("figure-\(figure.number).csv", figure.table.csv))
    }
    for (index, table) in (sections.flatMap(\.tables) + trust.tables).enumerated() {
      files.append(("table-\(index + 1).csv", table.csv))
    }
    if !allClaims.isEmpty { files.append(("claims.csv", StudyResult.claimsTable(claims.studies).csv)) }
    files.append(("report.md", markdown))
    return files
  }

  private func long(_ text: String) -> String { typeset(printable(text, limit: 20_000)) }

  /// The page as HTML: no request to anywhere.
  func html() throws -> String {
    let template = try MustacheTemplate(
      string: String(decoding: PackageResources.page_mustache, as: UTF8.self))
    let drawn = drawn
    var tables = 0
    func numbered(_ table: DataTable) -> [String: Any] {
      tables += 1
      return Self.context(table).merging(["file": "table-\(tables).csv"]) { first, _ in first }
    }
    let shown = zip(sections, drawn).enumerated().map { index, entry -> [String: Any] in
      let (section, figures) = entry
      return [
        "anchor": "section-\(index + 1)", "title": long(section.title), "prose": section.prose.map(long),
        "figures": figures.map { context($0) }, "tables": section.tables.map { numbered($0) },
      ]
    }
    let trusted = trust.tables.map { numbered($0) }
    var contents = sections.enumerated().map { index, section in
      ["anchor": "section-\(index + 1)", "title": long(section.title)]
    }
    if !allClaims.isEmpty {
      contents.append(["anchor": "claims", "title": "The claims, and where they stand"])
    }
    contents.append(["anchor": "foundations", "title": "What the numbers rest on"])
    let words = plainWords
    let terms = Glossary.terms(in: words)
    let references = Glossary.references(in: words)
    if !terms.isEmpty { contents.append(["anchor": "glossary", "title": "Terms and references"]) }
    let programs = drawn.joined().compactMap { figure in
      figure.program.map { "f\(figure.number):\($0)" }
    }
    var result: [String: Any] = [
      "palette": StyleSheet.palette, "figureStyle": StyleSheet.figure, "pageStyle": StyleSheet.page,
      "script": StyleSheet.script, "programs": programs.joined(separator: ",\n"), "kind": kind,
      "title": long(title), "heading": Self.breakable(long(title)), "lead": long(lead),
      "summary": long(summary),
      // Long ones take a row of their own, after the short ones.
      "headlines": (headlines.filter { !Self.isLong($0.value) } + headlines.filter { Self.isLong($0.value) })
        .map { headline -> [String: Any] in
          [
            "label": long(headline.label), "value": long(headline.value),
            "isLong": Self.isLong(headline.value),
          ]
        },
      "contents": contents,
      "hasContents": contents.count > 2, "sections": shown, "hasClaims": !allClaims.isEmpty,
      "hasStudies": claims.areNamed, "claims": allClaims.map { claimContext($0.study, $0.claim) },
      "foundations": trust.foundations.map(long), "trust": trusted, "command": long(trust.command),
      "hasCommand": !trust.command.isEmpty,
      "files": trust.files.map { Fingerprint($0) }.map { file in
        [
          "path": printable(file.path, limit: 1000), "hash": file.sha256 ?? "cannot be read",
          "size": "\(file.size)",
        ]
      },
      "hasFiles": !trust.files.isEmpty, "hasTerms": !terms.isEmpty,
      "terms": terms.map { ["term": $0.term, "meaning": $0.meaning] },
      "references": references, "hasReferences": !references.isEmpty,
    ]
    if let about {
      var citation: [String: Any] = ["citation": long(about.citation), "note": long(about.note)]
      if let number = about.arXiv, number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }) {
        citation["link"] = "https://arxiv.org/abs/\(number)"
        citation["linkText"] = "arXiv \(number)"
      }
      result["about"] = citation
    }
    return template.render(result)
  }

  /// Names of files break behind their folders and underscores, not within a word.
  private static func breakable(_ text: String) -> String {
    text.replacing("/", with: "/\u{200b}").replacing("_", with: "_\u{200b}")
  }

  private static func isLong(_ value: String) -> Bool { value.count > 60 }

  /// All that a reader reads, for the glossary.
  private var plainWords: String {
    ([title, lead, summary] + trust.foundations
      + sections.flatMap { section in
        [section.title] + section.prose + section.charts.flatMap { [$0.title, $0.words, $0.reading] }
          + section.tables.flatMap { [$0.title] + $0.header }
      } + headlines.flatMap { [$0.label, $0.value] } + trust.tables.map(\.title)
      + (about.map { [$0.citation] } ?? [])).joined(separator: "\n")
  }

  /// Rows of a table that Markdown shows; longer ones stand in the file beside it.
  private static let shownRows = 200
  /// A figure's table with more rows than this shows so many of them.
  private static let (mostOfFigure, shownOfFigure) = (100, 50)

  /// A table for the template.
  private static func context(_ table: DataTable, isCut: Bool = false) -> [String: Any] {
    let shown =
      isCut && table.rows.count > mostOfFigure ? table.rows.prefix(shownOfFigure) : table.rows[...]
    // Tables of many columns and few rows become lists of named values on a narrow screen.
    let isStacked = !isCut && table.columns.count > 6 && table.rows.count <= 50
    /// Headings stand above their numbers, at the right.
    func isNumeric(_ column: Int) -> Bool {
      !table.columns[column].unit.isEmpty || table.rows.first?[column].isNumber == true
    }
    func attributes(_ cell: DataTable.Cell, _ title: String) -> String {
      let isWide = cell.shown.count > 40 || cell.shown.split(separator: " ").contains { $0.count > 24 }
      let name = cell.isNumber ? " class=\"n\"" : isWide ? " class=\"w\"" : ""
      return name + (isStacked ? " data-label=\"\(escaped(printable(title)))\"" : "")
    }
    return [
      "title": printable(table.title), "stacked": isStacked ? " class=\"stacked\"" : "",
      "header": zip(table.columns.indices, table.header).map { index, title in
        // Names of the command break at their underscores.
        let words = printable(title).split(separator: "_", omittingEmptySubsequences: false)
        return [
          "text": words.joined(separator: "_\u{200b}"), "class": isNumeric(index) ? " class=\"n\"" : "",
        ]
      },
      "count": "\(table.rows.count)", "isLong": table.rows.count > 20,
      "isCut": shown.count < table.rows.count, "shown": "\(shown.count)",
      "rowWord": table.rows.count == 1 ? "row" : "rows",
      "rows": shown.map { row in
        [
          "cells": zip(row, table.header).map { cell, title in
            ["text": printable(cell.shown, limit: 2000), "class": attributes(cell, title)]
          }
        ]
      },
    ]
  }

  private func context(_ figure: DrawnChart) -> [String: Any] {
    var result: [String: Any] = [
      "number": "\(figure.number)", "figureTitle": long(figure.chart.title),
      "words": long(figure.chart.words), "reading": figure.chart.reading, "wide": figure.wide,
      "narrow": figure.narrow, "file": "figure-\(figure.number)",
    ]
    if let data = figure.data { result["data"] = ["text": data.text] }
    return result.merging(Self.context(figure.table, isCut: true)) { first, _ in first }
  }

  private func claimContext(_ study: StudyResult, _ judged: JudgedClaim) -> [String: Any] {
    let claim = judged.claim
    let constants = study.constants(of: judged).joined(separator: "; ")
    var context: [String: Any] = [
      "says": printable(claim.says, limit: 2000), "paper": printable(claim.paperText),
      "known": claim.known.rawValue, "reference": printable(claim.reference, limit: 2000),
      "columns": claims.areNamed ? "5" : "4",
      "ours": judged.ourText, "standing": judged.standing.rawValue,
      "class": judged.standing == .cannotBeChecked ? "unchecked" : judged.standing.rawValue,
      "why": printable(judged.why, limit: 2000),
    ]
    if claim.tolerance != nil { context["tolerance"] = claim.toleranceText }
    if claims.areNamed { context["study"] = printable(study.file.name) }
    if !constants.isEmpty { context["constants"] = printable(constants, limit: 2000) }
    return context
  }

  /// The page as Markdown; figures are the files beside it.
  var markdown: String {
    var text = "# \(inline(title))\n"
    if !lead.isEmpty { text += "\n\(inline(lead))\n" }
    text += "\n\(inline(summary))\n"
    if let about {
      text += "\nAbout: \(inline(about.citation))"
      text += about.arXiv.map { " arXiv \(inline($0))." } ?? ""
      text += about.note.isEmpty ? "\n" : " \(inline(about.note))\n"
    }
    if !headlines.isEmpty {
      text += "\n" + headlines.map { "- \(inline($0.label)): \(inline($0.value))\n" }.joined()
    }
    var tables = 0
    func add(_ table: DataTable) {
      tables += 1
      text += "\n### \(inline(table.title))\n\n"
      if table.rows.count <= Self.shownRows {
        text += markdownTable(table.header, table.rows.map { $0.map(\.shown) }) + "\n"
      }
      text += "[Data](table-\(tables).csv)\n"
    }
    for (section, figures) in zip(sections, drawn) {
      text += "\n## \(inline(section.title))\n"
      for paragraph in section.prose { text += "\n\(inline(paragraph))\n" }
      for figure in figures {
        text += "\n![\(inline(figure.chart.title))](figure-\(figure.number).svg)\n\n"
        text +=
          "Figure \(figure.number). \(inline(figure.chart.title)). \(inline(figure.chart.words)) "
          + "[Data](figure-\(figure.number).csv)\n"
      }
      for table in section.tables { add(table) }
    }
    if !allClaims.isEmpty {
      text += "\n## The claims, and where they stand\n\n"
      let names = claims.areNamed ? ["study"] : []
      text += markdownTable(
        names + ["claim", "paper", "known", "ours", "standing", "why"],
        allClaims.map { study, judged in
          (claims.areNamed ? [study.file.name] : []) + [
            judged.claim.says, judged.claim.paperText, judged.claim.known.rawValue, judged.ourText,
            judged.standing.rawValue, judged.why,
          ]
        })
    }
    text += "\n## What the numbers rest on\n"
    for paragraph in trust.foundations { text += "\n\(inline(paragraph))\n" }
    for table in trust.tables { add(table) }
    if !trust.files.isEmpty {
      text +=
        "\n"
        + markdownTable(
          ["file", "SHA-256"], trust.files.map { [$0, Fingerprint($0).sha256 ?? "cannot be read"] })
    }
    if !trust.command.isEmpty { text += "\nWritten by: \(inline(trust.command))\n" }
    return text
  }
}

/// Text whose numbers stay on one line with their units.
func typeset(_ text: String) -> String {
  var result: [Character] = []
  let letters = Array(text)
  for (index, letter) in letters.enumerated() {
    guard letter == " ", let last = result.last, last.isASCII, last.isNumber else {
      result.append(letter)
      continue
    }
    let word = letters[(index + 1)...].prefix { $0.isLetter || $0.isNumber || "%/".contains($0) }
    result.append(units.contains(String(word)) ? "\u{a0}" : " ")
  }
  return String(result)
}

private let units: Set<String> = {
  let prefixed = ["s", "B", "B/s", "W", "J", "FLOP", "FLOP/s", "Hz", "OP/s"]
  let prefixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E"]
  return Set(
    [
      "%", "USD", "FLOP/B", "KiB", "MiB", "GiB", "tokens/s", "tokens/J", "million", "billion", "trillion",
      "days",
    ]
      + prefixed.flatMap { unit in prefixes.map { $0 + unit } })
}()

/// Text that Markdown shows as it is, on one line.
func inline(_ text: String) -> String {
  var result = ""
  for character in printable(text, limit: 20_000) {
    if "\\`*_[]<>|#".contains(character) { result += "\\" }
    result.append(character)
  }
  return result
}

func markdownTable(_ header: [String], _ rows: [[String]]) -> String {
  func line(_ cells: [String]) -> String { "| " + cells.map(inline).joined(separator: " | ") + " |\n" }
  return line(header) + "|" + String(repeating: "---|", count: header.count) + "\n" + rows.map(line).joined()
}

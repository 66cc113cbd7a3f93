import Documents
import Mustache
import Quantities
import Studies

/// The page over all pages.
public struct IndexPage: Sendable {
  /// A page that the index leads to.
  public struct Entry: Sendable {
    /// Scenarios, studies, calibrations, sweeps.
    public let group: String
    /// The folder, relative to that of the index.
    public let folder: String
    /// The title.
    public let title: String
    /// The answer in a paragraph.
    public let summary: String

    /// A page.
    public init(group: String, folder: String, title: String, summary: String) {
      self.group = group
      self.folder = folder
      self.title = title
      self.summary = summary
    }
  }

  let entries: [Entry]

  /// An index over some pages, in their order.
  public init(_ entries: [Entry]) { self.entries = entries }

  private var groups: [(name: String, entries: [Entry])] {
    var groups: [(name: String, entries: [Entry])] = []
    for entry in entries {
      if let index = groups.firstIndex(where: { $0.name == entry.group }) {
        groups[index].entries.append(entry)
      } else {
        groups.append((entry.group, [entry]))
      }
    }
    return groups
  }

  private static let title = "Reports"
  private static let lead =
    "Projections, studies, sweeps, calibrations and measured tables, each a page of its own with its figures, their data "
    + "and what they rest on."

  /// The index as HTML: no script, no request to anywhere.
  ///
  /// - Throws: an error of the template engine if the built-in template is broken.
  public func html() throws -> String {
    let template = try MustacheTemplate(
      string: String(decoding: PackageResources.index_mustache, as: UTF8.self))
    return template.render([
      "palette": StyleSheet.palette, "pageStyle": StyleSheet.page, "title": Self.title, "lead": Self.lead,
      "groups": groups.map { group in
        [
          "name": group.name,
          "entries": group.entries.map { entry in
            [
              "folder": printable(entry.folder), "title": printable(entry.title, limit: 2000),
              "summary": printable(entry.summary, limit: 20_000),
            ]
          },
        ] as [String: Any]
      },
    ])
  }

  /// The index as Markdown.
  public var markdown: String {
    var text = "# \(Self.title)\n\n\(Self.lead)\n"
    for group in groups {
      text += "\n## \(inline(group.name))\n\n"
      for entry in group.entries {
        text += "- [\(inline(entry.title))](\(entry.folder)/report.md): \(inline(entry.summary))\n"
      }
    }
    return text
  }
}

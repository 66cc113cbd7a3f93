extension DocumentNode {
  /// `a.b=value` of the command line as the mapping that it stands for.
  ///
  /// - Parameters:
  ///   - text: the change.
  ///   - example: what a good one looks like, for the message.
  /// - Returns: a mapping to lay over a document.
  /// - Throws: `Diagnostic` when it is no change, or the value is no YAML.
  public static func change(_ text: String, example: String) throws(Diagnostic) -> DocumentNode {
    let parts = text.split(separator: "=", maxSplits: 1)
    let keys = parts.first?.split(separator: ".", omittingEmptySubsequences: false) ?? []
    guard parts.count == 2, !keys.isEmpty, keys.allSatisfy({ !$0.isEmpty }) else {
      throw Diagnostic(
        file: "--set", position: nil,
        fault: .wrongKind(
          path: "--set", found: "'\(printable(text))'", expected: "KEY=VALUE, as \(example)"))
    }
    let value = try parseDocument(String(parts[1]), file: "--set \(text)")
    let place = DocumentNode(content: value.content, position: .init(line: 1, column: 1), file: value.file)
    return nested(keys.map(String.init), value, like: place)
  }

  /// A value under a path of keys, each at the place of a node.
  ///
  /// - Parameters:
  ///   - keys: from the outermost.
  ///   - value: what stands there.
  ///   - place: where the keys are said to be.
  /// - Returns: mappings in one another.
  public static func nested(_ keys: [String], _ value: DocumentNode, like place: DocumentNode) -> DocumentNode
  {
    keys.reversed().reduce(value) { inner, key in
      let keyNode = DocumentNode(
        content: .scalar(key, quoted: false), position: place.position, file: place.file)
      return DocumentNode(
        content: .mapping([(key: keyNode, value: inner)]), position: place.position, file: place.file)
    }
  }
}

/// A title with what the command line changed, so that it does not say what no longer holds.
///
/// - Parameters:
///   - title: the title of the file.
///   - changes: as `hardware=nvidia-b200`; another title is none.
/// - Returns: the title alone where nothing is changed.
public func changedTitle(_ title: String, _ changes: [String]) -> String {
  let shown = changes.filter { !$0.hasPrefix("title=") }
    .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
  return shown.isEmpty ? title : "\(title) (changed: \(shown.joined(separator: ", ")))"
}

public import Documents

/// Computation against communication in future Transformers (arXiv 2302.02825).
public struct CompVsComm: Study {
  /// The name of its file.
  public static let name = "comp-vs-comm"

  /// Takes its parameters.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    for name in parameters.file.parameters.map(\.name) { _ = try parameters.words(name) }
  }

  /// Evaluates the models.
  public func findings() -> Findings { Findings(summary: "Not computed yet.") }
}

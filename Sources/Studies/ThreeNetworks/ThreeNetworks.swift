public import Documents

/// The same GPUs on three networks, measured and projected.
public struct ThreeNetworks: Study {
  /// The name of its file.
  public static let name = "three-networks"

  /// Takes its parameters.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    for name in parameters.file.parameters.map(\.name) { _ = try parameters.words(name) }
  }

  /// Evaluates the models.
  public func findings() -> Findings { Findings(summary: "Not computed yet.") }
}

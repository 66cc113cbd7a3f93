public import Documents

/// A paper, or a question of our own, as closed forms that answer its claims.
///
/// A study is a file of `models/studies` (what the paper says, what we assume) and one type that conforms to this
/// protocol (what our models say). Numbers that are results stand in neither: they are computed.
public protocol Study: Sendable {
  /// The name of its file in `models/studies`.
  static var name: String { get }

  /// Takes its parameters from the file and reads what it needs of the library: devices, calibrations, models, tables.
  ///
  /// - Throws: `Diagnostic` at the first fault.
  init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic)

  /// Evaluates the models.
  func findings() -> Findings
}

/// The studies that the program knows.
public enum Studies {
  /// All of them, in the order in which they are listed.
  public static let all: [any Study.Type] = [
    CompVsComm.self, ThreeNetworks.self, PIMOpt.self, C3.self, Goldyloc.self, BERTCharacterisation.self,
    SeqPointStudy.self, GPGPUSimStudy.self, T3.self, JITQ.self,
  ]
}

/// A study evaluated: its file, its findings, and every claim with its standing.
public struct StudyResult: Sendable {
  /// What was asked.
  public let file: StudyFile
  /// What was found.
  public let findings: Findings
  /// The claims in the order of the file.
  public let claims: [JudgedClaim]

  /// Reads a study and evaluates it.
  ///
  /// - Parameters:
  ///   - name: a name of `models/studies`, or a path.
  ///   - library: where names are looked up.
  ///   - tables: further tables of measurements, for studies that take them.
  /// - Throws: `Diagnostic` at the first fault of the file or of what it names.
  public init(named name: String, in library: Library, tables: [String] = []) throws(Diagnostic) {
    let file = try StudyFile(named: name, in: library)
    guard let type = Studies.all.first(where: { $0.name == file.name }) else {
      throw (file.root.value("name") ?? file.root).diagnostic(
        .unknownName(kind: "study", found: file.name, known: Studies.all.map { $0.name }))
    }
    var reader = ParameterReader(file, tables: tables)
    let study = try type.init(&reader, in: library)
    try reader.finish()
    self.init(file, study.findings())
  }

  init(_ file: StudyFile, _ findings: Findings) {
    self.file = file
    self.findings = findings
    claims = file.claims.map { claim in
      JudgedClaim(
        claim, findings.answers[claim.id] ?? Answer(cannotBeChecked: "the study does not compute it"))
    }
  }

  /// How many claims stand so.
  public func count(_ standing: Standing) -> Int { claims.filter { $0.standing == standing }.count }
}

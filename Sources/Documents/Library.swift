import Foundation

/// The folder `models/`: YAML files found by kind and name.
public struct Library: Sendable {
  /// The kinds of file, each in its own folder of `models/`.
  public enum Kind: String, Sendable, CaseIterable {
    /// Devices and systems.
    case hardware
    /// Models and operator lists.
    case workloads
    /// Fitted constants and measured curves of a device.
    case calibrations
    /// Questions: a workload on hardware.
    case scenarios
    /// Papers and questions with claims to check.
    case studies
    /// What tables of training steps leave out: software, and the network of its machine, as scenarios.
    case stacks
    /// Spaces of scenarios.
    case sweeps

    /// The word for one of them in a message.
    public var singular: String {
      switch self {
      case .hardware: "hardware"
      case .workloads: "workload"
      case .calibrations: "calibration"
      case .scenarios: "scenario"
      case .studies: "study"
      case .stacks: "software stack"
      case .sweeps: "sweep"
      }
    }
  }

  /// The folder itself.
  public let root: String

  /// The library in a folder.
  public init(root: String) { self.root = root }

  /// Finds `models/`: in the given folder, or in the current folder and those above it, or beside the program.
  ///
  /// - Parameters:
  ///   - explicit: a folder that the user named; nil to search.
  ///   - environment: the value of `ROOFTREE_MODELS`, if set.
  /// - Returns: nil when there is none.
  public static func find(explicit: String?, environment: String?) -> Library? {
    if let given = explicit ?? environment {
      return isLibrary(given) ? Library(root: given) : nil
    }
    var starts = [FileManager.default.currentDirectoryPath]
    if let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      starts.append(executable)
    }
    for start in starts {
      var parts = start.split(separator: "/")
      while true {
        let candidate = "/" + (parts + ["models"]).joined(separator: "/")
        if isLibrary(candidate) { return Library(root: shortened(candidate)) }
        if parts.isEmpty { break }
        parts.removeLast()
      }
    }
    return nil
  }

  private static func isLibrary(_ path: String) -> Bool {
    access(path + "/hardware", R_OK) == 0
  }

  /// A path relative to the current folder where that is shorter.
  private static func shortened(_ path: String) -> String {
    let current = FileManager.default.currentDirectoryPath
    return path.hasPrefix(current + "/") ? String(path.dropFirst(current.count + 1)) : path
  }

  /// The names of all files of a kind, sorted.
  public func names(_ kind: Kind) -> [String] {
    let folder = root + "/" + kind.rawValue
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.compactMap { file in
      file.hasSuffix(".yaml") ? String(file.dropLast(5)) : nil
    }.sorted()
  }

  /// The file of a name, or the name itself when it is a path.
  ///
  /// - Parameters:
  ///   - kind: which folder.
  ///   - name: a name of the library, or a path (it holds a slash, or ends in .yaml, .yml or .json).
  ///   - node: where the name stands, for the message.
  /// - Throws: ``Diagnostic`` with the nearest names when there is none.
  /// - Returns: a path that can be read, or the path that was given.
  public func path(_ kind: Kind, _ name: String, at node: DocumentNode? = nil) throws(Diagnostic)
    -> String
  {
    if Self.isPath(name) {
      // A path in a file is meant from that file's folder; what is not there is looked for from the current one.
      if !name.hasPrefix("/"), let slash = node?.file?.lastIndex(of: "/"), let file = node?.file {
        let beside = String(file[...slash]) + (name.hasPrefix("./") ? String(name.dropFirst(2)) : name)
        if access(beside, R_OK) == 0 { return beside }
      }
      return name
    }
    let path = "\(root)/\(kind.rawValue)/\(name).yaml"
    if !name.isEmpty, access(path, R_OK) == 0 { return path }
    throw unknown(kind.singular, name, among: names(kind), at: node)
  }

  /// The complaint about a name that is none of those wanted: what else it is, or the nearest names.
  ///
  /// - Parameters:
  ///   - wanted: the word for what was expected.
  ///   - name: what was found.
  ///   - known: the names that would do.
  ///   - node: where the name stands.
  /// - Returns: a diagnostic to throw.
  public func unknown(
    _ wanted: String, _ name: String, among known: [String], at node: DocumentNode? = nil
  ) -> Diagnostic {
    func article(_ word: String) -> String { word == Kind.hardware.singular ? word : "a \(word)" }
    let others = Kind.allCases.filter { names($0).contains(name) }.map { article($0.singular) }
    return Diagnostic(
      file: node?.file, position: node?.position,
      fault: others.isEmpty
        ? .unknownName(kind: wanted, found: name, known: known)
        : .contradiction("'\(name)' is \(others.joined(separator: " and ")), not \(article(wanted))"))
  }

  /// Whether a word is meant as a path rather than as a name.
  public static func isPath(_ word: String) -> Bool {
    word.contains("/") || [".yaml", ".yml", ".json", ".csv"].contains { word.hasSuffix($0) }
  }
}

public import Documents
import Foundation

/// The files of this checkout.
public enum Repository {
  /// The folder that holds Package.swift.
  public static let root: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path
  }()

  /// The folder of the shipped catalogue.
  public static let models = root + "/models"

  /// The shipped catalogue.
  public static let library = Library(root: models)

  /// The text of a file of this checkout.
  ///
  /// - Parameter path: relative to the folder that holds Package.swift.
  /// - Returns: the text.
  /// - Throws: when it cannot be read.
  public static func text(_ path: String) throws -> String {
    try String(contentsOfFile: root + "/" + path, encoding: .utf8)
  }

  /// All files of a folder with one ending, sorted, as paths relative to the folder that holds Package.swift.
  ///
  /// - Parameters:
  ///   - folder: relative to the folder that holds Package.swift.
  ///   - ending: `.yaml`, `.csv`.
  /// - Returns: none when there is no such folder.
  public static func files(in folder: String, ending: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)) ?? []
    return names.filter { $0.hasSuffix(ending) }.sorted().map { folder + "/" + $0 }
  }
}

/// The description of the error that a piece of code throws; `no error` when it throws none.
///
/// - Parameter body: what is expected to fail.
/// - Returns: the words that a user would read.
public func complaint<T>(_ body: () throws -> T) -> String {
  do {
    _ = try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

/// A folder that exists while a test runs.
public struct TemporaryFolder: ~Copyable {
  /// Where it is.
  public let path: String

  /// Makes an empty folder.
  ///
  /// - Throws: when it cannot be made.
  public init() throws {
    path = NSTemporaryDirectory() + "rooftree-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file into the folder, with the folders that its name asks for.
  ///
  /// - Parameters:
  ///   - name: relative to the folder.
  ///   - bytes: what it holds.
  /// - Returns: the path.
  /// - Throws: when it cannot be written.
  @discardableResult
  public borrowing func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }
}

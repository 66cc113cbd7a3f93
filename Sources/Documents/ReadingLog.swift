import Synchronization

/// The files that are read while something runs: whatever its numbers rest on, through however many hands.
public final class ReadingLog: Sendable {
  @TaskLocal private static var current: ReadingLog?

  private let paths = Mutex<[String]>([])

  private init() {}

  /// Runs something and notes each file that it reads.
  ///
  /// - Parameter body: what reads; on this thread.
  /// - Throws: what `body` throws.
  /// - Returns: its result, and the files in the order in which they were first read, each once.
  public static func recording<Result>(_ body: () throws -> Result) rethrows -> (
    result: Result, files: [String]
  ) {
    let log = ReadingLog()
    let outer = current
    let result = try $current.withValue(log) { try body() }
    let files = log.paths.withLock { $0 }
    // What is read within is read outside too.
    for file in files { outer?.note(file) }
    return (result, files)
  }

  /// Notes a file for whoever records.
  static func note(_ path: String) { current?.note(path) }

  private func note(_ path: String) {
    paths.withLock { paths in
      if !paths.contains(path) { paths.append(path) }
    }
  }
}

public import Calibration
public import Documents
public import Quantities

/// Another program's answers for training steps beside ours and the measurement, where there is one.
public struct PeerComparison: Sendable {
  /// A training step.
  public struct Row: Sendable {
    /// What runs, and the other program's answer.
    public let given: PeerRow
    /// Our answer.
    public let time: Seconds
    /// Its 90 % interval.
    public let interval90: ClosedRange<Seconds>

    /// Our answer over the measurement, minus one.
    public var relativeError: Double? { given.measured.map { time.value / $0 - 1 } }
    /// The other answer over the measurement, minus one.
    public var peerError: Double? { given.measured.map { given.peer / $0 - 1 } }
  }

  /// The file.
  public let path: String
  /// The other program.
  public let peer: String
  /// The rows in their order.
  public let rows: [Row]
  /// The software stacks that rows needed.
  public let stacks: [Scenario]

  /// Reads a table of training steps with a column of another program and projects each row.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - library: the catalogue.
  /// - Throws: `Diagnostic` at the first fault.
  public init(path: String, library: Library) throws(Diagnostic) {
    let (name, given) = try peerRows(of: try Table(path: path))
    var reader = TrainingRunReader(library: library)
    var rows: [Row] = []
    for row in given {
      guard let scenario = try reader.scenario(row.run) else { continue }
      let root = scenario.project().root
      rows.append(Row(given: row, time: root.time, interval90: root.interval90))
    }
    self.path = path
    self.rows = rows
    peer = name
    stacks = reader.used
  }

  /// Mean absolute errors of the measured rows, in per cent: ours and the other program's; nil when none was measured.
  public var errors: (ours: Double, peer: Double, rows: Int)? {
    let measured = rows.filter { $0.given.measured != nil }
    guard !measured.isEmpty else { return nil }
    func mean(_ error: (Row) -> Double?) -> Double {
      100 * measured.reduce(0) { $0 + abs(error($1) ?? 0) } / Double(measured.count)
    }
    return (mean(\.relativeError), mean(\.peerError), measured.count)
  }
}

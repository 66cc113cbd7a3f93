public import Documents

/// The iterations of a training run: the sequence length of each and the time that it took.
public struct TrainingLog: Sendable {
  /// One iteration.
  public struct Iteration: Equatable, Sendable {
    /// Its number, as the log counts.
    public let number: Int
    /// The (padded) length of the sequences of its batch.
    public let sequenceLength: Int
    /// The time that it took.
    public let seconds: Double

    /// An iteration of a log.
    public init(number: Int, sequenceLength: Int, seconds: Double) {
      self.number = number
      self.sequenceLength = sequenceLength
      self.seconds = seconds
    }
  }

  /// The iterations in the order of the log; never none.
  public let iterations: [Iteration]

  /// A log of at least one iteration.
  public init(_ iterations: [Iteration]) {
    precondition(!iterations.isEmpty, "a log has iterations")
    self.iterations = iterations
  }

  /// The columns of a log that may hold the time, and how many seconds their unit has.
  public static let timeColumns: [(name: String, seconds: Double)] = [
    ("time_s", 1), ("time_ms", 1e-3), ("time_us", 1e-6),
  ]

  /// Reads the columns `iteration`, `sequence_length` and one of `time_s`, `time_ms`, `time_us`; others are left alone.
  ///
  /// - Throws: ``Diagnostic`` at the field, when a column or all rows are missing, a length is no whole number from 1, a
  ///   time is not above zero, or an iteration stands twice.
  public init(_ table: Table) throws(Diagnostic) {
    for column in ["iteration", "sequence_length"] where !table.has(column) {
      throw Diagnostic(
        file: table.file, position: .init(line: 1, column: 1),
        fault: .missingColumn(column, known: table.columns))
    }
    guard let time = Self.timeColumns.first(where: { table.has($0.name) }) else {
      throw Diagnostic(
        file: table.file, position: .init(line: 1, column: 1),
        fault: .missingColumn(Self.timeColumns[0].name, known: table.columns))
    }
    var seen: Set<Int> = []
    var iterations: [Iteration] = []
    for row in table.rows {
      let number = try Self.whole(row, "iteration", from: 0)
      let length = try Self.whole(row, "sequence_length", from: 1)
      let value = try row.positive(time.name)
      guard seen.insert(number).inserted else {
        throw row.diagnostic("iteration", .contradiction("iteration \(number) stands twice"))
      }
      iterations.append(.init(number: number, sequenceLength: length, seconds: value * time.seconds))
    }
    guard !iterations.isEmpty else {
      throw Diagnostic(
        file: table.file, position: nil, fault: .contradiction("a log of no iterations has no points"))
    }
    self.iterations = iterations
  }

  private static func whole(
    _ row: Table.Row, _ column: String, from least: Int
  ) throws(Diagnostic) -> Int {
    // 2^53: beyond, a double does not hold every whole number.
    let value = try row.number(column, in: Double(least)...0x1p53)
    guard let number = Int(exactly: value) else {
      throw row.diagnostic(
        column, .wrongKind(path: column, found: row.text(column), expected: "a whole number"))
    }
    return number
  }

  /// The time of all iterations.
  public var totalSeconds: Double { iterations.reduce(0) { $0 + $1.seconds } }

  /// The first and the second half of the run; nil when it is too short to have both.
  public var halves: (first: TrainingLog, second: TrainingLog)? {
    guard iterations.count >= 20 else { return nil }
    let middle = iterations.count / 2
    return (TrainingLog(Array(iterations[..<middle])), TrainingLog(Array(iterations[middle...])))
  }

  /// How often each length occurs, from the shortest.
  public var lengths: [(length: Int, iterations: [Iteration])] {
    Dictionary(grouping: iterations, by: \.sequenceLength).sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }
}

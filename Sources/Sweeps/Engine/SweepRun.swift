public import Documents
import Glibc
import Quantities

/// A sweep with its model: what can be computed.
public final class PreparedSweep {
  /// The question.
  public let sweep: Sweep
  let model: any SweepModel
  /// All files that were read.
  public let files: [String]
  /// Of the space, everything that was read for it and the program: parts with another one do not belong together.
  public let fingerprint: String

  /// Reads what a sweep needs.
  ///
  /// - Parameters:
  ///   - sweep: the question.
  ///   - library: where names are looked up.
  ///   - version: of the program.
  /// - Throws: `Diagnostic` at the first fault.
  public init(_ sweep: Sweep, in library: Library, version: String) throws(Diagnostic) {
    self.sweep = sweep
    var files = sweep.files
    switch sweep.model {
    case .roofline:
      let model = try RooflineSweep(sweep, in: library)
      self.model = model
      files += model.files
    case .training:
      let model = try TrainingSweep(sweep, in: library)
      self.model = model
      files += model.files
    }
    var seen: Set<String> = []
    files = files.filter { seen.insert($0).inserted }
    self.files = files
    var sum = Checksum()
    var second = Checksum()
    func add(_ text: String) {
      var text = text
      text.withUTF8 { sum.add(UnsafeRawBufferPointer($0)) }
      var length = text.utf8.count
      withUnsafeBytes(of: &length) { second.add($0) }
      text.withUTF8 { second.add(UnsafeRawBufferPointer($0)) }
    }
    second.addSeed()
    add(version)
    add(sweep.document)
    for file in files { add((try? readText(path: file)) ?? "") }
    fingerprint = hexadecimal(sum.value) + hexadecimal(second.value)
  }

  /// Parts of the space.
  public var partCount: Int { (sweep.space.count - 1) / sweep.partSize + 1 }

  /// The scenarios of a part.
  func range(ofPart number: Int) -> Range<Int> {
    let start = number * sweep.partSize
    return start..<(sweep.space.count - start <= sweep.partSize ? sweep.space.count : start + sweep.partSize)
  }
}

private func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

extension Checksum {
  /// Starts a second sum that differs from the first.
  mutating func addSeed() {
    withUnsafeBytes(of: UInt64(0xBB67_AE85_84CA_A73B)) { add($0) }
  }
}

/// How far a run has come.
public struct SweepProgress: Sendable {
  /// Scenarios that are done, those of parts that were there before included.
  public let done: Int
  /// Scenarios of all parts of this shard.
  public let total: Int
  /// Scenarios that this run has computed.
  public let computed: Int
  /// Seconds since it began.
  public let seconds: Double

  /// Scenarios a second.
  public var rate: Double { seconds > 0 ? Double(computed) / seconds : 0 }
  /// Seconds left at this rate; nil before anything is known.
  public var secondsLeft: Double? { rate > 0 ? Double(total - done) / rate : nil }
}

/// What came of a run.
public struct SweepOutcome: Sendable {
  /// Parts of this shard.
  public let parts: Range<Int>
  /// Parts of the whole space.
  public let allParts: Int
  /// Parts that were there before.
  public let found: Int
  /// Parts that this run computed.
  public let computed: Int
  /// Whether it was stopped before its end.
  public let isInterrupted: Bool
  /// Scenarios a second.
  public let rate: Double
}

extension PreparedSweep {
  /// Whether outputs of all scenarios are kept, not only what was reduced.
  var keepsColumns: Bool { !sweep.formats.isEmpty }

  /// The folder of the parts.
  static func partFolder(_ folder: String) -> String { folder + "/parts" }

  private func header(_ number: Int) -> PartFile.Header {
    PartFile.Header(
      fingerprint: fingerprint, number: number, count: partCount, range: range(ofPart: number),
      columns: keepsColumns ? sweep.outputs.count : 0)
  }

  /// Opens a part that is there.
  ///
  /// - Throws: `FileFailure` when it is damaged, or of another space or version.
  func openPart(_ number: Int, in folder: String) throws(FileFailure) -> PartFile.Mapping? {
    let path = Self.partFolder(folder) + "/" + PartFile.name(number, of: partCount)
    guard access(path, F_OK) == 0 else { return nil }
    let part = try PartFile.Mapping(path: path)
    guard part.header == header(number) else {
      throw FileFailure(
        path: path,
        reason:
          "belongs to another space, or to another version of its files or of the program; write to another folder, or remove it and run the sweep again",
        isOutput: false)
    }
    return part
  }

  /// Computes the parts of a shard that are not there yet.
  ///
  /// - Parameters:
  ///   - shard: which parts.
  ///   - folder: where results go; parts stand in its folder `parts`.
  ///   - threads: how many to use.
  ///   - isStopped: asked before each block, on any thread; true ends the run in a state that another one goes on from.
  ///   - report: told how far it is, from another thread, some times a second.
  /// - Returns: what was done.
  /// - Throws: `FileFailure`; parts that were done stay.
  public func run(
    shard: Shard, in folder: String, threads: Int, isStopped: @Sendable () -> Bool = { false },
    report: (@Sendable (SweepProgress) -> Void)? = nil
  ) throws(FileFailure) -> SweepOutcome {
    let partFolder = Self.partFolder(folder)
    try makeFolder(folder)
    try makeFolder(partFolder)
    let parts = shard.parts(of: partCount)
    let engine = SweepEngine(sweep, model, threads: threads)
    let kept = SweepReducers(sweep, reasons: engine.reasons.count)
    let counter = SharedCounter()
    var columns: UnsafeMutablePointer<Double>?
    if keepsColumns {
      let largest = Swift.min(sweep.partSize, sweep.space.count)
      columns = .allocate(capacity: largest * sweep.outputs.count)
    }
    defer { columns?.deallocate() }
    let before = SharedCounter()
    var missing: [Int] = []
    for number in parts {
      if try openPart(number, in: folder) == nil {
        missing.append(number)
      } else {
        before.add(range(ofPart: number).count)
      }
    }
    let total =
      parts.isEmpty
      ? 0 : range(ofPart: parts.upperBound - 1).upperBound - range(ofPart: parts.lowerBound).lowerBound
    let start = monotonicSeconds()
    var computed = 0
    var stopped = false
    try withReporter(report, before: before, total: total, start: start, counter: counter) {
      () throws(FileFailure) in
      for number in missing {
        kept.reset()
        let header = header(number)
        let done = PartJournal.recover(header, in: partFolder, into: kept, columns: columns)
        before.add(done.reduce(0) { $0 + header.places(ofBlock: $1).count })
        let journal = PartJournal(header, in: partFolder)
        guard
          engine.compute(
            header.range, into: kept, columns: columns, counter: counter, leavingOut: done, journal: journal,
            isStopped: isStopped)
        else {
          stopped = true
          return
        }
        try PartFile.write(header, kept: kept, columns: columns, in: partFolder)
        PartJournal.remove(header, in: partFolder)
        computed += 1
      }
    }
    let seconds = monotonicSeconds() - start
    return SweepOutcome(
      parts: parts, allParts: partCount, found: parts.count - missing.count, computed: computed,
      isInterrupted: stopped, rate: seconds > 0 ? Double(counter.now) / seconds : 0)
  }

  /// Adds up all parts.
  ///
  /// - Parameter folder: where they are.
  /// - Returns: what was kept of the whole space.
  /// - Throws: `FileFailure` when one is missing, damaged or of another space.
  func merged(in folder: String) throws(FileFailure) -> SweepReducers {
    let result = SweepReducers(sweep, reasons: BlockPipeline.reasons(sweep, model).count)
    var missing: [Int] = []
    for number in 0..<partCount {
      let path = Self.partFolder(folder) + "/" + PartFile.name(number, of: partCount)
      if access(path, F_OK) != 0 { missing.append(number) }
    }
    guard missing.isEmpty else {
      let shown = missing.prefix(10).map(String.init).joined(separator: ", ")
      throw FileFailure(
        path: Self.partFolder(folder),
        reason: "\(missing.count) of \(partCount) parts \(missing.count == 1 ? "is" : "are") missing: "
          + shown + (missing.count > 10 ? " and others" : "")
          + "; run the sweep again to compute what is missing",
        isOutput: false)
    }
    for number in 0..<partCount { try openPart(number, in: folder)?.read(into: result) }
    return result
  }
}

/// Makes a folder with those above it.
func makeFolder(_ path: String) throws(FileFailure) {
  var prefix = path.hasPrefix("/") ? "" : "."
  for part in path.split(separator: "/") {
    prefix += "/" + part
    if mkdir(prefix, 0o755) != 0, errno != EEXIST { throw .system(path) }
  }
}

/// Seconds of a clock that only runs forward.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

extension PreparedSweep {
  /// Computes the space and reduces it, without a file: for benchmarks.
  ///
  /// - Parameter threads: how many to use.
  /// - Returns: scenarios with an answer, and seconds.
  public func timed(threads: Int) -> (feasible: Int, seconds: Double) {
    let engine = SweepEngine(sweep, model, threads: threads)
    let kept = SweepReducers(sweep, reasons: engine.reasons.count)
    let start = monotonicSeconds()
    engine.compute(0..<sweep.space.count, into: kept, columns: nil, counter: SharedCounter())
    return (Int(kept.tally.feasible), monotonicSeconds() - start)
  }
}

/// A number format of the reference kernels.
public enum Precision: String, Sendable, Hashable, CaseIterable {
  /// IEEE binary32.
  case fp32
  /// IEEE binary64.
  case fp64

  /// Bytes of a number.
  public var bytes: Int { self == .fp32 ? 4 : 8 }
}

/// Work that can be timed: its data are ready when it exists, and every ``run()`` does the same amount.
///
/// The counts are those of the algorithm, not of the machine: operations that the mathematics needs, and bytes that
/// must pass between memory and processor at least once a run when the data are larger than the caches. The
/// write-allocate read of a stored line is not counted. A kernel is used from one thread at a time.
public protocol TimedKernel: AnyObject {
  /// What runs and on what size, for tables: `gemm fp32 512x512x512`.
  var name: String { get }
  /// Threads that take part.
  var threads: Int { get }
  /// Floating-point additions, multiplications and comparisons of one run.
  var flop: Int { get }
  /// Bytes of one run: every operand read once, every result written once.
  var bytes: Int { get }
  /// Bytes that one run touches, which say in what level of memory it lives.
  var workingSet: Int { get }
  /// Does the work once.
  func run()
}

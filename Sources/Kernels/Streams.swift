/// `a = b`, for vectors of `count` numbers: what memory can move.
public final class Copy: TimedKernel {
  /// Number format.
  public let precision: Precision
  /// Numbers in a vector.
  public let count: Int
  /// Threads, each on a contiguous part.
  public let threads: Int

  private let body: () -> Void

  /// Allocates two vectors; threads write first what they will use, so that its pages are near them.
  ///
  /// - Parameters:
  ///   - precision: the number format.
  ///   - count: numbers in a vector.
  ///   - threads: workers.
  ///   - pool: threads to use; without one the kernel starts its own.
  public init(precision: Precision, count: Int, threads: Int, pool: WorkerPool? = nil) {
    precondition(count > 0 && threads > 0, "sizes and threads are positive")
    (self.precision, self.count, self.threads) = (precision, count, threads)
    let pool = pool ?? WorkerPool(threads: threads)
    precondition(pool.threads == threads, "the pool has another number of threads")
    body =
      precision == .fp32
      ? Copy.prepare(Float.self, count, pool) : Copy.prepare(Double.self, count, pool)
  }

  private static func prepare<E: BLASElement>(_: E.Type, _ count: Int, _ pool: WorkerPool) -> () -> Void {
    let a = Buffer<E>(repeating: 0, count: count)
    let b = Buffer<E>(repeating: 1, count: count)
    return {
      pool.run { worker in
        let part = WorkerPool.part(worker, of: pool.threads, count: count, grain: 512)
        copy(a.start + part.lowerBound, b.start + part.lowerBound, part.count)
      }
    }
  }

  /// `copy fp64 COUNT`.
  public var name: String { "copy \(precision.rawValue) \(count)" }
  /// None.
  public var flop: Int { 0 }
  /// One vector read, one written.
  public var bytes: Int { 2 * count * precision.bytes }
  /// Both vectors.
  public var workingSet: Int { bytes }
  /// Copies once.
  public func run() { body() }
}

/// `a = b + s c`, for vectors of `count` numbers: the triad of the STREAM benchmark.
public final class Triad: TimedKernel {
  /// Number format.
  public let precision: Precision
  /// Numbers in a vector.
  public let count: Int
  /// Threads, each on a contiguous part.
  public let threads: Int

  private let body: () -> Void
  private let element: (Int) -> Double

  /// Allocates three vectors: `b` is 1, `c` is 2 and `s` is 3.
  ///
  /// - Parameters:
  ///   - precision: the number format.
  ///   - count: numbers in a vector.
  ///   - threads: workers.
  ///   - pool: threads to use; without one the kernel starts its own.
  public init(precision: Precision, count: Int, threads: Int, pool: WorkerPool? = nil) {
    precondition(count > 0 && threads > 0, "sizes and threads are positive")
    (self.precision, self.count, self.threads) = (precision, count, threads)
    let pool = pool ?? WorkerPool(threads: threads)
    precondition(pool.threads == threads, "the pool has another number of threads")
    (body, element) =
      precision == .fp32
      ? Triad.prepare(Float.self, count, pool) : Triad.prepare(Double.self, count, pool)
  }

  private static func prepare<E: BLASElement>(
    _: E.Type, _ count: Int, _ pool: WorkerPool
  ) -> (() -> Void, (Int) -> Double) {
    let a = Buffer<E>(repeating: 0, count: count)
    let b = Buffer<E>(repeating: 1, count: count)
    let c = Buffer<E>(repeating: 2, count: count)
    return (
      {
        pool.run { worker in
          let part = WorkerPool.part(worker, of: pool.threads, count: count, grain: 512)
          let first = part.lowerBound
          triad(a.start + first, b.start + first, c.start + first, 3, part.count)
        }
      }, { Double(a.elements[$0]) }
    )
  }

  /// `triad fp64 COUNT`.
  public var name: String { "triad \(precision.rawValue) \(count)" }
  /// A multiplication and an addition for each number.
  public var flop: Int { 2 * count }
  /// Two vectors read, one written.
  public var bytes: Int { 3 * count * precision.bytes }
  /// The three vectors.
  public var workingSet: Int { bytes }
  /// Computes once.
  public func run() { body() }
  /// An element of the result of the last run.
  public func result(_ index: Int) -> Double { element(index) }
}

@inline(__always)
private func copy<E: BLASElement>(
  _ a: UnsafeMutablePointer<E>, _ b: UnsafeMutablePointer<E>, _ count: Int
) {
  var i = 0
  while i < count {
    a[i] = b[i]
    i += 1
  }
}

@inline(__always)
private func triad<E: BLASElement>(
  _ a: UnsafeMutablePointer<E>, _ b: UnsafeMutablePointer<E>, _ c: UnsafeMutablePointer<E>, _ s: E,
  _ count: Int
) {
  var i = 0
  while i < count {
    a[i] = b[i] + s * c[i]
    i += 1
  }
}

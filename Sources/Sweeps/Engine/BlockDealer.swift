import Synchronization

/// Deals blocks out to threads as runs of neighbours.
///
/// Neighbouring scenarios share the parts that an evaluator keeps, so each thread has a run of its own; one that is
/// through takes the further half of the longest run that is left.
final class BlockDealer: Sendable {
  private let runs: Mutex<[Range<Int>]>

  /// So many blocks for so many threads.
  init(blocks: Int, threads: Int) {
    runs = Mutex(
      (0..<threads).map { thread in
        (blocks * thread / threads)..<(blocks * (thread + 1) / threads)
      })
  }

  /// The next block of a thread; nil when all are dealt out.
  func next(_ thread: Int) -> Int? {
    runs.withLock { runs in
      if runs[thread].isEmpty {
        guard let longest = runs.indices.max(by: { runs[$0].count < runs[$1].count }), !runs[longest].isEmpty
        else { return nil }
        let run = runs[longest]
        let middle = run.lowerBound + run.count / 2
        runs[longest] = run.lowerBound..<middle
        runs[thread] = middle..<run.upperBound
      }
      let block = runs[thread].lowerBound
      runs[thread] = (block + 1)..<runs[thread].upperBound
      return block
    }
  }
}

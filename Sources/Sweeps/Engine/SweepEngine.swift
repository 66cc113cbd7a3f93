import Dispatch
import Synchronization

/// Numbers of blocks.
private final class BlockList {
  var numbers: [Int] = []
}

/// Computes runs of a space on all cores.
///
/// What threads keep does not depend on who computed what, so the result is the same bit for bit for any number of threads.
final class SweepEngine {
  let sweep: Sweep
  let reasons: [String]
  private let pipelines: [BlockPipeline]
  private let reducers: [SweepReducers]

  init(_ sweep: Sweep, _ model: any SweepModel, threads: Int) {
    self.sweep = sweep
    reasons = BlockPipeline.reasons(sweep, model)
    pipelines = (0..<Swift.max(1, threads)).map { _ in BlockPipeline(sweep, model) }
    let count = reasons.count
    reducers = pipelines.map { _ in SweepReducers(sweep, reasons: count) }
  }

  /// The numbers of one scenario: whether it has an answer, and the outputs that the sweep shows.
  func scenario(_ index: Int) -> (reason: String?, values: [Double]) {
    let pipeline = pipelines[0]
    pipeline.run(index, count: 1)
    let reason = Int(pipeline.block.reasons[0])
    return (
      reason == 0 ? nil : reasons[reason - 1],
      sweep.outputs.map { reason == 0 ? pipeline.column($0.name)[0] : .nan }
    )
  }

  /// Computes a run of scenarios.
  ///
  /// - Parameters:
  ///   - range: indices, starting at a multiple of the block's capacity.
  ///   - result: what is kept is added here.
  ///   - columns: room for the outputs that the sweep shows, each `range.count` numbers after another; NaN where there
  ///     is no answer. Nil to keep none.
  ///   - counter: counts scenarios as they are done, for progress.
  ///   - done: numbers of blocks that were computed before, in order.
  ///   - journal: told what is done, if anybody keeps one.
  ///   - isStopped: asked before each block; true leaves the rest.
  /// - Returns: whether all blocks are done.
  @discardableResult
  func compute(
    _ range: Range<Int>, into result: SweepReducers, columns: UnsafeMutablePointer<Double>?,
    counter: SharedCounter, leavingOut done: [Int] = [], journal: PartJournal? = nil,
    isStopped: @Sendable () -> Bool = { false }
  ) -> Bool {
    let capacity = ColumnBlock.capacity
    let all = (range.count + capacity - 1) / capacity
    let missing = done.isEmpty ? nil : Array(Set(0..<all).subtracting(done)).sorted()
    let blocks = missing?.count ?? all
    let threads = Swift.max(1, Swift.min(pipelines.count, blocks))
    let dealer = BlockDealer(blocks: blocks, threads: threads)
    let left = SharedCounter()
    let outputs = sweep.outputs.map(\.name)
    let (first, size) = (range.lowerBound, range.count)
    let lock = Mutex(())
    nonisolated(unsafe) let (pipelines, reducers, columns) = (pipelines, reducers, columns)
    nonisolated(unsafe) let (result, journal) = (result, journal)
    // The blocks of each thread that are in its own reducers and not in the journal.
    nonisolated(unsafe) let unwritten = (0..<threads).map { _ in BlockList() }
    @Sendable func settle(_ thread: Int) {
      guard !unwritten[thread].numbers.isEmpty else { return }
      lock.withLock { _ in
        journal?.add(unwritten[thread].numbers, reducers[thread], columns)
        result.absorb(reducers[thread])
      }
      unwritten[thread].numbers.removeAll(keepingCapacity: true)
    }
    @Sendable func work(_ thread: Int) {
      let (pipeline, kept) = (pipelines[thread], reducers[thread])
      var written = monotonicSeconds()
      while let place = dealer.next(thread) {
        if isStopped() {
          left.add(1)
          break
        }
        let number = missing?[place] ?? place
        let offset = number * capacity
        let count = Swift.min(capacity, size - offset)
        pipeline.run(first + offset, count: count)
        kept.consume(pipeline)
        if let columns {
          for (index, name) in outputs.enumerated() {
            Self.store(pipeline, name, columns + index * size + offset)
          }
        }
        counter.add(count)
        guard journal != nil else { continue }
        unwritten[thread].numbers.append(number)
        if monotonicSeconds() - written >= PartJournal.interval {
          settle(thread)
          written = monotonicSeconds()
        }
      }
    }
    if threads == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: threads, execute: work) }
    if left.now > 0 { for thread in 0..<threads { settle(thread) } }
    for kept in reducers { result.absorb(kept) }
    return left.now == 0
  }

  private static func store(_ pipeline: BlockPipeline, _ name: String, _ target: UnsafeMutablePointer<Double>)
  {
    let block = pipeline.block
    let column = pipeline.column(name)
    if block.isWhole {
      target.update(from: column, count: block.count)
    } else {
      for place in 0..<block.count { target[place] = block.reasons[place] == 0 ? column[place] : .nan }
    }
  }
}

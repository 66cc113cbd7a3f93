import Dispatch

/// Computes runs of a space on all cores.
///
/// Threads take blocks from a common counter. What they keep does not depend on who computed what, so the result is the
/// same bit for bit for any number of threads.
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
  func compute(
    _ range: Range<Int>, into result: SweepReducers, columns: UnsafeMutablePointer<Double>?,
    counter: SharedCounter
  ) {
    let capacity = ColumnBlock.capacity
    let blocks = (range.count + capacity - 1) / capacity
    let next = SharedCounter()
    let outputs = sweep.outputs.map(\.name)
    let (first, size) = (range.lowerBound, range.count)
    nonisolated(unsafe) let pipelines = pipelines
    nonisolated(unsafe) let reducers = reducers
    nonisolated(unsafe) let columns = columns
    @Sendable func work(_ thread: Int) {
      let (pipeline, kept) = (pipelines[thread], reducers[thread])
      while true {
        let number = next.add(1)
        guard number < blocks else { return }
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
      }
    }
    let threads = Swift.min(pipelines.count, blocks)
    if threads <= 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: threads, execute: work) }
    for kept in reducers { result.absorb(kept) }
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

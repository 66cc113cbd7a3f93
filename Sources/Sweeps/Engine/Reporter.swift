import Foundation
import Synchronization

/// A number that threads add to.
final class SharedCounter: Sendable {
  private let value = Atomic<Int>(0)

  /// Adds and gives what was there before.
  @discardableResult
  func add(_ count: Int) -> Int { value.wrappingAdd(count, ordering: .relaxed).oldValue }

  /// What is there now.
  var now: Int { value.load(ordering: .relaxed) }
}

/// Tells how far a run is, four times a second, while a closure works.
func withReporter(
  _ report: (@Sendable (SweepProgress) -> Void)?, before: SharedCounter, total: Int, start: Double,
  counter: SharedCounter, _ body: () throws(FileFailure) -> Void
) throws(FileFailure) {
  guard let report else {
    try body()
    return
  }
  let queue = DispatchQueue(label: "progress")
  let timer = DispatchSource.makeTimerSource(queue: queue)
  timer.schedule(deadline: .now() + 0.25, repeating: 0.25)
  timer.setEventHandler {
    let computed = counter.now
    report(
      SweepProgress(
        done: before.now + computed, total: total, computed: computed, seconds: monotonicSeconds() - start))
  }
  timer.resume()
  defer {
    timer.cancel()
    // The last event has ended when this returns.
    queue.sync {}
  }
  try body()
}

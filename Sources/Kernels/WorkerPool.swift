import Glibc
import Synchronization

/// Threads that stay, for parts of work that last microseconds.
///
/// The caller's thread is worker 0; `threads - 1` more wait for work, first in a loop, then asleep. Work is given out
/// by ``run(_:)`` and inside it the workers may meet at ``barrier()``. One `run` at a time, from one thread at a
/// time, and not from inside another.
public final class WorkerPool: @unchecked Sendable {
  /// Workers, with the caller.
  public let threads: Int

  private let shared: Shared
  private var handles: [pthread_t] = []

  /// Starts `threads - 1` threads, for at least one worker.
  public init(threads: Int) {
    precondition(threads >= 1, "a pool needs a worker")
    self.threads = threads
    shared = Shared(threads: threads)
    for index in 1..<max(threads, 1) {
      var handle = pthread_t()
      let start = Unmanaged.passRetained(Start(shared: shared, index: index))
      let status = pthread_create(
        &handle, nil,
        { argument in
          guard let argument else { return nil }
          let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
          start.shared.work(as: start.index)
          return nil
        }, start.toOpaque())
      precondition(status == 0, "the system gives no more threads")
      handles.append(handle)
    }
  }

  deinit {
    shared.publish(nil)
    for handle in handles { pthread_join(handle, nil) }
  }

  /// Runs `body` once on every worker, with the worker's number, and returns when all have finished.
  ///
  /// The body runs on several threads at once: it must write only what belongs to its worker.
  public func run(_ body: (Int) -> Void) {
    guard threads > 1 else { return body(0) }
    withoutActuallyEscaping(body) { escaping in
      shared.publish(escaping)
      escaping(0)
      shared.join()
    }
  }

  /// Waits, inside ``run(_:)``, until every worker is here; what they wrote before is then visible to all.
  public func barrier() {
    guard threads > 1 else { return }
    shared.barrier()
  }

  /// The part of `0..<count` that belongs to a worker: contiguous, equal but for multiples of `grain` at the end.
  public static func part(_ worker: Int, of workers: Int, count: Int, grain: Int = 1) -> Range<Int> {
    let grains = (count + grain - 1) / grain
    let first = grains * worker / workers * grain
    let last = grains * (worker + 1) / workers * grain
    return min(first, count)..<min(last, count)
  }

  private final class Start {
    let shared: Shared
    let index: Int
    init(shared: Shared, index: Int) {
      self.shared = shared
      self.index = index
    }
  }

  /// What the threads share; it outlives the pool until the last thread has left.
  private final class Shared: @unchecked Sendable {
    private let threads: Int
    /// Written before the generation rises, read after; nil ends the threads.
    private var body: ((Int) -> Void)?
    private let generation = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let arrived = Atomic<Int>(0)
    private let phase = Atomic<Int>(0)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Looks at a variable before a thread sleeps or yields: about 20 microseconds.
    private static let patience = 20_000

    init(threads: Int) {
      self.threads = threads
      mutex.initialize(to: pthread_mutex_t())
      condition.initialize(to: pthread_cond_t())
      pthread_mutex_init(mutex, nil)
      pthread_cond_init(condition, nil)
    }

    deinit {
      pthread_cond_destroy(condition)
      pthread_mutex_destroy(mutex)
      condition.deallocate()
      mutex.deallocate()
    }

    func publish(_ work: ((Int) -> Void)?) {
      body = work
      unfinished.store(threads - 1, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
      }
    }

    func join() {
      wait { self.unfinished.load(ordering: .acquiring) == 0 }
      body = nil
    }

    func barrier() {
      let current = phase.load(ordering: .acquiring)
      if arrived.add(1, ordering: .acquiringAndReleasing).newValue == threads {
        arrived.store(0, ordering: .relaxed)
        phase.store(current + 1, ordering: .releasing)
      } else {
        wait { self.phase.load(ordering: .acquiring) != current }
      }
    }

    func work(as index: Int) {
      var seen = 0
      while true {
        var looks = 0
        while generation.load(ordering: .acquiring) == seen {
          looks += 1
          if looks >= Shared.patience { sleep(after: seen) }
        }
        seen += 1
        guard perform(as: index) else { return }
        unfinished.subtract(1, ordering: .releasing)
      }
    }

    /// A function of its own, so that no reference to the body is left when the work counts as finished.
    @inline(never)
    private func perform(as index: Int) -> Bool {
      guard let body else { return false }
      body(index)
      return true
    }

    private func sleep(after seen: Int) {
      pthread_mutex_lock(mutex)
      sleepers.add(1, ordering: .sequentiallyConsistent)
      while generation.load(ordering: .sequentiallyConsistent) == seen {
        pthread_cond_wait(condition, mutex)
      }
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
      pthread_mutex_unlock(mutex)
    }

    /// Others are about to finish: gives the core away only when they take long, as on a shared machine.
    private func wait(until done: () -> Bool) {
      var looks = 0
      while !done() {
        looks += 1
        if looks >= Shared.patience { sched_yield() }
      }
    }
  }
}

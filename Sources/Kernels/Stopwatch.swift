import Glibc

/// Wall-clock and processor time of this process, and a probe of the processor's speed that touches no memory.
public enum Stopwatch {
  /// Seconds of a clock that only goes forward.
  public static var wall: Double { seconds(CLOCK_MONOTONIC) }

  /// Processor seconds that all threads of this process have used.
  public static var processor: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Steps a nanosecond of a chain of dependent integer operations in registers.
  ///
  /// The chain's length in cycles is fixed, so the rate follows the clock of the core and falls when something
  /// else runs on it; nothing else changes it.
  ///
  /// - Parameter steps: length of the chain; 20,000 take some 20 microseconds.
  /// - Returns: steps a nanosecond.
  public static func probe(steps: Int = 20_000) -> Double {
    let start = wall
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    // Not affine, so that no compiler can leap over steps.
    for _ in 0..<steps { state = (state ^ (state &>> 7)) &* 6_364_136_223_846_793_005 }
    let duration = wall - start
    // The result is used, so the chain cannot be left out.
    return state == 0 ? .nan : Double(steps) / (duration * 1e9)
  }
}

import Glibc

/// Wall-clock and processor time of this process, and probes of the processor's speed that touch no memory.
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
  /// A step takes a fixed number of cycles (a shift, an exclusive or, a multiplication), so the rate follows the
  /// clock of the core.
  ///
  /// - Parameter steps: length of the chain; 20,000 take some 30 microseconds.
  /// - Returns: steps a nanosecond.
  public static func chainRate(steps: Int = 20_000) -> Double {
    let start = wall
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    // Not affine, so that no compiler can leap over steps.
    for _ in 0..<steps { state = (state ^ (state &>> 7)) &* 6_364_136_223_846_793_005 }
    let duration = wall - start
    // The result is used, so the chain cannot be left out.
    return state == 0 ? .nan : Double(steps) / (duration * 1e9)
  }

  /// Steps a nanosecond of eight independent chains: what the core's multiplier can do.
  ///
  /// It falls when the clock does, when something else has the core, and when a neighbour shares the core's pipes,
  /// which a single chain would not notice.
  ///
  /// - Parameter steps: length of each chain; 4,000 take some 15 microseconds.
  /// - Returns: steps of all chains a nanosecond.
  public static func probe(steps: Int = 4_000) -> Double {
    var a: UInt64 = 1
    var b: UInt64 = 2
    var c: UInt64 = 3
    var d: UInt64 = 5
    var e: UInt64 = 7
    var f: UInt64 = 11
    var g: UInt64 = 13
    var h: UInt64 = 17
    func step(_ x: UInt64) -> UInt64 { (x ^ (x &>> 7)) &* 6_364_136_223_846_793_005 }
    let start = wall
    for _ in 0..<steps {
      a = step(a)
      b = step(b)
      c = step(c)
      d = step(d)
      e = step(e)
      f = step(f)
      g = step(g)
      h = step(h)
    }
    let duration = wall - start
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h == 0 ? .nan : Double(8 * steps) / (duration * 1e9)
  }

  /// The probe on all threads of a team at once: the rate of the slowest.
  ///
  /// - Parameter team: the threads; the calling thread alone if nil.
  /// - Returns: steps of all chains of one thread a nanosecond.
  public static func probe(on team: WorkerPool?) -> Double {
    guard let team, team.threads > 1 else { return probe() }
    let rates = Buffer<Double>(repeating: 0, count: team.threads)
    team.run { worker in rates.start[worker] = probe() }
    return (0..<team.threads).map { rates.start[$0] }.min() ?? .nan
  }
}

import Glibc
import Kernels

/// Seconds of repeated samples of one piece of work.
struct Samples {
  private(set) var seconds: [Double] = []

  mutating func add(_ value: Double) { seconds.append(value) }

  var best: Double { seconds.min() ?? .nan }

  var median: Double {
    let sorted = seconds.sorted()
    return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
  }
}

/// Seconds of a clock.
func now(_ clock: clockid_t = CLOCK_MONOTONIC) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// Times several pieces of work in turn, so that a disturbance of the machine meets all of them.
///
/// - Parameters:
///   - seconds: of the whole.
///   - work: each returns the seconds that it took.
/// - Returns: the samples of each.
func interleave(seconds: Double, _ work: [() -> Double]) -> [Samples] {
  var samples = work.map { _ in Samples() }
  for run in work { _ = run() }
  let end = now() + seconds
  repeat {
    for (i, run) in work.enumerated() { samples[i].add(run()) }
  } while now() < end || samples[0].seconds.count < 5
  return samples
}

/// Runs of a kernel that make a sample last 100 microseconds or more.
func repetitions(_ kernel: any TimedKernel) -> Int {
  kernel.run()
  let start = now()
  kernel.run()
  return max(1, Int(1e-4 / max(now() - start, 1e-9)))
}

/// Seconds of one run of a kernel, as the mean over a sample.
func timed(_ kernel: any TimedKernel, repetitions: Int) -> () -> Double {
  {
    let start = now()
    for _ in 0..<repetitions { kernel.run() }
    return (now() - start) / Double(repetitions)
  }
}

/// A number with a fixed number of decimals, right-aligned.
func padded(_ value: Double, decimals: Int = 1, width: Int = 8) -> String {
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let whole = Int((abs(value) * scale).rounded())
  var text = String(whole / Int(scale))
  if decimals > 0 {
    let digits = String(whole % Int(scale))
    text += "." + String(repeating: "0", count: decimals - digits.count) + digits
  }
  if value < 0 { text = "-" + text }
  return String(repeating: " ", count: max(0, width - text.count)) + text
}

/// A text with spaces up to a width.
func column(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

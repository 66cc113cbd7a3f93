import CostModels
import Documents
import Foundation
import Quantities
import Sweeps

/// Prints how many scenarios a second are computed, and what of the core's peak that is.
@main
struct SweepBenchmarks {
  /// Scenarios a second and core of other tools, as measured by others on this kind of machine
  /// (a report of peers, section 3); not measured here.
  static let peers = [
    ("Calculon, one training configuration", 105.0), ("Calculon, its own sweep, 11 % feasible", 388),
    ("llm-analysis, one training summary", 4345),
  ]

  static func main() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    guard let library = Library.find(explicit: folder.path + "/../models", environment: nil) else {
      print("the folder models is not there")
      exit(70)
    }
    func prepared(_ name: String) throws -> PreparedSweep {
      let path = folder.path + "/Spaces/\(name).yaml"
      return try PreparedSweep(try Sweep(named: path, in: library), in: library, version: "benchmark")
    }
    let processors = ProcessInfo.processInfo.activeProcessorCount
    print("processors: \(processors)\n")
    let peak = peakRate()
    print(
      "multiplications and additions of one core, four lanes of SIMD registers in Swift: \(text(peak)) a second\n"
    )

    // First, so that the memory is its own.
    let front = try prepared("front")
    let whole = front.timed(threads: min(2, processors))
    print("\(front.sweep.title)")
    print(
      "  \(min(2, processors)) threads: \(text(whole.seconds)) s, \(whole.feasible) with an answer, "
        + "\(text(Double(front.sweep.space.count) / whole.seconds)) scenarios a second, "
        + "largest memory \(largestMemory()) MiB\n")

    for name in ["roofline", "training", "energy", "machines"] {
      let sweep = try prepared(name)
      print("\(sweep.sweep.title): \(sweep.sweep.space.count) scenarios")
      var one = 0.0
      for threads in [1, 2] where threads <= processors {
        // Each run with its processor time: the best of both, as others may run beside.
        var best = (feasible: 0, seconds: Double.infinity)
        var used = Double.infinity
        for _ in 0..<3 {
          let start = processorSeconds()
          let run = sweep.timed(threads: threads)
          used = min(used, processorSeconds() - start)
          if run.seconds < best.seconds { best = run }
        }
        let rate = Double(best.feasible) / best.seconds
        let all = Double(sweep.sweep.space.count) / best.seconds
        if threads == 1 { one = rate }
        print(
          "  \(threads) thread\(threads > 1 ? "s" : ""): \(text(rate)) with an answer a second (\(text(all)) of all), "
            + "\(text(rate / one)) times one thread; \(text(used)) processor seconds")
      }
      if name == "training" {
        for (peer, theirs) in peers {
          print("  \(text(one / theirs)) times \(peer) (\(text(theirs)) a second)")
        }
        let operations = compositionOperations()
        print(
          "  the composition does \(text(operations)) operations a scenario: \(text(100 * operations * one / peak)) % of "
            + "the core's rate; the rest is finding the plan's parts (integers, tables), checking it, memory, and costing parts"
        )
      } else if name == "roofline" {
        print(
          "  a roofline with its exchange does 13 operations, 3 of them divisions: \(text(100 * 13 * one / peak)) % of the core's rate"
        )
      }
    }

    let sweep = try prepared("array")
    let results = NSTemporaryDirectory() + "rooftree-benchmark-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: results) }
    let begin = Date()
    _ = try sweep.run(shard: .whole, in: results, threads: processors)
    let parts = Date().timeIntervalSince(begin)
    let found = try sweep.results(in: results)
    let before = Date()
    _ = try sweep.write(found, to: results, program: "benchmark")
    let array = Date().timeIntervalSince(before)
    let values = Double(sweep.sweep.space.count * sweep.sweep.outputs.count)
    print("\n\(sweep.sweep.title)")
    print("  parts computed, written and synced: \(text(values / parts)) values a second")
    print("  NetCDF-4, compressed: \(text(values / array)) values a second")
    print("  together: \(text(values / (parts + array))) values a second")
    print("\nlargest memory of the whole run: \(largestMemory()) MiB")
  }

  /// The most memory that the process has held so far, in MiB.
  private static func largestMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1024
  }

  private static func text(_ value: Double) -> String { formatted(value, digits: 3) }

  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }

  /// Multiplications and additions a second that compiled Swift reaches in registers: twelve independent chains.
  private static func peakRate() -> Double {
    var chains = [SIMD4<Double>](repeating: .one, count: 12)
    let (factor, term) = (SIMD4<Double>(repeating: 0.999999), SIMD4<Double>(repeating: 1e-6))
    var best = 0.0
    for _ in 0..<5 {
      let start = processorSeconds()
      let rounds = 2_000_000
      var (a, b, c, d, e, f) = (chains[0], chains[1], chains[2], chains[3], chains[4], chains[5])
      for _ in 0..<rounds {
        a = a * factor + term
        b = b * factor + term
        c = c * factor + term
        d = d * factor + term
        e = e * factor + term
        f = f * factor + term
      }
      (chains[0], chains[1], chains[2], chains[3], chains[4], chains[5]) = (a, b, c, d, e, f)
      best = max(best, Double(rounds * 6 * 4 * 2) / (processorSeconds() - start))
    }
    return chains.reduce(0) { $0 + $1.sum() } == 0 ? 0 : best
  }

  /// Arithmetic operations of composing one step, counted by reading the form with a number that counts.
  private static func compositionOperations() -> Double {
    Counted.count = 0
    var parts = StepParts<Counted>()
    parts.forward = Counted(1)
    let counts = StepCounts<Counted>(
      stages: Counted(4), virtualStages: Counted(2), microBatches: Counted(8), middleLayers: Counted(3),
      endLayers: Counted(3))
    Counted.count = 0
    _ = TrainingStepForm<Counted>.time(parts, counts, overlap: true, contention: ContentionForm<Counted>())
    return Double(Counted.count)
  }
}

/// A number that counts what is done with it; used on one thread only.
private struct Counted: ModelNumber {
  nonisolated(unsafe) static var count = 0
  let value: Double

  init(_ constant: Double) { value = constant }
  private static func counted(_ value: Double) -> Counted {
    count += 1
    return Counted(value)
  }
  static func + (a: Counted, b: Counted) -> Counted { counted(a.value + b.value) }
  static func - (a: Counted, b: Counted) -> Counted { counted(a.value - b.value) }
  static func * (a: Counted, b: Counted) -> Counted { counted(a.value * b.value) }
  static func / (a: Counted, b: Counted) -> Counted { counted(a.value / b.value) }
  static func larger(_ a: Counted, _ b: Counted) -> Counted { counted(max(a.value, b.value)) }
  static func smaller(_ a: Counted, _ b: Counted) -> Counted { counted(min(a.value, b.value)) }
  func roundedUp() -> Counted { Counted.counted(value.rounded(.up)) }
  func squareRoot() -> Counted { Counted.counted(value.squareRoot()) }
  func exponential() -> Counted { Counted.counted(exp(value)) }
  func logarithm() -> Counted { Counted.counted(log(value)) }
  static func choose(where a: Counted, isAtMost b: Counted, then: Counted, otherwise: Counted) -> Counted {
    counted(a.value <= b.value ? then.value : otherwise.value)
  }
}

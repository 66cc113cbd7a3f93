import CBaseline
import Glibc
import Kernels
import Workloads

/// Prints what the reference kernels reach on this machine, against what they are measured by.
@main
struct KernelBenchmarks {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let kernel = arguments.first { !$0.hasPrefix("-") }
    let seconds = arguments.contains("--quick") ? 0.2 : 1.0
    let blas = try BLAS.load(kernel: kernel)
    guard baseline_open() == 1 else { throw BLASLibrary.LoadError.missing("C does not find it") }
    let threads = [1, max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))]
    let (wall, processor) = (now(), now(CLOCK_PROCESS_CPUTIME_ID))
    print("\(blas.library.configuration)\nkernel \(blas.library.kernel)\n")
    products(blas, threads: threads, seconds: seconds)
    streams(threads: threads, seconds: seconds)
    dense(blas, threads: threads, seconds: seconds)
    sparse(threads: threads, seconds: seconds)
    let used = (now(CLOCK_PROCESS_CPUTIME_ID) - processor) / (now() - wall)
    print("\nprocessors used, on average: \(padded(used, decimals: 2, width: 0))")
  }

  /// GEMM through `Kernels` and from C, in turn.
  static func products(_ blas: BLAS, threads: [Int], seconds: Double) {
    print("matrix products, GF/s: best and median of each; ratio of bests")
    print("                                Swift best  median    C best  median   ratio")
    for precision in Precision.allCases {
      for n in [64, 128, 256, 512, 1024, 2048] {
        for count in threads {
          let ours = GEMM(blas, precision: precision, m: n, n: n, k: n, threads: count)
          let calls = repetitions(ours)
          let samples = interleave(
            seconds: seconds,
            [timed(ours, repetitions: calls), baseline(blas, precision, n, calls: calls, threads: count)])
          let flop = Double(ours.flop) / 1e9
          print(
            column("\(ours.name) \(count) thread\(count > 1 ? "s" : "")", 36)
              + padded(flop / samples[0].best, width: 5) + padded(flop / samples[0].median)
              + padded(flop / samples[1].best, width: 10) + padded(flop / samples[1].median)
              + padded(samples[1].best / samples[0].best, decimals: 3))
        }
      }
    }
  }

  private static func baseline(
    _ blas: BLAS, _ precision: Precision, _ n: Int, calls: Int, threads: Int
  ) -> () -> Double {
    switch precision {
    case .fp32:
      let a = Buffer<Float>(repeating: 0.5, count: n * n)
      let b = Buffer<Float>(repeating: 0.25, count: n * n)
      let c = Buffer<Float>(repeating: 0, count: n * n)
      return {
        blas.use(threads: threads)
        return baseline_sgemm(Int32(n), Int32(calls), a.start, b.start, c.start) / Double(calls)
      }
    case .fp64:
      let a = Buffer<Double>(repeating: 0.5, count: n * n)
      let b = Buffer<Double>(repeating: 0.25, count: n * n)
      let c = Buffer<Double>(repeating: 0, count: n * n)
      return {
        blas.use(threads: threads)
        return baseline_dgemm(Int32(n), Int32(calls), a.start, b.start, c.start) / Double(calls)
      }
    }
  }

  /// Triad and copy over the levels of memory.
  static func streams(threads: [Int], seconds: Double) {
    print("\nstreams, GB/s (write-allocate not counted): best and median")
    for count in threads {
      let pool = WorkerPool(threads: count)
      for size in [1 << 10, 1 << 13, 1 << 15, 1 << 18, 1 << 21, 1 << 25] {
        let kernels: [any TimedKernel] = [
          Triad(precision: .fp64, count: size, threads: count, pool: pool),
          Copy(precision: .fp64, count: size, threads: count, pool: pool),
        ]
        let samples = interleave(
          seconds: seconds, kernels.map { timed($0, repetitions: repetitions($0)) })
        for (kernel, sample) in zip(kernels, samples) {
          let bytes = Double(kernel.bytes) / 1e9
          print(
            column("\(kernel.name) \(count) thread\(count > 1 ? "s" : "")", 36)
              + padded(Double(kernel.workingSet) / 1024, decimals: 0, width: 9) + " KiB"
              + padded(bytes / sample.best) + padded(bytes / sample.median))
        }
      }
    }
  }

  /// Dense steps over 640 MiB against the triad over 768 MiB, in turn.
  static func dense(_ blas: BLAS, threads: [Int], seconds: Double) {
    print("\ndense SGD steps over samples larger than the caches, GB/s: best, median, over the triad's")
    let samples = PlantedDense(seed: 1).samples(
      0..<40_960, pool: WorkerPool(threads: threads.last ?? 1))
    for count in threads {
      let pool = WorkerPool(threads: count)
      let triad = Triad(precision: .fp64, count: 1 << 25, threads: count, pool: pool)
      var kernels: [any TimedKernel] = [triad]
      for model in LinearModel.allCases {
        for batch in [64, 256, 1024, 4096] {
          kernels.append(
            DenseStep(
              blas, samples: samples, objective: Objective(model, regularisation: 0x1p-12), batch: batch,
              threads: count, pool: pool))
        }
      }
      let timings = interleave(
        seconds: 8 * seconds, kernels.map { timed($0, repetitions: $0 is Triad ? 1 : repetitions($0)) })
      for (kernel, timing) in zip(kernels, timings) {
        let rate = Double(kernel.bytes) / 1e9
        let peak = Double(triad.bytes) / 1e9
        print(
          column("\(kernel.name) \(count) thread\(count > 1 ? "s" : "")", 58)
            + padded(rate / timing.best) + padded(rate / timing.median)
            + padded(rate / timing.best / (peak / timings[0].best), decimals: 2)
            + padded(rate / timing.median / (peak / timings[0].median), decimals: 2))
      }
    }
  }

  /// Sparse steps as on Criteo.
  static func sparse(threads: [Int], seconds: Double) {
    print("\nsparse SGD steps, 1,000,000 features, 39 non-zeros a sample, ns a non-zero: best and median")
    let samples = PlantedSparse(seed: 1).samples(
      0..<400_000, pool: WorkerPool(threads: threads.last ?? 1))
    for count in threads {
      for model in LinearModel.allCases {
        for batch in [256, 2048, 16384] {
          let kernel = SparseStep(
            samples: samples,
            objective: Objective(model, regularisation: 0x1p-12, negativeWeight: 0.5, positiveWeight: 15),
            batch: batch, threads: count)
          let timing = interleave(
            seconds: seconds, [timed(kernel, repetitions: repetitions(kernel))])[0]
          let nonZeros = Double(batch) * kernel.nonZerosPerSample
          print(
            column("\(kernel.name) \(count) thread\(count > 1 ? "s" : "")", 58)
              + padded(timing.best * 1e9 / nonZeros, decimals: 2)
              + padded(timing.median * 1e9 / nonZeros, decimals: 2))
        }
      }
    }
  }
}

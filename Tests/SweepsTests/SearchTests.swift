import Documents
import Quantities
import TestSupport
import Testing

@testable import Sweeps

@Suite struct SearchTests {
  /// A search and a computation of every scenario.
  private func both(_ sweep: Sweep, boxSize: Int) throws -> (search: SweepSearch, all: [[String]]) {
    let prepared = try PreparedSweep(sweep, in: Repository.library, version: "1")
    let folder = try TemporaryFolder()
    _ = try prepared.run(shard: .whole, in: folder.path, threads: 1)
    let results = try prepared.results(in: folder.path)
    return (try SweepSearch(prepared, boxSize: boxSize), results.tables[0].rows)
  }

  private func random(_ seed: UInt64, _ reduce: String) throws -> Sweep {
    var random = SplitMix64(seed: seed)
    func axis(_ name: String, _ low: ClosedRange<Double>, _ unit: String) -> String {
      let low = random.number(powersOfTen: low)
      let count = Int.random(in: 2...9, using: &random)
      return
        "  \(name): {sets: \(name), from: \(low) \(unit), to: \(low * 50) \(unit), count: \(count), spacing: logarithmic}\n"
    }
    var axes = [
      axis("flop", 9...14, "FLOP"), axis("bytes", 6...10, "B"), axis("bandwidth", 11...12, "B/s"),
      axis("payload", 5...9, "B"), axis("link_bandwidth", 10...11, "B/s"),
    ].shuffled(using: &random).joined()
    axes += "  ranks: {sets: ranks, values: [1, 2, 4, 8]}\n"
    return try rooflineSweep(
      axes.trimmingLast(),
      """
      derived:
        price: bandwidth / 1e12 + link_bandwidth / 1e11 + ranks
      constraints: [price <= 30, time >= 1e-5]
      outputs: [time, price]
      \(reduce)
      """)
  }

  /// Searches find what computing everything finds, and compute less.
  @Test(arguments: UInt64(0)..<12)
  func searchesAreExact(seed: UInt64) throws {
    for reduce in [
      "reduce: {best: {minimize: time, count: 3}}", "reduce: {best: {minimize: price, count: 4}}",
      "reduce: {pareto: {minimize: [time, price]}}",
    ] {
      let (search, all) = try both(try random(seed, reduce), boxSize: 40)
      #expect(search.tables[0].rows == all)
      #expect(search.computed + search.impossible + search.beaten == search.scenarios)
      #expect(search.computed <= search.scenarios)
    }
  }

  private let plans = """
    name: plans
    model: training
    base:
      name: base
      workload: megatron-22b
      hardware: nvidia-a100-80g-sxm
      run: {recompute: selective, global_batch: 256}
      parallelism: {sharding: optimizer}
    axes:
      hbm: {sets: hardware.memory.hbm.bandwidth, times: [1, 2]}
      gpus: {sets: parallelism.devices, values: [8, 16, 64, 256]}
      tensor: {sets: parallelism.tensor, values: [1, 4, 8]}
      micro_batch: {sets: run.micro_batch, values: [1, 4]}
      pipeline: {sets: parallelism.pipeline, values: [1, 2, 8]}
      virtual_stages: {sets: parallelism.virtual_stages, values: [1, 3]}

    """

  /// The fastest plan, the smallest machine that reaches a rate, the front of speed and size: as by computing everything.
  @Test func plansAreExact() throws {
    for rest in [
      "constraints: [fits in memory]\nreduce: {best: {minimize: time, count: 3}}",
      "constraints: [tokens_per_second >= 100000]\noutputs: [devices, time]\nreduce: {best: {minimize: [devices, time], count: 2}}",
      "constraints: [fits in memory]\nreduce: {pareto: {minimize: devices, maximize: tokens_per_second}}",
    ] {
      let (search, all) = try both(try sweep(plans + rest + "\n"), boxSize: 6)
      #expect(search.tables[0].rows == all)
      #expect(!all.isEmpty)
      #expect(search.computed <= search.scenarios)
    }
  }

  /// Bounds leave out most of a space whose target only its largest machines reach.
  @Test func mostIsLeftOut() throws {
    let text = plans + "constraints: [tokens_per_second >= 200000]\nreduce: {best: {minimize: time}}\n"
    let search = try SweepSearch(
      try PreparedSweep(try sweep(text), in: Repository.library, version: "1"), boxSize: 6)
    #expect(search.computed < search.scenarios / 2)
    #expect(search.impossible > 0)
  }

  /// Intervals hold what they stand for.
  @Test(arguments: UInt64(0)..<200)
  func intervalsHold(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    func range() -> (Interval, Double) {
      let (a, b) = (Double.random(in: -2...3, using: &random), Double.random(in: -2...3, using: &random))
      return (Interval(min(a, b), max(a, b)), Double.random(in: min(a, b)...max(a, b), using: &random))
    }
    let ((a, x), (b, y)) = (range(), range())
    func f<N: ModelNumber>(_ a: N, _ b: N) -> N {
      let sum: N = a * b - a + N.larger(a, b) * N.smaller(b, N(1))
      let positive: N = (a * a + 1).squareRoot() + (b * b + 2).logarithm() + (a / (b * b + 1)).exponential()
      return sum + positive + N.choose(where: a, isAtMost: b, then: a + 1, otherwise: b * 2) + a.roundedUp()
    }
    let bounds = f(a, b)
    let value = f(x, y)
    #expect(bounds.low <= value && value <= bounds.high)
  }
}

extension String {
  fileprivate func trimmingLast() -> String { String(dropLast()) }
}

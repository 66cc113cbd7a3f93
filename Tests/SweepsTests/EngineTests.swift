import Documents
import Foundation
import Quantities
import TestSupport
import Testing

@testable import Sweeps

/// A space of 30,000 scenarios with everything that can be reduced.
private let mixedSpace = """
  name: mixed
  model: roofline
  base: {hardware: nvidia-h200}
  axes:
    flop: {sets: flop, from: 1 GFLOP, to: 1 PFLOP, count: 20, spacing: logarithmic}
    bytes: {sets: bytes, from: 1 MB, to: 10 GB, count: 25, spacing: logarithmic}
    ranks: {sets: ranks, values: [1, 2, 4, 8]}
    payload: {sets: payload, values: [1 MB, 64 MB, 1 GB]}
    budget: [1, 2, 3, 4, 5]
  derived:
    cost: ranks * budget
    rate: {formula: flop / time, unit: FLOP/s, title: operations a second}
  constraints:
    too many devices: cost <= 12
    too slow: time < 0.01
  outputs: [time, rate]
  reduce:
    best: {minimize: time, count: 5}
    pareto: {minimize: [time, cost], maximize: rate}
    percentiles: {time: [0, 10, 50, 90, 100]}
    histograms: {time: {from: 1 us, to: 10 ms, bins: 8, spacing: logarithmic}}
    marginals: {time: [ranks, flop]}
  part: 4096
  """

func prepared(_ text: String, version: String = "1") throws -> PreparedSweep {
  try PreparedSweep(try sweep(text), in: Repository.library, version: version)
}

@Suite struct EngineTests {
  /// Every scenario of a space, computed one by one, with its reason.
  private func all(_ prepared: PreparedSweep) -> [(reason: String?, values: [Double])] {
    let engine = SweepEngine(prepared.sweep, prepared.model, threads: 1)
    return (0..<prepared.sweep.space.count).map { engine.scenario($0) }
  }

  /// The roofline's terms, by the formula on the device's data sheet numbers.
  @Test func rooflineIsItsFormula() throws {
    let prepared = try prepared(
      mixedSpace.replacingOccurrences(of: "too slow: time < 0.01", with: "ok: time < 1e9"))
    let space = prepared.sweep.space
    var checked = 0
    for (index, scenario) in all(prepared).enumerated() where index % 97 == 0 && scenario.reason == nil {
      func number(_ axis: Int) -> Double { space.number(axis, at: space.digit(axis, of: index)) }
      let (flop, bytes, ranks, payload) = (number(0), number(1), number(2), number(3))
      // 989 TFLOP/s, 4.8 TB/s, 2.3 us, 450 GB/s, 1 us: models/hardware/nvidia-h200.yaml.
      let kernel = 2.3e-6 + max(flop / 989e12, bytes / 4.8e12)
      let exchange = 2 * (ranks - 1) * 1e-6 + 2 * (ranks - 1) / ranks * payload / 450e9
      #expect(abs(scenario.values[0] / (kernel + exchange) - 1) < 1e-13)
      checked += 1
    }
    #expect(checked > 100)
  }

  /// What the reducers keep is what sorting all scenarios gives.
  @Test func reductionsAreThoseOfTheWholeList() throws {
    let prepared = try prepared(mixedSpace)
    let scenarios = all(prepared)
    let folder = try TemporaryFolder()
    _ = try prepared.run(shard: .whole, in: folder.path, threads: 2)
    let results = try prepared.results(in: folder.path)
    let feasible = scenarios.indices.filter { scenarios[$0].reason == nil }
    #expect(results.feasible == feasible.count)
    #expect(results.scenarios == scenarios.count)
    for reason in results.reasons {
      #expect(reason.count == scenarios.count { $0.reason == reason.reason })
    }
    #expect(results.feasible + results.reasons.reduce(0) { $0 + $1.count } == scenarios.count)
    func table(_ name: String) throws -> ResultTable {
      try #require(results.tables.first { $0.name == name })
    }
    func time(_ index: Int) -> Double { scenarios[index].values[0] }

    let best = feasible.sorted { (time($0), $0) < (time($1), $1) }.prefix(5)
    #expect(try table("best").rows.map { $0[0] } == best.map(String.init))

    let space = prepared.sweep.space
    func cost(_ index: Int) -> Double {
      space.number(2, at: space.digit(2, of: index)) * space.number(4, at: space.digit(4, of: index))
    }
    func vector(_ index: Int) -> [Double] { [time(index), cost(index), -scenarios[index].values[1]] }
    let vectors = feasible.map(vector)
    func isBeaten(_ i: Int) -> Bool {
      for j in vectors.indices where j != i {
        let isNoWorse = zip(vectors[j], vectors[i]).allSatisfy { $0 <= $1 }
        if isNoWorse, vectors[j] != vectors[i] || j < i { return true }
      }
      return false
    }
    let front = feasible.indices.filter { !isBeaten($0) }.map { feasible[$0] }
    #expect(try table("pareto").rows.map { $0[0] } == front.map(String.init))
    #expect(front.count > 10)

    let sorted = feasible.map(time).sorted()
    for row in try table("percentiles-time").rows {
      let share = try #require(Double(row[0])) / 100
      let exact = sorted[Int((share * Double(sorted.count - 1)).rounded())]
      #expect(abs(try #require(Double(row[1])) / exact - 1) < 0.001)
    }
    var total = 0
    for row in try table("histogram-time").rows {
      let low = Double(row[0]) ?? -.infinity
      let high = Double(row[1]) ?? .infinity
      let count = try #require(Int(row[2]))
      #expect(count == sorted.count { $0 >= low && $0 < high })
      total += count
    }
    #expect(total == sorted.count)
    for (digit, row) in try table("marginal-time-ranks").rows.enumerated() {
      let part: [Double] = feasible.filter { space.digit(2, of: $0) == digit }.map(time)
      let mean: Double = part.reduce(0, +) / Double(part.count)
      #expect(row[1] == "\(part.count)")
      #expect(Double(row[2]) == part.min())
      #expect(Double(row[4]) == part.max())
      let printed: Double = try #require(Double(row[3]))
      #expect(abs(printed / mean - 1) < 1e-12)
    }
  }

  private func files(of folder: String) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder)
    where name.hasSuffix(".csv") || name.hasSuffix(".nc") {
      result[name] = FileManager.default.contents(atPath: folder + "/" + name)
    }
    return result
  }

  /// One thread, three threads, and five shards in any order give the same files, byte for byte.
  @Test func threadsAndShardsDoNotMatter() throws {
    let text = mixedSpace + "\nwrite: [csv, netcdf]\n"
    var first: [String: Data] = [:]
    for (threads, shards) in [(1, 1), (3, 1), (2, 5)] {
      let prepared = try prepared(text)
      let folder = try TemporaryFolder()
      for index in (0..<shards).reversed() {
        _ = try prepared.run(shard: Shard(index: index, count: shards), in: folder.path, threads: threads)
      }
      let results = try prepared.results(in: folder.path)
      _ = try prepared.write(results, to: folder.path, program: "test")
      let found = try files(of: folder.path)
      #expect(found.keys.contains("mixed.nc") && found.keys.contains("mixed.csv"))
      if first.isEmpty { first = found }
      for (name, data) in found { #expect(data == first[name], "\(name)") }
      #expect(found.count == first.count)
    }
  }

  /// A run that is stopped after some parts goes on from there; what was there is not computed again.
  @Test func runsGoOn() throws {
    let prepared = try prepared(mixedSpace)
    let folder = try TemporaryFolder()
    let asked = SharedCounter()
    let first = try prepared.run(
      shard: .whole, in: folder.path, threads: 1, isStopped: { asked.add(1) >= 3 })
    #expect(first.isInterrupted && first.computed == 3)
    #expect(
      complaint { try prepared.results(in: folder.path) }.contains("5 of 8 parts are missing: 3, 4, 5, 6, 7;")
    )
    let second = try prepared.run(shard: .whole, in: folder.path, threads: 1)
    #expect(!second.isInterrupted && second.found == 3 && second.computed == 5)
    let whole = try TemporaryFolder()
    _ = try prepared.run(shard: .whole, in: whole.path, threads: 1)
    let (a, b) = (try prepared.results(in: folder.path), try prepared.results(in: whole.path))
    #expect(a.tables.map(\.csv) == b.tables.map(\.csv))
  }

  /// A run that is stopped inside of a part goes on from the last block; a journal that a kill has cut short, a damaged one
  /// and one of another version give what is whole in them, or nothing, and the result is the same.
  @Test(arguments: [1, 2, 3])
  func partsGoOnFromTheirBlocks(threads: Int) throws {
    let text =
      mixedSpace.replacingOccurrences(of: "part: 4096", with: "part: 30000") + "\nwrite: [csv, netcdf]\n"
    let prepared = try prepared(text)
    func results(_ folder: String) throws -> [String: Data] {
      _ = try prepared.write(try prepared.results(in: folder), to: folder, program: "test")
      return try files(of: folder)
    }
    let whole = try TemporaryFolder()
    _ = try prepared.run(shard: .whole, in: whole.path, threads: 1)
    let expected = try results(whole.path)
    #expect(expected.count > 6)

    for cut in [0, 1, 40_000] {
      let folder = try TemporaryFolder()
      let parts = folder.path + "/parts"
      func journals() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: parts).filter { $0.contains(".journal.") }
      }
      // Stopped after three blocks, and after two more: two journals.
      for blocks in [3, 2] {
        let asked = SharedCounter()
        let stopped = try prepared.run(
          shard: .whole, in: folder.path, threads: threads, isStopped: { asked.add(1) >= blocks })
        #expect(stopped.isInterrupted && stopped.computed == 0)
      }
      #expect(try journals().count == 2)
      for (name, end) in zip(try journals().sorted(), [cut, 0]) where end > 0 {
        let path = parts + "/" + name
        let bytes = try #require(FileManager.default.contents(atPath: path))
        try bytes.dropLast(end).write(to: URL(fileURLWithPath: path))
      }
      let computed = SharedCounter()
      let rest = try prepared.run(
        shard: .whole, in: folder.path, threads: threads,
        isStopped: {
          computed.add(1)
          return false
        })
      #expect(rest.computed == 1 && !rest.isInterrupted)
      // Eight blocks, of which five were done, if nothing was cut off.
      if cut == 0 { #expect(computed.now == 3) } else { #expect((4...6).contains(computed.now)) }
      #expect(try journals().isEmpty)
      #expect(try results(folder.path) == expected)
    }
  }

  /// Blocks are dealt out once each, as runs of neighbours.
  @Test(arguments: UInt64(0)..<20)
  func blocksAreDealtOutOnce(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let (blocks, threads) = (Int.random(in: 0...50, using: &random), Int.random(in: 1...8, using: &random))
    let dealer = BlockDealer(blocks: blocks, threads: threads)
    var (seen, turns, jumps): ([Int], [Int?], Int) = ([], [Int?](repeating: nil, count: threads), 0)
    var active = Set(0..<threads)
    while let thread = active.randomElement(using: &random) {
      guard let block = dealer.next(thread) else {
        active.remove(thread)
        continue
      }
      seen.append(block)
      if let before = turns[thread], block != before + 1 { jumps += 1 }
      turns[thread] = block
    }
    #expect(seen.sorted() == Array(0..<blocks))
    if threads == 1 { #expect(jumps == 0) }
  }

  /// Parts of another version, truncated or damaged ones are refused, and stay.
  @Test func wrongPartsAreRefused() throws {
    let folder = try TemporaryFolder()
    let prepared = try prepared(mixedSpace)
    _ = try prepared.run(shard: .whole, in: folder.path, threads: 1)
    let other = try EngineTests.other()
    let path = folder.path + "/parts/part-00000-of-00008"
    let refusal = complaint { try other.run(shard: .whole, in: folder.path, threads: 1) }
    #expect(refusal.hasPrefix(path + ": error: belongs to another space, or to another version"))
    #expect(complaint { try other.results(in: folder.path) }.contains("another version"))
    let whole = try #require(FileManager.default.contents(atPath: path))
    for length in [0, 10, 60, whole.count - 1] {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      let words = complaint { try prepared.results(in: folder.path) }.lowercased()
      #expect(words.contains("remove it and run the sweep again"))
    }
    var damaged = whole
    damaged[whole.count - 20] ^= 1
    try damaged.write(to: URL(fileURLWithPath: path))
    #expect(complaint { try prepared.results(in: folder.path) }.contains("its checksum differs"))
    try whole.write(to: URL(fileURLWithPath: path))
    #expect(try prepared.results(in: folder.path).feasible > 0)
  }

  private static func other() throws -> PreparedSweep { try prepared(mixedSpace, version: "2") }

  @Test func emptySpacesSayWhy() throws {
    let prepared = try prepared(mixedSpace.replacingOccurrences(of: "cost <= 12", with: "cost > 100"))
    let folder = try TemporaryFolder()
    _ = try prepared.run(shard: .whole, in: folder.path, threads: 2)
    let results = try prepared.results(in: folder.path)
    #expect(results.feasible == 0)
    #expect(results.reasons.map(\.reason) == ["too many devices"])
    #expect(results.reasons.map(\.count) == [30_000])
  }

  /// Boxes cover a run of indices in order, each once.
  @Test(arguments: UInt64(0)..<50)
  func boxesCoverRuns(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let sizes = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 1...6, using: &random) }
    let total = sizes.reduce(1, *)
    let low = Int.random(in: 0..<total, using: &random)
    let high = Int.random(in: low...total, using: &random)
    var next = low
    for box in PreparedSweep.boxes(low..<high, sizes: sizes) {
      #expect(box.offset == next)
      // The first and the last cell of the box, by the order of the index.
      func index(_ cell: [Int]) -> Int { zip(cell, sizes).reduce(0) { $0 * $1.1 + $1.0 } }
      #expect(index(box.start) == next)
      next += box.count.reduce(1, *)
      #expect(index(zip(box.start, box.count).map { $0 + $1 - 1 }) == next - 1)
    }
    #expect(next == high)
  }

  /// Chunks follow the order of the index and hold at most 1 MiB.
  @Test func chunks() {
    #expect(PreparedSweep.chunk(of: [100, 500, 4, 250]) == [1, 131, 4, 250])
    #expect(PreparedSweep.chunk(of: [10, 1_000_000]) == [1, 131_072])
    #expect(PreparedSweep.chunk(of: [3, 4]) == [3, 4])
  }

  /// Sums without rounding do not depend on the order, and are right where doubles lose everything.
  @Test(arguments: UInt64(0)..<30)
  func exactSums(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let numbers = (0..<200).map { _ in random.number(powersOfTen: -300...300, signed: true) }
    func sum(_ list: [Double]) -> ExactSum { list.reduce(into: ExactSum()) { $0.add($1) } }
    let forward = sum(numbers)
    #expect(sum(numbers.shuffled(using: &random)) == forward)
    var halves = sum(Array(numbers[..<77]))
    halves.add(sum(Array(numbers[77...])))
    #expect(halves == forward)
    #expect(sum(numbers + numbers.map { -$0 }).value == 0)
    #expect(sum(numbers + [3] + numbers.map { -$0 }).value == 3)
    let small = (0..<1000).map { _ in Double(Int.random(in: -1000...1000, using: &random)) / 8 }
    #expect(sum(small).value == small.reduce(0, +))
  }
}

@Suite struct ShardTests {
  private func shard(_ argument: String?, _ environment: [String: String] = [:]) throws -> Shard {
    try Shard(argument: argument, environment: environment)
  }

  @Test func whoSaysWhat() throws {
    #expect(try shard("2/8") == Shard(index: 2, count: 8))
    #expect(try shard(nil) == .whole)
    let array = [
      "SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1",
      "SLURM_ARRAY_TASK_MAX": "7", "SLURM_ARRAY_TASK_STEP": "2",
    ]
    #expect(try shard(nil, array) == Shard(index: 2, count: 4))
    #expect(try shard("0/3", array) == Shard(index: 0, count: 3))
    // --array=3,7 says COUNT 2, MIN 3, MAX 7, STEP 1.
    let holes = [
      "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "3",
      "SLURM_ARRAY_TASK_MAX": "7",
    ]
    #expect(complaint { try shard(nil, holes) }.contains("the Slurm array has holes"))
    #expect(
      try shard(nil, ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"]) == Shard(index: 1, count: 2))
    #expect(try shard(nil, ["PMI_RANK": "1", "PMI_SIZE": "2"]) == Shard(index: 1, count: 2))
    #expect(try shard(nil, ["SLURM_PROCID": "1", "SLURM_NTASKS": "2"]) == Shard(index: 1, count: 2))
    #expect(try shard(nil, ["SLURM_PROCID": "0", "SLURM_NTASKS": "1"]) == .whole)
    #expect(try shard(nil, ["PBS_ARRAY_INDEX": "3", "PBS_ARRAY_COUNT": "8"]) == Shard(index: 3, count: 8))
    #expect(complaint { try shard(nil, ["PBS_ARRAY_INDEX": "3"]) }.contains("PBS_ARRAY_COUNT"))
    for word in ["8/8", "-1/8", "1", "a/b", "1/0", "1/2/3", ""] {
      #expect(complaint { try shard(word) }.hasPrefix("--shard is '\(word)'; expected INDEX/COUNT"))
    }
  }

  /// Shards cover all parts, each once, and differ by at most one part.
  @Test(arguments: [(1, 1), (7, 3), (8, 8), (3, 8), (65_536, 100), (Int.max / 2, 7)])
  func partsAreDealtOut(total: Int, count: Int) {
    var next = 0
    for index in 0..<count {
      let parts = Shard(index: index, count: count).parts(of: total)
      #expect(parts.lowerBound == next)
      #expect(parts.count == total / count || parts.count == total / count + 1)
      next = parts.upperBound
    }
    #expect(next == total)
  }

  @Test func threads() {
    #expect(defaultThreads(environment: ["SLURM_CPUS_PER_TASK": "3"], processors: 64) == 3)
    #expect(defaultThreads(environment: [:], processors: 4) == 4)
    #expect(defaultThreads(environment: ["SLURM_CPUS_PER_TASK": "x"], processors: 0) == 1)
  }
}

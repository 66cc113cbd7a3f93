import Calibration
import CostModels
import Documents
import Hardware
import ModelTestSupport
import Quantities
import Testing
import Workloads

@Suite struct ContentionFormTests {
  typealias Segment = ContentionForm<Double>.Segment

  static func segment(_ random: inout SplitMix64) -> Segment {
    let compute = random.logarithmic(in: 1e-5...1e-2)
    return Segment(
      compute: compute, crowded: compute * random.logarithmic(in: 1...2),
      exchange: random.logarithmic(in: 1e-6...1e-2))
  }

  /// Three layers of 10 ms (12.5 ms beside an exchange), each with an exchange of 4 ms that takes 5 ms beside kernels.
  ///
  /// Layer 2 runs 5 ms beside the first exchange, does 4 ms of its work in them, and 6 ms alone: 11 ms. So does layer
  /// 3. The last exchange is exposed: 10 + 11 + 11 + 4 = 36 ms.
  @Test func threeLayersByHand() {
    let form = ContentionForm<Double>(exchangeRate: 0.8)
    let layer = Segment(compute: 10, crowded: 12.5, exchange: 4)
    let result = form.overlap([layer, layer, layer])
    #expect(abs(result.total - 36) < 1e-12)
    #expect(abs(result.exposed - 4) < 1e-12)
    #expect(abs(result.slowdown - 2) < 1e-12)
  }

  /// Exchanges longer than the kernels: layer 2 takes 12.5 ms and does 10 ms of the first exchange's 40; 30 of it and 40
  /// of the second are left: 10 + 12.5 + 70.
  @Test func exchangesThatDoNotHide() {
    let form = ContentionForm<Double>(exchangeRate: 0.8)
    let layer = Segment(compute: 10, crowded: 12.5, exchange: 40)
    #expect(abs(form.overlap([layer, layer]).total - 92.5) < 1e-12)
  }

  @Test(arguments: UInt64(0)..<200)
  func betweenIdealAndSerial(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let segments = (0..<Int.random(in: 1...12, using: &random)).map { _ in Self.segment(&random) }
    let compute = segments.reduce(0) { $0 + $1.compute }
    let exchange = segments.reduce(0) { $0 + $1.exchange }
    let ideal = ContentionForm<Double>(exchangeRate: 1)
    let undisturbed = ideal.overlap(
      segments.map { Segment(compute: $0.compute, crowded: $0.compute, exchange: $0.exchange) })
    let real = ContentionForm<Double>().overlap(segments)
    let last = segments[segments.count - 1].exchange
    // Without contention: at least the kernels and the last exchange, at most one after the other.
    #expect(undisturbed.total >= compute + last - 1e-12)
    #expect(undisturbed.total <= compute + exchange + 1e-12)
    #expect(abs(undisturbed.slowdown) < 1e-12)
    #expect(real.total >= undisturbed.total - 1e-12)
    for result in [undisturbed, real] {
      #expect(abs(result.total - (compute + result.slowdown + result.exposed)) < 1e-9 * result.total)
      #expect(result.exposed >= last - 1e-12 && result.exposed <= exchange + 1e-12)
    }
  }

  /// A link of 450 GB/s takes 17 units of 26.5 GB/s, one narrowed to 53 GB/s two; the narrowest still takes one.
  @Test func exchangesHoldTheUnitsThatFillTheirLink() {
    let form = ContentionForm<Double>()
    #expect(abs(form.channels(bandwidth: 450e9) - 16.98) < 0.01)
    #expect(form.channels(bandwidth: 53e9) == 2)
    #expect(form.channels(bandwidth: 1e9) == 1)
  }
}

/// Products on one branch of a graph, exchanges on another.
@Suite struct BesideTests {
  let form = ContentionForm<Double>(exchangeRate: 0.8, loneUnit: 1)

  /// 66 slots; 4096³ in tiles of 256 x 128 makes 256 clusters, 3.88 waves.
  func waves(_ m: Double, _ n: Double) -> TileWaves<Double> {
    TileWaves(GEMM(m: m, n: n, k: 4096), units: 132, dispatch: .persistentClusters)
  }

  func time(
    _ waves: TileWaves<Double>, products: Double = 1, exchange: Double, exchanges: Int = 1, held: Double
  )
    -> Double
  {
    form.beside(
      product: 12, waves: waves, products: products, exchange: exchange, exchanges: exchanges, held: held)
  }

  /// An exchange that holds no unit slows only itself: 8 ms take 10, the product its 12.
  @Test func withoutUnitsNothingIsLost() {
    #expect(abs(time(waves(4096, 4096), exchange: 8, held: 0) - 12) < 1e-9)
  }

  /// Four waves of 3 ms, the last of which is not full.
  ///
  /// 16 units cost 12 clusters, 54 are left; 12 late clusters own 24 tiles, the
  /// 232 others take 4.3 waves, five; the late ones start in the fifth, where there is room, and take two: six waves of 3
  /// ms. In 18 ms the exchange of 30 does 14.4; 15.6 are left: 33.6 ms.
  @Test func lateClustersTakeTheirOwnWaves() {
    #expect(abs(time(waves(4096, 4096), exchange: 30, held: 16) - 33.6) < 1e-6)
  }

  /// The exchange ends 2.5 ms after the start: 12 late clusters start then and end 6 ms later, before the others.
  ///
  /// 54 clusters have done 45 tiles by then; 211 are left for 66: 3.2 waves of 3 ms and 2.5 ms: 12.09 ms.
  @Test func unitsThatAreGivenBackAreUsed() {
    #expect(abs(time(waves(4096, 4096), exchange: 2, held: 16) - (2.5 + (256 - 45) / 66.0 * 3)) < 1e-6)
  }

  /// A second exchange waits for units.
  ///
  /// 64 clusters on 66 slots leave four units idle: exchanges of one unit follow one
  /// another, 10 ms beside the product, 2 ms more beside it, and 6.4 ms alone: 18.4 ms.
  ///
  /// Exchanges of eight units find none free before the product's first clusters end after 12 ms. Six late clusters have
  /// started when the first exchange ended, after 10 ms, and end after 22; the second exchange runs beside them.
  @Test func furtherExchangesWait() {
    let full = waves(2048, 2048)
    #expect(full.clusters == 64)
    #expect(abs(time(full, exchange: 8, exchanges: 2, held: 1) - 18.4) < 1e-9)
    #expect(abs(time(full, exchange: 8, exchanges: 2, held: 8) - 22) < 1e-9)
  }

  @Test(arguments: UInt64(0)..<300)
  func neverFasterThanIdealAndSlowerWithMoreUnitsHeld(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let shape = waves(
      random.logarithmic(in: 64...16384).rounded(), random.logarithmic(in: 64...16384).rounded())
    let products = Double(Int.random(in: 1...40, using: &random))
    let exchanges = Int.random(in: 1...12, using: &random)
    let exchange = random.logarithmic(in: 0.1...200)
    let form = ContentionForm<Double>()
    func total(held: Double) -> Double {
      form.beside(
        product: 12, waves: shape, products: products, exchange: exchange, exchanges: exchanges, held: held)
    }
    let held = Double(Int.random(in: 1...64, using: &random))
    let ideal = max(12 * products, exchange * Double(exchanges))
    #expect(total(held: held) >= ideal - 1e-6)
    // One after the other is what nobody does worse than, but for the waves that held units cost.
    let slow = shape.crowd(held: held).time(unit: 12 / shape.waves, lone: 0.87) / 12
    #expect(total(held: held) <= 12 * products * slow + exchange * Double(exchanges) / 0.88 + 1e-6)
  }
}

/// N kernels as demands on what they share.
@Suite struct SharedDeviceTests {
  typealias Kernel = Tenant<Double>
  let form = ContentionForm<Double>()

  static func tenant(_ random: inout SplitMix64) -> Kernel {
    Kernel(
      time: random.logarithmic(in: 1e-5...1e-2), units: random.logarithmic(in: 1...132).rounded(),
      cache: Double.random(in: 0...1, using: &random), memory: Double.random(in: 0...1, using: &random),
      link: Double.random(in: 0...1, using: &random), engines: Double.random(in: 0...1, using: &random),
      priority: Int.random(in: 0...2, using: &random))
  }

  @Test(arguments: UInt64(0)..<200)
  func oneAloneTakesItsTime(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var kernel = Self.tenant(&random)
    kernel.keeps = seed % 2 == 0 ? 0.8 : 1
    #expect(abs(form.together([kernel], units: 132).total / kernel.time - 1) < 1e-9)
  }

  @Test(arguments: UInt64(0)..<200)
  func notFasterThanTheLongestNorSlowerThanAllAfterOneAnother(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let kernels = (0..<Int.random(in: 2...7, using: &random)).map { _ in Self.tenant(&random) }
    let schedule = form.together(kernels, units: 132)
    let longest = kernels.map(\.time).max() ?? 0
    let sum = kernels.reduce(0) { $0 + $1.time }
    #expect(schedule.total >= longest * (1 - 1e-9))
    // Fair shares of several resources never waste more than one kernel at a time would.
    #expect(schedule.total <= sum * 2)
    for (kernel, end) in zip(kernels, schedule.ends) { #expect(end >= kernel.time * (1 - 1e-9)) }
  }

  /// Equal kernels end together, whatever they share, and N that each fill a resource take N times as long.
  @Test(arguments: 2...6)
  func equalKernels(count: Int) {
    for share in [\Kernel.memory, \.link, \.engines, \.cache] {
      var kernel = Kernel(time: 1e-3, units: 0)
      kernel[keyPath: share] = 1
      let schedule = form.together([Kernel](repeating: kernel, count: count), units: 132)
      #expect(schedule.ends.allSatisfy { abs($0 - Double(count) * 1e-3) < 1e-12 })
    }
    let units = [Kernel](repeating: Kernel(time: 1e-3, units: 132), count: count)
    #expect(abs(form.together(units, units: 132).total - Double(count) * 1e-3) < 1e-12)
  }

  /// Three phases by hand: memory shares 0.8, 0.6, 0.2 of kernels of 1, 2 and 4 ms.
  ///
  /// All three want 1.6: 0.4 each at most, so the third has its 0.2 at full rate and the others 0.4: rates 0.5 and 2/3.
  /// The first ends at 2 ms. Then 0.6 + 0.2 fit: the second has 2 - 4/3 left, ends at 2.667 ms. The third ends at 4.
  @Test func threeByHand() {
    let kernels = [(1.0, 0.8), (2, 0.6), (4, 0.2)].map { Kernel(time: $0.0, units: 0, memory: $0.1) }
    let ends = form.together(kernels, units: 132).ends
    for (end, expected) in zip(ends, [2, 2 + 2.0 / 3, 4]) { #expect(abs(end - expected) < 1e-9) }
  }

  /// Compute units go to the lower number first: 100 of 132 to one, 32 to the other, which asked for 128: a quarter.
  @Test func priorityIsServedFirst() {
    let first = Kernel(time: 1, units: 100, priority: 0)
    let second = Kernel(time: 1, units: 128, priority: 1)
    #expect(abs(form.together([first, second], units: 132).ends[0] - 1) < 1e-12)
    #expect(abs(form.together([first, second], units: 132).ends[1] - 1.75) < 1e-12)
    // Fairly: 66 each.
    let fair = Kernel(time: 1, units: 128, priority: 0)
    #expect(abs(form.together([first, fair], units: 132).ends[0] - 100.0 / 66) < 1e-12)
  }

  @Test(arguments: UInt64(0)..<200)
  func moreOfAResourceNeverSlows(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    // Equal priorities: with unequal ones a kernel that ends sooner can hand its units to one that needs them less.
    var kernel = Self.tenant(&random)
    kernel.priority = 0
    let kernels = [Kernel](repeating: kernel, count: Int.random(in: 2...5, using: &random))
    let before = form.together(kernels, units: 132).total
    for share in [\Kernel.memory, \.link, \.engines, \.cache] {
      let easier = kernels.map { old in
        var new = old
        new[keyPath: share] = 0.5 * old[keyPath: share]
        return new
      }
      #expect(form.together(easier, units: 132).total <= before * (1 + 1e-9))
    }
    #expect(form.together(kernels, units: 264).total <= before * (1 + 1e-9))
  }

  /// An exchange on compute units keeps 0.88 of its rate while another kernel runs, and all of it afterwards.
  @Test func exchangesLoseBesideKernels() {
    let exchange = Kernel(time: 2, units: 16, keeps: form.exchangeRate)
    let kernel = Kernel(time: 1, units: 100)
    let schedule = form.together([exchange, kernel], units: 132)
    #expect(abs(schedule.ends[1] - 1) < 1e-12)
    #expect(abs(schedule.ends[0] - (1 + 2 - 0.88)) < 1e-12)
  }
}

/// Tiles and waves against kernels that were seen to run.
@Suite struct TileWavesTests {
  /// Tiles that cuBLAS 13 chose on an H100 (`notebooks-data/measurements/h100/held_units.csv`), larger side first.
  static let seen: [(m: Double, n: Double, large: Double, small: Double)] = [
    (4096, 4096, 256, 128), (8192, 8192, 320, 128), (2048, 12288, 256, 128), (2048, 3072, 192, 128),
    (8192, 28672, 192, 192), (2048, 8192, 256, 128), (4096, 16384, 320, 128), (8192, 4096, 256, 128),
    (1024, 8192, 256, 128), (2048, 512, 128, 64), (2048, 1024, 128, 128), (2048, 2048, 256, 128),
    (256, 4096, 128, 64), (128, 8192, 128, 64), (4096, 1024, 256, 128), (2048, 4096, 256, 128),
    (4096, 12288, 256, 128), (2048, 16384, 256, 128), (1024, 1024, 128, 64), (512, 4096, 128, 128),
  ]

  @Test func tilesAsSeen() {
    let right = Self.seen.filter { shape in
      let waves = TileWaves<Double>(
        GEMM(m: shape.m, n: shape.n, k: 4096), units: 132, dispatch: .persistentClusters)
      return max(waves.rows, waves.columns) == shape.large && min(waves.rows, waves.columns) == shape.small
    }
    #expect(right.count == Self.seen.count)
  }

  /// Times with units held over those without, from the same table: two waves, four waves, many waves.
  @Test(arguments: [
    (1024.0, 8192.0, 2.0, 1.45), (1024, 8192, 8, 1.89), (1024, 8192, 16, 1.86), (1024, 8192, 1, 1.0),
    (4096, 4096, 1, 1.24),
    (4096, 4096, 4, 1.45), (4096, 4096, 24, 1.40), (8192, 8192, 1, 1.07), (8192, 8192, 16, 1.23),
    (2048, 2048, 2, 1.0), (2048, 2048, 8, 1.81), (2048, 12288, 8, 1.29),
  ])
  func timesBesideHeldUnits(_ m: Double, _ n: Double, _ held: Double, _ measured: Double) {
    let waves = TileWaves<Double>(GEMM(m: m, n: n, k: 8192), units: 132, dispatch: .persistentClusters)
    let predicted = waves.crowd(held: held).time(unit: 1 / waves.waves, lone: 0.87)
    #expect(abs(predicted / measured - 1) < 0.07)
  }

  /// Without clusters nothing is owned in advance: 120 tiles on 60 of 120 units take two waves instead of one.
  @Test func oneByOne() {
    let waves = TileWaves<Double>(
      GEMM(m: 15 * 256, n: 8 * 128, k: 1024), units: 120, dispatch: .oneByOne)
    #expect(waves.waves == 1)
    #expect(abs(waves.crowd(held: 60).time(unit: 1, lone: 1) - 2) < 1e-9)
    #expect(abs(waves.crowd(held: 0).time(unit: 1, lone: 1) - 1) < 1e-9)
  }
}

@Suite struct CopyEngineTests {
  /// 4 ranks copy to 3 peers each: twelve starts of 34 us bound small exchanges; 512 MiB over 0.62 of 450 GB/s.
  @Test func launchesAndPayload() throws {
    let form = CopyEngineForm<Double>.uncalibrated
    let small = try #require(form.time(Collective(.allToAll, bytes: 1e6, ranks: 4), bandwidth: 450e9))
    #expect(abs(small - 12 * 34e-6) < 1e-12)
    let large = try #require(form.time(Collective(.allToAll, bytes: 536_870_912, ranks: 4), bandwidth: 450e9))
    #expect(abs(large - (70e-6 + 0.75 * 536_870_912 / (0.62 * 450e9))) < 1e-12)
    #expect(form.time(Collective(.allReduce, bytes: 1e6, ranks: 4), bandwidth: 450e9) == nil)
    #expect(form.time(Collective(.reduceScatter, bytes: 1e6, ranks: 4), bandwidth: 450e9) == nil)
    #expect(abs(form.launch(ranks: 4, processes: 4) - 3 * 34e-6) < 1e-12)
  }

  @Test func besideKernels() {
    let form = CopyEngineForm<Double>.uncalibrated
    // The kernels start when all copies have been started, and lose three per cent; the copies go on without them.
    #expect(abs(form.beside(kernels: 3, exchange: 1, exchanges: 2, launch: 0.5) - 4.09) < 1e-12)
    #expect(form.beside(kernels: 0.5, exchange: 1, exchanges: 2, launch: 0.5) == 2)
  }
}

/// Strategies for a product beside an exchange.
@Suite struct OverlapPlanTests {
  static func plan(_ random: inout SplitMix64, waves: Bool = true) -> OverlapPlan<Double> {
    let shape = GEMM<Double>(
      m: random.logarithmic(in: 256...16384).rounded(), n: random.logarithmic(in: 256...16384).rounded(),
      k: 4096)
    let product = Tenant<Double>(
      time: random.logarithmic(in: 1e-4...1e-2), units: 304,
      memory: Double.random(in: 0...0.6, using: &random),
      waves: waves ? TileWaves(shape, units: 304, dispatch: .oneByOne) : nil,
      busy: Double.random(in: 0.3...1, using: &random))
    let exchange = Tenant<Double>(
      time: random.logarithmic(in: 1e-4...1e-2), units: Double.random(in: 16...80, using: &random).rounded(),
      memory: Double.random(in: 0...0.3, using: &random), link: 1, keeps: 0.88)
    var copies = exchange
    copies.units = 0
    copies.engines = 0.5
    return OverlapPlan(
      product: product, exchange: exchange, copies: copies, units: 304,
      queueShare: Double.random(in: 0...1, using: &random), contention: ContentionForm(loneUnit: 1))
  }

  @Test(arguments: UInt64(0)..<200)
  func neverFasterThanTheIdeal(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let plan = Self.plan(&random)
    for strategy in [
      OverlapStrategy.concurrent, .prioritised, .partition(units: 8), .partition(units: 96), .copyEngines,
      .copyEnginesReserving(units: 8),
    ] {
      let time = try #require(plan.time(strategy))
      #expect(time >= plan.ideal * (1 - 1e-9), "\(strategy)")
      let fraction = try #require(plan.fractionOfIdeal(strategy))
      #expect(fraction <= 1 + 1e-9, "\(strategy)")
    }
    #expect(plan.idealSpeedup >= 1 && plan.idealSpeedup <= 2)
  }

  /// Who waits less in the queue is not slower, and one that does not wait is the one that is served first.
  @Test(arguments: UInt64(0)..<100)
  func waitingNeverHelpsAWorkThatScales(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var plan = Self.plan(&random, waves: false)
    plan.queueShare = 1
    let atOnce = try #require(plan.time(.concurrent))
    #expect(abs(atOnce - (try #require(plan.time(.prioritised)))) < 1e-12)
  }

  /// The heuristic is the smallest of the larger of both times, tried one by one.
  @Test(arguments: UInt64(0)..<100)
  func reservedUnitsAreTheBestOfAll(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let plan = Self.plan(&random)
    func slower(_ units: Double) -> Double {
      max(plan.productTime(reserving: units), plan.exchange.time * max(1, plan.exchange.units / units))
    }
    let chosen = plan.reservedUnits(granularity: 8)
    #expect(chosen.truncatingRemainder(dividingBy: 8) == 0)
    for units in stride(from: 8.0, through: 128, by: 8) {
      #expect(slower(chosen) <= slower(units) * (1 + 1e-6))
    }
  }

  @Test func copiesThatCannotAddUp() {
    var random = SplitMix64(seed: 1)
    var plan = Self.plan(&random)
    plan.copies = nil
    #expect(plan.time(.copyEngines) == nil)
    #expect(plan.fractionOfIdeal(.copyEnginesReserving(units: 8)) == nil)
  }

  @Test func fewestWorkGroupsFirst() {
    #expect(OverlapPlan<Double>.launchOrder(workGroups: [512, 32, 64, 32]) == [1, 3, 2, 0])
  }

  @Test func classes() {
    #expect(OverlapClass(product: 1.2, exchange: 1) == .productLong)
    #expect(OverlapClass(product: 1, exchange: 1.2) == .exchangeLong)
    #expect(OverlapClass(product: 1, exchange: 1.1) == .equal)
  }
}

/// Equal products at once.
@Suite struct ConcurrentProductsTests {
  let form = ConcurrentProductsForm<Double>.uncalibrated
  let product = GEMM<Double>(m: 2048, n: 1024, k: 1024)

  func time(_ gemm: GEMM<Double>, _ count: Double, missed: Double = 0) throws -> Double {
    let model = DeviceModel<Double>(try Device(named: "nvidia-h200", in: Repository.library), nil)
    return try #require(
      form.cost(
        gemm, count: count, .bf16, form: model.productForm(.bf16), on: model.machine,
        waves: model.waves(of: gemm),
        missed: missed)?.time)
  }

  /// One alone is that of its own form; more take longer, and bytes that are read again cost time.
  @Test func oneIsAloneAndMoreTakeLonger() throws {
    let model = DeviceModel<Double>(try Device(named: "nvidia-h200", in: Repository.library), nil)
    #expect(try time(product, 1) == model.cost(.gemm(product), .bf16)?.time)
    let times = try [2.0, 4, 8, 16].map { try time(product, $0) }
    for (fewer, more) in zip(times, times.dropFirst()) { #expect(more > 1.5 * fewer && more < 2.1 * fewer) }
    #expect(try time(product, 4, missed: 1e9) > (try time(product, 4)))
  }

  /// A step of the predictor that is right on what it learned from.
  @Test func thePredictorLearnsAThreshold() {
    var random = SplitMix64(seed: 7)
    let shapes = (0..<200).map { _ in
      GEMM<Double>(
        m: random.logarithmic(in: 64...8192).rounded(), n: random.logarithmic(in: 64...8192).rounded(),
        k: 1024)
    }
    // Worth it as long as so many products do not fill the device.
    func time(_ gemm: GEMM<Double>, _ degree: Double) -> Double {
      max(1 / degree, gemm.m * gemm.n / 16384 / 120)
    }
    let predictor = DegreePredictor(learningFrom: shapes, degrees: [1, 2, 4, 8], units: 120, time: time)
    let right = shapes.filter { shape in
      let chosen = time(shape, predictor.degree(for: shape, units: 120))
      return chosen <= 1.3 * ([1, 2, 4, 8].map { time(shape, $0) }.min() ?? 0)
    }
    #expect(right.count >= 180)
  }
}

import CostModels
import Quantities
import Testing

@Suite struct FusedReduceScatterTests {
  /// One unit of two operations a second and bytes at one a second: a product of four chunks takes 8 s, a step 1 s.
  private func form(link: Double) -> FusedReduceScatterForm<Double> {
    FusedReduceScatterForm(
      units: 1, peak: 2, efficiency: 1, tile: 1, cache: 1e9, heldOutputs: 1, memoryBandwidth: 1e12,
      linkBandwidth: link, linkLatency: 0, updateCost: 1)
  }
  private let product = ScatteredProduct(
    tokens: 4.0, columns: 1, inner: 2, ranks: 4, elementBytes: 1)

  /// Every chunk is sent while the next is computed: nothing is exposed.
  @Test func aLongProductHidesTheExchange() {
    let times = form(link: 1).times(product)
    #expect(abs(times.product - 8) < 1e-9)
    #expect(abs(times.sequential - 14) < 1e-9)
    #expect(abs(times.ideal - 11) < 1e-9)
    #expect(abs(times.arbitrated - 11) < 1e-9)
  }

  /// Steps of 3 s wait for the first chunk of 2 s, then follow one another: 2 + 9, and 9 for the all-gather.
  @Test func aShortProductExposesItsFirstChunk() {
    let times = form(link: 1.0 / 3).times(product)
    #expect(abs(times.ideal - 18) < 1e-9)
    #expect(abs(times.arbitrated - 20) < 1e-9)
    #expect(abs(times.sequential - 26) < 1e-9)
  }

  /// T3's reading notes: 2.5 and 2.2 times fewer reads at TP 8 and 16; writes fall by an eighth and a sixteenth.
  @Test func chunksAreCounted() {
    func reads(_ ranks: Double) -> Double {
      FusedReduceScatterForm.scatterReads(ranks: ranks)
        / FusedReduceScatterForm.fusedScatterReads(ranks: ranks)
    }
    #expect(reads(8) == 2.5)
    #expect((10 * reads(16)).rounded() == 22)
    for (ranks, left) in [(8.0, 7.0 / 8), (16, 15.0 / 16)] {
      #expect(
        FusedReduceScatterForm.fusedWrites(ranks: ranks) / FusedReduceScatterForm.writes(ranks: ranks) == left
      )
    }
  }

  /// What must hold for any machine and product.
  @Test func orderOfTheSchedules() {
    var random = SplitMix64(seed: 24)
    for _ in 0..<500 {
      func value(_ low: Double, _ high: Double) -> Double { Double.random(in: low...high, using: &random) }
      let form = FusedReduceScatterForm(
        units: value(20, 200).rounded(), peak: value(5e13, 1e15), efficiency: value(0.4, 1), tile: 128,
        cache: value(1e6, 1e8), heldOutputs: value(0, 3), memoryBandwidth: value(5e11, 5e12),
        linkBandwidth: value(2e10, 5e11), linkLatency: value(0, 5e-6), updateCost: value(1, 2))
      let ranks = value(3, 64).rounded()
      let product = ScatteredProduct(
        tokens: value(256, 16384).rounded(), columns: value(1024, 20480).rounded(),
        inner: value(128, 8192).rounded(), ranks: ranks)
      let times = form.times(product)
      #expect(times.idealNearMemory <= times.ideal && times.ideal <= times.sequential)
      #expect(times.idealNearMemory <= times.arbitrated * (1 + 1e-12))
      #expect(times.arbitrated <= times.fused * (1 + 1e-12))
      // The all-gather takes as long as the ring's part of the reduce-scatter and stays.
      let tail = times.reduceScatter - times.reduceScatterNearMemory
      #expect(times.sequential / times.ideal <= 1.5 + 0.5 * tail / times.allGather)
      let plain = form.traffic(product, isFused: false)
      let fused = form.traffic(product, isFused: true)
      #expect(fused.total < plain.total && fused.gather == plain.gather)
      // No operand is read less than once.
      let once = 2 * product.inner * (product.tokens + product.columns)
      #expect(fused.productReads >= once * (1 - 1e-12) && fused.productReads <= plain.productReads)
    }
  }
}

@Suite struct JustInTimeTests {
  /// 40_jitq_pim.csv: 3.75 of 15.75 bytes are 23.8 %; with one layer there is nothing to save.
  @Test func savedCapacity() {
    let many = TrainingState<Double>(precise: 12, copies: 3.75, layers: 1e9)
    #expect(abs(100 * many.saving - 23.8) < 0.05)
    #expect(TrainingState<Double>(precise: 12, copies: 3.75, layers: 1).saving == 0)
  }

  @Test(arguments: [("MX9", 9.0), ("MX6", 6), ("MX4", 4)])
  func bitsOfTheFormats(name: String, bits: Double) throws {
    #expect(try #require(BlockFormat.all.first { $0.name == name }).bits == bits)
  }

  /// A pass of 2 s that uses half of the memory; 3 s of quantising take it for all of the pass and 1 s more.
  @Test func passesByHand() {
    let long = JustInTimePass<Double>(pass: 2, traffic: 1, bandwidth: 1, quantising: 3, stall: 1)
    #expect(abs(long.added - 2) < 1e-12)
    let hidden = JustInTimePass<Double>(pass: 2, traffic: 1, bandwidth: 1, quantising: 1, stall: 0)
    #expect(hidden.added == 0)
  }
}

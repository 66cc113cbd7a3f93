import CostModels
import ModelTestSupport
import Quantities
import Testing
import Workloads

@Suite struct UnitArrayTests {
  private func units() throws -> UnitArray<Double> { UnitArray(try Repository.device("upmem-pim-opt")) }

  /// PrIM: 35, 538, 608 and 651 MB/s for reads of 8, 512, 1,024 and 2,048 B at 350 MHz.
  @Test(arguments: [(8.0, 34.6), (512, 538), (1024, 608), (2048, 651)])
  func bandwidthOfTheBankByTransferSize(bytes: Double, expected: Double) throws {
    let units = try units()
    let rate = bytes * units.clock / units.transferCycles(bytes: bytes, writes: false) / 1e6
    #expect(abs(rate / expected - 1) < 0.005)
  }

  /// PrIM: throughput grows with the tasklets up to 11 and not beyond.
  @Test func elevenTaskletsFillThePipeline() throws {
    let units = try units()
    func cycles(_ tasklets: Double) -> Double {
      units.pipelineCycles(instructions: 11000, busiest: 11000 / tasklets)
    }
    #expect(cycles(1) == 121_000)
    #expect(abs(cycles(1) / cycles(10) - 10) < 1e-9)
    #expect(cycles(11) == 11000)
    #expect(cycles(16) == 11000)
  }

  /// 58.33 million additions a second: six instructions each.
  @Test func additionsOfAWholeLoop() throws {
    let units = try units()
    #expect(abs(units.clock / units.pipelineCycles(instructions: 6, busiest: 6.0 / 16) / 58.33e6 - 1) < 1e-3)
  }
}

@Suite struct UnitWorkTests {
  /// MB read and written by one DPU in an epoch; typed from sync_counts_and_bytes.csv (mram columns) for MA-SGD and
  /// 3,328 samples: 0.17722 and 0.06816 GB with batches of 8, 0.1653 and 0.05623 with 64.
  @Test(arguments: [(8, 0.17722, 0.06816), (16, 0.17041, 0.06134), (64, 0.1653, 0.05623)])
  func bytesOfTheDenseKernel(batch: Int, read: Double, written: Double) throws {
    let training = try LinearTraining(.yfcc, .modelAveraging, .logisticRegression, units: 2048, batch: batch)
    let work = UnitEpoch<Double>(training, tasklets: 16)
    #expect(abs((work.reads.bytes + work.updateReads.bytes) / 1e9 - read) < 1e-5)
    #expect(abs((work.writes.bytes + work.updateWrites.bytes) / 1e9 - written) < 1e-5)
  }

  /// kernel_op_counts.csv: 135 transfers a sample, 184 + 312 + 312 + 312 + 16 bytes.
  @Test func transfersOfTheSparseKernel() throws {
    let training = try LinearTraining(.criteo, .admm, .logisticRegression, units: 2048)
    let work = UnitEpoch<Double>(training, tasklets: 16)
    let samples = 196_608.0
    #expect((work.reads.count + work.writes.count) / samples == 135)
    #expect((work.reads.bytes + work.writes.bytes) / samples == 184 + 3 * 312 + 16 + 4)
  }

  /// An epoch's shard and state fit in a DPU's 64 MiB in every run of the paper.
  @Test(arguments: PIMOptDataset.allCases, DistributedAlgorithm.allCases)
  func shardsFit(dataset: PIMOptDataset, algorithm: DistributedAlgorithm) throws {
    let training = try LinearTraining(dataset, algorithm, .logisticRegression, units: 2048)
    #expect(training.shardBytes + training.stateBytes < 64 << 20)
  }
}

@Suite struct UnitCommandTests {
  /// Samsung quotes 4.92 TB/s inside four stacks; the card of SK hynix has 16.4 TB/s at a step a nanosecond.
  @Test(arguments: [("samsung-hbm-pim", 4.92e12), ("skhynix-gddr6-aim", 16.4e12)])
  func peakBandwidthOfTheBanks(name: String, expected: Double) throws {
    let form = try #require(UnitCommandForm<Double>(try Repository.device(name)))
    #expect(abs(form.peakBandwidth / expected - 1) < 0.01)
    let time = form.matrixVector(rows: 8192, columns: 8192, bytes: 2)
    #expect(2 * 8192 * 8192 / time < form.peakBandwidth)
    #expect(time < form.external(bytes: 2 * 8192 * 8192))
  }

  /// AMDGeniePIM@c282f01 prints 19,043.7 ns for 6,144 by 2,048 bytes on LPDDR5X of 128 B/ns: 16 banks a channel, words of
  /// 32 B every 4.267 ns, rows of 2,048 B, tRP + tRCD of 39 ns, eight input and four output registers.
  @Test func anotherGroupsMatrixVector() throws {
    var form = try #require(UnitCommandForm<Double>(try Repository.device("samsung-hbm-pim")))
    (form.units, form.channelUnits, form.operand, form.interval) = (128, 16, 32, 4.267e-9)
    (form.row, form.rowChange, form.refresh, form.sharedOperand, form.sums) = (2048, 39e-9, 0, 256, 4)
    #expect(abs(form.matrixVector(rows: 6144, columns: 2048, bytes: 1) / 19043.7e-9 - 1) < 0.04)
  }

  /// Eight numbers of four bytes are an operand: four commands each, and a quarter of an operand written.
  @Test func quantisationByHand() throws {
    var form = try #require(UnitCommandForm<Double>(try Repository.device("samsung-hbm-pim")))
    (form.units, form.operand, form.interval, form.rowChange, form.refresh) = (16, 32, 2e-9, 0, 0)
    let time = form.quantisation(elements: 16 * 8 * 1000, bytes: 4, written: 1, commands: 4)
    #expect(abs(time - (4000 + 250) * 2e-9) < 1e-15)
  }
}

import CostModels
import ModelTestSupport
import Quantities
import Testing
import Workloads

@Suite struct PartitionCampingTests {
  /// Counted one access after another.
  @Test(arguments: 0..<60)
  func reachedPartitionsAreThoseCounted(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let partitions = Int.random(in: 1...24, using: &random)
    let interleave = 1 << Int.random(in: 6...11, using: &random)
    let pieces = Int.random(in: 1...64, using: &random)
    var seen: Set<Int> = []
    for index in 0..<(partitions * 64) { seen.insert(index * pieces % partitions) }
    let part = PartitionCamping.reached(
      stride: pieces * interleave, partitions: partitions, interleave: interleave)
    #expect(abs(part - Double(seen.count) / Double(partitions)) < 1e-12)
    // Strides within a piece, or that are no whole number of pieces, reach all.
    #expect(
      PartitionCamping.reached(
        stride: pieces * interleave + interleave / 2, partitions: partitions, interleave: interleave) == 1)
  }

  @Test func elevenPartitionsDoNotCampOnPowersOfTwo() {
    for power in 8...20 {
      #expect(PartitionCamping.reached(stride: 1 << power, partitions: 11, interleave: 256) == 1)
      #expect(PartitionCamping.reached(stride: 1 << power, partitions: 4, interleave: 256) < 1 || power < 9)
    }
  }
}

@Suite struct ConvolutionFormTests {
  private let algorithms = Convolution<Double>.Algorithm.allCases

  /// More images never take less time, and a faster clock or memory never more.
  @Test func monotone() throws {
    let device = try Repository.device("nvidia-gtx-1080-ti")
    var faster = Machine<Double>(device)
    faster.clock *= 1.5
    faster.memoryBandwidth *= 1.5
    let models = [ConvolutionModel(machine: Machine(device), nil), ConvolutionModel(machine: faster, nil)]
    for pass in Convolution<Double>.Pass.allCases {
      for algorithm in algorithms {
        var last = [0.0, 0]
        for batch in [1.0, 2, 7, 16, 64, 100, 256, 1000] {
          let shape = try #require(LeNet(batch: batch).convolution(.conv2, pass, algorithm))
          let times = try models.map { try #require($0.time(shape)) }
          #expect(times[0] >= last[0] && times[1] >= last[1], "\(pass) \(algorithm) \(batch)")
          #expect(times[1] <= times[0])
          last = times
        }
      }
    }
  }

  /// Partitions that are missed cost time where the memory decides, and never save any.
  @Test func campingOnlyCosts() throws {
    let model = ConvolutionModel<Double>(machine: Machine(try Repository.device("nvidia-gtx-1050")), nil)
    for algorithm in [Convolution<Double>.Algorithm.fft, .fftTiling, .winograd] {
      let shape = try #require(LeNet(batch: 256.0).convolution(.conv2, .forward, algorithm))
      let all = try #require(model.time(shape))
      let quarter = try #require(model.time(shape, reached: { _ in 0.25 }))
      #expect(quarter > all && quarter < 4 * all)
    }
  }
}

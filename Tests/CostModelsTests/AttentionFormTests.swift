import Calibration
import CostModels
import Quantities
import ModelTestSupport
import Testing
import Workloads

@Suite struct AttentionFormTests {
  static let definitions = AttentionForm<Double>.constants

  static func index(_ name: String) -> Int { Constant.index(name, in: definitions) }

  static func time(
    _ shape: FlashAttention<Double>, on machine: Machine<Double>, _ constants: [Double],
    streaming: StreamingForm<Double> = .uncalibrated
  ) throws -> Double {
    try #require(
      AttentionForm(constants: constants).cost(shape, .fp16, on: machine, streaming: streaming)
    ).time
  }

  static func shape(
    _ s: Double, batch: Double = 1, heads: Double = 16, size: Double = 128, causal: Bool = false,
    backward: Bool = false
  ) -> FlashAttention<Double> {
    FlashAttention(
      batch: batch, heads: heads, keyValueHeads: heads, queries: s, keys: s, headSize: size, causal: causal,
      backward: backward)
  }

  /// 100 units of 1 TFLOP/s.
  ///
  /// 16 heads of 1024 queries are 128 blocks: 2 waves of 4·128·1024·128/1e12 = 67.1 us at full rate, 134.2 us
  /// at half; with 1 us of prologue each and 3 us of start 139.2 us.
  @Test func blocksRunInWaves() throws {
    var machine = Machine<Double>(try Repository.device("nvidia-a100-80g-sxm"))
    machine.units = 100
    machine.rates = [.fp16: 100e12]
    machine.memoryBandwidth = 1e30
    let time = try Self.time(Self.shape(1024), on: machine, [3, 1, 0.25, 0.5, 1, 0.5])
    #expect(abs(time - (3e-6 + 2 * (1e-6 + 134.217728e-6))) < 1e-12)
    // Heads of 64 elements have half the work at half the efficiency: the same time.
    let small = try Self.time(Self.shape(1024, size: 64), on: machine, [3, 1, 0.25, 0.5, 1, 0.5])
    #expect(abs(small - time) < 1e-12)
    // 96 elements lie half way: 3/4 of the work at an efficiency of 0.375, the same once more.
    let middle = try Self.time(Self.shape(1024, size: 96), on: machine, [3, 1, 0.25, 0.5, 1, 0.5])
    #expect(abs(middle - time) < 1e-12)
  }

  /// The gradient does five products and 2.5 us of other work a block: 5/2·67.1 us over 0.5·0.8 are 419.43 us.
  ///
  /// Two waves of 421.93 us, 3 us of start, and three kernels around it of 1.5 us each: 851.36 us in all.
  @Test func theGradientByHand() throws {
    var machine = Machine<Double>(try Repository.device("nvidia-a100-80g-sxm"))
    machine.units = 100
    machine.rates = [.fp16: 100e12]
    machine.memoryBandwidth = 1e30
    let time = try Self.time(Self.shape(1024, backward: true), on: machine, [3, 1, 0.25, 0.5, 0.8, 0.5])
    #expect(abs(time - 851.3608e-6) < 1e-11)
    // Five arrays of 16·1024·128 elements of 2 bytes stream around it at 85 % of the memory: 24.67 us at 1 TB/s.
    machine.memoryBandwidth = 1e12
    let streamed = try Self.time(Self.shape(1024, backward: true), on: machine, [3, 1, 0.25, 0.5, 0.8, 0.5])
    #expect(abs(streamed - time - 5 * 2 * 16 * 1024 * 128 / 0.85e12) < 1e-12)
  }

  /// Half of the scores are masked: with many blocks a unit the time approaches one half.
  @Test func aLongCausalMaskHalvesTheTime() throws {
    let machine = Machine<Double>(try Repository.device("nvidia-h200"))
    let constants = Self.definitions.map(\.initial)
    let full = try Self.time(Self.shape(32768, batch: 8), on: machine, constants)
    let causal = try Self.time(Self.shape(32768, batch: 8, causal: true), on: machine, constants)
    #expect((0.5...0.51).contains(causal / full))
  }

  @Test(arguments: UInt64(0)..<100)
  func aMaskNeverCosts(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    let full = random.attention()
    let causal = FlashAttention(
      batch: full.batch, heads: full.heads, keyValueHeads: full.heads, queries: full.queries,
      keys: full.keys, headSize: full.headSize, causal: true, backward: full.backward)
    let constants = random.constants(of: Self.definitions)
    let limit = try Self.time(full, on: machine, constants) * (1 + rounding)
    #expect(try Self.time(causal, on: machine, constants) <= limit)
  }

  @Test(arguments: UInt64(0)..<100)
  func aBetterMachineIsNeverSlower(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    let shape = random.attention(causal: Bool.random(using: &random))
    let constants = random.constants(of: Self.definitions)
    let limit = try Self.time(shape, on: machine, constants) * (1 + rounding)
    var better = machine
    better.memoryBandwidth *= random.logarithmic(in: 1...16)
    #expect(try Self.time(shape, on: better, constants) <= limit)
    better = machine
    let factor = random.logarithmic(in: 1...16)
    better.rates = better.rates.mapValues { $0 * factor }
    #expect(try Self.time(shape, on: better, constants) <= limit)
    // More units of the same kind.
    better = machine
    let units = (machine.units * random.logarithmic(in: 1...8)).rounded()
    better.units = units
    better.rates = better.rates.mapValues { $0 * units / machine.units }
    #expect(try Self.time(shape, on: better, constants) <= limit)
    for name in ["start", "prologue"] {
      var quicker = constants
      quicker[Self.index(name)] *= random.logarithmic(in: 0.05...1)
      #expect(try Self.time(shape, on: machine, quicker) <= limit)
    }
  }

  /// No kernel beats the peak on the products that it must do, half of them under a mask, or the memory.
  @Test(arguments: UInt64(0)..<100)
  func theDataSheetIsABound(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    let shape = random.attention(causal: Bool.random(using: &random))
    var constants = random.constants(of: Self.definitions)
    let backward = Self.index("backward_efficiency")
    constants[backward] = min(1, constants[backward])
    let time = try Self.time(shape, on: machine, constants)
    let peak = try #require(machine.rate(.fp16))
    #expect(time * (1 + rounding) >= shape.flop / peak)
    #expect(time * (1 + rounding) >= shape.bytes(.fp16) / machine.memoryBandwidth)
  }

  /// Five products instead of two, and more around them.
  @Test(arguments: UInt64(0)..<50)
  func theGradientTakesLonger(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    let causal = Bool.random(using: &random)
    let forward = random.attention(causal: causal, backward: false)
    let backward = FlashAttention(
      batch: forward.batch, heads: forward.heads, keyValueHeads: forward.heads, queries: forward.queries,
      keys: forward.keys, headSize: forward.headSize, causal: causal, backward: true)
    let constants = random.constants(of: Self.definitions)
    #expect(
      try Self.time(backward, on: machine, constants) > Self.time(forward, on: machine, constants))
  }
}

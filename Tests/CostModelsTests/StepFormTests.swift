import CostModels
import ModelTestSupport
import Quantities
import Testing
import Workloads

@Suite struct StepFormTests {
  /// Products of an eager step lose only what comes after their start; everything else costs what it costs alone.
  @Test func onlyProductsChange() throws {
    let model = DeviceModel<Double>(
      try Repository.device("nvidia-h200"), try Repository.calibration("nvidia-h200"))
    var ratios: [Double] = []
    for size in [64.0, 512, 4096, 16384] {
      let product = Work<Double>.gemm(GEMM(m: size, n: size, k: size))
      let alone = try #require(model.cost(product, .bf16))
      let step = try #require(model.costInStep(product, .bf16))
      #expect(step.launch == alone.launch)
      #expect(step.time >= alone.launch && step.time <= alone.time)
      ratios.append((step.time - step.launch) / (alone.time - alone.launch))
    }
    for ratio in ratios { #expect(abs(ratio - ratios[0]) < 1e-12) }
    // What whole-layer profiles say of an H200: seven parts in a hundred, give or take.
    #expect(ratios[0] > 0.88 && ratios[0] < 0.98)
    let copy = Work<Double>.streaming(Streaming(.permute, rows: 4096, columns: 4096))
    #expect(model.costInStep(copy, .bf16)?.time == model.cost(copy, .bf16)?.time)
  }

  /// Products of 8 ms leave an iteration at full clock; in longer ones kernels that wait for the units take longer, up to 16 %, those
  /// that wait for the memory hardly, and products at most what they take in a loop of themselves.
  @Test func longStepsMeetThePowerLimit() throws {
    let alone = DeviceModel<Double>(
      try Repository.device("nvidia-h200"), try Repository.calibration("nvidia-h200"))
    let product = Work<Double>.gemm(GEMM(m: 4096, n: 4096, k: 4096))
    let permute = Work<Double>.streaming(Streaming(.permute, rows: 4096, columns: 4096))
    let add = Work<Double>.streaming(Streaming(.add, rows: 65536, columns: 4096))
    let softmax = Work<Double>.streaming(Streaming(.softmax, rows: 65536, columns: 1024))
    func growth(_ work: Work<Double>, products: Double) throws -> Double {
      let time = try #require(alone.cost(product, .bf16)).time
      let step = alone.inEagerStep([Operator("", .forward, product, .bf16)], count: products / time)
      return try #require(step.costInStep(work, .bf16)).time / (#require(alone.costInStep(work, .bf16))).time
    }
    for work in [product, permute, add, softmax] {
      #expect(abs(try growth(work, products: 7e-3) - 1) < 1e-12)
    }
    #expect(abs(try growth(softmax, products: 1) - 1) < 1e-12)
    // layers.csv: 12,288 wide, 33 ms of products, copies of heads by 1.10 to 1.14.
    #expect(try abs(growth(permute, products: 33e-3) - 1.12) < 0.02)
    #expect(try growth(add, products: 33e-3) < 1.03)
    let whole = try #require(alone.cost(product, .bf16)).time
    let step = try #require(alone.costInStep(product, .bf16)).time
    #expect(try abs(growth(product, products: 100) - whole / step) < 1e-3)
  }

  /// Kernels that a host starts do not read the state of the random generator from memory: 0.6 us less for dropout.
  @Test func dropoutOutsideOfAGraph() throws {
    let model = DeviceModel<Double>(
      try Repository.device("nvidia-h200"), try Repository.calibration("nvidia-h200"))
    let dropout = Work<Double>.streaming(
      Streaming(.dropout, rows: 512, columns: 1024, residency: .justWritten))
    let alone = try #require(model.cost(dropout, .bf16)).time
    let step = try #require(model.costInStep(dropout, .bf16)).time
    #expect(abs(alone - step - 0.6e-6) < 1e-12)
    // layers.csv, hidden 1,024, 512 tokens, two dropouts: 5.75 us.
    #expect(abs(step / 2.875e-6 - 1) < 0.12)
  }

  /// A device without profiles costs products in a step as alone.
  @Test func uncalibratedDevicesKeepTheirTimes() throws {
    let model = DeviceModel<Double>(try Repository.device("amd-mi100"), nil)
    let product = Work<Double>.gemm(GEMM(m: 4096, n: 1024, k: 1024))
    #expect(model.costInStep(product, .fp16)?.time == model.cost(product, .fp16)?.time)
  }

  /// The passes around the gradient of flash attention and its products are the whole gradient.
  @Test(arguments: 0..<20)
  func partsOfAGradientAddUp(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let model = DeviceModel<Double>(
      try Repository.device("nvidia-h200"), try Repository.calibration("nvidia-h200"))
    let heads = random.size(in: 1...64)
    let whole = FlashAttention<Double>(
      batch: random.size(in: 1...32), heads: heads, keyValueHeads: heads, queries: random.size(in: 64...8192),
      keys: random.size(in: 64...8192), headSize: 64, causal: Bool.random(using: &random), backward: true)
    func time(_ part: FlashAttention<Double>.Part) throws -> Double {
      try #require(model.cost(.attention(whole.only(part)), .bf16)).time
    }
    #expect(abs((try time(.products) + time(.passes)) / (try time(.whole)) - 1) < 1e-12)
  }
}

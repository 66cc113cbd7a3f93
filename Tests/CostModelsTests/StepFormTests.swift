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

import Quantities
import TestSupport
import Testing
import Workloads

private typealias Iteration = BERTIteration<Double>

private let large = Iteration.Shape(
  layers: 24, hidden: 1024, heads: 16, feedForward: 4096, vocabulary: 30522, positions: 512)

private func kernels(_ name: String, _ iteration: Iteration) -> [Iteration.Kernel] {
  iteration.kernels.filter { "\($0.operation.name)" == name }
}

private func products(_ iteration: Iteration) -> Double {
  iteration.kernels.reduce(0) { sum, kernel in
    if case .gemm(let shape) = kernel.operation.work { sum + kernel.count * shape.flop } else { sum }
  }
}

@Suite struct BERTTests {
  /// Dimensions, operations and intensities of 51_bert_gemm_dims_intensity.csv, an algebra of its own (there M and N stand
  /// the other way round: its result is transposed).
  @Test(arguments: [
    ("query projection", 128.0, 32.0, DataType.fp32, [4096.0, 1024, 1024, 1], 8_589_934_592.0, 227.56),
    ("scores", 128, 32, .fp32, [128, 128, 64, 512], 1_073_741_824, 16),
    ("context", 128, 32, .fp32, [128, 64, 128, 512], 1_073_741_824, 16),
    ("FC1", 128, 32, .fp32, [4096, 4096, 1024, 1], 34_359_738_368, 341.33),
    ("FC2", 128, 32, .fp32, [4096, 1024, 4096, 1], 34_359_738_368, 341.33),
    ("query data gradient", 128, 32, .fp32, [4096, 1024, 1024, 1], 8_589_934_592, 227.56),
    ("FC1 weight gradient", 128, 32, .fp32, [4096, 1024, 4096, 1], 34_359_738_368, 341.33),
    ("query projection", 128, 32, .fp16, [4096, 1024, 1024, 1], 8_589_934_592, 455.11),
    ("scores", 512, 4, .fp16, [512, 512, 64, 64], 2_147_483_648, 51.2),
    ("FC1", 512, 4, .fp16, [2048, 4096, 1024, 1], 17_179_869_184, 585.14),
    ("query weight gradient", 512, 4, .fp16, [1024, 1024, 2048, 1], 4_294_967_296, 409.6),
  ])
  func productsAreThoseOfTheReference(
    name: String, sequence: Double, batch: Double, type: DataType, dimensions: [Double], flop: Double,
    intensity: Double
  ) throws {
    let iteration = Iteration(shape: large, sequence: sequence, batch: batch, dataType: type)
    let kernel = try #require(kernels(name, iteration).first)
    guard case .gemm(let shape) = kernel.operation.work else {
      Issue.record("\(name) is no product")
      return
    }
    #expect([shape.m, shape.n, shape.k, shape.batch] == dimensions)
    #expect(shape.flop == flop)
    #expect(abs(shape.flop / shape.bytes(type) - intensity) < 0.01)
    #expect(kernel.count == 24)
  }

  /// 334 million parameters without heads (reference), 340 million printed, and 40 bytes of each for LAMB: 10.9 ms at 1.23 TB/s.
  @Test func parametersAndTheirUpdate() throws {
    #expect(abs(large.parameters / 336e6 - 1) < 0.005)
    let iteration = Iteration(shape: large, sequence: 128, batch: 32, dataType: .fp32)
    let update = try #require(kernels("LAMB", iteration).first)
    guard case .streaming(let shape) = update.operation.work else { return }
    #expect(shape.bytes(.fp32) == 40 * large.parameters)
    #expect(abs(40 * 334e6 / 1.23e12 - 10.86e-3) < 1e-5)
  }

  /// Products of an iteration are three times those of its forward pass, whatever the shape.
  @Test(arguments: 0..<30)
  func backwardIsTwiceForward(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let heads = Double(Int.random(in: 1...32, using: &random))
    let shape = Iteration.Shape(
      layers: Double(Int.random(in: 1...48, using: &random)), hidden: 64 * heads, heads: heads,
      feedForward: 256 * heads, vocabulary: 30522, positions: 512)
    let iteration = Iteration(
      shape: shape, sequence: Double(Int.random(in: 1...512, using: &random)),
      batch: Double(Int.random(in: 1...64, using: &random)), dataType: .bf16)
    let forward = iteration.kernels.reduce(0.0) { sum, kernel in
      guard kernel.operation.pass == .forward, case .gemm(let shape) = kernel.operation.work else {
        return sum
      }
      return sum + kernel.count * shape.flop
    }
    #expect(abs(products(iteration) / forward - 3) < 1e-12)
  }

  /// Micro-batches repeat everything but the update; a shared update is a part of the whole.
  @Test func updateIsOnceAnIteration() {
    var iteration = Iteration(shape: large, sequence: 128, batch: 4, dataType: .fp16)
    let once = products(iteration)
    iteration.accumulation = 8
    #expect(abs(products(iteration) / once - 8) < 1e-12)
    #expect(kernels("LAMB", iteration).map(\.count) == [1])
    iteration.dataParallel = 16
    iteration.shardsOptimizer = true
    guard case .streaming(let shared)? = kernels("LAMB", iteration).first?.operation.work else { return }
    #expect(abs(shared.elements - large.parameters / 16) < 1)
    #expect(kernels("gradient reduce-scatter", iteration).count == 1)
    #expect(kernels("weight all-gather", iteration).count == 1)
  }

  /// Over more devices each has its part of the products with weights, and all of what lies between the blocks.
  @Test(arguments: [2, 4, 8])
  func slicedLayers(degree: Int) {
    let whole = Iteration(shape: large, sequence: 128, batch: 32, dataType: .fp16)
    var sliced = whole
    sliced.tensorParallel = degree
    func flop(_ iteration: Iteration, _ group: Iteration.Class) -> Double {
      iteration.kernels.reduce(0) { sum, kernel in
        guard kernel.group == group, case .gemm(let shape) = kernel.operation.work else { return sum }
        return sum + kernel.count * shape.flop
      }
    }
    for group in [Iteration.Class.linear, .attention] {
      #expect(abs(flop(whole, group) / flop(sliced, group) - Double(degree)) < 1e-9)
    }
    let exchanges = sliced.kernels.filter { $0.group == .communication }
    #expect(exchanges.reduce(0) { $0 + $1.count } == 4 * 24)
  }
}

/// The kernels of an eager layer as PyTorch's profiler lists them (H100, PyTorch 2.11, 8 sequences of 512, hidden size 2048).
@Suite struct EagerLayerTests {
  private func layer(sequences: Double, _ attention: EagerLayer<Double>.Attention) -> EagerLayer<Double> {
    EagerLayer(hidden: 2048, heads: 16, batch: sequences, sequence: 512, attention: attention)
  }

  private func counts(_ layer: EagerLayer<Double>) -> [String: Int] {
    var counts: [String: Int] = [:]
    for operation in layer.kernels {
      switch operation.work {
      case .gemm: counts["product", default: 0] += 1
      case .attention: counts["attention", default: 0] += 1
      case .streaming(let shape): counts[shape.kind.rawValue, default: 0] += 1
      case .collective: counts["exchange", default: 0] += 1
      }
    }
    return counts
  }

  @Test func materialised() {
    #expect(
      counts(layer(sequences: 8, .materialised(copiesHeads: true))) == [
        "product": 18, "permute": 6, "concatenate": 1, "dropout": 3, "dropout_backward": 3, "row_sum": 4,
        "scale": 2, "multiply": 1, "softmax": 1, "softmax_backward": 1, "gelu": 1, "gelu_backward": 1,
        "layernorm": 2, "layernorm_backward": 2, "add": 4,
      ])
  }

  @Test func oneSequenceNeedsNoCopies() {
    #expect(counts(layer(sequences: 1, .materialised(copiesHeads: false)))["permute"] == 2)
  }

  /// The gradient of attention is two entries: its products, and the passes around them.
  @Test func flash() {
    #expect(
      counts(layer(sequences: 8, .flash)) == [
        "product": 12, "attention": 3, "permute": 1, "concatenate": 1, "dropout": 2, "dropout_backward": 2,
        "row_sum": 4, "gelu": 1, "gelu_backward": 1, "layernorm": 2, "layernorm_backward": 2, "add": 4,
      ])
  }

  /// Products with weights are those of the layer that fuses; materialised attention does what flash attention does forward and
  /// four fifths of it backward, because it keeps the scores.
  @Test func operationsAreThoseOfTheFusedLayer() {
    var list = OperatorList<Double>()
    let fused = TransformerLayer<Double>(
      hidden: 2048, heads: 16, microBatch: 8, sequence: 512, tensorParallel: 1)
    fused.forward(into: &list)
    fused.backward(into: &list)
    func flop(_ operators: [Operator<Double>], _ pass: Operator<Double>.Pass, attention: Bool) -> Double {
      operators.filter { $0.pass == pass }.reduce(0) { sum, operation in
        switch operation.work {
        case .gemm(let shape): sum + ((shape.batch > 1) == attention ? shape.flop : 0)
        case .attention(let shape): sum + (attention ? shape.flop : 0)
        default: sum
        }
      }
    }
    let eager = layer(sequences: 8, .materialised(copiesHeads: true)).kernels
    for pass in [Operator<Double>.Pass.forward, .backward] {
      #expect(flop(eager, pass, attention: false) == flop(list.operators, pass, attention: false))
      let ratio = flop(eager, pass, attention: true) / flop(list.operators, pass, attention: true)
      #expect(abs(ratio - (pass == .forward ? 1 : 0.8)) < 1e-12)
    }
  }
}

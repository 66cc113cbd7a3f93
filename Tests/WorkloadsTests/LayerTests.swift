import Documents
import Quantities
import TestSupport
import Testing
import Workloads

private func layer(
  hidden: Double, heads: Double, microBatch: Double, sequence: Double, tensorParallel: Int
) -> TransformerLayer<Double> {
  TransformerLayer(
    hidden: hidden, heads: heads, microBatch: microBatch, sequence: sequence, tensorParallel: tensorParallel)
}

private struct Totals {
  var products = 0.0
  var attention = 0.0
  var reduced: [Double] = []

  init(_ operators: [Operator<Double>]) {
    for operation in operators {
      switch operation.work {
      case .gemm(let shape): products += shape.flop
      case .attention(let shape): attention += shape.flop
      case .collective(let exchange): reduced.append(exchange.bytes)
      case .streaming: break
      }
    }
  }
}

private func forward(_ layer: TransformerLayer<Double>) -> [Operator<Double>] {
  var list = OperatorList<Double>()
  layer.forward(into: &list)
  return list.operators
}

private func backward(_ layer: TransformerLayer<Double>) -> [Operator<Double>] {
  var list = OperatorList<Double>()
  layer.backward(into: &list)
  return list.operators
}

@Suite struct LayerTests {
  private static let shapes: [(hidden: Double, heads: Double, batch: Double, length: Double)] = [
    (1024, 16, 4, 512), (12288, 96, 1, 2048), (4096, 32, 16, 1024), (25600, 160, 2, 4096),
  ]

  /// The layer costs 4 H s B (6 H + s)/TP forward and twice that backward (reference, section 2.1).
  @Test(arguments: [1, 2, 4, 8, 16])
  func workIsThatOfTheClosedForm(degree: Int) {
    for (h, heads, b, s) in Self.shapes {
      let sliced = layer(hidden: h, heads: heads, microBatch: b, sequence: s, tensorParallel: degree)
      let expected = 4 * h * s * b * (6 * h + s) / Double(degree)
      let ahead = Totals(forward(sliced))
      #expect(abs((ahead.products + ahead.attention) / expected - 1) < 1e-12)
      #expect(abs(ahead.products / (24 * h * h * s * b / Double(degree)) - 1) < 1e-12)
      let back = Totals(backward(sliced))
      #expect(abs(back.products / ahead.products - 2) < 1e-12)
      // Flash attention computes the scores once more: five products instead of four.
      #expect(abs(back.attention / ahead.attention - 2.5) < 1e-12)
    }
  }

  /// Two all-reduces of p B s H each way, none on one device, none where the compute alone is asked for.
  @Test(arguments: [2, 4, 8])
  func exchangesAreTwoEachWay(degree: Int) {
    for (h, heads, b, s) in Self.shapes {
      let sliced = layer(hidden: h, heads: heads, microBatch: b, sequence: s, tensorParallel: degree)
      let payload = TransformerTraffic.tensorPayload(elementBytes: 2, microBatch: b, length: s, hidden: h)
        .value
      #expect(Totals(forward(sliced)).reduced == [payload, payload])
      #expect(Totals(backward(sliced)).reduced == [payload, payload])
      let alone = layer(hidden: h, heads: heads, microBatch: b, sequence: s, tensorParallel: 1)
      #expect(Totals(forward(alone) + backward(alone)).reduced.isEmpty)
      let silent = TransformerLayer(
        hidden: h, heads: heads, microBatch: b, sequence: s, tensorParallel: degree, communicates: false)
      #expect(Totals(forward(silent) + backward(silent)).reduced.isEmpty)
      #expect(Totals(forward(silent)).products == Totals(forward(sliced)).products)
    }
  }

  /// The slices of all devices together read as many weights as the model has.
  @Test(arguments: [1, 2, 4, 8])
  func weightGradientsCoverTheLayer(degree: Int) throws {
    for name in ["gpt3-175b", "llama-3.1-405b", "bert-large", "megatron-1t"] {
      let model = try TransformerModel(
        node: try readDocument(path: Repository.models + "/workloads/\(name).yaml"))
      let sliced = TransformerLayer<Double>(
        model: model, microBatch: 1, sequence: 128, tensorParallel: degree, causal: true, dataType: .bf16)
      var weights = 0.0
      for operation in backward(sliced) {
        if case .gemm(let shape) = operation.work, shape.layout == .TN { weights += shape.m * shape.n }
      }
      #expect(abs(weights * Double(degree) / model.layerMatrixParameters - 1) < 1e-12, "\(name)")
    }
  }

  /// The listed products of all layers are the closed form's FLOP, grouped queries and gates included.
  @Test func listAndClosedFormAgree() throws {
    for name in ["gpt3-175b", "llama-65b", "llama-3.1-405b", "palm-540b", "mt-nlg-530b"] {
      let model = try TransformerModel(
        node: try readDocument(path: Repository.models + "/workloads/\(name).yaml"))
      let whole = TransformerLayer<Double>(
        model: model, microBatch: 2, sequence: 1024, tensorParallel: 1, causal: false, dataType: .bf16)
      let totals = Totals(forward(whole))
      let listed = Double(model.layers) * (totals.products + totals.attention)
      #expect(abs(listed / model.layersForwardFLOP(sequences: 2, length: 1024).value - 1) < 1e-12, "\(name)")
    }
  }

  @Test func causalMaskHalvesAttention() throws {
    func flop(_ causal: Bool) -> Double {
      FlashAttention<Double>(
        batch: 2, heads: 16, keyValueHeads: 16, queries: 512, keys: 512, headSize: 64, causal: causal,
        backward: false
      ).flop
    }
    #expect(flop(false) == 4 * 2 * 16 * 512 * 512 * 64)
    #expect(flop(true) == flop(false) / 2)
  }

  /// Blocks side by side share one normalisation and one all-reduce each way (PaLM, GPT-J).
  @Test func parallelBlocks() throws {
    let palm = try TransformerModel(
      node: try readDocument(path: Repository.models + "/workloads/palm-540b.yaml"))
    let sliced = TransformerLayer<Double>(
      model: palm, microBatch: 1, sequence: 2048, tensorParallel: 12, causal: true, dataType: .bf16)
    let ahead = forward(sliced)
    #expect(Totals(ahead).reduced == [2.0 * 2048 * 18432])
    let norms = ahead.filter { if case .streaming(let s) = $0.work { s.kind == .layernorm } else { false } }
    #expect(norms.count == 1)
  }

  /// A square product reads and writes three matrices: 2 n^3 FLOP over 3 p n^2 bytes.
  @Test func bytesOfAProduct() {
    let product = GEMM<Double>(m: 4096, n: 4096, k: 4096)
    #expect(product.flop == 137_438_953_472)
    #expect(product.bytes(.bf16) == 100_663_296)
    #expect(product.bytes(.fp8) == 50_331_648)
    #expect(GEMM<Double>(m: 64, n: 64, k: 64, batch: 10).flop == 10 * GEMM<Double>(m: 64, n: 64, k: 64).flop)
  }

  /// Embedding, head and update of a step: the head costs 2 B s H V forward, the update touches every weight once.
  @Test func stepAroundTheLayers() throws {
    let model = try TransformerModel(
      node: try readDocument(path: Repository.models + "/workloads/gpt3-175b.yaml"))
    let step = TransformerStep<Double>(
      model: model, microBatch: 2, sequence: 2048, tensorParallel: 8, causal: true, dataType: .bf16)
    var ahead = OperatorList<Double>()
    step.head(backward: false, into: &ahead)
    #expect(abs(Totals(ahead.operators).products * 8 / (2 * 2 * 2048 * 12288 * 51200) - 1) < 1e-12)
    var both = OperatorList<Double>()
    step.head(backward: true, into: &both)
    #expect(abs(Totals(both.operators).products / Totals(ahead.operators).products - 3) < 1e-12)
    var update = OperatorList<Double>()
    Optimizer.adamw.update(parameters: step.localParameters, name: "update", into: &update)
    guard case .streaming(let shape) = update.operators[0].work else {
      Issue.record("the update is no streaming kernel")
      return
    }
    #expect(shape.elements == model.parameters / 8)
    // Adam in FP32 reads weight, gradient and two moments, and writes three of them: 28 bytes a parameter.
    #expect(shape.bytes(.fp32) / shape.elements == 28)
  }
}

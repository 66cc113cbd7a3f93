import Testing
import Workloads

@testable import CostModels

/// The closed forms against the operators of a layer as they are listed, and against numbers of the reference.
@Suite struct CommunicationFormTests {
  static let shapes: [(hidden: Double, sequence: Double, batch: Double, degree: Int)] = [
    (1024, 512, 16, 1), (4096, 2048, 1, 8), (12288, 2048, 2, 16), (25600, 4096, 1, 64),
  ]

  /// FLOP of all products and payload of all exchanges of a layer's training step.
  private func counts(_ hidden: Double, _ sequence: Double, _ batch: Double, _ degree: Int) -> (
    Double, Double
  ) {
    let layer = TransformerLayer<Double>(
      hidden: hidden, heads: hidden / 64, microBatch: batch, sequence: sequence, tensorParallel: degree)
    var list = OperatorList<Double>()
    layer.forward(into: &list)
    layer.backward(into: &list)
    var (flop, bytes) = (0.0, 0.0)
    for operation in list.operators {
      switch operation.work {
      case .gemm(let shape): flop += shape.flop
      // The gradient of attention that keeps no scores computes them again: four products are needed, five run.
      case .attention(let shape): flop += shape.backward ? shape.flop * 4 / 5 : shape.flop
      case .collective(let exchange): bytes += exchange.bytes
      case .streaming: break
      }
    }
    return (flop, bytes)
  }

  @Test(arguments: shapes)
  func countsAreThoseOfTheOperators(hidden: Double, sequence: Double, batch: Double, degree: Int) {
    let (flop, bytes) = counts(hidden, sequence, batch, degree)
    let form = CommunicationForms.trainingFLOP(
      hidden: hidden, sequence: sequence, microBatch: batch, tensorParallel: Double(degree))
    #expect(abs(form / flop - 1) < 1e-12)
    let edge = CommunicationForms.edge(
      hidden: hidden, sequence: sequence, tensorParallel: Double(degree), elementBytes: 2)
    if degree > 1 {
      #expect(abs(edge * bytes / flop - 1) < 1e-12)
      #expect(
        bytes
          == 4
          * CommunicationForms.activationBytes(
            hidden: hidden, sequence: sequence, microBatch: batch, elementBytes: 2))
    }
  }

  /// Edges that the reference derived on its own (compute-vs-communication.md, section 2.3).
  @Test(arguments: [
    (3072.0, 1024.0, 8.0, 3648.0), (4256, 1024, 8, 4980), (12288, 2048, 8, 14208), (18432, 2048, 12, 14080),
    (20480, 2048, 8, 23424), (1024, 512, 1, 9984),
  ])
  func edges(hidden: Double, sequence: Double, degree: Double, edge: Double) {
    #expect(
      CommunicationForms.edge(hidden: hidden, sequence: sequence, tensorParallel: degree, elementBytes: 2)
        == edge)
  }

  /// Shares of the reference's grid (section 2.6): 118 TFLOP/s, 150 GB/s, SL 2048, in per cent.
  @Test(arguments: [
    (1024.0, 4.0, 1.0, 28.0), (1024, 256, 4, 99), (4096, 16, 2, 54), (16384, 64, 1, 40), (16384, 64, 4, 72),
    (65536, 128, 2, 40), (65536, 4, 1, 1),
  ])
  func shares(hidden: Double, degree: Double, factor: Double, share: Double) {
    let ratio = CommunicationForms.serializedRatio(
      hidden: hidden, sequence: 2048, tensorParallel: degree, elementBytes: 2, rate: factor * 118e12,
      bandwidth: 150e9)
    #expect(abs(100 * CommunicationForms.share(ofRatio: ratio) - share) <= 0.5)
  }

  /// Gradient exchange over the feed-forward products alone: 67, 34 and 17 % at 1K, 2K and 4K tokens (section 2.6); the
  /// whole layer's slack is larger by (1 + SL/6H), so its ratio is smaller by as much.
  @Test(arguments: [(1024.0, 67.0), (2048, 34), (4096, 17)])
  func overlap(tokens: Double, percent: Double) {
    let hidden = 65536.0
    let slack = CommunicationForms.slack(hidden: hidden, sequence: tokens, microBatch: 1, gradientBytes: 2)
    let ratio = CommunicationForms.overlappedRatio(
      slack: slack, dataParallel: 8, rate: 118e12, bandwidth: 150e9)
    #expect(abs(100 * ratio * (1 + tokens / (6 * hidden)) - percent) < 0.7)
  }

  /// One device exchanges nothing; the micro-batch does not matter; twice the compute is half the bandwidth.
  @Test func limits() {
    func ratio(degree: Double, rate: Double, bandwidth: Double) -> Double {
      CommunicationForms.serializedRatio(
        hidden: 8192, sequence: 2048, tensorParallel: degree, elementBytes: 2, rate: rate,
        bandwidth: bandwidth)
    }
    #expect(ratio(degree: 1, rate: 1e14, bandwidth: 1e11) == 0)
    #expect(ratio(degree: 8, rate: 2e14, bandwidth: 1e11) == ratio(degree: 8, rate: 1e14, bandwidth: 0.5e11))
  }
}

import Quantities
import TestSupport
import Testing
import Workloads

@Suite struct RecurrentNetworkTests {
  private func flop(_ network: RecurrentNetwork, length: Double, batch: Double = 64) -> Double {
    network.kernels(length: length, batch: batch, type: .fp32).reduce(0) { sum, kernel in
      if case .gemm(let shape) = kernel.operation.work { sum + kernel.count * shape.flop } else { sum }
    }
  }

  /// Weights as PyTorch counts them for the same layers (tools/measure-recurrent.py), biases left out: GRU and LSTM have three
  /// and four gates, each with its inputs and its state.
  @Test func parametersAreThoseOfTheLayers() throws {
    func updated(_ network: RecurrentNetwork) throws -> Double {
      let update = network.kernels(length: 100.0, batch: 64, type: .fp32).last
      guard case .streaming(let shape)? = update?.operation.work else { return 0 }
      return shape.elements
    }
    func gated(_ gates: Double, inputs: Double, width: Double, count: Double) -> Double {
      count * gates * width * (inputs + width)
    }
    let convolutions: [Double] = [32 * 41 * 11, 32 * 32 * 21 * 11]
    let speech: [Double] =
      convolutions + [
        gated(3, inputs: 1312, width: 800, count: 2), gated(3, inputs: 1600, width: 800, count: 8), 1600 * 29,
      ]
    #expect(try updated(.deepSpeech2) == speech.reduce(0, +))
    let translation: [Double] = [
      32000 * 1024, gated(4, inputs: 1024, width: 512, count: 2),
      gated(4, inputs: 1024, width: 1024, count: 7),
      1024 * 1024, 2048 * 32000,
    ]
    #expect(try updated(.gnmt) == translation.reduce(0, +))
  }

  /// Speech does as much for each step; translation more for each word, because attention grows with the square.
  @Test func workByLength() {
    #expect(abs(flop(.deepSpeech2, length: 800) / flop(.deepSpeech2, length: 400) - 2) < 1e-12)
    let ratio = flop(.gnmt, length: 100) / flop(.gnmt, length: 50)
    #expect(ratio > 2 && ratio < 2.05)
    for network in RecurrentNetwork.allCases {
      #expect(abs(flop(network, length: 64, batch: 128) / flop(network, length: 64) - 2) < 1e-9)
    }
  }

  /// A step of a recurrent layer is a product of the batch with the state's weights, as often as there are steps.
  @Test func stepsAreProductsOfTheBatch() {
    let states = RecurrentNetwork.gnmt.kernels(length: 30.0, batch: 64, type: .fp32).filter {
      "\($0.operation.name)" == "state product"
    }
    #expect(states.map(\.count) == [2 * 30, 7 * 30])
    for state in states {
      guard case .gemm(let shape) = state.operation.work else { continue }
      #expect(shape.m == 64 && shape.n == 4 * shape.k)
    }
  }
}

@Suite struct ConvolutionTests {
  private func convolution(
    _ pass: Convolution<Double>.Pass, _ algorithm: Convolution<Double>.Algorithm, batch: Double = 64
  ) throws -> Convolution<Double> {
    try #require(LeNet(batch: batch).convolution(.conv2, pass, algorithm))
  }

  /// Forward and gradient of filters have the operations of the definition; the product of the images' gradient runs over their
  /// border too.
  @Test func productsOfTheDefinition() throws {
    for pass in [Convolution<Double>.Pass.forward, .filter] {
      let shape = try convolution(pass, .gemm)
      let (m, n, k) = shape.product
      #expect(2 * m * n * k == shape.flop)
    }
    let data = try convolution(.data, .gemm)
    #expect(
      2 * data.product.rows * data.product.columns * data.product.inner == data.flop * (12.0 * 12) / (8 * 8))
  }

  /// Kernels of a call as a profiler lists them (H100, cuDNN 9): flip, two transforms, products, one way back.
  @Test func phasesOfACall() throws {
    typealias Kind = ConvolutionPhase<Double>.Kind
    let four: [Kind] = [.transform, .transform, .product, .inverse]
    #expect(try convolution(.forward, .fft).phases.map(\.kind) == [.flip] + four)
    #expect(try convolution(.data, .fft).phases.map(\.kind) == four)
    #expect(try convolution(.filter, .fft).phases.map(\.kind) == [.flip] + four)
    #expect(try convolution(.forward, .fftTiling).phases.map(\.kind) == four)
    #expect(try convolution(.data, .winograd).phases.map(\.kind) == four)
    #expect(try convolution(.forward, .gemm).phases.isEmpty)
  }

  /// The three passes exchange the parts of two operands and the result: their products do the same work and move the same bytes.
  @Test(arguments: [1.0, 3, 16, 100])
  func passesPermuteTheSameProducts(batch: Double) throws {
    for algorithm in [Convolution<Double>.Algorithm.fft, .fftTiling] {
      let all = try Convolution<Double>.Pass.allCases.map { pass in
        try #require(try convolution(pass, algorithm, batch: batch).phases.first { $0.kind == .product })
      }
      #expect(Set(all.map(\.flop)).count == 1)
      #expect(Set(all.map(\.bytes)).count == 1)
    }
  }

  /// Workspaces that cuDNN asks for (notebooks-data/measurements/lenet/h200.csv, 64 images) hold the transformed arrays.
  @Test func transformedArraysAreTheWorkspace() throws {
    let workspaces: [(Convolution<Double>.Algorithm, Double)] = [
      (.fft, 7_472_800), (.fftTiling, 23_848_960),
    ]
    for (algorithm, workspace) in workspaces {
      let products = try #require(try convolution(.forward, algorithm).phases.first { $0.kind == .product })
      #expect(abs(products.bytes / workspace - 1) < 0.2, "\(algorithm)")
    }
  }
}

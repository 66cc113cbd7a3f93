public import Quantities

/// A convolution of square images without padding, as a library may run it.
public struct Convolution<N: ModelNumber>: Sendable {
  /// What is computed.
  public enum Pass: String, Sendable, CaseIterable {
    /// The result.
    case forward
    /// The gradient of the images.
    case data
    /// The gradient of the filters.
    case filter
  }

  /// How it is computed, by the names of cuDNN's enumerations.
  public enum Algorithm: String, Sendable, CaseIterable {
    /// A product whose operand is gathered from the images as it is needed.
    case implicitGEMM = "implicit_gemm"
    /// The same with indices computed before.
    case implicitPrecomputedGEMM = "implicit_precomp_gemm"
    /// A product of unrolled images; for small channels cuDNN 9 runs a direct kernel under this name, each thread an output.
    case gemm
    /// Fourier transforms of whole images.
    case fft
    /// Fourier transforms of tiles of 32 by 32.
    case fftTiling = "fft_tiling"
    /// Winograd's minimal filtering with transforms in kernels of their own, tiles of 9 by 9 for filters of 5 by 5.
    case winograd = "winograd_nonfused"
    /// Gradients by atomic sums.
    case algorithm0 = "algo_0"
    /// Gradients in a fixed order.
    case algorithm1 = "algo_1"
    /// As algorithm 0.
    case algorithm3 = "algo_3"
  }

  /// Images, channels of the images, channels of the result, side of an image, side of a filter.
  public let batch, inputs, outputs, size, kernel: N
  /// What is computed.
  public let pass: Pass
  /// How it is computed.
  public let algorithm: Algorithm

  /// A convolution.
  public init(
    batch: N, inputs: N, outputs: N, size: N, kernel: N, pass: Pass = .forward, algorithm: Algorithm
  ) {
    self.batch = batch
    self.inputs = inputs
    self.outputs = outputs
    self.size = size
    self.kernel = kernel
    self.pass = pass
    self.algorithm = algorithm
  }

  /// Side of the result.
  public var resultSize: N { size - kernel + N(1) }

  /// Operations of the definition, whatever the algorithm: two for each weight and pixel of the result.
  public var flop: N { 2 * batch * inputs * outputs * kernel * kernel * resultSize * resultSize }

  /// Rows, columns and inner length of the product that it is equal to.
  public var product: (rows: N, columns: N, inner: N) {
    let area = kernel * kernel
    switch pass {
    case .forward: return (batch * resultSize * resultSize, outputs, inputs * area)
    case .data: return (batch * size * size, inputs, outputs * area)
    case .filter: return (outputs, inputs * area, batch * resultSize * resultSize)
    }
  }
}

/// A kernel of a convolution that runs in phases.
public struct ConvolutionPhase<N: ModelNumber>: Sendable {
  /// What it does.
  public enum Kind: String, Sendable {
    /// Filters turned round, so that a correlation becomes a convolution.
    case flip
    /// Into the domain where a convolution is a product.
    case transform
    /// Back from it.
    case inverse
    /// One product for each frequency, or each place of a tile.
    case product
  }

  /// What it does.
  public let kind: Kind
  /// What it does it to: "images", "filters", "result".
  public let name: StaticString
  /// Images or filters that it handles.
  public let images: N
  /// Elements in the transformed domain (all of the product's operands and result, for a product).
  public let elements: N
  /// Bytes that move at least once.
  public let bytes: N
  /// Distance in bytes between what a block writes one after another: one frequency of all images lies together.
  public let stride: N
  /// Multiplications and additions; zero for a transform.
  public let flop: N
  /// Side of the tiles of a Fourier transform: 16 or 32; 32 for everything else.
  public let side: N
}

extension Convolution {
  /// The kernels of an algorithm that transforms, in the order in which they run; none for one that is a single kernel.
  ///
  /// With tiles of side a, a Fourier transform keeps a (a/2 + 1) complex numbers; Winograd's F(5 x 5, 5 x 5) keeps 81 numbers of
  /// each tile of 9 by 9 (Lavin and Gray, arXiv 1509.09308).
  public var phases: [ConvolutionPhase<N>] {
    switch algorithm {
    case .fft, .fftTiling: return fourierPhases
    case .winograd: return winogradPhases
    default: return []
    }
  }

  /// The arrays by their part in the pass: two that are transformed, one that comes back, each with its images and the
  /// elements of one image; then rows, columns and inner length of the products.
  private var roles:
    (
      first: (StaticString, N, N), second: (StaticString, N, N), result: (StaticString, N, N),
      product: (N, N, N)
    )
  {
    let images: (StaticString, N, N) = ("images", batch * inputs, size * size)
    let result: (StaticString, N, N) = ("result", batch * outputs, resultSize * resultSize)
    let filters: (StaticString, N, N) = ("filters", inputs * outputs, kernel * kernel)
    switch pass {
    case .forward: return (images, filters, result, (batch, outputs, inputs))
    case .data: return (result, filters, images, (batch, inputs, outputs))
    case .filter: return (images, result, filters, (outputs, inputs, batch))
    }
  }

  private func products(_ m: N, _ n: N, _ k: N, places: N, isComplex: Bool) -> ConvolutionPhase<N> {
    let elements = places * (m * k + k * n + m * n)
    return ConvolutionPhase(
      kind: .product, name: "products", images: places, elements: elements,
      bytes: (isComplex ? 8 : 4) * elements, stride: (isComplex ? 8 : 4) * k,
      flop: (isComplex ? 8 : 2) * places * m * n * k, side: N(32))
  }

  private var fourierPhases: [ConvolutionPhase<N>] {
    // The smallest of the two transforms that holds an image.
    let side =
      algorithm == .fftTiling
      ? N(32) : N.choose(where: size, isAtMost: N(16), then: N(16), otherwise: N(32))
    let frequencies = side * (side / 2 + N(1))
    let (first, second, result, (m, n, k)) = roles
    func transform(_ role: (StaticString, N, N), _ kind: ConvolutionPhase<N>.Kind) -> ConvolutionPhase<N> {
      ConvolutionPhase(
        kind: kind, name: role.0, images: role.1, elements: role.1 * side * side,
        bytes: role.1 * (4 * role.2 + 8 * frequencies), stride: 8 * role.1, flop: N(0),
        side: side)
    }
    var phases: [ConvolutionPhase<N>] = []
    // A filter's gradient turns the gradient of the result round instead.
    let turned = pass == .filter ? second : ("filters", inputs * outputs, kernel * kernel)
    if algorithm == .fft, pass != .data {
      phases.append(
        ConvolutionPhase(
          kind: .flip, name: turned.0, images: turned.1, elements: turned.1 * turned.2,
          bytes: 8 * turned.1 * turned.2, stride: N(4), flop: N(0), side: N(32)))
    }
    phases += [transform(first, .transform), transform(second, .transform)]
    phases.append(products(m, n, k, places: frequencies, isComplex: true))
    phases.append(transform(result, .inverse))
    return phases
  }

  private var winogradPhases: [ConvolutionPhase<N>] {
    let places = N(81)
    let cut = N(5)
    let side = pass == .data ? size : resultSize
    let tiles = (side / cut).roundedUp() * (side / cut).roundedUp()
    let (first, second, result, (m, n, k)) = roles
    func transform(_ role: (StaticString, N, N), _ kind: ConvolutionPhase<N>.Kind, tiled: Bool)
      -> ConvolutionPhase<N>
    {
      let count = tiled ? role.1 * tiles : role.1
      return ConvolutionPhase(
        kind: kind, name: role.0, images: role.1, elements: count * places,
        bytes: 4 * (role.1 * role.2 + count * places), stride: 4 * count, flop: N(0), side: N(32))
    }
    let multiplied =
      pass == .filter
      ? products(m, n, k * tiles, places: places, isComplex: false)
      : products(m * tiles, n, k, places: places, isComplex: false)
    return [
      transform(first, .transform, tiled: true), transform(second, .transform, tiled: pass == .filter),
      multiplied,
      transform(result, .inverse, tiled: pass != .filter),
    ]
  }
}

/// LeNet as NVIDIA's mnistCUDNN sample has it: 20 and 50 channels, filters of 5 by 5, 500 hidden units, ten digits.
public struct LeNet<N: ModelNumber>: Sendable {
  /// A layer.
  public enum Layer: String, Sendable, CaseIterable {
    /// The first convolution: 1 to 20 channels on 28 by 28.
    case conv1
    /// The largest of 2 by 2, on 24 by 24.
    case pool1
    /// The second convolution: 20 to 50 channels on 12 by 12.
    case conv2
    /// The largest of 2 by 2, on 8 by 8.
    case pool2
    /// 800 inputs, 500 outputs.
    case ip1
    /// The larger of 0 and the value.
    case relu
    /// 500 inputs, 10 outputs.
    case ip2
    /// Softmax of ten values.
    case softmax
  }

  /// Images.
  public let batch: N

  /// LeNet on so many images.
  public init(batch: N) { self.batch = batch }

  /// A convolution of the network; nil for another layer.
  public func convolution(_ layer: Layer, _ pass: Convolution<N>.Pass, _ algorithm: Convolution<N>.Algorithm)
    -> Convolution<N>?
  {
    switch layer {
    case .conv1:
      Convolution(
        batch: batch, inputs: N(1), outputs: N(20), size: N(28), kernel: N(5), pass: pass,
        algorithm: algorithm)
    case .conv2:
      Convolution(
        batch: batch, inputs: N(20), outputs: N(50), size: N(12), kernel: N(5), pass: pass,
        algorithm: algorithm)
    default: nil
    }
  }

  /// The kernel of another layer; nil for a convolution.
  public func operation(_ layer: Layer, _ pass: Convolution<N>.Pass) -> Operator<N>? {
    func stream(_ kind: Streaming<N>.Kind, _ rows: N, _ columns: Double) -> Operator<N> {
      Operator("layer", .forward, .streaming(Streaming(kind, rows: rows, columns: N(columns))), .fp32)
    }
    func product(_ inputs: Double, _ outputs: Double) -> Operator<N> {
      let shape: GEMM<N> =
        switch pass {
        case .forward: GEMM(m: batch, n: N(outputs), k: N(inputs))
        case .data: GEMM(m: batch, n: N(inputs), k: N(outputs), layout: .NN)
        case .filter: GEMM(m: N(outputs), n: N(inputs), k: batch, layout: .TN)
        }
      return Operator("layer", pass == .forward ? .forward : .backward, .gemm(shape), .fp32)
    }
    switch layer {
    case .conv1, .conv2: return nil
    case .pool1: return stream(.maxPool, 20 * batch, 144)
    case .pool2: return stream(.maxPool, 50 * batch, 16)
    case .relu: return stream(.gelu, batch, 500)
    case .softmax: return stream(.softmax, batch, 10)
    case .ip1: return product(800, 500)
    case .ip2: return product(500, 10)
    }
  }
}

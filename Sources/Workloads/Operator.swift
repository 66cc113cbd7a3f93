public import Quantities

/// One kernel of a workload: what it computes, not how long it takes.
public struct Operator<N: ModelNumber>: Sendable {
  /// The part of a step that an operator belongs to.
  public enum Pass: String, Sendable, CaseIterable {
    /// The forward pass.
    case forward
    /// The backward pass.
    case backward
    /// The update of the weights.
    case optimizer
  }

  /// What it is for, in the field's words: "QKV projection".
  public let name: StaticString
  /// The part of the step.
  public let pass: Pass
  /// What it computes.
  public let work: Work<N>
  /// The data type of its operands.
  public let dataType: DataType

  /// A kernel of a workload.
  public init(_ name: StaticString, _ pass: Pass, _ work: Work<N>, _ dataType: DataType) {
    self.name = name
    self.pass = pass
    self.work = work
    self.dataType = dataType
  }
}

/// What a kernel computes.
public enum Work<N: ModelNumber>: Sendable {
  /// A matrix product, or a batch of them.
  case gemm(GEMM<N>)
  /// Attention that never writes the scores.
  case attention(FlashAttention<N>)
  /// Few operations per element, bound by memory.
  case streaming(Streaming<N>)
  /// An exchange between devices.
  case collective(Collective<N>)
}

/// Which operands of a matrix product are transposed in memory.
public enum Layout: String, Sendable, CaseIterable {
  /// Second operand transposed: a forward linear layer.
  case NT
  /// None transposed: the gradient of the data.
  case NN
  /// First operand transposed: the gradient of the weights.
  case TN
}

/// C[m,n] = A[m,k] B[k,n], `batch` times.
public struct GEMM<N: ModelNumber>: Sendable {
  /// Rows of the result.
  public let m: N
  /// Columns of the result.
  public let n: N
  /// Length of the inner products.
  public let k: N
  /// How many such products.
  public let batch: N
  /// Which operands are transposed.
  public let layout: Layout
  /// Bytes of an element of the second operand as it is stored, where that is not the type of the product: quantised
  /// weights.
  public let weightBytes: Double?

  /// A matrix product of this shape.
  @inlinable
  public init(
    m: N, n: N, k: N, batch: N = N(1), layout: Layout = .NT, weightBytes: Double? = nil
  ) {
    self.weightBytes = weightBytes
    self.m = m
    self.n = n
    self.k = k
    self.batch = batch
    self.layout = layout
  }

  /// Multiplications and additions: 2 m n k for each product.
  @inlinable
  public var flop: N { 2 * batch * m * n * k }

  /// Bytes that must move at least once: both operands and the result.
  @inlinable
  public func bytes(_ type: DataType) -> N {
    guard let weightBytes else { return type.bytes * batch * (m * k + k * n + m * n) }
    return batch * (type.bytes * (m * k + m * n) + weightBytes * (k * n))
  }
}

/// Attention whose scores stay on the chip.
public struct FlashAttention<N: ModelNumber>: Sendable {
  /// Sequences.
  public let batch: N
  /// Query heads.
  public let heads: N
  /// Key and value heads.
  public let keyValueHeads: N
  /// Query tokens of a sequence.
  public let queries: N
  /// Key tokens of a sequence.
  public let keys: N
  /// Elements of a head.
  public let headSize: N
  /// Whether later keys are masked.
  public let causal: Bool
  /// Whether this is the gradient.
  public let backward: Bool
  /// Whether a few new tokens look at a cache of keys and values: a kernel of its own.
  public let isDecode: Bool
  /// Bytes of an element of keys and values as they are stored, where that is not the type of the products.
  public let keyValueBytes: Double?
  /// Which of its kernels are meant.
  public let part: Part

  /// The kernels of a gradient: a profiler lists them apart.
  public enum Part: Sendable {
    /// All of them.
    case whole
    /// The kernel with the products.
    case products
    /// What streams around it: row sums before, the conversion of the query gradient after. A forward pass has none.
    case passes
  }

  /// Attention of this shape.
  @inlinable
  public init(
    batch: N, heads: N, keyValueHeads: N, queries: N, keys: N, headSize: N, causal: Bool,
    backward: Bool, part: Part = .whole, isDecode: Bool = false, keyValueBytes: Double? = nil
  ) {
    self.isDecode = isDecode
    self.keyValueBytes = keyValueBytes
    self.batch = batch
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.queries = queries
    self.keys = keys
    self.headSize = headSize
    self.causal = causal
    self.backward = backward
    self.part = part
  }

  /// The same attention, some of its kernels.
  public func only(_ part: Part) -> FlashAttention {
    FlashAttention(
      batch: batch, heads: heads, keyValueHeads: keyValueHeads, queries: queries, keys: keys,
      headSize: headSize, causal: causal, backward: backward, part: part, isDecode: isDecode,
      keyValueBytes: keyValueBytes)
  }

  /// Operations: two products forward, five backward (one of them the scores again), half of each if causal.
  @inlinable
  public var flop: N {
    let product = 2 * batch * heads * queries * keys * headSize
    return ((causal ? 0.5 : 1) * (backward ? 5 : 2)) * product
  }

  /// Bytes that must move at least once: Q, K, V and O forward, twice that backward.
  @inlinable
  public func bytes(_ type: DataType) -> N {
    let width = batch * headSize
    let queryBytes = 2 * type.bytes * width * heads * queries
    let keyBytes = 2 * (keyValueBytes ?? type.bytes) * width * keyValueHeads * keys
    return (backward ? 2.0 : 1.0) * (queryBytes + keyBytes)
  }
}

/// A kernel that does little per element: its time is that of moving data.
public struct Streaming<N: ModelNumber>: Sendable {
  /// What is done to each element.
  public enum Kind: String, Sendable, CaseIterable {
    /// One array to another.
    case copy
    /// The sum of two arrays.
    case add
    /// An array times a number.
    case scale
    /// The product of two arrays, element by element.
    case multiply
    /// An array into another order of its dimensions, by a kernel that computes the place of each element.
    case permute
    /// A matrix the other way round.
    case transpose
    /// Rows of a table, one for each token.
    case embedding
    /// Several arrays into one.
    case concatenate
    /// GELU of an array.
    case gelu
    /// The gradient through GELU.
    case geluBackward = "gelu_backward"
    /// The sigmoid linear unit of an array.
    case silu
    /// The gate of a gated unit: activation of one array times another.
    case gatedActivation = "gated_activation"
    /// The gradient through a gate.
    case gatedActivationBackward = "gated_activation_backward"
    /// A constant into an array.
    case fill
    /// The sum of all elements.
    case sum
    /// The sum over rows: the gradient of a bias.
    case rowSum = "row_sum"
    /// The largest of four elements, for each element of the result.
    case maxPool = "max_pool"
    /// Normalisation of each row.
    case layernorm
    /// Normalisation of each row by its root mean square.
    case rmsnorm
    /// The gradient through a normalisation.
    case layernormBackward = "layernorm_backward"
    /// Softmax of each row.
    case softmax
    /// The gradient through softmax.
    case softmaxBackward = "softmax_backward"
    /// Random zeroing, with its mask.
    case dropout
    /// The gradient through random zeroing: the gradient times the mask.
    case dropoutBackward = "dropout_backward"
    /// The gradients of tokens added to their rows of a table that was filled with zeros before.
    case embeddingBackward = "embedding_backward"
    /// Adam with weight decay, one kernel for all parameters (FP32).
    case adamw = "adamw_fused"
    /// LAMB in two passes (FP32): moments and update with their norms, then the weights.
    case lamb
    /// Plain gradient descent (FP32).
    case sgd
    /// 16-bit numbers scaled into those of a narrower type before a product.
    case quantise

    /// Elements of the data type read or written for each element: the algorithmic minimum.
    public var elementsMoved: Double {
      switch self {
      case .fill, .sum, .rowSum, .quantise: 1
      case .copy, .scale, .permute, .transpose, .embedding, .concatenate, .gelu, .silu, .layernorm, .rmsnorm,
        .softmax, .dropout, .dropoutBackward, .embeddingBackward:
        2
      case .add, .multiply, .geluBackward, .gatedActivation, .layernormBackward, .softmaxBackward, .sgd: 3
      case .gatedActivationBackward, .maxPool: 5
      case .adamw: 7
      // Reads w, g, m, v and writes m, v, u; reads u, w and writes w (reference, 51_bert_gemm_dims_intensity.csv).
      case .lamb: 10
      }
    }

    /// Arrays that it touches: those that it updates in place are read and written.
    public var arrays: Double {
      switch self {
      case .sgd: 2
      case .adamw: 4
      default: elementsMoved
      }
    }

    /// Whether it does nothing but move arrays, with an addition or a product at most.
    public var onlyMoves: Bool {
      switch self {
      case .copy, .add, .scale, .multiply, .sgd: true
      default: false
      }
    }

    /// Whether it treats each row as a whole, so that rows cost something besides their elements.
    public var worksOnRows: Bool {
      switch self {
      case .layernorm, .rmsnorm, .layernormBackward, .softmax, .softmaxBackward, .rowSum: true
      default: false
      }
    }

    /// Bytes of other types moved for each element: the mask of dropout, the 16-bit number that is quantised.
    public var otherBytes: Double {
      switch self {
      case .dropout, .dropoutBackward: 1
      case .quantise: 2
      default: 0
      }
    }
  }

  /// Where the operands are when the kernel starts.
  public enum Residency: Sendable, CaseIterable {
    /// Where a measurement in a loop over several copies leaves them: the cache holds a part of them.
    case loop
    /// Kernels before wrote them, as in a step: the whole cache is there for them.
    case justWritten
    /// The kernel updates the same arrays again and again, with nothing in between.
    case inPlace
    /// In the main memory.
    case memory
  }

  /// What is done.
  public let kind: Kind
  /// Rows: tokens, for what works on rows.
  public let rows: N
  /// Elements of a row.
  public let columns: N
  /// Where its operands are when it starts.
  public let residency: Residency
  /// Dimensions that a permutation computes the place of an element from, those of one element not counted.
  public let dimensions: N
  /// Whether the kind stands for another kernel, which moves as much and was not measured.
  public let isStandIn: Bool

  /// A streaming kernel over `rows` times `columns` elements.
  ///
  /// - Parameters:
  ///   - kind: what is done.
  ///   - rows: tokens, for what works on rows.
  ///   - columns: elements of a row.
  ///   - residency: where its operands are when it starts.
  ///   - dimensions: of a permutation.
  ///   - isStandIn: whether the kind stands for another kernel.
  @inlinable
  public init(
    _ kind: Kind, rows: N, columns: N, residency: Residency = .loop, dimensions: N = N(4),
    isStandIn: Bool = false
  ) {
    self.kind = kind
    self.rows = rows
    self.columns = columns
    self.residency = residency
    self.dimensions = dimensions
    self.isStandIn = isStandIn
  }

  /// Elements of the result (of the input, for sums).
  @inlinable
  public var elements: N { rows * columns }

  /// Bytes that must move at least once.
  @inlinable
  public func bytes(_ type: DataType) -> N {
    (kind.elementsMoved * type.bytes + kind.otherBytes) * elements
  }
}

/// An exchange between devices.
public struct Collective<N: ModelNumber>: Sendable {
  /// What each rank has afterwards.
  public enum Kind: String, Sendable, CaseIterable {
    /// The sum of all buffers.
    case allReduce = "all_reduce"
    /// All parts.
    case allGather = "all_gather"
    /// Its part of the sum.
    case reduceScatter = "reduce_scatter"
    /// A part from every rank.
    case allToAll = "all_to_all"
    /// The buffer of one rank.
    case broadcast
    /// The buffer of one other rank.
    case pointToPoint = "point_to_point"
  }

  /// What each rank has afterwards.
  public let kind: Kind
  /// The full payload: the buffer of an all-reduce, the gathered result, the input of a reduce-scatter,
  /// the whole buffer of a rank in an all-to-all.
  public let bytes: N
  /// Devices that take part.
  public let ranks: Int
  /// 1 where they are neighbours; t for peers of groups of t neighbours.
  public let stride: Int

  /// An exchange of this payload.
  @inlinable
  public init(_ kind: Kind, bytes: N, ranks: Int, stride: Int = 1) {
    self.kind = kind
    self.bytes = bytes
    self.ranks = ranks
    self.stride = stride
  }
}

/// Takes the operators of a workload as they are listed.
///
/// An estimate collects them in a tree, a sweep adds up their times and keeps nothing.
public protocol OperatorSink<N> {
  /// The number that shapes are given in.
  associatedtype N: ModelNumber
  /// Takes one operator.
  mutating func add(_ operator: Operator<N>)
}

/// Collects operators in a list.
public struct OperatorList<N: ModelNumber>: OperatorSink {
  /// The operators in the order in which they run.
  public private(set) var operators: [Operator<N>] = []

  /// An empty list.
  public init() {}

  /// Appends one operator.
  public mutating func add(_ operator: Operator<N>) { operators.append(`operator`) }
}

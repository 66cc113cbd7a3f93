public import Quantities

/// The streaming kernels that an operator's name stands for in tables of measurements and in lists of operators.
///
/// A name is that of a kind of kernel (``Streaming/Kind``), another word for one, or an operator that PyTorch makes of several
/// kernels.
public struct NamedStream<N: ModelNumber>: Sendable {
  /// A kernel, and its elements over those of the operator.
  typealias Part = (kind: Streaming<N>.Kind, share: Double)

  /// The name.
  public let name: String
  private let parts: [Part]

  /// Other words for kinds of kernels: what they read and write is the same.
  private static var synonyms: [String: Streaming<N>.Kind] {
    [
      "add_scalar": .copy, "relu": .scale, "mul": .multiply, "residual": .add, "bias_grad": .rowSum,
      "sgd_unfused": .sgd, "silu_backward": .geluBackward, "rmsnorm_backward": .layernormBackward,
    ]
  }

  /// Operators of several kernels, as PyTorch starts them.
  ///
  /// Kernels of optimizers take the constants of an addition, which was measured over all sizes: one that reads and writes
  /// one array counts two thirds of an addition, one that moves four arrays four thirds.
  private static var composites: [String: [Part]] {
    func one(_ count: Int) -> [Part] { [Part](repeating: (.add, 2.0 / 3), count: count) }
    func two(_ count: Int) -> [Part] { [Part](repeating: (.add, 1), count: count) }
    return [
      // Gradient times result first, by a kernel of its own.
      "softmax_backward": [(.multiply, 1), (.softmaxBackward, 1)],
      // Weight decay, decay of the second moment, root, bias correction, small constant; both moments; the weights.
      "adamw_unfused": one(5) + two(2) + [(.add, 4.0 / 3)],
      // Both moments, the quotient, weight decay added, the weights; two decays, root, small constant, weight decay, length of the
      // step; norms of weights and step. 116 bytes a parameter in FP32.
      "lamb_unfused": two(5) + one(6) + [(.sum, 1), (.sum, 1)],
      // The momentum times its decay, the gradient added, the weights.
      "sgd_momentum": one(1) + two(1) + [(.sgd, 1)],
    ]
  }

  /// All names, kinds of kernels first; `X_bwd` is `X_backward` too.
  public static var names: [String] {
    Streaming<N>.Kind.allCases.map(\.rawValue)
      + (Array(synonyms.keys) + composites.keys.filter { Streaming<N>.Kind(rawValue: $0) == nil } + ["cast"])
      .sorted()
  }

  /// What a name stands for; nil for an unknown one.
  public init?(_ name: String) {
    let long = name.hasSuffix("_bwd") ? name.dropLast(3) + "backward" : name
    self.name = long
    if let parts = Self.composites[long] {
      self.parts = parts
    } else if let kind = Self.synonyms[long] ?? Streaming<N>.Kind(rawValue: long) {
      parts = [(kind, 1)]
    } else if long == "cast" {
      parts = [(.copy, 1)]
    } else {
      return nil
    }
  }

  /// Whether its kernels are costed as others, and no table has rows of it.
  public var isStandIn: Bool {
    ["relu", "silu_backward", "rmsnorm_backward", "sgd_unfused", "adamw_unfused", "sgd_momentum"].contains(
      name)
  }

  /// Whether it is of rows of a table, which elements alone do not describe.
  public var needsRows: Bool { name == "embedding_backward" }

  /// The kind of its only kernel; nil where there are several, or where its elements are not those of the operator.
  public var kind: Streaming<N>.Kind? {
    parts.count == 1 && name != "cast" && name != "embedding_backward" ? parts[0].kind : nil
  }

  /// The kernels, in order.
  ///
  /// - Parameters:
  ///   - rows: rows (tokens), 1 for what has none.
  ///   - columns: elements of a row.
  ///   - type: the data type.
  ///   - vocabulary: rows of the table that `embedding_backward` is the gradient of.
  /// - Returns: one kernel or several.
  public func kernels(rows: N, columns: N, _ type: DataType, vocabulary: N) -> [Operator<N>] {
    // The kernels of an optimizer find what those before wrote.
    let residency: Streaming<N>.Residency = parts.count > 2 ? .justWritten : .loop
    func kernel(_ kind: Streaming<N>.Kind, rows: N, columns: N) -> Operator<N> {
      Operator(
        "operator", .forward,
        .streaming(
          Streaming(kind, rows: rows, columns: columns, residency: residency, isStandIn: isStandIn)), type)
    }
    switch name {
    case "cast":
      // Between FP32 and 16 bits 6 bytes an element move, where a copy of the type counts two of its elements.
      guard type.bytes >= 2 else { return [kernel(.quantise, rows: rows, columns: columns)] }
      return [kernel(.copy, rows: rows, columns: columns * (3 / type.bytes))]
    case "embedding_backward":
      // The gradient of the whole table is filled with zeros first.
      return [
        kernel(.fill, rows: vocabulary, columns: columns),
        kernel(.embeddingBackward, rows: rows, columns: columns),
      ]
    default:
      var result = parts.map { kernel($0.kind, rows: rows, columns: columns * $0.share) }
      if name == "lamb_unfused" {
        // Two numbers of the norms, which take as long as the smallest array that was measured.
        result += [kernel(.copy, rows: N(1), columns: N(4096)), kernel(.copy, rows: N(1), columns: N(4096))]
      }
      return result
    }
  }
}

/// Rows of the table whose gradient `tools/measure-gpu` measures as `embedding_backward`.
public let measuredVocabulary = 51_200.0

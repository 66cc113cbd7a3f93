public import Quantities

/// The rule that updates the weights, and the kernels that do it.
public enum Optimizer: String, Sendable, CaseIterable {
  /// Adam with weight decay, in one kernel.
  case adamw
  /// The same with a kernel for each operation, as PyTorch does it when told neither to fuse nor to take all tensors at once.
  case unfusedAdamW = "adamw_unfused"
  /// LAMB in two passes.
  case lamb
  /// LAMB with a kernel for each operation.
  case unfusedLAMB = "lamb_unfused"
  /// Plain gradient descent.
  case sgd
  /// The same as PyTorch does it when told not to fuse: that is one kernel too.
  case unfusedSGD = "sgd_unfused"
  /// Gradient descent with momentum.
  case momentum = "sgd_momentum"
  /// No update.
  case none

  /// Bytes of its state for each parameter, in FP32, weights not counted.
  public var stateBytes: Double {
    switch self {
    case .adamw, .unfusedAdamW, .lamb, .unfusedLAMB: 8
    case .momentum: 4
    case .sgd, .unfusedSGD, .none: 0
    }
  }

  /// Lists the kernels that update so many weights in FP32.
  ///
  /// - Parameters:
  ///   - parameters: how many weights.
  ///   - name: what they are for.
  ///   - sink: takes the kernels.
  public func update<N: ModelNumber, Sink: OperatorSink>(
    parameters: N, name: StaticString, into sink: inout Sink
  ) where Sink.N == N {
    let kernels = self == .adamw ? Streaming<N>.Kind.adamw.rawValue : rawValue
    guard self != .none, let stream = NamedStream<N>(kernels) else { return }
    for kernel in stream.kernels(rows: N(1), columns: parameters, .fp32, vocabulary: N(1)) {
      sink.add(Operator(name, .optimizer, kernel.work, kernel.dataType))
    }
  }
}

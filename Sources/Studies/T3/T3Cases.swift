import CostModels
import Quantities
import Workloads

/// A product of a Transformer layer that a tensor-parallel reduce-scatter follows.
enum Sublayer: String, CaseIterable, Sendable {
  /// Projection of the attention's output, forward.
  case outputProjection = "OP, forward"
  /// Second matrix of the feed-forward block, forward.
  case secondFeedForward = "FC-2, forward"
  /// First matrix of the feed-forward block, gradient of its input.
  case firstFeedForward = "FC-1, backward"
  /// Queries, keys and values, gradient of their input.
  case inputProjection = "IP, backward"

  /// Whether it is part of the forward pass.
  var isForward: Bool { self == .outputProjection || self == .secondFeedForward }

  /// The product on one rank.
  func product(of model: TransformerModel, tokens: Int, degree: Int) -> ScatteredProduct<Double> {
    let inner: Int
    switch self {
    case .outputProjection: inner = model.queryWidth
    case .secondFeedForward: inner = model.feedForward
    case .firstFeedForward: inner = model.feedForward * (model.feedForwardMatrices - 1)
    case .inputProjection: inner = model.queryWidth + 2 * model.keyValueWidth
    }
    return ScatteredProduct(
      tokens: Double(tokens), columns: Double(model.hidden), inner: Double(inner) / Double(degree),
      ranks: Double(degree))
  }
}

/// A model on so many ranks.
struct T3Case: Sendable {
  let model: TransformerModel
  let tokens: Int
  let degree: Int

  func product(_ sublayer: Sublayer) -> ScatteredProduct<Double> {
    sublayer.product(of: model, tokens: tokens, degree: degree)
  }

  var name: String { "\(model.name), TP \(degree)" }
}

/// A step of a model by how its sub-layers overlap: training, or a prompt.
struct T3Step: Sendable {
  /// Products and exchanges one after another, with everything else.
  let sequential: Double
  /// Exchanges alone.
  let exchange: Double
  /// Fused without and with arbitration.
  let fused, arbitrated: Double

  /// The step of one layer; all layers are alike.
  ///
  /// Forward each of four matrices is multiplied once, backward twice; two all-reduces each way.
  ///
  /// - Parameters:
  ///   - study: the model.
  ///   - form: the machine.
  ///   - isTraining: whether the backward pass follows.
  ///   - otherShare: part of the sequential step outside products and exchanges.
  init(
    _ study: T3Case, _ form: FusedReduceScatterForm<Double>, isTraining: Bool, otherShare: Double
  ) {
    var products = 0.0
    var exchange = 0.0
    var fusedSaving = 0.0
    var arbitratedSaving = 0.0
    for sublayer in Sublayer.allCases {
      let times = form.times(study.product(sublayer))
      products += (isTraining ? 3 : 1) * times.product
      guard isTraining || sublayer.isForward else { continue }
      exchange += times.reduceScatter + times.allGather
      fusedSaving += times.sequential - times.fused
      arbitratedSaving += times.sequential - times.arbitrated
    }
    self.exchange = exchange
    sequential = (products + exchange) / (1 - otherShare)
    fused = sequential - fusedSaving
    arbitrated = sequential - arbitratedSaving
  }
}

public import Quantities

/// Why exchanges of gradients that run beside the backward pass are not hidden completely.
public struct ExchangeExposure<N: ModelNumber>: Sendable {
  /// Time that exchanges of gradients last beyond the last kernel, in seconds.
  public let exposed: N
  /// The part of it that nothing could hide: the last layer's gradients and those outside of the layers are ready only
  /// when hardly a kernel is left.
  public let tail: N
  /// The rest: exchanges take longer than the kernels beside them.
  public let outlasting: N
  /// Time of a layer's exchange beside kernels, in seconds.
  public let layerExchange: N
  /// Time of a layer's backward pass beside an exchange, in seconds.
  public let layerBackward: N
  /// Time that kernels lose to exchanges beside them, in seconds.
  public let slowdown: N

  /// The exposure of a step.
  ///
  /// - Parameters:
  ///   - parts: times of the step's parts.
  ///   - times: the step.
  ///   - contention: the form by which the two were put together.
  public init(_ parts: StepParts<N>, _ times: StepTimes<N>, _ contention: ContentionForm<N>) {
    exposed = times.exposedGradients
    slowdown = times.slowdown
    let alone = N.larger(
      N(0), parts.layerGradients - parts.embeddingGradient * contention.exchangeRate)
    tail = N.smaller(exposed, alone + parts.outerGradients)
    outlasting = exposed - tail
    layerExchange = parts.layerGradients / contention.exchangeRate
    layerBackward = parts.recompute + parts.backward + parts.backwardLoss
  }
}

public import Quantities
import Workloads

/// What running whole steps with a software stack changes about kernels that were measured alone.
///
/// The constants belong to a stack, a machine and a time, not to a device; `models/stacks` holds those that were fitted.
public struct StepFactors<N: ModelNumber>: Sendable {
  /// Time of kernels in a step over their time alone: caches that others used, kernels of an earlier library.
  public var compute: N
  /// Time of fused attention over that of the calibrated kernels, besides: earlier kernels.
  public var attention: N
  /// Time of exchanges beyond a node over that of the form: adapters shared with other groups, congestion.
  public var farExchange: N
  /// Time of messages between stages over that of the form: the ranks meet, and few channels carry a single message.
  public var message: N
  /// Time of a product with an extent that is no multiple of 64 elements, which tiles and vectors want.
  public var unaligned64: N
  /// Time of a product with an extent that is no multiple of 8 elements, which tensor cores want.
  public var unaligned8: N
  /// What the host does for each micro-batch while the device waits, in seconds.
  public var microBatch: N
  /// What the program does once a step, in seconds.
  public var once: N
  /// Whether the step runs again and again, so that the power limit sets the clock.
  public var isSustained: Bool

  /// Kernels as they were measured, a program that does nothing else.
  public init() {
    compute = N(1)
    attention = N(1)
    farExchange = N(1)
    message = N(1)
    // Rows of the BLOOM sweep: hidden 14,400 over 8 devices against 14,336; heads of 108 elements against 96 and 112.
    unaligned64 = N(1)
    unaligned8 = N(1)
    microBatch = N(0)
    once = N(0)
    isSustained = false
  }

  /// What a kernel's time is multiplied by.
  func factor(of work: Work<N>) -> N {
    switch work {
    case .gemm(let shape): return compute * alignment(of: shape)
    case .attention: return compute * attention
    case .streaming: return compute
    case .collective: return N(1)
    }
  }

  /// Operands whose rows do not start at whole vectors, or whose tiles are cut, are slow.
  private func alignment(of shape: GEMM<N>) -> N {
    func isMultiple(_ extent: N, of step: Double) -> N {
      let parts: N = extent / step
      return N.choose(where: parts.roundedUp(), isAtMost: parts, then: N(1), otherwise: N(0))
    }
    let (eight, many) = (isMultiple(shape.n, of: 8) * isMultiple(shape.k, of: 8), N(1))
    let wide: N = isMultiple(shape.n, of: 64) * isMultiple(shape.k, of: 64)
    let fine: N = wide + (many - wide) * unaligned64
    return eight * fine + (many - eight) * unaligned8
  }
}

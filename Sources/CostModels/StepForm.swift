public import Quantities

/// What becomes of a kernel's time inside an eager step of unlike kernels.
///
/// Operators are measured in loops of themselves. A loop of one large matrix product holds a GPU at its power limit, and
/// its clock falls; among kernels that wait for memory, the same product finds a higher clock, and operands that the
/// kernel before has left in the cache. Steps that a graph replays without pauses run into the limit again (``PowerRoof``), so
/// this is for kernels that a host starts one by one. The constant is the time of a product after its start, in a step, over that in a
/// loop. It is fitted to the products of whole-layer profiles (`layers.csv`); without such a profile it is 1.
public struct StepForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "step" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "product_time", "time of a product among the kernels of a step over that in a loop of itself",
        initial: 1, in: 0.7...1.2)
    ]
  }

  @usableFromInline let productTime: N

  /// The form with these constants.
  @inlinable
  public init(constants c: [N]) { productTime = c[0] }

  /// The cost of a product in a step.
  ///
  /// - Parameters:
  ///   - alone: its cost in a loop of itself.
  ///   - limited: the part of the step in which the power limit has lowered the clock, as it does in the loop.
  /// - Returns: the same start, the rest scaled.
  @inlinable
  public func cost(_ alone: Cost<N>, limited: N) -> Cost<N> {
    let time = productTime + (N(1) - productTime) * limited
    var cost = alone
    cost.time = alone.launch + time * (alone.time - alone.launch)
    cost.compute = time * alone.compute
    return cost
  }
}

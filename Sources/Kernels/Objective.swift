import Glibc
public import Workloads

/// The mean loss of a linear model over samples, with an L2 penalty.
///
/// `1/n sum_i c_i loss(z_i, y_i) + regularisation / 2 |w|^2`, with the score `z_i = x_i w + bias` and the class
/// weight `c_i`. The bias has no penalty.
public struct Objective: Sendable, Hashable {
  /// The loss.
  public var model: LinearModel
  /// Factor of half the squared weights, 0 or more.
  public var regularisation: Double
  /// Where the hinge begins; without meaning for logistic regression.
  ///
  /// PIM-Opt's host loss and processor baseline use 0.5, its DPU kernels compare with ``dpuMargin``.
  public var margin: Double
  /// Weight of a sample with the label 0.
  public var negativeWeight: Double
  /// Weight of a sample with the label 1.
  public var positiveWeight: Double

  /// The hinge margin of PIM-Opt's DPU kernels: they compare with 0x00010000 where the unit is 2^31.
  ///
  /// Source: pim-opt.md, section 3, of PIM-Opt repository @bbc8313.
  public static let dpuMargin = 0x1p-15

  /// An objective; without class weights as for YFCC100M-HNfc6.
  public init(
    _ model: LinearModel, regularisation: Double, margin: Double = 0.5, negativeWeight: Double = 1,
    positiveWeight: Double = 1
  ) {
    precondition(regularisation >= 0 && negativeWeight > 0 && positiveWeight > 0, "weights are positive")
    self.model = model
    self.regularisation = regularisation
    self.margin = margin
    self.negativeWeight = negativeWeight
    self.positiveWeight = positiveWeight
  }

  /// The class weight of a label of 0 or 1.
  @inline(__always)
  func weight(_ label: Float) -> Double { label > 0.5 ? positiveWeight : negativeWeight }

  /// The loss of one sample, with its class weight.
  public func loss(score z: Double, label: Float) -> Double {
    let positive = label > 0.5
    switch model {
    case .logisticRegression:
      // log(1 + e^-s) for the score s towards the label, without overflow.
      let s = positive ? z : -z
      return weight(label) * (max(-s, 0) + log1p(exp(-abs(s))))
    case .supportVectorMachine:
      return weight(label) * max(0, margin - (positive ? z : -z))
    }
  }

  /// The derivative of the loss by the score, with the class weight; at the hinge that of the flat side.
  public func derivative(score z: Double, label: Float) -> Double {
    switch model {
    case .logisticRegression:
      return weight(label) * (1 / (1 + exp(-z)) - Double(label))
    case .supportVectorMachine:
      let y = label > 0.5 ? 1.0 : -1.0
      return y * z < margin ? -y * weight(label) : 0
    }
  }

  /// Replaces scores by derivatives of the loss, in FP32.
  func derivatives(_ z: UnsafeMutablePointer<Float>, labels: UnsafePointer<Float>, count: Int) {
    let positive = Float(positiveWeight)
    let negative = Float(negativeWeight)
    let margin = Float(margin)
    var i = 0
    switch model {
    case .logisticRegression:
      while i < count {
        let label = labels[i]
        z[i] = (label > 0.5 ? positive : negative) * (1 / (1 + expf(-z[i])) - label)
        i += 1
      }
    case .supportVectorMachine:
      while i < count {
        if labels[i] > 0.5 {
          z[i] = z[i] < margin ? -positive : 0
        } else {
          z[i] = -z[i] < margin ? negative : 0
        }
        i += 1
      }
    }
  }
}

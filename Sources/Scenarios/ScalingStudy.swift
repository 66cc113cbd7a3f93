import CostModels
public import Documents
import Quantities

/// A training step over more and more devices: the same work (strong scaling), or work that grows with them (weak scaling).
public struct ScalingStudy: Sendable {
  /// What shares the work.
  public enum Axis: String, Sendable, CaseIterable {
    /// Replicas.
    case data
    /// Devices that share each layer.
    case tensor
    /// Stages that share the layers.
    case pipeline
    /// Devices that share the tokens of a sequence.
    case context
  }

  /// A number of devices.
  public struct Point: Sendable {
    /// All devices.
    public let devices: Int
    /// The degree that is varied.
    public let degree: Int
    /// The answer.
    public let projection: Projection
    /// Speed over that of the fewest devices, over the growth of devices.
    public let efficiency: Double
  }

  /// A curve.
  public struct Curve: Sendable {
    /// Whether the work stays the same.
    public let isStrong: Bool
    /// The points, by ascending devices.
    public let points: [Point]
    /// Why the curve ends where it does: what the next number of devices is rejected for; nil at the last one asked for.
    public let end: String?

    /// Speeds over that of the fewest devices.
    public var speeds: [(count: Double, speed: Double)] {
      guard let first = points.first else { return [] }
      return points.map {
        let growth = Double($0.devices) / Double(first.devices)
        return (Double($0.devices), growth * $0.efficiency)
      }
    }
  }

  /// The scenario at its own size.
  public let scenario: Scenario
  /// What is varied.
  public let axis: Axis
  /// Strong scaling, then weak scaling where the axis has it.
  public let curves: [Curve]

  /// Scales a training step by doubling a degree.
  ///
  /// Weak scaling keeps the micro-batches of a replica, so it is about replicas alone.
  ///
  /// - Parameters:
  ///   - name: a scenario of the library, or a path.
  ///   - library: where names are looked up.
  ///   - changes: keys to overlay.
  ///   - axis: what shares the work.
  ///   - most: the most devices.
  /// - Throws: `Diagnostic` when the scenario itself is wrong or trains nothing.
  public init(
    named name: String, in library: Library, changes: [String], axis: Axis, upTo most: Int
  ) throws(Diagnostic) {
    let base = try Scenario(named: name, in: library, changes: changes)
    guard base.pass == .training, base.transformer != nil else {
      throw Diagnostic(
        file: base.files.first, position: nil,
        fault: .contradiction("scaling is that of training steps of a Transformer"))
    }
    func project(_ degree: Int, isStrong: Bool) throws(Diagnostic) -> Projection {
      let plan = base.plan
      var degrees: [Axis: Int] = [
        .data: plan.data, .tensor: plan.tensor, .pipeline: plan.pipeline, .context: plan.context,
      ]
      degrees[axis] = degree
      let devices = degrees.values.reduce(1, *)
      let data = degrees[.data] ?? 1
      let batch = isStrong ? base.globalBatch : base.microBatch * plan.microBatches * data
      var sets = changes + ["run.global_batch=\(batch)"]
      guard batch % (base.microBatch * data) == 0 else {
        throw Diagnostic(
          file: base.files.first, position: nil,
          fault: .contradiction(
            "\(data) replicas with micro-batches of \(base.microBatch) do not divide a batch of \(batch)"))
      }
      sets.append("run.micro_batches=\(batch / (base.microBatch * data))")
      sets.append("parallelism.\(axis.rawValue)=\(degree)")
      sets.append("parallelism.data=\(data)")
      sets.append("parallelism.devices=\(devices)")
      return try Scenario(named: name, in: library, changes: sets).project()
    }
    func curve(isStrong: Bool) -> Curve {
      var points: [Point] = []
      var degree: Int
      switch axis {
      case .data: degree = base.plan.data
      case .tensor: degree = base.plan.tensor
      case .pipeline: degree = base.plan.pipeline
      case .context: degree = base.plan.context
      }
      let others = base.plan.devices / degree
      var end: String?
      while others * degree <= most {
        do throws(Diagnostic) {
          let projection = try project(degree, isStrong: isStrong)
          let first = points.first?.projection ?? projection
          let growth = Double(degree) * Double(others) / Double(points.first?.devices ?? others * degree)
          let work = (projection.tokens ?? 1) / (first.tokens ?? 1)
          let speed = work * (first.time / projection.time)
          points.append(
            Point(
              devices: others * degree, degree: degree, projection: projection, efficiency: speed / growth))
        } catch {
          end = "\(others * degree) devices: \(error.message)"
          break
        }
        degree *= 2
      }
      return Curve(isStrong: isStrong, points: points, end: end)
    }
    scenario = base
    self.axis = axis
    curves = axis == .data ? [curve(isStrong: true), curve(isStrong: false)] : [curve(isStrong: true)]
  }
}

public import CostModels
public import Hardware
public import Quantities
public import Workloads

extension Scenario {
  /// What runs, when it is a Transformer.
  public var transformer: TransformerModel? {
    if case .transformer(let model) = work { return model }
    return nil
  }

  /// The same question with its step spread in another way; nothing is checked.
  ///
  /// - Parameters:
  ///   - plan: the groups and the micro-batches.
  ///   - microBatch: sequences of a micro-batch.
  ///   - sequenceParallel: whether tensor-parallel devices share the tokens between the blocks.
  ///   - separateAccumulation: whether gradients of several micro-batches are added by a kernel of their own.
  /// - Returns: the question.
  public func spread(
    _ plan: ParallelPlan, microBatch: Int, sequenceParallel: Bool, separateAccumulation: Bool
  ) -> Scenario {
    var result = self
    result.plan = plan
    result.microBatch = microBatch
    result.sequenceParallel = sequenceParallel
    result.layerOptions.separateAccumulation = separateAccumulation && plan.microBatches > 1
    result.layerOptions.contextParallel = plan.context
    result.layerOptions.expertParallel = plan.expert
    return result
  }

  /// The same question on another machine; nothing is checked.
  public func moved(to device: Device, _ calibration: DeviceCalibration?) -> Scenario {
    var result = self
    result.device = device
    result.calibration = calibration
    return result
  }

  /// Whether the energy of a step is known: the device is a GPU, and its power limit was given.
  public var knowsEnergy: Bool { device.kind == .gpu && device.power.limit != nil }

  /// What running the devices costs, at the middle of every price; nil when nobody asked.
  public var operatingCost: OperatingCost<Double>? { costs?.model() }

  /// The kernels of one device in a training step; nil for a list of operators.
  public var trainingKernels: TransformerStep<Double>? { transformer.map { transformerStep($0) } }

  /// What the groups of the plan exchange besides activations.
  public func exchanges(of step: TransformerStep<Double>) -> StepExchanges<Double> { stepExchanges(step) }

  /// How the weights are updated.
  public func updates(of step: TransformerStep<Double>) -> StepUpdates<Double> { stepUpdates(step) }

  /// The memory of the fullest device.
  public func memory(of step: TransformerStep<Double>) -> TrainingMemory<Double> { memoryForm(step).memory }
}

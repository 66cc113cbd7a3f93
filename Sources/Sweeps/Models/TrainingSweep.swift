import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// Training steps over a space of plans, machines and runs: what `rooftree estimate` answers, composed from parts that are
/// costed once.
///
/// The cost of a layer does not depend on how many stages or replicas there are, that of an exchange of gradients not on
/// the micro-batch. So each part is kept by the axes that it reads, and only the composition
/// (``TrainingStepForm/time(_:_:overlap:contention:)``, the function that an estimate calls) runs for each scenario.
struct TrainingSweep: SweepModel {
  static let outputs = [
    SweepOutput("time", unit: "s", "time of a training step"),
    SweepOutput("tokens_per_second", unit: "1/s", "tokens a second of all devices"),
    SweepOutput("tokens_per_device_second", unit: "1/s", "tokens a second of each device"),
    SweepOutput("model_flop_utilization", unit: "1", "share of the peak rate that the needed operations use"),
    SweepOutput("memory", unit: "B", "memory of the fullest device"),
    SweepOutput("memory_capacity", unit: "B", "main memory of a device"),
    SweepOutput("devices", unit: "1", "devices"),
    SweepOutput("micro_batches", unit: "1", "micro-batches of a replica"),
    SweepOutput("bubble", unit: "s", "waiting while the pipeline fills and empties"),
    SweepOutput("messages", unit: "s", "messages between stages"),
    SweepOutput("exposed", unit: "s", "exchanges of gradients and weights that lengthen the step"),
    SweepOutput(
      "sustained_time", unit: "s", "time of a step that runs again and again, under the power limit"),
    SweepOutput("energy", unit: "J", "energy of a step, of all devices"),
    SweepOutput("energy_per_token", unit: "J", "energy of a step for each token"),
    SweepOutput("power", unit: "W", "mean power of a device"),
    SweepOutput("cost", unit: "USD", "money for a step"),
    SweepOutput("cost_per_token", unit: "USD", "money for each token"),
    SweepOutput("carbon", unit: "g", "carbon dioxide of a step"),
  ]

  /// The outputs by their places in ``outputs``.
  enum Output: Int {
    case time, tokensPerSecond, tokensPerDeviceSecond, modelFLOPUtilization, memory, memoryCapacity, devices
    case microBatches, bubble, messages, exposed
    case sustainedTime, energy, energyPerToken, power, cost, costPerToken, carbon
  }

  /// Why a scenario has no answer.
  enum Fault: Int, CaseIterable {
    case tensor, devices, batch, stages, interleaving, tokens, experts, network, memory, inputs, energy,
      prices

    var words: String {
      switch self {
      case .tensor: "the tensor-parallel degree does not divide heads or feed-forward columns"
      case .devices: "tensor x context x pipeline x data is not the number of devices"
      case .batch: "micro-batches and replicas do not divide the global batch"
      case .stages: "the stages do not share the layers evenly"
      case .interleaving: "virtual stages need stages, and micro-batches in multiples of them"
      case .tokens: "the devices do not share the tokens evenly"
      case .experts: "the devices do not share the experts evenly"
      case .network: "no network joins so many devices"
      case .memory: "the step does not fit in memory"
      case .inputs: "workload, hardware and run contradict one another"
      case .energy: "the power of the device is not known"
      case .prices: "no prices are given, or no carbon of the grid"
      }
    }

    init(_ rule: PlanRules.Fault) {
      switch rule {
      case .heads, .keyValueHeads, .feedForward: self = .tensor
      case .lonelySequence, .sequenceTokens, .context: self = .tokens
      case .tooManyStages, .unevenStages: self = .stages
      case .lonelyVirtualStages, .interleaving: self = .interleaving
      case .noExperts, .experts, .expertReplicas: self = .experts
      case .tensorNetwork, .tensorNodes, .network, .nodes: self = .network
      }
    }
  }

  let reasons = Fault.allCases.map(\.words)
  let files: [String]
  let sweep: Sweep
  let library: Library
  let plan: PlanSource
  private let separateAccumulation: Bool
  private let requiresFit: Bool

  /// The model of a sweep.
  ///
  /// - Throws: `Diagnostic` at the first thing in the base or the axes that no scenario could have.
  init(_ sweep: Sweep, in library: Library) throws(Diagnostic) {
    self.sweep = sweep
    self.library = library
    plan = try PlanSource(sweep)
    separateAccumulation = sweep.base.value("run")?.value("separate_accumulation")?.text == "true"
    requiresFit = sweep.base.value("run")?.value("require_fit")?.text == "true"
    // Each value of each axis is tried once, so that a wrong one is found before the work begins.
    let maker = TrainingContextMaker(sweep, in: library, usesDocuments: true)
    for axis in [nil] + maker.axes.map(Optional.some) {
      let size = axis.map { sweep.space.dimensions[sweep.space.dimensionOfAxis[$0]].size } ?? 1
      for digit in Set(0..<Swift.min(size, 64)).union([size - 1]).sorted() {
        do throws(Diagnostic) {
          let context = try maker.context { $0 == axis ? digit : 0 }
          try Self.checkPrices(sweep, context)
        } catch {
          if axis != nil, case .contradiction = error.fault { continue }
          throw error
        }
      }
    }
    var seen: Set<String> = []
    files = maker.files.filter { seen.insert($0).inserted }
  }

  /// Money and carbon need prices and a grid.
  private static func checkPrices(_ sweep: Sweep, _ context: TrainingContext) throws(Diagnostic) {
    let read = BlockPipeline.modelOutputsRead(by: sweep)
    func isRead(_ output: Output) -> Bool { read.contains(outputs[output.rawValue].name) }
    for output in [Output.cost, .costPerToken] where isRead(output) && context.numbers.cost?.payment == nil {
      throw sweep.base.diagnostic(
        .contradiction(
          "'\(outputs[output.rawValue].name)' needs 'costs' in the base, with 'device_hour' or 'capital'"))
    }
    if isRead(.carbon), context.numbers.cost?.gridIntensity == nil {
      throw sweep.base.diagnostic(
        .contradiction("'carbon' needs 'costs' in the base, with 'grid_intensity'"))
    }
  }

  func evaluator(firstReason: Int) -> any BlockEvaluator {
    TrainingEvaluator(
      sweep, plan, TrainingContextMaker(sweep, in: library), firstReason: firstReason,
      separateAccumulation: separateAccumulation, requiresFit: requiresFit)
  }
}

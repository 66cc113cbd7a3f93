import CostModels
import Hardware
public import Quantities
public import Scenarios

/// A training step as a form of the numbers of its machine: what the sliders of a page read again.
///
/// The same functions that an estimate calls, read with whatever number a page needs; nothing is written a second time.
public struct MovedStep: RecordableForm {
  /// A number of the machine that moves.
  public struct Parameter: Sendable {
    /// What it is, for people.
    public let name: String
    /// Its base unit.
    public let unit: String
    /// Its value, in base units.
    public let value: Double
    /// Whether it is a limit that rules nothing until it is reached.
    public var isLimit: Bool { number == .powerLimit }
    /// Which number of the machine.
    let number: MachineNumber
  }

  /// A piece of the step; pieces add up to it.
  public enum Piece: String, Sendable, CaseIterable {
    /// Kernels of all micro-batches.
    case kernels
    /// Exchanges within the layers, among tensor- and context-parallel devices and experts.
    case layerExchanges = "exchanges within layers"
    /// Waiting while the pipeline fills and empties, and messages between stages.
    case pipeline
    /// Exchanges among replicas that lengthen the step, and what kernels beside them lose.
    case replicas = "exchanges among replicas, exposed"
    /// Update of the weights, and what the program does once a step.
    case update = "update of the weights"
    /// What steps that run again and again take longer because the clock falls under the power limit.
    case powerLimit = "lower clock under the power limit"
  }

  private let scenario: Scenario
  private let hasPower: Bool
  /// The numbers that move, in the order of the inputs.
  public let parameters: [Parameter]
  /// The pieces, in the order of the outputs, in seconds.
  public let pieces: [Piece]

  /// The form of a scenario; nil unless it is a training step of a Transformer on a GPU.
  public init?(_ scenario: Scenario) {
    guard scenario.pass == .training, scenario.transformer != nil, scenario.device.kind == .gpu else {
      return nil
    }
    self.scenario = scenario
    let (device, plan) = (scenario.device, scenario.plan)
    var parameters: [Parameter] = []
    func add<D: Dimension>(_ name: String, _ value: Sourced<D>, _ number: MachineNumber) {
      parameters.append(
        Parameter(name: name, unit: D.units.first?.symbol ?? "", value: value.value, number: number))
    }
    // The rate that the step's products run at; for a list of operators in other types, the first that there is.
    let types = [scenario.dataType] + DataType.allCases.filter { $0 != scenario.dataType }
    if let own = types.first(where: { device.compute.rates[$0] != nil }),
      let rate = device.compute.rates[own]
    {
      add("peak rate, \(own.rawValue)", rate, .rate(own))
    }
    if let bandwidth = device.mainMemory.bandwidth {
      add("\(device.mainMemory.name) bandwidth", bandwidth, .memoryBandwidth)
    }
    for (index, link) in device.links.prefix(2).enumerated() where plan.devices > 1 {
      if index > 0, plan.devices <= device.links[0].devices { break }
      add("\(link.name) link bandwidth", link.bandwidth, .linkBandwidth(index))
    }
    // Energies that were scaled from the limit would move with it.
    let hasPower =
      scenario.calibration?.forms[EnergyForm<Double>.name] != nil && device.power.limit != nil
    self.hasPower = hasPower
    if hasPower, let limit = device.power.limit { add("power limit", limit, .powerLimit) }
    self.parameters = parameters
    pieces = Piece.allCases.filter { piece in
      switch piece {
      case .kernels, .update: true
      case .layerExchanges: plan.tensor * plan.context * plan.expert > 1
      case .pipeline: plan.pipeline > 1
      case .replicas: plan.replicas > 1
      case .powerLimit: hasPower
      }
    }
  }

  /// The pieces of the step on a machine with these numbers.
  public func outputs<N: ModelNumber>(_ inputs: [N]) -> [N] {
    let step = TrainingTimes<N>(scenario) { machine in
      for (parameter, value) in zip(parameters, inputs) { machine[parameter.number] = value }
    }
    let times = step.times
    let layerExchanges = step.layerExchanges
    let m = N(Double(scenario.plan.microBatches))
    let sustained: N = hasPower ? step.sustainedTime : times.total
    return pieces.map { piece in
      switch piece {
      case .kernels:
        pieces.contains(.layerExchanges) ? m * times.microBatch - layerExchanges : m * times.microBatch
      case .layerExchanges: layerExchanges
      case .pipeline: times.messages + times.bubble
      case .replicas: times.exposedWeights + times.exposedGradients + times.slowdown
      case .update: times.optimizer + times.updatedWeights + times.once
      case .powerLimit:
        // A sum of phases differs from that of the step by what rounding leaves.
        N.choose(
          where: sustained, isAtMost: (1 + 1e-12) * times.total, then: N(0),
          otherwise: sustained - times.total)
      }
    }
  }
}

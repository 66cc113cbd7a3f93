public import Documents
import CostModels
import Hardware
public import Quantities

/// What a scenario would become if one thing about its machine, or how many machines share it, were different.
///
/// Every answer is the scenario read again with one change, as `--set` would make it, and projected by the same models.
public struct WhatIf: Sendable {
  /// A parameter of the machine at half and at twice its value.
  public struct Effect: Sendable {
    /// The parameter.
    public let name: String
    /// Which one it is, for words that are made from it.
    public let kind: Kind
    /// Its value today.
    public let value: String
    /// Time of the step with half of it.
    public let halved: Seconds
    /// Time of the step with twice of it.
    public let doubled: Seconds
    /// What `--set` takes to double it.
    public let change: String
  }

  /// Parameters of a machine that are varied.
  public enum Kind: String, Sendable, CaseIterable {
    /// Peak rate of the scenario's data type.
    case peak
    /// Bandwidth of the main memory.
    case memory
    /// Bandwidth of the nearest link.
    case link
    /// Latency of the nearest link.
    case latency
  }

  /// The parameters, in the order of ``Kind``.
  public let effects: [Effect]
  /// Time of the step by tensor-parallel degree; empty where the workload cannot be split.
  public let tensor: [(degree: Int, projection: Projection)]
  /// The step by number of replicas that share the same sequences; empty where it has no replicas.
  public let strong: [(degree: Int, projection: Projection)]
  /// The step by number of replicas with as many sequences each; empty where it has no replicas.
  public let weak: [(degree: Int, projection: Projection)]

  /// Answers for a scenario.
  ///
  /// - Parameters:
  ///   - scenario: the scenario as it was read.
  ///   - name: its name or path.
  ///   - library: where names are looked up.
  ///   - changes: what was changed already.
  public init(_ scenario: Scenario, named name: String, in library: Library, changes: [String]) {
    let device = scenario.device
    let base = library.names(.hardware).contains(device.name) ? "extends: \(device.name), " : ""
    func projection(_ change: String...) -> Projection? {
      (try? Scenario(named: name, in: library, changes: changes + change))?.project()
    }
    func effect<D: Dimension>(
      _ kind: Kind, _ words: String, _ value: Quantity<D>, _ mapping: (String) -> String
    ) -> Effect? {
      func change(_ factor: Double) -> String {
        func text(_ value: Double) -> String {
          let parts = Quantity<D>(value).formatted(digits: 9).split(separator: " ")
          let number = Double(parts[0]) ?? 0
          let digits = number == number.rounded() && number < 1e9 ? "\(Int(number))" : "\(number)"
          return ([digits] + parts.dropFirst().map { String($0) }).joined(separator: " ")
        }
        let number =
          "{value: \(text(factor * value.value)), low: \(text(0.5 * factor * value.value)), "
          + "high: \(text(2 * factor * value.value)), kind: assumed, source: what if}"
        return "hardware={\(base)\(mapping(number))}"
      }
      guard value.value > 0, let halved = projection(change(0.5)), let doubled = projection(change(2)) else {
        return nil
      }
      return Effect(
        name: words, kind: kind, value: value.formatted(), halved: halved.time, doubled: doubled.time,
        change: change(2))
    }
    var effects: [Effect?] = []
    if let rate = device.compute.rates[scenario.dataType] {
      let type = scenario.dataType.rawValue
      effects.append(
        effect(.peak, "peak rate, \(type)", rate.quantity) { "compute: {rates: {\(type): \($0)}}" })
    }
    let memory = device.mainMemory
    if let bandwidth = memory.bandwidth {
      effects.append(
        effect(.memory, "\(memory.name) bandwidth", bandwidth.quantity) {
          "memory: {\(memory.name): {bandwidth: \($0)}}"
        })
    }
    if scenario.tensorParallel * scenario.dataParallel > 1, let link = device.links.first {
      effects.append(
        effect(.link, "\(link.name) link bandwidth", link.bandwidth.quantity) {
          "links: {\(link.name): {bandwidth: \($0)}}"
        })
      effects.append(
        effect(.latency, "\(link.name) link latency", link.latency.quantity) {
          "links: {\(link.name): {latency: \($0)}}"
        })
    }
    self.effects = effects.compactMap { $0 }
    var tensor: [(degree: Int, projection: Projection)] = []
    if case .transformer = scenario.work {
      let most = max(scenario.tensorParallel, device.links.first?.devices ?? 1)
      var degree = 1
      while degree <= most, degree <= 64 {
        let found =
          degree == scenario.tensorParallel ? scenario.project() : projection("parallelism.tensor=\(degree)")
        if let found { tensor.append((degree, found)) }
        degree *= 2
      }
    }
    self.tensor = tensor.count > 1 ? tensor : []
    guard scenario.pass == .training, scenario.plan.data > 1 else {
      (strong, weak) = ([], [])
      return
    }
    /// From an eighth of the replicas to eight times as many; counts that divide nothing are left out.
    func replicas(_ batch: (Double) -> Double) -> [(degree: Int, projection: Projection)] {
      (-3...3).compactMap { power -> (degree: Int, projection: Projection)? in
        let factor = power < 0 ? 1 / Double(1 << -power) : Double(1 << power)
        let (count, sequences) = (factor * Double(scenario.plan.data), batch(factor))
        guard let count = Int(exactly: count), let sequences = Int(exactly: sequences) else { return nil }
        let found =
          power == 0
          ? scenario.project() : projection("parallelism.data=\(count)", "run.global_batch=\(sequences)")
        return found.map { (count, $0) }
      }
    }
    strong = replicas { _ in Double(scenario.globalBatch) }
    weak = replicas { $0 * Double(scenario.globalBatch) }
  }
}

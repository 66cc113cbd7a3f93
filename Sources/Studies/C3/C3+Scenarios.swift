import CostModels
import Hardware
import Quantities
import Workloads

/// A product and an exchange on the paper's machine.
struct C3Scenario: Sendable {
  let product: GEMM<Double>
  let exchange: Collective<Double>
  let plan: OverlapPlan<Double>

  /// Whether the product waits for memory more than for its units.
  var isMemoryBound: Bool { plan.product.busy < 1 }
  var kind: OverlapClass { OverlapClass(product: plan.product.time, exchange: plan.exchange.time) }
}

/// The rungs of the paper's ladder.
enum C3Rung: String, Sendable, CaseIterable {
  case base = "concurrent"
  case prioritised = "schedule priority"
  case partition = "partition of units"
  case best = "better of the two"
  case copies = "copy engines (ConCCL)"
  case reserving = "copy engines, 8 units taken from memory-bound products"
}

/// All pairs under some assumptions, with the part of the ideal that each reaches on every rung, in per cent.
struct C3Ladder: Sendable {
  let scenarios: [C3Scenario]
  let percents: [C3Rung: [Double]]
}

extension C3 {
  /// The ladder under some assumptions.
  func ladder(_ a: C3Assumptions) -> C3Ladder { ladders[a] ?? computedLadder(a) }

  /// The ladder, computed.
  func computedLadder(_ a: C3Assumptions) -> C3Ladder {
    let all = [Collective<Double>.Kind.allGather, .allToAll].flatMap { kind in
      products.flatMap { product in
        ratios.map { scenario(product, kind, bytes: payload(kind, beside: product, ratio: $0), a) }
      }
    }
    var percents: [C3Rung: [Double]] = [:]
    for rung in C3Rung.allCases where rung != .best {
      percents[rung] = all.map { percent($0, rung) }
    }
    percents[.best] = zip(percents[.prioritised] ?? [], percents[.partition] ?? []).map { max($0, $1) }
    return C3Ladder(scenarios: all, percents: percents)
  }

  /// All pairs: each product with a payload for each ratio, gathered and exchanged all to all.
  ///
  /// Payloads are those of the assumptions as they are, whatever is varied.
  func scenarios(_ a: C3Assumptions) -> [C3Scenario] { ladder(a).scenarios }

  /// Bytes whose exchange takes so many times as long as a product.
  private func payload(_ kind: Collective<Double>.Kind, beside gemm: GEMM<Double>, ratio: Double) -> Double {
    let a = assumptions
    let product = scenario(gemm, kind, bytes: 1, a).plan.product.time
    let wire = max(ratio * product - a.exchangeStart, 0.1 * ratio * product)
    return wire * a.linkRate * (machine.links.first?.bandwidth.value ?? 1)
      / CollectiveForms.wireFactor(kind, ranks: ranks)
  }

  func scenario(
    _ gemm: GEMM<Double>, _ kind: Collective<Double>.Kind, bytes: Double, _ a: C3Assumptions
  ) -> C3Scenario {
    let units = machine.compute.units.value
    let bandwidth = machine.mainMemory.bandwidth?.value ?? 1
    let link = machine.links.first?.bandwidth.value ?? 1
    let waves = TileWaves<Double>(gemm, units: units, dispatch: .of(machine))
    let tileTime = 2 * waves.rows * waves.columns * gemm.k * units / a.productRate
    let compute = waves.waves * tileTime
    let memory = gemm.bytes(.bf16) / (a.memoryRate * bandwidth)
    let time = max(compute, memory)
    let product = Tenant<Double>(
      time: time, units: units, memory: memory / time, waves: waves, busy: compute / time,
      keeps: a.productKeeps)
    let exchange = Collective<Double>(kind, bytes: bytes, ranks: ranks)
    let wire = CollectiveForms.wireFactor(kind, ranks: ranks) * bytes
    let byLibrary = a.exchangeStart + wire / (a.linkRate * link)
    let byCopies = CopyEngineForm<Double>(
      constants: [1e6 * a.copyLaunch, 1e6 * a.exchangeStart, min(1, a.linkRate * a.copyRate), 0])
    let copyTime = byCopies.time(exchange, bandwidth: link, processes: ranks) ?? byLibrary
    // What leaves and what arrives passes the memory.
    func traffic(_ time: Double) -> Double { min(1, 2 * wire / (time * a.memoryRate * bandwidth)) }
    let plan = OverlapPlan(
      product: product,
      exchange: Tenant(
        time: byLibrary, units: kind == .allGather ? a.gatherUnits : a.allToAllUnits,
        memory: traffic(byLibrary),
        link: 1, keeps: a.exchangeKeeps),
      copies: Tenant(
        time: copyTime, units: 0, memory: traffic(copyTime), link: 1, engines: Double(ranks - 1) / 14,
        keeps: a.exchangeKeeps),
      units: units, queueShare: a.queueShare, relief: compute < memory ? a.relief : 0,
      contention: ContentionForm(loneUnit: 1))
    return C3Scenario(product: gemm, exchange: exchange, plan: plan)
  }

  /// Part of the ideal that a scenario reaches on a rung, in per cent.
  func percent(_ scenario: C3Scenario, _ rung: C3Rung) -> Double {
    let plan = scenario.plan
    func share(_ strategy: OverlapStrategy) -> Double { 100 * (plan.fractionOfIdeal(strategy) ?? 0) }
    let reserved = plan.reservedUnits(granularity: granularity)
    switch rung {
    case .base: return share(.concurrent)
    case .prioritised: return share(.prioritised)
    case .partition: return share(.partition(units: reserved))
    case .best: return max(share(.prioritised), share(.partition(units: reserved)))
    case .copies: return share(.copyEngines)
    case .reserving:
      return scenario.isMemoryBound
        ? max(share(.copyEngines), share(.copyEnginesReserving(units: granularity))) : share(.copyEngines)
    }
  }

  /// Mean of a rung over all pairs, in per cent of the ideal.
  func mean(_ rung: C3Rung, _ a: C3Assumptions) -> Double {
    let all = ladder(a).percents[rung] ?? []
    return all.reduce(0, +) / Double(max(1, all.count))
  }

  /// Mean speed-up over one after the other, and the largest.
  func speedups(_ rung: C3Rung, _ a: C3Assumptions) -> (mean: Double, largest: Double) {
    let ladder = ladder(a)
    let all = zip(ladder.scenarios, ladder.percents[rung] ?? []).map { scenario, percent in
      let plan = scenario.plan
      let gain = percent / 100 * (plan.serial - plan.ideal)
      return plan.serial / (plan.serial - gain)
    }
    return (all.reduce(0, +) / Double(max(1, all.count)), all.max() ?? 1)
  }

  /// A number of the ladder with each assumption at the ends of its range.
  func alternatives(_ number: (C3Assumptions) -> Double) -> [Answer.Value] {
    variations.map { .number(number($0.applied(to: assumptions))) }
  }

  /// Growth of the time of products that wait for their units when so many units are lost, mean, in per cent.
  func slowdown(lost: Double, memoryBound: Bool) -> Double {
    let all = scenarios(assumptions).filter {
      $0.isMemoryBound == memoryBound && $0.exchange.kind == .allGather
    }
    let growth = all.map { 100 * ($0.plan.productTime(reserving: lost) / $0.plan.product.time - 1) }
    return growth.reduce(0, +) / Double(max(1, growth.count))
  }
}

import CostModels
import Hardware
import Quantities
import Workloads

extension C3 {
  /// The assumptions that a rung rests on.
  private static let constants = [
    "machine", "products", "ratios", "product_rate", "memory_rate", "link_rate", "gather_units",
    "all_to_all_units", "queue_share", "exchange_keeps", "product_keeps", "copy_rate", "relief",
    "exchange_start",
    "copy_launch",
  ]

  /// A rung of the ladder as an answer.
  private func answer(_ rung: C3Rung, _ words: String) -> Answer {
    Answer(
      .number(mean(rung, assumptions)), alternatives: alternatives { mean(rung, $0) },
      constants: Self.constants,
      words + "; \(range(rung))")
  }

  /// The range of a rung in words.
  func range(_ rung: C3Rung) -> String {
    let all = variations.map { mean(rung, $0.applied(to: assumptions)) } + [mean(rung, assumptions)]
    return
      "\(fixed(all.min() ?? 0, decimals: 0)) to \(fixed(all.max() ?? 0, decimals: 0)) % with each assumption at the ends of its range"
  }

  private func speedup(_ rung: C3Rung, largest: Bool = false, _ words: String) -> Answer {
    func number(_ a: C3Assumptions) -> Double {
      let gains = speedups(rung, a)
      return largest ? gains.largest : gains.mean
    }
    return Answer(
      .number(number(assumptions)), alternatives: alternatives(number), constants: Self.constants, words)
  }

  /// Answers to every claim of the file.
  var answers: [String: Answer] {
    var answers = ladderAnswers.merging(machineAnswers) { $1 }
    for (id, words) in Self.beyond { answers[id] = Answer(cannotBeChecked: words) }
    return answers
  }

  private var ladderAnswers: [String: Answer] {
    let base = scenarios(assumptions)
    let ideals = base.map(\.plan.idealSpeedup)
    let meanIdeal = ideals.reduce(0, +) / Double(max(1, ideals.count))
    var answers: [String: Answer] = [:]
    answers["ideal"] = Answer(
      .statement(ideals.allSatisfy { $0 >= 1 && $0 <= 2 }), constants: ["products", "ratios"],
      "the sum over the larger of two numbers; ours lie between \(formatted(ideals.min() ?? 0, digits: 3)) and \(formatted(ideals.max() ?? 0, digits: 3))"
    )
    answers["percent-of-ideal"] = Answer(
      .number(1 + 0.13 / 0.21),
      "1 + (1.13 - 1)/0.21, from the printed 21 % and the noted 1.13x; our own scenarios have a mean of \(formatted(meanIdeal, digits: 3))"
    )
    answers["base"] = answer(
      .base, "the exchange is launched second; how long it then waits for units is nowhere published")
    answers["base-speedup"] = speedup(.base, "mean over our 30 scenarios")
    answers["either"] = answer(.best, "the better of priority and partition for each scenario")
    answers["priority"] = answer(.prioritised, "the exchange has its units first")
    answers["partition"] = answer(.partition, "units reserved by the heuristic")
    answers["both"] = answer(
      .best, "the better of the two; one on top of the other changes nothing here either")
    answers["copies"] = answer(
      .copies,
      "copies take no units; what they cost the product through memory and caches is nowhere published")
    answers["copies-reserving"] = answer(
      .reserving, "as before, with units taken from products that wait for memory where that helps")
    answers["largest"] = speedup(.reserving, largest: true, "the largest of our 30 scenarios, bounded by 2")
    let (copies, both) = (speedups(.copies, assumptions).mean, speedups(.reserving, assumptions).mean)
    let prioritised = speedups(.best, assumptions).mean
    answers["implied-speedups"] = Answer(
      .range(prioritised...max(prioritised, both)),
      alternatives: variations.map { variation in
        let a = variation.applied(to: assumptions)
        let (low, high) = (speedups(.best, a).mean, speedups(.reserving, a).mean)
        return .range(min(low, high)...max(low, high))
      },
      constants: Self.constants,
      "priority or partition \(formatted(prioritised, digits: 3))x, copies \(formatted(copies, digits: 3))x, with reserved units \(formatted(both, digits: 3))x"
    )
    let classes = OverlapClass.allCases.map { kind in base.filter { $0.kind == kind }.count }
    for (id, kind) in zip(["product-long", "exchange-long", "equal"], OverlapClass.allCases) {
      answers[id] = Answer(
        .statement(true), constants: ["products", "ratios"],
        "our classes are made by this rule; \(classes[OverlapClass.allCases.firstIndex(of: kind) ?? 0]) of our \(base.count) scenarios are \(kind.rawValue)"
      )
    }
    answers["scenarios"] = Answer(
      .number(Double(base.count)), constants: ["products", "ratios"],
      "\(products.count) products x \(ratios.count) payloads x 2 collectives, chosen by us: the paper's are not known"
    )
    return answers
  }

  private var machineAnswers: [String: Answer] {
    var answers: [String: Answer] = [:]
    func lost(_ units: Double) -> Answer {
      Answer(
        .number(slowdown(lost: units, memoryBound: false)),
        constants: ["machine", "products", "product_rate"],
        "mean over our products that wait for their units: whole waves on \(Int(machine.compute.units.value - units)) units against those on all"
      )
    }
    answers["lost-32"] = lost(32)
    answers["lost-64"] = lost(64)
    answers["memory-bound-8"] = Answer(
      cannotBeChecked:
        "why a product that waits for memory gets faster with fewer units is not in the form; the study takes it as a parameter (relief)"
    )
    answers["memory-bound-32"] = Answer(
      .range(-slowdown(lost: 32, memoryBound: true)...0), constants: ["machine", "products", "memory_rate"],
      "our products that wait for memory lose nothing as long as their units keep up; none gets faster")
    for id in ["gather-units", "all-to-all-units", "scatter-units"] {
      answers[id] = Answer(
        cannotBeChecked:
          "an input of the study; by the H200's 26.5 GB/s a channel 448 GB/s would take \(Int((448 / 26.5).rounded(.up))) units, whose units of AMD's are not"
      )
    }
    for (id, kind) in [("small-gather", Collective<Double>.Kind.allGather), ("small-all-to-all", .allToAll)] {
      answers[id] = Answer(
        .number(latencyBound(kind, assumptions)), alternatives: alternatives { latencyBound(kind, $0) },
        constants: ["exchange_start", "link_rate"],
        "the payload whose wire time is ten times the start, in MB; the note does not say what it calls bound by latency"
      )
    }
    func small(_ a: C3Assumptions) -> Double {
      let scenario = scenario(products[0], .allGather, bytes: 0x1p20, a)
      return (scenario.plan.copies?.time ?? .infinity) / scenario.plan.exchange.time
    }
    answers["small-copies"] = Answer(
      .number(small(assumptions)), alternatives: alternatives(small),
      constants: ["copy_launch", "exchange_start"],
      "an all-gather of 1 MiB: the time to start \(ranks - 1) copies, each by the process of its rank, over the library's"
    )
    answers["order"] = Answer(
      .statement(OverlapPlan<Double>.launchOrder(workGroups: [1000, 32]) == [1, 0]),
      "OverlapPlan.launchOrder does so; on the H200 an exchange that is launched second waits for the whole product"
    )
    answers["granularity"] = Answer(
      .number(granularity), constants: ["granularity"], "an input of the study: one unit in each of 8 dies")
    answers["sweet-spot"] = Answer(
      cannotBeChecked: "follows from the gain of products with fewer units, which the form does not have")
    let rule = scenarios(assumptions).map { $0.plan.reservedUnits(granularity: granularity) }
    answers["allocation"] = Answer(
      .statement(true), constants: ["granularity"],
      "OverlapPlan.reservedUnits is this rule; it reserves \(Int(rule.min() ?? 0)) to \(Int(rule.max() ?? 0)) units in our scenarios"
    )
    let memory = machine.memory
    answers["units"] = Answer(.number(machine.compute.units.value), constants: ["machine"], "data sheet")
    answers["l2"] = Answer(
      .number((memory.last?.capacity.value ?? 0) / 0x1p20 / 8), constants: ["machine"],
      "an eighth of the catalogue's L2")
    answers["infinity-cache"] = Answer(
      .number((memory.count > 1 ? memory[1].capacity.value : 0) / 0x1p20), constants: ["machine"],
      "data sheet")
    answers["hbm"] = Answer(
      .number((machine.mainMemory.bandwidth?.value ?? 0) / 1e12), constants: ["machine"], "data sheet")
    answers["engines"] = Answer(cannotBeChecked: "not in our data sheet; the study takes the noted 14")
    answers["link"] = Answer(
      .number((machine.links.first?.bandwidth.value ?? 0) / 1e9 / Double(ranks - 1)),
      constants: ["machine", "ranks"],
      "the catalogue's 448 GB/s over seven peers")
    answers["direct"] = Answer(
      .statement(true), constants: ["ranks"],
      "CopyEngineForm: each rank sends to all others in one step; an exchange that adds up has no time there")
    answers["contention-left"] = Answer(
      .statement(true), constants: ["product_keeps", "exchange_keeps"],
      "so in the form: copies hold no units and no cache; on the H200 products beside copies lose nothing measurable"
    )
    answers["compute-slowdown"] = Answer(
      cannotBeChecked:
        "their steps are not known; on our H200 pairs products run \(formatted(measuredSlowdown, digits: 2)) % longer in the prediction that meets the measured times"
    )
    answers["sequential-slower"] = Answer(
      cannotBeChecked:
        "their steps are not known; of our H200 pairs one after the other is \(formatted(measuredSequential, digits: 2)) % slower on average, with sizes chosen to be alike"
    )
    let c3 = speedups(.best, assumptions)
    answers["c3-range"] = Answer(
      .range(speedups(.base, assumptions).mean...c3.largest), constants: Self.constants,
      "mean of the baseline to the largest with priority or partition; theirs is training of Llama-3.1-8B")
    let tiers = measured.filter { $0.strategy != .copies }
    let ideal = tiers.map { abs(max($0.product, $0.exchange) / $0.together - 1) }
    let serial = tiers.map { abs(($0.product + $0.exchange) / $0.together - 1) }
    func mean(_ x: [Double]) -> Double { 100 * x.reduce(0, +) / Double(max(1, x.count)) }
    answers["tiers"] = Answer(
      .statement(true), constants: ["tables"],
      "the sum misses our H200 pairs by \(fixed(mean(serial), decimals: 0)) %, the larger by \(fixed(mean(ideal), decimals: 0)) %, ours by \(fixed(mean(tiers.map { abs($0.predicted / $0.together - 1) }), decimals: 1)) %"
    )
    return answers
  }

  /// Mean growth of the products' time in the predictions of the library's own choice, in per cent.
  private var measuredSlowdown: Double {
    let growth = measured.filter { $0.strategy == .library }.map { pair in
      100 * max(0, pair.predicted - max(pair.product, pair.exchange)) / pair.product
    }
    return growth.reduce(0, +) / Double(max(1, growth.count))
  }

  private var measuredSequential: Double {
    let growth = measured.filter { $0.strategy == .library }.map {
      100 * (($0.product + $0.exchange) / $0.together - 1)
    }
    return growth.reduce(0, +) / Double(max(1, growth.count))
  }

  /// The payload whose wire time is ten times the start, in MB.
  private func latencyBound(_ kind: Collective<Double>.Kind, _ a: C3Assumptions) -> Double {
    let link = machine.links.first?.bandwidth.value ?? 1
    return 10 * a.exchangeStart * a.linkRate * link / CollectiveForms.wireFactor(kind, ranks: ranks) / 1e6
  }

  /// Claims about other machines and programs, and why nothing here can say.
  private static let beyond: [(String, String)] = [
    ("compute-slowdown-most", "the largest of their steps, which are not known"),
    ("sequential-slower-most", "the largest of their steps, which are not known"),
    ("ficco-left", "their model of data-dependent steps was not read"),
    ("ficco-gain", "their schedules were not read"),
    ("ficco-heuristic", "their schedules were not read; our heuristic chooses units, not schedules"),
    ("ficco-grain", "their schedules were not read"),
    ("dma-large", "taken as an input of the study (copy_rate)"),
    ("dma-power", "no power of copy engines was measured here"),
    ("dma-small-gather", "before their changes; our small sizes follow copy_launch, which nobody published"),
    (
      "dma-small-all-to-all",
      "before their changes; our small sizes follow copy_launch, which nobody published"
    ),
    ("dma-optimised-gather", "their optimised copies were not read"),
    ("dma-optimised-all-to-all", "their optimised copies were not read"),
    ("dma-improvement", "their optimised copies were not read"),
    ("lit-straggler", "unequal clocks of the GPUs of one node are not in the form: all ranks are alike"),
    ("lit-leaders", "unequal clocks of the GPUs of one node are not in the form: all ranks are alike"),
    ("lit-constant", "unequal clocks of the GPUs of one node are not in the form: all ranks are alike"),
    ("lit-varying", "unequal clocks of the GPUs of one node are not in the form: all ranks are alike"),
    ("lit-temperature", "a property of their node"),
    (
      "nccl-hops",
      "another fit's constants; ours are one start and one step for each protocol (CollectiveForm)"
    ),
    ("kernelsight", "another model's errors on other machines; ours are in docs/models.md, Collectives"),
    ("flash-overlap", "another model's error on other kernels"),
    ("moe-regret", "another model's regret on other kernels"),
    ("occupancy", "occupancy shaping is not in the form"),
  ]
}

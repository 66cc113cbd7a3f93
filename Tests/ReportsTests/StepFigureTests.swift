import CostModels
import Quantities
@testable import Reports
import Scenarios
import Studies
import TestSupport
import Testing

/// Figures of a step: whatever detail is drawn, it is the whole step.
@Suite struct StepFigureTests {
  static let names = [
    "getting-started", "gpt3-175b-node", "llama-70b-serving", "llama-405b-prompt", "gemm-square-h200",
  ]

  static func projection(_ name: String) throws -> Projection {
    try Scenario(named: name, in: Repository.library).project()
  }

  /// Runs follow one another and add up to the step: its time, its exchanges and what it asks of the power.
  @Test(arguments: names, [10_000, 1000, 300, 100, 5, 1])
  func runsAreTheStep(name: String, limit: Int) throws {
    let root = try Self.projection(name).root
    let runs = RunningOrder(root, atMost: limit).runs
    func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(abs(a), abs(b)) }
    #expect(near(runs.reduce(0) { $0 + $1.time }, root.time.value))
    #expect(near(runs.reduce(0) { $0 + $1.exchangeTime }, root.communicationTime.value))
    let demand = runs.reduce(EnergyDemand<Double>.zero) { $0 + $1.demand }
    #expect(near(demand.coreEnergy, root.demand.coreEnergy) && near(demand.time, root.demand.time))
  }

  /// A layer runs forward before the head and backward after it, the last one first.
  @Test func layersRunInOrder() throws {
    let names = RunningOrder(try Self.projection("gpt3-175b-node").root, atMost: 1000).runs.map(\.name)
    let order = [
      "layer 1 forward", "layer 96 forward", "output head", "layer 96 backward", "layer 1 backward",
    ]
    let places = order.map { names.firstIndex(of: $0) ?? -1 }
    #expect(places.allSatisfy { $0 >= 0 } && places == places.sorted())
    let batches = RunningOrder(try Self.projection("getting-started").root, atMost: 40).runs.map(\.name)
    #expect(batches.prefix(3) == ["micro-batch 1", "micro-batch 2", "micro-batch 3"])
  }

  /// Bars of energy add up to the energy of the step but for the parts that are left out.
  @Test(arguments: ["getting-started", "gpt3-175b-node", "llama-70b-serving"])
  func energyAddsUp(name: String) throws {
    let projection = try Self.projection(name)
    let energy = try #require(projection.energy)
    guard case .bars(let bars) = try #require(Chart.energyParts(projection)).drawing else {
      Issue.record("no bars")
      return
    }
    let scale = try #require(["mJ": 1e-3, "J": 1, "kJ": 1e3, "MJ": 1e6][bars.unit])
    let sum = scale * bars.bars.reduce(0) { $0 + $1.lengths.reduce(0, +) }
    #expect(sum <= energy.energy.value * (1 + 1e-9) && sum > 0.997 * energy.energy.value)
  }

  /// Power lies between idle and what the limit allows on average; the time axis is the step under the limit.
  @Test func powerStaysUnderTheLimit() throws {
    let projection = try Self.projection("getting-started")
    let charts = Chart.powerOverTime(projection)
    #expect(charts.count == 2)
    guard case .lines(let lines) = charts[0].drawing else {
      Issue.record("no lines")
      return
    }
    let points = lines.series[0].points
    var energy = 0.0
    for (now, next) in zip(points, points.dropFirst()) { energy += now.y * (next.x - now.x) }
    let end = try #require(points.last).x
    #expect(energy / end < 700 && points.allSatisfy { $0.y > 125 })
    let expected = try #require(projection.energy)
    // The energy holds the mean of layers and head, the figure the clock of each, as the times do.
    #expect(abs(end / expected.sustainedTime.value - 1) < 0.01)
    // The head runs on its own long enough for the regulator, so its clock keeps it below the limit.
    let heads = points.filter { $0.name.hasSuffix("output head") }
    #expect(!heads.isEmpty && heads.allSatisfy { $0.y < 700.5 })
    #expect(abs(1024 * energy / expected.energy.value - 1) < 0.01)
  }

  /// The bar of the scenario as it stands is what `estimate` says; what is shared out more takes less.
  @Test func memoryIsThatOfTheEstimate() throws {
    let projection = try Self.projection("getting-started")
    guard case .bars(let bars) = try #require(Chart.memory(projection)).drawing else {
      Issue.record("no bars")
      return
    }
    let verdict = try #require(projection.memory)
    #expect(abs(bars.bars[0].lengths.reduce(0, +) * 1e9 / verdict.memory.total - 1) < 1e-12)
    #expect(bars.limit?.value == verdict.capacity.value / 1e9)
    func total(_ name: String) throws -> Double {
      try #require(bars.bars.first { $0.name == name }).lengths.reduce(0, +)
    }
    let parameters = try Scenario(
      named: "getting-started", in: Repository.library, changes: ["parallelism.sharding=parameters"]
    ).project()
    #expect(
      abs(try total("sharding: parameters") * 1e9 / (try #require(parameters.memory).memory.total) - 1) < 1e-9
    )
    #expect(try total("recompute: full") < bars.bars[0].lengths.reduce(0, +))
    #expect(try total("sharding: none") > bars.bars[0].lengths.reduce(0, +))
  }

  @Test(arguments: [
    (949_123, "949,000"), (2580, "2,580"), (999, "999"), (1.04e6, "1.04 million"), (15e12, "15 trillion"),
    (13.49e6, "13.5 million"), (0.5, "0.500"), (999_999, "1 million"),
  ])
  func countsInWords(value: Double, words: String) { #expect(counted(value) == words) }

  @Test(arguments: [
    ("takes 8.84 s, 45 % of it", "takes 8.84\u{a0}s, 45\u{a0}% of it"),
    ("layer 3 backward", "layer 3 backward"),
    ("692 GFLOP/s a watt", "692\u{a0}GFLOP/s a watt"), ("1 B200", "1 B200"),
  ])
  func numbersStayWithTheirUnits(text: String, typeset: String) { #expect(Reports.typeset(text) == typeset) }
}

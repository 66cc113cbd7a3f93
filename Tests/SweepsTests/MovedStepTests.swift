import CostModels
import Quantities
import Scenarios
import TestSupport
import Testing

@testable import Sweeps

/// What the sliders of a page read again is the step that `estimate` projects.
@Suite struct MovedStepTests {
  static let questions = [
    ("getting-started", [String]()), ("gpt3-175b-node", []),
    ("bert-large-a100", ["hardware=nvidia-v100-32g-sxm", "run.datatype=fp16"]),
    ("getting-started", ["parallelism={tensor: 2, pipeline: 8, virtual_stages: 2, data: 8, overlap: false}"]),
    ("getting-started", ["parallelism={tensor: 8, context: 4, data: 4, sharding: parameters}"]),
    (
      "gpt3-175b-node",
      [
        "workload=deepseek-v2", "hardware=nvidia-b200", "run.micro_batches=8",
        "parallelism={tensor: 1, pipeline: 4, data: 8, expert: 8}",
      ]
    ),
  ]

  /// The pieces of the step as it stands add up to its time under the power limit; each is at least zero.
  @Test(arguments: questions)
  func piecesAddUp(name: String, changes: [String]) throws {
    let scenario = try Scenario(named: name, in: Repository.library, changes: changes)
    let projection = scenario.project()
    let form = try #require(MovedStep(scenario))
    let pieces = form.outputs(form.parameters.map(\.value))
    #expect(pieces.count == form.pieces.count)
    #expect(pieces.allSatisfy { $0 >= -1e-12 })
    let expected =
      form.pieces.contains(.powerLimit) ? try #require(projection.energy).sustainedTime : projection.time
    #expect(abs(pieces.reduce(0, +) / expected.value - 1) < 1e-9)
  }

  /// The closed form asks for the power that the tree of costs adds up, phase by phase.
  @Test(arguments: questions)
  func demandIsThatOfTheTree(name: String, changes: [String]) throws {
    let scenario = try Scenario(named: name, in: Repository.library, changes: changes)
    let tree = scenario.project().root.demand
    let form = TrainingTimes<Double>(scenario) { _ in }.phases.demand
    func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(abs(a), abs(b)) }
    #expect(near(form.time, tree.time))
    #expect(near(form.clockedTime, tree.clockedTime))
    #expect(near(form.coreEnergy, tree.coreEnergy))
    #expect(near(form.otherEnergy, tree.otherEnergy))
  }

  /// A number that a slider moves does what the same number in a file does.
  @Test(arguments: [
    ("peak rate, bf16", "compute: {rates: {bf16: {value: 1978 TFLOP/s,"),
    ("hbm bandwidth", "memory: {hbm: {bandwidth: {value: 9.6 TB/s,"),
    ("node link bandwidth", "links: {node: {bandwidth: {value: 900 GB/s,"),
    ("cluster link bandwidth", "links: {cluster: {bandwidth: {value: 100 GB/s,"),
    ("power limit", "power: {limit: {value: 1400 W,"),
  ])
  func slidersAreChangesOfTheFile(parameter: String, mapping: String) throws {
    let braces = String(repeating: "}", count: mapping.filter { $0 == "{" }.count)
    let change = "hardware={extends: nvidia-h200, \(mapping) kind: published, source: a test\(braces)}"
    let scenario = try Scenario(named: "getting-started", in: Repository.library)
    let form = try #require(MovedStep(scenario))
    let index = try #require(form.parameters.firstIndex { $0.name == parameter })
    var inputs = form.parameters.map(\.value)
    inputs[index] *= 2
    let moved = form.outputs(inputs).reduce(0, +)
    let changed = try Scenario(named: "getting-started", in: Repository.library, changes: [change]).project()
    #expect(abs(moved / (try #require(changed.energy).sustainedTime.value) - 1) < 1e-9)
  }

  /// What a page evaluates is what the program does, wherever the sliders stand.
  @Test func theProgramOfAPageIsTheForm() throws {
    let form = try #require(MovedStep(try Scenario(named: "getting-started", in: Repository.library)))
    let program = FormProgram(form, inputCount: form.parameters.count)
    var random = SplitMix64(seed: 11)
    for _ in 0..<40 {
      let inputs = form.parameters.map { $0.value * Double.random(in: 0.3...4, using: &random) }
      for (a, b) in zip(program.evaluate(inputs), form.outputs(inputs)) {
        #expect(abs(a - b) <= 1e-9 * max(abs(b), 1e-6))
      }
    }
  }
}

import CostModels
import Documents
import ModelTestSupport
import Quantities
import Scenarios
import Testing

@Suite struct TrainingScenarioTests {
  private func projection(_ changes: [String] = []) throws -> TrainingProjection {
    let scenario = try TrainingScenario(
      named: "criteo-svm-admm", in: Repository.library, changes: changes)
    return try #require(scenario).project()
  }

  @Test(arguments: [
    (
      "run.samples=902653184",
      "a unit would hold 440748 samples, 88.3 MB with the model, but its mram has 67.1 MB"
    ),
    ("run.tasklets=25", "'run.tasklets' is 25, but a unit of upmem-pim-opt has 24 threads"),
    ("run.transfer=12 B", "'run.transfer' is 12 B, expected a multiple of 8 B from 8 to 2048 B"),
    ("run.transfer=4096 B", "'run.transfer' is 4096 B, expected a multiple of 8 B from 8 to 2048 B"),
    (
      "run.batch=200000",
      "'run.batch' is 200000: a worker has 196608 samples and a batch takes 200000 from it"
    ),
    ("run.units=4096", "'run.units' is 4096, but upmem-pim-opt has 2560 units"),
  ])
  func whatTheMachineCannotDoIsRefused(change: String, words: String) throws {
    do {
      _ = try projection([change])
      Issue.record("\(change) was accepted")
    } catch let diagnostic as Diagnostic {
      #expect("\(diagnostic)" == "--set \(change): error: \(words)")
    }
  }

  /// Parts add up to the epoch, which lies in its interval; the same samples train on a processor and a GPU too.
  @Test(arguments: ["upmem-pim-opt", "amd-epyc-7742-2s", "nvidia-a100-80g-pcie"])
  func partsAddUp(hardware: String) throws {
    var changes = ["hardware=\(hardware)"]
    if hardware != "upmem-pim-opt" { changes.append("run.units=128") }
    let answer = try projection(changes)
    let sum = answer.parts.reduce(0) { $0 + $1.time.value }
    #expect(abs(sum / answer.epoch.time - 1) < 1e-12)
    #expect(answer.epoch.interval90.contains(answer.epoch.time))
    #expect(answer.epoch.energy > 0)
  }
}

import CostModels
import Quantities
import Workloads
import Hardware

extension Goldyloc {
  private static let constants = [
    "machine", "attention_heads", "recurrent", "experts", "projections", "convolutions", "degrees", "launch",
    "missed_reuse", "exposed_start", "shared_feed",
  ]

  func summary(_ outcome: Outcome, _ learned: Learned) -> String {
    let errors = measured.map { abs($0.predictedConcurrent / $0.concurrent - 1) }
    let error = 100 * errors.reduce(0, +) / Double(max(1, errors.count))
    let best = measured.map(\.speedup).max() ?? 1
    return
      "On \(machine.title), over products of our own choice, the best degree and tile gain "
      + "\(fixed(100 * (outcome.overSequential - 1), decimals: 0)) % over one after another (geometric mean, largest "
      + "\(formatted(outcome.largestOverSequential, digits: 2))x) and \(fixed(100 * (outcome.overNaive - 1), decimals: 0)) % over all at once with "
      + "today's kernels (largest \(formatted(outcome.largestOverNaive, digits: 2))x). The paper has 43 %, 2.5x, 18 % and 2x on products that are not known. A "
      + "logistic predictor loses \(fixed(learned.regret, decimals: 1)) % against the best degree on shapes that it did not see. On an "
      + "H200 parallel branches gain up to \(formatted(best, digits: 3))x; the form misses their times by \(fixed(error, decimals: 1)) %."
  }

  func answers(_ outcome: Outcome, _ others: [Outcome], _ learned: Learned) -> [String: Answer] {
    var answers: [String: Answer] = [:]
    func number(_ value: (Outcome) -> Double, _ words: String) -> Answer {
      Answer(
        .number(value(outcome)), alternatives: others.map { .number(value($0)) } + productAlternatives(value),
        constants: Self.constants,
        words + "; with other assumptions or one workload left out "
          + "\(formatted((others.map(value) + [value(outcome)]).min() ?? 0, digits: 3)) to \(formatted((others.map(value) + [value(outcome)]).max() ?? 0, digits: 3))"
      )
    }
    answers["over-naive"] = number(
      { 100 * ($0.overNaive - 1) },
      "all waiting products at once with kernels tuned for the whole GPU, against the best degree and tile")
    answers["over-naive-most"] = number(\.largestOverNaive, "the largest of our products")
    answers["over-sequential"] = number(
      { 100 * ($0.overSequential - 1) }, "geometric mean over our five workloads")
    answers["over-sequential-most"] = number(\.largestOverSequential, "the largest of our products")
    answers["machine"] = Answer(
      .statement(machine.name == "amd-mi100"), constants: ["machine"], "the study's machine")
    answers["shares"] = Answer(
      .statement(Self.shares == [1, 2, 4]),
      "kernels are tuned for the whole, half and a quarter of the units; each of c products has a c-th of the cache"
    )
    let bigger = outcome.gains.filter { gain in
      let times = Times(machine, assumptions)
      let (whole, quarter) = (times.waves(gain.product, share: 1), times.waves(gain.product, share: 4))
      return quarter.rows * quarter.columns > whole.rows * whole.columns
    }
    answers["kernel-choice"] = Answer(
      .statement(!bigger.isEmpty), constants: Self.constants,
      "\(bigger.count) of our \(outcome.gains.count) products take larger tiles when tuned for a quarter of the GPU"
    )
    answers["predictor"] = Answer(
      .statement(learned.regret < 3 && learned.regret < learned.regretOfOne), constants: Self.constants,
      "DegreePredictor: right within 1 % for \(fixed(learned.right, decimals: 0)) % of \(learned.others) shapes it did not see, loses \(fixed(learned.regret, decimals: 1)) % on average; always the highest degree loses \(fixed(learned.regretOfAll, decimals: 1)) %, one at a time \(fixed(learned.regretOfOne, decimals: 1)) %"
    )
    answers["venue"] = Answer(cannotBeChecked: "a fact about the publication")
    let times = Times(machine, assumptions)
    let waves = times.waves(outcome.gains.first?.product ?? .init(m: 1, n: 1, k: 1), share: 1)
    answers["waves"] = Answer(
      .statement(waves.waves == max(1, (waves.tiles / times.machine.units).rounded(.up))),
      constants: ["machine"],
      "TileWaves counts so, with one tile to a unit; occupancy above one is not in the form")
    answers["speedup-formula"] = Answer(
      .statement(true), constants: ["degrees"],
      "c times the time alone over the time together is how gains are counted here")
    let full = outcome.gains.filter { gain in
      let waves = times.waves(gain.product, share: 1)
      let filled = waves.tiles / (waves.waves * times.machine.units)
      return gain.overSequential <= 1.15 / filled + times.machine.launch / times.alone(gain.product) * 3
    }
    answers["when-it-helps"] = Answer(
      .statement(full.count * 10 >= outcome.gains.count * 8), constants: Self.constants,
      "\(full.count) of \(outcome.gains.count) products gain no more than one over the filling of their waves, and what their starts add"
    )
    answers["degrees"] = Answer(
      .statement(degrees.dropFirst() == [2, 4, 8, 16]), constants: ["degrees"], "an input of the study")
    return answers
  }

  /// The value with each workload left out: which products the paper takes is not known.
  private func productAlternatives(_ value: (Outcome) -> Double) -> [Answer.Value] {
    loads.indices.map { index in
      var fewer = loads
      fewer.remove(at: index)
      return .number(value(Outcome(Goldyloc(self, loads: fewer), assumptions)))
    }
  }

  private init(_ study: Goldyloc, loads: [Load]) {
    self = study
    self.loads = loads
  }
}

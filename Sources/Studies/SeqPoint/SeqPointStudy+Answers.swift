import CostModels
import Hardware
import Quantities
import Sampling
import Workloads

extension SeqPointStudy {
  /// An answer to each claim of the file, by its name.
  func answers(_ evaluated: [Evaluated], _ measured: [Measured]) -> [String: Answer] {
    var answers: [String: Answer] = [:]
    let constants = [
      "machine", "configurations", "noise", "tolerances", "batch", "iterations", "seed", "product_factors",
      "bandwidth_factors", "cache_factors", "speech_padding",
    ]
    for (index, short) in [(0, "ds2"), (1, "gnmt")] where evaluated.indices.contains(index) {
      let result = evaluated[index]
      let ends = result.variants
      let points = result.points
      let otherErrors = ends.map { "; \($0.name) \(formatted($0.error, digits: 2)) %" }.joined()
      let otherSavings = ends.map { "; \($0.name) \(Int($0.saving))x" }.joined()
      let derivation =
        "\(points.iterations) iterations of \(Set(result.run.lengths).count) lengths, \(points.points.count) points; total of "
        + "\(fixed(points.totalSeconds, decimals: 1)) s over the points' "
        + "\(fixed(points.totalSeconds / points.profilingSaving, decimals: 3)) s on the first machine\(otherSavings)"
      answers["runtime-\(short)"] = Answer(
        .number(result.error), alternatives: ends.map { .number($0.error) }, constants: constants,
        "geometric mean over \(machines.count) machines of the error of the projected total: "
          + result.projected.map { "\($0.machine) \(fixed(100 * $0.error, decimals: 3)) %" }.joined(
            separator: ", ") + otherErrors)
      answers["speed-up-\(short)"] = Answer(
        .number(result.speedUpError), alternatives: ends.map { .number($0.speedUpError) },
        constants: constants,
        "geometric mean over the machines but the first of the error of the projected speed-up")
      answers["saving-\(short)"] = Answer(
        .number(points.profilingSaving), alternatives: ends.map { .number($0.saving) },
        constants: constants, derivation)
    }
    let explained = measured.map(\.explained)
    answers["key-factor"] = Answer(
      .statement(explained.contains { $0 > 90 } && explained.allSatisfy { $0 > 50 }), constants: ["logs"],
      "the length explains "
        + measured.map { "\(fixed($0.explained, decimals: 0)) % (\($0.name))" }.joined(separator: ", ")
        + " of the variance of measured iterations; what it does not explain is the host, whose speed drifted"
    )
    let recalled =
      "a step of the algorithm, recalled; it is what Sampling.SeqPoints does, which confirms nothing"
    for id in ["step-1", "step-2", "step-3", "step-4", "step-5"] {
      answers[id] = Answer(cannotBeChecked: recalled)
    }
    answers["formula"] = Answer(
      .statement(
        evaluated.allSatisfy { $0.points.points.reduce(0) { $0 + $1.weight } == $0.points.iterations }),
      "weights add up to the iterations of every run")
    for id in ["setup-data", "setup-machines", "setup-batch"] {
      answers[id] = Answer(cannotBeChecked: "a setup, recalled; the paper's body was not read")
    }
    let better = evaluated.allSatisfy { result in
      result.baselines.allSatisfy {
        abs($0.projectedSeconds / result.points.totalSeconds - 1) > abs(result.points.relativeError)
      }
    }
    answers["baselines"] = Answer(
      cannotBeChecked:
        "a setup, recalled; of ours, SeqPoint \(better ? "is nearer to the total than each" : "is not nearer than all") of the "
        + "most frequent, the median and the worst length and the first 50 iterations")
    if let worst = measured.map({ abs(100 * $0.points.relativeError) }).max(),
      let timed = measured.map(\.timed).max()
    {
      answers["own-logs"] = Answer(
        .number(worst), constants: ["logs", "log_tolerance", "log_repeats"],
        "the worst of \(measured.count) measured logs; chosen by time, which a user has who has the log")
      answers["own-timed"] = Answer(
        .number(timed), constants: ["logs", "log_tolerance", "log_repeats"],
        "iterations whose times are used, the worst of the logs")
      answers["own-unseen"] = Answer(
        .number(measured.map { abs(100 * $0.byLength.relativeError) }.max() ?? .nan),
        constants: ["logs", "log_bins", "log_repeats"],
        "the worst log, \(logBins) bins chosen by length alone: "
          + measured.map {
            "\($0.name) \(fixed(100 * $0.byLength.relativeError, decimals: 2)) %"
          }.joined(separator: ", "))
    }
    return answers
  }

  func summary(_ evaluated: [Evaluated], _ measured: [Measured]) -> String {
    let words = evaluated.prefix(2).map { result in
      "\(result.points.points.count) iterations stand for the \(result.points.iterations) of \(result.run.title) to "
        + "\(formatted(result.error, digits: 2)) % over \(machines.count) machines and take "
        + "1/\(Int(result.points.profilingSaving)) of the time"
    }
    let logs = measured.map { abs(100 * $0.points.relativeError) }.max() ?? .nan
    let timed = measured.map(\.timed).max() ?? .nan
    return words.joined(separator: "; ")
      + ". On \(measured.count) measured runs of recurrent networks the projected total is off by at most "
      + "\(formatted(logs, digits: 2)) % with at most \(formatted(timed, digits: 2)) % of the iterations timed."
  }
}

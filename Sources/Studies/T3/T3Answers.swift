import CostModels
import Quantities
import Workloads

extension T3 {
  /// A ratio over all sub-layers of some models.
  func gains(
    _ cases: [T3Case], _ form: FusedReduceScatterForm<Double>, _ ratio: (SublayerTimes<Double>) -> Double
  ) -> [Double] {
    cases.flatMap { study in Sublayer.allCases.map { ratio(form.times(study.product($0))) } }
  }

  /// Savings of data movement over the sub-layers of the smaller models, in per cent.
  func savings(_ form: FusedReduceScatterForm<Double>) -> (mean: Double, most: Double) {
    let left = traffic(small, form) { $1.total / $0.total }
    return (100 * (1 - geometricMean(left)), 100 * (1 - (left.min() ?? 1)))
  }

  private func traffic(
    _ cases: [T3Case], _ form: FusedReduceScatterForm<Double>,
    _ ratio: (SublayerTraffic<Double>, SublayerTraffic<Double>) -> Double
  ) -> [Double] {
    cases.flatMap { study in
      Sublayer.allCases.map { sublayer in
        let product = study.product(sublayer)
        return ratio(form.traffic(product, isFused: false), form.traffic(product, isFused: true))
      }
    }
  }

  private static let constants = [
    "efficiency", "tile", "held_outputs", "update_cost", "link_bandwidth", "small_tokens",
  ]

  /// An answer with the number of the machine as assumed, and of its variants.
  private func answer(_ words: String, _ number: (FusedReduceScatterForm<Double>) -> Double) -> Answer {
    Answer(
      .number(number(form)), alternatives: variants.map { .number(number($0.form)) },
      constants: Self.constants,
      words)
  }

  private func percentages(_ ratios: [Double]) -> (mean: Double, most: Double) {
    (100 * (geometricMean(ratios) - 1), 100 * ((ratios.max() ?? 1) - 1))
  }

  /// An answer about whole steps, which also varies with what else a step does.
  private func stepAnswer(
    _ cases: [T3Case], isTraining: Bool, _ words: String, _ value: ([T3Step]) -> Answer.Value
  ) -> Answer {
    func steps(_ form: FusedReduceScatterForm<Double>, _ share: Double) -> Answer.Value {
      value(cases.map { T3Step($0, form, isTraining: isTraining, otherShare: share) })
    }
    return Answer(
      steps(form, otherShares[0]),
      alternatives: variants.map { steps($0.form, otherShares[0]) }
        + otherShares.dropFirst().map { steps(form, $0) },
      constants: Self.constants + ["other_share"], words)
  }

  /// Answers to all claims.
  var answers: [String: Answer] {
    var answers = gainAnswers.merging(trafficAnswers) { first, _ in first }
    answers.merge(stepAnswers) { first, _ in first }
    return answers
  }

  private var gainAnswers: [String: Answer] {
    var answers: [String: Answer] = [:]
    let sublayers = "four sub-layers of two models at two degrees"
    func both(
      _ name: String, _ cases: [T3Case], _ words: String, _ ratio: @escaping (SublayerTimes<Double>) -> Double
    ) {
      answers[name + "-mean"] = answer(words) { self.percentages(self.gains(cases, $0, ratio)).mean }
      answers[name + "-most"] = answer(words) { self.percentages(self.gains(cases, $0, ratio)).most }
    }
    both("mca", small, sublayers) { $0.sequential / $0.arbitrated }
    both("plain", small, sublayers) { $0.sequential / $0.fused }
    both("arbitration", small, sublayers) { $0.fused / $0.arbitrated }
    both("ideal", small, sublayers) { $0.sequential / $0.ideal }
    both("large", large, "four sub-layers of the large models") { $0.sequential / $0.arbitrated }
    let half = large.filter { $0.model.parameters > 400e9 }
    answers["large-mean"] = answer("four sub-layers of PaLM and MT-NLG") {
      self.percentages(self.gains(half, $0) { $0.sequential / $0.arbitrated }).mean
    }
    answers["ideal-gap"] = answer("ideal overlap over T3-MCA") {
      self.percentages(self.gains(self.small, $0) { $0.arbitrated / $0.ideal }).mean
    }
    for degree in [8, 16] {
      let cases = small.filter { $0.degree == degree }
      answers["near-\(degree)"] = answer(
        "three accesses of a chunk at the end of a library's reduce-scatter, which is otherwise bound by the ring"
      ) { self.percentages(self.gains(cases, $0) { $0.reduceScatter / $0.reduceScatterNearMemory }).mean }
    }
    answers["near-more"] = answer("where the reduce-scatter is the longer") {
      self.percentages(self.gains(self.small, $0) { $0.ideal / $0.idealNearMemory }).most
    }
    answers["large-layers"] = answer("the largest distance of FC-2 and FC-1 from ideal overlap") { form in
      self.small.flatMap { study in
        [Sublayer.secondFeedForward, .firstFeedForward].map { sublayer in
          let times = form.times(study.product(sublayer))
          return 100 * (times.fused / times.ideal - 1)
        }
      }.max() ?? 0
    }
    answers["beside"] = answer("the longer of product and all-reduce, against their sum") {
      geometricMean(
        self.gains(self.small, $0) {
          $0.sequential / max($0.product, $0.reduceScatter + $0.allGather)
        })
    }
    answers["units-64"] = answer("waves of tiles on 64 units in place of 80") { form in
      100
        * (geometricMean(
          self.small.flatMap { study in
            Sublayer.allCases.map { sublayer in
              let product = study.product(sublayer)
              return form.productTime(product, units: 64) / form.productTime(product)
            }
          }) - 1)
    }
    for name in ["exchange-8", "exchange-16", "split-72", "split-64"] {
      answers[name] = Answer(
        cannotBeChecked:
          "how an exchange slows with fewer units depends on the library's kernels on that machine, which nobody here measured"
      )
    }
    return answers
  }

  private var trafficAnswers: [String: Answer] {
    var answers: [String: Answer] = [:]
    answers["movement-mean"] = answer("bytes past the memory, all-gather included") { self.savings($0).mean }
    answers["movement-most"] = answer("bytes past the memory, all-gather included") { self.savings($0).most }
    let counts = "counted: 2N - 1 chunks against N - 2"
    for degree in [8, 16] {
      let ranks = Double(degree)
      answers["reads-\(degree)"] = Answer(
        .number(
          FusedReduceScatterForm.scatterReads(ranks: ranks)
            / FusedReduceScatterForm.fusedScatterReads(ranks: ranks)), counts)
    }
    answers["reads-mean"] = Answer(
      .number(geometricMean(traffic(small, form) { $0.scatterReads / $1.scatterReads })), counts)
    answers["writes"] = Answer(
      .number(100 * (1 - geometricMean(traffic(small, form) { $1.writes / $0.writes }))),
      "counted: 2N chunks against 2N - 2")
    answers["product-reads"] = answer("weights that the cache does not hold are read again") {
      geometricMean(self.traffic(self.small, $0) { $0.productReads / $1.productReads })
    }
    answers["gather"] = Answer(
      .statement(traffic(small, form) { $0.gather / $1.gather }.allSatisfy { $0 == 1 }),
      "nothing of it is fused")
    return answers
  }

  private var stepAnswers: [String: Answer] {
    var answers: [String: Answer] = [:]
    let words = "four products and their exchanges; the rest of a step is an assumed share"
    func gain(_ steps: [T3Step], _ time: (T3Step) -> Double) -> (mean: Double, most: Double) {
      percentages(steps.map { $0.sequential / time($0) })
    }
    for (name, isTraining) in [("training", true), ("prompt", false)] {
      answers[name + "-mean"] = stepAnswer(small, isTraining: isTraining, words) {
        .number(gain($0, \.arbitrated).mean)
      }
      answers[name + "-most"] = stepAnswer(small, isTraining: isTraining, words) {
        .number(gain($0, \.arbitrated).most)
      }
      answers[name + "-plain"] = stepAnswer(small, isTraining: isTraining, words) {
        let (mean, most) = gain($0, \.fused)
        return .range(min(mean, most)...max(mean, most))
      }
      answers["large-" + name] = stepAnswer(large, isTraining: isTraining, words) {
        .number(gain($0, \.arbitrated).most)
      }
      answers["share-" + name] = stepAnswer(small, isTraining: isTraining, "exchanges over a sequential step")
      {
        .number(100 * ($0.map { $0.exchange / $0.sequential }.max() ?? 0))
      }
      answers["share-large-" + name] = stepAnswer(
        large + future, isTraining: isTraining, "exchanges over a sequential step"
      ) { .number(100 * ($0.map { $0.exchange / $0.sequential }.max() ?? 0)) }
    }
    answers["share-faster"] = stepAnswer(
      small + large + future, isTraining: true, "exchanges over a step whose other parts take half the time"
    ) {
      .number(
        100 * ($0.map { $0.exchange / ($0.exchange + ($0.sequential - $0.exchange) / 2) }.max() ?? 0))
    }
    return answers
  }
}

import CostModels
import Hardware
import Quantities
import Workloads

extension CompVsComm {
  /// An answer to each claim of the file, by its name.
  var answers: [String: Answer] {
    var answers = shareAnswers
    answers.merge(operatorAnswers) { first, _ in first }
    answers.merge(spaceAnswers) { first, _ in first }
    answers.merge(trendAnswers) { first, _ in first }
    return answers
  }

  /// Names of the parameters that shares rest on.
  private static let shareConstants = [
    "ring_bandwidth", "large_rate", "baseline_rate", "future_hidden", "future_degrees",
  ]

  /// The share over what counts as future, with the choices that are ours as alternatives.
  private func futureShare(_ factor: Double, _ words: String) -> Answer {
    let low = ring.interval?.lowerBound.value
    func value(_ rate: Double, hidden: [Double]? = nil, bandwidth: Double? = nil) -> Answer.Value {
      .range(
        range(shares(factor: factor, rate: rate, hidden: hidden, bandwidth: bandwidth)).values)
    }
    return Answer(
      value(largeRate.value),
      alternatives: future.hidden.map { value(largeRate.value, hidden: [$0]) }
        + [value(baselineRate.value), value(largeRate.value, bandwidth: low)],
      constants: Self.shareConstants, words)
  }

  private var shareAnswers: [String: Answer] {
    let last = space.factors.last ?? 4
    var answers: [String: Answer] = [:]
    answers["future-share"] = futureShare(
      last,
      "\(formatted(last, digits: 1))x growth, the future points with no more devices than heads; which points and which growth the abstract means is not known"
    )
    for factor in space.factors {
      let name = formatted(factor, digits: 1)
      answers["serialized-\(name)x"] = futureShare(
        factor,
        "the future points with no more devices than heads, all sequence lengths; which points the range belongs to is not known"
      )
      func overlaps(_ rate: Double, tokens: [Double]) -> Answer.Value {
        .range(
          range(
            tokens.map {
              overlap(hidden: future.hidden[0], sequence: $0, microBatch: 1, factor: factor, rate: rate)
            }
          ).values)
      }
      answers["overlapped-\(name)x"] = Answer(
        overlaps(largeRate.value, tokens: overlapTokens.likely),
        alternatives: [overlaps(baselineRate.value, tokens: overlapTokens.likely)]
          + overlapTokens.possible.flatMap { low in
            overlapTokens.possible.filter { $0 > low }.map { overlaps(largeRate.value, tokens: [low, $0]) }
          },
        constants: [
          "ring_bandwidth", "large_rate", "baseline_rate", "data_parallel", "overlap_tokens",
          "overlap_tokens_possible",
        ],
        "\(Int(overlapTokens.likely[0])) to \(Int(overlapTokens.likely[1])) tokens a device; the range is proportional to one over the tokens, and those of the paper's subset are not known"
      )
    }
    let twice = shares(factor: 2, rate: largeRate.value).max() ?? 0
    answers["share-at-twice"] = Answer(
      .number(twice),
      alternatives: [.number(shares(factor: 2, rate: baselineRate.value).max() ?? 0)]
        + future.hidden.map { .number(shares(factor: 2, rate: largeRate.value, hidden: [$0]).max() ?? 0) },
      constants: Self.shareConstants,
      "the largest share at twice the compute over the future points with no more devices than heads")
    answers["becomes-exposed"] = exposure
    let (hidden, sequence, batch, degree, factor) = (
      caseStudy[0], caseStudy[1], caseStudy[2], caseStudy[3], caseStudy[4]
    )
    func serialized(_ rate: Double, _ bandwidth: Double? = nil) -> Double {
      share(
        hidden: hidden, sequence: sequence, degree: degree, factor: factor, rate: rate, bandwidth: bandwidth)
    }
    answers["case-serialized"] = Answer(
      .number(serialized(largeRate.value)),
      alternatives: [
        .number(serialized(baselineRate.value)),
        .number(serialized(baselineRate.interval?.lowerBound.value ?? 0)),
        .number(serialized(largeRate.value, ring.interval?.lowerBound.value)),
      ], constants: ["large_rate", "baseline_rate", "ring_bandwidth", "case_study"],
      "the closed form with the rate of large products; with the rate of a BERT-sized product, from which the paper scales, it is \(fixed(serialized(baselineRate.value), decimals: 0)) %"
    )
    // What overlaps is counted over the whole step: exchange over (compute + serialized exchange).
    func overlappedShare(_ rate: Double) -> Double {
      let y = overlap(hidden: hidden, sequence: sequence, microBatch: batch, factor: factor, rate: rate) / 100
      let x = serialized(rate) / 100
      return 100 * y * (2.0 / 3) * (1 - x)
    }
    answers["case-overlapped"] = Answer(
      .number(overlappedShare(largeRate.value)), alternatives: [.number(overlappedShare(baselineRate.value))],
      constants: ["large_rate", "baseline_rate", "ring_bandwidth", "case_study", "data_parallel"],
      "the gradient exchange over the whole step; whether the paper divides by the step or by the computation is not known"
    )
    return answers
  }

  /// Whether an exchange that hides at today's ratio is exposed at a later one.
  private var exposure: Answer {
    func isExposed(_ rate: Double) -> Bool {
      space.sequences.contains { sequence in
        func y(_ factor: Double) -> Double {
          overlap(
            hidden: future.hidden[0], sequence: Double(sequence), microBatch: 1, factor: factor, rate: rate)
        }
        return y(space.factors.first ?? 1) < 100 && y(space.factors.last ?? 4) > 100
      }
    }
    return Answer(
      .statement(isExposed(largeRate.value)),
      alternatives: [baselineRate, largeRate].map { .statement(isExposed($0.value)) },
      constants: ["large_rate", "baseline_rate", "ring_bandwidth", "data_parallel"],
      "at one sequence a device there are lengths whose gradient exchange is below the computation today and above it at \(formatted(space.factors.last ?? 4, digits: 1))x"
    )
  }

  private var operatorAnswers: [String: Answer] {
    var answers: [String: Answer] = [:]
    let constants = ["calibration \(reference.calibration.name)", "operator_table", "collective_table"]
    let names = [
      ("product-error", "product_baselines"), ("norm-error", "norm_baselines"),
      ("reduce-error", "reduce_baselines"),
    ]
    for (index, (id, parameter)) in names.enumerated() {
      let errors = operatorProjection.errors(of: index)
      guard let first = errors.first else { continue }
      answers[id] = Answer(
        .number(first.ratioGeometric), alternatives: errors.dropFirst().map { .number($0.ratioGeometric) },
        constants: [parameter] + constants,
        "the paper's method on \(reference.device.title), scaled from \(first.baseline) to \(first.rows) larger measured ones; the paper's GPU is another, and from which sizes it scaled is not known"
      )
    }
    func worst(_ errors: [OperatorProjection.Errors]) -> Double { errors.map(\.ratio).max() ?? .nan }
    let firsts = names.indices.compactMap { operatorProjection.errors(of: $0).first }
    let lasts = names.indices.compactMap { operatorProjection.errors(of: $0).last }
    func listed(_ value: (OperatorProjection.Errors) -> Double) -> String {
      zip(operatorProjection.kinds, firsts).map { "\($0.name) \(fixed(value($1), decimals: 0)) %" }
        .joined(separator: ", ")
    }
    let withStart = firsts.map(\.withStart).max() ?? .nan
    answers["operator-error"] = Answer(
      .number(worst(firsts)), alternatives: [.number(worst(lasts)), .number(withStart)],
      constants: ["product_baselines", "norm_baselines", "reduce_baselines"] + constants,
      "the worst of the three kinds, mean error, the paper's method on \(reference.device.title) from a BERT-sized baseline with one sequence (\(listed(\.ratio))), where an exchange of \(firsts.last?.baseline ?? "") is mostly latency; with the start kept apart \(listed(\.withStart)); from a large baseline the worst is \(fixed(worst(lasts), decimals: 0)) %; this project's model errs by \(listed(\.model))"
    )
    let saving = saving
    let spaceConstants = [
      "hidden_sizes", "sequence_lengths", "tensor_degrees", "large_rate", "baseline_rate", "ring_bandwidth",
    ]
    let words =
      "a training step of one layer of all \(saving.configurations) configurations over that of the baseline, from the closed form, and \(setup.quantity.formatted()) to set up each; without any set-up \(formatted(saving.layers))x, with \(setup.interval?.upperBound.formatted() ?? "-") \(formatted(saving.ratio(setup: setup.interval?.upperBound.value ?? 0)))x; what the paper counts as the cost of a point is not known"
    let savings = Answer(
      .number(saving.ratio(setup: setup.value)),
      alternatives: [setup.interval?.lowerBound, setup.interval?.upperBound].compactMap { $0 }.map {
        .number(saving.ratio(setup: $0.value))
      }, constants: ["setup"] + spaceConstants, words)
    answers["profiling-saving"] = savings
    answers["profiling-saving-early"] = savings
    answers["region-saving"] = Answer(
      .number(saving.region), constants: ["baseline_rate", "machine"],
      "a step of \(eras.first?.model.title ?? "the first model") over its layers: output head and optimizer are what the region leaves out"
    )
    return answers
  }

  private var spaceAnswers: [String: Answer] {
    func span(_ values: [Int]) -> Answer.Value {
      .range(Double(values.min() ?? 0)...Double(values.max() ?? 0))
    }
    let count = Double(saving.configurations)
    let product = Double(space.hidden.count * space.sequences.count * space.degrees.count)
    let words =
      "the space of this study is the recalled one, so this agrees by construction and confirms nothing"
    func unconfirmed(_ constant: String) -> Answer {
      Answer(cannotBeChecked: words, constants: [constant])
    }
    return [
      "scenarios": Answer(
        .number(count * Double(space.factors.count * space.microBatches.count)),
        constants: [
          "hidden_sizes", "sequence_lengths", "tensor_degrees", "micro_batches", "compute_factors",
        ],
        "points of this study's space: H, SL, TP, B and the growth of FLOP/s, without those of more devices than heads"
      ),
      "configurations": Answer(
        .range(count...count), alternatives: [.range(product...product)],
        constants: ["hidden_sizes", "sequence_lengths", "tensor_degrees"],
        "the recalled H, SL and TP multiply to \(Int(product)), three recollections that fit each other; \(Int(count)) of these points have as many heads of 128 as devices"
      ),
      "venue": Answer(cannotBeChecked: "a reference, not a number"),
      "machine": Answer(
        cannotBeChecked: "the body was not read; T3, by the same authors, validated on four MI210 (secondary)"
      ),
      "ring-peak": Answer(
        .number((machine.links.first?.bandwidth.value ?? 0) / 1e9), constants: ["machine"],
        "half of the 300 GB/s of both directions that the data sheet of \(machine.title) prints for three links"
      ),
      "baseline-model": Answer(cannotBeChecked: "the body was not read"),
      "space-hidden": unconfirmed("hidden_sizes"), "space-sequence": unconfirmed("sequence_lengths"),
      "space-batch": unconfirmed("micro_batches"), "space-degrees": unconfirmed("tensor_degrees"),
    ]
  }

  private var trendAnswers: [String: Answer] {
    var answers: [String: Answer] = [:]
    if let first = eras.first, let last = eras.last(where: { $0.year <= 2022 }) {
      answers["slack-drop"] = Answer(
        .number(100 * (1 - last.slack(elementBytes) / first.slack(elementBytes))),
        alternatives: [4.0, 32].map { batch in
          // The first model's micro-batch is ours: 4 to 32 sequences of 512 are as plausible.
          .number(
            100 * (1 - last.slack(elementBytes) / (first.slack(elementBytes) * batch / first.microBatch)))
        }, constants: ["batches_used"],
        "\(first.model.title) to \(last.model.title): tokens of a micro-batch, which few papers print")
    }
    // One device exchanges nothing: the edge starts with the first model that is split.
    let split = eras.filter { $0.year <= 2022 }.compactMap { era in edgeForMemory(era).map { (era, $0) } }
    if let (first, start) = split.first, let (last, end) = split.last {
      answers["edge-drop"] = Answer(
        .number(100 * (1 - end / start)),
        alternatives: eras.first { $0.degree > 1 }.map { shared in
          [.number(100 * (1 - last.edge(elementBytes) / shared.edge(elementBytes)))]
        } ?? [],
        constants: ["base_model", "base_degree", "base_device", "degrees_used"],
        "\(first.model.title), the first that memory would split, to \(last.model.title) at the degree that memory would need; at the degrees that were used the edge grew"
      )
    }
    let later = trend.later
    let needed = trend.growth(to: later, capacity: trend.laterDevice.mainMemory.capacity.value)
    let growthConstants = ["base_model", "base_degree", "base_device", "later_model", "later_device"]
    let memory =
      "\(trend.base.model.title) on \(trend.base.device.title) to \(later.title) on \(trend.laterDevice.title)"
    answers["degree-growth"] = Answer(.number(needed), constants: growthConstants, memory)
    answers["degree-needed"] = Answer(
      .number(trend.base.degree * needed), constants: growthConstants, memory)
    answers["compute-growth-a"] = Answer(
      .number(growth.compute * growth.sparsity), alternatives: [.number(growth.compute)],
      constants: ["trend_compute", "sparsity"],
      "\(growth.first.title) to \(growth.second.title), with the vendor's factor for sparse products; dense it is \(formatted(growth.compute, digits: 2))x"
    )
    answers["network-growth-a"] = Answer(
      .number(growth.network), constants: ["trend_compute"],
      "links of one GPU, \(growth.first.title) to \(growth.second.title)")
    answers["compute-growth-b"] = Answer(
      .number(growth.otherCompute), constants: ["mi50_rate", "vendor_b_device"],
      "MI50 to \(growth.other.title)")
    answers["network-growth-b"] = Answer(
      .number(growth.otherNetwork), constants: ["mi50_link", "vendor_b_device"],
      "links of one GPU to others, MI50 to \(growth.other.title)")
    return answers
  }
}

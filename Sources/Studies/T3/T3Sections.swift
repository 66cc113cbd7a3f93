import CostModels
import Quantities
import Workloads

/// What the study shows.
extension T3 {
  private var everyCase: [(study: T3Case, sublayer: Sublayer)] {
    (small + large + future).flatMap { study in Sublayer.allCases.map { (study, $0) } }
  }

  var summary: String {
    let gains = gains(small, form) { $0.sequential / $0.arbitrated }
    let ideal = geometricMean(self.gains(small, form) { $0.sequential / $0.ideal })
    return
      "Fused with arbitration, sub-layers of Mega-GPT-2 and T-NLG run \(formatted(100 * (geometricMean(gains) - 1), digits: 2)) % faster (geometric mean) and "
      + "\(formatted(100 * ((gains.max() ?? 1) - 1), digits: 2)) % at most; ideal overlap gives \(formatted(100 * (ideal - 1), digits: 2)) %. "
      + "No overlap of a product with the reduce-scatter alone can gain more than a half, because the all-gather takes as long and stays: "
      + "the most is reached where the product takes as long as either."
  }

  /// Speed-ups of all sub-layers.
  var sublayers: Section {
    let rows = everyCase.map { study, sublayer -> [DataTable.Cell] in
      let times = form.times(study.product(sublayer))
      return [
        .text(study.model.name), .number(Double(study.degree)), .text(sublayer.rawValue),
        .number(1e3 * times.product), .number(1e3 * times.reduceScatter), .number(1e3 * times.allGather),
        .number(times.sequential / times.fused), .number(times.sequential / times.arbitrated),
        .number(times.sequential / times.ideal), .number(times.sequential / times.idealNearMemory),
      ]
    }
    let bars = small.flatMap { study in
      Sublayer.allCases.map { sublayer in
        let times = form.times(study.product(sublayer))
        return BarChart.Bar(
          "\(study.name), \(sublayer.rawValue)",
          [times.arbitrated - times.allGather, times.allGather].map { $0 / times.sequential },
          reference: times.ideal / times.sequential)
      }
    }
    return Section(
      "Sub-layers",
      prose: [
        "A chunk must be computed before it is sent, so a product shorter than its reduce-scatter leaves one chunk's time exposed; a longer one hides all. Where accesses are served as they come, every byte of the exchange stops the product; where the product goes first, only what the memory cannot carry at all."
      ],
      charts: [
        Chart(
          "Time of fused sub-layers with arbitration",
          "Part of the sequential time; the mark is ideal overlap.",
          .bars(
            BarChart(
              parts: ["product and reduce-scatter", "all-gather"], label: "part of the sequential time",
              unit: "", reference: "ideal overlap", bars: bars)))
      ],
      tables: [
        DataTable(
          "Sub-layers, times alone and speed-ups",
          columns: [
            .init("model"), .init("TP"), .init("sub-layer"), .init("product", unit: "ms"),
            .init("reduce-scatter", unit: "ms"), .init("all-gather", unit: "ms"), .init("T3", unit: "x"),
            .init("T3-MCA", unit: "x"), .init("ideal", unit: "x"), .init("ideal, near memory", unit: "x"),
          ], rows: rows)
      ])
  }

  /// Bytes.
  var movement: Section {
    let rows = everyCase.map { study, sublayer -> [DataTable.Cell] in
      let product = study.product(sublayer)
      let plain = form.traffic(product, isFused: false)
      let fused = form.traffic(product, isFused: true)
      return [
        .text(study.model.name), .number(Double(study.degree)), .text(sublayer.rawValue),
        .number(plain.total / 1e6), .number(fused.total / 1e6),
        .number(100 * (1 - fused.total / plain.total), digits: 2),
        .number(plain.scatterReads / fused.scatterReads), .number(plain.productReads / fused.productReads),
        .number(100 * (1 - fused.writes / plain.writes), digits: 2),
      ]
    }
    return Section(
      "Data movement",
      prose: [
        "A ring reduce-scatter of a library reads 2N − 1 chunks of 1/N: one to send, then two for each sum. Fused, the first chunk leaves as it is computed, arriving ones are added where they are, and N − 2 are read to be sent on: 15 against 6 at TP 8, 31 against 14 at TP 16. Writes fall from 2N to 2N − 2.",
        "What a product reads depends on the cache: outputs that pass through it push weights out. That alone makes the difference between 24 % and the largest savings, and how many outputs stand there is our assumption.",
      ],
      tables: [
        DataTable(
          "Bytes past one rank's memory in a sub-layer",
          columns: [
            .init("model"), .init("TP"), .init("sub-layer"), .init("sequential", unit: "MB"),
            .init("fused", unit: "MB"), .init("less", unit: "%"), .init("reduce-scatter reads", unit: "x"),
            .init("product reads", unit: "x"), .init("fewer writes", unit: "%"),
          ], rows: rows)
      ])
  }

  /// Whole steps.
  var steps: Section {
    var rows: [[DataTable.Cell]] = []
    for study in small + large + future {
      for isTraining in [true, false] {
        let ends = otherShares.map { T3Step(study, form, isTraining: isTraining, otherShare: $0) }
        let step = ends[0]
        let gains = ends.map { 100 * ($0.sequential / $0.arbitrated - 1) }
        rows.append([
          .text(study.model.name), .number(Double(study.degree)), .text(isTraining ? "training" : "prompt"),
          .number(100 * step.exchange / step.sequential, digits: 2),
          .number(100 * (step.sequential / step.fused - 1), digits: 2), .number(gains[0], digits: 2),
          .number(gains.min() ?? 0, digits: 2), .number(gains.max() ?? 0, digits: 2),
        ])
      }
    }
    return Section(
      "Whole steps",
      prose: [
        "A layer's four matrices are multiplied once forward and twice backward, with two all-reduces each way. What else a step does, attention above all, is a share that we assume, 0 to 45 %; the gain of a step follows from it, and the paper's lies inside the range."
      ],
      tables: [
        DataTable(
          "Gain of training steps and prompts",
          columns: [
            .init("model"), .init("TP"), .init("step"), .init("communication", unit: "%"),
            .init("T3", unit: "%"), .init("T3-MCA", unit: "%"), .init("T3-MCA, low", unit: "%"),
            .init("T3-MCA, high", unit: "%"),
          ], rows: rows)
      ])
  }

  /// What each assumed constant does to the main numbers.
  var sensitivity: Section {
    let rows = ([("as assumed", form)] + variants).map { name, form -> [DataTable.Cell] in
      let arbitrated = gains(small, form) { $0.sequential / $0.arbitrated }
      let plain = gains(small, form) { $0.sequential / $0.fused }
      let saved = savings(form)
      return [
        .text(name), .number(100 * (geometricMean(arbitrated) - 1), digits: 3),
        .number(100 * ((arbitrated.max() ?? 1) - 1), digits: 3),
        .number(100 * (geometricMean(plain) - 1), digits: 3),
        .number(100 * ((plain.max() ?? 1) - 1), digits: 3), .number(saved.mean, digits: 3),
        .number(saved.most, digits: 3),
      ]
    }
    return Section(
      "What our assumptions do",
      prose: [
        "Each assumed constant at the ends of its range, the others as they are. The gain with arbitration hardly depends on them; the gain without it depends on what an addition near the memory costs, the largest saving of movement on the outputs that stand in the cache."
      ],
      tables: [
        DataTable(
          "Gains and savings of the smaller models",
          columns: [
            .init("constant"), .init("T3-MCA, mean", unit: "%"), .init("T3-MCA, most", unit: "%"),
            .init("T3, mean", unit: "%"), .init("T3, most", unit: "%"), .init("movement, mean", unit: "%"),
            .init("movement, most", unit: "%"),
          ], rows: rows)
      ])
  }
}

import CostModels
import Quantities
import Workloads
import Hardware

extension C3 {
  var summary: String {
    let a = assumptions
    func percent(_ rung: C3Rung) -> String { "\(fixed(mean(rung, a), decimals: 0)) %" }
    let pairs = measured.filter { $0.strategy != .copies }
    let error = pairs.map { abs($0.predicted / $0.together - 1) }.reduce(0, +) / Double(max(1, pairs.count))
    return
      "On \(machine.title), over \(scenarios(a).count) scenarios of our own, an exchange beside a product reaches \(percent(.base)) of the "
      + "ideal gain when it is launched second, \(percent(.best)) with priority or a partition of the units, \(percent(.copies)) by copy "
      + "engines and \(percent(.reserving)) with a few units taken from products that wait for memory. The paper has 21, 42, 66 and 72 %. The "
      + "order is the paper's; the numbers rest on how long a kernel waits in a queue and on what caches cost, which nobody "
      + "published, and move with them as the last section shows. Of \(pairs.count) pairs measured on an H200 the form misses the time "
      + "together by \(fixed(100 * error, decimals: 1)) %."
  }

  var ladderSection: Section {
    let papers: [C3Rung: Double] = [
      .base: 21, .prioritised: 42, .partition: 41, .best: 42, .copies: 66, .reserving: 72,
    ]
    let rungs = C3Rung.allCases
    let bars = rungs.map { rung in
      let all = variations.map { mean(rung, $0.applied(to: assumptions)) } + [mean(rung, assumptions)]
      return BarChart.Bar(
        rung.rawValue, [max(0, mean(rung, assumptions))],
        interval: max(0, all.min() ?? 0)...max(0, all.max() ?? 0),
        reference: papers[rung])
    }
    return Section(
      "Part of the ideal gain by strategy",
      prose: [
        "The ideal hides the shorter of the two completely. Concurrent: the exchange is launched second and finds the device "
          + "full. Priority: it is launched first. Partition: it has units of its own, chosen by the heuristic. Copy "
          + "engines take no units. The lines at the bars are what each of our assumptions, moved alone within its range, makes of them."
      ],
      charts: [
        Chart(
          "Mean part of the ideal gain, in %",
          "Bars: our 30 scenarios on \(machine.title). Ticks: the paper.",
          .bars(
            BarChart(
              parts: ["ours"], label: "part of the ideal gain", unit: "%", reference: "the paper", bars: bars)
          ))
      ],
      tables: [
        DataTable(
          "The ladder",
          columns: [
            .init("strategy"), .init("ours", unit: "%"), .init("paper", unit: "%"),
            .init("mean speed-up", unit: "x"),
            .init("largest speed-up", unit: "x"),
          ],
          rows: rungs.map { rung in
            let gains = speedups(rung, assumptions)
            return [
              .text(rung.rawValue), .number(mean(rung, assumptions)), .number(papers[rung] ?? 0),
              .number(gains.mean),
              .number(gains.largest),
            ]
          })
      ])
  }

  var classesSection: Section {
    let all = scenarios(assumptions)
    let rows = OverlapClass.allCases.compactMap { kind -> [DataTable.Cell]? in
      let members = all.filter { $0.kind == kind }
      guard !members.isEmpty else { return nil }
      func mean(_ rung: C3Rung) -> DataTable.Cell {
        .number(members.map { percent($0, rung) }.reduce(0, +) / Double(members.count))
      }
      return [.text(kind.rawValue), .number(Double(members.count))] + C3Rung.allCases.map(mean)
    }
    return Section(
      "Who takes longer",
      prose: [
        "G-long: the product takes more than 1.15 times as long as the exchange; C-long the other way; else equal. Equal ones have most to gain "
          + "and most to lose."
      ],
      tables: [
        DataTable(
          "Part of the ideal gain by class",
          columns: [.init("class"), .init("scenarios")]
            + C3Rung.allCases.map { .init($0.rawValue, unit: "%") }, rows: rows)
      ])
  }

  var measuredSection: Section {
    var strategies: [MeasuredPair.Strategy] = [.library]
    let limits = Set(
      measured.compactMap { pair -> Int? in if case .limited(let units) = pair.strategy { units } else { nil }
      })
    strategies += limits.sorted().map { .limited($0) } + [.copies]
    let rows = strategies.compactMap { strategy -> [DataTable.Cell]? in
      let pairs = measured.filter { $0.strategy == strategy }
      guard !pairs.isEmpty else { return nil }
      func mean(_ value: (MeasuredPair) -> Double) -> Double {
        pairs.map(value).reduce(0, +) / Double(pairs.count)
      }
      return [
        .text(strategy.name), .number(Double(pairs.count)), .number(mean(\.fraction)),
        .number(mean(\.predictedFraction)),
        .number(mean(\.fullyPredictedFraction)), .number(mean { 100 * abs($0.predicted / $0.together - 1) }),
        .number(mean { 100 * abs($0.fullyPredicted / $0.together - 1) }),
      ]
    }
    let points = measured.map { pair in
      LineChart.Point(
        pair.fraction, pair.predictedFraction, name: "\(pair.strategy.name), \(pair.collective)")
    }
    func of(_ isCopy: Bool) -> [LineChart.Point] {
      zip(measured, points).filter { ($0.0.strategy == .copies) == isCopy }.map(\.1)
    }
    return Section(
      "Measured pairs on an H200",
      prose: [
        "Products and collectives on two branches of one graph, the collective on as many units as NCCL chose, held to a few, or "
          + "by copy engines. Predicted from the measured times alone, and from the shapes alone."
      ],
      charts: [
        Chart(
          "Part of the ideal gain, measured and predicted, in %",
          "One point a pair; predicted from the measured isolated times.",
          .lines(
            LineChart(
              x: .init("measured", unit: "%", including: [0, 100]),
              y: .init("predicted", unit: "%", including: [0, 100]),
              series: [
                .init("compute units", of(false), isLine: false),
                .init("copy engines", of(true), isLine: false),
                .init("equal", [.init(0, 0), .init(100, 100)], hasMarks: false),
              ])))
      ],
      tables: [
        DataTable(
          "By strategy",
          columns: [
            .init("strategy"), .init("pairs"), .init("measured", unit: "%"), .init("predicted", unit: "%"),
            .init("predicted from shapes", unit: "%"), .init("error of the time", unit: "%"),
            .init("error from shapes", unit: "%"),
          ], rows: rows)
      ])
  }

  var sensitivitySection: Section {
    let rungs: [C3Rung] = [.base, .best, .copies, .reserving]
    let rows = variations.map { variation -> [DataTable.Cell] in
      let a = variation.applied(to: assumptions)
      return [.text(variation.parameter), .number(variation.value)] + rungs.map { .number(mean($0, a)) }
    }
    return Section(
      "What our assumptions do",
      prose: [
        "Each assumption at the ends of its range, all others as they are. The paper's 21 % lies between an exchange that waits for "
          + "the whole product (queue_share 0) and one that does not wait. Its 66 and 72 % need a product that loses about a quarter of its "
          + "rate to caches and memory beside copies (product_keeps), which no data sheet says and our H200 does not show: "
          + "choosing it would be no agreement."
      ],
      tables: [
        DataTable(
          "Part of the ideal gain with one assumption changed",
          columns: [.init("assumption"), .init("value")] + rungs.map { .init($0.rawValue, unit: "%") },
          rows: rows)
      ])
  }
}

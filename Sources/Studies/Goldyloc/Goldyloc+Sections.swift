import CostModels
import Quantities
import Workloads
import Hardware

extension Goldyloc {
  func degreeSection(_ outcome: Outcome) -> Section {
    func mean(_ gains: [Gain], _ value: (Gain) -> Double) -> Double {
      (gains.map { value($0).logarithm() }.reduce(0, +) / Double(max(1, gains.count))).exponential()
    }
    let byDegree: [LineChart.Series] = [
      .init(
        "kernels tuned for a share",
        degrees.enumerated().map { index, degree in .init(degree, mean(outcome.gains) { $0.byDegree[index] })
        }),
      .init(
        "today's kernels",
        degrees.enumerated().map { index, degree in
          .init(degree, mean(outcome.gains) { $0.naiveByDegree[index] })
        }),
    ]
    let rows = loads.map { load -> [DataTable.Cell] in
      let members = outcome.gains.filter { $0.load == load.name }
      return [
        .text(load.name), .number(Double(members.count)), .number(mean(members, \.overSequential)),
        .number(mean(members, \.overNaive)),
        .number(members.map(\.degree).reduce(0, +) / Double(max(1, members.count))),
      ]
    }
    return Section(
      "Degree and tile",
      prose: [
        "A kernel alone leaves the units of its last wave idle and its start bare. Products at once fill the waves of one "
          + "another. Kernels tuned alone take small tiles to fill the GPU by themselves; tuned for a share they take larger ones, "
          + "which read less."
      ],
      charts: [
        Chart(
          "Speed-up over one after another by the number of products at once",
          "Geometric mean over our \(outcome.gains.count) products on \(machine.title).",
          .lines(
            LineChart(
              x: .init("products at once", isLogarithmic: true),
              y: .init("speed-up", unit: "x", including: [1]),
              series: byDegree)))
      ],
      tables: [
        DataTable(
          "By workload",
          columns: [
            .init("workload"), .init("products"), .init("over sequential", unit: "x"),
            .init("over naive", unit: "x"),
            .init("mean best degree"),
          ], rows: rows),
        DataTable(
          "By product",
          columns: [
            .init("workload"), .init("rows x columns x inner"), .init("best degree"),
            .init("over sequential", unit: "x"),
            .init("over naive", unit: "x"),
          ],
          rows: outcome.gains.map {
            [
              .text($0.load), .text($0.product.shape), .number($0.degree), .number($0.overSequential),
              .number($0.overNaive),
            ]
          }),
      ])
  }

  func predictorSection(_ learned: Learned) -> Section {
    Section(
      "The predictor",
      prose: [
        "A logistic model of the sides of a product and of how full so many make a wave, trained on \(learned.shapes) random shapes whose "
          + "best degree the closed form says. It asks from degree to degree whether the next one is worth it."
      ],
      tables: [
        DataTable(
          "On \(learned.others) shapes that it did not see",
          columns: [.init("choice"), .init("time lost against the best degree", unit: "%")],
          rows: [
            ["predictor", .number(learned.regret)],
            ["always the highest degree", .number(learned.regretOfAll)],
            ["always one at a time", .number(learned.regretOfOne)],
          ])
      ])
  }

  var measuredSection: Section {
    Section(
      "Measured on an H200",
      prose: [
        "Equal products on parallel branches of a graph against one after another, with cuBLAS's own kernels: what the paper calls "
          + "naive concurrency. Kernels tuned for a share were not measured."
      ],
      charts: [
        Chart(
          "Speed-up of parallel branches, measured and predicted", "One point for each product and degree.",
          .lines(
            LineChart(
              x: .init("measured", unit: "x", including: [0.9, 1.3]),
              y: .init("predicted", unit: "x", including: [0.9, 1.3]),
              series: [
                .init(
                  "products",
                  measured.map {
                    .init($0.speedup, $0.predictedSpeedup, name: "\($0.product.shape), \(Int($0.degree))")
                  },
                  isLine: false),
                .init("equal", [.init(0.9, 0.9), .init(1.3, 1.3)], hasMarks: false),
              ])))
      ],
      tables: [
        DataTable(
          "Times",
          columns: [
            .init("product"), .init("degree"), .init("measured", unit: "us"), .init("predicted", unit: "us"),
            .init("measured speed-up", unit: "x"), .init("predicted speed-up", unit: "x"),
          ],
          rows: measured.map {
            [
              .text($0.product.shape), .number($0.degree), .number(1e6 * $0.concurrent),
              .number(1e6 * $0.predictedConcurrent), .number($0.speedup), .number($0.predictedSpeedup),
            ]
          })
      ])
  }

  func sensitivitySection(_ outcome: Outcome, _ others: [Outcome]) -> Section {
    func row(_ name: String, _ value: DataTable.Cell, _ o: Outcome) -> [DataTable.Cell] {
      [
        .text(name), value, .number(100 * (o.overSequential - 1)), .number(o.largestOverSequential),
        .number(100 * (o.overNaive - 1)), .number(o.largestOverNaive),
      ]
    }
    return Section(
      "What our assumptions do",
      prose: [
        "Each assumption at the ends of its range. Which products are run decides most, and those are not known."
      ],
      tables: [
        DataTable(
          "Gains with one assumption changed",
          columns: [
            .init("assumption"), .init("value"), .init("over sequential", unit: "%"),
            .init("largest", unit: "x"),
            .init("over naive", unit: "%"), .init("largest over naive", unit: "x"),
          ],
          rows: [row("as above", .empty, outcome)]
            + zip(variations, others).map { row($0.name, .number($0.value), $1) })
      ])
  }
}

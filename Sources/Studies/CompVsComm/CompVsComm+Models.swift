import CostModels
import Hardware
import Quantities
import Workloads

extension CompVsComm.Era {
  func edge(_ bytes: Double, degree: Double? = nil) -> Double {
    CommunicationForms.edge(
      hidden: hidden, sequence: sequence, tensorParallel: degree ?? self.degree, elementBytes: bytes)
  }

  func slack(_ bytes: Double) -> Double {
    CommunicationForms.slack(
      hidden: hidden, sequence: sequence, microBatch: microBatch, gradientBytes: bytes)
  }
}

extension CompVsComm {
  var edgeAndSlack: Section {
    func series(_ name: String, isLabelled: Bool = true, _ value: (Era) -> Double?) -> LineChart.Series {
      LineChart.Series(
        name,
        eras.compactMap { era in
          value(era).map { .init(Double(era.year) + offset(of: era), $0, name: era.model.title) }
        },
        isLine: false,
        isLabelled: isLabelled)
    }
    let rows = eras.map { era -> [DataTable.Cell] in
      [
        .text(era.model.title), .text("\(era.year)"), .number(era.hidden), .number(era.sequence),
        .number(era.microBatch), .number(era.degree), .number(trend.neededDegree(of: era.model)),
        era.degree > 1 ? .number(era.edge(elementBytes)) : .empty,
        edgeForMemory(era).map { .number($0) } ?? .empty,
        .number(era.slack(elementBytes)),
      ]
    }
    return Section(
      "Edge and slack: what a layer computes for what it exchanges",
      prose: [
        "Edge is the number of operations for each byte that tensor parallelism exchanges in line: 3(6H+SL)/(p·TP). Slack is "
          + "the number of backward operations for each byte of gradients that hides behind them: (2/3)(SL·B/p_g)(6+SL/H). "
          + "Compute that grows faster than bandwidth needs both to grow with it.",
        "With the degrees that were published, 8 and below, the edge grew with H. With the degree that the whole model would "
          + "need if tensor parallelism alone had to fit it into memory (the paper's view), it fell. Pipeline parallelism, "
          + "optimizer sharding and larger memory are why the second did not happen.",
      ],
      charts: [
        Chart(
          "Edge over the years",
          "Circles: at the published or assumed degree; a model on one device exchanges nothing. Squares: at the degree that the memory need of the whole model asks for.",
          .lines(
            LineChart(
              x: .init("year of the model"), y: .init("edge", unit: "FLOP/B", isLogarithmic: true),
              series: [
                series("degree that was used") { $0.degree > 1 ? $0.edge(elementBytes) : nil },
                series("degree that memory would need", isLabelled: false) { edgeForMemory($0) },
              ]))),
        Chart(
          "Slack over the years",
          "Proportional to the tokens of a micro-batch; few papers print theirs, so most are assumed.",
          .lines(
            LineChart(
              x: .init("year of the model"), y: .init("slack", unit: "FLOP/B", isLogarithmic: true),
              series: [series("slack") { $0.slack(elementBytes) }]))),
      ],
      tables: [
        DataTable(
          "Models over the years",
          columns: [
            .init("model"), .init("year"), .init("H"), .init("SL"), .init("B"), .init("TP"),
            .init("TP for memory"),
            .init("edge", unit: "FLOP/B"), .init("edge at TP for memory", unit: "FLOP/B"),
            .init("slack", unit: "FLOP/B"),
          ], rows: rows)
      ])
  }

  /// The edge at the degree that a model's memory asks for; nil on one device, which exchanges nothing.
  func edgeForMemory(_ era: Era) -> Double? {
    let degree = trend.neededDegree(of: era.model)
    return degree > 1 ? era.edge(elementBytes, degree: degree) : nil
  }

  /// Models of one year stand beside each other.
  private func offset(of era: Era) -> Double {
    let same = eras.filter { $0.year == era.year }
    let index = same.firstIndex { $0.model.name == era.model.name } ?? 0
    return (Double(index) - Double(same.count - 1) / 2) * 0.16
  }
}

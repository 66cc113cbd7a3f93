import CostModels
import Quantities
import Workloads

/// Sections of the study about the UPMEM machine alone.
extension PIMOpt {
  /// One paragraph from the numbers.
  var summary: String {
    let criteo = fastest { systems.pim(.criteo, $0, .supportVectorMachine) }
    let cpu = fastest { systems.cpu(.criteo, $0, .supportVectorMachine) }
    let yfcc = fastest { systems.pim(.yfcc, $0, .logisticRegression) }
    let averaging = systems.pim(.criteo, .modelAveraging, .supportVectorMachine)
    let slowest =
      DistributedAlgorithm.allCases.map { systems.pim(.yfcc, $0, .logisticRegression).time }.max() ?? 0
    return
      "On Criteo, which needs no multiplication, an epoch of SVM takes 2,048 DPUs \(formatted(criteo.1.time, digits: 2)) s by \(criteo.0.rawValue) "
      + "and 128 processor cores \(formatted(cpu.1.time, digits: 2)) s by \(cpu.0.rawValue); with MA-SGD the DPUs need \(formatted(averaging.time, digits: 2)) s, because the model passes the host "
      + "\(formatted(movementRatio, digits: 2)) times as often. On YFCC, whose products are 64-bit and in software, an epoch of LR takes \(formatted(yfcc.1.time, digits: 3)) to \(formatted(slowest, digits: 3)) s by any algorithm: "
      + "the units compute. Native products, not more bandwidth, would help there; links between the units, or a faster host, on Criteo."
  }

  private func lengths(_ parts: TrainingParts<Double>) -> [Double] {
    [parts.compute, parts.memory, parts.launch, parts.toWorkers, parts.fromWorkers, parts.reduction]
  }

  /// Where an epoch's time goes.
  var breakdown: Section {
    var charts: [Chart] = []
    for dataset in PIMOptDataset.allCases {
      var runs: [LinearTraining] = []
      let bars = LinearModel.allCases.flatMap { model in
        DistributedAlgorithm.allCases.map { algorithm in
          let estimate = systems.pim(dataset, algorithm, model)
          runs.append(systems.run(dataset, algorithm, model))
          return BarChart.Bar(
            "\(model.short) \(algorithm.rawValue)", lengths(estimate.parts), interval: estimate.interval90,
            output: EpochForm.partNames.count * (runs.count - 1))
        }
      }
      charts.append(
        Chart(
          "An epoch on \(dataset.short), 2,048 DPUs",
          "Parts add up, as the paper accounts for them. The whisker is the 90 % interval.",
          .bars(
            BarChart(
              parts: EpochForm.partNames, label: "time of an epoch", unit: "s", bars: bars,
              live: EpochForm(systems.pim, runs: runs)?.live))))
    }
    return Section(
      "Where an epoch's time goes",
      prose: [
        "YFCC's kernels multiply 64-bit numbers in software and compute; what the banks move is hidden. Criteo's gather 8 bytes at a time from the bank, add, and for LR wait for one tasklet's sigmoid; its model of a million weights passes the host at every synchronisation.",
        "A 90 % interval holds the assumed instruction counts, the host's rates and the error of the fitted transfers; the counts have not been measured on these kernels.",
      ], charts: charts)
  }

  /// Which algorithm fits.
  var algorithms: Section {
    var rows: [[DataTable.Cell]] = []
    for (dataset, model) in Self.workloads {
      for algorithm in DistributedAlgorithm.allCases {
        let run = systems.run(dataset, algorithm, model)
        let estimate = systems.pim(dataset, algorithm, model)
        rows.append([
          .text(dataset.short), .text(model.short), .text(algorithm.rawValue),
          .number(Double(run.plan.synchronisationsPerEpoch)),
          .number(systems.linkBytes(run) / 1e9, digits: 4),
          .number(estimate.time), .number(estimate.interval90.lowerBound),
          .number(estimate.interval90.upperBound),
          .number(100 * estimate.parts.synchronisation / estimate.time, digits: 2),
        ])
      }
    }
    return Section(
      "Which algorithm fits",
      prose: [
        "MA-SGD moves \(formatted(movementRatio, digits: 4)) times the bytes of ADMM on Criteo, and GA-SGD more. Where the model is small (YFCC) the choice hardly matters for an epoch's time; where it is large, ADMM alone keeps the units busy."
      ],
      tables: [
        DataTable(
          "Algorithms, 2,048 DPUs, weak scaling, batches of the scaling figures",
          columns: [
            .init("data set"), .init("model"), .init("algorithm"), .init("synchronisations an epoch"),
            .init("link traffic an epoch", unit: "GB"), .init("epoch", unit: "s"), .init("low", unit: "s"),
            .init("high", unit: "s"), .init("synchronisation", unit: "%"),
          ], rows: rows)
      ])
  }

  /// Batch sizes.
  var batches: Section {
    let charts = PIMOptDataset.allCases.map { dataset in
      Chart(
        "10 epochs on \(dataset.short) by batch, 2,048 DPUs",
        "Batches of one DPU; those of GA-SGD, which are global, over 2,048.",
        .lines(
          LineChart(
            x: .init("samples of a DPU in a batch", isLogarithmic: true),
            y: .init("time of 10 epochs", unit: "s", isLogarithmic: true),
            series: LinearModel.allCases.flatMap { model in
              DistributedAlgorithm.allCases.map { algorithm in
                LineChart.Series(
                  "\(model.short) \(algorithm.rawValue)",
                  Hyperparameters.pimOptBatches(dataset, algorithm).map { batch in
                    let share = algorithm == .gradientAveraging ? 2048.0 : 1
                    return .init(
                      Double(batch) / share, 10 * systems.pim(dataset, algorithm, model, batch: batch).time)
                  })
              }
            })))
    }
    return Section(
      "Batch sizes",
      prose: [
        "A larger batch means fewer synchronisations: half the time where these decide, nothing where the units compute."
      ],
      charts: charts)
  }

  /// Weak or strong scaling.
  func scaling(strong: Bool) -> Section {
    var rows: [[DataTable.Cell]] = []
    var charts: [Chart] = []
    for dataset in PIMOptDataset.allCases {
      var series: [LineChart.Series] = []
      for model in LinearModel.allCases {
        for algorithm in DistributedAlgorithm.allCases {
          let times = PIMOptSystems.units.map {
            systems.pim(dataset, algorithm, model, units: $0, strong: strong).time
          }
          let first = times[0]
          series.append(
            LineChart.Series(
              "\(model.short) \(algorithm.rawValue)",
              zip(PIMOptSystems.units, times).map { units, time in
                .init(Double(units), strong ? first / time : first / time * Double(units) / 256)
              }))
          let ideal = strong ? 8.0 : 1.0
          rows.append(
            [.text(dataset.short), .text(model.short), .text(algorithm.rawValue)]
              + times.map { .number(10 * $0) }
              + [.number(100 * first / (times.last ?? first) / ideal, digits: 2)])
        }
      }
      series.append(
        LineChart.Series(
          "linear", PIMOptSystems.units.map { .init(Double($0), Double($0) / 256) }, hasMarks: false))
      charts.append(
        Chart(
          "\(strong ? "Strong" : "Weak") scaling on \(dataset.short)",
          "\(strong ? "Speed" : "Samples a second") against 256 DPUs.",
          .lines(
            LineChart(
              x: .init("DPUs", isLogarithmic: true), y: .init("times that of 256 DPUs", isLogarithmic: true),
              series: series))))
    }
    return Section(
      strong ? "Strong scaling" : "Weak scaling",
      prose: [
        strong
          ? "The data set of 256 DPUs over more of them. The model does not shrink with a shard: zeroing and updating it, passing it and averaging it stay, and take over."
          : "The data set grows with the DPUs. MA-SGD and ADMM synchronise as often with more DPUs, but each time pass more models through one host; GA-SGD with a fixed global batch synchronises more often too."
      ], charts: charts,
      tables: [
        DataTable(
          "10 epochs, \(strong ? "strong" : "weak") scaling",
          columns: [.init("data set"), .init("model"), .init("algorithm")]
            + PIMOptSystems.units.map { .init("\($0) DPUs", unit: "s") } + [.init("of linear", unit: "%")],
          rows: rows)
      ])
  }
}

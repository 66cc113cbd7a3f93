import CostModels
import Hardware
import Quantities
import Workloads

/// Sections of the study that compare machines.
extension PIMOpt {
  /// One machine's best or a chosen algorithm in the comparison.
  private func entry(
    _ name: String, _ label: String, _ estimate: TrainingEstimate, _ workload: [DataTable.Cell]
  )
    -> [DataTable.Cell]
  {
    let time = estimate.interval90
    let energy = estimate.energyInterval90
    return workload + [
      .text(name), .text(label), .number(10 * estimate.time), .number(10 * time.lowerBound),
      .number(10 * time.upperBound), .number(10 * estimate.energy / 1e3),
      .number(10 * energy.lowerBound / 1e3),
      .number(10 * energy.upperBound / 1e3),
    ]
  }

  /// All three systems.
  var comparison: Section {
    var rows: [[DataTable.Cell]] = []
    var charts: [Chart] = []
    for (dataset, model) in Self.workloads {
      let workload: [DataTable.Cell] = [.text(dataset.short), .text(model.short)]
      var bars: [BarChart.Bar] = []
      func add(_ name: String, _ label: String, _ estimate: TrainingEstimate) {
        rows.append(entry(name, label, estimate, workload))
        let interval = estimate.interval90
        bars.append(
          .init(
            "\(name) \(label)", [10 * estimate.parts.kernel, 10 * estimate.parts.synchronisation],
            interval: 10 * interval.lowerBound...10 * interval.upperBound))
      }
      for algorithm in DistributedAlgorithm.allCases {
        add("PIM", algorithm.rawValue, systems.pim(dataset, algorithm, model))
      }
      for algorithm in DistributedAlgorithm.allCases {
        add("CPU", algorithm.rawValue, systems.cpu(dataset, algorithm, model))
      }
      if dataset == .yfcc { add("GPU", "fed by its host", systems.gpu(dataset, model)) }
      charts.append(
        Chart(
          "\(model.short) on \(dataset.short), 10 epochs",
          "Work of the workers, then exchange (for the GPU: waiting for samples). 90 % intervals.",
          .bars(
            BarChart(
              parts: ["workers", "exchange or loading"], label: "time of 10 epochs", unit: "s", bars: bars))))
    }
    let small = systems.gpu(.yfcc, .logisticRegression, resident: true, units: 256)
    let fed = systems.gpu(.yfcc, .logisticRegression, units: 256)
    let data = Double(PIMOptDataset.yfcc.samplesPerUnit * PIMOptSystems.mostUnits * 16384)
    let capacity = systems.gpu.device.mainMemory.capacity.value
    return Section(
      "PIM, CPU and GPU",
      prose: [
        "The CPU baseline is bound by its collectives: a gloo all-reduce over 128 processes after every batch. The GPU baseline is bound by the one process that loads samples for it, not by the GPU. The paper has no GPU run on Criteo.",
        "The \(formatted(data / 1e9, digits: 3)) GB of samples do not fit in the GPU's \(formatted(capacity / 1e9, digits: 2)) GB. Those of 256 DPUs do: from its own memory the GPU takes \(formatted(small.time, digits: 2)) s an epoch for them where loading takes \(formatted(fed.time, digits: 2)) s. Against a GPU that holds its data PIM does not win.",
        "Energy is power times time: the power of a UPMEM module was never published, 20 W is an assumption (15 to 23.5 W), as is the power of the hosts. The intervals hold that.",
      ], charts: charts,
      tables: [
        DataTable(
          "10 epochs on the data set of 2,048 DPUs",
          columns: [
            .init("data set"), .init("model"), .init("system"), .init("algorithm"), .init("time", unit: "s"),
            .init("low", unit: "s"), .init("high", unit: "s"), .init("energy", unit: "kJ"),
            .init("low", unit: "kJ"), .init("high", unit: "kJ"),
          ], rows: rows)
      ])
  }

  /// Time and energy to a target: measured epochs at reduced scale, modelled epochs at full scale.
  var timeToAccuracy: Section {
    var rows: [[DataTable.Cell]] = []
    for (dataset, model) in Self.workloads {
      for algorithm in DistributedAlgorithm.allCases {
        guard let measured = convergence.largest(dataset, algorithm, model) else { continue }
        let pim = systems.pim(dataset, algorithm, model)
        let cpu = systems.cpu(dataset, algorithm, model)
        func product(_ estimate: Double) -> DataTable.Cell {
          measured.epochs.map { .number(Double($0) * estimate) } ?? .empty
        }
        rows.append([
          .text(dataset.short), .text(model.short), .text(algorithm.rawValue),
          measured.epochs.map { .number(Double($0)) } ?? .text("not in 15"),
          .number(100 * measured.optimum, digits: 4), .number(100 * measured.last, digits: 4),
          product(pim.time), product(pim.energy / 1e3), product(cpu.time), product(cpu.energy / 1e3),
        ])
      }
    }
    let table = convergence.rows.map { row -> [DataTable.Cell] in
      [
        .text(row.isDense ? "dense" : "sparse"), .text(row.model.short), .text(row.algorithm.rawValue),
        .number(Double(row.workers)), .number(Double(row.samplesPerWorker)),
        .number(Double(row.batchPerWorker)),
        row.epochs.map { .number(Double($0)) } ?? .text("not in 15"), .number(100 * row.last, digits: 4),
      ]
    }
    return Section(
      "Time to accuracy",
      prose: [
        "The paper's real question is how long a machine takes to a quality, not through an epoch. The reference kernels answered the statistical half here at reduced scale: 16 to 64 workers in place of 2,048, 256 dense features in place of 4,096, 4,096 hashed ones in place of a million, planted labels in place of pictures and clicks; shards of dense samples and batches of a worker are the paper's, the learning rate is the best of six powers of two.",
        "What the scale-down does: fewer workers make averages of models less stale than 2,048 do, so epochs of MA-SGD and ADMM are a lower bound; a planted linear model is easier than either data set, and 64 times fewer features need fewer samples. The order of the algorithms at equal workers is what can be carried over, not the seconds.",
      ],
      tables: [
        DataTable(
          "Epochs of the reduced scale times epochs of the full scale: an optimistic time to half a point below the optimum",
          columns: [
            .init("data set"), .init("model"), .init("algorithm"), .init("epochs"),
            .init("optimum", unit: "%"),
            .init("reached", unit: "%"), .init("PIM", unit: "s"), .init("PIM", unit: "kJ"),
            .init("CPU", unit: "s"),
            .init("CPU", unit: "kJ"),
          ], rows: rows),
        DataTable(
          "Measured epochs to the target",
          columns: [
            .init("samples"), .init("model"), .init("algorithm"), .init("workers"),
            .init("samples of a worker"),
            .init("batch of a worker"), .init("epochs"), .init("last quality", unit: "%"),
          ], rows: table),
      ])
  }

  /// What the next hardware should change.
  var future: Section {
    var rows: [[DataTable.Cell]] = []
    let runs: [(PIMOptDataset, DistributedAlgorithm, LinearModel)] = Self.workloads.flatMap {
      dataset, model in
      [(dataset, .modelAveraging, model), (dataset, .admm, model)]
    }
    var maps: [[Double?]] = []
    for change in FuturePIM.allCases {
      let system = change.applied(to: systems.pim, links: links)
      var gains: [Double?] = []
      for (dataset, algorithm, model) in runs {
        let run = systems.run(dataset, algorithm, model)
        let now = systems.pim.epoch(run)
        let then = system.epoch(run)
        let ends = linkEnds.map { now.time / change.applied(to: systems.pim, links: $0).parts(run).total }
        gains.append(now.time / then.time)
        rows.append([
          .text(change.rawValue), .text(dataset.short), .text(model.short), .text(algorithm.rawValue),
          .number(now.time), .number(then.time), .number(now.time / then.time),
          .number(ends.min() ?? 1), .number(ends.max() ?? 1), .number(then.energy / 1e3),
          .number(now.energy / then.energy),
        ])
      }
      maps.append(gains)
    }
    let names = runs.map { "\($0.0.short) \($0.2.short) \($0.1.rawValue)" }
    return Section(
      "What the next hardware should change",
      prose: [
        "Native products and floating point speed up YFCC, and LR everywhere by taking the sigmoid off one tasklet; they do nothing for a model that waits for the host. Links between the units, over which they add up in a ring, take the host out of MA-SGD. Faster banks help only Criteo, whose gathers wait for the setup of small transfers; the others compute.",
        "Each machine is the UPMEM one with one thing changed and its power kept: a multiplier and links cost power that is not in these numbers. The range of the gain is that of the assumed links.",
      ],
      charts: [
        Chart(
          "Gain of an epoch by change of the hardware", "Time now over time then, 2,048 DPUs.",
          .maps([
            HeatMap(
              "gain", columns: ("workload", names), rows: ("change", FuturePIM.allCases.map(\.rawValue)),
              values: maps, unit: "x", scale: 1...10)
          ]))
      ],
      tables: [
        DataTable(
          "Changed machines, 2,048 DPUs, an epoch",
          columns: [
            .init("change"), .init("data set"), .init("model"), .init("algorithm"), .init("now", unit: "s"),
            .init("then", unit: "s"), .init("gain", unit: "x"), .init("gain, low", unit: "x"),
            .init("gain, high", unit: "x"), .init("energy then", unit: "kJ"), .init("less energy", unit: "x"),
          ], rows: rows)
      ])
  }
}

import CostModels
import Workloads

/// Our values for the bounds that PIM-Opt's figures put on its measured times, by the names of the claims.
///
/// Times are of 10 epochs, as the figures have them.
struct PIMOptBounds {
  let systems: PIMOptSystems

  private func pim(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel, batch: Int? = nil,
    units: Int = PIMOptSystems.mostUnits, strong: Bool = false
  ) -> Double {
    10 * systems.pim(dataset, algorithm, model, units: units, batch: batch, strong: strong).time
  }

  private func cpu(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel, batch: Int? = nil
  ) -> Double { 10 * systems.cpu(dataset, algorithm, model, batch: batch).time }

  /// Both models, or one, over some runs.
  private func all(_ models: [LinearModel] = LinearModel.allCases, _ values: (LinearModel) -> [Double])
    -> Answer.Value
  {
    let numbers = models.flatMap(values)
    guard let low = numbers.min(), let high = numbers.max(), low < high else {
      return .number(numbers.first ?? .nan)
    }
    return .range(low...high)
  }

  /// Processes' time of one step.
  private func step(_ algorithm: DistributedAlgorithm, batch: Int) -> Answer.Value {
    let samples = PIMOptDataset.yfcc.samplesPerUnit * PIMOptSystems.mostUnits
    let each = algorithm == .gradientAveraging ? batch : batch * systems.processes
    let time = systems.cpu(.yfcc, algorithm, .supportVectorMachine, batch: batch).time
    return .number(1e3 * time / Double(samples / each))
  }

  /// The components of an epoch that are drawn.
  private func components(_ dataset: PIMOptDataset, gradientBatch: Int) -> Answer.Value {
    all { model in
      DistributedAlgorithm.allCases.flatMap { algorithm in
        let parts = systems.pim(
          dataset, algorithm, model, batch: algorithm == .gradientAveraging ? gradientBatch : nil
        ).parts
        return [parts.kernel, parts.toWorkers + parts.fromWorkers + parts.reduction]
      }
    }
  }

  private func rate(
    _ algorithm: DistributedAlgorithm, units: Int = PIMOptSystems.mostUnits, batch: Int? = nil,
    strong: Bool = false
  ) -> Answer.Value {
    .number(
      systems.serverRate(
        systems.run(
          .criteo, algorithm, .supportVectorMachine, units: units, batch: batch, strong: strong)) / 1e9)
  }

  /// Cycles of a feature of a sample, everything that a unit does in an epoch included.
  private var cyclesPerFeature: Answer.Value {
    let values = DistributedAlgorithm.allCases.map { algorithm in
      systems.pim(.yfcc, algorithm, .logisticRegression).parts.kernel * 350e6 / (3328 * 4096)
    }
    return .range((values.min() ?? .nan)...(values.max() ?? .nan))
  }

  /// Our value for each bound, with the words of how it came about.
  var answers: [String: Answer] {
    let svm = [LinearModel.supportVectorMachine]
    let lr = [LinearModel.logisticRegression]
    let algorithms = DistributedAlgorithm.allCases
    let scaled = "10 epochs, every series and size of the figure"
    let hop =
      "the time of a message in the ring was itself chosen from these axes, so this is consistency and no evidence"
    let host =
      "the host's rates were themselves chosen from these axes, so this is consistency and no evidence"
    var values: [String: (Answer.Value, String)] = [:]
    let bytes = algorithms.map {
      systems.linkBytes(systems.run(.criteo, $0, .logisticRegression)) / 1e9
    }
    values["fig2"] = (
      .range((bytes.min() ?? 0)...(bytes.max() ?? 0)),
      "gigabytes between host and units in an epoch, the three algorithms"
    )
    values["fig4"] = (components(.yfcc, gradientBatch: 4096), "kernels and synchronisation of an epoch")
    values["fig5-pim"] = (
      all { m in
        [
          pim(.yfcc, .modelAveraging, m), pim(.yfcc, .gradientAveraging, m, batch: 4096),
          pim(.yfcc, .admm, m),
        ]
      },
      scaled
    )
    values["fig5-cpu-ma"] = (all { m in [cpu(.yfcc, .modelAveraging, m)] }, hop)
    values["fig5-cpu"] = (
      all { m in [cpu(.yfcc, .gradientAveraging, m, batch: 4096), cpu(.yfcc, .admm, m)] }, hop
    )
    values["fig5-gpu"] = (
      all { m in [10 * systems.gpu(.yfcc, m).time] },
      "one loader process feeds the GPU from the host's memory"
    )
    values["fig6a-cpu-8"] = (all(svm) { m in [cpu(.yfcc, .modelAveraging, m, batch: 8)] }, hop)
    values["fig6a-cpu-16"] = (all(svm) { m in [cpu(.yfcc, .modelAveraging, m, batch: 16)] }, hop)
    values["fig6a-rest"] = (
      all(svm) { m in
        [32, 64].map { cpu(.yfcc, .modelAveraging, m, batch: $0) }
          + [8, 16, 32, 64].map { pim(.yfcc, .modelAveraging, m, batch: $0) }
      }, scaled
    )
    values["fig6b-cpu-4096"] = (all(svm) { m in [cpu(.yfcc, .gradientAveraging, m, batch: 4096)] }, hop)
    values["fig6b-rest"] = (
      all(svm) { m in
        [8192, 16384, 32768].map { cpu(.yfcc, .gradientAveraging, m, batch: $0) }
          + [4096, 8192, 16384, 32768].map { pim(.yfcc, .gradientAveraging, m, batch: $0) }
      }, scaled
    )
    values["fig6c"] = (
      all(lr) { m in
        [8, 16, 32, 64].flatMap { [cpu(.yfcc, .admm, m, batch: $0), pim(.yfcc, .admm, m, batch: $0)] }
      }, scaled
    )
    for (name, dataset, strong) in [
      ("fig7", PIMOptDataset.yfcc, false), ("fig8", .yfcc, true), ("fig13", .criteo, true),
    ] {
      values[name] = (
        all { m in
          algorithms.flatMap { a in
            PIMOptSystems.units.map { pim(dataset, a, m, units: $0, strong: strong) }
          }
        }, scaled
      )
    }
    values["fig9"] = (components(.criteo, gradientBatch: 262_144), "kernels and synchronisation of an epoch")
    values["fig10-ga"] = (all { m in [pim(.criteo, .gradientAveraging, m, batch: 524_288)] }, host)
    values["fig10-rest"] = (
      all { m in
        [
          pim(.criteo, .modelAveraging, m), pim(.criteo, .admm, m), cpu(.criteo, .modelAveraging, m),
          cpu(.criteo, .gradientAveraging, m, batch: 524_288), cpu(.criteo, .admm, m),
        ]
      }, scaled
    )
    values["fig11b"] = (
      all(svm) { m in [131_072, 262_144, 524_288].map { pim(.criteo, .gradientAveraging, m, batch: $0) } },
      host
    )
    let batches = [1024, 2048, 4096, 8192]
    values["fig11a"] = (
      all(svm) { m in
        batches.flatMap {
          [cpu(.criteo, .modelAveraging, m, batch: $0), pim(.criteo, .modelAveraging, m, batch: $0)]
        }
      }, scaled
    )
    values["fig11c"] = (
      all(lr) { m in
        batches.flatMap { [cpu(.criteo, .admm, m, batch: $0), pim(.criteo, .admm, m, batch: $0)] }
      },
      scaled
    )
    values["fig12-2048"] = (all { m in [pim(.criteo, .gradientAveraging, m)] }, host)
    values["fig12-rest"] = (
      all { m in [256, 512, 1024].map { pim(.criteo, .gradientAveraging, m, units: $0) } }, host
    )
    values["server-strong"] = (rate(.gradientAveraging, strong: true), host)
    values["server-weak"] = (rate(.gradientAveraging, units: 1024), host)
    values["server-upper"] = (rate(.gradientAveraging, batch: 524_288), host)
    values["server-upper-firm"] = (rate(.gradientAveraging, batch: 524_288), host)
    values["server-ma"] = (rate(.modelAveraging), host)
    values["server-ma-1024"] = (rate(.modelAveraging, batch: 1024), host)
    values["cpu-step-8"] = (step(.modelAveraging, batch: 8), hop)
    values["cpu-step-16"] = (step(.modelAveraging, batch: 16), hop)
    values["cpu-step-32"] = (step(.modelAveraging, batch: 32), hop)
    values["cpu-step-ga-4096"] = (step(.gradientAveraging, batch: 4096), hop)
    values["cpu-step-ga-8192"] = (step(.gradientAveraging, batch: 8192), hop)
    let steps = Double(PIMOptDataset.yfcc.samplesPerUnit * PIMOptSystems.mostUnits / systems.gpuBatch)
    values["gpu-step"] = (
      .number(1e3 * systems.gpu(.yfcc, .logisticRegression).time / steps), "loader of one process"
    )
    values["dpu-cycles"] = (cyclesPerFeature, "instructions, transfers, barriers and sigmoids of a unit")
    values["dpu-cycles-256"] = (cyclesPerFeature, "instructions, transfers, barriers and sigmoids of a unit")
    return values.mapValues { Answer($0.0, $0.1) }
  }
}

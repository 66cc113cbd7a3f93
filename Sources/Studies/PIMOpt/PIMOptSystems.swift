public import CostModels
import Documents
import Hardware
import Quantities
public import Workloads

/// The three systems of PIM-Opt, and its runs on each.
public struct PIMOptSystems: Sendable {
  /// The UPMEM machine.
  public var pim: TrainingSystem
  /// The processors with 128 processes.
  public var cpu: TrainingSystem
  /// The GPU, fed from its host's memory.
  public var gpu: TrainingSystem
  /// The same GPU with the samples in its own memory.
  public var resident: TrainingSystem
  /// Processes of the CPU baseline.
  public let processes: Int
  /// Samples of a step of the GPU baseline.
  public let gpuBatch: Int

  /// The most units that the paper used.
  public static let mostUnits = 2048
  /// The units of the scaling figures.
  public static let units = [256, 512, 1024, 2048]

  /// An epoch on the UPMEM machine.
  ///
  /// - Parameters:
  ///   - dataset: the data set.
  ///   - algorithm: the algorithm.
  ///   - model: what is minimised.
  ///   - units: how many take part.
  ///   - batch: as the paper counts it; that of its scaling figures if nil.
  ///   - strong: whether the data set stays that of 256 units.
  /// - Returns: the time and energy of the epoch.
  public func pim(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel,
    units: Int = mostUnits, batch: Int? = nil, strong: Bool = false
  ) -> TrainingEstimate {
    pim.epoch(run(dataset, algorithm, model, units: units, batch: batch, strong: strong))
  }

  /// A run of the paper.
  ///
  /// All of its sizes divide, which a test of the plans checks against its table.
  public func run(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel,
    units: Int = mostUnits, batch: Int? = nil, strong: Bool = false
  ) -> LinearTraining {
    guard
      let run = try? LinearTraining(
        dataset, algorithm, model, units: units, batch: batch, strong: strong)
    else { preconditionFailure("a run of the paper whose batches do not divide") }
    return run
  }

  /// The same samples over other workers, FP32.
  private func baseline(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel, workers: Int,
    batch: Int, samples: Int
  ) -> LinearTraining {
    let size: ModelSize =
      dataset == .yfcc
      ? dataset.size : .sparse(features: dataset.features, form: .float32)
    guard
      let plan = try? DistributedPlan(
        algorithm, samples: samples, workers: workers, batch: batch, size: size)
    else { preconditionFailure("a baseline of the paper whose batches do not divide") }
    return LinearTraining(
      model: model, features: dataset.features, nonZeros: dataset.nonZeros, plan: plan)
  }

  /// An epoch of the CPU baseline, which trains on the data set of 2,048 units.
  public func cpu(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel, batch: Int? = nil
  ) -> TrainingEstimate {
    let batch = batch ?? Hyperparameters.pimOpt(dataset, algorithm, model).batch
    return cpu.epoch(
      baseline(
        dataset, algorithm, model, workers: processes, batch: batch,
        samples: dataset.samplesPerUnit * Self.mostUnits))
  }

  /// An epoch of mini-batch SGD on the GPU.
  ///
  /// - Parameters:
  ///   - dataset: the data set.
  ///   - model: what is minimised.
  ///   - isResident: whether the samples are in the GPU's memory.
  ///   - units: the data set of so many units.
  /// - Returns: the time and energy of the epoch.
  public func gpu(
    _ dataset: PIMOptDataset, _ model: LinearModel, resident isResident: Bool = false, units: Int = mostUnits
  ) -> TrainingEstimate {
    let training = baseline(
      dataset, .gradientAveraging, model, workers: 1, batch: gpuBatch, samples: dataset.samplesPerUnit * units
    )
    return (isResident ? resident : gpu).epoch(training)
  }

  /// Bytes between host and units in an epoch, both ways.
  public func linkBytes(_ training: LinearTraining) -> Double {
    Double(training.plan.bytesDownPerEpoch + training.plan.bytesUpPerEpoch)
  }

  /// What the host passes and adds up in a second of exchange: bytes both ways over transfers and average.
  public func serverRate(_ training: LinearTraining) -> Double {
    linkBytes(training) / pim.parts(training).synchronisation
  }
}

extension LinearModel {
  /// The usual abbreviation.
  var short: String { self == .logisticRegression ? "LR" : "SVM" }
}

extension PIMOptDataset {
  /// The name in tables.
  var short: String { self == .yfcc ? "YFCC" : "Criteo" }
}

public import Workloads

/// What workers and host have exchanged.
public struct Exchange: Sendable, Hashable {
  /// Times that all workers met.
  public var synchronisations = 0
  /// Bytes to all workers.
  public var bytesDown = 0
  /// Bytes from all workers.
  public var bytesUp = 0
  /// Numbers that the host added up.
  public var reducedElements = 0

  /// Nothing yet.
  public init() {}
}

/// A model after an epoch.
public struct EpochRecord: Sendable, Hashable {
  /// The epoch, from 1.
  public let epoch: Int
  /// The objective on the samples that were trained on.
  public let loss: Double
  /// On the test samples.
  public let test: Quality
  /// What was exchanged since the beginning.
  public let exchange: Exchange
}

/// What a training run has come to.
public struct TrainingResult: Sendable {
  /// A record for each epoch.
  public let epochs: [EpochRecord]
  /// The model at the end: the average, or ADMM's consensus.
  public let fit: LinearFit
}

/// Training of a linear model by PIM-Opt's algorithms, over workers that each have a shard of the samples.
///
/// Worker `p` of `P` has samples `p n/P` to `(p + 1) n/P` and takes them in order, in every epoch the same. Workers
/// run on threads, several on one where there are fewer threads; every number is computed in the same order
/// whatever the threads, so results are equal to the bit for any number of them. The model begins at 0.
///
/// - MA-SGD: at each synchronisation every worker gets the model, steps once on its batch and returns its model; the
///   host averages.
/// - GA-SGD: every worker gets the model and returns the gradient of its part of the batch; the host adds them up and
///   steps.
/// - ADMM: every worker keeps weights `w` and a dual `u`, gets `w` and the pull `u - z`, steps on all its batches
///   along `gradient + regularisation w + penalty (w + u - z)` and returns `w`; the host sets
///   `z = mean(w + u)` and `u = u + w - z`. The bias of a dense model is averaged without a pull.
///
/// Source: pim-opt.md, sections 3 and 4, from PIM-Opt repository @bbc8313 (PACT 2024, doi 10.1145/3656019.3676947).
public struct DistributedTraining: Sendable {
  /// The samples to train on.
  public let samples: TrainingSamples
  /// The samples to test on after every epoch.
  public let test: TrainingSamples
  /// What is minimised, with the regularisation of the parameters.
  public let objective: Objective
  /// The number form.
  public var form: NumberForm { shifts == nil ? .float32 : .fixedPoint }
  /// The steps.
  public let parameters: Hyperparameters
  /// The algorithm and how it splits the samples.
  public let plan: DistributedPlan

  private let blas: BLAS
  private let shifts: FixedArithmetic.Shifts?

  /// A training run; the regularisation of the parameters takes the place of the objective's.
  ///
  /// - Throws: ``DistributedPlan/PlanError`` where samples, workers and batch do not fit, ADMM lacks its penalty, or a
  ///   factor that fixed point divides by is not a power of two.
  public init(
    _ blas: BLAS, samples: TrainingSamples, test: TrainingSamples, objective: Objective,
    algorithm: DistributedAlgorithm, parameters: Hyperparameters, workers: Int, form: NumberForm = .float32
  ) throws(DistributedPlan.PlanError) {
    let size: ModelSize =
      switch samples {
      case .dense: .dense(features: samples.features)
      case .sparse: .sparse(features: samples.features, form: form)
      }
    plan = try DistributedPlan(
      algorithm, samples: samples.count, workers: workers, batch: parameters.batch, size: size)
    if algorithm == .admm, parameters.penalty == nil { throw .noPenalty }
    var objective = objective
    objective.regularisation = parameters.regularisation
    for (what, value) in [("number of epochs", parameters.epochs), ("local epochs", parameters.localEpochs)]
    where value <= 0 {
      throw .notPositive(what, value)
    }
    shifts = form == .fixedPoint ? try FixedArithmetic.Shifts(objective, parameters) : nil
    self.blas = blas
    self.samples = samples
    self.test = test
    self.objective = objective
    self.parameters = parameters
  }

  /// Trains.
  ///
  /// - Parameter threads: how many the workers share, 1 or more.
  /// - Returns: a record for each epoch and the model.
  public func run(threads: Int = 1) -> TrainingResult {
    let pool = WorkerPool(threads: min(threads, plan.workers))
    blas.use(threads: 1)
    guard let shifts else { return train(FloatArithmetic(blas, samples, objective, parameters), pool) }
    return train(FixedArithmetic(samples, objective, shifts), pool)
  }

  private func train<A: Arithmetic>(_ arithmetic: A, _ pool: WorkerPool) -> TrainingResult {
    let state = TrainingState(arithmetic, plan: plan, parameters: parameters, pool: pool)
    var records: [EpochRecord] = []
    for epoch in 1...parameters.epochs {
      switch plan.algorithm {
      case .modelAveraging: state.averageModels()
      case .gradientAveraging: state.averageGradients()
      case .admm: state.alternate()
      }
      let fit = arithmetic.decoded(state.model.start)
      records.append(
        EpochRecord(
          epoch: epoch, loss: fit.quality(blas, of: samples, objective: objective).loss,
          test: fit.quality(blas, of: test, objective: objective), exchange: state.exchange))
    }
    return TrainingResult(epochs: records, fit: arithmetic.decoded(state.model.start))
  }
}

/// The vectors of a run and an epoch of each algorithm on them.
private final class TrainingState<A: Arithmetic> {
  typealias Value = A.Value

  /// The model that the host holds.
  let model: Buffer<Value>
  private(set) var exchange = Exchange()

  private let arithmetic: A
  private let plan: DistributedPlan
  private let parameters: Hyperparameters
  private let pool: WorkerPool
  private let width: Int
  /// The model, or for GA-SGD the gradient, of each worker.
  private let local: Buffer<Value>
  private let gradients: Buffer<Value>
  private let scores: Buffer<Float>
  private let duals: Buffer<Value>
  private let pulls: Buffer<Value>

  init(_ arithmetic: A, plan: DistributedPlan, parameters: Hyperparameters, pool: WorkerPool) {
    self.arithmetic = arithmetic
    self.plan = plan
    self.parameters = parameters
    self.pool = pool
    width = arithmetic.features + 1
    let dual = plan.algorithm == .admm ? plan.workers : 0
    model = Buffer(repeating: .zero, count: width)
    local = Buffer(repeating: .zero, count: width * plan.workers)
    gradients = Buffer(repeating: .zero, count: width * pool.threads)
    scores = Buffer(repeating: 0, count: plan.batchPerWorker * pool.threads)
    duals = Buffer(repeating: .zero, count: width * dual)
    pulls = Buffer(repeating: .zero, count: width * dual)
  }

  private func rows(_ worker: Int, batch: Int) -> Range<Int> {
    let first = worker * plan.samplesPerWorker + batch * plan.batchPerWorker
    return first..<first + plan.batchPerWorker
  }

  /// Runs `body` for every worker with the thread that it is on.
  private func eachWorker(_ body: (_ worker: Int, _ thread: Int) -> Void) {
    pool.run { thread in
      for worker in WorkerPool.part(thread, of: pool.threads, count: plan.workers) { body(worker, thread) }
    }
  }

  /// Runs `body` on parts of the parameters.
  private func eachPart(_ body: (Range<Int>) -> Void) {
    pool.run { thread in body(WorkerPool.part(thread, of: pool.threads, count: width, grain: 16)) }
  }

  private func synchronised() {
    exchange.synchronisations += 1
    exchange.bytesDown += plan.workers * plan.bytesDown
    exchange.bytesUp += plan.workers * plan.bytesUp
    exchange.reducedElements += plan.workers * width
  }

  private func step(_ worker: Int, _ thread: Int, batch: Int, pull: UnsafePointer<Value>?) {
    let own = local.start + worker * width
    let gradient = gradients.start + thread * width
    arithmetic.gradient(
      rows: rows(worker, batch: batch), model: own, scores: scores.start + thread * plan.batchPerWorker,
      into: gradient)
    arithmetic.step(0..<width, of: own, gradient: gradient, batch: plan.batchPerWorker, pull: pull)
  }

  func averageModels() {
    for batch in 0..<plan.batchesPerEpoch {
      eachWorker { worker, thread in
        (local.start + worker * width).update(from: model.start, count: width)
        step(worker, thread, batch: batch, pull: nil)
      }
      eachPart { part in
        sumWorkers(part)
        for j in part { model.start[j] = arithmetic.mean(local.start[j], of: plan.workers) }
      }
      synchronised()
    }
  }

  func averageGradients() {
    for batch in 0..<plan.batchesPerEpoch {
      eachWorker { worker, thread in
        arithmetic.gradient(
          rows: rows(worker, batch: batch), model: model.start,
          scores: scores.start + thread * plan.batchPerWorker, into: local.start + worker * width)
      }
      eachPart { part in
        sumWorkers(part)
        arithmetic.step(part, of: model.start, gradient: local.start, batch: plan.batch, pull: nil)
      }
      synchronised()
    }
  }

  func alternate() {
    eachWorker { worker, thread in
      for _ in 0..<parameters.localEpochs {
        for batch in 0..<plan.batchesPerEpoch {
          step(worker, thread, batch: batch, pull: pulls.start + worker * width)
        }
      }
    }
    eachPart { part in
      for j in part {
        var sum = Value.zero
        var offset = j
        for _ in 0..<plan.workers {
          sum += local.start[offset] + duals.start[offset]
          offset += width
        }
        let consensus = arithmetic.mean(sum, of: plan.workers)
        model.start[j] = arithmetic.limited(consensus, at: j)
        offset = j
        for _ in 0..<plan.workers {
          duals.start[offset] += local.start[offset] - consensus
          pulls.start[offset] = arithmetic.limited(duals.start[offset] - consensus, at: j)
          offset += width
        }
      }
    }
    synchronised()
  }

  /// Adds the vectors of all workers to that of the first, in their order.
  private func sumWorkers(_ part: Range<Int>) {
    for worker in 1..<max(plan.workers, 1) {
      let other = local.start + worker * width
      var j = part.lowerBound
      while j < part.upperBound {
        local.start[j] += other[j]
        j += 1
      }
    }
  }
}

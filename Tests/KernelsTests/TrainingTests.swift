import Glibc
import Testing
import Workloads

@testable import Kernels

/// A problem with its reference optimum, made once.
struct Problem: Sendable {
  let train: TrainingSamples
  let test: TrainingSamples
  let objective: Objective
  let optimum: Quality
  let optimalObjective: Double

  static let problems: [String: Result<Problem, any Error>] = {
    var all: [String: Result<Problem, any Error>] = [:]
    for model in LinearModel.allCases {
      for dense in [true, false] {
        all[key(model, dense)] = Result { try Problem(model, dense: dense) }
      }
    }
    return all
  }()

  static func key(_ model: LinearModel, _ dense: Bool) -> String { "\(model.rawValue) \(dense)" }

  static func get(_ model: LinearModel, dense: Bool) throws -> Problem {
    try #require(problems[key(model, dense)]).get()
  }

  init(_ model: LinearModel, dense: Bool) throws {
    let blas = try BLAS.load()
    if dense {
      let planted = PlantedDense(features: 128, bayesError: 0.15, seed: 7)
      train = .dense(planted.samples(0..<4096))
      test = .dense(planted.samples(4096..<12288))
      objective = Objective(model, regularisation: 0x1p-8)
    } else {
      let planted = PlantedSparse(features: 512, strength: 0.7, largestField: 1000, seed: 7)
      train = .sparse(planted.samples(0..<16384))
      test = .sparse(planted.samples(16384..<32768))
      objective = Objective(model, regularisation: 0x1p-6, negativeWeight: 0.5, positiveWeight: 15)
    }
    let reference = try NewtonReference(blas, samples: train, objective: objective, smoothing: 0.02)
    optimum = reference.fit.quality(blas, of: test, objective: objective)
    optimalObjective = reference.fit.quality(blas, of: train, objective: objective).loss
  }

  /// Rates at which each converges in the epochs given; powers of two for fixed point.
  func training(
    _ algorithm: DistributedAlgorithm, _ form: NumberForm, workers: Int = 4, epochs: Int? = nil
  ) throws -> DistributedTraining {
    let hinge = objective.model == .supportVectorMachine
    let parameters: Hyperparameters
    switch train {
    case .dense:
      let rate = (hinge ? 0x1p-3 : 0x1p-1) * (algorithm == .admm ? 0.5 : 1)
      parameters = Hyperparameters(
        rate: rate, regularisation: 0x1p-8, penalty: 0x1p-8,
        batch: algorithm == .gradientAveraging ? 128 : 128 / workers, epochs: epochs ?? 40)
    case .sparse:
      parameters = Hyperparameters(
        rate: hinge ? 0x1p-4 : 0x1p-2, regularisation: 0x1p-6, penalty: 0x1p-7,
        batch: algorithm == .gradientAveraging ? 512 : 512 / workers, epochs: epochs ?? 12)
    }
    return try DistributedTraining(
      try BLAS.load(), samples: train, test: test, objective: objective, algorithm: algorithm,
      parameters: parameters, workers: workers, form: form)
  }
}

@Suite struct TrainingTests {
  /// Every algorithm gets near the optimum of the same objective, in FP32 and in fixed point.
  ///
  /// Dense: test accuracy within 1 point and AUC within 0.01. Sparse, with classes as uneven as clicks: AUC within 0.01.
  @Test(arguments: DistributedAlgorithm.allCases, LinearModel.allCases)
  func convergesToNewton(algorithm: DistributedAlgorithm, model: LinearModel) throws {
    for dense in [true, false] {
      let problem = try Problem.get(model, dense: dense)
      for form in NumberForm.allCases {
        let result = try problem.training(algorithm, form).run(threads: 2)
        let last = try #require(result.epochs.last)
        #expect(abs(last.test.auc - problem.optimum.auc) < 0.01)
        if dense { #expect(abs(last.test.accuracy - problem.optimum.accuracy) < 0.01) }
        // No algorithm gets below the optimum, but for the smoothing of the hinge.
        #expect(last.loss > problem.optimalObjective - (model == .supportVectorMachine ? 0.02 : 1e-6))
        #expect(last.loss < result.epochs[0].loss)
      }
    }
  }

  /// Quantisation moves accuracy and AUC on these problems by less than half a point.
  @Test(arguments: DistributedAlgorithm.allCases, LinearModel.allCases)
  func fixedPointFollowsFloat(algorithm: DistributedAlgorithm, model: LinearModel) throws {
    for dense in [true, false] {
      let problem = try Problem.get(model, dense: dense)
      let epochs = dense ? 10 : 4
      let float = try problem.training(algorithm, .float32, epochs: epochs).run()
      let fixed = try problem.training(algorithm, .fixedPoint, epochs: epochs).run()
      for (a, b) in zip(float.epochs, fixed.epochs) {
        #expect(abs(a.test.accuracy - b.test.accuracy) < 0.005)
        #expect(abs(a.test.auc - b.test.auc) < 0.005)
        #expect(a.exchange.synchronisations == b.exchange.synchronisations)
        #expect(a.exchange.bytesDown == b.exchange.bytesDown)
      }
    }
  }

  @Test(arguments: DistributedAlgorithm.allCases, NumberForm.allCases)
  func threadsDoNotChangeABit(algorithm: DistributedAlgorithm, form: NumberForm) throws {
    for dense in [true, false] {
      let training = try Problem.get(.logisticRegression, dense: dense)
        .training(algorithm, form, workers: 4, epochs: 1)
      let one = training.run(threads: 1).fit
      for threads in [2, 3, 4] {
        let more = training.run(threads: threads).fit
        #expect(more.weights.map(\.bitPattern) == one.weights.map(\.bitPattern))
        #expect(more.bias.bitPattern == one.bias.bitPattern)
      }
    }
  }

  @Test(arguments: DistributedAlgorithm.allCases) func exchangeIsThatOfThePlan(
    algorithm: DistributedAlgorithm
  ) throws {
    for dense in [true, false] {
      let training = try Problem.get(.supportVectorMachine, dense: dense)
        .training(algorithm, .fixedPoint, workers: 8, epochs: 2)
      let plan = training.plan
      let records = training.run().epochs
      for (record, epochs) in zip(records, [1, 2]) {
        #expect(record.exchange.synchronisations == epochs * plan.synchronisationsPerEpoch)
        #expect(record.exchange.bytesDown == epochs * plan.bytesDownPerEpoch)
        #expect(record.exchange.bytesUp == epochs * plan.bytesUpPerEpoch)
        #expect(record.exchange.reducedElements == epochs * plan.reducedElementsPerEpoch)
      }
      // The dense problem by hand: 4,096 samples in batches of 128; 128 weights of 4 bytes and a bias of 8.
      if dense {
        let synchronisations = algorithm == .admm ? 1 : 32
        let down = algorithm == .admm ? 2 * 512 + 8 : 520
        #expect(records[1].exchange.synchronisations == 2 * synchronisations)
        #expect(records[1].exchange.bytesDown == 2 * synchronisations * 8 * down)
        #expect(records[1].exchange.bytesUp == 2 * synchronisations * 8 * 520)
      }
    }
  }

  /// Averaging models that have stepped once from the same model is stepping once by the averaged gradient.
  @Test(arguments: LinearModel.allCases) func averagesOfModelsAndGradientsAgree(model: LinearModel) throws {
    let problem = try Problem.get(model, dense: true)
    let models = try problem.training(.modelAveraging, .float32, epochs: 1).run().fit
    let gradients = try problem.training(.gradientAveraging, .float32, epochs: 1).run().fit
    for (a, b) in zip(models.weights, gradients.weights) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func whatCannotBeTrained() throws {
    let problem = try Problem.get(.logisticRegression, dense: true)
    func make(_ parameters: Hyperparameters, _ algorithm: DistributedAlgorithm) throws {
      _ = try DistributedTraining(
        BLAS.load(), samples: problem.train, test: problem.test, objective: problem.objective,
        algorithm: algorithm, parameters: parameters, workers: 4, form: .fixedPoint)
    }
    #expect(throws: DistributedPlan.PlanError.noPenalty) {
      try make(Hyperparameters(rate: 0.5, regularisation: 0.5, batch: 8), .admm)
    }
    #expect(throws: DistributedPlan.PlanError.notPowerOfTwo("learning rate", 0.3)) {
      try make(Hyperparameters(rate: 0.3, regularisation: 0.5, batch: 8), .modelAveraging)
    }
    #expect(throws: DistributedPlan.PlanError.notPowerOfTwo("batch", 12)) {
      try make(Hyperparameters(rate: 0.5, regularisation: 0.5, batch: 12), .modelAveraging)
    }
    #expect(throws: DistributedPlan.PlanError.notPositive("number of epochs", 0)) {
      try make(Hyperparameters(rate: 0.5, regularisation: 0.5, batch: 8, epochs: 0), .modelAveraging)
    }
  }
}

@Suite struct FixedPointTests {
  private func dense(_ rows: [[Float]], _ labels: [Float]) -> TrainingSamples {
    .dense(
      DenseSamples(
        features: rows[0].count, values: Buffer(rows.flatMap { $0 }, zero: 0), labels: Buffer(labels, zero: 0)
      ))
  }

  private func train(
    _ samples: TrainingSamples, margin: Double, rate: Double, regularisation: Double, epochs: Int,
    form: NumberForm
  ) throws -> LinearFit {
    try DistributedTraining(
      BLAS.load(), samples: samples, test: samples,
      objective: Objective(.supportVectorMachine, regularisation: regularisation, margin: margin),
      algorithm: .modelAveraging,
      parameters: Hyperparameters(rate: rate, regularisation: regularisation, batch: 1, epochs: epochs),
      workers: 1, form: form
    ).run().fit
  }

  /// Two steps on one sample x = 0.5 of label 1, exact in both forms.
  ///
  /// w = 0.25 and bias 0.5 after the first; then the score 0.125 + 0.5 is within the margin of 1, and
  /// w = 0.25 + 0.25 - 0.5 * 0.5 * 0.25 = 0.4375 and bias 1.
  @Test(arguments: NumberForm.allCases) func twoStepsByHand(form: NumberForm) throws {
    let fit = try train(dense([[0.5]], [1]), margin: 1, rate: 0.5, regularisation: 0.5, epochs: 2, form: form)
    #expect(fit.weights == [0.4375])
    #expect(fit.bias == 1)
  }

  /// Weights stay within int32; the bias of a dense model has 64 bits, that of a sparse one stands among the weights.
  @Test func saturation() throws {
    func pushed(_ samples: TrainingSamples) throws -> LinearFit {
      try train(samples, margin: 100, rate: 1, regularisation: 0x1p-20, epochs: 4, form: .fixedPoint)
    }
    let up = try pushed(dense([[1]], [1]))
    #expect(up.weights == [1])
    #expect(up.bias == 4)
    let down = try pushed(dense([[1]], [0]))
    #expect(down.weights == [-1])
    let ones = TrainingSamples.sparse(
      SparseSamples(
        features: 2, rowStarts: Buffer([0, 1], zero: 0), indices: Buffer([1], zero: 0),
        labels: Buffer([1], zero: 0)))
    let sparse = try pushed(ones)
    #expect(sparse.weights == [0, 1])
    #expect(sparse.bias == 1)
  }

  @Test func shiftsAndLimits() {
    #expect(FixedArithmetic.shifted(-1, 3) == 0)
    #expect(FixedArithmetic.shifted(-8, 3) == 0)
    #expect(FixedArithmetic.shifted(-9, 3) == -2)
    #expect(FixedArithmetic.shifted(17, 3) == 2)
    #expect(FixedArithmetic.saturated(1 << 31) == (1 << 31) - 1)
    #expect(FixedArithmetic.saturated(-1 << 40) == -(1 << 31))
    #expect(FixedArithmetic.saturated(-5) == -5)
    let values = FixedArithmetic.quantised(Buffer([0, 0.5, 1, 2, -1], zero: 0)).array
    #expect(values == [0, 1 << 30, 1 << 31, 1 << 31, 0])
  }

  /// The table's error is at most a step of it, ln 2 / 2^bits, and FP32's; at both sizes that PIM-Opt has.
  @Test(arguments: [19, 20]) func exponentialTable(bits: Int) {
    let table = bits == 20 ? ExponentialTable.shared : ExponentialTable(bits: bits)
    let bound = 0.6931471805599453 / Double(1 << bits) + 0x1p-22
    for i in -400...400 {
      let x = Float(i) / 5 + 0.0137
      let exact = exp(Double(x))
      #expect(abs(Double(table.exponential(x)) / exact - 1) < bound)
      #expect(abs(table.sigmoid(x) - 1 / (1 + exp(-Double(x)))) < bound)
    }
    #expect(table.exponential(0) == 1)
    #expect(table.exponential(-100) == 0)
    #expect(table.sigmoid(1000) == 1)
    #expect(table.sigmoid(-1000) < 1e-37)
  }
}

@Suite struct NewtonTests {
  /// A feature that is always 0: the bias is the logarithm of the odds.
  @Test func biasAlone() throws {
    let samples = TrainingSamples.dense(
      DenseSamples(
        features: 1, values: Buffer(repeating: 0, count: 8),
        labels: Buffer([1, 1, 1, 1, 1, 1, 0, 0], zero: 0)))
    let reference = try NewtonReference(
      BLAS.load(), samples: samples, objective: Objective(.logisticRegression, regularisation: 0.1))
    #expect(abs(reference.parameters[1] - log(3)) < 1e-7)
    #expect(reference.parameters[0] == 0)
  }

  /// At the optimum the derivatives by each weight, computed from the definition, vanish.
  @Test func stationary() throws {
    let problem = PlantedDense(features: 12, bayesError: 0.2, seed: 3).samples(0..<300)
    let objective = Objective(
      .logisticRegression, regularisation: 0.01, negativeWeight: 0.5, positiveWeight: 3)
    let reference = try NewtonReference(BLAS.load(), samples: .dense(problem), objective: objective)
    var gradient = reference.parameters.map { objective.regularisation * $0 }
    gradient[12] = 0
    for i in 0..<300 {
      let x = (0..<12).map { Double(problem.values.elements[i * 12 + $0]) } + [1]
      let score = zip(x, reference.parameters).reduce(0) { $0 + $1.0 * $1.1 }
      let slope = objective.derivative(score: score, label: problem.labels.elements[i]) / 300
      for j in 0...12 { gradient[j] += slope * x[j] }
    }
    #expect(gradient.allSatisfy { abs($0) < 1e-8 })
    #expect(reference.gradientNorm <= 1e-8)
  }

  /// The smoothed hinge lies below the hinge by at most half its width, and sub-gradient descent finds nothing lower.
  @Test func hingeAgainstSubgradients() throws {
    let blas = try BLAS.load()
    let samples = PlantedDense(features: 8, bayesError: 0.2, seed: 5).samples(0..<256)
    let objective = Objective(.supportVectorMachine, regularisation: 0.05)
    let reference = try NewtonReference(blas, samples: .dense(samples), objective: objective, smoothing: 0.01)
    let loss = reference.fit.quality(blas, of: .dense(samples), objective: objective).loss
    #expect(loss - reference.objective < 0.005 && loss >= reference.objective - 1e-9)
    // Deterministic sub-gradient descent with a falling rate; its best point.
    var w = [Double](repeating: 0, count: 9)
    var best = Double.infinity
    for step in 0..<1500 {
      var gradient = w.map { objective.regularisation * $0 }
      gradient[8] = 0
      var value = w.dropLast().reduce(0) { $0 + $1 * $1 } * objective.regularisation / 2
      for i in 0..<256 {
        let row = samples.values.start + i * 8
        var score = w[8]
        for j in 0..<8 { score += Double(row[j]) * w[j] }
        let label = samples.labels.start[i]
        value += objective.loss(score: score, label: label) / 256
        let slope = objective.derivative(score: score, label: label) / 256
        if slope != 0 {
          for j in 0..<8 { gradient[j] += slope * Double(row[j]) }
          gradient[8] += slope
        }
      }
      best = min(best, value)
      let rate = 2 / (1 + 0.1 * Double(step))
      for j in 0..<9 { w[j] -= rate * gradient[j] }
    }
    #expect(best > reference.objective - 1e-9)
    #expect(best < loss + 0.005)
  }

  @Test func withoutRegularisationAConstantFeatureIsSingular() throws {
    let samples = TrainingSamples.dense(
      DenseSamples(
        features: 2, values: Buffer(repeating: 0, count: 8), labels: Buffer([0, 1, 0, 1], zero: 0)))
    #expect(throws: NewtonReference.NewtonError.singular(.notPositiveDefinite(minor: 1))) {
      try NewtonReference(
        BLAS.load(), samples: samples,
        objective: Objective(.logisticRegression, regularisation: 0, positiveWeight: 2))
    }
  }
}

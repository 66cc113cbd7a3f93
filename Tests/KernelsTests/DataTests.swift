import Glibc
import Quantities
import Testing
import Workloads

@testable import Kernels

@Suite struct DataTests {
  /// The first numbers of SplitMix64 from seed 1234567, as the reference implementation by Vigna prints them.
  @Test func generator() {
    var random = SplitMix64(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in random.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
    let normal = (0..<20_000).map { _ in random.normal() }
    let mean = normal.reduce(0, +) / 20_000
    let variance = normal.reduce(0) { $0 + $1 * $1 } / 20_000
    // Four standard errors.
    #expect(abs(mean) < 4 / 141.4)
    #expect(abs(variance - 1) < 4 * 0.01)
  }

  @Test func rowsDoNotDependOnRangesOrThreads() {
    let dense = PlantedDense(features: 33, seed: 5)
    let all = dense.samples(10..<30)
    let some = dense.samples(20..<30, pool: WorkerPool(threads: 2))
    #expect(Array(all.values.array.suffix(330)) == some.values.array)
    #expect(Array(all.labels.array.suffix(10)) == some.labels.array)
    #expect(PlantedDense(features: 33, seed: 6).samples(10..<30).values.array != all.values.array)
    let sparse = PlantedSparse(features: 1000, seed: 5)
    let wide = sparse.samples(10..<30)
    let narrow = sparse.samples(20..<30, pool: WorkerPool(threads: 2))
    #expect(Array(wide.indices.array.suffix(390)) == narrow.indices.array)
    #expect(Array(wide.labels.array.suffix(10)) == narrow.labels.array)
  }

  /// Values lie in [0, 1) and have the stated moments: mean q/3 for an activity q between 0.05 and 0.5.
  @Test func denseValues() {
    let values = PlantedDense(features: 200, seed: 1).samples(0..<500).values.array
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    let zeros = Double(values.count { $0 == 0 }) / Double(values.count)
    #expect(abs(zeros - 0.725) < 0.03)
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    #expect(abs(mean - 0.275 / 3) < 0.01)
  }

  /// The planted model errs as often as stated: within four standard errors and what the normal approximation costs.
  @Test(arguments: [0.05, 0.2]) func bayesError(error: Double) throws {
    let planted = PlantedDense(features: 256, bayesError: error, seed: 11)
    let test = TrainingSamples.dense(planted.samples(0..<8192))
    let fit = LinearFit(weights: planted.weights, bias: Float(planted.bias))
    let quality = fit.quality(
      try BLAS.load(), of: test, objective: Objective(.logisticRegression, regularisation: 0))
    let tolerance = 4 * (error * (1 - error) / 8192).squareRoot() + 0.003
    #expect(abs(1 - quality.accuracy - error) < tolerance)
    let positive = test.labels.array.reduce(0, +) / 8192
    #expect(abs(positive - 0.5) < 0.06)
  }

  /// E[sigmoid(-k |s|)] by another rule than the generator's: 200,000 draws.
  @Test func strengthHoldsTheBayesError() {
    let k = PlantedDense.strength(bayesError: 0.1)
    var random = SplitMix64(seed: 4)
    let mean = (0..<200_000).reduce(0.0) { sum, _ in sum + 1 / (1 + exp(k * abs(random.normal()))) } / 200_000
    #expect(abs(mean - 0.1) < 0.002)
  }

  @Test func sparseRows() {
    let planted = PlantedSparse(features: 5000, largestField: 10_000, seed: 2)
    let samples = planted.samples(0..<4000)
    #expect(samples.indices.count == 4000 * 39)
    #expect(samples.rowStarts.array.last == 156_000)
    #expect(samples.indices.array.allSatisfy { $0 >= 0 && $0 < 5000 })
    // Two standard errors of the pilot (4,096 rows) and of this sample together, doubled.
    let rate = Double(samples.labels.array.reduce(0, +)) / 4000
    #expect(abs(rate - 0.03) < 0.015)
    // Zipf: the most frequent value of the first field (10 values, exponent 1.1) has 2 to 4 in 10 of the draws.
    var counts: [Int32: Int] = [:]
    for row in 0..<4000 { counts[samples.indices.elements[row * 39], default: 0] += 1 }
    let most = Double(counts.values.max() ?? 0) / 4000
    #expect(counts.count <= 10)
    #expect(most > 0.2 && most < 0.4)
    let weighted = (0..<5000).count { planted.weight($0) != 0 }
    #expect(abs(Double(weighted) / 5000 - 0.3) < 4 * (0.21 / 5000).squareRoot())
  }

  @Test func areaUnderCurveByHand() {
    #expect(areaUnderCurve(scores: [1, 2, 3, 4], labels: [0, 0, 1, 1]) == 1)
    #expect(areaUnderCurve(scores: [4, 3, 2, 1], labels: [0, 0, 1, 1]) == 0)
    // Of four pairs two are right, one is wrong, one is tied.
    #expect(areaUnderCurve(scores: [1, 3, 2, 3], labels: [0, 0, 1, 1]) == 0.625)
    #expect(areaUnderCurve(scores: [5, 5, 5], labels: [0, 1, 0]) == 0.5)
    #expect(areaUnderCurve(scores: [5, 6], labels: [1, 1]) == 0.5)
  }
}

@Suite struct ObjectiveTests {
  @Test(arguments: LinearModel.allCases, [Float(0), 1]) func derivativesAreThoseOfTheLoss(
    model: LinearModel, label: Float
  ) {
    let objective = Objective(model, regularisation: 0, margin: 0.5, negativeWeight: 0.5, positiveWeight: 15)
    for z in [-40.0, -3, -0.7, 0, 0.2, 2, 40] {
      let h = 1e-5
      let slope =
        (objective.loss(score: z + h, label: label) - objective.loss(score: z - h, label: label)) / (2 * h)
      #expect(abs(objective.derivative(score: z, label: label) - slope) < 1e-6)
      var score = Float(z)
      objective.derivatives(&score, labels: [label], count: 1)
      #expect(abs(Double(score) - slope) < 1e-4)
    }
  }

  @Test func lossesByHand() {
    let logistic = Objective(.logisticRegression, regularisation: 0, positiveWeight: 2)
    #expect(abs(logistic.loss(score: 0, label: 0) - 0.6931471805599453) < 1e-15)
    #expect(abs(logistic.loss(score: 0, label: 1) - 2 * 0.6931471805599453) < 1e-15)
    #expect(logistic.loss(score: -1000, label: 1) == 2000)
    let hinge = Objective(.supportVectorMachine, regularisation: 0)
    #expect(hinge.loss(score: 0.25, label: 1) == 0.25)
    #expect(hinge.loss(score: 0.25, label: 0) == 0.75)
    #expect(hinge.loss(score: -0.5, label: 0) == 0)
  }
}

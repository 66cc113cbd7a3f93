import Quantities
import Testing
import Workloads

@testable import Kernels

@Suite struct KernelTests {
  @Test(arguments: Precision.allCases, [1, 2]) func products(precision: Precision, threads: Int) throws {
    let blas = try BLAS.load()
    let kernel = GEMM(blas, precision: precision, m: 5, n: 4, k: 3, threads: threads, seed: 9)
    kernel.run()
    #expect(kernel.flop == 120)
    #expect(kernel.bytes == (15 + 12 + 20) * precision.bytes)
    // The same numbers from the generator, multiplied by hand.
    let a = randomBuffer(of: Double.self, count: 15, seed: 9, stream: 0).array
    let b = randomBuffer(of: Double.self, count: 12, seed: 9, stream: 1).array
    for i in 0..<5 {
      for j in 0..<4 {
        let sum = (0..<3).reduce(0.0) { $0 + a[i * 3 + $1] * b[$1 * 4 + j] }
        #expect(abs(kernel.result(row: i, column: j) - sum) < (precision == .fp32 ? 1e-6 : 1e-14))
      }
    }
    let product = GEMV(
      blas, precision: precision, rows: 5, columns: 3, transposed: true, threads: threads, seed: 9)
    product.run()
    #expect(product.flop == 30)
    #expect(product.bytes == (15 + 5 + 3) * precision.bytes)
    let x = randomBuffer(of: Double.self, count: 5, seed: 9, stream: 1).array
    let sum = (0..<5).reduce(0.0) { $0 + a[$1 * 3 + 2] * x[$1] }
    #expect(abs(product.result(2) - sum) < (precision == .fp32 ? 1e-6 : 1e-14))
  }

  @Test(arguments: Precision.allCases, [1, 2, 3]) func streams(precision: Precision, threads: Int) {
    let triad = Triad(precision: precision, count: 5000, threads: threads)
    triad.run()
    #expect((0..<5000).allSatisfy { triad.result($0) == 7 })
    #expect(triad.flop == 10_000)
    #expect(triad.bytes == 15_000 * precision.bytes)
    let copy = Copy(precision: precision, count: 5000, threads: threads)
    copy.run()
    #expect(copy.flop == 0)
    #expect(copy.bytes == 10_000 * precision.bytes)
  }

  /// Two steps on batches of two, computed in FP64 by the definition.
  @Test(arguments: LinearModel.allCases, [1, 2]) func denseStep(model: LinearModel, threads: Int) throws {
    let samples = PlantedDense(features: 19, bayesError: 0.2, seed: 3).samples(0..<8)
    let objective = Objective(
      model, regularisation: 0.125, margin: 1, negativeWeight: 0.5, positiveWeight: 2)
    let kernel = DenseStep(
      try BLAS.load(), samples: samples, objective: objective, batch: 4, rate: 0.25, threads: threads,
      blockRows: 2)
    #expect(kernel.flop == 4 * (4 * 19 + 8) + 3 * 19 + 3)
    #expect(kernel.bytes == 4 * (4 * 20 + 2 * 20))
    var w = [Double](repeating: 0, count: 19)
    var bias = 0.0
    for batch in [0, 4, 0] {
      kernel.run()
      (w, bias) = reference(w, bias, rows: batch..<batch + 4, objective, rate: 0.25) { i in
        (0..<19).map { Double(samples.values.elements[i * 19 + $0]) }
      } label: {
        samples.labels.elements[$0]
      }
    }
    for j in 0..<19 { #expect(abs(Double(kernel.weights.elements[j]) - w[j]) < 1e-6) }
    #expect(abs(Double(kernel.bias) - bias) < 1e-6)
  }

  @Test(arguments: LinearModel.allCases, [1, 2, 3]) func sparseStep(model: LinearModel, threads: Int) {
    let samples = PlantedSparse(features: 200, fields: 7, positiveRate: 0.4, largestField: 100, seed: 3)
      .samples(0..<8)
    let objective = Objective(model, regularisation: 0.125, negativeWeight: 0.5, positiveWeight: 15)
    let kernel = SparseStep(
      samples: samples, objective: objective, batch: 4, rate: 0.25, threads: threads)
    #expect(kernel.flop == 4 * (2 * 7 + 10) + 3)
    #expect(kernel.bytes == 4 * (12 * 7 + 8))
    var w = [Double](repeating: 0, count: 200)
    var bias = 0.0
    for batch in [0, 4, 0] {
      kernel.run()
      (w, bias) = reference(w, bias, rows: batch..<batch + 4, objective, rate: 0.25) { i in
        var x = [Double](repeating: 0, count: 200)
        for k in i * 7..<i * 7 + 7 { x[Int(samples.indices.elements[k])] += 1 }
        return x
      } label: {
        samples.labels.elements[$0]
      }
    }
    for j in 0..<200 { #expect(abs(Double(kernel.weight(j)) - w[j]) < 1e-6) }
    #expect(abs(Double(kernel.constant) - bias) < 1e-6)
  }

  /// The common factor is put into the weights before it vanishes: 40 steps halve it each time.
  @Test func theFactorOfSparseWeightsDoesNotVanish() {
    let samples = PlantedSparse(features: 50, fields: 3, positiveRate: 0.4, largestField: 20, seed: 3)
      .samples(0..<4)
    let kernel = SparseStep(
      samples: samples, objective: Objective(.supportVectorMachine, regularisation: 0.5), batch: 4, rate: 1,
      threads: 1)
    for _ in 0..<200 { kernel.run() }
    #expect((0..<50).allSatisfy { kernel.weight($0).isFinite })
    #expect((0..<50).contains { kernel.weight($0) != 0 })
  }

  private func reference(
    _ w: [Double], _ bias: Double, rows: Range<Int>, _ objective: Objective, rate: Double,
    row: (Int) -> [Double], label: (Int) -> Float
  ) -> ([Double], Double) {
    var next = w.map { (1 - rate * objective.regularisation) * $0 }
    var nextBias = bias
    for i in rows {
      let x = row(i)
      let score = zip(x, w).reduce(bias) { $0 + $1.0 * $1.1 }
      let slope = objective.derivative(score: score, label: label(i)) * rate / Double(rows.count)
      for j in x.indices { next[j] -= slope * x[j] }
      nextBias -= slope
    }
    return (next, nextBias)
  }
}

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 3, 5]) func everyWorkerWorksOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    let counts = Buffer<Int>(repeating: 0, count: threads)
    for _ in 0..<500 { pool.run { counts.start[$0] += 1 } }
    #expect(counts.array == [Int](repeating: 500, count: threads))
  }

  /// After a barrier every worker sees what all have written, round after round.
  @Test func barriersSeparate() {
    let pool = WorkerPool(threads: 3)
    let cells = Buffer<Int>(repeating: 0, count: 3)
    let wrong = Buffer<Int>(repeating: 0, count: 3)
    pool.run { worker in
      for round in 1...200 {
        cells.start[worker] = round
        pool.barrier()
        for other in 0..<3 where cells.start[other] != round { wrong.start[worker] += 1 }
        pool.barrier()
      }
    }
    #expect(wrong.array == [0, 0, 0])
  }

  @Test func partsCoverAndDoNotMeet() {
    for count in [0, 1, 7, 512, 513, 5000] {
      for workers in 1...5 {
        let parts = (0..<workers).map { WorkerPool.part($0, of: workers, count: count, grain: 64) }
        #expect(parts.flatMap { Array($0) } == Array(0..<count))
      }
    }
  }

  /// Threads that have fallen asleep wake up for new work.
  @Test func sleepersWake() {
    let pool = WorkerPool(threads: 2)
    let counts = Buffer<Int>(repeating: 0, count: 2)
    for _ in 0..<3 {
      pool.run { counts.start[$0] += 1 }
      var burned: UInt64 = 1
      for _ in 0..<300_000 { burned = SplitMix64.mix(burned) }
      #expect(burned != 0)
    }
    #expect(counts.array == [3, 3])
  }
}

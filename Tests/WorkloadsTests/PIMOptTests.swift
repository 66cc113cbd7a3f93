import Workloads
import Testing

@Suite struct PIMOptTests {
  static let rows = synchronisationTable.split(separator: "\n").map {
    $0.split(separator: " ").map(String.init)
  }
  static let hyperparameters = hyperparameterTable.split(separator: "\n").map {
    $0.split(separator: " ").map(String.init)
  }

  private func dataset(_ text: String) -> PIMOptDataset { text == "Y" ? .yfcc : .criteo }

  @Test func everyRowIsHere() {
    #expect(PIMOptTests.rows.count == 66)
    #expect(PIMOptTests.hyperparameters.count == 12)
  }

  @Test(arguments: rows) func countsEqualTheTable(row: [String]) throws {
    let algorithm = try #require(DistributedAlgorithm(rawValue: row[1]))
    let numbers = row.dropFirst(2).map { Double($0) ?? .nan }
    let plan = try DistributedPlan(
      algorithm, samples: Int(numbers[2]), workers: Int(numbers[0]), batch: Int(numbers[1]),
      size: dataset(row[0]).size)
    #expect(plan.samplesPerWorker == Int(numbers[3]))
    #expect(plan.samplesPerSynchronisation == Int(numbers[4]))
    #expect(plan.synchronisationsPerEpoch == Int(numbers[5]))
    #expect(plan.bytesDown == Int(numbers[6]))
    #expect(plan.bytesUp == Int(numbers[7]))
    #expect(plan.reducedElementsPerEpoch == Int(numbers[11]))
    // The table has four decimals of a GB.
    let down = Double(plan.bytesDownPerEpoch) / 1e9
    let up = Double(plan.bytesUpPerEpoch) / 1e9
    for (gigabytes, expected) in [(down, numbers[8]), (up, numbers[9]), (down + up, numbers[10])] {
      #expect(abs(gigabytes - expected) <= 0.5001e-4)
    }
  }

  /// The one number of the paper that can be checked: MA-SGD exchanges 64 times what ADMM does on Criteo.
  @Test func ratioOfThePaper() throws {
    func bytes(_ algorithm: DistributedAlgorithm) throws -> Int {
      let plan = try DistributedPlan(
        algorithm, samples: 402_653_184, workers: 2048, batch: 2048, size: PIMOptDataset.criteo.size)
      return plan.bytesDownPerEpoch + plan.bytesUpPerEpoch
    }
    #expect(try bytes(.modelAveraging) == 64 * bytes(.admm))
  }

  @Test(arguments: hyperparameters) func hyperparametersEqualTheTable(row: [String]) throws {
    let algorithm = try #require(DistributedAlgorithm(rawValue: row[1]))
    let model: LinearModel = row[2] == "LR" ? .logisticRegression : .supportVectorMachine
    let parameters = Hyperparameters.pimOpt(dataset(row[0]), algorithm, model)
    func power(_ text: String) -> Double? {
      Int(text).map { Double(sign: .plus, exponent: -$0, significand: 1) }
    }
    #expect(parameters.rate == power(row[3]))
    #expect(parameters.regularisation == power(row[4]))
    #expect(parameters.penalty == power(row[5]))
    let batches = row[6].split(separator: ";").compactMap { Int($0) }
    #expect(Hyperparameters.pimOptBatches(dataset(row[0]), algorithm) == batches)
    #expect(parameters.batch == Int(row[7]))
    #expect(parameters.epochs == Int(row[8]))
    #expect(parameters.localEpochs == Int(row[9]))
  }

  @Test func plansThatCannotBe() {
    let size = ModelSize.dense(features: 4)
    #expect(throws: DistributedPlan.PlanError.notPositive("number of workers", 0)) {
      try DistributedPlan(.admm, samples: 10, workers: 0, batch: 1, size: size)
    }
    #expect(throws: DistributedPlan.PlanError.unevenBatch(batch: 10, workers: 4)) {
      try DistributedPlan(.gradientAveraging, samples: 100, workers: 4, batch: 10, size: size)
    }
    #expect(throws: DistributedPlan.PlanError.shardTooSmall(samples: 2, needed: 3)) {
      try DistributedPlan(.modelAveraging, samples: 11, workers: 4, batch: 3, size: size)
    }
  }

  @Test func remaindersAreLeftOut() throws {
    let plan = try DistributedPlan(
      .modelAveraging, samples: 107, workers: 4, batch: 8, size: .dense(features: 4))
    #expect(plan.samplesPerWorker == 26)
    #expect(plan.synchronisationsPerEpoch == 3)
  }
}

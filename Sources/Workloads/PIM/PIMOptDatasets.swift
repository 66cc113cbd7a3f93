/// The data sets of PIM-Opt.
public enum PIMOptDataset: String, Sendable, Hashable, CaseIterable {
  /// Deep features of pictures: 4,096 dense features, indoor or outdoor.
  case yfcc = "YFCC100M-HNfc6"
  /// Click logs: 39 categories hashed to 1,000,000 features.
  case criteo = "Criteo 1TB (LIBSVM)"

  /// Features of a sample.
  public var features: Int { self == .yfcc ? 4096 : 1_000_000 }
  /// Features of a sample that are not 0 by construction.
  public var nonZeros: Int { self == .yfcc ? 4096 : 39 }
  /// What its model weighs on the link.
  public var size: ModelSize {
    self == .yfcc ? .dense(features: features) : .sparse(features: features)
  }
}

/// How an algorithm steps.
public struct Hyperparameters: Sendable, Hashable {
  /// The learning rate.
  public var rate: Double
  /// Factor of half the squared weights.
  public var regularisation: Double
  /// ADMM's penalty on the distance from the consensus; nil for the others.
  public var penalty: Double?
  /// Samples of a batch: of each worker for MA-SGD and ADMM, of all workers for GA-SGD.
  public var batch: Int
  /// Passes over the data.
  public var epochs: Int
  /// Passes of each worker over its shard between two synchronisations of ADMM.
  public var localEpochs: Int

  /// Hyperparameters of a run.
  public init(
    rate: Double, regularisation: Double, penalty: Double? = nil, batch: Int, epochs: Int = 10,
    localEpochs: Int = 1
  ) {
    self.rate = rate
    self.regularisation = regularisation
    self.penalty = penalty
    self.batch = batch
    self.epochs = epochs
    self.localEpochs = localEpochs
  }

  /// What PIM-Opt used on the DPUs, with the batch of its scaling figures; `2^-e` for the exponents of its code.
  ///
  /// Source: hyperparameters.csv, from PIM-Opt repository @bbc8313.
  public static func pimOpt(
    _ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm, _ model: LinearModel
  ) -> Hyperparameters {
    let logistic = model == .logisticRegression
    let exponents: (rate: Int, regularisation: Int, penalty: Int?)
    let batch: Int
    switch (dataset, algorithm) {
    case (.yfcc, .modelAveraging): (exponents, batch) = ((6, logistic ? 12 : 10, nil), 8)
    case (.yfcc, .gradientAveraging):
      (exponents, batch) = ((logistic ? 4 : 6, logistic ? 10 : 8, nil), 8192)
    case (.yfcc, .admm): (exponents, batch) = ((6, logistic ? 12 : 10, logistic ? 4 : 12), 8)
    case (.criteo, .modelAveraging): (exponents, batch) = ((logistic ? 0 : 2, 12, nil), 2048)
    case (.criteo, .gradientAveraging): (exponents, batch) = ((logistic ? 0 : 2, 12, nil), 262_144)
    case (.criteo, .admm): (exponents, batch) = ((logistic ? 0 : 1, 12, logistic ? 6 : 8), 2048)
    }
    func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: -exponent, significand: 1) }
    return Hyperparameters(
      rate: power(exponents.rate), regularisation: power(exponents.regularisation),
      penalty: exponents.penalty.map(power), batch: batch)
  }

  /// The batches that PIM-Opt compared.
  ///
  /// Source: hyperparameters.csv, from PIM-Opt repository @bbc8313.
  public static func pimOptBatches(_ dataset: PIMOptDataset, _ algorithm: DistributedAlgorithm) -> [Int] {
    switch (dataset, algorithm) {
    case (.yfcc, .gradientAveraging): [4096, 8192, 16384, 32768]
    case (.criteo, .gradientAveraging): [131_072, 262_144, 524_288, 1_048_576]
    case (.yfcc, _): [8, 16, 32, 64]
    case (.criteo, _): [1024, 2048, 4096, 8192]
    }
  }
}

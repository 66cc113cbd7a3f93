import Quantities
import Workloads

/// The kernels that a calibration of this processor times.
///
/// Each is either for fitting or kept out of the fit, to judge it: other shapes and sizes of the same kinds, timed
/// in the same run.
public struct KernelSuite {
  /// A kernel with its part in the calibration.
  public struct Item {
    /// The kernel.
    public let kernel: KernelCase
    /// Whether the fit may not see it.
    public let isHeldOut: Bool

    /// A kernel with its part in the calibration.
    public init(kernel: KernelCase, isHeldOut: Bool) {
      self.kernel = kernel
      self.isHeldOut = isHeldOut
    }
  }

  /// The kernels in the order in which they are timed.
  public private(set) var items: [Item] = []

  private let data = SuiteData()
  /// The teams of threads that kernels and probes run on, by size.
  public let pools: [Int: WorkerPool]

  /// The kernels for a processor.
  ///
  /// - Parameters:
  ///   - blas: the library to time.
  ///   - threads: the thread counts to time, such as 1 and the number of cores.
  public init(_ blas: BLAS, threads: [Int]) {
    pools = Dictionary(uniqueKeysWithValues: Set(threads).map { ($0, WorkerPool(threads: $0)) })
    for count in Set(threads).sorted() {
      addProducts(blas, threads: count)
      addStreams(threads: count)
      addDenseSteps(blas, threads: count)
      addSparseSteps(threads: count)
    }
    // Kinds and sizes in a fixed random order, so that a disturbance of minutes does not fall on one kind alone.
    var generator = SplitMix64(seed: 2_026)
    items.shuffle(using: &generator)
  }

  /// A suite of other kernels.
  ///
  /// - Parameters:
  ///   - items: the kernels, in the order in which they are timed.
  ///   - threads: the thread counts that they run on.
  public init(items: [Item], threads: [Int]) {
    self.items = items
    pools = Dictionary(uniqueKeysWithValues: Set(threads).map { ($0, WorkerPool(threads: $0)) })
  }

  private mutating func add(
    _ operation: String, _ precision: Precision, _ parameters: String, _ threads: Int, heldOut: Bool,
    _ make: @escaping () -> any TimedKernel
  ) {
    items.append(
      Item(
        kernel: KernelCase(operation, precision, parameters, threads: threads, make: make),
        isHeldOut: heldOut))
  }

  private mutating func addProducts(_ blas: BLAS, threads: Int) {
    let fitted = [
      (32, 32, 32), (64, 64, 64), (80, 80, 80), (112, 112, 112), (128, 128, 128), (144, 144, 144),
      (192, 192, 192), (224, 224, 224), (256, 256, 256), (288, 288, 288), (384, 384, 384), (512, 512, 512), (768, 768, 768), (1024, 1024, 1024), (1536, 1536, 1536), (8, 1024, 1024), (16, 2048, 1024),
      (32, 2048, 512), (64, 2048, 1024), (128, 4096, 512), (2048, 64, 1024), (1024, 32, 2048),
      (1024, 1024, 64), (2048, 2048, 32), (3072, 256, 512),
    ]
    let heldOut = [
      (96, 96, 96), (160, 160, 160), (320, 320, 320), (448, 448, 448), (640, 640, 640), (896, 896, 896),
      (1280, 1280, 1280), (48, 2048, 768), (96, 3072, 512), (1536, 96, 1024), (1536, 1536, 48),
      (2048, 384, 384),
    ]
    for precision in Precision.allCases {
      for (m, n, k) in fitted { addProduct(blas, precision, m, n, k, threads, heldOut: false) }
      for (m, n, k) in heldOut { addProduct(blas, precision, m, n, k, threads, heldOut: true) }
    }
    for precision in Precision.allCases {
      for (rows, columns, heldOut) in [
        (64, 1024, false), (128, 1024, false), (256, 1024, false), (768, 1024, false), (1024, 1024, false),
        (1024, 2048, false), (1024, 4096, false), (4096, 4096, false), (6144, 4096, false), (512, 1024, true),
        (1024, 1536, true), (5120, 4096, true),
      ] {
        add("gemv", precision, "m=\(rows);n=\(columns)", threads, heldOut: heldOut) {
          GEMV(blas, precision: precision, rows: rows, columns: columns, threads: threads)
        }
      }
    }
  }

  private mutating func addProduct(
    _ blas: BLAS, _ precision: Precision, _ m: Int, _ n: Int, _ k: Int, _ threads: Int, heldOut: Bool
  ) {
    add("gemm", precision, "m=\(m);n=\(n);k=\(k)", threads, heldOut: heldOut) {
      GEMM(blas, precision: precision, m: m, n: n, k: k, threads: threads)
    }
  }

  private mutating func addStreams(threads: Int) {
    // Kibibytes of all arrays together: from the first cache to the main memory. Sizes kept out of the fit lie between
    // those fitted, except next to a cache's own size (48 KiB, 1 MiB, 32 MiB a core or shared), where one is fitted too.
    let fitted = [
      12, 24, 40, 64, 96, 192, 384, 640, 896, 1280, 2048, 4096, 8192, 12_288, 18_432, 28_672, 40_960, 65_536,
      131_072, 262_144, 524_288, 786_432,
    ]
    let heldOut = [
      16, 32, 80, 144, 288, 512, 768, 1536, 3072, 6144, 10_240, 24_576, 49_152, 98_304, 196_608, 393_216,
    ]
    for (sizes, isHeldOut) in [(fitted, false), (heldOut, true)] {
      for size in sizes {
        for (operation, arrays) in [("triad", 3), ("copy", 2)] {
          let count = size * 1024 / (8 * arrays)
          let pool = pools[threads]
          add(operation, .fp64, "n=\(count)", threads, heldOut: isHeldOut) {
            if operation == "triad" {
              return Triad(precision: .fp64, count: count, threads: threads, pool: pool)
            }
            return Copy(precision: .fp64, count: count, threads: threads, pool: pool)
          }
        }
      }
    }
  }

  private mutating func addDenseSteps(_ blas: BLAS, threads: Int) {
    // Batch and all samples that the batches go round, 16 KiB each.
    let fitted = [
      (32, 32), (64, 64), (96, 96), (192, 192), (256, 256), (128, 512), (256, 768), (128, 1024), (64, 2048),
      (128, 3072), (256, 6144), (512, 8192), (2048, 16_384), (256, 32_768), (1024, 32_768), (8192, 32_768),
    ]
    let heldOut = [
      (48, 48), (128, 128), (128, 640), (128, 4096), (1024, 16_384), (512, 32_768), (4096, 32_768),
    ]
    for (batches, isHeldOut) in [(fitted, false), (heldOut, true)] {
      for (batch, rows) in batches {
        for model in [LinearModel.logisticRegression, .supportVectorMachine] {
          let operation = model == .logisticRegression ? "lr_dense" : "svm_dense"
          let (data, pool) = (data, pools[threads])
          add(operation, .fp32, "features=4096;batch=\(batch);rows=\(rows)", threads, heldOut: isHeldOut) {
            DenseStep(
              blas, samples: data.dense(rows: rows), objective: Objective(model, regularisation: 1e-4),
              batch: batch, rate: Self.stillRate, threads: threads, pool: pool)
          }
        }
      }
    }
  }

  private mutating func addSparseSteps(threads: Int) {
    let fitted = [64, 96, 192, 384, 768, 1536, 3072, 6144, 12_288, 24_576, 49_152]
    let heldOut = [80, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768]
    for (batch, isHeldOut) in fitted.map({ ($0, false) }) + heldOut.map({ ($0, true) }) {
      for model in [LinearModel.logisticRegression, .supportVectorMachine] {
        let operation = model == .logisticRegression ? "lr_sparse" : "svm_sparse"
        let (data, pool) = (data, pools[threads])
        add(operation, .fp32, "features=1000000;nnz=39;batch=\(batch)", threads, heldOut: isHeldOut) {
          SparseStep(
            samples: data.sparse, objective: Objective(model, regularisation: 1e-4), batch: batch,
            rate: Self.stillRate, threads: threads, pool: pool)
        }
      }
    }
  }

  /// A learning rate that leaves the scores near zero, so that every run is that of an untrained model.
  ///
  /// A support vector machine changes weights only for samples within the margin: at a usual rate the kernel would get
  /// faster while it is timed, and a sample's time would depend on how long it trained before. With scores near zero all
  /// samples are within the margin, which is the most work that a step can be.
  static let stillRate: Float = 1e-20
}

/// Samples that several kernels share: they are only read.
private final class SuiteData {
  private var denseSamples: [Int: DenseSamples] = [:]

  /// So many dense samples of 4,096 random features: some 16 KiB each, a gigabyte for all sizes of the suite.
  func dense(rows: Int) -> DenseSamples {
    if let kept = denseSamples[rows] { return kept }
    let values = Buffer<Float>(repeating: 0, count: rows * 4096)
    let labels = Buffer<Float>(repeating: 0, count: rows)
    var state: UInt32 = 12_345
    for i in 0..<values.count {
      state = state &* 1_664_525 &+ 1_013_904_223
      values.start[i] = Float(state >> 8) * 0x1p-24
    }
    for i in 0..<rows { labels.start[i] = i % 2 == 0 ? 0 : 1 }
    let samples = DenseSamples(features: 4096, values: values, labels: labels)
    denseSamples[rows] = samples
    return samples
  }

  /// Sparse samples of the shape of Criteo's.
  private(set) lazy var sparse: SparseSamples = PlantedSparse(seed: 7).samples(0..<65_536)
}

public import Hardware
public import Quantities
public import Workloads

/// The numbers of a processor or a GPU that the baselines of PIM-Opt are read with.
public struct BaselineMachine<N: ModelNumber>: Sendable {
  /// Bandwidth of the main memory, in bytes a second.
  public var memoryBandwidth: N
  /// Bandwidth of the link to the host's memory, in bytes a second.
  public var hostLink: N
  /// Time to start a kernel, in seconds.
  public var launch: N

  /// The numbers of a device.
  public init(_ device: Device) {
    let machine = Machine<N>(device)
    memoryBandwidth = machine.memoryBandwidth
    launch = machine.launch
    hostLink = N(device.links.first { $0.name == "host" }?.bandwidth.value ?? 1e12)
  }
}

/// The time of an epoch of the CPU baseline: 128 single-thread processes that meet by gloo's all-reduce.
///
///     step = overhead + bytes of the batch and of the dense step / memory + collectives · all-reduce
///     all-reduce = 2 (P − 1) · (hop + bytes / P / (loopback / P))
///
/// MA-SGD all-reduces the weights and the bias after every batch of every process, GA-SGD the gradient, and ADMM
/// gathers and scatters through one process once an epoch. Source: baselines.csv, from PIM-Opt repository @bbc8313;
/// ring all-reduce: Patarasuk and Yuan, JPDC 2009. The time of a hop is deduced from the axes of the paper's figures 5
/// and 6 (derived_constraints.csv), so agreement with these is no evidence.
public struct CPUTrainingForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "cpu_training" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "hop", unit: "us", "a message between neighbours of gloo's ring, one process each", initial: 92,
        in: 84...100),
      Constant(
        "loopback", unit: "GB/s", "bytes that all processes together pass to their neighbours", initial: 40,
        in: 15...100),
      Constant(
        "overhead", unit: "us", "PyTorch's operators of one step, beside data and messages", initial: 600,
        in: 250...1500),
      Constant(
        "memory_share", "part of the memory's peak bandwidth that 128 processes reach", initial: 0.7,
        in: 0.45...0.9),
      Constant(
        "dense_passes", "passes over a sparse model's weights in the regularised step of a batch", initial: 6,
        in: 3...12),
      Constant(
        "gather", unit: "ns", "a weight of a sparse sample, forward and backward, in one process",
        initial: 30,
        in: 10...90),
    ]
  }

  @usableFromInline let hop, loopback, overhead, memoryShare, densePasses, gather: N

  /// The form with these constants, turned into seconds and bytes a second.
  @inlinable
  public init(constants c: [N]) {
    hop = 1e-6 * c[0]
    loopback = 1e9 * c[1]
    overhead = 1e-6 * c[2]
    memoryShare = c[3]
    densePasses = c[4]
    gather = 1e-9 * c[5]
  }

  /// The time of an epoch.
  ///
  /// - Parameters:
  ///   - training: the workload; its workers are the processes.
  ///   - machine: the processor.
  /// - Returns: the parts, in seconds.
  @inlinable
  public func epoch(_ training: LinearTraining, on machine: BaselineMachine<N>) -> TrainingParts<N> {
    let plan = training.plan
    let processes = N(Double(plan.workers))
    let batches = N(Double(plan.batchesPerEpoch))
    let samples = N(Double(plan.samplesPerWorker))
    let memory = memoryShare * machine.memoryBandwidth
    // FP32 throughout: a gradient has the bytes of the model.
    let model = N(4 * Double(training.features))
    let data = processes * samples * N(Double(training.sampleBytes))
    let dense = training.isDense ? N(0) : processes * batches * densePasses * model
    let gathers = training.isDense ? N(0) : samples * N(Double(training.nonZeros)) * gather
    let ring = 2 * (processes - N(1)) * (hop + model / loopback)
    let biasRing = 2 * (processes - N(1)) * hop
    let exchange: N
    switch plan.algorithm {
    case .modelAveraging: exchange = batches * (ring + biasRing)
    case .gradientAveraging: exchange = batches * ring
    case .admm: exchange = 2 * processes * (hop + model / loopback)
    }
    return TrainingParts(
      compute: gathers, memory: (data + dense) / memory, fromWorkers: exchange, launch: batches * overhead)
  }
}

/// The time of an epoch of mini-batch SGD on one GPU.
///
///     step = max(loading, copying, computing) when the samples are in the host's memory
///     step = computing                        when they are in the GPU's
///     computing = 2 · bytes of the batch / memory + kernels · launch
///
/// PIM-Opt's data set does not fit in the GPU, and one loader process feeds it: the host's pipeline is the bound.
/// Source: baselines.csv, from PIM-Opt repository @bbc8313.
public struct GPUTrainingForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "gpu_training" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "loader", unit: "GB/s", "samples that one loader process collects and pins", initial: 2.5,
        in: 1.7...4.5),
      Constant(
        "link_share", "part of the host link's peak that copies of batches reach", initial: 0.75,
        in: 0.6...0.9),
      Constant(
        "memory_share", "part of the memory's peak that the two passes reach", initial: 0.85, in: 0.7...0.95),
      Constant("kernels", "kernels of a step", initial: 12, in: 6...30),
    ]
  }

  @usableFromInline let loader, linkShare, memoryShare, kernels: N

  /// The form with these constants, turned into bytes a second.
  @inlinable
  public init(constants c: [N]) {
    loader = 1e9 * c[0]
    linkShare = c[1]
    memoryShare = c[2]
    kernels = c[3]
  }

  /// The time of an epoch.
  ///
  /// - Parameters:
  ///   - training: the workload, with one worker.
  ///   - machine: the GPU.
  ///   - resident: whether the samples are in the GPU's memory.
  /// - Returns: the parts, in seconds; `toWorkers` is what loading adds to computing.
  @inlinable
  public func epoch(_ training: LinearTraining, on machine: BaselineMachine<N>, resident: Bool)
    -> TrainingParts<N>
  {
    let plan = training.plan
    let batches = N(Double(plan.batchesPerEpoch))
    let bytes = N(Double(plan.batchPerWorker)) * N(Double(training.sampleBytes))
    let memory = 2 * bytes / (memoryShare * machine.memoryBandwidth)
    let launch = kernels * machine.launch
    let feed = N.larger(bytes / loader, bytes / (linkShare * machine.hostLink))
    let waiting = resident ? N(0) : N.larger(N(0), feed - memory - launch)
    return TrainingParts(
      memory: batches * memory, toWorkers: batches * waiting, launch: batches * launch)
  }
}

public import Quantities
public import Workloads

/// The time of a kernel that does little per element: it starts, then moves data or handles elements.
///
///     time = start + row_latency · columns/1024 + max(latency, ⁴√((row_time·rows)⁴ + handling⁴ + moving⁴))
///     handling = elements · crowding / (element_rate · units · clock)
///     moving   = bytes / bandwidth · (hot/cache_speedup + (1 − hot)/memory_efficiency)
///
/// `hot` is the part of the bytes that the last-level cache still holds, 1 − bytes/(resident share · capacity), with a share of 1
/// for what kernels before wrote.
/// `crowding` is 1 but for softmax over rows that libraries keep in registers (``longestRegisterRow``): the longer the
/// row, the fewer rows share a unit, (columns/1024)^``registerCrowding``. A sum that one block can do
/// (``smallSum``) starts one kernel instead of two. The gradient of an embedding takes one token after another, or
/// sorts many (``longestUnsorted``). Sums over rows wait for chains of loads (``rowSumCost(_:_:on:units:)``). Kernels that
/// do nothing but move arrays wait for the main memory's first answer, ``memoryLatency`` · (1 − hot). The fourth-power mean stands for limits that overlap imperfectly. Each kind of kernel has its own constants;
/// a kind that was not measured takes those of its nearest relative (``relative(of:)``).
public struct StreamingForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files, before the kind.
  public static var name: String { "streaming" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time to start a kernel and end it, with nothing in between", initial: 1.5,
        in: 0.3...20),
      Constant(
        "latency", unit: "us", "least time between start and end: chains of dependent loads", initial: 0.4,
        in: 0.02...60),
      Constant(
        "memory_efficiency", "part of the main memory's bandwidth that it reaches", initial: 0.85,
        in: 0.3...1.05),
      Constant(
        "large_efficiency",
        "the same for copies of more than 320 MiB, which libraries hand to the copy engines",
        initial: 0.7, in: 0.3...1.05),
      Constant(
        "element_rate", unit: "1/clock/unit", "elements that one unit handles in a clock", initial: 5,
        in: 0.3...60),
      Constant(
        "row_time", unit: "ns", "time of a row besides its elements, all units together", initial: 1,
        in: 0.05...30),
      Constant(
        "row_latency", unit: "us", "time that 1024 columns of a row add before the first result",
        initial: 0.3, in: 0.01...5),
      Constant(
        "resident_share", "part of the cache that holds what was just written", initial: 0.4,
        in: 0.05...1.5),
      Constant(
        "cache_speedup", "bandwidth of the cache over that of the main memory", initial: 1.6,
        in: 1.2...2.2),
    ]
  }

  @usableFromInline let start, latency, elementRate, rowTime, rowLatency, residentShare, cacheSpeedup: N
  @usableFromInline let memoryEfficiency, largeEfficiency: N

  /// The form with these constants, microseconds and nanoseconds turned into seconds.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    latency = 1e-6 * c[1]
    memoryEfficiency = c[2]
    largeEfficiency = c[3]
    elementRate = c[4]
    rowTime = 1e-9 * c[5]
    rowLatency = 1e-6 * c[6]
    residentShare = c[7]
    cacheSpeedup = c[8]
  }

  /// The constants that a kind is taken to have on a device that nobody measured, and where its fit starts.
  ///
  /// What the rows of an H200 gave, rounded (`h200/operators.csv`, `layers.csv`, `measure-gpu/h200_operators_more.csv`): rates
  /// a clock and unit, so that they carry over; an H100 has the same to 14 %. Sums of whole arrays run two kernels after one
  /// another; fused optimizers walk over lists of tensors, a chain of dependent loads of some 25 us whatever the size, and
  /// handle some 0.8 parameters a clock and unit, which rules where states have 16 bits. Kernels that compute where each
  /// element goes handle about one a clock and unit, whatever the memory (alike on H100 and H200). Quantising finds the
  /// largest number and then scales, in some kernels: 12 us whatever the size, known to a fifth (fp8 rows of a B200).
  public static func typicalConstants(of kind: Streaming<N>.Kind) -> [Double] {
    var values = constants.map(\.initial)
    switch kind {
    case .copy: (values[0], values[1], values[3]) = (1.1, 0.1, 0.65)
    case .add: (values[0], values[1]) = (1.15, 0.1)
    case .fill: (values[0], values[1], values[4]) = (1, 0.06, 6.8)
    case .sum: (values[0], values[1], values[2], values[4]) = (6.2, 0.06, 0.9, 13)
    case .rowSum: (values[0], values[1], values[6]) = (7.5, 6.5, 0.22)
    case .gelu: (values[0], values[1], values[2], values[4]) = (1.3, 0.1, 0.93, 3.2)
    case .geluBackward: values[4] = 2.1
    case .silu: (values[0], values[1], values[2], values[4]) = (1.8, 0.1, 0.95, 4.8)
    case .dropout: (values[0], values[2], values[4]) = (2.7, 0.7, 2.7)
    case .layernorm: values.replaceSubrange(0...6, with: [2, 0.4, 0.56, values[3], 3.4, 2.1, 0.76])
    case .layernormBackward: values.replaceSubrange(0...6, with: [3, 0.4, 0.56, values[3], 1.04, 6, 0.4])
    case .rmsnorm: values.replaceSubrange(0...6, with: [1.3, 0.4, 0.67, values[3], 9, 0.9, 1.1])
    case .softmax: values.replaceSubrange(0...6, with: [1.5, 5, 0.85, values[3], 2, 0.1, 0.25])
    case .softmaxBackward: values.replaceSubrange(0...6, with: [1.5, 1.3, 0.9, values[3], 4, 0.1, 0.25])
    case .permute: values[4] = 1.2
    case .transpose: (values[0], values[4]) = (1.7, 0.6)
    case .concatenate: values[4] = 0.85
    case .embedding: (values[0], values[4]) = (2, 6)
    case .embeddingBackward: (values[1], values[4]) = (47, 0.53)
    case .quantise: (values[0], values[2]) = (12, 0.35)
    case .adamw: (values[1], values[4]) = (25, 0.8)
    default: break
    }
    return values
  }

  /// Kinds whose constants come from profiles of whole layers where a calibration has any.
  static var profiledKinds: Set<Streaming<N>.Kind> {
    [
      .geluBackward, .layernormBackward, .dropoutBackward, .rowSum, .permute, .concatenate, .scale, .multiply,
    ]
  }

  /// The measured kind whose constants a kind takes when it was not measured itself.
  public static func relative(of kind: Streaming<N>.Kind) -> Streaming<N>.Kind {
    switch kind {
    case .geluBackward, .silu, .gatedActivation, .gatedActivationBackward: .gelu
    case .layernormBackward, .rmsnorm: .layernorm
    case .transpose: .permute
    case .embedding: .copy
    case .softmaxBackward: .softmax
    case .rowSum: .sum
    case .scale, .multiply, .dropoutBackward: .add
    case .lamb: .adamw
    default: kind
    }
  }

  /// The name of a kind's constants in calibration files.
  public static func name(of kind: Streaming<N>.Kind) -> String { "\(name).\(kind.rawValue)" }

  /// Bytes from which a copy counts as large.
  @inlinable static var largeCopy: Double { 640 * 0x1p20 }

  /// Columns of the longest row that a softmax keeps in registers, of a warp up to 1,024 and of a block beyond.
  ///
  /// From there on the row lies in shared memory. Of PyTorch 2.11: the rate jumps there.
  @inlinable static var longestRegisterRow: Double { 9216 }

  /// Power of a row's length with which such a softmax slows.
  ///
  /// The rates over rows of 2,048, 4,096 and 8,192 columns of `h200/operators.csv` are 1.69, 1.23 and 1.03 elements a clock and
  /// unit in both data types: 0.36 ± 0.1. Over 1,024 columns it is 2.2 and over 12,288 in shared memory 1.9
  /// (`measure-gpu/h200_operators.csv`); rows of 128 columns in `layers.csv` are bound by the memory.
  @inlinable static var registerCrowding: Double { 0.34 }

  /// Elements that a sum of a whole array does with one kernel; between 16 Ki and 64 Ki (`measure-gpu/h200_operators.csv`).
  @inlinable static var smallSum: Double { 32_768 }

  /// Start of one such kernel over that of the two for larger arrays: 2.2 to 3.3 us of 6.4 to 7 (H200 and H100).
  @inlinable static var smallSumStart: Double { 0.4 }

  /// Tokens up to which the gradient of an embedding is added without sorting them (PyTorch's source).
  @inlinable static var longestUnsorted: Double { 3072 }

  /// Time to sort more tokens and find where each begins, over that of 1,024 tokens taken one after another without.
  ///
  /// 112 us over 47 us, whatever the number of tokens and the length of a row (`measure-gpu/h200_operators_more.csv`).
  @inlinable static var sortingTime: Double { 2.4 }

  /// Elements of the gradient that a unit adds in a clock without sorting over those with.
  ///
  /// 0.53 over 0.33 (same table): sorted tokens are added in segments of ten rows, then the segments.
  @inlinable static var unsortedRate: Double { 1.6 }

  /// Time until the main memory answers the first load of a kernel that streams, in seconds.
  ///
  /// Copies of 64 Ki to 256 Ki elements take 0.55 us more from memory than from the cache, on an H200 and an H100 alike
  /// (`measure-gpu`, copies and sums of arrays); left out of fits, 0.5 to 0.6 is best for `h200/operators.csv` too.
  @inlinable static var memoryLatency: Double { 0.55e-6 }

  /// Time of a load in a chain where the data are in the main memory over that in the cache, less one.
  ///
  /// Sums over 512 rows take 9.7 us in `layers.csv`, hot, and 16.6 to 18.3 us in `measure-gpu/h200_operators.csv`, from memory.
  @inlinable static var coldChain: Double { 0.8 }

  /// The same for the optimizer, whose chain computes as well: 35 to 37 us over 26 us (`measure-gpu` and `h200`, AdamW).
  @inlinable static var coldOptimizerChain: Double { 0.4 }

  /// Bytes of a row from which a normalisation by the root mean square reads it twice from the cache of the whole device.
  ///
  /// The rows in flight on a unit then exceed its own cache: an H200 moves 3.5 TB/s up to 4,096 columns of 16 bits, 2.7 and 2.6 over
  /// 8,192 and 12,288 (`measure-gpu/h200_operators_more.csv`).
  @inlinable static var longRow: Double { 16_384 }

  /// Time to read the state of the random generator, in seconds: only kernels of a graph find it in memory.
  ///
  /// Started one by one (`layers.csv`), dropout over half a million elements takes 2.9 us, in a graph (`operators.csv`) 3.5 us.
  /// Source of the reason: PyTorch, `PhiloxCudaState`, which holds a pointer while a graph is captured.
  @inlinable static var generatorLoad: Double { 0.6e-6 }

  /// Rows from which PyTorch shares a sum over rows among blocks (its source, `Reduce.cuh`).
  ///
  /// Below, each of four threads would handle less than 256 rows of its columns.
  @inlinable static var leastSharedRows: Double { 1024 }

  /// The part of the bytes that the last-level cache holds when a kernel starts.
  @inlinable
  func hotShare(_ streaming: Streaming<N>, _ type: DataType, on machine: Machine<N>) -> N {
    switch streaming.residency {
    case .loop:
      return N.larger(N(0), N(1) - streaming.bytes(type) / (residentShare * machine.cacheCapacity))
    case .justWritten:
      // The profiles of `layers.csv`, left out in five parts, are missed least with the whole capacity: shares of 0.7 and
      // 1.2 of it do worse.
      return N.larger(N(0), N(1) - streaming.bytes(type) / machine.cacheCapacity)
    case .inPlace:
      // Each half of the cache may hold a copy of what its units read: all of it stays up to half of the capacity.
      let footprint = streaming.kind.arrays * type.bytes * streaming.elements
      return N.smaller(N(1), N.larger(N(0), N(2) - 2 * footprint / machine.cacheCapacity))
    case .memory: return N(0)
    }
  }

  /// The time of sums over rows, as PyTorch cuts them.
  ///
  /// A block adds 128 columns, in four threads for each four of them. From ``leastSharedRows`` on, so many blocks share the
  /// rows that a unit has 16 of them, but none has less than 16 rows a thread or more than 256; then the last of them adds
  /// their sums, four at a time.
  ///
  ///     time = start + row_latency · shares/4 + ⁴√((latency · (rows of a thread)/128 · waves)⁴ + moving⁴)
  ///
  /// and `start` is ``smallSumStart`` of it where nothing is shared. `latency` is the time of the chain of 512 rows in the cache,
  /// longer by ``coldChain`` from memory; `row_latency` the time of a step of the last sum.
  /// Source: PyTorch, `aten/src/ATen/native/cuda/Reduce.cuh`, `setReduceConfig`.
  @inlinable
  func rowSumCost(_ streaming: Streaming<N>, _ type: DataType, on machine: Machine<N>, units: N) -> Cost<N> {
    let hot = hotShare(streaming, type, on: machine)
    let memory =
      streaming.bytes(type) / machine.memoryBandwidth * (hot / cacheSpeedup + (N(1) - hot) / memoryEfficiency)
    let blocks = (streaming.columns / 128).roundedUp()
    let slots = 16 * units
    let ofThread = streaming.rows / 4
    func ifShared(_ shared: N, _ alone: N) -> N {
      N.choose(where: N(Self.leastSharedRows), isAtMost: streaming.rows, then: shared, otherwise: alone)
    }
    let shares = ifShared(N.larger(N.smaller(slots / blocks, ofThread / 16), ofThread / 256), N(1))
    let waves = N.larger(N(1), blocks * shares / slots)
    let chain =
      latency * (N(1) + Self.coldChain * (N(1) - hot)) * (ofThread / shares) / 128 * waves
    let launch = ifShared(start + rowLatency * shares / 4, Self.smallSumStart * start)
    let (m2, c2) = (memory * memory, chain * chain)
    return Cost(
      time: launch + (m2 * m2 + c2 * c2).squareRoot().squareRoot(), launch: launch, compute: chain,
      memory: memory)
  }

  /// The time of a streaming kernel.
  ///
  /// - Parameters:
  ///   - streaming: what it does to how many elements.
  ///   - type: the data type.
  ///   - machine: the device.
  ///   - units: compute units given to it; all of the device if nil.
  /// - Returns: the time with the terms that make it up.
  @inlinable
  public func cost(
    _ streaming: Streaming<N>, _ type: DataType, on machine: Machine<N>, units: N? = nil
  ) -> Cost<N> {
    let used = units ?? machine.units
    if streaming.kind == .rowSum { return rowSumCost(streaming, type, on: machine, units: used) }
    let bytes = streaming.bytes(type)
    let hot = hotShare(streaming, type, on: machine)
    let efficiency =
      streaming.kind == .copy
      ? N.choose(
        where: bytes, isAtMost: N(Self.largeCopy), then: memoryEfficiency, otherwise: largeEfficiency)
      : memoryEfficiency
    var memory = bytes / machine.memoryBandwidth * (hot / cacheSpeedup + (N(1) - hot) / efficiency)
    if streaming.kind == .rmsnorm {
      let again = 0.5 * bytes / (machine.memoryBandwidth * cacheSpeedup)
      memory = N.choose(
        where: N(Self.longRow), isAtMost: type.bytes * streaming.columns, then: memory + again,
        otherwise: memory)
    }
    var compute = streaming.elements / (elementRate * used * machine.clock)
    if streaming.kind == .softmax {
      let crowding = (streaming.columns / 1024).raised(to: N(Self.registerCrowding))
      compute =
        compute
        * N.choose(
          where: streaming.columns, isAtMost: N(Self.longestRegisterRow), then: crowding, otherwise: N(1))
    }
    if streaming.kind == .permute { compute = compute * streaming.dimensions / 4 }
    var start = start
    if streaming.kind.onlyMoves { start = start + Self.memoryLatency * (N(1) - hot) }
    if streaming.kind == .sum {
      start = N.choose(
        where: streaming.elements, isAtMost: N(Self.smallSum), then: Self.smallSumStart * start,
        otherwise: start)
    }
    // A softmax's chain of loads is that of its row: shorter where one warp has less than 1,024 columns.
    let isSoftmax = streaming.kind == .softmax || streaming.kind == .softmaxBackward
    var chain = isSoftmax ? latency * N.smaller(N(1), streaming.columns / 1024) : latency
    if streaming.kind == .adamw { chain = chain * (N(1) + Self.coldOptimizerChain * (N(1) - hot)) }
    if streaming.kind == .embeddingBackward {
      func either(_ unsorted: N, _ sorted: N) -> N {
        N.choose(
          where: streaming.rows, isAtMost: N(Self.longestUnsorted), then: unsorted, otherwise: sorted)
      }
      start = either(start, start + Self.sortingTime * latency)
      // More tokens never take less than the most that are not sorted.
      chain = either(
        latency * streaming.rows / 1024, (Self.longestUnsorted / 1024 - Self.sortingTime) * latency)
      compute = either(compute, Self.unsortedRate * compute)
    }
    // Elementwise kernels do not see rows: they have neither a time for each row nor a latency along it.
    let hasRows = N(streaming.kind.worksOnRows ? 1 : 0)
    let rows = hasRows * rowTime * streaming.rows
    let along = hasRows * rowLatency * streaming.columns / 1024
    let (m2, c2, r2) = (memory * memory, compute * compute, rows * rows)
    let body = (m2 * m2 + c2 * c2 + r2 * r2).squareRoot().squareRoot()
    return Cost(
      time: start + along + N.larger(chain, body), launch: start + along, compute: N.larger(compute, rows),
      memory: memory)
  }
}

public import Quantities
public import Workloads

/// The numbers of a processor that host forms use, in base units.
public struct HostMachine<N: ModelNumber>: Sendable {
  /// Peak rate of one core, in FLOP/s.
  public var coreRate: N
  /// Capacities of the caches that one core can use, the nearest first, in bytes.
  public var coreCaches: [N]

  /// The numbers of a processor.
  public init(coreRate: N, coreCaches: [N]) {
    self.coreRate = coreRate
    self.coreCaches = coreCaches
  }
}

/// The time of a matrix product on a processor by a packing BLAS.
///
///     threads = smaller(T, 1 + flop / grain)
///     time = start + sync·(threads − 1)/threads·2
///          + flop/(efficiency·core rate)·(1 + edge/smallest dimension) / team
///          + far(operands)·packed bytes / limited(threads·packing_rate)
///          + far(result)·result bytes read and written / limited(threads·core_memory_rate)
///     team = threads / (1 + thread_loss·(threads − 1)),  limited(r) = (r⁻⁴ + memory_rate⁻⁴)^(−1/4)
///
/// Goto's algorithm copies blocks of both operands into contiguous buffers before it multiplies (Goto and van de
/// Geijn, ACM TOMS 34(3), 2008): each element of B once, of A once for every panel of B of `panel` columns. Out of
/// near caches that is hidden; far(x) = r²/(1 + r²), with r the bytes of x over the cores' second caches, is what
/// they do not hold. Thin products are bound by that copying.
public struct HostGEMMForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_gemm" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time of a call that multiplies next to nothing", initial: 0.3, in: 0.02...20),
      Constant(
        "efficiency", "part of a core's peak rate that the inner kernel reaches", initial: 0.85, in: 0.2...1.1
      ),
      Constant(
        "edge", unit: "elements", "loss at the borders, as elements added to the smallest dimension",
        initial: 4,
        in: 0.05...60),
      Constant(
        "packing_rate", unit: "GB/s", "rate at which one core copies operands that no near cache holds",
        initial: 10,
        in: 1...80),
      Constant(
        "grain", unit: "MFLOP", "work for which one more thread is woken", initial: 1, in: 0.02...40),
      Constant("sync", unit: "us", "time to wake the team and wait for it", initial: 4, in: 0.1...80),
      Constant(
        "core_memory_rate", unit: "GB/s", "rate at which one core updates a result that no near cache holds",
        initial: 14, in: 1...150),
      Constant(
        "memory_rate", unit: "GB/s", "the same of all cores", initial: 100, in: 2...3000),
      Constant(
        "thread_loss", "part of a core's rate that each further thread costs", initial: 0.02, in: 0.0005...0.4
      ),
    ]
  }

  @usableFromInline let start, efficiency, edge, packingRate, grain, sync, threadLoss: N
  @usableFromInline let coreMemoryRate, memoryRate: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    efficiency = c[1]
    edge = c[2]
    packingRate = 1e9 * c[3]
    grain = 1e6 * c[4]
    sync = 1e-6 * c[5]
    coreMemoryRate = 1e9 * c[6]
    memoryRate = 1e9 * c[7]
    threadLoss = c[8]
  }

  /// Columns of B for which a block of A is packed once.
  @inlinable static var panel: Double { 4096 }

  /// The time of a product.
  ///
  /// - Parameters:
  ///   - gemm: its shape.
  ///   - type: the data type.
  ///   - machine: the processor.
  ///   - threads: how many the library may use.
  /// - Returns: the time with its terms.
  @inlinable
  public func cost(_ gemm: GEMM<N>, _ type: DataType, on machine: HostMachine<N>, threads: N) -> Cost<N> {
    let used = N.smaller(threads, N(1) + gemm.flop / grain)
    let team = used / (N(1) + threadLoss * (used - 1))
    let smallest = N.smaller(gemm.m, N.smaller(gemm.n, gemm.k))
    let compute = gemm.flop / (efficiency * machine.coreRate) * (N(1) + edge / smallest)
    let near = used * (machine.coreCaches.count > 1 ? machine.coreCaches[1] : N(0x1p20))
    let panels = (gemm.n / Self.panel).roundedUp()
    let operands = type.bytes * gemm.batch * (gemm.m * gemm.k + gemm.k * gemm.n)
    let packed = 2 * type.bytes * gemm.batch * (gemm.m * gemm.k * panels + gemm.k * gemm.n)
    let packing = farShare(operands, near) * packed / limitedRate(used * packingRate, memoryRate)
    let result = type.bytes * gemm.batch * gemm.m * gemm.n
    let output = farShare(result, near) * 2 * result / limitedRate(used * coreMemoryRate, memoryRate)
    let waiting = sync * (2 * (used - 1) / used)
    return Cost(
      time: start + waiting + compute / team + packing + output, launch: start + waiting,
      compute: compute / team, memory: packing + output)
  }
}

/// The part of some bytes that a cache does not hold when they are walked over: r²/(1 + r²), r their ratio.
@inlinable
func farShare<N: ModelNumber>(_ bytes: N, _ cache: N) -> N {
  let ratio = bytes / cache
  return ratio * ratio / (N(1) + ratio * ratio)
}

/// The time of a kernel on a processor that streams arrays: copy, triad, matrix-vector products, dense SGD steps.
///
///     time = start + sync·(T − 1)/T·2 + rows·row_time/T + bytes · Σ share(level) / rate(level)
///
/// A level holds the working set W of one core with the share 1/(1 + (W/capacity)⁴) of what nearer levels do not
/// hold; cores' rates add up, but for the main memory, whose total rate is limited:
/// rate = ((T·core)⁻⁴ + total⁻⁴)^(−1/4). A library wakes one more thread
/// for each `grain` of bytes, so T is at most 1 + bytes/grain.
public struct HostStreamForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_stream" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time of a call that moves next to nothing", initial: 0.1, in: 0.005...40),
      Constant("sync", unit: "us", "time to wake the team and wait for it", initial: 2, in: 0.05...80),
      Constant(
        "row_time", unit: "ns", "time of a row besides its bytes: a loop's end, a sigmoid", initial: 5,
        in: 0.05...500),
      Constant(
        "l1_rate", unit: "GB/s", "rate of one core out of its first cache", initial: 150, in: 10...1500),
      Constant("l2_rate", unit: "GB/s", "rate of one core out of its second cache", initial: 80, in: 5...800),
      Constant("l3_rate", unit: "GB/s", "rate of one core out of the shared cache", initial: 25, in: 2...300),
      Constant(
        "core_memory_rate", unit: "GB/s", "rate of one core out of the main memory", initial: 14, in: 1...150),
      Constant(
        "memory_rate", unit: "GB/s", "rate of all cores out of the main memory", initial: 100, in: 2...3000),
      Constant(
        "grain", unit: "MB", "bytes for which one more thread is woken", initial: 0.2, in: 0.001...50),
    ]
  }

  @usableFromInline let start, sync, rowTime, l1Rate, l2Rate, l3Rate, coreMemoryRate, memoryRate,
    grain: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    sync = 1e-6 * c[1]
    rowTime = 1e-9 * c[2]
    l1Rate = 1e9 * c[3]
    l2Rate = 1e9 * c[4]
    l3Rate = 1e9 * c[5]
    coreMemoryRate = 1e9 * c[6]
    memoryRate = 1e9 * c[7]
    grain = 1e6 * c[8]
  }

  /// The time of a streaming kernel.
  ///
  /// - Parameters:
  ///   - bytes: what it moves.
  ///   - footprint: bytes of the arrays that it walks over again and again.
  ///   - rows: rows that it handles; zero for plain arrays.
  ///   - machine: the processor.
  ///   - threads: how many share the work.
  /// - Returns: the time with its terms.
  @inlinable
  public func cost(bytes: N, footprint: N, rows: N, on machine: HostMachine<N>, threads: N) -> Cost<N> {
    let rates = [l1Rate, l2Rate, l3Rate]
    let team = N.smaller(threads, N(1) + bytes / grain)
    let own = footprint / team
    var left = N(1)
    var inverse = N(0)
    for (index, rate) in rates.enumerated() where index < machine.coreCaches.count {
      // The last level is shared: all of the working set competes for it.
      let isShared = index == 2
      let ratio = (isShared ? footprint : own) / machine.coreCaches[index]
      let square = ratio * ratio
      let share = left / (N(1) + square * square)
      inverse = inverse + share / (rate * team)
      left = left - share
    }
    let memory = bytes * left / limitedRate(team * coreMemoryRate, memoryRate)
    let cache = bytes * inverse
    let waiting = sync * (2 * (team - 1) / team)
    let handling = rows * rowTime / team
    return Cost(
      time: start + waiting + handling + cache + memory, launch: start + waiting, compute: handling,
      memory: memory, cache: cache)
  }
}

/// The rate of cores together under a common limit: close to the lesser, with a rounded knee.
@inlinable
func limitedRate<N: ModelNumber>(_ cores: N, _ limit: N) -> N {
  let (c2, l2) = (cores * cores, limit * limit)
  return N(1) / (N(1) / (c2 * c2) + N(1) / (l2 * l2)).squareRoot().squareRoot()
}

/// The time of a mini-batch step on sparse samples: a few operations and a cache miss for each non-zero.
///
///     time = start + sync·(T − 1)/T·2 + (samples·sample_time + non-zeros·(nonzero_time + miss share·miss_time)) / T
///          + non-zeros·scan_time·(T − 1)/T
///
/// The miss share is that of the model's bytes that the second cache does not hold. Threads that each own a part of
/// the model look at every non-zero for their own: that scan is not shared among them.
public struct HostSparseForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_sparse" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time of a call with next to no samples", initial: 0.1, in: 0.005...40),
      Constant("sync", unit: "us", "time to wake the team and wait for it", initial: 2, in: 0.05...80),
      Constant(
        "sample_time", unit: "ns", "time of a sample besides its non-zeros", initial: 20, in: 1...2000),
      Constant(
        "nonzero_time", unit: "ns", "time of a non-zero whose weight is in a near cache", initial: 1.5,
        in: 0.1...50),
      Constant(
        "miss_time", unit: "ns", "time that a weight out of a far cache adds, overlapped with others",
        initial: 3, in: 0.1...200),
      Constant(
        "scan_time", unit: "ns", "time that every thread of a team spends on a non-zero that is another's",
        initial: 1, in: 0.02...50),
    ]
  }

  @usableFromInline let start, sync, sampleTime, nonzeroTime, missTime, scanTime: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    sync = 1e-6 * c[1]
    sampleTime = 1e-9 * c[2]
    nonzeroTime = 1e-9 * c[3]
    missTime = 1e-9 * c[4]
    scanTime = 1e-9 * c[5]
  }

  /// The time of a step.
  ///
  /// - Parameters:
  ///   - samples: of the mini-batch.
  ///   - nonzeros: of one sample.
  ///   - modelBytes: bytes of the weights.
  ///   - machine: the processor.
  ///   - threads: how many share the work.
  /// - Returns: the time with its terms.
  @inlinable
  public func cost(samples: N, nonzeros: N, modelBytes: N, on machine: HostMachine<N>, threads: N) -> Cost<N>
  {
    let near = machine.coreCaches.count > 1 ? machine.coreCaches[1] : N(0x1p20)
    let missing = N.larger(N(0), N(1) - near / modelBytes)
    let all = samples * nonzeros
    let scan = all * scanTime * ((threads - 1) / threads)
    let handling = (samples * sampleTime + all * nonzeroTime) / threads + scan
    let misses = all * missing * missTime / threads
    let waiting = sync * (2 * (threads - 1) / threads)
    return Cost(
      time: start + waiting + handling + misses, launch: start + waiting, compute: handling, cache: misses)
  }
}

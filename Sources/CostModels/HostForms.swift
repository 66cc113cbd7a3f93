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
///     small products (m n k at most 100³):  time = start + flop / (efficiency · core rate)
///     others, on T threads, at most one for every 64³ of m n k:
///     time = start + sync · (1 − 1/T)
///          + flop/(efficiency · core rate) · (1 + edge_m/m + edge_n/n + edge_k/k) · (1 + thread_loss (T − 1)) / T
///          + (1 − 1/T) · bytes of A / exchange_rate
///          + far(operands) · packed bytes / limited(T · packing_rate)
///          + far(result) · 2 · result bytes / limited(T · core_memory_rate)
///     limited(r) = (r⁻⁴ + memory_rate⁻⁴)^(−1/4)
///
/// Goto's algorithm copies blocks of both operands into contiguous buffers before it multiplies (Goto and van de
/// Geijn, ACM TOMS 34(3), 2008). Next to 2mnk operations, copying A costs a time in 1/n, copying B one in 1/m, and
/// updating the result one in 1/k: the edges, as elements added to a dimension. Out of near caches that is more: far(x) =
/// r²/(1 + r²), with r the bytes of x over the cores' second caches, is what they do not hold; A is copied again for
/// every panel of B. Threads share what each has copied: that exchange does not get faster with their number.
/// Where OpenBLAS leaves copying out, and where it takes fewer threads, is written in its source (0.3.21,
/// `kernel/x86_64/sgemm_small_kernel_permit_skylakex.c`, `interface/gemm.c`), not fitted.
public struct HostGEMMForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_gemm" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time of a call that multiplies next to nothing", initial: 0.3, in: 0.02...20),
      Constant(
        "efficiency", "part of a core's peak rate that the inner kernel reaches", initial: 0.85, in: 0.2...1.2
      ),
      Constant(
        "edge_m", unit: "elements", "copying the second operand, as elements added to the rows of the result",
        initial: 4, in: 0.05...60),
      Constant(
        "edge_n", unit: "elements",
        "copying the first operand, as elements added to the columns of the result",
        initial: 4, in: 0.05...60),
      Constant(
        "edge_k", unit: "elements", "updating the result, as elements added to the inner dimension",
        initial: 4, in: 0.05...60),
      Constant("sync", unit: "us", "time to wake a large team and wait for it", initial: 8, in: 0.1...160),
      Constant(
        "exchange_rate", unit: "GB/s", "rate at which threads read what others have copied", initial: 20,
        in: 0.3...400),
      Constant(
        "thread_loss", "part of a core's rate that each further thread costs", initial: 0.02, in: 0.0005...0.4
      ),
      Constant(
        "packing_rate", unit: "GB/s", "rate at which one core copies operands that no near cache holds",
        initial: 20, in: 1...200),
      Constant(
        "core_memory_rate", unit: "GB/s", "rate at which one core updates a result that no near cache holds",
        initial: 20, in: 1...200),
      Constant(
        "memory_rate", unit: "GB/s", "the same two of all cores", initial: 100, in: 2...3000),
    ]
  }

  @usableFromInline let start, efficiency, edgeM, edgeN, edgeK, sync, exchangeRate, threadLoss: N
  @usableFromInline let packingRate, coreMemoryRate, memoryRate: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    efficiency = c[1]
    edgeM = c[2]
    edgeN = c[3]
    edgeK = c[4]
    sync = 1e-6 * c[5]
    exchangeRate = 1e9 * c[6]
    threadLoss = c[7]
    packingRate = 1e9 * c[8]
    coreMemoryRate = 1e9 * c[9]
    memoryRate = 1e9 * c[10]
  }

  /// Columns of B for which a block of A is packed once.
  @inlinable static var panel: Double { 4096 }
  /// The largest m n k that is multiplied without copying, by one thread.
  @inlinable static var smallProduct: Double { 1e6 }
  /// The m n k for which one more thread is used.
  @inlinable static var threadGrain: Double { 262_144 }

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
    let volume = gemm.flop / 2
    let plain = gemm.flop / (efficiency * machine.coreRate)
    let team = N.larger(N(1), N.smaller(threads, volume / Self.threadGrain))
    let others = N(1) - N(1) / team
    let edges = N(1) + edgeM / gemm.m + edgeN / gemm.n + edgeK / gemm.k
    let compute = plain * edges * (N(1) + threadLoss * (team - 1)) / team
    let near = team * (machine.coreCaches.count > 1 ? machine.coreCaches[1] : N(0x1p20))
    let panels = (gemm.n / Self.panel).roundedUp()
    let (a, b) = (
      type.bytes * gemm.batch * gemm.m * gemm.k, type.bytes * gemm.batch * gemm.k * gemm.n
    )
    let result = type.bytes * gemm.batch * gemm.m * gemm.n
    let exchange = others * a / exchangeRate
    let packing = farShare(a + b, near) * 2 * (a * panels + b) / limitedRate(team * packingRate, memoryRate)
    let output = farShare(result, near) * 2 * result / limitedRate(team * coreMemoryRate, memoryRate)
    let waiting = start + sync * others
    // A small product has none of the terms that copying and threads bring.
    func large(_ term: N, small: N) -> N {
      N.choose(where: volume, isAtMost: N(Self.smallProduct), then: small, otherwise: term)
    }
    return Cost(
      time: large(waiting + compute + exchange + packing + output, small: start + plain),
      launch: large(waiting, small: start), compute: large(compute, small: plain),
      memory: large(packing + output, small: N(0)), cache: large(exchange, small: N(0)))
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
///     time = start + sync · (1 − 1/T) + bytes · Σ share(level) / rate(level)
///
/// A level holds the working set W with the share 1/(1 + (W/usable capacity)^sharpness) of what nearer levels do not
/// hold: walking round and round through more than a cache evicts each line just before it is wanted again, so its share
/// falls steeply, for the shared cache less so (that is fitted). Private caches hold one core's part of W, the
/// shared one all of it; of that one the neighbours on the machine leave only a part, which grows with
/// the threads that compete for it: `shared_part` · T^`shared_growth`. T threads are
/// T^(1 − `thread_loss`) times as fast as one, since clocks fall with the cores that work and hardware threads share a
/// core; the main memory's total rate is limited besides: (core⁻⁴ + total⁻⁴)^(−1/4). A library wakes one more
/// thread for each `grain` of bytes, so T is at most 1 + bytes/grain.
public struct HostStreamForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_stream" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant(
        "start", unit: "us", "time of a call that moves next to nothing", initial: 0.05, in: 0.002...40),
      Constant("sync", unit: "us", "time to wake a large team and wait for it", initial: 1, in: 0.02...80),
      Constant(
        "l1_rate", unit: "GB/s", "rate of one core out of its first cache", initial: 150, in: 10...1500),
      Constant("l2_rate", unit: "GB/s", "rate of one core out of its second cache", initial: 80, in: 5...800),
      Constant("l3_rate", unit: "GB/s", "rate of one core out of the shared cache", initial: 40, in: 2...400),
      Constant(
        "core_memory_rate", unit: "GB/s", "rate of one core out of the main memory", initial: 20, in: 1...150),
      Constant(
        "memory_rate", unit: "GB/s", "rate of all cores out of the main memory", initial: 100, in: 2...3000),
      Constant(
        "core_part", "part of a core's own caches that its data find free", initial: 0.9, in: 0.4...1.3),
      Constant(
        "shared_part", "part of the shared cache that its neighbours leave", initial: 0.6, in: 0.05...1.3),
      Constant(
        "shared_growth", "power of the number of threads with which that part grows", initial: 0.3,
        in: 0.01...0.6),
      Constant(
        "sharpness", "how steeply the shared cache's share falls with the working set", initial: 4,
        in: 1.5...14),
      Constant(
        "grain", unit: "MB", "bytes for which one more thread is woken", initial: 0.2, in: 0.001...50),
      Constant(
        "thread_loss", "power of the number of threads with which each of them gets slower", initial: 0.1,
        in: 0.001...0.6),
    ]
  }

  @usableFromInline let start, sync, l1Rate, l2Rate, l3Rate, coreMemoryRate, memoryRate: N
  @usableFromInline let corePart, sharedPart, sharedGrowth, sharpness, grain, threadLoss: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    sync = 1e-6 * c[1]
    l1Rate = 1e9 * c[2]
    l2Rate = 1e9 * c[3]
    l3Rate = 1e9 * c[4]
    coreMemoryRate = 1e9 * c[5]
    memoryRate = 1e9 * c[6]
    corePart = c[7]
    sharedPart = c[8]
    sharedGrowth = c[9]
    sharpness = c[10]
    grain = 1e6 * c[11]
    threadLoss = c[12]
  }

  /// How many times as fast as one thread some are.
  @inlinable
  static func pace(_ threads: N, _ loss: N) -> N { threads.raised(to: N(1) - loss) }

  /// How steeply a private cache's share falls: it gives way between nine tenths and a tenth over a sixth of its size.
  @inlinable static var privateSharpness: Double { 12 }

  /// The time of a streaming kernel.
  ///
  /// - Parameters:
  ///   - bytes: what it moves.
  ///   - footprint: bytes of the arrays that it walks over again and again, more than 0.
  ///   - machine: the processor.
  ///   - threads: how many share the work.
  /// - Returns: the time with its terms.
  @inlinable
  public func cost(bytes: N, footprint: N, on machine: HostMachine<N>, threads: N) -> Cost<N> {
    let rates = [l1Rate, l2Rate, l3Rate]
    let team = N.smaller(threads, N(1) + bytes / grain)
    let pace = Self.pace(team, threadLoss)
    var left = N(1)
    var inverse = N(0)
    for (index, rate) in rates.enumerated() where index < machine.coreCaches.count {
      // The last level is shared: all of the working set competes for it.
      let isShared = index == 2
      let part = isShared ? sharedPart * team.raised(to: sharedGrowth) : corePart * team
      let ratio = footprint / (machine.coreCaches[index] * part)
      let share = left / (N(1) + ratio.raised(to: isShared ? sharpness : N(Self.privateSharpness)))
      inverse = inverse + share / (rate * pace)
      left = left - share
    }
    let memory = bytes * left / limitedRate(pace * coreMemoryRate, memoryRate)
    let cache = bytes * inverse
    let waiting = start + sync * (N(1) - N(1) / team)
    return Cost(time: waiting + cache + memory, launch: waiting, memory: memory, cache: cache)
  }
}

extension HostStreamForm where N == Double {
  /// The rates of all threads out of each level of memory, in bytes a second, the nearest first.
  ///
  /// - Parameter threads: how many share the work.
  /// - Returns: the levels with their rates.
  public func roofs(threads: Double) -> [(level: String, rate: Double)] {
    let pace = Self.pace(threads, threadLoss)
    return [
      ("L1", pace * l1Rate), ("L2", pace * l2Rate), ("L3", pace * l3Rate),
      ("memory", limitedRate(pace * coreMemoryRate, memoryRate)),
    ]
  }
}

/// The rate of cores together under a common limit: close to the lesser, with a rounded knee.
@inlinable
func limitedRate<N: ModelNumber>(_ cores: N, _ limit: N) -> N {
  let (c2, l2) = (cores * cores, limit * limit)
  return N(1) / (N(1) / (c2 * c2) + N(1) / (l2 * l2)).squareRoot().squareRoot()
}

/// The time of a mini-batch step on sparse samples: two walks over their non-zeros, with a cache miss for most weights.
///
///     time = start + sync · (1 − 1/T) + samples · (row_time + sample_time / T)
///          + non-zeros · (nonzero_time + (gathered + scattered) · miss_time) / T
///
/// The first walk gathers the weights of each sample to its score, the second adds the update to them. `gathered` is
/// the share of the weights that the second caches do not hold, 1 − T·L2/model, at least 0. What the batch itself
/// touched is still there at the second walk when it is small: `scattered` is that share times far(lines touched), a
/// line for each non-zero up to the whole model. Threads own weights, not rows, so each of them walks over every row
/// (row_time). A support vector machine updates only samples within the margin; all of them are taken to be, which is
/// how the reference kernels are timed.
public struct HostSparseForm<N: ModelNumber>: FittedForm {
  /// The name in calibration files.
  public static var name: String { "host_sparse" }

  /// The constants in the order of ``init(constants:)``.
  public static var constants: [Constant] {
    [
      Constant("start", unit: "us", "time of a call with next to no samples", initial: 0.1, in: 0.005...40),
      Constant("sync", unit: "us", "time to wake a large team and wait for it", initial: 2, in: 0.05...80),
      Constant(
        "row_time", unit: "ns", "time that every thread of a team spends on a row besides its non-zeros",
        initial: 5, in: 0.2...500),
      Constant(
        "sample_time", unit: "ns", "time of a sample's loss, which threads share", initial: 8, in: 0.5...500),
      Constant(
        "nonzero_time", unit: "ns", "time of a non-zero whose weight is in a near cache", initial: 1,
        in: 0.1...50),
      Constant(
        "miss_time", unit: "ns", "time that a weight out of a far cache adds, overlapped with others",
        initial: 1, in: 0.02...100),
    ]
  }

  @usableFromInline let start, sync, rowTime, sampleTime, nonzeroTime, missTime: N

  /// The form with these constants, turned into base units.
  @inlinable
  public init(constants c: [N]) {
    start = 1e-6 * c[0]
    sync = 1e-6 * c[1]
    rowTime = 1e-9 * c[2]
    sampleTime = 1e-9 * c[3]
    nonzeroTime = 1e-9 * c[4]
    missTime = 1e-9 * c[5]
  }

  /// Bytes that move when one weight does.
  @inlinable static var line: Double { 64 }

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
    let near = threads * (machine.coreCaches.count > 1 ? machine.coreCaches[1] : N(0x1p20))
    let gathered = N.larger(N(0), N(1) - near / modelBytes)
    let all = samples * nonzeros
    let scattered = gathered * farShare(N.smaller(modelBytes, Self.line * all), near)
    let handling = samples * (rowTime + sampleTime / threads) + all * nonzeroTime / threads
    let misses = all * (gathered + scattered) * missTime / threads
    let waiting = start + sync * (N(1) - N(1) / threads)
    return Cost(time: waiting + handling + misses, launch: waiting, compute: handling, cache: misses)
  }
}

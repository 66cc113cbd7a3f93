public import Quantities

/// The kernels of the PrIM benchmarks whose times on UPMEM modules were published.
///
/// Source: PrIM (arXiv 2105.03814) and its repository CMU-SAFARI/prim-benchmarks, whose kernels were read for their
/// counts; the tables are those of VIA-Research/uPIMulator.
public enum PrIMBenchmark: String, Sendable, Hashable, CaseIterable {
  /// Binary search of queries in a sorted array that every unit holds.
  case binarySearch = "BS"
  /// Matrix times vector, rows of 64 columns.
  case matrixVector = "GEMV"
  /// Histogram that all tasklets share, with a lock.
  case sharedHistogram = "HST-L"
  /// Histogram for each tasklet, added up at the end.
  case ownHistograms = "HST-S"
  /// Three layers of a perceptron, each a matrix times a vector.
  case perceptron = "MLP"
  /// Sum of an array.
  case reduction = "RED"
  /// Prefix sum: reduce, scan, scan.
  case scanReduceFirst = "SCAN-RSS"
  /// Prefix sum: scan, scan, add.
  case scanAddLast = "SCAN-SSA"
  /// Selection of elements by a predicate.
  case selection = "SEL"
  /// Transposition of a matrix in tiles.
  case transposition = "TRNS"
  /// Matching of a query in a time series.
  case timeSeries = "TS"
  /// Removal of repeated neighbours.
  case unique = "UNI"
  /// Sum of two vectors.
  case vectorAddition = "VA"

  /// Bytes of an element of the input.
  public var elementBytes: Double {
    switch self {
    case .matrixVector, .sharedHistogram, .ownHistograms, .perceptron, .timeSeries, .vectorAddition: 4
    case .binarySearch, .reduction, .scanReduceFirst, .scanAddLast, .selection, .transposition, .unique: 8
    }
  }

  /// Bytes that a unit moves between its memories for each item.
  public var bytesPerItem: Double {
    switch self {
    case .vectorAddition: 12
    case .reduction: 8
    case .selection, .unique: 12
    case .scanReduceFirst, .scanAddLast: 24
    case .sharedHistogram, .ownHistograms: 4
    case .matrixVector, .perceptron: 8
    case .binarySearch, .transposition, .timeSeries: 0
    }
  }
}

/// What the units of a memory that computes do in one run of a kernel: each unit the same.
public struct UnitKernel<N: ModelNumber>: Sendable {
  /// Items of one unit: elements, multiplications, steps of a search.
  public let items: N
  /// Rows of one unit, where a row costs something besides its items.
  public let rows: N
  /// Items of the busiest tasklet.
  public let busiestItems: N
  /// Rows of the busiest tasklet.
  public let busiestRows: N
  /// Bytes moved between the unit's memories.
  public let bytes: N
  /// Times that the host starts it and waits for its end.
  public let launches: N

  /// A kernel by what it does in one unit.
  @inlinable
  public init(items: N, rows: N, busiestItems: N, busiestRows: N, bytes: N, launches: N) {
    self.items = items
    self.rows = rows
    self.busiestItems = busiestItems
    self.busiestRows = busiestRows
    self.bytes = bytes
    self.launches = launches
  }
}

/// What passes between the host and all units in one phase of a run.
public struct UnitTransfer<N: ModelNumber>: Sendable {
  /// Units that take part.
  public let units: N
  /// Calls that move a block for every unit at once.
  public let pushes: N
  /// Bytes of one unit in all these calls together.
  public let bytesPerUnit: N
  /// Bytes of host memory that these calls read or write in all; less than all units' bytes where they share a buffer.
  public let hostBytes: N
  /// Calls for one unit alone, over all units.
  public let copies: N
  /// Bytes of these calls in all.
  public let copiedBytes: N
  /// Units whose results the host looks at one by one.
  public let inspected: N

  /// A phase of transfers.
  @inlinable
  public init(
    units: N, pushes: N = N(0), bytesPerUnit: N = N(0), hostBytes: N? = nil, copies: N = N(0),
    copiedBytes: N = N(0), inspected: N = N(0)
  ) {
    self.units = units
    self.pushes = pushes
    self.bytesPerUnit = bytesPerUnit
    self.hostBytes = hostBytes ?? units * bytesPerUnit
    self.copies = copies
    self.copiedBytes = copiedBytes
    self.inspected = inspected
  }
}

/// One run of a PrIM kernel.
public struct PrIMRun<N: ModelNumber>: Sendable {
  /// The kernel.
  public let benchmark: PrIMBenchmark
  /// Units that take part.
  public let units: N
  /// The size as the table has it: elements in all; rows of GEMV; rows and columns of MLP; queries and elements of BS;
  /// blocks of columns of TRNS.
  public let size: N
  /// Tasklets of a unit.
  public let tasklets: N

  /// A run of this size.
  @inlinable
  public init(_ benchmark: PrIMBenchmark, units: N, size: N, tasklets: N = N(16)) {
    self.benchmark = benchmark
    self.units = units
    self.size = size
    self.tasklets = tasklets
  }

  /// Rounds of TRNS: every unit has one block of columns in a round.
  @inlinable var rounds: N { (size / units).roundedUp() }

  /// Blocks of equal size dealt out to the tasklets: items of the busiest.
  @inlinable
  func busiest(_ items: N, block: N) -> N {
    let blocks = (items / block).roundedUp()
    let most = (blocks / tasklets).roundedUp() * block
    // The last block is not full: the busiest tasklet of many blocks has no more than it, within one block.
    return N.smaller(most, items)
  }

  /// What each unit does.
  ///
  /// Tasklets take blocks of 1,024 B in turn, so few blocks leave tasklets idle; GEMV and MLP deal out pairs of rows.
  @inlinable
  public var kernel: UnitKernel<N> {
    let each = size / units
    let zero = N(0)
    switch benchmark {
    case .matrixVector, .perceptron:
      let columns = benchmark == .matrixVector ? N(64) : size
      let layers = benchmark == .matrixVector ? N(1) : N(3)
      let rows = each.roundedUp()
      let busiestRows = N.smaller((rows / (2 * tasklets)).roundedUp() * 2, rows)
      return UnitKernel(
        items: layers * rows * columns, rows: layers * rows, busiestItems: layers * busiestRows * columns,
        busiestRows: layers * busiestRows, bytes: benchmark.bytesPerItem * layers * rows * columns,
        launches: layers)
    case .binarySearch:
      // Halvings until eight elements are left, which are searched one by one.
      let steps = size.logarithm() / N(2).logarithm() - 3
      let items = each * steps
      return UnitKernel(
        items: items, rows: zero, busiestItems: items / tasklets, busiestRows: zero, bytes: zero,
        launches: N(1))
    case .timeSeries:
      // At least a block of 64 elements for each tasklet.
      let items = N.larger(each, 64 * tasklets)
      return UnitKernel(
        items: items, rows: zero, busiestItems: items / tasklets, busiestRows: zero, bytes: zero,
        launches: N(1))
    case .transposition:
      return UnitKernel(
        items: rounds, rows: N(1), busiestItems: zero, busiestRows: zero, bytes: zero, launches: 2 * rounds)
    case .sharedHistogram:
      // One tasklet at a time is in the lock, so idle ones are not missed.
      return UnitKernel(
        items: each, rows: zero, busiestItems: zero, busiestRows: zero, bytes: benchmark.bytesPerItem * each,
        launches: N(1))
    default:
      let scans = benchmark == .scanReduceFirst || benchmark == .scanAddLast
      let block = N(1024 / benchmark.elementBytes)
      return UnitKernel(
        items: each, rows: zero, busiestItems: busiest(each, block: block), busiestRows: zero,
        bytes: benchmark.bytesPerItem * each, launches: N(scans ? 2 : 1))
    }
  }

  /// What the host sends before the run.
  @inlinable
  public var toUnits: UnitTransfer<N> {
    let bytes = N(benchmark.elementBytes)
    let each = size / units
    switch benchmark {
    case .vectorAddition:
      return UnitTransfer(units: units, pushes: N(3), bytesPerUnit: 2 * bytes * each)
    case .matrixVector:
      return UnitTransfer(
        units: units, pushes: N(3), bytesPerUnit: 64 * bytes * each + 256, hostBytes: 64 * bytes * size)
    case .perceptron:
      return UnitTransfer(
        units: units, pushes: N(7), bytesPerUnit: 3 * bytes * size * each + bytes * size,
        hostBytes: 3 * bytes * size * size)
    case .binarySearch:
      return UnitTransfer(
        units: units, pushes: N(3), bytesPerUnit: bytes * size + each, hostBytes: (bytes + 1) * size)
    case .transposition:
      return UnitTransfer(
        units: units, pushes: 512 * rounds, bytesPerUnit: 32768 * rounds)
    case .timeSeries:
      return UnitTransfer(
        units: units, pushes: N(2), bytesPerUnit: bytes * each + 256, copies: units,
        copiedBytes: 256 * units)
    default:
      return UnitTransfer(units: units, pushes: N(2), bytesPerUnit: bytes * each)
    }
  }

  /// What the host fetches after the run.
  @inlinable
  public var fromUnits: UnitTransfer<N> {
    let bytes = N(benchmark.elementBytes)
    let each = size / units
    switch benchmark {
    case .vectorAddition, .scanReduceFirst, .scanAddLast, .matrixVector, .perceptron:
      return UnitTransfer(units: units, pushes: N(1), bytesPerUnit: bytes * each)
    case .selection, .unique:
      // Half of the elements stay; every unit has another number of them, so they are fetched one after another.
      return UnitTransfer(
        units: units, pushes: N(1), copies: units, copiedBytes: bytes * size / 2)
    case .transposition:
      return UnitTransfer(units: units, pushes: rounds, bytesPerUnit: 32768 * rounds)
    case .reduction, .timeSeries, .binarySearch:
      return UnitTransfer(units: units, pushes: N(1), bytesPerUnit: N(256), inspected: units)
    case .ownHistograms, .sharedHistogram:
      return UnitTransfer(units: units, pushes: N(1), bytesPerUnit: N(1024))
    }
  }

  /// What the host fetches and sends between two launches of a run; nil where it does not.
  @inlinable
  public var betweenLaunches: (from: UnitTransfer<N>, to: UnitTransfer<N>)? {
    switch benchmark {
    case .scanReduceFirst, .scanAddLast:
      return (
        UnitTransfer(units: units, pushes: N(1), bytesPerUnit: N(128), inspected: units),
        UnitTransfer(units: units)
      )
    case .perceptron:
      return (
        UnitTransfer(units: units, pushes: N(2), bytesPerUnit: 8 * size / units),
        UnitTransfer(units: units, pushes: N(2), bytesPerUnit: 8 * size, hostBytes: 8 * size)
      )
    default: return nil
    }
  }
}

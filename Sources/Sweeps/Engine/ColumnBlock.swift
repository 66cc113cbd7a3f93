/// A run of neighbouring scenarios as columns, small enough for the caches.
///
/// Columns of axes are generated from the index when they are first asked for. Blocks start at multiples of ``capacity``,
/// whatever thread or shard computes them, so that sums inside of a block are the same everywhere.
public final class ColumnBlock {
  /// Scenarios of a block.
  public static let capacity = 4096

  /// The space.
  public let space: SweepSpace
  /// The index of the first scenario.
  public private(set) var start = 0
  /// Scenarios of this block.
  public private(set) var count = 0
  /// Why a scenario has no answer: 0 where it has one, else the number of the reason, from 1.
  let reasons: UnsafeMutablePointer<UInt8>
  /// The places of the scenarios that are left, in order.
  let active: UnsafeMutablePointer<Int32>
  /// How many are left.
  private(set) var activeCount = 0

  private let axisColumns: UnsafeMutablePointer<Double>
  private let digitColumns: UnsafeMutablePointer<Int32>
  private let otherColumns: UnsafeMutablePointer<Double>
  private let tables: [[Double]?]
  /// The place along its dimension that fills a whole column, where one does; -1 for none.
  private var constantDigit: [Int]
  private var constantColumn: [Int]
  private var digitsReady: [Bool]
  private var columnReady: [Bool]

  /// A block with so many columns besides the axes.
  init(_ space: SweepSpace, otherColumns: Int) {
    self.space = space
    let capacity = Self.capacity
    axisColumns = .allocate(capacity: Swift.max(1, space.axes.count) * capacity)
    digitColumns = .allocate(capacity: Swift.max(1, space.dimensions.count) * capacity)
    self.otherColumns = .allocate(capacity: Swift.max(1, otherColumns) * capacity)
    self.otherColumns.initialize(repeating: 0, count: Swift.max(1, otherColumns) * capacity)
    reasons = .allocate(capacity: capacity)
    active = .allocate(capacity: capacity)
    constantDigit = [Int](repeating: -1, count: space.dimensions.count)
    constantColumn = [Int](repeating: -1, count: space.axes.count)
    digitsReady = [Bool](repeating: false, count: space.dimensions.count)
    columnReady = [Bool](repeating: false, count: space.axes.count)
    // Values of listed axes; those of designs are computed from the index, as they can be many.
    tables = space.axes.indices.map { axis in
      switch space.axes[axis].values {
      case .sampled: return nil
      case .draws: return nil
      default:
        return (0..<space.dimensions[space.dimensionOfAxis[axis]].size).map { space.number(axis, at: $0) }
      }
    }
  }

  deinit {
    axisColumns.deallocate()
    digitColumns.deallocate()
    otherColumns.deallocate()
    reasons.deallocate()
    active.deallocate()
  }

  /// Moves to another run of scenarios.
  func move(to start: Int, count: Int) {
    self.start = start
    self.count = count
    for index in digitsReady.indices { digitsReady[index] = false }
    for index in columnReady.indices { columnReady[index] = false }
    reasons.update(repeating: 0, count: count)
    activeCount = count
  }

  /// Whether all scenarios of the block are left, so that their places need not be looked up.
  var isWhole: Bool { activeCount == count }

  /// Drops the scenarios that were given a reason since.
  func dropUnanswered() {
    var left = 0
    if isWhole {
      for place in 0..<count where reasons[place] == 0 {
        active[left] = Int32(truncatingIfNeeded: place)
        left += 1
      }
    } else {
      for index in 0..<activeCount {
        let place = active[index]
        if reasons[Int(place)] == 0 {
          active[left] = place
          left += 1
        }
      }
    }
    activeCount = left
  }

  /// Calls a closure with the place of each scenario that is left.
  @inline(__always)
  func forEachActive(_ body: (Int) -> Void) {
    if isWhole {
      for place in 0..<count { body(place) }
    } else {
      for index in 0..<activeCount { body(Int(active[index])) }
    }
  }

  /// A column that is no axis.
  func column(_ index: Int) -> UnsafeMutablePointer<Double> { otherColumns + index * Self.capacity }

  /// The places along a dimension.
  func digits(_ dimension: Int) -> UnsafePointer<Int32> {
    let column = digitColumns + dimension * Self.capacity
    if digitsReady[dimension] { return UnsafePointer(column) }
    digitsReady[dimension] = true
    let (stride, size) = (space.strides[dimension], space.dimensions[dimension].size)
    var digit = start / stride % size
    var left = stride - start % stride
    if left >= count {
      if constantDigit[dimension] != digit {
        column.update(repeating: Int32(truncatingIfNeeded: digit), count: Self.capacity)
        constantDigit[dimension] = digit
      }
      return UnsafePointer(column)
    }
    constantDigit[dimension] = -1
    var place = 0
    while place < count {
      let run = Swift.min(left, count - place)
      (column + place).update(repeating: Int32(truncatingIfNeeded: digit), count: run)
      place += run
      digit = digit + 1 == size ? 0 : digit + 1
      left = stride
    }
    return UnsafePointer(column)
  }

  /// The numbers of an axis.
  func axis(_ axis: Int) -> UnsafePointer<Double> {
    let column = axisColumns + axis * Self.capacity
    if columnReady[axis] { return UnsafePointer(column) }
    columnReady[axis] = true
    let dimension = space.dimensionOfAxis[axis]
    let (stride, size) = (space.strides[dimension], space.dimensions[dimension].size)
    var digit = start / stride % size
    var left = stride - start % stride
    if left >= count {
      if constantColumn[axis] != digit {
        column.update(repeating: space.number(axis, at: digit), count: Self.capacity)
        constantColumn[axis] = digit
      }
      return UnsafePointer(column)
    }
    constantColumn[axis] = -1
    var place = 0
    while place < count {
      if stride == 1 {
        // The fastest dimension: a stretch of its values in order.
        let run = Swift.min(size - digit, count - place)
        if let table = tables[axis] {
          table.withUnsafeBufferPointer { values in
            if let first = values.baseAddress { (column + place).update(from: first + digit, count: run) }
          }
        } else {
          for offset in 0..<run { column[place + offset] = space.number(axis, at: digit + offset) }
        }
        place += run
        digit = (digit + run) % size
      } else {
        let run = Swift.min(left, count - place)
        let value = tables[axis].map { $0[digit] } ?? space.number(axis, at: digit)
        (column + place).update(repeating: value, count: run)
        place += run
        digit = digit + 1 == size ? 0 : digit + 1
        left = stride
      }
    }
    return UnsafePointer(column)
  }
}

import Quantities

/// What is kept of the scenarios of a space.
///
/// Its result does not depend on the order in which blocks come.
protocol Reducer: AnyObject {
  /// Takes the scenarios of a block that have an answer.
  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline)
  /// Takes what another one of the same kind has kept, and empties it.
  func absorb(_ other: any Reducer)
  /// Forgets everything.
  func reset()
  /// Writes what it has kept.
  func write(to bytes: inout ByteWriter)
  /// Adds what was written before.
  func read(from bytes: inout ByteReader) throws(ByteReader.Damage)
}

/// Counts scenarios: with an answer, and without one by reason.
final class Tally: Reducer {
  private(set) var feasible: UInt64 = 0
  private(set) var byReason: [UInt64]

  init(reasons: Int) { byReason = [UInt64](repeating: 0, count: reasons) }

  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline) {
    feasible += UInt64(block.activeCount)
    guard !block.isWhole else { return }
    for place in 0..<block.count {
      let reason = Int(block.reasons[place])
      if reason > 0 { byReason[reason - 1] += 1 }
    }
  }

  func absorb(_ other: any Reducer) {
    guard let other = other as? Tally else { return }
    feasible += other.feasible
    for index in byReason.indices { byReason[index] += other.byReason[index] }
    other.reset()
  }

  func reset() {
    feasible = 0
    for index in byReason.indices { byReason[index] = 0 }
  }

  func write(to bytes: inout ByteWriter) {
    bytes.write(feasible)
    bytes.write(byReason)
  }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    feasible += try bytes.unsigned()
    let counts = try bytes.unsignedList()
    guard counts.count == byReason.count else { throw ByteReader.Damage() }
    for index in counts.indices { byReason[index] += counts[index] }
  }
}

/// The best scenarios by several outputs in turn, ties by the index.
final class BestScenarios: Reducer {
  /// One of them: the outputs, smaller is better, then the index.
  struct Entry: Equatable {
    let values: [Double]
    let index: Int

    static func precedes(_ a: Entry, _ b: Entry) -> Bool {
      for (x, y) in zip(a.values, b.values) where x != y { return x < y }
      return a.index < b.index
    }
  }

  let objectives: [(output: String, direction: Sweep.Direction)]
  let limit: Int
  /// The best so far, best first.
  private(set) var entries: [Entry] = []

  init(_ objectives: [(output: String, direction: Sweep.Direction)], limit: Int) {
    self.objectives = objectives
    self.limit = limit
  }

  /// What the first output must be below to be looked at; ties are.
  private var bound: Double { entries.count < limit ? .infinity : entries[entries.count - 1].values[0] }

  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline) {
    let columns = objectives.map { pipeline.column($0.output) }
    let (first, sign) = (columns[0], objectives[0].direction.sign)
    // One pass finds whether anything in the block can enter; most blocks end here.
    if entries.count == limit, block.isWhole {
      // Four chains: one would wait for itself.
      var chains = (Double.infinity, Double.infinity, Double.infinity, Double.infinity)
      var place = 0
      while place + 4 <= block.count {
        let (a, b) = (sign * first[place], sign * first[place + 1])
        let (c, d) = (sign * first[place + 2], sign * first[place + 3])
        chains.0 = a < chains.0 ? a : chains.0
        chains.1 = b < chains.1 ? b : chains.1
        chains.2 = c < chains.2 ? c : chains.2
        chains.3 = d < chains.3 ? d : chains.3
        place += 4
      }
      var least = Swift.min(Swift.min(chains.0, chains.1), Swift.min(chains.2, chains.3))
      while place < block.count {
        least = Swift.min(least, sign * first[place])
        place += 1
      }
      if least > bound { return }
    }
    block.forEachActive { place in
      let value = sign * first[place]
      guard value <= bound else { return }
      var values = [value]
      for (column, objective) in zip(columns, objectives).dropFirst() {
        values.append(objective.direction.sign * column[place])
      }
      guard !values.contains(where: \.isNaN) else { return }
      insert(Entry(values: values, index: block.start + place))
    }
  }

  private func insert(_ entry: Entry) {
    if entries.count == limit, !Entry.precedes(entry, entries[limit - 1]) { return }
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if Entry.precedes(entries[middle], entry) { low = middle + 1 } else { high = middle }
    }
    entries.insert(entry, at: low)
    if entries.count > limit { entries.removeLast() }
  }

  func absorb(_ other: any Reducer) {
    guard let other = other as? BestScenarios else { return }
    for entry in other.entries { insert(entry) }
    other.reset()
  }

  func reset() { entries = [] }

  func write(to bytes: inout ByteWriter) {
    bytes.write(entries.count)
    for entry in entries {
      bytes.write(entry.index)
      bytes.write(entry.values)
    }
  }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    for _ in 0..<(try bytes.integer()) {
      let index = try bytes.integer()
      let values = try bytes.doubles()
      guard values.count == objectives.count else { throw ByteReader.Damage() }
      insert(Entry(values: values, index: index))
    }
  }
}

/// The scenarios that no other one beats in every output; of equal ones, the first.
final class ParetoFront: Reducer {
  let objectives: [(output: String, direction: Sweep.Direction)]
  private let width: Int
  /// The outputs of the front, smaller is better, one after another.
  private var values: [Double] = []
  private(set) var indices: [Int] = []
  /// Where the last dominated scenario was beaten: its neighbours mostly are beaten there too.
  private var killer = 0
  private var scratch: [Double]

  init(_ objectives: [(output: String, direction: Sweep.Direction)]) {
    self.objectives = objectives
    width = objectives.count
    scratch = [Double](repeating: 0, count: objectives.count)
  }

  /// The front by growing index, with its outputs as they are.
  var sorted: [(index: Int, values: [Double])] {
    indices.indices.map { place in
      (
        indices[place],
        (0..<width).map { objectives[$0].direction.sign * values[place * width + $0] }
      )
    }.sorted { $0.0 < $1.0 }
  }

  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline) {
    let columns = objectives.map { pipeline.column($0.output) }
    let signs = objectives.map(\.direction.sign)
    let width = width
    columns.withUnsafeBufferPointer { columns in
      signs.withUnsafeBufferPointer { signs in
        block.forEachActive { place in
          if killer < indices.count {
            var isBeaten = true
            values.withUnsafeBufferPointer { values in
              for k in 0..<width where values[killer * width + k] > signs[k] * columns[k][place] {
                isBeaten = false
              }
            }
            // An equal scenario further on is beaten as well, because blocks go by growing index on a thread; the rare
            // other case is looked at in full below.
            if isBeaten, indices[killer] < block.start + place { return }
          }
          for k in 0..<width { scratch[k] = signs[k] * columns[k][place] }
          insert(block.start + place)
        }
      }
    }
  }

  /// Adds the scenario whose outputs stand in `scratch`.
  private func insert(_ index: Int) {
    for value in scratch where value.isNaN { return }
    var beaten: [Int] = []
    for other in indices.indices {
      var (otherIsNoWorse, isNoWorse) = (true, true)
      for k in 0..<width {
        let (theirs, ours) = (values[other * width + k], scratch[k])
        if theirs > ours { otherIsNoWorse = false }
        if ours > theirs { isNoWorse = false }
      }
      if otherIsNoWorse, isNoWorse {
        // Equal: the first by index stays.
        if indices[other] <= index {
          killer = other
          return
        }
        indices[other] = index
        return
      }
      if otherIsNoWorse {
        killer = other
        return
      }
      if isNoWorse { beaten.append(other) }
    }
    for other in beaten.reversed() {
      let last = indices.count - 1
      indices.swapAt(other, last)
      indices.removeLast()
      for k in 0..<width { values[other * width + k] = values[last * width + k] }
      values.removeLast(width)
    }
    killer = indices.count
    indices.append(index)
    values.append(contentsOf: scratch)
  }

  func absorb(_ other: any Reducer) {
    guard let other = other as? ParetoFront else { return }
    for place in other.indices.indices {
      for k in 0..<width { scratch[k] = other.values[place * width + k] }
      insert(other.indices[place])
    }
    other.reset()
  }

  func reset() {
    values = []
    indices = []
    killer = 0
  }

  func write(to bytes: inout ByteWriter) {
    let order = indices.indices.sorted { indices[$0] < indices[$1] }
    bytes.write(order.count)
    for place in order {
      bytes.write(indices[place])
      for k in 0..<width { bytes.write(values[place * width + k]) }
    }
  }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    for _ in 0..<(try bytes.integer()) {
      let index = try bytes.integer()
      for k in 0..<width { scratch[k] = try bytes.double() }
      insert(index)
    }
  }
}

/// How an output is spread: counts of buckets that are 0.1 % wide, with the exact least and largest value.
final class Distribution: Reducer {
  /// Buckets of one power of two.
  private static let buckets = 1024

  let output: String
  private(set) var least = Double.infinity
  private(set) var largest = -Double.infinity
  private(set) var count: UInt64 = 0
  /// Counts by sign and exponent; nil where nothing fell.
  private var rows: [[UInt64]?] = [[UInt64]?](repeating: nil, count: 4096)

  init(_ output: String) { self.output = output }

  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline) {
    let column = pipeline.column(output)
    block.forEachActive { place in
      let value = column[place]
      guard value.isFinite else { return }
      if value < least { least = value }
      if value > largest { largest = value }
      count += 1
      let key = Self.key(value)
      let (row, bucket) = (key / Self.buckets, key % Self.buckets)
      if rows[row] == nil { rows[row] = [UInt64](repeating: 0, count: Self.buckets) }
      rows[row]?[bucket] += 1
    }
  }

  /// The number of a value's bucket; buckets grow with the value.
  private static func key(_ value: Double) -> Int {
    let bits = value.bitPattern
    let ordered = bits >> 63 == 1 ? ~bits : bits | 1 << 63
    return Int(ordered >> 42)
  }

  /// The middle of a bucket.
  private static func middle(_ key: Int) -> Double {
    let ordered = UInt64(key) << 42 | 1 << 41
    return Double(bitPattern: ordered >> 63 == 1 ? ordered & ~(1 << 63) : ~ordered)
  }

  /// The value that a share of the scenarios does not exceed, to within 0.1 %.
  ///
  /// - Parameter share: from 0 to 1.
  /// - Returns: nil when there are no scenarios.
  func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = UInt64((share * Double(count - 1)).rounded())
    if rank == 0 { return least }
    if rank == count - 1 { return largest }
    var seen: UInt64 = 0
    for (row, counts) in rows.enumerated() {
      guard let counts else { continue }
      for (bucket, number) in counts.enumerated() where number > 0 {
        seen += number
        if seen > rank {
          return Swift.min(Swift.max(Self.middle(row * Self.buckets + bucket), least), largest)
        }
      }
    }
    return largest
  }

  func absorb(_ other: any Reducer) {
    guard let other = other as? Distribution else { return }
    least = Swift.min(least, other.least)
    largest = Swift.max(largest, other.largest)
    count += other.count
    for (row, counts) in other.rows.enumerated() {
      guard let counts else { continue }
      add(counts, row)
    }
    other.reset()
  }

  private func add(_ counts: [UInt64], _ row: Int) {
    if let mine = rows[row] { rows[row] = zip(mine, counts).map { $0 + $1 } } else { rows[row] = counts }
  }

  func reset() {
    least = .infinity
    largest = -.infinity
    count = 0
    rows = [[UInt64]?](repeating: nil, count: 4096)
  }

  func write(to bytes: inout ByteWriter) {
    bytes.write(least)
    bytes.write(largest)
    bytes.write(count)
    bytes.write(rows.count { $0 != nil })
    for (row, counts) in rows.enumerated() {
      guard let counts else { continue }
      bytes.write(row)
      bytes.write(counts)
    }
  }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    least = Swift.min(least, try bytes.double())
    largest = Swift.max(largest, try bytes.double())
    count += try bytes.unsigned()
    for _ in 0..<(try bytes.integer()) {
      let row = try bytes.integer()
      let counts = try bytes.unsignedList()
      guard rows.indices.contains(row), counts.count == Self.buckets else { throw ByteReader.Damage() }
      add(counts, row)
    }
  }
}

/// Counts of equal bins, with those below and above.
final class Histogram: Reducer {
  let output: String
  let range: ClosedRange<Double>
  let isLogarithmic: Bool
  /// Below, the bins, at or above the end.
  private(set) var counts: [UInt64]
  private let edges: [Double]

  init(_ output: String, range: ClosedRange<Double>, bins: Int, logarithmic: Bool) {
    self.output = output
    self.range = range
    isLogarithmic = logarithmic
    counts = [UInt64](repeating: 0, count: bins + 2)
    let (low, high) = (range.lowerBound, range.upperBound)
    edges = (0...bins).map { index in
      let part = Double(index) / Double(bins)
      if index == bins { return high }
      return logarithmic
        ? (low.logarithm() + part * (high / low).logarithm()).exponential() : low + part * (high - low)
    }
  }

  /// Where a bin starts and ends.
  func bounds(_ bin: Int) -> (low: Double, high: Double) {
    (bin == 0 ? -.infinity : edges[bin - 1], bin == counts.count - 1 ? .infinity : edges[bin])
  }

  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline) {
    let column = pipeline.column(output)
    block.forEachActive { place in
      let value = column[place]
      guard !value.isNaN else { return }
      // The number of edges at or below the value.
      var (low, high) = (0, edges.count)
      while low < high {
        let middle = (low + high) / 2
        if edges[middle] <= value { low = middle + 1 } else { high = middle }
      }
      counts[low] += 1
    }
  }

  func absorb(_ other: any Reducer) {
    guard let other = other as? Histogram else { return }
    for index in counts.indices { counts[index] += other.counts[index] }
    other.reset()
  }

  func reset() { for index in counts.indices { counts[index] = 0 } }

  func write(to bytes: inout ByteWriter) { bytes.write(counts) }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    let more = try bytes.unsignedList()
    guard more.count == counts.count else { throw ByteReader.Damage() }
    for index in more.indices { counts[index] += more[index] }
  }
}

/// An output by the values of one axis: how many, least, mean and largest.
final class Marginal: Reducer {
  struct Entry: Equatable {
    var count: UInt64 = 0
    var least = Double.infinity
    var largest = -Double.infinity
    var sum = ExactSum()
  }

  let output: String
  let axis: Int
  private let size: Int
  private(set) var entries: [Entry]
  // Of the block at hand.
  private var sums: [Double]
  private var counts: [UInt64]
  private var touched: [Int] = []

  init(_ output: String, axis: Int, in space: SweepSpace) {
    self.output = output
    self.axis = axis
    size = space.dimensions[space.dimensionOfAxis[axis]].size
    entries = [Entry](repeating: Entry(), count: size)
    sums = [Double](repeating: 0, count: size)
    counts = [UInt64](repeating: 0, count: size)
  }

  func consume(_ block: ColumnBlock, _ pipeline: BlockPipeline) {
    let column = pipeline.column(output)
    let digits = block.digits(block.space.dimensionOfAxis[axis])
    touched.removeAll(keepingCapacity: true)
    block.forEachActive { place in
      let value = column[place]
      guard value.isFinite else { return }
      let digit = Int(digits[place])
      if counts[digit] == 0 { touched.append(digit) }
      counts[digit] += 1
      sums[digit] += value
      if value < entries[digit].least { entries[digit].least = value }
      if value > entries[digit].largest { entries[digit].largest = value }
    }
    for digit in touched {
      entries[digit].count += counts[digit]
      entries[digit].sum.add(sums[digit])
      counts[digit] = 0
      sums[digit] = 0
    }
  }

  func absorb(_ other: any Reducer) {
    guard let other = other as? Marginal else { return }
    for index in entries.indices { merge(other.entries[index], index) }
    other.reset()
  }

  private func merge(_ other: Entry, _ index: Int) {
    entries[index].count += other.count
    entries[index].least = Swift.min(entries[index].least, other.least)
    entries[index].largest = Swift.max(entries[index].largest, other.largest)
    entries[index].sum.add(other.sum)
  }

  func reset() { entries = [Entry](repeating: Entry(), count: size) }

  func write(to bytes: inout ByteWriter) {
    let used = entries.indices.filter { entries[$0].count > 0 }
    bytes.write(used.count)
    for index in used {
      bytes.write(index)
      bytes.write(entries[index].count)
      bytes.write(entries[index].least)
      bytes.write(entries[index].largest)
      bytes.write(entries[index].sum.words)
    }
  }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    for _ in 0..<(try bytes.integer()) {
      let index = try bytes.integer()
      var entry = Entry()
      entry.count = try bytes.unsigned()
      entry.least = try bytes.double()
      entry.largest = try bytes.double()
      guard let sum = ExactSum(words: try bytes.unsignedList()), entries.indices.contains(index) else {
        throw ByteReader.Damage()
      }
      entry.sum = sum
      merge(entry, index)
    }
  }
}

/// Everything that is kept of a sweep: the counts first, then what its file asks for.
final class SweepReducers {
  let tally: Tally
  let reducers: [any Reducer]

  init(_ sweep: Sweep, reasons: Int) {
    tally = Tally(reasons: reasons)
    reducers = sweep.reductions.map { reduction -> any Reducer in
      switch reduction {
      case .best(let objectives, let count): BestScenarios(objectives, limit: count)
      case .pareto(let objectives): ParetoFront(objectives)
      case .percentiles(let output, _): Distribution(output)
      case .histogram(let output, let range, let bins, let logarithmic):
        Histogram(output, range: range, bins: bins, logarithmic: logarithmic)
      case .marginal(let output, let axis): Marginal(output, axis: axis, in: sweep.space)
      }
    }
  }

  func consume(_ pipeline: BlockPipeline) {
    tally.consume(pipeline.block, pipeline)
    guard pipeline.block.activeCount > 0 else { return }
    for reducer in reducers { reducer.consume(pipeline.block, pipeline) }
  }

  func absorb(_ other: SweepReducers) {
    tally.absorb(other.tally)
    for (mine, theirs) in zip(reducers, other.reducers) { mine.absorb(theirs) }
  }

  func reset() {
    tally.reset()
    for reducer in reducers { reducer.reset() }
  }

  func write(to bytes: inout ByteWriter) {
    tally.write(to: &bytes)
    for reducer in reducers { reducer.write(to: &bytes) }
  }

  func read(from bytes: inout ByteReader) throws(ByteReader.Damage) {
    try tally.read(from: &bytes)
    for reducer in reducers { try reducer.read(from: &bytes) }
  }
}

import CostModels
import Quantities

/// A model that can say in advance how good a box of scenarios can be.
protocol BoundingModel: SweepModel {
  /// Something that bounds boxes, with memory of its own.
  func bounder() -> any BoxBounder
}

/// Bounds the outputs of boxes of scenarios.
protocol BoxBounder: AnyObject {
  /// Ranges of the model's outputs over a box: every scenario of it with an answer lies inside.
  ///
  /// - Parameters:
  ///   - box: the scenarios.
  ///   - outputs: which outputs, by number.
  /// - Returns: a range for each.
  func ranges(_ box: SearchBox, outputs: [Int]) -> [Interval]
}

/// Neighbouring scenarios: the places along the leading dimensions are given, those along the others are free.
struct SearchBox {
  let space: SweepSpace
  let start: Int
  let count: Int
  /// Dimensions that are given.
  let fixed: Int

  /// The range of an axis.
  func range(_ axis: Int, of extremes: [Interval]) -> Interval {
    let dimension = space.dimensionOfAxis[axis]
    guard dimension < fixed else { return extremes[axis] }
    return Interval(space.number(axis, at: space.digit(dimension, of: start)))
  }
}

/// The best scenarios of a space without looking at all of them.
///
/// The space is cut into boxes. The closed forms bound what a box can hold, so boxes in which a constraint never holds are
/// dropped, the others are looked at by rising bound, and the search ends when no box that is left can beat what was
/// found. The result is that of computing every scenario; only the work is less.
public struct SweepSearch: Sendable {
  /// What was found: the tables of the sweep's `best` and `pareto`.
  public let tables: [ResultTable]
  /// Scenarios of the space.
  public let scenarios: Int
  /// Scenarios that were computed.
  public let computed: Int
  /// Scenarios that were left out because a constraint cannot hold.
  public let impossible: Int
  /// Scenarios that were left out because they cannot be among the best.
  public let beaten: Int

  /// Something that cannot be searched.
  public struct Misuse: Error, CustomStringConvertible {
    /// What is wrong, in words.
    public let description: String
  }

  /// Searches a space for its `best` or its `pareto`.
  ///
  /// - Parameters:
  ///   - prepared: the space.
  ///   - boxSize: the most scenarios of a box.
  /// - Throws: ``Misuse`` when the space asks for neither, or has too many boxes to hold.
  public init(_ prepared: PreparedSweep, boxSize: Int = 512) throws(Misuse) {
    let sweep = prepared.sweep
    let space = sweep.space
    var reduction: Sweep.Reduction?
    for candidate in sweep.reductions {
      switch candidate {
      case .best, .pareto: if reduction == nil { reduction = candidate }
      default: break
      }
    }
    guard let reduction, let model = prepared.model as? any BoundingModel else {
      throw Misuse(description: "the space asks for neither 'best' nor 'pareto' in 'reduce'")
    }
    let objectives: [(output: String, direction: Sweep.Direction)]
    switch reduction {
    case .best(let list, _), .pareto(let list): objectives = list
    default: objectives = []
    }
    var fixed = space.dimensions.count
    while fixed > 0, space.strides[fixed - 1] * space.dimensions[fixed - 1].size <= boxSize { fixed -= 1 }
    let size = fixed == 0 ? space.count : space.strides[fixed - 1]
    let boxes = space.count / size
    guard boxes <= 1 << 26 else {
      throw Misuse(
        description: "the space has \(boxes) boxes of \(size) scenarios; sample it, or search parts of it")
    }

    let outputs = sweep.model.outputs
    let axes = Dictionary(uniqueKeysWithValues: space.axes.enumerated().map { ($1.name, $0) })
    let extremes: [Interval] = space.axes.indices.map { axis in
      let dimension = space.dimensions[space.dimensionOfAxis[axis]]
      if case .sampled(_, let range, _) = space.axes[axis].values {
        return Interval(range.lowerBound, range.upperBound)
      }
      if space.axes[axis].isNames { return .all }
      let numbers = (0..<Swift.min(dimension.size, 1 << 16)).map { space.number(axis, at: $0) }
      guard dimension.size <= 1 << 16 else { return .all }
      return Interval(numbers.min() ?? 0, numbers.max() ?? 0)
    }
    let bounder = model.bounder()
    // The outputs that objectives and constraints read, through what is derived from them.
    var names: [String] = []
    func collect(_ name: String) {
      if let derived = sweep.derived.first(where: { $0.output.name == name }) {
        for inner in derived.expression.names { collect(inner) }
      } else if outputs.contains(where: { $0.name == name }), !names.contains(name) {
        names.append(name)
      }
    }
    for objective in objectives { collect(objective.output) }
    for constraint in sweep.constraints { for name in constraint.expression.names { collect(name) } }
    let numbers = names.map { name in outputs.firstIndex { $0.name == name } ?? 0 }

    var impossible = 0
    var queue: [(bounds: [Double], start: Int)] = []
    for number in 0..<boxes {
      let box = SearchBox(space: space, start: number * size, count: size, fixed: fixed)
      let ranges = bounder.ranges(box, outputs: numbers)
      var known: [String: Interval] = [:]
      for (name, range) in zip(names, ranges) { known[name] = range }
      func range(_ name: String) -> Interval {
        if let found = known[name] { return found }
        if let axis = axes[name] { return box.range(axis, of: extremes) }
        if let derived = sweep.derived.first(where: { $0.output.name == name }) {
          let found = derived.expression.interval(range)
          known[name] = found
          return found
        }
        return .all
      }
      if sweep.constraints.contains(where: { $0.expression.interval(range).isNever }) {
        impossible += size
        continue
      }
      let bounds = objectives.map { objective in
        let range = range(objective.output)
        return objective.direction == .minimize ? range.low : -range.high
      }
      queue.append((bounds, box.start))
    }
    queue.sort { ($0.bounds[0], $0.start) < ($1.bounds[0], $1.start) }

    let engine = SweepEngine(sweep, prepared.model, threads: 1)
    let kept = SweepReducers(sweep, reasons: engine.reasons.count)
    let place =
      sweep.reductions.firstIndex { candidate in
        switch candidate {
        case .best, .pareto: true
        default: false
        }
      } ?? 0
    var (computed, beaten) = (0, 0)
    let counter = SharedCounter()
    for (position, entry) in queue.enumerated() {
      switch kept.reducers[place] {
      case let best as BestScenarios where best.entries.count == best.limit:
        if entry.bounds[0] > best.entries[best.limit - 1].values[0] {
          // By rising bound: nothing further on is better.
          beaten += (queue.count - position) * size
          self.init(
            prepared, reduction, kept.reducers[place], engine, computed: computed, impossible: impossible,
            beaten: beaten)
          return
        }
      case let front as ParetoFront:
        if front.beats(entry.bounds) {
          beaten += size
          continue
        }
      default: break
      }
      engine.compute(entry.start..<(entry.start + size), into: kept, columns: nil, counter: counter)
      computed += size
    }
    self.init(
      prepared, reduction, kept.reducers[place], engine, computed: computed, impossible: impossible,
      beaten: beaten)
  }

  private init(
    _ prepared: PreparedSweep, _ reduction: Sweep.Reduction, _ reducer: any Reducer, _ engine: SweepEngine,
    computed: Int, impossible: Int, beaten: Int
  ) {
    tables = [prepared.table(reduction, reducer, engine)]
    scenarios = prepared.sweep.space.count
    self.computed = computed
    self.impossible = impossible
    self.beaten = beaten
  }
}

extension ParetoFront {
  /// Whether a scenario of the front is better in every output than anything with these bounds can be.
  func beats(_ bounds: [Double]) -> Bool {
    sorted.contains { entry in
      zip(zip(entry.values, objectives), bounds).allSatisfy { $0.1.direction.sign * $0.0 < $1 }
    }
  }
}

extension RooflineSweep: BoundingModel {
  func bounder() -> any BoxBounder { Bounder(self) }

  /// The formula itself, read with intervals.
  private final class Bounder: BoxBounder {
    private let model: RooflineSweep
    private var extremes: [Int: Interval] = [:]

    init(_ model: RooflineSweep) { self.model = model }

    func ranges(_ box: SearchBox, outputs: [Int]) -> [Interval] {
      func parameter(_ index: Int) -> Interval {
        guard let source = model.sources[index] else { return Interval(model.base[index]) }
        let space = box.space
        let dimension = space.dimensionOfAxis[source.axis]
        var range: Interval
        if dimension < box.fixed {
          range = Interval(space.number(source.axis, at: space.digit(dimension, of: box.start)))
        } else if let known = extremes[source.axis] {
          range = known
        } else {
          if case .sampled(_, let ends, _) = space.axes[source.axis].values {
            range = Interval(ends.lowerBound, ends.upperBound)
          } else {
            let numbers = (0..<space.dimensions[dimension].size).map { space.number(source.axis, at: $0) }
            range = Interval(numbers.min() ?? 0, numbers.max() ?? 0)
          }
          extremes[source.axis] = range
        }
        if source.multiplies { range = Interval(model.base[index]) * range }
        return range
      }
      let (flop, bytes, peak, bandwidth) = (parameter(0), parameter(1), parameter(2), parameter(3))
      let exchange = CollectiveForms.ringAllReduceTime(
        bytes: parameter(5), ranks: parameter(6), alpha: parameter(7), bandwidth: parameter(8))
      return outputs.map { (output: Int) -> Interval in
        switch output {
        case 0:
          Roofline.time(flop: flop, peak: peak, bytes: bytes, bandwidth: bandwidth, overhead: parameter(4))
            + exchange
        case 1: flop / peak
        case 2: bytes / bandwidth
        default: exchange
        }
      }
    }
  }
}

import CostModels
import Documents
import Hardware
import Quantities

/// One kernel and one ring all-reduce after it: overhead, the roof that binds, alpha-beta.
///
///     time = launch + max(flop/peak, bytes/bandwidth) + 2 (p-1) latency + 2 (p-1)/p payload/link_bandwidth
struct RooflineSweep: SweepModel {
  static let outputs = [
    SweepOutput("time", unit: "s", "time of the kernel and the exchange after it"),
    SweepOutput("compute", unit: "s", "time that the compute units need"),
    SweepOutput("memory_time", unit: "s", "time that the memory needs"),
    SweepOutput("exchange", unit: "s", "time of the exchange"),
  ]

  /// A parameter with its unit.
  private static let parameters: [(name: String, unit: String, least: Double, standard: Double?)] = [
    ("flop", "FLOP", 0, nil), ("bytes", "B", 0, nil), ("peak", "FLOP/s", 1e-300, nil),
    ("bandwidth", "B/s", 1e-300, nil), ("launch", "s", 0, 0), ("payload", "B", 0, 0), ("ranks", "1", 1, 1),
    ("link_latency", "s", 0, 0), ("link_bandwidth", "B/s", 1e-300, 1),
  ]

  let reasons: [String] = []
  /// What each parameter is where no axis sets it.
  let base: [Double]
  /// The axis that sets each parameter, and whether it multiplies the base.
  let sources: [(axis: Int, multiplies: Bool)?]
  /// The files that were read besides the sweep's.
  let files: [String]

  /// The model of a sweep.
  ///
  /// - Throws: `Diagnostic` at a parameter that is not there or has another unit.
  init(_ sweep: Sweep, in library: Library) throws(Diagnostic) {
    var reader = try MappingReader(sweep.base, path: "base")
    var defaults = Dictionary(
      uniqueKeysWithValues: Self.parameters.compactMap { p in p.standard.map { (p.name, $0) } })
    var files: [String] = []
    if let node = reader.optionalNode("hardware") {
      let name = try MappingReader.scalar(node, path: "base.hardware", expected: "the name of a device")
      files.append(try library.path(.hardware, name, at: node))
      let device = try Device(named: name, in: library, at: node)
      let type = try reader.optionalWord("datatype", as: DataType.self) ?? .bf16
      let machine = Machine<Double>(device)
      guard let peak = machine.rate(type) else {
        throw node.diagnostic(.contradiction(device.lacks(type)))
      }
      defaults["peak"] = peak
      defaults["bandwidth"] = machine.memoryBandwidth
      defaults["launch"] = machine.launch
      if let link = device.links.first {
        defaults["link_bandwidth"] = link.bandwidth.value
        defaults["link_latency"] = link.latency.value
      }
    }
    var base: [Double] = []
    var sources: [(axis: Int, multiplies: Bool)?] = []
    for parameter in Self.parameters {
      let axis = sweep.space.axes.firstIndex { $0.key == parameter.name }
      var value = defaults[parameter.name]
      if let node = reader.optionalNode(parameter.name) {
        let (number, unit) = try anyNumber(node, path: "base.\(parameter.name)")
        try Self.check(unit, parameter.unit, node, path: "base.\(parameter.name)")
        guard number >= parameter.least else {
          throw node.diagnostic(
            .outOfRange(
              path: "base.\(parameter.name)", found: node.text, expected: Self.range(parameter.least)))
        }
        value = number
      }
      guard let axis else {
        guard let value else { throw sweep.base.diagnostic(.missingKey(parameter.name, path: "base")) }
        base.append(value)
        sources.append(nil)
        continue
      }
      let given = sweep.space.axes[axis]
      let node = given.keyNode ?? sweep.base
      var multiplies = false
      switch given.values {
      case .multiples:
        guard value != nil else { throw sweep.base.diagnostic(.missingKey(parameter.name, path: "base")) }
        multiplies = true
      case .numbers(let list):
        try Self.check(given.unit, parameter.unit, node, path: "axes.\(given.name)")
        for number in list where number < parameter.least {
          throw node.diagnostic(
            .outOfRange(
              path: "axes.\(given.name)", found: plainNumber(number), expected: Self.range(parameter.least)))
        }
      case .sampled(_, let range, _):
        try Self.check(given.unit, parameter.unit, node, path: "axes.\(given.name)")
        guard range.lowerBound >= parameter.least else {
          throw node.diagnostic(
            .outOfRange(
              path: "axes.\(given.name)", found: plainNumber(range.lowerBound),
              expected: Self.range(parameter.least)))
        }
      case .words, .draws:
        throw node.diagnostic(
          .wrongKind(
            path: "axes.\(given.name)", found: "no list of numbers", expected: "numbers in \(parameter.unit)")
        )
      }
      base.append(value ?? 0)
      sources.append((axis, multiplies))
    }
    for axis in sweep.space.axes {
      guard let key = axis.key, let node = axis.keyNode else { continue }
      guard Self.parameters.contains(where: { $0.name == key }) else {
        throw node.diagnostic(.unknownName(kind: "parameter", found: key, known: Self.parameters.map(\.name)))
      }
    }
    try reader.finish()
    self.base = base
    self.sources = sources
    self.files = files
  }

  private static func range(_ least: Double) -> String {
    least == 0 ? "a number that is not negative" : least == 1 ? "at least 1" : "a number above zero"
  }

  private static func check(_ found: String, _ expected: String, _ node: DocumentNode, path: String)
    throws(Diagnostic)
  {
    guard found != expected else { return }
    let words = { (unit: String) in unit == "1" ? "no unit" : unit }
    throw node.diagnostic(.contradiction("'\(path)' is in \(words(found)); expected \(words(expected))"))
  }

  func evaluator(firstReason: Int) -> any BlockEvaluator { Evaluator(base: base, sources: sources) }

  private final class Evaluator: BlockEvaluator {
    private let base: [Double]
    private let sources: [(axis: Int, multiplies: Bool)?]
    /// A column for each parameter that is no axis, or a multiple of the base.
    private let columns: UnsafeMutablePointer<Double>

    init(base: [Double], sources: [(axis: Int, multiplies: Bool)?]) {
      self.base = base
      self.sources = sources
      let capacity = ColumnBlock.capacity
      columns = .allocate(capacity: base.count * capacity)
      for (index, value) in base.enumerated() {
        (columns + index * capacity).initialize(repeating: value, count: capacity)
      }
    }

    deinit { columns.deallocate() }

    private func parameter(_ index: Int, _ block: ColumnBlock) -> UnsafePointer<Double> {
      let own = columns + index * ColumnBlock.capacity
      guard let source = sources[index] else { return UnsafePointer(own) }
      let axis = block.axis(source.axis)
      guard source.multiplies else { return axis }
      let value = base[index]
      for place in 0..<block.count { own[place] = value * axis[place] }
      return UnsafePointer(own)
    }

    func evaluate(_ block: ColumnBlock, into outputs: [UnsafeMutablePointer<Double>?]) {
      let count = block.count
      let (flop, bytes) = (parameter(0, block), parameter(1, block))
      let (peak, bandwidth) = (parameter(2, block), parameter(3, block))
      let (launch, payload, ranks) = (parameter(4, block), parameter(5, block), parameter(6, block))
      let (latency, link) = (parameter(7, block), parameter(8, block))
      if let time = outputs[0] {
        // Two passes: the compiler vectorises loops over few columns.
        for i in 0..<count {
          time[i] = CollectiveForms.ringAllReduceTime(
            bytes: payload[i], ranks: ranks[i], alpha: latency[i], bandwidth: link[i])
        }
        for i in 0..<count {
          time[i] += Roofline.time(
            flop: flop[i], peak: peak[i], bytes: bytes[i], bandwidth: bandwidth[i], overhead: launch[i])
        }
      }
      if let compute = outputs[1] { for i in 0..<count { compute[i] = flop[i] / peak[i] } }
      if let memory = outputs[2] { for i in 0..<count { memory[i] = bytes[i] / bandwidth[i] } }
      if let exchange = outputs[3] {
        for i in 0..<count {
          exchange[i] = CollectiveForms.ringAllReduceTime(
            bytes: payload[i], ranks: ranks[i], alpha: latency[i], bandwidth: link[i])
        }
      }
    }
  }
}

import CostModels
public import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// Concurrent computation and communication, C3 and ConCCL (arXiv 2412.14335): a product beside an exchange.
///
/// The paper's machine, an MI300X, as its data sheet and a few published numbers describe it, with what nobody published as
/// parameters; and an H200 whose pairs were measured, strategy by strategy.
public struct C3: Study {
  /// The name of its file.
  public static let name = "c3"

  let machine: Device
  let ranks: Int
  let products: [GEMM<Double>]
  /// Isolated time of the exchange over that of the product, for each product.
  let ratios: [Double]
  let granularity: Double
  let assumptions: C3Assumptions
  let variations: [C3Variation]
  let measured: [MeasuredPair]
  /// The ladder under the assumptions as they are and with each at the ends of its range: answers, figures and tables
  /// look at the same ones.
  private(set) var ladders: [C3Assumptions: C3Ladder] = [:]

  /// Takes its parameters and reads the device and the measured tables.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    machine = try Device(named: try parameters.word("machine"), in: library)
    ranks = try parameters.integer("ranks", in: 2...64)
    products = try parameters.products("products")
    ratios = try parameters.numbers("ratios", in: 0.05...20)
    granularity = Double(try parameters.integer("granularity", in: 1...1024))
    let rate = try parameters.quantity("product_rate", as: FLOPPerSecond.self)
    var base = C3Assumptions(productRate: rate.value)
    var variations: [C3Variation] = []
    func vary(_ name: String, _ path: WritableKeyPath<C3Assumptions, Double>, _ ends: [Double]) {
      variations += ends.map { C3Variation(parameter: name, path: path, value: $0) }
    }
    if let ends = rate.interval {
      vary("product_rate", \.productRate, [ends.lowerBound.value, ends.upperBound.value])
    }
    for (name, path) in C3Assumptions.numbers {
      let number = try parameters.number(name)
      base[keyPath: path] = number.value
      if let ends = number.interval { vary(name, path, [ends.lowerBound.value, ends.upperBound.value]) }
    }
    for (name, path) in [("exchange_start", \C3Assumptions.exchangeStart), ("copy_launch", \.copyLaunch)] {
      let time = try parameters.quantity(name, as: Seconds.self)
      base[keyPath: path] = time.value
      if let ends = time.interval { vary(name, path, [ends.lowerBound.value, ends.upperBound.value]) }
    }
    assumptions = base
    self.variations = variations
    let reference = try parameters.word("reference_machine")
    measured = try MeasuredPair.read(try parameters.files("tables"), on: reference, in: library)
    for a in [assumptions] + variations.map({ $0.applied(to: base) }) { ladders[a] = computedLadder(a) }
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [ladderSection, classesSection, measuredSection, sensitivitySection]
    findings.answers = answers
    findings.foundations = [
      "\(machine.title): data sheet; no table of its kernels or collectives beside one another could be found.",
      "H200: ContentionForm and CopyEngineForm, fitted to c3.csv, c3_dma.csv and sm_partition.csv; errors on shapes that no fit "
        + "saw are in docs/models.md.",
      "N kernels on one device: ContentionForm.together; strategies and the heuristic: OverlapPlan.",
    ]
    return findings
  }
}

/// What the paper does not fix about its machine.
struct C3Assumptions: Sendable, Hashable {
  /// FLOP/s of large products.
  var productRate: Double
  /// Part of the memory's bandwidth that kernels reach.
  var memoryRate = 0.85
  /// Part of the link's bandwidth that the library reaches.
  var linkRate = 0.8
  /// Units that saturate an all-gather and an all-to-all.
  var gatherUnits = 32.0
  var allToAllUnits = 64.0
  /// See ``OverlapPlan/queueShare``.
  var queueShare = 0.3
  /// Parts of their rates that exchange and product keep beside each other.
  var exchangeKeeps = 0.88
  var productKeeps = 1.0
  /// Rate of copy engines over that of the library.
  var copyRate = 1.16
  /// See ``OverlapPlan/relief``.
  var relief = 0.05
  /// Start of an exchange by the library, in seconds.
  var exchangeStart = 20e-6
  /// Time in which a process starts a copy, in seconds.
  var copyLaunch = 10e-6

  /// The plain numbers by the names of their parameters.
  static var numbers: [(name: String, path: WritableKeyPath<C3Assumptions, Double>)] {
    [
      ("memory_rate", \.memoryRate), ("link_rate", \.linkRate), ("gather_units", \.gatherUnits),
      ("all_to_all_units", \.allToAllUnits), ("queue_share", \.queueShare),
      ("exchange_keeps", \.exchangeKeeps),
      ("product_keeps", \.productKeeps), ("copy_rate", \.copyRate), ("relief", \.relief),
    ]
  }
}

/// An assumption at an end of its plausible range.
struct C3Variation: @unchecked Sendable {
  let parameter: String
  let path: WritableKeyPath<C3Assumptions, Double>
  let value: Double

  func applied(to assumptions: C3Assumptions) -> C3Assumptions {
    var result = assumptions
    result[keyPath: path] = value
    return result
  }
}

extension ParameterReader {
  /// Products by their shapes: `8192x8192x1024` is m, n and k.
  mutating func products(_ name: String) throws(Diagnostic) -> [GEMM<Double>] {
    try words(name).map { text throws(Diagnostic) in
      let sides = text.split(separator: "x").compactMap { Double($0) }
      guard sides.count == 3, sides.allSatisfy({ $0 >= 1 && $0 <= 1e7 }) else {
        throw file.fault(
          at: name,
          .wrongKind(
            path: "parameters." + name, found: "'\(text)'",
            expected: "rows, columns and inner length such as 8192x8192x1024"))
      }
      return GEMM(m: sides[0], n: sides[1], k: sides[2])
    }
  }
}

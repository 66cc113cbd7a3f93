import Calibration
import CostModels
import Documents
import Quantities
import Hardware
import Scenarios
import Workloads

/// A measured product beside a collective, with what the models say.
struct MeasuredPair: Sendable {
  /// Who carried out the collective, and on how many units.
  enum Strategy: Sendable, Hashable {
    /// The library, on as many units as it chose.
    case library
    /// The library, on at most so many units.
    case limited(Int)
    /// The copy engines.
    case copies

    var name: String {
      switch self {
      case .library: "library's choice"
      case .limited(let units): "\(units) \(units == 1 ? "unit" : "units")"
      case .copies: "copy engines, 256 MiB and more"
      }
    }
  }

  let strategy: Strategy
  let collective: String
  let bytes: Double
  /// Isolated times and the time together, in seconds; measured.
  let product: Double
  let exchange: Double
  let together: Double
  /// The time together from measured isolated times, and from predicted ones.
  let predicted: Double
  let fullyPredicted: Double
  /// Predicted isolated times.
  let predictedProduct: Double
  let predictedExchange: Double

  var kind: OverlapClass { OverlapClass(product: product, exchange: exchange) }
  /// Measured part of the ideal gain, in per cent.
  var fraction: Double { Self.fraction(product, exchange, together) }
  /// That of the prediction from measured isolated times.
  var predictedFraction: Double { Self.fraction(product, exchange, predicted) }
  /// That of the prediction from shapes alone.
  var fullyPredictedFraction: Double {
    Self.fraction(predictedProduct, predictedExchange, fullyPredicted)
  }

  private static func fraction(_ product: Double, _ exchange: Double, _ together: Double) -> Double {
    100 * (product + exchange - together) / min(product, exchange)
  }

  /// Reads tables of pairs and predicts them.
  ///
  /// - Parameters:
  ///   - paths: the tables.
  ///   - hardware: the device; its own calibration is used.
  ///   - library: the catalogue.
  /// - Throws: `Diagnostic` at the first fault.
  /// - Returns: the pairs in the order of the tables; of copy engines those that no host bounds.
  static func read(_ paths: [String], on hardware: String, in library: Library) throws(Diagnostic)
    -> [MeasuredPair]
  {
    var pairs: [MeasuredPair] = []
    for path in paths {
      let comparison = try TableComparison(path: path, hardware: hardware, calibration: nil, library: library)
      var lines: [Int: [String: ComparedValue]] = [:]
      for value in comparison.values { lines[value.value.line, default: [:]][value.value.quantity] = value }
      for line in lines.keys.sorted() {
        guard let values = lines[line], let pair = MeasuredPair(values) else { continue }
        pairs.append(pair)
      }
    }
    return pairs
  }

  private init?(_ values: [String: ComparedValue]) {
    guard let product = values["gemm_alone_us"], let exchange = values["coll_alone_us"],
      let together = values["concurrent_us"], let full = values["concurrent_us (isolated predicted)"],
      case .beside(let subject) = together.value.subject,
      case .collective(let collective) = subject.exchange.work,
      let predicted = together.predicted, let fullyPredicted = full.predicted,
      let predictedProduct = product.predicted, let predictedExchange = exchange.predicted
    else { return nil }
    switch subject.engine {
    case .copyEngines:
      guard collective.bytes >= 0x1p28 else { return nil }
      strategy = .copies
    case .units(let channels): strategy = channels.map { .limited(Int($0)) } ?? .library
    }
    self.collective = collective.kind.rawValue
    bytes = collective.bytes
    self.product = product.value.measured
    self.exchange = exchange.value.measured
    self.together = together.value.measured
    self.predicted = predicted
    self.fullyPredicted = fullyPredicted
    self.predictedProduct = predictedProduct
    self.predictedExchange = predictedExchange
  }
}

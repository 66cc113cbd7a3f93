import CostModels
import Documents
public import Quantities

/// The prices and the grid of a scenario, each with its interval and its provenance.
public struct CostSection: Sendable {
  /// Price of a device per time, power and all else included.
  public let deviceHour: Sourced<Dimensions.MoneyRate>?
  /// Price of a device with its share of host and network.
  public let capital: Sourced<Dimensions.Money>?
  /// How long a device is written off over.
  public let lifetime: Sourced<Dimensions.Time>?
  /// Part of that time in which it works.
  public let use: Sourced<Dimensions.Number>?
  /// Price of electricity.
  public let powerPrice: Sourced<Dimensions.MoneyPerEnergy>?
  /// Power usage effectiveness of the facility.
  public let usageEffectiveness: Sourced<Dimensions.Number>?
  /// Power of a device's share of host, network and storage.
  public let surroundings: Sourced<Dimensions.Power>?
  /// Carbon dioxide of the grid.
  public let gridIntensity: Sourced<Dimensions.MassPerEnergy>?

  /// Reads `costs` of a scenario.
  ///
  /// - Parameter mapping: the section.
  /// - Throws: `Diagnostic`: a price and a capital exclude each other, a capital needs a lifetime and a power price.
  init(reading mapping: MappingReader) throws(Diagnostic) {
    var reader = mapping
    let sources = try reader.sourceTexts()
    let capitalNode = reader.optionalNode("capital")
    let hourNode = reader.optionalNode("device_hour")
    deviceHour = try hourNode.map { node throws(Diagnostic) in
      try MappingReader.sourced(
        node, path: mapping.path(of: "device_hour"), as: DollarsPerSecond.self, sources: sources)
    }
    capital = try capitalNode.map { node throws(Diagnostic) in
      try MappingReader.sourced(node, path: mapping.path(of: "capital"), as: Dollars.self, sources: sources)
    }
    lifetime = try reader.optionalSourced("lifetime", as: Seconds.self, sources: sources)
    let useNode = reader.node.value("use")
    use = try reader.optionalSourced("use", as: Number.self, sources: sources)
    powerPrice = try reader.optionalSourced("power_price", as: DollarsPerJoule.self, sources: sources)
    let effectivenessNode = reader.node.value("pue")
    usageEffectiveness = try reader.optionalSourced("pue", as: Number.self, sources: sources)
    surroundings = try reader.optionalSourced("surroundings", as: Watts.self, sources: sources)
    gridIntensity = try reader.optionalSourced("grid_intensity", as: GramsPerJoule.self, sources: sources)
    try reader.finish()

    if let hourNode, capital != nil {
      throw hourNode.diagnostic(
        .contradiction("'costs' has both device_hour and capital: a device is rented or owned"))
    }
    if let capitalNode {
      for (key, isGiven) in [("lifetime", lifetime != nil), ("power_price", powerPrice != nil)] where !isGiven
      {
        throw capitalNode.diagnostic(.missingKey(key, path: mapping.path))
      }
    }
    if let usageEffectiveness, usageEffectiveness.least < 1, let effectivenessNode {
      throw effectivenessNode.diagnostic(
        .outOfRange(
          path: mapping.path(of: "pue"), found: formatted(usageEffectiveness.least),
          expected: "at least 1: the facility's energy over that of its computers"))
    }
    if let use, use.most > 1, let useNode {
      throw useNode.diagnostic(
        .outOfRange(
          path: mapping.path(of: "use"), found: formatted(use.most),
          expected: "at most 1: a part of the lifetime"))
    }
  }

  /// Which end of the intervals is taken.
  enum End { case low, middle, high }

  /// The cost model with every number at one end: the ends that make it cheapest and cleanest, or dearest.
  func model(_ end: End = .middle) -> OperatingCost<Double> {
    func rising<D>(_ value: Sourced<D>?) -> Double? {
      switch end {
      case .low: value?.least
      case .middle: value?.value
      case .high: value?.most
      }
    }
    func falling<D>(_ value: Sourced<D>?) -> Double? {
      switch end {
      case .low: value?.most
      case .middle: value?.value
      case .high: value?.least
      }
    }
    var payment: OperatingCost<Double>.Payment?
    if let price = rising(deviceHour) { payment = .rented(price: price) }
    if let capital = rising(capital), let lifetime = falling(lifetime), let powerPrice = rising(powerPrice) {
      payment = .owned(
        capital: capital, lifetime: lifetime, use: falling(use) ?? 1, powerPrice: powerPrice)
    }
    return OperatingCost(
      payment: payment, usageEffectiveness: rising(usageEffectiveness) ?? 1,
      surroundings: rising(surroundings) ?? 0, gridIntensity: rising(gridIntensity))
  }
}

extension Sourced {
  /// The lower end of the interval, in base units; the value itself where there is none.
  var least: Double { interval?.lowerBound.value ?? value }
  /// The upper end.
  var most: Double { interval?.upperBound.value ?? value }
}

public import Quantities

/// How a device runs a product beside an exchange (concurrent computation and communication, C3).
public enum OverlapStrategy: Sendable, Hashable {
  /// One kernel, then the other, as libraries launch them: the exchange finds the device full.
  case concurrent
  /// The exchange is launched first, with all units that it can use.
  case prioritised
  /// The exchange has so many units for itself.
  case partition(units: Double)
  /// Copy engines carry out the exchange; all units belong to the product.
  case copyEngines
  /// Copy engines, and so many units fewer for a product that waits for memory.
  case copyEnginesReserving(units: Double)
}

/// A product beside an exchange: what each takes alone, and what both take by each strategy.
public struct OverlapPlan<N: ModelNumber>: Sendable {
  /// The product.
  public var product: Tenant<N>
  /// The exchange by the library, on the units that saturate it.
  public var exchange: Tenant<N>
  /// The exchange by copy engines; nil where it adds up or the device has none.
  public var copies: Tenant<N>?
  /// Compute units of the device.
  public var units: N
  /// Part of the product's waves before its last one that the exchange does not have to wait for when it is launched second: 0
  /// where it waits for all of them, 1 where it starts at once.
  public var queueShare: N
  /// Part of its time by which a product that waits for memory gets faster when a few units are taken from it.
  public var relief: N
  let contention: ContentionForm<N>

  /// A product beside an exchange.
  ///
  /// - Parameters:
  ///   - product: the product as a demand.
  ///   - exchange: the exchange on units as a demand.
  ///   - copies: the exchange by copy engines.
  ///   - units: compute units of the device.
  ///   - queueShare: see ``queueShare``.
  ///   - relief: see ``relief``.
  ///   - contention: the form of what they share.
  public init(
    product: Tenant<N>, exchange: Tenant<N>, copies: Tenant<N>?, units: N, queueShare: N, relief: N = N(0),
    contention: ContentionForm<N>
  ) {
    self.product = product
    self.exchange = exchange
    self.copies = copies
    self.units = units
    self.queueShare = queueShare
    self.relief = relief
    self.contention = contention
  }

  /// The longer of the two alone, in seconds: nothing can be faster.
  public var ideal: N { N.larger(product.time, exchange.time) }
  /// One after the other, in seconds.
  public var serial: N { product.time + exchange.time }
  /// Speed-up of the ideal over one after the other: between 1 and 2.
  public var idealSpeedup: N { serial / ideal }

  /// The time of both by a strategy, in seconds.
  ///
  /// - Parameter strategy: how they run.
  /// - Returns: nil for copy engines that cannot do the exchange.
  public func time(_ strategy: OverlapStrategy) -> N? {
    switch strategy {
    case .concurrent:
      // Alone until the last wave, or as much of that as it has to wait.
      let waves = product.waves?.waves ?? N(1)
      let waited = (N(1) - queueShare) * product.time * (waves - 1) / waves
      var rest = product
      rest.time = product.time - waited
      return waited + together(rest, exchange)
    case .prioritised: return together(product, exchange)
    case .partition(let units): return together(product, held(exchange, units: N(units)))
    case .copyEngines: return copies.map { together(product, $0) }
    case .copyEnginesReserving(let reserved):
      guard let copies else { return nil }
      var relieved = product
      relieved.time = product.time * (N(1) - relief)
      return contention.together([relieved, copies], units: units - reserved).total
    }
  }

  /// Part of the ideal gain that a strategy reaches: (serial − time)/(serial − ideal); arXiv 2412.14335.
  public func fractionOfIdeal(_ strategy: OverlapStrategy) -> N? {
    time(strategy).map { (serial - $0) / (serial - ideal) }
  }

  private func together(_ product: Tenant<N>, _ exchange: Tenant<N>) -> N {
    var first = exchange
    first.priority = product.priority - 1
    return contention.together([product, first], units: units).total
  }

  /// The exchange held to fewer units than it could use, or to more, which changes nothing.
  func held(_ exchange: Tenant<N>, units: N) -> Tenant<N> {
    var result = exchange
    let slow = N.larger(N(1), exchange.units / units)
    result.time = exchange.time * slow
    result.units = units
    return result
  }

  /// The product on the units that so many reserved ones leave, in seconds.
  ///
  /// - Parameter reserved: units that it does not get.
  /// - Returns: never less than its time alone.
  public func productTime(reserving reserved: N) -> N {
    guard let waves = product.waves else {
      return product.time * N.larger(N(1), product.busy * units / (units - reserved))
    }
    let crowded = waves.crowd(held: reserved).time(unit: N(1) / waves.waves, lone: contention.loneUnit)
    return product.time * N.larger(N(1), product.busy * crowded)
  }

  /// Units to reserve for the exchange: those at which the slower of the two, each alone on its part, is fastest.
  ///
  /// What a run-time system can decide from isolated times: minimise max(T_product(U − k), T_exchange(k)) over
  /// multiples of the granularity (arXiv 2412.14335 as noted in the reference, heuristic "CU allocation").
  ///
  /// - Parameter granularity: units that are reserved at a time.
  /// - Returns: the number of units, at least one granularity and at most half of the device.
  public func reservedUnits(granularity: N) -> N {
    let steps = 16
    var best = granularity
    var least = N(.greatestFiniteMagnitude)
    for step in 1...steps {
      let reserved = Double(step) * granularity
      let slower = N.larger(productTime(reserving: reserved), held(exchange, units: reserved).time)
      let time = N.choose(
        where: reserved, isAtMost: 0.5 * units, then: slower, otherwise: N(.greatestFiniteMagnitude))
      best = N.choose(where: least, isAtMost: time, then: best, otherwise: reserved)
      least = N.smaller(least, time)
    }
    return best
  }

  /// In which order to launch kernels: the one with fewest work groups first, so that it finds its units free.
  ///
  /// - Parameter workGroups: of each kernel.
  /// - Returns: their indices in the order of launch.
  public static func launchOrder(workGroups: [Double]) -> [Int] {
    workGroups.indices.sorted { (workGroups[$0], $0) < (workGroups[$1], $1) }
  }
}

/// Which of the two takes longer (arXiv 2412.14335): within 15 % they count as equal.
public enum OverlapClass: String, Sendable, CaseIterable {
  /// The product is longer by more than 15 %.
  case productLong = "G-long"
  /// The exchange is longer by more than 15 %.
  case exchangeLong = "C-long"
  /// Neither.
  case equal = "GC-equal"

  /// The class of a pair of isolated times.
  public init(product: Double, exchange: Double) {
    self = product > 1.15 * exchange ? .productLong : exchange > 1.15 * product ? .exchangeLong : .equal
  }
}

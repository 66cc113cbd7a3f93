public import Quantities

/// What it costs to run devices for a time: money, and carbon dioxide of the power grid.
///
///     cost   = devices · time · price                                                       (rented)
///     cost   = devices · time · capital / (lifetime · use) + facility energy · power price  (owned)
///     carbon = facility energy · grid intensity
///     facility energy = (devices' energy + devices · time · surroundings) · PUE
///
/// Power usage effectiveness (PUE) is the facility's energy over that of its computers (ISO/IEC 30134-2). Surroundings are
/// a device's share of its host, network and storage. The split into capital and power is that of Barroso, Hölzle and
/// Ranganathan, The Datacenter as a Computer, chapter 6.
public struct OperatingCost<N: ModelNumber>: Sendable {
  /// How a device is paid for.
  public enum Payment: Sendable {
    /// So many dollars a second, power and all else included.
    case rented(price: N)
    /// Dollars for a device with its share of host and network, over so many seconds of which it is used a part, and
    /// dollars a joule.
    case owned(capital: N, lifetime: N, use: N, powerPrice: N)
  }

  /// How a device is paid for; nil when nobody asked.
  public let payment: Payment?
  /// The facility's energy over that of its computers, at least 1.
  public let usageEffectiveness: N
  /// Power of a device's share of its host, network and storage, in watts.
  public let surroundings: N
  /// Grams of carbon dioxide (or what warms as much) a joule; nil when nobody asked.
  public let gridIntensity: N?

  /// The cost of running devices.
  @inlinable
  public init(payment: Payment?, usageEffectiveness: N, surroundings: N, gridIntensity: N?) {
    self.payment = payment
    self.usageEffectiveness = usageEffectiveness
    self.surroundings = surroundings
    self.gridIntensity = gridIntensity
  }

  /// Energy that the facility takes, in joules.
  ///
  /// - Parameters:
  ///   - energy: of all devices, in joules.
  ///   - devices: how many there are.
  ///   - time: how long they run, in seconds.
  /// - Returns: joules.
  @inlinable
  public func facilityEnergy(_ energy: N, devices: N, time: N) -> N {
    usageEffectiveness * (energy + devices * time * surroundings)
  }

  /// Money for devices that run for a time, in US dollars.
  ///
  /// - Parameters:
  ///   - energy: of all devices, in joules.
  ///   - devices: how many there are.
  ///   - time: how long they run, in seconds.
  /// - Returns: dollars; nil when no payment is known.
  @inlinable
  public func money(_ energy: N, devices: N, time: N) -> N? {
    switch payment {
    case .rented(let price): devices * time * price
    case .owned(let capital, let lifetime, let use, let powerPrice):
      devices * time * capital / (lifetime * use)
        + powerPrice * facilityEnergy(energy, devices: devices, time: time)
    case nil: nil
    }
  }

  /// Carbon dioxide for devices that run for a time, in grams.
  ///
  /// - Parameters:
  ///   - energy: of all devices, in joules.
  ///   - devices: how many there are.
  ///   - time: how long they run, in seconds.
  /// - Returns: grams; nil when no grid is known.
  @inlinable
  public func carbon(_ energy: N, devices: N, time: N) -> N? {
    gridIntensity.map { $0 * facilityEnergy(energy, devices: devices, time: time) }
  }
}

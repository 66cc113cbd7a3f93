import CostModels
import Hardware
public import Quantities

/// Energy, power, money and carbon of a step that runs again and again.
public struct EnergyProjection: Sendable {
  /// Time of the step under the power limit; at least that of the projection.
  public let sustainedTime: Seconds
  /// Energy of all devices.
  public let energy: Joules
  /// Mean power of one device.
  public let power: Watts
  /// Power that one device would draw without a limit.
  public let demandedPower: Watts
  /// The 90 % interval of the energy.
  public let interval90: ClosedRange<Joules>
  /// Energy for each token; nil without tokens.
  public let perToken: Joules?
  /// Tokens that a joule makes; nil without tokens.
  public let tokensPerJoule: Double?
  /// Needed operations a second for each watt; nil where operations are not counted.
  public let workPerJoule: Double?
  /// Money of the step, with its range when every price is at its cheap or dear end; nil without prices.
  public let money: (value: Dollars, range: ClosedRange<Dollars>)?
  /// Carbon dioxide of the step, likewise; nil without a grid.
  public let carbon: (value: Grams, range: ClosedRange<Grams>)?
}

extension Projection {
  /// Energy, power, money and carbon of the step, when it runs again and again.
  ///
  /// Nil for devices whose energy has no form (processors) or whose power nobody gave.
  public var energy: EnergyProjection? {
    guard scenario.knowsEnergy, root.time.value > 0 else { return nil }
    let model = DeviceModel<Double>(scenario.device, scenario.calibration)
    let roof = model.powerRoof
    let sustained = roof.sustained(root.demand, atLeast: root.time.value)
    let time = sustained.time
    let devices = Double(scenario.plan.devices)
    let energy = devices * sustained.energy
    let error = (root.standardError.value / root.time.value, model.powerSpread(clock: sustained.clock))
    let spread = (error.0 * error.0 + error.1 * error.1).squareRoot()
    let width = (1.645 * spread).exponential()
    func money(_ end: CostSection.End, _ energy: Double) -> Dollars? {
      scenario.costs?.model(end).money(energy, devices: devices, time: time).map { Dollars($0) }
    }
    func carbon(_ end: CostSection.End, _ energy: Double) -> Grams? {
      scenario.costs?.model(end).carbon(energy, devices: devices, time: time).map { Grams($0) }
    }
    func ranged<T>(_ value: T?, _ low: T?, _ high: T?) -> (T, ClosedRange<T>)? {
      guard let value, let low, let high else { return nil }
      return (value, low...high)
    }
    return EnergyProjection(
      sustainedTime: Seconds(time), energy: Joules(energy), power: Watts(energy / devices / time),
      demandedPower: Watts(roof.demandedPower(root.demand)),
      interval90: Joules(energy / width)...Joules(energy * width),
      perToken: tokens.map { Joules(energy / $0) }, tokensPerJoule: tokens.map { $0 / energy },
      workPerJoule: modelWork.map { $0.value / energy },
      money: ranged(money(.middle, energy), money(.low, energy / width), money(.high, energy * width)),
      carbon: ranged(carbon(.middle, energy), carbon(.low, energy / width), carbon(.high, energy * width)))
  }
}

public import CostModels
import Hardware
public import Quantities
import Workloads

/// Machines that nobody has built: the UPMEM one with something changed.
///
/// Each change is a set of constants of ``UnitTrainingForm`` or of the device; nothing else differs, power included.
public enum FuturePIM: String, Sendable, CaseIterable {
  /// A multiplier of 32 by 32 bits and floating point in the pipeline.
  case native = "native 32-bit multiply and floating point"
  /// Twice the clock of the units; the banks stay as they are.
  case fasterUnits = "units at twice the clock"
  /// Four times the bandwidth of a bank and half the setup of a transfer.
  case fasterBanks = "banks at four times the bandwidth"
  /// Links between the units, which add up in a ring without the host.
  case links = "links between the units"
  /// An average in the host that keeps its threads and uses three times the memory bandwidth.
  case reduction = "parallel average in the host"
  /// All of these.
  case all = "all of these"

  /// The machine changed.
  ///
  /// - Parameters:
  ///   - system: the UPMEM machine.
  ///   - links: the speed of direct links.
  /// - Returns: the machine with this change; any other kind of machine as it is.
  public func applied(to system: TrainingSystem, links: UnitTrainingForm<Double>.DirectLinks)
    -> TrainingSystem
  {
    guard case .units(var model, let form, let tasklets, let block, var direct) = system.machine else {
      return system
    }
    var result = system
    func set(_ name: String, _ value: Double) {
      guard let index = UnitTrainingForm<Double>.constants.firstIndex(where: { $0.name == name }) else {
        return
      }
      result.constants[index] = value
    }
    let every = self == .all
    if self == .native || every {
      // A product of two words in four instructions; a feature as a fused load, multiply, add and loop; a sigmoid by
      // a short polynomial.
      set("multiply", 4)
      set("feature", 12)
      set("sigmoid", 60)
      set("update", 10)
    }
    if self == .fasterUnits || every {
      model.units.clock = 2 * model.units.clock
      model.units.cyclesPerByte = 2 * model.units.cyclesPerByte
      model.units.readSetup = 2 * model.units.readSetup
      model.units.writeSetup = 2 * model.units.writeSetup
    }
    if self == .fasterBanks || every {
      model.units.cyclesPerByte = model.units.cyclesPerByte / 4
      model.units.readSetup = model.units.readSetup / 2
      model.units.writeSetup = model.units.writeSetup / 2
    }
    if self == .links || every { direct = links }
    if self == .reduction || every {
      set("reduce_rate", 180)
      set("thread", 1)
    }
    result.machine = .units(model, form: form, tasklets: tasklets, block: block, links: direct)
    return result
  }
}

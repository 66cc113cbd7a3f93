import CostModels
import Quantities
import RealModule
import Workloads

/// A straight line that somebody fitted to runs which are not here: time = start + bytes of all units / bandwidth.
///
/// It says what held on average at a number of units that no table here has: with 64 a rank is full.
struct TransferLine: Sendable {
  /// The description of the machine.
  let device: String
  let direction: UnitTransferForm<Double>.Direction
  let units: Int
  /// Seconds besides the bytes.
  let start: Double
  /// Bytes a second, of all units together.
  let bandwidth: Double
  /// Runs that it was fitted to.
  let runs: Int
  /// Bytes of all units in the largest of them.
  let largest: Double
  /// Whether units are fetched from one after another.
  let isSerial: Bool

  /// The lines of host_dpu_bandwidth.csv at 64 DPUs (reference on PIM-Opt, inferred there).
  ///
  /// They were fitted to the runs of PrIM that VIA-Research/uPIMulator ships (870d916), which miss them by 15.6, 12.0 and
  /// 1.1 % on average.
  static let known = [
    TransferLine(
      device: "upmem-prim", direction: .toUnits, units: 64, start: 0.192e-3, bandwidth: 4.929e9, runs: 40,
      largest: 75.5e6, isSerial: false),
    TransferLine(
      device: "upmem-prim", direction: .fromUnits, units: 64, start: 0.146e-3, bandwidth: 1.668e9, runs: 30,
      largest: 37.7e6, isSerial: false),
    TransferLine(
      device: "upmem-prim", direction: .fromUnits, units: 64, start: 4.852e-3, bandwidth: 0.086e9, runs: 6,
      largest: 8.4e6, isSerial: true),
  ]

  /// As many points of the line as it had runs, over the sizes of two decades up to the largest.
  var observations: [Observation<UnitTransfer<Double>>] {
    (0..<runs).map { index in
      let bytes = largest * Double.exp(-4 * (1 - (Double(index) + 0.5) / Double(runs)))
      let count = Double(units)
      let transfer =
        isSerial
        ? UnitTransfer(units: count, pushes: 1, copies: count, copiedBytes: bytes)
        : UnitTransfer(units: count, pushes: direction == .toUnits ? 2 : 1, bytesPerUnit: bytes / count)
      return Observation(transfer, seconds: start + bytes / bandwidth, work: bytes)
    }
  }
}

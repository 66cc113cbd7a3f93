import Foundation
import Testing

@testable import Kernels

/// A tree that stands for `/sys`, removed at the end.
private final class FakeSystem {
  let root = NSTemporaryDirectory() + "rooftree-sys-" + UUID().uuidString

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func write(_ path: String, _ text: String) throws {
    let file = root + "/class/" + path
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: false, encoding: .utf8)
  }

  /// A powercap zone as the kernel's powercap.rst shows it.
  func zone(_ zone: String, _ name: String, _ microjoules: UInt64, range: UInt64 = 262_143_328_850) throws {
    try write("powercap/\(zone)/name", name + "\n")
    try write("powercap/\(zone)/energy_uj", "\(microjoules)\n")
    try write("powercap/\(zone)/max_energy_range_uj", "\(range)\n")
  }
}

@Suite struct EnergyMeterTests {
  /// Packages and their DRAM count; cores and uncore are parts of a package, psys holds everything again.
  @Test func packagesAndMemoryAddUp() throws {
    let system = FakeSystem()
    try system.zone("intel-rapl:0", "package-0", 1_000_000)
    try system.zone("intel-rapl:0:0", "core", 7)
    try system.zone("intel-rapl:0:1", "uncore", 7)
    try system.zone("intel-rapl:0:2", "dram", 500_000)
    try system.zone("intel-rapl:1", "package-1", 2_000_000)
    try system.zone("intel-rapl:2", "psys", 7)
    try system.write("powercap/intel-rapl/enabled", "1\n")
    let meter = EnergyMeter(root: system.root)
    #expect(meter.counters.map(\.name) == ["package-0", "dram", "package-1"])
    #expect(meter.absence == nil)
    let start = try #require(meter.read())
    try system.zone("intel-rapl:0", "package-0", 4_000_000)
    try system.zone("intel-rapl:0:0", "core", 1_000_000_000)
    try system.zone("intel-rapl:0:2", "dram", 1_500_000)
    try system.zone("intel-rapl:1", "package-1", 2_250_000)
    let end = try #require(meter.read())
    #expect(abs(meter.joules(from: start, to: end) - 4.25) < 1e-12)
  }

  /// A counter that went round: from 10 J below its range to 5 J above zero.
  @Test func countersBeginAgain() throws {
    let system = FakeSystem()
    let range: UInt64 = 262_143_328_850
    try system.zone("intel-rapl:0", "package-0", range - 10_000_000)
    let meter = EnergyMeter(root: system.root)
    let start = try #require(meter.read())
    try system.zone("intel-rapl:0", "package-0", 5_000_000)
    let end = try #require(meter.read())
    #expect(abs(meter.joules(from: start, to: end) - 15) < 1e-5)
  }

  /// AMD's hwmon driver: sockets count, cores are parts of them; read only where powercap has nothing.
  @Test func socketsOfHwmon() throws {
    let system = FakeSystem()
    try system.write("hwmon/hwmon3/name", "amd_energy\n")
    try system.write("hwmon/hwmon3/energy1_label", "Ecore000\n")
    try system.write("hwmon/hwmon3/energy1_input", "100\n")
    try system.write("hwmon/hwmon3/energy2_label", "Esocket0\n")
    try system.write("hwmon/hwmon3/energy2_input", "3000000\n")
    let meter = EnergyMeter(root: system.root)
    #expect(meter.counters.map(\.name) == ["Esocket0"])
    try system.zone("intel-rapl:0", "package-0", 1)
    #expect(EnergyMeter(root: system.root).counters.map(\.name) == ["package-0"])
  }

  @Test func absenceIsExplained() throws {
    let system = FakeSystem()
    try system.write("hwmon/hwmon0/name", "nvme\n")
    let meter = EnergyMeter(root: system.root)
    #expect(meter.counters.isEmpty)
    #expect(meter.read() == nil)
    #expect(meter.absence == "neither RAPL (powercap) nor hwmon shows an energy counter here")
    // A counter that is there but says nothing, as for a user without the right to read it.
    try system.zone("intel-rapl:0", "package-0", 1)
    try system.write("powercap/intel-rapl:0/energy_uj", "")
    #expect(
      EnergyMeter(root: system.root).absence
        == "\(system.root)/class/powercap/intel-rapl:0/energy_uj is there but may not be read by this user")
  }
}

import Glibc

/// The energy counters that the machine lets this process read: RAPL through powercap, or hwmon's.
///
/// Powercap (`/sys/class/powercap/intel-rapl:*`, AMD's processors too) has a counter for each package and, below it,
/// one for its DRAM; core and uncore counters are parts of the package's and are left out, as is the whole platform's.
/// Hwmon (`/sys/class/hwmon/*/energy*_input`, such as the driver `amd_energy`) is read where powercap has nothing; of its
/// counters those of sockets count. Both count microjoules from an arbitrary start. Powercap's begin again at zero
/// above `max_energy_range_uj`.
///
/// Source: the Linux kernel's `Documentation/power/powercap/powercap.rst` and `Documentation/hwmon/sysfs-interface.rst`.
public struct EnergyMeter: Sendable {
  /// One counter.
  public struct Counter: Sendable, Hashable {
    /// What it counts: `package-0`, `dram`, `Esocket0`.
    public let name: String
    /// The file with its microjoules.
    public let path: String
    /// Microjoules above which it begins again at zero; nil when it never does.
    public let range: UInt64?
  }

  /// What stands at the counters at a moment, in microjoules.
  public struct Reading: Sendable {
    let counts: [UInt64]
  }

  /// The counters that add up to the energy of the processor and its memory.
  public let counters: [Counter]
  /// Why there is no counter, in words; nil when there is one.
  public let absence: String?

  /// Looks for counters.
  ///
  /// - Parameter root: the folder that stands for `/sys`; tests give one of their own.
  public init(root: String = "/sys") {
    var found = EnergyMeter.powercap(root + "/class/powercap")
    if found.counters.isEmpty {
      let other = EnergyMeter.hwmon(root + "/class/hwmon")
      found.counters = other.counters
      found.unreadable += other.unreadable
    }
    counters = found.counters
    absence =
      !counters.isEmpty
      ? nil
      : found.unreadable.first.map { "\($0) is there but may not be read by this user" }
        ?? "neither RAPL (powercap) nor hwmon shows an energy counter here"
  }

  private typealias Found = (counters: [Counter], unreadable: [String])

  private static func powercap(_ folder: String) -> Found {
    var found: Found = ([], [])
    for zone in names(in: folder) where zone.hasPrefix("intel-rapl:") {
      let path = "\(folder)/\(zone)"
      guard let name = firstLine(path + "/name"), name.hasPrefix("package") || name == "dram" else {
        continue
      }
      add(
        "energy_uj", name, path, range: firstLine(path + "/max_energy_range_uj").flatMap { UInt64($0) },
        &found)
    }
    return found
  }

  private static func hwmon(_ folder: String) -> Found {
    var found: Found = ([], [])
    for device in names(in: folder) {
      let path = "\(folder)/\(device)"
      for file in names(in: path) where file.hasPrefix("energy") && file.hasSuffix("_input") {
        let label = firstLine("\(path)/\(file.dropLast("input".count))label") ?? file
        guard label.hasPrefix("Esocket") || label.hasPrefix("package") else { continue }
        add(file, label, path, range: nil, &found)
      }
    }
    return found
  }

  private static func add(
    _ file: String, _ name: String, _ folder: String, range: UInt64?, _ found: inout Found
  ) {
    let path = "\(folder)/\(file)"
    if firstLine(path).flatMap({ UInt64($0) }) != nil {
      found.counters.append(Counter(name: name, path: path, range: range))
    } else if access(path, F_OK) == 0 {
      found.unreadable.append(path)
    }
  }

  /// The counters now; nil when one cannot be read any more.
  public func read() -> Reading? {
    guard !counters.isEmpty else { return nil }
    var counts: [UInt64] = []
    for counter in counters {
      guard let count = EnergyMeter.firstLine(counter.path).flatMap({ UInt64($0) }) else { return nil }
      counts.append(count)
    }
    return Reading(counts: counts)
  }

  /// The energy between two readings, in joules.
  ///
  /// A counter that stands lower at the end has begun again once: read more often than it can go round, which at
  /// 500 W takes a usual one (262 kJ) nine minutes.
  public func joules(from start: Reading, to end: Reading) -> Double {
    var sum = 0.0
    for (index, counter) in counters.enumerated() {
      let (first, last) = (start.counts[index], end.counts[index])
      if last >= first {
        sum += Double(last - first)
      } else if let range = counter.range, first <= range {
        sum += Double(range - first) + Double(last) + 1
      }
    }
    return sum * 1e-6
  }

  /// Names in a folder, sorted; none when it cannot be read.
  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  private static func firstLine(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 256)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
    let text = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
    return String(decoding: text, as: UTF8.self)
  }
}

import Glibc

/// What this machine says of its processor.
public struct HostDescription: Sendable {
  /// A cache level as the kernel describes it.
  public struct Cache: Sendable {
    /// 1, 2 or 3.
    public let level: Int
    /// Bytes of one instance.
    public let bytes: Int
    /// Cores that share an instance.
    public let sharedBy: Int
  }

  /// The processor's name.
  public let model: String
  /// Cores that this process may use.
  public let cores: Int
  /// Data and unified caches, the nearest first.
  public let caches: [Cache]
  /// Bytes of main memory.
  public let memory: Int

  /// Reads `/proc` and `/sys` of this machine.
  public static func read() -> HostDescription {
    var model = "unknown processor"
    for line in lines("/proc/cpuinfo") where line.hasPrefix("model name") {
      model = String(line.split(separator: ":", maxSplits: 1).last?.drop { $0 == " " } ?? "")
      break
    }
    let allowed = lines("/proc/self/status").first { $0.hasPrefix("Cpus_allowed_list:") }
    let list = allowed?.split(separator: ":").last.map { $0.filter { $0 != "\t" && $0 != " " } }
    var cores = list.map(count(of:)) ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    // A scheduler's grant counts more than what the machine has.
    if let granted = getenv("SLURM_CPUS_PER_TASK").flatMap({ Int(String(cString: $0)) }) {
      cores = min(cores, max(1, granted))
    }
    var caches: [Cache] = []
    for index in 0..<8 {
      let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
      guard let type = lines(folder + "type").first, type != "Instruction",
        let level = lines(folder + "level").first.flatMap({ Int($0) }),
        let size = lines(folder + "size").first, let kibibytes = Int(size.dropLast())
      else { continue }
      let sharing = lines(folder + "shared_cpu_list").first.map(count(of:)) ?? 1
      caches.append(Cache(level: level, bytes: kibibytes << 10, sharedBy: sharing))
    }
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    return HostDescription(
      model: model, cores: cores, caches: caches.sorted { $0.level < $1.level }, memory: memory)
  }

  /// Processors of a list such as `0-3,8`.
  private static func count(of list: String) -> Int {
    list.split(separator: ",").reduce(0) { sum, part in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      return sum + (ends.count == 2 ? ends[1] - ends[0] + 1 : 1)
    }
  }

  private static func lines(_ path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(buffer) }
    var result: [String] = []
    while getline(&buffer, &capacity, file) > 0, let text = buffer.map({ String(cString: $0) }) {
      result.append(String(text.prefix { $0 != "\n" }))
      if result.count > 200 { break }
    }
    return result
  }
}

import Calibration
import Documents
import Foundation
import Kernels
import Quantities
import Synchronization

/// Whether somebody asked the program to stop (Ctrl-C).
private let stopRequested = Atomic<Bool>(false)

/// A run of measurements on this machine: resumable, with its raw samples kept.
struct HostMeasurement {
  /// The folder of raw samples and medians.
  let folder: String
  let host: HostDescription
  let blas: BLAS
  let suite: KernelSuite
  let plan: MeasurementPlan
  /// What must be equal for samples of an earlier run to be taken over.
  let signature: String

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - folder: where samples are kept.
  ///   - kernel: the BLAS kernel to use; nil for the fastest that the processor has.
  ///   - thorough: whether to take the time for many samples.
  /// - Throws: `Diagnostic` when there is no BLAS library to compute with.
  init(folder: String, kernel: String?, thorough: Bool) throws {
    self.folder = folder
    host = HostDescription.read()
    do {
      blas = try BLAS.load(kernel: kernel)
    } catch {
      throw Diagnostic(file: nil, position: nil, fault: .contradiction("\(error)"))
    }
    plan = thorough ? .thorough : .quick
    suite = KernelSuite(blas, threads: host.cores > 1 ? [1, host.cores] : [1])
    signature =
      "\(host.model), \(host.cores) cores, \(blas.library.configuration.prefix { $0 != " " }) "
      + "\(blas.library.kernel), \(thorough ? "thorough" : "quick")"
  }

  var samplesPath: String { folder + "/samples.csv" }
  private static let header =
    "run,op,dtype,threads,params,sample,wall_us,processor_us,probe_per_ns,flops,bytes\n"

  /// Times every kernel that an earlier, interrupted run did not.
  ///
  /// - Parameter fresh: whether to begin again although there are samples.
  /// - Throws: `Diagnostic` when the samples cannot be read or written.
  /// - Returns: the measurements; nil when it was interrupted.
  func run(fresh: Bool) throws -> [String: KernelTimes]? {
    var done = fresh ? [:] : try kept()
    if done.count == suite.items.count { done = [:] }
    if done.isEmpty { try writeFile(Self.header, to: samplesPath) }
    signal(SIGINT) { _ in stopRequested.store(true, ordering: .relaxed) }
    defer { signal(SIGINT, SIG_DFL) }
    let isTerminal = isatty(2) == 1
    func say(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
    let start = Stopwatch.wall
    let waiting = suite.items.filter { done[$0.kernel.key] == nil }
    // The fastest probe of each team, from a moment before the first kernel.
    var fastest: [Int: Double] = [:]
    for threads in Set(suite.items.map(\.kernel.threads)) {
      fastest[threads] = (0..<200).map { _ in Stopwatch.probe(on: suite.pools[threads]) }.max()
    }
    if !done.isEmpty { say("\(done.count) kernels are there from an interrupted run\n") }
    for (index, item) in waiting.enumerated() {
      if isTerminal {
        let elapsed = Stopwatch.wall - start
        let left =
          index == 0 ? "" : ", \(Int(elapsed / Double(index) * Double(waiting.count - index))) s left"
        say("\u{1b}[2K\r\(index + done.count)/\(suite.items.count)\(left)  \(item.kernel.key)")
      }
      let measurement = plan.measure(
        item.kernel, team: suite.pools[item.kernel.threads],
        fastest: &fastest[item.kernel.threads, default: 0]
      ) { stopRequested.load(ordering: .relaxed) }
      if stopRequested.load(ordering: .relaxed) {
        say("\(isTerminal ? "\u{1b}[2K\r" : "")stopped; the same command goes on from here\n")
        return nil
      }
      try append(measurement)
      done[item.kernel.key] = measurement
    }
    if isTerminal { say("\u{1b}[2K\r") }
    return done
  }

  /// Samples of an interrupted run of the same machine, library and plan.
  private func kept() throws -> [String: KernelTimes] {
    guard access(samplesPath, R_OK) == 0 else { return [:] }
    let table = try Table(path: samplesPath)
    var samples: [String: [KernelTimes.Sample]] = [:]
    var counts: [String: (threads: Int, flop: Int, bytes: Int)] = [:]
    for row in table.rows {
      guard row.text("run") == signature else { return [:] }
      let key = "\(row.text("op")),\(row.text("dtype")),\(row.text("threads")),\(row.text("params"))"
      samples[key, default: []].append(
        .init(
          wall: try row.positive("wall_us") * 1e-6, processor: try row.number("processor_us") * 1e-6,
          probe: try row.positive("probe_per_ns")))
      counts[key] = (
        Int(try row.positive("threads")), Int(try row.number("flops")), Int(try row.number("bytes"))
      )
    }
    var result: [String: KernelTimes] = [:]
    for (key, list) in samples where list.count >= plan.samples {
      guard let count = counts[key] else { continue }
      result[key] = KernelTimes(
        key: key, threads: count.threads, flop: count.flop, bytes: count.bytes, wanted: plan.samples,
        samples: list)
    }
    return result
  }

  /// Appends a kernel's samples in one write.
  private func append(_ measurement: KernelTimes) throws {
    var text = ""
    for (index, sample) in measurement.samples.enumerated() {
      text +=
        "\(csvField(signature)),\(measurement.key),\(index),\(sample.wall * 1e6),\(sample.processor * 1e6),"
        + "\(sample.probe),\(measurement.flop),\(measurement.bytes)\n"
    }
    let descriptor = open(samplesPath, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw OutputFailure(path: samplesPath, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
      throw OutputFailure(path: samplesPath, reason: String(cString: strerror(errno)))
    }
  }

  /// The medians as a table of the form of `cpu_xeon16.csv`.
  ///
  /// - Parameters:
  ///   - measurements: by key.
  ///   - heldOut: which part: rows for the fit, or those kept out of it.
  /// - Returns: CSV text.
  func table(_ measurements: [String: KernelTimes], heldOut: Bool) -> String {
    var text = "op,dtype,threads,params,median_us,min_us,reps,flops,bytes\n"
    for item in suite.items where item.isHeldOut == heldOut {
      guard let measurement = measurements[item.kernel.key] else { continue }
      text +=
        "\(measurement.key),\(measurement.median * 1e6),\(measurement.best * 1e6),"
        + "\(measurement.samples.count),\(measurement.flop),\(measurement.bytes)\n"
    }
    return text
  }

  /// The description of this machine for `models/hardware`, with peaks and bandwidths as measured.
  ///
  /// - Parameter measurements: by key.
  /// - Returns: YAML text.
  func hardware(_ measurements: [String: KernelTimes]) -> String {
    let cores = Double(host.cores)
    func best(_ operation: String, _ precision: String, _ rate: (KernelTimes) -> Double) -> Double {
      measurements.values.filter { $0.key.hasPrefix("\(operation),\(precision),") }.map(rate).max() ?? 0
    }
    /// Peak of all cores: that of one, since cores do not share what multiplies.
    func peak(_ precision: String) -> String {
      let one = best("gemm", precision) { $0.threads == 1 ? Double($0.flop) / $0.best : 0 }
      return FLOPPerSecond(one * cores).formatted(digits: 4)
    }
    func bandwidth(_ bytes: ClosedRange<Int>) -> String? {
      let rate = best("triad", "fp64") { bytes.contains($0.bytes) ? Double($0.bytes) / $0.best : 0 }
      return rate > 0 ? BytesPerSecond(rate).formatted(digits: 4) : nil
    }
    let chain = (0..<50).map { _ in Stopwatch.chainRate() }.max() ?? 1
    let source = "\"rooftree calibrate on this machine: \(signature)\""
    var text = """
      # yaml-language-server: $schema=../schemas/hardware.schema.json
      name: this-machine
      title: \(quoted(host.model + ", \(host.cores) cores as this process sees them"))
      kind: cpu
      note: Written by rooftree calibrate; rates are the fastest that any timed kernel reached, not a data sheet's.
      sources:
        calibrate: \(source)
      compute:
        unit: core
        units: {value: \(host.cores), kind: measured, source: calibrate}
        clock: {value: \(Hertz(chain * Self.chainCycles * 1e9).formatted(digits: 3)), low: 0.5 GHz, high: 7 GHz, kind: assumed, source: "a chain of dependent integer operations, five cycles a step on processors of the last ten years"}
        rates:
          fp32: {value: \(peak("fp32")), kind: measured, source: calibrate}
          fp64: {value: \(peak("fp64")), kind: measured, source: calibrate}
      memory:
        dram:
          technology: main memory
          capacity: {value: \(Bytes(Double(host.memory)).formatted(digits: 6, binary: true)), kind: measured, source: "the system's page count"}

      """
    let large = (host.caches.last?.bytes ?? 1 << 20) * 2
    if let rate = bandwidth(large...Int.max) {
      text += "    bandwidth: {value: \(rate), kind: measured, source: calibrate}\n"
    }
    for cache in host.caches.reversed() {
      let isShared = cache.sharedBy > 1 || cache.level >= 3
      // A core's own cache is described as one unit's; a shared one as the device's.
      text += "  l\(cache.level):\n    technology: SRAM\n"
      if !isShared { text += "    scope: unit\n" }
      text +=
        "    capacity: {value: \(Bytes(Double(cache.bytes)).formatted(digits: 6, binary: true)), kind: measured, source: \"the system's description of its caches\"}\n"
    }
    text += """
      power:
        limit: {value: \(Watts(5 * cores).formatted()), low: \(Watts(1.5 * cores).formatted()), high: \(Watts(15 * cores).formatted()), kind: assumed, source: "\(host.energyCounter == nil ? "the machine exposes no energy counter; " : "")server processors of 2019 to 2025 print 200 to 500 W for 32 to 192 cores: 2 to 8 W a core, desktop ones up to 15"}

      """
    return text
  }

  /// Cycles of one step of the chain: a shift (1), an exclusive or (1) and a 64-bit multiplication (3).
  static let chainCycles = 5.0

  private func quoted(_ text: String) -> String {
    "\"" + text.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline } + "\""
  }
}

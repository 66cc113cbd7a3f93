import Calibration
import CostModels
import Documents
import Foundation
import Kernels
import Quantities
import Synchronization

/// Whether somebody asked the program to stop (Ctrl-C).
private let stopRequested = Atomic<Bool>(false)

/// A run of measurements on this machine: resumable, with its raw samples kept.
struct HostMeasurement {
  /// The folder of raw samples and best times.
  let folder: String
  let host: HostDescription
  let library: BLASLibrary
  let suite: KernelSuite
  let plan: MeasurementPlan
  let meter: EnergyMeter
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
    let host = HostDescription.read()
    let blas: BLAS
    do {
      blas = try BLAS.load(kernel: kernel)
    } catch {
      throw Diagnostic(file: nil, position: nil, fault: .contradiction("\(error)"))
    }
    self.init(
      folder: folder, host: host, library: blas.library,
      suite: KernelSuite(blas, threads: host.cores > 1 ? [1, host.cores] : [1]),
      plan: thorough ? .thorough : .quick, planName: thorough ? "thorough" : "quick", meter: EnergyMeter())
  }

  /// A run of any kernels by any plan.
  init(
    folder: String, host: HostDescription, library: BLASLibrary, suite: KernelSuite, plan: MeasurementPlan,
    planName: String, meter: EnergyMeter
  ) {
    (self.folder, self.host, self.library, self.suite) = (folder, host, library, suite)
    (self.plan, self.meter) = (plan, meter)
    signature =
      "\(host.model), \(host.cores) cores, \(library.configuration.prefix { $0 != " " }) "
      + "\(library.kernel), \(planName)"
  }

  var samplesPath: String { folder + "/samples.csv" }
  private static let header =
    "run,op,dtype,threads,params,round,sample,wall_us,processor_us,probe_per_ns,joules,flops,bytes\n"

  /// A kernel in a round.
  private struct Turn: Hashable {
    let key: String
    let round: Int
  }

  /// Times every kernel in every round that an earlier, interrupted run did not.
  ///
  /// - Parameters:
  ///   - fresh: whether to begin again although there are samples.
  ///   - isStopped: asked between samples whether to stop; nil for Ctrl-C.
  /// - Throws: `Diagnostic` when the samples cannot be read or written.
  /// - Returns: the measurements by kernel; nil when it was interrupted.
  func run(fresh: Bool, isStopped: (() -> Bool)? = nil) throws -> [String: KernelTimes]? {
    var done = fresh ? [:] : try kept()
    let turns = (0..<plan.rounds).flatMap { round in suite.items.map { (round: round, item: $0) } }
    var waiting = turns.filter { done[Turn(key: $0.item.kernel.key, round: $0.round)] == nil }
    if waiting.isEmpty { (done, waiting) = ([:], turns) }
    if done.isEmpty { try writeFile(Self.header, to: samplesPath) }
    signal(SIGINT) { _ in stopRequested.store(true, ordering: .relaxed) }
    defer { signal(SIGINT, SIG_DFL) }
    let isStopped = isStopped ?? { stopRequested.load(ordering: .relaxed) }
    let isTerminal = isatty(2) == 1
    func say(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
    let start = Stopwatch.wall
    // The fastest probe of each team, from a moment before the first kernel.
    var fastest: [Int: Double] = [:]
    for threads in Set(suite.items.map(\.kernel.threads)) {
      fastest[threads] = (0..<200).map { _ in Stopwatch.probe(on: suite.pools[threads]) }.max()
    }
    if !done.isEmpty { say("\(done.count) of \(turns.count) timings are there from an interrupted run\n") }
    for (index, turn) in waiting.enumerated() {
      let kernel = turn.item.kernel
      if isTerminal {
        let elapsed = Stopwatch.wall - start
        let left =
          index == 0 ? "" : ", \(Int(elapsed / Double(index) * Double(waiting.count - index))) s left"
        say("\u{1b}[2K\r\(turns.count - waiting.count + index)/\(turns.count)\(left)  \(kernel.key)")
      }
      let measurement = plan.measure(
        kernel, round: turn.round, team: suite.pools[kernel.threads], meter: meter,
        fastest: &fastest[kernel.threads, default: 0], isCancelled: isStopped)
      if isStopped() {
        say("\(isTerminal ? "\u{1b}[2K\r" : "")stopped; the same command goes on from here\n")
        return nil
      }
      try append(measurement)
      done[Turn(key: kernel.key, round: turn.round)] = measurement
    }
    if isTerminal { say("\u{1b}[2K\r") }
    return Self.merged(done)
  }

  /// The samples of all rounds of each kernel.
  private static func merged(_ turns: [Turn: KernelTimes]) -> [String: KernelTimes] {
    var result: [String: KernelTimes] = [:]
    for (turn, times) in turns.sorted(by: { $0.key.round < $1.key.round }) {
      if result[turn.key] == nil {
        result[turn.key] = times
      } else {
        result[turn.key]?.samples += times.samples
      }
    }
    return result
  }

  /// The measurements that the last run of this machine left, complete or not, without measuring.
  ///
  /// - Throws: `Diagnostic` when there are none, or they are of another machine, library or plan.
  func earlier() throws -> [String: KernelTimes] {
    let turns = try kept()
    guard !turns.isEmpty else {
      throw Diagnostic(
        file: samplesPath, position: nil,
        fault: .contradiction("no samples of '\(signature)' are here: run rooftree calibrate first"))
    }
    return Self.merged(turns)
  }

  /// Samples of an earlier run of the same machine, library and plan.
  private func kept() throws -> [Turn: KernelTimes] {
    guard let data = FileManager.default.contents(atPath: samplesPath) else { return [:] }
    // A process that was killed can leave a line half written: the whole ones count.
    let whole = data.prefix(upTo: data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? data.startIndex)
    let text = String(decoding: whole, as: UTF8.self)
    guard text.hasPrefix(Self.header) else { return [:] }
    let table = try Table(text: text, file: samplesPath)
    var result: [Turn: KernelTimes] = [:]
    for row in table.rows {
      guard row.text("run") == signature else { return [:] }
      let key = "\(row.text("op")),\(row.text("dtype")),\(row.text("threads")),\(row.text("params"))"
      let turn = Turn(key: key, round: Int(try row.number("round", in: 0...1e6)))
      let sample = KernelTimes.Sample(
        round: turn.round, wall: try row.positive("wall_us") * 1e-6,
        processor: try row.number("processor_us") * 1e-6, probe: try row.positive("probe_per_ns"),
        joules: row.text("joules").isEmpty ? nil : try row.number("joules"))
      var times =
        try result[turn]
        ?? KernelTimes(
          key: key, threads: Int(try row.number("threads", in: 1...1e6)),
          flop: Int(try row.number("flops", in: 0...1e18)), bytes: Int(try row.number("bytes", in: 0...1e18)),
          samples: [])
      times.samples.append(sample)
      result[turn] = times
    }
    return result.filter { $0.value.samples.count >= plan.samples }
  }

  /// Appends a kernel's samples of a round: all of them or none.
  private func append(_ measurement: KernelTimes) throws {
    var text = ""
    for (index, sample) in measurement.samples.enumerated() {
      text +=
        "\(csvField(signature)),\(measurement.key),\(sample.round),\(index),\(sample.wall * 1e6),\(sample.processor * 1e6),"
        + "\(sample.probe),\(sample.joules.map { "\($0)" } ?? ""),\(measurement.flop),\(measurement.bytes)\n"
    }
    let descriptor = open(samplesPath, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw OutputFailure(path: samplesPath, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    let end = lseek(descriptor, 0, SEEK_END)
    let bytes = Array(text.utf8)
    let written = write(descriptor, bytes, bytes.count)
    guard written == bytes.count else {
      let reason = written < 0 ? String(cString: strerror(errno)) : "No space left on device"
      if end >= 0 { _ = ftruncate(descriptor, end) }
      throw OutputFailure(path: samplesPath, reason: reason)
    }
  }

  /// The times as a table of the form of `cpu_xeon16.csv`, with the best sample beside the median.
  ///
  /// - Parameters:
  ///   - measurements: by key.
  ///   - heldOut: which part: rows for the fit, or those kept out of it.
  /// - Returns: CSV text.
  func table(_ measurements: [String: KernelTimes], heldOut: Bool) -> String {
    var text = "op,dtype,threads,params,best_us,median_us,reps,flops,bytes,joules\n"
    for item in suite.items where item.isHeldOut == heldOut {
      guard let measurement = measurements[item.kernel.key] else { continue }
      text +=
        "\(measurement.key),\(measurement.best * 1e6),\(measurement.median * 1e6),"
        + "\(measurement.samples.count),\(measurement.flop),\(measurement.bytes),"
        + "\(measurement.joules.map { "\($0)" } ?? "")\n"
    }
    return text
  }

  /// The description of this machine for `models/hardware`, with peaks and bandwidths as measured.
  ///
  /// - Parameters:
  ///   - measurements: by key.
  ///   - energy: what is known of its energy.
  /// - Returns: YAML text.
  func hardware(_ measurements: [String: KernelTimes], energy: HostEnergyReport) -> String {
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
    let limit =
      "\(meter.absence.map { "\($0); " } ?? "")data sheets of server processors of 2019 to 2025 print 200 to 500 W for 32 to 192 cores, 2 to 8 W a core, desktop ones up to 15 (recalled)"
    let idle = energy.constants.map { fitted -> String in
      let width = (1.645 * fitted.relativeErrors[0]).exponential()
      return
        "{value: \(Watts(fitted.values[0]).formatted()), low: \(Watts(fitted.values[0] / width).formatted()), high: \(Watts(fitted.values[0] * width).formatted()), kind: fitted, source: calibrate}"
    }
    let assumedIdle =
      "{value: \(Watts(1.25 * cores).formatted()), low: \(Watts(0.2 * cores).formatted()), high: \(Watts(7.5 * cores).formatted()), kind: assumed, source: \"a quarter of the limit, a tenth to a half: servers idled at half their peak power in 2007 (Barroso and Hölzle, Computer 40(12)) and do at less since (recalled)\"}"
    text += "power:\n"
    if idle == nil {
      text +=
        "  limit: {value: \(Watts(5 * cores).formatted()), low: \(Watts(1.5 * cores).formatted()), high: \(Watts(15 * cores).formatted()), kind: assumed, source: \"\(limit)\"}\n"
    }
    text += "  idle: \(idle ?? assumedIdle)\n"
    return text
  }

  /// Cycles of one step of the chain: a shift (1), an exclusive or (1) and a 64-bit multiplication (3).
  static let chainCycles = 5.0

  private func quoted(_ text: String) -> String {
    "\"" + text.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline } + "\""
  }
}

import Calibration
import CostModels
import Documents
import Hardware
import ModelTestSupport
import Quantities
import RealModule
import Testing
import Workloads

/// Forms of processors on synthetic times: what is known of the truth, the fit must find.
@Suite struct HostFitTests {
  /// A core of 100 GFLOP/s in FP32 with caches of 32 KiB, 1 MiB and (shared) 32 MiB.
  static let machine = HostMachine<Double>(coreRate: 100e9, coreCaches: [0x1p15, 0x1p20, 0x1p25])

  /// Fits noisy times of known constants, 200 seeds, and counts intervals that hold them.
  ///
  /// The fit starts at the truth: this is about intervals. What the shapes do not determine is left out by name.
  static func coverage<Form: FittedForm, S: Sendable>(
    _ form: Form.Type, truth: [Double], _ subjects: [S], noise: Double = 0.05, free: Set<String>,
    time: (Form, S) -> Double
  ) throws -> [String: Int] where Form.N == Double {
    let exact = Form(constants: truth)
    let held = Set(Form.constants.indices.filter { !free.contains(Form.constants[$0].name) })
    var counts: [String: Int] = [:]
    for seed in UInt64(0)..<200 {
      var random = SplitMix64(seed: seed)
      let rows = subjects.map {
        Observation($0, seconds: time(exact, $0) * Double.exp(noise * random.normal()), work: 1)
      }
      let fitted = try fit(form, to: rows, holding: held, prior: truth, predict: time)
      for (index, constant) in Form.constants.enumerated() where free.contains(constant.name) {
        let distance = abs(Double.log(fitted.values[index] / truth[index]))
        counts[constant.name, default: 0] += distance <= 1.645 * fitted.relativeErrors[index] ? 1 : 0
      }
    }
    print("\(Form.name): of 200 intervals of 90 % hold the truth: \(counts.sorted { $0.key < $1.key })")
    return counts
  }

  /// 90 % of 200 is 180 with a standard deviation of 4.2: each constant within four of them, all together 85 to 95 %.
  static func expectStatedRate(_ counts: [String: Int]) {
    for (name, count) in counts { #expect((163...197).contains(count), "\(name): \(count)") }
    let share = Double(counts.values.reduce(0, +)) / Double(200 * counts.count)
    #expect((0.85...0.95).contains(share), "\(share)")
  }

  @Test func productConstantsAreRecovered() throws {
    let shapes: [(GEMM<Double>, Double)] = [1.0, 4].flatMap { threads in
      [
        (128.0, 128.0, 128.0), (192, 192, 192), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024),
        (2048, 2048, 2048), (2048, 2048, 8), (1024, 1024, 16), (2048, 8, 1024), (1024, 16, 2048),
        (8, 2048, 1024),
        (16, 1024, 2048), (144, 144, 144), (224, 224, 224), (3000, 12, 700), (12, 3000, 700),
      ]
      .map { (GEMM(m: $0.0, n: $0.1, k: $0.2), threads) }
    }
    let names = HostGEMMForm<Double>.constants.map(\.name)
    let values = [
      "start": 0.3, "efficiency": 0.9, "edge_m": 5, "edge_n": 9, "edge_k": 7, "sync": 15, "exchange_rate": 30,
      "thread_loss": 0.04, "packing_rate": 60, "core_memory_rate": 60, "memory_rate": 100,
    ]
    Self.expectStatedRate(
      try Self.coverage(
        HostGEMMForm<Double>.self, truth: names.map { values[$0] ?? .nan }, shapes,
        free: ["efficiency", "edge_m", "edge_n", "edge_k", "sync"]
      ) { $0.cost($1.0, .fp32, on: Self.machine, threads: $1.1).time })
  }

  /// Sizes from the first cache to the main memory, on one and two threads.
  static let sizes: [(bytes: Double, threads: Double)] = [1.0, 2].flatMap { threads in
    (0..<20).map { (8192 * Double.exp(Double($0) * Double.log(1e5) / 19), threads) }
  }

  @Test func streamConstantsAreRecovered() throws {
    let truth = [0.02, 0.7, 160, 110, 85, 36, 45, 1, 0.7, 0.3, 4, 0.001, 0.001]
    Self.expectStatedRate(
      try Self.coverage(
        HostStreamForm<Double>.self, truth: truth, Self.sizes,
        free: ["sync", "l2_rate", "l3_rate", "core_memory_rate", "memory_rate", "shared_part", "sharpness"]
      ) { $0.cost(bytes: $1.bytes, footprint: $1.bytes, on: Self.machine, threads: $1.threads).time })
  }

  @Test func sparseConstantsAreRecovered() throws {
    var batches: [(batch: Double, nonzeros: Double, threads: Double)] = []
    for threads in [1.0, 2] {
      for batch in [8.0, 16, 64, 256, 1024, 4096, 16_384] {
        for nonzeros in [4.0, 39, 200] { batches.append((batch, nonzeros, threads)) }
      }
    }
    Self.expectStatedRate(
      try Self.coverage(
        HostSparseForm<Double>.self, truth: [0.4, 1.5, 12, 20, 1.1, 0.8], batches,
        free: ["sync", "row_time", "sample_time", "nonzero_time", "miss_time"]
      ) {
        $0.cost(
          samples: $1.batch, nonzeros: $1.nonzeros, modelBytes: 4e6, on: Self.machine, threads: $1.threads
        ).time
      })
  }

  /// Power and energies from runs at different intensity, with 3 % of noise.
  @Test func energiesAreRecovered() throws {
    let truth = HostEnergyForm<Double>(constants: [35, 6, 12, 90])
    var random = SplitMix64(seed: 8)
    var rows: [EnergyObservation] = []
    for threads in [1.0, 2, 4] {
      for (flop, bytes) in [(80e9, 1e9), (1e9, 20e9), (20e9, 20e9), (0.1e9, 0.2e9), (100e9, 2e9)] {
        for seconds in [0.5, 2] {
          let joules = truth.energy(
            time: seconds, threads: threads, flop: flop * seconds, bytes: bytes * seconds)
          rows.append(
            EnergyObservation(
              seconds: seconds, threads: threads, flop: flop * seconds, bytes: bytes * seconds,
              joules: joules * Double.exp(0.03 * random.normal())))
        }
      }
    }
    let (constants, report) = try fitHostEnergy(rows)
    for (value, exact) in zip(constants.values, [35.0, 6, 12, 90]) { #expect(abs(value / exact - 1) < 0.25) }
    let mean = report.heldOutErrors.map(abs).reduce(0, +) / Double(rows.count)
    #expect(mean < 0.05)
    // A counter that never ticks is no measurement.
    let still = rows.map { EnergyObservation(seconds: $0.seconds, threads: 1, flop: 1, bytes: 1, joules: 0) }
    #expect(throws: FitError.underdetermined(observations: 0, parameters: 4)) { try fitHostEnergy(still) }
  }

  /// By hand: half a second of two threads at 10 + 2·5 W, 1e9 operations of 20 pJ and 1e8 bytes of 100 pJ.
  @Test func energyByHand() {
    let form = HostEnergyForm<Double>(constants: [10, 5, 20, 100])
    #expect(abs(form.energy(time: 0.5, threads: 2, flop: 1e9, bytes: 1e8) - (10 + 0.02 + 0.01)) < 1e-12)
  }

  /// A walk over a working set that a level holds runs at that level's rate; much more than all caches, at the memory's.
  @Test func plateaus() {
    let form = HostStreamForm<Double>(constants: [
      0.002, 0.02, 160, 110, 85, 30, 50, 1, 0.7, 0.01, 8, 0.001, 0.001,
    ])
    func rate(_ bytes: Double, _ threads: Double) -> Double {
      bytes / form.cost(bytes: bytes, footprint: bytes, on: Self.machine, threads: threads).time / 1e9
    }
    #expect(abs(rate(16_384, 1) / 160 - 1) < 0.05)
    #expect(abs(rate(0x1p18, 1) / 110 - 1) < 0.02)
    #expect(abs(rate(0x1p22, 1) / 85 - 1) < 0.02)
    #expect(abs(rate(0x1p30, 1) / 30 - 1) < 0.05)
    // Two private caches hold twice as much; the memory has one limit for all: (2·30)⁻⁴ + 50⁻⁴.
    #expect(abs(rate(0x1p20, 2) / 220 - 1) < 0.02)
    #expect(abs(rate(0x1p30, 2) / 45.2 - 1) < 0.02)
  }

  /// A product below 100³ runs on one thread however many there are, and takes longer with every dimension.
  @Test(arguments: UInt64(0)..<50) func productsGrow(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let form = HostGEMMForm<Double>(
      constants: HostGEMMForm<Double>.constants.map { random.logarithmic(in: $0.range) })
    func time(_ m: Double, _ n: Double, _ k: Double, _ threads: Double) -> Double {
      form.cost(GEMM(m: m, n: n, k: k), .fp64, on: Self.machine, threads: threads).time
    }
    #expect(time(96, 96, 96, 1) == time(96, 96, 96, 16))
    let sizes = (0..<3).map { _ in random.size(in: 128...3000) }
    let one = time(sizes[0], sizes[1], sizes[2], 1)
    #expect(one > 0 && one.isFinite)
    #expect(time(2 * sizes[0], sizes[1], sizes[2], 1) > one)
    #expect(time(sizes[0], 2 * sizes[1], sizes[2], 1) > one)
    #expect(time(sizes[0], sizes[1], 2 * sizes[2], 1) > one)
  }

  private static func values(_ text: String) throws -> [MeasuredValue] {
    let table = try Table(text: "op,dtype,threads,params,median_us,bytes\n" + text, file: "t.csv")
    return try measuredValues(of: table, kind: .cpuKernels)
  }

  /// Rows of one thread count cannot say what threads cost: the fit says so instead of guessing.
  @Test func whatOneThreadCannotSay() throws {
    let device = try Repository.device("intel-xeon-16c")
    var text = ""
    for n in [128.0, 192, 256, 384, 512, 768, 1024] {
      text += "gemm,fp64,1,m=\(Int(n));n=\(Int(n));k=\(Int(n)),\(2 * n * n * n / 60e3 * (1 + 12 / n)),1\n"
    }
    var hostFit = HostFit(device: device)
    hostFit.add(try Self.values(text))
    let result = try hostFit.calibration(named: "c", source: "a test")
    let open = try #require(result.calibration.identifiability.first)
    #expect(open.form == "host_gemm")
    for name in ["sync", "exchange_rate", "thread_loss"] { #expect(open.undetermined.contains(name)) }
    #expect(!open.undetermined.contains("efficiency"))
    let yaml = result.calibration.yaml()
    #expect(yaml.contains("thread_loss: {value: 0.000500000, relative_error: "))
    #expect(yaml.contains("  # "))
    #expect(open.words[0].hasPrefix("host_gemm: the rows do not determine "))
  }

  @Test func aSingleRowIsNotAFit() throws {
    var hostFit = HostFit(device: try Repository.device("intel-xeon-16c"))
    hostFit.add(try Self.values("gemm,fp64,1,m=64;n=64;k=64,10,1\n"))
    #expect(hostFit.tooFew.map(\.form) == ["host_gemm"])
    #expect(hostFit.tooFew.map(\.rows) == [1])
    #expect(try hostFit.calibration(named: "c", source: "t").reports.isEmpty)
  }

  /// A kernel that takes twice the form's time on one thread and on four is expected to take √2 times it on two; other
  /// shapes and types stay with the form.
  @Test func whatAShapeDeviatesOnOtherThreads() throws {
    let device = try Repository.device("intel-xeon-16c")
    var calibration = try Repository.calibration("intel-xeon-16c")
    calibration.threadCurves = [:]
    let plain = HostModel<Double>(device, calibration)
    func kernel(_ n: Double) -> HostKernel<Double> { .gemm(GEMM(m: 500, n: n, k: 700)) }
    func time(_ model: HostModel<Double>, _ n: Double, _ threads: Double, _ type: DataType = .fp32) throws
      -> Double
    {
      try #require(model.cost(kernel(n), operation: "gemm", type, threads: threads)).time
    }
    let points = try [1.0, 4].map { ThreadCurve.Point(threads: $0, seconds: 2 * (try time(plain, 600, $0))) }
    calibration.threadCurves[ThreadCurve.Key(kernel(600), operation: "gemm", .fp32)] = ThreadCurve(points)
    let corrected = HostModel<Double>(device, calibration)
    for threads in [1.0, 2, 3, 4, 8] {
      let ratio = try time(corrected, 600, threads) / time(plain, 600, threads)
      #expect(abs(ratio - 2.squareRoot()) < 1e-12)
      #expect(try time(corrected, 601, threads) == time(plain, 601, threads))
      #expect(try time(corrected, 600, threads, .fp64) == time(plain, 600, threads, .fp64))
    }
  }

  /// The shipped Xeon constants on the rows of their table: the project's number for it, with room for other libm.
  @Test func theXeonTableIsFitted() throws {
    let device = try Repository.device("intel-xeon-16c")
    let calibration = try Repository.calibration("intel-xeon-16c")
    let model = HostModel<Double>(device, calibration)
    let errors = try Repository.values("h200/cpu_xeon16.csv").compactMap { value -> Double? in
      guard case .host(let kernel, let operation, let type, let threads) = value.subject,
        let cost = model.cost(kernel, operation: operation, type, threads: threads)
      else { return nil }
      return abs(cost.time / (value.measured * value.unit) - 1)
    }
    #expect(errors.count == 69)
    #expect(errors.reduce(0, +) / 69 < 0.05)
  }
}

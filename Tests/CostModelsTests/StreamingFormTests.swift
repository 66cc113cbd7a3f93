import Calibration
import CostModels
import Quantities
import ModelTestSupport
import Testing
import Workloads

@Suite struct StreamingFormTests {
  static let definitions = StreamingForm<Double>.constants

  static func index(_ name: String) -> Int { Constant.index(name, in: definitions) }

  static func time(
    _ shape: Streaming<Double>, on machine: Machine<Double>, _ constants: [Double], units: Double? = nil
  ) -> Double {
    StreamingForm(constants: constants).cost(shape, .bf16, on: machine, units: units).time
  }

  /// 1 TB/s, 40 MB of cache, units that never bind.
  func plainMachine() throws -> (Machine<Double>, [Double]) {
    var machine = Machine<Double>(try Repository.device("nvidia-a100-80g-sxm"))
    machine.memoryBandwidth = 1e12
    machine.cacheCapacity = 40e6
    var constants = Self.definitions.map(\.initial)
    constants[Self.index("start")] = 2
    constants[Self.index("latency")] = 0.5
    constants[Self.index("memory_efficiency")] = 0.8
    constants[Self.index("large_efficiency")] = 0.5
    constants[Self.index("element_rate")] = 1e12
    constants[Self.index("resident_share")] = 0.5
    constants[Self.index("cache_speedup")] = 2
    return (machine, constants)
  }

  /// One element: start and least time, 2.5 us.
  @Test func almostNothingTakesTheStartAndTheLatency() throws {
    let (machine, constants) = try plainMachine()
    let time = Self.time(Streaming(.add, rows: 1, columns: 1), on: machine, constants)
    #expect(abs(time - 2.5e-6) < 1e-12)
  }

  /// 100 million sums read two arrays and write one: 600 MB at 0.8 TB/s, 750 us; far beyond the cache, so that the first answer
  /// takes 0.55 us.
  @Test func aLargeArrayRunsAtTheMemorysRate() throws {
    let (machine, constants) = try plainMachine()
    let time = Self.time(Streaming(.add, rows: 1, columns: 1e8), on: machine, constants)
    #expect(abs(time - 752.55e-6) < 1e-9)
  }

  /// 10 MB where 20 MB of the cache hold what was written: half of it moves at 2 TB/s, half at 0.8 TB/s:
  /// 2.5 us + 6.25 us, and half of the first answer's 0.55 us.
  @Test func whatTheCacheHoldsMovesFaster() throws {
    let (machine, constants) = try plainMachine()
    let time = Self.time(Streaming(.copy, rows: 1, columns: 2.5e6), on: machine, constants)
    #expect(abs(time - 11.025e-6) < 1e-11)
  }

  /// The same 10 MB right after kernels that wrote them: three quarters of the 40 MB hold more than half of the 20.
  ///
  /// 10 MB updated in place are 6.7 MB of arrays, all of them in the cache: 5 us at 2 TB/s. From memory they take 12.5 us and
  /// the first answer.
  @Test func whereOperandsAre() throws {
    let (machine, constants) = try plainMachine()
    func time(_ kind: Streaming<Double>.Kind, _ elements: Double, _ residency: Streaming<Double>.Residency)
      -> Double
    {
      Self.time(
        Streaming(kind, rows: 1, columns: elements, residency: residency), on: machine, constants)
    }
    // Three quarters at 2 TB/s, one at 0.8 TB/s: 3.75 us + 3.125 us.
    #expect(abs(time(.copy, 2.5e6, .justWritten) - (2 + 6.875 + 0.1375) * 1e-6) < 1e-11)
    #expect(abs(time(.sgd, 10e6 / 6, .inPlace) - (2 + 5) * 1e-6) < 1e-11)
    #expect(abs(time(.sgd, 10e6 / 6, .memory) - (2 + 12.5 + 0.55) * 1e-6) < 1e-11)
    // 60 MB of arrays are more than the cache: in place or not, they come from memory.
    #expect(abs(time(.sgd, 15e6, .inPlace) - time(.sgd, 15e6, .memory)) < 1e-15)
  }

  /// Sums over rows as an H200 and an H100 took them, alone; the constants come from profiles of whole layers of the H200.
  ///
  /// 512 rows are one block's and take longer than 2,048, which many blocks share (`measure-gpu`).
  @Test(arguments: [
    ("nvidia-h200", 512.0, 1024.0, 16.6), ("nvidia-h200", 512, 12288, 18.3), ("nvidia-h200", 2048, 1024, 9.8),
    ("nvidia-h200", 2048, 8192, 18.5), ("nvidia-h200", 8192, 1024, 18.4),
    ("nvidia-h100-80g-sxm", 512, 4096, 16.9), ("nvidia-h100-80g-sxm", 2048, 2560, 12.0),
  ])
  func sumsOverRowsAreShared(device: String, rows: Double, columns: Double, microseconds: Double) throws {
    let calibration = try Repository.calibration("nvidia-h200")
    let model = DeviceModel<Double>(try Repository.device(device), calibration)
    let shape = Streaming<Double>(.rowSum, rows: rows, columns: columns, residency: .memory)
    let time = 1e6 * (try #require(model.cost(.streaming(shape), .bf16))).time
    #expect(abs(time / microseconds - 1) < 0.25)
  }

  /// Where the units bind, a place in three dimensions takes three quarters of the time of one in four.
  @Test func permutationsTakeTheTimeOfTheirDimensions() throws {
    var (machine, constants) = try plainMachine()
    machine.clock = 1e9
    machine.units = 100
    machine.memoryBandwidth = 1e18
    constants[Self.index("element_rate")] = 1
    func body(_ dimensions: Double) -> Double {
      let shape = Streaming<Double>(.permute, rows: 0x1p16, columns: 1024, dimensions: dimensions)
      return Self.time(shape, on: machine, constants) - 2e-6
    }
    #expect(abs(body(3) / body(4) - 0.75) < 1e-9)
  }

  /// 512 Mi elements copied are 2 GiB moved, more than 640 MiB: at 0.5 TB/s 4295 us.
  ///
  /// A sum is never handed over.
  @Test func largeCopiesHaveTheirOwnRate() throws {
    let (machine, constants) = try plainMachine()
    let copy = Self.time(Streaming(.copy, rows: 1, columns: 0x1p29), on: machine, constants)
    #expect(abs(copy - (2e-6 + 0.55e-6 + 0x1p31 / 0.5e12)) < 1e-8)
    let gelu = Self.time(Streaming(.gelu, rows: 1, columns: 0x1p29), on: machine, constants)
    #expect(abs(gelu - (2e-6 + 0x1p31 / 0.8e12)) < 1e-8)
  }

  /// 64 Mi elements at one a clock and unit, 1e9 clocks a second and 100 units: 671.1 us.
  ///
  /// A row of 4,096 columns that lies in registers takes 4^0.34 = 1.602 times as long, one of 16,384 in shared memory does not.
  @Test func softmaxInRegistersSlowsWithTheRow() throws {
    var (machine, constants) = try plainMachine()
    machine.clock = 1e9
    machine.units = 100
    machine.memoryBandwidth = 1e18
    constants[Self.index("element_rate")] = 1
    constants[Self.index("row_time")] = 0
    constants[Self.index("row_latency")] = 0
    for (columns, factor) in [(1024.0, 1.0), (4096, 1.6021), (16384, 1)] {
      let shape = Streaming<Double>(.softmax, rows: 0x1p26 / columns, columns: columns)
      let time = Self.time(shape, on: machine, constants)
      #expect(abs(time - (2e-6 + factor * 671.08864e-6)) < 1e-7)
    }
  }

  /// A sum of 32 Ki elements is one kernel, whose start is 0.4 of that of the two for a larger one.
  @Test func aSmallSumIsOneKernel() throws {
    let (machine, constants) = try plainMachine()
    func sum(_ elements: Double) -> Double {
      Self.time(Streaming(.sum, rows: 1, columns: elements), on: machine, constants)
    }
    #expect(abs(sum(32768) - (0.8e-6 + 0.5e-6)) < 1e-11)
    #expect(abs(sum(32769) - (2e-6 + 0.5e-6)) < 1e-11)
  }

  @Test(arguments: UInt64(0)..<100)
  func aBetterMachineIsNeverSlower(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    let constants = random.constants(of: Self.definitions)
    // A sum over rows that more units share has more parts to add.
    let shape = random.streaming(without: [.rowSum])
    let limit = Self.time(shape, on: machine, constants) * (1 + rounding)
    for path in [
      \Machine<Double>.memoryBandwidth, \.units, \.clock, \.cacheCapacity,
    ] {
      var better = machine
      better[keyPath: path] *= random.logarithmic(in: 1...16)
      #expect(Self.time(shape, on: better, constants) <= limit)
    }
    for name in ["start", "latency", "row_time", "row_latency"] {
      var quicker = constants
      quicker[Self.index(name)] *= random.logarithmic(in: 0.05...1)
      #expect(Self.time(shape, on: machine, quicker) <= limit)
    }
    let few = machine.units * random.logarithmic(in: 0.01...1)
    #expect(Self.time(shape, on: machine, constants, units: few) * (1 + rounding) >= limit / (1 + rounding))
  }

  /// Data in the cache beat the main memory, but by no more than the speed-up of the cache.
  @Test(arguments: UInt64(0)..<100)
  func theCachesSpeedUpIsTheBound(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    let constants = random.constants(of: Self.definitions)
    let shape = random.streaming()
    let time = Self.time(shape, on: machine, constants)
    let bytes = shape.bytes(.bf16)
    let speedup = constants[Self.index("cache_speedup")]
    #expect(time * (1 + rounding) >= bytes / (machine.memoryBandwidth * speedup))
    let resident = constants[Self.index("resident_share")] * machine.cacheCapacity
    if bytes >= resident {
      // Nothing is hot: the efficiencies alone decide, and none is above 1.05.
      #expect(time * (1 + rounding) >= bytes / (1.05 * machine.memoryBandwidth))
    }
  }

  @Test(arguments: UInt64(0)..<100)
  func moreRowsOrColumnsAreNotFaster(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try random.machine()
    var constants = random.constants(of: Self.definitions)
    // The copy engines are slower than kernels on every device measured; otherwise their threshold is a step down.
    let large = Self.index("large_efficiency")
    constants[large] = min(constants[large], constants[Self.index("memory_efficiency")])
    // A sum over 1,024 rows is shared among blocks and takes less than one over 1,023.
    let shape = random.streaming(without: [.rowSum])
    let time = Self.time(shape, on: machine, constants)
    let factor = random.logarithmic(in: 1...8)
    let taller = Streaming(shape.kind, rows: (factor * shape.rows).rounded(), columns: shape.columns)
    let wider = Streaming(shape.kind, rows: shape.rows, columns: (factor * shape.columns).rounded())
    #expect(Self.time(taller, on: machine, constants) * (1 + rounding) >= time)
    #expect(Self.time(wider, on: machine, constants) * (1 + rounding) >= time)
  }

  /// PyTorch adds the gradients of up to 3,072 tokens one after another: 1,024 tokens more take one `latency` more.
  ///
  /// More tokens are sorted first, whatever their number: from then on time grows with the elements alone.
  @Test func gradientsOfTokensAreSortedWhenTheyAreMany() throws {
    let device = try Repository.device("nvidia-h200")
    let model = DeviceModel<Double>(device, try Repository.calibration("nvidia-h200"))
    func microseconds(_ tokens: Double) throws -> Double {
      let work = Work<Double>.streaming(Streaming(.embeddingBackward, rows: tokens, columns: 1024))
      return 1e6 * (try #require(model.cost(work, .bf16))).time
    }
    // h200_operators_more.csv: 127.2 - 57.9 us from 512 to 2,048 tokens, 520.9 - 233.7 us from 8,192 to 32,768.
    #expect(abs(try microseconds(2048) - microseconds(512) - 69.3) < 7)
    #expect(abs(try microseconds(32_768) - microseconds(8192) - 287.2) < 29)
    #expect(try microseconds(3073) > microseconds(3072))
  }

  /// A gradient that was not measured takes the constants of the kernel that it belongs to.
  @Test func unmeasuredKindsTakeTheirRelatives() throws {
    let device = try Repository.device("nvidia-h200")
    var calibration = try Repository.calibration("nvidia-h200")
    let work = Work<Double>.streaming(Streaming(.layernormBackward, rows: 8, columns: 8))
    // What was measured itself comes first.
    let name = "streaming.layernorm_backward"
    #expect(DeviceModel<Double>(device, calibration).formName(of: work, .bf16) == name)
    calibration.forms[name] = nil
    let model = DeviceModel<Double>(device, calibration)
    #expect(model.formName(of: work, .bf16) == "streaming.layernorm")
    calibration.forms["streaming.layernorm"] = nil
    let bare = DeviceModel<Double>(device, calibration)
    let cost = try #require(bare.cost(.streaming(Streaming(.layernorm, rows: 1, columns: 1)), .bf16))
    // Typical start of 2 us and latency of 0.4 us.
    #expect(abs(cost.time - 2.4e-6) < 1e-8)
  }
}

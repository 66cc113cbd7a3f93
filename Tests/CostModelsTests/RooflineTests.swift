import Calibration
import CostModels
import Hardware
import Quantities
import ModelTestSupport
import Testing

@Suite struct RooflineTests {
  /// 100 TFLOP/s, 2 TB/s of main memory, 10 TB/s of cache, 3 us to start: the ridge is at 50 FLOP/B.
  let roofline = Roofline<Double>(peak: 100e12, bandwidths: [2e12, 10e12], overhead: 3e-6)

  @Test func withoutBytesTheTimeIsThatOfThePeak() {
    // 1 GFLOP at 100 TFLOP/s takes 10 us.
    let cost = roofline.cost(flop: 1e9, traffic: [0, 0])
    #expect(abs(cost.time - 13e-6) < 1e-15)
    #expect(cost.bound == .compute)
  }

  @Test func withoutOperationsTheTimeIsThatOfTheMemory() {
    // 40 MB at 2 TB/s take 20 us.
    let cost = roofline.cost(flop: 0, traffic: [40e6])
    #expect(abs(cost.time - 23e-6) < 1e-15)
    #expect(cost.bound == .memory)
  }

  @Test func theSlowestLevelBinds() {
    // 1 us at the peak, 1 us at the main memory, 30 MB at 10 TB/s: 3 us at the cache.
    let cost = roofline.cost(flop: 100e6, traffic: [2e6, 30e6])
    #expect(abs(cost.time - 6e-6) < 1e-15)
    #expect(cost.cache > cost.memory && cost.cache > cost.compute)
  }

  @Test func aTinyKernelIsBoundByItsStart() {
    #expect(roofline.cost(flop: 1e3, traffic: [1e3]).bound == .launch)
  }

  @Test func theRidgeIsWhereBothRoofsMeet() {
    #expect(roofline.attainable(intensity: 50) == 100e12)
    #expect(roofline.attainable(intensity: 25) == 50e12)
    #expect(roofline.attainable(intensity: 1000) == 100e12)
    // Against the cache the ridge lies at 10 FLOP/B.
    #expect(roofline.attainable(intensity: 10, level: 1) == 100e12)
    #expect(roofline.attainable(intensity: 5, level: 1) == 50e12)
  }

  /// On the ridge twice the work at the same bytes, or twice the bytes at the same work, doubles the time.
  @Test func onTheRidgeEitherMoreWorkOrMoreBytesCosts() {
    func work(_ flop: Double, _ bytes: Double) -> Double {
      roofline.cost(flop: flop, traffic: [bytes]).time - 3e-6
    }
    #expect(abs(work(1e9, 20e6) - 10e-6) < 1e-15)
    #expect(abs(work(2e9, 20e6) - 20e-6) < 1e-15)
    #expect(abs(work(1e9, 40e6) - 20e-6) < 1e-15)
  }

  /// H200 data sheet: 989 TFLOP/s in bf16 over 132 units, 4.8 TB/s; a part of the units has its part of the rate,
  /// all of the main memory and its slices of the cache.
  @Test func aPartOfTheDeviceKeepsTheSharedMemory() throws {
    let device = try Repository.device("nvidia-h200")
    let whole = try #require(Roofline(device, .bf16))
    let third = try #require(Roofline(device, .bf16, units: 44))
    #expect(whole.peak == 989e12)
    #expect(abs(third.peak / whole.peak - 1.0 / 3) < 1e-12)
    #expect(whole.bandwidths[0] == 4.8e12)
    #expect(third.bandwidths[0] == 4.8e12)
    #expect(abs(third.bandwidths[1] / whole.bandwidths[1] - 1.0 / 3) < 1e-12)
    // More units than there are do not exist.
    #expect(try #require(Roofline(device, .bf16, units: 1000)).peak == 989e12)
  }

  /// V100 has tensor units for fp16 alone: nothing stands in for the types that it lacks.
  @Test func nothingStandsInForMissingTypes() throws {
    let device = try Repository.device("nvidia-v100-32g-sxm")
    #expect(try #require(Roofline(device, .fp16)).peak == 125e12)
    for type in [DataType.bf16, .tf32, .fp8, .int8, .fp4] { #expect(Roofline(device, type) == nil) }
    let memory = try Repository.device("skhynix-gddr6-aim")
    #expect(Roofline(memory, .fp64) == nil)
  }

  @Test(arguments: UInt64(0)..<100)
  func betweenTheLargestTermAndTheSumOfAll(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let levels = Int.random(in: 1...4, using: &random)
    let bandwidths = (0..<levels).map { _ in random.logarithmic(in: 1e9...1e14) }
    let traffic = (0..<levels).map { _ in random.logarithmic(in: 1...1e12) }
    let peak = random.logarithmic(in: 1e9...1e16)
    let flop = random.logarithmic(in: 1...1e18)
    let overhead = random.logarithmic(in: 1e-7...1e-3)
    let time = Roofline(peak: peak, bandwidths: bandwidths, overhead: overhead)
      .cost(flop: flop, traffic: traffic).time
    let terms = [flop / peak] + zip(traffic, bandwidths).map { $0 / $1 }
    let tolerance = 1e-12 * time
    for term in terms { #expect(time >= overhead + term - tolerance) }
    #expect(time <= overhead + terms.reduce(0, +) + tolerance)
    // A machine twice as fast in everything halves the time beyond the start.
    let faster = Roofline(peak: 2 * peak, bandwidths: bandwidths.map { 2 * $0 }, overhead: overhead)
      .cost(flop: flop, traffic: traffic).time
    #expect(abs((faster - overhead) - (time - overhead) / 2) <= tolerance)
  }
}

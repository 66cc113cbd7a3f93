import CostModels
import Documents
import Foundation
import ModelTestSupport
import Quantities
import Scenarios
import Testing
import Workloads

@Suite struct ServingTests {
  static func projection(_ changes: [String], base: String = "llama-70b-decode") throws -> Projection {
    try Scenario(named: base, in: Repository.library, changes: changes).project()
  }

  static func decode(_ changes: [String]) throws -> Projection {
    try projection(["run={micro_batch: 1, sequence: 1}"] + changes)
  }

  static func serving(_ projection: Projection) throws -> ServingFigures {
    try #require(projection.serving)
  }

  static func energy(_ projection: Projection) throws -> EnergyProjection {
    try #require(projection.energy)
  }

  /// One sequence with an empty cache on one device that starts kernels at once: not below the time of reading all
  /// weights at the data sheet's bandwidth, and near it at the efficiency of its products.
  @Test func aStepTakesTheWeightsTime() throws {
    let step = try Self.decode(["parallelism={tensor: 1}"])
    let weights = 2 * 70.55e9 - 2 * 128_256 * 8192
    let least = weights / 4.8e12
    #expect(step.time.value > least)
    // Products read at 0.87 of the bandwidth; 80 layers of ten kernels start, two norms of 8 us each among them.
    #expect(step.time.value < least / 0.87 + 80 * 60e-6)
    #expect(try Self.serving(step).fits == false)
  }

  /// More bandwidth, fewer bits, shorter caches, fewer sequences: never slower; more of them: never more tokens a
  /// second for one sequence, never fewer for all.
  @Test func stepsKeepTheirOrder() throws {
    var last: (one: Double, all: Double)?
    for batch in [1, 4, 16, 64, 256] {
      let step = try Self.decode(["run.micro_batch=\(batch)", "run.sequence=4096"])
      let all = try #require(step.tokensPerSecond)
      let one = 1 / step.time.value
      if let last {
        #expect(one <= last.one * 1.0000001)
        #expect(all >= last.all)
      }
      last = (one, all)
    }
    var times: [Double] = []
    for context in [128, 1024, 8192, 65_536] {
      times.append(try Self.decode(["run.micro_batch=64", "run.sequence=\(context)"]).time.value)
    }
    #expect(times == times.sorted())
    let long = ["run.micro_batch=64", "run.sequence=32768"]
    let plain = try Self.decode(long)
    let narrow = try Self.decode(long + ["run.cache=fp8"])
    #expect(narrow.time < plain.time)
    #expect(
      try #require(narrow.serving).memory.cache.value == 0.5
        * (try #require(plain.serving).memory.cache.value))
    let few = ["parallelism={tensor: 2}"]
    #expect(try Self.decode(few + ["run.weights=fp8"]).time < (try Self.decode(few)).time)
  }

  /// A generation is its prompt and its steps: the mean step stands for all of them, since time is a straight line in the
  /// length of the cache.
  @Test func aGenerationIsItsParts() throws {
    let shape = ["run.micro_batch=64", "run.sequence=1000"]
    let whole = try Self.projection(shape + ["run={pass: generation, output: 9}"])
    let prompt = try Self.projection(
      ["run={pass: prefill, micro_batch: 64, sequence: 1000}"])
    var sum = prompt.time.value
    for context in 1001...1008 {
      sum += try Self.decode(["run.micro_batch=64", "run.sequence=\(context)"]).time.value
    }
    #expect(abs(whole.time.value / sum - 1) < 1e-6)
    let serving = try #require(whole.serving)
    #expect(serving.timeToFirstToken == prompt.time)
    let perToken = try #require(serving.timePerOutputToken)
    #expect(abs(perToken.value * 8 / (sum - prompt.time.value) - 1) < 1e-6)
    #expect(whole.tokens == 576.0)
    // 64 sequences of 1,009 tokens, 40 KiB each on each of 8 devices.
    #expect(serving.memory.cache.value == 64 * 1009 * 40_960)
  }

  /// A prompt of one token costs nearly a step of decoding, and its operations are 2 a parameter and token.
  @Test func promptsCountOperations() throws {
    let prompt = try Self.projection(
      ["run={pass: prefill, micro_batch: 1, sequence: 2048}"])
    let work = try #require(prompt.modelWork).value
    let matrices = 2 * 2048 * 80 * 855_638_016.0
    let attention = 80 * 4 * 2048.0 * 2048 * 8192
    let head = 2 * 8192 * 128_256.0
    #expect(abs(work / (matrices + attention + head) - 1) < 1e-12)
  }

  /// The largest batch fits and one sequence more does not.
  @Test func theLargestBatchFits() throws {
    let shape = ["parallelism={tensor: 2}", "run.sequence=8192"]
    let most = try #require(try Self.serving(try Self.decode(shape)).largestBatch)
    #expect(most > 1)
    #expect(try Self.serving(try Self.decode(shape + ["run.micro_batch=\(most)"])).fits)
    #expect(!(try Self.serving(try Self.decode(shape + ["run.micro_batch=\(most + 1)"])).fits))
    #expect(try Self.serving(try Self.decode(["parallelism={tensor: 1}"])).largestBatch == nil)
  }

  /// Replicas serve as many sequences each: twice as many tokens a second, energy and cost for each token the same.
  @Test func replicasAreIndependent() throws {
    let one = try Self.decode(["run.micro_batch=16"])
    let two = try Self.decode(["run.micro_batch=16", "parallelism={tensor: 8, data: 2}"])
    #expect(two.time == one.time)
    #expect(two.tokensPerSecond == one.tokensPerSecond.map { 2 * $0 })
    let perToken = try [one, two].map { try #require(try Self.energy($0).perToken).value }
    #expect(abs(perToken[1] / perToken[0] - 1) < 1e-12)
  }

  /// Time times power is energy; power lies between idle and limit; the energy of a generation is that of its parts
  /// where no limit holds it.
  @Test func energyOfServing() throws {
    let whole = try Self.projection(["run={pass: generation, micro_batch: 8, sequence: 64, output: 33}"])
    let energy = try #require(whole.energy)
    #expect(abs(energy.power.value * energy.sustainedTime.value * 8 / energy.energy.value - 1) < 1e-12)
    #expect(energy.power.value > 126 && energy.power.value < 700)
    #expect(energy.tokensPerJoule.map { abs($0 * energy.energy.value - 8 * 33) < 1e-9 } == true)
    let prompt = try Self.projection(["run={pass: prefill, micro_batch: 8, sequence: 64}"])
    let step = try Self.decode(["run.micro_batch=8", "run.sequence=81"])
    // 32 steps with caches of 65 to 96 tokens, 80.5 on average: between those of 80 and 81.
    let before = try Self.decode(["run.micro_batch=8", "run.sequence=80"])
    let steps = try Self.energy(step).energy.value + (try Self.energy(before).energy.value)
    let parts = try Self.energy(prompt).energy.value + 16 * steps
    #expect(abs(energy.energy.value / parts - 1) < 1e-3)
  }

  /// A training step of eight H200 asks for more than the limit: as long as it is not taken to repeat it says so; where it
  /// repeats, its time holds the limit, within what one clock for the whole step makes of it.
  @Test func trainingUnderThePowerLimit() throws {
    let size = "run.micro_batch=8"
    let step = try Self.projection([size, "run.sustained=false"], base: "gpt3-175b-node")
    let repeated = try Self.projection([size], base: "gpt3-175b-node")
    let energy = try #require(step.energy)
    #expect(energy.power.value <= 700)
    #expect(energy.sustainedTime >= step.time)
    #expect(repeated.clock.map { $0 < 1 } == true && step.clock == nil)
    #expect(abs(repeated.time / energy.sustainedTime - 1) < 0.05)
    #expect(energy.demandedPower > energy.power)
    #expect(abs(energy.power.value * energy.sustainedTime.value * 8 / energy.energy.value - 1) < 1e-12)
  }

  /// Rented at 36 USD an hour, a second of a device costs a cent, whatever it draws.
  @Test func rentedDevices() throws {
    let price = "{value: 36 USD/h, low: 18 USD/h, high: 72 USD/h, kind: assumed, source: made up}"
    let step = try Scenario(
      named: "gpt3-175b-node", in: Repository.library, changes: ["costs={device_hour: \(price)}"]
    ).project()
    let energy = try #require(step.energy)
    let money = try #require(energy.money)
    #expect(abs(money.value.value - 8 * 0.01 * energy.sustainedTime.value) < 1e-12)
    #expect(abs(money.range.lowerBound.value / money.value.value - 0.5) < 1e-12)
    #expect(abs(money.range.upperBound.value / money.value.value - 2) < 1e-12)
    #expect(energy.carbon == nil)
  }

  /// Owned: 1 USD for each device and second of use (63.072 MUSD over two years, half used), 0.1 USD a kWh and 500 g
  /// a kWh, with a PUE of 1.5 and 200 W around each device: by hand from energy and time.
  @Test func ownedDevices() throws {
    let costs = """
      costs={capital: {value: 31536 kUSD, kind: published, source: made up},
        lifetime: {value: 730 d, kind: published, source: made up}, use: {value: 0.5, kind: published, source: made up},
        power_price: {value: 0.1 USD/kWh, kind: published, source: made up},
        pue: {value: 1.5, kind: published, source: made up}, surroundings: {value: 200 W, kind: published, source: made up},
        grid_intensity: {value: 500 g/kWh, kind: published, source: made up}}
      """
    let step = try Scenario(named: "gpt3-175b-node", in: Repository.library, changes: [costs]).project()
    let energy = try #require(step.energy)
    let seconds = energy.sustainedTime.value
    let facility = 1.5 * (energy.energy.value + 8 * 200 * seconds)
    let expected = 8 * seconds * 1 + facility / 3.6e6 * 0.1
    #expect(abs(try #require(energy.money).value.value / expected - 1) < 1e-12)
    #expect(abs(try #require(energy.carbon).value.value / (facility / 3.6e6 * 500) - 1) < 1e-12)
  }
}

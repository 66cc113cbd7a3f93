import Calibration
import CostModels
import ModelTestSupport
import Quantities
import RealModule
import Testing
import Workloads

@Suite struct EnergyTests {
  static func roof(idle: Double = 100, limit: Double = 700, exponent: Double = 2) -> PowerRoof<Double> {
    PowerRoof(idle: idle, limit: limit, exponent: exponent)
  }

  /// 2 TFLOP at 0.8 pJ, 3 · 2^28 bytes at 90 pJ, a kernel of 4 ms on units that draw 150 W: by hand.
  @Test func energyOfAProduct() {
    var constants = EnergyForm<Double>.constants.map(\.initial)
    constants[0] = 150
    constants[1] = 0.8
    constants[6] = 90
    let form = EnergyForm<Double>(constants: constants)
    let demand = form.demand(
      of: .gemm(GEMM(m: 16384, n: 16384, k: 4096)), .bf16,
      cost: Cost(time: 4e-3, compute: 3e-3, memory: 1e-3))
    #expect(abs(demand.coreEnergy - (0.6 + 0.8e-12 * 2_199_023_255_552)) < 1e-9)
    #expect(abs(demand.otherEnergy - 90e-12 * 805_306_368) < 1e-12)
    // Of fourth powers 81 to 1: the units rule 81/82 of the time.
    #expect(abs(demand.clockedTime / demand.time - 81.0 / 82) < 1e-12)
  }

  /// The ring all-reduce over 4 sends 1.5 times its payload: 400 pJ a byte make 0.6 mJ of 1 MB.
  @Test func energyOfAnExchange() {
    var constants = EnergyForm<Double>.constants.map(\.initial)
    constants[8] = 400
    let form = EnergyForm<Double>(constants: constants)
    let exchange = Collective<Double>(.allReduce, bytes: 1e6, ranks: 4)
    let demand = form.demand(of: .collective(exchange), .bf16, cost: Cost(time: 20e-6, network: 20e-6))
    #expect(abs(demand.otherEnergy - 0.6e-3) < 1e-15)
    #expect(demand.coreEnergy == 0 && demand.clockedTime == 0)
  }

  /// 300 W above 100 W idle are below the limit: nothing changes, and energy is power times time.
  @Test func belowTheLimitNothingChanges() {
    let demand = EnergyDemand(time: 2.0, clockedTime: 1.5, coreEnergy: 400.0, otherEnergy: 200)
    let cost = Self.roof().sustained(demand)
    #expect(cost.time == 2 && cost.clock == 1)
    #expect(abs(cost.energy - 800) < 1e-9)
    #expect(abs(cost.power - 400) < 1e-9)
    #expect(Self.roof().demandedPower(demand) == 400)
  }

  /// Work that only the units rule, with energy as the square of the speed: from E x² = R T / x follows
  /// x = (R T / E)^(1/3), and the time grows by the inverse.
  @Test func unitsAloneSlowByTheCubeRoot() {
    let demand = EnergyDemand(time: 1.0, clockedTime: 1, coreEnergy: 1200.0, otherEnergy: 0)
    let cost = Self.roof().sustained(demand)
    let expected = Double.pow(0.5, 1.0 / 3)
    #expect(abs(cost.clock - expected) < 1e-7)
    #expect(abs(cost.time - 1 / expected) < 1e-6)
    #expect(abs(cost.power - 700) < 1e-4)
  }

  /// Work that the memory rules keeps its time while the units save energy: 500 J of the units have to fall to 400 J.
  @Test func memoryBoundWorkKeepsItsTime() {
    let demand = EnergyDemand(time: 1.0, clockedTime: 0, coreEnergy: 500.0, otherEnergy: 200)
    let cost = Self.roof().sustained(demand)
    #expect(abs(cost.time - 1) < 1e-6)
    #expect(abs(cost.clock - Double.sqrt(0.8)) < 1e-6)
  }

  /// Bytes alone at 1200 W above idle under 600 W: the memory waits half of the time.
  @Test func memoryBeyondTheLimitWaits() {
    let demand = EnergyDemand(time: 1.0, clockedTime: 0, coreEnergy: 0, otherEnergy: 1200.0)
    let cost = Self.roof().sustained(demand)
    #expect(abs(cost.time - 2) < 1e-9)
    #expect(abs(cost.power - 700) < 1e-9)
  }

  /// Over random demands: power never above the limit, time and energy that agree with it, a lower limit never faster,
  /// the whole between its parts.
  @Test func roofsKeepTheirOrder() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<2_000 {
      func demand() -> EnergyDemand<Double> {
        let time = random.logarithmic(in: 1e-6...10)
        return EnergyDemand(
          time: time, clockedTime: time * Double.random(in: 0...1, using: &random),
          coreEnergy: time * random.logarithmic(in: 1...3000),
          otherEnergy: time * random.logarithmic(in: 1...1000))
      }
      let (one, other) = (demand(), demand())
      let idle = Double.random(in: 0...200, using: &random)
      let limit = idle + Double.random(in: 50...1000, using: &random)
      let exponent = Double.random(in: 1...3, using: &random)
      let roof = Self.roof(idle: idle, limit: limit, exponent: exponent)
      let cost = roof.sustained(one)
      #expect(cost.power <= limit * (1 + 1e-5))
      #expect(cost.time >= one.time * (1 - rounding))
      #expect(cost.clock > 0 && cost.clock <= 1)
      #expect(abs(cost.power * cost.time - cost.energy) <= 1e-9 * cost.energy)
      if roof.demandedPower(one) > limit { #expect(abs(cost.power / limit - 1) < 1e-5) }
      let lower = Self.roof(idle: idle, limit: idle + 0.8 * (limit - idle), exponent: exponent).sustained(one)
      #expect(lower.time >= cost.time * (1 - 1e-6))
      // A sum's demand is that of its parts, so its demanded power lies between theirs.
      let powers = [one, other].map(roof.demandedPower)
      let sum = roof.demandedPower(one + other)
      #expect(sum >= (powers.min() ?? 0) * (1 - rounding) && sum <= (powers.max() ?? 0) * (1 + rounding))
      let thrice = roof.sustained(3 * one)
      #expect(abs(thrice.energy / cost.energy / 3 - 1) < 1e-9)
    }
  }

  /// Energies of a device without measurements: an H100 is the reference itself, an A100 needs between once and
  /// (400/312)/(700/989) times as much an operation.
  @Test func scalingToOtherDevices() throws {
    func energy(_ name: String) throws -> Double {
      let model = DeviceModel<Double>(try Repository.device(name), nil)
      let work = Work<Double>.gemm(GEMM(m: 4096, n: 4096, k: 4096))
      let demand = try #require(model.demand(of: work, .bf16, time: 0))
      return demand.coreEnergy / 137_438_953_472 * 1e12
    }
    #expect(abs(try energy("nvidia-h100-80g-sxm") - 0.84) < 1e-9)
    let old = try energy("nvidia-a100-80g-sxm")
    #expect(old > 0.84 && old < 0.84 * 1.812)
    #expect(try energy("nvidia-b200") < 0.84)
  }

  /// A device whose power nobody gave has no roof.
  @Test func noLimitNoRoof() throws {
    var model = DeviceModel<Double>(try Repository.device("nvidia-h200"), nil)
    model.machine.powerLimit = 0
    let work = Work<Double>.gemm(GEMM(m: 8192, n: 8192, k: 8192))
    let demand = try #require(model.demand(of: work, .bf16))
    let cost = try #require(model.sustained(work, .bf16))
    #expect(cost.time == demand.time && cost.clock == 1)
  }
}

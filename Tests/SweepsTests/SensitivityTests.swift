import Documents
import Quantities
import RealModule
import Scenarios
import TestSupport
import Testing

@testable import Sweeps

@Suite struct SensitivityTests {
  /// Derivatives of every operation are those of differences.
  @Test(arguments: UInt64(0)..<20)
  func dualOperations(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let (x, y) = (Double.random(in: 0.5...3, using: &random), Double.random(in: 0.5...3, using: &random))
    func f<N: ModelNumber>(_ a: N, _ b: N) -> N {
      let mixed: N = (a * b + 2 / a - b) / (a + 3)
      let grown: N = mixed.exponential() + (a * a).logarithm() + (b + 1).squareRoot()
      let chosen = N.choose(where: a, isAtMost: b, then: a * b, otherwise: a - b)
      return N.larger(grown, a) * N.smaller(b, N(2)) + chosen + (a * N(7)).roundedUp() * b + a.raised(to: b)
    }
    let dual = f(Dual(x, parameter: 0), Dual(y, parameter: 3))
    #expect(dual.value == f(x, y))
    let step = 1e-6
    let byX = (f(x * (1 + step), y) - f(x * (1 - step), y)) / (2 * step)
    let byY = (f(x, y * (1 + step)) - f(x, y * (1 - step))) / (2 * step)
    #expect(abs(dual.gradient[0] - byX) < 1e-6 * (1 + abs(byX)))
    #expect(abs(dual.gradient[3] - byY) < 1e-6 * (1 + abs(byY)))
    #expect(dual.gradient[1] == 0)
  }

  private func scenario(_ name: String) throws -> Scenario {
    let texts = [
      "small":
        "{name: a, workload: megatron-1.7b, hardware: nvidia-h200, run: {micro_batch: 4, sequence: 1024}, parallelism: {tensor: 2, data: 16}}",
      "staged":
        "{name: b, workload: megatron-22b, hardware: nvidia-a100-80g-sxm, run: {micro_batches: 16}, parallelism: {tensor: 8, pipeline: 4, data: 2, sharding: optimizer}}",
      "uncalibrated":
        "{name: c, workload: bert-large, hardware: nvidia-v100-32g-sxm, run: {micro_batch: 8, datatype: fp16}}",
    ]
    return try Scenario(
      node: try parseDocument(try #require(texts[name]), file: "x"), path: "x", in: Repository.library)
  }

  /// The time that is differentiated is the one of `estimate`, and derivatives are those of small differences.
  @Test(arguments: ["small", "staged", "uncalibrated"])
  func elasticitiesAreDifferences(name: String) throws {
    let scenario = try scenario(name)
    let result = try Sensitivity(scenario, in: Repository.library)
    #expect(abs(result.time / scenario.project().time.value - 1) < 1e-12)
    for (index, parameter) in result.parameters.enumerated() {
      // Steps of waves make the time jump here and there, so the difference is small.
      let step = 1e-7
      let up = Sensitivity.time(scenario, parameter: index, value: parameter.value * (1 + step))
      let down = Sensitivity.time(scenario, parameter: index, value: parameter.value * (1 - step))
      let difference = (up - down) / (2 * step) / result.time
      let sides = [(up - result.time) / step / result.time, (result.time - down) / step / result.time]
      let elasticity = result.outputs[0].elasticities[index]
      // At a kink (a whole number of waves, two equal tiles) one side is the derivative of the form that was chosen.
      let errors = (sides + [difference]).map { abs($0 - elasticity) }
      #expect((errors.min() ?? 1) < 2e-4, "\(parameter.key): \(elasticity), differences \(sides)")
    }
  }

  /// Faster parts do not make a step longer, latencies do not make it shorter; all rates together halve it.
  @Test func signsAndSums() throws {
    let result = try Sensitivity(try scenario("small"), in: Repository.library)
    let time = result.outputs[0]
    for (parameter, elasticity) in zip(result.parameters, time.elasticities) {
      if parameter.key.hasSuffix("latency") || parameter.key.hasSuffix("launch") {
        #expect(elasticity >= -1e-9, "\(parameter.key)")
      } else if parameter.key.hasSuffix("bandwidth") || parameter.key.contains("rates") {
        #expect(elasticity <= 1e-9, "\(parameter.key)")
      }
    }
    let rates = zip(result.parameters, time.elasticities).filter {
      $0.0.key.hasSuffix("bandwidth") || $0.0.key.contains("rates")
    }
    let sum = rates.reduce(0) { $0 + $1.1 }
    #expect(sum < -0.5 && sum > -1.1)
    #expect(result.bars.map(\.saving) == result.bars.map(\.saving).sorted(by: >))
  }

  /// Indices of a sum of independent terms are their shares of the variance: for x + 2y over 0 to 1, 1/5 and 4/5.
  @Test func indicesOfASum() throws {
    let sweep = try sweep(
      """
      name: sum
      model: roofline
      base: {flop: 1 FLOP, bytes: 1 B, peak: 1 FLOP/s, bandwidth: 1 B/s}
      axes:
        x: {from: 0, to: 1, count: 1001}
        y: {from: 0, to: 1, count: 1001}
        z: [1, 2, 3]
      derived:
        sum: x + 2 * y + 0 * time
      outputs: [sum]
      """)
    let prepared = try PreparedSweep(sweep, in: Repository.library, version: "1")
    let result = try #require(SobolIndices(prepared, output: "sum", samples: 2048))
    #expect(abs(result.mean - 1.5) < 0.01)
    #expect(abs(result.deviation - (5.0 / 12).squareRoot()) < 0.01)
    for (name, share) in [("x", 0.2), ("y", 0.8), ("z", 0)] {
      let index = try #require(result.indices.first { $0.dimension == name })
      #expect(abs(index.first - share) < 0.02)
      #expect(abs(index.total - share) < 0.02)
      // The standard errors are of the size of what the estimates miss by.
      #expect(abs(index.first - share) <= 4 * index.firstError && index.firstError < 0.1)
    }
    #expect(result.isSound && result.points == 2048)
    #expect(result.indices.map(\.dimension) == ["y", "x", "z"])
  }
}

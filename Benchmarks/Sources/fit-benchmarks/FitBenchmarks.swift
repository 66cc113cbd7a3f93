import Calibration
import CostModels
import Glibc
import Quantities

/// A form of twenty rates: each row does some work at every one of them.
struct TwentyRates: FittedForm {
  typealias N = Double
  static let name = "twenty_rates"
  static let constants = (0..<20).map {
    Constant("rate_\($0)", unit: "GB/s", "the rate of work \($0)", initial: 30, in: 1...1000)
  }
  let rates: [Double]

  init(constants: [Double]) { rates = constants }

  func time(_ work: [Double]) -> Double {
    var sum = 0.0
    for (work, rate) in zip(work, rates) { sum += work / (1e9 * rate) }
    return sum
  }
}

/// Prints how long a fit of 10,000 rows with 20 constants takes, and that it finds the constants.
@main
struct FitBenchmarks {
  static func main() throws {
    let rows = 10_000
    let noise = 0.05
    var random = SplitMix64(seed: 3)
    let truth = TwentyRates(
      constants: (0..<20).map { _ in exp(Double.random(in: log(5)...log(200), using: &random)) })
    let observations = (0..<rows).map { _ -> Observation<[Double]> in
      let work = (0..<20).map { _ in exp(Double.random(in: log(1e3)...log(1e9), using: &random)) }
      let noisy = truth.time(work) * exp(noise * Double.random(in: -1...1, using: &random))
      return Observation(work, seconds: noisy, work: work.reduce(0, +))
    }
    var times: [Double] = []
    var worst = 0.0
    for _ in 0..<5 {
      let clock = ContinuousClock()
      var fitted: FittedConstants?
      let elapsed = try clock.measure {
        fitted = try fit(TwentyRates.self, to: observations) { $0.time($1) }
      }
      times.append(Double(elapsed.components.attoseconds) * 1e-18 + Double(elapsed.components.seconds))
      worst = zip(fitted?.values ?? [], truth.rates).map { abs($0 / $1 - 1) }.max() ?? .nan
    }
    times.sort()
    print("\(rows) rows, 20 constants, times with a noise of \(Int(100 * noise)) %")
    print("fit with covariance: best \(rounded(times[0])) s, median \(rounded(times[2])) s; the aim is 2 s")
    print("the constant that is missed most: \(rounded(100 * worst)) %")
  }

  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

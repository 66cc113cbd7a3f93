import Calibration
import CostModels
import ModelTestSupport
import Quantities
import Testing

@Suite struct SizeCurveTests {
  /// A random curve; its times grow with the size if `isMonotone`.
  static func curve(_ random: inout SplitMix64, isMonotone: Bool) -> SizeCurve {
    var bytes = random.logarithmic(in: 1...1e5)
    var seconds = random.logarithmic(in: 1e-6...1e-4)
    var points: [SizeCurve.Point] = []
    for _ in 0..<Int.random(in: 1...20, using: &random) {
      points.append(.init(bytes: bytes, seconds: seconds))
      bytes *= random.logarithmic(in: 1.1...8)
      seconds *= random.logarithmic(in: (isMonotone ? 1 : 0.5)...4)
    }
    return SizeCurve(points.shuffled(using: &random))
  }

  @Test(arguments: UInt64(0)..<100)
  func itPassesThroughItsPoints(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let curve = Self.curve(&random, isMonotone: false)
    for point in curve.points {
      // The sum of hinges loses what cancels, here up to seven digits; measured times have five.
      #expect(abs(curve.time(bytes: point.bytes) / point.seconds - 1) < 1e-6)
    }
  }

  @Test(arguments: UInt64(0)..<100)
  func betweenMonotonePointsItIsMonotone(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let curve = Self.curve(&random, isMonotone: true)
    var last = 0.0
    var bytes = curve.smallest / 4
    while bytes < 8 * curve.largest {
      let time = curve.time(bytes: bytes)
      #expect(time * (1 + 1e-9) >= last)
      last = time
      bytes *= 1.07
    }
  }

  /// Below the first point no message is faster; above the last the bandwidth is that of the end of the curve.
  @Test(arguments: UInt64(0)..<100)
  func outsideItIsConstantBelowAndProportionalAbove(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let curve = Self.curve(&random, isMonotone: false)
    let first = try #require(curve.points.first)
    let last = try #require(curve.points.last)
    for part in [1e-6, 0.5, 0.999] {
      #expect(curve.time(bytes: part * first.bytes) == first.seconds)
    }
    // Equal steps cost equal times.
    func time(_ factor: Double) -> Double { curve.time(bytes: factor * last.bytes) }
    #expect(abs((time(3) - time(2)) - (time(2) - time(1))) < 1e-6 * time(3))
    // Twice the last size takes at least nine tenths of twice its time: no bandwidth is gained for nothing.
    #expect(time(2) > 1.89 * last.seconds)
  }

  /// 1 MB in 10 us and 2 MB in 12 us: 1.5 MB in 11 us; beyond, 1 MB takes nine tenths of 6 us, the rate of the last
  /// point, rather than the 2 us of the last pair.
  @Test func byHand() {
    let curve = SizeCurve([.init(bytes: 2e6, seconds: 12e-6), .init(bytes: 1e6, seconds: 10e-6)])
    #expect(abs(curve.time(bytes: 1.5e6) - 11e-6) < 1e-15)
    #expect(abs(curve.time(bytes: 3e6) - 17.4e-6) < 1e-15)
    #expect(abs(SizeCurve([.init(bytes: 1e6, seconds: 10e-6)]).time(bytes: 2e6) - 19e-6) < 1e-15)
  }
}

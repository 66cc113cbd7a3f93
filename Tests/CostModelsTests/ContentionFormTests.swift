import Calibration
import CostModels
import ModelTestSupport
import Quantities
import Testing

@Suite struct ContentionFormTests {
  typealias Segment = ContentionForm<Double>.Segment

  static func segment(_ random: inout SplitMix64) -> Segment {
    let compute = random.logarithmic(in: 1e-5...1e-2)
    return Segment(
      compute: compute, crowded: compute * random.logarithmic(in: 1...2),
      exchange: random.logarithmic(in: 1e-6...1e-2))
  }

  /// Three layers of 10 ms (12.5 ms beside an exchange: a rate of 0.8), each with an exchange of 4 ms that takes 5 ms
  /// beside kernels.
  ///
  /// Layer 2 runs 5 ms beside the first exchange, does 4 ms of its work in them, and 6 ms alone: 11 ms. So does layer
  /// 3. The last exchange is exposed: 10 + 11 + 11 + 4 = 36 ms.
  @Test func threeLayersByHand() {
    let form = ContentionForm<Double>(exchangeRate: 0.8, computeRate: 0.8)
    let layer = Segment(compute: 10, crowded: 10, exchange: 4)
    let result = form.overlap([layer, layer, layer])
    #expect(abs(result.total - 36) < 1e-12)
    #expect(abs(result.exposed - 4) < 1e-12)
    #expect(abs(result.slowdown - 2) < 1e-12)
  }

  /// Exchanges longer than the kernels: layer 2 takes 12.5 ms and does 10 ms of the first exchange's 40; 30 of it and 40
  /// of the second are left: 10 + 12.5 + 70.
  @Test func exchangesThatDoNotHide() {
    let form = ContentionForm<Double>(exchangeRate: 0.8, computeRate: 0.8)
    let layer = Segment(compute: 10, crowded: 10, exchange: 40)
    #expect(abs(form.overlap([layer, layer]).total - 92.5) < 1e-12)
  }

  @Test(arguments: UInt64(0)..<200)
  func betweenIdealAndSerial(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let segments = (0..<Int.random(in: 1...12, using: &random)).map { _ in Self.segment(&random) }
    let compute = segments.reduce(0) { $0 + $1.compute }
    let exchange = segments.reduce(0) { $0 + $1.exchange }
    let ideal = ContentionForm<Double>(exchangeRate: 1, computeRate: 1)
    let undisturbed = ideal.overlap(
      segments.map { Segment(compute: $0.compute, crowded: $0.compute, exchange: $0.exchange) })
    let real = ContentionForm<Double>().overlap(segments)
    let last = segments[segments.count - 1].exchange
    // Without contention: at least the kernels and the last exchange, at most one after the other.
    #expect(undisturbed.total >= compute + last - 1e-12)
    #expect(undisturbed.total <= compute + exchange + 1e-12)
    #expect(abs(undisturbed.slowdown) < 1e-12)
    #expect(real.total >= undisturbed.total - 1e-12)
    for result in [undisturbed, real] {
      #expect(abs(result.total - (compute + result.slowdown + result.exposed)) < 1e-9 * result.total)
      #expect(result.exposed >= last - 1e-12 && result.exposed <= exchange + 1e-12)
    }
  }

  /// One kernel and one exchange: who ends first leaves the rest to the other at its full rate.
  ///
  /// 10 ms of kernel at 0.8, 4 ms of exchange at 0.5: 8 ms together do 6.4 ms of the kernel, 3.6 are left: 11.6 ms. With
  /// 10 ms of exchange: 12.5 ms together do 6.25 of it, 3.75 are left: 16.25 ms.
  @Test func oneBesideTheOther() {
    let form = ContentionForm<Double>(exchangeRate: 0.5, computeRate: 0.8)
    func time(_ exchange: Double) -> Double {
      form.beside(kernel: 10, crowded: 10, kernels: 1, exchange: exchange, exchanges: 1)
    }
    #expect(abs(time(4) - 11.6) < 1e-9)
    #expect(abs(time(10) - 16.25) < 1e-9)
  }

  /// The second exchange waits for the kernel of the moment.
  ///
  /// Two kernels of 10 ms, exchanges of 4 ms, rates 0.8 and 0.5:
  /// 8 ms together, 3.6 ms to the end of the first kernel, 8 ms together, 3.6 ms: 23.2 ms.
  @Test func furtherExchangesWaitForAKernelToEnd() {
    let form = ContentionForm<Double>(exchangeRate: 0.5, computeRate: 0.8)
    #expect(abs(form.beside(kernel: 10, crowded: 10, kernels: 2, exchange: 4, exchanges: 2) - 23.2) < 1e-6)
  }

  /// A link of 450 GB/s takes 18 units, one narrowed to 49.8 GB/s two; the narrowest still takes one.
  @Test func exchangesHoldTheUnitsThatFillTheirLink() {
    let form = ContentionForm<Double>()
    #expect(form.channels(bandwidth: 450e9) == 18)
    #expect(abs(form.channels(bandwidth: 49.8e9) - 2) < 0.01)
    #expect(form.channels(bandwidth: 1e9) == 1)
  }
}

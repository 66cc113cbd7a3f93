import CostModels
import ModelTestSupport
import Quantities
import Testing

@Suite struct EagerPassFormTests {
  private typealias Form = EagerPassForm<Double>

  /// A host that starts kernels faster than they end is seen only where the device has nothing to do yet.
  @Test func longKernelsHideTheHost() {
    let (time, _) = Form.time([.forward(device: 1, kernels: 10), .update(device: 0.5)])
    #expect(abs(time - 1.5 * Form.gaps) < 1e-12)
    #expect(abs(Form.time([.update(device: 0.5)]).total - Form.updateLead - 0.5 * Form.gaps) < 1e-12)
  }

  /// Kernels that end at once leave the host's starts: 80 of 26 us and 120 of 66 us.
  @Test func shortKernelsLeaveTheHost() {
    let (time, host) = Form.time([.forward(device: 0, kernels: 80), .backward(device: 0, kernels: 120)])
    #expect(abs(host - 10e-3) < 1e-12)
    #expect(abs(time - host) < 1e-12)
  }

  /// Never shorter than the kernels, nor than the host's starts; longer kernels and more of them never take less time.
  @Test(arguments: UInt64(0)..<50)
  func boundedAndMonotone(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let device = (0..<3).map { _ in random.logarithmic(in: 1e-5...1) }
    let kernels = (0..<2).map { _ in random.logarithmic(in: 1...1000) }
    func time(_ longer: Double, _ more: Double) -> (total: Double, host: Double) {
      Form.time([
        .forward(device: longer * device[0], kernels: more * kernels[0]),
        .backward(device: device[1], kernels: kernels[1]), .update(device: device[2]),
      ])
    }
    let (total, host) = time(1, 1)
    #expect(total >= device.reduce(0, +) && total >= host)
    #expect(time(2, 1).total >= total)
    #expect(time(1, 2).total >= total)
    #expect(total <= host + Form.gaps * device.reduce(0, +) + Form.lossTime + Form.updateLead + 1e-12)
  }
}

import Calibration
import CostModels
import Hardware
import ModelTestSupport
import Quantities
import Quantities
import Testing
import Workloads

/// Measured curves as a network reads them.
@Suite struct SizeCurveTests {
  /// A random curve, and an H200's network that was measured so.
  static func network(_ random: inout SplitMix64) throws -> (SizeCurve, NetworkModel<Double>) {
    var bytes = random.logarithmic(in: 1e3...1e5)
    var seconds = random.logarithmic(in: 1e-6...1e-4)
    var points: [SizeCurve.Point] = []
    for _ in 0..<Int.random(in: 1...20, using: &random) {
      points.append(.init(bytes: bytes, seconds: seconds))
      bytes *= random.logarithmic(in: 1.1...8)
      seconds *= random.logarithmic(in: 0.5...4)
    }
    let curve = SizeCurve(points.shuffled(using: &random))
    let calibration = DeviceCalibration(
      name: "x", hardware: "nvidia-h200", source: "random",
      curves: [.init(kind: "all_reduce", ranks: 4): curve])
    return (curve, NetworkModel(try Repository.device("nvidia-h200"), calibration))
  }

  static func time(_ network: NetworkModel<Double>, _ bytes: Double) throws -> Double {
    try #require(network.cost(Collective(.allReduce, bytes: bytes, ranks: 4))).cost.time
  }

  @Test(arguments: UInt64(0)..<100)
  func itPassesThroughItsPoints(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (curve, network) = try Self.network(&random)
    for point in curve.points {
      #expect(try abs(Self.time(network, point.bytes) / point.seconds - 1) < 1e-9)
    }
  }

  /// Beyond its ends the curve goes on as the form does, by the factor of the end.
  @Test(arguments: UInt64(0)..<50)
  func outsideItKeepsTheShapeOfTheForm(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (curve, network) = try Self.network(&random)
    let plain = NetworkModel<Double>(try Repository.device("nvidia-h200"), nil)
    for (end, factor) in [
      (curve.smallest, 0.01), (curve.smallest, 0.9), (curve.largest, 1.1), (curve.largest, 100),
    ] {
      let measured = try Self.time(network, factor * end) / Self.time(network, end)
      let form = try Self.time(plain, factor * end) / Self.time(plain, end)
      #expect(abs(measured / form - 1) < 1e-9)
    }
  }

  /// Times of the form itself: what lies between its points is the form again, jumps and all.
  @Test func betweenPointsTheFormIsFollowed() throws {
    let device = try Repository.device("nvidia-h200")
    let plain = NetworkModel<Double>(device, nil)
    let points = try [1e4, 1e6, 1e8].map {
      SizeCurve.Point(bytes: $0, seconds: 1.3 * (try Self.time(plain, $0)))
    }
    let calibration = DeviceCalibration(
      name: "x", hardware: "nvidia-h200", source: "the form",
      curves: [.init(kind: "all_reduce", ranks: 4): SizeCurve(points)])
    let network = NetworkModel<Double>(device, calibration)
    for bytes in [3e4, 3e5, 2e6, 2e7, 5e8] {
      #expect(try abs(Self.time(network, bytes) / Self.time(plain, bytes) - 1.3) < 1e-9)
    }
  }
}

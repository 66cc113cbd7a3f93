import Calibration
import CostModels
import Documents
import Hardware
import ModelTestSupport
import Quantities
import Testing
import Workloads

/// What is lent by another device is never surer than the data sheet alone.
@Suite struct BorrowedSpreadTests {
  private static func spreads(_ device: String) throws -> (lent: [Double], sheet: [Double], common: Bool) {
    let device = try Repository.device(device)
    let lender = try DeviceCalibration(named: "nvidia-h200", in: Repository.library)
    let lent = DeviceModel<Double>(device, lender.used(on: device, in: Repository.library))
    let sheet = DeviceModel<Double>(device, nil)
    let works: [Work<Double>] = [
      .gemm(GEMM(m: 4096, n: 4096, k: 4096)), .streaming(Streaming(.gelu, rows: 4096, columns: 4096)),
      .collective(Collective(.allReduce, bytes: 1e8, ranks: 2)),
    ]
    return (
      works.map { lent.spread(of: $0, .bf16) }, works.map { sheet.spread(of: $0, .bf16) }, lent.isForeign
    )
  }

  @Test(arguments: ["amd-mi300x", "amd-mi250x", "nvidia-a100-80g-sxm", "nvidia-b200", "nvidia-v100-32g-sxm"])
  func strangers(device: String) throws {
    let (lent, sheet, isForeign) = try Self.spreads(device)
    #expect(isForeign)
    for (lent, sheet) in zip(lent, sheet) { #expect(lent >= sheet) }
  }

  /// Within a family products and kernels are surer; collectives are those of the data sheet either way.
  @Test func family() throws {
    let (lent, sheet, isForeign) = try Self.spreads("nvidia-h100-80g-sxm")
    #expect(!isForeign)
    #expect(lent[0] < sheet[0] && lent[1] < sheet[1] && lent[2] == sheet[2])
  }

  /// Attention of types that no device was measured with is not as sure as that of 16 bits, with or without a calibration.
  @Test func attentionOfOtherTypes() throws {
    let device = try Repository.device("nvidia-a100-80g-sxm")
    let shape = FlashAttention<Double>(
      batch: 4, heads: 32, keyValueHeads: 32, queries: 2048, keys: 2048, headSize: 128, causal: true,
      backward: false)
    let own = try DeviceCalibration(named: "nvidia-a100-80g-sxm", in: Repository.library)
    for calibration in [nil, own] {
      let model = DeviceModel<Double>(device, calibration)
      #expect(model.spread(of: .attention(shape), .bf16) < 0.13)
      for type in [DataType.fp32, .tf32, .int8] {
        #expect(model.spread(of: .attention(shape), type) == 0.25, "\(type)")
      }
    }
  }

  /// The network of a device that borrows is that of its data sheet: its own links, no lent curve.
  @Test func theNetworkIsNotLent() throws {
    let device = try Repository.device("nvidia-h100-80g-sxm")
    let lender = try DeviceCalibration(named: "nvidia-h200", in: Repository.library)
    let lent = DeviceModel<Double>(device, lender.used(on: device, in: Repository.library))
    let sheet = DeviceModel<Double>(device, nil)
    for kind in Collective<Double>.Kind.allCases {
      let exchange = Collective<Double>(kind, bytes: 3e7, ranks: 2)
      #expect(lent.network.cost(exchange)?.cost.time == sheet.network.cost(exchange)?.cost.time)
      #expect(lent.network.cost(exchange)?.method == .closedForm)
    }
  }
}

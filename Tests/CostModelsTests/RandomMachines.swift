import Calibration
import CostModels
import Quantities
import ModelTestSupport
import Workloads

/// Devices whose numbers the random machines are drawn around.
let deviceNames = [
  "nvidia-v100-32g-sxm", "nvidia-a100-80g-sxm", "nvidia-h200", "nvidia-b200", "nvidia-l40s", "amd-mi300x",
]

extension SplitMix64 {
  /// A machine of the catalogue with each of its numbers up to four times larger or smaller.
  mutating func machine() throws -> Machine<Double> {
    let name = deviceNames[Int.random(in: deviceNames.indices, using: &self)]
    var machine = Machine<Double>(try Repository.device(name))
    machine.units = (machine.units * logarithmic(in: 0.25...4)).rounded()
    machine.clock *= logarithmic(in: 0.5...2)
    machine.memoryBandwidth *= logarithmic(in: 0.25...4)
    machine.cacheCapacity *= logarithmic(in: 0.25...4)
    let factor = logarithmic(in: 0.25...4)
    machine.rates = machine.rates.mapValues { $0 * factor }
    // Forms are asked for any type.
    for type in DataType.allCases where machine.rates[type] == nil {
      machine.rates[type] = machine.rates[.fp16]
    }
    return machine
  }

  /// Constants anywhere in their plausible ranges.
  mutating func constants(of definitions: [Constant]) -> [Double] {
    definitions.map { logarithmic(in: $0.range) }
  }

  mutating func gemm() -> GEMM<Double> {
    let batch = Bool.random(using: &self) ? 1 : size(in: 2...64)
    let layout = Layout.allCases[Int.random(in: 0..<3, using: &self)]
    return GEMM(
      m: size(in: 1...16384), n: size(in: 1...16384), k: size(in: 1...32768), batch: batch, layout: layout)
  }

  mutating func streaming(without left: [Streaming<Double>.Kind] = []) -> Streaming<Double> {
    let kinds = Streaming<Double>.Kind.allCases.filter { !left.contains($0) }
    let kind = kinds[Int.random(in: kinds.indices, using: &self)]
    return Streaming(kind, rows: size(in: 1...65536), columns: size(in: 1...65536))
  }

  mutating func attention(causal: Bool = false, backward: Bool? = nil) -> FlashAttention<Double> {
    let length = size(in: 1...32768)
    let heads = size(in: 1...128)
    return FlashAttention(
      batch: size(in: 1...64), heads: heads, keyValueHeads: heads, queries: length, keys: length,
      headSize: [64.0, 80, 128][Int.random(in: 0..<3, using: &self)], causal: causal,
      backward: backward ?? Bool.random(using: &self))
  }
}

extension GEMM where N == Double {
  /// The same product with another number of something.
  func with(m: Double? = nil, n: Double? = nil, k: Double? = nil, batch: Double? = nil, layout: Layout? = nil)
    -> GEMM<Double>
  {
    GEMM(
      m: m ?? self.m, n: n ?? self.n, k: k ?? self.k, batch: batch ?? self.batch,
      layout: layout ?? self.layout)
  }
}

extension Constant {
  /// Where a constant stands in the list of its form.
  static func index(_ name: String, in definitions: [Constant]) -> Int {
    definitions.firstIndex { $0.name == name } ?? -1
  }
}

/// Rounding of sums of a few terms: what an inequality that holds on paper may miss by.
let rounding = 1e-12

import Documents
import Hardware
import TestSupport
import Testing

@Suite struct DeviceSpellingTests {
  private static let spelling = DeviceSpelling(Repository.library.names(.hardware))

  /// Every device is found under its own name, in any case and with any marks between the words.
  @Test(arguments: Repository.library.names(.hardware))
  func ownName(name: String) {
    for text in [name, name.uppercased(), name.split(separator: "-").joined(separator: "_") + "_gemm.csv"] {
      #expect(Self.spelling.device(in: text) == name, "\(text)")
    }
  }

  /// As drivers, people and tables write them.
  @Test(arguments: [
    ("NVIDIA H100 80GB HBM3", "nvidia-h100-80g-sxm"), ("NVIDIA H100 PCIe", "nvidia-h100-80g-pcie"),
    ("NVIDIA H100 NVL", "nvidia-h100-94g-nvl"), ("NVIDIA A100-SXM4-80GB", "nvidia-a100-80g-sxm"),
    ("NVIDIA A100-SXM4-40GB", "nvidia-a100-40g-sxm"), ("NVIDIA A100 80GB PCIe", "nvidia-a100-80g-pcie"),
    ("Tesla V100-SXM2-32GB", "nvidia-v100-32g-sxm"), ("NVIDIA GeForce RTX 4090", "nvidia-rtx-4090"),
    ("AMD Instinct MI300X", "amd-mi300x"), ("NVIDIA GH200 480GB", "nvidia-gh200-96g"),
    ("h20_operators.csv", "nvidia-h20-96g"), ("gb200_operators.csv", "nvidia-gb200"),
    ("B200.csv", "nvidia-b200"), ("l40_operators.csv", "nvidia-l40"), ("l40s-gemm.csv", "nvidia-l40s"),
    ("rtx4090.csv", "nvidia-rtx-4090"), ("h100-pcie_x.csv", "nvidia-h100-80g-pcie"),
    ("h100pcie.csv", "nvidia-h100-80g-pcie"), ("a100_40gb", "nvidia-a100-40g-sxm"),
    ("a100-megatron", "nvidia-a100-80g-sxm"), ("collectives_slow_a.csv", "nvidia-h200-slow-a"),
    ("heldout-slow-b.csv", "nvidia-h200-slow-b"), ("cpu_xeon16.csv", "intel-xeon-16c"),
    ("prim_kernels.csv", "upmem-prim"),
  ])
  func spellings(text: String, name: String) { #expect(Self.spelling.device(in: text) == name) }

  /// Words that hold the letters of a device and mean something else.
  @Test(arguments: [
    "collectives_nvlink.csv", "tp_layers.csv", "m_b_200.csv", "operators_b32.csv", "h1024.csv",
  ])
  func otherWords(text: String) {
    #expect(Self.spelling.device(in: text) == nil)
    #expect(Self.spelling.unknownDevice(in: text) == nil)
  }

  @Test(arguments: [("h800_operators.csv", "h800"), ("NVIDIA GeForce RTX 3090 rtx3090", "rtx3090")])
  func unknownDevices(text: String, word: String) {
    #expect(Self.spelling.device(in: text) == nil)
    #expect(Self.spelling.unknownDevice(in: text) == word)
  }
}

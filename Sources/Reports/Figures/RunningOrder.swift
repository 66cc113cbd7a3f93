import CostModels
import Quantities
import Scenarios

/// What runs on a device during a step, one after another: forward passes of the layers, the head, backward passes from the
/// last layer to the first, for each micro-batch.
///
/// A tree of costs says how often its parts run, not when; this puts them in order, in as much detail as can be drawn.
struct RunningOrder {
  /// Something that runs.
  struct Run {
    /// What it is: `layer 3 backward`.
    let name: String
    /// The same for all layers and micro-batches: `backward`.
    let kind: String
    /// The part of the root that it belongs to.
    let part: String
    /// The layers that it is a pass of; nil for anything else.
    var layers: String?
    /// What it is made of, and how often that runs.
    let nodes: [CostNode]
    let count: Double

    var time: Double { count * nodes.reduce(0) { $0 + $1.time.value } }
    var exchangeTime: Double { count * nodes.reduce(0) { $0 + $1.communicationTime.value } }
    /// What the power limit holds the mean of: all passes of a layer, which repeat, or this alone.
    var clockGroup: String { layers ?? kind }
    var demand: EnergyDemand<Double> { count * nodes.reduce(.zero) { $0 + $1.demand } }
  }

  /// What is told apart.
  enum Detail: CaseIterable {
    /// Every layer.
    case layers
    /// The passes through all layers.
    case passes
    /// Micro-batches, or steps of decoding, as a whole.
    case batches
    /// Nothing that repeats.
    case kinds
  }

  let runs: [Run]

  /// The most detailed order that has no more runs than so many.
  init(_ root: CostNode, atMost limit: Int) {
    for detail in Detail.allCases {
      let runs = Self.runs(root.parts, detail, prefix: "")
      if runs.count <= limit || detail == .kinds {
        self.runs = runs
        return
      }
    }
    runs = []
  }

  private static let passNames: Set<String> = ["forward", "prefill", "decode"]

  /// Layers: parts that hold a pass.
  static func isLayers(_ node: CostNode) -> Bool { node.parts.contains { passNames.contains($0.name) } }

  private static func runs(_ parts: [CostNode], _ detail: Detail, prefix: String, in whole: String? = nil)
    -> [Run]
  {
    var result: [Run] = []
    var waiting: [CostNode] = []
    func passes(_ node: CostNode, _ nodes: [CostNode], _ kind: String, reversed: Bool) {
      guard !nodes.isEmpty else { return }
      let one = node.name.hasSuffix("s") ? String(node.name.dropLast()) : node.name
      if detail == .layers, node.count > 1 {
        let order = reversed ? Array((1...node.count).reversed()) : Array(1...node.count)
        result += order.map {
          Run(
            name: "\(prefix)\(one) \($0) \(kind)", kind: kind, part: whole ?? node.name, layers: node.name,
            nodes: nodes, count: 1)
        }
      } else {
        result.append(
          Run(
            name: "\(prefix)\(node.name) \(kind)", kind: kind, part: whole ?? node.name,
            layers: node.name, nodes: nodes, count: Double(node.count)))
      }
    }
    func runBack() {
      for node in waiting.reversed() {
        passes(node, node.parts.filter { !passNames.contains($0.name) }, "backward", reversed: true)
      }
      waiting = []
    }
    for part in parts {
      if isLayers(part) {
        let forward = part.parts.filter { passNames.contains($0.name) }
        passes(part, forward, forward.first?.name ?? "", reversed: false)
        waiting.append(part)
      } else if part.parts.contains(where: isLayers) {
        runBack()
        let one = part.name.hasSuffix("es") ? String(part.name.dropLast(2)) : part.name
        switch detail {
        case .layers, .passes:
          for number in 1...max(1, part.count) {
            let words = part.count > 1 ? "\(one) \(number): " : prefix
            result += runs(part.parts, detail, prefix: words, in: whole ?? part.name)
          }
        case .batches where part.count > 1:
          result += (1...part.count).map {
            Run(
              name: "\(one) \($0)", kind: part.name, part: whole ?? part.name, nodes: part.parts, count: 1)
          }
        case .batches, .kinds:
          result.append(
            Run(
              name: part.name, kind: part.name, part: whole ?? part.name, nodes: part.parts,
              count: Double(part.count)))
        }
      } else {
        if part.name != "output head" { runBack() }
        result.append(
          Run(name: prefix + part.name, kind: part.name, part: whole ?? part.name, nodes: [part], count: 1))
        if part.name == "output head" { runBack() }
      }
    }
    runBack()
    return result
  }
}

extension CostNode {
  /// The part that is repeated layer by layer, where there is one: of micro-batches the layers within.
  var repeatedLayers: CostNode? {
    if RunningOrder.isLayers(self) { return self }
    return parts.lazy.compactMap(\.repeatedLayers).first
  }

  /// The kernels of one run, in order, each once.
  var kernelsInOrder: [CostNode] {
    parts.isEmpty
      ? [self]
      : parts.flatMap { part in
        part.parts.isEmpty ? [part] : Array(repeatElement(part.kernelsInOrder, count: part.count).joined())
      }
  }
}

import CostModels
import Documents
import Hardware
import Quantities
public import Scenarios
import Workloads

extension Projection {
  /// The projection as text for a terminal: the answer, then the breakdown as a tree.
  ///
  /// - Parameter depth: how many levels of the tree to show.
  /// - Returns: lines of text.
  public func text(depth: Int = 4) -> String {
    var text = "\(printable(scenario.title))\n"
    text += "\(root.name): \(timeWithInterval)\n"
    for (label, value) in headlines { text += "\(label): \(value)\n" }
    text += "\n"
    var table = TextTable([
      ("part", .left), ("runs", .right), ("time", .right), ("share", .right), ("waits for", .left),
      ("90 % interval", .right), ("FLOP", .right), ("bytes", .right),
    ])
    addRows(of: root, level: 0, depth: depth, runs: 1, to: &table)
    text += table.text
    if root.isExtrapolated {
      text +=
        "\n*: larger or smaller than anything that the calibration saw, or of another data type; extrapolated.\n"
    }
    text += "\n" + sourcesText
    return text
  }

  /// The time of the step with its 90 % interval.
  public var timeWithInterval: String {
    let interval = root.interval90
    return "\(root.time.formatted()) [\(interval.lowerBound.formatted()), \(interval.upperBound.formatted())]"
  }

  /// Figures that follow from the time, for people.
  public var headlines: [(label: String, value: String)] {
    var result: [(label: String, value: String)] = []
    let bounds = root.timeByBound.sorted { $0.value > $1.value }
      .map { "\($0.key.rawValue) \(percent($0.value / root.time.value))" }
    result.append(("waits for", bounds.joined(separator: ", ")))
    if scenario.plan.devices > 1 {
      let hidden = hiddenCommunication
      result.append(
        (
          "communication",
          "\(percent(communicationShare)) of the time"
            + (hidden > .zero ? "; \(hidden.formatted()) more hidden beside kernels" : "")
        ))
    }
    if let exposure { result.append(("gradient exchange", exposure.text)) }
    if let tokensPerSecond {
      result.append(("throughput", "\(counted(tokensPerSecond)) tokens/s"))
    }
    if let modelFLOPUtilization {
      result.append(("model FLOP utilisation", percent(modelFLOPUtilization)))
    }
    if scenario.plan.recompute != .none, let hardwareFLOPUtilization {
      result.append(("hardware FLOP utilisation", percent(hardwareFLOPUtilization)))
    }
    if let trainingTime, let tokens = scenario.trainingTokens {
      let days = trainingTime.value / 86_400
      result.append(("time to train on \(counted(tokens)) tokens", "\(formatted(days)) days"))
    }
    if let memory { result.append(("memory of a device", memory.text)) }
    if let serving { result += serving.headlines }
    if let energy { result += energy.headlines(of: self) }
    return result
  }

  private var sourcesText: String {
    var text = "hardware: \(scenario.device.title)\n"
    if let calibration = scenario.calibration {
      text += "calibration: \(calibration.words)\n"
    } else {
      text += "calibration: none; constants of other devices, so the interval is wide\n"
    }
    for fact in scenario.costs.map({ FactSheet($0).facts }) ?? [] {
      let interval = fact.interval.isEmpty ? "" : " [\(fact.interval)]"
      text += "\(fact.name): \(fact.value)\(interval), \(fact.kind): \(printable(fact.source))\n"
    }
    return text
  }

  private func addRows(of node: CostNode, level: Int, depth: Int, runs: Int, to table: inout TextTable) {
    let factor = Double(runs)
    let time = factor * node.time
    let interval = node.interval90
    table.add([
      String(repeating: "  ", count: level) + node.name
        + (node.isExtrapolated && node.parts.isEmpty ? " *" : ""),
      "\(runs * node.count)", time.formatted(), percent(time / root.time), node.bound.rawValue,
      "\((factor * interval.lowerBound).formatted()) to \((factor * interval.upperBound).formatted())",
      node.work == .zero ? "-" : (factor * node.work).formatted(), (factor * node.traffic).formatted(),
    ])
    guard level + 1 < depth else { return }
    for part in node.parts {
      addRows(of: part, level: level + 1, depth: depth, runs: runs * node.count, to: &table)
    }
  }

  /// The projection as JSON, times in seconds.
  public var json: JSONText {
    .object([
      ("scenario", .text(scenario.name)), ("title", .text(scenario.title)),
      ("changed", .array(scenario.changes.map { .text($0) })), ("hardware", .text(scenario.device.name)),
      ("calibration", scenario.calibration.map { .text($0.name) } ?? .number(nil)),
      ("calibration_borrowed", .flag(scenario.calibration?.measuredDevice != nil)),
      ("files", .array(scenario.files.map { .text($0) })),
      ("time_s", .number(root.time.value)),
      ("time_low90_s", .number(root.interval90.lowerBound.value)),
      ("time_high90_s", .number(root.interval90.upperBound.value)),
      ("communication_share", .number(communicationShare)),
      ("communication_share_low90", .number(communicationInterval.lowerBound)),
      ("communication_share_high90", .number(communicationInterval.upperBound)),
      ("hidden_communication_s", .number(hiddenCommunication.value)),
      ("tokens_per_s", .number(tokensPerSecond)),
      ("model_flop_utilization", .number(modelFLOPUtilization)),
      ("hardware_flop_utilization", .number(hardwareFLOPUtilization)), ("layer_clock", .number(clock)),
      ("training_time_s", .number(trainingTime?.value)), ("devices", .number(Double(scenario.plan.devices))),
      ("memory_bytes", memory.map(\.json) ?? .number(nil)), ("serving", servingJSON), ("energy", energyJSON),
      ("breakdown", json(of: root)),
    ])
  }

  private var servingJSON: JSONText { serving?.json ?? .number(nil) }
  private var energyJSON: JSONText { energy?.json ?? .number(nil) }

  private func json(of node: CostNode) -> JSONText {
    .object([
      ("name", .text(node.name)), ("runs", .number(Double(node.count))),
      ("time_s", .number(node.time.value)), ("low90_s", .number(node.interval90.lowerBound.value)),
      ("high90_s", .number(node.interval90.upperBound.value)), ("flop", .number(node.work.value)),
      ("bytes", .number(node.traffic.value)), ("bound", .text(node.bound.rawValue)),
      ("communication", .flag(node.isCommunication)), ("extrapolated", .flag(node.isExtrapolated)),
      ("parts", .array(node.parts.map(json(of:)))),
    ])
  }
}

extension DeviceCalibration {
  /// Its name, whether another device lends it, and where its rows came from.
  var words: String {
    let lender =
      measuredDevice.map {
        " (borrowed: measured on \($0.title); collectives and energies by the data sheet)"
      } ?? ""
    return "\(name)\(lender), \(source)"
  }
}

extension MemoryVerdict {
  /// What is kept, whether it fits, and what would make it fit, for people.
  var text: String {
    let parts = [
      ("weights", memory.weights), ("gradients", memory.gradients), ("optimizer", memory.optimizer),
      ("embedding and head", memory.outer),
      ("activations", memory.activations), ("buffers", memory.buffers),
      ("fragmentation", memory.fragmentation),
    ].map { "\($0.0) \(Bytes($0.1).formatted())" }.joined(separator: ", ")
    let total = Bytes(memory.total).formatted()
    guard !fits else { return "\(total) of \(capacity.formatted()) (\(parts))" }
    let advice =
      remedies.first.map { "; --set \($0.change) makes it \($0.total.formatted())" }
      ?? "; no single change makes it fit"
    return "does not fit: \(total) of \(capacity.formatted()) (\(parts))\(advice)"
  }

  /// The same, all digits.
  var json: JSONText {
    .object([
      ("weights", .number(memory.weights)), ("gradients", .number(memory.gradients)),
      ("optimizer", .number(memory.optimizer)), ("embedding_and_head", .number(memory.outer)),
      ("activations", .number(memory.activations)),
      ("buffers", .number(memory.buffers)), ("fragmentation", .number(memory.fragmentation)),
      ("total", .number(memory.total)), ("capacity", .number(capacity.value)), ("fits", .flag(fits)),
      (
        "remedies",
        .array(
          remedies.map { .object([("set", .text($0.change)), ("total", .number($0.total.value))]) })
      ),
    ])
  }
}

/// A share as a percentage for people.
public func percent(_ share: Double) -> String {
  fixed(share * 100, decimals: share < 0.0995 ? 1 : 0) + " %"
}

extension ExchangeExposure<Double> {
  /// How much of the exchange of gradients is exposed, and why, in words.
  var text: String {
    func time(_ seconds: Double) -> String { Seconds(seconds).formatted() }
    var reasons: [String] = []
    if tail > 0 { reasons.append("\(time(tail)) with no kernels left to hide it") }
    if outlasting > 1e-3 * exposed {
      reasons.append(
        "\(time(outlasting)) because a layer's exchange (\(time(layerExchange))) outlasts its backward pass "
          + "(\(time(layerBackward)))")
    }
    let lost = slowdown > 0 ? "; kernels beside it lose \(time(slowdown))" : ""
    return "\(time(exposed)) exposed: " + reasons.joined(separator: ", ") + lost
  }
}

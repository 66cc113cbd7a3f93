import CostModels
public import Documents
import Hardware
import Quantities
import Workloads

/// JIT-Q (arXiv 2311.05034): low-precision weights made in memory, just in time.
public struct JITQ: Study {
  /// The name of its file.
  public static let name = "jit-q"

  /// Constants that the paper does not print, with the ends of their ranges.
  struct Assumptions {
    var tokens, commands, stall, efficiency, preciseBytes, activationBytes, directions: Double
    var formats: [BlockFormat]

    /// Bytes of all copies of a weight.
    var copies: Double { directions * formats.reduce(0) { $0 + $1.bits } / 8 }
  }

  let gpu: Device
  let peak: Double
  let units: UnitCommandForm<Double>
  let models: [TransformerModel]
  let degree: Int
  let assumptions: Assumptions
  /// Each constant at an end of its range, the others as they are.
  let variants: [(name: String, assumptions: Assumptions)]
  /// Joules of a byte between memory and GPU, and between a bank and its unit.
  let outsideEnergy, insideEnergy: Double

  /// Takes its parameters and reads devices and models.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    let root = parameters.file.root
    gpu = try Device(named: try parameters.word("gpu"), in: library)
    guard let rate = gpu.compute.rates[.fp16]?.value, gpu.mainMemory.bandwidth != nil else {
      throw root.diagnostic(
        .contradiction("'parameters.gpu': \(gpu.name) has no rate for fp16 or no bandwidth"))
    }
    peak = rate
    let memory = try Device(named: try parameters.word("units"), in: library)
    guard let units = UnitCommandForm<Double>(memory) else {
      throw root.diagnostic(
        .contradiction("'parameters.units': \(memory.name) has no units that execute commands in step"))
    }
    self.units = units
    var models: [TransformerModel] = []
    for name in try parameters.words("models") {
      models.append(try TransformerModel(studied: name, in: library))
    }
    self.models = models
    degree = try parameters.integer("degree", in: 1...100_000)
    var formats: [BlockFormat] = []
    for name in try parameters.words("formats") {
      guard let format = BlockFormat.all.first(where: { $0.name == name }) else {
        throw root.diagnostic(
          .unknownWord(path: "parameters.formats", found: name, known: BlockFormat.all.map(\.name)))
      }
      formats.append(format)
    }
    let tokens = try parameters.number("tokens")
    let commands = try parameters.number("commands")
    let stall = try parameters.number("stall")
    let efficiency = try parameters.number("efficiency")
    let precise = try parameters.number("precise_bytes")
    let activation = try parameters.number("activation_bytes")
    let directions = try parameters.number("directions")
    let assumptions = Assumptions(
      tokens: tokens.value, commands: commands.value, stall: stall.value, efficiency: efficiency.value,
      preciseBytes: precise.value, activationBytes: activation.value, directions: directions.value,
      formats: formats)
    self.assumptions = assumptions
    var variants: [(String, Assumptions)] = []
    func vary(
      _ name: String, _ constant: Sourced<Dimensions.Number>, _ path: WritableKeyPath<Assumptions, Double>
    ) {
      guard let interval = constant.interval else { return }
      for end in [interval.lowerBound.value, interval.upperBound.value] {
        var other = assumptions
        other[keyPath: path] = end
        variants.append(("\(name) \(formatted(end, digits: 3))", other))
      }
    }
    vary("tokens", tokens, \.tokens)
    vary("commands an operand", commands, \.commands)
    vary("stall", stall, \.stall)
    vary("efficiency", efficiency, \.efficiency)
    vary("bytes of a precise weight", precise, \.preciseBytes)
    vary("bytes of activations", activation, \.activationBytes)
    vary("directions", directions, \.directions)
    for formats in [[BlockFormat.all[0]], BlockFormat.all] {
      var other = assumptions
      other.formats = formats
      variants.append(("copies in " + formats.map(\.name).joined(separator: ", "), other))
    }
    // All that decides the time at its favourable ends, and at its unfavourable ones.
    for (name, isGood) in [("all favourable to time", true), ("all unfavourable", false)] {
      var other = assumptions
      func end(_ constant: Sourced<Dimensions.Number>, isHigh: Bool) -> Double {
        (isHigh ? constant.interval?.upperBound : constant.interval?.lowerBound)?.value ?? constant.value
      }
      other.tokens = end(tokens, isHigh: isGood)
      other.commands = end(commands, isHigh: !isGood)
      other.stall = end(stall, isHigh: !isGood)
      other.efficiency = end(efficiency, isHigh: !isGood)
      variants.append((name, other))
    }
    self.variants = variants
    outsideEnergy = 1e-12 * (try parameters.number("outside_energy").value)
    insideEnergy = 1e-12 * (try parameters.number("inside_energy").value)
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [capacity, time, sensitivity]
    findings.answers = answers
    findings.foundations = [
      "models, batch, GPU, memory, formats and commands of a block are assumed: the paper's were not found",
      "the memory's commands are sums over published timings (UnitCommandForm); no measurement of such memory was at hand",
      "energies of a byte are constants of another group's simulator",
    ]
    return findings
  }
}

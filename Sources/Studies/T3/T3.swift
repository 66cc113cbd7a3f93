public import CostModels
public import Documents
public import Quantities
import Workloads

/// T3 (arXiv 2401.16677): a product fused with the reduce-scatter of its output.
public struct T3: Study {
  /// The name of its file.
  public static let name = "t3"

  /// The simulated GPU.
  public let form: FusedReduceScatterForm<Double>
  /// The machine with each assumed constant at an end of its range, the others as they are.
  let variants: [(name: String, form: FusedReduceScatterForm<Double>)]
  let otherShares: [Double]
  let small: [T3Case]
  let large: [T3Case]
  let future: [T3Case]

  /// Takes its parameters and reads the models.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    func models(_ names: [String], tokens: [Int], degrees: [Int]) throws(Diagnostic) -> [T3Case] {
      guard tokens.count == names.count || tokens.count == 1 else {
        throw parameters.file.root.diagnostic(
          .contradiction("\(tokens.count) token counts for \(names.count) models"))
      }
      var cases: [T3Case] = []
      for (index, name) in names.enumerated() {
        let model = try TransformerModel(studied: name, in: library)
        for degree in degrees {
          cases.append(
            T3Case(model: model, tokens: tokens.count == 1 ? tokens[0] : tokens[index], degree: degree))
        }
      }
      return cases
    }
    let smallNames = try parameters.words("small_models")
    let smallTokens = try parameters.integers("small_tokens")
    let smallDegrees = try parameters.integers("small_degrees", in: 3...100_000)
    small = try models(smallNames, tokens: smallTokens, degrees: smallDegrees)
    let largeTokens = try parameters.integers("large_tokens")
    let largeNames = try parameters.words("large_models")
    let largeDegree = try parameters.integer("large_degree", in: 3...100_000)
    large = try models(largeNames, tokens: largeTokens, degrees: [largeDegree])
    let futureNames = try parameters.words("future_models")
    let futureDegree = try parameters.integer("future_degree", in: 3...100_000)
    future = try models(futureNames, tokens: largeTokens, degrees: [futureDegree])

    let units = try parameters.number("units").value
    let clock = try parameters.quantity("clock", as: Hertz.self).value
    let efficiency = try parameters.number("efficiency")
    let heldOutputs = try parameters.number("held_outputs")
    let updateCost = try parameters.number("update_cost")
    let tile = try parameters.number("tile")
    let form = FusedReduceScatterForm(
      units: units, peak: units * clock * (try parameters.number("unit_flop").value),
      efficiency: efficiency.value, tile: tile.value,
      cache: try parameters.quantity("cache", as: Bytes.self).value, heldOutputs: heldOutputs.value,
      memoryBandwidth: try parameters.quantity("memory_bandwidth", as: BytesPerSecond.self).value,
      linkBandwidth: try parameters.quantity("link_bandwidth", as: BytesPerSecond.self).value,
      linkLatency: try parameters.quantity("link_latency", as: Seconds.self).value,
      updateCost: updateCost.value)
    self.form = form
    var variants: [(String, FusedReduceScatterForm<Double>)] = []
    func vary(
      _ name: String, _ constant: Sourced<Dimensions.Number>,
      _ path: WritableKeyPath<FusedReduceScatterForm<Double>, Double>
    ) {
      guard let interval = constant.interval else { return }
      for end in [interval.lowerBound.value, interval.upperBound.value] {
        var other = form
        other[keyPath: path] = end
        variants.append(("\(name) \(formatted(end, digits: 2))", other))
      }
    }
    vary("efficiency", efficiency, \.efficiency)
    vary("tile", tile, \.tile)
    vary("waves of outputs held", heldOutputs, \.heldOutputs)
    vary("cost of an addition", updateCost, \.updateCost)
    self.variants = variants
    let other = try parameters.number("other_share")
    otherShares =
      [other.value] + [other.interval?.lowerBound.value, other.interval?.upperBound.value].compactMap { $0 }
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    var findings = Findings(summary: summary)
    findings.sections = [sublayers, movement, steps, sensitivity]
    findings.answers = answers
    findings.foundations = [
      "simulated GPU, models and token counts: recalled or from reading notes, the paper's text was not available",
      "the closed form of fused products is ours (FusedReduceScatterForm); no measurement of such hardware exists",
      "claims that change within the ranges of efficiency, waves of outputs held or cost of an addition are not decided",
    ]
    return findings
  }
}

import Quantities
import Scenarios

extension EnergyProjection {
  /// Power, energy, money and carbon for people.
  func headlines(of projection: Projection) -> [(label: String, value: String)] {
    var result: [(label: String, value: String)] = []
    if sustainedTime.value > 1.01 * projection.time.value {
      result.append(
        (
          "under the power limit",
          "\(sustainedTime.formatted()), when it runs again and again: it asks for \(demandedPower.formatted()) a device"
        ))
    }
    if let clock = projection.clock, clock < 0.995 {
      result.append(("power limit", "holds the layers at \(percent(clock)) of the full clock"))
    }
    result.append(("mean power", "\(power.formatted()) a device"))
    var words =
      "\(energy.formatted()) [\(interval90.lowerBound.formatted()), \(interval90.upperBound.formatted())]"
    if let perToken { words += ", \(perToken.formatted()) a token" }
    result.append(("energy", words))
    if let workPerJoule {
      let tokens = tokensPerJoule.map { ", \(formatted($0)) tokens/J" } ?? ""
      result.append(("performance per watt", "\(FLOPPerSecond(workPerJoule).formatted()) a watt\(tokens)"))
    }
    if let money {
      var words =
        "\(Self.text(money.value.value, money.range.lowerBound.value, money.range.upperBound.value)) USD"
      if let tokens = projection.tokens {
        let scale = 1e6 / tokens
        words +=
          ", \(Self.text(scale * money.value.value, scale * money.range.lowerBound.value, scale * money.range.upperBound.value)) USD a million tokens"
        if let wanted = projection.scenario.trainingTokens {
          let whole = wanted / tokens
          words +=
            ", \(Self.text(whole * money.value.value, whole * money.range.lowerBound.value, whole * money.range.upperBound.value)) USD for \(counted(wanted)) tokens"
        }
      }
      result.append(("cost", words))
    }
    if let carbon {
      let (low, high) = (carbon.range.lowerBound.formatted(), carbon.range.upperBound.formatted())
      result.append(("carbon dioxide", "\(carbon.value.formatted()) [\(low), \(high)]"))
    }
    return result
  }

  private static func text(_ value: Double, _ low: Double, _ high: Double) -> String {
    "\(counted(value)) [\(counted(low)), \(counted(high))]"
  }

  /// The same, all digits.
  var json: JSONText {
    .object([
      ("sustained_time_s", .number(sustainedTime.value)), ("energy_j", .number(energy.value)),
      ("energy_low90_j", .number(interval90.lowerBound.value)),
      ("energy_high90_j", .number(interval90.upperBound.value)), ("mean_power_w", .number(power.value)),
      ("demanded_power_w", .number(demandedPower.value)), ("energy_per_token_j", .number(perToken?.value)),
      ("tokens_per_j", .number(tokensPerJoule)), ("flop_per_j", .number(workPerJoule)),
      ("cost_usd", .number(money?.value.value)), ("cost_low_usd", .number(money?.range.lowerBound.value)),
      ("cost_high_usd", .number(money?.range.upperBound.value)), ("carbon_g", .number(carbon?.value.value)),
      ("carbon_low_g", .number(carbon?.range.lowerBound.value)),
      ("carbon_high_g", .number(carbon?.range.upperBound.value)),
    ])
  }
}

extension ServingFigures {
  /// Latency and memory for people.
  var headlines: [(label: String, value: String)] {
    var result: [(label: String, value: String)] = []
    if let timeToFirstToken { result.append(("time to first token", timeToFirstToken.formatted())) }
    if let timePerOutputToken {
      result.append(
        (
          "time per output token",
          "\(timePerOutputToken.formatted()), \(formatted(1 / timePerOutputToken.value)) tokens/s for each sequence"
        ))
    }
    let parts = [("weights", memory.weights), ("cache", memory.cache), ("buffers", memory.buffers)]
      .map { "\($0.0) \($0.1.formatted())" }.joined(separator: ", ")
    let verdict = fits ? "" : "does not fit: "
    let advice =
      fits
      ? ""
      : remedies.first.map { "; --set \($0.change) makes it \($0.total.formatted())" }
        ?? "; no single change makes it fit"
    let most =
      largestBatch.map { "; at most \($0) sequence\($0 == 1 ? "" : "s") a replica" }
      ?? "; not even one sequence fits"
    result.append(
      (
        "memory of a device",
        "\(verdict)\(memory.total.formatted()) of \(capacity.formatted()) (\(parts))\(most)\(advice)"
      ))
    return result
  }

  /// The same, all digits.
  var json: JSONText {
    .object([
      ("time_to_first_token_s", .number(timeToFirstToken?.value)),
      ("time_per_output_token_s", .number(timePerOutputToken?.value)),
      ("weights_bytes", .number(memory.weights.value)), ("cache_bytes", .number(memory.cache.value)),
      ("buffer_bytes", .number(memory.buffers.value)), ("capacity_bytes", .number(capacity.value)),
      ("fits", .flag(fits)), ("largest_batch", .number(largestBatch.map(Double.init))),
      (
        "remedies",
        .array(remedies.map { .object([("set", .text($0.change)), ("total", .number($0.total.value))]) })
      ),
    ])
  }
}

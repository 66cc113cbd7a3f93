import Quantities
public import Sweeps

extension Sensitivity {
  /// The sensitivities for a terminal: what buys most first.
  ///
  /// - Parameter title: of the scenario.
  /// - Returns: text that ends a line.
  public func text(_ title: String) -> String {
    var text = title + "\n"
    text += "training step: \(Seconds(time).formatted())\n"
    if let interval = interval(0.9) {
      let (low, high) = (Seconds(interval.lowerBound).formatted(), Seconds(interval.upperBound).formatted())
      text += "90 % of \(draws.count) draws of the calibration: \(low) to \(high)\n"
    }
    text += "\n"
    var table = TextTable([
      ("parameter", .left), ("value", .right), ("10 % better saves", .right), ("elasticity", .right),
      ("range", .left), ("time at low", .right), ("time at high", .right),
    ])
    for bar in bars {
      let index = parameters.firstIndex { $0.key == bar.parameter.key } ?? 0
      let parameter = bar.parameter
      let unit = parameter.unit.isEmpty || parameter.unit == "1" ? "" : " " + parameter.unit
      let range = "\(formatted(parameter.range.lowerBound)) to \(formatted(parameter.range.upperBound))"
      table.add([
        parameter.key, formatted(parameter.value) + unit, fixed(100 * bar.saving, decimals: 2) + " %",
        fixed(outputs[0].elasticities[index], decimals: 4), range + (parameter.isSourced ? "" : " (10 %)"),
        Seconds(bar.timeAtLow).formatted(), Seconds(bar.timeAtHigh).formatted(),
      ])
    }
    return text + table.text
  }

  /// The sensitivities as JSON, all digits, base units.
  ///
  /// - Parameters:
  ///   - title: of the scenario.
  ///   - changes: what was changed of it.
  /// - Returns: text that ends a line.
  public func json(_ title: String, changes: [String]) -> String {
    JSONText.object([
      ("title", .text(title)), ("changed", .array(changes.map { .text($0) })),
      ("time_s", .number(time)),
      (
        "parameters",
        .array(
          bars.map { bar in
            .object([
              ("key", .text(bar.parameter.key)), ("value", .number(bar.parameter.value)),
              ("unit", .text(bar.parameter.unit)), ("low", .number(bar.parameter.range.lowerBound)),
              ("high", .number(bar.parameter.range.upperBound)), ("time_at_low_s", .number(bar.timeAtLow)),
              ("time_at_high_s", .number(bar.timeAtHigh)), ("saving_of_10_percent", .number(bar.saving)),
            ])
          })
      ),
      (
        "elasticities",
        .array(
          outputs.map { output in
            .object(
              [("output", .text(output.output.name)), ("value_s", .number(output.value))]
                + zip(parameters, output.elasticities).map { ($0.key, JSONText.number($1)) })
          })
      ),
      ("draws_s", .array(draws.map { .number($0) })),
    ]).text + "\n"
  }
}

extension SobolIndices {
  /// The indices for a terminal.
  ///
  /// - Parameter sweep: the question.
  /// - Returns: text that ends a line.
  public func text(_ sweep: Sweep) -> String {
    let unit = output.unit == "1" ? "" : " " + output.unit
    var text = "\(sweep.title)\n\(output.title): mean \(formatted(mean)), "
    text += "standard deviation \(formatted(deviation))\(unit)\n"
    text += "\(points) of \(sampled) sampled rows have an answer in every place\n\n"
    var table = TextTable([
      ("axis", .left), ("alone", .right), ("standard error", .right), ("with others", .right),
      ("standard error", .right),
    ])
    for index in indices {
      table.add([
        index.dimension, fixed(index.first, decimals: 3), fixed(index.firstError, decimals: 3),
        fixed(index.total, decimals: 3), fixed(index.totalError, decimals: 3),
      ])
    }
    return text + table.text
  }

  /// The indices as JSON.
  ///
  /// - Parameter sweep: the question.
  /// - Returns: text that ends a line.
  public func json(_ sweep: Sweep) -> String {
    JSONText.object([
      ("title", .text(sweep.title)), ("changed", .array(sweep.changes.map { .text($0) })),
      ("sampled", .number(Double(sampled))),
      ("output", .text(output.name)), ("points", .number(Double(points))), ("mean", .number(mean)),
      ("standard_deviation", .number(deviation)),
      (
        "indices",
        .array(
          indices.map {
            .object([
              ("axis", .text($0.dimension)), ("first_order", .number($0.first)),
              ("first_order_standard_error", .number($0.firstError)), ("total", .number($0.total)),
              ("total_standard_error", .number($0.totalError)),
            ])
          })
      ),
    ]).text + "\n"
  }
}

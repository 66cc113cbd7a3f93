import CostModels
import Hardware
import Quantities
import Workloads

/// What the study shows.
extension JITQ {
  var summary: String {
    let saving = bestSaving(assumptions)
    let loss = worstLoss(assumptions)
    let losses = variants.map { worstLoss($0.assumptions) }
    return
      "Without stored copies in \(assumptions.formats.map(\.name).joined(separator: " and ")), \(formatted(saving, digits: 3)) % of the memory of weights and optimizer is free. Making them in memory costs "
      + "\(formatted(loss, digits: 2)) % of the throughput at most over the models, and \(formatted(losses.min() ?? 0, digits: 2)) to \(formatted(losses.max() ?? 0, digits: 2)) % over the ranges of what is assumed. "
      + "The paper's own models, formats and commands are not known, so neither number is a check of it."
  }

  /// What is saved and what it buys.
  var capacity: Section {
    let sets = [[BlockFormat.all[0]], Array(BlockFormat.all.prefix(2)), BlockFormat.all]
    var formatRows: [[DataTable.Cell]] = []
    for formats in sets {
      for directions in [1.0, 2.0] {
        var a = assumptions
        (a.formats, a.directions) = (formats, directions)
        formatRows.append([
          .text(formats.map(\.name).joined(separator: ", ")), .number(directions), .number(a.copies),
          .number(bestSaving(a)),
        ])
      }
    }
    let rows = models.map { model -> [DataTable.Cell] in
      let state = state(model, assumptions)
      return [
        .text(model.name), .number(100 * state.saving),
        .number(model.parameters / Double(degree) * (state.stored - state.justInTime) / 1e9),
        .number(devicesThatHold(model, bytes: state.stored)),
        .number(devicesThatHold(model, bytes: state.justInTime)),
        .number(tokensThatFit(model, bytes: state.stored)),
        .number(tokensThatFit(model, bytes: state.justInTime)),
      ]
    }
    return Section(
      "Capacity",
      prose: [
        "A block shares its exponent along the inner dimension of a product, so the weights forward and backward are different copies. Kept just in time, only one layer's copies stand in memory.",
        "What is free holds more tokens beside the weights, or lets the state fit on fewer devices. No tokens: the weights alone are too large for \(degree) devices.",
      ],
      tables: [
        DataTable(
          "Copies and what they take",
          columns: [
            .init("formats"), .init("directions"), .init("copies of a weight", unit: "B"),
            .init("saved", unit: "%"),
          ],
          rows: formatRows),
        DataTable(
          "What the capacity buys on \(degree) x \(gpu.title)",
          columns: [
            .init("model"), .init("saved", unit: "%"), .init("saved on a device", unit: "GB"),
            .init("devices that hold the state, stored"), .init("just in time"),
            .init("tokens that fit, stored"), .init("tokens, just in time"),
          ], rows: rows),
      ])
  }

  /// Time and energy.
  var time: Section {
    var rows: [[DataTable.Cell]] = []
    for model in models {
      for (name, pass) in zip(["forward", "backward"], passes(model, assumptions)) {
        rows.append([
          .text(model.name), .text(name), .number(1e3 * pass.pass), .number(1e3 * pass.quantising),
          .number(100 * pass.added / pass.pass, digits: 2), .number(loss(model, assumptions), digits: 2),
          .number(energySaved(model)),
        ])
      }
    }
    let series = models.map { model in
      LineChart.Series(
        model.name,
        [512.0, 1024, 2048, 4096, 8192, 16384].map { tokens in
          var a = assumptions
          a.tokens = tokens
          return .init(tokens, loss(model, a))
        })
    }
    return Section(
      "Time and energy",
      prose: [
        "Units quantise the next layer's weights while the GPU computes. A pass grows with the tokens, quantising does not: with few tokens it is not hidden. While it is, banks that are taken hinder the GPU in proportion to the bandwidth that it uses.",
        "The same copies made by the GPU would move every precise weight to it and the copy back, twice a step; in memory they do not leave the banks.",
      ],
      charts: [
        Chart(
          "Throughput lost by tokens of a micro-batch", "Constants as assumed.",
          .lines(
            LineChart(
              x: .init("tokens", isLogarithmic: true), y: .init("throughput lost", unit: "%"), series: series)
          ))
      ],
      tables: [
        DataTable(
          "A layer's passes on one device",
          columns: [
            .init("model"), .init("pass"), .init("alone", unit: "ms"), .init("quantising", unit: "ms"),
            .init("longer by", unit: "%"), .init("loss of a step", unit: "%"),
            .init("movement saved a step", unit: "J"),
          ], rows: rows)
      ])
  }

  /// What each assumption does.
  var sensitivity: Section {
    let rows = ([("as assumed", assumptions)] + variants).map { name, a -> [DataTable.Cell] in
      [.text(name), .number(bestSaving(a)), .number(worstLoss(a), digits: 2)]
    }
    return Section(
      "What our assumptions do",
      prose: [
        "Each constant at the ends of its range, the others as they are; then all that decides the time at its good and at its bad ends. What lies inside is plausible and no more."
      ],
      tables: [
        DataTable(
          "Capacity saved and throughput lost",
          columns: [.init("constant"), .init("saved", unit: "%"), .init("lost", unit: "%")], rows: rows)
      ])
  }
}

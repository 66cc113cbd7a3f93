import Quantities
public import Sweeps

extension FactSheet {
  /// A space of scenarios: its axes with their values.
  public init(_ sweep: Sweep) {
    self.init(title: "\(sweep.name): \(sweep.title)")
    if let note = sweep.note { add("note", note) }
    add("evaluates", sweep.model.rawValue)
    add("scenarios", "\(sweep.space.count)")
    for dimension in sweep.space.dimensions {
      for index in dimension.axes {
        let axis = sweep.space.axes[index]
        let ends = [0, dimension.size - 1].map { sweep.space.label(index, at: $0) }
        let unit = axis.unit == "1" ? "" : " " + axis.unit
        add(
          "axis " + axis.name,
          "\(dimension.size) values, \(ends[0])\(unit) to \(ends[1])\(unit)"
            + (axis.key.map { ", sets \($0)" } ?? ""))
      }
    }
    add("outputs", sweep.outputs.map(\.name).joined(separator: ", "))
  }
}

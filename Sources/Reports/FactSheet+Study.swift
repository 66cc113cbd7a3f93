import Quantities
public import Studies

extension FactSheet {
  /// A study of the catalogue: its paper, its parameters and its claims.
  public init(_ study: StudyFile) {
    self.init(title: "\(study.name): \(study.title)")
    add("question", study.question)
    if let paper = study.paper {
      let number = paper.arXiv.map { ", arXiv \($0)" } ?? ""
      add("paper", "\(paper.title), \(paper.authors), \(paper.year)\(number)")
      if let note = paper.note { add("how it was read", note) }
    }
    for parameter in study.parameters {
      facts.append(
        Fact(
          name: parameter.name, value: parameter.values.joined(separator: ", "),
          number: parameter.values.count == 1 ? Double(parameter.values[0]) : nil,
          interval: parameter.interval.map { "\($0.low) to \($0.high)" } ?? "",
          kind: parameter.provenance.kind.rawValue, source: parameter.provenance.source))
    }
    for claim in study.claims {
      facts.append(
        Fact(
          name: "claim " + claim.id, value: claim.paperText, number: nil, interval: claim.toleranceText,
          kind: claim.known.rawValue, source: claim.reference))
    }
  }
}

import Studies

/// Terms and works that pages explain where they use them.
enum Glossary {
  struct Term {
    let term: String
    let meaning: String
    /// Words of a page that call for it.
    let marks: [String]

    init(_ term: String, _ meaning: String, marks: [String]? = nil) {
      self.term = term
      self.meaning = meaning
      self.marks = marks ?? [term]
    }
  }

  /// The terms that a text uses, in alphabetical order.
  static func terms(in text: String) -> [Term] {
    let words = text.lowercased()
    return all.filter { term in term.marks.contains { words.contains($0.lowercased()) } }
  }

  /// The works that a text builds on.
  static func references(in text: String) -> [String] {
    let words = text.lowercased()
    return works.filter { work in work.marks.contains { words.contains($0.lowercased()) } }.map(\.citation)
  }

  private static let all = [
    Term(
      "90 % interval",
      "holds the true value in nine of ten cases, judged by measured rows that no fit saw; intervals are relative, so they reach further up than down",
      marks: ["90 %", "interval"]),
    Term(
      "all-reduce", "an exchange after which every device holds the sum of what all of them held",
      marks: ["all-reduce", "exchange"]),
    Term(
      "arithmetic intensity", "operations for each byte that must cross a level of memory, in FLOP/B",
      marks: ["intensity", "flop/b"]),
    Term(
      "bound", "the resource that a part waits for: more of any other one would not make it faster",
      marks: ["waits for", "bound"]),
    Term(
      "calibration", "constants of the closed forms, fitted to measurements of one device",
      marks: ["calibrat"]),
    Term(
      "DPU", "the processing unit beside a bank of UPMEM's memory, with 64 MB of its own", marks: ["DPU"]),
    Term(
      "edge", "operations of a layer for each byte of its serialized exchanges (Comp-vs-Comm)",
      marks: ["edge and slack"]),
    Term(
      "efficiency of scaling", "speed on N devices over N times the speed on the fewest that were asked",
      marks: ["scaling"]),
    Term(
      "exposed", "communication that no computation hides, so that it lengthens the step", marks: ["exposed"]),
    Term(
      "extrapolated",
      "more than twice larger or smaller than anything that the calibration saw, or of a data type that it did not see",
      marks: ["extrapolated"]),
    Term(
      "idle power", "what a device draws when nothing runs on it", marks: ["idle power", "idle 1"]),
    Term(
      "micro-batch",
      "the sequences that go through a model's layers at once; a step adds up the gradients of several",
      marks: ["micro-batch"]),
    Term(
      "pipeline parallelism (PP)",
      "stages hold a part of the layers each and pass activations on; while they fill and empty, devices wait (the bubble)",
      marks: ["pipeline"]),
    Term(
      "recomputation", "activations are not kept but computed again in the backward pass",
      marks: ["recompute", "recomputation"]),
    Term(
      "sequence parallelism",
      "devices that split the products of a layer also share the tokens of everything between them",
      marks: ["sequence parallel"]),
    Term(
      "sharding (ZeRO)",
      "replicas share out the optimizer's state, gradients or weights instead of each holding all of them",
      marks: ["sharding"]),
    Term(
      "strong and weak scaling", "more devices for the same work, and for as much more work",
      marks: ["strong scaling", "weak scaling"]),
    Term(
      "knee", "where one more doubling of devices brings less than half of what it should", marks: ["knee"]),
    Term(
      "model FLOP utilisation",
      "operations that the model needs, without recomputation, over what the devices could do in the same time",
      marks: ["utilisation"]),
    Term(
      "Pareto front", "the designs that no other one beats in every respect", marks: ["pareto"]),
    Term(
      "ridge", "the intensity where a roofline turns from memory to compute", marks: ["ridge"]),
    Term(
      "roofline", "the rate that a level of memory or the peak allows at an arithmetic intensity",
      marks: ["roof"]),
    Term(
      "slack", "operations that hide each byte of a gradient exchange (Comp-vs-Comm)",
      marks: ["edge and slack"]),
    Term(
      "tensor parallelism (TP)",
      "every product of a layer is split over the devices, which exchange activations",
      marks: ["tensor-parallel", "TP "]),
    Term(
      "data parallelism (DP)",
      "every device holds the model and a part of the batch; gradients are exchanged",
      marks: ["data-parallel", "data parallel", "DP "]),
  ].sorted { $0.term.lowercased() < $1.term.lowercased() }

  private static let works: [(citation: String, marks: [String])] = [
    (
      "S. Williams, A. Waterman, D. Patterson: Roofline: an insightful visual performance model for multicore architectures. CACM 52(4), 2009.",
      ["roof"]
    ),
    (
      "A. Ilic, F. Pratas, L. Sousa: Cache-aware Roofline model. IEEE Computer Architecture Letters 13(1), 2014.",
      ["level of memory", "levels of memory"]
    ),
    (
      "M. Shoeybi et al.: Megatron-LM: training multi-billion parameter language models using model parallelism. arXiv 1909.08053.",
      ["tensor-parallel", "megatron"]
    ),
    (
      "V. Korthikanti et al.: Reducing activation recomputation in large Transformer models. arXiv 2205.05198.",
      ["sequence parallel", "recomputation"]
    ),
    (
      "D. Narayanan et al.: Efficient large-scale language model training on GPU clusters using Megatron-LM. arXiv 2104.04473.",
      ["pipeline"]
    ),
    (
      "S. Rajbhandari et al.: ZeRO: memory optimizations toward training trillion parameter models. arXiv 1910.02054.",
      ["sharding"]
    ),
    (
      "J. Choi, D. Bedard, R. Fowler, R. Vuduc: A roofline model of energy. IPDPS 2013.",
      ["where the energy goes"]
    ),
    (
      "S. Pati et al.: Computation vs. communication scaling for future Transformers on future hardware. arXiv 2302.02825.",
      ["comp-vs-comm", "edge and slack", "2302.02825"]
    ),
    (
      "S. Rhyner et al.: PIM-Opt: demystifying distributed optimization algorithms on a real-world processing-in-memory system. arXiv 2404.07164.",
      ["pim-opt", "2404.07164"]
    ),
  ]
}

extension Chart {
  /// How figures of this kind are read.
  var reading: String {
    switch drawing {
    case .lines(let lines):
      var words =
        lines.x.isLogarithmic && lines.y.isLogarithmic
        ? "Both axes are logarithmic: equal steps are equal factors."
        : lines.x.isLogarithmic
          ? "The horizontal axis is logarithmic: equal steps are equal factors."
          : lines.y.isLogarithmic ? "The vertical axis is logarithmic: equal steps are equal factors." : ""
      if lines.series.indices.contains(where: { lines.hasWhiskers($0) }) {
        words += " Thin upright lines are intervals."
      }
      return words
    case .maps:
      return "Each field is one case; its number is written in it, and the darker the larger."
    case .bars(let bars):
      let isStacked = bars.bars.contains { bar in bar.lengths.count { $0 != 0 } > 1 }
      return isStacked ? "The parts of a bar add up to the number at its end." : ""
    case .icicle:
      return
        "Each field is as tall as its share; what it is made of lies to its right. Colour says what it waits for."
    case .timeline: return "Time runs to the right. Fields above one another run at the same time."
    case .tornado:
      return
        "Each bar is what moving one parameter alone does to the result; the upright line is the result as it stands."
    }
  }
}

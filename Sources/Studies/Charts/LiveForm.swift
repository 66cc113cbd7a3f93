public import Quantities

/// A closed form that the sliders of a page read again, without the program and without a second copy of the form.
///
/// The form is read three times: with `Double` for what is drawn, with ``Quantities/RecordedNumber`` for what the page
/// evaluates, and with `Double` again at a few other places, which the page compares with its own results when it opens.
public struct LiveForm: Sendable {
  /// A parameter that a reader can move.
  public struct Slider: Sendable {
    /// What it is.
    public let name: String
    /// Its unit, written with a prefix; empty for a plain number.
    public let unit: String
    /// The value that the figure was drawn with.
    public let value: Double
    /// How far it moves, in equal factors.
    public let range: ClosedRange<Double>

    /// A parameter that moves between two positive bounds.
    public init(_ name: String, unit: String = "", value: Double, in range: ClosedRange<Double>) {
      self.name = name
      self.unit = unit
      self.value = value
      self.range = range
    }

    /// A parameter that moves by a factor to both sides.
    public init(_ name: String, unit: String = "", value: Double, factor: Double = 8) {
      self.init(name, unit: unit, value: value, in: value / factor...value * factor)
    }
  }

  /// One evaluation by the program, for comparison.
  public struct Check: Sendable {
    /// All inputs.
    public let inputs: [Double]
    /// All outputs.
    public let outputs: [Double]
  }

  /// The parameters: the first inputs of the form.
  public let sliders: [Slider]
  /// The operations of the form.
  public let program: FormProgram
  /// Evaluations of the form with plain numbers.
  public let checks: [Check]

  /// A form with its sliders.
  ///
  /// - Parameters:
  ///   - form: takes the sliders, then what a chart adds for each value.
  ///   - sliders: the parameters that move.
  ///   - samples: inputs after the sliders, as the chart passes them, for the comparisons.
  public init(_ form: some RecordableForm, sliders: [Slider], samples: [[Double]]) {
    self.sliders = sliders
    program = FormProgram(form, inputCount: sliders.count + (samples.first?.count ?? 0))
    var random = SplitMix64(seed: 2302_02825)
    checks = (0..<8).compactMap { index in
      guard !samples.isEmpty else { return nil }
      let inputs =
        sliders.map { slider in
          let (low, high) = (slider.range.lowerBound.logarithm(), slider.range.upperBound.logarithm())
          return index == 0 ? slider.value : Double.random(in: low...high, using: &random).exponential()
        } + samples[index * 7 % samples.count]
      return Check(inputs: inputs, outputs: form.outputs(inputs))
    }
  }
}

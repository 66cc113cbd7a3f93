/// A whole and its parts, level by level: every field is as long as its value, its parts lie beside it.
public struct Icicle: Sendable {
  /// A part with its parts.
  public struct Node: Sendable {
    /// What it is.
    public let name: String
    /// Its value; at least that of its parts together.
    public let value: Double
    /// Which of the chart's kinds it is of.
    public let kind: Int
    /// What else a reader who points at it wants to know.
    public let words: String
    /// Its parts in order.
    public let parts: [Node]

    /// A part.
    public init(_ name: String, value: Double, kind: Int, words: String = "", parts: [Node] = []) {
      self.name = name
      self.value = value
      self.kind = kind
      self.words = words
      self.parts = parts
    }
  }

  /// What the value is.
  public let label: String
  /// The unit of the value, written with a prefix.
  public let unit: String
  /// What the kinds stand for: the keys of the colours.
  public let kinds: [String]
  /// The whole.
  public let root: Node

  /// A chart.
  public init(label: String, unit: String, kinds: [String], root: Node) {
    self.label = label
    self.unit = unit
    self.kinds = kinds
    self.root = root
  }
}

/// What runs when, lane by lane.
public struct Timeline: Sendable {
  /// Something that runs from one time to another.
  public struct Span: Sendable {
    /// What it is.
    public let name: String
    /// The lane that it is drawn in.
    public let lane: Int
    /// When it starts.
    public let start: Double
    /// When it ends.
    public let end: Double
    /// Which of the chart's kinds it is of.
    public let kind: Int

    /// Something that runs.
    public init(_ name: String, lane: Int, from start: Double, to end: Double, kind: Int) {
      self.name = name
      self.lane = lane
      self.start = start
      self.end = end
      self.kind = kind
    }
  }

  /// The lanes from top to bottom.
  public let lanes: [String]
  /// What the kinds stand for: the keys of the colours.
  public let kinds: [String]
  /// The unit of time, written with a prefix.
  public let unit: String
  /// What runs.
  public let spans: [Span]

  /// A chart.
  public init(lanes: [String], kinds: [String], unit: String = "s", spans: [Span]) {
    self.lanes = lanes
    self.kinds = kinds
    self.unit = unit
    self.spans = spans
  }
}

/// What a result becomes when one parameter after another moves, the largest effect first.
public struct Tornado: Sendable {
  /// One parameter.
  public struct Bar: Sendable {
    /// The parameter.
    public let name: String
    /// The result with the parameter at its lower end, and what that end is.
    public let low: (result: Double, words: String)
    /// The result with the parameter at its upper end, and what that end is.
    public let high: (result: Double, words: String)

    /// A parameter with the results at both ends.
    public init(_ name: String, low: (result: Double, words: String), high: (result: Double, words: String)) {
      self.name = name
      self.low = low
      self.high = high
    }

    /// How far the results lie apart.
    var reach: Double { abs(high.result - low.result) }
  }

  /// What the result is.
  public let label: String
  /// Its unit, written with a prefix.
  public let unit: String
  /// The result with all parameters in the middle.
  public let base: Double
  /// The parameters, the largest effect first.
  public let bars: [Bar]

  /// A chart; the bars are put in order.
  public init(label: String, unit: String, base: Double, bars: [Bar]) {
    self.label = label
    self.unit = unit
    self.base = base
    self.bars = bars.sorted { ($0.reach, $1.name) > ($1.reach, $0.name) }
  }
}

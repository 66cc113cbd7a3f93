import Documents
import Quantities

/// What a study found: sections to read, and an answer to each claim.
public struct Findings: Sendable {
  /// One paragraph in plain words, made from the numbers.
  public var summary: String
  /// The sections in order.
  public var sections: [Section] = []
  /// The answers by the names of the claims.
  public var answers: [String: Answer] = [:]
  /// Models, calibrations and tables that the numbers rest on, in words.
  public var foundations: [String] = []

  /// Findings with a summary and nothing else yet.
  public init(summary: String = "") { self.summary = summary }
}

/// A part of a study's page.
public struct Section: Sendable {
  /// The heading.
  public let title: String
  /// Paragraphs.
  public let prose: [String]
  /// The figures, each with the table of what it draws.
  public let charts: [Chart]
  /// Tables that no figure draws.
  public let tables: [DataTable]

  /// A section.
  public init(_ title: String, prose: [String], charts: [Chart] = [], tables: [DataTable] = []) {
    self.title = title
    self.prose = prose
    self.charts = charts
    self.tables = tables
  }
}

/// A table for people, with all digits for machines.
public struct DataTable: Sendable {
  /// A column.
  public struct Column: Sendable {
    /// The heading.
    public let title: String
    /// The unit of its numbers; empty for text and plain numbers.
    public let unit: String

    /// A column with the unit of its numbers.
    public init(_ title: String, unit: String = "") {
      self.title = title
      self.unit = unit
    }
  }

  /// A field.
  public enum Cell: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByFloatLiteral,
    ExpressibleByIntegerLiteral
  {
    /// Words.
    case text(String)
    /// A number, shown with so many significant digits.
    case number(Double, digits: Int = 3)
    /// Nothing.
    case empty

    /// Words.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }

    /// The field for people.
    public var shown: String {
      switch self {
      case .text(let text): text
      case .number(let value, let digits):
        value == value.rounded() && abs(value) < 1e6
          ? fixed(value, decimals: 0) : formatted(value, digits: digits)
      case .empty: ""
      }
    }

    /// The field for machines: all digits.
    public var machine: String {
      switch self {
      case .text(let text): text
      case .number(let value, _):
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
      case .empty: ""
      }
    }

    /// Whether the field is a number.
    public var isNumber: Bool { if case .number = self { true } else { false } }
  }

  /// What the rows are.
  public let title: String
  /// The columns.
  public let columns: [Column]
  /// The rows, each with as many fields as there are columns.
  public let rows: [[Cell]]

  /// A table.
  public init(_ title: String, columns: [Column], rows: [[Cell]]) {
    self.title = title
    self.columns = columns
    self.rows = rows
  }

  /// The headings with their units.
  public var header: [String] { columns.map { $0.unit.isEmpty ? $0.title : "\($0.title), \($0.unit)" } }

  /// The table as CSV: all digits, units in the header.
  public var csv: String {
    func line(_ fields: [String]) -> String { fields.map(csvField).joined(separator: ",") + "\n" }
    return line(columns.map { $0.unit.isEmpty ? $0.title : "\($0.title) [\($0.unit)]" })
      + rows.map { line($0.map(\.machine)) }.joined()
  }
}

/// A figure as data; `Reports` draws it.
public struct Chart: Sendable {
  /// What to draw.
  public enum Drawing: Sendable {
    /// Points and lines between two axes.
    case lines(LineChart)
    /// Coloured fields, one map or several alike.
    case maps([HeatMap])
    /// Horizontal bars made of parts.
    case bars(BarChart)
    /// A whole and its parts, level by level.
    case icicle(Icicle)
    /// What runs when, lane by lane.
    case timeline(Timeline)
    /// What a result gains or loses, the largest effect first.
    case tornado(Tornado)
  }

  /// The heading.
  public let title: String
  /// How to read it.
  public let words: String
  /// What to draw.
  public let drawing: Drawing

  /// A figure.
  public init(_ title: String, _ words: String, _ drawing: Drawing) {
    self.title = title
    self.words = words
    self.drawing = drawing
  }
}

/// Points and lines between two axes.
public struct LineChart: Sendable {
  /// One axis.
  public struct Axis: Sendable {
    /// What it measures.
    public let label: String
    /// The unit, which the ticks carry; empty for a plain number.
    public let unit: String
    /// Whether equal steps are equal factors.
    public let isLogarithmic: Bool
    /// Values that must be on the axis, such as zero.
    public let including: [Double]
    /// Whether numbers are written with the unit and a prefix: 10 TFLOP/s.
    public let hasPrefixes: Bool

    /// An axis.
    public init(
      _ label: String, unit: String = "", isLogarithmic: Bool = false, including: [Double] = [],
      hasPrefixes: Bool = false
    ) {
      self.label = label
      self.unit = unit
      self.isLogarithmic = isLogarithmic
      self.including = including
      self.hasPrefixes = hasPrefixes
    }
  }

  /// A point with its interval.
  public struct Point: Sendable {
    /// The horizontal value.
    public let x: Double
    /// The vertical value.
    public let y: Double
    /// The interval of the vertical value, where it has one.
    public let interval: ClosedRange<Double>?
    /// What it is; drawn where the series is labelled, and shown on hover.
    public let name: String

    /// A point.
    public init(_ x: Double, _ y: Double, interval: ClosedRange<Double>? = nil, name: String = "") {
      self.x = x
      self.y = y
      self.interval = interval
      self.name = name
    }
  }

  /// Points that belong together.
  public struct Series: Sendable {
    /// Its name.
    public let name: String
    /// Its points, by growing x for a line.
    public let points: [Point]
    /// Whether a line joins them.
    public let isLine: Bool
    /// Whether marks show them.
    public let hasMarks: Bool
    /// Whether the names of the points are written beside them.
    public let isLabelled: Bool
    /// How a line looks.
    public let line: Line
    /// The number of the colour and of the mark; the place among the series if nil.
    public let color: Int?
    /// What the live form takes after the sliders and x for this series; nil for a series that sliders do not move.
    public let arguments: [Double]?
    /// Which output of the live form is the vertical value.
    public let output: Int

    /// How a line looks.
    public enum Line: String, Sendable {
      /// Straight from point to point.
      case solid
      /// The same, dashed: what is not built, not measured, or only a guide.
      case dashed
      /// Level to the next point, then up or down: a front, a level that holds for a while.
      case steps
    }

    /// A series.
    public init(
      _ name: String, _ points: [Point], isLine: Bool = true, hasMarks: Bool = true,
      isLabelled: Bool = false, line: Line = .solid, color: Int? = nil, arguments: [Double]? = nil,
      output: Int = 0
    ) {
      self.output = output
      self.name = name
      self.points = points
      self.isLine = isLine
      self.hasMarks = hasMarks
      self.isLabelled = isLabelled
      self.line = line
      self.color = color
      self.arguments = arguments
    }
  }

  /// A line that is no data: a limit, a knee, where two axes are equal.
  public enum Guide: Sendable {
    /// A level of the vertical axis, with its words.
    case level(Double, String)
    /// A place on the horizontal axis, with its words.
    case place(Double, String)
    /// Where both axes are equal, with the factors of a band around it and the words of the band.
    case equal(band: ClosedRange<Double>?, String)
  }

  /// The horizontal axis.
  public let x: Axis
  /// The vertical axis.
  public let y: Axis
  /// The series.
  public let series: [Series]
  /// A band of the vertical axis that is marked, with its words: a bound, an error that was aimed at.
  public let band: (values: ClosedRange<Double>, words: String)?
  /// Lines that are no data.
  public let guides: [Guide]
  /// The closed form that sliders of a page read again: y from the sliders, x and the arguments of a series.
  public let live: LiveForm?

  /// A chart.
  public init(
    x: Axis, y: Axis, series: [Series], band: (values: ClosedRange<Double>, words: String)? = nil,
    guides: [Guide] = [], live: LiveForm? = nil
  ) {
    self.x = x
    self.y = y
    self.series = series
    self.band = band
    self.guides = guides
    self.live = live
  }
}

/// A field of colours: a value for each row and column.
public struct HeatMap: Sendable {
  /// What this map shows, beside its neighbours.
  public let title: String
  /// What the columns are, and the name of each.
  public let columns: (label: String, names: [String])
  /// What the rows are, and the name of each.
  public let rows: (label: String, names: [String])
  /// The values by row and column; nil where there is none.
  public let values: [[Double?]]
  /// The unit of the values.
  public let unit: String
  /// The values of the lightest and the darkest colour.
  public let scale: ClosedRange<Double>
  /// The closed form that sliders of a page read again: a value from the sliders, the column, the row and the map's
  /// own arguments.
  public let live: (form: LiveForm, columns: [Double], rows: [Double], arguments: [Double])?

  /// A map.
  public init(
    _ title: String, columns: (label: String, names: [String]), rows: (label: String, names: [String]),
    values: [[Double?]], unit: String, scale: ClosedRange<Double>,
    live: (form: LiveForm, columns: [Double], rows: [Double], arguments: [Double])? = nil
  ) {
    self.live = live
    self.title = title
    self.columns = columns
    self.rows = rows
    self.values = values
    self.unit = unit
    self.scale = scale
  }
}

/// Horizontal bars made of parts.
public struct BarChart: Sendable {
  /// One bar.
  public struct Bar: Sendable {
    /// Its name.
    public let name: String
    /// The length of each part, in the order of the chart's parts.
    public let lengths: [Double]
    /// The interval of the whole.
    public let interval: ClosedRange<Double>?
    /// A value to compare with, drawn as a tick: a measurement.
    public let reference: Double?
    /// Which output of the live form is the bar's first part; nil for a bar that sliders do not move.
    public let output: Int?

    /// A bar.
    public init(
      _ name: String, _ lengths: [Double], interval: ClosedRange<Double>? = nil, reference: Double? = nil,
      output: Int? = nil
    ) {
      self.output = output
      self.name = name
      self.lengths = lengths
      self.interval = interval
      self.reference = reference
    }
  }

  /// The names of the parts.
  public let parts: [String]
  /// What the length measures.
  public let label: String
  /// The unit of the length.
  public let unit: String
  /// What the ticks beside the bars are; empty without any.
  public let reference: String
  /// The bars from top to bottom.
  public let bars: [Bar]
  /// A length that bars must not pass, with its words: a capacity, a limit of power.
  public let limit: (value: Double, words: String)?
  /// The closed form that sliders of a page read again: the parts of all bars from the sliders.
  public let live: LiveForm?

  /// A chart.
  public init(
    parts: [String], label: String, unit: String, reference: String = "", bars: [Bar],
    limit: (value: Double, words: String)? = nil, live: LiveForm? = nil
  ) {
    self.limit = limit
    self.live = live
    self.parts = parts
    self.label = label
    self.unit = unit
    self.reference = reference
    self.bars = bars
  }
}

import Documents
import Quantities

/// A number that a sweep gives for each scenario.
public struct SweepOutput: Sendable, Equatable {
  /// The name in formulas, tables and array files.
  public let name: String
  /// Its unit; `1` for plain numbers.
  public let unit: String
  /// What it is.
  public let title: String

  /// An output.
  public init(_ name: String, unit: String, _ title: String) {
    self.name = name
    self.unit = unit
    self.title = title
  }
}

/// A space of scenarios with what to compute of it, as a file of `models/sweeps` describes it.
public struct Sweep: Sendable {
  /// What is evaluated for each scenario.
  public enum Model: String, Sendable, CaseIterable {
    /// One kernel and one exchange: a roofline with alpha-beta exchanges.
    case roofline
    /// A training step with everything that `rooftree estimate` reports.
    case training
  }

  /// A file of all scenarios.
  public enum Format: String, Sendable, CaseIterable {
    /// An array over the dimensions of the space.
    case netcdf
    /// A table of the scenarios with an answer.
    case csv
    /// The same table in columns, by the DuckDB command.
    case parquet
  }

  /// A number that follows from others.
  struct Derived: Sendable {
    let output: SweepOutput
    let expression: Expression
    /// Whether it needs the model's outputs.
    let afterModel: Bool
  }

  /// A condition that a scenario must meet.
  struct Constraint: Sendable {
    /// What is said of scenarios that do not meet it.
    let reason: String
    let expression: Expression
    let afterModel: Bool
  }

  /// Which way is better.
  enum Direction: String, Sendable, CaseIterable {
    case minimize, maximize
    /// The factor that makes smaller better.
    var sign: Double { self == .minimize ? 1 : -1 }
  }

  /// What is kept of all scenarios.
  enum Reduction: Sendable {
    case best([(output: String, direction: Direction)], count: Int)
    case pareto([(output: String, direction: Direction)])
    case percentiles(output: String, [Double])
    case histogram(output: String, range: ClosedRange<Double>, bins: Int, logarithmic: Bool)
    case marginal(output: String, axis: Int)
  }

  /// The name in the catalogue.
  public let name: String
  /// The name for people, with what the command line changed.
  public internal(set) var title: String
  /// What was changed of the file, as `base.hardware=nvidia-b200`.
  public internal(set) var changes: [String] = []
  /// A remark for the reader.
  public let note: String?
  /// What is evaluated.
  public let model: Model
  /// The space.
  public let space: SweepSpace
  let derived: [Derived]
  let constraints: [Constraint]
  /// The outputs that results show, in order.
  public let outputs: [SweepOutput]
  let reductions: [Reduction]
  /// Scenarios of a part: what is written in one step and what an interruption can lose.
  public let partSize: Int
  /// Array files and tables of all scenarios that are wanted.
  public let formats: [Format]
  /// The base scenario, or the parameters of a roofline.
  let base: DocumentNode
  /// The files that were read, in order.
  public let files: [String]
  /// The sweep's own document, changes of the command line included, as one text.
  let document: String
}

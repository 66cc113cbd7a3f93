/// What a paper says, with its number, how we know it, and when we say that ours agrees.
public struct Claim: Sendable {
  /// How the paper's number is known, best first.
  public enum Known: String, Sendable, CaseIterable {
    /// Read in the paper, its abstract, or a table of its authors.
    case printed
    /// Read in somebody else's notes about the paper.
    case secondary
    /// Computed from printed numbers.
    case derived
    /// Remembered and not read again: a claim on it decides nothing about the paper.
    case recalled
    /// No paper's: a bound that this project set itself.
    case own
  }

  /// The paper's number, in the unit of the claim.
  public enum Value: Sendable, Equatable {
    /// One number.
    case number(Double)
    /// From one number to another.
    case range(ClosedRange<Double>)
    /// No more than this.
    case atMost(Double)
    /// No less than this.
    case atLeast(Double)
    /// A statement that holds.
    case statement
  }

  /// How far our number may be from the paper's.
  public enum Tolerance: Sendable, Equatable {
    /// So many units of the claim (percentage points for a share).
    case points(Double)
    /// So many per cent of the paper's number.
    case percent(Double)
    /// Between the paper's number over this and times this.
    case factor(Double)

    /// Whether a number is near enough to the paper's.
    func holds(_ ours: Double, paper: Double) -> Bool {
      switch self {
      case .points(let points): abs(ours - paper) <= points
      case .percent(let percent): abs(ours - paper) <= percent / 100 * abs(paper)
      case .factor(let factor): ours <= paper * factor && ours * factor >= paper
      }
    }
  }

  /// The name in the file, unique in the study.
  public let id: String
  /// The claim in words.
  public let says: String
  /// The paper's number.
  public let value: Value
  /// Its unit; empty for a plain number or a statement.
  public let unit: String
  /// How the number is known.
  public let known: Known
  /// Where we have it from: the file of the reference and its row.
  public let reference: String
  /// When ours agrees; nil where the value itself is the bound.
  public let tolerance: Tolerance?
  /// A remark for the reader.
  public let note: String?

  /// Whether a value of ours agrees with the paper's.
  ///
  /// - Parameter ours: a number, a range (for a claim with a range) or a statement.
  /// - Returns: nil when the two cannot be compared.
  func agrees(_ ours: Answer.Value) -> Bool? {
    switch (value, ours) {
    case (.number(let paper), .number(let ours)):
      return (tolerance ?? .points(0)).holds(ours, paper: paper)
    case (.range(let paper), .range(let ours)):
      let tolerance = tolerance ?? .points(0)
      return tolerance.holds(ours.lowerBound, paper: paper.lowerBound)
        && tolerance.holds(ours.upperBound, paper: paper.upperBound)
    case (.range(let paper), .number(let ours)):
      return paper.contains(ours) || (tolerance?.holds(ours, paper: paper.lowerBound) ?? false)
        || (tolerance?.holds(ours, paper: paper.upperBound) ?? false)
    case (.atMost(let bound), .number(let ours)): return ours <= bound
    case (.atMost(let bound), .range(let ours)): return ours.upperBound <= bound
    case (.atLeast(let bound), .number(let ours)): return ours >= bound
    case (.atLeast(let bound), .range(let ours)): return ours.lowerBound >= bound
    case (.statement, .statement(let holds)): return holds
    default: return nil
    }
  }
}

/// What a study has to say about a claim.
public struct Answer: Sendable {
  /// Our value, in the unit of the claim.
  public enum Value: Sendable, Equatable {
    /// One number.
    case number(Double)
    /// From one number to another, over the points that the claim speaks of.
    case range(ClosedRange<Double>)
    /// Whether a statement holds.
    case statement(Bool)
  }

  /// Our value; nil when the claim cannot be checked.
  public let value: Value?
  /// The 90 % interval of a number, where the models give one.
  public let interval: ClosedRange<Double>?
  /// The value at the ends of the plausible ranges of assumed constants: only if all of them say the same as
  /// ``value`` is the claim decided.
  public let alternatives: [Value]
  /// How the number came about; why it differs or cannot be checked.
  public let words: String
  /// Parameters of the study and calibrations that the number rests on.
  public let constants: [String]

  /// An answer with a value.
  ///
  /// - Parameters:
  ///   - value: ours, in the unit of the claim.
  ///   - interval: 90 % interval of a number.
  ///   - alternatives: the value with assumed constants at the ends of their plausible ranges.
  ///   - constants: names of parameters and calibrations that it rests on.
  ///   - words: how it came about.
  public init(
    _ value: Value, interval: ClosedRange<Double>? = nil, alternatives: [Value] = [],
    constants: [String] = [], _ words: String
  ) {
    self.value = value
    self.interval = interval
    self.alternatives = alternatives
    self.words = words
    self.constants = constants
  }

  /// A claim that cannot be checked, and why.
  public init(cannotBeChecked reason: String, constants: [String] = []) {
    value = nil
    interval = nil
    alternatives = []
    words = reason
    self.constants = constants
  }
}

/// How a claim and our number stand to each other.
public enum Standing: String, Sendable, CaseIterable {
  /// Ours lies within the bound of the claim.
  case agrees
  /// Ours lies outside.
  case differs
  /// The paper's number, or ours, decides nothing.
  case cannotBeChecked = "cannot be checked"
}

/// A claim beside our answer.
public struct JudgedClaim: Sendable {
  /// The claim.
  public let claim: Claim
  /// What the study has to say.
  public let answer: Answer
  /// How the two stand to each other.
  public let standing: Standing
  /// Why, where the numbers alone do not show it; empty otherwise.
  public let reason: String

  /// Judges an answer.
  ///
  /// A claim whose standing changes within the plausible ranges of assumed constants cannot be checked: agreement
  /// by choosing a constant is none.
  public init(_ claim: Claim, _ answer: Answer) {
    self.claim = claim
    self.answer = answer
    guard let value = answer.value else {
      standing = .cannotBeChecked
      reason = answer.words
      return
    }
    guard let agrees = claim.agrees(value) else {
      standing = .cannotBeChecked
      reason = "our value is of another kind than the paper's"
      return
    }
    guard answer.alternatives.allSatisfy({ claim.agrees($0) == agrees }),
      agrees || !Self.surrounds(answer, claim)
    else {
      standing = .cannotBeChecked
      reason = "the answer changes within the plausible values of assumed constants"
      return
    }
    standing = agrees ? .agrees : .differs
    reason = ""
  }

  /// Whether the paper's number lies between our values: then some choice of the constants gives it.
  private static func surrounds(_ answer: Answer, _ claim: Claim) -> Bool {
    let values = [answer.value].compactMap { $0 } + answer.alternatives
    func contains(_ paper: Double, _ end: (Answer.Value) -> Double?) -> Bool {
      let ours = values.compactMap(end)
      guard let low = ours.min(), let high = ours.max() else { return false }
      return (low...high).contains(paper)
    }
    switch claim.value {
    case .number(let paper):
      return contains(paper) { if case .number(let ours) = $0 { ours } else { nil } }
    case .range(let paper):
      return contains(paper.lowerBound) { if case .range(let ours) = $0 { ours.lowerBound } else { nil } }
        && contains(paper.upperBound) { if case .range(let ours) = $0 { ours.upperBound } else { nil } }
    case .atMost, .atLeast, .statement: return false
    }
  }

  /// The range of our number: its interval and its alternatives together.
  public var range: ClosedRange<Double>? {
    guard case .number(let ours)? = answer.value else { return nil }
    var numbers = [ours]
    if let interval = answer.interval { numbers += [interval.lowerBound, interval.upperBound] }
    for case .number(let other) in answer.alternatives { numbers.append(other) }
    guard let low = numbers.min(), let high = numbers.max(), low < high else { return nil }
    return low...high
  }
}

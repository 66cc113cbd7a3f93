public import CostModels
import Quantities
import RealModule

extension FittedConstants {
  /// Whether the rows say more about a constant than its plausible range does.
  ///
  /// A constant that no row depends on, or that the chosen variant leaves out, keeps the error of the plausible range, a
  /// quarter of its logarithmic width. Less than half of that counts as determined.
  ///
  /// - Parameters:
  ///   - index: its place in the form's list.
  ///   - definition: the constant.
  /// - Returns: whether the rows determine it.
  public func determines(_ index: Int, _ definition: Constant) -> Bool {
    let range = definition.range
    let width = Double.log(range.upperBound / range.lowerBound) / 4
    return relativeErrors[index] < 0.5 * width
  }
}

/// What the rows leave open about the constants of a form.
public struct Identifiability: Sendable {
  /// The name of the form.
  public let form: String
  /// Constants that the rows do not determine, or that the chosen variant does not use.
  public let undetermined: [String]
  /// Pairs that the rows can hardly tell apart, with the correlation of their logarithms beyond 0.95.
  public let entangled: [(first: String, second: String, correlation: Double)]

  /// Looks at the constants of a form.
  ///
  /// - Parameters:
  ///   - form: its name in calibration files.
  ///   - fitted: its constants.
  ///   - definitions: what they are.
  public init(form: String, _ fitted: FittedConstants, definitions: [Constant]) {
    self.form = form
    let open = definitions.indices.filter { !fitted.determines($0, definitions[$0]) }
    undetermined = open.map { definitions[$0].name }
    let errors = fitted.relativeErrors
    var pairs: [(first: String, second: String, correlation: Double)] = []
    for i in definitions.indices where !open.contains(i) {
      for j in definitions.indices where j > i && !open.contains(j) {
        let correlation = fitted.logCovariance[i][j] / (errors[i] * errors[j])
        if abs(correlation) > 0.95 {
          pairs.append((definitions[i].name, definitions[j].name, correlation))
        }
      }
    }
    entangled = pairs
  }

  /// The findings as sentences; none when the rows determine every constant and tell them apart.
  public var words: [String] {
    var result: [String] = []
    if !undetermined.isEmpty {
      result.append(
        "\(form): the rows do not determine \(undetermined.joined(separator: ", ")), or the chosen variant does without; a "
          + "prediction that rests on one of them is a guess")
    }
    for pair in entangled {
      result.append(
        "\(form): the rows hardly tell \(pair.first) from \(pair.second) (correlation "
          + "\(fixed(pair.correlation, decimals: 2))); only what they do together is known")
    }
    return result
  }
}

extension DeviceCalibration {
  /// What the rows leave open about each form, by name.
  public var identifiability: [Identifiability] {
    Self.formNames.compactMap { name in
      guard let fitted = forms[name], let definitions = Self.constants(ofForm: name) else { return nil }
      return Identifiability(form: name, fitted, definitions: definitions)
    }
  }
}

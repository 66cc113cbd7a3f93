import Calibration
import Documents
import Quantities
import Hardware
import Scenarios
import Workloads

/// Equal products, measured one after another and on parallel branches, with what the models say.
struct MeasuredDegree: Sendable {
  let product: GEMM<Double>
  let degree: Double
  /// Times in seconds.
  let sequential: Double
  let concurrent: Double
  let predictedSequential: Double
  let predictedConcurrent: Double

  var speedup: Double { sequential / concurrent }
  var predictedSpeedup: Double { predictedSequential / predictedConcurrent }

  /// Reads the rows of a table of operators that run so.
  ///
  /// - Parameters:
  ///   - paths: the tables.
  ///   - hardware: the device; its own calibration is used.
  ///   - library: the catalogue.
  /// - Throws: `Diagnostic` at the first fault.
  /// - Returns: the pairs in the order of the tables.
  static func read(_ paths: [String], on hardware: String, in library: Library) throws(Diagnostic)
    -> [MeasuredDegree]
  {
    var result: [MeasuredDegree] = []
    for path in paths {
      let comparison = try TableComparison(path: path, hardware: hardware, calibration: nil, library: library)
      var sequential: [String: ComparedValue] = [:]
      func key(_ gemm: GEMM<Double>, _ degree: Double) -> String { "\(gemm.m) \(gemm.n) \(gemm.k) \(degree)" }
      for value in comparison.values {
        switch value.value.subject {
        case .kernel(let operation, nil, let repeats) where value.value.group.hasPrefix("seq"):
          if case .gemm(let shape) = operation.work { sequential[key(shape, repeats)] = value }
        case .concurrentGEMM(let shape, _, let degree):
          guard let one = sequential[key(shape, degree)], let together = value.predicted,
            let alone = one.predicted
          else { continue }
          let unit = value.value.unit
          result.append(
            MeasuredDegree(
              product: shape, degree: degree, sequential: one.value.measured * unit,
              concurrent: value.value.measured * unit, predictedSequential: alone * unit,
              predictedConcurrent: together * unit))
        default: break
        }
      }
    }
    return result
  }
}

extension GEMM<Double> {
  /// Its sides in a few words.
  var shape: String { "\(Int(m)) x \(Int(n)) x \(Int(k))" }
}

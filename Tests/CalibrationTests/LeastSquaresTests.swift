import Calibration
import RealModule
import Testing

/// A data set of the NIST Statistical Reference Datasets with its certified values.
struct ReferenceData: Sendable, CustomTestStringConvertible {
  let name: String
  let x: [Double]
  let y: [Double]
  let start: [Double]
  let certified: [Double]
  let deviations: [Double]
  let sumOfSquares: Double
  let model: @Sendable ([Double], Double) -> Double

  var testDescription: String { name }
}

@Suite struct LeastSquaresTests {
  static func fit(_ data: ReferenceData) throws -> LeastSquaresFit {
    try leastSquares(count: data.x.count, initial: data.start) { parameters, residuals in
      let b = Array(parameters)
      for index in data.x.indices { residuals[index] = data.model(b, data.x[index]) - data.y[index] }
      return true
    }
  }

  /// NIST StRD (www.itl.nist.gov/div898/strd): linear regression Norris, nonlinear regression Misra1a (from the
  /// farther start) and Thurber (start 2), each with its certified parameters, standard deviations and residual
  /// sum of squares.
  static let references = [
    ReferenceData(
      name: "Norris",
      x: [
        0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9,
        338.0, 447.5, 11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0,
        11.1, 118.3, 229.2, 669.1, 448.9, 0.5,
      ],
      y: [
        0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8,
        339.3, 448.9, 10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9,
        10.2, 117.6, 228.9, 668.4, 449.2, 0.2,
      ],
      start: [1, 0.5], certified: [-0.262323073774029, 1.00211681802045],
      deviations: [0.232818234301152, 0.000429796848199937], sumOfSquares: 26.6173985294224,
      model: { b, x in b[0] + b[1] * x }),
    ReferenceData(
      name: "Misra1a",
      x: [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0],
      y: [
        10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78,
      ],
      start: [500, 0.0001], certified: [2.3894212918e+02, 5.5015643181e-04],
      deviations: [2.7070075241, 7.2668688436e-06], sumOfSquares: 1.2455138894e-01,
      model: { b, x in b[0] * (1 - Double.exp(-b[1] * x)) }),
    ReferenceData(
      name: "Thurber",
      x: [
        -3.067, -2.981, -2.921, -2.912, -2.840, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322,
        -1.501, -1.460, -1.274, -1.212, -1.100, -1.046, -0.915, -0.714, -0.566, -0.545, -0.400, -0.309,
        -0.109, -0.103, 0.010, 0.119, 0.377, 0.790, 0.963, 1.006, 1.115, 1.572, 1.841, 2.047, 2.200,
      ],
      y: [
        80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854, 100.696, 101.060,
        401.672, 390.724, 567.534, 635.316, 733.054, 759.087, 894.206, 990.785, 1090.109, 1080.914,
        1122.643, 1178.351, 1260.531, 1273.514, 1288.339, 1327.543, 1353.863, 1414.509, 1425.208,
        1421.384, 1442.962, 1464.350, 1468.705, 1447.894, 1457.628,
      ],
      start: [1300, 1500, 500, 75, 1, 0.4, 0.05],
      certified: [
        1.2881396800e+03, 1.4910792535e+03, 5.8323836877e+02, 7.5416644291e+01, 9.6629502864e-01,
        3.9797285797e-01, 4.9727297349e-02,
      ],
      deviations: [
        4.6647963344, 3.9571156086e+01, 2.8698696102e+01, 5.5675370270, 3.1333340687e-02,
        1.4984928198e-02, 6.5842344623e-03,
      ],
      sumOfSquares: 5.6427082397e+03,
      model: { b, x in
        (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / (1 + x * (b[4] + x * (b[5] + x * b[6])))
      }),
  ]

  @Test(arguments: references)
  func certifiedValues(data: ReferenceData) throws {
    let fit = try Self.fit(data)
    #expect(fit.degreesOfFreedom == data.x.count - data.start.count)
    #expect(abs(fit.sumOfSquares / data.sumOfSquares - 1) < 1e-7)
    for index in data.certified.indices {
      #expect(abs(fit.parameters[index] - data.certified[index]) < 1e-3 * data.deviations[index])
      // The Jacobian is a forward difference, good to some seven digits.
      #expect(abs(fit.covariance[index][index].squareRoot() / data.deviations[index] - 1) < 1e-3)
    }
  }

  /// A plane through four points that lie on it.
  @Test func anExactProblemIsSolvedExactly() throws {
    let points = [(0.0, 0.0, 7.0), (1, 0, 9), (0, 1, 4), (2, 3, 2)]
    let fit = try leastSquares(count: 4, initial: [0, 0, 0]) { b, residuals in
      for (index, point) in points.enumerated() {
        residuals[index] = b[0] + b[1] * point.0 + b[2] * point.1 - point.2
      }
      return true
    }
    for (found, expected) in zip(fit.parameters, [7.0, 2, -3]) { #expect(abs(found - expected) < 1e-7) }
    #expect(fit.sumOfSquares < 1e-12)
    #expect(fit.degreesOfFreedom == 1)
  }

  @Test func fewerRowsThanParametersAreRefused() {
    #expect(throws: FitError.underdetermined(observations: 2, parameters: 3)) {
      try leastSquares(count: 2, initial: [1, 1, 1]) { _, _ in true }
    }
  }

  @Test func aResidualThatIsNotFiniteIsReported() {
    #expect(throws: FitError.notFinite) {
      try leastSquares(count: 3, initial: [1, 1]) { _, _ in false }
    }
    // The same when it happens on the way: the residuals exist near the start only.
    #expect(throws: FitError.notFinite) {
      try leastSquares(count: 2, initial: [1]) { b, residuals in
        residuals[0] = b[0] - 100
        residuals[1] = b[0] - 100
        return b[0] < 2
      }
    }
  }

  @Test func errorsSayWhatIsWrong() {
    #expect("\(FitError.underdetermined(observations: 2, parameters: 3))".contains("2 rows"))
    #expect("\(FitError.notConverged(5))".contains("5"))
  }
}

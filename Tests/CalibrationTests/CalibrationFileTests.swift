import Calibration
import CostModels
import Documents
import Foundation
import Hardware
import ModelTestSupport
import Quantities
import Testing
import Workloads

@Suite struct CalibrationFileTests {
  /// Writes a text to a file of its own and hands its path over.
  static func withFile<R>(_ text: String, _ body: (String) throws -> R) throws -> R {
    let path = NSTemporaryDirectory() + "rooftree-\(UUID().uuidString).yaml"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  static func read(_ text: String) throws -> DeviceCalibration {
    try withFile(text) { try DeviceCalibration(named: $0, in: Repository.library) }
  }

  /// Random constants of every form that a file can hold, and a few curves.
  static func random(seed: UInt64) -> DeviceCalibration {
    var random = SplitMix64(seed: seed)
    var calibration = DeviceCalibration(
      name: "x", hardware: "nvidia-h200", source: "a \"quoted\" \\ source: with, marks # and more")
    var names = ["gemm", "gemm.fp8", "gemm.tf32", "gemm.fp32", "gemm.fp64", "attention", "collective"]
    names += Streaming<Double>.Kind.allCases.map { StreamingForm<Double>.name(of: $0) }
    for name in names where Bool.random(using: &random) {
      guard let definitions = DeviceCalibration.constants(ofForm: name) else { continue }
      let low = random.logarithmic(in: 1...1e9)
      let errors = definitions.map { _ in random.logarithmic(in: 1e-4...2) }
      calibration.forms[name] = FittedConstants(
        values: definitions.map { random.logarithmic(in: $0.range) },
        logCovariance: errors.indices.map { i in
          errors.indices.map { j in i == j ? errors[i] * errors[i] : 0 }
        },
        spread: random.logarithmic(in: 1e-3...1), rows: Int.random(in: 3...1000, using: &random),
        domain: low...(low * random.logarithmic(in: 1.5...1e9)))
    }
    for ranks in [2, 4, 8] {
      var points: [SizeCurve.Point] = []
      var bytes = 1024.0
      for _ in 0..<10 {
        points.append(.init(bytes: bytes, seconds: random.logarithmic(in: 1e-6...1)))
        bytes *= 3
      }
      calibration.curves[.init(kind: "all_reduce", ranks: ranks)] = SizeCurve(points)
    }
    calibration.curveSpread = random.logarithmic(in: 1e-3...1)
    calibration.transferredSpread = random.logarithmic(in: 1e-3...1)
    calibration.curveBandwidth = 450e9
    calibration.curveLatency = 1.5e-6
    return calibration
  }

  /// What is written is read back to the digits that are printed: six of values and times, three of errors.
  @Test(arguments: UInt64(0)..<50)
  func writtenAndReadBack(seed: UInt64) throws {
    let written = Self.random(seed: seed)
    let text = written.yaml()
    let read = try Self.read(text)
    func near(_ a: Double, _ b: Double, digits: Double) -> Bool { abs(a / b - 1) <= 0.5 * digits * 1.0001 }
    #expect(read.source == written.source)
    #expect(Set(read.forms.keys) == Set(written.forms.keys))
    for (name, form) in written.forms {
      let again = try #require(read.forms[name])
      #expect(again.rows == form.rows)
      #expect(near(again.spread, form.spread, digits: 1e-2))
      #expect(near(again.domain.lowerBound, form.domain.lowerBound, digits: 1e-5))
      #expect(near(again.domain.upperBound, form.domain.upperBound, digits: 1e-5))
      for index in form.values.indices {
        #expect(near(again.values[index], form.values[index], digits: 1e-5))
        #expect(near(again.relativeErrors[index], form.relativeErrors[index], digits: 1e-2))
      }
    }
    for (key, curve) in written.curves {
      let again = try #require(read.curves[key])
      #expect(again.points.map(\.bytes) == curve.points.map(\.bytes))
      for (a, b) in zip(again.points, curve.points) { #expect(near(a.seconds, b.seconds, digits: 1e-5)) }
    }
    // Once rounded, nothing changes any more.
    #expect(try Self.read(read.yaml()).yaml() == read.yaml())
  }

  @Test(arguments: Repository.library.names(.calibrations))
  func shippedCalibrationsSurviveWriting(name: String) throws {
    let shipped = try Repository.calibration(name)
    let again = try Self.read(shipped.yaml())
    #expect(again.forms == shipped.forms)
    #expect(again.curves == shipped.curves)
    #expect(again.curveSpread == shipped.curveSpread)
    #expect(again.transferredSpread == shipped.transferredSpread)
    #expect(again.curveBandwidth == shipped.curveBandwidth)
    #expect(again.curveLatency == shipped.curveLatency)
  }

  /// What extends another takes its forms and keeps its own curves, and does not mix curves of two networks.
  @Test func anExtensionTakesTheForms() throws {
    let base = try Repository.calibration("nvidia-h200")
    let slow = try Repository.calibration("nvidia-h200-slow-a")
    func compute(_ calibration: DeviceCalibration) -> [String: FittedConstants] {
      calibration.forms.filter { $0.key != CollectiveForm<Double>.name }
    }
    #expect(compute(slow) == compute(base))
    #expect(slow.forms[CollectiveForm<Double>.name] != base.forms[CollectiveForm<Double>.name])
    #expect(slow.curves.count == 4)
    #expect(base.curves.count == 7)
    let bare = DeviceCalibration(name: "y", hardware: "nvidia-h200", source: "none")
    let extended = try Self.read(bare.yaml(extending: "nvidia-h200"))
    #expect(extended.forms == base.forms)
    #expect(extended.curves == base.curves)
  }

  /// The text of a small calibration with one thing changed.
  static func spoilt(_ what: String, _ by: String) -> String {
    """
    name: x
    hardware: nvidia-h200
    source: by hand
    forms:
      collective:
        rows: 10
        spread: 0.1
        domain: [1, 1000]
        constants:
          low_start: {value: 6, relative_error: 0.1, unit: "us"}
          low_step: {value: 0.8, relative_error: 0.1}
          low_wire: {value: 1, relative_error: 0.1}
          low_write: {value: 1, relative_error: 0.1}
          bulk_start: {value: 20, relative_error: 0.1, unit: "us"}
          bulk_step: {value: 1, relative_error: 0.1}
          bulk_wire: {value: 1, relative_error: 0.1}
          bulk_write: {value: 1, relative_error: 0.1}
          growth: {value: 0.04, relative_error: 0.1}
          direct_start: {value: 1, relative_error: 0.1}
          direct_write: {value: 1, relative_error: 0.1}
          assumed_rate: {value: 1, relative_error: 0.1}
          add: {value: 1, relative_error: 0.1}
          ramp: {value: 0.1, relative_error: 0.1}
          shared: {value: 4, relative_error: 0.1}
    collectives:
      spread: 0.1
      curves:
        - {kind: all_reduce, ranks: 4, bytes: [1024, 2048], microseconds: [8, 9]}
    """.replacingOccurrences(of: what, with: by)
  }

  @Test func theSmallCalibrationIsRead() throws {
    let read = try Self.read(Self.spoilt("", ""))
    #expect(read.forms["collective"]?.values == [6, 0.8, 1, 1, 20, 1, 1, 1, 0.04, 1, 1, 1, 1, 0.1, 4])
    #expect(read.curves[.init(kind: "all_reduce", ranks: 4)]?.points.map(\.seconds) == [8e-6, 9e-6])
  }

  @Test(arguments: [
    ("[8, 9]", "[8]", "2 sizes and 1 times"),
    ("[1024, 2048]", "[1024, 1024]", "size twice"),
    ("value: 0.8", "value: 80", "low_step"),
    ("\"us\"", "\"ms\"", "unit"),
    ("collective:", "colective:", "collective"),
    ("relative_error: 0.1}", "}", "relative_error"),
    ("[1, 1000]", "[1000, 1]", "domain"),
    ("hardware: nvidia-h200", "", "hardware"),
  ])
  func faultsAreNamed(what: String, by: String, expected: String) throws {
    do {
      _ = try Self.read(Self.spoilt(what, by))
      Issue.record("'\(by)' was accepted")
    } catch let fault as Diagnostic {
      #expect("\(fault)".contains(expected))
      #expect(fault.position != nil)
    }
  }

  @Test func aCalibrationCannotExtendItself() throws {
    let path = NSTemporaryDirectory() + "rooftree-\(UUID().uuidString).yaml"
    try "name: x\nhardware: nvidia-h200\nsource: s\nextends: \(path)\n"
      .write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: Diagnostic.self) { try DeviceCalibration(named: path, in: Repository.library) }
  }

  /// One line for each pair of a form's constants, lower triangle: n(n+1)/2 of eleven and of two constants.
  @Test func theCovarianceTableHoldsEachPairOnce() throws {
    var calibration = DeviceCalibration(name: "x", hardware: "nvidia-h200", source: "s")
    let shipped = try Repository.calibration("nvidia-h200")
    calibration.forms["gemm"] = shipped.forms["gemm"]
    let lines = calibration.covarianceTable.split(separator: "\n").dropFirst()
    #expect(lines.count == 66)
    #expect(Set(lines.map { $0.split(separator: ",").dropLast().joined() }).count == 66)
  }
}

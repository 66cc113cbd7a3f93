import Calibration
import CostModels
import Documents
import Foundation
import Hardware
import Quantities
import Scenarios
import TestSupport
import Testing
import Workloads

/// Damaged copies of the shipped files through every reader, for a while.
///
/// A crash ends the whole run; what is read without a complaint must be usable. `tools/fuzz.sh` does the same for
/// longer, guided by coverage.
@Suite(.serialized) struct FuzzTests {
  /// Seconds to spend on each half; ROOFTREE_FUZZ_SECONDS changes it.
  private static let seconds: Double =
    ProcessInfo.processInfo.environment["ROOFTREE_FUZZ_SECONDS"].flatMap(Double.init) ?? 25

  private static func shipped(_ folders: [String], _ ending: String) throws -> [[UInt8]] {
    try folders.flatMap { Repository.files(in: $0, ending: ending) }.map {
      Array(try Repository.text($0).utf8)
    }
  }

  /// Runs a reader over noise and damage until the time is over.
  private func run(
    over files: [[UInt8]], longest: Int, _ reader: ([UInt8]) throws -> Void
  ) throws -> (cases: Int, accepted: Int) {
    try #require(!files.isEmpty)
    let files = files.map { Array($0.prefix(longest)) }
    let end = ContinuousClock.now + .seconds(Self.seconds)
    var random = Quantities.SplitMix64(seed: 20_261_121)
    var cases = 0
    var accepted = 0
    while ContinuousClock.now < end {
      for _ in 0..<20 {
        let bytes: [UInt8]
        if cases % 8 == 0 {
          bytes = Mutator.noise(using: &random)
        } else {
          bytes = Mutator.damaged(
            files.randomElement(using: &random) ?? [], with: files.randomElement(using: &random) ?? [],
            using: &random)
        }
        cases += 1
        do {
          try reader(bytes)
          accepted += 1
        } catch let fault as Diagnostic {
          // A complaint is one line without control characters, whatever the file holds.
          let words = fault.description
          #expect(
            !words.isEmpty && !words.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f },
            "\(words)")
        }
      }
    }
    return (cases, accepted)
  }

  @Test(.timeLimit(.minutes(5)))
  func documents() throws {
    let files =
      try Self.shipped(
        ["models/hardware", "models/workloads", "models/scenarios", "models/calibrations"], ".yaml")
      + Self.shipped(["Tests/WorkloadsTests/Fixtures"], ".json")
    let counts = try run(over: files, longest: 6000) { bytes in
      let node = try parseDocument(try decodeUTF8(bytes, file: "f"), file: "f")
      let library = Repository.library
      var faults: [Diagnostic] = []
      func attempt(_ read: () throws -> Void) throws {
        do { try read() } catch let fault as Diagnostic { faults.append(fault) }
      }
      try attempt {
        let device = try Device(node: node, in: library)
        #expect(device.memory.allSatisfy { $0.capacity.value.isFinite && $0.capacity.value > 0 })
      }
      try attempt {
        let model = try TransformerModel(node: node)
        #expect(model.parameters.isFinite && model.parameters > 0)
      }
      try attempt {
        let model = try TransformerModel(huggingFace: node, name: "f")
        #expect(model.parameters.isFinite && model.parameters > 0)
      }
      try attempt { _ = try operatorList(node) }
      try attempt {
        let scenario = try Scenario(node: node, path: "f", in: library)
        let projection = scenario.project()
        #expect(!projection.root.time.value.isNaN)
      }
      if let first = faults.first, faults.count == 5 { throw first }
    }
    #expect(counts.cases > 500)
    // Some damage is to notes and titles only: then the file is still good.
    #expect(counts.accepted > counts.cases / 100)
  }

  @Test(.timeLimit(.minutes(5)))
  func tables() throws {
    let files = try Self.shipped(
      ["h200", "aiconfigurator", "a100-megatron", "upmem"].map { "notebooks-data/measurements/" + $0 }, ".csv"
    )
    let counts = try run(over: files, longest: 800) { bytes in
      let table = try Table(text: try decodeUTF8(bytes, file: "f"), file: "f")
      for row in table.rows { #expect(table.columns.allSatisfy { row.text($0).utf8.count <= bytes.count }) }
      let values = try measuredValues(of: table, kind: try TableKind.recognise(table))
      #expect(values.allSatisfy { $0.measured.isFinite && $0.measured > 0 })
    }
    #expect(counts.cases > 500)
    #expect(counts.accepted > counts.cases / 100)
  }
}

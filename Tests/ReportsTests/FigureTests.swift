import Documents
import Foundation
import FoundationXML
import Quantities
@testable import Reports
@testable import Studies
import TestSupport
import Testing

/// Figures of plain data: what is drawn, what its table holds, what a page may do with it.
@Suite struct FigureTests {
  /// The same data give the same bytes, and every drawing is well-formed XML that no name can break.
  @Test(arguments: Gallery.charts.indices) func drawingsAreXML(index: Int) throws {
    let drawn = DrawnChart(Gallery.charts[index], number: index + 1)
    #expect(drawn.standaloneSVG == DrawnChart(Gallery.charts[index], number: index + 1).standaloneSVG)
    for text in [drawn.wide, drawn.narrow, drawn.standaloneSVG] {
      let parser = XMLParser(data: Data(text.utf8))
      #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
      #expect(!text.contains("<script"))
      #expect(!text.contains("\u{202e}"))
    }
    #expect(!drawn.standaloneSVG.contains("var(--"))
    #expect(drawn.table.rows.count >= 1)
    #expect(drawn.table.rows.allSatisfy { $0.count == drawn.table.columns.count })
  }

  /// What a figure shows follows from its closed form: the values that were drawn are those of the program.
  @Test func liveFormsGiveWhatIsDrawn() throws {
    var compared = 0
    func expect(_ program: FormProgram, _ inputs: [Double], _ output: Int, _ drawn: Double) {
      let value = program.evaluate(inputs)[output]
      #expect(abs(value - drawn) <= 1e-9 * max(abs(drawn), 1e-300))
      compared += 1
    }
    for name in ["comp-vs-comm", "pim-opt"] {
      let study = try StudyResult(named: name, in: Repository.library)
      for chart in study.findings.sections.flatMap(\.charts) {
        guard let live = chart.live else { continue }
        let sliders = live.sliders.map(\.value)
        for check in live.checks {
          for (value, expected) in zip(live.program.evaluate(check.inputs), check.outputs) {
            #expect(abs(value - expected) <= 1e-9 * abs(expected))
          }
        }
        switch chart.drawing {
        case .lines(let lines):
          for series in lines.series {
            guard let arguments = series.arguments else { continue }
            for point in series.points {
              expect(live.program, sliders + [point.x] + arguments, series.output, point.y)
            }
          }
        case .maps(let maps):
          for map in maps {
            guard let own = map.live else { continue }
            for (row, y) in own.rows.enumerated() {
              for (column, x) in own.columns.enumerated() {
                guard let value = map.values[row][column] else { continue }
                expect(live.program, sliders + [x, y] + own.arguments, 0, value)
              }
            }
          }
        case .bars(let bars):
          for bar in bars.bars {
            guard let first = bar.output else { continue }
            for (part, length) in bar.lengths.enumerated() {
              expect(live.program, sliders, first + part, length)
            }
          }
        case .icicle, .timeline, .tornado: break
        }
      }
    }
    #expect(compared > 600)
  }

  /// SHA-256 of the examples of FIPS 180-4.
  @Test func fingerprints() throws {
    #expect(
      Fingerprint.sha256(of: Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      Fingerprint.sha256(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(Fingerprint("/nowhere").sha256 == nil)
  }

  /// The knee: an ideal line has none; a line that flattens has it where a doubling brings less than a half.
  @Test func knees() {
    #expect(Chart.knee([(1, 1), (2, 2), (4, 4), (8, 8)]) == nil)
    #expect(Chart.knee([(1, 1), (2, 1.9), (4, 2.5), (8, 2.6)]) == 2)
  }

  /// Speeds and efficiencies count from the base that is asked for: twice the devices at the same speed are half as good.
  @Test func scalingHasOneBase() throws {
    let times = [(count: 2.0, time: 8.0), (count: 4.0, time: 5.0), (count: 8.0, time: 5.0)]
    func efficiencies(_ base: Double?) throws -> [String] {
      let chart = Chart.scaling(
        "", "", devices: "devices", base: base, curves: [("", times)], isStrong: true)
      guard case .lines(let lines) = chart.drawing else { return [] }
      return try #require(lines.series.first).points.map(\.name)
    }
    #expect(try efficiencies(4) == ["efficiency 125 %", "efficiency 100 %", "efficiency 50 %"])
    #expect(try efficiencies(nil) == ["efficiency 100 %", "efficiency 80 %", "efficiency 40 %"])
    #expect(try efficiencies(3) == efficiencies(nil))
  }

  /// Nobody on a front is beaten, and everybody who is not on it is.
  @Test func fronts() {
    var random = SplitMix64(seed: 5)
    let points = (0..<300).map { _ in
      LineChart.Point(Double.random(in: 0...1, using: &random), Double.random(in: 0...1, using: &random))
    }
    func beats(_ a: LineChart.Point, _ b: LineChart.Point) -> Bool {
      a.x <= b.x && a.y <= b.y && (a.x < b.x || a.y < b.y)
    }
    let front = Chart.paretoFront(points)
    for point in points {
      let isOn = front.contains { $0.x == point.x && $0.y == point.y }
      #expect(isOn == !points.contains { beats($0, point) })
    }
  }

  @Test(arguments: [
    (4.8e12, "B/s", "4.8 TB/s"), (0.000_012_5, "s", "12.5 us"), (999.96, "s", "1 ks"), (0, "s", "0 s"),
    (50, "%", "50 %"), (295.2, "FLOP/B", "295 FLOP/B"), (-0.002, "s", "-2 ms"),
  ])
  func numbersWithPrefixes(value: Double, unit: String, words: String) {
    #expect(prefixed(value, unit) == words)
  }
}

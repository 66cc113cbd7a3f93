import Foundation
import Quantities
@testable import Reports
@testable import Studies
import TestSupport
import Testing

/// One figure of each kind, of data that never change, with names as hostile as users' files can hold: what the
/// browser's tests look at.
enum Gallery {
  static let hostile =
    "<script>alert(1)</script> \" ' & \u{202e} ]]> --> " + String(repeating: "very long ", count: 30)

  private static let kernels: [LineChart.Point] = (1...24).map { index in
    let (x, rate) = (Double(2 * index * index), 1e12 * Double(index * index))
    return .init(x, 1.5 * rate, interval: rate...2 * rate, name: "kernel \(index)")
  }

  private static let designs: [LineChart.Point] = (0..<60).map { index in
    let cost = Double(index % 12) + 1
    return .init(cost, Double(index * 37 % 60) + 60 / cost, name: "design \(index)")
  }

  private static let rows: [LineChart.Point] = (1...40).map { index in
    let time = Double(index) * 1e-5
    return .init(time, time * (1 + 0.2 * Double(index % 3 - 1)), name: "row \(index)")
  }

  private static let memory: [BarChart.Bar] = (1...4).map { index in
    let share = 80 / Double(index)
    return .init("TP \(index)", [share, share, 4 * share, 60])
  }

  private static let power: [LineChart.Point] = (0...20).map { index in
    .init(Double(index) * 1e-3, 400 + 75 * Double(index % 5))
  }

  private static func map(_ number: Int) -> HeatMap {
    let values: [[Double?]] = (0..<3).map { row in (0..<4).map { Double($0 * 20 + row * 7 + number * 5) } }
    return HeatMap(
      "map \(number)", columns: ("TP", ["4", "8", "16", "32"]), rows: ("H", ["1K", "2K", "4K"]),
      values: values, unit: "%", scale: 0...100)
  }

  private static func many(_ group: Int) -> LineChart.Series {
    let points: [LineChart.Point] = (0..<2500).map { index in
      let size = 1e3 * Double(1 + index * index % 99_991)
      let factor = 1 + Double(index % 17) / 20
      return .init(size, 1e-6 + factor * size / (1e10 * Double(group + 1)), name: "row \(index)")
    }
    return .init("group \(group)", points, isLine: false)
  }

  private static let steps: [Timeline.Span] = (0..<40).flatMap { index -> [Timeline.Span] in
    let start = Double(index) * 1e-3
    return [
      .init("kernel \(index)", lane: 0, from: start, to: start + 7e-4, kind: 0),
      .init(hostile, lane: 1, from: start + 7e-4, to: start + 1e-3, kind: 1),
    ]
  }

  static let charts: [Chart] = [
    .rooflines(
      "Roofs", "Points under the roofs of a machine that exists and of one that does not.",
      machines: [
        Roofs("Today", peak: 1e15, levels: [("HBM", 4e12), ("L2", 1e13)]),
        Roofs("Planned", peak: 3e15, levels: [("HBM", 8e12)], isPlanned: true),
      ],
      points: [
        ("kernels", kernels)
      ]),
    Chart(
      hostile, hostile,
      .icicle(
        Icicle(
          label: "time", unit: "s", kinds: ["waits for compute", "waits for network"],
          root: .init(
            hostile, value: 1, kind: 0,
            parts: [
              .init(
                "layers", value: 0.7, kind: 0,
                parts: [
                  .init("\u{05e9}\u{05dc}\u{05d5}\u{05dd} right to left", value: 0.4, kind: 0),
                  .init(hostile, value: 0.2, kind: 1), .init("small", value: 0.1, kind: 0),
                ]),
              .init("optimizer", value: 0.3, kind: 1),
            ])))),
    Chart(
      "Step", "What runs when.",
      .timeline(
        Timeline(
          lanes: ["kernels", hostile], kinds: ["computation", "communication"],
          spans: steps))),
    Chart(
      "Parameters", "One at a time.",
      .tornado(
        Tornado(
          label: "time of a step", unit: "s", base: 0.7,
          bars: [
            .init("peak", low: (1.1, "half"), high: (0.5, "twice")),
            .init(hostile, low: (0.71, "half"), high: (0.69, "twice")),
            .init("bandwidth", low: (0.9, "half"), high: (0.66, "twice")),
          ]))),
    .scaling(
      "Scaling", "Speed over devices.", devices: "devices",
      curves: [("strong", [(1, 8), (2, 4.1), (4, 2.3), (8, 1.7), (16, 1.6)])], isStrong: true),
    .pareto(
      "Designs", "Less is better.", x: .init("cost", unit: "W", hasPrefixes: true),
      y: .init("time", unit: "s", hasPrefixes: true),
      points: [
        ("designs", designs)
      ]),
    .predictedAgainstMeasured(
      "Predicted against measured", "On the line a prediction is right.", quantity: "time", unit: "s",
      error: 0.1,
      groups: [
        ("gemm", rows)
      ]),
    Chart(
      "Memory of a device", "Against its capacity.",
      .bars(
        BarChart(
          parts: ["weights", "gradients", "optimizer", "activations"], label: "memory", unit: "GB",
          bars: memory,
          limit: (141, "capacity of an H200")))),
    Chart(
      "Power over time", "Against the limit.",
      .lines(
        LineChart(
          x: .init("time", unit: "s", hasPrefixes: true),
          y: .init("power", unit: "W", including: [0], hasPrefixes: true),
          series: [
            .init(
              "power", power, hasMarks: false, line: .steps)
          ], guides: [.level(700, "limit 700 W")]))),
    Chart(
      "Shares", "Dark is exchange.",
      .maps((0..<3).map(map))),
    Chart(
      "Ten thousand points", "Each a measured row.",
      .lines(
        LineChart(
          x: .init("size", unit: "B", isLogarithmic: true, hasPrefixes: true),
          y: .init("time", unit: "s", isLogarithmic: true, hasPrefixes: true),
          series: (0..<4).map(many)))),
  ]

  static var page: ReportPage {
    var page = ReportPage(kind: "Gallery", title: "Every kind of figure", summary: hostile)
    page.lead = "Plain data, for tests in a browser."
    page.headlines = [("a number", "47 % [42, 53]"), (hostile, hostile)]
    page.sections = [
      Section("Figures", prose: [hostile], charts: charts),
      Section(
        hostile, prose: [],
        tables: [
          DataTable(
            hostile, columns: [.init("a"), .init("b", unit: "s")], rows: [[.text(hostile), .number(1.5)]])
        ]),
    ]
    page.trust.files = [Repository.root + "/.swift-format"]
    page.trust.command = hostile
    return page
  }
}

@Suite struct GalleryTests {
  /// The page of all figures, for `Tests/Browser/browse.py`: under 1 MB with ten thousand points in it.
  @Test func galleryIsWritten() throws {
    let html = try Gallery.page.html()
    #expect(html.utf8.count < 1_000_000)
    #expect(html == (try Gallery.page.html()))
    #expect(!html.contains("<script>alert"))
    #expect(!html.contains("\u{202e}"))
    #expect(!Gallery.page.markdown.contains("<script>"))
    let folder = Repository.root + "/.build/gallery"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(html.utf8).write(to: URL(fileURLWithPath: folder + "/index.html"))
  }
}

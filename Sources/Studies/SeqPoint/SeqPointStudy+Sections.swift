import CostModels
import Hardware
import Quantities
import Sampling
import Workloads

extension SeqPointStudy {
  func lengthsSection(_ evaluated: [Evaluated]) -> Section {
    Section(
      "Lengths, and the time of an iteration",
      prose: [
        "The data sets are not here: lengths are drawn from distributions with their ranges and a fixed seed, in batches of like "
          + "length. A user's own lengths take their place by the parameter own_lengths (a table with sequence_length).",
        "An iteration's kernels depend on the length only: recurrent layers run a product and a gate for each step, so "
          + "that time grows with the length, in part by starts alone; attention grows with its square.",
      ],
      charts: evaluated.map { result in
        Chart(
          "Time of an iteration: \(result.run.title)",
          "\(machines[0].model.device.title) as published, and \(reference.device.title) with its calibration, FP32, batch "
            + "\(Int(batch)).",
          .lines(
            LineChart(
              x: .init("length"), y: .init("time of an iteration", unit: "ms", including: [0]),
              series: [
                .init(
                  machines[0].name, result.times.map { .init(Double($0.length), 1e3 * $0.first) },
                  hasMarks: false),
                .init(
                  reference.device.name, result.times.map { .init(Double($0.length), 1e3 * $0.reference) },
                  hasMarks: false),
              ])))
      })
  }

  func pointsSection(_ evaluated: [Evaluated]) -> Section {
    Section(
      "The points, and what one would do without",
      prose: [
        "The range of lengths is cut into contiguous bins; of each bin the iteration that is closest to its mean time stands for "
          + "all, weighted by their number; bins are added until the projected total is within the tolerance.",
        "What is saved: the time of all iterations over the time of the points' iterations. With n equal iterations and p "
          + "points it would be n/p; points that are longer or shorter than the mean change it.",
      ],
      charts: evaluated.map { result in
        Chart(
          "Points of \(result.run.title)",
          "Each point is one iteration; its height is how many iterations it stands for.",
          .lines(
            LineChart(
              x: .init("length"), y: .init("weight", including: [0]),
              series: [
                .init(
                  "points", result.points.points.map { .init(Double($0.sequenceLength), Double($0.weight)) },
                  isLine: false)
              ])))
      },
      tables: evaluated.map { result in
        DataTable(
          "\(result.run.title): projected totals",
          columns: [
            .init("method"), .init("iterations timed"), .init("projected", unit: "s"),
            .init("error", unit: "%"),
          ],
          rows: [
            [
              "SeqPoint", .number(Double(result.points.timedIterations)),
              .number(result.points.projectedSeconds),
              .number(100 * result.points.relativeError),
            ]
          ]
            + result.baselines.map { baseline in
              [
                .text(baseline.name), .number(Double(baseline.timedIterations)),
                .number(baseline.projectedSeconds),
                .number(100 * (baseline.projectedSeconds / result.points.totalSeconds - 1)),
              ]
            })
      })
  }

  func machinesSection(_ evaluated: [Evaluated]) -> Section {
    Section(
      "Other machines from the same iterations",
      prose: [
        "The iterations that were chosen on the first machine are timed on the others. Networks with sequences keep their "
          + "shape there: what is slow for long sequences stays slow for long sequences."
      ],
      tables: evaluated.map { result in
        DataTable(
          result.run.title,
          columns: [
            .init("machine"), .init("all iterations", unit: "s"),
            .init("error of the projected total", unit: "%"),
            .init("speed-up", unit: "x"), .init("error of the speed-up", unit: "%"),
          ],
          rows: result.projected.map { projected in
            [
              .text(projected.machine), .number(projected.total), .number(100 * projected.error),
              .number((result.projected.first?.total ?? .nan) / projected.total),
              .number(100 * projected.speedUpError),
            ]
          })
      })
  }

  func logsSection(_ measured: [Measured]) -> Section {
    Section(
      "Runs that were really measured",
      prose: [
        "Whole training iterations of recurrent networks on one H200 of a shared host, wall clock. `rooftree seqpoint` on a log "
          + "prints its points. Chosen by time, the log must exist, and its points are for other machines; chosen by length, "
          + "nothing was timed before, and the error is that of a run one would never make in full."
      ],
      charts: measured.map { run in
        Chart(
          run.name, "Each point is the mean time of the iterations of one length.",
          .lines(
            LineChart(
              x: .init("length"), y: .init("time of an iteration", unit: "ms", including: [0]),
              series: [
                .init(
                  "measured",
                  run.log.lengths.map { entry in
                    let mean = entry.iterations.reduce(0) { $0 + $1.seconds } / Double(entry.iterations.count)
                    return .init(Double(entry.length), 1e3 * mean)
                  }, isLine: false)
              ])))
      },
      tables: [
        DataTable(
          "Measured runs",
          columns: [
            .init("log"), .init("iterations"), .init("lengths"), .init("points"), .init("timed", unit: "%"),
            .init("error, chosen by time", unit: "%"), .init("error, chosen by length", unit: "%"),
            .init("saved", unit: "x"), .init("variance explained by length", unit: "%"),
            .init("worst baseline", unit: "%"),
          ],
          rows: measured.map { run in
            [
              .text(run.name), .number(Double(run.log.iterations.count)),
              .number(Double(run.log.lengths.count)),
              .number(Double(run.points.points.count)), .number(run.timed),
              .number(100 * run.points.relativeError),
              .number(100 * run.byLength.relativeError), .number(run.points.profilingSaving),
              .number(run.explained),
              .number(
                run.baselines.map { 100 * abs($0.projectedSeconds / run.points.totalSeconds - 1) }.max()
                  ?? .nan),
            ]
          })
      ])
  }
}

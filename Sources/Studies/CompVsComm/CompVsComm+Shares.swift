import CostModels
import Hardware
import Quantities
import Workloads

extension CompVsComm {
  /// Part of a layer's time that tensor-parallel exchanges take on the paper's machine, in per cent.
  ///
  /// - Parameters:
  ///   - hidden: H.
  ///   - sequence: SL.
  ///   - degree: TP.
  ///   - factor: growth of FLOP/s against bandwidth.
  ///   - rate: what the products reach today, in FLOP/s.
  ///   - bandwidth: of the ring, in bytes a second; the paper's if nil.
  /// - Returns: the share in per cent.
  func share(
    hidden: Double, sequence: Double, degree: Double, factor: Double, rate: Double, bandwidth: Double? = nil
  ) -> Double {
    100
      * CommunicationForms.share(
        ofRatio: CommunicationForms.serializedRatio(
          hidden: hidden, sequence: sequence, tensorParallel: degree, elementBytes: elementBytes,
          rate: factor * rate, bandwidth: bandwidth ?? ring.value))
  }

  /// Gradient exchange over the backward products that hide it, in per cent.
  func overlap(hidden: Double, sequence: Double, microBatch: Double, factor: Double, rate: Double) -> Double {
    100
      * CommunicationForms.overlappedRatio(
        slack: CommunicationForms.slack(
          hidden: hidden, sequence: sequence, microBatch: microBatch, gradientBytes: elementBytes),
        dataParallel: dataParallel, rate: factor * rate, bandwidth: ring.value)
  }

  /// The shares at the points of the space that count as future and have heads enough, over all sequence lengths.
  func shares(
    factor: Double, rate: Double, hidden: [Double]? = nil, degrees: [Double]? = nil,
    bandwidth: Double? = nil
  ) -> [Double] {
    func within(_ values: [Int], _ ends: [Double]) -> [Double] {
      values.map { Double($0) }.filter { $0 >= ends[0] && $0 <= ends[1] }
    }
    let degrees = degrees ?? within(space.degrees, future.degrees)
    return (hidden ?? within(space.hidden, future.hidden)).flatMap { hidden in
      degrees.filter { Self.canSplit(hidden: hidden, degree: $0) }.flatMap { degree in
        space.sequences.map {
          share(
            hidden: hidden, sequence: Double($0), degree: degree, factor: factor, rate: rate,
            bandwidth: bandwidth)
        }
      }
    }
  }

  /// Whether a layer can be split over so many devices: no more of them than heads, which are of 128.
  static func canSplit(hidden: Double, degree: Double) -> Bool { degree <= hidden / 128 }

  /// How sizes are written: 64K.
  static func thousands(_ value: Int) -> String { value % 1024 == 0 ? "\(value / 1024)K" : "\(value)" }

  private func map(
    _ title: String, live: (form: LiveForm, columns: [Double], rows: [Double], arguments: [Double])? = nil,
    _ value: (Int, Int) -> Double?
  ) -> HeatMap {
    HeatMap(
      title, columns: ("TP", space.degrees.map { "\($0)" }),
      rows: ("H", space.hidden.map(Self.thousands)),
      values: space.hidden.map { hidden in space.degrees.map { value(hidden, $0) } }, unit: "%",
      scale: 0...100, live: live)
  }

  var serialized: Section {
    let (hidden, degrees) = (space.hidden.map { Double($0) }, space.degrees.map { Double($0) })
    // Column, row, then the arguments of a map: TP, H, SL, factor.
    let live = LiveForm(
      SerializedShareForm(elementBytes: elementBytes), sliders: sliders,
      samples: space.sequences.flatMap { sequence in
        hidden.flatMap { hidden in degrees.map { [$0, hidden, Double(sequence), space.factors.last ?? 1] } }
      })
    let maps = space.sequences.flatMap { sequence in
      space.factors.map { factor in
        map(
          "SL \(Self.thousands(sequence)), \(formatted(factor, digits: 1))x",
          live: (live, degrees, hidden, [Double(sequence), factor])
        ) { hidden, degree in
          guard Self.canSplit(hidden: Double(hidden), degree: Double(degree)) else { return nil }
          return share(
            hidden: Double(hidden), sequence: Double(sequence), degree: Double(degree), factor: factor,
            rate: largeRate.value)
        }
      }
    }
    let lines = space.factors.map { factor in
      LineChart.Series(
        "\(formatted(factor, digits: 1))x",
        space.degrees.filter { Self.canSplit(hidden: caseStudy[0], degree: Double($0)) }.map { degree in
          let values = [
            ring.interval?.upperBound.value ?? ring.value, ring.interval?.lowerBound.value ?? ring.value,
          ]
          .flatMap { bandwidth in
            [baselineRate.value, largeRate.value].map {
              share(
                hidden: caseStudy[0], sequence: caseStudy[1], degree: Double(degree), factor: factor,
                rate: $0,
                bandwidth: bandwidth)
            }
          }
          return .init(
            Double(degree),
            share(
              hidden: caseStudy[0], sequence: caseStudy[1], degree: Double(degree), factor: factor,
              rate: largeRate.value),
            interval: (values.min() ?? 0)...(values.max() ?? 0), name: "TP \(degree)")
        }, arguments: [caseStudy[0], caseStudy[1], factor])
    }
    let other = fixed(
      share(
        hidden: caseStudy[0], sequence: caseStudy[1], degree: caseStudy[3], factor: caseStudy[4],
        rate: baselineRate.value), decimals: 0)
    let ours = fixed(
      share(
        hidden: caseStudy[0], sequence: caseStudy[1], degree: caseStudy[3], factor: caseStudy[4],
        rate: largeRate.value),
      decimals: 0)
    return Section(
      "Serialized communication: tensor parallelism",
      prose: [
        "Four all-reduces of p·B·SL·H bytes stand in the way of each layer's training step. Their share is x/(1+x) with "
          + "x = (2p/3)(TP−1)·F/(BW·(6H+SL)): the micro-batch cancels, and along a constant TP/(6H+SL) the share is "
          + "constant, so a degree that grows faster than H raises it. Faster compute on the same network multiplies x.",
        "F matters as much as the network. With the rate of large products (\(largeRate.quantity.formatted())) the paper's "
          + "case study comes to \(ours) %; with the rate of the BERT-sized product that the paper scales from "
          + "(\(baselineRate.quantity.formatted())) it comes to \(other) %, near the 47 % that we recall. Scaling from a small "
          + "baseline makes compute look slower, and communication smaller, than it is.",
      ],
      charts: [
        Chart(
          "Share of a layer's training step that its exchanges take, in %",
          "One map for each sequence length (down) and growth of FLOP/s against bandwidth (across). Dark is exchange; blank: "
            + "fewer heads of 128 than devices. \(machine.title), large products, ring of \(ring.quantity.formatted()) at any degree.",
          .maps(maps)),
        Chart(
          "The case study over degrees",
          "H \(Int(caseStudy[0])), SL \(Int(caseStudy[1])). Thin lines: from the baseline's rate to that of large products, "
            + "and over the plausible ring bandwidths.",
          .lines(
            LineChart(
              x: .init("TP", isLogarithmic: true),
              y: .init("share of exchanges", unit: "%", including: [0, 100]),
              series: lines, live: live))),
      ])
  }

  var overlapped: Section {
    let tokens = (8...15).map { Double(1 << $0) }
    let series = space.factors.map { factor in
      LineChart.Series(
        "\(formatted(factor, digits: 1))x",
        tokens.map { count in
          let hidden = future.hidden[0]
          let sequence = min(count, 2048)
          return .init(
            count,
            overlap(
              hidden: hidden, sequence: sequence, microBatch: count / sequence, factor: factor,
              rate: largeRate.value),
            name: "\(Int(count)) tokens")
        }, arguments: [future.hidden[0], 0, factor])
    }
    let lineForm = LiveForm(
      OverlapForm(elementBytes: elementBytes, dataParallel: dataParallel, isByTokens: true), sliders: sliders,
      samples: tokens.map { [$0, future.hidden[0], 0, space.factors.last ?? 1] })
    let (hidden, sequences) = (space.hidden.map { Double($0) }, space.sequences.map { Double($0) })
    let mapForm = LiveForm(
      OverlapForm(elementBytes: elementBytes, dataParallel: dataParallel, isByTokens: false),
      sliders: sliders,
      samples: hidden.flatMap { hidden in sequences.map { [$0, hidden, 1, space.factors.last ?? 1] } })
    let maps = space.factors.map { factor in
      HeatMap(
        "\(formatted(factor, digits: 1))x, B 1", columns: ("SL", space.sequences.map(Self.thousands)),
        rows: ("H", space.hidden.map(Self.thousands)),
        values: space.hidden.map { hidden in
          space.sequences.map { sequence in
            overlap(
              hidden: Double(hidden), sequence: Double(sequence),
              microBatch: Double(space.microBatches.min() ?? 1),
              factor: factor,
              rate: largeRate.value)
          }
        }, unit: "%", scale: 0...150,
        live: (mapForm, sequences, hidden, [Double(space.microBatches.min() ?? 1), factor]))
    }
    return Section(
      "Overlapped communication: data parallelism",
      prose: [
        "Gradients of a layer are exchanged beside the backward pass of the layers below it. What hides them is the number of "
          + "tokens: y = 2(DP−1)/DP·F/(BW·slack), slack = (2/3)(SL·B/p_g)(6+SL/H), whatever H and TP are. Above 100 % the "
          + "exchange is exposed, however well it overlaps; contention between the two makes it worse."
      ],
      charts: [
        Chart(
          "Exchange of gradients over the computation that hides it",
          "At 100 % nothing is left to hide behind. DP \(formatted(dataParallel, digits: 1)), H \(Self.thousands(Int(future.hidden[0]))), \(machine.title), large products.",
          .lines(
            LineChart(
              x: .init("tokens of the micro-batch", isLogarithmic: true),
              y: .init("exchange over computation", unit: "%", isLogarithmic: true), series: series,
              band: (100...1000, "exposed"), live: lineForm))),
        Chart(
          "The same over H and SL, in %", "One sequence a device. Dark is exposed.", .maps(maps)),
      ])
  }
}

extension CompVsComm {
  /// What a reader of the page can move: the products' rate and the ring.
  var sliders: [LiveForm.Slider] {
    [
      .init("rate of the products today", unit: "FLOP/s", value: largeRate.value),
      .init("ring bandwidth", unit: "B/s", value: ring.value),
    ]
  }
}

/// The share of serialized exchanges in per cent: rate and bandwidth, then TP, H, SL and the growth of the rate.
struct SerializedShareForm: RecordableForm {
  let elementBytes: Double

  func outputs<N: ModelNumber>(_ inputs: [N]) -> [N] {
    let ratio = CommunicationForms.serializedRatio(
      hidden: inputs[3], sequence: inputs[4], tensorParallel: inputs[2], elementBytes: N(elementBytes),
      rate: inputs[5] * inputs[0], bandwidth: inputs[1])
    return [100 * CommunicationForms.share(ofRatio: ratio)]
  }
}

/// Gradient exchange over what hides it in per cent: rate and bandwidth, then SL (or tokens), H, B and the growth of the
/// rate.
struct OverlapForm: RecordableForm {
  let elementBytes: Double
  let dataParallel: Double
  /// Whether the first coordinate counts tokens of sequences of at most 2048; B is then what is left.
  let isByTokens: Bool

  func outputs<N: ModelNumber>(_ inputs: [N]) -> [N] {
    let sequence = isByTokens ? N.smaller(inputs[2], N(2048)) : inputs[2]
    let microBatch = isByTokens ? inputs[2] / sequence : inputs[4]
    let slack = CommunicationForms.slack(
      hidden: inputs[3], sequence: sequence, microBatch: microBatch, gradientBytes: N(elementBytes))
    return [
      100
        * CommunicationForms.overlappedRatio(
          slack: slack, dataParallel: N(dataParallel), rate: inputs[5] * inputs[0], bandwidth: inputs[1])
    ]
  }
}

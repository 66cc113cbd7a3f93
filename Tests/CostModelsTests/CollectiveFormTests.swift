import Calibration
import CostModels
import Documents
import Hardware
import Quantities
import ModelTestSupport
import Testing
import Workloads

@Suite struct CollectiveFormTests {
  typealias Kind = Collective<Double>.Kind

  static func time(
    _ kind: Kind, _ bytes: Double, _ ranks: Int, alpha: Double = 1e-6, bandwidth: Double = 100e9,
    _ algorithm: CollectiveForms.Algorithm = .ring
  ) -> Double {
    CollectiveForms.time(
      Collective(kind, bytes: bytes, ranks: ranks), alpha: alpha, bandwidth: bandwidth, algorithm: algorithm)
  }

  /// 400 MB over 4 ranks, 1 us a step, 100 GB/s.
  ///
  /// The factors are those of nccl-tests (doc/PERFORMANCE.md).
  @Test(arguments: [
    // 6 steps; 2·3/4·400 MB = 600 MB: 6 us + 6000 us.
    (Kind.allReduce, 6006e-6),
    // 3 steps; 3/4·400 MB = 300 MB.
    (.allGather, 3003e-6), (.reduceScatter, 3003e-6), (.allToAll, 3003e-6),
    // 3 steps down the ring, the whole buffer through each link.
    (.broadcast, 4003e-6),
    // One step.
    (.pointToPoint, 4001e-6),
  ])
  func fourRanksByHand(kind: Kind, expected: Double) {
    #expect(abs(Self.time(kind, 400e6, 4) - expected) < 1e-12)
  }

  /// A tree over 8 ranks goes 3 steps up and 3 down and moves the buffer twice: 6 us + 2·400 MB/100 GB/s.
  @Test func treeByHand() {
    #expect(abs(Self.time(.allReduce, 400e6, 8, .tree) - 8006e-6) < 1e-12)
    #expect(abs(Self.time(.allGather, 400e6, 8, .tree) - 4003e-6) < 1e-12)
  }

  @Test(arguments: Kind.allCases, CollectiveForms.Algorithm.allCases)
  func aloneThereIsNothingToExchange(kind: Kind, algorithm: CollectiveForms.Algorithm) {
    #expect(Self.time(kind, 1e9, 1, algorithm) == 0)
  }

  @Test(arguments: UInt64(0)..<100)
  func aRingAllReduceIsAReduceScatterAndAnAllGather(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let bytes = random.logarithmic(in: 1...1e12)
    let ranks = Int.random(in: 2...1024, using: &random)
    let alpha = random.logarithmic(in: 1e-7...1e-4)
    let bandwidth = random.logarithmic(in: 1e8...1e12)
    func part(_ kind: Kind) -> Double { Self.time(kind, bytes, ranks, alpha: alpha, bandwidth: bandwidth) }
    let whole = part(.allReduce)
    #expect(abs(part(.reduceScatter) + part(.allGather) - whole) < 1e-12 * whole)
  }

  /// Against a ring the tree saves 2(N-1) - 2·log2 N steps and sends 2/N of the buffer more, so it wins below
  /// S = N·(N-1-log2 N)·alpha·B bytes: for 64 ranks, 1 us and 100 GB/s, 64·57·100 kB = 364.8 MB.
  @Test func theTreeWinsForSmallMessagesOfManyRanks() {
    let crossover = 364.8e6
    for part in [1e-6, 0.01, 0.999] {
      #expect(
        Self.time(.allReduce, part * crossover, 64, .tree) < Self.time(.allReduce, part * crossover, 64))
    }
    for factor in [1.001, 100] {
      #expect(
        Self.time(.allReduce, factor * crossover, 64, .tree)
          > Self.time(.allReduce, factor * crossover, 64))
    }
    // Two ranks are a tree and a ring at once in steps, and the ring sends half.
    #expect(Self.time(.allReduce, 1, 2, .tree) >= Self.time(.allReduce, 1, 2))
  }

  @Test(arguments: UInt64(0)..<100)
  func aBetterNetworkIsNeverSlower(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let kind = Kind.allCases[Int.random(in: Kind.allCases.indices, using: &random)]
    let group = Int.random(in: 1...8, using: &random)
    let nodes = Int.random(in: 1...64, using: &random)
    let bytes = random.logarithmic(in: 1...1e11)
    let exchange = Collective<Double>(kind, bytes: bytes, ranks: group * nodes)
    let (alpha, bandwidth) = (random.logarithmic(in: 1e-7...1e-4), random.logarithmic(in: 1e9...1e12))
    let (railAlpha, rail) = (random.logarithmic(in: 1e-7...1e-4), random.logarithmic(in: 1e9...1e12))
    let factor = random.logarithmic(in: 1...10)
    for algorithm in CollectiveForms.Algorithm.allCases {
      func time(_ alpha: Double, _ bandwidth: Double) -> Double {
        CollectiveForms.time(exchange, alpha: alpha, bandwidth: bandwidth, algorithm: algorithm)
      }
      #expect(time(alpha, factor * bandwidth) <= time(alpha, bandwidth))
      #expect(time(alpha / factor, bandwidth) <= time(alpha, bandwidth))
    }
    func time(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
      CollectiveForms.hierarchicalTime(
        exchange, nodeRanks: group, node: (alpha: a, bandwidth: b), rail: (alpha: c, bandwidth: d))
    }
    let base = time(alpha, bandwidth, railAlpha, rail)
    #expect(time(alpha / factor, bandwidth, railAlpha, rail) <= base)
    #expect(time(alpha, factor * bandwidth, railAlpha, rail) <= base)
    #expect(time(alpha, bandwidth, railAlpha / factor, rail) <= base)
    #expect(time(alpha, bandwidth, railAlpha, factor * rail) <= base)
  }

  /// The reference's case (section 2.2): 4 GiB all-reduce over 4 nodes of 8 B200, 16.1 ms when the phases overlap
  /// fully, 26.25 ms when they follow one another, 22.05 ms measured.
  ///
  /// 16.1 ms is 2·3/4·(4 GiB/8) over a rail of 50 GB/s. The rest is 2·7/8·4 GiB over the node's links: at 82 % of
  /// NVLink 5's 900 GB/s (the part that the ring on 8 H200 reaches of its own link, section 13) 10.18 ms.
  @Test func fourNodesOfTheReference() {
    let exchange = Collective<Double>(.allReduce, bytes: 0x1p32, ranks: 32)
    let serial = CollectiveForms.hierarchicalTime(
      exchange, nodeRanks: 8, node: (alpha: 0, bandwidth: 0.82 * 900e9), rail: (alpha: 0, bandwidth: 50e9))
    #expect(abs(serial / 26.25e-3 - 1) < 0.01)
    let rails = CollectiveForms.hierarchicalTime(
      exchange, nodeRanks: 8, node: (alpha: 0, bandwidth: .infinity), rail: (alpha: 0, bandwidth: 50e9))
    #expect(abs(rails / 16.1e-3 - 1) < 0.01)
    #expect((rails...serial).contains(22.05e-3))
  }

  @Test(arguments: Kind.allCases.filter { $0 != .pointToPoint })
  func oneNodeIsTheNodeAlone(kind: Kind) {
    let node = (alpha: 2e-6, bandwidth: 300e9)
    let rail = (alpha: 1.0, bandwidth: 1.0)
    let whole = CollectiveForms.hierarchicalTime(
      Collective<Double>(kind, bytes: 1e9, ranks: 8), nodeRanks: 8, node: node, rail: rail)
    #expect(whole == Self.time(kind, 1e9, 8, alpha: 2e-6, bandwidth: 300e9))
  }

  /// Nodes of one device leave the rails alone; each then carries the whole payload.
  @Test(arguments: Kind.allCases)
  func nodesOfOneDeviceAreTheRailsAlone(kind: Kind) {
    let whole = CollectiveForms.hierarchicalTime(
      Collective<Double>(kind, bytes: 1e9, ranks: 16), nodeRanks: 1, node: (alpha: 1, bandwidth: 1),
      rail: (alpha: 5e-6, bandwidth: 50e9))
    #expect(whole == Self.time(kind, 1e9, 16, alpha: 5e-6, bandwidth: 50e9))
  }
}

@Suite struct NetworkModelTests {
  typealias Kind = Collective<Double>.Kind

  static func network(_ name: String, calibrated: Bool) throws -> NetworkModel<Double> {
    NetworkModel(
      try Repository.device(name), calibrated ? try Repository.calibration(name) : nil)
  }

  @Test(arguments: Kind.allCases)
  func aloneThereIsNothingToExchange(kind: Kind) throws {
    for calibrated in [true, false] {
      let network = try Self.network("nvidia-h200", calibrated: calibrated)
      let answer = try #require(network.cost(Collective(kind, bytes: 1e9, ranks: 1)))
      #expect(answer.cost.time == 0)
    }
  }

  /// Without measurements: 6 us to start, and the data sheet's 450 GB/s at 80 %.
  ///
  /// 8 ranks, 1 GiB: 14 steps of 1 us, 1.75 GiB at 360 GB/s = 5219.6 us, in all 5239.6 us. (Measured on 8
  /// H200: 367 GB/s, reference section 13.)
  @Test func theDataSheetByHand() throws {
    let network = try Self.network("nvidia-h200", calibrated: false)
    let answer = try #require(network.cost(Collective(.allReduce, bytes: 0x1p30, ranks: 8)))
    #expect(answer.method == .closedForm)
    #expect(abs(answer.cost.time - 5239.6e-6) < 0.1e-6)
    let busBandwidth = 1.75 * 0x1p30 / answer.cost.time
    #expect(abs(busBandwidth / 367e9 - 1) < 0.05)
  }

  @Test func rankCountsThatNoNetworkJoinsHaveNoTime() throws {
    let network = try Self.network("nvidia-h200", calibrated: false)
    // 12 devices fill one node of 8 and half of another.
    #expect(network.cost(Collective(.allReduce, bytes: 1e6, ranks: 12)) == nil)
    #expect(network.cost(Collective(.allReduce, bytes: 1e6, ranks: 1 << 20)) == nil)
    #expect(network.cost(Collective(.allReduce, bytes: 1e6, ranks: 16)) != nil)
  }

  /// A measured size gives the measured time back: three rows of collectives_nvlink.csv.
  @Test func measuredSizesGiveTheMeasuredTimes() throws {
    let network = try Self.network("nvidia-h200", calibrated: true)
    let rows = try Repository.values("h200/collectives_nvlink.csv")
    #expect(rows.count == 147)
    for row in rows {
      guard case .kernel(let operation, _, _) = row.subject, case .collective(let exchange) = operation.work
      else { continue }
      let answer = try #require(network.cost(exchange))
      #expect(answer.method == .measured)
      // The file holds six digits.
      #expect(abs(answer.cost.time / (row.measured * 1e-6) - 1) < 1e-5)
    }
  }

  /// All-gather over 4 ranks hidden and read from what is left: its own curve at 2 ranks, carried over by
  /// all-reduce (the only other kind measured at both counts besides all-to-all).
  ///
  /// Mean 9 %, at most 25 % from 256 KiB on.
  @Test func aRankCountThatWasNotMeasuredIsCarriedOver() throws {
    let device = try Repository.device("nvidia-h200")
    var calibration = try Repository.calibration("nvidia-h200")
    let key = DeviceCalibration.CurveKey(kind: "all_gather", ranks: 4)
    let hidden = try #require(calibration.curves[key])
    calibration.curves[key] = nil
    let network = NetworkModel<Double>(device, calibration)
    var errors: [Double] = []
    for point in hidden.points where point.bytes >= 0x1p18 {
      let answer = try #require(network.cost(Collective(.allGather, bytes: point.bytes, ranks: 4)))
      #expect(answer.method == .transferred)
      let error = abs(answer.cost.time / point.seconds - 1)
      #expect(error < 0.25)
      errors.append(error)
    }
    let mean = errors.reduce(0, +) / Double(errors.count)
    print("all-gather over 4 ranks, carried over: mean error \(100 * mean) % of \(errors.count) sizes")
    #expect(errors.count == 14)
    #expect(mean < 0.1)
  }

  /// Each measured curve hidden in turn and read from the others, from 256 KiB on: mean error by device, in per cent.
  @Test(arguments: [("nvidia-h200", 10.0), ("nvidia-a100-80g-sxm", 19), ("nvidia-b200", 13.5)])
  func everyCurveFromTheOthers(name: String, bound: Double) throws {
    let device = try Repository.device(name)
    let calibration = try Repository.calibration(name)
    var errors: [Double] = []
    for (key, hidden) in calibration.curves {
      var rest = calibration
      rest.curves[key] = nil
      let network = NetworkModel<Double>(device, rest)
      let kind = try #require(Kind(rawValue: key.kind))
      for point in hidden.points where point.bytes >= 0x1p18 {
        let exchange = Collective<Double>(kind, bytes: point.bytes, ranks: key.ranks)
        let answer = try #require(network.cost(exchange))
        #expect(answer.method == .transferred)
        errors.append(100 * abs(answer.cost.time / point.seconds - 1))
      }
    }
    let mean = errors.reduce(0, +) / Double(errors.count)
    print("\(name): each curve from the others: mean error \(mean) %, worst \(errors.max() ?? .nan) %")
    #expect(mean < bound)
  }

  /// With nothing of the kind measured, another kind's curve at the same rank count is read at the same bytes on
  /// the wire: an all-reduce of S sends as much as a reduce-scatter of 2 S.
  @Test func aKindThatWasNotMeasuredIsReadAtTheSameWireBytes() throws {
    let device = try Repository.device("nvidia-h200")
    let curve = SizeCurve([.init(bytes: 1e6, seconds: 10e-6), .init(bytes: 1e8, seconds: 500e-6)])
    let calibration = DeviceCalibration(
      name: "x", hardware: "nvidia-h200", source: "two points",
      curves: [.init(kind: "reduce_scatter", ranks: 4): curve])
    let network = NetworkModel<Double>(device, calibration)
    let answer = try #require(network.cost(Collective(.allReduce, bytes: 25e6, ranks: 4)))
    #expect(answer.method == .transferred)
    #expect(abs(answer.cost.time - curve.time(bytes: 50e6)) < 1e-12)
  }

  /// The farther a time is from a measurement, the wider its error.
  @Test func errorsGrowWithTheDistanceFromMeasurements() throws {
    let device = try Repository.device("nvidia-h200")
    let calibration = try Repository.calibration("nvidia-h200")
    func spread(_ calibration: DeviceCalibration?, _ ranks: Int) -> Double {
      DeviceModel<Double>(device, calibration)
        .spread(of: .collective(Collective(.allReduce, bytes: 1e6, ranks: ranks)), .bf16)
    }
    #expect(spread(calibration, 1) == 0)
    #expect(spread(calibration, 4) == calibration.curveSpread)
    #expect(spread(calibration, 8) > spread(calibration, 4))
    #expect(spread(nil, 8) > spread(calibration, 8))
  }

  @Test func sizesBeyondTheCurveAreExtrapolated() throws {
    let network = try Self.network("nvidia-h200", calibrated: true)
    func isExtrapolated(_ bytes: Double, _ ranks: Int) -> Bool {
      network.isExtrapolated(Collective(.allReduce, bytes: bytes, ranks: ranks))
    }
    // The table runs from 2 KiB to 2 GiB, over 2 and 4 ranks.
    #expect(!isExtrapolated(2048, 4))
    #expect(!isExtrapolated(0x1p31, 4))
    #expect(isExtrapolated(2047, 4))
    #expect(isExtrapolated(0x1p32, 4))
    #expect(isExtrapolated(0x1p20, 8))
  }
}

import CostModels
import Hardware
import Quantities
import Workloads

extension Goldyloc {
  /// Parts of the GPU that kernels are tuned for.
  static let shares: [Double] = [1, 2, 4]

  /// Times of products on the paper's machine.
  struct Times: Sendable {
    let machine: Machine<Double>
    let form: GEMMForm<Double>
    let together: ConcurrentProductsForm<Double>
    let dispatch: TileDispatch
    let cache: Double
    let missedReuse: Double

    init(_ device: Device, _ a: Assumptions) {
      var machine = Machine<Double>(device)
      machine.launch = a.launch
      self.machine = machine
      var constants = GEMMForm<Double>.constants.map(\.initial)
      if let index = GEMMForm<Double>.constants.firstIndex(where: { $0.name == "start" }) {
        constants[index] = 1e6 * a.launch
      }
      form = GEMMForm(constants: constants)
      var shared = ConcurrentProductsForm<Double>.constants.map(\.initial)
      shared[0] = a.exposedStart
      shared[2] = a.sharedFeed
      together = ConcurrentProductsForm(constants: shared)
      dispatch = .of(device)
      cache = machine.cacheCapacity
      missedReuse = a.missedReuse
    }

    /// One product alone, in seconds.
    func alone(_ gemm: GEMM<Double>) -> Double {
      form.cost(gemm, .fp16, on: machine)?.time ?? .infinity
    }

    func waves(_ gemm: GEMM<Double>, share: Double) -> TileWaves<Double> {
      TileWaves(gemm, units: machine.units, dispatch: dispatch, tuned: machine.units / share)
    }

    /// So many products at once with kernels tuned for a share of the GPU, in seconds.
    ///
    /// Each has its share of the cache: operands that do not fit are read again for the tiles of the next row or column.
    func concurrent(_ gemm: GEMM<Double>, _ count: Double, share: Double) -> Double {
      let waves = waves(gemm, share: share)
      let compulsory = 2 * (gemm.m * gemm.k + gemm.k * gemm.n)
      let repeated =
        2
        * (gemm.m * gemm.k * (gemm.n / waves.columns).rounded(.up)
          + gemm.k * gemm.n * (gemm.m / waves.rows).rounded(.up))
      let fits = min(1, cache / count / compulsory)
      let missed = missedReuse * (1 - fits) * (repeated - compulsory)
      return together.cost(
        gemm, count: count, .fp16, form: form, on: machine, waves: waves, missed: missed)?.time ?? .infinity
    }

    /// As today: kernels tuned for the whole GPU.
    func naive(_ gemm: GEMM<Double>, _ count: Double) -> Double {
      count == 1 ? alone(gemm) : concurrent(gemm, count, share: 1)
    }

    /// The kernel of the paper: the fastest of those tuned for the whole, half and a quarter of the GPU.
    func tuned(_ gemm: GEMM<Double>, _ count: Double) -> Double {
      count == 1 ? alone(gemm) : Goldyloc.shares.map { concurrent(gemm, count, share: $0) }.min() ?? .infinity
    }
  }

  /// Speed-ups of one product shape, for so many products that wait.
  struct Gain: Sendable {
    let load: String
    let product: GEMM<Double>
    /// The best degree, and the time of one product at it over that alone and over that with all at once as today.
    let degree: Double
    let overSequential: Double
    let overNaive: Double
    /// One product alone over one of so many at once with tuned kernels, by degree.
    let byDegree: [Double]
    /// The same with today's kernels.
    let naiveByDegree: [Double]
  }

  /// The speed-ups of all products under some assumptions.
  struct Outcome: Sendable {
    let gains: [Gain]
    let overSequential: Double
    let overNaive: Double

    var largestOverSequential: Double { gains.map(\.overSequential).max() ?? 1 }
    var largestOverNaive: Double { gains.map(\.overNaive).max() ?? 1 }

    init(_ study: Goldyloc, _ a: Assumptions) {
      let times = Times(study.machine, a)
      let most = study.degrees.last ?? 1
      let gains = study.loads.flatMap { load in
        load.products.map { product in
          let alone = times.alone(product)
          let each = study.degrees.map { times.tuned(product, $0) / $0 }
          let best = each.indices.min { each[$0] < each[$1] } ?? 0
          let naive = times.naive(product, most) / most
          return Gain(
            load: load.name, product: product, degree: study.degrees[best],
            overSequential: alone / each[best],
            overNaive: naive / each[best], byDegree: each.map { alone / $0 },
            naiveByDegree: study.degrees.map { alone * $0 / times.naive(product, $0) })
        }
      }
      // The paper's means are over workloads.
      func mean(_ value: (Gain) -> Double) -> Double {
        let perLoad = study.loads.map { load in
          let members = gains.filter { $0.load == load.name }
          return members.map { value($0).logarithm() }.reduce(0, +) / Double(max(1, members.count))
        }
        return (perLoad.reduce(0, +) / Double(max(1, perLoad.count))).exponential()
      }
      self.gains = gains
      overSequential = mean(\.overSequential)
      overNaive = mean(\.overNaive)
    }
  }

  /// The predictor, trained on random shapes, and how it does on others.
  struct Learned: Sendable {
    let shapes: Int
    let others: Int
    /// Part of the other shapes for which it chose the best degree, and that it lost against the best, in per cent.
    let right: Double
    let regret: Double
    /// What always the highest degree, and always one at a time, would lose.
    let regretOfAll: Double
    let regretOfOne: Double
  }

  var learnedPredictor: Learned {
    let times = Times(machine, assumptions)
    let units = times.machine.units
    var random = SplitMix64(seed: 2_409_022)
    func shape() -> GEMM<Double> {
      func side(_ range: ClosedRange<Double>) -> Double {
        let low = range.lowerBound.logarithm()
        let high = range.upperBound.logarithm()
        let value = Double.random(in: low...high, using: &random).exponential()
        return (value / 64).rounded(.up) * 64
      }
      return GEMM(m: side(64...4096), n: side(64...4096), k: side(64...4096))
    }
    let shapes = (0..<150).map { _ in shape() }
    let others = (0..<100).map { _ in shape() }
    let predictor = DegreePredictor(learningFrom: shapes, degrees: degrees, units: units) {
      times.tuned($0, $1) / $1
    }
    var (right, regret, all, one) = (0.0, 0.0, 0.0, 0.0)
    for product in others {
      let each = degrees.map { times.tuned(product, $0) / $0 }
      let least = each.min() ?? 1
      let chosen = degrees.firstIndex(of: predictor.degree(for: product, units: units)) ?? 0
      if each[chosen] <= 1.01 * least { right += 1 }
      regret += each[chosen] / least - 1
      all += (each.last ?? 1) / least - 1
      one += each[0] / least - 1
    }
    let count = Double(others.count)
    return Learned(
      shapes: shapes.count, others: others.count, right: 100 * right / count, regret: 100 * regret / count,
      regretOfAll: 100 * all / count, regretOfOne: 100 * one / count)
  }
}

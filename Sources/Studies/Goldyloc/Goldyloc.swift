import Calibration
import CostModels
public import Documents
import Hardware
import Quantities
import Scenarios
import Workloads

/// Products that run at once with kernels tuned for a share of the GPU (GOLDYLOC, arXiv 2409.02227).
///
/// Tile and degree under shared resources on an MI100 as its data sheet describes it; and an H200 on which equal products
/// were measured one after another and on parallel branches.
public struct Goldyloc: Study {
  /// The name of its file.
  public static let name = "goldyloc"

  /// What nobody published.
  struct Assumptions: Sendable {
    /// Start of a kernel over that of an NVIDIA GPU's.
    var launch: Double
    /// Part of the reuse between tiles that a cache which is too small loses.
    var missedReuse: Double
    /// Part of a kernel's start that its neighbours do not hide.
    var exposedStart: Double
    /// Growth of the feeding limit when several products share the caches.
    var sharedFeed: Double
  }

  /// Products that are run together, as they come from one model.
  struct Load: Sendable {
    let name: String
    let products: [GEMM<Double>]
  }

  let machine: Device
  var loads: [Load]
  let degrees: [Double]
  let assumptions: Assumptions
  let variations: [(name: String, value: Double, assumptions: Assumptions)]
  let measured: [MeasuredDegree]

  /// Takes its parameters and reads the device and the measured table.
  public init(_ parameters: inout ParameterReader, in library: Library) throws(Diagnostic) {
    machine = try Device(named: try parameters.word("machine"), in: library)
    var loads: [Load] = []
    for name in ["attention_heads", "recurrent", "experts", "projections", "convolutions"] {
      loads.append(
        Load(name: name.replacing("_", with: " "), products: try parameters.products(name)))
    }
    self.loads = loads
    degrees = [1] + (try parameters.integers("degrees", in: 2...64)).map(Double.init).sorted()
    let launch = try parameters.quantity("launch", as: Seconds.self)
    let reuse = try parameters.number("missed_reuse")
    let start = try parameters.number("exposed_start")
    let feed = try parameters.number("shared_feed")
    let base = Assumptions(
      launch: launch.value, missedReuse: reuse.value, exposedStart: start.value,
      sharedFeed: feed.value)
    assumptions = base
    var variations: [(String, Double, Assumptions)] = []
    func vary(_ name: String, _ ends: [Double], _ set: (inout Assumptions, Double) -> Void) {
      for end in ends {
        var changed = base
        set(&changed, end)
        variations.append((name, end, changed))
      }
    }
    if let ends = launch.interval {
      vary("launch", [ends.lowerBound.value, ends.upperBound.value]) { $0.launch = $1 }
    }
    if let ends = reuse.interval {
      vary("missed_reuse", [ends.lowerBound.value, ends.upperBound.value]) { $0.missedReuse = $1 }
    }
    if let ends = start.interval {
      vary("exposed_start", [ends.lowerBound.value, ends.upperBound.value]) { $0.exposedStart = $1 }
    }
    if let ends = feed.interval {
      vary("shared_feed", [ends.lowerBound.value, ends.upperBound.value]) { $0.sharedFeed = $1 }
    }
    self.variations = variations
    measured = try MeasuredDegree.read(
      try parameters.files("table"), on: try parameters.word("reference_machine"), in: library)
  }

  /// Evaluates the models.
  public func findings() -> Findings {
    let outcome = Outcome(self, assumptions)
    let others = variations.map { Outcome(self, $0.assumptions) }
    let learned = learnedPredictor
    var findings = Findings(summary: summary(outcome, learned))
    findings.sections = [
      degreeSection(outcome), predictorSection(learned), measuredSection, sensitivitySection(outcome, others),
    ]
    findings.answers = answers(outcome, others, learned)
    findings.foundations = [
      "\(machine.title): data sheet, with the constants of products that A100, H200 and B200 agree on (GEMMForm, "
        + "ConcurrentProductsForm, TileWaves); no product of an MI100 was measured here.",
      "H200: fitted to the 24 rows of suite concurrent-gemm; errors on shapes that no fit saw are in docs/models.md.",
    ]
    return findings
  }
}

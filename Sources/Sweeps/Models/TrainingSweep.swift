import Documents

struct TrainingSweep: SweepModel {
  static let outputs = [SweepOutput("time", unit: "s", "time of the step")]
  let reasons: [String] = []
  let files: [String] = []
  init(_ sweep: Sweep, in library: Library) throws(Diagnostic) {}
  func evaluator(firstReason: Int) -> any BlockEvaluator { fatalError("not yet") }
}

public import CostModels
public import Documents
public import Quantities
public import Workloads

/// The tables of measurements that the project knows, recognised by their header.
public enum TableKind: String, Sendable, CaseIterable {
  /// One operator restricted to a part of the compute units.
  case unitPartition = "sm_partition"
  /// One operator alone on a GPU.
  case operators
  /// One collective alone.
  case collectives
  /// Transformer layers split over GPUs.
  case tensorParallelLayers = "tp_layers"
  /// A stack of layers, data-parallel.
  case dataParallel = "dp"
  /// GEMMs beside a collective.
  case concurrency = "c3"
  /// Whole layers on one GPU with the host's launch cost.
  case layers
  /// An operator repeated for seconds, with its energy.
  case energy
  /// Kernels on a CPU.
  case cpuKernels = "cpu_kernels"
  /// Kernels on memory that computes.
  case pimKernels = "prim_kernels"
  /// Training iterations on a cluster.
  case trainingIterations = "training_iterations"
  /// Layers of a convolutional network by a library's algorithms.
  case convolutions
  /// Training steps that others printed.
  case publishedSteps = "training_steps"

  /// The columns that make a table one of this kind.
  public var columns: [String] {
    switch self {
    case .operators: ["op", "dtype", "params", "median_us"]
    case .unitPartition: ["op", "params", "sms", "median_us"]
    case .collectives: ["op", "ranks", "bytes", "median_us"]
    case .tensorParallelLayers:
      [
        "tp", "h", "heads", "s", "b", "layers", "fwd_us", "fwd_nocomm_us", "fwdbwd_us",
        "fwdbwd_nocomm_us",
      ]
    case .dataParallel:
      [
        "dp", "h", "heads", "s", "b", "layers", "params", "fwdbwd_nocomm_us", "fwdbwd_overlap_us",
        "fwdbwd_serial_us", "comm_alone_us",
      ]
    case .concurrency:
      [
        "m", "n", "k", "gemm_reps", "coll", "coll_reps", "bytes", "ranks", "gemm_alone_us",
        "coll_alone_us", "concurrent_us",
      ]
    case .layers: ["attn", "h", "heads", "s", "b", "layers", "fwdbwd_us", "kernel_breakdown_us"]
    case .energy: ["op", "dtype", "params", "seconds", "joules", "iters"]
    case .cpuKernels: ["op", "dtype", "threads", "params", "median_us"]
    case .pimKernels: ["benchmark", "num_dpus", "data_prep_param", "hw_kernel_ms"]
    case .trainingIterations:
      ["gpus", "global_batch", "micro_batch", "hidden", "heads", "layers", "tp", "dp", "pp", "iteration_ms"]
    case .convolutions: ["layer", "pass", "algorithm", "batch", "median_us"]
    case .publishedSteps: ["table", "hardware", "hidden", "layers", "iteration_s"]
    }
  }

  /// The kind of a table.
  ///
  /// - Throws: `Diagnostic`: a table that has all but one or two columns of a kind lacks these; any other is unknown.
  public static func recognise(_ table: Table) throws(Diagnostic) -> TableKind {
    func missing(_ kind: TableKind) -> [String] { kind.columns.filter { !table.has($0) } }
    // The kind with the most columns wins, so that a richer table is not taken for a poorer one.
    let complete = allCases.filter { missing($0).isEmpty }
    if let kind = complete.max(by: { $0.columns.count < $1.columns.count }) { return kind }
    // A table that names no units is one of whole operators.
    let nearest = allCases.filter { $0 != .unitPartition || table.has("sms") }.min {
      missing($0).count * 100 / $0.columns.count < missing($1).count * 100 / $1.columns.count
    }
    if let nearest, missing(nearest).count * 3 <= nearest.columns.count,
      let column = missing(nearest).first
    {
      throw Diagnostic(
        file: table.file, position: .init(line: 1, column: 1),
        fault: .missingColumn(column, known: table.columns))
    }
    throw Diagnostic(
      file: table.file, position: .init(line: 1, column: 1),
      fault: .unknownTable(columns: table.columns))
  }
}

/// The phases of a PrIM run that are timed, by the columns of their table.
public enum PrIMPhase: String, Sendable, CaseIterable {
  /// The kernel in all units, with its start.
  case kernel = "hw_kernel_ms"
  /// The inputs.
  case toUnits = "hw_cpu_to_dpu_ms"
  /// The results.
  case fromUnits = "hw_dpu_to_cpu_ms"
  /// What passes between two launches.
  case between = "hw_dpu_to_dpu_ms"
}

/// What a measured value is the time of.
public enum Subject: Sendable {
  /// One operator alone, so many times, on a part of the compute units (nil: all).
  case kernel(Operator<Double>, units: Double?, repeats: Double)
  /// One kernel on so many threads of a processor.
  case host(HostKernel<Double>, operation: String, DataType, threads: Double)
  /// Several kernels one after another, all of them so many times; `step` are all kernels of the eager layer that they are
  /// part of, if any, as many times.
  case kernels([Operator<Double>], repeats: Double, step: [Operator<Double>] = [])
  /// Passes of a stack of eager layers, by the clock on the wall.
  case eagerPasses(EagerPasses)
  /// One operator so many times without pauses, where the power limit rules.
  case sustained(SustainedOperator, SustainedQuantity)
  /// Several equal GEMMs on parallel branches.
  case concurrentGEMM(GEMM<Double>, DataType, degree: Double)
  /// A stack of layers; `backward` adds the backward pass.
  case layers(TransformerLayer<Double>, count: Double, backward: Bool)
  /// A data-parallel stack of layers whose gradients are exchanged per layer.
  case dataParallel(TransformerLayer<Double>, count: Double, exchange: Collective<Double>, Overlap)
  /// GEMMs alone, one after another without a pause.
  case chain(Operator<Double>, times: Double)
  /// GEMMs beside a collective.
  case beside(BesideSubject)
  /// Collectives by copy engines, started by one process.
  case copies(Operator<Double>, repeats: Double)
  /// Kernels given by their operations and bytes, on so many compute units, started so many times; `gathered` bytes cross
  /// the last-level cache in single sectors.
  case roofline(
    flop: Double, bytes: Double, DataType, units: Double?, launches: Double, gathered: Double = 0)
  /// A phase of a PrIM kernel on memory that computes.
  case units(PrIMRun<Double>, PrIMPhase)
  /// A whole training step on many devices.
  case trainingStep(TrainingRun)
  /// A convolution, in all its phases.
  case convolution(Convolution<Double>)
  /// Something that the project has no form for yet.
  case unmodelled

  /// How the gradient exchange of a data-parallel step runs.
  public enum Overlap: Sendable {
    /// After each layer's backward pass.
    case serial
    /// Beside the backward pass of the layers below.
    case overlapped
    /// Alone, without compute.
    case alone
  }
}

/// Passes of a stack of equal layers whose kernels the host starts one by one, timed until the device has done them.
public struct EagerPasses: Sendable {
  /// Which passes, by the column of their time.
  public enum Span: String, Sendable, CaseIterable {
    /// The forward pass.
    case forward = "fwd_us"
    /// Forward and backward pass; gradients are added to those of the pass before.
    case forwardBackward = "fwdbwd_us"
    /// The update of the weights.
    case update = "opt_us"
    /// Forward, backward and update; gradients start anew.
    case iteration = "iter_us"
  }

  /// The kernels of one layer, forward and backward.
  public let layer: [Operator<Double>]
  /// How many layers.
  public let layers: Double
  /// The kernel that updates the weights of a layer.
  public let update: Operator<Double>
  /// The kernel that adds the gradients of a layer to those that are there.
  public let accumulation: Operator<Double>
  /// Which passes.
  public let span: Span
}

/// An operator that ran for seconds.
public struct SustainedOperator: Sendable {
  /// What it computes.
  public let operation: Operator<Double>
  /// How often it ran.
  public let iterations: Double
  /// Its measured time at full clock, in seconds; nil where the table has none.
  public let burst: Double?

  /// An operator that ran so many times, with its measured time at full clock in seconds, if there is one.
  public init(operation: Operator<Double>, iterations: Double, burst: Double?) {
    self.operation = operation
    self.iterations = iterations
    self.burst = burst
  }
}

/// What was measured of an operator that ran for seconds.
public enum SustainedQuantity: String, Sendable, CaseIterable {
  /// How long it took in all.
  case seconds
  /// The mean power of the device.
  case power = "mean_watts"
  /// The energy of the device.
  case energy = "joules"
  /// The power while it runs at full clock, between pauses.
  case burstPower = "burst_watts"
}

/// Products on one branch of a graph, collectives on another.
public struct BesideSubject: Sendable {
  /// Who carries out the collective.
  public enum Engine: Sendable, Hashable {
    /// Compute units: so many channels, or the library's own choice.
    case units(channels: Double?)
    /// The copy engines, started by one process.
    case copyEngines
  }

  /// Measured times of each branch alone, in seconds.
  public struct Isolated: Sendable, Hashable {
    /// All products.
    public let products: Double
    /// All collectives.
    public let exchanges: Double
  }

  /// The product.
  public let product: Operator<Double>
  /// How many.
  public let products: Double
  /// The collective.
  public let exchange: Operator<Double>
  /// How many.
  public let exchanges: Int
  /// Who carries it out.
  public let engine: Engine
  /// The measured times of the branches alone; nil where they are to be predicted as well.
  public let isolated: Isolated?
}

/// What was measured of a training step besides its time, by its column.
public enum StepQuantity: String, Sendable, CaseIterable {
  /// The memory of a device, in gibibytes.
  case memory = "memory_gib"
  /// The mean power of a device, in watts.
  case power = "mean_watts"

  /// Bytes or watts in one unit of the column.
  public var unit: Double {
    switch self {
    case .memory: 1_073_741_824
    case .power: 1
    }
  }
}

/// One measured value of a table.
public struct MeasuredValue: Sendable {
  /// The line of the table.
  public let line: Int
  /// The operator, collective or class that errors are grouped by.
  public let group: String
  /// The measured column.
  public let quantity: String
  /// Seconds (watts, joules) in one unit of the column.
  public let unit: Double
  /// The value as it stands in the column.
  public let measured: Double
  /// What it is the time (the power, the energy) of.
  public let subject: Subject
  /// What the host takes to start what was measured, in seconds.
  ///
  /// No time of the row is shorter. Zero in a graph.
  public var hostTime = 0.0

  /// What the group of an 8-bit product ends in whose time holds the quantisation of its input.
  public static let quantisedMark = ", input quantised"

  /// A value of a column, in its unit.
  public init(
    line: Int, group: String, quantity: String, unit: Double, measured: Double, subject: Subject
  ) {
    self.line = line
    self.group = group
    self.quantity = quantity
    self.unit = unit
    self.measured = measured
    self.subject = subject
  }
}

/// What PyTorch's autograd takes to start the gradient of an attention, in seconds: 164 us, give or take 27.
///
/// Taken from the rows that it serves: the six gradients of `h200/operators.csv` with 512 tokens take 130 to 204 us
/// whatever their size; this is their geometric mean. Replayed by a graph (`measure-gpu/h200_operators.csv`) the smallest
/// of them takes 26 us. Another host takes another time.
private let autogradTime = 164e-6

/// Reads the measured values of a table.
///
/// - Parameters:
///   - table: the table.
///   - kind: its kind.
/// - Returns: the values in the order of the rows.
/// - Throws: `Diagnostic` at the first field that is not what its column holds.
public func measuredValues(of table: Table, kind: TableKind) throws(Diagnostic) -> [MeasuredValue] {
  var values: [MeasuredValue] = []
  for row in table.rows {
    switch kind {
    case .operators: values.append(try row.operatorValue())
    case .unitPartition: values.append(try row.partitionValue())
    case .collectives: values.append(try row.collectiveValue())
    case .tensorParallelLayers: values += try row.tensorParallelValues()
    case .dataParallel: values += try row.dataParallelValues()
    case .concurrency: values += try row.concurrencyValues()
    case .layers: values += try row.layerValues()
    case .energy: values += try row.energyValues()
    case .cpuKernels: values.append(try row.cpuValue())
    case .pimKernels: values += try row.pimValues()
    case .trainingIterations, .publishedSteps:
      values += try row.trainingStepValues()
    case .convolutions: values.append(try row.convolutionValue())
    }
  }
  return values
}

/// Refuses a table of processor kernels in which a kernel stands twice: its rows would count double.
///
/// - Parameters:
///   - table: the table.
///   - kind: its kind; tables of other kinds may repeat a measurement.
/// - Throws: `Diagnostic` at the second of two equal rows.
public func checkDuplicates(in table: Table, kind: TableKind) throws(Diagnostic) {
  guard kind == .cpuKernels else { return }
  var lines: [String: Int] = [:]
  for row in table.rows {
    let key = ["op", "dtype", "threads", "params"].map { row.text($0) }.joined(separator: " ")
    if let first = lines.updateValue(row.line, forKey: key) {
      throw row.diagnostic(
        "op",
        .contradiction(
          "'\(printable(key))' stands in line \(first) already: a kernel is measured once in a table"))
    }
  }
}

extension Table.Row {
  func value(
    _ column: String, named name: String? = nil, unit: Double = 1e-6, group: String, _ subject: Subject
  ) throws(Diagnostic) -> MeasuredValue {
    MeasuredValue(
      line: line, group: group, quantity: name ?? column, unit: unit, measured: try positive(column),
      subject: subject)
  }

  /// A whole number of devices.
  func count(_ column: String) throws(Diagnostic) -> Int {
    let value = try number(column, in: 1...1e6)
    guard let count = Int(exactly: value) else {
      throw diagnostic(
        column, .outOfRange(path: column, found: text(column), expected: "a whole number"))
    }
    return count
  }

  func dataType() throws(Diagnostic) -> DataType {
    let text = text("dtype")
    let names = ["float32": "fp32", "float64": "fp64"]
    guard let type = DataType(rawValue: names[text] ?? text) else {
      throw diagnostic(
        "dtype", .unknownWord(path: "dtype", found: text, known: DataType.allCases.map(\.rawValue)))
    }
    return type
  }

  /// Refuses operations or bytes that are not those of the parameters.
  ///
  /// Tables count small things differently: a quarter more or less is no contradiction.
  private func check(_ column: String, against expected: Double) throws(Diagnostic) {
    let given = try positive(column)
    guard given < 0.75 * expected || given > 1.25 * expected else { return }
    throw diagnostic(
      column,
      .contradiction(
        "'\(column)' is \(text(column)), but '\(text("params"))' makes \(fixed(expected, decimals: 0))"))
  }

  /// A parameter of the `params` column as a number above zero.
  func parameter(_ name: String, _ parameters: [String: String]) throws(Diagnostic) -> Double {
    guard let text = parameters[name] else {
      throw diagnostic("params", .missingKey(name, path: "params"))
    }
    guard let value = Double(text), value.isFinite, value > 0 else {
      throw diagnostic(
        "params", .outOfRange(path: name, found: text, expected: "a number above zero"))
    }
    return value
  }

  func gemm(_ parameters: [String: String]) throws(Diagnostic) -> GEMM<Double> {
    let layout = parameters["layout"] ?? "NT"
    guard let known = Layout(rawValue: layout) else {
      throw diagnostic(
        "params",
        .unknownWord(path: "layout", found: layout, known: Layout.allCases.map(\.rawValue)))
    }
    return GEMM(
      m: try parameter("m", parameters), n: try parameter("n", parameters),
      k: try parameter("k", parameters),
      batch: parameters["batch"] == nil ? 1 : try parameter("batch", parameters), layout: known,
      weightBytes: try storedWeights(parameters)?.bytes)
  }

  /// How the weights of a product are stored, where its row says so.
  private func storedWeights(_ parameters: [String: String]) throws(Diagnostic) -> StorageFormat? {
    guard let text = parameters["weights"] else { return nil }
    guard let format = StorageFormat(rawValue: text) else {
      throw diagnostic(
        "params",
        .unknownWord(path: "weights", found: text, known: StorageFormat.allCases.map(\.rawValue)))
    }
    return format
  }

  func operatorValue() throws(Diagnostic) -> MeasuredValue {
    let type = try dataType()
    let operation = text("op")
    let parameters = try parameters("params")
    let subject = try kernel(operation, type, parameters)
    let stored = parameters["weights"].map { ", \($0) weights" } ?? ""
    let group = "\(operation) \(type.rawValue)\(stored)"
    if case .kernel(let product, nil, 1) = subject, case .gemm(let shape) = product.work,
      try isQuantised(type, parameters)
    {
      let quantise = Streaming<Double>(.quantise, rows: shape.batch * shape.m, columns: shape.k)
      return try value(
        "median_us", group: group + MeasuredValue.quantisedMark,
        .kernels([Operator("", .forward, .streaming(quantise), type), product], repeats: 1))
    }
    var value = try value("median_us", group: group, subject)
    // A graph that replays so short a kernel runs it hundreds of times.
    if operation == "sdpa_bwd", text("method").isEmpty, let runs = Double(text("reps")), runs < 100 {
      value.hostTime = autogradTime
    }
    return value
  }

  /// Whether the time of an 8-bit product holds the quantisation of its input.
  ///
  /// `quantise=1` or `quantise=0` among the parameters says so. Otherwise it is that of a row as collections give it
  /// (aiconfigurator): the linear layer of a library, one run, whose time stands in all three columns.
  private func isQuantised(_ type: DataType, _ parameters: [String: String]) throws(Diagnostic) -> Bool {
    if let word = parameters["quantise"] {
      guard type == .fp8, word == "1" || word == "0" else {
        throw diagnostic(
          "params",
          type == .fp8
            ? .unknownWord(path: "quantise", found: word, known: ["0", "1"])
            : .contradiction("'quantise' is about products of fp8, but 'dtype' is \(type.rawValue)"))
      }
      return word == "1"
    }
    let time = text("median_us")
    return type == .fp8 && text("reps") == "1" && text("method").isEmpty && text("min_us") == time
      && text("p90_us") == time
  }

  /// Operators of tables besides the kinds of streaming kernels.
  private static let otherOperators = [
    "gemm", "bmm", "seq", "conc", "sdpa_fwd", "sdpa_bwd", "decode_attention", "lr_dense", "svm_dense",
    "lr_sparse",
  ]

  /// The keys that `params` may have for an operator.
  private static func parameterNames(of operation: String) -> [String] {
    let product = ["m", "n", "k", "batch", "layout", "weights", "quantise"]
    return switch operation {
    case "gemm", "bmm": product
    case "seq", "conc": product + ["degree"]
    case "decode_attention": ["b", "heads", "kv_heads", "s", "d"]
    case "sdpa_fwd", "sdpa_bwd": ["b", "heads", "s", "d", "causal"]
    case "lr_dense", "svm_dense": ["batch", "features"]
    case "lr_sparse": ["batch", "features", "nnz"]
    // What a look-up reads does not hang on the height of the table; its gradient does.
    case "embedding", "embedding_backward", "embedding_bwd": ["t", "h", "vocabulary", "vocab"]
    default: ["n", "t", "h"]
    }
  }

  /// Refuses keys of `params` that an operator does not have.
  private func checkNames(_ parameters: [String: String], of operation: String) throws(Diagnostic) {
    let known = Self.parameterNames(of: operation)
    for key in parameters.keys.sorted() where !known.contains(key) {
      throw diagnostic("params", .unknownKey(key, path: "params", known: known))
    }
    if parameters["vocab"] != nil, parameters["vocabulary"] != nil {
      throw diagnostic("params", .contradiction("'vocab' and 'vocabulary' are two names of one key"))
    }
  }

  /// Rows of the table of an embedding; those that `tools/measure-gpu` measures where the row does not say.
  private func vocabulary(_ parameters: [String: String]) throws(Diagnostic) -> Double {
    for name in ["vocabulary", "vocab"] where parameters[name] != nil {
      return try parameter(name, parameters)
    }
    return measuredVocabulary
  }

  /// The subject of a row by its operator's name.
  func kernel(_ operation: String, _ type: DataType, _ parameters: [String: String], units: Double? = nil)
    throws(Diagnostic) -> Subject
  {
    func alone(_ work: Work<Double>) -> Subject {
      .kernel(Operator("", .forward, work, type), units: units, repeats: 1)
    }
    if Self.otherOperators.contains(operation) || NamedStream<Double>(operation) != nil {
      try checkNames(parameters, of: operation)
    }
    switch operation {
    case "gemm", "bmm": return alone(.gemm(try gemm(parameters)))
    case "seq":
      let degree = try parameter("degree", parameters)
      return .kernel(
        Operator("", .forward, .gemm(try gemm(parameters)), type), units: units, repeats: degree)
    case "conc":
      return .concurrentGEMM(
        try gemm(parameters), type, degree: try parameter("degree", parameters))
    case "decode_attention":
      return alone(
        .attention(
          FlashAttention(
            batch: try parameter("b", parameters), heads: try parameter("heads", parameters),
            keyValueHeads: try parameter("kv_heads", parameters), queries: 1,
            keys: try parameter("s", parameters), headSize: try parameter("d", parameters), causal: false,
            backward: false, isDecode: true)))
    case "sdpa_fwd", "sdpa_bwd":
      let length = try parameter("s", parameters)
      let heads = try parameter("heads", parameters)
      return alone(
        .attention(
          FlashAttention(
            batch: try parameter("b", parameters), heads: heads, keyValueHeads: heads,
            queries: length, keys: length, headSize: try parameter("d", parameters),
            causal: parameters["causal"] == "1", backward: operation == "sdpa_bwd")))
    case "lr_dense", "svm_dense":
      let elements = try parameter("batch", parameters) * parameter("features", parameters)
      try check("flops", against: 4 * elements)
      // The samples are read for the product and again for the gradient; some tables count the weights too.
      try check("bytes", against: 2 * elements * type.bytes)
      return .roofline(
        flop: try number("flops"), bytes: try number("bytes"), type, units: units,
        launches: operation == "svm_dense" ? 6 : 4)
    case "lr_sparse":
      // A non-zero weight is read for the product, its gradient read and written, the weight updated: four sectors.
      let nonzeros = try parameter("nnz", parameters) * parameter("batch", parameters)
      try check("flops", against: 4 * nonzeros)
      // Five numbers a non-zero: its value and place, the weight read twice and written.
      try check("bytes", against: 5 * nonzeros * type.bytes)
      return .roofline(
        flop: try number("flops"), bytes: try number("bytes"), type, units: units, launches: 6,
        gathered: nonzeros * 4 * 32)
    default:
      guard let stream = NamedStream<Double>(operation) else {
        let known = Self.otherOperators + NamedStream<Double>.names
        // A slip of the pen is a fault; an operator without a form is listed.
        if operation.isEmpty || !nearestSpellings(to: operation, among: known).isEmpty {
          throw diagnostic("op", .unknownWord(path: "op", found: operation, known: known))
        }
        return .unmodelled
      }
      guard let kind = stream.kind else {
        let hasRows = parameters["t"] != nil || stream.needsRows
        return .kernels(
          stream.kernels(
            rows: hasRows ? try parameter("t", parameters) : 1,
            columns: try parameter(hasRows ? "h" : "n", parameters), type,
            vocabulary: try vocabulary(parameters)),
          repeats: 1)
      }
      let residency = residency(of: kind)
      if parameters["t"] != nil {
        return alone(
          .streaming(
            Streaming(
              kind, rows: try parameter("t", parameters), columns: try parameter("h", parameters),
              residency: residency, isStandIn: stream.isStandIn)))
      }
      return alone(
        .streaming(
          Streaming(
            kind, rows: 1, columns: try parameter("n", parameters), residency: residency,
            isStandIn: stream.isStandIn)))
    }
  }

  /// Where the operands of a row's kernel were, for kernels whose time hangs on it.
  ///
  /// `tools/measure-gpu` (column `method`) goes round over so many copies that they come from memory. The optimizers of
  /// `h200/operators.csv` update the same arrays again and again: 50 MB moved by SGD take 7.6 us there and 13.5 us with the tool.
  private func residency(of kind: Streaming<Double>.Kind) -> Streaming<Double>.Residency {
    let isFromMemory = !text("method").isEmpty
    switch kind {
    case .sgd, .adamw: return isFromMemory ? .memory : .inPlace
    case .rowSum: return isFromMemory ? .memory : .loop
    default: return .loop
    }
  }

  func partitionValue() throws(Diagnostic) -> MeasuredValue {
    let operation = text("op")
    let subject = try kernel(
      operation, operation == "gemm" ? .bf16 : .bf16, try parameters("params"),
      units: try positive("sms"))
    return try value("median_us", group: operation, subject)
  }

  func collectiveKind(_ column: String) throws(Diagnostic) -> Collective<Double>.Kind {
    // Also as libraries and their tests spell them: `allreduce`, `AllReduce`, `sendrecv`.
    let plain = text(column).lowercased().filter { $0.isLetter }
    let others: [String: Collective<Double>.Kind] = [
      "sendrecv": .pointToPoint, "p2p": .pointToPoint, "bcast": .broadcast,
    ]
    let spelt = Collective<Double>.Kind.allCases.first { $0.rawValue.filter(\.isLetter) == plain }
    guard let kind = spelt ?? others[text(column).lowercased().filter { $0.isLetter || $0.isNumber }] else {
      throw diagnostic(
        column,
        .unknownWord(
          path: column, found: text(column),
          known: Collective<Double>.Kind.allCases.map(\.rawValue)))
    }
    return kind
  }

  func collective(_ column: String) throws(Diagnostic) -> Collective<Double> {
    Collective(
      try collectiveKind(column), bytes: try positive("bytes"),
      ranks: try count("ranks"))
  }

  func collectiveValue() throws(Diagnostic) -> MeasuredValue {
    let exchange = try collective("op")
    return try value(
      "median_us", group: "\(exchange.kind.rawValue) \(exchange.ranks) ranks",
      .kernel(Operator("", .forward, .collective(exchange), .bf16), units: nil, repeats: 1))
  }

  func layer(
    tensorParallel: Int, communicates: Bool
  ) throws(Diagnostic) -> TransformerLayer<Double> {
    TransformerLayer(
      hidden: try positive("h"), heads: try positive("heads"), microBatch: try positive("b"),
      sequence: try positive("s"), tensorParallel: tensorParallel, communicates: communicates)
  }

  func tensorParallelValues() throws(Diagnostic) -> [MeasuredValue] {
    let degree = try count("tp")
    guard try count("heads").isMultiple(of: degree) else {
      throw diagnostic(
        "tp", .contradiction("'tp' is \(degree), which does not divide the \(text("heads")) heads"))
    }
    let count = try positive("layers")
    if !text("allreduce_bytes_each").isEmpty {
      let given = try positive("allreduce_bytes_each")
      // An all-reduce adds up the 16-bit activations of all tokens.
      let bytes = try 2 * positive("b") * positive("s") * positive("h")
      guard abs(given - bytes) <= 0.001 * bytes else {
        throw diagnostic(
          "allreduce_bytes_each",
          .contradiction(
            "'allreduce_bytes_each' is \(text("allreduce_bytes_each")), but \(text("b")) x \(text("s")) tokens of "
              + "\(text("h")) elements of 2 bytes are \(fixed(bytes, decimals: 0))"))
      }
    }
    var values: [MeasuredValue] = []
    for (column, backward, communicates) in [
      ("fwd_us", false, true), ("fwd_nocomm_us", false, false), ("fwdbwd_us", true, true),
      ("fwdbwd_nocomm_us", true, false),
    ] {
      let layer = try layer(tensorParallel: degree, communicates: communicates)
      values.append(
        try value(column, group: "tp \(degree)", .layers(layer, count: count, backward: backward)))
    }
    return values
  }

  func dataParallelValues() throws(Diagnostic) -> [MeasuredValue] {
    let ranks = try count("dp")
    let count = try positive("layers")
    let layer = try layer(tensorParallel: 1, communicates: false)
    let exchange = Collective<Double>(
      .allReduce, bytes: 2 * (try positive("params")) / count, ranks: ranks)
    let group = "dp \(ranks)"
    return [
      try value("fwdbwd_nocomm_us", group: group, .layers(layer, count: count, backward: true)),
      try value(
        "fwdbwd_serial_us", group: group,
        .dataParallel(layer, count: count, exchange: exchange, .serial)),
      try value(
        "fwdbwd_overlap_us", group: group,
        .dataParallel(layer, count: count, exchange: exchange, .overlapped)),
      try value(
        "comm_alone_us", group: group,
        .dataParallel(layer, count: count, exchange: exchange, .alone)),
    ]
  }

  func concurrencyValues() throws(Diagnostic) -> [MeasuredValue] {
    let gemm = Operator<Double>(
      "", .forward,
      .gemm(GEMM(m: try positive("m"), n: try positive("n"), k: try positive("k"))), .bf16)
    let exchange = Operator<Double>("", .forward, .collective(try collective("coll")), .bf16)
    let products = try positive("gemm_reps")
    let exchanges = try count("coll_reps")
    let group = text("coll")
    var engine = BesideSubject.Engine.units(channels: nil)
    if !text("max_ctas").isEmpty {
      let limit = try number("max_ctas", in: 0...1e6)
      if limit > 0 { engine = .units(channels: limit) }
    }
    switch text("engine") {
    case "", "sm": break
    case "dma": engine = .copyEngines
    case let other:
      throw diagnostic("engine", .unknownWord(path: "engine", found: other, known: ["sm", "dma"]))
    }
    let isolated = BesideSubject.Isolated(
      products: 1e-6 * (try positive("gemm_alone_us")), exchanges: 1e-6 * (try positive("coll_alone_us")))
    func beside(_ isolated: BesideSubject.Isolated?) -> Subject {
      .beside(
        BesideSubject(
          product: gemm, products: products, exchange: exchange, exchanges: exchanges, engine: engine,
          isolated: isolated))
    }
    let alone: Subject
    switch engine {
    case .units(let channels): alone = .kernel(exchange, units: channels, repeats: Double(exchanges))
    case .copyEngines: alone = .copies(exchange, repeats: Double(exchanges))
    }
    return [
      try value("gemm_alone_us", group: group, .chain(gemm, times: products)),
      try value("coll_alone_us", group: group, alone),
      try value("concurrent_us", group: group, beside(isolated)),
      try value("concurrent_us", named: "concurrent_us (isolated predicted)", group: group, beside(nil)),
    ]
  }

  func layerValues() throws(Diagnostic) -> [MeasuredValue] {
    let classes = try parameters("kernel_breakdown_us")
    let count = try positive("layers")
    let attention = text("attn")
    guard attention == "eager" || attention == "sdpa" else {
      throw diagnostic("attn", .unknownWord(path: "attn", found: attention, known: ["eager", "sdpa"]))
    }
    let sequences = try positive("b")
    let layer = EagerLayer(
      hidden: try positive("h"), heads: try positive("heads"), batch: sequences, sequence: try positive("s"),
      attention: attention == "eager" ? .materialised(copiesHeads: sequences > 1) : .flash)
    // The optimizer is PyTorch's fused one; weights and its state have the layer's data type.
    let update = Streaming<Double>(.adamw, rows: 1, columns: try positive("params") / count)
    let all = layer.kernels + [Operator("weight update", .optimizer, .streaming(update), layer.dataType)]
    func value(
      _ name: String, _ time: Double, _ kernels: [Operator<Double>], quantity: String = "kernel_breakdown_us"
    ) -> MeasuredValue {
      MeasuredValue(
        line: line, group: "\(attention) \(name)", quantity: quantity, unit: 1e-6, measured: time,
        subject: kernels.isEmpty ? .unmodelled : .kernels(kernels, repeats: count, step: all))
    }
    var values: [MeasuredValue] = []
    var total = 0.0
    for name in classes.keys.sorted() {
      guard let time = Double(classes[name] ?? ""), time.isFinite, time >= 0 else {
        throw diagnostic(
          "kernel_breakdown_us",
          .outOfRange(path: name, found: classes[name] ?? "", expected: "a number of at least 0"))
      }
      guard time > 0 else { continue }
      total += time
      values.append(value(name, time, all.filter { KernelClass($0.work)?.rawValue == name }))
    }
    if total > 0 { values.append(value("total", total, all, quantity: deviceTimeQuantity)) }
    let accumulation = Streaming<Double>(.add, rows: 1, columns: update.columns)
    for span in EagerPasses.Span.allCases where !text(span.rawValue).isEmpty {
      let passes = EagerPasses(
        layer: layer.kernels, layers: count,
        update: Operator("weight update", .optimizer, .streaming(update), layer.dataType),
        accumulation: Operator(
          "gradient accumulation", .backward, .streaming(accumulation), layer.dataType),
        span: span)
      values.append(try self.value(span.rawValue, group: "\(attention) wall time", .eagerPasses(passes)))
    }
    return values
  }

  /// Time, mean power and energy of an operator that ran for seconds; nothing for the idle device.
  func energyValues() throws(Diagnostic) -> [MeasuredValue] {
    let operation = text("op")
    guard operation != "idle" else { return [] }
    let type = try dataType()
    let subject = try kernel(operation, type, try parameters("params"))
    let group = "\(operation) \(type.rawValue)"
    guard case .kernel(let kernel, _, 1) = subject else {
      return [try value("seconds", unit: 1, group: group, .unmodelled)]
    }
    let run = SustainedOperator(
      operation: kernel, iterations: try positive("iters"),
      burst: text("burst_us").isEmpty ? nil : 1e-6 * (try positive("burst_us")))
    var values: [MeasuredValue] = []
    for quantity in SustainedQuantity.allCases where !text(quantity.rawValue).isEmpty {
      values.append(try value(quantity.rawValue, unit: 1, group: group, .sustained(run, quantity)))
    }
    return values
  }

  /// A layer of LeNet: a convolution by one algorithm, or another layer's kernel.
  func convolutionValue() throws(Diagnostic) -> MeasuredValue {
    func word<Word: RawRepresentable & CaseIterable>(_ column: String, _ type: Word.Type) throws(Diagnostic)
      -> Word where Word.RawValue == String
    {
      guard let value = Word(rawValue: text(column)) else {
        throw diagnostic(
          column, .unknownWord(path: column, found: text(column), known: Word.allCases.map(\.rawValue)))
      }
      return value
    }
    let layer = try word("layer", LeNet<Double>.Layer.self)
    let pass = try word("pass", Convolution<Double>.Pass.self)
    let network = LeNet(batch: Double(try count("batch")))
    if let operation = network.operation(layer, pass) {
      // Forms of products and activations are fitted to larger tables; pooling is measured here only.
      let isPool = layer == .pool1 || layer == .pool2
      return try value(
        "median_us", group: "\(layer.rawValue) \(pass.rawValue)",
        isPool ? .kernel(operation, units: nil, repeats: 1) : .kernels([operation], repeats: 1))
    }
    let algorithm = try word("algorithm", Convolution<Double>.Algorithm.self)
    let group = "\(pass.rawValue) \(algorithm.rawValue)"
    guard let convolution = network.convolution(layer, pass, algorithm) else {
      return try value("median_us", group: group, .unmodelled)
    }
    // Gradients of filters in a fixed order go through three kernels as the batch grows, and a single image takes kernels of
    // its own: no form covers them.
    let isCovered =
      pass != .filter || !convolution.phases.isEmpty || (algorithm != .algorithm1 && convolution.batch > 1)
    return try value("median_us", group: group, isCovered ? .convolution(convolution) : .unmodelled)
  }

  func cpuValue() throws(Diagnostic) -> MeasuredValue {
    let threads = try count("threads")
    let type = try dataType()
    let operation = text("op")
    let parameters = try parameters("params")
    // `rooftree calibrate` writes the best sample too, which repeats better where neighbours share the machine.
    return try value(
      text("best_us").isEmpty ? "median_us" : "best_us",
      group: "\(operation) \(type.rawValue) \(threads) threads",
      .host(
        try hostKernel(operation, type, parameters), operation: Self.hostOperation(operation, parameters),
        type,
        threads: Double(threads)))
  }

  /// The operation whose constants a row's kernel takes.
  private static func hostOperation(_ operation: String, _ parameters: [String: String]) -> String {
    operation == "gemm" && (parameters["m"] == "1" || parameters["n"] == "1") ? "gemv" : operation
  }

  /// The kernel of a row of a processor's table.
  ///
  /// Dense steps walk over `rows` samples again and again (the batch itself where the table does not say).
  func hostKernel(_ operation: String, _ type: DataType, _ parameters: [String: String])
    throws(Diagnostic) -> HostKernel<Double>
  {
    switch operation {
    case "gemm":
      let shape = try gemm(parameters)
      // NumPy hands a product with a vector to GEMV, which packs nothing.
      guard min(shape.m, shape.n) > 1 else {
        let bytes = try positive("bytes")
        return .stream(bytes: bytes, footprint: bytes)
      }
      return .gemm(shape)
    case "lr_dense", "svm_dense":
      let batch = try parameter("batch", parameters)
      let samples = parameters["rows"] == nil ? batch : try parameter("rows", parameters)
      let sample = try parameter("features", parameters) * type.bytes
      let bytes = try positive("bytes")
      // Samples are read once or twice; some tables count the weights, which are as long as a sample, too.
      guard bytes >= 0.75 * batch * sample, bytes <= 1.25 * (2 * batch + 4) * sample else {
        throw diagnostic(
          "bytes",
          .contradiction(
            "'bytes' is \(text("bytes")), but '\(text("params"))' makes \(fixed(batch * sample, decimals: 0)), read once or twice"
          ))
      }
      return .stream(bytes: bytes, footprint: samples * sample)
    case "lr_sparse", "svm_sparse":
      return .sparse(
        samples: try parameter("batch", parameters), nonzeros: try parameter("nnz", parameters),
        modelBytes: try parameter("features", parameters) * type.bytes)
    case "copy", "triad", "gemv":
      return .stream(bytes: try positive("bytes"), footprint: try positive("bytes"))
    default:
      throw diagnostic(
        "op",
        .unknownWord(
          path: "op", found: operation,
          known: ["gemm", "gemv", "copy", "triad", "lr_dense", "svm_dense", "lr_sparse", "svm_sparse"]))
    }
  }

  func pimValues() throws(Diagnostic) -> [MeasuredValue] {
    guard let benchmark = PrIMBenchmark(rawValue: text("benchmark")) else {
      throw diagnostic(
        "benchmark",
        .unknownWord(
          path: "benchmark", found: text("benchmark"), known: PrIMBenchmark.allCases.map(\.rawValue)))
    }
    let run = PrIMRun(
      benchmark, units: Double(try count("num_dpus")), size: try positive("data_prep_param"))
    var values: [MeasuredValue] = []
    for phase in PrIMPhase.allCases where phase == .kernel || !text(phase.rawValue).isEmpty {
      let milliseconds = try number(phase.rawValue)
      guard milliseconds > 0 else { continue }
      values.append(
        MeasuredValue(
          line: line, group: benchmark.rawValue, quantity: phase.rawValue, unit: 1e-3, measured: milliseconds,
          subject: .units(run, phase)))
    }
    return values
  }
}

/// The sum of the classes of a profile: the time of all kernels of the device.
public let deviceTimeQuantity = "device_us"

/// The classes of a profiler's breakdown of PyTorch layers (`layers.csv`), by the names that its kernels carry.
public enum KernelClass: String, Sendable, CaseIterable {
  /// Matrix products, batched ones of materialised attention too.
  case gemm
  /// The kernels with the products of flash attention.
  case attention
  /// Copies into another order of dimensions.
  case copy
  /// Sums, products and scalings of arrays, and the gradient of dropout.
  case elementwise
  /// Random zeroing.
  case dropout
  /// GELU and its gradient.
  case gelu
  /// Normalisation and its gradient.
  case layernorm
  /// Softmax and its gradient.
  case softmax
  /// Sums over rows: gradients of biases.
  case reduce
  /// The update of the weights.
  case optimizer
  /// What has no class of its own: stacking, the passes around the gradient of flash attention.
  case other

  /// The class of a kernel; nil for an exchange.
  public init?(_ work: Work<Double>) {
    switch work {
    case .gemm: self = .gemm
    case .attention(let shape): self = shape.part == .passes ? .other : .attention
    case .collective: return nil
    case .streaming(let shape):
      switch shape.kind {
      case .copy, .permute, .transpose, .embedding, .embeddingBackward: self = .copy
      case .add, .scale, .multiply, .dropoutBackward, .gatedActivation, .gatedActivationBackward:
        self = .elementwise
      case .dropout: self = .dropout
      case .gelu, .geluBackward, .silu: self = .gelu
      case .layernorm, .rmsnorm, .layernormBackward: self = .layernorm
      case .softmax, .softmaxBackward: self = .softmax
      case .sum, .rowSum, .maxPool: self = .reduce
      case .adamw, .lamb, .sgd: self = .optimizer
      case .concatenate, .fill, .quantise: self = .other
      }
    }
  }
}

public import CostModels
public import Documents
public import Hardware
import Quantities
import Workloads

extension DeviceCalibration {
  /// Reads a calibration of the library, or a file, with what it extends laid beneath it.
  ///
  /// - Parameters:
  ///   - name: a name of `models/calibrations`, or a path.
  ///   - library: where names are looked up.
  ///   - node: where the name stands, for messages.
  /// - Throws: `Diagnostic` at the first fault.
  public init(named name: String, in library: Library, at node: DocumentNode? = nil) throws(Diagnostic) {
    let path = try library.path(.calibrations, name, at: node)
    try self.init(node: try readDocument(path: path), in: library, seen: [name])
  }

  /// The calibration as a device uses it.
  ///
  /// Of another device it lends what kernels cost, with the data sheet of that device. It does not lend its network: the
  /// constants that A100, H200 and B200 agree on miss an H100's collectives by no more than those of an H200, and are nearer
  /// in every other pair. Nor its energies: the mean power of an H100's kernels comes out 2.2 % wrong without and
  /// 2.5 % with them (docs/models.md).
  ///
  /// - Parameters:
  ///   - device: the device that is costed with it.
  ///   - library: where the measured device is looked up; one that is not there counts as unlike.
  /// - Returns: the calibration.
  public func used(on device: Device, in library: Library) -> DeviceCalibration {
    guard hardware != device.name else { return self }
    var result = self
    result.measuredDevice = try? Device(named: hardware, in: library)
    for form in [CollectiveForm<Double>.name, EnergyForm<Double>.name] { result.forms[form] = nil }
    result.curves = [:]
    (result.curveSpread, result.transferredSpread) = (nil, nil)
    (result.curveBandwidth, result.curveLatency) = (nil, nil)
    return result
  }

  /// The name of the calibration of a device where none is asked for.
  ///
  /// - Parameters:
  ///   - device: the device.
  ///   - library: where names are looked up.
  /// - Returns: that of the device itself, else the one that its description says to borrow; nil where there is neither.
  public static func usualName(for device: Device, in library: Library) -> String? {
    library.names(.calibrations).contains(device.name) ? device.name : device.calibratedLike
  }

  init(node: DocumentNode, in library: Library, seen: [String]) throws(Diagnostic) {
    var reader = try MappingReader(node)
    let name = try reader.text("name")
    let hardware = try reader.text("hardware")
    let source = try reader.text("source")
    var base = DeviceCalibration(name: name, hardware: hardware, source: source)
    if let extends = reader.optionalNode("extends") {
      let parent = try MappingReader.scalar(
        extends, path: "extends", expected: "the name of a calibration")
      guard !seen.contains(parent) else {
        throw extends.diagnostic(
          .contradiction("'\(parent)' extends itself: \((seen + [parent]).joined(separator: ", "))"))
      }
      let path = try library.path(.calibrations, parent, at: extends)
      let below = try DeviceCalibration(
        node: try readDocument(path: path), in: library, seen: seen + [parent])
      base.forms = below.forms
      base.curves = below.curves
      base.curveSpread = below.curveSpread
      base.transferredSpread = below.transferredSpread
      base.curveBandwidth = below.curveBandwidth
      base.curveLatency = below.curveLatency
      base.threadCurves = below.threadCurves
    }
    if let forms = try reader.optionalMapping("forms") {
      for entry in forms.entries() {
        guard let definitions = Self.constants(ofForm: entry.name) else {
          throw entry.key.diagnostic(
            .unknownKey(entry.name, path: "forms", known: Self.formNames))
        }
        base.forms[entry.name] = try FittedConstants(
          entry.value, path: "forms.\(entry.name)", definitions: definitions)
      }
    }
    if var collectives = try reader.optionalMapping("collectives") {
      base.curveSpread = try collectives.number("spread", in: 0...10)
      base.transferredSpread = try collectives.optionalNode("transferred_spread").map {
        node throws(Diagnostic) in
        try MappingReader.number(node, path: "collectives.transferred_spread", in: 0...10)
      }
      base.curveBandwidth = try collectives.optionalNode("link_bandwidth").map { node throws(Diagnostic) in
        try MappingReader.quantity(node, path: "collectives.link_bandwidth", as: BytesPerSecond.self).value
      }
      base.curveLatency = try collectives.optionalNode("link_latency").map { node throws(Diagnostic) in
        try MappingReader.quantity(node, path: "collectives.link_latency", as: Seconds.self).value
      }
      base.curves = [:]
      for (index, item) in try collectives.list("curves").enumerated() {
        let (key, curve) = try Self.curve(item, path: "collectives.curves[\(index)]")
        guard base.curves.updateValue(curve, forKey: key) == nil else {
          throw item.diagnostic(.duplicateKey("\(key.kind) over \(key.ranks) ranks"))
        }
      }
      try collectives.finish()
    }
    for (index, item) in try reader.list("thread_curves").enumerated() {
      let (key, curve) = try Self.threadCurve(item, path: "thread_curves[\(index)]")
      guard base.threadCurves.updateValue(curve, forKey: key) == nil else {
        throw item.diagnostic(.duplicateKey("\(key.form) \(key.type.rawValue) of these sizes"))
      }
    }
    try reader.finish()
    self = base
  }

  /// The forms that a calibration can hold: streaming kernels have one for each kind.
  public static var formNames: [String] {
    gemmNames
      + [
        AttentionForm<Double>.name, DecodeAttentionForm<Double>.name, StepForm<Double>.name,
        CollectiveForm<Double>.name,
        EnergyForm<Double>.name,
      ] + ConvolutionModel<Double>.formNames
      + [ContentionForm<Double>.name, ConcurrentProductsForm<Double>.name, CopyEngineForm<Double>.name]
      + Streaming<Double>.Kind.allCases.map { StreamingForm<Double>.name(of: $0) }
      + [HostGEMMForm<Double>.name, HostEnergyForm<Double>.name]
      + ["lr_sparse", "svm_sparse"].map { "\(HostSparseForm<Double>.name).\($0)" }
      + ["copy", "triad", "gemv", "lr_dense", "svm_dense"].map { "\(HostStreamForm<Double>.name).\($0)" }
      + PrIMBenchmark.allCases.map { UnitKernelForm<Double>.name(of: $0) }
      + UnitTransferForm<Double>.Direction.allCases.map { UnitTransferForm<Double>.name(of: $0) }
      + [UnitTrainingForm<Double>.name, CPUTrainingForm<Double>.name, GPUTrainingForm<Double>.name]
  }

  /// The constants of products: one set for 16-bit types, one for each other kind of pipe.
  static var gemmNames: [String] {
    var names: [String] = []
    for type in [DataType.bf16, .fp8, .tf32, .fp32, .fp64] { names.append(GEMMForm<Double>.name(of: type)) }
    return names
  }

  /// The constants of a form by its name in calibration files; nil when there is no such form.
  public static func constants(ofForm name: String) -> [Constant]? {
    switch name {
    case _ where gemmNames.contains(name): GEMMForm<Double>.constants
    case AttentionForm<Double>.name: AttentionForm<Double>.constants
    case StepForm<Double>.name: StepForm<Double>.constants
    case _ where ConvolutionModel<Double>.formNames.contains(name):
      ConvolutionModel<Double>.constants(ofForm: name)
    case CollectiveForm<Double>.name: CollectiveForm<Double>.constants
    case DecodeAttentionForm<Double>.name: DecodeAttentionForm<Double>.constants
    case EnergyForm<Double>.name: EnergyForm<Double>.constants
    case ContentionForm<Double>.name: ContentionForm<Double>.constants
    case ConcurrentProductsForm<Double>.name: ConcurrentProductsForm<Double>.constants
    case CopyEngineForm<Double>.name: CopyEngineForm<Double>.constants
    case HostGEMMForm<Double>.name: HostGEMMForm<Double>.constants
    case HostEnergyForm<Double>.name: HostEnergyForm<Double>.constants
    case _ where !formNames.contains(name): nil
    case UnitTrainingForm<Double>.name: UnitTrainingForm<Double>.constants
    case CPUTrainingForm<Double>.name: CPUTrainingForm<Double>.constants
    case GPUTrainingForm<Double>.name: GPUTrainingForm<Double>.constants
    case _ where name.hasPrefix(UnitKernelForm<Double>.name): UnitKernelForm<Double>.constants
    case _ where name.hasPrefix(UnitTransferForm<Double>.name): UnitTransferForm<Double>.constants
    case _ where name.hasPrefix(HostSparseForm<Double>.name): HostSparseForm<Double>.constants
    case _ where name.hasPrefix(HostStreamForm<Double>.name): HostStreamForm<Double>.constants
    case _ where name.hasPrefix(StreamingForm<Double>.name): StreamingForm<Double>.constants
    default: nil
    }
  }

  private static func curve(_ node: DocumentNode, path: String) throws(Diagnostic)
    -> (CurveKey, SizeCurve)
  {
    var reader = try MappingReader(node, path: path)
    let kind = try reader.word("kind", as: Collective<Double>.Kind.self).rawValue
    let ranks = try reader.integer("ranks", in: 1...1_000_000)
    let numbers = try Self.numbers("bytes", &reader)
    let times = try Self.numbers("microseconds", &reader)
    try reader.finish()
    guard numbers.count == times.count, !numbers.isEmpty else {
      throw node.diagnostic(
        .contradiction("'\(path)' has \(numbers.count) sizes and \(times.count) times"))
    }
    guard Set(numbers).count == numbers.count else {
      throw node.diagnostic(.contradiction("'\(path)' has a size twice"))
    }
    let points = zip(numbers, times).map { SizeCurve.Point(bytes: $0, seconds: $1 * 1e-6) }
    return (CurveKey(kind: kind, ranks: ranks), SizeCurve(points))
  }

  private static func threadCurve(_ node: DocumentNode, path: String) throws(Diagnostic)
    -> (ThreadCurve.Key, ThreadCurve)
  {
    var reader = try MappingReader(node, path: path)
    let formNode = try reader.node("form")
    let form = try MappingReader.scalar(
      formNode, path: reader.path(of: "form"), expected: "the name of a form")
    let hosts = formNames.filter { $0.hasPrefix("host_") && $0 != HostEnergyForm<Double>.name }
    guard hosts.contains(form) else {
      throw formNode.diagnostic(.unknownWord(path: reader.path(of: "form"), found: form, known: hosts))
    }
    let type = try reader.word("datatype", as: DataType.self)
    let sizes = try Self.numbers("sizes", &reader)
    let threads = try Self.numbers("threads", &reader)
    let times = try Self.numbers("microseconds", &reader)
    try reader.finish()
    let key = ThreadCurve.Key(form: form, type: type, sizes: sizes)
    guard key.kernel != nil else {
      throw node.diagnostic(
        .contradiction("'\(path)' has \(sizes.count) sizes, which no kernel of '\(form)' has"))
    }
    guard threads.count == times.count, !threads.isEmpty else {
      throw node.diagnostic(
        .contradiction("'\(path)' has \(threads.count) numbers of threads and \(times.count) times"))
    }
    guard Set(threads).count == threads.count else {
      throw node.diagnostic(.contradiction("'\(path)' has a number of threads twice"))
    }
    let points = zip(threads, times).map { ThreadCurve.Point(threads: $0, seconds: $1 * 1e-6) }
    return (key, ThreadCurve(points))
  }

  private static func numbers(_ key: String, _ reader: inout MappingReader) throws(Diagnostic)
    -> [Double]
  {
    var result: [Double] = []
    for item in try reader.list(key) {
      result.append(
        try MappingReader.number(item, path: reader.path(of: key), in: 1e-6...1e18))
    }
    return result
  }

  /// The calibration as a file that a person can read and ``init(named:in:at:)`` reads back.
  public func yaml(extending parent: String? = nil) -> String {
    var text = "# yaml-language-server: $schema=../schemas/calibration.schema.json\n"
    text += "# rooftree show \(name) says what each constant is.\n"
    text += "name: \(name)\nhardware: \(hardware)\nsource: \(quoted(source))\n"
    if let parent { text += "extends: \(parent)\n" }
    let names = Self.formNames.filter { forms[$0] != nil }
    if !names.isEmpty { text += "forms:\n" }
    for name in names {
      guard let fitted = forms[name], let definitions = Self.constants(ofForm: name) else { continue }
      text += "  \(name):\n    rows: \(fitted.rows)\n"
      text += "    spread: \(number(fitted.spread, digits: 3))  # typical relative error of one row\n"
      text +=
        "    domain: [\(number(fitted.domain.lowerBound, digits: 6)), \(number(fitted.domain.upperBound, digits: 6))]\n"
      text += "    constants:\n"
      for (index, definition) in definitions.enumerated() {
        let value = number(fitted.values[index], digits: 6)
        let error = number(fitted.relativeErrors[index], digits: 3)
        let unit = definition.unit.isEmpty ? "" : ", unit: \(quoted(definition.unit))"
        let words = fitted.doubt(index, definition).map { "  # \($0)" } ?? ""
        text += "      \(definition.name): {value: \(value), relative_error: \(error)\(unit)}\(words)\n"
      }
    }
    if !curves.isEmpty {
      text += "collectives:\n  spread: \(number(curveSpread ?? 0, digits: 3))\n"
      if let transferredSpread {
        text +=
          "  transferred_spread: \(number(transferredSpread, digits: 3))  # of collectives and rank counts not measured\n"
      }
      if let curveBandwidth {
        text +=
          "  link_bandwidth: \(BytesPerSecond(curveBandwidth).formatted(digits: 6))  # of the measured link\n"
      }
      if let curveLatency {
        text += "  link_latency: \(Seconds(curveLatency).formatted(digits: 6))\n"
      }
      text += "  curves:\n"
      for key in curves.keys.sorted(by: { ($0.kind, $0.ranks) < ($1.kind, $1.ranks) }) {
        guard let curve = curves[key] else { continue }
        let sizes = curve.points.map { number($0.bytes, digits: 15) }.joined(separator: ", ")
        let times = curve.points.map { number($0.seconds * 1e6, digits: 6) }.joined(separator: ", ")
        text += "    - kind: \(key.kind)\n      ranks: \(key.ranks)\n"
        text += "      bytes: [\(sizes)]\n      microseconds: [\(times)]\n"
      }
    }
    if !threadCurves.isEmpty { text += "thread_curves:\n" }
    for (key, curve) in threadCurves.sorted(by: { $0.key < $1.key }) {
      let sizes = key.sizes.map { number($0, digits: 15) }.joined(separator: ", ")
      let threads = curve.points.map { number($0.threads, digits: 15) }.joined(separator: ", ")
      let times = curve.points.map { number($0.seconds * 1e6, digits: 6) }.joined(separator: ", ")
      text += "  - form: \(key.form)\n    datatype: \(key.type.rawValue)\n    sizes: [\(sizes)]\n"
      text += "    threads: [\(threads)]\n    microseconds: [\(times)]\n"
    }
    return text
  }

  /// The covariance of the logarithms of all fitted constants, one line for each pair of a form (lower triangle).
  ///
  /// It stands beside the calibration rather than in it: only draws of constants need it.
  public var covarianceTable: String {
    var text = "form,constant,other,log_covariance\n"
    for name in Self.formNames {
      guard let fitted = forms[name], let definitions = Self.constants(ofForm: name) else { continue }
      for i in definitions.indices {
        for j in 0...i {
          text +=
            "\(name),\(definitions[i].name),\(definitions[j].name),\(fitted.logCovariance[i][j])\n"
        }
      }
    }
    return text
  }

  /// So many digits, in a spelling that every YAML reader takes for a number (1e12 is a text in YAML 1.1).
  private func number(_ value: Double, digits: Int) -> String {
    let text = formatted(value, digits: digits)
    return text.contains("e") ? "\(Double(text) ?? value)" : text
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for character in text {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      default: result.append(character)
      }
    }
    return result + "\""
  }
}

extension FittedConstants {
  init(_ node: DocumentNode, path: String, definitions: [Constant]) throws(Diagnostic) {
    var reader = try MappingReader(node, path: path)
    let rows = try reader.integer("rows")
    let spread = try reader.number("spread", in: 0...10)
    var domain: [Double] = []
    for item in try reader.list("domain") {
      domain.append(try MappingReader.number(item, path: path + ".domain", in: 0...1e30))
    }
    guard domain.count == 2, domain[0] <= domain[1] else {
      throw node.diagnostic(.contradiction("'\(path).domain' needs the least and the most work"))
    }
    var constants = try reader.mapping("constants")
    var values: [Double] = []
    var errors: [Double] = []
    for definition in definitions {
      var constant = try constants.mapping(definition.name)
      values.append(try constant.number("value", in: definition.range))
      errors.append(try constant.number("relative_error", in: 0...100))
      if let unit = try constant.optionalText("unit"), unit != definition.unit {
        throw constant.node.diagnostic(
          .unknownWord(path: constant.path + ".unit", found: unit, known: [definition.unit]))
      }
      try constant.finish()
    }
    try constants.finish()
    let covariance = (0..<values.count).map { i in
      (0..<values.count).map { j in i == j ? errors[i] * errors[i] : 0.0 }
    }
    try reader.finish()
    self.init(
      values: values, logCovariance: covariance, spread: spread, rows: rows,
      domain: domain[0]...domain[1])
  }
}

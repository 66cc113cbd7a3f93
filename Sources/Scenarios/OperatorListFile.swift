public import Documents
import Hardware
public import Quantities
public import Workloads

/// Reads a list of operators from a workload file.
///
/// - Throws: `Diagnostic` at the first fault.
public func operatorList(_ node: DocumentNode) throws(Diagnostic)
  -> [(operation: Operator<Double>, count: Int, name: String)]
{
  try OperatorListFile.read(node)
}

/// A workload of operators, by the names and parameters of measured tables.
enum OperatorListFile {
  typealias Entry = (operation: Operator<Double>, count: Int, name: String)

  /// The names of operators that are no streaming kernels.
  private static let others = [
    "gemm", "bmm", "gemv", "sdpa_fwd", "sdpa_bwd", "decode_attention", "dot", "axpy", "triad",
  ]

  /// Reads the operators of a workload.
  ///
  /// - Parameters:
  ///   - node: the workload.
  ///   - device: the device that is to run them; nil for none in particular.
  /// - Returns: each kernel with how often it runs and its name for people.
  /// - Throws: `Diagnostic` at the first fault.
  static func read(_ node: DocumentNode, on device: Device? = nil) throws(Diagnostic) -> [Entry] {
    var reader = try MappingReader(node)
    for key in ["name", "title", "kind", "note", "year"] { _ = try reader.optionalText(key) }
    _ = try reader.sourceTexts()
    var result: [Entry] = []
    for (index, item) in try reader.list("operators").enumerated() {
      var entry = try MappingReader(item, path: "operators[\(index)]")
      let count = try entry.optionalInteger("count") ?? 1
      let opNode = try entry.node("op")
      let op = try MappingReader.scalar(opNode, path: entry.path(of: "op"), expected: "an operator")
      if let kind = Collective<Double>.Kind(rawValue: op) {
        result.append(try collective(kind, count: count, &entry, on: device))
      } else {
        result += try kernels(op, at: opNode, count: count, &entry, on: device)
      }
      try entry.finish()
    }
    try reader.finish()
    guard !result.isEmpty else {
      throw node.diagnostic(
        .wrongKind(path: "operators", found: "empty", expected: "at least one operator"))
    }
    return result
  }

  /// An exchange between devices: its payload and how many take part.
  private static func collective(
    _ kind: Collective<Double>.Kind, count: Int, _ entry: inout MappingReader, on device: Device?
  ) throws(Diagnostic) -> Entry {
    let type = try entry.optionalWord("datatype", as: DataType.self) ?? .bf16
    let payload = try entry.node("bytes")
    let bytes: Double
    if case .scalar(let text, _) = payload.content, Double(text) != nil {
      bytes = Double(try entry.integer("bytes", in: 1...1_000_000_000_000_000))
    } else {
      bytes = try MappingReader.quantity(payload, path: entry.path(of: "bytes"), as: Bytes.self).value
    }
    let ranksNode = try entry.node("ranks")
    let ranks = try entry.integer("ranks", in: 2...1_000_000)
    if let device, device.link(joining: ranks) == nil {
      throw ranksNode.diagnostic(
        .contradiction(
          "'\(entry.path(of: "ranks"))' is \(ranks), but no network of \(device.name) joins so many devices"))
    }
    let exchange = Collective<Double>(kind, bytes: bytes, ranks: ranks)
    return (
      Operator("operator", .forward, .collective(exchange), type), count,
      "\(kind.rawValue) \(Bytes(bytes).formatted(binary: true)) over \(ranks)"
    )
  }

  /// The kernels of an operator of one device.
  private static func kernels(
    _ op: String, at opNode: DocumentNode, count: Int, _ entry: inout MappingReader, on device: Device?
  ) throws(Diagnostic) -> [Entry] {
    let typeNode = try entry.node("datatype")
    let type = try entry.word("datatype", as: DataType.self)
    func size(_ key: String) throws(Diagnostic) -> Double { Double(try entry.integer(key)) }
    func optional(_ key: String) throws(Diagnostic) -> Double? {
      try entry.optionalInteger(key).map { Double($0) }
    }
    let work: Workloads.Work<Double>
    let label: String
    switch op {
    case "gemm", "bmm":
      let (m, n, k) = (try size("m"), try size("n"), try size("k"))
      let batch = try optional("batch") ?? 1
      let layout = try entry.optionalWord("layout", as: Layout.self) ?? .NT
      work = .gemm(GEMM(m: m, n: n, k: k, batch: batch, layout: layout))
      label = "\(Int(m))x\(Int(n))x\(Int(k))\(batch > 1 ? " x \(Int(batch))" : "")"
    case "gemv":
      let (m, n) = (try size("m"), try size("n"))
      work = .gemm(GEMM(m: m, n: 1, k: n, layout: .NT))
      label = "\(Int(m))x\(Int(n))"
    case "sdpa_fwd", "sdpa_bwd", "decode_attention":
      let isDecode = op == "decode_attention"
      let (batch, heads, length, head) = (try size("b"), try size("heads"), try size("s"), try size("d"))
      let shared = try optional("kv_heads") ?? heads
      let causal = isDecode ? false : try entry.optionalFlag("causal") ?? false
      work = .attention(
        FlashAttention(
          batch: batch, heads: heads, keyValueHeads: shared, queries: isDecode ? 1 : length, keys: length,
          headSize: head, causal: causal, backward: op == "sdpa_bwd", isDecode: isDecode))
      label = "\(Int(batch))x\(Int(heads))x\(Int(length))x\(Int(head))\(causal ? " causal" : "")"
    case "dot", "axpy", "triad":
      let n = try size("n")
      // A dot product reads two arrays where a sum reads one.
      work = .streaming(Streaming(op == "dot" ? .sum : .add, rows: 1, columns: op == "dot" ? 2 * n : n))
      label = "\(Int(n))"
    default:
      guard let stream = NamedStream<Double>(op) else {
        throw opNode.diagnostic(
          .unknownWord(
            path: entry.path(of: "op"), found: op,
            known: others + NamedStream<Double>.names + Collective<Double>.Kind.allCases.map(\.rawValue)))
      }
      return try streams(stream, op, type, count: count, &entry)
    }
    if let device, device.compute.rates[type] == nil {
      switch work {
      case .gemm, .attention: throw typeNode.diagnostic(.contradiction(device.lacks(type)))
      case .streaming, .collective: break
      }
    }
    return [(Operator("operator", .forward, work, type), count, "\(op) \(label) \(type.rawValue)")]
  }

  /// Kernels over `n` elements, or over `t` rows (tokens) of `h`, which may be called `rows` and `columns`.
  private static func streams(
    _ stream: NamedStream<Double>, _ op: String, _ type: DataType, count: Int, _ entry: inout MappingReader
  ) throws(Diagnostic) -> [Entry] {
    let spellings = [("t", "h"), ("rows", "columns")]
    let spelling =
      spellings.first { entry.node.value($0.0) != nil || entry.node.value($0.1) != nil }
      ?? (stream.needsRows ? spellings[0] : nil)
    let rows: Double
    let columns: Double
    let label: String
    if let (rowKey, columnKey) = spelling {
      (rows, columns) = (Double(try entry.integer(rowKey)), Double(try entry.integer(columnKey)))
      label = "\(Int(rows))x\(Int(columns))"
    } else {
      (rows, columns) = (1, Double(try entry.integer("n")))
      label = "\(Int(columns))"
    }
    var vocabulary = measuredVocabulary
    if stream.name == "embedding_backward" {
      vocabulary = Double(try entry.optionalInteger("vocabulary") ?? Int(measuredVocabulary))
    }
    let kernels = stream.kernels(rows: rows, columns: columns, type, vocabulary: vocabulary)
    let name = "\(op) \(label) \(type.rawValue)"
    guard kernels.count > 1 else { return kernels.map { ($0, count, name) } }
    // Equal kernels are one entry: they err alike.
    var result: [Entry] = []
    for operation in kernels {
      guard case .streaming(let shape) = operation.work else { continue }
      if let last = result.last, case .streaming(let before) = last.operation.work, before.kind == shape.kind,
        before.elements == shape.elements
      {
        result[result.count - 1].count += count
      } else {
        result.append((operation, count, "\(name): \(shape.kind.rawValue)"))
      }
    }
    return result
  }
}

public import Documents

extension ImportedScenario {
  /// Reads what Calculon reads: an application, an execution and, if wanted, a system.
  ///
  /// G is 10^9 and GiB 2^30 there, bandwidths are of one direction. A system's rate and bandwidths replace those of a
  /// device of our catalogue, which gives what Calculon has no word for (units, clock, caches, latencies of kernels); its
  /// efficiencies are not used, because ours come from calibrations.
  ///
  /// - Parameters:
  ///   - application: `{hidden, feedforward, seq_size, attn_heads, attn_size, num_blocks}`.
  ///   - execution: how it is spread.
  ///   - system: the machine; nil for the device alone.
  ///   - hardware: the device of our catalogue.
  /// - Throws: `Diagnostic` when a needed field is missing or wrong.
  public init(
    calculon application: DocumentNode, execution: DocumentNode, system: DocumentNode?, hardware: String
  ) throws(Diagnostic) {
    var app = try ForeignFields(application, prefix: "application: ")
    var exe = try ForeignFields(execution, prefix: "execution: ")
    let name = try app.word("name") ?? "application"
    let hidden = try app.integer("hidden")
    let (feedForward, sequence) = (try app.integer("feedforward"), try app.integer("seq_size"))
    let (heads, headSize) = (try app.integer("attn_heads"), try app.integer("attn_size"))
    let layers = try app.integer("num_blocks")
    let (tensor, pipeline) = (try exe.integer("tensor_par"), try exe.integer("pipeline_par"))
    let (data, devices) = (try exe.integer("data_par"), try exe.integer("num_procs"))
    let (batch, microBatch) = (try exe.integer("batch_size"), try exe.integer("microbatch_size"))
    let interleaving = try exe.integer("pipeline_interleaving")
    let type = try exe.word("datatype") ?? "float16"
    let types = ["float8": "fp8", "float16": "fp16", "bfloat16": "bf16", "float32": "fp32"]
    guard let dataType = types[type] else {
      throw execution.diagnostic(
        .unknownWord(path: "datatype", found: type, known: types.keys.sorted()))
    }
    let recompute = try exe.word("activation_recompute") ?? "none"
    let modes = ["none": "none", "full": "full", "attn_only": "selective"]
    guard let mode = modes[recompute] else {
      throw execution.diagnostic(
        .unknownWord(path: "activation_recompute", found: recompute, known: modes.keys.sorted()))
    }
    let exchange = try exe.word("tensor_par_comm_type") ?? "ar"
    let isTraining = try exe.flag("training")
    let sharding = try exe.flag("optimizer_sharding")
    let overlap = try exe.flag("data_par_overlap")
    let kind = try exe.word("attention_type") ?? "multihead"
    guard kind == "multihead" || kind == "multiquery" else {
      throw execution.diagnostic(
        .unknownWord(path: "attention_type", found: kind, known: ["multihead", "multiquery"]))
    }
    exe.skip(
      "tensor_par_net", "pipeline_par_net", "data_par_net",
      because: "groups take the network that their place in the node gives them")
    exe.skip("fused_activation", because: "our layers list the kernels that the software of the time has")
    exe.skip("tensor_par_overlap", because: "tensor-parallel exchanges are in line with kernels")
    exe.skip("seq_par_ag_redo", because: "inputs gathered again hide behind the gradients of the data")
    exe.skip(
      "weight_offload", "activations_offload", "optimizer_offload",
      because: "everything stays on the device")
    var lines = [
      "name: \(plainName(name))", "title: \(quoted(name + ", imported from Calculon"))",
      "workload:", "  name: \(plainName(name))", "  title: \(quoted(name))", "  kind: transformer",
      "  shape: {layers: \(layers), hidden: \(hidden), heads: \(heads), head_size: \(headSize), "
        + (kind == "multiquery" ? "key_value_heads: 1, " : "")
        + "feed_forward: \(feedForward), activation: gelu, vocabulary: 51200, sequence: \(sequence)}",
      "  provenance: {kind: published, source: \"Calculon's application file; it has no vocabulary: 51200 as in Megatron-LM\"}",
    ]
    var unused = app.unused + exe.unused
    var unknown = app.unknown + exe.unknown
    if let system {
      let machine = try Self.calculonSystem(system, type: type, dataType: dataType, hardware: hardware)
      lines += machine.lines
      unused += machine.unused
      unknown += machine.unknown
    } else {
      lines.append("hardware: \(hardware)")
    }
    lines += [
      "run:", "  pass: \(isTraining ? "training" : "forward")", "  datatype: \(dataType)",
      "  micro_batch: \(microBatch)", "  attention: materialised", "  dropout: true",
    ]
    if isTraining { lines += ["  global_batch: \(batch)", "  recompute: \(mode)"] }
    lines += [
      "parallelism:", "  devices: \(devices)", "  tensor: \(tensor)", "  pipeline: \(pipeline)",
      "  data: \(data)",
      "  virtual_stages: \(interleaving)", "  sequence: \(exchange != "ar" && tensor > 1)",
      "  sharding: \(sharding ? "optimizer" : "none")", "  overlap: \(overlap)",
    ]
    self.init(lines, unused: unused, unknown: unknown)
  }

  private static func calculonSystem(
    _ system: DocumentNode, type: String, dataType: String, hardware: String
  ) throws(Diagnostic) -> (lines: [String], unused: [(field: String, reason: String)], unknown: [String]) {
    var fields = try ForeignFields(system, prefix: "system: ")
    let source = "kind: published, source: \"Calculon's system file\""
    var lines = ["hardware:", "  extends: \(hardware)", "  name: \(hardware)-calculon"]
    var unused: [(field: String, reason: String)] = []
    var unknown: [String] = []
    if var matrix = try fields.child("matrix"), var rate = try matrix.child(type) {
      let value = try rate.number("tflops")
      lines.append("  compute: {rates: {\(dataType): {value: \(value) TFLOP/s, \(source)}}}")
      rate.skip("gflops_efficiency", because: "efficiencies come from calibrations")
      unused += rate.unused
      unknown += rate.unknown
      unused += matrix.unknown.map { ($0, "another data type") }
    }
    if var memory = try fields.child("mem1") {
      let (size, speed) = (try memory.number("GiB"), try memory.number("GBps"))
      lines.append(
        "  memory: {hbm: {capacity: {value: \(size) GiB, \(source)}, bandwidth: {value: \(speed) GB/s, \(source)}}}"
      )
      memory.skip("MB_efficiency", because: "efficiencies come from calibrations")
      unused += memory.unused
      unknown += memory.unknown
    }
    let names = ["node", "cluster"]
    var links: [String] = []
    for (index, item) in fields.list("networks").enumerated() {
      var network = try ForeignFields(item, prefix: "system: networks[\(index)].")
      guard index < names.count else {
        unused.append(("system: networks[\(index)]", "a third network"))
        continue
      }
      let (speed, delay) = (try network.number("bandwidth"), try network.number("latency"))
      links.append(
        "\(names[index]): {bandwidth: {value: \(speed) GB/s, \(source)}, latency: {value: \(delay) s, \(source)}}"
      )
      network.skip("size", because: "the size of the domain is that of the device of the catalogue")
      network.skip(
        "efficiency", "ops", "must_be_filled", "processor_usage",
        because: "exchanges follow our closed form and measured curves")
      unused += network.unused
      unknown += network.unknown
    }
    if !links.isEmpty { lines.append("  links: {\(links.joined(separator: ", "))}") }
    fields.skip("vector", because: "kernels other than products are costed by the memory's bandwidth")
    fields.skip("mem2", because: "everything stays on the device")
    fields.skip("processing_mode", because: "our roofs have their own way to overlap")
    return (lines, unused + fields.unused, unknown + fields.unknown)
  }
}

/// A name of the catalogue's form made of any text.
func plainName(_ text: String) -> String {
  let kept = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
  let name = String(kept.drop { !($0.isLetter || $0.isNumber) })
  return name.isEmpty ? "imported" : name
}

/// Text as a YAML scalar in quotes.
func quoted(_ text: String) -> String {
  "\"" + printable(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}

// Every case is a slip that people make: what is changed in a set of good files, how the command is called, and
// the whole of what it must say. Statuses: 65 for bad data, 64 for misuse of the command.

extension WrongInput {
  static let all =
    sweeps + files + keys + quantities + contradictions + plans + names + calibrations + tables + misuse

  /// Ways to spread a step that cannot be.
  static let plans: [WrongInput] = [
    WrongInput(
      "more stages than layers", .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  pipeline: 5"), .estimate,
      """
      scenario.yaml:11:13: error: 'parallelism.pipeline' is 5, more than the 4 layers of test-model
      """),
    WrongInput(
      "stages that do not share the layers",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  pipeline: 3"), .estimate,
      """
      scenario.yaml:11:13: error: 'parallelism.pipeline' is 3: so many stages do not share the 4 layers of \
      test-model evenly
      """),
    WrongInput(
      "degrees that do not divide the devices",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  devices: 6"), .estimate,
      """
      scenario.yaml:11:12: error: 'parallelism.devices' is 6, but tensor 4 x context 1 x pipeline 1 does not \
      divide it
      """),
    WrongInput(
      "degrees that do not multiply to the devices",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  data: 2\n  devices: 16"), .estimate,
      """
      scenario.yaml:12:12: error: 'parallelism.devices' is 16, but tensor 4 x context 1 x pipeline 1 x data 2 \
      is 8
      """),
    WrongInput(
      "a batch that does not divide",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 2\n  global_batch: 5"), .estimate,
      """
      scenario.yaml:8:17: error: 'run.global_batch' is 5, which 1 replica with micro-batches of 2 do not divide
      """),
    WrongInput(
      "a batch that contradicts its micro-batches",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 2\n  global_batch: 8\n  micro_batches: 3"),
      .estimate,
      """
      scenario.yaml:8:17: error: 'run.global_batch' is 8, which makes 4 micro-batches, but \
      'run.micro_batches' is 3
      """),
    WrongInput(
      "a step that does not fit, where it has to",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 4000\n  require_fit: true"), .estimate,
      """
      scenario.yaml:8:16: error: 'run.require_fit' is true, but the step needs 295 GB of the 64.0 GB of \
      test-gpu; 'parallelism.pipeline=2' would make it fit
      """),
    WrongInput(
      "a context degree that does not divide the tokens",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  context: 3"), .estimate,
      """
      scenario.yaml:11:12: error: 'parallelism.context' is 3, which does not divide the 512 tokens
      """),
    WrongInput(
      "experts of a dense model", .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  expert: 2"), .estimate,
      """
      scenario.yaml:11:11: error: 'parallelism.expert' is 2, but test-model has no experts
      """),
    WrongInput(
      "interleaving without stages",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  virtual_stages: 2"), .estimate,
      """
      scenario.yaml:11:19: error: 'parallelism.virtual_stages' is 2, but 'parallelism.pipeline' is 1: nothing \
      to interleave
      """),
    WrongInput(
      "interleaving with too few micro-batches",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  pipeline: 2\n  virtual_stages: 2"), .estimate,
      """
      scenario.yaml:12:19: error: 'parallelism.virtual_stages' is 2, which needs micro-batches in multiples \
      of the 2 stages; there are 1
      """),
    WrongInput(
      "routing better than even",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  routing_imbalance: 0.5"), .estimate,
      """
      scenario.yaml:11:22: error: 'parallelism.routing_imbalance' is '0.5'; expected a number from 1.00 to \
      1.00e6
      """),
    WrongInput(
      "sharding by another name",
      .edit("scenario.yaml", "tensor: 4", "tensor: 4\n  sharding: zero3"), .estimate,
      """
      scenario.yaml:11:13: error: 'parallelism.sharding' is 'zero3'; expected one of none, optimizer, \
      gradients, parameters
      """),
    WrongInput(
      "products in a type without a rate",
      .edit("scenario.yaml", "datatype: bf16", "datatype: bf16\n  product_datatype: fp64"), .estimate,
      """
      scenario.yaml:9:21: error: 'run.product_datatype' is fp64, for which 'test-gpu' has no rate
      """),
    WrongInput(
      "products in a type that only a wider one could stand in for",
      .edit("scenario.yaml", "datatype: bf16", "datatype: bf16\n  product_datatype: fp8"), .estimate,
      """
      scenario.yaml:9:21: error: 'run.product_datatype' is fp8, for which 'test-gpu' has no rate
      """),
    WrongInput(
      "decoding without pauses",
      .edit("scenario.yaml", "pass: training", "pass: decode\n  sustained: true"), .estimate,
      """
      scenario.yaml:7:14: error: 'run.sustained' is true, but 'run.pass' is decode: only training is taken to \
      repeat without pauses
      """),
    WrongInput(
      "scaling of a forward pass", .nothing, .words(["scale", "scenario.yaml", "--set", "run.pass=forward"]),
      """
      scenario.yaml: error: scaling is that of training steps of a Transformer
      """),
    WrongInput(
      "batches of a training step", .nothing, .words(["serve", "scenario.yaml"]),
      """
      scenario.yaml: error: 'run.pass' is training: batches and contexts are those of prefill, decode or \
      generation
      """),
    WrongInput(
      "a table without another program's answers", .nothing, .words(["compare", "operators.csv"]),
      """
      operators.csv:1:1: error: the table lacks the column 'calculon_s'; it has suite, op, dtype, params, \
      median_us
      """),
  ]

  /// Spaces of scenarios.
  static let sweeps: [WrongInput] = [
    WrongInput(
      "an axis with no values", .edit("space.yaml", "[1, 2, 4]", "[]"), .sweep,
      """
      space.yaml:5:32: error: 'axes.ranks.values' is empty; expected at least one value
      """),
    WrongInput(
      "an axis that goes backwards", .edit("space.yaml", "values: [1, 2, 4]", "from: 8, to: 1, factor: 2"),
      .sweep,
      """
      space.yaml:5:37: error: 'axes.ranks' goes from 8 to 1: an axis with no values
      """),
    WrongInput(
      "unknown parameter", .edit("space.yaml", "sets: ranks", "sets: rank"), .sweep,
      """
      space.yaml:5:17: error: there is no parameter 'rank'; did you mean 'ranks'?
      """),
    WrongInput(
      "a parameter in another unit", .edit("space.yaml", "[1, 2, 4]", "[1 GB, 2 GB]"), .sweep,
      """
      space.yaml:5:17: error: 'axes.ranks' is in B; expected no unit
      """),
    WrongInput(
      "values of two units", .edit("space.yaml", "[1, 2, 4]", "[1, 2 GB]"), .sweep,
      """
      space.yaml:5:36: error: 'axes.ranks.values[1]' is '2 GB', but the values before it are in no unit
      """),
    WrongInput(
      "a value twice", .edit("space.yaml", "[1, 2, 4]", "[1, 2, 2]"), .sweep,
      """
      space.yaml:5:39: error: 'axes.ranks.values[2]' is '2', which is there before
      """),
    WrongInput(
      "a value that is no number", .edit("space.yaml", "[1, 2, 4]", "[1, nan]"), .sweep,
      """
      space.yaml:5:36: error: 'axes.ranks.values[1]' is 'nan'; expected a finite number
      """),
    WrongInput(
      "a space too large",
      .edit(
        "space.yaml", "values: [1, 2, 4]}",
        "from: 1, to: 2, count: 10000000}\n  b: {from: 1, to: 2, count: 10000000}\n  c: {from: 1, to: 2, count: 10000000}"
      ),
      .sweep,
      """
      space.yaml:5:3: error: the space has more than 2^63 scenarios (sample it with a design): \
      10000000 x 10000000 x 10000000 x 2
      """),
    WrongInput(
      "unknown output", .edit("space.yaml", "minimize: time", "minimize: tine"), .sweep,
      """
      space.yaml:9:27: error: there is no output 'tine'; did you mean 'time'?
      """),
    WrongInput(
      "unknown name in a constraint", .edit("space.yaml", "cost < 8", "cots < 8"), .sweep,
      """
      space.yaml:8:15: error: there is no axis or output 'cots'; did you mean 'cost'?
      """),
    WrongInput(
      "a formula that ends too soon", .edit("space.yaml", "cost < 8", "cost <"), .sweep,
      """
      space.yaml:8:15: error: 'constraints[0]' is 'cost <': the end at character 7; expected a name, a number or '('
      """),
    WrongInput(
      "unknown key of a sweep", .edit("space.yaml", "derived:", "dervied:"), .sweep,
      """
      space.yaml:8:15: error: there is no axis or output 'cost'; known: ranks, bandwidth, time, compute, memory_time, exchange
      """),
    WrongInput(
      "unknown model", .edit("space.yaml", "model: roofline", "model: rooflin"), .sweep,
      """
      space.yaml:2:8: error: 'model' is 'rooflin'; did you mean 'roofline'?
      """),
    WrongInput(
      "unlike zipped axes", .edit("space.yaml", "derived:", "zip: [[ranks, bandwidth]]\nderived:"), .sweep,
      """
      space.yaml:7:15: error: 'zip[0]': 'bandwidth' has 2 values, but 'ranks' has 3
      """),
    WrongInput(
      "a key that two axes set",
      .edit("space.yaml", "sets: bandwidth, times: [1, 2]", "sets: ranks, values: [5, 6]"), .sweep,
      """
      space.yaml:6:21: error: 'ranks' is set by the axis 'ranks' and by 'bandwidth'
      """),
    WrongInput(
      "an axis with the name of an output",
      .edit("space.yaml", "  ranks: {sets: ranks", "  time: {sets: ranks"),
      .sweep,
      """
      space.yaml:5:16: error: 'axes.time' is the name of an output already
      """),
    WrongInput(
      "unknown format", .edit("space.yaml", "derived:", "write: [netcfd]\nderived:"), .sweep,
      """
      space.yaml:7:9: error: 'write[0]' is 'netcfd'; did you mean 'netcdf'?
      """),
    WrongInput(
      "unknown sweep", .nothing, .words(["sweep", "gpt3-paralelism"]),
      """
      error: there is no sweep 'gpt3-paralelism'; did you mean 'gpt3-parallelism'?
      """),
    WrongInput(
      "a training step without the key",
      .whole(
        "space.yaml",
        """
        name: s
        model: training
        base: {name: b, workload: ./workload.yaml, hardware: ./device.yaml, calibration: none}
        axes:
          a: {sets: run.micro_bach, values: [1, 2]}
        """), .sweep,
      """
      space.yaml:5:13: error: unknown key 'micro_bach' in 'run'; did you mean 'micro_batch'?
      """),
    WrongInput(
      "a number of the hardware that is not there",
      .whole(
        "space.yaml",
        """
        name: s
        model: training
        base: {name: b, workload: ./workload.yaml, hardware: ./device.yaml, calibration: none}
        axes:
          a: {sets: hardware.memory.hmb.bandwidth, times: [1, 2]}
        """), .sweep,
      """
      space.yaml:5:13: error: unknown key 'hmb' in 'hardware.memory'; did you mean 'hbm'?
      """),
    WrongInput(
      "money without prices",
      .whole(
        "space.yaml",
        """
        name: s
        model: training
        base: {name: b, workload: ./workload.yaml, hardware: ./device.yaml, calibration: none}
        axes:
          a: {sets: run.micro_batch, values: [1, 2]}
        outputs: [time, cost]
        """), .sweep,
      """
      space.yaml:3:7: error: 'cost' needs 'costs' in the base, with 'device_hour' or 'capital'
      """),
    WrongInput(
      "a sampled degree",
      .whole(
        "space.yaml",
        """
        name: s
        model: training
        base: {name: b, workload: ./workload.yaml, hardware: ./device.yaml, calibration: none}
        axes:
          d: {method: sobol, count: 8, axes: {t: {sets: parallelism.tensor, from: 1, to: 8}}}
        """), .sweep,
      """
      space.yaml:5:49: error: 'axes.t' is no list of values; expected whole numbers
      """),
    WrongInput(
      "a part of another version", .bytes("results/parts/part-00000-of-00001", partFile(of: "x")), .sweep,
      """
      results/parts/part-00000-of-00001: error: belongs to another space, or to another version of its files or of \
      the program; write to another folder, or remove it and run the sweep again
      """),
    WrongInput(
      "a truncated part",
      .bytes("results/parts/part-00000-of-00001", Array(partFile(of: "x").dropLast(4))), .sweep,
      """
      results/parts/part-00000-of-00001: error: is truncated: 93 bytes; expected 97. Remove it and run the sweep again
      """),
    WrongInput(
      "a part that is none", .whole("results/parts/part-00000-of-00001", "hello"), .sweep,
      """
      results/parts/part-00000-of-00001: error: is no part of a sweep, or damaged; remove it and run the sweep again
      """),
    WrongInput(
      "merge without parts", .nothing, .words(["merge", "space.yaml", "--output", "results"]),
      """
      results/parts: error: 1 of 1 parts is missing: 0; run the sweep again to compute what is missing
      """),
    WrongInput(
      "a shard that is none", .nothing, .words(["sweep", "space.yaml", "--shard", "3/2"]),
      """
      Error: --shard is '3/2'; expected INDEX/COUNT with 0 <= INDEX < COUNT, as 0/8
      Usage: rooftree sweep <space> [--set <key=value> ...] [--output <folder>] [--json] [--models <folder>] [--shard <index/count>] [--threads <count>] [--progress]
        See 'rooftree sweep --help' for more information.
      """),
  ]

  /// A part of six scenarios that holds nothing, with the fingerprint of its space and version.
  private static func partFile(of fingerprint: String) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] { [UInt8(value)] + [UInt8](repeating: 0, count: 7) }
    func text(_ words: String) -> [UInt8] { number(words.utf8.count) + Array(words.utf8) }
    // Number, count, first, end, columns, bytes of the state and of the columns, checksum.
    return text("rooftree part 1\n") + text(fingerprint) + [0, 1, 0, 6, 0, 0, 0, 0].flatMap(number)
  }

  /// Files that are no YAML, or no files.
  static let files: [WrongInput] = [
    WrongInput(
      "unclosed bracket",
      .whole("scenario.yaml", "name: [a, b\nworkload: c\n"), .estimate,
      """
      scenario.yaml:2:9: error: did not find expected ',' or ']'
      """),
    WrongInput(
      "colon in a plain text",
      .whole("scenario.yaml", "name: a: b\n"), .estimate,
      """
      scenario.yaml:1:8: error: mapping values are not allowed in this context
      """),
    WrongInput(
      "tab as indentation",
      .whole("scenario.yaml", "run:\n\tpass: training\n"), .estimate,
      """
      scenario.yaml:2:1: error: a tab; YAML is indented with spaces
      """),
    WrongInput(
      "unclosed quote",
      .whole("scenario.yaml", "name: \"a\nworkload: b\n"), .estimate,
      """
      scenario.yaml:3:1: error: found unexpected end of stream
      """),
    WrongInput(
      "two documents",
      .whole("scenario.yaml", "name: a\n---\nname: b\n"), .estimate,
      """
      scenario.yaml:2:1: error: a second document begins; expected one
      """),
    WrongInput(
      "undefined alias",
      .whole("scenario.yaml", "name: *a\n"), .estimate,
      """
      scenario.yaml:1:7: error: found undefined alias
      """),
    WrongInput(
      "empty file",
      .whole("scenario.yaml", ""), .estimate,
      """
      scenario.yaml: error: is empty; expected a mapping
      """),
    WrongInput(
      "comments only",
      .whole("scenario.yaml", "# nothing\n# here\n"), .estimate,
      """
      scenario.yaml: error: is empty; expected a mapping
      """),
    WrongInput(
      "NUL byte",
      .whole("scenario.yaml", "name: a\0b\n"), .estimate,
      """
      scenario.yaml:1:8: error: a NUL byte is not allowed
      """),
    WrongInput(
      "not UTF-8",
      .bytes("scenario.yaml", [0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0x63, 0x61, 0x66, 0xe9, 0x0a]),
      .estimate,
      """
      scenario.yaml: error: byte 9 is not UTF-8; expected text in UTF-8
      """),
    WrongInput(
      "UTF-16",
      .bytes(
        "scenario.yaml",
        [
          0xff, 0xfe, 0x6e, 0x00, 0x61, 0x00, 0x6d, 0x00, 0x65, 0x00, 0x3a, 0x00, 0x20, 0x00, 0x61, 0x00,
          0x0a, 0x00,
        ]),
      .estimate,
      """
      scenario.yaml: error: byte 0 is not UTF-8; expected text in UTF-8
      """),
    WrongInput(
      "a list instead of a mapping",
      .whole("scenario.yaml", "- a\n- b\n"), .estimate,
      """
      scenario.yaml:1:1: error: the file is a list; expected a mapping
      """),
    WrongInput(
      "a word instead of a mapping",
      .whole("scenario.yaml", "hello\n"), .estimate,
      """
      scenario.yaml:1:1: error: the file is 'hello'; expected a mapping
      """),
    WrongInput(
      "brackets without end",
      .whole("scenario.yaml", String(repeating: "[", count: 300)), .estimate,
      """
      scenario.yaml:1:257: error: nested more than 64 deep
      """),
    WrongInput(
      "mapping as a key",
      .whole("scenario.yaml", "{a: 1}: b\n"), .estimate,
      """
      scenario.yaml:1:1: error: 'key' is a mapping; expected a word
      """),
    WrongInput(
      "duplicate key",
      .edit("scenario.yaml", "  micro_batch: 2\n", "  micro_batch: 2\n  micro_batch: 4\n"), .estimate,
      """
      scenario.yaml:8:3: error: the key 'micro_batch' is there twice
      """),
    WrongInput(
      "duplicate key in the device",
      .edit("device.yaml", "  l2:\n", "  hbm:\n"), .estimate,
      """
      ./device.yaml:19:3: error: the key 'hbm' is there twice
      """),
    WrongInput(
      "missing file",
      .nothing, .words(["estimate", "no.yaml"]),
      """
      no.yaml: error: cannot be read: No such file or directory
      """),
    WrongInput(
      "a directory",
      .nothing, .words(["estimate", "./"]),
      """
      ./: error: is a directory; expected a file
      """),
    WrongInput(
      "huge file",
      .hollow("scenario.yaml", 100_000_000), .estimate,
      """
      scenario.yaml: error: has 100000000 bytes; expected at most 16777216
      """),
    WrongInput(
      "missing file behind a key",
      .edit("scenario.yaml", "./workload.yaml", "./wrkload.yaml"), .estimate,
      """
      ./wrkload.yaml: error: cannot be read: No such file or directory
      """),
    WrongInput(
      "a directory behind a key",
      .edit("scenario.yaml", "./device.yaml", "./"), .estimate,
      """
      ./: error: is a directory; expected a file
      """),
  ]

  /// Keys, kinds of value and words.
  static let keys: [WrongInput] = [
    WrongInput(
      "unknown key with a near one",
      .edit("scenario.yaml", "micro_batch", "micro_bach"), .estimate,
      """
      scenario.yaml:7:3: error: unknown key 'micro_bach' in 'run'; did you mean 'micro_batch'?
      """),
    WrongInput(
      "unknown key without a near one",
      .edit("scenario.yaml", "run:\n", "run:\n  colour: blue\n"), .estimate,
      """
      scenario.yaml:6:3: error: unknown key 'colour' in 'run'; known keys: pass, micro_batch, \
      sequence, datatype, causal, optimizer, execution, host_launch, compute_slowdown, attention_slowdown, \
      far_exchange_slowdown, message_slowdown, unaligned64_slowdown, unaligned8_slowdown, \
      micro_batch_overhead, step_overhead, backward_launch, step_spread, sustained, global_batch, micro_batches, \
      recompute, attention, dropout, separate_accumulation, product_datatype, gradient_datatype, tokens, require_fit, output, \
      weights, cache
      """),
    WrongInput(
      "unknown key at the top",
      .edit("scenario.yaml", "run:\n", "colour: blue\nrun:\n"), .estimate,
      """
      scenario.yaml:5:1: error: unknown key 'colour' in the file; known keys: name, title, note, \
      workload, hardware, calibration, run, parallelism, costs
      """),
    WrongInput(
      "unknown key of a device",
      .edit("device.yaml", "    technology: SRAM\n", "    technology: SRAM\n    bandwith: 1 GB/s\n"),
      .estimate,
      """
      ./device.yaml:21:5: error: unknown key 'bandwith' in 'memory.l2'; did you mean 'bandwidth'?
      """),
    WrongInput(
      "unknown key beside a value",
      .edit("device.yaml", "{value: 2 TB/s, ", "{value: 2 TB/s, sorce: x, "), .estimate,
      """
      ./device.yaml:18:32: error: unknown key 'sorce' in 'memory.hbm.bandwidth'; did you mean \
      'source'?
      """),
    WrongInput(
      "missing key",
      .edit("scenario.yaml", "workload: ./workload.yaml\n", ""), .estimate,
      """
      scenario.yaml:1:1: error: the file lacks the key 'workload'
      """),
    WrongInput(
      "misspelt key that is needed",
      .edit("scenario.yaml", "workload: ./workload.yaml\n", "workloads: ./workload.yaml\n"), .estimate,
      """
      scenario.yaml:2:1: error: the file lacks the key 'workload'; is 'workloads' meant for it?
      """),
    WrongInput(
      "a processor for measurements of a GPU", .nothing,
      .words(["validate", "operators.csv", "--hardware", "intel-xeon-16c"]),
      """
      operators.csv: error: holds measurements of a gpu, but 'intel-xeon-16c' is a cpu
      """),
    WrongInput(
      "indices of a space with few answers", .nothing,
      .words(["indices", "gpt3-cheapest", "--samples", "64"]),
      """
      {models}/sweeps/gpt3-cheapest.yaml: error: 0 of 64 sampled rows have an answer in every place; indices need \
      half of them and 64: narrow the axes or drop constraints, so that axes vary independently
      """),
    WrongInput(
      "missing key of the shape",
      .edit("workload.yaml", "  heads: 16\n", ""), .estimate,
      """
      ./workload.yaml:5:3: error: 'shape' lacks the key 'heads'
      """),
    WrongInput(
      "missing unit of the device",
      .edit("device.yaml", "  unit: core\n", ""), .estimate,
      """
      ./device.yaml:8:3: error: 'compute' lacks the key 'unit'
      """),
    WrongInput(
      "a value without a source",
      .edit(
        "device.yaml", "{value: 2 TB/s, kind: published, source: sheet}",
        "{value: 2 TB/s, kind: published}"),
      .estimate,
      """
      ./device.yaml:18:16: error: 'memory.hbm.bandwidth' lacks the key 'source'
      """),
    WrongInput(
      "a bare value",
      .edit("device.yaml", "{value: 2 TB/s, kind: published, source: sheet}", "2 TB/s"), .estimate,
      """
      ./device.yaml:18:16: error: 'memory.hbm.bandwidth' is '2 TB/s'; expected a mapping, as {value: 2 TB/s, \
      kind: published, source: WHERE}
      """),
    WrongInput(
      "missing provenance",
      .edit("workload.yaml", "provenance: {kind: measured, source: \"made up for tests\"}\n", ""),
      .estimate,
      """
      ./workload.yaml:1:1: error: the file lacks the key 'provenance'
      """),
    WrongInput(
      "no memory",
      .edit("device.yaml", "memory:\n", "memory: {}\nolder:\n"), .estimate,
      """
      ./device.yaml:14:9: error: 'memory' is empty; expected at least one memory level
      """),
    WrongInput(
      "a list for a mapping",
      .edit(
        "scenario.yaml", "run:\n  pass: training\n  micro_batch: 2\n  datatype: bf16\n",
        "run: [training, 2]\n"),
      .estimate,
      """
      scenario.yaml:5:6: error: 'run' is a list; expected a mapping
      """),
    WrongInput(
      "a mapping for a number",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: {value: 2}"), .estimate,
      """
      scenario.yaml:7:16: error: 'run.micro_batch' is a mapping; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "a word for a number",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: two"), .estimate,
      """
      scenario.yaml:7:16: error: 'run.micro_batch' is 'two'; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "nothing for a number",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch:"), .estimate,
      """
      scenario.yaml:7:15: error: 'run.micro_batch' is empty; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "a fraction for a count",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 2.5"), .estimate,
      """
      scenario.yaml:7:16: error: 'run.micro_batch' is '2.5'; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "a negative count",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: -2"), .estimate,
      """
      scenario.yaml:7:16: error: 'run.micro_batch' is '-2'; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "a count of zero",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 0"), .estimate,
      """
      scenario.yaml:7:16: error: 'run.micro_batch' is '0'; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "a count that is too large",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 5e9"), .estimate,
      """
      scenario.yaml:7:16: error: 'run.micro_batch' is '5e9'; expected a whole number from 1 to \
      1000000000
      """),
    WrongInput(
      "a count beyond all integers",
      .edit("workload.yaml", "layers: 4", "layers: 99999999999999999999"), .estimate,
      """
      ./workload.yaml:5:11: error: 'shape.layers' is '99999999999999999999'; expected a whole \
      number from 1 to 100000
      """),
    WrongInput(
      "a number for true or false",
      .edit("scenario.yaml", "  pass: training\n", "  pass: training\n  causal: 1\n"), .estimate,
      """
      scenario.yaml:7:11: error: 'run.causal' is '1'; expected true or false
      """),
    WrongInput(
      "a list for a name",
      .edit("scenario.yaml", "./device.yaml", "[a, b]"), .estimate,
      """
      scenario.yaml:3:11: error: 'hardware' is a list; expected the name of a hardware, a path or a \
      mapping
      """),
    WrongInput(
      "wrong word with a near one",
      .edit("scenario.yaml", "pass: training", "pass: trainig"), .estimate,
      """
      scenario.yaml:6:9: error: 'run.pass' is 'trainig'; did you mean 'training'?
      """),
    WrongInput(
      "wrong word without a near one",
      .edit("scenario.yaml", "pass: training", "pass: dancing"), .estimate,
      """
      scenario.yaml:6:9: error: 'run.pass' is 'dancing'; expected one of forward, training, prefill, \
      decode, generation
      """),
    WrongInput(
      "unknown data type",
      .edit("scenario.yaml", "datatype: bf16", "datatype: bfloat16"), .estimate,
      """
      scenario.yaml:8:13: error: 'run.datatype' is 'bfloat16'; expected one of fp64, fp32, tf32, \
      fp16, bf16, fp8, fp4, int64, int32, int8
      """),
    WrongInput(
      "unknown data type of a rate",
      .edit("device.yaml", "    fp32: {", "    fp33: {"), .estimate,
      """
      ./device.yaml:13:5: error: unknown key 'fp33' in 'compute.rates'; did you mean 'fp32'?
      """),
    WrongInput(
      "unknown kind of source",
      .edit("device.yaml", "{value: 1 GHz, kind: published", "{value: 1 GHz, kind: guessed"), .estimate,
      """
      ./device.yaml:10:31: error: 'compute.clock.kind' is 'guessed'; expected one of measured, \
      published, fitted, recalled, assumed
      """),
    WrongInput(
      "unknown topology",
      .edit("device.yaml", "topology: switch", "topology: star"), .estimate,
      """
      ./device.yaml:31:15: error: 'links.node.topology' is 'star'; expected one of switch, ring, \
      mesh, host, rails, torus
      """),
    WrongInput(
      "unknown kind of workload",
      .edit("workload.yaml", "kind: transformer", "kind: tranformer"), .estimate,
      """
      ./workload.yaml:3:7: error: 'kind' is 'tranformer'; did you mean 'transformer'?
      """),
    WrongInput(
      "unknown optimizer",
      .edit("scenario.yaml", "  datatype: bf16\n", "  datatype: bf16\n  optimizer: adam\n"), .estimate,
      """
      scenario.yaml:9:14: error: 'run.optimizer' is 'adam'; did you mean 'adamw'?
      """),
  ]

  /// Quantities.
  static let quantities: [WrongInput] = [
    WrongInput(
      "wrong case in a unit",
      .edit("device.yaml", "value: 2 TB/s", "value: 2 tb/s"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '2 tb/s': the unit 'tb/s' is not \
      known; did you mean 'Tb/s' or 'TB/s'?
      """),
    WrongInput(
      "unknown unit",
      .edit("device.yaml", "value: 2 TB/s", "value: 2 furlongs"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '2 furlongs': the unit 'furlongs' \
      is not known; expected a data rate
      """),
    WrongInput(
      "unit of another dimension",
      .edit("device.yaml", "value: 2 TB/s", "value: 2 TB"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '2 TB': 'TB' measures an amount \
      of data; expected a data rate
      """),
    WrongInput(
      "a time for a rate",
      .edit("device.yaml", "value: 2 TB/s", "value: 2 us"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '2 us': 'us' measures a time; \
      expected a data rate
      """),
    WrongInput(
      "missing unit",
      .edit("device.yaml", "value: 2 TB/s", "value: 2"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '2', without a unit; expected a \
      data rate, for example in GB/s or TB/s
      """),
    WrongInput(
      "a unit on a plain number",
      .edit("device.yaml", "{value: 100, ", "{value: 100 GHz, "), .estimate,
      """
      ./device.yaml:9:18: error: 'compute.units.value' is '100 GHz': 'GHz' measures a frequency; \
      expected a plain number
      """),
    WrongInput(
      "not a number",
      .edit("device.yaml", "value: 2 TB/s", "value: fast"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is 'fast'; expected a data rate, a \
      number with a unit
      """),
    WrongInput(
      "negative quantity",
      .edit("device.yaml", "value: 2 TB/s", "value: -2 TB/s"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '-2 TB/s'; expected a data rate \
      above zero
      """),
    WrongInput(
      "zero quantity",
      .edit("device.yaml", "value: 2 TB/s", "value: 0 TB/s"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '0 TB/s'; expected a data rate \
      above zero
      """),
    WrongInput(
      "infinity",
      .edit("device.yaml", "value: 2 TB/s", "value: .inf"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '.inf'; expected a finite number
      """),
    WrongInput(
      "not a number as YAML writes it",
      .edit("device.yaml", "value: 2 TB/s", "value: .nan"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '.nan'; expected a finite number
      """),
    WrongInput(
      "beyond the range of numbers",
      .edit("device.yaml", "value: 2 TB/s", "value: 1e999 TB/s"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '1e999 TB/s'; expected a finite \
      number
      """),
    WrongInput(
      "beyond the range with its prefix",
      .edit("device.yaml", "value: 2 TB/s", "value: 1e300 TB/s"), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '1e300 TB/s'; expected a finite \
      number
      """),
    WrongInput(
      "a decimal comma",
      .edit("device.yaml", "value: 2 TB/s", "value: \"2,5 TB/s\""), .estimate,
      """
      ./device.yaml:18:24: error: 'memory.hbm.bandwidth.value' is '2,5 TB/s': the unit ',5 TB/s' is \
      not known; expected a data rate
      """),
    WrongInput(
      "value outside its interval",
      .edit("device.yaml", "low: 4 TB/s, high: 8 TB/s", "low: 7 TB/s, high: 8 TB/s"), .estimate,
      """
      ./device.yaml:22:24: error: 'memory.l2.bandwidth': the value 6 TB/s is not between low \
      7 TB/s and high 8 TB/s
      """),
    WrongInput(
      "interval without an upper end",
      .edit("device.yaml", "low: 4 TB/s, high: 8 TB/s", "low: 4 TB/s"), .estimate,
      """
      ./device.yaml:22:16: error: 'memory.l2.bandwidth' lacks the key 'high'
      """),
    WrongInput(
      "assumed without an interval",
      .edit("device.yaml", "low: 4 TB/s, high: 8 TB/s, ", ""), .estimate,
      """
      ./device.yaml:22:16: error: 'memory.l2.bandwidth' is assumed, so it needs an interval: the \
      keys low and high
      """),
    WrongInput(
      "idle above the limit",
      .edit("device.yaml", "value: 50 W", "value: 500 W"), .estimate,
      """
      ./device.yaml:26:3: error: 'power': idle 500 W is above the limit 400 W
      """),
  ]

  /// Contradictions.
  static let contradictions: [WrongInput] = [
    WrongInput(
      "output of training",
      .edit("scenario.yaml", "  micro_batch: 2\n", "  micro_batch: 2\n  output: 8\n"), .estimate,
      """
      scenario.yaml:8:11: error: 'run.output' is given, but 'run.pass' is training: only generation goes on
      """),
    WrongInput(
      "generation without output",
      .edit("scenario.yaml", "pass: training", "pass: generation"), .estimate,
      """
      scenario.yaml:6:3: error: 'run' lacks the key 'output'
      """),
    WrongInput(
      "quantised weights in training",
      .edit("scenario.yaml", "  micro_batch: 2\n", "  micro_batch: 2\n  weights: int4\n"), .estimate,
      """
      scenario.yaml:8:12: error: 'run.weights' is given, but 'run.pass' is training: prefill, decode or generation \
      is expected
      """),
    WrongInput(
      "unknown format of the cache",
      .edit("scenario.yaml", "pass: training", "pass: decode\n  cache: int5"), .estimate,
      """
      scenario.yaml:7:10: error: 'run.cache' is 'int5'; did you mean 'int8' or 'int4'?
      """),
    WrongInput(
      "weights wider than products",
      .edit("scenario.yaml", "pass: training", "pass: decode\n  weights: fp32"), .estimate,
      """
      scenario.yaml:7:12: error: 'run.weights' is fp32, which is wider than 'run.datatype' bf16
      """),
    WrongInput(
      "decoding with an optimizer",
      .edit("scenario.yaml", "pass: training", "pass: decode\n  optimizer: adamw"), .estimate,
      """
      scenario.yaml:1:1: error: 'run.optimizer' is adamw, but decode updates no weights
      """),
    WrongInput(
      "rented and owned",
      .edit(
        "scenario.yaml", "parallelism:\n",
        """
        costs:
          device_hour: {value: 2 USD/h, kind: published, source: x}
          capital: {value: 30 kUSD, kind: published, source: x}
          lifetime: {value: 1460 d, kind: published, source: x}
          power_price: {value: 0.1 USD/kWh, kind: published, source: x}
        parallelism:\n
        """), .estimate,
      """
      scenario.yaml:10:16: error: 'costs' has both device_hour and capital: a device is rented or owned
      """),
    WrongInput(
      "a price alone",
      .edit("scenario.yaml", "parallelism:\n", "costs:\n  device_hour: 3\nparallelism:\n"), .estimate,
      """
      scenario.yaml:10:16: error: 'costs.device_hour' is '3'; expected a mapping, as {value: 3 USD/h, kind: \
      published, source: WHERE}
      """),
    WrongInput(
      "a price outside its interval",
      .edit(
        "scenario.yaml", "parallelism:\n",
        "costs:\n  device_hour: {value: 3 USD/h, low: 4 USD/h, high: 5 USD/h, kind: assumed, source: x}\nparallelism:\n"
      ), .estimate,
      """
      scenario.yaml:10:24: error: 'costs.device_hour': the value 3 USD/h is not between low 4 USD/h and high 5 \
      USD/h
      """),
    WrongInput(
      "a count with a prefix",
      .edit("scenario.yaml", "micro_batch: 2", "micro_batch: 2\n  tokens: 15T"), .estimate,
      """
      scenario.yaml:8:11: error: 'run.tokens' is '15T': the unit 'T' is not known; expected a plain number
      """),
    WrongInput(
      "capital without a lifetime",
      .edit(
        "scenario.yaml", "parallelism:\n",
        "costs:\n  capital: {value: 30 kUSD, kind: published, source: x}\nparallelism:\n"), .estimate,
      """
      scenario.yaml:10:12: error: 'costs' lacks the key 'lifetime'
      """),
    WrongInput(
      "effectiveness below one",
      .edit(
        "scenario.yaml", "parallelism:\n",
        "costs:\n  pue: {value: 1.1, low: 0.9, high: 1.2, kind: assumed, source: x}\nparallelism:\n"),
      .estimate,
      """
      scenario.yaml:10:8: error: 'costs.pue' is '0.900'; expected at least 1: the facility's energy over that of its \
      computers
      """),
    WrongInput(
      "price of a power",
      .edit(
        "scenario.yaml", "parallelism:\n",
        "costs:\n  power_price: {value: 0.1 USD/h, kind: published, source: x}\nparallelism:\n"), .estimate,
      """
      scenario.yaml:10:24: error: 'costs.power_price.value' is '0.1 USD/h': 'USD/h' measures a price per time; \
      expected a price per energy
      """),
    WrongInput(
      "assumed price without an interval",
      .edit(
        "scenario.yaml", "parallelism:\n",
        "costs:\n  device_hour: {value: 2 USD/h, kind: assumed, source: x}\nparallelism:\n"), .estimate,
      """
      scenario.yaml:10:16: error: 'costs.device_hour' is assumed, so it needs an interval: the keys low and high
      """),
    WrongInput(
      "degree that does not divide the heads",
      .edit("scenario.yaml", "tensor: 4", "tensor: 3"), .estimate,
      """
      scenario.yaml:10:11: error: 'parallelism.tensor' is 3, which does not divide the 16 heads of \
      test-model
      """),
    WrongInput(
      "degree that does not divide the feed-forward part",
      .edit("workload.yaml", "  heads: 16\n", "  heads: 16\n  feed_forward: 4098\n"), .estimate,
      """
      scenario.yaml:10:11: error: 'parallelism.tensor' is 4, which does not divide the 4098 \
      feed-forward columns of test-model
      """),
    WrongInput(
      "more devices than the network joins",
      .edit("scenario.yaml", "tensor: 4", "tensor: 16"), .estimate,
      """
      scenario.yaml:10:11: error: 'parallelism.tensor' is 16, but no network of test-gpu joins so \
      many devices
      """),
    WrongInput(
      "heads that do not divide the hidden size",
      .edit("workload.yaml", "heads: 16", "heads: 12"), .estimate,
      """
      ./workload.yaml:5:3: error: hidden 1024 is not divisible by 12 heads; give head_size if that \
      is meant
      """),
    WrongInput(
      "key-value heads that do not divide the heads",
      .edit("workload.yaml", "heads: 16", "heads: 16\n  key_value_heads: 3"), .estimate,
      """
      ./workload.yaml:5:3: error: 16 heads cannot share 3 key-value heads evenly
      """),
    WrongInput(
      "a data type without a rate",
      .edit("scenario.yaml", "datatype: bf16", "datatype: fp64"), .estimate,
      """
      scenario.yaml:3:11: error: 'test-gpu' has no rate for fp64, only for fp32, bf16
      """),
    WrongInput(
      "an operator in a type without a rate",
      .whole(
        "workload.yaml",
        "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: gemm, m: 8, n: 8, k: 8, datatype: fp8}\n"),
      .words(["estimate", "scenario.yaml", "--set", "parallelism.tensor=1"]),
      """
      ./workload.yaml:5:44: error: 'test-gpu' has no rate for fp8, only for fp32, bf16
      """),
    WrongInput(
      "an optimizer in a forward pass",
      .edit("scenario.yaml", "pass: training", "pass: forward\n  optimizer: sgd"), .estimate,
      """
      scenario.yaml:1:1: error: 'run.optimizer' is sgd, but a forward pass updates no weights
      """),
    WrongInput(
      "memory that computes",
      .edit("device.yaml", "kind: gpu", "kind: pim"), .estimate,
      """
      scenario.yaml:3:11: error: 'test-gpu' is memory that computes: a workload of kind linear, \
      a gpu or a cpu is expected
      """),
    WrongInput(
      "operators over several devices",
      .whole(
        "workload.yaml",
        "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: gemm, m: 8, n: 8, k: 8, datatype: bf16}\n"),
      .estimate,
      """
      scenario.yaml:10:11: error: 'parallelism.tensor' is 4, but a list of operators runs on one \
      device
      """),
    WrongInput(
      "unknown operator",
      .whole(
        "workload.yaml",
        "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: gem, m: 8, n: 8, k: 8, datatype: bf16}\n"),
      .estimate,
      """
      ./workload.yaml:5:10: error: 'operators[0].op' is 'gem'; did you mean 'gemm' or 'gemv'?
      """),
    WrongInput(
      "an operator of no size",
      .whole(
        "workload.yaml", "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: gelu, datatype: bf16}\n"),
      .estimate,
      """
      ./workload.yaml:5:5: error: 'operators[0]' lacks the key 'n'
      """),
    WrongInput(
      "an operator with rows and elements",
      .whole(
        "workload.yaml",
        "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: gelu, t: 8, h: 8, n: 64, datatype: bf16}\n"),
      .estimate,
      """
      ./workload.yaml:5:28: error: unknown key 'n' in 'operators[0]'; did you mean 't' or 'h'?
      """),
    WrongInput(
      "an exchange without its ranks",
      .whole(
        "workload.yaml", "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: all_reduce, bytes: 64}\n"),
      .estimate,
      """
      ./workload.yaml:5:5: error: 'operators[0]' lacks the key 'ranks'
      """),
    WrongInput(
      "an exchange among too many devices",
      .whole(
        "workload.yaml",
        "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: all_gather, bytes: 64 MiB, ranks: 16}\n"),
      .estimate,
      """
      ./workload.yaml:5:44: error: 'operators[0].ranks' is 16, but no network of test-gpu joins so many devices
      """),
    WrongInput(
      "no operators",
      .whole("workload.yaml", "name: x\ntitle: x\nkind: operators\noperators: []\n"), .estimate,
      """
      ./workload.yaml:1:1: error: 'operators' is empty; expected at least one operator
      """),
    WrongInput(
      "an operator without its size",
      .whole(
        "workload.yaml",
        "name: x\ntitle: x\nkind: operators\noperators:\n  - {op: gemm, m: 8, n: 8, datatype: bf16}\n"),
      .estimate,
      """
      ./workload.yaml:5:5: error: 'operators[0]' lacks the key 'k'
      """),
    WrongInput(
      "a model with experts",
      .whole(
        "workload.yaml",
        "{\"model_type\": \"mixtral\", \"num_hidden_layers\": 2, \"hidden_size\": 64, "
          + "\"num_attention_heads\": 2, \"num_local_experts\": 8}\n"), .estimate,
      """
      ./workload.yaml:1:1: error: the file lacks the key 'num_experts_per_tok'
      """),
    WrongInput(
      "a config.json without its keys",
      .whole("workload.yaml", "{\"model_type\": \"llama\"}\n"), .estimate,
      """
      ./workload.yaml:1:1: error: the file lacks the key 'num_hidden_layers'
      """),
  ]

  /// Names and changes.
  static let names: [WrongInput] = [
    WrongInput(
      "unknown hardware",
      .edit("scenario.yaml", "./device.yaml", "nvidia-h20"), .estimate,
      """
      scenario.yaml:3:11: error: there is no hardware 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "unknown workload",
      .edit("scenario.yaml", "./workload.yaml", "gpt3-176b"), .estimate,
      """
      scenario.yaml:2:11: error: there is no workload 'gpt3-176b'; did you mean 'gpt3-175b'?
      """),
    WrongInput(
      "unknown calibration",
      .edit("scenario.yaml", "calibration: none", "calibration: nvidia-h20"), .estimate,
      """
      scenario.yaml:4:14: error: there is no calibration 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "unknown scenario",
      .nothing, .words(["estimate", "geting-started"]),
      """
      error: there is no scenario 'geting-started'; did you mean 'getting-started'?
      """),
    WrongInput(
      "a part of a name",
      .edit("scenario.yaml", "./device.yaml", "h200"), .estimate,
      """
      scenario.yaml:3:11: error: there is no hardware 'h200'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "hardware for a scenario",
      .nothing, .words(["estimate", "nvidia-t4"]),
      """
      error: 'nvidia-t4' is hardware, not a scenario
      """),
    WrongInput(
      "a scenario for a sweep",
      .nothing, .words(["sweep", "getting-started"]),
      """
      error: 'getting-started' is a scenario, not a sweep
      """),
    WrongInput(
      "a page about a misspelt study",
      .nothing, .words(["report", "comp-vs-com"]),
      """
      error: there is no scenario, study, sweep or calibration 'comp-vs-com'; did you mean 'comp-vs-comm'?
      """),
    WrongInput(
      "unknown entry",
      .nothing, .words(["show", "nvidia-h20"]),
      """
      {models}: error: there is no entry 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "extends itself",
      .edit("device.yaml", "name: test-gpu\n", "name: test-gpu\nextends: ./device.yaml\n"), .estimate,
      """
      ./device.yaml:2:10: error: './device.yaml' extends itself: ./device.yaml, ./device.yaml
      """),
    WrongInput(
      "extends an unknown device",
      .edit("device.yaml", "name: test-gpu\n", "name: test-gpu\nextends: nvidia-h20\n"), .estimate,
      """
      ./device.yaml:2:10: error: there is no hardware 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "extends a list",
      .edit("device.yaml", "name: test-gpu\n", "name: test-gpu\nextends: [a]\n"), .estimate,
      """
      ./device.yaml:2:10: error: 'extends' is a list; expected the name of a device
      """),
    WrongInput(
      "change without a value",
      .nothing, .words(["estimate", "scenario.yaml", "--set", "run.micro_batch"]),
      """
      --set: error: '--set' is 'run.micro_batch'; expected KEY=VALUE, as run.micro_batch=4
      """),
    WrongInput(
      "change without a key",
      .nothing, .words(["estimate", "scenario.yaml", "--set", "=4"]),
      """
      --set: error: '--set' is '=4'; expected KEY=VALUE, as run.micro_batch=4
      """),
    WrongInput(
      "change of an unknown key",
      .nothing, .words(["estimate", "scenario.yaml", "--set", "run.micro_bach=4"]),
      """
      --set run.micro_bach=4: error: unknown key 'micro_bach' in 'run'; did you mean 'micro_batch'?
      """),
    WrongInput(
      "change to a wrong value",
      .nothing, .words(["estimate", "scenario.yaml", "--set", "run.micro_batch=many"]),
      """
      --set run.micro_batch=many: error: 'run.micro_batch' is 'many'; expected a whole number from \
      1 to 1000000000
      """),
    WrongInput(
      "change that is no YAML",
      .nothing, .words(["estimate", "scenario.yaml", "--set", "run.micro_batch=[4"]),
      """
      --set run.micro_batch=[4: error: did not find expected ',' or ']'
      """),
    WrongInput(
      "change to an unknown name",
      .nothing, .words(["estimate", "scenario.yaml", "--set", "hardware=nvidia-b20"]),
      """
      --set hardware=nvidia-b20: error: there is no hardware 'nvidia-b20'; did you mean \
      'nvidia-b200'?
      """),
  ]

  /// Calibrations.
  static let calibrations: [WrongInput] = [
    WrongInput(
      "unknown form",
      .calibration("forms:\n  gem: {}\n"), .estimate,
      """
      ./calibration.yaml:5:3: error: unknown key 'gem' in 'forms'; did you mean 'gemm'?
      """),
    WrongInput(
      "calibration without rows",
      .calibration("forms:\n  gemm:\n    spread: 0.1\n"), .estimate,
      """
      ./calibration.yaml:6:5: error: 'forms.gemm' lacks the key 'rows'
      """),
    WrongInput(
      "domain the wrong way round",
      .calibration(
        "forms:\n"
          + "  gemm:\n"
          + "    rows: 4\n"
          + "    spread: 0.1\n"
          + "    domain: [5, 1]\n"
          + "    constants: {}\n"),
      .estimate,
      """
      ./calibration.yaml:6:5: error: 'forms.gemm.domain' needs the least and the most work
      """),
    WrongInput(
      "curve of different lengths",
      .calibration(
        "collectives:\n"
          + "  spread: 0.1\n"
          + "  curves:\n"
          + "    - {kind: all_reduce, ranks: 2, bytes: [1, 2], microseconds: [1]}\n"),
      .estimate,
      """
      ./calibration.yaml:7:7: error: 'collectives.curves[0]' has 2 sizes and 1 times
      """),
    WrongInput(
      "a thread curve of no form",
      .calibration(
        "thread_curves:\n"
          + "  - {form: host_gem, datatype: fp32, sizes: [1, 8, 8, 8], threads: [1, 2], microseconds: [4, 3]}\n"
      ),
      .estimate,
      """
      ./calibration.yaml:5:12: error: 'thread_curves[0].form' is 'host_gem'; did you mean 'host_gemm'?
      """),
    WrongInput(
      "a thread curve of other sizes",
      .calibration(
        "thread_curves:\n"
          + "  - {form: host_gemm, datatype: fp32, sizes: [8, 8], threads: [1, 2], microseconds: [4, 3]}\n"),
      .estimate,
      """
      ./calibration.yaml:5:5: error: 'thread_curves[0]' has 2 sizes, which no kernel of 'host_gemm' has
      """),
    WrongInput(
      "a thread curve with a time missing",
      .calibration(
        "thread_curves:\n"
          + "  - {form: host_gemm, datatype: fp32, sizes: [1, 8, 8, 8], threads: [1, 2], microseconds: [4]}\n"
      ),
      .estimate,
      """
      ./calibration.yaml:5:5: error: 'thread_curves[0]' has 2 numbers of threads and 1 times
      """),
    WrongInput(
      "a thread curve with a number of threads twice",
      .calibration(
        "thread_curves:\n"
          + "  - {form: host_gemm, datatype: fp32, sizes: [1, 8, 8, 8], threads: [2, 2], microseconds: [4, 3]}\n"
      ),
      .estimate,
      """
      ./calibration.yaml:5:5: error: 'thread_curves[0]' has a number of threads twice
      """),
    WrongInput(
      "a thread curve twice",
      .calibration(
        "thread_curves:\n"
          + "  - {form: host_gemm, datatype: fp32, sizes: [1, 8, 8, 8], threads: [1, 2], microseconds: [4, 3]}\n"
          + "  - {form: host_gemm, datatype: fp32, sizes: [1, 8, 8, 8], threads: [1, 2], microseconds: [4, 3]}\n"
      ),
      .estimate,
      """
      ./calibration.yaml:6:5: error: the key 'host_gemm fp32 of these sizes' is there twice
      """),
    WrongInput(
      "a curve twice",
      .calibration(
        "collectives:\n"
          + "  spread: 0.1\n"
          + "  curves:\n"
          + "    - {kind: all_reduce, ranks: 2, bytes: [1], microseconds: [1]}\n"
          + "    - {kind: all_reduce, ranks: 2, bytes: [1], microseconds: [1]}\n"),
      .estimate,
      """
      ./calibration.yaml:8:7: error: the key 'all_reduce over 2 ranks' is there twice
      """),
    WrongInput(
      "a size twice",
      .calibration(
        "collectives:\n"
          + "  spread: 0.1\n"
          + "  curves:\n"
          + "    - {kind: all_reduce, ranks: 2, bytes: [1, 1], microseconds: [1, 2]}\n"),
      .estimate,
      """
      ./calibration.yaml:7:7: error: 'collectives.curves[0]' has a size twice
      """),
    WrongInput(
      "a size of zero",
      .calibration(
        "collectives:\n"
          + "  spread: 0.1\n"
          + "  curves:\n"
          + "    - {kind: all_reduce, ranks: 2, bytes: [0], microseconds: [1]}\n"),
      .estimate,
      """
      ./calibration.yaml:7:44: error: 'collectives.curves[0].bytes' is '0'; expected a number from \
      1.00e-6 to 1.00e18
      """),
    WrongInput(
      "a spread that is negative",
      .calibration("collectives:\n  spread: -1\n"), .estimate,
      """
      ./calibration.yaml:5:11: error: 'collectives.spread' is '-1'; expected a number from 0 to 10.0
      """),
    WrongInput(
      "a calibration that extends itself",
      .calibration("extends: ./calibration.yaml\n"), .estimate,
      """
      ./calibration.yaml:4:10: error: './calibration.yaml' extends itself: ./calibration.yaml, \
      ./calibration.yaml
      """),
    WrongInput(
      "a kind of collective that is none",
      .calibration(
        "collectives:\n"
          + "  spread: 0.1\n"
          + "  curves:\n"
          + "    - {kind: all_reduse, ranks: 2, bytes: [1], microseconds: [1]}\n"),
      .estimate,
      """
      ./calibration.yaml:7:14: error: 'collectives.curves[0].kind' is 'all_reduse'; did you mean \
      'all_reduce'?
      """),
  ]

  /// Tables.
  static let tables: [WrongInput] = [
    WrongInput(
      "energy below zero",
      .whole(
        "energy.csv",
        "op,dtype,params,seconds,joules,mean_watts,iters\ngemm,bf16,m=64;n=64;k=64,1.6,-3,600,100\n"),
      .validate("energy.csv"),
      """
      energy.csv:2:30: error: 'joules' is '-3'; expected at least 0
      """),
    WrongInput(
      "energy without iterations",
      .whole("energy.csv", "op,dtype,params,seconds,joules,mean_watts\ngemm,bf16,m=64;n=64;k=64,1.6,3,600\n"),
      .validate("energy.csv"),
      """
      energy.csv:1:1: error: the table lacks the column 'iters'; it has op, dtype, params, seconds, joules, \
      mean_watts
      """),
    WrongInput(
      "empty table",
      .whole("operators.csv", ""), .validate("operators.csv"),
      """
      operators.csv: error: is empty; expected a table with a header
      """),
    WrongInput(
      "unknown table",
      .whole("operators.csv", "a,b,c\n1,2,3\n"), .validate("operators.csv"),
      """
      operators.csv:1:1: error: no known table has the columns a,b,c
      """),
    WrongInput(
      "missing column",
      .whole("operators.csv", "suite,op,dtype,params\na,gemm,bf16,m=1\n"), .validate("operators.csv"),
      """
      operators.csv:1:1: error: the table lacks the column 'median_us'; it has suite, op, dtype, \
      params
      """),
    WrongInput(
      "operators without their types",
      .whole("operators.csv", "op,params,median_us\ngemm,m=64;n=64;k=64,3\n"), .validate("operators.csv"),
      """
      operators.csv:1:1: error: the table lacks the column 'dtype'; it has op, params, median_us
      """),
    WrongInput(
      "a misspelt parameter of an operator",
      .whole("operators.csv", "op,dtype,params,median_us\ngemm,bf16,m=64;n=64;k=64;bach=3,3\n"),
      .validate("operators.csv"),
      """
      operators.csv:2:11: error: unknown key 'bach' in 'params'; did you mean 'batch'?
      """),
    WrongInput(
      "a parameter that an operator does not have",
      .whole("operators.csv", "op,dtype,params,median_us\ngelu,bf16,n=4096;colour=7,3\n"),
      .validate("operators.csv"),
      """
      operators.csv:2:11: error: unknown key 'colour' in 'params'; known keys: n, t, h
      """),
    WrongInput(
      "the height of a table twice",
      .whole(
        "operators.csv",
        "op,dtype,params,median_us\nembedding_backward,bf16,t=64;h=64;vocab=8;vocabulary=8,3\n"),
      .validate("operators.csv"),
      """
      operators.csv:2:25: error: 'vocab' and 'vocabulary' are two names of one key
      """),
    WrongInput(
      "measured layers split over GPUs that do not divide the heads",
      .whole(
        "layers.csv",
        "tp,h,heads,s,b,layers,fwd_us,fwd_nocomm_us,fwdbwd_us,fwdbwd_nocomm_us\n3,2048,16,1024,4,4,9,8,20,18\n"
      ),
      .validate("layers.csv"),
      """
      layers.csv:2:1: error: 'tp' is 3, which does not divide the 16 heads
      """),
    WrongInput(
      "measured layers without one of their times",
      .whole(
        "layers.csv",
        "tp,h,heads,s,b,layers,fwd_us,fwd_nocomm_us,fwdbwd_us\n2,2048,16,1024,4,4,9,8,20\n"),
      .validate("layers.csv"),
      """
      layers.csv:1:1: error: the table lacks the column 'fwdbwd_nocomm_us'; it has tp, h, heads, s, b, layers, \
      fwd_us, fwd_nocomm_us, fwdbwd_us
      """),
    WrongInput(
      "row with a field too many",
      .edit("operators.csv", "t=512;h=1024,3.5", "t=512;h=1024,3.5,7"), .validate("operators.csv"),
      """
      operators.csv:3:1: error: the row has 6 fields; expected 5 as in the header
      """),
    WrongInput(
      "row that is cut",
      .edit("operators.csv", ",3.5", ""), .validate("operators.csv"),
      """
      operators.csv:3:1: error: the row has 4 fields; expected 5 as in the header
      """),
    WrongInput(
      "column twice",
      .edit("operators.csv", "suite,op", "op,op"), .validate("operators.csv"),
      """
      operators.csv:1:1: error: the key 'op' is there twice
      """),
    WrongInput(
      "unclosed quote in a table",
      .edit("operators.csv", "t=512", "\"t=512"), .validate("operators.csv"),
      """
      operators.csv:3:1: error: a quoted field is not closed
      """),
    WrongInput(
      "negative time",
      .edit("operators.csv", "7.5", "-7.5"), .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'median_us' is '-7.5'; expected at least 0
      """),
    WrongInput(
      "zero time",
      .edit("operators.csv", "7.5", "0"), .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'median_us' is '0'; expected a number above zero
      """),
    WrongInput(
      "time that is not a number",
      .edit("operators.csv", "7.5", "nan"), .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'median_us' is 'nan'; expected a finite number
      """),
    WrongInput(
      "infinite time",
      .edit("operators.csv", "7.5", "inf"), .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'median_us' is 'inf'; expected a finite number
      """),
    WrongInput(
      "empty time",
      .edit("operators.csv", "7.5", ""), .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'median_us' is empty; expected a finite number
      """),
    WrongInput(
      "word for a time",
      .edit("operators.csv", "7.5", "fast"), .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'median_us' is 'fast'; expected a finite number
      """),
    WrongInput(
      "unknown data type in a table",
      .edit("operators.csv", "gemm,bf16", "gemm,bf17"), .validate("operators.csv"),
      """
      operators.csv:2:8: error: 'dtype' is 'bf17'; did you mean 'bf16'?
      """),
    WrongInput(
      "unknown operator in a table",
      .edit("operators.csv", "layernorm,", "layernom,"), .validate("operators.csv"),
      """
      operators.csv:3:3: error: 'op' is 'layernom'; did you mean 'layernorm'?
      """),
    WrongInput(
      "copies by an engine that does not exist",
      .whole(
        "c3.csv",
        "m,n,k,gemm_reps,coll,coll_reps,bytes,ranks,engine,max_ctas,gemm_alone_us,coll_alone_us,concurrent_us\n1024,1024,1024,2,all_gather,1,1048576,4,dna,0,200,100,250\n"
      ),
      .validate("c3.csv"),
      """
      c3.csv:2:41: error: 'engine' is 'dna'; did you mean 'dma'?
      """),
    WrongInput(
      "fewer channels than none",
      .whole(
        "c3.csv",
        "m,n,k,gemm_reps,coll,coll_reps,bytes,ranks,engine,max_ctas,gemm_alone_us,coll_alone_us,concurrent_us\n1024,1024,1024,2,all_gather,1,1048576,4,sm,-1,200,100,250\n"
      ),
      .validate("c3.csv"),
      """
      c3.csv:2:44: error: 'max_ctas' is '-1'; expected at least 0
      """),
    WrongInput(
      "collective that is misspelled",
      .whole(
        "c3.csv",
        "m,n,k,gemm_reps,coll,coll_reps,bytes,ranks,engine,max_ctas,gemm_alone_us,coll_alone_us,concurrent_us\n1024,1024,1024,2,all_gether,1,1048576,4,sm,0,200,100,250\n"
      ),
      .validate("c3.csv"),
      """
      c3.csv:2:18: error: 'coll' is 'all_gether'; did you mean 'all_gather'?
      """),
    WrongInput(
      "half a collective",
      .whole(
        "c3.csv",
        "m,n,k,gemm_reps,coll,coll_reps,bytes,ranks,engine,max_ctas,gemm_alone_us,coll_alone_us,concurrent_us\n1024,1024,1024,2,all_gather,1.5,1048576,4,sm,0,200,100,250\n"
      ),
      .validate("c3.csv"),
      """
      c3.csv:2:29: error: 'coll_reps' is '1.5'; expected a whole number
      """),
    WrongInput(
      "no isolated time",
      .whole(
        "c3.csv",
        "m,n,k,gemm_reps,coll,coll_reps,bytes,ranks,engine,max_ctas,gemm_alone_us,coll_alone_us,concurrent_us\n1024,1024,1024,2,all_gather,1,1048576,4,sm,0,0,100,250\n"
      ),
      .validate("c3.csv"),
      """
      c3.csv:2:46: error: 'gemm_alone_us' is '0'; expected a number above zero
      """),
    WrongInput(
      "unknown layout",
      .edit("operators.csv", "layout=NT", "layout=NX"), .validate("operators.csv"),
      """
      operators.csv:2:13: error: 'layout' is 'NX'; did you mean 'NT' or 'NN'?
      """),
    WrongInput(
      "parameter without a value",
      .edit("operators.csv", "m=512;", "m;"), .validate("operators.csv"),
      """
      operators.csv:2:13: error: 'params' is 'm;n=512;k=512;layout=NT;batch=1'; expected \
      key=value;key=value
      """),
    WrongInput(
      "missing parameter",
      .edit("operators.csv", "k=512;", ""), .validate("operators.csv"),
      """
      operators.csv:2:13: error: 'params' lacks the key 'k'
      """),
    WrongInput(
      "negative parameter",
      .edit("operators.csv", "m=512", "m=-512"), .validate("operators.csv"),
      """
      operators.csv:2:13: error: 'm' is '-512'; expected a number above zero
      """),
    WrongInput(
      "unknown collective",
      .edit("collectives.csv", "all_reduce", "all_reduse"), .validate("collectives.csv"),
      """
      collectives.csv:2:1: error: 'op' is 'all_reduse'; did you mean 'all_reduce'?
      """),
    WrongInput(
      "fractional number of ranks",
      .edit("collectives.csv", "all_reduce,4", "all_reduce,4.5"), .validate("collectives.csv"),
      """
      collectives.csv:2:12: error: 'ranks' is '4.5'; expected a whole number
      """),
    WrongInput(
      "no ranks",
      .edit("collectives.csv", "all_reduce,4", "all_reduce,0"), .validate("collectives.csv"),
      """
      collectives.csv:2:12: error: 'ranks' is '0'; expected at least 1
      """),
    WrongInput(
      "too many ranks",
      .edit("collectives.csv", "all_reduce,4", "all_reduce,5000000"), .validate("collectives.csv"),
      """
      collectives.csv:2:12: error: 'ranks' is '5000000'; expected at most 1000000
      """),
    WrongInput(
      "zero layers",
      .edit("layers.csv", ",4,4,2295", ",4,0,2295"), .validate("layers.csv"),
      """
      layers.csv:2:18: error: 'layers' is '0'; expected a number above zero
      """),
    WrongInput(
      "unknown attention of a profile",
      .whole(
        "profile.csv",
        "attn,h,heads,s,b,layers,fwdbwd_us,params,kernel_breakdown_us\nflash,1024,16,128,4,4,5275,50384896,gemm=478\n"
      ), .validate("profile.csv"),
      """
      profile.csv:2:1: error: 'attn' is 'flash'; expected one of eager, sdpa
      """),
    WrongInput(
      "unknown layer of LeNet",
      .whole("lenet.csv", "layer,pass,algorithm,batch,median_us\nconv3,forward,fft,1,5\n"),
      .validate("lenet.csv"),
      """
      lenet.csv:2:1: error: 'layer' is 'conv3'; did you mean 'conv1' or 'conv2'?
      """),
    WrongInput(
      "unknown algorithm of a convolution",
      .whole("lenet.csv", "layer,pass,algorithm,batch,median_us\nconv1,forward,fft_tiled,1,5\n"),
      .validate("lenet.csv"),
      """
      lenet.csv:2:15: error: 'algorithm' is 'fft_tiled'; did you mean 'fft_tiling'?
      """),
    WrongInput(
      "a table of a device that is not there by its name",
      .whole("h800.csv", "op,dtype,params,median_us\ngemm,bf16,m=64;n=64;k=64,5\n"),
      .words(["validate", "h800.csv"]),
      """
      h800.csv: error: the name of the file speaks of 'h800', which is no device of the catalogue; --hardware says \
      which was measured
      """),
    WrongInput(
      "a log of a device that is not there",
      .whole(
        "all_reduce.log",
        "# nThread 1 nGpus 2\n#  Rank  0 Group  0 Pid  1 on  a device  0 [0000:0a:00] NVIDIA H800\n#  Rank  1 Group  0 Pid  1 on  a device  1 [0000:0b:00] NVIDIA H800\n# size count type redop root time algbw busbw #wrong\n1048576 262144 float sum -1 24.35 43.06 43.06 0\n"
      ),
      .words(["validate", "all_reduce.log"]),
      """
      all_reduce.log: error: names the device 'NVIDIA H800', which the catalogue does not have; --hardware says which \
      to take
      """),
    WrongInput(
      "measured layers with all-reduces of another size",
      .whole(
        "layers.csv",
        "tp,h,heads,s,b,layers,fwd_us,fwd_nocomm_us,fwdbwd_us,fwdbwd_nocomm_us,allreduce_bytes_each\n2,2048,16,1024,4,4,9,8,20,18,999\n"
      ),
      .validate("layers.csv"),
      """
      layers.csv:2:30: error: 'allreduce_bytes_each' is 999, but 4 x 1024 tokens of 2048 elements of 2 bytes are 16777216
      """),
    WrongInput(
      "a regression whose bytes are not those of its samples",
      .whole(
        "operators.csv",
        "op,dtype,params,median_us,flops,bytes\nlr_dense,fp32,features=4096;batch=64,10,1048576,2097152000\n"),
      .validate("operators.csv"),
      """
      operators.csv:2:49: error: 'bytes' is 2097152000, but 'features=4096;batch=64' makes 2097152
      """),
    WrongInput(
      "quantisation that is neither there nor not",
      .whole("operators.csv", "op,dtype,params,median_us\ngemm,fp8,m=64;n=64;k=64;quantise=yes,5\n"),
      .validate("operators.csv"),
      """
      operators.csv:2:10: error: 'quantise' is 'yes'; expected one of 0, 1
      """),
    WrongInput(
      "quantisation of operands of 16 bits",
      .whole("operators.csv", "op,dtype,params,median_us\ngemm,bf16,m=64;n=64;k=64;quantise=1,5\n"),
      .validate("operators.csv"),
      """
      operators.csv:2:11: error: 'quantise' is about products of fp8, but 'dtype' is bf16
      """),
    WrongInput(
      "missing table",
      .nothing, .words(["validate", "no.csv"]),
      """
      no.csv: error: cannot be read: No such file or directory
      """),
    WrongInput(
      "a directory for a table",
      .nothing, .words(["validate", "./"]),
      """
      ./: error: is a directory; expected a file
      """),
    WrongInput(
      "unknown device for a table",
      .nothing, .words(["validate", "operators.csv", "--hardware", "nvidia-h20"]),
      """
      error: there is no hardware 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "unknown calibration for a table",
      .nothing,
      .words(["validate", "operators.csv", "--hardware", "nvidia-h200", "--calibration", "nvidia-h20"]),
      """
      error: there is no calibration 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "calibrating an unknown device",
      .nothing, .words(["calibrate", "--hardware", "nvidia-h20", "--table", "operators.csv"]),
      """
      error: there is no hardware 'nvidia-h20'; did you mean 'nvidia-h200'?
      """),
    WrongInput(
      "a kernel time that is not a number",
      .whole(
        "cpu.csv",
        "op,dtype,threads,params,median_us,bytes\ngemm,fp32,1,m=64;n=64;k=64,5,49152\ngemm,fp32,1,m=128;n=128;k=128,NaN,196608\n"
      ),
      .words(["calibrate", "--hardware", "./device.yaml", "--table", "cpu.csv"]),
      """
      cpu.csv:3:31: error: 'median_us' is 'NaN'; expected a finite number
      """),
    WrongInput(
      "a kernel time of zero",
      .whole(
        "cpu.csv",
        "op,dtype,threads,params,median_us,bytes\ngemm,fp32,1,m=64;n=64;k=64,5,49152\ngemm,fp32,1,m=128;n=128;k=128,0,196608\n"
      ),
      .words(["calibrate", "--hardware", "./device.yaml", "--table", "cpu.csv"]),
      """
      cpu.csv:3:31: error: 'median_us' is '0'; expected a number above zero
      """),
    WrongInput(
      "a negative kernel time",
      .whole(
        "cpu.csv",
        "op,dtype,threads,params,median_us,bytes\ngemm,fp32,1,m=64;n=64;k=64,5,49152\ngemm,fp32,1,m=128;n=128;k=128,-4,196608\n"
      ),
      .words(["calibrate", "--hardware", "./device.yaml", "--table", "cpu.csv"]),
      """
      cpu.csv:3:31: error: 'median_us' is '-4'; expected at least 0
      """),
    WrongInput(
      "a kernel measured twice",
      .whole(
        "cpu.csv",
        "op,dtype,threads,params,median_us,bytes\ngemm,fp32,1,m=64;n=64;k=64,5,49152\ngemm,fp32,2,m=64;n=64;k=64,4,49152\ngemm,fp32,1,m=64;n=64;k=64,5,49152\n"
      ),
      .words(["calibrate", "--hardware", "./device.yaml", "--table", "cpu.csv"]),
      """
      cpu.csv:4:1: error: 'gemm fp32 1 m=64;n=64;k=64' stands in line 2 already: a kernel is measured once in a table
      """),
    WrongInput(
      "a single kernel",
      .whole("cpu.csv", "op,dtype,threads,params,median_us,bytes\ngemm,fp32,1,m=64;n=64;k=64,5,49152\n"),
      .words(["calibrate", "--hardware", "./device.yaml", "--table", "cpu.csv"]),
      """
      cpu.csv: error: no form has enough rows to be fitted: host_gemm has 1 row of the 3 that it needs
      """),
    WrongInput(
      "calibrating from too few rows",
      .nothing, .words(["calibrate", "--hardware", "./device.yaml", "--table", "operators.csv"]),
      """
      operators.csv: error: no form has enough rows to be fitted: gemm has 1 row of the 12 that it needs, \
      streaming.layernorm has 1 row of the 3 that it needs
      """),
    WrongInput(
      "models without hardware",
      .nothing, .words(["estimate", "scenario.yaml", "--models", "/"]),
      """
      /: error: cannot be read: it has no folder hardware
      """),
  ]

  /// Misuse.
  static let misuse: [WrongInput] = [
    WrongInput(
      "unknown option",
      .nothing, .words(["estimate", "scenario.yaml", "--jsn"]),
      """
      Error: Unknown option '--jsn'. Did you mean '--json'?
      Usage: rooftree estimate <scenario> [--set <key=value> ...] [--depth <levels>] [--json] \
      [--models <folder>]
        See 'rooftree estimate --help' for more information.
      """),
    WrongInput(
      "unknown verb",
      .nothing, .words(["estimat"]),
      """
      Error: there is no verb 'estimat'; did you mean 'estimate'?
      Usage: rooftree <subcommand>
        See 'rooftree --help' for more information.
      """),
    WrongInput(
      "a verb unlike any",
      .nothing, .words(["predict"]),
      """
      Error: Unexpected argument 'predict'
      Usage: rooftree <subcommand>
        See 'rooftree --help' for more information.
      """),
    WrongInput(
      "fewer devices than there are",
      .nothing, .words(["scale", "scenario.yaml", "--up-to", "2"]),
      """
      Error: --up-to is 2; expected at least the 4 devices of the scenario
      Usage: rooftree <subcommand>
        See 'rooftree --help' for more information.
      """),
    WrongInput(
      "missing argument",
      .nothing, .words(["estimate"]),
      """
      Error: Missing expected argument '<scenario>'
      Help:  <scenario>  The scenario.
      Usage: rooftree estimate <scenario> [--set <key=value> ...] [--depth <levels>] [--json] \
      [--models <folder>]
        See 'rooftree estimate --help' for more information.
      """),
    WrongInput(
      "depth out of range",
      .nothing, .words(["estimate", "scenario.yaml", "--depth", "0"]),
      """
      Error: --depth is 0; expected 1 to 16
      Usage: rooftree estimate <scenario> [--set <key=value> ...] [--depth <levels>] [--json] \
      [--models <folder>]
        See 'rooftree estimate --help' for more information.
      """),
    WrongInput(
      "depth that is no number",
      .nothing, .words(["estimate", "scenario.yaml", "--depth", "two"]),
      """
      Error: The value 'two' is invalid for '--depth <levels>'
      Help:  --depth <levels>  How many levels of the tree to print.
      Usage: rooftree estimate <scenario> [--set <key=value> ...] [--depth <levels>] [--json] \
      [--models <folder>]
        See 'rooftree estimate --help' for more information.
      """),
    WrongInput(
      "unknown kind to list",
      .nothing, .words(["list", "hardwares"]),
      """
      Error: The value 'hardwares' is invalid for '<kind>'. Please provide one of the following:
        - hardware
        - workloads
        - calibrations
        - scenarios
        - studies
        - stacks
        - sweeps
      Help:  <kind>  What to list (default: everything).
      Usage: rooftree list [<kind>] [--json] [--models <folder>]
        See 'rooftree list --help' for more information.
      """),
    WrongInput(
      "no tables",
      .nothing, .words(["validate"]),
      """
      Error: Missing expected argument '<table> ...'
      Help:  <table>  Tables of measurements.
      Usage: rooftree validate <table> ... [--hardware <name>] [--calibration <name>] [--sustained] \
      [--json] [--rows <file>] [--report <folder>] [--models <folder>]
        See 'rooftree validate --help' for more information.
      """),
    WrongInput(
      "one argument too many",
      .nothing, .words(["show", "a", "b"]),
      """
      Error: Unexpected argument 'b'
      Usage: rooftree show <name> [--json] [--models <folder>]
        See 'rooftree show --help' for more information.
      """),
  ]
}

import Foundation
import TestSupport
import Testing

private func rooftree(_ arguments: String...) throws -> CommandResult {
  try Command.run(Command.rooftree, arguments)
}

/// A JSON value as Foundation, a reader that is not ours, sees it.
private func json(_ text: String) throws -> Any {
  try JSONSerialization.jsonObject(with: Data(text.utf8))
}

@Suite struct HelpTests {
  @Test(arguments: ["estimate", "validate", "calibrate", "report", "list", "show"])
  func everyVerbShowsAnExample(verb: String) throws {
    let result = try rooftree(verb, "--help")
    #expect(result.status == 0)
    #expect(result.errors == "")
    let example = try #require(
      result.output.split(separator: "\n").first { $0.contains("Example: rooftree ") })
    #expect(example.contains("Example: rooftree \(verb) "))
    #expect(result.output.contains("USAGE: rooftree \(verb) "))
  }

  @Test func version() throws {
    let result = try rooftree("--version")
    #expect(result.status == 0)
    #expect(result.output.range(of: #"^\d+\.\d+\.\d+\n$"#, options: .regularExpression) != nil)
  }

  @Test func exitStatusesAreDocumented() throws {
    let result = try rooftree("--help")
    #expect(result.output.contains("64 misuse of the command, 65 bad data"))
    for verb in ["estimate", "validate", "calibrate", "list", "show"] {
      #expect(result.output.contains("  \(verb) "), "\(verb)")
    }
  }
}

@Suite struct CatalogueCommandTests {
  @Test func listNamesEveryFile() throws {
    let result = try rooftree("list")
    #expect(result.status == 0)
    let words = Set(result.output.split(whereSeparator: \.isWhitespace).map(String.init))
    for folder in ["hardware", "workloads", "calibrations", "scenarios", "studies"] {
      for file in Repository.files(in: "models/" + folder, ending: ".yaml") {
        let name = String(file.split(separator: "/")[2].dropLast(5))
        #expect(words.contains(name), "\(name)")
      }
    }
    let objects = try #require(
      try json(try rooftree("list", "hardware", "--json").output) as? [[String: String]])
    #expect(objects.count == Repository.files(in: "models/hardware", ending: ".yaml").count)
    #expect(objects.allSatisfy { $0["kind"] == "hardware" && $0["title"]?.isEmpty == false })
  }

  /// The numbers of the data sheet, with their kind and where they are from.
  @Test func showPrintsValuesWithSources() throws {
    let result = try rooftree("show", "nvidia-h200")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    let bandwidth = try #require(lines.first { $0.hasPrefix("hbm bandwidth") })
    #expect(
      bandwidth.contains("4.800 TB/s") && bandwidth.contains("published") && bandwidth.contains("data sheet"))
    let capacity = try #require(lines.first { $0.hasPrefix("hbm capacity") })
    #expect(capacity.contains("141.0 GB"))
    let cache = try #require(lines.first { $0.hasPrefix("l2 capacity") })
    #expect(cache.contains("60.00 MiB"))
  }

  /// 80 GB are 80 GB and not 74.51 GiB, although 1,024 divides them.
  @Test func capacitiesAreShownAsTheSheetsPrintThem() throws {
    let result = try rooftree("show", "nvidia-a100-80g-sxm")
    let capacity = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("hbm capacity") })
    #expect(capacity.contains("80.00 GB"))
  }

  /// Every entry of the catalogue can be shown, as text and as JSON.
  @Test func everythingCanBeShown() throws {
    for folder in ["hardware", "workloads", "calibrations", "scenarios", "studies"] {
      for file in Repository.files(in: "models/" + folder, ending: ".yaml") {
        let result = try rooftree("show", "--json", "./" + file)
        #expect(result.status == 0, "\(file): \(result.errors)")
        let sheets = try #require(try json(result.output) as? [[String: Any]], "\(file)")
        #expect(sheets.allSatisfy { ($0["facts"] as? [Any])?.isEmpty == false }, "\(file)")
      }
    }
  }
}

@Suite struct EstimateCommandTests {
  /// The time of a part is that of all its runs: so many times the sum of its own parts.
  private func check(_ node: [String: Any], _ path: String) throws {
    let time = try #require(node["time_s"] as? Double)
    let runs = try #require(node["runs"] as? Double)
    let parts = try #require(node["parts"] as? [[String: Any]])
    let low = try #require(node["low90_s"] as? Double)
    let high = try #require(node["high90_s"] as? Double)
    #expect(time > 0 && runs >= 1, "\(path)")
    #expect(low <= time && time <= high, "\(path)")
    guard !parts.isEmpty else { return }
    for key in ["time_s", "flop", "bytes"] {
      let whole = try #require(node[key] as? Double)
      let sum = runs * parts.reduce(0.0) { $0 + ($1[key] as? Double ?? 0) }
      #expect(abs(sum - whole) <= 1e-9 * whole, "\(path): \(key)")
    }
    for part in parts { try check(part, path + "/" + (part["name"] as? String ?? "")) }
  }

  @Test(arguments: Repository.files(in: "models/scenarios", ending: ".yaml"))
  func partsAddUp(file: String) throws {
    let result = try rooftree("estimate", "./" + file, "--json")
    #expect(result.status == 0, "\(result.errors)")
    let answer = try #require(try json(result.output) as? [String: Any])
    let root = try #require(answer["breakdown"] as? [String: Any])
    try check(root, "")
    #expect(answer["time_s"] as? Double == root["time_s"] as? Double)
    let low = try #require(answer["time_low90_s"] as? Double)
    let high = try #require(answer["time_high90_s"] as? Double)
    #expect(low < high)
    if let share = answer["communication_share"] as? Double { #expect((0...1).contains(share)) }
    if let used = answer["model_flop_utilization"] as? Double { #expect(used > 0 && used < 1) }
  }

  @Test func gettingStarted() throws {
    let text = try rooftree("estimate", "getting-started")
    #expect(text.status == 0)
    #expect(text.output.contains("tokens/s"))
    let answer = try #require(
      try json(try rooftree("estimate", "getting-started", "--json").output) as? [String: Any])
    let seconds = try #require(answer["time_s"] as? Double)
    let tokens = try #require(answer["tokens_per_s"] as? Double)
    #expect(abs(seconds * tokens - 1024 * 8192) < 1e-3)
    // Weights of Llama 3 70B that take part in products: 1,024 GPUs of 989 TFLOP/s cannot be faster than six FLOP for each
    // and every token at their peak; good programs are not three times slower.
    let layer: Double = 2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28672
    let floor: Double = 6 * (80 * layer + 8192 * 128256) * 1024 * 8192 / (1024 * 989e12)
    #expect(seconds > floor && seconds < 3 * floor)
  }

  private func seconds(_ changes: String...) throws -> Double {
    let arguments = ["estimate", "gpt3-175b-node", "--json"] + changes.flatMap { ["--set", $0] }
    let result = try Command.run(Command.rooftree, arguments)
    let answer = try #require(try json(result.output) as? [String: Any], "\(result.errors)")
    return try #require(answer["time_s"] as? Double)
  }

  /// More work takes longer, faster hardware takes less, and a change of nothing changes nothing.
  @Test func changesActInTheRightDirection() throws {
    let base = try seconds()
    #expect(try seconds("run.micro_batch=1") == base)
    let twice = try seconds("run.micro_batch=2")
    #expect(twice > 1.3 * base && twice < 2.2 * base)
    #expect(try seconds("hardware=nvidia-b200") < base)
    #expect(try seconds("hardware=nvidia-h200-slow-a") > base)
    #expect(try seconds("run.pass=forward", "run.optimizer=none") < 0.5 * base)
  }

  /// The same chip with slower memory decodes more slowly, and its answer says whose constants it has.
  @Test func anH100BorrowsFromTheH200() throws {
    func answer(_ changes: String...) throws -> [String: Any] {
      let words = ["estimate", "llama-70b-serving", "--json"] + changes.flatMap { ["--set", $0] }
      let output = try Command.run(
        Command.rooftree, words, in: Repository.root, environment: ["ROOFTREE_MODELS": Repository.models]
      ).output
      return try #require(try json(output) as? [String: Any])
    }
    let own = try answer()
    let borrowed = try answer("hardware=nvidia-h100-80g-sxm")
    let none = try answer("hardware=nvidia-h100-80g-sxm", "calibration=none")
    let times = try [own, borrowed, none].map { try #require($0["time_s"] as? Double) }
    #expect(times[1] > times[0])
    #expect(own["calibration_borrowed"] as? Bool == false)
    #expect(borrowed["calibration"] as? String == "nvidia-h200")
    #expect(borrowed["calibration_borrowed"] as? Bool == true)
    #expect(none["calibration"] is NSNull)
    #expect(borrowed["changed"] as? [String] == ["hardware=nvidia-h100-80g-sxm"])
    #expect(
      borrowed["title"] as? String
        == "Llama 3 70B answers 32 prompts of 2,048 tokens with 512 tokens each on 8 H200 (changed: hardware=nvidia-h100-80g-sxm)"
    )
  }

  @Test func depthCutsTheTree() throws {
    let one = try rooftree("estimate", "getting-started", "--depth", "1").output
    let many = try rooftree("estimate", "getting-started", "--depth", "4").output
    #expect(one.split(separator: "\n").count < many.split(separator: "\n").count)
  }
}

@Suite struct ValidateCommandTests {
  private static let tables = ["h200", "aiconfigurator", "a100-megatron", "upmem"].flatMap {
    Repository.files(in: "notebooks-data/measurements/" + $0, ending: ".csv")
  }

  @Test(arguments: tables)
  func shippedTables(table: String) throws {
    let result = try rooftree("validate", "--json", table)
    #expect(result.status == 0, "\(result.errors)")
    let groups = try #require(try json(result.output) as? [[String: Any]])
    #expect(!groups.isEmpty)
    let keys: Set = [
      "table", "group", "quantity", "rows", "read_back_rows", "bias", "mape", "p50", "p90", "max",
      "coverage90", "share_points", "extrapolated", "no_answer", "hardware", "hardware_by", "calibration",
    ]
    for group in groups {
      #expect(Set(group.keys) == keys)
      #expect(group["table"] as? String == table)
      #expect(try #require(group["rows"] as? Double) >= 1)
      guard let mape = group["mape"] as? Double else {
        #expect(group["p50"] is NSNull && group["bias"] is NSNull)
        continue
      }
      let p50 = try #require(group["p50"] as? Double)
      let p90 = try #require(group["p90"] as? Double)
      let worst = try #require(group["max"] as? Double)
      let bias = try #require(group["bias"] as? Double)
      #expect(p50 <= p90 && p90 <= worst && mape <= worst && abs(bias) <= mape + 1e-9)
      if let coverage = group["coverage90"] as? Double { #expect((0...100).contains(coverage)) }
    }
  }

  /// A table says whose models predicted it and why: the log of a program by its own lines, others by their name or folder.
  @Test func theDeviceIsSaid() throws {
    let folder = try TemporaryFolder()
    let log = Repository.root + "/Tests/CalibrationTests/Fixtures/nccl-h200.log"
    let text = try String(contentsOfFile: log, encoding: .utf8)
    try folder.write(
      "log.txt", Array(text.replacingOccurrences(of: "NVIDIA H200", with: "NVIDIA H100 80GB HBM3").utf8))
    let rows = Array("op,dtype,params,median_us\ngemm,bf16,m=4096;n=4096;k=4096,200\n".utf8)
    try FileManager.default.createDirectory(atPath: folder.path + "/B200", withIntermediateDirectories: true)
    for name in ["h20-gemm.csv", "gemm.csv", "B200/gemm.csv"] { try folder.write(name, rows) }
    func line(_ words: String...) throws -> String {
      let result = try Command.run(
        Command.rooftree, ["validate"] + words, in: folder.path,
        environment: ["ROOFTREE_MODELS": Repository.models])
      #expect(result.status == 0, "\(result.errors)")
      return result.output.split(separator: "\n").dropFirst().first.map(String.init) ?? ""
    }
    let lent = "; collectives and energies by the data sheet)"
    #expect(
      try line("log.txt")
        == "device: nvidia-h100-80g-sxm (the file says NVIDIA H100 80GB HBM3); calibration: nvidia-h200 (borrowed: measured "
        + "on NVIDIA H200 SXM, 141 GB" + lent)
    #expect(
      try line("log.txt", "--hardware", "nvidia-h200")
        == "device: nvidia-h200 (--hardware; the file says NVIDIA H100 80GB HBM3); calibration: nvidia-h200")
    #expect(
      try line("h20-gemm.csv", "--calibration", "none")
        == "device: nvidia-h20-96g (by the file's name); calibration: none")
    #expect(
      try line("B200/gemm.csv") == "device: nvidia-b200 (by the folder's name); calibration: nvidia-b200")
    #expect(
      try line("gemm.csv")
        == "device: nvidia-h200 (the usual one: the file's name says none); calibration: nvidia-h200")
  }

  /// Both verbs answer alike for a device that borrows: a product of an H20 in a table and in a scenario.
  @Test func validateBorrowsAsEstimateDoes() throws {
    let folder = try TemporaryFolder()
    let table = try folder.write(
      "h20.csv", Array("op,dtype,params,median_us\ngemm,bf16,m=4096;n=4096;k=4096,1200\n".utf8))
    let rows = folder.path + "/rows.csv"
    #expect(try rooftree("validate", table, "--rows", rows).status == 0)
    let fields = try String(contentsOfFile: rows, encoding: .utf8).split(separator: "\n")[1].split(
      separator: ",")
    let scenario = try folder.write(
      "s.yaml",
      Array(
        """
        name: product
        title: one product
        workload:
          name: one
          title: one product
          kind: operators
          operators: [{op: gemm, m: 4096, n: 4096, k: 4096, layout: NT, datatype: bf16}]
        hardware: nvidia-h20-96g

        """.utf8))
    let answer = try #require(try json(rooftree("estimate", "--json", scenario).output) as? [String: Any])
    let seconds = try #require(answer["time_s"] as? Double)
    #expect(abs((Double(fields[5]) ?? 0) * 1e-6 / seconds - 1) < 1e-9)
    #expect(answer["calibration"] as? String == "nvidia-h200" && fields[11] == "nvidia-h200")
  }

  /// What a device cannot do has no error, and a reason; an operator that no form covers is listed.
  @Test func rowsWithoutAnAnswerSayWhy() throws {
    let folder = try TemporaryFolder()
    let operators = try folder.write(
      "h200.csv",
      Array(
        """
        op,dtype,params,median_us
        gemm,bf16,m=262144;n=262144;k=262144,1e8
        gemm,int8,m=4096;n=4096;k=4096,100
        cholesky,fp32,n=4096,50

        """.utf8))
    let collectives = try folder.write(
      "l40s.csv",
      Array(
        """
        op,ranks,bytes,median_us
        allreduce,16,1048576,30
        AllReduce,1,1048576,30
        all_gather,2,300000000000,1e6

        """.utf8))
    let layers = try folder.write(
      "nvidia-h200.csv",
      Array(
        ("tp,h,heads,s,b,layers,fwd_us,fwd_nocomm_us,fwdbwd_us,fwdbwd_nocomm_us\n"
          + "2,1048576,8192,1048576,1,2,1e9,1e9,1e9,1e9\n").utf8))
    let text = try rooftree("validate", operators, collectives, layers).output
    // Four values of a row, one reason.
    #expect(text.components(separatedBy: "tp 2: no answer for 1 of 1 rows: operands of 8.80 TB").count == 2)
    for line in [
      "gemm bf16: no answer for 1 of 1 rows: operands of 412 GB do not fit in the 141 GB of nvidia-h200",
      "all_reduce 16 ranks: no answer for 1 of 1 rows: no network of nvidia-l40s joins 16 devices",
      "all_reduce 1 ranks: no answer for 1 of 1 rows: one rank exchanges nothing",
      "all_gather 2 ranks: no answer for 1 of 1 rows: a buffer of 300 GB does not fit in the 48.0 GB of nvidia-l40s",
      "-: no model covers these rows yet",
    ] { #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)") }
    let groups = try #require(try json(rooftree("validate", "--json", operators).output) as? [[String: Any]])
    // No table has a row of int8: it takes the constants of fp8.
    #expect(groups.map { $0["extrapolated"] as? Double } == [0, 1, 0, 1])
    #expect((groups[0]["no_answer"] as? [String])?.count == 1 && (groups[2]["no_answer"] as? [String]) == [])
  }

  /// Steps of a regression and products side by side were measured on an H200: elsewhere they are marked, as wide as other kernels,
  /// and what has no answer has no mark.
  @Test(arguments: [("nvidia-h200", "false", 0.08), ("nvidia-a100-80g-sxm", "true", 0.25)])
  func stepsOfRegressionsElsewhere(hardware: String, mark: String, spread: Double) throws {
    let folder = try TemporaryFolder()
    let table = try folder.write(
      "rows.csv",
      Array(
        """
        op,dtype,params,median_us,flops,bytes
        lr_dense,fp32,features=4096;batch=32768,268,536870912,1073741824
        lr_sparse,fp32,features=1000000;nnz=39;batch=4096,16,638976,3194880
        conc,bf16,degree=4;m=2048;n=2048;k=2048,100,0,0
        cholesky,fp32,n=4096,50,0,0

        """.utf8))
    let rows = folder.path + "/out.csv"
    _ = try rooftree("validate", "--hardware", hardware, "--rows", rows, table)
    let fields = try String(contentsOfFile: rows, encoding: .utf8).split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    #expect(fields.map { $0[9] } == [mark, mark, mark, ""])
    for row in fields.prefix(2) {
      let (predicted, high) = (try #require(Double(row[5])), try #require(Double(row[7])))
      #expect(abs(log(high / predicted) / 1.645 - spread) < 1e-9)
    }
  }

  /// Rows of another device are fitted with warnings: by the table's name, and by what the data sheet allows.
  @Test func calibratingTheWrongDevice() throws {
    let table = "notebooks-data/measurements/aiconfigurator/a100_operators.csv"
    let result = try rooftree("calibrate", "--hardware", "nvidia-l40s", "--table", table)
    #expect(result.status == 0)
    let warnings = result.errors.split(separator: "\n").filter { $0.hasPrefix("warning: ") }
    let first =
      "warning: \(table): its name means nvidia-a100-80g-sxm, but --hardware is nvidia-l40s"
    #expect(warnings.first.map(String.init) == first)
    #expect(warnings.count == 3)
    #expect(warnings.count > 1 && warnings[1].contains("than the data sheet of nvidia-l40s allows"))
  }

  /// Rows that are the calibration's own curves are no proof of its accuracy.
  ///
  /// No error is printed for them, but what the calibration holds from leaving points out (its file's
  /// `collectives.spread`). Without the calibration they are predicted.
  @Test func ownCurvesHaveNoErrors() throws {
    let table = "notebooks-data/measurements/h200/collectives_nvlink.csv"
    let printed = try rooftree("validate", table)
    #expect(printed.status == 0, "\(printed.errors)")
    let file = try String(
      contentsOfFile: Repository.root + "/models/calibrations/nvidia-h200.yaml", encoding: .utf8)
    let section = try #require(file.components(separatedBy: "\ncollectives:\n").last)
    let spread = try #require(
      section.firstMatch(of: /spread: ([0-9.]+)/).flatMap { Double(String($0.output.1)) })
    let words = String(format: "A point left out of its curve is missed by %.1f %%", 100 * spread)
    #expect(printed.output.contains(words), "\(words): \(printed.output)")
    #expect(printed.output.contains("own measured curves"))
    let own = try #require(try json(rooftree("validate", "--json", table).output) as? [[String: Any]])
    let other = try #require(
      try json(rooftree("validate", "--json", table, "--calibration", "none").output) as? [[String: Any]])
    for group in own {
      #expect(group["read_back_rows"] as? Double == group["rows"] as? Double)
      #expect(group["mape"] is NSNull)
    }
    for group in other {
      #expect(group["read_back_rows"] as? Double == 0)
      #expect(try #require(group["mape"] as? Double) > 0.5)
    }
  }

  /// The rows say the same as the summary: mean and largest error can be had from them again.
  @Test func rowsAgreeWithTheSummary() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/new/rows.csv"
    let table = "notebooks-data/measurements/h200/tp_layers_nvlink.csv"
    let result = try rooftree("validate", "--json", table, "--rows", path)
    #expect(result.status == 0, "\(result.errors)")
    // Only the file itself is left, no half-written one beside it.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/new") == ["rows.csv"])
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(
      lines[0].joined(separator: ",")
        == "table,line,group,quantity,measured,predicted,low90,high90,relative_error_percent,extrapolated,"
        + "hardware,calibration")
    let groups = try #require(try json(result.output) as? [[String: Any]])
    for group in groups where group["group"] as? String != "all" {
      let rows = lines.dropFirst().filter {
        $0[2] == group["group"] as? String ?? "" && $0[3] == group["quantity"] as? String ?? ""
      }
      #expect(Double(rows.count) == group["rows"] as? Double)
      let errors = rows.compactMap { row -> Double? in
        guard let measured = Double(row[4]), let predicted = Double(row[5]) else { return nil }
        return (predicted / measured - 1) * 100
      }
      let mape = try #require(group["mape"] as? Double)
      #expect(abs(errors.map { abs($0) }.reduce(0, +) / Double(errors.count) - mape) < 1e-6)
      #expect(abs((errors.map { abs($0) }.max() ?? 0) - (group["max"] as? Double ?? -1)) < 1e-6)
    }
  }

  @Test func rowsReplaceAFileInOneStep() throws {
    let folder = try TemporaryFolder()
    let table = "notebooks-data/measurements/h200/dp_nvlink.csv"
    let path = try folder.write("rows.csv", Array(repeating: 0x78, count: 1_000_000))
    let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    #expect(try rooftree("validate", table, "--rows", path).status == 0)
    // Another file under the same name: whoever reads sees the old one or the new one, never a half.
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int != before)
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("table,line,"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["rows.csv"])
  }

  /// A bad table leaves the file of an earlier run alone.
  @Test func nothingIsWrittenAfterAnError() throws {
    let folder = try TemporaryFolder()
    let table = try folder.write("bad.csv", Array("op,ranks,bytes,median_us\nall_reduce,4,1024,-1\n".utf8))
    let path = try folder.write("rows.csv", Array("old".utf8))
    #expect(try rooftree("validate", table, "--rows", path).status == 65)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
  }

  @Test func linksAndPipesStayWhatTheyAre() throws {
    let folder = try TemporaryFolder()
    let table = "notebooks-data/measurements/h200/dp_nvlink.csv"
    let target = try folder.write("target.csv", Array("old".utf8))
    let link = folder.path + "/link.csv"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    #expect(try rooftree("validate", table, "--rows", link).status == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    #expect(try String(contentsOfFile: target, encoding: .utf8).hasPrefix("table,line,"))
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let script =
      "head -1 '\(pipe)' & '\(Command.rooftree)' validate \(table) --rows '\(pipe)' > /dev/null; wait"
    let result = try Command.run("/bin/sh", ["-c", script])
    #expect(
      result.output
        == "table,line,group,quantity,measured,predicted,low90,high90,relative_error_percent,extrapolated,"
        + "hardware,calibration\n")
    var info = stat()
    #expect(lstat(pipe, &info) == 0 && info.st_mode & S_IFMT == S_IFIFO)
  }

  @Test func folderInTheWay() throws {
    let folder = try TemporaryFolder()
    let result = try rooftree(
      "validate", "notebooks-data/measurements/h200/dp_nvlink.csv", "--rows", folder.path)
    #expect(result.status == 74)
    #expect(result.errors == "error: \(folder.path): cannot be written: Is a directory\n")
    let file = try folder.write("file", [])
    let below = try rooftree(
      "validate", "notebooks-data/measurements/h200/dp_nvlink.csv", "--rows", file + "/rows.csv")
    #expect(below.status == 74)
    #expect(below.errors == "error: \(file): cannot be written: the folder cannot be made\n")
  }
}

@Suite struct OutputTests {
  /// `rooftree list | head -1` ends without a word, whether or not the signal of the broken pipe is ignored.
  @Test(arguments: ["", "trap '' PIPE; "])
  func closedOutput(prefix: String) throws {
    let result = try Command.run(
      "/bin/sh",
      [
        "-c",
        "\(prefix)( '\(Command.rooftree)' validate --json notebooks-data/measurements/h200/*.csv ) | head -1",
      ])
    #expect(result.output == "[\n")
    #expect(result.errors == "")
    #expect(result.status == 0)
  }

  @Test func fullDeviceIsNamed() throws {
    let result = try Command.run("/bin/sh", ["-c", "'\(Command.rooftree)' list > /dev/full"])
    #expect(result.status == 74)
    #expect(result.errors == "error: standard output: cannot be written: No space left on device\n")
  }

  /// The catalogue is found by --models, by ROOFTREE_MODELS, in the folders above, and beside the program.
  @Test func catalogueIsFound() throws {
    let folder = try TemporaryFolder()
    let elsewhere = try Command.run(Command.rooftree, ["list", "scenarios"], in: folder.path)
    #expect(elsewhere.status == 0)
    #expect(elsewhere.output.contains("getting-started"))
    try folder.write("models/hardware/mine.yaml", Array("name: mine\ntitle: Only this one\n".utf8))
    try folder.write("deep/below/note", [])
    let above = try Command.run(Command.rooftree, ["list"], in: folder.path + "/deep/below")
    #expect(above.output.contains("Only this one") && !above.output.contains("getting-started"))
    let variable = try Command.run(
      Command.rooftree, ["list"], in: "/", environment: ["ROOFTREE_MODELS": folder.path + "/models"])
    #expect(variable.output.contains("Only this one"))
    let option = try Command.run(
      Command.rooftree, ["list", "--models", Repository.models], in: "/",
      environment: ["ROOFTREE_MODELS": folder.path + "/models"])
    #expect(option.output.contains("getting-started") && !option.output.contains("Only this one"))
  }
}

@Suite struct ManualTests {
  /// The manual pages are generated (`make manual`) and kept: an option that they lack means that they are old.
  @Test(arguments: ["estimate", "validate", "calibrate", "report", "list", "show"])
  func everyOptionIsInTheManual(verb: String) throws {
    let help = try rooftree(verb, "--help").output
    let page = try String(contentsOfFile: Repository.root + "/docs/man/rooftree.\(verb).1", encoding: .utf8)
    let options = help.split(whereSeparator: { !($0.isLetter || $0 == "-") }).filter { $0.hasPrefix("--") }
    #expect(options.count >= 2)
    for option in Set(options) {
      let name = option.drop { $0 == "-" }
      #expect(page.contains("Fl -\(name)"), "\(option) of \(verb) is not in the manual: run make manual")
    }
  }
}

@Suite struct PathTests {
  /// A scenario's own files stand beside it, wherever the command is called from.
  @Test func pathsInAFileAreMeantFromItsFolder() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(
      "config.json",
      Array(
        """
        {"model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 8,
         "num_key_value_heads": 2, "intermediate_size": 2816, "vocab_size": 1000, "hidden_act": "silu"}
        """.utf8))
    let scenario = try folder.write(
      "scenario.yaml", Array("name: own\nworkload: ./config.json\nhardware: nvidia-h200\n".utf8))
    let result = try rooftree("estimate", scenario, "--json")
    #expect(result.errors == "")
    #expect(result.status == 0)
    #expect(result.output.contains("config.json"))
  }
}

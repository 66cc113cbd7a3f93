import Calibration
import CostModels
import Documents
import Foundation
import Quantities
import ModelTestSupport
import Testing
import Workloads

@Suite struct MeasuredTableTests {
  /// Every table of notebooks-data/measurements with the kind that its README says it is.
  static let tables: [(String, TableKind)] = [
    ("h200/operators.csv", .operators), ("h200/sm_partition.csv", .unitPartition),
    ("h200/collectives_nvlink.csv", .collectives), ("h200/collectives_slow_a.csv", .collectives),
    ("h200/collectives_slow_b.csv", .collectives), ("h200/tp_layers_nvlink.csv", .tensorParallelLayers),
    ("h200/tp_layers_slow_a.csv", .tensorParallelLayers), ("h200/dp_nvlink.csv", .dataParallel),
    ("h200/c3.csv", .concurrency), ("h200/c3_dma.csv", .concurrency), ("h200/layers.csv", .layers),
    ("lenet/h200.csv", .convolutions),
    ("h200/energy.csv", .energy), ("measure-gpu/h200_unaligned.csv", .operators),
    ("measure-gpu/h200_unaligned_small.csv", .operators),
    ("measure-gpu/h100_energy.csv", .energy),
    ("measure-gpu/h100_decode.csv", .operators),
    ("h200/cpu_xeon16.csv", .cpuKernels),
    ("aiconfigurator/a100_operators.csv", .operators), ("aiconfigurator/b200_operators.csv", .operators),
    ("aiconfigurator/a100_collectives.csv", .collectives),
    ("aiconfigurator/b200_collectives.csv", .collectives), ("upmem/prim_kernels.csv", .pimKernels),
    ("a100-megatron/single_node.csv", .trainingIterations),
    ("a100-megatron/multi_node.csv", .trainingIterations),
    ("measure-gpu/h200_operators.csv", .operators), ("measure-gpu/h100_operators.csv", .operators),
    ("measure-gpu/h200_operators_more.csv", .operators),
    ("measure-gpu/h100_operators_more.csv", .operators),
    ("measure-gpu/h100_collectives.csv", .collectives),
    ("measure-gpu/h200_collectives_slow_a.csv", .collectives),
    ("measure-gpu/h200_collectives_slow_b.csv", .collectives),
    ("measure-gpu/h100_training_steps.csv", .publishedSteps),
  ]
  /// Folders of tables that others read, and tables without a form (see the README there).
  static let otherFolders: Set = ["training-logs"]
  static let withoutForm: Set = [
    "h100/held_units.csv",
    "lenet/h100-phases.csv",
  ]

  static func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: Repository.measurements(path), encoding: .utf8)
      .split(whereSeparator: \.isNewline).map(String.init)
  }

  /// Values of a row, counted in its text: one, one for each timed column, or one for each time that is not zero.
  static func expectedValues(_ line: String, _ kind: TableKind) -> Int {
    switch kind {
    // The time together is predicted twice: from measured isolated times and from predicted ones.
    case .tensorParallelLayers, .dataParallel, .concurrency: 4
    // Seconds, joules and mean watts; watts at full clock where the table has them.
    case .energy: line.hasPrefix("idle") ? 0 : line.split(separator: ",").count > 10 ? 4 : 3
    case .layers:
      // Their sum and four times on the wall besides the classes.
      line.split(separator: ";").filter { !$0.hasSuffix("=0.0") && !$0.hasSuffix("=0") }.count + 5
    case .pimKernels: line.split(separator: ",").suffix(4).filter { Double($0) != 0 }.count
    // The time of a step, and the memory and the power of a device.
    case .publishedSteps: 3
    default: 1
    }
  }

  /// Collections time 8-bit products with the quantisation of their input, runs of `tools/measure-gpu` without.
  @Test(arguments: [("aiconfigurator/b200_operators.csv", true), ("measure-gpu/h200_operators.csv", false)])
  func eightBitProductsOfCollectionsAreQuantised(path: String, isCollection: Bool) throws {
    let table = try Table(path: Repository.measurements(path))
    for value in try measuredValues(of: table, kind: .operators) where value.group.hasPrefix("gemm") {
      switch value.subject {
      case .kernels(let operations, 1, _):
        #expect(isCollection && value.group == "gemm fp8, input quantised")
        guard operations.count == 2, case .streaming(let quantise) = operations[0].work,
          case .gemm(let product) = operations[1].work
        else {
          Issue.record("line \(value.line): no quantisation before a product")
          continue
        }
        #expect(quantise.elements == product.batch * product.m * product.k)
        // Two bytes read and one written for each element.
        #expect(quantise.bytes(.fp8) == 3 * quantise.elements)
      default: #expect(!(isCollection && value.group == "gemm fp8"))
      }
    }
  }

  /// The gradient of an embedding fills its whole table: as high as the row says, else as high as the tool's.
  @Test(arguments: [(";vocab=128256", 128_256.0), (";vocabulary=1000", 1000), ("", 51_200)])
  func embeddingsFillTheirTable(words: String, height: Double) throws {
    let text = "op,dtype,params,median_us\nembedding_backward,bf16,t=4096;h=1024\(words),99\n"
    let table = try Table(text: text, file: "t.csv")
    let value = try #require(try measuredValues(of: table, kind: .operators).first)
    guard case .kernels(let kernels, 1, _) = value.subject, case .streaming(let fill)? = kernels.first?.work
    else {
      Issue.record("no kernels")
      return
    }
    #expect(fill.kind == .fill && fill.elements == height * 1024)
  }

  /// A user's own single runs are products alone where the table says so, or where the three times differ.
  @Test func quantisationCanBeSaid() throws {
    let values = try Self.values(
      """
      op,dtype,params,median_us,min_us,p90_us,reps
      gemm,fp8,m=64;n=64;k=64,5,5,5,1
      gemm,fp8,m=64;n=64;k=64;quantise=0,5,5,5,1
      gemm,fp8,m=64;n=64;k=64,5,4,6,1
      gemm,fp8,m=64;n=64;k=64;quantise=1,5,4,6,100

      """)
    let marked = "gemm fp8, input quantised"
    #expect(values.map(\.group) == [marked, "gemm fp8", "gemm fp8", marked])
  }

  /// Only gradients that no graph replayed have the host in the way: one by one, 35 runs whatever the length.
  @Test func onlyGradientsRunOneByOneWaitForTheHost() throws {
    let values = try Self.values(
      """
      op,dtype,params,median_us,reps,method
      sdpa_bwd,bf16,b=1;heads=16;s=512;d=64;causal=1,164,35,
      sdpa_bwd,bf16,b=1;heads=16;s=512;d=64;causal=1,26,1558,
      sdpa_bwd,bf16,b=1;heads=16;s=512;d=64;causal=1,26,35,graph
      sdpa_fwd,bf16,b=1;heads=16;s=512;d=64;causal=1,26,35,

      """)
    #expect(values.map { $0.hostTime > 0 } == [true, false, false, false])
  }

  @Test(arguments: tables)
  func everyTableIsRecognised(path: String, kind: TableKind) throws {
    let table = try Table(path: Repository.measurements(path))
    #expect(try TableKind.recognise(table) == kind)
    let lines = try Self.lines(path).dropFirst()
    let values = try measuredValues(of: table, kind: kind)
    #expect(values.count == lines.reduce(0) { $0 + Self.expectedValues($1, kind) })
    #expect(values.allSatisfy { $0.measured > 0 && $0.unit > 0 })
    // Lines grow from the first below the header to the last.
    #expect(values.map(\.line) == values.map(\.line).sorted())
    #expect(values.last?.line == lines.count + 1)
  }

  @Test func noTableIsForgotten() throws {
    let root = Repository.measurements("")
    var found: Set<String> = []
    for folder in try FileManager.default.contentsOfDirectory(atPath: root)
    where !Self.otherFolders.contains(folder) {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: root + folder)) ?? []
      for file in files where file.hasSuffix(".csv") { found.insert(folder + "/" + file) }
    }
    #expect(found == Set(Self.tables.map(\.0)).union(Self.withoutForm))
  }

  /// The columns in reverse order with one more that nobody asked for: the same values.
  @Test(arguments: tables)
  func orderAndFurtherColumnsDoNotMatter(path: String, kind: TableKind) throws {
    let lines = try Self.lines(path)
    let turned = lines.enumerated().map { index, line in
      (line.split(separator: ",", omittingEmptySubsequences: false).reversed().map(String.init)
        + [index == 0 ? "remark" : "x"]).joined(separator: ",")
    }
    let table = try Table(text: turned.joined(separator: "\n") + "\n", file: path)
    #expect(try TableKind.recognise(table) == kind)
    let straight = try Repository.values(path)
    let values = try measuredValues(of: table, kind: kind)
    #expect(values.map(\.measured) == straight.map(\.measured))
    #expect(values.map(\.group) == straight.map(\.group))
    #expect(values.map(\.quantity) == straight.map(\.quantity))
  }

  @Test(arguments: [
    ("op,ranks,bytes,min_us", "median_us"),
    ("suite,op,dtype,median_us", "params"),
    ("tp,h,heads,s,b,layers,fwd_us,fwd_nocomm_us,fwdbwd_us", "fwdbwd_nocomm_us"),
    ("benchmark,num_dpus,hw_kernel_ms", "data_prep_param"),
  ])
  func aMissingColumnIsNamed(header: String, column: String) throws {
    let table = try Table(text: header + "\n", file: "t.csv")
    do {
      _ = try TableKind.recognise(table)
      Issue.record("accepted without \(column)")
    } catch {
      guard case .missingColumn(column, let known) = error.fault else {
        Issue.record("another fault: \(error)")
        return
      }
      #expect(known == header.split(separator: ",").map(String.init))
    }
  }

  @Test func anUnknownHeaderIsSaidToBeUnknown() throws {
    let table = try Table(text: "date,price\n", file: "t.csv")
    do {
      _ = try TableKind.recognise(table)
      Issue.record("accepted")
    } catch {
      #expect(error.fault == .unknownTable(columns: ["date", "price"]))
    }
  }

  static func values(_ text: String) throws -> [MeasuredValue] {
    let table = try Table(text: text, file: "t.csv")
    return try measuredValues(of: table, kind: try TableKind.recognise(table))
  }

  @Test func aProductIsReadWithItsShape() throws {
    let values = try Self.values(
      "suite,op,dtype,params,median_us\na,gemm,float32,m=512;n=3072;k=1024;layout=TN,6.5\n")
    let value = try #require(values.first)
    #expect(value.measured * value.unit == 6.5e-6)
    #expect(value.line == 2)
    guard case .kernel(let operation, nil, 1) = value.subject, case .gemm(let shape) = operation.work else {
      Issue.record("not one kernel")
      return
    }
    #expect(operation.dataType == .fp32)
    #expect([shape.m, shape.n, shape.k, shape.batch] == [512, 3072, 1024, 1])
    #expect(shape.layout == .TN)
  }

  @Test func severalEqualProductsRunAsOftenAsTheTableSays() throws {
    let values = try Self.values(
      """
      suite,op,dtype,params,median_us
      a,seq,bf16,m=64;n=64;k=64;degree=4,6
      a,conc,bf16,m=64;n=64;k=64;degree=4,6

      """)
    guard case .kernel(_, nil, 4) = values[0].subject, case .concurrentGEMM(_, .bf16, 4) = values[1].subject
    else {
      Issue.record("read as something else")
      return
    }
  }

  @Test func aPartitionKnowsItsUnits() throws {
    let values = try Self.values("op,params,sms,median_us\ngelu,n=4096,16,3\n")
    guard case .kernel(let operation, 16, 1) = values[0].subject,
      case .streaming(let shape) = operation.work
    else {
      Issue.record("read as something else")
      return
    }
    #expect(shape.kind == .gelu && shape.elements == 4096)
  }

  /// Layers of a table do the arithmetic of the layers that they name: 24 B s h² (1 + s/6h) FLOP forward over tp
  /// devices (reference, section 2.1), three times that with the backward pass (flash attention adds a product).
  @Test func layersOfATableHaveTheirOperations() throws {
    let values = try Self.values(
      """
      tp,h,heads,s,b,layers,fwd_us,fwd_nocomm_us,fwdbwd_us,fwdbwd_nocomm_us
      2,4096,32,2048,4,3,4,3,2,1

      """)
    #expect(values.map(\.measured) == [4, 3, 2, 1])
    var exchanges: [Int] = []
    for value in values {
      guard case .layers(let layer, 3, let backward) = value.subject else {
        Issue.record("read as something else")
        return
      }
      var list = OperatorList<Double>()
      layer.forward(into: &list)
      if backward { layer.backward(into: &list) }
      var products = 0.0
      var count = 0
      for operation in list.operators {
        if case .gemm(let shape) = operation.work { products += shape.flop }
        if case .collective = operation.work { count += 1 }
      }
      let matrices = 24.0 * 4 * 2048 * 4096 * 4096 / 2 * (backward ? 3 : 1)
      #expect(abs(products / matrices - 1) < 1e-12)
      exchanges.append(count)
    }
    // Two all-reduces forward and two backward, none in the columns without communication.
    #expect(exchanges == [2, 0, 4, 0])
  }

  @Test(arguments: [
    ("op,ranks,bytes,median_us\nall_reduce,4,1024,fast\n", "median_us", 19),
    ("op,ranks,bytes,median_us\nall_reduce,4,1024,0\n", "median_us", 19),
    ("op,ranks,bytes,median_us\nall_reduce,2.5,1024,1\n", "ranks", 12),
    ("op,ranks,bytes,median_us\nall_redcue,4,1024,1\n", "op", 1),
    ("op,params,sms,median_us\ngelu,n=-4,8,1\n", "n", 6),
    ("suite,op,dtype,params,median_us\na,gemm,bf16,m=64;n=64,1\n", "k", 13),
    ("suite,op,dtype,params,median_us\na,gemm,bf17,m=64;n=64;k=64,1\n", "dtype", 8),
  ])
  func aFieldThatIsWrongIsShown(text: String, word: String, column: Int) throws {
    do {
      _ = try Self.values(text)
      Issue.record("accepted")
    } catch let fault as Diagnostic {
      #expect(fault.position == .init(line: 2, column: column))
      #expect("\(fault)".contains(word))
    }
  }
}

/// Output of nccl-tests and rccl-tests.
@Suite struct CollectiveTestOutputTests {
  static func fixture(_ name: String) throws -> String {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures/" + name
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  static func read(_ name: String, _ change: (inout String) -> Void = { _ in }) throws -> [MeasuredValue] {
    var text = try fixture(name)
    change(&text)
    let (kind, values, _) = try measurements(text: text, file: name)
    #expect(kind == .collectives)
    return values
  }

  static func exchange(_ value: MeasuredValue) throws -> (Collective<Double>, DataType) {
    guard case .kernel(let operation, nil, 1) = value.subject, case .collective(let exchange) = operation.work
    else { throw CocoaError(.coderInvalidValue) }
    return (exchange, operation.dataType)
  }

  /// Three sizes, each out of place and in place, of the program that the comments name.
  @Test func ncclTests() throws {
    let values = try Self.read("nccl-h200.log")
    #expect(values.map(\.measured) == [24.35, 24.02, 65.02, 64.77, 326.40, 325.10])
    #expect(values.map(\.line) == [15, 15, 16, 16, 17, 17])
    #expect(Set(values.map(\.group)) == ["all_reduce 4 ranks"])
    #expect(values.prefix(2).map(\.quantity) == ["out_of_place_us", "in_place_us"])
    let (exchange, type) = try Self.exchange(values[2])
    #expect(exchange.kind == .allReduce && exchange.bytes == 8_388_608 && exchange.ranks == 4)
    #expect(type == .bf16)
    // The bus bandwidth that the file prints is 2 (N-1)/N of the payload over the time.
    #expect(abs(1.5 * exchange.bytes / (values[2].measured * values[2].unit) / 193.53e9 - 1) < 1e-3)
  }

  /// The tags of mpirun, lines of the library, and the collective by the name of the file.
  @Test func rcclTests() throws {
    let values = try Self.read("rccl-alltoall-mi300x.log")
    #expect(values.map(\.measured) == [35.61, 36.48, 78.20, 79.11, 242.30, 243.70])
    let (exchange, type) = try Self.exchange(values[5])
    #expect(exchange.kind == .allToAll && exchange.bytes == 16_777_216 && exchange.ranks == 2)
    #expect(type == .fp32)
  }

  /// Its sizes become a curve through the geometric means of both columns.
  @Test func itCalibrates() throws {
    var fit = DeviceFit(device: try Repository.device("nvidia-h200"))
    fit.add(try Self.read("nccl-h200.log"))
    let (calibration, _) = try fit.calibration(named: "x", source: "s")
    let curve = try #require(calibration.curves[.init(kind: "all_reduce", ranks: 4)])
    #expect(curve.points.count == 3)
    #expect(abs(curve.points[0].seconds - (24.35e-6 * 24.02e-6).squareRoot()) < 1e-12)
    // Three points say little of the error between points.
    #expect((calibration.curveSpread ?? 0) >= 0.07)
  }

  @Test(arguments: [
    (
      "bfloat16     sum      -1    65", "bfloat61     sum      -1    65", "16:29",
      "'type' is 'bfloat61'; did you mean 'bfloat16'?"
    ),
    ("   65.02  129.02", "   fast   129.02", "16:57", "'time' is 'fast'; expected a number of at least 0"),
    ("   65.02  129.02", "          129.02", "16:6", "the row has 12 fields; expected 13 as in the header"),
    ("  193.53      0", "  193.53      7", "16:84", "'#wrong' is '7'; expected 0: a run with right results"),
    ("starting: all_reduce_perf", "starting: reduce_perf", "2:29", "'program' is 'reduce_perf'"),
    ("#  Rank ", "#  Rang ", nil, "no line '# Rank ...' says which devices took part"),
    ("  type  ", "  kind  ", "13:1", "the table lacks the column 'type'"),
    ("#       size", "#       sizes", "15:6", "a row before the line of comments that names the columns"),
  ])
  func faultsAreShown(what: String, by: String, place: String?, words: String) throws {
    do {
      _ = try Self.read("nccl-h200.log") { $0 = $0.replacingOccurrences(of: what, with: by) }
      Issue.record("accepted")
    } catch let fault as Diagnostic {
      #expect("\(fault)".hasPrefix("nccl-h200.log" + (place.map { ":" + $0 } ?? "") + ": error: " + words))
    }
  }

  @Test func aNamelessFileMustSayItsCollective() throws {
    let text = try Self.fixture("nccl-h200.log").replacingOccurrences(of: "all_reduce_perf", with: "it")
    do {
      _ = try measurements(text: text, file: "log.txt")
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains("log.txt: error: does not say which collective it timed"))
    }
  }

  /// Whatever is cut out of a log, an answer or a fault comes back.
  @Test(arguments: UInt64(0)..<200)
  func spoiltTextNeverCrashes(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var bytes = Array(try Self.fixture(seed % 2 == 0 ? "nccl-h200.log" : "rccl-alltoall-mi300x.log").utf8)
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let from = Int.random(in: 0..<bytes.count, using: &random)
      let to = min(bytes.count, from + Int.random(in: 1...40, using: &random))
      if Bool.random(using: &random) {
        bytes.removeSubrange(from..<to)
      } else {
        for index in from..<to { bytes[index] = UInt8.random(in: 32...126, using: &random) }
      }
      if bytes.isEmpty { return }
    }
    do {
      let values = try measurements(text: String(decoding: bytes, as: UTF8.self), file: "all_reduce.log")
        .values
      #expect(values.allSatisfy { $0.measured > 0 && $0.measured.isFinite })
    } catch {
      #expect(!"\(error)".isEmpty)
    }
  }
}

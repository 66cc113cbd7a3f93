public import Documents
import Quantities
import Workloads

/// What the programs of nccl-tests and rccl-tests print, as it is.
///
/// Comment lines name the devices (`#  Rank  0 Group  0 Pid ... device  0 [0x0f] NVIDIA H200`) and the columns
/// (`#  size  count  type  redop  root  time  algbw  busbw #wrong  time ...`: out of place, then in place, in
/// microseconds); each line that begins with a size is a measurement. `size` is the full payload, as Rooftree counts it.
/// Which collective it is stands in `# Collective test starting: all_reduce_perf`, in a command line that was logged, or
/// in the name of the file. Lines of mpirun, of the library and of the summary are passed over.
struct CollectiveTestOutput {
  /// Programs by the collective that they time.
  static let programs: [String: Collective<Double>.Kind] = [
    "all_reduce_perf": .allReduce, "all_gather_perf": .allGather, "reduce_scatter_perf": .reduceScatter,
    "alltoall_perf": .allToAll, "broadcast_perf": .broadcast, "sendrecv_perf": .pointToPoint,
  ]
  /// Data types by the library's name.
  static let types: [String: DataType] = [
    "double": .fp64, "float": .fp32, "half": .fp16, "bfloat16": .bf16, "fp8_e4m3": .fp8, "fp8_e5m2": .fp8,
    "f8e4m3": .fp8, "f8e5m2": .fp8, "int8": .int8, "uint8": .int8, "int32": .int32, "uint32": .int32,
    "int64": .int64, "uint64": .int64,
  ]

  /// A word of a line with its column, from 1.
  struct Word {
    let text: String
    let column: Int
  }

  let file: String?
  let lines: [(number: Int, words: [Word])]

  /// The output in a text; nil when no comment line says that it is one.
  init?(text: String, file: String?) {
    self.file = file
    var lines: [(number: Int, words: [Word])] = []
    var isTest = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = Self.words(of: line)
      guard !words.isEmpty else { continue }
      let isComment = words[0].text.hasPrefix("#")
      if isComment {
        let texts = words.map(\.text)
        isTest =
          isTest || (texts.contains("nThread") && texts.contains("nGpus")) || texts.contains("nccl-tests")
          || texts.contains("rccl-tests") || (texts.contains("size") && texts.contains("algbw"))
      } else if !isTest, words[0].text.contains(",") {
        // A header of a CSV file.
        return nil
      }
      lines.append((index + 1, words))
    }
    guard isTest else { return nil }
    self.lines = lines
  }

  /// The words of a line, without the tag that mpirun may put before it (`[1,0]<stdout>:`).
  private static func words(of line: Substring) -> [Word] {
    var words: [Word] = []
    var word = ""
    var column = 0
    var start = 0
    for character in line.unicodeScalars {
      column += 1
      if character == " " || character == "\t" || character == "\r" {
        if !word.isEmpty { words.append(Word(text: word, column: start)) }
        word = ""
      } else {
        if word.isEmpty { start = column }
        word.unicodeScalars.append(character)
        if word.hasPrefix("["), word.hasSuffix("<stdout>:") { word = "" }
      }
    }
    if !word.isEmpty { words.append(Word(text: word, column: start)) }
    return words
  }

  /// The measured times: two for each line, out of place and in place.
  ///
  /// - Throws: `Diagnostic` at the first word that is not what its column holds, or where something is missing.
  func values() throws(Diagnostic) -> [MeasuredValue] {
    let ranks = try ranks()
    let kind = try kind()
    var columns: [String]?
    var values: [MeasuredValue] = []
    for (number, words) in lines {
      if words[0].text.hasPrefix("#") {
        let texts = words.map(\.text).filter { $0 != "#" }
        if texts.first == "size" {
          for column in ["count", "type", "time"] where !texts.contains(column) {
            throw fault(number, words[0], .missingColumn(column, known: texts))
          }
          columns = texts
        }
        continue
      }
      // Lines of mpirun and of the library begin with words.
      guard words[0].text.first?.isNumber == true else { continue }
      guard let columns else {
        throw fault(
          number, words[0],
          .syntax("a row before the line of comments that names the columns (size, count, type, ...)"))
      }
      guard words.count == columns.count else {
        throw fault(number, words[0], .wrongFieldCount(found: words.count, expected: columns.count))
      }
      values += try row(words, columns, number, kind: kind, ranks: ranks)
    }
    guard !values.isEmpty else {
      throw Diagnostic(
        file: file, position: nil, fault: .syntax("holds no measured size; expected rows of nccl-tests"))
    }
    return values
  }

  private func row(
    _ words: [Word], _ columns: [String], _ number: Int, kind: Collective<Double>.Kind, ranks: Int
  ) throws(Diagnostic) -> [MeasuredValue] {
    let bytes = try amount(words[0], "size", number)
    guard bytes > 0 else { return [] }
    var type = DataType.fp32
    if let index = columns.firstIndex(of: "type") {
      guard let known = Self.types[words[index].text] else {
        throw fault(
          number, words[index],
          .unknownWord(path: "type", found: words[index].text, known: Self.types.keys.sorted()))
      }
      type = known
    }
    for (index, column) in columns.enumerated() where column == "#wrong" || column == "error" {
      guard let wrong = Double(words[index].text), wrong > 0, column == "#wrong" else { continue }
      throw fault(
        number, words[index],
        .outOfRange(path: "#wrong", found: words[index].text, expected: "0: a run with right results"))
    }
    var values: [MeasuredValue] = []
    let quantities = ["out_of_place_us", "in_place_us"]
    for (index, column) in columns.enumerated() where column == "time" && values.count < 2 {
      let time = try amount(words[index], "time", number)
      guard time > 0 else {
        throw fault(
          number, words[index],
          .outOfRange(path: "time", found: words[index].text, expected: "a number above zero"))
      }
      values.append(
        MeasuredValue(
          line: number, group: "\(kind.rawValue) \(ranks) ranks", quantity: quantities[values.count],
          unit: 1e-6,
          measured: time,
          subject: .kernel(
            Operator("", .forward, .collective(Collective(kind, bytes: bytes, ranks: ranks)), type),
            units: nil,
            repeats: 1)))
    }
    return values
  }

  /// The device of the first `# Rank` line, as its driver names it: what follows `device 0 [0x0f]`.
  var device: String? {
    for (_, words) in lines where words[0].text.hasPrefix("#") {
      let texts = words.map(\.text)
      guard texts.contains(where: { $0 == "Rank" || $0 == "#Rank" }),
        let index = texts.lastIndex(of: "device"), index + 2 < texts.count
      else { continue }
      let title = texts[(index + 2)...].drop { $0.hasPrefix("[") || $0.hasSuffix("]") }
      return title.isEmpty ? nil : title.joined(separator: " ")
    }
    return nil
  }

  /// The number of `# Rank` lines: the devices that took part.
  private func ranks() throws(Diagnostic) -> Int {
    var ranks: Set<Int> = []
    for (number, words) in lines {
      guard let index = words.firstIndex(where: { $0.text == "Rank" || $0.text == "#Rank" }), index <= 1,
        words[0].text.hasPrefix("#"), index + 1 < words.count
      else { continue }
      guard let rank = Int(words[index + 1].text), rank >= 0 else {
        throw fault(
          number, words[index + 1],
          .outOfRange(path: "Rank", found: words[index + 1].text, expected: "a whole number"))
      }
      ranks.insert(rank)
    }
    guard !ranks.isEmpty else {
      throw Diagnostic(
        file: file, position: nil,
        fault: .syntax(
          "no line '# Rank ...' says which devices took part; expected the whole output of nccl-tests"))
    }
    return ranks.count
  }

  /// The collective: of the program that the output names, or of the file's name.
  private func kind() throws(Diagnostic) -> Collective<Double>.Kind {
    for (number, words) in lines {
      for word in words where word.text.hasSuffix("_perf") {
        let program = String(word.text.split(separator: "/").last ?? "")
        guard let kind = Self.programs[program] else {
          throw fault(
            number, word, .unknownWord(path: "program", found: program, known: Self.programs.keys.sorted()))
        }
        return kind
      }
    }
    let name = String(file?.split(separator: "/").last ?? "")
    for program in Self.programs.keys.sorted() {
      let stem = program.dropLast("_perf".count)
      let spellings = [
        String(stem), stem.split(separator: "_").joined(), stem.split(separator: "_").joined(separator: "-"),
      ]
      if spellings.contains(where: { name.contains($0) }) { return Self.programs[program] ?? .allReduce }
    }
    throw Diagnostic(
      file: file, position: nil,
      fault: .syntax(
        "does not say which collective it timed; expected a line '# Collective test starting: all_reduce_perf' or the program in the file's name"
      ))
  }

  private func amount(_ word: Word, _ column: String, _ number: Int) throws(Diagnostic) -> Double {
    guard let value = Double(word.text), value.isFinite, value >= 0 else {
      throw fault(
        number, word, .outOfRange(path: column, found: word.text, expected: "a number of at least 0"))
    }
    return value
  }

  private func fault(_ line: Int, _ word: Word, _ fault: Diagnostic.Fault) -> Diagnostic {
    Diagnostic(file: file, position: .init(line: line, column: word.column), fault: fault)
  }
}

/// Reads a file of measurements: a table of a known kind, or what nccl-tests or rccl-tests printed.
///
/// - Parameter path: the file.
/// - Returns: the kind, the values in the order of the lines, and the device where the file itself names it.
/// - Throws: `Diagnostic` at the first fault.
public func measurements(path: String) throws(Diagnostic)
  -> (kind: TableKind, values: [MeasuredValue], device: String?)
{
  try measurements(text: try readText(path: path, limit: 1 << 30), file: path)
}

/// Reads measurements from a text, as ``measurements(path:)`` does.
public func measurements(text: String, file: String?) throws(Diagnostic)
  -> (kind: TableKind, values: [MeasuredValue], device: String?)
{
  if let output = CollectiveTestOutput(text: text, file: file) {
    return (.collectives, try output.values(), output.device)
  }
  let table = try Table(text: text, file: file)
  let kind = try TableKind.recognise(table)
  try checkDuplicates(in: table, kind: kind)
  return (kind, try measuredValues(of: table, kind: kind), nil)
}

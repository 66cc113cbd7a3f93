import Glibc

/// What is done of a part that is not whole yet, so that a process that is killed loses at most the block at hand.
///
/// Records of blocks are appended as they are done, each with its own checksum. A record that a kill has cut short is not
/// read. Another process that computes the part reads all journals that are there, goes on, and removes them when the part
/// is whole. Nothing is synced: what a process has written outlives it, though not a machine that loses power, which costs
/// the part.
final class PartJournal {
  private static let magic = "rooftree journal 1\n"
  /// Seconds between records of a thread, so that cheap blocks do not wait for the disk; slower ones are written one by one.
  static let interval = 0.05

  private let header: PartFile.Header
  private let folder: String
  private var path: String?
  private var descriptor: Int32 = -1
  private var length = 0
  /// Whether the disk takes no records: the part is computed all the same.
  private var isBroken = false

  /// A journal of a part; its file is made with the first record.
  init(_ header: PartFile.Header, in folder: String) {
    self.header = header
    self.folder = folder
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private static func prefix(_ header: PartFile.Header) -> String {
    ".\(PartFile.name(header.number, of: header.count)).journal."
  }

  private static func start(_ header: PartFile.Header) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(magic)
    header.write(to: &writer)
    return writer.bytes
  }

  private func create() {
    for attempt in 0..<1000 {
      let path = "\(folder)/\(Self.prefix(header))\(hostName()).\(getpid()).\(attempt)"
      descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if descriptor >= 0 {
        self.path = path
        break
      }
      guard errno == EEXIST else { break }
    }
    guard descriptor >= 0 else {
      isBroken = true
      return
    }
    append(Self.start(header))
  }

  private func append(_ bytes: [UInt8]) {
    guard !isBroken else { return }
    if bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      length += bytes.count
    } else {
      // What is there of the record goes, so that the disk has room for the part itself.
      isBroken = true
      _ = ftruncate(descriptor, off_t(length))
    }
  }

  /// Adds what is done.
  ///
  /// - Parameters:
  ///   - blocks: the numbers of the blocks in the part.
  ///   - kept: what was kept of them, and of nothing else.
  ///   - columns: the outputs of the whole part, one after another; nil for none.
  func add(_ blocks: [Int], _ kept: SweepReducers, _ columns: UnsafeMutablePointer<Double>?) {
    if descriptor < 0, !isBroken { create() }
    guard !isBroken else { return }
    var record = ByteWriter()
    record.write(blocks.map { UInt64($0) })
    var state = ByteWriter()
    kept.write(to: &state)
    record.write(state.bytes.count)
    var bytes = record.bytes + state.bytes
    if let columns {
      for block in blocks {
        let places = header.places(ofBlock: block)
        for column in 0..<header.columns {
          bytes.append(
            contentsOf: UnsafeRawBufferPointer(
              start: columns + column * header.range.count + places.lowerBound, count: 8 * places.count))
        }
      }
    }
    var sum = Checksum()
    bytes.withUnsafeBytes { sum.add($0) }
    var frame = ByteWriter()
    frame.write(bytes.count)
    frame.write(sum.value)
    append(frame.bytes + bytes)
  }

  /// The journals of a part.
  private static func files(_ header: PartFile.Header, in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    let prefix = prefix(header)
    var result: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(prefix) { result.append(folder + "/" + name) }
    }
    return result.sorted()
  }

  /// Removes all journals of a part that is whole.
  static func remove(_ header: PartFile.Header, in folder: String) {
    for path in files(header, in: folder) { unlink(path) }
  }

  /// Reads what earlier processes did of a part.
  ///
  /// - Parameters:
  ///   - header: the part.
  ///   - folder: where parts are.
  ///   - result: what was kept is added here.
  ///   - columns: their outputs are put here.
  /// - Returns: the numbers of the blocks that are done, in order.
  static func recover(
    _ header: PartFile.Header, in folder: String, into result: SweepReducers,
    columns: UnsafeMutablePointer<Double>?
  ) -> [Int] {
    var done: Set<Int> = []
    for path in files(header, in: folder) {
      guard let bytes = MappedFile(path) else { continue }
      var reader = ByteReader(bytes.bytes)
      let start = start(header)
      guard let head = try? reader.rest(start.count), head.elementsEqual(start) else { continue }
      do {
        while !reader.isAtEnd {
          let count = try reader.integer()
          let expected = try reader.unsigned()
          let record = try reader.rest(count)
          var sum = Checksum()
          sum.add(record)
          guard sum.value == expected else { throw ByteReader.Damage() }
          var inner = ByteReader(record)
          let blocks = try inner.unsignedList().map { Int($0) }
          // Another process may have done some of them as well.
          guard done.isDisjoint(with: blocks) else { continue }
          var state = ByteReader(try inner.rest(try inner.integer()))
          try result.read(from: &state)
          for block in blocks {
            let places = header.places(ofBlock: block)
            for column in 0..<header.columns {
              let values = try inner.rest(8 * places.count)
              guard let columns, let source = values.baseAddress else { continue }
              UnsafeMutableRawPointer(columns + column * header.range.count + places.lowerBound).copyMemory(
                from: source, byteCount: values.count)
            }
          }
          done.formUnion(blocks)
        }
      } catch {
        // The end of what was written before the kill.
        continue
      }
    }
    return done.sorted()
  }
}

extension PartFile.Header {
  /// Where a block's scenarios stand in the part.
  func places(ofBlock number: Int) -> Range<Int> {
    let start = number * ColumnBlock.capacity
    return start..<Swift.min(start + ColumnBlock.capacity, range.count)
  }
}

import Glibc

/// A file that could not be written or read.
public struct FileFailure: Error, CustomStringConvertible {
  /// The file.
  public let path: String
  /// Why, in words.
  public let reason: String
  /// Whether it stood in the way of writing; otherwise what was read is wrong.
  public let isOutput: Bool
  /// `path: error: why`.
  public var description: String {
    isOutput ? "\(path): cannot be written: \(reason)" : "\(path): error: \(reason)"
  }

  static func system(_ path: String) -> FileFailure {
    FileFailure(path: path, reason: String(cString: strerror(errno)), isOutput: true)
  }
}

/// A part of a sweep on the disk: what was kept of its scenarios, and their outputs where they are wanted.
struct PartFile {
  /// What a part says of itself.
  struct Header: Equatable {
    /// Of the space, its inputs and the program.
    let fingerprint: String
    let number: Int
    let count: Int
    let range: Range<Int>
    /// Outputs that are stored; 0 for none.
    let columns: Int

    func write(to writer: inout ByteWriter) {
      writer.write(fingerprint)
      for value in [number, count, range.lowerBound, range.upperBound, columns] { writer.write(value) }
    }
  }

  private static let magic = "rooftree part 1\n"

  /// The name of a part's file.
  static func name(_ number: Int, of count: Int) -> String {
    func padded(_ value: Int) -> String {
      let digits = "\(value)"
      return String(repeating: "0", count: Swift.max(0, 5 - digits.count)) + digits
    }
    return "part-\(padded(number))-of-\(padded(count))"
  }

  /// Writes a part: under a temporary name, synced, then renamed, so that a part which is there is whole.
  ///
  /// - Parameters:
  ///   - header: what it says of itself.
  ///   - kept: what was kept.
  ///   - columns: the outputs, one after another; nil for none.
  ///   - folder: where parts are.
  /// - Throws: `FileFailure`; then nothing is there that was not before.
  static func write(
    _ header: Header, kept: SweepReducers, columns: UnsafeMutablePointer<Double>?, in folder: String
  ) throws(FileFailure) {
    var writer = ByteWriter()
    writer.write(magic)
    header.write(to: &writer)
    var state = ByteWriter()
    kept.write(to: &state)
    writer.write(state.bytes.count)
    let columnBytes = columns == nil ? 0 : 8 * header.columns * header.range.count
    writer.write(columnBytes)
    let head = writer.bytes + state.bytes
    var sum = Checksum()
    head.withUnsafeBytes { sum.add($0) }
    let columnBuffer = UnsafeRawBufferPointer(start: columns, count: columnBytes)
    sum.add(columnBuffer)
    var tail = ByteWriter()
    tail.write(sum.value)

    let name = Self.name(header.number, of: header.count)
    let path = folder + "/" + name
    let temporary = "\(folder)/.\(name).\(hostName()).\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(path) }
    func fail() -> FileFailure {
      let failure = FileFailure.system(path)
      close(descriptor)
      unlink(temporary)
      return failure
    }
    var isWritten = head.withUnsafeBytes { writeAll($0, to: descriptor) }
    isWritten = isWritten && writeAll(columnBuffer, to: descriptor)
    isWritten = isWritten && tail.bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    guard isWritten, fsync(descriptor) == 0 else { throw fail() }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else {
      let failure = FileFailure.system(path)
      unlink(temporary)
      throw failure
    }
    syncFolder(folder)
  }

  /// A part that is mapped into memory.
  final class Mapping {
    let header: Header
    let path: String
    private let file: MappedFile
    private let state: UnsafeRawBufferPointer
    private let columnStart: Int
    private var bytes: UnsafeRawBufferPointer { file.bytes }

    /// Opens a part.
    ///
    /// - Parameter path: its file.
    /// - Throws: `FileFailure` when it is no part, or truncated.
    init(path: String) throws(FileFailure) {
      func wrong(_ reason: String) -> FileFailure { FileFailure(path: path, reason: reason, isOutput: false) }
      self.path = path
      guard let file = MappedFile(path) else {
        throw wrong("cannot be read: \(String(cString: strerror(errno)))")
      }
      self.file = file
      let size = file.bytes.count
      guard size > 0 else { throw wrong("is truncated: it is empty; remove it and run the sweep again") }
      var reader = ByteReader(file.bytes)
      do {
        guard try reader.text() == PartFile.magic else { throw ByteReader.Damage() }
        let fingerprint = try reader.text()
        let number = try reader.integer()
        let count = try reader.integer()
        let (low, high) = (try reader.integer(), try reader.integer())
        let columns = try reader.integer()
        let stateBytes = try reader.integer()
        let columnBytes = try reader.integer()
        guard low >= 0, low <= high, stateBytes >= 0, columnBytes >= 0 else { throw ByteReader.Damage() }
        header = Header(
          fingerprint: fingerprint, number: number, count: count, range: low..<high, columns: columns)
        let before = 8 + PartFile.magic.utf8.count + 8 + fingerprint.utf8.count + 7 * 8
        let expected = before + stateBytes + columnBytes + 8
        guard size == expected else {
          throw wrong("is truncated: \(size) bytes; expected \(expected). Remove it and run the sweep again")
        }
        state = try reader.rest(stateBytes)
        columnStart = before + stateBytes
      } catch let failure as FileFailure {
        throw failure
      } catch {
        throw wrong("is no part of a sweep, or damaged; remove it and run the sweep again")
      }
    }

    /// Adds what was kept to a result, after the checksum was looked at.
    func read(into result: SweepReducers) throws(FileFailure) {
      var sum = Checksum()
      sum.add(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 8)]))
      var tail = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - 8)...]))
      do {
        guard try tail.unsigned() == sum.value else { throw ByteReader.Damage() }
        var reader = ByteReader(state)
        try result.read(from: &reader)
        guard reader.isAtEnd else { throw ByteReader.Damage() }
      } catch {
        throw FileFailure(
          path: path, reason: "is damaged: its checksum differs. Remove it and run the sweep again",
          isOutput: false)
      }
    }

    /// Copies stored numbers of one output.
    func copy(column: Int, _ range: Range<Int>, to target: UnsafeMutablePointer<Double>) {
      let offset =
        columnStart + 8 * (column * header.range.count + range.lowerBound - header.range.lowerBound)
      UnsafeMutableRawPointer(target).copyMemory(
        from: UnsafeRawPointer(bytes.baseAddress.map { $0 + offset } ?? UnsafeRawPointer(target)),
        byteCount: 8 * range.count)
    }
  }
}

/// A file that is mapped into memory to be read.
final class MappedFile {
  /// What is in it.
  let bytes: UnsafeRawBufferPointer

  /// Maps a file; nil, with the reason in `errno`, where that cannot be.
  init?(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { return nil }
    let size = Int(info.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      return nil
    }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}

/// A sum over bytes that notices damage: eight at a time, mixed as they come.
struct Checksum {
  private var state: UInt64 = 0x6A09_E667_F3BC_C908
  var value: UInt64 { state ^ (state >> 32) }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var state = state
    let words = bytes.count / 8
    for index in 0..<words {
      let word = bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
      state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
      state ^= state >> 29
    }
    for byte in bytes[(8 * words)...] { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    self.state = state
  }
}

/// Writes all bytes, however many calls it takes.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
  var done = 0
  while done < bytes.count {
    // Some systems take at most 2 GiB in a call.
    let count = Glibc.write(
      descriptor, bytes.baseAddress.map { $0 + done }, Swift.min(bytes.count - done, 1 << 30))
    if count < 0 {
      if errno == EINTR { continue }
      return false
    }
    done += count
  }
  return true
}

/// The name of this machine.
func hostName() -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  guard gethostname(&buffer, buffer.count - 1) == 0 else { return "host" }
  return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Makes the names of a folder last: its entries are on the disk when this returns.
func syncFolder(_ folder: String) {
  let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}

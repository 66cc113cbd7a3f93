/// Appends numbers to bytes, lowest byte first.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
  mutating func write(_ value: Double) { write(value.bitPattern) }

  mutating func write(_ text: String) {
    write(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  mutating func write(_ values: [Double]) {
    write(values.count)
    for value in values { write(value) }
  }

  mutating func write(_ values: [UInt64]) {
    write(values.count)
    for value in values { write(value) }
  }
}

/// Reads what a ``ByteWriter`` wrote.
struct ByteReader {
  /// Something else stands there than what was written.
  struct Damage: Error {}

  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func unsigned() throws(Damage) -> UInt64 {
    guard bytes.count - position >= 8 else { throw Damage() }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
    position += 8
    return UInt64(littleEndian: value)
  }

  mutating func integer() throws(Damage) -> Int { Int(Int64(bitPattern: try unsigned())) }
  mutating func double() throws(Damage) -> Double { Double(bitPattern: try unsigned()) }

  private mutating func length(of size: Int) throws(Damage) -> Int {
    let count = try integer()
    guard count >= 0, count <= (bytes.count - position) / size else { throw Damage() }
    return count
  }

  mutating func text() throws(Damage) -> String {
    let count = try length(of: 1)
    let text = String(decoding: bytes[position..<position + count], as: UTF8.self)
    position += count
    return text
  }

  mutating func doubles() throws(Damage) -> [Double] {
    let count = try length(of: 8)
    var result: [Double] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try double()) }
    return result
  }

  mutating func unsignedList() throws(Damage) -> [UInt64] {
    let count = try length(of: 8)
    var result: [UInt64] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try unsigned()) }
    return result
  }

  /// The rest, as it is.
  mutating func rest(_ count: Int) throws(Damage) -> UnsafeRawBufferPointer {
    guard count >= 0, bytes.count - position >= count else { throw Damage() }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }
}

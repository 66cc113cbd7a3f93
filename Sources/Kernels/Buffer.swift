import Glibc

/// Memory of a fixed number of numbers, on a 64-byte boundary; large ones on 2 MiB pages where the system has them.
///
/// The memory is not synchronised: kernels give each thread elements of its own.
public final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
  /// Where the elements are, initialised.
  public let start: UnsafeMutablePointer<Element>
  /// How many they are.
  public let count: Int

  /// Reserves memory and fills it with one value, which also makes the pages resident.
  public init(repeating value: Element, count: Int) {
    precondition(count >= 0, "a negative count")
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    let huge = 2 << 20
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: bytes >= 2 * huge ? huge : 64)
    if bytes >= 2 * huge { madvise(memory, bytes, MADV_HUGEPAGE) }
    start = memory.bindMemory(to: Element.self, capacity: count)
    start.initialize(repeating: value, count: count)
  }

  /// Copies an array.
  public convenience init(_ array: [Element], zero: Element) {
    self.init(repeating: zero, count: array.count)
    array.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { start.update(from: base, count: array.count) }
    }
  }

  deinit { UnsafeMutableRawPointer(start).deallocate() }

  /// The elements.
  public var elements: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: start, count: count)
  }

  /// The elements, copied.
  public var array: [Element] { Array(elements) }
}

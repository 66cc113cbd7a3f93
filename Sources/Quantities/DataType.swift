/// A number format that hardware computes or stores in.
public enum DataType: String, Sendable, Hashable, CaseIterable {
  /// IEEE binary64.
  case fp64
  /// IEEE binary32.
  case fp32
  /// 19 bits of precision and range in a 32-bit container.
  case tf32
  /// IEEE binary16.
  case fp16
  /// 8-bit exponent, 7-bit fraction.
  case bf16
  /// 8-bit floating point, either split.
  case fp8
  /// 4-bit floating point.
  case fp4
  /// 64-bit integer.
  case int64
  /// 32-bit integer.
  case int32
  /// 8-bit integer.
  case int8

  /// Bits that one element takes in memory.
  public var bits: Int {
    switch self {
    case .fp64, .int64: 64
    case .fp32, .tf32, .int32: 32
    case .fp16, .bf16: 16
    case .fp8, .int8: 8
    case .fp4: 4
    }
  }

  /// Bytes that one element takes in memory (half a byte for 4-bit formats).
  public var bytes: Double { Double(bits) / 8 }
}

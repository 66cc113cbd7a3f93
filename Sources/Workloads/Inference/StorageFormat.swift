public import Quantities

/// How weights or cached keys and values are stored, where that differs from the type that kernels compute in.
public enum StorageFormat: String, Sendable, Hashable, CaseIterable {
  /// 32-bit floating point.
  case fp32
  /// 16-bit floating point with a short exponent.
  case fp16
  /// 16-bit floating point with a long exponent.
  case bf16
  /// 8-bit floating point, one scale for a tensor or a channel.
  case fp8
  /// 8-bit integers, one scale for a channel.
  case int8
  /// 4-bit integers in groups of 128, with a 16-bit scale and a 16-bit zero for each group.
  case int4
  /// 4-bit floating point in blocks of 32, with an 8-bit scale for each block (OCP MX, version 1.0, section 5.2).
  case fp4

  /// Bytes of one element, scales included.
  ///
  /// A scale for a whole channel is not counted: of thousands of elements.
  public var bytes: Double {
    switch self {
    case .fp32: 4
    case .fp16, .bf16: 2
    case .fp8, .int8: 1
    case .int4: (4 + 32.0 / 128) / 8
    case .fp4: (4 + 8.0 / 32) / 8
    }
  }

  /// The format that a data type is stored in without quantisation.
  public init(_ type: DataType) {
    switch type {
    case .fp64, .fp32, .tf32, .int64, .int32: self = .fp32
    case .fp16: self = .fp16
    case .bf16: self = .bf16
    case .fp8: self = .fp8
    case .int8: self = .int8
    case .fp4: self = .fp4
    }
  }

  /// Whether kernels that compute in a type have to convert what is stored so.
  public func needsConversion(to type: DataType) -> Bool { bytes < type.bytes }
}

import Hardware
public import Quantities
public import Workloads

extension GEMM {
  /// Whether rows of an operand or of the result do not start at multiples of so many elements.
  ///
  /// What counts are the extents that rows are laid out by: k and n, or m and n where the first operand is transposed. Vectors have no
  /// rows, and an extent that is not whole is padded by whoever shares it out.
  ///
  /// - Parameter elements: the multiple.
  /// - Returns: 0 where all rows do, else a number above zero.
  func rest(ofRowsAt elements: Double) -> N {
    func rest(_ extent: N) -> N {
      let padded: N = (extent / elements).roundedUp() * N(elements) - extent
      let ofWhole = N.choose(where: extent.roundedUp(), isAtMost: extent, then: padded, otherwise: N(0))
      return N.choose(where: extent, isAtMost: N(1), then: N(0), otherwise: ofWhole)
    }
    let first = rest(layout == .TN ? m : k)
    return first + rest(layout == .NT ? k : n) + rest(n)
  }
}

extension GEMM where N == Double {
  /// Whether every row of a product starts at a multiple of 16 bytes, as the tables that calibrations are fitted to have it.
  ///
  /// - Parameter type: the data type of its operands.
  /// - Returns: true for vectors.
  public func hasAlignedRows(_ type: DataType) -> Bool { rest(ofRowsAt: 16 / type.bytes) == 0 }
}

/// What products lose whose rows do not start at multiples of 16 bytes.
///
/// The tensor memory accelerator of Hopper loads tiles whose rows do. Otherwise the library takes kernels that load 4 bytes at a time,
/// or 2 where an extent is odd. Factors on the time of the aligned product, read from 135 such products of an H200
/// (notebooks-data/measurements/measure-gpu/h200_unaligned.csv, bf16, three layouts, 1 to 4 elements less than five aligned shapes);
/// 45 more whose rows are aligned while another extent is not take their time to 0.05 %. Small results lose less, vectors least, though
/// the memory decides there: 46 products and batches of h200_unaligned_small.csv, with vocabularies of 50,257.
public enum RowAlignment {
  /// Rows at multiples of 4 or 8 bytes.
  public static var halfAligned: Double { 2.74 }
  /// Rows at multiples of 2 bytes.
  public static var odd: Double { 4.86 }
  /// Matrix times vector, another kernel without the accelerator: 0.9 to 1.9 in seven products.
  public static var vector: Double { 1.4 }
  /// Elements of a result below which the factors are smaller, by the power 3/16 of their ratio (0.15 to 0.25 do nearly as well).
  public static var wide: Double { 0x1p20 }
  /// Relative error of the factors where they were measured.
  public static var spread: Double { 0.12 }
  /// The same for smaller results and vectors: 16 % on average, 28 % at the 90th percentile.
  public static var narrowSpread: Double { 0.2 }
  /// The same on other devices with the accelerator: assumed.
  public static var transferredSpread: Double { 0.3 }
  /// Relative error of a product whose rows are not aligned where nothing was measured, no factor taken: assumed, half of what Hopper
  /// loses.
  public static var unknownSpread: Double { 0.5 }

  /// What is known of a device.
  enum Knowledge {
    /// The factors were measured on its like.
    case measured
    /// It has the accelerator too.
    case transferred
    /// It loads rows in other ways.
    case none

    init(_ device: Device) {
      guard TileDispatch.of(device).ownTiles > 0, device.mainMemory.name == "hbm",
        let rate = device.compute.rates[.fp16]?.value
      else {
        self = .none
        return
      }
      // 16-bit operations of a unit in a clock: 3,784 on Hopper.
      let unit = rate / device.compute.units.value / device.compute.clock.value
      self = abs((unit / 3784).logarithm()) < 0.1 ? .measured : .transferred
    }
  }

  /// Growth of the time of a 16-bit product on a device with the accelerator.
  static func growth<N: ModelNumber>(_ shape: GEMM<N>) -> N {
    let eighth = N.smaller(N(1), shape.m * shape.n / wide).squareRoot().squareRoot().squareRoot()
    let narrowing = eighth * eighth.squareRoot()
    func factor(_ full: Double) -> N {
      N.choose(
        where: N.smaller(shape.m, shape.n), isAtMost: N(1), then: N(vector),
        otherwise: N.larger(N(1), full * narrowing))
    }
    let half = N.choose(
      where: shape.rest(ofRowsAt: 8), isAtMost: N(0), then: N(1), otherwise: factor(halfAligned))
    return N.choose(where: shape.rest(ofRowsAt: 2), isAtMost: N(0), then: half, otherwise: factor(odd))
  }
}

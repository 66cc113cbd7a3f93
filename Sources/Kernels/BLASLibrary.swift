/// The BLAS library that numerics run on, as it describes itself.
public struct BLASLibrary: Sendable, Hashable {
  /// Version and build options, as the library prints them.
  public let configuration: String
  /// The kernel family that it runs, which can change its speed by a factor of two: `SkylakeX`, `Haswell`.
  public let kernel: String
  /// Threads that it used when it was loaded.
  public let threads: Int

  /// Why this library is slower than the processor, in words; nil when its kernel uses the widest instructions there are.
  public var slowness: String? { slowness(flags: BLAS.processorFlags()) }

  /// The same for a processor with these flags of `/proc/cpuinfo`.
  func slowness(flags: Set<String>) -> String? {
    let known = BLAS.kernels.first { $0.name.lowercased() == kernel.lowercased() }
    guard let known, !known.flags.contains("avx2"), !known.flags.contains("avx512f"),
      flags.contains("avx2")
    else { return nil }
    return
      "OpenBLAS runs its kernel \(kernel), which does not use the AVX2 instructions of this processor and is several times slower than one that does"
  }

  /// Why there is no BLAS library to compute with.
  public enum LoadError: Error, Equatable, CustomStringConvertible {
    /// The library cannot be opened; holds the loader's words.
    case missing(String)
    /// Something else stands under its name, such as the reference BLAS.
    case notOpenBLAS(library: String, symbol: String)
    /// OpenBLAS has no kernel of this name, or not in this build.
    case unknownKernel(String, known: [String])
    /// The kernel needs instructions that this processor lacks.
    case unsupportedKernel(String, lacking: [String])
    /// The library is in this process already, with another kernel; it chooses only when it loads.
    case alreadyLoaded(kernel: String, wanted: String)

    /// The reason in words, with what to do.
    public var description: String {
      switch self {
      case .missing(let words): "OpenBLAS cannot be loaded: \(words); install libopenblas0-pthread"
      case .notOpenBLAS(let library, let symbol):
        "\(library) is not OpenBLAS (it lacks \(symbol)), perhaps the slow reference BLAS; "
          + "install libopenblas0-pthread"
      case .unknownKernel(let name, let known):
        "OpenBLAS has no kernel \(name); it knows \(known.joined(separator: ", "))"
      case .unsupportedKernel(let name, let lacking):
        "this processor cannot run the kernel \(name): it lacks \(lacking.joined(separator: ", "))"
      case .alreadyLoaded(let kernel, let wanted):
        "OpenBLAS runs the kernel \(kernel) in this process already; start again to use \(wanted)"
      }
    }
  }

  /// Opens OpenBLAS with the kernel that it detects for this processor, unless it is open already.
  ///
  /// - Throws: ``LoadError``.
  /// - Returns: the library as it describes itself.
  public static func load() throws(LoadError) -> BLASLibrary { try BLAS.load().library }
}

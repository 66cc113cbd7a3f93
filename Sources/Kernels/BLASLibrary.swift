import COpenBLAS
import Glibc

/// The BLAS library that numerics run on.
public struct BLASLibrary: Sendable, Hashable {
  /// Version and build options, as the library prints them.
  public let configuration: String
  /// The kernel family that it chose for this processor.
  public let kernel: String
  /// Threads that it would use.
  public let threads: Int

  /// Why there is no BLAS library to compute with.
  public enum LoadError: Error, Equatable, CustomStringConvertible {
    /// The library cannot be opened; holds the loader's words.
    case missing(String)
    /// Something else stands under its name.
    case notOpenBLAS(symbol: String)

    /// The reason in words, with what to do.
    public var description: String {
      switch self {
      case .missing(let words): "OpenBLAS cannot be loaded: \(words); install libopenblas0-pthread"
      case .notOpenBLAS(let symbol): "libopenblas.so.0 is not OpenBLAS: it lacks \(symbol)"
      }
    }
  }

  /// Opens OpenBLAS by its own name.
  ///
  /// Debian's `libblas.so.3` is an alternative that may be the reference library, fourteen times slower;
  /// `libopenblas.so.0` never is. The kernel is chosen when the library loads, from the processor or from
  /// `OPENBLAS_CORETYPE`; a calibration records it because it can halve the speed.
  ///
  /// - Throws: ``LoadError``.
  /// - Returns: the library as it describes itself.
  public static func load() throws(LoadError) -> BLASLibrary {
    guard let handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_GLOBAL) else {
      throw .missing(dlerror().map { String(cString: $0) } ?? "no reason given")
    }
    func symbol<F>(_ name: String, as type: F.Type) throws(LoadError) -> F {
      guard let address = dlsym(handle, name) else { throw .notOpenBLAS(symbol: name) }
      return unsafeBitCast(address, to: type)
    }
    let configuration = try symbol("openblas_get_config", as: TextFunction.self)
    let kernel = try symbol("openblas_get_corename", as: TextFunction.self)
    let threads = try symbol("openblas_get_num_threads", as: CountFunction.self)
    func text(_ function: TextFunction) -> String { function().map { String(cString: $0) } ?? "unknown" }
    return BLASLibrary(configuration: text(configuration), kernel: text(kernel), threads: Int(threads()))
  }

  private typealias TextFunction = @convention(c) () -> UnsafePointer<CChar>?
  private typealias CountFunction = @convention(c) () -> CInt
}

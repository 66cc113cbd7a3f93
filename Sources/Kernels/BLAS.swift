import COpenBLAS
import Glibc
import Synchronization

/// OpenBLAS, opened at run time.
///
/// All matrices are row-major. Sizes are in elements; a matrix of `rows` by `columns` has `columns` elements
/// between the starts of its rows. The functions do not check sizes: callers own the pointers and their lengths.
///
/// Debian's `libblas.so.3` is an alternative that may be the reference library, fourteen times slower;
/// `libopenblas.so.0`, which is opened here, never is. OpenBLAS chooses its kernel once, when it loads, from the
/// processor or from `OPENBLAS_CORETYPE`: ``load(kernel:)`` sets that variable before it opens the library.
public final class BLAS: Sendable {
  /// What was loaded.
  public let library: BLASLibrary

  let functions: Functions
  private let threadCount: Atomic<Int>

  private init(library: BLASLibrary, functions: Functions) {
    self.library = library
    self.functions = functions
    threadCount = Atomic(library.threads)
  }

  // MARK: Loading

  private static let loaded = Mutex<BLAS?>(nil)

  /// Names that `OPENBLAS_CORETYPE` takes on x86-64 in OpenBLAS 0.3.21, with the processor flags (as
  /// `/proc/cpuinfo` spells them) that their code needs.
  ///
  /// Source: `driver/others/dynamic.c` and `Makefile.x86_64` of OpenBLAS 0.3.21.
  public static let kernels: [(name: String, flags: [String])] = [
    ("Prescott", ["pni"]), ("Core2", ["ssse3"]), ("Penryn", ["sse4_1"]), ("Dunnington", ["sse4_1"]),
    ("Nehalem", ["sse4_2"]), ("Atom", ["ssse3"]), ("Nano", ["ssse3"]), ("Opteron", ["3dnow"]),
    ("Opteron_SSE3", ["3dnow", "pni"]), ("Barcelona", ["sse4a"]), ("Bobcat", ["sse4a"]),
    ("Bulldozer", ["avx", "fma4"]), ("Piledriver", ["avx", "fma"]), ("Steamroller", ["avx", "fma"]),
    ("Excavator", ["avx2", "fma"]), ("Sandybridge", ["avx"]), ("Haswell", ["avx2", "fma"]),
    ("Zen", ["avx2", "fma"]), ("SkylakeX", ["avx512f", "avx512dq", "avx512bw", "avx512vl"]),
    ("Cooperlake", ["avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_bf16"]),
  ]

  /// Opens OpenBLAS by its own name, once a process.
  ///
  /// The environment is changed (`OPENBLAS_CORETYPE`, `OPENBLAS_L2_SIZE`), which is not safe while another
  /// thread reads it: call this early. Whatever the environment asked for is not obeyed, because machines pin slow
  /// kernels there for equal results; to obey it, pass its value.
  ///
  /// - Parameter kernel: one of ``kernels``, in any case; nil takes the one with the widest instructions of this
  ///   processor.
  /// - Throws: ``BLASLibrary/LoadError``.
  /// - Returns: the library, the same object at every call.
  public static func load(kernel: String? = nil) throws(BLASLibrary.LoadError) -> BLAS {
    let outcome = loaded.withLock { held -> Result<BLAS, BLASLibrary.LoadError> in
      do throws(BLASLibrary.LoadError) {
        if let blas = held {
          try blas.check(kernel)
          return .success(blas)
        }
        let blas = try open("libopenblas.so.0", kernel: kernel)
        held = blas
        try blas.check(kernel)
        return .success(blas)
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }

  private func check(_ kernel: String?) throws(BLASLibrary.LoadError) {
    guard let kernel else { return }
    let name = try BLAS.spelling(kernel)
    guard library.kernel.lowercased() == name.lowercased() else {
      throw .alreadyLoaded(kernel: library.kernel, wanted: name)
    }
  }

  /// The library's spelling of a kernel that this processor can run.
  static func spelling(_ kernel: String, flags: Set<String> = processorFlags()) throws(BLASLibrary.LoadError)
    -> String
  {
    guard let known = kernels.first(where: { $0.name.lowercased() == kernel.lowercased() }) else {
      throw .unknownKernel(kernel, known: kernels.map(\.name))
    }
    let lacking = known.flags.filter { !flags.contains($0) }
    guard lacking.isEmpty || flags.isEmpty else {
      throw .unsupportedKernel(known.name, lacking: lacking)
    }
    return known.name
  }

  /// What `/proc/cpuinfo` lists for the first processor; empty where there is none.
  static func processorFlags() -> Set<String> {
    guard let file = fopen("/proc/cpuinfo", "r") else { return [] }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while getline(&line, &capacity, file) > 0, let text = line.map({ String(cString: $0) }) {
      guard text.hasPrefix("flags"), let colon = text.firstIndex(of: ":") else { continue }
      return Set(text[colon...].dropFirst().split(whereSeparator: \.isWhitespace).map(String.init))
    }
    return []
  }

  /// The kernel with the widest instructions that a processor has; nil where the library's own choice must do.
  ///
  /// OpenBLAS 0.3.21 goes by model numbers and gives a processor that is newer than itself the kernel `Prescott`, which is
  /// several times slower (seen on a Xeon of family 6, model 207).
  static func fastestKernel(flags: Set<String>) -> String? {
    ["SkylakeX", "Haswell"].first { name in
      kernels.contains { $0.name == name && $0.flags.allSatisfy(flags.contains) }
    }
  }

  /// Opens a library of any name: tests open what is not OpenBLAS.
  static func open(_ name: String, kernel: String?) throws(BLASLibrary.LoadError) -> BLAS {
    if let chosen = kernel ?? fastestKernel(flags: processorFlags()) {
      setenv("OPENBLAS_CORETYPE", try spelling(chosen), 1)
    } else {
      unsetenv("OPENBLAS_CORETYPE")
    }
    unsetenv("OPENBLAS_L2_SIZE")
    guard let handle = dlopen(name, RTLD_NOW | RTLD_GLOBAL) else {
      throw .missing(dlerror().map { String(cString: $0) } ?? "no reason given")
    }
    let functions = try Functions(handle: handle, library: name)
    func text(_ function: Functions.Text) -> String { function().map { String(cString: $0) } ?? "unknown" }
    let library = BLASLibrary(
      configuration: text(functions.configuration), kernel: text(functions.coreName),
      threads: Int(functions.getThreads()))
    return BLAS(library: library, functions: functions)
  }

  // MARK: Threads

  /// Threads that the next call uses at most, 1 or more, for the whole process.
  ///
  /// The library decides by size whether it uses them; below a matrix product of about 256 cubed they do not help.
  /// Kernels that have threads of their own set 1.
  public func use(threads: Int) {
    precondition(threads >= 1, "a BLAS call needs a thread")
    guard threadCount.load(ordering: .relaxed) != threads else { return }
    functions.setThreads(CInt(threads))
    threadCount.store(threads, ordering: .relaxed)
  }

  // MARK: LAPACK

  /// Why a system of equations has no solution.
  public enum SolveError: Error, Equatable, CustomStringConvertible {
    /// The leading minor of this order, counted from 1, is not positive.
    case notPositiveDefinite(minor: Int)

    /// The reason in words.
    public var description: String {
      switch self {
      case .notPositiveDefinite(let minor):
        "the matrix is not positive definite: its leading minor of order \(minor) is not positive"
      }
    }
  }

  /// Solves `a x = b` for a symmetric positive definite matrix, by LAPACK's `dposv`.
  ///
  /// - Parameters:
  ///   - a: the matrix, `b.count` squared elements; one triangle is read. Overwritten by its factor.
  ///   - b: the right side; overwritten by the solution.
  /// - Throws: ``SolveError``.
  public func solvePositiveDefinite(_ a: inout [Double], _ b: inout [Double]) throws(SolveError) {
    precondition(a.count == b.count * b.count, "the matrix must be square and fit the right side")
    var triangle = CChar(UInt8(ascii: "L"))
    var order = CInt(b.count)
    var columns: CInt = 1
    var leading = max(order, 1)
    var rightLeading = leading
    var status: CInt = 0
    functions.dposv(&triangle, &order, &columns, &a, &leading, &b, &rightLeading, &status)
    guard status == 0 else { throw .notPositiveDefinite(minor: Int(status)) }
  }
}

/// The C functions, by their types.
struct Functions: Sendable {
  typealias Text = @convention(c) () -> UnsafePointer<CChar>?
  typealias GetCount = @convention(c) () -> CInt
  typealias SetCount = @convention(c) (CInt) -> Void
  typealias SGEMM =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, CInt, CInt, CInt, Float, UnsafePointer<Float>?, CInt,
      UnsafePointer<Float>?, CInt, Float, UnsafeMutablePointer<Float>?, CInt
    ) -> Void
  typealias SGEMV =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CInt, CInt, Float, UnsafePointer<Float>?, CInt, UnsafePointer<Float>?,
      CInt, Float,
      UnsafeMutablePointer<Float>?, CInt
    ) -> Void
  typealias SDot = @convention(c) (CInt, UnsafePointer<Float>?, CInt, UnsafePointer<Float>?, CInt) -> Float
  typealias SAXPY =
    @convention(c) (
      CInt, Float, UnsafePointer<Float>?, CInt, UnsafeMutablePointer<Float>?, CInt
    ) -> Void
  typealias SScale = @convention(c) (CInt, Float, UnsafeMutablePointer<Float>?, CInt) -> Void
  typealias SNorm = @convention(c) (CInt, UnsafePointer<Float>?, CInt) -> Float
  typealias DGEMM =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, CInt, CInt, CInt, Double, UnsafePointer<Double>?, CInt,
      UnsafePointer<Double>?, CInt, Double, UnsafeMutablePointer<Double>?, CInt
    ) -> Void
  typealias DGEMV =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CInt, CInt, Double, UnsafePointer<Double>?, CInt, UnsafePointer<Double>?,
      CInt, Double,
      UnsafeMutablePointer<Double>?, CInt
    ) -> Void
  typealias DDot = @convention(c) (CInt, UnsafePointer<Double>?, CInt, UnsafePointer<Double>?, CInt) -> Double
  typealias DAXPY =
    @convention(c) (
      CInt, Double, UnsafePointer<Double>?, CInt, UnsafeMutablePointer<Double>?, CInt
    ) -> Void
  typealias Solve =
    @convention(c) (
      UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CInt>?, UnsafeMutablePointer<CInt>?,
      UnsafeMutablePointer<Double>?, UnsafeMutablePointer<CInt>?, UnsafeMutablePointer<Double>?,
      UnsafeMutablePointer<CInt>?, UnsafeMutablePointer<CInt>?
    ) -> Void

  let configuration: Text
  let coreName: Text
  let getThreads: GetCount
  let setThreads: SetCount
  let sgemm: SGEMM
  let dgemm: DGEMM
  let sgemv: SGEMV
  let dgemv: DGEMV
  let sdot: SDot
  let ddot: DDot
  let saxpy: SAXPY
  let daxpy: DAXPY
  let sscal: SScale
  let snrm2: SNorm
  let dposv: Solve

  init(handle: UnsafeMutableRawPointer, library: String) throws(BLASLibrary.LoadError) {
    func symbol<F>(_ name: String, as type: F.Type = F.self) throws(BLASLibrary.LoadError) -> F {
      guard let address = dlsym(handle, name) else {
        throw .notOpenBLAS(library: library, symbol: name)
      }
      return unsafeBitCast(address, to: type)
    }
    configuration = try symbol("openblas_get_config")
    coreName = try symbol("openblas_get_corename")
    getThreads = try symbol("openblas_get_num_threads")
    setThreads = try symbol("openblas_set_num_threads")
    sgemm = try symbol("cblas_sgemm")
    dgemm = try symbol("cblas_dgemm")
    sgemv = try symbol("cblas_sgemv")
    dgemv = try symbol("cblas_dgemv")
    sdot = try symbol("cblas_sdot")
    ddot = try symbol("cblas_ddot")
    saxpy = try symbol("cblas_saxpy")
    daxpy = try symbol("cblas_daxpy")
    sscal = try symbol("cblas_sscal")
    snrm2 = try symbol("cblas_snrm2")
    dposv = try symbol("dposv_")
  }
}

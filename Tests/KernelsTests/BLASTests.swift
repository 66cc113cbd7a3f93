import Testing

@testable import Kernels

@Suite(.serialized) struct BLASTests {
  @Test func describesItself() throws {
    let blas = try BLAS.load()
    #expect(blas.library.configuration.hasPrefix("OpenBLAS"))
    #expect(BLAS.kernels.contains { $0.name.lowercased() == blas.library.kernel.lowercased() })
    #expect(try BLAS.load() === blas)
    #expect(try BLAS.load(kernel: blas.library.kernel.uppercased()) === blas)
  }

  @Test func anotherKernelNeedsAnotherProcess() throws {
    let blas = try BLAS.load()
    let other = blas.library.kernel == "Nehalem" ? "Penryn" : "Nehalem"
    #expect(throws: BLASLibrary.LoadError.alreadyLoaded(kernel: blas.library.kernel, wanted: other)) {
      try BLAS.load(kernel: other.lowercased())
    }
  }

  @Test func unknownKernelsAreNamedWithTheKnownOnes() throws {
    let error = try #require(throws: BLASLibrary.LoadError.self) { try BLAS.load(kernel: "Zen9") }
    #expect("\(error)".hasPrefix("OpenBLAS has no kernel Zen9; it knows Prescott, Core2"))
  }

  @Test func kernelsNeedInstructions() throws {
    let flags: Set = ["avx512f", "avx512dq", "avx512bw", "avx512vl"]
    #expect(try BLAS.spelling("skylakex", flags: flags) == "SkylakeX")
    #expect(throws: BLASLibrary.LoadError.unsupportedKernel("Haswell", lacking: ["avx2"])) {
      try BLAS.spelling("Haswell", flags: ["fma", "avx"])
    }
  }

  @Test func otherLibrariesAreRefused() throws {
    #expect(
      throws: BLASLibrary.LoadError.notOpenBLAS(library: "libm.so.6", symbol: "openblas_get_config")
    ) { try BLAS.open("libm.so.6", kernel: nil) }
    let error = try #require(throws: BLASLibrary.LoadError.self) {
      try BLAS.open("libnothing-of-this-name.so", kernel: nil)
    }
    #expect("\(error)".contains("libnothing-of-this-name.so"))
    #expect("\(error)".contains("install libopenblas0-pthread"))
  }

  /// The kernel is chosen as the library loads: a process of its own, so that none has loaded before.
  @Test func theKernelIsTheOneAskedFor() async {
    await #expect(processExitsWith: .success) {
      let blas = try BLAS.load(kernel: "nehalem")
      precondition(blas.library.kernel == "Nehalem")
    }
  }

  /// [[1, 2], [3, 4], [5, 6]] times [[1, 0, 2], [0, 1, 3]], and with the factors stored transposed.
  @Test func matrixProductsByHand() throws {
    let blas = try BLAS.load()
    let expected: [Double] = [1, 2, 8, 3, 4, 18, 5, 6, 28]
    var c = [Double](repeating: .nan, count: 9)
    Double.gemm(
      blas, m: 3, n: 3, k: 2, alpha: 1, [1, 2, 3, 4, 5, 6], transposeA: false, [1, 0, 2, 0, 1, 3],
      transposeB: false, beta: 0, &c)
    #expect(c == expected)
    var d = [Float](repeating: 1, count: 9)
    Float.gemm(
      blas, m: 3, n: 3, k: 2, alpha: 2, [1, 3, 5, 2, 4, 6], transposeA: true, [1, 0, 0, 1, 2, 3],
      transposeB: true, beta: -1, &d)
    #expect(d.map(Double.init) == expected.map { 2 * $0 - 1 })
  }

  @Test func vectorsByHand() throws {
    let blas = try BLAS.load()
    var y: [Float] = [1, 1]
    Float.gemv(
      blas, rows: 2, columns: 3, transposed: false, alpha: 1, [1, 2, 3, 4, 5, 6], [1, 0, -1], beta: 10, &y)
    #expect(y == [8, 8])
    var t = [Double](repeating: 0, count: 3)
    Double.gemv(
      blas, rows: 2, columns: 3, transposed: true, alpha: 1, [1, 2, 3, 4, 5, 6], [1, 2], beta: 0, &t)
    #expect(t == [9, 12, 15])
    #expect(Float.dot(blas, count: 3, [1, 2, 3], [4, 5, 6]) == 32)
    #expect(Double.dot(blas, count: 2, [1, 2], [3, -1]) == 1)
    var x: [Double] = [1, 2]
    Double.axpy(blas, count: 2, alpha: 3, [1, 1], &x)
    #expect(x == [4, 5])
    var z: [Float] = [3, 4]
    #expect(Float.norm(blas, count: 2, z) == 5)
    Float.scale(blas, count: 2, alpha: -2, &z)
    Float.axpy(blas, count: 2, alpha: 1, [1, 0], &z)
    #expect(z == [-5, -8])
  }

  @Test func positiveDefiniteSystems() throws {
    let blas = try BLAS.load()
    var a: [Double] = [4, 2, 2, 3]
    var b: [Double] = [8, 8]
    try blas.solvePositiveDefinite(&a, &b)
    #expect(abs(b[0] - 1) < 1e-14 && abs(b[1] - 2) < 1e-14)
    var singular: [Double] = [1, 2, 2, 1]
    var right: [Double] = [1, 1]
    #expect(throws: BLAS.SolveError.notPositiveDefinite(minor: 2)) {
      try blas.solvePositiveDefinite(&singular, &right)
    }
  }
}

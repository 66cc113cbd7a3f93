import CNetCDF
import Glibc

/// A NetCDF-4 file that is being written.
final class NetCDFFile {
  /// The functions, or the name of the one that is missing.
  private static let library: (functions: netcdf_library, missing: String?) = {
    var functions = netcdf_library()
    let missing = netcdf_open_library(&functions)
    return (functions, missing.map { String(cString: $0) })
  }()

  let path: String
  private let functions: netcdf_library
  private var file: Int32 = -1

  /// Creates a file.
  ///
  /// - Parameter path: where; what is there is replaced.
  /// - Throws: `FileFailure`, also when libnetcdf is not installed.
  init(path: String) throws(FileFailure) {
    let (functions, missing) = Self.library
    if let missing {
      throw FileFailure(
        path: path, reason: "\(missing) is not there; install the package libnetcdf19, or write csv",
        isOutput: true)
    }
    self.path = path
    self.functions = functions
    try check(functions.create(path, NC_NETCDF4 | NC_CLOBBER, &file))
  }

  private func check(_ status: Int32) throws(FileFailure) {
    guard status != NC_NOERR else { return }
    // A status above zero is that of the system.
    let words = functions.strerror(status).map { String(cString: $0) } ?? "status \(status)"
    throw FileFailure(path: path, reason: words, isOutput: true)
  }

  func dimension(_ name: String, _ length: Int) throws(FileFailure) -> Int32 {
    var id: Int32 = 0
    try check(functions.def_dim(file, name, length, &id))
    return id
  }

  /// Defines a variable of doubles.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - dimensions: of the file.
  ///   - chunk: sizes of its chunks; nil for one piece, not compressed.
  /// - Returns: its number.
  /// - Throws: `FileFailure`.
  func variable(_ name: String, _ dimensions: [Int32], chunk: [Int]? = nil) throws(FileFailure) -> Int32 {
    var id: Int32 = 0
    try check(functions.def_var(file, name, NC_DOUBLE, Int32(dimensions.count), dimensions, &id))
    if let chunk {
      try check(functions.def_var_chunking(file, id, NC_CHUNKED, chunk))
      try check(functions.def_var_deflate(file, id, 1, 1, 1))
      // Chunks are written whole and in order: a cache of two is enough, and keeps the memory flat.
      try check(functions.set_var_chunk_cache(file, id, 2 * 8 * chunk.reduce(1, *), 11, 1))
    }
    try check(functions.def_var_fill(file, id, 0, [Double.nan]))
    return id
  }

  /// Defines a variable of texts.
  func textVariable(_ name: String, _ dimensions: [Int32]) throws(FileFailure) -> Int32 {
    var id: Int32 = 0
    try check(functions.def_var(file, name, NC_STRING, Int32(dimensions.count), dimensions, &id))
    return id
  }

  /// Sets a text attribute of a variable, or of the file.
  func attribute(_ name: String, _ text: String, of variable: Int32? = nil) throws(FileFailure) {
    guard !text.isEmpty else { return }
    try check(functions.put_att_text(file, variable ?? NC_GLOBAL, name, text.utf8.count, text))
  }

  func endDefinitions() throws(FileFailure) { try check(functions.enddef(file)) }

  func put(_ variable: Int32, start: [Int], count: [Int], _ values: UnsafePointer<Double>) throws(FileFailure)
  {
    try check(functions.put_vara_double(file, variable, start, count, values))
  }

  func put(_ variable: Int32, texts: [String]) throws(FileFailure) {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var pointers = copies.map { UnsafePointer<CChar>($0) }
    try check(functions.put_var_string(file, variable, &pointers))
  }

  func close() throws(FileFailure) {
    guard file >= 0 else { return }
    defer { file = -1 }
    try check(functions.close(file))
  }

  deinit { if file >= 0 { _ = functions.close(file) } }
}

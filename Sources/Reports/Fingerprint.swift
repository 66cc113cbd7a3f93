import CNettle
import Foundation

/// A file that numbers rest on, with the SHA-256 of its bytes: whoever has the same file gets the same numbers.
public struct Fingerprint: Sendable {
  /// The file as it was named.
  public let path: String
  /// 64 hexadecimal digits (FIPS 180-4); nil when the file cannot be read any more.
  public let sha256: String?
  /// Its length in bytes.
  public let size: Int

  /// Reads a file.
  public init(_ path: String) {
    self.path = path
    let data = FileManager.default.contents(atPath: path)
    size = data?.count ?? 0
    sha256 = data.map { Self.sha256(of: [UInt8]($0)) }
  }

  /// The SHA-256 of some bytes, as hexadecimal digits.
  static func sha256(of bytes: [UInt8]) -> String {
    var state = sha256_ctx()
    nettle_sha256_init(&state)
    nettle_sha256_update(&state, bytes.count, bytes)
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
    nettle_sha256_digest(&state, digest.count, &digest)
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

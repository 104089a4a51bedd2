import Glibc
import Larder

/// Why the key can't be had, and the way out.
struct SigningKeyError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// The file with the key that signs what a pool pushes.
enum SigningKey {
  /// Reads the key: the file's bytes, less a last newline. The same files are accepted as for
  /// producers' secrets, except that a key may hold any byte, and none is no key.
  static func read(_ path: String) throws(SigningKeyError) -> [UInt8] {
    let what = "the webhook's secret in \(path)"
    // Without O_NONBLOCK a FIFO would block until somebody writes to it.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw SigningKeyError("\(what) can't be opened: \(systemText())") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw SigningKeyError("\(what) can't be looked at: \(systemText())")
    }
    try check(status, what: what, path: path)
    guard var bytes = contents(of: file) else {
      throw SigningKeyError("\(what) can't be read: \(systemText())")
    }
    guard bytes.count <= Limits.secretBytes else {
      throw SigningKeyError("\(what) is longer than \(Limits.secretBytes) bytes")
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard !bytes.isEmpty else { throw SigningKeyError("\(what) is empty") }
    return bytes
  }

  private static func check(
    _ status: stat, what: String, path: String
  ) throws(SigningKeyError) {
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SigningKeyError("\(what) is not a regular file")
    }
    let permissions = status.st_mode & 0o7777
    guard permissions == 0o400 || permissions == 0o600 else {
      throw SigningKeyError(
        "\(what) has mode 0\(String(permissions, radix: 8)); it must be 0400 or 0600: "
          + "chmod 0400 \(path)")
    }
    guard status.st_uid == geteuid() else {
      throw SigningKeyError(
        "\(what) belongs to user \(status.st_uid); it must be Larder's own: "
          + "chown \(geteuid()) \(path)")
    }
  }

  /// At most one byte more than a secret may have; nil and `errno` if reading fails.
  private static func contents(of file: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: Limits.secretBytes + 1)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress! + filled, $0.count - filled)
      }
      if count == 0 { break }
      if count > 0 {
        filled += count
      } else if errno != EINTR {
        return nil
      }
    }
    return Array(bytes[..<filled])
  }

  private static func systemText() -> String { String(cString: strerror(errno)) }
}

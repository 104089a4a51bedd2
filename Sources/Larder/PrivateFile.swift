import Glibc

/// Why a secret can't be had, and the way out.
package struct PrivateFileError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// A file with a secret, which nobody but its owner may read.
package enum PrivateFile {
  /// Reads the secret: the file's bytes, less one newline at the end.
  /// - Parameter name: what the file holds, for messages: "the webhook's secret".
  package static func read(_ path: String, named name: String) throws(PrivateFileError) -> [UInt8] {
    let what = "\(name) in \(path)"
    // Without O_NONBLOCK a FIFO would block until somebody writes to it.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw PrivateFileError("\(what) can't be opened: \(systemText())") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw PrivateFileError("\(what) can't be looked at: \(systemText())")
    }
    try check(status, what: what, path: path)
    guard var bytes = contents(of: file) else {
      throw PrivateFileError("\(what) can't be read: \(systemText())")
    }
    guard bytes.count <= Limits.secretBytes else {
      throw PrivateFileError("\(what) is longer than \(Limits.secretBytes) bytes")
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return bytes
  }

  private static func check(
    _ status: stat, what: String, path: String
  ) throws(PrivateFileError) {
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw PrivateFileError("\(what) is not a regular file")
    }
    let permissions = status.st_mode & 0o7777
    guard permissions == 0o400 || permissions == 0o600 else {
      throw PrivateFileError(
        "\(what) has mode 0\(String(permissions, radix: 8)); it must be 0400 or 0600: "
          + "chmod 0400 \(path)")
    }
    guard status.st_uid == geteuid() else {
      throw PrivateFileError(
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

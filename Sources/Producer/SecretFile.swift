import Glibc
import Larder

/// A file whose content becomes a variable of a producer.
enum SecretFile {
  /// Reads a secret. Its one trailing newline, if any, is left out.
  static func read(_ path: String, for name: String) throws(StartError) -> [UInt8] {
    let what = "the secret \(name) in \(path)"
    // Without O_NONBLOCK a FIFO would block until somebody writes to it.
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else {
      throw StartError("\(what) can't be opened: \(systemText(errno))")
    }
    let file = Descriptor(number)
    var status = stat()
    guard fstat(number, &status) == 0 else {
      throw StartError("\(what) can't be looked at: \(systemText(errno))")
    }
    try check(status, what: what, path: path)
    guard var bytes = contents(of: file, limit: Limits.secretBytes + 1) else {
      throw StartError("\(what) can't be read: \(systemText(errno))")
    }
    guard bytes.count <= Limits.secretBytes else {
      throw StartError("\(what) is longer than \(Limits.secretBytes) bytes")
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard !bytes.contains(0) else {
      throw StartError("\(what) holds a NUL byte, which no variable can: write it as text")
    }
    return bytes
  }

  private static func check(
    _ status: stat, what: String, path: String
  ) throws(StartError) {
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StartError("\(what) is not a regular file")
    }
    let permissions = status.st_mode & 0o7777
    guard permissions == 0o400 || permissions == 0o600 else {
      throw StartError(
        "\(what) has mode 0\(String(permissions, radix: 8)); it must be 0400 or 0600: "
          + "chmod 0400 \(path)")
    }
    guard status.st_uid == geteuid() else {
      throw StartError(
        "\(what) belongs to user \(status.st_uid); it must be Larder's own: "
          + "chown \(geteuid()) \(path)")
    }
  }
}

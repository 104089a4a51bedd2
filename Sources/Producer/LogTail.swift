import Larder

/// The last bytes of a producer's standard error.
struct LogTail {
  private var bytes: [UInt8] = []

  mutating func append(_ more: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: more)
    // Cut at twice the length, so that each byte is moved once at most.
    if bytes.count > 2 * Limits.runLogBytes { bytes = last }
  }

  /// At most `Limits.runLogBytes`.
  var last: [UInt8] {
    Array(bytes.suffix(Limits.runLogBytes))
  }
}

extension String {
  /// The text of bytes that are UTF-8; nil if they are not. ASCII, which is what nearly all that
  /// comes is, needs no more than a look for it; the library's validation takes ten times as long.
  init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    var all: UInt8 = 0
    for byte in bytes { all |= byte }
    if all < 0x80 {
      self.init(decoding: bytes, as: UTF8.self)
    } else {
      self.init(validating: bytes, as: UTF8.self)
    }
  }
}

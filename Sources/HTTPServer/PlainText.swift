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

extension UnsafeBufferPointer<UInt8> {
  /// Whether one of the bytes is below 32. They are looked at by eights, where a byte below 32 less 32
  /// borrows its highest bit.
  var hasControls: Bool {
    guard count >= 8 else { return contains { $0 < 0x20 } }
    let bytes = UnsafeRawBufferPointer(self)
    var found: UInt64 = 0
    for at in stride(from: 0, to: count - 8, by: 8) {
      let eight = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      found |= (eight &- 0x2020_2020_2020_2020) & ~eight
    }
    let last = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    found |= (last &- 0x2020_2020_2020_2020) & ~last
    return found & 0x8080_8080_8080_8080 != 0
  }
}

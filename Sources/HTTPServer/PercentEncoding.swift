/// Percent-encoding of RFC 3986, decoded strictly.
enum PercentEncoding {
  /// The text that the bytes encode; nil where a `%` is not followed by two hexadecimal digits,
  /// or the result is not UTF-8 or has a NUL.
  static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = false) -> String? {
    // Most need no decoding.
    let isPlain = bytes.allSatisfy {
      $0 != UInt8(ascii: "%") && $0 != 0 && ($0 != UInt8(ascii: "+") || !plusIsSpace)
    }
    guard !isPlain else { return bytes.withUnsafeBufferPointer { String(utf8: $0) } }
    var plain: [UInt8] = []
    plain.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      var byte = bytes[index]
      if byte == UInt8(ascii: "%") {
        guard index + 2 < bytes.endIndex, let high = digit(bytes[index + 1]),
          let low = digit(bytes[index + 2])
        else { return nil }
        byte = high << 4 | low
        index += 2
      } else if plusIsSpace, byte == UInt8(ascii: "+") {
        byte = UInt8(ascii: " ")
      }
      guard byte != 0 else { return nil }
      plain.append(byte)
      index += 1
    }
    return String(validating: plain, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

import Glibc

/// Makes ids: UUID version 7 (RFC 9562), ascending within one generator, so that rows that are
/// made together stand together in an index.
package struct UUIDv7: Sendable {
  private var random: any RandomNumberGenerator & Sendable
  private var lastMillisecond: Int64 = 0
  /// 12 bits that count on within a millisecond.
  private var counter: UInt64 = 0

  package init(random: (any RandomNumberGenerator & Sendable)? = nil) {
    self.random = random ?? SystemRandomBlocks()
  }

  /// The next id, in lower case with hyphens. A clock that stands or runs back does not break
  /// the order.
  package mutating func next(at instant: Instant) -> String {
    let low = random.next()
    if instant.milliseconds > lastMillisecond {
      lastMillisecond = instant.milliseconds
      counter = random.next() & 0x3FF
    } else {
      counter += 1
      if counter > 0xFFF {
        lastMillisecond += 1
        counter = 0
      }
    }
    let first = UInt64(lastMillisecond) << 16 | 0x7000 | counter
    let second = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return Self.text(
      Self.digits(first >> 32), Self.digits(first), Self.digits(second >> 32), Self.digits(second))
  }

  /// The hexadecimal digits of a number's lower 32 bits as 8 bytes, the first digit in the lowest one.
  private static func digits(_ number: UInt64) -> UInt64 {
    var bytes = UInt64(UInt32(truncatingIfNeeded: number).byteSwapped)
    // Each byte apart, then each digit.
    bytes = (bytes | bytes << 16) & 0x0000_ffff_0000_ffff
    bytes = (bytes | bytes << 8) & 0x00ff_00ff_00ff_00ff
    let digits = bytes >> 4 & 0x000f_000f_000f_000f | (bytes & 0x000f_000f_000f_000f) << 8
    // 1 in each byte whose digit is a letter, for which "a" stands 39 behind what follows "9".
    let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
  }

  private static func text(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> String {
    String(unsafeUninitializedCapacity: 36) { text in
      let raw = UnsafeMutableRawBufferPointer(text)
      func put(_ digits: UInt64, at index: Int) {
        raw.storeBytes(of: digits.littleEndian, toByteOffset: index, as: UInt64.self)
      }
      // Each group of four writes four bytes too many, which the next one writes over.
      put(a, at: 0)
      put(b, at: 9)
      put(b >> 32, at: 14)
      put(c, at: 19)
      put(c >> 32, at: 24)
      put(d, at: 28)
      text[8] = UInt8(ascii: "-")
      text[13] = UInt8(ascii: "-")
      text[18] = UInt8(ascii: "-")
      text[23] = UInt8(ascii: "-")
      return 36
    }
  }
}

/// The system's random numbers, of which each call of the system brings several.
private struct SystemRandomBlocks: RandomNumberGenerator, Sendable {
  private var numbers: [UInt64] = []

  mutating func next() -> UInt64 {
    if numbers.isEmpty {
      numbers = [UInt64](repeating: 0, count: 64)
      numbers.withUnsafeMutableBytes { bytes in
        // The system gives up to 256 bytes at once, without being interrupted.
        for start in stride(from: 0, to: bytes.count, by: 256) {
          let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + 256)])
          precondition(getentropy(part.baseAddress!, part.count) == 0)
        }
      }
    }
    return numbers.removeLast()
  }
}

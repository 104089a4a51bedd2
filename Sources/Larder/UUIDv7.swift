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
    return String(unsafeUninitializedCapacity: 36) { text in
      var index = 0
      for half in [first, second] {
        for shift in stride(from: 60, through: 0, by: -4) {
          if index == 8 || index == 13 || index == 18 || index == 23 {
            text[index] = UInt8(ascii: "-")
            index += 1
          }
          let digit = UInt8(truncatingIfNeeded: half >> UInt64(shift) & 15)
          text[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
          index += 1
        }
      }
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

/// Makes ids: UUID version 7 (RFC 9562), ascending within one generator, so that rows that are
/// made together stand together in an index.
package struct UUIDv7: Sendable {
  private var random: any RandomNumberGenerator & Sendable
  private var lastMillisecond: Int64 = 0
  /// 12 bits that count on within a millisecond.
  private var counter: UInt64 = 0

  package init(random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
    self.random = random
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

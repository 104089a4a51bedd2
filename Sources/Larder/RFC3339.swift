import Cron

/// Times as text: RFC 3339, written in UTC with milliseconds, read with any offset.
package enum RFC3339 {
  /// `2026-11-24T20:00:00.000Z`. What lies outside of the years 1 to 9999, which an offset brings
  /// about, is written as the nearest time inside.
  package static func format(_ instant: Instant) -> String {
    String(unsafeUninitializedCapacity: longest) { write(instant, to: $0.baseAddress!) }
  }

  /// How many bytes a time takes at most.
  package static let longest = 24

  /// Writes what `format` gives to memory that has room for the longest; how many bytes it is.
  static func write(_ instant: Instant, to text: UnsafeMutablePointer<UInt8>) -> Int {
    let instant = min(max(instant, earliest), latest)
    let milliseconds = Int(instant.milliseconds - instant.seconds * 1000)
    return write(instant.seconds, milliseconds: milliseconds, to: text)
  }

  private static let earliest = Instant(seconds: SupportedInstants.earliest)
  private static let latest = Instant(seconds: SupportedInstants.latest) + .milliseconds(999)

  /// `2026-11-24T20:00:00Z`, for fire times, which are whole seconds.
  package static func format(seconds: Int64) -> String {
    String(unsafeUninitializedCapacity: longest) {
      write(seconds, milliseconds: nil, to: $0.baseAddress!)
    }
  }

  private static func write(
    _ seconds: Int64, milliseconds: Int?, to text: UnsafeMutablePointer<UInt8>
  ) -> Int {
    let time = CivilTime(secondsSinceEpoch: seconds)
    var at = 0
    func put(_ sign: UInt8) {
      text[at] = sign
      at += 1
    }
    func put(twoDigits number: Int) {
      put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
      put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }
    put(twoDigits: time.date.year / 100)
    put(twoDigits: time.date.year % 100)
    put(UInt8(ascii: "-"))
    put(twoDigits: time.date.month)
    put(UInt8(ascii: "-"))
    put(twoDigits: time.date.day)
    put(UInt8(ascii: "T"))
    put(twoDigits: time.hour)
    put(UInt8(ascii: ":"))
    put(twoDigits: time.minute)
    put(UInt8(ascii: ":"))
    put(twoDigits: time.second)
    if let milliseconds {
      put(UInt8(ascii: "."))
      put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: milliseconds / 100))
      put(twoDigits: milliseconds % 100)
    }
    put(UInt8(ascii: "Z"))
    return at
  }

  /// Reads a time with its offset (`Z`, `+02:00`); nil when the text is not one.
  /// Fractions are kept to the millisecond, the rest is cut.
  package static func parse(_ text: String) -> Instant? {
    let bytes = Array(text.utf8)
    func number(_ start: Int, _ count: Int) -> Int? {
      guard start + count <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[start..<(start + count)] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      return value
    }
    func has(_ byte: Character, _ index: Int) -> Bool {
      index < bytes.count && bytes[index] == byte.asciiValue
    }
    guard let year = number(0, 4), has("-", 4), let month = number(5, 2), has("-", 7),
      let day = number(8, 2), has("T", 10) || has("t", 10) || has(" ", 10),
      let hour = number(11, 2), has(":", 13), let minute = number(14, 2), has(":", 16),
      let second = number(17, 2),
      let date = CivilDate(year: year, month: month, day: day),
      let time = CivilTime(date: date, hour: hour, minute: minute, second: second)
    else { return nil }
    var index = 19
    var milliseconds = 0
    if has(".", index) {
      index += 1
      let start = index
      while let digit = number(index, 1) {
        if index - start < 3 { milliseconds += digit * [100, 10, 1][index - start] }
        index += 1
      }
      guard index > start else { return nil }
    }
    var offset = 0
    if has("Z", index) || has("z", index) {
      index += 1
    } else {
      guard has("+", index) || has("-", index), let hours = number(index + 1, 2),
        has(":", index + 3), let minutes = number(index + 4, 2), hours < 24, minutes < 60
      else { return nil }
      offset = (hours * 60 + minutes) * 60 * (has("-", index) ? -1 : 1)
      index += 6
    }
    guard index == bytes.count else { return nil }
    let seconds = time.secondsSinceEpoch - Int64(offset)
    return Instant(milliseconds: seconds * 1000 + Int64(milliseconds))
  }
}

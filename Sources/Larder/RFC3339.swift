import Cron

/// Times as text: RFC 3339, written in UTC with milliseconds, read with any offset.
package enum RFC3339 {
  /// `2026-11-24T20:00:00.000Z`. What lies outside of the years 1 to 9999, which an offset brings
  /// about, is written as the nearest time inside.
  package static func format(_ instant: Instant) -> String {
    let instant = min(max(instant, earliest), latest)
    let milliseconds = Int(instant.milliseconds - instant.seconds * 1000)
    return secondsText(instant.seconds) + "." + padded(milliseconds, 3) + "Z"
  }

  private static let earliest = Instant(seconds: SupportedInstants.earliest)
  private static let latest = Instant(seconds: SupportedInstants.latest) + .milliseconds(999)

  /// `2026-11-24T20:00:00Z`, for fire times, which are whole seconds.
  package static func format(seconds: Int64) -> String {
    secondsText(seconds) + "Z"
  }

  private static func secondsText(_ seconds: Int64) -> String {
    let time = CivilTime(secondsSinceEpoch: seconds)
    return padded(time.date.year, 4) + "-" + padded(time.date.month, 2) + "-"
      + padded(time.date.day, 2) + "T" + padded(time.hour, 2) + ":" + padded(time.minute, 2) + ":"
      + padded(time.second, 2)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
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

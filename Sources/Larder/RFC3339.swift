import Cron

/// Times as text: RFC 3339, written in UTC with milliseconds, read with any offset.
package enum RFC3339 {
  /// `2026-11-24T20:00:00.000Z`.
  package static func format(_ instant: Instant) -> String {
    let milliseconds = Int(instant.milliseconds - instant.seconds * 1000)
    return secondsText(instant.seconds) + "." + padded(milliseconds, 3) + "Z"
  }

  /// `2026-11-24T20:00:00Z`, for fire times, which are whole seconds.
  package static func format(seconds: Int64) -> String {
    secondsText(seconds) + "Z"
  }

  private static func secondsText(_ seconds: Int64) -> String {
    let days = Int64((Double(seconds) / 86_400).rounded(.down))
    let rest = Int(seconds - days * 86_400)
    let date = civil(fromDays: days)
    return padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2) + "T"
      + padded(rest / 3600, 2) + ":" + padded(rest / 60 % 60, 2) + ":" + padded(rest % 60, 2)
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
      (1...12).contains(month), day >= 1, day <= daysIn(month: month, year: year),
      hour < 24, minute < 60, second < 60
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
    let seconds =
      days(year: year, month: month, day: day) * 86_400
      + Int64(hour * 3600 + minute * 60 + second - offset)
    return Instant(milliseconds: seconds * 1000 + Int64(milliseconds))
  }

  private static func daysIn(month: Int, year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func days(year: Int, month: Int, day: Int) -> Int64 {
    let y = Int64(month <= 2 ? year - 1 : year)
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = Int64((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1)
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = Int(shifted < 10 ? shifted + 3 : shifted - 9)
    let year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    return (year, month, Int(dayOfYear - (153 * shifted + 2) / 5 + 1))
  }
}

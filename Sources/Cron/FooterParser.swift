/// Parses the POSIX TZ string in the footer of a TZif file, with the extensions of RFC 9636.
struct FooterParser {
  private var reader: ByteReader

  /// Rule times go from a week before the day to a week after it.
  private static let ruleHours = 167
  private static let offsetHours = 24
  private static let defaultRuleTime: Int64 = 2 * 3_600

  /// The rule of a non-empty TZ string, or nil if the string is not one.
  static func parse(_ text: [UInt8]) -> FooterRule? {
    var parser = FooterParser(reader: ByteReader(text))
    guard let rule = parser.rule(), parser.reader.peek == nil else { return nil }
    return rule
  }

  private mutating func rule() -> FooterRule? {
    guard name(), let west = time(maximumHours: FooterParser.offsetHours) else { return nil }
    let standardOffset = -west
    guard reader.peek != nil else {
      return FooterRule(standardOffset: standardOffset, daylight: nil)
    }
    guard name() else { return nil }
    var daylightOffset = standardOffset + 3_600
    if reader.peek != UInt8(ascii: ",") {
      guard let west = time(maximumHours: FooterParser.offsetHours) else { return nil }
      daylightOffset = -west
    }
    guard let start = change(), let end = change() else { return nil }
    return FooterRule(
      standardOffset: standardOffset,
      daylight: FooterRule.Daylight(offset: daylightOffset, start: start, end: end))
  }

  /// Passes over an abbreviation: letters, or letters, digits and signs in angle brackets.
  private mutating func name() -> Bool {
    let minimumLength = 3
    var length = 0
    if reader.take(UInt8(ascii: "<")) {
      while let byte = reader.byte() {
        if byte == UInt8(ascii: ">") { return length >= minimumLength }
        guard isLetter(byte) || isDigit(byte) || isSign(byte) else { return false }
        length += 1
      }
      return false
    }
    while let byte = reader.peek, isLetter(byte) {
      _ = reader.byte()
      length += 1
    }
    return length >= minimumLength
  }

  /// `[+-]hh[:mm[:ss]]` in seconds.
  private mutating func time(maximumHours: Int) -> Int64? {
    let isNegative = reader.take(UInt8(ascii: "-"))
    if !isNegative { _ = reader.take(UInt8(ascii: "+")) }
    guard let hours = number(in: 0...maximumHours) else { return nil }
    var seconds = hours * 3_600
    for unit in [60, 1] where reader.take(UInt8(ascii: ":")) {
      guard let part = number(in: 0...59) else { return nil }
      seconds += part * unit
    }
    return Int64(isNegative ? -seconds : seconds)
  }

  /// `,day[/time]`.
  private mutating func change() -> FooterRule.Change? {
    guard reader.take(UInt8(ascii: ",")), let day = day() else { return nil }
    guard reader.take(UInt8(ascii: "/")) else {
      return FooterRule.Change(day: day, time: FooterParser.defaultRuleTime)
    }
    return time(maximumHours: FooterParser.ruleHours)
      .map { FooterRule.Change(day: day, time: $0) }
  }

  private mutating func day() -> FooterRule.Day? {
    if reader.take(UInt8(ascii: "J")) {
      return number(in: 1...365).map { .julian($0) }
    }
    guard reader.take(UInt8(ascii: "M")) else {
      return number(in: 0...365).map { .zeroBased($0) }
    }
    guard let month = number(in: 1...12), reader.take(UInt8(ascii: ".")),
      let week = number(in: 1...5), reader.take(UInt8(ascii: ".")),
      let weekday = number(in: 0...6)
    else { return nil }
    return .weekday(month: month, week: week, weekday: weekday)
  }

  private mutating func number(in bounds: ClosedRange<Int>) -> Int? {
    let maximumDigits = 3
    var value = 0
    var digits = 0
    while let byte = reader.peek, isDigit(byte) {
      digits += 1
      guard digits <= maximumDigits else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
      _ = reader.byte()
    }
    return digits > 0 && bounds.contains(value) ? value : nil
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & ~0x20)
  }

  private func isSign(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
  }
}

/// Durations as people write them: `250ms`, `10s`, `5m`, `24h`, `7d`, and sums such as `1h30m`.
package enum DurationText {
  /// The units in the order in which a sum names them, with their length in milliseconds.
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// The longest duration that is accepted: 100 years, in milliseconds.
  private static let longest: Int64 = 36_525 * 86_400_000

  /// Reads a duration; nil when the text is not one, names a unit twice or out of order,
  /// or passes 100 years.
  package static func parse(_ text: String) -> Duration? {
    var rest = text.utf8[...]
    var total: Int64 = 0
    var nextUnit = 0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      guard let number = Int64(Substring(digits)), !digits.isEmpty else { return nil }
      rest = rest.dropFirst(digits.count)
      let name = String(Substring(rest.prefix { $0 >= UInt8(ascii: "a") }))
      rest = rest.dropFirst(name.utf8.count)
      guard let unit = units[nextUnit...].firstIndex(where: { $0.name == name }) else { return nil }
      nextUnit = unit + 1
      let (part, overflow) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
      guard !overflow, part <= longest else { return nil }
      total += part
      guard total <= longest else { return nil }
    }
    return .milliseconds(total)
  }

  /// A duration for people, cut to its two largest units in a row: `3d4h`, `12m30s`, `0s`.
  package static func rough(_ duration: Duration) -> String {
    let milliseconds = duration.inMilliseconds / 1000 * 1000
    guard let first = units.firstIndex(where: { milliseconds >= $0.milliseconds }) else {
      return "0s"
    }
    let last = min(first + 1, units.count - 2)
    return format(.milliseconds(milliseconds - milliseconds % units[last].milliseconds))
  }

  /// The text with the largest units that `parse` reads as the same duration; `0s` for none.
  package static func format(_ duration: Duration) -> String {
    var rest = duration.inMilliseconds
    var text = ""
    for unit in units where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text.isEmpty ? "0s" : text
  }
}

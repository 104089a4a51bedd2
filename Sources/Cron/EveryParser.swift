/// Parses the interval of `@every`.
enum EveryParser {
  /// The longest interval: the 400 years in which any other expression must match, too.
  static let longestInterval = CivilDate.cycleDays * secondsPerDay

  private static let hint = "write whole seconds, minutes, hours or days: 45s, 90m, 1h30m, 2d"

  /// The interval in seconds, of `@every` and one duration.
  static func parse(_ text: CronText, words: [Range<Int>]) throws(CronError) -> Int64 {
    guard words.count > 1 else {
      throw text.error("@every needs an interval", at: words[0], hint: hint)
    }
    guard words.count == 2 else {
      throw text.error(
        "@every takes one interval", at: words[2].lowerBound..<words[words.count - 1].upperBound,
        hint: "write a sum without spaces: 1h30m")
    }
    let word = words[1]
    var total: Int64 = 0
    var start = word.lowerBound
    while start < word.upperBound {
      let digits = text.scalars[start..<word.upperBound].prefix { ("0"..."9").contains($0) }
      guard digits.endIndex < word.upperBound, let number = text.number(start..<digits.endIndex),
        let unit = seconds(of: text.scalars[digits.endIndex])
      else {
        throw text.error(
          "bad interval \(quoted(text.scalars[word]))", at: word, hint: hint)
      }
      // Neither factor is large enough for an overflow, and the sum is checked each time.
      total += Int64(number) * unit
      guard total <= longestInterval else {
        throw text.error("the interval is longer than 400 years", at: word, hint: nil)
      }
      start = digits.endIndex + 1
    }
    guard total > 0 else {
      throw text.error("the interval is zero", at: word, hint: "the shortest interval is 1s")
    }
    return total
  }

  private static func seconds(of unit: Unicode.Scalar) -> Int64? {
    switch unit {
    case "s": 1
    case "m": 60
    case "h": 3_600
    case "d": secondsPerDay
    default: nil
    }
  }
}

import Cron
import Larder

/// Reads one single value as a kind says, or says what is wrong with it.
struct ScalarCheck {
  struct Problem {
    var message: String
    var hint: String?
  }

  let subject: Subject
  let text: String
  let isPlain: Bool
  private(set) var problem: Problem?

  init(subject: Subject, text: String, isPlain: Bool) {
    self.subject = subject
    self.text = text
    self.isPlain = isPlain
  }

  /// The value; nil, and `problem` is set, where it does not fit.
  mutating func value(of kind: ValueKind) -> CheckedValue? {
    switch kind {
    case .text(let rule): return checked(rule)
    case .boolean: return boolean()
    case .integer(let range): return integer(range, wanted: kind.noun)
    case .integerOrWord(let range, let words):
      return words.contains(text) ? .text(text) : integer(range, or: words, wanted: kind.noun)
    case .decimal(let range): return decimal(range, wanted: kind.noun)
    case .duration(let rule): return duration(rule)
    case .rate: return rate()
    case .word(let words): return word(words)
    case .mapping, .list, .variables, .days: return nil
    }
  }

  private mutating func fail(_ message: String, hint: String? = nil) -> CheckedValue? {
    problem = Problem(message: message, hint: hint)
    return nil
  }

  // MARK: Numbers and words

  private mutating func boolean() -> CheckedValue? {
    switch (text, isPlain) {
    case ("true", true): return .boolean(true)
    case ("false", true): return .boolean(false)
    default: break
    }
    let meant: String? =
      switch text.lowercased() {
      case "true", "yes", "y", "on": "true"
      case "false", "no", "n", "off": "false"
      default: nil
      }
    let quotes = isPlain ? "" : ", without quotes"
    return fail(
      "\(subject) is `true` or `false`\(quotes), not \(shown(text))",
      hint: meant.map { "write `\(subject.key): \($0)`" }
        ?? "write one of the two, in small letters")
  }

  private mutating func integer(
    _ range: ClosedRange<Int>, or words: [String] = [], wanted noun: String
  ) -> CheckedValue? {
    let wanted = "\(subject) takes \(noun)"
    let digits = text.filter { $0 != "_" && $0 != "," && $0 != " " && $0 != "'" }
    let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) }
    let number = isNumber ? Int(digits) : nil
    guard isPlain else {
      return fail(
        "\(wanted), not a quoted text",
        hint: number.map { "write `\(subject.key): \($0)`, without quotes" } ?? wordHint(words)
          ?? "write plain digits, without quotes, such as `100`")
    }
    guard isNumber, text == digits, text == "0" || text.first != "0" else {
      return fail(
        "\(wanted), not \(shown(text))",
        hint: number.map { "write `\(subject.key): \($0)`" } ?? wordHint(words)
          ?? "write plain digits, such as `100`")
    }
    guard let number, range.contains(number) else {
      let nearest = number.map { max(range.lowerBound, min($0, range.upperBound)) }
      return fail(
        "\(wanted), not \(shown(text))",
        hint: "the nearest is `\(subject.key): \(nearest ?? range.upperBound)`")
    }
    return .integer(number)
  }

  private mutating func decimal(
    _ range: ClosedRange<Double>, wanted noun: String
  ) -> CheckedValue? {
    guard isPlain else {
      return fail("\(subject) takes \(noun), not a quoted text", hint: "leave the quotes out")
    }
    guard let number = Self.decimal(text[...]), range.contains(number) else {
      return fail(
        "\(subject) takes \(noun), not \(shown(text))",
        hint: "write plain digits, with 3 decimals at most: `\(subject.key): 2.5`")
    }
    return .decimal(number)
  }

  /// What was meant by a text where a number is wanted, or a word that may stand for one.
  private func wordHint(_ words: [String]) -> String? {
    if let near = nearest(to: text, among: words) { return "did you mean `\(near)`?" }
    guard [ScheduleKeys.takesAll, ScheduleKeys.auto].contains(text),
      subject.path == "schedules.target"
    else { return nil }
    return "only `stock.target` may be `\(text)`: write a number, or leave it out"
  }

  private mutating func word(_ words: [String]) -> CheckedValue? {
    guard !words.contains(text) else { return .text(text) }
    let near = nearest(to: text, among: words)
    return fail(
      "\(subject) is \(alternatives(words)), not \(shown(text))",
      hint: near.map { "did you mean `\($0)`?" } ?? "write one of these as it stands here")
  }

  // MARK: Durations and rates

  private mutating func duration(_ rule: DurationRule) -> CheckedValue? {
    if rule == .positiveOrNone, text == "none" {
      return .duration(nil)
    }
    guard let duration = DurationText.parse(text) else {
      return fail(
        "\(subject) takes \(ValueKind.duration(rule).noun), not \(shown(text))",
        hint: durationHint(rule))
    }
    switch rule {
    case .positive where duration == .zero, .positiveAtMost where duration == .zero:
      return fail("\(subject) must be longer than \(shown(text))", hint: durationHint(rule))
    case .positiveOrNone where duration == .zero:
      return fail(
        "\(subject) must be longer than \(shown(text))",
        hint: "write `\(subject.key): none` for no end")
    case .atMost(let longest) where duration > longest,
      .positiveAtMost(let longest) where duration > longest:
      return fail(
        "\(subject) is at most \(DurationText.format(longest)), not \(shown(text))",
        hint: "the longest is `\(subject.key): \(DurationText.format(longest))`")
    default:
      return .duration(duration)
    }
  }

  private func durationHint(_ rule: DurationRule) -> String {
    if !text.isEmpty, text.utf8.count < 10, text.utf8.allSatisfy({ (48...57).contains($0) }) {
      return "add a unit: `\(text)s` for seconds, `\(text)m` for minutes"
    }
    let none = rule == .positiveOrNone ? "; `none` for no end" : ""
    let longest =
      switch rule {
      case .atMost(let longest), .positiveAtMost(let longest): DurationText.format(longest)
      case .any, .positive, .positiveOrNone: "100 years"
      }
    return
      "write `250ms`, `10s`, `5m`, `24h`, `7d`, or a sum such as `1h30m`, up to \(longest)\(none)"
  }

  private mutating func rate() -> CheckedValue? {
    if text == "unlimited" {
      return .rate(nil)
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let items = Self.decimal(parts[0]), let per = unit(parts[1]) else {
      return fail(
        "\(subject) takes \(ValueKind.rate.noun), not \(shown(text))",
        hint: "a number per `s`, `m`, `h` or `d`, such as `10/s` or `600/h`")
    }
    guard items > 0 else {
      return fail(
        "\(subject) must be above 0", hint: "`suspend: true` keeps a pool from being filled")
    }
    return .rate(Rate(items: items, per: per))
  }

  /// At most 9 digits and 3 decimals: then no time that is reckoned with the rate overflows.
  private static func decimal(_ number: Substring) -> Double? {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), (1...9).contains(parts[0].utf8.count),
      parts.count == 1 || (1...3).contains(parts[1].utf8.count),
      parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } })
    else { return nil }
    return Double(number)
  }

  private func unit(_ name: Substring) -> Duration? {
    switch name {
    case "s": .seconds(1)
    case "m": .seconds(60)
    case "h": .seconds(3600)
    case "d": .seconds(86_400)
    default: nil
    }
  }

  // MARK: Texts

  private mutating func checked(_ rule: TextRule) -> CheckedValue? {
    guard !text.unicodeScalars.contains("\0") else {
      return fail(
        "\(subject) must not contain a NUL character", hint: "take the escape `\\0` out")
    }
    switch rule {
    case .poolName where !Pool.isValidName(text):
      return fail(
        "\(shown(text)) is not a name for a pool",
        hint: "a-z, 0-9, `.`, `_` and `-`, at most \(Limits.poolNameBytes), the first a-z or 0-9")
    case .scheduleName where !ScalarCheck.isValidScheduleName(text):
      return fail(
        "\(shown(text)) is not a name for a schedule",
        hint: "1 to \(FileLimits.scheduleNameCharacters) characters in one line, no space first")
    case .revision where text.unicodeScalars.count > FileLimits.revisionCharacters:
      return fail(
        "\(subject) takes \(FileLimits.revisionCharacters) characters at most",
        hint: "shorten it, to a version or a hash of the program perhaps")
    case .path where text.isEmpty:
      return fail("\(subject) names no file", hint: "write the path of a file")
    case .instant where RFC3339.parse(text) == nil:
      return fail(
        "\(subject) takes a time with its offset, not \(shown(text))",
        hint: Self.shape(of: text).hasPrefix("0000-00-00T00:00:00")
          ? "look at the day and at the hour, and end it with `Z` or an offset such as `+01:00`"
          : "write `\"2026-03-01T08:00:00Z\"`, or `+01:00` instead of the `Z`")
    case .webhook where text != WebhookURL.none:
      return webhook()
    default:
      return .text(text)
    }
  }

  private mutating func webhook() -> CheckedValue? {
    guard text.utf8.count <= FileLimits.webhookURLBytes else {
      return fail(
        "\(subject) takes \(FileLimits.webhookURLBytes) bytes at most",
        hint: "shorten its path or query")
    }
    do throws(WebhookURL.Fault) {
      _ = try WebhookURL(text)
      return .text(text)
    } catch {
      return fail("\(subject) \(error.message)", hint: error.hint)
    }
  }

  private static func isValidScheduleName(_ name: String) -> Bool {
    let scalars = name.unicodeScalars
    return (1...FileLimits.scheduleNameCharacters).contains(scalars.count) && scalars.first != " "
      && !scalars.contains { $0.properties.generalCategory == .control }
  }

  /// The date that a key names, or what is wrong with it.
  static func date(_ text: String) -> (date: CivilDate?, problem: Problem?) {
    // A date is what a time of day may follow.
    if let midnight = RFC3339.parse(text + "T00:00:00Z") {
      return (CivilDate(daysSinceEpoch: midnight.seconds / 86_400), nil)
    }
    if shape(of: text) == "0000-00-00" {
      let message = "the calendar has no \(shown(text))"
      return (nil, Problem(message: message, hint: "look at the month and at the day"))
    }
    return (
      nil,
      Problem(
        message: "\(shown(text)) is not a date",
        hint: "write the year, the month and the day: `\"2026-12-24\"`")
    )
  }

  /// A text with a 0 for each digit.
  private static func shape(of text: String) -> String {
    String(text.map { $0.isASCII && $0.isNumber ? "0" : $0 })
  }

  /// What is wrong with the name of an environment variable; nil: nothing.
  static func problem(ofVariable name: String) -> Problem? {
    let isName =
      name.utf8.first.map { !(48...57).contains($0) } ?? false
      && name.utf8.allSatisfy {
        (65...90).contains($0) || (97...122).contains($0) || (48...57).contains($0) || $0 == 95
      }
    guard isName else {
      return Problem(
        message: "\(shown(name)) is not a name for an environment variable",
        hint: "letters, digits and `_`, the first not a digit")
    }
    guard !name.hasPrefix("LARDER_") else {
      return Problem(
        message: "\(shown(name)) is kept for Larder, as every name that begins with `LARDER_`",
        hint: "choose another name")
    }
    return nil
  }
}

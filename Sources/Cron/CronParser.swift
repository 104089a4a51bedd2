/// Parses a whole expression.
struct CronParser {
  private let text: CronText
  private let words: [Range<Int>]
  private var warnings: [String] = []

  /// The longest expression, in bytes of UTF-8; lists of all values of all fields are shorter.
  static let lengthLimit = 1_000

  /// Expressions that stand for others.
  private static let macros = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
  ]

  /// The rule of an expression, and the warnings about it.
  static func parse(
    _ source: String
  ) throws(CronError) -> (rule: CronRule, warnings: [String]) {
    guard source.utf8.count <= lengthLimit else {
      throw CronError(
        message: "the expression is longer than \(lengthLimit) bytes",
        hint: "split it into several schedules", offset: nil, length: 0)
    }
    var parser = CronParser(CronText(source))
    let rule = try parser.rule()
    return (rule, parser.warnings)
  }

  private init(_ text: CronText) {
    self.text = text
    words = text.words()
  }

  private mutating func rule() throws(CronError) -> CronRule {
    guard let first = words.first else {
      throw CronError(
        message: "the expression is empty", hint: "write five fields, such as 0 6 * * MON-FRI",
        offset: nil, length: 0)
    }
    guard text.scalars[first.lowerBound] == "@" else { return .calendar(try calendar()) }
    if text.text(first) == "@every" {
      return .every(seconds: try EveryParser.parse(text, words: words))
    }
    return try macro(first)
  }

  private func macro(_ word: Range<Int>) throws(CronError) -> CronRule {
    let name = text.text(word)
    guard let expansion = CronParser.macros[name] else {
      throw text.error("there is no macro \(quoted(name))", at: word, hint: macroHint(name))
    }
    guard words.count == 1 else {
      throw text.error(
        "\(name) stands alone", at: words[1].lowerBound..<words[words.count - 1].upperBound,
        hint: "remove what follows it")
    }
    return try CronParser.parse(expansion).rule
  }

  private func macroHint(_ name: String) -> String {
    let lowercase = name.lowercased()
    if lowercase == "@reboot" {
      return "runs don't start with the machine; a pool's reorder_at refills it after a start"
    }
    if lowercase == "@every" || CronParser.macros[lowercase] != nil {
      return "write \(lowercase) in small letters"
    }
    return "known are \(CronParser.macros.keys.sorted().joined(separator: ", ")) and @every 90m"
  }

  private mutating func calendar() throws(CronError) -> CalendarRule {
    guard words.count == 5 || words.count == 6 else { throw wrongCount() }
    let fields = CronField.allCases.suffix(words.count)
    var sets: [CronField: FieldSet] = [:]
    for (field, word) in zip(fields, words) {
      let parsed = try FieldParser.parse(field, in: text, at: word)
      sets[field] = parsed.set
      warnings += parsed.warnings
    }
    func set(_ field: CronField) -> FieldSet { sets[field] ?? FieldSet(values: 1) }
    let rule = CalendarRule(
      days: days(byMonth: set(.dayOfMonth), months: set(.month), byWeek: set(.dayOfWeek)),
      clock: ClockSet(
        seconds: set(.second).values, minutes: set(.minute).values, hours: set(.hour).values),
      isWallClock: !set(.minute).startsWithStar && !set(.hour).startsWithStar)
    try check(rule.days)
    warnAboutDays(rule.days, byMonth: set(.dayOfMonth), byWeek: set(.dayOfWeek))
    return rule
  }

  private func wrongCount() -> CronError {
    let hint =
      switch words.count {
      case 7...: "write at most six fields (seconds first); a field for the year is not supported"
      default: "write minute, hour, day of month, month and day of week; * where any will do"
      }
    let extra = words.count > 6 ? words[6].lowerBound : words[0].lowerBound
    return text.error(
      "an expression has 5 or 6 fields, not \(words.count)",
      at: extra..<words[words.count - 1].upperBound, hint: hint)
  }

  private func days(byMonth: FieldSet, months: FieldSet, byWeek: FieldSet) -> DaySet {
    var days = DaySet()
    days.months = UInt16(truncatingIfNeeded: months.values)
    days.byMonth = byMonth.monthDays
    days.byMonth.days = UInt32(truncatingIfNeeded: byMonth.values)
    days.byWeek = byWeek.weekDays
    days.byWeek.everyWeek = UInt8(truncatingIfNeeded: byWeek.values)
    days.needsBoth = byMonth.startsWithStar || byWeek.startsWithStar
    return days
  }

  private func check(_ days: DaySet) throws(CronError) {
    guard !days.occurs(days.mask) else { return }
    let first = words[words.count - 3]
    let last = words[words.count - (days.byWeek.everyWeek == 0x7F ? 2 : 1)]
    throw text.error(
      "no date matches, in 400 years", at: first.lowerBound..<last.upperBound,
      hint: "the day doesn't exist in these months; L is the last day of every month")
  }

  private mutating func warnAboutDays(_ days: DaySet, byMonth: FieldSet, byWeek: FieldSet) {
    if !days.needsBoth {
      let fields = [
        (CronField.dayOfMonth, days.occurs(days.byMonth.mask)),
        (CronField.dayOfWeek, days.occurs(days.byWeek.mask)),
      ]
      for (field, occurs) in fields where !occurs {
        warnings.append("\(field.name) matches no date: only the other day field selects days")
      }
      return
    }
    let isMonthOpen = byMonth.startsWithStar && !byMonth.startsWithSteppedStar
    let isWeekOpen = byWeek.startsWithStar && !byWeek.startsWithSteppedStar
    guard
      byMonth.startsWithSteppedStar && !isWeekOpen
        || byWeek.startsWithSteppedStar && !isMonthOpen
    else { return }
    warnings.append(
      "a day field that starts with a star narrows the other one: days must match both day of "
        + "month and day of week")
  }
}

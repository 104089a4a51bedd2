/// Parses one field of an expression.
struct FieldParser {
  private let text: CronText
  private let field: CronField
  private let range: Range<Int>
  private var result = FieldSet()
  private var warnings: [String] = []

  /// What a field selects, and the warnings about it.
  static func parse(
    _ field: CronField, in text: CronText, at range: Range<Int>
  ) throws(CronError) -> (set: FieldSet, warnings: [String]) {
    var parser = FieldParser(text: text, field: field, range: range)
    try parser.parse()
    return (parser.result, parser.warnings)
  }

  private init(text: CronText, field: CronField, range: Range<Int>) {
    self.text = text
    self.field = field
    self.range = range
  }

  private mutating func parse() throws(CronError) {
    result.startsWithStar = text.scalars[range.lowerBound] == "*"
    if text.scalars[range].elementsEqual(["?"]), field.isDayField {
      result.startsWithStar = true
      add(field.distinctValues, step: 1)
      return
    }
    for (index, element) in text.split(range, at: ",").enumerated() {
      try parse(element: element)
      if index == 0, result.startsWithStar {
        result.startsWithSteppedStar = text.first("/", in: element) != nil
      }
    }
  }

  private mutating func parse(element: Range<Int>) throws(CronError) {
    guard !element.isEmpty else {
      throw text.error(
        "an element of the \(field.name) list is empty", at: element,
        hint: "remove the comma, or write a value beside it")
    }
    guard let slash = text.first("/", in: element) else {
      return try parse(unstepped: element)
    }
    let base = element.lowerBound..<slash
    let step = try self.step(slash + 1..<element.upperBound)
    if text.scalars[base].elementsEqual(["*"]) {
      add(field.distinctValues, step: step)
      warnIfUneven(step, element)
    } else if let dash = text.first("-", in: base) {
      add(try bounds(base, dash: dash), step: step)
    } else {
      let first = try value(base)
      guard field != .dayOfWeek else {
        throw text.error(
          "a step from a single day of the week could end on 6 or 7", at: element,
          hint: "write \(text.text(base))-6/\(step) or \(text.text(base))-7/\(step)")
      }
      add(first...field.numbers.upperBound, step: step)
      warnIfUneven(step, element)
    }
  }

  private mutating func parse(unstepped element: Range<Int>) throws(CronError) {
    if text.scalars[element].elementsEqual(["*"]) {
      add(field.distinctValues, step: 1)
    } else if field == .dayOfMonth, try parse(monthDay: element) {
      return
    } else if field == .dayOfWeek, try parse(weekDay: element) {
      return
    } else if let dash = text.first("-", in: element) {
      add(try bounds(element, dash: dash), step: 1)
    } else {
      let value = try value(element)
      add(value...value, step: 1)
    }
  }

  /// `L`, `LW`, `L-n` and `nW`; false if the element is none of them.
  private mutating func parse(monthDay element: Range<Int>) throws(CronError) -> Bool {
    let capitals = text.capitals(element)
    if capitals == "L" {
      result.monthDays.fromLast |= 1
    } else if capitals == "LW" {
      result.monthDays.lastWorkday = true
    } else if capitals.hasPrefix("L-") {
      let days = element.lowerBound + 2..<element.upperBound
      guard let number = text.number(days), number <= 30 else {
        throw bad(element, hint: "write L-0 to L-30: days before the last of the month")
      }
      result.monthDays.fromLast |= 1 << UInt32(number)
    } else if capitals.hasSuffix("W"), element.count > 1 {
      let day = element.lowerBound..<element.upperBound - 1
      guard text.number(day) != nil else {
        throw bad(element, hint: "write 1W to 31W, or LW for the last Monday to Friday")
      }
      result.monthDays.nearWorkdays |= 1 << UInt32(try value(day))
    } else {
      return false
    }
    return true
  }

  /// `d#k` and `dL`; false if the element is none of them.
  private mutating func parse(weekDay element: Range<Int>) throws(CronError) -> Bool {
    if let hash = text.first("#", in: element) {
      let weekday = try value(element.lowerBound..<hash) % 7
      let ordinal = hash + 1..<element.upperBound
      guard let number = text.number(ordinal), (1...5).contains(number) else {
        throw text.error(
          "bad number \(quoted(text.scalars[ordinal])) of a weekday in the month", at: ordinal,
          hint: "write #1 to #5, or L after the day for the last")
      }
      while result.weekDays.ofWeek.count < number { result.weekDays.ofWeek.append(0) }
      result.weekDays.ofWeek[number - 1] |= 1 << UInt8(weekday)
    } else if text.capitals[element.upperBound - 1] == "L" {
      let day = element.lowerBound..<element.upperBound - 1
      guard !day.isEmpty else {
        throw bad(element, hint: "write the day before it: 5L is the last Friday of the month")
      }
      result.weekDays.last |= 1 << UInt8(try value(day) % 7)
    } else {
      return false
    }
    return true
  }

  private func step(_ range: Range<Int>) throws(CronError) -> Int {
    guard let step = text.number(range), step > 0 else {
      throw text.error(
        "bad step \(quoted(text.scalars[range])) in \(field.name)", at: range,
        hint: "a step is one whole number from 1 to \(field.distinctValues.count)")
    }
    guard step <= field.distinctValues.count else {
      throw text.error(
        "step \(quoted(text.scalars[range])) is larger than the \(field.distinctValues.count) "
          + "values of \(field.name)",
        at: range, hint: "use the next larger field, or @every for a fixed interval")
    }
    return step
  }

  /// The two ends of `a-b`; Sunday as the second one ends the week.
  private func bounds(_ range: Range<Int>, dash: Int) throws(CronError) -> ClosedRange<Int> {
    let end = dash + 1..<range.upperBound
    let first = try value(range.lowerBound..<dash)
    var last = try value(end)
    if field == .dayOfWeek, first > 0, text.capitals(end) == "SUN" { last = 7 }
    guard first <= last else {
      throw text.error(
        "range \(quoted(text.scalars[range])) in \(field.name) is inverted", at: range,
        hint: "write \(rangeText(first, field.distinctValues.upperBound)),"
          + rangeText(field.distinctValues.lowerBound, last))
    }
    return first...last
  }

  private func rangeText(_ first: Int, _ last: Int) -> String {
    first >= last ? "\(last)" : "\(first)-\(last)"
  }

  /// A number or a name.
  private func value(_ range: Range<Int>) throws(CronError) -> Int {
    if let value = field.value(named: text.capitals(range)) { return value }
    guard let number = text.number(range) else { throw bad(range, hint: hint(range)) }
    guard field.numbers.contains(number) else {
      throw text.error(
        "\(quoted(text.scalars[range])) is out of range for \(field.name)", at: range,
        hint: "write \(field.numbers.lowerBound) to \(field.numbers.upperBound)"
          + (field == .hour && number == 24 ? "; midnight is 0" : ""))
    }
    return number
  }

  private func bad(_ range: Range<Int>, hint: String?) -> CronError {
    text.error(
      range.isEmpty
        ? "a value is missing in \(field.name)"
        : "bad value \(quoted(text.scalars[range])) in \(field.name)",
      at: range, hint: hint)
  }

  /// What was probably meant by a text that is neither a number nor a name.
  private func hint(_ range: Range<Int>) -> String {
    let capitals = text.capitals(range)
    if capitals.hasPrefix("H") {
      return "H is Jenkins's; write a value, and spread the starts with the schedule's jitter"
    }
    if capitals.contains("~") {
      return "a random value is not supported; write a value, and use the schedule's jitter"
    }
    if capitals.contains("?") { return "? stands alone, in day of month or day of week; write *" }
    if field == .dayOfWeek, capitals.hasPrefix("L"), capitals.dropFirst().allSatisfy(\.isNumber) {
      return "the day comes first: write \(capitals.dropFirst())L for the last one of the month"
    }
    if field == .dayOfMonth, capitals.hasPrefix("W") || capitals.hasPrefix("L") {
      return "write L, L-3, LW or 15W"
    }
    if let name = field.valueNames.first(where: { capitals.hasPrefix($0) }) {
      return "write \(name)"
    }
    if capitals.contains("*") { return "a star stands alone or before a step: * or */2" }
    let names = field.valueNames
    let named = names.isEmpty ? "" : ", or \(names[0]) to \(names[names.count - 1])"
    return "write \(field.numbers.lowerBound) to \(field.numbers.upperBound)\(named)"
  }

  private mutating func add(_ values: ClosedRange<Int>, step: Int) {
    for value in stride(from: values.lowerBound, through: values.upperBound, by: step) {
      result.values |= 1 << UInt64(field == .dayOfWeek ? value % 7 : value)
    }
  }

  private mutating func warnIfUneven(_ step: Int, _ element: Range<Int>) {
    let count = field.distinctValues.count
    guard count % step != 0 else { return }
    warnings.append(
      "step \(quoted(text.scalars[element])) in \(field.name) is uneven: \(count) values are not "
        + "a multiple of \(step), so the last interval is shorter")
  }
}

import Larder

/// Holds a YAML document against the table of keys: what is unknown, missing, doubled, of the
/// wrong kind or out of range. What keys mean together is the builder's.
struct Checker {
  let source: SourceText
  /// Whether the document goes on where nobody could read it, so that nothing is missing in it.
  let isPartial: Bool
  private(set) var findings: [Finding] = []

  init(source: SourceText, isPartial: Bool) {
    self.source = source
    self.isPartial = isPartial
  }

  mutating func report(_ range: Range<Int>, _ message: String, hint: String? = nil) {
    findings.append(Finding(range: range, message: message, hint: hint))
  }

  // MARK: Mappings

  /// The document's root as a schedule file.
  mutating func checkFile(_ root: YAMLNode) -> Fields? {
    guard case .mapping(let entries) = root.content else {
      if isPartial { return nil }
      if root.isNull {
        report(0..<1, "the file is empty", hint: "the least that it can say is `pool: NAME`")
      } else {
        report(
          root.range, "a schedule file is a mapping of keys, not \(root.kind)",
          hint: "begin with `pool: NAME`")
      }
      return nil
    }
    return check(entries, at: root.range, by: ScheduleKeys.file)
  }

  private mutating func check(
    _ entries: [(key: YAMLNode, value: YAMLNode)], at range: Range<Int>, by table: KeyTable
  ) -> Fields {
    var fields = Fields(range: range)
    for (name, keyRange, node) in named(entries, of: table.path) {
      guard let key = table.keys.first(where: { $0.name == name }) else {
        report(keyRange, "unknown key \(shown(table.path(of: name)))", hint: hint(name, in: table))
        continue
      }
      let value = check(node, as: key, Subject(path: table.path(of: name)), at: keyRange)
      fields.fields[name] = Field(keyRange: keyRange, node: node, value: value)
    }
    for key in table.keys where key.isRequired && fields[key.name] == nil && !isPartial {
      report(range, "`\(table.path(of: key.name))` is missing", hint: missingHint(key.name))
    }
    return fields
  }

  /// The entries of a mapping whose keys are texts, each name once.
  private mutating func named(
    _ entries: [(key: YAMLNode, value: YAMLNode)], of path: String
  ) -> [(name: String, range: Range<Int>, node: YAMLNode)] {
    var first: [String: Range<Int>] = [:]
    var result: [(name: String, range: Range<Int>, node: YAMLNode)] = []
    for (key, value) in entries {
      guard case .scalar(let name, let style) = key.content else {
        if case .refused = key.content { continue }
        report(
          key.range, "a key is a single word, not \(key.kind)", hint: "write `key: value`")
        continue
      }
      if name == "<<", style == .plain {
        report(
          key.range, "`<<` is a YAML merge key, which schedule files do not have",
          hint: "write the keys out")
      } else if let earlier = first[name] {
        report(
          key.range,
          "\(shown(name)) is given twice: first in line \(source.line(of: earlier.lowerBound))",
          hint: "leave one of the two out")
      } else {
        first[name] = key.range
        result.append((name, key.range, value))
      }
    }
    return result
  }

  /// What was meant by an unknown key: a similar one, one of another mapping, or any of these.
  private func hint(_ name: String, in table: KeyTable) -> String? {
    guard findings.count < FileLimits.diagnostics else { return nil }
    let known = table.keys.map(\.name)
    if let near = nearest(to: name, among: known) {
      return "did you mean `\(near)`?"
    }
    let homes = ScheduleKeys.tables.filter { $0.keys.contains { $0.name == name } }
    if !homes.isEmpty {
      let places = homes.map { $0.path.isEmpty ? "at the top of the file" : "in `\($0.path)`" }
      return "`\(name)` belongs \(places.joined(separator: " or ")): check the indentation"
    }
    return "the keys here are \(known.joined(separator: ", "))"
  }

  private func missingHint(_ name: String) -> String {
    switch name {
    case "pool": "name the pool that the file declares: `pool: movie-tickets`"
    case "command": "name the program as a list: `command: [./producers/make]`"
    case "from", "to":
      "write both: `{from: \"2026-03-01T08:00:00Z\", to: \"2026-03-01T12:00:00Z\"}`"
    default: "say when to prefill: `cron: \"0 * * * *\"`"
    }
  }

  // MARK: Values

  /// A value that fits its key; nil after saying why it does not.
  private mutating func check(
    _ node: YAMLNode, as key: Key, _ subject: Subject, at keyRange: Range<Int>
  ) -> CheckedValue? {
    if case .list = key.kind, node.isNull, key.defaultValue == .emptyList {
      return .list([])
    }
    return check(node, as: key.kind, subject, at: keyRange)
  }

  private mutating func check(
    _ node: YAMLNode, as kind: ValueKind, _ subject: Subject, at keyRange: Range<Int>
  ) -> CheckedValue? {
    if case .refused = node.content { return nil }
    switch (kind, node.content) {
    case (.mapping(let table), .mapping(let entries)):
      return .mapping(check(entries, at: keyRange, by: table))
    case (.list(let item, let count), .sequence(let nodes)):
      return list(nodes, of: item, count: count, subject, at: node.range)
    case (.variables(let rule), .mapping(let entries)):
      return variables(entries, rule, subject.path)
    case (.days(let count), .mapping(let entries)):
      return days(entries, count, subject)
    case (.mapping, _), (.list, _), (.variables, _), (.days, _):
      wrongKind(node, kind, subject, at: keyRange)
      return nil
    case (_, .scalar(let text, let style)) where !node.isNull:
      var scalar = ScalarCheck(subject: subject, text: text, isPlain: style == .plain)
      let value = scalar.value(of: kind)
      if let problem = scalar.problem {
        report(node.range, problem.message, hint: problem.hint)
      }
      return value
    default:
      wrongKind(node, kind, subject, at: keyRange)
      return nil
    }
  }

  private mutating func wrongKind(
    _ node: YAMLNode, _ kind: ValueKind, _ subject: Subject, at keyRange: Range<Int>
  ) {
    if node.isNull {
      let isEmpty = node.range.isEmpty
      let given =
        isEmpty ? "has no value" : "is \(shown(source.text(node.range))), which is no value"
      return report(
        isEmpty ? keyRange : node.range, "\(subject) \(given); it takes \(kind.noun)",
        hint: nullHint(kind, subject, isEmpty: isEmpty))
    }
    report(
      node.range, "\(subject) takes \(kind.noun), not \(node.kind)", hint: kind.example(for: node))
  }

  /// What to do about a key or an item without a value.
  private func nullHint(_ kind: ValueKind, _ subject: Subject, isEmpty: Bool) -> String {
    let required = ["pool", "schedules.cron", "demand.exclude.from", "demand.exclude.to"]
    if required.contains(subject.path) {
      return missingHint(String(subject.key))
    }
    if subject.isItem {
      return isEmpty
        ? "write the item after its `- `, or take the `- ` away"
        : "quote it, where the text itself is meant"
    }
    return kind.nullHint
  }

  private mutating func list(
    _ nodes: [YAMLNode], of kind: ValueKind, count: ClosedRange<Int>, _ subject: Subject,
    at range: Range<Int>
  ) -> CheckedValue? {
    if nodes.isEmpty, count.lowerBound > 0, !isPartial {
      report(range, "\(subject) must not be empty", hint: missingHint(String(subject.key)))
      return nil
    }
    if nodes.count > count.upperBound {
      report(
        nodes[count.upperBound].range, "\(subject) takes \(count.upperBound) items at most",
        hint: "take away the items from here on")
      return nil
    }
    return .list(
      nodes.map {
        Field(
          keyRange: $0.range, node: $0,
          value: check($0, as: kind, subject.item, at: $0.range))
      })
  }

  private mutating func days(
    _ entries: [(key: YAMLNode, value: YAMLNode)], _ count: ClosedRange<Int>, _ subject: Subject
  ) -> CheckedValue? {
    if entries.count > count.upperBound {
      report(
        entries[count.upperBound].key.range, "\(subject) takes \(count.upperBound) dates at most",
        hint: "take away the dates from here on, or those that are long past")
      return nil
    }
    var result: [Day] = []
    for (name, range, node) in named(entries, of: subject.path) {
      let (date, problem) = ScalarCheck.date(name)
      if let problem { report(range, problem.message, hint: problem.hint) }
      if let date,
        case .text(let word)? = check(
          node, as: .word(Day.weekdays), Subject(path: "\(subject.path).\(name)"), at: range),
        let weekday = Day.weekdays.firstIndex(of: word)
      {
        result.append(Day(date: date, range: range, weekday: weekday))
      }
    }
    return .days(result)
  }

  private mutating func variables(
    _ entries: [(key: YAMLNode, value: YAMLNode)], _ rule: TextRule, _ path: String
  ) -> CheckedValue {
    var result: [Variable] = []
    for (name, range, node) in named(entries, of: path) {
      if let problem = ScalarCheck.problem(ofVariable: name) {
        report(range, problem.message, hint: problem.hint)
      } else if case .text(let text)? = check(
        node, as: .text(rule), Subject(path: "\(path).\(name)"), at: range)
      {
        result.append(Variable(name: name, nameRange: range, text: text))
      }
    }
    return .variables(result)
  }
}

extension DefaultValue {
  /// The value as a file writes it.
  package var written: String {
    switch self {
    case .text(let text): text.isEmpty ? "\"\"" : text
    case .integer(let number): "\(number)"
    case .boolean(let value): "\(value)"
    case .emptyList: "[]"
    case .emptyMapping: "{}"
    }
  }
}

extension ValueKind {
  /// What is wanted, for messages.
  var noun: String {
    switch self {
    case .text(.instant): "a time with its offset"
    case .text: "a text"
    case .boolean: "`true` or `false`"
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .integerOrWord(let range, let words):
      "\(ValueKind.integer(range).noun), \(alternatives(words))"
    case .decimal(let range):
      "a number from \(Int(range.lowerBound)) to \(Int(range.upperBound)), such as `0.25`"
    case .duration(.positiveOrNone): "a duration or `none`"
    case .duration: "a duration"
    case .rate: "`unlimited` or a rate such as `600/h`"
    case .word(let words): alternatives(words)
    case .mapping: "a mapping of keys"
    case .list: "a list"
    case .variables: "a mapping of variables' names to texts"
    case .days: "a mapping of dates to weekdays"
    }
  }

  /// What to do about a key without a value.
  var nullHint: String {
    switch self {
    case .text: "write `\"\"` for an empty text, or leave the key out"
    case .mapping: "indent its keys below it, or leave the key out"
    case .variables: "indent the names below it, or write `{}` for none"
    case .days: "indent the dates below it, or write `{}` for none"
    default: "give it a value, or leave the key out"
    }
  }

  /// How to write what is wanted, given what was written.
  func example(for node: YAMLNode) -> String? {
    switch (self, node.content) {
    case (.list(of: .text, _), .scalar(let text, _)):
      let words = text.split(whereSeparator: \.isWhitespace).prefix(8).joined(separator: ", ")
      return "there is no shell: list the arguments, \(shown("[\(words)]"))"
    case (.list, .mapping): return "begin each item with `- `"
    case (.list, _): return "write the items below it, each after `- `"
    case (.mapping, .sequence): return "write its keys below it, without `- `"
    case (.mapping, _): return "write its keys below it, indented"
    case (.variables, _): return "write `NAME: text` below it, indented"
    case (.days, _): return "write `\"2026-12-24\": sunday` below it, indented"
    case (.text, .mapping): return "quote a text that has a `:` or a `?` in it"
    case (_, .sequence): return "write one value, without `- ` or brackets"
    case (_, .mapping): return "write one value, without keys or braces"
    default: return nil
    }
  }
}

import Larder

/// What texts a key takes.
package enum TextRule: Sendable, Hashable {
  /// Any text without NUL, as all of them are.
  case free
  case poolName, scheduleName, cron, zone
  /// An argument of a command; the content of an environment variable.
  case argument, variable
  /// A file's path, not empty.
  case path
  case revision
  /// The address of a webhook, or the word `none`.
  case webhook
  /// A time with its offset, RFC 3339.
  case instant
}

/// What durations a key takes.
package enum DurationRule: Sendable, Hashable {
  /// Any, 0s included.
  case any
  /// Longer than 0s.
  case positive
  /// Longer than 0s, or the word `none`.
  case positiveOrNone
  /// Any that is no longer than this.
  case atMost(Duration)
  /// Longer than 0s and no longer than this.
  case positiveAtMost(Duration)
}

/// What values a key takes.
package indirect enum ValueKind: Sendable {
  case text(TextRule)
  case boolean
  case integer(ClosedRange<Int>)
  /// A number, or one of these words.
  case integerOrWord(ClosedRange<Int>, words: [String])
  /// A number with or without decimals, 9 digits and 3 decimals at most.
  case decimal(ClosedRange<Double>)
  case duration(DurationRule)
  /// `unlimited`, or a number per second, minute, hour or day.
  case rate
  case word([String])
  case mapping(KeyTable)
  /// A list of so many items.
  case list(of: ValueKind, count: ClosedRange<Int>)
  /// Names of environment variables, each with a text.
  case variables(TextRule)
  /// So many dates, each with the weekday that it is like.
  case days(count: ClosedRange<Int>)
}

/// What a key is when the file leaves it out.
package enum DefaultValue: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  case emptyList
  case emptyMapping
}

/// A key that a mapping of a schedule file knows.
package struct Key: Sendable {
  /// The key as a file writes it.
  package let name: String
  /// What values it takes.
  package let kind: ValueKind
  /// Whether its mapping is wrong without it.
  package let isRequired: Bool
  /// Nil: required, or absent means something of its own, or its own keys have the defaults.
  package let defaultValue: DefaultValue?

  init(
    _ name: String, _ kind: ValueKind, required: Bool = false, default: DefaultValue? = nil
  ) {
    self.name = name
    self.kind = kind
    isRequired = required
    defaultValue = `default`
  }
}

/// The keys of one mapping.
package struct KeyTable: Sendable {
  /// The mapping's own key with those above it (`producer.retry`); empty for the whole file.
  package let path: String
  /// Its keys in the order in which people should read them.
  package let keys: [Key]

  init(_ path: String, _ keys: [Key]) {
    self.path = path
    self.keys = keys
  }

  func path(of name: String) -> String {
    path.isEmpty ? name : "\(path).\(name)"
  }
}

import Larder

/// A command line that was read by a command's options.
struct Arguments {
  private(set) var positional: [String] = []
  private var values: [String: [String]] = [:]
  private var environment: [String: String]
  private let options: [Option]

  /// Reads the words behind a command's name.
  init(
    _ words: [String], options: [Option], environment: [String: String]
  ) throws(CommandError) {
    self.options = options
    self.environment = environment
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        positional += rest
        break
      }
      guard word.hasPrefix("-"), word != "-" else {
        positional.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let option = options.first(where: { $0.name == parts[0] }) else {
        throw .usage("unknown option \(parts[0])" + Self.suggestion(for: String(parts[0]), options))
      }
      try take(option, inline: parts.count == 2 ? String(parts[1]) : nil, from: &rest)
    }
    guard !positional.contains("") else {
      throw .usage("an argument is empty: was it to be the value of a variable?")
    }
  }

  private mutating func take(
    _ option: Option, inline: String?, from rest: inout ArraySlice<String>
  ) throws(CommandError) {
    if values[option.name] != nil, !option.isRepeatable {
      throw .usage("\(option.name) is given twice")
    }
    guard let placeholder = option.value else {
      if inline != nil { throw .usage("\(option.name) takes no value") }
      values[option.name] = [""]
      return
    }
    var value = inline.map { [$0] } ?? []
    while value.count < option.words {
      guard let word = rest.popFirst() else {
        let need = option.words == 1 ? "a value" : "\(option.words) values"
        throw .usage("\(option.name) needs \(need): \(option.name) \(placeholder)")
      }
      value.append(word)
    }
    values[option.name, default: []] += value
  }

  private static func suggestion(for name: String, _ options: [Option]) -> String {
    let near = options.map(\.name).filter { $0.hasPrefix(name) || name.hasPrefix($0) }
    return near.isEmpty ? "" : ": do you mean \(near.joined(separator: " or "))?"
  }

  func has(_ option: Option) -> Bool { values[option.name] != nil }

  /// The option's value: as given, else as its environment variable says.
  func value(_ option: Option) -> String? {
    if let value = values[option.name]?.last { return value }
    guard let variable = option.variable, let value = environment[variable], !value.isEmpty
    else { return nil }
    return value
  }

  func values(_ option: Option) -> [String] { values[option.name] ?? [] }

  func integer(_ option: Option, in range: ClosedRange<Int>) throws(CommandError) -> Int? {
    guard let text = value(option) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw .usage(
        "\(option.name) must be a whole number from \(range.lowerBound) to \(range.upperBound), "
          + "not \(text)")
    }
    return number
  }

  func duration(_ option: Option) throws(CommandError) -> Duration? {
    guard let text = value(option) else { return nil }
    guard let span = DurationText.parse(text) else {
      throw .usage("\(option.name) must be a duration such as 90s, 10m or 1h30m, not \(text)")
    }
    return span
  }

  /// One of an enumeration's words.
  func word<Word: RawRepresentable<String>>(
    _ option: Option, of known: [Word]
  ) throws(CommandError) -> Word? {
    guard let text = value(option) else { return nil }
    guard let word = known.first(where: { $0.rawValue == text }) else {
      let words = known.map(\.rawValue).joined(separator: ", ")
      throw .usage("\(option.name) must be one of \(words), not \(text)")
    }
    return word
  }

  /// The only positional argument.
  func single(_ name: String) throws(CommandError) -> String {
    guard let argument = positional.first else { throw .usage("\(name) is missing") }
    try expect(atMost: 1)
    return argument
  }

  func expect(atMost count: Int) throws(CommandError) {
    guard positional.count <= count else {
      throw .usage("unexpected argument \(positional[count])")
    }
  }
}

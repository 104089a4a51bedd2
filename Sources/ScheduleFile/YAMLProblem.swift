import CYAML

/// Why libyaml could not read on, and where.
struct YAMLProblem {
  private let problem: String
  private let context: String
  /// Where reading stopped.
  private let place: Int
  /// Where what was being read began.
  private let contextPlace: Int

  init(_ parser: UnsafeMutablePointer<yaml_parser_t>) {
    let parser = parser.pointee
    problem = parser.problem.map { String(cString: $0) } ?? "no memory is left"
    context = parser.context.map { String(cString: $0) } ?? ""
    place = Int(parser.problem_mark.index)
    contextPlace = Int(parser.context_mark.index)
  }

  /// The problem in words for people who do not know how a YAML parser works.
  /// - Parameter openBracket: where the innermost `[` or `{` stands that is still open.
  func finding(in source: SourceText, openBracket: Int?) -> Finding {
    if let openBracket, isAtEnd(of: source) {
      return YAMLProblem.neverClosed(openBracket, in: source)
    }
    return finding(in: source)
  }

  private func isAtEnd(of source: SourceText) -> Bool {
    source.scalars[min(place, source.scalars.count)...].allSatisfy(\.properties.isWhitespace)
      && !context.contains("quoted scalar")
  }

  private static func neverClosed(_ place: Int, in source: SourceText) -> Finding {
    let open = source.scalars[place]
    return Finding(
      range: place..<place + 1, message: "this `\(open)` is never closed",
      hint: "close it with `\(open == "[" ? "]" : "}")`")
  }

  private func finding(in source: SourceText) -> Finding {
    let here = place..<place + 1
    let begin = contextPlace..<contextPlace + 1
    let opened = "line \(source.line(of: contextPlace))"
    switch problem {
    case _ where context.hasSuffix("scanning an alias"):
      return YAMLProblem.alias(begin, in: source)
    case _ where context.hasSuffix("scanning an anchor"):
      return YAMLProblem.anchor(begin)
    case "found character that cannot start any token":
      return badStart(in: source)
    case "found unexpected end of stream" where context.contains("quoted scalar"):
      return Finding(
        range: begin, message: "the quote that opens here is never closed",
        hint: "close it with the same quote at the end of the text")
    case "found unexpected document indicator" where context.contains("quoted scalar"):
      return Finding(
        range: begin, message: "the quote that opens here is not closed before the document ends",
        hint: "close it with the same quote at the end of the text")
    case "found unknown escape character", "did not find expected hexdecimal number":
      return Finding(
        range: here, message: "a backslash in double quotes starts an escape, and this is not one",
        hint: "write `\\\\` for a backslash, or use single quotes, which have no escapes")
    case "mapping values are not allowed in this context":
      return Finding(
        range: here, message: "a `:` cannot stand here, as this is not a key of its own line",
        hint: "quote a text that has `: ` in it, and indent keys of one mapping alike")
    case "could not find expected ':'":
      return Finding(
        range: begin, message: "this is neither a key with a `:` nor a value of the line above",
        hint: "write `key: value`, with a space after the `:`")
    case "did not find expected key" where hasTextBefore(in: source):
      return Finding(
        range: here, message: "after a closing quote or bracket nothing more can stand in the line",
        hint: "put the quotes around the whole text")
    case "did not find expected key":
      return Finding(
        range: here, message: "the indentation of this line fits none of the lines above it",
        hint: "indent keys of one mapping alike, and items of one list alike")
    case "did not find expected '-' indicator":
      return Finding(
        range: here, message: "the list that begins at \(opened) has to go on with `- ` here",
        hint: "indent the items of one list alike")
    case "block sequence entries are not allowed in this context":
      return Finding(
        range: here, message: "a list item (`- `) cannot stand here",
        hint: "begin a list on the line below its key")
    case "did not find expected ',' or ']'":
      return unclosed("[", "]", in: source)
    case "did not find expected ',' or '}'":
      return unclosed("{", "}", in: source)
    case "did not find expected node content":
      return Finding(
        range: here, message: "a value is missing here",
        hint: "close what is open with `]` or `}`, and quote a text that begins with a sign")
    case "did not find expected <document start>":
      return Finding(
        range: here, message: "nothing can stand here, as the document has ended",
        hint: "a schedule file is one mapping: write `key: value`")
    case "did not find expected comment or line break":
      return Finding(
        range: here, message: "after `>` or `|` the text begins in the next line",
        hint: "put the text below, indented, or quote a text that begins with `>` or `|`")
    case "found unexpected ':'":
      return Finding(
        range: here, message: "inside of brackets an unquoted text cannot have a `:` here",
        hint: "quote the text, or write a space after the `:` of a key")
    case "mapping keys are not allowed in this context":
      return Finding(
        range: here, message: "an unquoted text cannot begin with `? ` in YAML",
        hint: "quote the text")
    case _ where context.contains("directive"):
      return Finding(
        range: begin, message: "a line that begins with `%` is a YAML directive, and this is none",
        hint: "take the line away, or quote a text that begins with `%`")
    case _ where context.contains("tag") || problem.contains("tag"):
      return YAMLProblem.tag(begin)
    case "found a tab character that violates indentation",
      "found a tab character where an indentation space is expected":
      return YAMLProblem.tab(here)
    default:
      let whole = context.isEmpty ? problem : "\(context), \(problem)"
      return Finding(range: here, message: "the YAML is broken here: \(whole)")
    }
  }

  /// `*` begins an alias; mostly it was meant to begin a cron expression.
  static func alias(_ range: Range<Int>, in source: SourceText) -> Finding {
    Finding(
      range: range.lowerBound..<range.lowerBound + 1,
      message: "an unquoted `*` starts a YAML alias, which schedule files do not have",
      hint: "quote it: \"\(value(at: range.lowerBound, in: source))\"")
  }

  static func anchor(_ range: Range<Int>) -> Finding {
    Finding(
      range: range.lowerBound..<range.lowerBound + 1,
      message: "an unquoted `&` starts a YAML anchor, which schedule files do not have",
      hint: "leave the anchor out, or quote a text that begins with `&`")
  }

  static func tag(_ range: Range<Int>) -> Finding {
    Finding(
      range: range.lowerBound..<range.lowerBound + 1,
      message: "an unquoted `!` starts a YAML tag, which schedule files do not have",
      hint: "leave the tag out, or quote a text that begins with `!`")
  }

  private static func tab(_ range: Range<Int>) -> Finding {
    Finding(
      range: range, message: "a tab cannot indent in YAML",
      hint: "use spaces, two for each level")
  }

  /// Mostly a bracket is forgotten at the end of its line, and missed in the next one.
  private func unclosed(_ open: String, _ close: String, in source: SourceText) -> Finding {
    let quote = "quote an item that has `,`, `[`, `]`, `{` or `}` in it"
    guard source.line(of: place) == source.line(of: contextPlace) else {
      return Finding(
        range: contextPlace..<contextPlace + 1,
        message: "this `\(open)` is not closed: `,` or `\(close)` is missing before line "
          + "\(source.line(of: place)) goes on", hint: "close it with `\(close)`, and \(quote)")
    }
    return Finding(
      range: place..<place + 1, message: "`,` or `\(close)` is missing before this",
      hint: "write `,` between two items, and \(quote)")
  }

  /// Whether something stands before the place in its line.
  private func hasTextBefore(in source: SourceText) -> Bool {
    let before = source.scalars[..<min(place, source.scalars.count)].reversed()
    return before.first { $0 != " " && $0 != "\t" }.map { $0 != "\n" && $0 != "\r" } ?? false
  }

  private func badStart(in source: SourceText) -> Finding {
    let here = place..<place + 1
    guard place < source.scalars.count, source.scalars[place] != "\t" else {
      return YAMLProblem.tab(here)
    }
    return Finding(
      range: here, message: "an unquoted text cannot begin with `\(source.scalars[place])` in YAML",
      hint: "quote it: \"\(YAMLProblem.value(at: place, in: source))\"")
  }

  /// Whether a bracket is open before an index in its line. libyaml reads ahead of what it has
  /// told of, so it may know of no bracket yet.
  private static func bracketsOpen(before index: Int, in source: SourceText) -> Bool {
    var depth = 0
    for scalar in source.scalars[..<min(index, source.scalars.count)].reversed() {
      if scalar == "\n" || scalar == "\r" { return false }
      if scalar == "]" || scalar == "}" { depth += 1 }
      if scalar == "[" || scalar == "{" { depth -= 1 }
      if depth < 0 { return true }
    }
    return false
  }

  /// The rest of a line without its comment, inside of brackets up to the next item: what
  /// somebody meant as one value.
  private static func value(at index: Int, in source: SourceText) -> String {
    var value = String(String.UnicodeScalarView(source.restOfLine(from: index)))
    if let comment = value.firstRange(of: " #") {
      value = String(value[..<comment.lowerBound])
    }
    let isInBrackets = bracketsOpen(before: index, in: source)
    if isInBrackets, let next = value.firstIndex(where: { "]}".contains($0) }) {
      value = String(value[..<next])
    }
    if isInBrackets, let next = value.firstRange(of: ", ") {
      value = String(value[..<next.lowerBound])
    }
    while let last = value.last, last == " " || last == "\t" {
      value.removeLast()
    }
    return String(shown(value).dropFirst().dropLast())
  }
}

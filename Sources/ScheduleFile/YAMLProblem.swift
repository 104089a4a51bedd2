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
  func finding(in source: SourceText) -> Finding {
    let here = place..<place + 1
    let begin = contextPlace..<contextPlace + 1
    let opened = "line \(source.line(of: contextPlace))"
    switch problem {
    case _ where context.hasSuffix("scanning an alias"):
      return YAMLProblem.alias(begin, in: source)
    case _ where context.hasSuffix("scanning an anchor"):
      return Finding(
        range: begin, message: "`&` starts a YAML anchor, which schedule files do not have",
        hint: "quote a text that begins with `&`")
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
    case "did not find expected key":
      return Finding(
        range: here, message: "no key of the mapping that begins at \(opened) can stand here",
        hint: "indent keys of one mapping alike, and put nothing after a closing quote or bracket")
    case "did not find expected '-' indicator":
      return Finding(
        range: here, message: "the list that begins at \(opened) has to go on with `- ` here",
        hint: "indent the items of one list alike")
    case "block sequence entries are not allowed in this context":
      return Finding(
        range: here, message: "a list item (`- `) cannot stand here",
        hint: "begin a list on the line below its key")
    case "did not find expected ',' or ']'":
      return Finding(
        range: here, message: "the `[` at \(opened) is not closed: here `,` or `]` is missing",
        hint: "quote an item that has `,`, `[`, `]`, `{` or `}` in it")
    case "did not find expected ',' or '}'":
      return Finding(
        range: here, message: "the `{` at \(opened) is not closed: here `,` or `}` is missing",
        hint: "quote a value that has `,`, `[`, `]`, `{` or `}` in it")
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

  private static func tab(_ range: Range<Int>) -> Finding {
    Finding(
      range: range, message: "a tab cannot indent in YAML",
      hint: "use spaces, two for each level")
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

  /// The rest of a line without its comment: what somebody meant as one value.
  private static func value(at index: Int, in source: SourceText) -> String {
    var value = String(String.UnicodeScalarView(source.restOfLine(from: index)))
    if let comment = value.firstRange(of: " #") {
      value = String(value[..<comment.lowerBound])
    }
    while let last = value.last, last == " " || last == "\t" {
      value.removeLast()
    }
    return String(shown(value).dropFirst().dropLast())
  }
}

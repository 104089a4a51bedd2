/// Characters of a user's text that a message repeats at most.
private let quotedLimit = 60

/// A user's text for a message: in quotes, cut if it is long, with nothing that a terminal obeys.
func quoted(_ text: some Sequence<Unicode.Scalar>) -> String {
  var result = "'"
  var count = 0
  for scalar in text {
    count += 1
    if count > quotedLimit { return result + "…'" }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
      result += scalar.escaped(asASCII: true)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "'"
}

/// A user's text for a message: in quotes, cut if it is long, with nothing that a terminal obeys.
func quoted(_ text: String) -> String { quoted(text.unicodeScalars) }

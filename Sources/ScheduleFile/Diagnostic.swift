/// What is wrong, or doubtful, at one place of a schedule file.
package struct Diagnostic: Error, Sendable, Hashable {
  /// An error keeps the file from being used; a warning does not.
  package enum Severity: String, Sendable, Hashable {
    case error, warning
  }

  package let severity: Severity
  /// The file as it is to be shown.
  package let file: String
  /// The line, from 1.
  package let line: Int
  /// The column in characters (Unicode scalars), from 1.
  package let column: Int
  /// How many characters from `column` on are meant; at least 1.
  package let length: Int
  /// What is wrong, in one line.
  package let message: String
  /// The way out, in one line.
  package let hint: String?
  /// The line's text; of a long line the part around the column. Nil where there is none to show.
  package let sourceLine: String?
  /// How many characters of `sourceLine` stand before the place that is meant.
  package let sourceOffset: Int

  /// A diagnostic of a file as a whole, which has no line to show: it stands at 1:1.
  package init(severity: Severity = .error, file: String, message: String, hint: String? = nil) {
    self.init(
      severity: severity, file: file, line: 1, column: 1, length: 1, message: message, hint: hint,
      sourceLine: nil, sourceOffset: 0)
  }

  init(
    severity: Severity, file: String, line: Int, column: Int, length: Int, message: String,
    hint: String?, sourceLine: String?, sourceOffset: Int
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.length = length
    self.message = message
    self.hint = hint
    self.sourceLine = sourceLine
    self.sourceOffset = sourceOffset
  }

  /// `file:line:column: error: message`, then the line, a caret below what is meant, and the
  /// hint; lines are separated by newlines, without one at the end.
  package var rendered: String {
    var lines = ["\(file):\(line):\(column): \(severity.rawValue): \(message)"]
    if let sourceLine {
      lines.append(sourceLine)
      lines.append(caretLine(below: sourceLine))
    }
    if let hint {
      lines.append("hint: \(hint)")
    }
    return lines.joined(separator: "\n")
  }

  /// Tabs stay tabs, so that the caret stands right however wide they are shown.
  private func caretLine(below text: String) -> String {
    var caret = ""
    for scalar in text.unicodeScalars.prefix(sourceOffset) {
      caret += scalar == "\t" ? "\t" : " "
    }
    let rest = text.unicodeScalars.count - sourceOffset
    return caret + "^" + String(repeating: "~", count: max(min(length, rest) - 1, 0))
  }
}

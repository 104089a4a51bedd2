/// What a check found at a range of a file's characters.
struct Finding {
  var severity: Diagnostic.Severity = .error
  var range: Range<Int>
  var message: String
  var hint: String?
}

/// A file's characters and where its lines begin. Places are indexes of characters (Unicode
/// scalars), as libyaml counts them too; a byte order mark is not one of them.
struct SourceText {
  let file: String
  let scalars: [Unicode.Scalar]
  /// The index of the first character of each line.
  private let lineStarts: [Int]
  /// Where the first bytes stand that are not UTF-8.
  let firstInvalid: Int?

  /// `bytes` come without a byte order mark.
  init(file: String, bytes: ArraySlice<UInt8>) {
    self.file = file
    if let text = String(validating: bytes, as: UTF8.self) {
      scalars = Array(text.unicodeScalars)
      firstInvalid = nil
    } else {
      (scalars, firstInvalid) = SourceText.repaired(bytes)
    }
    var starts = [0]
    for (index, scalar) in scalars.enumerated() {
      let isReturn = scalar == "\r" && !(index + 1 < scalars.count && scalars[index + 1] == "\n")
      if scalar == "\n" || isReturn {
        starts.append(index + 1)
      }
    }
    lineStarts = starts
  }

  private static func repaired(_ bytes: ArraySlice<UInt8>) -> ([Unicode.Scalar], Int?) {
    var scalars: [Unicode.Scalar] = []
    var firstInvalid: Int?
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): scalars.append(scalar)
      case .error:
        firstInvalid = firstInvalid ?? scalars.count
        scalars.append("\u{FFFD}")
      case .emptyInput: return (scalars, firstInvalid)
      }
    }
  }

  /// The line (from 1) of a character.
  func line(of index: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= index { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// The characters from an index to the end of its line.
  func restOfLine(from index: Int) -> ArraySlice<Unicode.Scalar> {
    scalars[Swift.min(index, scalars.count)...].prefix { $0 != "\n" && $0 != "\r" }
  }

  /// The text of a range; what stands beyond the end is left out.
  func text(_ range: Range<Int>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars[range.clamped(to: 0..<scalars.count)])
    return String(text)
  }

  /// Diagnostics in the order of their places. Of very many the rest is counted.
  func diagnostics(_ findings: [Finding]) -> [Diagnostic] {
    let sorted = findings.enumerated().sorted {
      ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
    }.map(\.element)
    var shown = Array(sorted.prefix(FileLimits.diagnostics))
    let rest = sorted.dropFirst(FileLimits.diagnostics)
    if let first = rest.first {
      let hasErrors = rest.contains { $0.severity == .error }
      shown.append(
        Finding(
          severity: hasErrors ? .error : .warning, range: first.range,
          message: "\(rest.count) more errors or warnings from here on are not shown",
          hint: "mend those above first"))
    }
    return shown.map(diagnostic)
  }

  func diagnostic(_ finding: Finding) -> Diagnostic {
    let start = Swift.min(finding.range.lowerBound, scalars.count)
    let line = line(of: start)
    let lineStart = lineStarts[line - 1]
    let lineEnd = start + restOfLine(from: start).count
    let length = Swift.max(1, Swift.min(finding.range.upperBound, lineEnd) - start)
    let (excerpt, offset) = excerpt(lineStart..<lineEnd, around: start)
    return Diagnostic(
      severity: finding.severity, file: file, line: line, column: start - lineStart + 1,
      length: length, message: finding.message, hint: finding.hint, sourceLine: excerpt,
      sourceOffset: offset)
  }

  /// The part of a line that is shown around an index, and what of it stands before the index.
  private func excerpt(_ line: Range<Int>, around index: Int) -> (text: String?, offset: Int) {
    guard !line.isEmpty else { return (nil, 0) }
    var shown = line
    if line.count > FileLimits.shownLine {
      let half = FileLimits.shownLine / 2
      let start = Swift.max(line.lowerBound, Swift.min(index, line.upperBound - half) - half)
      shown = start..<Swift.min(start + FileLimits.shownLine, line.upperBound)
    }
    let before = shown.lowerBound > line.lowerBound ? "…" : ""
    let after = shown.upperBound < line.upperBound ? "…" : ""
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars[shown].map(printable))
    return (before + String(text) + after, index - shown.lowerBound + before.unicodeScalars.count)
  }
}

/// The character, or one that stands for it where it would disturb a terminal.
private func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
  switch scalar.properties.generalCategory {
  case .control where scalar != "\t": "\u{FFFD}"
  case .format, .lineSeparator, .paragraphSeparator, .surrogate: "\u{FFFD}"
  default: scalar
  }
}

/// A value for a message: in backticks, shortened, without what would disturb a terminal.
func shown(_ text: String) -> String {
  var value = String.UnicodeScalarView()
  for scalar in text.unicodeScalars.prefix(FileLimits.shownValue) {
    value.append(scalar == "\n" || scalar == "\t" ? " " : printable(scalar))
  }
  let cut = text.unicodeScalars.dropFirst(FileLimits.shownValue).isEmpty ? "" : "…"
  return "`\(String(value))\(cut)`"
}

/// The text of an expression, by Unicode scalars, so that errors can point into it.
struct CronText {
  /// As written.
  let scalars: [Unicode.Scalar]
  /// In capital letters, as far as ASCII goes: names and marks are taken in any case.
  let capitals: [Unicode.Scalar]

  init(_ text: String) {
    scalars = Array(text.unicodeScalars)
    capitals = scalars.map { scalar in
      ("a"..."z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) & ~0x20) : scalar
    }
  }

  /// The parts between spaces and tabs.
  func words() -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start: Int?
    for (index, scalar) in scalars.enumerated() {
      if scalar == " " || scalar == "\t" {
        if let begin = start { words.append(begin..<index) }
        start = nil
      } else if start == nil {
        start = index
      }
    }
    if let begin = start { words.append(begin..<scalars.count) }
    return words
  }

  /// A part as written.
  func text(_ range: Range<Int>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars[range])
    return String(text)
  }

  /// A part in capital letters.
  func capitals(_ range: Range<Int>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: capitals[range])
    return String(text)
  }

  /// Where a scalar first is in a part.
  func first(_ scalar: Unicode.Scalar, in range: Range<Int>) -> Int? {
    capitals[range].firstIndex(of: scalar)
  }

  /// A part between commas, and so on; parts may be empty.
  func split(_ range: Range<Int>, at separator: Unicode.Scalar) -> [Range<Int>] {
    capitals[range].split(separator: separator, omittingEmptySubsequences: false)
      .map { $0.startIndex..<$0.endIndex }
  }

  /// The number that a part of ASCII digits writes, or nil if it isn't one; huge numbers are cut
  /// to one that is out of every range.
  func number(_ range: Range<Int>) -> Int? {
    guard !range.isEmpty else { return nil }
    let huge = 1_000_000_000_000
    var value = 0
    for scalar in scalars[range] {
      guard ("0"..."9").contains(scalar) else { return nil }
      value = min(huge, value * 10 + Int(scalar.value - 48))
    }
    return value
  }

  /// An error about a part.
  func error(_ message: String, at range: Range<Int>, hint: String?) -> CronError {
    CronError(
      message: message, hint: hint, offset: range.lowerBound, length: max(1, range.count))
  }
}

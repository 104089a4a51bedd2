/// Whether bytes are text that YAML allows.
enum Encoding {
  static func isUTF16(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
  }

  /// What keeps a text from being read as YAML; nil: nothing.
  static func problem(_ source: SourceText) -> Finding? {
    if let place = source.firstInvalid {
      return Finding(
        range: place..<place + 1, message: "these bytes are not UTF-8",
        hint: "save the file as UTF-8")
    }
    guard let place = source.scalars.firstIndex(where: { !isAllowed($0) }) else { return nil }
    let number = String(source.scalars[place].value, radix: 16, uppercase: true)
    let code = String(repeating: "0", count: max(0, 4 - number.count)) + number
    guard source.scalars[place] != "\0" else {
      return Finding(
        range: place..<place + 1, message: "the file has a NUL character in it",
        hint: "a schedule file is text; is this another file?")
    }
    return Finding(
      range: place..<place + 1, message: "the character U+\(code) cannot stand in YAML",
      hint: "take it out; in double quotes the escape `\\u\(code)` stands for it")
  }

  /// The characters that YAML calls printable.
  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD,
      0x10000...0x10FFFF:
      true
    default: false
    }
  }
}

/// A JSON value as its text: members are found without decoding the rest, and a payload's bytes
/// stay as they came.
struct JSONText {
  private let bytes: ArraySlice<UInt8>

  /// The text must be one value; what follows it is not looked at.
  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The value of a string without escapes, as are all that the campaign looks at.
  var string: String? {
    guard let first = bytes.first, first == UInt8(ascii: "\""), bytes.count >= 2 else { return nil }
    let inner = bytes.dropFirst().dropLast()
    precondition(!inner.contains(UInt8(ascii: "\\")), "\(text) has an escape")
    return String(decoding: inner, as: UTF8.self)
  }

  var int: Int? { Int(text) }

  /// A member of an object.
  subscript(name: StaticString) -> JSONText? {
    var found: ArraySlice<UInt8>?
    let isSame: (ArraySlice<UInt8>) -> Bool = { bytes in
      name.withUTF8Buffer { bytes.elementsEqual($0) }
    }
    members { key, value in
      if found == nil, isSame(key) { found = value }
    }
    return found.map(JSONText.init)
  }

  /// The whole numbers among an object's members.
  var numbers: [String: Int] {
    var numbers: [String: Int] = [:]
    members { key, value in
      if let number = JSONText(value).int { numbers[String(decoding: key, as: UTF8.self)] = number }
    }
    return numbers
  }

  /// The elements of an array.
  var elements: [JSONText] {
    guard bytes.first == UInt8(ascii: "[") else { return [] }
    var elements: [JSONText] = []
    var at = skipSpace(bytes.startIndex + 1)
    while at < bytes.endIndex, bytes[at] != UInt8(ascii: "]") {
      let end = self.end(of: at)
      elements.append(JSONText(bytes[at..<end]))
      at = skipSpace(end)
      if at < bytes.endIndex, bytes[at] == UInt8(ascii: ",") { at = skipSpace(at + 1) }
    }
    return elements
  }

  private func members(_ body: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Void) {
    guard bytes.first == UInt8(ascii: "{") else { return }
    var at = skipSpace(bytes.startIndex + 1)
    while at < bytes.endIndex, bytes[at] == UInt8(ascii: "\"") {
      let nameEnd = end(of: at)
      let name = bytes[(at + 1)..<(nameEnd - 1)]
      at = skipSpace(nameEnd)
      guard at < bytes.endIndex, bytes[at] == UInt8(ascii: ":") else { return }
      at = skipSpace(at + 1)
      let valueEnd = end(of: at)
      body(name, bytes[at..<valueEnd])
      at = skipSpace(valueEnd)
      if at < bytes.endIndex, bytes[at] == UInt8(ascii: ",") { at = skipSpace(at + 1) }
    }
  }

  private func skipSpace(_ start: Int) -> Int {
    var at = start
    while at < bytes.endIndex, bytes[at] <= 0x20 { at += 1 }
    return at
  }

  /// Where the value that begins there ends.
  private func end(of start: Int) -> Int {
    var at = start
    var depth = 0
    var quoted = false
    while at < bytes.endIndex {
      let byte = bytes[at]
      if quoted {
        if byte == UInt8(ascii: "\\") {
          at += 1
        } else if byte == UInt8(ascii: "\"") {
          quoted = false
          if depth == 0 { return at + 1 }
        }
      } else {
        switch byte {
        case UInt8(ascii: "\""): quoted = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          if depth == 0 { return at }
          depth -= 1
          if depth == 0 { return at + 1 }
        case UInt8(ascii: ","), 0...0x20: if depth == 0 { return at }
        default: break
        }
      }
      at += 1
    }
    return min(at, bytes.endIndex)
  }
}

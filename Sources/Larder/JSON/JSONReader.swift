/// Reads JSON (RFC 8259) strictly, without building a tree.
///
/// It exists beside the JSON libraries because a payload must come back byte for byte, which
/// none of them gives: they decode a value and print another text for it.
package struct JSONReader: ~Copyable {
  /// Deeper nesting is refused, so that no text can exhaust the stack.
  package static let deepest = 200

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// Checks a whole text and gives its one value. Ranges count from the start of `bytes`.
  package static func value(of bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSONValue {
    var reader = JSONReader(bytes)
    let value = try reader.document()
    return value
  }

  /// Checks a whole text that must be an object, and gives its members in order.
  /// A name that stands twice is an error.
  package static func members(
    of bytes: UnsafeBufferPointer<UInt8>
  ) throws(JSONError) -> [(name: String, value: JSONValue)] {
    guard String.isUTF8(bytes) else { throw JSONError(message: "not UTF-8", offset: 0) }
    var reader = JSONReader(bytes)
    reader.skipSpace()
    var members: [(name: String, value: JSONValue)] = []
    // Names are compared by their code units: `String` would take é and e with an accent for one.
    var names = Names()
    guard reader.peek() == UInt8(ascii: "{") else {
      throw JSONError(message: "not a JSON object", offset: reader.position)
    }
    _ = try reader.object(depth: 1) { (name, value, offset) throws(JSONError) in
      guard names.insert(name) else {
        throw JSONError(message: "the member \(shown(name)) stands twice", offset: offset)
      }
      members.append((name, value))
    }
    try reader.end()
    return members
  }

  /// The names of an object's members so far. A few are looked through, which needs no memory
  /// besides.
  private struct Names {
    private static let few = 8
    private var first: [String] = []
    private var all: Set<[UInt8]> = []

    /// Adds a name; false if it is there already.
    mutating func insert(_ name: String) -> Bool {
      guard first.count == Self.few else {
        guard !first.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else { return false }
        first.append(name)
        return true
      }
      if all.isEmpty { all = Set(first.map { Array($0.utf8) }) }
      return all.insert(Array(name.utf8)).inserted
    }
  }

  /// A member's name in quotes, as messages show it: its beginning, where it is long.
  static func shown(_ name: String) -> String {
    let longest = 64
    let start = name.unicodeScalars.prefix(longest)
    return "\"\(String(start))\(start.endIndex < name.endIndex ? "…" : "")\""
  }

  /// Checks a whole text that must be an array, and gives its elements in order.
  package static func elements(
    of bytes: UnsafeBufferPointer<UInt8>
  ) throws(JSONError) -> [JSONValue] {
    guard String.isUTF8(bytes) else { throw JSONError(message: "not UTF-8", offset: 0) }
    var reader = JSONReader(bytes)
    reader.skipSpace()
    guard reader.peek() == UInt8(ascii: "[") else {
      throw JSONError(message: "not a JSON array", offset: reader.position)
    }
    var elements: [JSONValue] = []
    try reader.array(depth: 1) { elements.append($0) }
    try reader.end()
    return elements
  }

  /// The text of a string value of `bytes`, escapes resolved.
  package static func string(
    _ value: JSONValue, of bytes: UnsafeBufferPointer<UInt8>
  ) -> String? {
    guard value.kind == .string else { return nil }
    return unescape(UnsafeBufferPointer(rebasing: bytes[value.range]))
  }

  private mutating func document() throws(JSONError) -> JSONValue {
    guard String.isUTF8(bytes) else { throw JSONError(message: "not UTF-8", offset: 0) }
    skipSpace()
    let value = try self.value(depth: 1)
    try end()
    return value
  }

  private mutating func end() throws(JSONError) {
    skipSpace()
    if position < bytes.count {
      throw JSONError(message: "more than one JSON value", offset: position)
    }
  }

  private func peek() -> UInt8? {
    position < bytes.count ? bytes[position] : nil
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    let start = position
    let kind: JSONValue.Kind
    switch peek() {
    case UInt8(ascii: "{"):
      try object(depth: depth, nil)
      kind = .object
    case UInt8(ascii: "["):
      try array(depth: depth) { _ in }
      kind = .array
    case UInt8(ascii: "\""):
      try string()
      kind = .string
    case UInt8(ascii: "t"):
      try word("true")
      kind = .bool
    case UInt8(ascii: "f"):
      try word("false")
      kind = .bool
    case UInt8(ascii: "n"):
      try word("null")
      kind = .null
    case nil:
      throw JSONError(message: "the JSON ends too early", offset: position)
    default:
      try number()
      kind = .number
    }
    return JSONValue(kind: kind, range: start..<position)
  }

  private mutating func object(
    depth: Int, _ found: ((String, JSONValue, Int) throws(JSONError) -> Void)?
  ) throws(JSONError) {
    try open(depth)
    skipSpace()
    if close(UInt8(ascii: "}")) { return }
    while true {
      skipSpace()
      let start = position
      guard peek() == UInt8(ascii: "\"") else { throw unexpected("a member's name in quotes") }
      try string()
      let name = start..<position
      skipSpace()
      guard close(UInt8(ascii: ":")) else { throw unexpected("a colon") }
      skipSpace()
      let value = try self.value(depth: depth + 1)
      if let found {
        try found(Self.unescape(UnsafeBufferPointer(rebasing: bytes[name])), value, start)
      }
      skipSpace()
      if close(UInt8(ascii: "}")) { return }
      guard close(UInt8(ascii: ",")) else { throw unexpected("a comma or }") }
    }
  }

  private mutating func array(
    depth: Int, _ found: (JSONValue) -> Void
  ) throws(JSONError) {
    try open(depth)
    skipSpace()
    if close(UInt8(ascii: "]")) { return }
    while true {
      skipSpace()
      found(try value(depth: depth + 1))
      skipSpace()
      if close(UInt8(ascii: "]")) { return }
      guard close(UInt8(ascii: ",")) else { throw unexpected("a comma or ]") }
    }
  }

  private mutating func open(_ depth: Int) throws(JSONError) {
    guard depth <= Self.deepest else {
      throw JSONError(message: "nested deeper than \(Self.deepest) levels", offset: position)
    }
    position += 1
  }

  /// Takes the byte if it is the next one.
  private mutating func close(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func word(_ text: StaticString) throws(JSONError) {
    let start = position
    for index in 0..<text.utf8CodeUnitCount {
      guard close(text.utf8Start[index]) else {
        throw JSONError(message: "not a JSON value", offset: start)
      }
    }
  }

  private mutating func string() throws(JSONError) {
    position += 1
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return
      case UInt8(ascii: "\\"):
        position += 1
        try escape()
      case 0..<0x20:
        throw JSONError(message: "a control character in a string", offset: position)
      default:
        position += 1
      }
    }
    throw JSONError(message: "a string without its closing quote", offset: position)
  }

  private mutating func escape() throws(JSONError) {
    switch peek() {
    case UInt8(ascii: "u"):
      position += 1
      let unit = try hexadecimal()
      if (0xDC00...0xDFFF).contains(unit) { throw unexpected("a first surrogate") }
      if (0xD800...0xDBFF).contains(unit) {
        guard close(UInt8(ascii: "\\")), close(UInt8(ascii: "u")),
          (0xDC00...0xDFFF).contains(try hexadecimal())
        else { throw unexpected("a second surrogate") }
      }
    case .some(let byte) where "\"\\/bfnrt".utf8.contains(byte):
      position += 1
    default:
      throw unexpected("an escape that JSON knows")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Self.hexadecimalDigit(byte) else {
        throw unexpected("four hexadecimal digits")
      }
      unit = unit << 4 | digit
      position += 1
    }
    return unit
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  private mutating func number() throws(JSONError) {
    let start = position
    _ = close(UInt8(ascii: "-"))
    if !close(UInt8(ascii: "0")) {
      guard digits() else { throw JSONError(message: "not a JSON value", offset: start) }
    }
    if close(UInt8(ascii: ".")) {
      guard digits() else { throw unexpected("a digit") }
    }
    if close(UInt8(ascii: "e")) || close(UInt8(ascii: "E")) {
      if !close(UInt8(ascii: "+")) { _ = close(UInt8(ascii: "-")) }
      guard digits() else { throw unexpected("a digit") }
    }
  }

  private mutating func digits() -> Bool {
    let start = position
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      position += 1
    }
    return position > start
  }

  private func unexpected(_ wanted: String) -> JSONError {
    if position >= bytes.count {
      return JSONError(message: "the JSON ends where \(wanted) should stand", offset: position)
    }
    return JSONError(message: "expected \(wanted)", offset: position)
  }

  /// The text of a checked string literal, its quotes included.
  private static func unescape(_ literal: UnsafeBufferPointer<UInt8>) -> String {
    let inner = UnsafeBufferPointer(rebasing: literal[1..<(literal.count - 1)])
    guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
    var text = String.UnicodeScalarView()
    var plain = 0
    var index = 0
    func hexadecimal(at start: Int) -> UInt32 {
      inner[start..<(start + 4)].reduce(0) { $0 << 4 | (hexadecimalDigit($1) ?? 0) }
    }
    while index < inner.count {
      guard inner[index] == UInt8(ascii: "\\") else {
        index += 1
        continue
      }
      text.append(contentsOf: String(decoding: inner[plain..<index], as: UTF8.self).unicodeScalars)
      var scalar: UInt32
      switch inner[index + 1] {
      case UInt8(ascii: "b"): scalar = 8
      case UInt8(ascii: "f"): scalar = 12
      case UInt8(ascii: "n"): scalar = 10
      case UInt8(ascii: "r"): scalar = 13
      case UInt8(ascii: "t"): scalar = 9
      case UInt8(ascii: "u"):
        scalar = hexadecimal(at: index + 2)
        index += 4
        if (0xD800...0xDBFF).contains(scalar) {
          scalar = 0x10000 + (scalar - 0xD800) << 10 + (hexadecimal(at: index + 4) - 0xDC00)
          index += 6
        }
      case let other: scalar = UInt32(other)
      }
      index += 2
      plain = index
      if let scalar = Unicode.Scalar(scalar) { text.append(scalar) }
    }
    text.append(contentsOf: String(decoding: inner[plain...], as: UTF8.self).unicodeScalars)
    return String(text)
  }
}

extension String {
  /// Whether the bytes are well-formed UTF-8.
  package static func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var all: UInt8 = 0
    for byte in bytes { all |= byte }
    return all < 0x80 || String(validating: bytes, as: UTF8.self) != nil
  }
}

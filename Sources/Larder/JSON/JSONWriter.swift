/// Writes JSON texts member by member, so that payloads can be put in byte for byte.
///
/// Each claim's answer is written by it. So it writes to memory by place, a name or a string at once:
/// to append to an array asks each time whether it is shared and has room.
package struct JSONWriter: ~Copyable {
  private var memory: UnsafeMutableBufferPointer<UInt8>
  private var count = 0
  /// Whether the memory is its own: what it was given had no room for the text.
  private var isOutgrown = false
  /// Whether the next member or element needs a comma before it.
  private var needsComma = false

  private init(_ memory: UnsafeMutableBufferPointer<UInt8>) {
    self.memory = memory
  }

  deinit {
    if isOutgrown { memory.deallocate() }
  }

  /// The whole text of one value.
  ///
  /// - Parameter room: how many bytes it should take at most; one that takes more is copied twice.
  package static func text(
    room: Int = 512, _ body: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    var outgrown: [UInt8]?
    let text = [UInt8](unsafeUninitializedCapacity: room) { memory, count in
      var writer = JSONWriter(memory)
      body(&writer)
      if writer.isOutgrown {
        outgrown = Array(writer.memory[..<writer.count])
      } else {
        count = writer.count
      }
    }
    return outgrown ?? text
  }

  /// Where the next bytes are written, with room for so many.
  private mutating func place(for size: Int) -> UnsafeMutablePointer<UInt8> {
    if size > memory.count - count { grow(by: size) }
    return memory.baseAddress! + count
  }

  @inline(never)
  private mutating func grow(by size: Int) {
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(
      capacity: max(2 * memory.count, count + size))
    _ = larger.update(fromContentsOf: memory[..<count])
    if isOutgrown { memory.deallocate() }
    memory = larger
    isOutgrown = true
  }

  private mutating func append(_ byte: UInt8) {
    place(for: 1).pointee = byte
    count += 1
  }

  private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress else { return }
    place(for: bytes.count).update(from: start, count: bytes.count)
    count += bytes.count
  }

  private mutating func append(_ text: StaticString) {
    append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package mutating func object(_ body: (inout JSONWriter) -> Void) {
    begin(UInt8(ascii: "{"))
    body(&self)
    end(UInt8(ascii: "}"))
  }

  package mutating func array(_ body: (inout JSONWriter) -> Void) {
    begin(UInt8(ascii: "["))
    body(&self)
    end(UInt8(ascii: "]"))
  }

  /// Writes a member's name; its value comes next.
  package mutating func name(_ name: StaticString) {
    let size = name.utf8CodeUnitCount
    var place = place(for: size + 4)
    if needsComma {
      place.pointee = UInt8(ascii: ",")
      place += 1
      count += 1
    }
    place[0] = UInt8(ascii: "\"")
    (place + 1).update(from: name.utf8Start, count: size)
    place[size + 1] = UInt8(ascii: "\"")
    place[size + 2] = UInt8(ascii: ":")
    count += size + 3
    needsComma = false
  }

  package mutating func member(_ name: StaticString, _ value: String?) {
    self.name(name)
    string(value)
  }

  /// A member whose name is not known beforehand.
  package mutating func member(text name: String, _ value: String) {
    self.name(text: name)
    string(value)
  }

  package mutating func member(text name: String, raw value: String) {
    self.name(text: name)
    raw(value)
  }

  private mutating func name(text name: String) {
    string(name)
    append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func member(_ name: StaticString, _ value: Int?) {
    self.name(name)
    raw(value.map { String($0) } ?? "null")
  }

  /// A number; JSON has none for infinity and what is not a number, which become null.
  package mutating func member(_ name: StaticString, _ value: Double?) {
    self.name(name)
    raw(value.flatMap { $0.isFinite ? String($0) : nil } ?? "null")
  }

  package mutating func member(_ name: StaticString, _ value: Bool) {
    self.name(name)
    raw(value ? "true" : "false")
  }

  package mutating func member(_ name: StaticString, _ value: Instant?) {
    self.name(name)
    guard let value else { return null() }
    let place = place(for: RFC3339.longest + 2)
    place[0] = UInt8(ascii: "\"")
    let size = RFC3339.write(value, to: place + 1)
    place[size + 1] = UInt8(ascii: "\"")
    count += size + 2
    needsComma = true
  }

  package mutating func member(_ name: StaticString, raw value: String) {
    self.name(name)
    raw(value)
  }

  package mutating func object(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
    self.name(name)
    object(body)
  }

  package mutating func array(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
    self.name(name)
    array(body)
  }

  package mutating func string(_ value: String?) {
    guard let value else { return null() }
    comma()
    Self.withUTF8(value) { text in
      guard Self.isPlain(text) else { return append(escaped: text) }
      let place = place(for: text.count + 2)
      place[0] = UInt8(ascii: "\"")
      if let start = text.baseAddress { (place + 1).update(from: start, count: text.count) }
      place[text.count + 1] = UInt8(ascii: "\"")
      count += text.count + 2
    }
    needsComma = true
  }

  /// Whether all bytes of a string stand for themselves. They are looked at by eights.
  private static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard text.count >= 8 else { return text.allSatisfy(isPlain) }
    let bytes = UnsafeRawBufferPointer(text)
    var at = 0
    while at < bytes.count - 8 {
      guard isPlain(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) else { return false }
      at += 8
    }
    return isPlain(bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
  }

  /// Whether each of eight bytes stands for itself. Less one, a byte that is 0 borrows its highest bit,
  /// and so does one below 32 less 32.
  private static func isPlain(_ eight: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highest: UInt64 = 0x8080_8080_8080_8080
    func isIn(_ byte: UInt8) -> UInt64 {
      let differs = eight ^ (ones &* UInt64(byte))
      return (differs &- ones) & ~differs
    }
    let controls = (eight &- ones &* 0x20) & ~eight
    let special = controls | isIn(UInt8(ascii: "\"")) | isIn(UInt8(ascii: "\\")) | isIn(0x7F)
    return special & highest == 0
  }

  /// Whether a byte of a string stands for itself.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != 0x7F
  }

  /// Writes a text that is JSON already.
  package mutating func raw(_ json: String) {
    comma()
    Self.withUTF8(json) { append($0) }
    needsComma = true
  }

  private mutating func null() {
    comma()
    append("null")
    needsComma = true
  }

  /// The text's bytes. `String.withUTF8` wants a copy that it may change, with all the counting of
  /// references; all strings that are not another language's have their bytes in one piece anyway.
  private static func withUTF8(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    if text.utf8.withContiguousStorageIfAvailable(body) == nil {
      var copy = text
      copy.withUTF8(body)
    }
  }

  private mutating func append(escaped text: UnsafeBufferPointer<UInt8>) {
    append(UInt8(ascii: "\""))
    for byte in text { append(escaped: byte) }
    append(UInt8(ascii: "\""))
  }

  private mutating func append(escaped byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      append(UInt8(ascii: "\\"))
      append(byte)
    case 0x0A: append(#"\n"#)
    case 0x0D: append(#"\r"#)
    case 0x09: append(#"\t"#)
    case 0..<0x20, 0x7F:
      let digits: StaticString = "0123456789abcdef"
      append(#"\u00"#)
      append(digits.utf8Start[Int(byte >> 4)])
      append(digits.utf8Start[Int(byte & 15)])
    default: append(byte)
    }
  }

  private mutating func comma() {
    if needsComma { append(UInt8(ascii: ",")) }
  }

  private mutating func begin(_ bracket: UInt8) {
    comma()
    append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    append(bracket)
    needsComma = true
  }
}

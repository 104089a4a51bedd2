import Larder

/// A value of an answer's body, opened member by member.
struct JSONNode {
  private let bytes: [UInt8]
  private let value: JSONValue

  /// The body's value, or nil where it is no JSON.
  init?(_ bytes: [UInt8]) {
    guard
      let value = bytes.withUnsafeBufferPointer({ buffer in
        try? JSONReader.value(of: buffer)
      })
    else { return nil }
    self.bytes = Array(bytes[value.range])
    self.value = JSONValue(kind: value.kind, range: 0..<value.range.count)
  }

  private init(_ value: JSONValue, of bytes: [UInt8]) {
    self.bytes = Array(bytes[value.range])
    self.value = JSONValue(kind: value.kind, range: 0..<value.range.count)
  }

  /// An object's member; nil where it is missing or null.
  subscript(name: String) -> JSONNode? {
    let members = bytes.withUnsafeBufferPointer { try? JSONReader.members(of: $0) }
    guard let member = members?.first(where: { $0.name == name }), member.value.kind != .null
    else { return nil }
    return JSONNode(member.value, of: bytes)
  }

  /// An array's elements; none for anything else.
  var elements: [JSONNode] {
    let elements = bytes.withUnsafeBufferPointer { try? JSONReader.elements(of: $0) }
    return (elements ?? []).map { JSONNode($0, of: bytes) }
  }

  var string: String? {
    bytes.withUnsafeBufferPointer { JSONReader.string(value, of: $0) }
  }

  var int: Int? { Int(text) }

  /// The value's JSON text.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// A string's text, any other value's JSON.
  var plain: String { string ?? text }
}

/// Who sent a request.
package enum HTTPPeer: Sendable, Equatable {
  /// A process of this machine, over TCP.
  case loopback
  /// A process over a Unix socket, by the user id that it had when it connected.
  case unix(user: UInt32)
}

/// A whole request. It is a value of its own: it may be kept and used on any thread, also after
/// the answer or when the client is gone.
package struct HTTPRequest: Sendable {
  /// The method in its own case, as `POST`. A HEAD request says `GET` here (see `isHead`): its
  /// answer is made like that of GET, and the server leaves the body out.
  package let method: String
  /// Whether the client sent HEAD.
  package let isHead: Bool
  /// The body, empty without one.
  package let body: [UInt8]
  /// Who sent it.
  package let peer: HTTPPeer
  /// Whether it seems to come from the only client that is active: no other request waits for its
  /// answer, and the last ones came on the same connection.
  package let isAlone: Bool

  /// The request target: path and query as they came.
  private let target: [UInt8]
  /// Where the path ends and, if there is one, the `?` stands.
  private let pathEnd: Int
  private let fields: PackedFields

  init(
    method: String, isHead: Bool, target: [UInt8], fields: PackedFields, body: [UInt8],
    peer: HTTPPeer, isAlone: Bool = false
  ) {
    self.method = method
    self.isHead = isHead
    self.target = target
    self.pathEnd = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
    self.fields = fields
    self.body = body
    self.peer = peer
    self.isAlone = isAlone
  }

  /// The request target's bytes: path and query as they came.
  package func withTarget<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
    target.withUnsafeBufferPointer(body)
  }

  /// The path as it came, with its percent-encoding; bytes that are no UTF-8 show as U+FFFD.
  package var path: String { String(decoding: target[..<pathEnd], as: UTF8.self) }

  /// The query as it came, without the `?`; nil without one.
  package var query: String? {
    pathEnd < target.count ? String(decoding: target[(pathEnd + 1)...], as: UTF8.self) : nil
  }

  /// The path's segments, each decoded, so that an encoded slash stays inside its segment. `/` has
  /// none; a slash at the end gives an empty last one. Nil where a segment is wrongly encoded, is
  /// no UTF-8 or has a NUL.
  package var segments: [String]? {
    let path = target[..<pathEnd].dropFirst()
    guard !path.isEmpty else { return [] }
    var segments: [String] = []
    segments.reserveCapacity(4)
    var rest = path
    while true {
      let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
      guard let segment = PercentEncoding.decoded(rest[..<end]) else { return nil }
      segments.append(segment)
      guard end < rest.endIndex else { return segments }
      rest = rest[(end + 1)...]
    }
  }

  /// The query's items in order, decoded (`+` is a space, no `=` gives an empty value); nil where
  /// one is wrongly encoded, is no UTF-8 or has a NUL.
  package var queryItems: [HTTPField]? {
    guard pathEnd < target.count else { return [] }
    var items: [HTTPField] = []
    for piece in target[(pathEnd + 1)...].split(separator: UInt8(ascii: "&")) {
      let equals = piece.firstIndex(of: UInt8(ascii: "="))
      let value = equals.map { piece[($0 + 1)...] } ?? []
      guard
        let name = PercentEncoding.decoded(piece[..<(equals ?? piece.endIndex)], plusIsSpace: true),
        let decoded = PercentEncoding.decoded(value, plusIsSpace: true)
      else { return nil }
      items.append(HTTPField(name, decoded))
    }
    return items
  }

  /// The first field of that name (in any case), without blanks around it; nil without one. A
  /// value that is no UTF-8 is read as Latin-1, so that different values stay different.
  package func header(_ name: String) -> String? { fields.first(name) }

  /// All fields of that name, in order.
  package func headerValues(_ name: String) -> [String] { fields.all(name) }

  /// Goes through all fields in order, as bytes without blanks around the values, for as long as `body`
  /// says true.
  package func forEachField(
    _ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool
  ) { fields.forEach(body) }
}

/// The fields of a header in one piece of memory, looked up when asked.
struct PackedFields: Sendable {
  /// For each field two sizes (UInt32, of this machine's byte order), its name and its value.
  let bytes: [UInt8]

  /// The first field of that name; nil without one.
  func first(_ name: String) -> String? {
    var found: String?
    find(name) { value in
      found = Self.text(value)
      return false
    }
    return found
  }

  /// All fields of that name, in order.
  func all(_ name: String) -> [String] {
    var found: [String] = []
    find(name) { value in
      found.append(Self.text(value))
      return true
    }
    return found
  }

  /// Goes through the values of a name's fields for as long as `body` says true.
  private func find(_ name: String, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
    var name = name
    name.withUTF8 { wanted in
      forEach { name, value in
        name.count != wanted.count || !Self.same(name, wanted) || body(value)
      }
    }
  }

  /// Goes through all fields for as long as `body` says true.
  func forEach(
    _ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool
  ) {
    bytes.withUnsafeBufferPointer { all in
      let raw = UnsafeRawBufferPointer(all)
      var at = 0
      while at < raw.count {
        let nameSize = Int(raw.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        let valueSize = Int(raw.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
        let name = UnsafeBufferPointer(rebasing: all[(at + 8)..<(at + 8 + nameSize)])
        at += 8 + nameSize + valueSize
        if !body(name, UnsafeBufferPointer(rebasing: all[(at - valueSize)..<at])) { return }
      }
    }
  }

  private static func same(
    _ name: UnsafeBufferPointer<UInt8>, _ wanted: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    for index in wanted.indices where lower(name[index]) != lower(wanted[index]) { return false }
    return true
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }

  private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    if let text = String(utf8: bytes) { return text }
    var latin = String.UnicodeScalarView()
    latin.append(contentsOf: bytes.map { Unicode.Scalar($0) })
    return String(latin)
  }
}

/// One line of a producer's output.
package enum ProducerLine: Sendable, Hashable {
  case item(NewItem)
  /// Where the next slice of the run goes on.
  case cursor(String)

  /// Why a line is broken. Its text never holds anything of the line but member names,
  /// since payloads are secrets.
  package struct Broken: Error, Sendable, Hashable, CustomStringConvertible {
    package let message: String
    package var description: String { message }
  }

  /// Reads one line of `output: jsonl`, without its newline.
  package init(json line: UnsafeBufferPointer<UInt8>) throws(Broken) {
    let members: [(name: String, value: JSONValue)]
    do { members = try JSONReader.members(of: line) } catch {
      throw Broken(message: error.description)
    }
    func text(_ range: Range<Int>) -> String {
      String(decoding: UnsafeBufferPointer(rebasing: line[range]), as: UTF8.self)
    }
    func string(_ value: JSONValue, _ name: String, _ bytes: Int) throws(Broken) -> String {
      guard let string = JSONReader.string(value, of: line), !string.isEmpty,
        string.utf8.count <= bytes, !string.utf8.contains(0)
      else {
        // Nobody could ask for a key, nor claim as a user, that has a NUL.
        throw Broken(message: "\"\(name)\" must be a string of 1 to \(bytes) bytes without NUL")
      }
      return string
    }
    if members.count == 1, members[0].name == "cursor" {
      guard let cursor = JSONReader.string(members[0].value, of: line),
        cursor.utf8.count <= Limits.cursorBytes, !cursor.utf8.contains(0)
      else {
        throw Broken(
          message: "\"cursor\" must be a string of at most \(Limits.cursorBytes) bytes without NUL")
      }
      self = .cursor(cursor)
      return
    }
    var item = NewItem(payload: "")
    for (name, value) in members {
      if value.kind == .null, name != "payload" { continue }
      switch name {
      case "payload": item.payload = text(value.range)
      case "key": item.key = try string(value, name, Limits.itemKeyBytes)
      case "user": item.user = try string(value, name, Limits.userBytes)
      case "attributes":
        item.attributes = text(value.range)
        try Self.check(attributes: item.attributes ?? "")
      case "expires_at":
        guard let instant = JSONReader.string(value, of: line).flatMap(RFC3339.parse) else {
          throw Broken(message: "\"expires_at\" must be a time such as 2026-11-24T20:00:00Z")
        }
        item.expiresAt = instant
      case "cursor": throw Broken(message: "\"cursor\" must stand on a line of its own")
      default:
        throw Broken(
          message:
            "unknown member \(JSONReader.shown(name)): an item has payload, key, attributes, "
            + "expires_at and user")
      }
    }
    guard !item.payload.isEmpty else { throw Broken(message: "\"payload\" is missing") }
    self = .item(item)
  }

  /// Reads one line of `output: lines`: the payload is the line as a JSON string.
  package init(text line: UnsafeBufferPointer<UInt8>) throws(Broken) {
    guard String.isUTF8(line) else { throw Broken(message: "not UTF-8") }
    let bytes = JSONWriter.text { $0.string(String(decoding: line, as: UTF8.self)) }
    self = .item(NewItem(payload: String(decoding: bytes, as: UTF8.self)))
  }

  private static func check(attributes: String) throws(Broken) {
    var attributes = attributes
    guard attributes.utf8.count <= Limits.attributesBytes else {
      throw Broken(message: "\"attributes\" must take at most \(Limits.attributesBytes) bytes")
    }
    let members: [(name: String, value: JSONValue)]?
    do {
      members = try attributes.withUTF8 { try JSONReader.members(of: $0) }
    } catch {
      members = nil
    }
    guard let members, members.count <= Limits.attributes,
      members.allSatisfy({ [.string, .number, .bool].contains($0.value.kind) })
    else {
      throw Broken(
        message: "\"attributes\" must be an object of at most \(Limits.attributes) strings, "
          + "numbers and booleans")
    }
  }
}

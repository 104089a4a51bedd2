import Larder

/// A request's body: one JSON object whose members a call takes out by name.
struct JSONBody {
  private let bytes: [UInt8]
  private let members: [(name: String, value: JSONValue)]

  /// Reads the body; the members must be among `known`.
  init(_ bytes: [UInt8], known: String...) throws(Problem) {
    self.bytes = bytes
    do throws(JSONError) {
      members = try Self.read(bytes)
    } catch {
      throw Problem(.badRequest, "the body is not a JSON object: \(error)")
    }
    for (name, _) in members where !known.contains(name) {
      let others =
        known.isEmpty ? "none is known here" : "known are \(known.joined(separator: ", "))"
      throw Problem(.badRequest, "unknown member \"\(name)\": \(others)")
    }
  }

  private static func read(
    _ bytes: [UInt8]
  ) throws(JSONError) -> [(name: String, value: JSONValue)] {
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(JSONError) in try JSONReader.members(of: buffer) }
    }
    return try result.get()
  }

  private func value(_ name: String) -> JSONValue? {
    members.first { $0.name == name && $0.value.kind != .null }?.value
  }

  func string(_ name: String) throws(Problem) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = bytes.withUnsafeBufferPointer({ JSONReader.string(value, of: $0) }) else {
      throw Problem(.badRequest, "\"\(name)\" must be a string")
    }
    return text
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let value = value(name) else { return nil }
    let text = String(decoding: bytes[value.range], as: UTF8.self)
    // 1.0 and 1e0 are the number 1 too.
    guard value.kind == .number, let number = Int(text) ?? Double(text).flatMap(Int.init(exactly:)),
      range.contains(number)
    else {
      throw Problem(
        .badRequest,
        "\"\(name)\" must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// One of an enumeration's words.
  func word<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String
  ) throws(Problem) -> Word? {
    guard let text = try string(name) else { return nil }
    guard let word = Word(rawValue: text) else {
      let known = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
      throw Problem(.badRequest, "\"\(name)\" must be \(known)")
    }
    return word
  }

  func duration(_ name: String) throws(Problem) -> Duration? {
    guard let text = try string(name) else { return nil }
    guard let duration = DurationText.parse(text) else {
      throw Problem(
        .badRequest, "\"\(name)\" must be a duration such as 90s, 10m or 1h30m, not \"\(text)\"")
    }
    return duration
  }

  func instant(_ name: String) throws(Problem) -> Instant? {
    guard let text = try string(name) else { return nil }
    guard let instant = RFC3339.parse(text) else {
      throw Problem(
        .badRequest,
        "\"\(name)\" must be a time such as 2026-11-24T20:00:00Z, not \"\(text)\"")
    }
    return instant
  }

  /// Names and the values that attributes must have.
  func match(_ name: String) throws(Problem) -> Match? {
    guard let value = value(name) else { return nil }
    guard value.kind == .object else {
      throw Problem(.badRequest, "\"\(name)\" must be an object of attributes")
    }
    let object = Array(bytes[value.range])
    guard object.count <= Limits.attributesBytes else {
      throw Problem(
        .badRequest, "\"\(name)\" is longer than \(Limits.attributesBytes) bytes")
    }
    let members: [(name: String, value: JSONValue)]
    do throws(JSONError) { members = try Self.read(object) } catch {
      throw Problem(.badRequest, "\"\(name)\" is malformed: \(error)")
    }
    guard members.count <= Limits.attributes else {
      throw Problem(.badRequest, "\"\(name)\" has more than \(Limits.attributes) attributes")
    }
    var match = Match([:])
    for (attribute, value) in members {
      let attributeValue = Self.attribute(value, of: object)
      guard let attributeValue else {
        throw Problem(
          .badRequest,
          "\"\(name)\" must give each attribute a string, a number or a boolean, as it does not "
            + "for \"\(attribute)\"")
      }
      // Names that differ in their code units alone are one to whoever compares texts.
      guard match.values.updateValue(attributeValue, forKey: attribute) == nil else {
        throw Problem(.badRequest, "\"\(name)\" names the attribute \"\(attribute)\" twice")
      }
    }
    return match
  }

  private static func attribute(_ value: JSONValue, of bytes: [UInt8]) -> AttributeValue? {
    let text = String(decoding: bytes[value.range], as: UTF8.self)
    switch value.kind {
    case .string:
      return bytes.withUnsafeBufferPointer { JSONReader.string(value, of: $0) }.map { .text($0) }
    case .number: return AttributeValue(number: text)
    case .bool: return .boolean(text == "true")
    case .object, .array, .null: return nil
    }
  }
}

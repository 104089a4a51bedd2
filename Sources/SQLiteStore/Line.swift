import Larder

/// What pending claims of a pool wait in line for. A claim stands behind those before it that want
/// the same match and no longer a life of it.
struct Line: Hashable {
  /// The match's first name alone, as a match's text; empty without a match.
  let head: String
  /// The match's text; empty without a match.
  let match: String
  /// The life that items must have left.
  let minRemaining: Duration

  init(head: String, match: String, minRemaining: Duration) {
    self.head = head
    self.match = match
    self.minRemaining = minRemaining
  }

  init(_ match: Match?, minRemaining: Duration) {
    self.minRemaining = minRemaining
    let head = match?.head
    self.head = head ?? ""
    self.match = head == nil ? "" : match?.text ?? ""
  }

  static func == (one: Line, other: Line) -> Bool {
    one.minRemaining == other.minRemaining && one.match.hasBytes(of: other.match)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(minRemaining)
    for byte in match.utf8 { hasher.combine(byte) }
  }

  /// What the first columns of the lines' index must be.
  func values(in pool: String) -> [SQLValue] {
    [.text(pool), .text(head), .text(match), .duration(minRemaining)]
  }
}

extension Match {
  /// The names with their values, in the order of the text.
  var pairs: [(name: String, value: AttributeValue)] {
    values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The text of the first name alone.
  var head: String? {
    pairs.first.map { Match([$0.name: $0.value]).text }
  }

  /// Reads what `text` wrote; nil for the empty text.
  init?(stored text: String) {
    guard let pairs = Attributes(text), !pairs.all.isEmpty else { return nil }
    self.init(Dictionary(pairs.all) { first, _ in first })
  }
}

/// An item's attributes, or a match's, read from their JSON text.
struct Attributes {
  private(set) var all: [(name: String, value: AttributeValue)] = []

  /// Nil where the text is no object; a number beyond a double is left out: no match can name it.
  init?(_ text: String) {
    var text = text
    let read = text.withUTF8 { bytes -> [(name: String, value: AttributeValue)]? in
      guard let members = try? JSONReader.members(of: bytes) else { return nil }
      return members.compactMap { member in
        let value: AttributeValue? =
          switch member.value.kind {
          case .string: JSONReader.string(member.value, of: bytes).map { .text($0) }
          case .number:
            AttributeValue(number: String(decoding: bytes[member.value.range], as: UTF8.self))
          case .bool: .boolean(bytes[member.value.range.lowerBound] == UInt8(ascii: "t"))
          case .object, .array, .null: nil
          }
        return value.map { (member.name, $0) }
      }
    }
    guard let read else { return nil }
    all = read
  }

  /// Whether an item with these attributes may be one that the match wants. Texts that differ by
  /// their bytes alone are taken for the same here; the search of the shelf tells them apart.
  func satisfies(_ match: Match) -> Bool {
    match.values.allSatisfy { name, value in
      all.contains { $0.name == name && $0.value == value }
    }
  }
}

extension SQLValue {
  static func attribute(_ value: AttributeValue) -> SQLValue {
    switch value {
    case .text(let text): .text(text)
    case .integer(let number): .integer(number)
    case .real(let number): .real(number)
    case .boolean(let flag): .byte(flag ? 1 : 0)
    }
  }
}

/// A value of a YAML document, with its place in the file.
struct YAMLNode: Sendable {
  enum Style: Sendable {
    case plain, quoted, block
  }

  enum Content: Sendable {
    case scalar(String, Style)
    case sequence([YAMLNode])
    case mapping([(key: YAMLNode, value: YAMLNode)])
    /// Something that was refused already, and about which nothing more is said.
    case refused
  }

  /// The characters of the file that the value takes; of a block only the first.
  var range: Range<Int>
  var content: Content

  /// What the value is, for messages.
  var kind: String {
    switch content {
    case .scalar where isNull: "nothing"
    case .scalar(_, .plain): "a single value"
    case .scalar: "text"
    case .sequence: "a list"
    case .mapping: "a mapping (`key: value`)"
    case .refused: "a refused value"
    }
  }

  /// Whether YAML reads the value as null: nothing at all, `~` or `null`, unquoted.
  var isNull: Bool {
    guard case .scalar(let text, .plain) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// The value of a key of this mapping, the first one where it is given twice.
  subscript(name: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first {
      if case .scalar(let text, _) = $0.key.content { text == name } else { false }
    }?.value
  }
}

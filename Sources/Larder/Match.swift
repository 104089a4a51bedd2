/// The value of an item's attribute. Numbers are equal by value, so `1` is `1.0`, and nothing else is
/// equal across types.
package enum AttributeValue: Sendable, Hashable {
  case text(String)
  case integer(Int64)
  /// A number that no `integer` is.
  case real(Double)
  case boolean(Bool)

  /// A JSON number's value; nil where it is beyond a double.
  package init?(number text: String) {
    if let integer = Int64(text) {
      self = .integer(integer)
    } else if let real = Double(text), real.isFinite {
      self = Int64(exactly: real).map { .integer($0) } ?? .real(real)
    } else {
      return nil
    }
  }
}

/// What the attributes of wanted items must be: each name must have its value.
package struct Match: Sendable, Hashable {
  package var values: [String: AttributeValue]

  package init(_ values: [String: AttributeValue]) {
    self.values = values
  }

  /// The same text for the same match, as a JSON object with sorted names.
  package var text: String {
    let bytes = JSONWriter.text { json in
      json.object {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
          switch value {
          case .text(let text): $0.member(text: name, text)
          case .integer(let integer): $0.member(text: name, raw: "\(integer)")
          case .real(let real): $0.member(text: name, raw: "\(real)")
          case .boolean(let boolean): $0.member(text: name, raw: "\(boolean)")
          }
        }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

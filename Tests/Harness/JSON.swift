import Foundation

/// A JSON value that a test looks into. What is not there is null.
package enum JSON: Decodable, Equatable, Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let int = try? value.decode(Int.self) {
      self = .int(int)
    } else if let double = try? value.decode(Double.self) {
      self = .double(double)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSON].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  package init(_ text: String) throws {
    self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
  }

  package subscript(name: String) -> JSON {
    if case .object(let members) = self { members[name] ?? .null } else { .null }
  }

  package subscript(index: Int) -> JSON {
    let elements = elements
    return elements.indices.contains(index) ? elements[index] : .null
  }

  package var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
  /// The names of an object's members.
  package var names: Set<String> {
    if case .object(let members) = self { Set(members.keys) } else { [] }
  }
  package var string: String? { if case .string(let string) = self { string } else { nil } }
  package var int: Int? { if case .int(let int) = self { int } else { nil } }
  /// A number, whole or not.
  package var number: Double? {
    switch self {
    case .int(let int): Double(int)
    case .double(let double): double
    default: nil
    }
  }
  package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

  /// The time that it says, in seconds since the epoch.
  package var time: Double? {
    guard let string else { return nil }
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    return formatter.date(from: string)?.timeIntervalSince1970
  }
}

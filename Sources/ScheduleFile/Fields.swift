import Cron
import Larder

/// A value that fits its key.
enum CheckedValue {
  case text(String)
  case boolean(Bool)
  case integer(Int)
  case decimal(Double)
  /// Nil stands for `none`.
  case duration(Duration?)
  /// Nil stands for `unlimited`.
  case rate(Rate?)
  case mapping(Fields)
  case list([Field])
  case variables([Variable])
  case days([Day])
}

/// An environment variable's name and text, in the order of the file.
struct Variable {
  let name: String
  let nameRange: Range<Int>
  let text: String
}

/// A date and the weekday that it is like, in the order of the file.
struct Day {
  let date: CivilDate
  let range: Range<Int>
  /// 0 for Sunday to 6 for Saturday.
  let weekday: Int

  static let weekdays = [
    "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
  ]
}

/// A key's value with its places.
struct Field {
  /// The key's place; that of the value for an item of a list.
  let keyRange: Range<Int>
  let node: YAMLNode
  /// Nil where the value is wrong, which has been said already.
  let value: CheckedValue?

  var range: Range<Int> {
    node.isNull ? keyRange : node.range
  }
}

/// The values of one mapping by key.
struct Fields {
  /// The place of the mapping.
  let range: Range<Int>
  var fields: [String: Field] = [:]

  subscript(key: String) -> Field? {
    fields[key]
  }

  func text(_ key: String) -> String? {
    if case .text(let text)? = fields[key]?.value { text } else { nil }
  }

  func boolean(_ key: String) -> Bool? {
    if case .boolean(let value)? = fields[key]?.value { value } else { nil }
  }

  func integer(_ key: String) -> Int? {
    if case .integer(let number)? = fields[key]?.value { number } else { nil }
  }

  func decimal(_ key: String) -> Double? {
    if case .decimal(let number)? = fields[key]?.value { number } else { nil }
  }

  func duration(_ key: String) -> Duration? {
    if case .duration(let duration)? = fields[key]?.value { duration } else { nil }
  }

  func mapping(_ key: String) -> Fields? {
    if case .mapping(let fields)? = fields[key]?.value { fields } else { nil }
  }

  func list(_ key: String) -> [Field]? {
    if case .list(let items)? = fields[key]?.value { items } else { nil }
  }

  func variables(_ key: String) -> [Variable] {
    if case .variables(let variables)? = fields[key]?.value { variables } else { [] }
  }

  func days(_ key: String) -> [Day] {
    if case .days(let days)? = fields[key]?.value { days } else { [] }
  }

  /// A time that has been checked.
  func instant(_ key: String) -> Instant? {
    text(key).flatMap(RFC3339.parse)
  }

  /// What a number is, given or not; nil where the one that is given is wrong.
  func integer(_ key: String, or absent: Int) -> Int? {
    fields[key] == nil ? absent : integer(key)
  }

  /// What a duration is, given or not; nil where the one that is given is wrong, or `none`.
  func duration(_ key: String, or absent: Duration) -> Duration? {
    fields[key] == nil ? absent : duration(key)
  }
}

import Larder

/// A value that is bound to a statement's parameter.
enum SQLValue {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  /// A blob of one byte.
  case byte(UInt8)
  case blob([UInt8])

  static func optional(_ text: String?) -> SQLValue {
    text.map { .text($0) } ?? .null
  }

  static func optional(_ instant: Instant?) -> SQLValue {
    instant.map { .integer($0.milliseconds) } ?? .null
  }

  static func optional(_ number: Int?) -> SQLValue {
    number.map { .integer(Int64($0)) } ?? .null
  }

  static func integer(_ number: Int) -> SQLValue {
    .integer(Int64(number))
  }

  static func duration(_ span: Duration) -> SQLValue {
    .integer(span.inMilliseconds)
  }

  static func instant(_ instant: Instant) -> SQLValue {
    .integer(instant.milliseconds)
  }
}

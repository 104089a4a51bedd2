/// A value of a JSON text that was read: what is needed of it is decoded, the rest stays bytes.
///
/// Objects and arrays are kept as the range of their bytes, so a payload can be handed on
/// byte for byte; `JSONReader` opens them one level at a time.
package struct JSONValue: Sendable {
  package enum Kind: Sendable {
    case object, array, string, number, bool, null
  }

  package let kind: Kind
  /// Where the value stands in the text, white space around it left out.
  package let range: Range<Int>

  package init(kind: Kind, range: Range<Int>) {
    self.kind = kind
    self.range = range
  }
}

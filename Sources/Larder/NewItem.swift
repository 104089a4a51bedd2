/// An item as a producer or `put` delivers it, before it is stored.
package struct NewItem: Sendable, Hashable {
  /// A JSON text, kept byte for byte.
  package var payload: String
  /// Unique in its pool, or nil.
  package var key: String?
  /// A JSON object of strings, numbers and booleans, kept byte for byte, or nil.
  package var attributes: String?
  package var expiresAt: Instant?
  /// The user whom the item is made for, or nil for anybody.
  package var user: String?

  package init(
    payload: String, key: String? = nil, attributes: String? = nil, expiresAt: Instant? = nil,
    user: String? = nil
  ) {
    self.payload = payload
    self.key = key
    self.attributes = attributes
    self.expiresAt = expiresAt
    self.user = user
  }
}

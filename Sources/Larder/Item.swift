/// Where an item is in its life. The transitions are drawn in ARCHITECTURE.md.
package enum ItemState: String, Sendable, Hashable, CaseIterable {
  case available, held, claimed, expired, recalled, quarantined, replaced
}

/// An item that a claim holds, payload included.
package struct Item: Sendable, Hashable {
  package var id: String
  package var key: String?
  /// A JSON text, byte for byte as the producer printed it.
  package var payload: String
  /// A JSON object, or nil.
  package var attributes: String?
  package var producedAt: Instant
  package var expiresAt: Instant?

  package init(
    id: String, key: String?, payload: String, attributes: String?, producedAt: Instant,
    expiresAt: Instant?
  ) {
    self.id = id
    self.key = key
    self.payload = payload
    self.attributes = attributes
    self.producedAt = producedAt
    self.expiresAt = expiresAt
  }
}

/// What may be known of an item without its payload.
package struct ItemStatus: Sendable, Hashable {
  package var key: String
  package var state: ItemState
  package var claim: String?
  package var user: String?
  package var expiresAt: Instant?

  package init(
    key: String, state: ItemState, claim: String?, user: String?, expiresAt: Instant?
  ) {
    self.key = key
    self.state = state
    self.claim = claim
    self.user = user
    self.expiresAt = expiresAt
  }
}

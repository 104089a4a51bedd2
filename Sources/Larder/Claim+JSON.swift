extension Claim {
  /// Writes the claim's body: what calls answer and webhooks push.
  ///
  /// - Parameter expectedAt: when a pending claim should get its items; nil where nobody can say.
  package func write(to json: inout JSONWriter, expectedAt: Instant? = nil) {
    json.object {
      $0.member("claim", id)
      $0.member("pool", pool)
      $0.member("user", user)
      $0.member("state", state.rawValue)
      $0.member("claimed_at", claimedAt)
      $0.member("hold_expires_at", holdExpiresAt)
      $0.array("items") { json in
        for item in items { Self.write(item, to: &json) }
      }
      if state == .pending {
        $0.member("position", position)
        $0.member("expected_at", expectedAt)
      }
    }
  }

  /// How many bytes its body takes at most, if its names are of usual length.
  package var roomForJSON: Int {
    items.reduce(256) { $0 + 256 + $1.payload.utf8.count + ($1.attributes?.utf8.count ?? 0) }
  }

  private static func write(_ item: Item, to json: inout JSONWriter) {
    json.object {
      $0.member("id", item.id)
      $0.member("key", item.key)
      $0.member("payload", raw: item.payload)
      $0.member("attributes", raw: item.attributes ?? "{}")
      $0.member("produced_at", item.producedAt)
      $0.member("expires_at", item.expiresAt)
    }
  }
}

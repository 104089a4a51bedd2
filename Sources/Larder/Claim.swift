/// Where a claim is in its life. The transitions are drawn in ARCHITECTURE.md.
package enum ClaimState: String, Sendable, Hashable, CaseIterable {
  case pending, held, claimed, cancelled, timedOut = "timed_out"
  case released, lapsed, recalled, forgotten
}

/// The lasting record that items belong to a user.
package struct Claim: Sendable, Hashable {
  package var id: String
  package var pool: String
  package var user: String
  package var state: ClaimState
  package var claimedAt: Instant
  package var items: [Item]

  package init(
    id: String, pool: String, user: String, state: ClaimState, claimedAt: Instant, items: [Item]
  ) {
    self.id = id
    self.pool = pool
    self.user = user
    self.state = state
    self.claimedAt = claimedAt
    self.items = items
  }
}

/// A request for items of a pool.
package struct ClaimRequest: Sendable, Hashable {
  package var pool: String
  /// Who vouches for the user: the token's name, or `local`.
  package var principal: String
  package var user: String
  /// The `Idempotency-Key`, or nil where none was given.
  package var key: String?
  package var count: Int
  /// Wanted life that an item has left; nil: the pool's.
  package var minRemaining: Duration?
  /// `on_miss` as asked, or nil.
  package var onMiss: String?

  package init(
    pool: String, principal: String = "local", user: String, key: String? = nil, count: Int = 1,
    minRemaining: Duration? = nil, onMiss: String? = nil
  ) {
    self.pool = pool
    self.principal = principal
    self.user = user
    self.key = key
    self.count = count
    self.minRemaining = minRemaining
    self.onMiss = onMiss
  }

  /// What was asked for, by value: the same key with another fingerprint is refused.
  package var fingerprint: String {
    var text = "\(count)"
    if let minRemaining { text += " min_remaining=\(minRemaining.inMilliseconds)" }
    if let onMiss { text += " on_miss=\(onMiss)" }
    return text
  }
}

/// What became of a claim request.
package enum ClaimOutcome: Sendable, Hashable {
  /// Items were given; they are on disk as this user's.
  case granted(Claim)
  /// The key was used before for the same request: the same answer again.
  case repeated(Claim)
  /// The pool has fewer items than asked for.
  case outOfStock
  /// The key was used before for another request.
  case keyReused
  /// The user would have more items of the pool than it allows.
  case userLimit(Int)
  case unknownPool
}

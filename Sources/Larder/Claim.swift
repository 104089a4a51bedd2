/// Where a claim is in its life. The transitions are drawn in ARCHITECTURE.md.
package enum ClaimState: String, Sendable, Hashable, CaseIterable {
  case pending, held, claimed, cancelled, timedOut = "timed_out"
  case released, lapsed, recalled, forgotten
}

/// The lasting record that items belong to a user, or are to.
package struct Claim: Sendable, Hashable {
  package var id: String
  package var pool: String
  package var user: String
  package var state: ClaimState
  /// When its items became the user's; nil for one that never had any.
  package var claimedAt: Instant?
  /// When the hold lapses, or lapsed; nil where there is none.
  package var holdExpiresAt: Instant?
  package var items: [Item]
  /// Of a pending claim: 1 for the first in its line, those that want the same.
  package var position: Int?

  package init(
    id: String, pool: String, user: String, state: ClaimState, claimedAt: Instant?, items: [Item]
  ) {
    self.id = id
    self.pool = pool
    self.user = user
    self.state = state
    self.claimedAt = claimedAt
    self.items = items
  }
}

/// A request for items of a pool. Absent fields are as asked: what the pool says instead does not
/// enter the fingerprint.
package struct ClaimRequest: Sendable, Hashable {
  package var pool: String
  /// Who vouches for the user: the token's name, or `local`.
  package var principal: String
  package var user: String
  /// The `Idempotency-Key`, or nil where none was given.
  package var key: String?
  package var count: Int
  /// How long the items are to be held; nil: they are claimed at once.
  package var hold: Duration?
  package var match: Match?
  /// Wanted life that an item has left; nil: the pool's.
  package var minRemaining: Duration?
  /// What a miss comes to; nil: as the pool says.
  package var onMiss: ClaimPolicy.OnMiss?

  package init(
    pool: String, principal: String = "local", user: String, key: String? = nil, count: Int = 1,
    hold: Duration? = nil, match: Match? = nil, minRemaining: Duration? = nil,
    onMiss: ClaimPolicy.OnMiss? = nil
  ) {
    self.pool = pool
    self.principal = principal
    self.user = user
    self.key = key
    self.count = count
    self.hold = hold
    self.match = match
    self.minRemaining = minRemaining
    self.onMiss = onMiss
  }

  /// What was asked for, by value: the same key with another fingerprint is refused.
  package var fingerprint: String {
    var text = "\(count)"
    if let hold { text += " hold=\(hold.inMilliseconds)" }
    if let match { text += " match=\(match.text)" }
    if let minRemaining { text += " min_remaining=\(minRemaining.inMilliseconds)" }
    if let onMiss { text += " on_miss=\(onMiss.rawValue)" }
    return text
  }
}

/// What is asked about claims, all of it decided in order in one transaction with others.
package enum ClaimOrder: Sendable, Hashable {
  case request(ClaimRequest)
  /// A claim, by its id.
  case change(String, ClaimCommand)
}

/// What may be done to a claim. Each may be repeated: what is so already is left as it is.
package enum ClaimCommand: String, Sendable, Hashable, CaseIterable {
  /// A hold becomes a claim for good.
  case confirm
  /// A hold is given back.
  case release
  /// A backorder is given up.
  case cancel

  /// The state that it leads to.
  package var state: ClaimState {
    switch self {
    case .confirm: .claimed
    case .release: .released
    case .cancel: .cancelled
    }
  }

  /// The state that it can be done in.
  package var from: ClaimState { self == .cancel ? .pending : .held }
}

/// What became of a claim order.
package enum ClaimOutcome: Sendable, Hashable {
  /// Items were given; they are on disk as this user's.
  case granted(Claim)
  /// There were too few items: the claim waits for them, and is on disk.
  case accepted(Claim)
  /// The key was used before for the same request: its claim as it is now.
  case repeated(Claim)
  /// The claim is as the command wants it.
  case changed(Claim)
  /// The claim's state allows no such command.
  case wrongState(ClaimState)
  case unknownClaim
  /// The pool has fewer items than asked for.
  case outOfStock
  /// The key was used before for another request.
  case keyReused
  /// The user would have more items of the pool than it allows.
  case userLimit(Int)
  /// The pool allows no holds.
  case noHolds
  case unknownPool
}

extension ClaimOutcome {
  /// Bytes of the payloads that come with it.
  package var payloadBytes: Int {
    switch self {
    case .granted(let claim), .accepted(let claim), .repeated(let claim), .changed(let claim):
      claim.items.reduce(0) { $0 + $1.payload.utf8.count }
    case .wrongState, .unknownClaim, .outOfStock, .keyReused, .userLimit, .noHolds, .unknownPool: 0
    }
  }
}

/// Which items are taken back.
package enum Recall: Sendable, Hashable {
  case run(String)
  case revision(String)
  /// Items made at the first instant or later, and before the second.
  case made(from: Instant, to: Instant)
}

/// What a bounded piece of longer work did, and whether there is more of it.
package struct Piece: Sendable, Hashable {
  package var done: Int
  package var more: Bool
  /// Where the next piece goes on, for work that is asked to go on; nil when nothing is left.
  package var cursor: String?

  package init(done: Int, more: Bool, cursor: String? = nil) {
    self.done = done
    self.more = more
    self.cursor = cursor
  }
}

/// A push that waits in the store.
package struct Delivery: Sendable, Hashable {
  /// The same in every try.
  package var id: String
  package var pool: String
  package var claim: String
  /// The claim's body, as it was when it was to be told.
  package var body: String
  /// Tries so far.
  package var attempts: Int

  package init(id: String, pool: String, claim: String, body: String, attempts: Int) {
    self.id = id
    self.pool = pool
    self.claim = claim
    self.body = body
    self.attempts = attempts
  }
}

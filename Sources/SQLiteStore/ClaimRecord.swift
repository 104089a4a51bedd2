import Larder

/// A claim as its row has it, without its items.
struct ClaimRecord {
  let seq: Int64
  let id: String
  let pool: String
  let user: String
  var state: ClaimState
  /// Items that it has, or waits for.
  var count: Int
  /// While it is pending, when it was asked for.
  var claimedAt: Instant
  /// How long its items are held once it gets them; nil: they are claimed.
  let hold: Duration?
  var holdExpiresAt: Instant?
  let timeoutAt: Instant?
  let line: Line
}

extension ClaimRecord {
  static let columns = """
    seq, id, pool, user, state, count, claimed_at, hold_ms, hold_expires_at, timeout_at, \
    match_head, match, min_remaining_ms
    """
  /// The number of `columns`: where a query's further ones begin.
  static let width: Int32 = 13

  init(_ row: Row) {
    seq = row.int64(0)
    id = row.text(1)
    pool = row.text(2)
    user = row.text(3)
    state = Rows.word(row, 4)
    count = row.int(5)
    claimedAt = row.instant(6)
    hold = row.optionalInt(7).map { .milliseconds($0) }
    holdExpiresAt = row.optionalInstant(8)
    timeoutAt = row.optionalInstant(9)
    line = Line(head: row.text(10), match: row.text(11), minRemaining: row.duration(12))
  }

  /// The state by the clock, whether or not the writer has come to it.
  func state(at now: Instant) -> ClaimState {
    switch state {
    case .held: holdExpiresAt.map { $0 <= now } ?? false ? .lapsed : .held
    case .pending: timeoutAt.map { $0 <= now } ?? false ? .timedOut : .pending
    default: state
    }
  }

  /// The claim as it is shown, with the items that it has.
  func claim(at now: Instant, _ connection: Connection) throws(StoreError) -> Claim {
    let shown = state(at: now)
    var claim = Claim(
      id: id, pool: pool, user: user, state: shown, claimedAt: nil, items: [])
    switch shown {
    case .pending, .cancelled, .timedOut, .forgotten: break
    case .held, .claimed, .released, .lapsed, .recalled:
      claim.claimedAt = claimedAt
      claim.holdExpiresAt = holdExpiresAt
    }
    if shown == .held || shown == .claimed {
      claim.items = try Rows.items(of: id, connection)
    }
    return claim
  }

  /// Where a pending claim stands in its line; nil where that is far behind.
  func position(_ connection: Connection) throws(StoreError) -> Int? {
    let before =
      try connection.first(
        """
        SELECT count(*) FROM (
          SELECT 1 FROM settled_claims
          WHERE pool = ? AND match_head = ? AND match = ? AND min_remaining_ms = ?
            AND state = 'pending' AND seq < ? LIMIT ?)
        """, line.values(in: pool) + [.integer(seq), .integer(Limits.placesInLine)]
      ) { $0.int(0) } ?? 0
    return before < Limits.placesInLine ? before + 1 : nil
  }
}

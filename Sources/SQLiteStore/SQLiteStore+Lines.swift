import Larder

extension SQLiteStore {
  /// What of the shelf a new request may take from; nil: nothing, since an earlier pending claim
  /// could use any of it. Items that were made for the user are kept for the user's claims alone.
  func reach(
    of request: ClaimRequest, _ line: Line, at now: Instant
  ) throws(StoreError) -> Shelf.Part? {
    let pool = request.pool
    guard waiting(in: pool) > 0 else { return .all }
    guard try isTaken("match_head = ?2 AND match = ?3", line, in: pool, [], at: now) else {
      return .all
    }
    return try isTaken("user = ?6 AND +match = ?3", line, in: pool, [.text(request.user)], at: now)
      ? nil : .own
  }

  /// Whether a claim of a line is pending whose time is not over. Where very many are over and
  /// the writer has yet to come to them, it is taken for granted.
  private func isTaken(
    _ condition: String, _ line: Line, in pool: String, _ more: [SQLValue], at now: Instant
  ) throws(StoreError) -> Bool {
    try connection.first(
      """
      SELECT coalesce(max(timeout_at), ?5) > ?5 OR count(*) >= \(Limits.expirySlice) FROM (
        SELECT timeout_at FROM settled_claims
        WHERE pool = ?1 AND \(condition) AND +match_head = ?2 AND state = 'pending'
          AND min_remaining_ms <= ?4 LIMIT \(Limits.expirySlice))
      """, line.values(in: pool) + [.instant(now)] + more
    ) { $0.bool(0) } ?? false
  }

  /// Gives pending claims what they can get, in their order.
  func fill(_ pool: Pool, _ openings: Openings, at now: Instant) throws(StoreError) {
    guard !openings.isEmpty, waiting(in: pool.name) > 0 else { return }
    var filling = Filling(
      store: self, pool: pool, now: now, available: try stock(of: pool.name).available)
    try filling.run(openings)
  }

  /// The stock with what the present transaction did, without the times of what is next.
  func stock(of pool: String) throws(StoreError) -> Stock {
    var stock = try Rows.counts(of: pool, connection)
    let change = changes[pool]
    for state in ItemState.allCases { stock[state] += change[state] }
    stock.stale += change.stale
    stock.pending += change.pending
    return stock
  }
}

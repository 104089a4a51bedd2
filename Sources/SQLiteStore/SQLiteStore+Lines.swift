import Larder

extension SQLiteStore {
  /// What of the shelf a new request may take from; nil: nothing, since an earlier pending claim
  /// could use any of it. Items that were made for the user are kept for the user's claims alone.
  ///
  /// - Parameter isNew: whether the user has no claim at all.
  func reach(
    of request: ClaimRequest, _ line: Line, isNew: Bool, at now: Instant
  ) throws(StoreError) -> Shelf.Part? {
    let pool = request.pool
    guard waiting(in: pool) > 0 else { return .all }
    if !lines.isTaken(line, in: pool) {
      guard try isTaken("match_head = ?2 AND match = ?3", line, in: pool, [], at: now) else {
        return .all
      }
      lines.noteTaken(line, in: pool)
    }
    guard !isNew else { return .own }
    return try isTaken("user = ?6 AND +match = ?3", line, in: pool, [.text(request.user)], at: now)
      ? nil : .own
  }

  /// Whether a claim of a line is pending whose time is not over. Where very many are over and
  /// the writer has yet to come to them, it is taken for granted.
  private func isTaken(
    _ condition: String, _ line: Line, in pool: String, _ more: [SQLValue], at now: Instant
  ) throws(StoreError) -> Bool {
    let first = """
      (SELECT timeout_at FROM settled_claims
        WHERE pool = ?1 AND \(condition) AND +match_head = ?2 AND state = 'pending'
          AND min_remaining_ms <= ?4 LIMIT \(Limits.expirySlice))
      """
    // Mostly the first row tells, and the others are not read.
    return try connection.first(
      """
      SELECT CASE WHEN EXISTS (SELECT 1 FROM \(first) WHERE timeout_at > ?5) THEN 1
        ELSE (SELECT count(*) >= \(Limits.expirySlice) FROM \(first)) END
      """, line.values(in: pool) + [.instant(now)] + more
    ) { $0.bool(0) } ?? false
  }

  /// How many claims are pending in a line.
  func length(of line: Line, in pool: String) throws(StoreError) -> Int {
    if let known = lines.length(of: line, in: pool) { return known }
    let counted =
      try connection.first(
        """
        SELECT count(*) FROM settled_claims
        WHERE pool = ? AND match_head = ? AND match = ? AND min_remaining_ms = ?
          AND state = 'pending'
        """, line.values(in: pool)
      ) { $0.int(0) } ?? 0
    lines.set(counted, of: line, in: pool)
    return counted
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

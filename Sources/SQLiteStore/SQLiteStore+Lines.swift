import Larder

extension SQLiteStore {
  /// What of the shelf a new request may take from: where an earlier pending claim could use any of
  /// it, what was made for the user, which is kept for the user's claims alone; nil: nothing is.
  func reach(
    of request: ClaimRequest, _ line: Line, _ shelf: Shelf, at now: Instant
  ) throws(StoreError) -> Shelf.Part? {
    let pool = request.pool
    guard waiting(in: pool) > 0 else { return .all }
    if let known = lines.left(by: line, in: pool) { return known ? .own : nil }
    guard try isTaken(line, in: pool, at: now) else { return .all }
    let hasPersonal = try shelf.hasPersonal()
    lines.noteTaken(line, in: pool, hasPersonal: hasPersonal)
    return hasPersonal ? .own : nil
  }

  /// Whether a claim of a line is pending whose time is not over. Where very many are over and
  /// the writer has yet to come to them, it is taken for granted.
  private func isTaken(
    _ line: Line, in pool: String, at now: Instant
  ) throws(StoreError) -> Bool {
    let first = """
      (SELECT timeout_at FROM settled_claims
        WHERE pool = ?1 AND match_head = ?2 AND match = ?3 AND state = 'pending'
          AND min_remaining_ms <= ?4 LIMIT \(Limits.expirySlice))
      """
    // Mostly the first row tells, and the others are not read.
    return try connection.first(
      """
      SELECT CASE WHEN EXISTS (SELECT 1 FROM \(first) WHERE timeout_at > ?5) THEN 1
        ELSE (SELECT count(*) >= \(Limits.expirySlice) FROM \(first)) END
      """, line.values(in: pool) + [.instant(now)]
    ) { $0.bool(0) } ?? false
  }

  /// Whether the user has a pending claim before a new one of the line, whose time is not over.
  func waits(
    _ user: String, _ line: Line, in pool: String, _ trace: ClaimIndex.Trace, at now: Instant
  ) throws(StoreError) -> Bool {
    for seq in try seqsSincePending(in: pool, trace) {
      let isBefore = try connection.first(
        """
        SELECT 1 FROM settled_claims
        WHERE seq = ? AND user = ? AND state = 'pending' AND pool = ? AND match_head = ? AND match = ?
          AND min_remaining_ms <= ? AND timeout_at > ?
        """, [.integer(seq), .text(user)] + line.values(in: pool) + [.instant(now)]
      ) { _ in true }
      if isBefore != nil { return true }
    }
    return false
  }

  /// The places of what may be a user's pending claims of a pool, newest first. No index has them: it
  /// would have to change another page for each backorder, since users come in no order.
  func seqsSincePending(
    in pool: String, _ trace: ClaimIndex.Trace
  ) throws(StoreError) -> [Int64] {
    guard !trace.isEmpty else { return [] }
    let first = try connection.first(
      """
      SELECT seq FROM settled_claims
      WHERE pool = ? AND state = 'pending' AND state NOT IN ('claimed', 'forgotten')
      ORDER BY seq LIMIT 1
      """, [.text(pool)]
    ) { $0.int64(0) }
    guard let first else { return [] }
    return try claimIndex.claims(trace, from: first)
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
    let change = changes[pool].stock
    for state in ItemState.allCases { stock[state] += change[state] }
    stock.stale += change.stale
    stock.pending += change.pending
    return stock
  }
}

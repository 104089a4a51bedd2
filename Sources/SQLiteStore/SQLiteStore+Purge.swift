import Larder

extension SQLiteStore {
  /// The rows that a piece of a purge may still delete.
  private struct Allowance {
    private(set) var left: Int
    private(set) var done = 0

    init(_ limit: Int) { left = limit }

    mutating func spend(_ rows: Int) {
      done += rows
      left -= rows
    }

    /// Leaves the rest to the next piece.
    mutating func end() { left = 0 }
  }

  package func purge(
    before: Instant, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    try transaction { () throws(StoreError) in
      var allowance = Allowance(limit)
      try purgeItems(before, &allowance)
      try purgeClaims(before, &allowance, at: now)
      try purgeRuns(before, &allowance)
      try purgeDemand(min(before, now - Limits.keptDemand), &allowance)
      return Piece(done: allowance.done, more: allowance.left <= 0)
    }
  }

  /// Deletes items that nobody had and nobody will get.
  private func purgeItems(
    _ before: Instant, _ allowance: inout Allowance
  ) throws(StoreError) {
    let overAt = """
      max(produced_at, iif(state = 'expired', coalesce(expires_at, produced_at), produced_at))
      """
    let deleted = try deleteItems(
      """
      seq IN (
        SELECT seq FROM items
        WHERE claim IS NULL AND state <> 'available'
          AND state IN ('expired', 'recalled', 'quarantined', 'replaced')
          AND \(overAt) < ?
        ORDER BY \(overAt) LIMIT ?)
      """, [.instant(before), .integer(allowance.left)])
    allowance.spend(deleted)
  }

  /// Deletes items and keeps their keys.
  private func deleteItems(
    _ condition: String, _ values: [SQLValue]
  ) throws(StoreError) -> Int {
    let deleted = try connection.all(
      """
      DELETE FROM items WHERE \(condition)
      RETURNING pool, state, key, state = 'expired' OR state = 'recalled' AND stale = 1, claim
      """, values
    ) { row in
      (
        pool: row.text(0), state: Rows.word(row, 1) as ItemState, key: row.optionalText(2),
        isFree: row.bool(3) && row.isNull(4)
      )
    }
    for item in deleted {
      changes.add(-1, item.state, in: item.pool)
      // The key of a replaced one is that of the item which took its place.
      guard let key = item.key, item.state != .replaced else { continue }
      try connection.run(
        """
        INSERT INTO item_keys (pool, key, free) VALUES (?, ?, ?)
        ON CONFLICT (pool, key) DO UPDATE SET free = min(free, excluded.free)
        """, [.text(item.pool), .text(key), .integer(item.isFree ? 1 : 0)])
    }
    return deleted.count
  }

  /// Whether an item adds nothing, since another one of its key was purged.
  func isPurged(_ key: String, in pool: Pool, expired: Bool) throws(StoreError) -> Bool {
    let isFree = try connection.first(
      "SELECT free FROM item_keys WHERE pool = ? AND key = ?", [.text(pool.name), .text(key)]
    ) { $0.bool(0) }
    guard let isFree else { return false }
    return !isFree || expired || pool.stock.duplicates != .replace
  }

  /// Deletes claims with all items that they ever had. Of one with a key the key is left.
  private func purgeClaims(
    _ before: Instant, _ allowance: inout Allowance, at now: Instant
  ) throws(StoreError) {
    guard allowance.left > 0 else { return }
    let found = try connection.all(
      """
      SELECT \(ClaimRecord.columns), key IS NULL FROM settled_claims
      WHERE state NOT IN ('pending', 'held') AND count > 0 AND coalesce(ended_at, claimed_at) < ?
      ORDER BY coalesce(ended_at, claimed_at) LIMIT ?
      """, [.instant(before), .integer(allowance.left)]
    ) { row in (claim: ClaimRecord(row), isKeyless: row.bool(ClaimRecord.width)) }
    for (claim, isKeyless) in found where allowance.left > 0 {
      guard allowance.done == 0 || claim.count < allowance.left else { return allowance.end() }
      allowance.spend(1 + (try deleteItems("claim = ?", [.text(claim.id)])))
      try dropDeliveries(of: claim.id)
      if isKeyless {
        try connection.run("DELETE FROM settled_claims WHERE seq = ?", [.integer(claim.seq)])
      } else {
        try leaveKey(of: claim, at: now)
      }
    }
  }

  private func leaveKey(of claim: ClaimRecord, at now: Instant) throws(StoreError) {
    var claim = claim
    claim.count = 0
    guard claim.state == .forgotten else { return try move(&claim, to: .forgotten, at: now) }
    try connection.run("UPDATE settled_claims SET count = 0 WHERE seq = ?", [.integer(claim.seq)])
  }

  /// Deletes runs that ended, except for the last that started of each pool.
  private func purgeRuns(
    _ before: Instant, _ allowance: inout Allowance
  ) throws(StoreError) {
    guard allowance.left > 0 else { return }
    let found = try connection.all(
      """
      SELECT id FROM runs
      WHERE ended_at IS NOT NULL AND ended_at < ? AND (started_at IS NULL OR EXISTS (
        SELECT 1 FROM runs later
        WHERE later.pool = runs.pool AND later.seq > runs.seq AND later.started_at IS NOT NULL))
      ORDER BY ended_at LIMIT ?
      """, [.instant(before), .integer(allowance.left)]
    ) { $0.text(0) }
    for run in found where allowance.left > 0 {
      // It may have very many slices.
      try connection.run(
        """
        DELETE FROM slices WHERE run = ?1 AND slice IN (
          SELECT slice FROM slices WHERE run = ?1 ORDER BY slice LIMIT ?2)
        """, [.text(run), .integer(allowance.left)])
      allowance.spend(connection.changes)
      guard allowance.left > 0 else { return }
      try connection.run("DELETE FROM run_logs WHERE run = ?", [.text(run)])
      try connection.run("DELETE FROM runs WHERE id = ?", [.text(run)])
      allowance.spend(1)
    }
  }

  private func purgeDemand(
    _ before: Instant, _ allowance: inout Allowance
  ) throws(StoreError) {
    allowance.spend(try purgeService(before: before, limit: max(0, allowance.left)))
    for pool in inForce.keys.sorted() where allowance.left > 0 {
      try purgeWaste(of: pool, before, &allowance)
      guard allowance.left > 0 else { return }
      try connection.run(
        """
        DELETE FROM demand WHERE pool = ?1 AND bin IN (
          SELECT bin FROM demand WHERE pool = ?1 AND bin < ?2 ORDER BY bin LIMIT ?3)
        """, [.text(pool), .instant(before), .integer(allowance.left)])
      allowance.spend(connection.changes)
      try connection.run(
        """
        DELETE FROM misses WHERE pool = ?1 AND bin < ?2 AND NOT EXISTS (
          SELECT 1 FROM demand WHERE demand.pool = ?1 AND demand.bin = misses.bin)
        """, [.text(pool), .instant(before)])
      try connection.run(
        """
        DELETE FROM waste WHERE pool = ?1 AND bin < ?2 AND NOT EXISTS (
          SELECT 1 FROM demand WHERE demand.pool = ?1 AND demand.bin = waste.bin)
        """, [.text(pool), .instant(before)])
      guard allowance.left > 0 else { return }
      try connection.run(
        """
        DELETE FROM demand_gaps WHERE pool = ?1 AND start IN (
          SELECT start FROM demand_gaps WHERE pool = ?1 AND start < ?2 AND ends < ?2 LIMIT ?3)
        """, [.text(pool), .instant(before), .integer(allowance.left)])
      allowance.spend(connection.changes)
    }
  }
  /// Deletes waste that is not demand's: the other goes with its demand.
  private func purgeWaste(
    of pool: String, _ before: Instant, _ allowance: inout Allowance
  ) throws(StoreError) {
    try connection.run(
      """
      DELETE FROM waste WHERE (pool, bin, reason) IN (
        SELECT pool, bin, reason FROM waste
        WHERE pool = ? AND bin < ? AND NOT \(Rows.isInRate) ORDER BY bin LIMIT ?)
      """, [.text(pool), .instant(before), .integer(allowance.left)])
    allowance.spend(connection.changes)
  }
}

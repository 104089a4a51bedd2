import Larder

extension SQLiteStore {
  package func put(
    _ items: [NewItem], in pool: String, at now: Instant
  ) throws(StoreError) -> PutResult {
    let definition = try definition(of: pool)
    return try transaction { () throws(StoreError) in
      let room = try room(in: definition, releasing: 0, at: now)
      return try insert(items, in: definition, room: room, from: nil, at: now)
    }
  }

  package func commit(
    _ slice: SliceCommit, at now: Instant
  ) throws(StoreError) -> PutResult {
    try transaction { () throws(StoreError) in
      let found = try connection.first(
        """
        SELECT r.pool, s.asked FROM runs r JOIN slices s ON s.run = r.id
        WHERE r.id = ? AND r.state = 'running' AND s.slice = ? AND s.state = 'running'
        """, [.text(slice.run), .integer(slice.slice)]
      ) { (pool: $0.text(0), asked: $0.int(1)) }
      guard let found else { throw .fenced }
      let definition = try definition(of: found.pool)
      let room = try room(in: definition, releasing: found.asked, at: now)
      var result = try insert(slice.items, in: definition, room: room, from: slice, at: now)
      result.overfill += slice.overfill
      if result.overfill > 0 { demand.add(.waste(result.overfill), in: found.pool, at: now) }
      try connection.run(
        """
        UPDATE slices SET state = 'committed', stored = ?, duplicates = ?, overfill = ?,
          ended_at = ?, why = NULL WHERE run = ? AND slice = ?
        """,
        [
          .integer(result.stored), .integer(result.duplicates), .integer(result.overfill),
          .instant(now), .text(slice.run), .integer(slice.slice),
        ])
      try connection.run(
        """
        UPDATE runs SET stored = stored + ?, expired = expired + ?, covered = covered + ?, cursor = coalesce(?, cursor)
        WHERE id = ?
        """,
        [
          .integer(result.stored), .integer(result.expired), .integer(found.asked),
          .optional(slice.cursor),
          .text(slice.run),
        ])
      try appendLog(slice.log, to: slice.run)
      return result
    }
  }

  /// How many items more the pool's `max` allows, without counting `releasing` items in flight.
  private func room(
    in pool: Pool, releasing: Int, at now: Instant
  ) throws(StoreError) -> Int {
    let stock = try Rows.stock(of: pool.name, connection)
    var available = stock.available
    let cutoff = now + pool.claims.minRemaining
    if let next = stock.nextExpiry, next <= cutoff {
      available -= try Rows.unswept(pool.name, through: cutoff, connection)
    }
    let inFlight =
      try connection.first(
        """
        SELECT coalesce(sum(s.asked), 0) FROM runs r JOIN slices s ON s.run = r.id
        WHERE r.pool = ? AND r.state IN ('queued', 'running') AND s.state = 'running'
        """, [.text(pool.name)]
      ) { $0.int(0) } ?? 0
    return max(0, pool.stock.max - available - (inFlight - releasing))
  }

  private func insert(
    _ items: [NewItem], in pool: Pool, room: Int, from slice: SliceCommit?, at now: Instant
  ) throws(StoreError) -> PutResult {
    var result = PutResult()
    var room = room
    for (index, item) in items.enumerated() {
      if let key = item.key, try isKnown(key, in: pool.name) {
        result.duplicates += 1
        continue
      }
      let expiresAt = item.expiresAt ?? pool.stock.shelfLife.map { now + $0 }
      // An item that nobody could claim any more takes no room on the shelf.
      let expired = expiresAt.map { $0 <= now + pool.claims.minRemaining } ?? false
      guard expired || room > 0 else {
        result.overfill += 1
        continue
      }
      let state: ItemState = expired ? .expired : .available
      try connection.run(
        """
        INSERT INTO inventory (id, pool, state, key, made_for, payload, attributes, produced_at,
          expires_at, shelf_order, run, slice, line, revision)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(ids.next(at: now)), .text(pool.name), .text(state.rawValue), .optional(item.key),
          .optional(item.user), .text(item.payload), .optional(item.attributes), .instant(now),
          .optional(expiresAt), .integer(Shelf.order(of: expiresAt, pool.claims.order)),
          .optional(slice?.run), .optional(slice?.slice), .optional(slice.map { _ in index + 1 }),
          .optional(slice?.revision),
        ])
      changes.add(1, state, in: pool.name)
      if expired { result.expired += 1 } else { room -= 1 }
      result.stored += 1
    }
    if result.expired > 0 { demand.add(.waste(result.expired), in: pool.name, at: now) }
    return result
  }

  private func isKnown(_ key: String, in pool: String) throws(StoreError) -> Bool {
    try connection.first(
      "SELECT 1 FROM inventory WHERE pool = ? AND key = ? AND state <> 'replaced'",
      [.text(pool), .text(key)]
    ) { _ in true } ?? false
  }

  package func expire(
    pool: String, at now: Instant, limit: Int
  ) throws(StoreError) -> Int {
    let definition = try definition(of: pool)
    let remaining = definition.claims.minRemaining
    return try transaction { () throws(StoreError) in
      let expiries = try connection.all(
        """
        UPDATE inventory SET state = 'expired' WHERE seq IN (
          SELECT seq FROM inventory
          WHERE pool = ? AND state = 'available' AND expires_at IS NOT NULL AND expires_at <= ?
          ORDER BY expires_at LIMIT ?)
        RETURNING expires_at
        """,
        [.text(pool), .instant(now + remaining), .integer(limit)]
      ) { $0.instant(0) }
      // The sweep may be late, by days after a stop: waste counts when the item went to waste.
      for expiresAt in expiries { demand.add(.waste(1), in: pool, at: expiresAt - remaining) }
      changes.move(expiries.count, from: .available, to: .expired, in: pool)
      return expiries.count
    }
  }
}

import Larder

extension SQLiteStore {
  package func put(
    _ items: [NewItem], in pool: String, at now: Instant
  ) throws(StoreError) -> PutResult {
    let definition = try definition(of: pool)
    return try transaction { () throws(StoreError) in
      let room = try room(in: definition, for: items.count, releasing: 0, at: now)
      let result = try store(items, Arrival(pool: definition, room: room), at: now).result
      demand.waste(Waste(items: result.expired), because: .expired, in: pool, at: now)
      return result
    }
  }

  package func commit(
    _ slice: SliceCommit, at now: Instant
  ) throws(StoreError) -> PutResult {
    #if MUTANTS
      if Mutant.current == .earlySlice { try acknowledge(slice) }
    #endif
    return try transaction { () throws(StoreError) in
      #if MUTANTS
        if Mutant.current == .earlySlice { try setState(of: slice, .running) }
      #endif
      let found = try connection.first(
        """
        SELECT r.pool, s.asked, s.recalled, coalesce(s.tried_at, s.started_at)
        FROM runs r JOIN slices s ON s.run = r.id
        WHERE r.id = ? AND r.state = 'running' AND s.slice = ? AND s.state = 'running'
        """, [.text(slice.run), .integer(slice.slice)]
      ) { (pool: $0.text(0), asked: $0.int(1), recalled: $0.int(2), triedAt: $0.instant(3)) }
      guard let found else { throw .fenced }
      let definition = try definition(of: found.pool)
      let room = try room(
        in: definition, for: slice.items.count, releasing: found.asked, at: now)
      let arrival = try store(
        slice.items,
        Arrival(pool: definition, slice: slice, room: room, recalled: found.recalled), at: now)
      var result = arrival.result
      result.overfill += slice.overfill
      waste(of: result, made: now - found.triedAt, in: found.pool, at: now)
      try connection.run(
        """
        UPDATE slices SET state = 'committed', stored = ?, duplicates = ?, overfill = ?,
          recalled = ?, ended_at = ?, why = NULL WHERE run = ? AND slice = ?
        """,
        [
          .integer(result.stored), .integer(result.duplicates), .integer(result.overfill),
          .integer(arrival.recalled), .instant(now), .text(slice.run), .integer(slice.slice),
        ])
      try connection.run(
        """
        UPDATE runs SET stored = stored + ?, expired = expired + ?, covered = covered + ?,
          cursor = coalesce(?, cursor)
        WHERE id = ?
        """,
        [
          .integer(result.stored), .integer(result.expired), .integer(found.asked),
          .optional(slice.cursor), .text(slice.run),
        ])
      try appendLog(slice.log, to: slice.run)
      return result
    }
  }

  /// Counts what a slice brought in vain, of which each item has the part that `Rows.producerTime`
  /// gives those that were stored.
  private func waste(
    of result: PutResult, made span: Duration, in pool: String, at now: Instant
  ) {
    let made = result.stored + result.overfill
    guard made > 0 else { return }
    let time = max(.zero, span) / made
    for (items, reason) in [(result.expired, WasteReason.expired), (result.overfill, .overfill)] {
      demand.waste(
        Waste(items: items, producerTime: time * items), because: reason, in: pool, at: now)
    }
  }

  #if MUTANTS
    private func acknowledge(_ slice: SliceCommit) throws(StoreError) {
      try transaction { () throws(StoreError) in
        try setState(of: slice, .committed)
        try connection.run(
          "UPDATE slices SET stored = ? WHERE run = ? AND slice = ?",
          [.integer(slice.items.count), .text(slice.run), .integer(slice.slice)])
      }
    }

    private func setState(of slice: SliceCommit, _ state: SliceState) throws(StoreError) {
      try connection.run(
        "UPDATE slices SET state = ? WHERE run = ? AND slice = ?",
        [.text(state.rawValue), .text(slice.run), .integer(slice.slice)])
    }
  #endif

  /// How many items more the pool's `max` allows, without counting `releasing` items in flight.
  private func room(
    in pool: Pool, for wanted: Int, releasing: Int, at now: Instant
  ) throws(StoreError) -> Int {
    max(0, try spare(in: pool, for: wanted, releasing: releasing, at: now))
  }

  /// The same, negative where there is more stock than `max` allows; exact as far as `wanted`, so
  /// that it need not count every item that is expired and yet to be taken from the shelf: after a
  /// long stop these may be very many.
  func spare(
    in pool: Pool, for wanted: Int, releasing: Int, at now: Instant
  ) throws(StoreError) -> Int {
    let stock = try stock(of: pool.name)
    let inFlight =
      try connection.first(
        """
        SELECT coalesce(sum(s.asked), 0) FROM runs r JOIN slices s ON s.run = r.id
        WHERE r.pool = ? AND r.state IN ('queued', 'running') AND s.state = 'running'
        """, [.text(pool.name)]
      ) { $0.int(0) } ?? 0
    let held = pool.claims.onRelease == .restock ? stock.held : 0
    let spare = pool.stock.max - stock.available - held - (inFlight - releasing)
    guard spare < wanted else { return spare }
    // As many of the expired items as would do are counted: without any, none is found at once.
    return spare
      + (try Rows.unswept(
        pool.name, through: now + pool.claims.minRemaining, limit: wanted - spare, connection
      ).items)
  }

  package func expire(
    pool: String, at now: Instant, limit: Int
  ) throws(StoreError) -> Int {
    let definition = try definition(of: pool)
    let remaining = definition.claims.minRemaining
    return try transaction { () throws(StoreError) in
      let expired = try connection.all(
        """
        UPDATE items SET state = 'expired', shelf_order = shelf_order WHERE seq IN (
          SELECT seq FROM items
          WHERE pool = ? AND state = 'available' AND expires_at IS NOT NULL AND expires_at <= ?
          ORDER BY expires_at LIMIT ?)
        RETURNING expires_at, stale, \(Rows.producerTime)
        """,
        [.text(pool), .instant(now + remaining), .integer(limit)]
      ) { (at: $0.instant(0) - remaining, isStale: $0.bool(1), waste: Rows.waste($0, 2)) }
      // The sweep may be late, by days after a stop: waste counts when the item went to waste.
      for item in expired { demand.waste(item.waste, because: .expired, in: pool, at: item.at) }
      changes.move(expired.count, from: .available, to: .expired, in: pool)
      changes.addStale(-expired.count { $0.isStale }, in: pool)
      return expired.count
    }
  }
}

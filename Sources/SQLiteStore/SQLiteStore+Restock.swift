import Larder

extension SQLiteStore {
  /// An item of a hold that ends.
  private struct HeldItem {
    var seq: Int64
    var attributes: String?
    var madeFor: String?
    var expiresAt: Instant?
    var revision: String?
  }

  /// Puts the items of a hold that has ended back on the shelf, or takes them away for good.
  func giveUpItems(
    of claim: ClaimRecord, in pool: Pool, restocking: Bool, _ openings: inout Openings,
    at now: Instant
  ) throws(StoreError) {
    guard restocking, pool.claims.onRelease == .restock else {
      try quarantine("claim = ? AND state = 'held'", .text(claim.id), of: claim, at: now)
      return
    }
    let items = try connection.all(
      """
      SELECT seq, attributes, made_for, expires_at, revision FROM items
      WHERE claim = ? AND state = 'held'
      """, [.text(claim.id)]
    ) {
      HeldItem(
        seq: $0.int64(0), attributes: $0.optionalText(1), madeFor: $0.optionalText(2),
        expiresAt: $0.optionalInstant(3), revision: $0.optionalText(4))
    }
    // Held items were counted as stock, so they find room; but a new definition may leave less.
    var room = try spare(in: pool, for: 0, releasing: 0, at: now)
    for item in items {
      guard room >= 0 else {
        try quarantine("seq = ?", .integer(item.seq), of: claim, at: now)
        room += 1
        continue
      }
      try restock(item, in: pool, at: now)
      if isExpired(item.expiresAt, in: pool, at: now) {
        try expire(item, in: pool)
        room += 1
      } else {
        openings.add(attributes: item.attributes, madeFor: item.madeFor)
      }
    }
  }

  /// Takes items of a hold that has ended away for good.
  private func quarantine(
    _ condition: String, _ value: SQLValue, of claim: ClaimRecord, at now: Instant
  ) throws(StoreError) {
    let waste = try connection.all(
      "UPDATE items SET state = 'quarantined' WHERE \(condition) RETURNING \(Rows.producerTime)",
      [value]
    ) { Rows.waste($0, 0) }.reduce(into: Waste(), +=)
    changes.move(waste.items, from: .held, to: .quarantined, in: claim.pool)
    // A lapse may be found late, as an expiry may.
    let isLapsed = claim.state(at: now) == .lapsed
    demand.waste(
      waste, because: isLapsed ? .lapsed : .released, in: claim.pool,
      at: isLapsed ? claim.holdExpiresAt ?? now : now)
  }

  private func restock(_ item: HeldItem, in pool: Pool, at now: Instant) throws(StoreError) {
    // The order of the shelf, and what is stale, may be others than when it was taken.
    let isStale = pool.isStale(item.revision)
    try connection.run(
      """
      UPDATE items SET state = 'available', claim = NULL, claimed_at = NULL, shelf_order = ?,
        stale = ?, room = '\(Settlement.room)' WHERE seq = ?
      """,
      [
        .integer(Shelf.order(of: item.expiresAt, pool.claims.order)), .integer(isStale ? 1 : 0),
        .integer(item.seq),
      ])
    changes.move(1, from: .held, to: .available, in: pool.name)
    if isStale { changes.addStale(1, in: pool.name) }
  }

  private func expire(_ item: HeldItem, in pool: Pool) throws(StoreError) {
    let waste = try connection.first(
      """
      UPDATE items SET state = 'expired', shelf_order = shelf_order WHERE seq = ?
      RETURNING \(Rows.producerTime)
      """, [.integer(item.seq)]
    ) { Rows.waste($0, 0) }
    changes.move(1, from: .available, to: .expired, in: pool.name)
    if pool.isStale(item.revision) { changes.addStale(-1, in: pool.name) }
    if let waste, let expiresAt = item.expiresAt {
      demand.waste(
        waste, because: .expired, in: pool.name, at: expiresAt - pool.claims.minRemaining)
    }
  }
}

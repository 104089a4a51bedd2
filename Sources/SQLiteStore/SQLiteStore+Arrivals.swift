import Larder

extension SQLiteStore {
  /// What the pool has by a key.
  private struct Known {
    var seq: Int64
    var state: ItemState
    var expiresAt: Instant?
    var isStale: Bool
    /// Whether a claim has or had it.
    var isGiven: Bool
  }

  /// What becomes of an item, by its key.
  private enum Fate {
    /// It adds nothing.
    case duplicate
    /// It takes the place of that one on the shelf.
    case replacing(Known)
    /// It needs a place of its own, and the key of that one, which nobody got or can get.
    case added(after: Known?)
  }

  /// Stores items as far as their keys are new and there is room.
  func store(
    _ items: [NewItem], _ arrival: Arrival, at now: Instant
  ) throws(StoreError) -> Arrival {
    var arrival = arrival
    for (index, item) in items.enumerated() {
      try store(item, line: index + 1, &arrival, at: now)
    }
    try fill(arrival.pool, arrival.openings, at: now)
    return arrival
  }

  private func store(
    _ item: NewItem, line: Int, _ arrival: inout Arrival, at now: Instant
  ) throws(StoreError) {
    let pool = arrival.pool
    var item = item
    item.expiresAt = item.expiresAt ?? pool.stock.shelfLife.map { now + $0 }
    // An item that nobody could claim any more takes no room on the shelf.
    let expired = isExpired(item.expiresAt, in: pool, at: now)
    switch try fate(of: item, expired: expired, in: pool, at: now) {
    case .duplicate:
      arrival.result.duplicates += 1
      return
    case .replacing(let known):
      _ = try leave(known, as: .replaced, ", replaced = seq", in: pool.name)
    case .added(let known):
      if !expired {
        guard try makeRoom(&arrival, at: now) else {
          arrival.result.overfill += 1
          return
        }
      }
      if let known { try takeKey(of: known, in: pool) }
    }
    try insert(item, expired ? .expired : .available, line: line, arrival, at: now)
    if expired {
      arrival.result.expired += 1
    } else if waiting(in: pool.name) > 0 {
      arrival.openings.add(attributes: item.attributes, madeFor: item.user)
    }
    arrival.result.stored += 1
  }

  func isExpired(_ expiresAt: Instant?, in pool: Pool, at now: Instant) -> Bool {
    expiresAt.map { $0 <= now + pool.claims.minRemaining } ?? false
  }

  private func fate(
    of item: NewItem, expired: Bool, in pool: Pool, at now: Instant
  ) throws(StoreError) -> Fate {
    guard let key = item.key else { return .added(after: nil) }
    guard let known = try known(key, in: pool.name) else {
      return try isPurged(key, in: pool, expired: expired) ? .duplicate : .added(after: nil)
    }
    guard pool.stock.duplicates == .replace, !expired else { return .duplicate }
    switch known.state {
    case .available:
      return isExpired(known.expiresAt, in: pool, at: now)
        ? .added(after: known) : .replacing(known)
    case .expired:
      return .added(after: known)
    case .recalled where known.isStale && !known.isGiven:
      // It made room for what may well be its own renewal.
      return .added(after: known)
    case .held, .claimed, .recalled, .quarantined, .replaced:
      return .duplicate
    }
  }

  private func known(_ key: String, in pool: String) throws(StoreError) -> Known? {
    try connection.first(
      """
      SELECT seq, state, expires_at, stale, claim IS NOT NULL FROM items
      WHERE pool = ? AND key = ? AND replaced = 0
      """, [.text(pool), .text(key)]
    ) { row in
      Known(
        seq: row.int64(0), state: Rows.word(row, 1), expiresAt: row.optionalInstant(2),
        isStale: row.bool(3), isGiven: row.bool(4))
    }
  }

  /// Whether there is room for an item more. A stale item is recalled for each fresh one of a
  /// slice, beyond those that were recalled before it was asked for.
  private func makeRoom(_ arrival: inout Arrival, at now: Instant) throws(StoreError) -> Bool {
    if arrival.findsStale, arrival.exchanged >= arrival.recalled {
      let recalled = try recall(1, in: arrival.pool, at: now)
      arrival.recalled += recalled
      arrival.room += recalled
      arrival.findsStale = recalled > 0
    }
    guard arrival.room > 0 else { return false }
    arrival.room -= 1
    arrival.exchanged += 1
    return true
  }

  /// Takes an available item from the shelf, and says what is lost with it.
  private func leave(
    _ known: Known, as state: ItemState, _ more: String = "", in pool: String
  ) throws(StoreError) -> Waste {
    let waste = try connection.first(
      """
      UPDATE items SET state = ?, shelf_order = shelf_order\(more) WHERE seq = ?
      RETURNING \(Rows.producerTime)
      """, [.text(state.rawValue), .integer(known.seq)]
    ) { Rows.waste($0, 0) }
    changes.move(1, from: .available, to: state, in: pool)
    if known.isStale { changes.addStale(-1, in: pool) }
    return waste ?? Waste()
  }

  /// Frees the key of an item that expired or was recalled.
  private func takeKey(of known: Known, in pool: Pool) throws(StoreError) {
    if known.state == .available, let expiresAt = known.expiresAt {
      let waste = try leave(known, as: .expired, in: pool.name)
      demand.waste(
        waste, because: .expired, in: pool.name, at: expiresAt - pool.claims.minRemaining)
    }
    try connection.run("UPDATE items SET key = NULL WHERE seq = ?", [.integer(known.seq)])
  }

  /// Lets an item on the shelf be found by its attributes.
  private static let shelve = """
    INSERT OR IGNORE INTO shelf_attributes (pool, name, value, stale, shelf_order, seq)
    SELECT i.pool, a.key, CASE a.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'
      ELSE a.value END, i.stale, i.shelf_order, i.seq
    FROM items i, json_each(i.attributes) a WHERE i.seq = ?
    """

  private func insert(
    _ item: NewItem, _ state: ItemState, line: Int, _ arrival: Arrival, at now: Instant
  ) throws(StoreError) {
    let (pool, slice) = (arrival.pool, arrival.slice)
    try itemRows.insert(
      item, id: ids.next(at: now), order: Shelf.order(of: item.expiresAt, pool.claims.order),
      line: slice.map { _ in line },
      ItemRow(
        pool: pool.name, state: state, producedAt: now, run: slice?.run, slice: slice?.slice,
        revision: slice?.revision, isStale: arrival.isStale))
    if state == .available, item.attributes != nil, item.user == nil {
      try connection.run(Self.shelve, [.integer(connection.lastRow)])
    }
    changes.add(1, state, in: pool.name)
    if state == .available, arrival.isStale { changes.addStale(1, in: pool.name) }
  }
}

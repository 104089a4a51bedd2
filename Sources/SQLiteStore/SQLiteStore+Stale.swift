import Larder

extension Pool {
  /// The revision whose items are fresh, and all others' stale; nil where none is stale.
  var freshRevision: String? {
    stock.onRevision == .replace ? producer?.revision : nil
  }

  /// Whether an item of this revision is stale; items that were put have none.
  func isStale(_ revision: String?) -> Bool {
    guard let revision, let fresh = freshRevision else { return false }
    return revision != fresh
  }
}

extension SQLiteStore {
  /// Whether items on the pool's shelf are stale, with what the present transaction did.
  func hasStale(_ pool: String) -> Bool {
    (staleItems.isEmpty ? 0 : staleItems[pool, default: 0]) + changes[pool].stock.stale > 0
  }

  package func markStale(
    in pool: String, at now: Instant, limit: Int
  ) throws(StoreError) -> Int {
    let fresh = try definition(of: pool).freshRevision
    return try transaction { () throws(StoreError) in
      guard let fresh else {
        return try mark(
          pool, stale: false, where: "stale = 1 AND ?4 IS NULL", by: "inventory_stale", nil, limit)
      }
      var changed = 0
      // Each of them is a search of an index, which "another revision" as a whole is not.
      for (stale, wrong) in [
        (true, "stale = 0 AND revision < ?4"), (true, "stale = 0 AND revision > ?4"),
        (false, "stale = 1 AND revision = ?4"),
      ] where changed < limit {
        changed += try mark(
          pool, stale: stale, where: wrong, by: "inventory_revision", fresh, limit - changed)
      }
      return changed
    }
  }

  private func mark(
    _ pool: String, stale: Bool, where wrong: String, by index: String, _ revision: String?,
    _ limit: Int
  ) throws(StoreError) -> Int {
    try connection.run(
      """
      UPDATE items SET stale = ?1 WHERE seq IN (
        SELECT seq FROM items INDEXED BY \(index)
        WHERE pool = ?2 AND state = 'available' AND \(wrong)
        LIMIT ?3)
      """, [.integer(stale ? 1 : 0), .text(pool), .integer(limit), .optional(revision)])
    let changed = connection.changes
    changes.addStale(stale ? changed : -changed, in: pool)
    return changed
  }

  /// Recalls at most `count` stale items, in the order of the shelf, and says how many it found.
  /// Expired ones are passed over: they take no room.
  func recall(_ count: Int, in pool: Pool, at now: Instant) throws(StoreError) -> Int {
    guard hasStale(pool.name) else { return 0 }
    let cutoff = now + pool.claims.minRemaining
    let waste = try connection.all(
      """
      UPDATE items SET state = 'recalled', shelf_order = shelf_order WHERE seq IN (
        SELECT seq FROM items
        WHERE pool = ?1 AND state = 'available' AND stale = 1 AND shelf_order > ?2
          AND (expires_at IS NULL OR expires_at > ?3)
        ORDER BY shelf_order, seq LIMIT ?4)
      RETURNING \(Rows.producerTime)
      """,
      [
        .text(pool.name), .integer(Shelf.start(pool.claims.order, behind: cutoff)),
        .instant(cutoff), .integer(count),
      ]
    ) { Rows.waste($0, 0) }.reduce(into: Waste(), +=)
    let recalled = waste.items
    guard recalled > 0 else { return 0 }
    changes.move(recalled, from: .available, to: .recalled, in: pool.name)
    changes.addStale(-recalled, in: pool.name)
    demand.waste(waste, because: .stale, in: pool.name, at: now)
    return recalled
  }
}

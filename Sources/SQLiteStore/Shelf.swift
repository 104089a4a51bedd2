import Larder

/// What claims of a pool can get now, in the order in which they get it.
struct Shelf {
  struct Found {
    var seq: Int64
    var item: Item
    var isStale: Bool
  }

  let pool: Pool
  /// Items that expire at this time or before it are not handed out.
  let cutoff: Instant
  /// Whether any item of the pool is stale: without any, none is looked for.
  let hasStale: Bool
  let connection: Connection

  /// At most `count` items: those made for the user first, then those for anybody, and of both
  /// the stale ones last.
  func take(_ count: Int, for user: String) throws(StoreError) -> [Found] {
    var found: [Found] = []
    for (condition, user) in [("made_for = ?6", user), ("made_for IS NULL", nil)] {
      for stale in hasStale ? [false, true] : [false] where found.count < count {
        found += try find(count - found.count, stale: stale, condition: condition, user: user)
      }
    }
    return found
  }

  private func find(
    _ count: Int, stale: Bool, condition: String, user: String?
  ) throws(StoreError) -> [Found] {
    var values: [SQLValue] = [
      .text(pool.name), .integer(Self.start(pool.claims.order, behind: cutoff)), .instant(cutoff),
      .integer(count), .integer(stale ? 1 : 0),
    ]
    if let user { values.append(.text(user)) }
    return try connection.all(
      """
      SELECT seq, id, key, payload, attributes, produced_at, expires_at FROM inventory
      WHERE pool = ?1 AND state = 'available' AND \(condition) AND stale = ?5
        AND shelf_order > ?2 AND (expires_at IS NULL OR expires_at > ?3)
      ORDER BY shelf_order, seq LIMIT ?4
      """, values
    ) { row in
      Found(
        seq: row.int64(0),
        item: Item(
          id: row.text(1), key: row.optionalText(2), payload: row.text(3),
          attributes: row.optionalText(4), producedAt: row.instant(5),
          expiresAt: row.optionalInstant(6)),
        isStale: stale)
    }
  }

  /// Below which `shelf_order` no item can be handed out. With FEFO the expired items stand first:
  /// a search begins behind them, but never behind those without expiry, which stand last.
  static func start(_ order: ClaimPolicy.Order, behind cutoff: Instant) -> Int64 {
    switch order {
    case .fefo: min(cutoff.milliseconds, .max - 1)
    case .fifo: -1
    }
  }

  /// What `inventory.shelf_order` holds: claims take the lowest first.
  static func order(of expiresAt: Instant?, _ order: ClaimPolicy.Order) -> Int64 {
    switch order {
    case .fefo: expiresAt?.milliseconds ?? .max
    case .fifo: 0
    }
  }
}

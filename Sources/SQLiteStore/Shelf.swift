import Larder

/// What claims of a pool can get now, in the order in which they get it.
struct Shelf {
  struct Found {
    var seq: Int64
    var item: Item
  }

  let pool: Pool
  /// Items that expire at this time or before it are not handed out.
  let cutoff: Instant
  let connection: Connection

  /// At most `count` items: those made for the user first, then those for anybody.
  func take(_ count: Int, for user: String) throws(StoreError) -> [Found] {
    let personal = try find(count, condition: "made_for = ?5", user: user)
    guard personal.count < count else { return personal }
    return personal
      + (try find(count - personal.count, condition: "made_for IS NULL", user: nil))
  }

  private func find(
    _ count: Int, condition: String, user: String?
  ) throws(StoreError) -> [Found] {
    // With FEFO the expired items stand first: the search begins behind them, but never behind
    // those without expiry, which stand last.
    let start = pool.claims.order == .fefo ? min(cutoff.milliseconds, .max - 1) : -1
    var values: [SQLValue] = [.text(pool.name), .integer(start), .instant(cutoff), .integer(count)]
    if let user { values.append(.text(user)) }
    return try connection.all(
      """
      SELECT seq, id, key, payload, attributes, produced_at, expires_at FROM inventory
      WHERE pool = ?1 AND state = 'available' AND \(condition) AND shelf_order > ?2
        AND (expires_at IS NULL OR expires_at > ?3)
      ORDER BY shelf_order, seq LIMIT ?4
      """, values
    ) { row in
      Found(
        seq: row.int64(0),
        item: Item(
          id: row.text(1), key: row.optionalText(2), payload: row.text(3),
          attributes: row.optionalText(4), producedAt: row.instant(5),
          expiresAt: row.optionalInstant(6)))
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

import Larder

/// Brings what was granted (table `grants`) to the tables of items, claims, counts and demand.
enum Settlement {
  /// The bin that a grant falls into.
  static let bin = "granted_at / \(Demand.bin.inMilliseconds) * \(Demand.bin.inMilliseconds)"

  /// Settles every grant, within the present transaction.
  static func run(_ connection: Connection) throws(StoreError) {
    guard try has(connection, "") else { return }
    try connection.run(
      """
      INSERT INTO settled_claims (seq, id, pool, principal, user, key, fingerprint, state, count,
        claimed_at, min_remaining_ms)
      SELECT seq, claim, pool, principal, user, key, fingerprint, 'claimed', count, granted_at,
        min_remaining_ms
      FROM grants WHERE count > 0
      """)
    try connection.run(
      """
      UPDATE items SET state = 'claimed', claim = g.claim, claimed_at = g.granted_at
      FROM grants g WHERE items.seq = g.item AND g.has_attributes = 0
      """)
    if try has(connection, "WHERE has_attributes") {
      // Naming `shelf_order` lets the trigger take their attributes from the shelf.
      try connection.run(
        """
        UPDATE items SET state = 'claimed', claim = g.claim, claimed_at = g.granted_at,
          shelf_order = shelf_order
        FROM grants g WHERE items.seq = g.item AND g.has_attributes
        """)
    }
    try connection.run(
      """
      UPDATE settled_stock SET available = available - g.items, claimed = claimed + g.items
      FROM (SELECT pool, count(*) AS items FROM grants GROUP BY pool) g
      WHERE settled_stock.pool = g.pool
      """)
    try connection.run(
      """
      INSERT INTO demand (pool, bin, hits, misses, claimed, missed, wasted)
      SELECT pool, \(bin), count(*), 0, sum(count), 0, 0
      FROM grants WHERE count > 0 GROUP BY 1, 2
      ON CONFLICT (pool, bin) DO UPDATE SET
        hits = hits + excluded.hits, claimed = claimed + excluded.claimed
      """)
    try connection.run("DELETE FROM grants")
  }

  private static func has(
    _ connection: Connection, _ condition: String
  ) throws(StoreError) -> Bool {
    try connection.first("SELECT 1 FROM grants \(condition) LIMIT 1") { _ in true } ?? false
  }
}

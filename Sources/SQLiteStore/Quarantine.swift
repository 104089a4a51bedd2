import Larder

/// What became of a store that was restored.
package struct RestoredStore: Sendable {
  /// The store's absolute path.
  package var database: String
  /// Where the store is that was there before; nil: there was none.
  package var before: String?
  /// Items of each pool that were on the shelf or held, and are quarantined.
  package var quarantined: [String: Int] = [:]
  /// Holds that ended.
  package var endedClaims = 0
  /// Runs that ended.
  package var endedRuns = 0

  init(database: String) { self.database = database }
}

/// Makes sure that nothing is issued twice by way of a backup: whatever may have been handed out
/// since it was taken is handed out no more.
struct Quarantine {
  private let connection: Connection
  private let now: Instant
  private var changes = StockChanges()

  static let why = "restored from a backup: what it made since may have been handed out"

  init(_ connection: Connection, at now: Instant) {
    self.connection = connection
    self.now = now
  }

  /// Changes the database as a whole, and notes what was changed.
  mutating func impose(_ result: inout RestoredStore) throws(StoreError) {
    try connection.run("BEGIN IMMEDIATE")
    try Settlement.run(connection, try Unsettled(connection).tally)
    try takeFromShelf()
    try endHolds(&result)
    try endRuns(&result)
    try bindKeys()
    // Which times came since the backup, and had their run, nobody knows.
    try connection.run(
      "UPDATE schedules SET considered = max(considered, ?)",
      [.instant(Instant(seconds: now.seconds))])
    for (pool, change) in changes.all where change.stock.quarantined > 0 {
      result.quarantined[pool] = change.stock.quarantined
    }
    try changes.write(connection)
    try connection.run("COMMIT")
  }

  private mutating func takeFromShelf() throws(StoreError) {
    let shelf = try connection.all(
      """
      SELECT pool, count(*), sum(stale = 1) FROM items WHERE state = 'available' GROUP BY pool
      """
    ) { (pool: $0.text(0), items: $0.int(1), stale: $0.int(2)) }
    for (pool, items, stale) in shelf {
      changes.move(items, from: .available, to: .quarantined, in: pool)
      changes.addStale(-stale, in: pool)
    }
    // The trigger need not go through the attributes item by item, since none is left.
    try connection.run("UPDATE items SET state = 'quarantined' WHERE state = 'available'")
    try connection.run("DELETE FROM shelf_attributes")
  }

  /// A hold may have been given back since, and its items to somebody else.
  private mutating func endHolds(_ result: inout RestoredStore) throws(StoreError) {
    let held = try connection.all(
      "SELECT pool, count(*) FROM items WHERE state = 'held' GROUP BY pool"
    ) { (pool: $0.text(0), items: $0.int(1)) }
    for (pool, items) in held { changes.move(items, from: .held, to: .quarantined, in: pool) }
    try connection.run("UPDATE items SET state = 'quarantined' WHERE state = 'held'")
    // What waits to be pushed of them has their payloads.
    try connection.run(
      "DELETE FROM webhooks WHERE claim IN (SELECT id FROM settled_claims WHERE state = 'held')")
    assert(ClaimState.held.leads(to: .lapsed))
    try connection.run(
      """
      UPDATE settled_claims SET state = 'lapsed', ended_at = coalesce(ended_at, ?) WHERE state = 'held'
      """, [.instant(now)])
    result.endedClaims = connection.changes
  }

  /// Asked again under the same run, slice and cursor, a supplier gives again what it gave since.
  private func endRuns(_ result: inout RestoredStore) throws(StoreError) {
    try connection.run(
      "UPDATE slices SET state = 'failed', why = ?, ended_at = ? WHERE state = 'running'",
      [.text(Self.why), .instant(now)])
    try connection.run(
      """
      UPDATE runs SET state = iif(state = 'queued', 'skipped', 'failed'), why = ?, ended_at = ?
      WHERE state IN ('queued', 'running')
      """, [.text(Self.why), .instant(now)])
    result.endedRuns = connection.changes
  }

  /// Keys that were free for another item may have had one since.
  private func bindKeys() throws(StoreError) {
    let isFree = """
      key IS NOT NULL AND (state = 'expired' OR state = 'recalled' AND stale = 1 AND claim IS NULL)
      """
    try connection.run(
      """
      INSERT INTO item_keys (pool, key, free) SELECT pool, key, 0 FROM items WHERE \(isFree)
      ON CONFLICT (pool, key) DO NOTHING
      """)
    try connection.run("UPDATE items SET key = NULL WHERE \(isFree)")
    try connection.run("UPDATE item_keys SET free = 0 WHERE free <> 0")
  }
}

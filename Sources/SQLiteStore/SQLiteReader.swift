import CSQLite
import Glibc
import Larder

/// The reading side of the embedded store: a connection that cannot write.
package final class SQLiteReader: StoreReader {
  let connection: Connection
  private let readDefinition: Definition.Reader
  /// Definitions that were read before, by file: most do not change between two readings.
  private var known: [String: (source: String, pool: Pool)] = [:]

  /// Opens the store at `path` for reading, whether or not a server has it open.
  package init(
    path: String, readDefinition: @escaping Definition.Reader
  ) throws(StoreError) {
    let files = try StoreFiles(path)
    guard files.exists else { throw .missing(path: files.database) }
    connection = try Connection(path: files.database, access: .reading)
    self.readDefinition = readDefinition
    do throws(StoreError) {
      let version = try Schema.check(connection)
      guard version == Schema.version else {
        throw StoreError.unreadable(
          path: files.database,
          why: "its schema has version \(version), older than this Larder's \(Schema.version): "
            + "start `larder serve` once, which brings it up to date")
      }
      try connection.run("PRAGMA query_only = 1")
    } catch {
      connection.close()
      throw error
    }
  }

  private func definition(_ source: String, _ file: String) throws(StoreError) -> Pool {
    if let last = known[file], last.source == source { return last.pool }
    let pool = try readDefinition(source, file)
    known[file] = (source, pool)
    return pool
  }

  /// Closes the connection.
  package func close() {
    connection.close()
  }

  package func pools(_ names: [String]?, at now: Instant) throws(StoreError) -> [PoolStatus] {
    try connection.snapshot { () throws(StoreError) in
      var statuses: [PoolStatus] = []
      if let names {
        for name in names {
          statuses += try Rows.pools(name, connection, definition)
        }
      } else {
        statuses = try Rows.pools(nil, connection, definition)
      }
      for index in statuses.indices {
        let pool = statuses[index].pool.name
        statuses[index].demand = try Rows.recentDemand(of: pool, at: now, connection)
        try settle(&statuses[index], at: now)
      }
      return statuses
    }
  }

  /// Counts items as expired that the writer has yet to take from the shelf.
  private func settle(_ status: inout PoolStatus, at now: Instant) throws(StoreError) {
    let cutoff = now + status.pool.claims.minRemaining
    guard let next = status.stock.nextExpiry, next <= cutoff else { return }
    let unswept = try Rows.unswept(status.pool.name, through: cutoff, connection)
    status.stock.available -= unswept
    status.stock.expired += unswept
    let dayBefore = Demand.bin(of: now - RecentDemand.day) + status.pool.claims.minRemaining
    status.demand.lastDay.wasted += try Rows.unswept(
      status.pool.name, from: dayBefore, through: cutoff, connection)
    status.stock.nextExpiry = try Rows.nextExpiry(status.pool.name, after: cutoff, connection)
  }

  package func claim(_ id: String, at now: Instant) throws(StoreError) -> Claim? {
    try connection.snapshot { () throws(StoreError) in
      var claim = try connection.first(
        "SELECT \(Rows.claimColumns) FROM claims WHERE id = ? AND state <> 'forgotten'",
        [.text(id)], Rows.claim)
      claim?.items = try Rows.items(of: id, connection)
      return claim
    }
  }

  package func claims(
    user: String?, pool: String?, state: ClaimState?, before cursor: Int64?, limit: Int,
    at now: Instant
  ) throws(StoreError) -> Page<Claim> {
    try connection.snapshot { () throws(StoreError) in
      // Unary plus keeps the planner off an index that would read claims in another order.
      let condition =
        user != nil
        ? "user = ?1 AND (?2 IS NULL OR +pool = ?2)"
        : pool != nil ? "?1 IS NULL AND pool = ?2" : "?1 IS NULL AND ?2 IS NULL"
      let rows = try connection.all(
        """
        SELECT \(Rows.claimColumns) FROM claims
        WHERE \(condition) AND seq < ?3 AND state <> 'forgotten'
        ORDER BY seq DESC LIMIT ?4
        """,
        [.optional(user), .optional(pool), .integer(cursor ?? .max), .integer(limit + 1)]
      ) { row in (claim: Rows.claim(row), seq: row.int64(5)) }
      // A page ends early where its payloads grow large.
      var page = Page<Claim>(rows: [], cursor: nil)
      var bytes = 0
      for (claim, seq) in rows {
        guard page.rows.count < limit, bytes <= Limits.pageBytes else { break }
        var claim = claim
        claim.items = try Rows.items(of: claim.id, connection)
        bytes += claim.items.reduce(0) { $0 + $1.payload.utf8.count }
        page.rows.append(claim)
        page.cursor = seq
      }
      if page.rows.count == rows.count { page.cursor = nil }
      return page
    }
  }

  package func item(
    _ key: String, in pool: String, at now: Instant
  ) throws(StoreError) -> ItemStatus? {
    try connection.snapshot { () throws(StoreError) in
      let status = try Rows.pools(pool, connection, definition).first
      guard let status else { throw .unknownPool(pool) }
      // A replaced item's key is that of the item which took its place.
      let found = try connection.first(
        """
        SELECT i.state, i.claim, i.expires_at, c.user FROM inventory i
        LEFT JOIN claims c ON c.id = i.claim
        WHERE i.pool = ? AND i.key = ? AND i.state <> 'replaced'
        """, [.text(pool), .text(key)]
      ) { row in
        ItemStatus(
          key: key, state: ItemState(rawValue: row.text(0)) ?? .available,
          claim: row.optionalText(1), user: row.optionalText(3),
          expiresAt: row.optionalInstant(2))
      }
      guard var item = found else { return nil }
      if item.state == .available, let expiresAt = item.expiresAt,
        expiresAt <= now + status.pool.claims.minRemaining
      {
        item.state = .expired
      }
      return item
    }
  }

  package func runs(
    pool: String?, before cursor: Int64?, limit: Int
  ) throws(StoreError) -> Page<Run> {
    try connection.snapshot { () throws(StoreError) in
      let byPool = pool == nil ? "?1 IS NULL" : "pool = ?1"
      let rows = try connection.all(
        """
        SELECT \(Rows.runColumns) FROM runs WHERE \(byPool) AND seq < ?2
        ORDER BY seq DESC LIMIT ?3
        """, [.optional(pool), .integer(cursor ?? .max), .integer(limit + 1)]
      ) { row in (run: Rows.run(row), seq: row.int64(18)) }
      var runs = rows.prefix(limit).map(\.run)
      for index in runs.indices {
        runs[index].slices = try Rows.slices(
          of: runs[index].id, limit: Limits.slicesInPage, connection)
      }
      return Page(rows: runs, cursor: rows.count > limit ? rows[limit - 1].seq : nil)
    }
  }

  package func run(_ id: String) throws(StoreError) -> Run? {
    try connection.snapshot { () throws(StoreError) in
      var run = try connection.first(
        "SELECT \(Rows.runColumns) FROM runs WHERE id = ?", [.text(id)], Rows.run)
      run?.slices = try Rows.slices(of: id, limit: Limits.slicesInRun, connection)
      run?.log = try connection.first("SELECT log FROM run_logs WHERE run = ?", [.text(id)]) {
        $0.text(0)
      }
      return run
    }
  }

  package func backup(to path: String) throws(StoreError) {
    try Backup(connection: connection, path: path).write()
  }
}

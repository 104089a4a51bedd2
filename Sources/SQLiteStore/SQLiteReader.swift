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
    try files.refuseWhileReplaced()
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
      // A restore in between would have left this connection the old database and the new log.
      if connection.hasMoved { throw StoreError.unfinishedRestore(path: files.database) }
    } catch {
      connection.close()
      throw error
    }
  }

  func definition(_ source: String, _ file: String) throws(StoreError) -> Pool {
    if let last = known[file], last.source == source { return last.pool }
    let pool = try readDefinition(source, file)
    known[file] = (source, pool)
    return pool
  }

  package func space() -> DiskSpace? { connection.space }

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
        statuses[index].demand.wasted = try Rows.waste(
          of: pool, from: Demand.bin(of: now - RecentDemand.day), through: now, connection)
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
    status.stock.available -= unswept.items
    status.stock.stale -= unswept.stale
    status.stock.expired += unswept.items
    let dayBefore = Demand.bin(of: now - RecentDemand.day) + status.pool.claims.minRemaining
    let wasted = try Rows.unswept(
      status.pool.name, from: dayBefore, through: cutoff, connection
    ).items
    if wasted > 0 {
      status.demand.lastDay.wasted += wasted
      // What they took to make is not looked up: after a long stop they may be very many.
      status.demand.wasted[.expired, default: Waste()] += Waste(items: wasted)
    }
    status.stock.nextExpiry = try Rows.nextExpiry(status.pool.name, after: cutoff, connection)
  }

  package func claim(_ id: String, at now: Instant) throws(StoreError) -> Claim? {
    try connection.snapshot { () throws(StoreError) in
      let record = try connection.first(
        "SELECT \(ClaimRecord.columns) FROM claims WHERE id = ? AND state <> 'forgotten'",
        [.text(id)], ClaimRecord.init)
      guard let record else { return nil }
      var claim = try record.claim(at: now, connection)
      if claim.state == .pending { claim.position = try record.position(connection) }
      return claim
    }
  }

  package func claims(
    user: String?, pool: String?, state: ClaimState?, before cursor: Int64?, limit: Int,
    at now: Instant
  ) throws(StoreError) -> Page<Claim> {
    try connection.snapshot { () throws(StoreError) in
      let records =
        if let user {
          try claims(of: user, pool, state, before: cursor, limit + 1, at: now)
        } else {
          try connection.all(
            """
            SELECT \(ClaimRecord.columns) FROM claims
            WHERE \(pool != nil ? "pool = ?1" : "?1 IS NULL") AND \(Self.condition(state, user: nil))
              AND seq < ?2 AND ?4 IS NOT NULL
            ORDER BY seq DESC LIMIT ?3
            """,
            [.optional(pool), .integer(cursor ?? .max), .integer(limit + 1), .instant(now)],
            ClaimRecord.init)
        }
      return try page(of: records, limit: limit, at: now)
    }
  }

  /// A user's claims, newest first: those behind the index's runs are looked through, and the others
  /// are where the runs say.
  private func claims(
    of user: String, _ pool: String?, _ state: ClaimState?, before cursor: Int64?, _ limit: Int,
    at now: Instant
  ) throws(StoreError) -> [ClaimRecord] {
    let runs = try IndexRun.all(.current, connection)
    let hash = try ClaimIndex.hashes(connection).user(user)
    let cursor = cursor ?? .max
    let select = """
      SELECT \(ClaimRecord.columns) FROM claims
      WHERE seq >= ?1 AND seq < ?2 AND +user = ?3 AND (?5 IS NULL OR +pool = ?5)
        AND \(Self.condition(state, user: user)) AND ?4 IS NOT NULL
      ORDER BY seq DESC LIMIT ?6
      """
    func read(_ seqs: Range<Int64>, _ limit: Int) throws(StoreError) -> [ClaimRecord] {
      try connection.all(
        select,
        [
          .integer(seqs.lowerBound), .integer(seqs.upperBound), .text(user), .instant(now),
          .optional(pool), .integer(limit),
        ], ClaimRecord.init)
    }
    let indexed = (runs.first?.lastSeq ?? 0) + 1
    var records = cursor > indexed ? try read(indexed..<cursor, limit) : []
    for run in runs where records.count < limit && run.firstSeq < cursor {
      for seq in try run.seqs(of: hash, connection).reversed()
      where seq < cursor && records.count < limit {
        records += try read(seq..<(seq + 1), 1)
      }
    }
    return records
  }

  package func claimsRecalled(
    in pool: String, before cursor: Int64?, limit: Int, at now: Instant
  ) throws(StoreError) -> Page<Claim> {
    try connection.snapshot { () throws(StoreError) in
      let records = try connection.all(
        """
        SELECT \(ClaimRecord.columns) FROM settled_claims
        WHERE id IN (SELECT claim FROM items
            WHERE pool = ?1 AND state = 'recalled' AND claim IS NOT NULL)
          AND seq < ?2 AND state <> 'forgotten'
        ORDER BY seq DESC LIMIT ?3
        """, [.text(pool), .integer(cursor ?? .max), .integer(limit + 1)], ClaimRecord.init)
      return try page(of: records, limit: limit, at: now)
    }
  }

  /// A page of claims, which ends early where its payloads grow large.
  ///
  /// - Parameter records: one more than the page may have, where there is one.
  private func page(
    of records: [ClaimRecord], limit: Int, at now: Instant
  ) throws(StoreError) -> Page<Claim> {
    var page = Page<Claim>(rows: [], cursor: nil)
    var bytes = 0
    for record in records {
      guard page.rows.count < limit, bytes <= Limits.pageBytes else { break }
      let claim = try record.claim(at: now, connection)
      bytes += claim.items.reduce(0) { $0 + $1.payload.utf8.count }
      page.rows.append(claim)
      page.cursor = record.seq
    }
    if page.rows.count == records.count { page.cursor = nil }
    return page
  }

  /// What claims of a state satisfy, in words that let their index be used: most claims are
  /// claimed, and those of other states have an index of their own.
  private static func condition(_ state: ClaimState?, user: String?) -> String {
    guard let state else { return "state <> 'forgotten'" }
    let isState = "\(user == nil ? "" : "+")state = '\(state.rawValue)'"
    switch state {
    case .claimed: return "state <> 'forgotten' AND +state = 'claimed'"
    case .forgotten: return "state <> 'forgotten' AND false"
    case .held: return "\(isState) AND \(other(user)) AND hold_expires_at > ?4"
    case .pending: return "\(isState) AND \(other(user)) AND timeout_at > ?4"
    case .cancelled, .timedOut, .released, .lapsed, .recalled:
      return "\(isState) AND \(other(user))"
    }
  }

  private static func other(_ user: String?) -> String {
    user == nil ? "state NOT IN ('claimed', 'forgotten')" : "state <> 'forgotten'"
  }

  package func item(
    _ key: String, in pool: String, at now: Instant
  ) throws(StoreError) -> ItemStatus? {
    try connection.snapshot { () throws(StoreError) in
      let status = try Rows.pools(pool, connection, definition).first
      guard let status else { throw .unknownPool(pool) }
      // A replaced item's key is that of the item which took its place. A forgotten claim names no
      // user.
      let seq = try connection.first(
        "SELECT seq FROM items WHERE pool = ? AND key = ? AND replaced = 0",
        [.text(pool), .text(key)]
      ) { $0.int64(0) }
      guard let seq else { return nil }
      let found = try connection.first(
        "SELECT state, claim, expires_at FROM inventory WHERE seq = ?", [.integer(seq)]
      ) { row in
        (
          status: ItemStatus(
            key: key, state: Rows.word(row, 0), claim: nil, user: nil,
            expiresAt: row.optionalInstant(2)),
          claim: row.optionalText(1)
        )
      }
      guard let found else { return nil }
      var item = found.status
      if let claim = found.claim {
        let user = try connection.first(
          "SELECT user FROM claims WHERE id = ? AND state <> 'forgotten'", [.text(claim)]
        ) { $0.text(0) }
        if let user { (item.claim, item.user) = (claim, user) }
      }
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

  package func demand(
    of pool: String, from start: Instant, before end: Instant, limit: Int
  ) throws(StoreError) -> DemandRecord {
    try connection.snapshot { () throws(StoreError) in
      var record = DemandRecord()
      record.bins = try connection.all(
        """
        SELECT bin, hits, misses, claimed, missed, wasted FROM demand
        WHERE pool = ? AND bin >= ? AND bin < ? ORDER BY bin LIMIT ?
        """, [.text(pool), .instant(start), .instant(end), .integer(limit)]
      ) { row in
        var demand = Demand()
        demand.hits = row.int(1)
        demand.misses = row.int(2)
        demand.claimed = row.int(3)
        demand.missed = row.int(4)
        demand.wasted = row.int(5)
        return DemandRecord.Bin(start: row.instant(0), demand: demand)
      }
      try addGrants(of: pool, from: start, before: end, to: &record.bins, limit: limit)
      record.gaps = try connection.all(
        """
        SELECT start, ends FROM demand_gaps WHERE pool = ? AND start < ? AND ends > ?
        ORDER BY start
        """, [.text(pool), .instant(end), .instant(start)]
      ) { max($0.instant(0), start)..<min($0.instant(1), end) }
      record.add(gaps: try Rows.downtimes(of: pool, from: start, before: end, connection))
      return record
    }
  }

  /// Counts claims that are yet to be settled.
  private func addGrants(
    of pool: String, from start: Instant, before end: Instant, to bins: inout [DemandRecord.Bin],
    limit: Int
  ) throws(StoreError) {
    let grants = try connection.all(
      """
      SELECT \(Settlement.bin) AS bin, count FROM grants
      WHERE pool = ? AND count > 0 AND bin >= ? AND bin < ? ORDER BY bin
      """, [.text(pool), .instant(start), .instant(end)]
    ) { (bin: $0.instant(0), hit: Demand.hit($0.int(1))) }
    for (bin, hit) in grants {
      if let index = bins.lastIndex(where: { $0.start <= bin }), bins[index].start == bin {
        bins[index].demand += hit
      } else if bins.count < limit || bins.last.map({ bin < $0.start }) ?? false {
        let index = bins.firstIndex { $0.start > bin } ?? bins.endIndex
        bins.insert(DemandRecord.Bin(start: bin, demand: hit), at: index)
        if bins.count > limit { bins.removeLast() }
      }
    }
  }

  package func expiring(
    in pool: String, from start: Instant, before end: Instant
  ) throws(StoreError) -> [Int: Int] {
    var found: [Int: Int] = [:]
    try connection.run(
      """
      SELECT expires_at, count(*) FROM items
      WHERE pool = ? AND \(Rows.onShelf) AND expires_at IS NOT NULL AND stale = 0
        AND expires_at >= ? AND expires_at < ?
      GROUP BY expires_at
      """, [.text(pool), .instant(start), .instant(end)]
    ) { found[$0.instant(0).bin, default: 0] += $0.int(1) }
    return found
  }

  package func backup(to path: String) throws(StoreError) {
    try Backup(connection: connection, path: path).write()
  }
}

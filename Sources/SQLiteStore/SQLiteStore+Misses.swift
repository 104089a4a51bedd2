import Larder

/// What one miss of a pool tells of the next: within a batch of claims nothing but the shelf changes,
/// and within a bin not what is usual.
struct MissMemory {
  fileprivate var causes: [String: MissCause] = [:]
  /// The items on the pools' shelves as the tables have them, without what the transaction does that is
  /// counted apart.
  fileprivate var available = RecentFirst<String, Int>()
  /// The last miss for which the shelf had too few items.
  fileprivate var last: (pool: String, count: Int, reason: MissReason)?
  fileprivate var bands: [String: (bin: Instant, limit: Int?)] = [:]

  /// To be called when items are granted, which the tables count at once.
  mutating func forgetAvailable(in pool: String) {
    if !available.isEmpty { available[pool] = nil }
  }

  /// To be called when a transaction ends.
  mutating func endTransaction() {
    last = nil
    if !causes.isEmpty { causes = [:] }
    if !available.isEmpty { available.removeAll() }
  }
}

extension SQLiteStore {
  /// Why a request finds too few items, from what is recorded: so it is the same after a crash.
  func missReason(
    _ count: Int, in pool: Pool, at now: Instant
  ) throws(StoreError) -> MissReason {
    let available = try available(in: pool.name)
    if available < count, let last = missMemory.last, last.count == count, last.pool == pool.name {
      return last.reason
    }
    var cause: MissCause
    if let known = missMemory.causes[pool.name] {
      cause = known
    } else {
      cause = try missCause(in: pool, at: now)
      missMemory.causes[pool.name] = cause
    }
    cause.status.stock.available = available
    if available >= count {
      cause.status.stock.available -=
        try Rows.unswept(
          pool.name, through: now + pool.claims.minRemaining, limit: available, connection
        ).items
    }
    let reason = cause.reason(count: count, at: now)
    if available < count { missMemory.last = (pool.name, count, reason) }
    return reason
  }

  /// The items on the shelf, with what the present transaction did.
  private func available(in pool: String) throws(StoreError) -> Int {
    let change = changes[pool].stock.available
    if let known = missMemory.available[pool] { return known + change }
    let counted = try Rows.counts(of: pool, connection).available
    missMemory.available[pool] = counted
    return counted + change
  }

  private func missCause(in pool: Pool, at now: Instant) throws(StoreError) -> MissCause {
    var status = PoolStatus(pool: pool)
    status.retired = retired.contains(pool.name)
    status.stock = try stock(of: pool.name)
    let row = try connection.first(
      "SELECT \(Rows.memoryColumns), paused FROM pools WHERE pool = ?", [.text(pool.name)]
    ) { (memory: Rows.memory($0), paused: $0.bool(4)) }
    if let row { (status.memory, status.paused) = (row.memory, row.paused) }
    status.runs = try connection.all(
      """
      SELECT \(Rows.runColumns) FROM runs
      WHERE pool = ? AND state IN ('queued', 'running') ORDER BY seq
      """, [.text(pool.name)], Rows.run)
    for index in status.runs.indices {
      status.runs[index].slices = try Rows.slices(of: status.runs[index].id, limit: 1, connection)
    }
    var cause = MissCause(status)
    guard let ended = status.memory.lastEndedAt, pool.producer != nil else { return cause }
    cause.hasExpired = try hasWasted(in: pool.name, after: ended, at: now)
    if let limit = try band(of: pool.name, at: now) {
      let hour = try requests(in: pool.name, from: now - RecentDemand.hour, through: now)
      cause.isSurge = hour + 1 > limit
    }
    return cause
  }

  /// What a run wastes it wastes before it ends: in later bins it is what expired.
  private func hasWasted(
    in pool: String, after ended: Instant, at now: Instant
  ) throws(StoreError) -> Bool {
    try connection.first(
      """
      SELECT EXISTS (SELECT 1 FROM demand
        WHERE pool = ? AND bin > ? AND bin <= ? AND wasted > 0)
      """,
      [.text(pool), .instant(max(ended, now - RecentDemand.day)), .instant(now)]
    ) { $0.bool(0) } ?? false
  }

  private func band(of pool: String, at now: Instant) throws(StoreError) -> Int? {
    let bin = Demand.bin(of: now)
    if let known = missMemory.bands[pool], known.bin == bin { return known.limit }
    let since = try Rows.firstDemand(of: pool, connection)
    func earlier(_ days: Int) throws(StoreError) -> Int? {
      let end = now - RecentDemand.day * days
      let start = Demand.bin(of: end - RecentDemand.hour)
      guard let since, since <= start else { return nil }
      let isGap = try connection.first(
        "SELECT EXISTS (SELECT 1 FROM demand_gaps WHERE pool = ? AND start <= ? AND ends > ?)",
        [.text(pool), .instant(end), .instant(start)]
      ) { $0.bool(0) }
      return isGap == true ? nil : try requests(in: pool, from: start, through: end)
    }
    var weekly: [Int?] = []
    for week in 1...SurgeBand.weeks { weekly.append(try earlier(week * 7)) }
    var daily: [Int?] = []
    for day in 1...SurgeBand.days { daily.append(try earlier(day)) }
    let limit = SurgeBand.limit(weekly: weekly, daily: daily)
    missMemory.bands[pool] = (bin, limit)
    return limit
  }

  private func requests(
    in pool: String, from start: Instant, through end: Instant
  ) throws(StoreError) -> Int {
    try connection.first(
      """
      SELECT coalesce(sum(hits + misses), 0) FROM demand
      WHERE pool = ? AND bin > ? AND bin <= ?
      """, [.text(pool), .instant(start - Demand.bin), .instant(end)]
    ) { $0.int(0) } ?? 0
  }
}

extension SQLiteReader {
  package func misses(
    of pool: String, from start: Instant, before end: Instant, limit: Int
  ) throws(StoreError) -> [MissBin] {
    let rows = try connection.all(
      """
      SELECT bin, reason, requests FROM misses
      WHERE pool = ?1 AND bin >= ?2 AND bin IN (
        SELECT DISTINCT bin FROM misses WHERE pool = ?1 AND bin >= ?2 AND bin < ?3
        ORDER BY bin LIMIT ?4)
      ORDER BY bin, reason
      """, [.text(pool), .instant(start), .instant(end), .integer(limit)]
    ) { (start: $0.instant(0), reason: Rows.word($0, 1) as MissReason, requests: $0.int(2)) }
    var bins: [MissBin] = []
    for row in rows {
      if bins.last?.start != row.start { bins.append(MissBin(start: row.start, reasons: [:])) }
      bins[bins.count - 1].reasons[row.reason] = row.requests
    }
    return bins
  }
}

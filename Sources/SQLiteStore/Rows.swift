import Larder

/// Reading rows as values: what the writing and the reading side share.
enum Rows {
  static let runColumns = """
    id, pool, reason, state, schedule, nominal_at, count, asked, covered, stored, cursor, \
    created_at, started_at, ended_at, why, process_id, process_started, boot_id, seq, expired
    """
  static let sliceColumns =
    "slice, state, asked, stored, duplicates, overfill, attempts, started_at, ended_at, why, recalled"

  /// A word of an enumeration. The tables' checks allow no other.
  static func word<Word: RawRepresentable<String>>(_ row: Row, _ column: Int32) -> Word {
    guard let word = Word(rawValue: row.text(column)) else {
      preconditionFailure("\(Word.self) has no \(row.text(column))")
    }
    return word
  }

  /// The items of a claim, in the order in which every answer lists them.
  static func items(
    of claim: String, _ connection: Connection
  ) throws(StoreError) -> [Item] {
    try connection.all(
      """
      SELECT id, key, payload, attributes, produced_at, expires_at, seq FROM inventory
      WHERE claim = ? AND state IN ('held', 'claimed') ORDER BY seq
      """, [.text(claim)]
    ) { row in
      Item(
        id: row.text(0), key: row.optionalText(1), payload: row.text(2),
        attributes: row.optionalText(3), producedAt: row.instant(4),
        expiresAt: row.optionalInstant(5))
    }
  }

  static func run(_ row: Row) -> Run {
    var run = Run(
      id: row.text(0), pool: row.text(1), reason: word(row, 2), state: word(row, 3),
      createdAt: row.instant(11))
    run.schedule = row.optionalText(4)
    run.nominalAt = row.optionalInstant(5)
    run.count = row.optionalInt(6)
    run.asked = row.int(7)
    run.covered = row.int(8)
    run.stored = row.int(9)
    run.expired = row.int(19)
    run.cursor = row.text(10)
    run.startedAt = row.optionalInstant(12)
    run.endedAt = row.optionalInstant(13)
    run.why = row.optionalText(14)
    if let bootID = row.optionalText(17) {
      run.process = ProcessIdentity(
        pid: Int32(row.int(15)), startTime: UInt64(row.int64(16)), bootID: bootID)
    }
    return run
  }

  /// The last `limit` slices of a run, oldest first.
  static func slices(
    of run: String, limit: Int, _ connection: Connection
  ) throws(StoreError) -> [Slice] {
    let newestFirst = try connection.all(
      "SELECT \(sliceColumns) FROM slices WHERE run = ? ORDER BY slice DESC LIMIT ?",
      [.text(run), .integer(limit)]
    ) { row in
      var slice = Slice(
        number: row.int(0), state: word(row, 1), asked: row.int(2), startedAt: row.instant(7))
      slice.stored = row.int(3)
      slice.duplicates = row.int(4)
      slice.overfill = row.int(5)
      slice.attempts = row.int(6)
      slice.endedAt = row.optionalInstant(8)
      slice.why = row.optionalText(9)
      slice.recalled = row.int(10)
      return slice
    }
    return newestFirst.reversed()
  }

  /// How many items the pool has in each state.
  static func counts(of pool: String, _ connection: Connection) throws(StoreError) -> Stock {
    try connection.first(
      """
      SELECT available, held, claimed, expired, recalled, quarantined, replaced, stale, pending
      FROM stock WHERE pool = ?
      """, [.text(pool)]
    ) { row in
      var stock = Stock()
      for (column, state) in ItemState.allCases.enumerated() {
        stock[state] = row.int(Int32(column))
      }
      stock.stale = row.int(Int32(ItemState.allCases.count))
      stock.pending = row.int(Int32(ItemState.allCases.count + 1))
      return stock
    } ?? Stock()
  }

  /// The stock as counted, with the earliest expiry on the shelf and the next end of a hold or a
  /// backorder.
  static func stock(of pool: String, _ connection: Connection) throws(StoreError) -> Stock {
    var stock = try counts(of: pool, connection)
    stock.nextExpiry = try nextExpiry(pool, connection)
    let ends = [
      stock.held > 0 ? try nextEnd("hold_expires_at", .held, pool, connection) : nil,
      stock.pending > 0 ? try nextEnd("timeout_at", .pending, pool, connection) : nil,
    ]
    stock.nextLapse = ends.compactMap { $0 }.min()
    return stock
  }

  private static func nextEnd(
    _ column: String, _ state: ClaimState, _ pool: String, _ connection: Connection
  ) throws(StoreError) -> Instant? {
    try connection.first(
      "SELECT min(\(column)) FROM settled_claims WHERE pool = ? AND state = '\(state.rawValue)'",
      [.text(pool)]
    ) { $0.optionalInstant(0) } ?? nil
  }

  /// What items on the shelf satisfy, in words that let the indexes of `items` be used.
  static let onShelf = "state = 'available' AND seq NOT IN (SELECT item FROM grants)"

  static func nextExpiry(
    _ pool: String, after: Instant = Instant(milliseconds: .min), _ connection: Connection
  ) throws(StoreError) -> Instant? {
    try connection.first(
      """
      SELECT expires_at FROM items
      WHERE pool = ? AND \(onShelf) AND expires_at IS NOT NULL AND expires_at > ?
      ORDER BY expires_at LIMIT 1
      """, [.text(pool), .instant(after)]
    ) { $0.instant(0) }
  }

  /// Items that are on the shelf and expired, and the stale ones of them: the writer has not come
  /// to them yet. Counts `limit` of them at most.
  static func unswept(
    _ pool: String, from start: Instant = Instant(milliseconds: .min), through cutoff: Instant,
    limit: Int = .max, _ connection: Connection
  ) throws(StoreError) -> (items: Int, stale: Int) {
    try connection.first(
      """
      SELECT count(*), coalesce(sum(stale), 0) FROM (
        SELECT stale FROM items
        WHERE pool = ? AND \(onShelf) AND expires_at IS NOT NULL
          AND expires_at BETWEEN ? AND ?
        LIMIT ?)
      """, [.text(pool), .instant(start), .instant(cutoff), .integer(limit)]
    ) { ($0.int(0), $0.int(1)) } ?? (0, 0)
  }

  /// Demand as it is in force: bins of a pool, and each claim that is yet to be settled as a part of
  /// its bin.
  private static let demand = """
    (SELECT bin, hits, misses, claimed, missed, wasted FROM demand WHERE pool = ?1
      UNION ALL
      SELECT \(Settlement.bin), 1, 0, count, 0, 0 FROM grants WHERE pool = ?1 AND count > 0)
    """

  /// The demand of the last day as far as it is on disk, from at most 289 bins.
  static func recentDemand(
    of pool: String, at now: Instant, _ connection: Connection
  ) throws(StoreError) -> RecentDemand {
    var recent =
      try connection.first(
        """
        SELECT sum(hits), sum(misses), sum(claimed), sum(missed), sum(wasted),
          sum(iif(bin >= ?3, claimed + missed, 0))
        FROM \(demand) WHERE bin BETWEEN ?2 AND ?4
        """,
        [
          .text(pool), .instant(Demand.bin(of: now - RecentDemand.day)),
          .instant(Demand.bin(of: now - RecentDemand.hour)), .instant(now),
        ]
      ) { row in
        var recent = RecentDemand()
        recent.lastDay.hits = row.int(0)
        recent.lastDay.misses = row.int(1)
        recent.lastDay.claimed = row.int(2)
        recent.lastDay.missed = row.int(3)
        recent.lastDay.wasted = row.int(4)
        recent.itemsOfLastHour = row.int(5)
        return recent
      } ?? RecentDemand()
    recent.since = try firstDemand(of: pool, connection)
    return recent
  }

  /// The beginning of a pool's first bin; nil where it has none.
  static func firstDemand(
    of pool: String, _ connection: Connection
  ) throws(StoreError) -> Instant? {
    try connection.first(
      """
      SELECT coalesce((SELECT min(bin) FROM demand WHERE pool = ?1),
        (SELECT min(\(Settlement.bin)) FROM grants WHERE pool = ?1))
      """, [.text(pool)]
    ) { $0.optionalInstant(0) } ?? nil
  }

  /// The status of every pool, or of one; the stock as counted.
  static func pools(
    _ name: String?, _ connection: Connection, _ read: (String, String) throws(StoreError) -> Pool
  ) throws(StoreError) -> [PoolStatus] {
    let found = try connection.all(
      """
      SELECT source, file, paused, retired, problem, \(memoryColumns), auto_at, auto_target,
        auto_unused, auto_why
      FROM pools
      WHERE \(name == nil ? "?1 IS NULL" : "pool = ?1") ORDER BY pool
      """, [.optional(name)]
    ) { row in
      (
        source: row.text(0), file: row.text(1), paused: row.bool(2), retired: row.bool(3),
        problem: row.optionalText(4), memory: memory(row, from: 5), auto: auto(row, from: 9)
      )
    }
    var statuses: [PoolStatus] = []
    for row in found {
      var status = PoolStatus(pool: try read(row.source, row.file))
      status.paused = row.paused
      status.retired = row.retired
      status.problem = row.problem
      status.memory = row.memory
      status.auto = row.auto
      try complete(&status, connection)
      statuses.append(status)
    }
    return statuses
  }

  private static func auto(_ row: Row, from column: Int32) -> AutoTarget? {
    row.optionalInstant(column).map {
      AutoTarget(
        at: $0, target: row.int(column + 1), unused: Double(row.int(column + 2)),
        why: row.text(column + 3))
    }
  }

  static let memoryColumns = "fruitless, failures, last_ended_at, typical_run_ms"

  static func memory(_ row: Row, from column: Int32 = 0) -> RunMemory {
    RunMemory(
      fruitless: row.int(column), failures: row.int(column + 1),
      lastEndedAt: row.optionalInstant(column + 2),
      typicalRunTime: row.optionalInt(column + 3).map { .milliseconds($0) })
  }

  private static func complete(
    _ status: inout PoolStatus, _ connection: Connection
  ) throws(StoreError) {
    let pool = status.pool.name
    status.stock = try stock(of: pool, connection)
    let marks = try connection.all(
      "SELECT schedule, timing, active, considered FROM schedules WHERE pool = ?", [.text(pool)]
    ) { row in
      (
        row.text(0),
        ScheduleMark(timing: row.text(1), active: row.bool(2), considered: row.instant(3))
      )
    }
    status.marks = Dictionary(uniqueKeysWithValues: marks)
    status.runs = try connection.all(
      """
      SELECT \(runColumns) FROM runs
      WHERE pool = ? AND state IN ('queued', 'running') ORDER BY seq
      """, [.text(pool)], run)
    for index in status.runs.indices {
      status.runs[index].slices = try slices(of: status.runs[index].id, limit: 1, connection)
    }
    status.lastRun = try connection.first(
      """
      SELECT \(runColumns) FROM runs WHERE pool = ? AND started_at IS NOT NULL
      ORDER BY seq DESC LIMIT 1
      """, [.text(pool)], run)
    if let last = status.lastRun {
      status.lastRun?.slices = try slices(of: last.id, limit: Limits.slicesInPage, connection)
    }
  }
}

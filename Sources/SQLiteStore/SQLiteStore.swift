import CSQLite
import Larder

/// The embedded store: one SQLite database, one writing connection, one lock held for life.
///
/// SQLite before 3.51.3 can corrupt a database in WAL mode on which two connections write or
/// checkpoint at once, so this connection is the only one that does either, and the lock keeps
/// other processes from opening a second one.
package final class SQLiteStore: Store {
  let connection: Connection
  let readDefinition: Definition.Reader
  private let lock: Int32
  /// The definitions in force, by pool.
  var inForce: [String: Pool] = [:]
  /// Changes of the present transaction to each pool's stock, by state.
  var changes = StockChanges()
  /// Demand that no transaction has written yet. Misses write nothing by themselves, so they wait
  /// here for a transaction that does, or for `writeDemand`.
  var demand = DemandChanges()
  /// What the last misses tell of the next ones.
  var missMemory = MissMemory()
  /// How many items of each pool are stale, of pools that have some, as far as transactions have ended.
  var staleItems: [String: Int] = [:]
  /// How many pending claims each pool has, of pools that have some, as far as transactions have ended.
  private var pending: [String: Int] = [:]
  /// Of pending claims, with what the present transaction did.
  var lines = LineMemory()
  /// Pools that have no schedule file any more.
  var retired: Set<String> = []
  /// Claims that the present transaction resolves, and those of earlier ones since `takeResolved`.
  var resolving: [String] = []
  private var resolved: [String] = []
  /// Pools whose stock changed since `takeChanges`.
  private var touched: Set<String> = []
  /// Stocks as they were told last, with the grants since. What else changes one forgets it.
  private var stocks: [String: Stock] = [:]
  /// Grants that wait to be settled.
  var unsettled: Unsettled
  let grantRows: GrantRows
  let claimRows: RowWriter<ClaimRow>
  let itemRows: RowWriter<ItemRow>
  /// From how many on they are settled; more where the disk had no room for it.
  private var settlesFrom = Limits.unsettledItems
  /// Pages in the log at which a commit puts them into the database.
  private let logPages: Int
  /// Items that claims get next.
  var ahead = ShelfAhead()
  var ids: UUIDv7
  let claimIndex: ClaimIndex
  /// Whose claims were forgotten last, and the place up to which none is left of them.
  var forgotten: (user: String, through: Int64)?

  /// Opens the store at `path` for writing and makes what a crash left behind durable.
  ///
  /// - Parameters:
  ///   - creating: whether a missing database is made.
  ///   - ids: what claims and items are named by.
  ///   - readDefinition: reads the definitions that the store has kept.
  package init(
    path: String, creating: Bool = true, ids: UUIDv7 = UUIDv7(),
    readDefinition: @escaping Definition.Reader
  ) throws(StoreError) {
    let files = try StoreFiles(path)
    guard creating || files.exists else { throw .missing(path: files.database) }
    let lock = try files.takeLock()
    do throws(StoreError) {
      try files.check()
      if !files.exists { try files.create() }
      connection = try Connection(path: files.database, access: .writing)
    } catch {
      StoreFiles.release(lock: lock)
      throw error
    }
    self.lock = lock
    self.ids = ids
    self.readDefinition = readDefinition
    do throws(StoreError) {
      logPages = try Self.prepare(connection, files)
      claimIndex = try ClaimIndex(connection)
      unsettled = try Unsettled(connection)
      grantRows = try GrantRows(connection)
      claimRows = try RowWriter(connection)
      itemRows = try RowWriter(connection)
      for status in try Rows.pools(nil, connection, readDefinition) {
        inForce[status.pool.name] = status.pool
        Self.add(status.stock.stale, of: status.pool.name, to: &staleItems)
        if status.retired { retired.insert(status.pool.name) }
        Self.add(try countPending(status), of: status.pool.name, to: &pending)
      }
    } catch {
      connection.close()
      StoreFiles.release(lock: lock)
      throw error
    }
  }

  /// - Returns: the pages in the log at which a commit puts them into the database.
  private static func prepare(
    _ connection: Connection, _ files: StoreFiles
  ) throws(StoreError) -> Int {
    _ = try Schema.check(connection)
    let mode = try connection.first("PRAGMA journal_mode = WAL") { $0.text(0) }
    guard mode == "wal" else {
      throw .unreadable(
        path: files.database,
        why: "its file system does not allow a write-ahead log: put the store on a local disk")
    }
    try connection.run("PRAGMA synchronous = FULL")
    #if MUTANTS
      if Mutant.current == .normalSync { try connection.run("PRAGMA synchronous = NORMAL") }
    #endif
    try connection.run("PRAGMA cache_size = -16384")
    // States are written from enumerations, and `larder verify` looks at them. SQLite would build the
    // set of a CHECK's words anew for each row, which takes longer than writing the row.
    try connection.run("PRAGMA ignore_check_constraints = ON")
    let pages = try logPages(of: connection)
    try connection.run("PRAGMA wal_autocheckpoint = \(pages)")
    try makeDurable(connection, files)
    // A migration may sort the indexes of a large store, which memory would not hold: not before it.
    try Schema.migrate(connection)
    try connection.sortInMemory()
    return pages
  }

  /// Puts on disk what a crash left in the write-ahead log.
  private static func makeDurable(
    _ connection: Connection, _ files: StoreFiles
  ) throws(StoreError) {
    #if MUTANTS
      if Mutant.current == .noCheckpoint { return }
    #endif
    // What a killed process wrote can be read before it is on disk. Answering a repeated claim
    // from it, and then losing power, would lose an acknowledged claim.
    try files.rewriteLog()
    // SQLite passes over a failed sync of the folder: the journal of the making of the store, once
    // removed, would come back and undo everything.
    try SyncedFile.syncFolder(of: files.database)
    // A reader of another process may keep an old state for long: it is not waited for.
    connection.waitsForLocks = false
    defer { connection.waitsForLocks = true }
    try checkpoint(connection)
  }

  /// Puts the whole log into the database unless something is in the way: a reader, or a full disk,
  /// which must not keep the store from giving out what it has.
  private static func checkpoint(_ connection: Connection) throws(StoreError) {
    do throws(StoreError) {
      try connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
    } catch .full {}
  }

  /// On a small disk the log must not grow as it may elsewhere: what it holds has to find room in the
  /// database besides, and that out of the reserve.
  private static func logPages(of connection: Connection) throws(StoreError) -> Int {
    guard let reserve = connection.space?.reserve else { return Limits.logPages.upperBound }
    let page = try connection.first("PRAGMA page_size") { $0.int64(0) } ?? 4096
    return min(
      max(Int(reserve / 2 / page), Limits.logPages.lowerBound), Limits.logPages.upperBound)
  }

  package func space() -> DiskSpace? { connection.space }

  package func probe() throws(StoreError) {
    // The version stands in the first page, which is written also where it stays the same.
    try transaction { () throws(StoreError) in
      try connection.run("PRAGMA user_version = \(Schema.version)")
    }
  }

  package func close() {
    try? settle()
    try? writeDemand()
    connection.close()
    StoreFiles.release(lock: lock)
  }

  /// Settles what was granted and runs `body` in one transaction, and writes the changes of the stock
  /// with it, and the demand if the transaction writes anyway.
  ///
  /// - Parameter body: run once more where the disk had no room, so it changes nothing but the store.
  func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    try transactUnsettled { () throws(StoreError) in
      try settleWithin()
      ahead.forget()
      return try body()
    }
  }

  /// The same, without settling what was granted: for a body that does so where it needs to.
  func transactUnsettled<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try transactOnce(body)
    } catch .full {
      // Nothing of it was kept. What is in the database need not stay in the log, which then starts
      // over and needs no new room.
      try? connection.run("PRAGMA wal_checkpoint(PASSIVE)")
      return try transactOnce(body)
    }
  }

  private func transactOnce<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    defer {
      changes = StockChanges()
      resolving = []
      missMemory.endTransaction()
      lines.forgetTaken()
    }
    let before = demand
    let mark = claimIndex.mark
    do throws(StoreError) {
      let (result, wrote) = try connection.transaction { () throws(StoreError) in
        let rows = connection.totalChanges
        let result = try body()
        try changes.write(connection)
        let wrote = connection.totalChanges != rows
        if wrote { try demand.write(connection) }
        return (result, wrote)
      }
      if wrote { demand = DemandChanges() }
      for (place, granted) in unsettled.granted.parts {
        touched.insert(place.pool)
        guard var stock = stocks.removeValue(forKey: place.pool) else { continue }
        // Where the first item to expire was among them, another one is.
        if let next = stock.nextExpiry, let expiry = granted.expiry, expiry <= next { continue }
        stock.available -= granted.items
        stock.claimed += granted.items
        stocks[place.pool] = stock
      }
      unsettled.commit()
      for (pool, change) in changes.all {
        touched.insert(pool)
        stocks[pool] = nil
        Self.add(change.stock.stale, of: pool, to: &staleItems)
        Self.add(change.waiting, of: pool, to: &pending)
      }
      resolved += resolving
      return result
    } catch {
      demand = before
      claimIndex.rollBack(to: mark)
      unsettled.rollBack()
      ahead.forget()
      lines.forget()
      forgetDemand(after: error)
      throw error
    }
  }

  package var upkeepWaits: Bool {
    isSettlementDue || isCheckpointDue || claimIndex.upkeepWaits
  }

  private var isCheckpointDue: Bool {
    connection.pagesWritten >= logPages / Limits.logShare
  }

  private var isSettlementDue: Bool {
    unsettled.items >= settlesFrom
      || unsettled.bytes >= Limits.unsettledBytes && settlesFrom == Limits.unsettledItems
  }

  package func keepUp() throws(StoreError) {
    if isSettlementDue { return try settle() }
    guard isCheckpointDue else { return try claimIndex.keepUp() }
    connection.countPagesAnew()
    // As within a commit, nothing is lost where it fails, and the next one does it all.
    try? connection.run("PRAGMA wal_checkpoint(PASSIVE)")
  }

  package var grantsWait: Bool { unsettled.items > 0 }

  package func settle() throws(StoreError) {
    guard grantsWait else { return }
    // What is settled is on disk as grants, from which a start settles it again: there is nothing to
    // wait for. The next claim's sync takes this transaction to disk as well.
    do throws(StoreError) {
      try connection.withoutSync { () throws(StoreError) in
        try transactUnsettled { () throws(StoreError) in try settleWithin() }
      }
      settlesFrom = Limits.unsettledItems
    } catch {
      settlesFrom = unsettled.items + Limits.unsettledItems
      throw error
    }
  }

  /// Settles where so much waits that no more may, since the disk had no room for it.
  func boundUnsettled() throws(StoreError) {
    if unsettled.items >= Limits.unsettledMost || unsettled.bytes >= Limits.unsettledMostBytes {
      try settleWithin()
    }
  }

  /// Settles what was granted so far, within the present transaction.
  func settleWithin() throws(StoreError) {
    guard !unsettled.isEmpty else { return }
    try Settlement.run(connection, unsettled.tally)
    unsettled.settle()
  }

  package var demandWaits: Bool { !demand.isEmpty }

  package func writeDemand() throws(StoreError) {
    guard demandWaits else { return }
    do throws(StoreError) {
      try connection.transaction { () throws(StoreError) in try demand.write(connection) }
      demand = DemandChanges()
    } catch {
      forgetDemand(after: error)
      throw error
    }
  }

  /// Changes a pool's count. Pools that have none are left out: mostly all of them.
  private static func add(_ number: Int, of pool: String, to counts: inout [String: Int]) {
    guard number != 0 else { return }
    let sum = counts[pool, default: 0] + number
    counts[pool] = sum == 0 ? nil : sum
  }

  /// After an error that is final nothing more may be written.
  private func forgetDemand(after error: StoreError) {
    if error.isFinal { demand = DemandChanges() }
  }

  /// How many claims of the pool are pending, with what the present transaction did.
  func waiting(in pool: String) -> Int {
    (pending.isEmpty ? 0 : pending[pool, default: 0]) + changes[pool].waiting
  }

  private func countPending(_ status: PoolStatus) throws(StoreError) -> Int {
    guard status.stock.pending > 0 else { return 0 }
    return try connection.first(
      "SELECT count(*) FROM settled_claims WHERE pool = ? AND state = 'pending'",
      [.text(status.pool.name)]
    ) { $0.int(0) } ?? 0
  }

  package func takeResolved() -> [String] {
    defer { resolved = [] }
    return resolved
  }

  package func takeChanges() throws(StoreError) -> [String: Stock] {
    var changed: [String: Stock] = [:]
    for pool in touched {
      var stock = stocks[pool]
      if stock == nil { stock = try Rows.stock(of: pool, connection) }
      stocks[pool] = stock
      changed[pool] = stock
    }
    touched = []
    return changed
  }

  package func pools() throws(StoreError) -> [PoolStatus] {
    var statuses = try Rows.pools(nil, connection, readDefinition)
    for index in statuses.indices {
      let pool = statuses[index].pool.name
      for schedule in statuses[index].marks.keys {
        statuses[index].newestFires[schedule] = try newestFire(of: schedule, in: pool)
      }
    }
    return statuses
  }

  private func newestFire(of schedule: String, in pool: String) throws(StoreError) -> Instant? {
    try connection.first(
      "SELECT max(nominal_at) FROM runs WHERE pool = ? AND schedule = ?",
      [.text(pool), .text(schedule)]
    ) { $0.optionalInstant(0) } ?? nil
  }

  func definition(of pool: String) throws(StoreError) -> Pool {
    guard let definition = inForce[pool] else { throw .unknownPool(pool) }
    return definition
  }
}

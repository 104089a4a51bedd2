import CSQLite
import Larder

/// One connection to a database. It has one owner, which is the only one to call it.
final class Connection {
  enum Access {
    case reading, writing
  }

  let path: String
  let handle: OpaquePointer
  private var statements: [String: Statement] = [:]

  /// Of the process. Where somebody has used SQLite already, it is refused and nothing is lost.
  private static let sparesStatistics = csqlite_spare_statistics()

  init(path: String, access: Access) throws(StoreError) {
    _ = Self.sparesStatistics
    var handle: OpaquePointer?
    let flags =
      access == .writing
      ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
      : SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK, let handle else {
      let failure = SQLiteFailure(code: code, connection: handle)
      sqlite3_close_v2(handle)
      throw StoreError.unreadable(path: path, why: failure.message)
    }
    self.path = path
    self.handle = handle
    sqlite3_busy_timeout(handle, Self.lockWait)
  }

  /// How long another connection's lock is waited for, in milliseconds.
  private static let lockWait: Int32 = 5000

  /// Whether another connection's lock is waited for, or refuses a statement at once.
  var waitsForLocks = true {
    didSet { sqlite3_busy_timeout(handle, waitsForLocks ? Self.lockWait : 0) }
  }

  /// Finalizes every statement and closes the connection.
  func close() {
    #if MUTANTS
      if Mutant.current == .earlyAnswer { try? commitEarlier() }
    #endif
    for statement in statements.values { statement.finalize() }
    statements = [:]
    sqlite3_close_v2(handle)
  }

  /// Runs a statement, which is prepared once and kept, and calls `each` with every row.
  func run(
    _ sql: String, _ values: [SQLValue] = [], _ each: (Row) -> Void = { _ in }
  ) throws(StoreError) {
    do {
      try statement(sql).run(values, each)
    } catch {
      throw storeError(error)
    }
  }

  /// A statement that its user keeps, as long as the connection is open.
  func prepare(_ sql: String) throws(StoreError) -> Statement {
    do {
      return try statement(sql)
    } catch {
      throw storeError(error)
    }
  }

  /// Uses statements that were prepared.
  func perform(_ body: () throws(SQLiteFailure) -> Void) throws(StoreError) {
    do {
      try body()
    } catch {
      throw storeError(error)
    }
  }

  /// The first row's value, or nil where there is no row.
  func first<Value>(
    _ sql: String, _ values: [SQLValue] = [], _ read: (Row) -> Value
  ) throws(StoreError) -> Value? {
    var found: Value?
    try run(sql, values) { if found == nil { found = read($0) } }
    return found
  }

  /// Every row's value.
  func all<Value>(
    _ sql: String, _ values: [SQLValue] = [], _ read: (Row) -> Value
  ) throws(StoreError) -> [Value] {
    var found: [Value] = []
    try run(sql, values) { found.append(read($0)) }
    return found
  }

  /// Runs a script of several statements without parameters.
  func script(_ sql: String) throws(StoreError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    if code != SQLITE_OK { throw storeError(SQLiteFailure(code: code, connection: handle)) }
  }

  /// The number of the row that was inserted last.
  var lastRow: Int64 {
    sqlite3_last_insert_rowid(handle)
  }

  /// Rows that the last statement changed.
  var changes: Int {
    Int(sqlite3_changes64(handle))
  }

  /// Rows that all statements so far changed.
  var totalChanges: Int {
    Int(sqlite3_total_changes64(handle))
  }

  /// Pages that were written to the log since they were counted anew.
  var pagesWritten: Int { pagesWritten(countsAnew: false) }

  func countPagesAnew() { _ = pagesWritten(countsAnew: true) }

  private func pagesWritten(countsAnew: Bool) -> Int {
    var (written, highest): (Int32, Int32) = (0, 0)
    sqlite3_db_status(
      handle, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, countsAnew ? 1 : 0)
    return Int(written)
  }

  /// Runs `body` in one transaction that writes. It is durable when this returns; if `body`
  /// throws, nothing of it is kept.
  func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    #if MUTANTS
      if Mutant.current == .earlyAnswer { try commitEarlier() }
    #endif
    try run("BEGIN IMMEDIATE")
    let result: Result
    do {
      result = try body()
    } catch {
      try rollBack()
      throw error
    }
    #if MUTANTS
      if Mutant.current == .earlyAnswer { return result }
    #endif
    do {
      try statement("COMMIT").run([])
    } catch {
      #if MUTANTS
        if Mutant.current == .retriedCommit {
          // The connection has no transaction any more, which looks like a commit that was done.
          _ = try? statement("COMMIT").run([])
          return result
        }
      #endif
      // Only "disk full" is a definite no: the commit's frames do not fit. After an I/O error
      // the frames may be on disk or not, which only a new connection finds out.
      guard error.primary == SQLITE_FULL else { throw .unknownCommit(error.message) }
      try rollBack()
      throw .full(error.message)
    }
    return result
  }

  /// Runs `body`, whose transactions need not be durable when they return: a later one makes them so.
  func withoutSync<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    #if MUTANTS
      if Mutant.current == .earlyAnswer { try commitEarlier() }
    #endif
    try script("PRAGMA synchronous = NORMAL")
    let result: Swift.Result<Result, StoreError>
    do throws(StoreError) {
      result = .success(try body())
    } catch {
      result = .failure(error)
    }
    #if MUTANTS
      if Mutant.current == .normalSync || Mutant.current == .lastingNormalSync {
        return try result.get()
      }
    #endif
    #if MUTANTS
      if Mutant.current == .earlyAnswer { try commitEarlier() }
    #endif
    do throws(StoreError) {
      try script("PRAGMA synchronous = FULL")
    } catch {
      // What is answered from now on would not be on disk.
      throw .unknownCommit("syncs can't be turned on again: \(error)")
    }
    return try result.get()
  }

  /// What statements sort is kept in memory from now on, and no longer in files.
  func sortInMemory() throws(StoreError) {
    #if MUTANTS
      if Mutant.current == .earlyAnswer { try commitEarlier() }
    #endif
    try run("PRAGMA temp_store = MEMORY")
  }

  #if MUTANTS
    private func commitEarlier() throws(StoreError) {
      if sqlite3_get_autocommit(handle) == 0 { try run("COMMIT") }
    }
  #endif

  /// Runs `body` on one state of the database.
  func snapshot<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    try run("BEGIN")
    do {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      try rollBack()
      throw error
    }
  }

  private func rollBack() throws(StoreError) {
    // An error may have rolled back already.
    guard sqlite3_get_autocommit(handle) == 0 else { return }
    do throws(StoreError) {
      try run("ROLLBACK")
    } catch {
      // Mostly the transaction is over all the same, and what went wrong before counts. If it is
      // not, whatever came next would be a part of it.
      guard sqlite3_get_autocommit(handle) == 0 else { return }
      throw .unknownCommit("a transaction can't be rolled back: \(error)")
    }
  }

  private func statement(_ sql: String) throws(SQLiteFailure) -> Statement {
    if let statement = statements[sql] { return statement }
    let statement = try Statement(sql, connection: handle)
    statements[sql] = statement
    return statement
  }

  private func storeError(_ failure: SQLiteFailure) -> StoreError {
    switch failure.primary {
    case SQLITE_FULL: .full(failure.message)
    // The log's index could not grow, which a full disk is the reason for.
    case SQLITE_IOERR where failure.code == SQLiteFailure.noRoomForIndex: .full(failure.message)
    case SQLITE_CORRUPT: .damaged(path: path, why: failure.message)
    case SQLITE_NOTADB, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY:
      .unreadable(path: path, why: failure.message)
    default: .failed("\(failure.message) (SQLite \(failure.code))")
    }
  }
}

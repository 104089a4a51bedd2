import CSQLite

/// A reader of the store's tables beside the store, so that checks don't ask the code they check.
final class Database {
  typealias Row = [String?]
  private var handle: OpaquePointer?
  private var statements: [String: OpaquePointer] = [:]

  init(path: String) throws(Violation) {
    let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
    try check(code == SQLITE_OK, "database", "\(path) can't be opened: \(code)")
    sqlite3_busy_timeout(handle, 5000)
  }

  func close() {
    for statement in statements.values { sqlite3_finalize(statement) }
    statements = [:]
    sqlite3_close_v2(handle)
    handle = nil
  }

  /// Every row, its values as text.
  func rows(_ sql: String, _ values: [String] = []) throws(Violation) -> [Row] {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() {
      _ = csqlite_bind_text(statement, Int32(index + 1), value, sqlite3_uint64(value.utf8.count))
    }
    var rows: [Row] = []
    let columns = sqlite3_column_count(statement)
    while true {
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { return rows }
      try check(code == SQLITE_ROW, "database", "\(sql): \(message)")
      rows.append(
        (0..<columns).map { sqlite3_column_text(statement, $0).map(String.init(cString:)) })
    }
  }

  func number(_ sql: String, _ values: [String] = []) throws(Violation) -> Int {
    try rows(sql, values).first.flatMap { $0[0] }.flatMap { Int($0) } ?? 0
  }

  private var message: String { String(cString: sqlite3_errmsg(handle)) }

  private func prepared(_ sql: String) throws(Violation) -> OpaquePointer? {
    if let statement = statements[sql] { return statement }
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
    try check(code == SQLITE_OK, "database", "\(sql): \(message)")
    statements[sql] = statement
    return statement
  }
}

import CSQLite

extension StoredRows {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Reads a store that no process has open. What a killed process left in the log is recovered
  /// by it, as by a start.
  package init(path: String) throws {
    let database = try Database(path)
    defer { database.close() }
    self.init()
    damage = try database.rows("PRAGMA integrity_check") { $0.text(0) ?? "" }.filter { $0 != "ok" }
    // All in one read transaction: it is one state whatever runs beside.
    _ = try database.rows("BEGIN") { _ in }
    items = try database.rows(
      "SELECT id, pool, state, key, payload, run, slice, line, claim FROM inventory"
    ) {
      Item(
        id: $0.text(0) ?? "", pool: $0.text(1) ?? "", state: $0.text(2) ?? "", key: $0.text(3),
        payload: $0.text(4) ?? "", run: $0.text(5), slice: $0.int(6), line: $0.int(7),
        claim: $0.text(8))
    }
    claims = try database.rows("SELECT id, pool, principal, user, key, state, count FROM claims") {
      Claim(
        id: $0.text(0) ?? "", pool: $0.text(1) ?? "", principal: $0.text(2) ?? "",
        user: $0.text(3) ?? "", key: $0.text(4), state: $0.text(5) ?? "", count: $0.int(6) ?? 0)
    }
    runs = try database.rows(
      "SELECT id, pool, state, schedule, nominal_at, stored, ended_at FROM runs"
    ) {
      Run(
        id: $0.text(0) ?? "", pool: $0.text(1) ?? "", state: $0.text(2) ?? "",
        schedule: $0.text(3), nominalAt: $0.int(4).map(Int64.init), stored: $0.int(5) ?? 0,
        endedAt: $0.int(6).map(Int64.init))
    }
    slices = try database.rows(
      "SELECT run, slice, state, asked, stored, duplicates, overfill, ended_at FROM slices"
    ) {
      Slice(
        run: $0.text(0) ?? "", slice: $0.int(1) ?? 0, state: $0.text(2) ?? "",
        asked: $0.int(3) ?? 0, stored: $0.int(4) ?? 0, duplicates: $0.int(5) ?? 0,
        overfill: $0.int(6) ?? 0, endedAt: $0.int(7).map(Int64.init))
    }
    let columns = Self.states.joined(separator: ", ")
    for row in try database.rows(
      "SELECT pool, \(columns) FROM stock",
      { row in
        (
          pool: row.text(0) ?? "",
          counts: Self.states.indices.map { row.int(Int32($0) + 1) ?? 0 }
        )
      })
    {
      stock[row.pool] = Dictionary(
        uniqueKeysWithValues: zip(Self.states, row.counts))
    }
    _ = try database.rows("COMMIT") { _ in }
  }
}

private struct Database {
  struct Row {
    let statement: OpaquePointer?

    func text(_ column: Int32) -> String? {
      guard let bytes = sqlite3_column_text(statement, column) else { return nil }
      let count = Int(sqlite3_column_bytes(statement, column))
      return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func int(_ column: Int32) -> Int? {
      guard sqlite3_column_type(statement, column) != SQLITE_NULL else { return nil }
      return Int(sqlite3_column_int64(statement, column))
    }
  }

  private let handle: OpaquePointer?

  init(_ path: String) throws {
    var handle: OpaquePointer?
    let status = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil)
    self.handle = handle
    guard status == SQLITE_OK else { throw failure("opening \(path)") }
  }

  func close() { sqlite3_close(handle) }

  private func failure(_ what: String) -> StoredRows.Failure {
    StoredRows.Failure(description: "\(what): \(String(cString: sqlite3_errmsg(handle)))")
  }

  func rows<Value>(_ sql: String, _ read: (Row) -> Value) throws -> [Value] {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else {
      throw failure(sql)
    }
    defer { sqlite3_finalize(statement) }
    var values: [Value] = []
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: values.append(read(Row(statement: statement)))
      case SQLITE_DONE: return values
      default: throw failure(sql)
      }
    }
  }
}

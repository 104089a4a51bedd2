import CSQLite

/// An error code of SQLite's, with its words for it.
struct SQLiteFailure: Error {
  /// The extended result code.
  let code: Int32
  let message: String

  /// SQLITE_IOERR_SHMSIZE, which is an expression that Swift does not import.
  static let noRoomForIndex = SQLITE_IOERR | 19 << 8

  /// The result code without its extension.
  var primary: Int32 { code & 0xFF }

  init(code: Int32, connection: OpaquePointer?) {
    self.code = connection.map { sqlite3_extended_errcode($0) } ?? code
    message =
      connection.map { String(cString: sqlite3_errmsg($0)) }
      ?? String(cString: sqlite3_errstr(code))
  }
}

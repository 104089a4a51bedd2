import CSQLite
import Larder

/// A prepared statement, kept by its connection and used again and again.
final class Statement {
  private let handle: OpaquePointer
  private let connection: OpaquePointer

  init(_ sql: String, connection: OpaquePointer) throws(SQLiteFailure) {
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(
      connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK, let handle else {
      throw SQLiteFailure(code: code, connection: connection)
    }
    self.handle = handle
    self.connection = connection
  }

  func finalize() {
    sqlite3_finalize(handle)
  }

  /// Runs the statement to its end and calls `each` with every row. A row is valid during
  /// its call only.
  func run(
    _ values: [SQLValue], _ each: (Row) -> Void = { _ in }
  ) throws(SQLiteFailure) {
    defer {
      sqlite3_reset(handle)
      sqlite3_clear_bindings(handle)
    }
    for (index, value) in values.enumerated() {
      try bind(value, Int32(index + 1))
    }
    while true {
      switch sqlite3_step(handle) {
      case SQLITE_ROW: each(Row(handle: handle))
      case SQLITE_DONE: return
      case let code: throw SQLiteFailure(code: code, connection: connection)
      }
    }
  }

  /// Runs a statement that brings no rows, with what is bound to it, which stays bound. The text that
  /// was bound in place must still be there.
  ///
  /// - Returns: what SQLite says of it, for `check`.
  func step() -> Int32 {
    defer { sqlite3_reset(handle) }
    return sqlite3_step(handle)
  }

  /// Throws unless a statement came to its end.
  func check(_ code: Int32) throws(SQLiteFailure) {
    guard code == SQLITE_DONE else { throw SQLiteFailure(code: code, connection: connection) }
  }

  /// Binds texts one after the other without copies, and steps.
  func step(binding texts: ArraySlice<String?>, from index: Int32) -> Int32 {
    guard let text = texts.first else { return step() }
    var bytes = text ?? ""
    return bytes.withUTF8 { bytes in
      bind(inPlace: text == nil ? nil : bytes, at: index)
      return step(binding: texts.dropFirst(), from: index + 1)
    }
  }

  func bind(_ number: Int64?, at index: Int32) {
    if let number {
      sqlite3_bind_int64(handle, index, number)
    } else {
      sqlite3_bind_null(handle, index)
    }
  }

  /// Binds a text, or null, without a copy: it stays where it is while the statement runs.
  func bind(inPlace text: UnsafeBufferPointer<UInt8>?, at index: Int32) {
    guard let text else {
      sqlite3_bind_null(handle, index)
      return
    }
    text.withMemoryRebound(to: CChar.self) {
      _ = sqlite3_bind_text64(
        handle, index, $0.baseAddress, sqlite3_uint64($0.count), nil, UInt8(SQLITE_UTF8))
    }
  }

  func bind(_ value: SQLValue, _ index: Int32) throws(SQLiteFailure) {
    let code: Int32
    switch value {
    case .null: code = sqlite3_bind_null(handle, index)
    case .integer(let number): code = sqlite3_bind_int64(handle, index, number)
    case .real(let number): code = sqlite3_bind_double(handle, index, number)
    case .byte(var byte): code = csqlite_bind_blob(handle, index, &byte, 1)
    case .blob(let bytes):
      code = bytes.withUnsafeBytes {
        csqlite_bind_blob(handle, index, $0.baseAddress, sqlite3_uint64($0.count))
      }
    case .text(var text):
      code = text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          csqlite_bind_text(handle, index, $0.baseAddress, sqlite3_uint64($0.count))
        }
      }
    }
    guard code == SQLITE_OK else { throw SQLiteFailure(code: code, connection: connection) }
  }
}

/// The present row of a statement that is running.
struct Row {
  fileprivate let handle: OpaquePointer

  func isNull(_ column: Int32) -> Bool {
    sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  func int64(_ column: Int32) -> Int64 {
    sqlite3_column_int64(handle, column)
  }

  func int(_ column: Int32) -> Int {
    Int(int64(column))
  }

  func optionalInt(_ column: Int32) -> Int? {
    isNull(column) ? nil : int(column)
  }

  func bool(_ column: Int32) -> Bool {
    int64(column) != 0
  }

  func duration(_ column: Int32) -> Duration {
    .milliseconds(int64(column))
  }

  func instant(_ column: Int32) -> Instant {
    Instant(milliseconds: int64(column))
  }

  func optionalInstant(_ column: Int32) -> Instant? {
    isNull(column) ? nil : instant(column)
  }

  /// A blob's bytes, which are there during the call only.
  func withBlob<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let start = sqlite3_column_blob(handle, column)
    let count = start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))
    return body(UnsafeRawBufferPointer(start: start, count: count))
  }

  func text(_ column: Int32) -> String {
    optionalText(column) ?? ""
  }

  func optionalText(_ column: Int32) -> String? {
    guard let start = sqlite3_column_text(handle, column) else { return nil }
    let bytes = UnsafeBufferPointer(
      start: start, count: Int(sqlite3_column_bytes(handle, column)))
    return String(decoding: bytes, as: UTF8.self)
  }
}

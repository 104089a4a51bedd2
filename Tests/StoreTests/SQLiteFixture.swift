import Foundation
import Larder

@testable import SQLiteStore

/// An embedded store in a temporary folder.
final class SQLiteFixture: StoreFixture {
  let folder: TemporaryFolder
  private(set) var database: String
  private(set) var sqlite: SQLiteStore
  private(set) var sqliteReader: SQLiteReader
  private var crashes = 0
  private var extraReaders: [SQLiteReader] = []

  init(database: String? = nil, folder: TemporaryFolder? = nil) throws {
    self.folder = try folder ?? TemporaryFolder()
    self.database = database ?? self.folder.path("larder.db")
    sqlite = try SQLiteStore(path: self.database, readDefinition: readDefinition)
    sqliteReader = try SQLiteReader(path: self.database, readDefinition: readDefinition)
  }

  deinit {
    sqliteReader.close()
    for reader in extraReaders { reader.close() }
    sqlite.close()
  }

  var store: any Store { sqlite }
  var reader: any StoreReader { sqliteReader }

  func anotherReader() throws -> any StoreReader {
    let reader = try SQLiteReader(path: database, readDefinition: readDefinition)
    extraReaders.append(reader)
    return reader
  }

  func reopen() throws {
    sqliteReader.close()
    sqlite.close()
    try open()
  }

  /// Copies the files as they are while the store is open, as a kill would leave them. The copy
  /// goes on in their stead, since closing the store tidies its own files up.
  func crash() throws {
    crashes += 1
    let left = folder.path("crash-\(crashes)")
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: false)
    let copy = left + "/larder.db"
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: database + suffix, toPath: copy + suffix)
    }
    sqliteReader.close()
    sqlite.close()
    database = copy
    try open()
  }

  private func open() throws {
    sqlite = try SQLiteStore(path: database, readDefinition: readDefinition)
    sqliteReader = try SQLiteReader(path: database, readDefinition: readDefinition)
  }

  func openBackup(_ path: String) throws -> any StoreFixture {
    try SQLiteFixture(database: path, folder: folder)
  }

  func path(_ name: String) -> String { folder.path(name) }

  func countedItems(_ pool: String) throws -> [ItemState: Int] {
    let rows = try sqlite.connection.all(
      "SELECT state, count(*) FROM inventory WHERE pool = ? GROUP BY state", [.text(pool)]
    ) { (ItemState(rawValue: $0.text(0))!, $0.int(1)) }
    return Dictionary(uniqueKeysWithValues: rows)
  }

  func countedStale(_ pool: String) throws -> Int {
    try sqlite.connection.first(
      "SELECT count(*) FROM inventory WHERE pool = ? AND state = 'available' AND stale <> 0",
      [.text(pool)]
    ) { $0.int(0) } ?? 0
  }
}

/// A folder that is removed with its content when nobody refers to it any more.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "larder-store-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func path(_ name: String) -> String { path + "/" + name }

  var names: Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
  }
}

func mode(_ path: String) throws -> Int {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return attributes[.posixPermissions] as? Int ?? -1
}

func bytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

import CSQLite
import Foundation
import Larder
import Testing

@testable import SQLiteStore

@Suite struct OpeningTests {
  private func openStore(_ path: String, creating: Bool = true) throws {
    try SQLiteStore(path: path, creating: creating, readDefinition: readDefinition).close()
  }

  private func openReader(_ path: String) throws {
    try SQLiteReader(path: path, readDefinition: readDefinition).close()
  }

  /// Why a file cannot be used, asked of both sides, which must agree; the files must stay as
  /// they are.
  private func refusal(_ path: String, keeping files: [String]) throws -> StoreError {
    let before = try files.map(bytes)
    var errors: [StoreError] = []
    for open in [{ try openStore(path) }, { try openReader(path) }] {
      errors.append(try #require(throws: StoreError.self) { try open() })
      for (file, content) in zip(files, before) { #expect(try bytes(file) == content, "\(file)") }
    }
    #expect(errors[0] == errors[1])
    return errors[0]
  }

  /// Runs a script on a database of its own making, and leaves its log or journal as a killed
  /// program would: a copy of the files while they are open.
  private func makeDatabase(_ path: String, _ script: String) throws {
    let origin = path + ".origin"
    var handle: OpaquePointer?
    #expect(sqlite3_open(origin, &handle) == SQLITE_OK)
    #expect(sqlite3_exec(handle, script, nil, nil, nil) == SQLITE_OK)
    for suffix in ["", "-wal", "-journal"]
    where FileManager.default.fileExists(atPath: origin + suffix) {
      try FileManager.default.copyItem(atPath: origin + suffix, toPath: path + suffix)
    }
    sqlite3_close(handle)
  }

  @Test func aMissingStoreIsMadeOnlyWhereThatIsWanted() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    let database = try StoreFiles(path).database
    #expect(throws: StoreError.missing(path: database)) { try openReader(path) }
    #expect(throws: StoreError.missing(path: database)) { try openStore(path, creating: false) }
    #expect(folder.names.isEmpty)
    try openStore(path)
    try openStore(path, creating: false)
    try openReader(path)
  }

  @Test func aMissingFolderIsNamed() throws {
    let folder = try TemporaryFolder()
    let error = try refusal(folder.path("none/larder.db"), keeping: [])
    #expect(error.description.contains("none/ can't be entered: No such file or directory"))
  }

  @Test func aFolderIsNoStore() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.path("larder.db"), withIntermediateDirectories: false)
    for path in [folder.path("larder.db"), folder.path("larder.db/")] {
      let error = try refusal(path, keeping: [])
      #expect(error.why == "it names a folder, not a file")
    }
    #expect(folder.names == ["larder.db"])
  }

  @Test(arguments: ["not a database at all\n", String(repeating: "garbage ", count: 4096)])
  func aFileOfAnotherKindIsLeftAlone(_ content: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try Data(content.utf8).write(to: URL(filePath: path))
    let error = try refusal(path, keeping: [path])
    #expect(error.why == "file is not a database")
  }

  @Test(arguments: ["DELETE", "WAL"])
  func aDatabaseOfAnotherProgramIsLeftAlone(_ journal: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("other.db")
    try makeDatabase(
      path, "PRAGMA journal_mode = \(journal); CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    let files = journal == "WAL" ? [path, path + "-wal"] : [path]
    let error = try refusal(path, keeping: files)
    #expect(error.why?.contains("database of another program") == true)
  }

  @Test func anotherProgramsEmptyDatabaseWithAnIdIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("other.db")
    try makeDatabase(path, "PRAGMA application_id = 7;")
    let error = try refusal(path, keeping: [path])
    #expect(error.description.contains("database of another program"))
  }

  @Test func aNewerDatabaseIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try makeDatabase(
      path,
      """
      PRAGMA journal_mode = WAL; PRAGMA application_id = \(Schema.applicationID);
      PRAGMA user_version = \(Schema.version + 1); CREATE TABLE pools (x);
      """)
    let error = try refusal(path, keeping: [path, path + "-wal"])
    #expect(
      error
        == .newer(
          path: try StoreFiles(path).database, version: Schema.version + 1,
          supported: Schema.version))
  }

  @Test(.enabled(if: geteuid() != 0, "every file can be read by root"))
  func anUnreadableFileIsNamed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try openStore(path)
    chmod(path, 0)
    let error = try refusal(path, keeping: [])
    #expect(error.description.contains(path))
  }

  @Test func aTruncatedDatabaseIsRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try openStore(path)
    truncate(path, 4096 + 100)
    #expect(throws: StoreError.self) { try openStore(path) }
  }

  @Test func anEmptyFileBecomesAStoreByMigration() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try Data().write(to: URL(filePath: path))
    let error = try #require(throws: StoreError.self) { try openReader(path) }
    #expect(error.why?.contains("older than this Larder's") == true)
    #expect(try bytes(path).isEmpty)
    let store = try SQLiteStore(path: path, readDefinition: readDefinition)
    defer { store.close() }
    let connection = store.connection
    #expect(try connection.first("PRAGMA user_version") { $0.int(0) } == Schema.version)
    #expect(try connection.first("PRAGMA application_id") { $0.int64(0) } == Schema.applicationID)
    let tables = try connection.all(
      "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        + "AND name NOT LIKE 'sqlite%'"
    ) { ($0.text(0), $0.bool(1)) }
    #expect(tables.allSatisfy { $0.1 })
    #expect(
      tables.map(\.0).sorted() == [
        "claim_index_filters", "claim_index_parts", "claim_index_runs", "claim_index_secret",
        "demand", "demand_gaps", "grants", "item_keys", "items", "misses", "pools", "run_logs",
        "runs",
        "schedules", "service", "settled_claims", "settled_stock", "shelf_attributes", "slices",
        "waste",
        "webhooks",
      ])
    // Once done, a migration is not done again.
    try Schema.migrate(connection)
    #expect(try connection.first("PRAGMA integrity_check") { $0.text(0) } == "ok")
  }

  @Test func aCreationThatWasInterruptedIsUndone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try makeDatabase(
      path,
      """
      PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (x);
      INSERT INTO t SELECT randomblob(2000) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8));
      """)
    #expect(FileManager.default.fileExists(atPath: path + "-journal"))
    #expect(try bytes(path).count > 4096)
    let store = try SQLiteStore(path: path, readDefinition: readDefinition)
    defer { store.close() }
    #expect(try store.pools().isEmpty)
    #expect(try store.connection.first("SELECT count(*) FROM claims") { $0.int(0) } == 0)
  }

  @Test func everyFileIsItsOwnersAlone() throws {
    let folder = try TemporaryFolder()
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    try fixture.adopt()
    try fixture.put(items(0..<3))
    #expect(try fixture.status().stock.available == 3)
    try fixture.reader.backup(to: folder.path("backup.db"))
    let names: Set = [
      "larder.db", "larder.db-wal", "larder.db-shm", "larder.db.lock", "backup.db",
    ]
    #expect(folder.names == names)
    for name in names { #expect(try mode(folder.path(name)) == 0o600, "\(name)") }
  }

  @Test func aBackupNeverOverwrites() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt()
    let path = fixture.path("backup.db")
    try Data("mine".utf8).write(to: URL(filePath: path))
    let before = fixture.folder.names
    let error = try #require(throws: StoreError.self) { try fixture.reader.backup(to: path) }
    #expect(error.description.contains("exists already"))
    #expect(try bytes(path) == Array("mine".utf8))
    #expect(throws: StoreError.self) { try fixture.reader.backup(to: fixture.path("none/b.db")) }
    #expect(fixture.folder.names == before)
  }

  @Test func readersCannotWrite() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt()
    let connection = try Connection(path: fixture.database, access: .reading)
    defer { connection.close() }
    #expect(throws: StoreError.self) { try connection.run("DELETE FROM pools") }
    #expect(try fixture.status().pool.name == "p")
  }
}

extension StoreError {
  /// Why a file can't be used as a store.
  fileprivate var why: String? {
    switch self {
    case .unreadable(_, let why), .damaged(_, let why): why
    default: nil
    }
  }
}

import Foundation
import Larder
import Testing

@testable import SQLiteStore

@Suite struct DurabilityTests {
  @Test func commitsAreSyncedInFull() throws {
    let fixture = try SQLiteFixture()
    func pragma(_ name: String) throws -> String? {
      try fixture.sqlite.connection.first("PRAGMA \(name)") { $0.text(0) }
    }
    for again in [{}, fixture.reopen, fixture.crash] {
      try again()
      #expect(try pragma("synchronous") == "2")
      #expect(try pragma("journal_mode") == "wal")
      #expect(try pragma("locking_mode") == "normal")
    }
  }

  /// What an unclean end leaves: a database and its log, not yet put together.
  private func leftovers(_ folder: TemporaryFolder) throws -> (path: String, claim: Claim) {
    let origin = try SQLiteFixture()
    try origin.adopt()
    try origin.put(items(0..<3))
    let claim = try #require(try origin.claim("u").granted)
    let path = folder.path("larder.db")
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: origin.database + suffix, toPath: path + suffix)
    }
    #expect(try bytes(path + "-wal").count > 0)
    return (path, claim)
  }

  @Test func theLogOfAnUncleanEndIsPutIntoTheDatabaseBeforeServing() throws {
    let folder = try TemporaryFolder()
    let (path, claim) = try leftovers(folder)
    let store = try SQLiteStore(path: path, readDefinition: readDefinition)
    defer { store.close() }
    #expect(try bytes(path + "-wal").isEmpty)
    // The database alone has everything now.
    let alone = folder.path("alone.db")
    try FileManager.default.copyItem(atPath: path, toPath: alone)
    let copy = try SQLiteFixture(database: alone, folder: folder)
    #expect(try copy.claim("u").repeated == claim)
  }

  @Test func aReaderWithASnapshotDoesNotKeepTheStoreFromOpening() throws {
    let folder = try TemporaryFolder()
    let (path, claim) = try leftovers(folder)
    let reader = try Connection(path: path, access: .reading)
    defer { reader.close() }
    try reader.run("BEGIN")
    func claims() throws -> Int? {
      try reader.first("SELECT count(*) FROM claims") { $0.int(0) }
    }
    #expect(try claims() == 1)
    let fixture = try SQLiteFixture(database: path, folder: folder)
    #expect(try fixture.claim("u").repeated == claim)
    #expect(try fixture.claim("v").granted != nil)
    // The reader still has its state, and the store goes on after it is gone.
    #expect(try claims() == 1)
    try reader.run("COMMIT")
    #expect(try claims() == 2)
    try fixture.crash()
    #expect(try fixture.claim("v").repeated != nil)
  }

  @Test func aReaderLeavesTheLogToTheWriter() throws {
    let folder = try TemporaryFolder()
    let (path, claim) = try leftovers(folder)
    let before = (try bytes(path), try bytes(path + "-wal"))
    let reader = try SQLiteReader(path: path, readDefinition: readDefinition)
    #expect(try reader.claim(claim.id) == claim)
    reader.close()
    #expect(try bytes(path) == before.0)
    #expect(try bytes(path + "-wal") == before.1)
  }

  @Test func aTransactionThatFailsLeavesNothing() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", produced(unlimited))
    try fixture.startRun("r")
    _ = try fixture.store.takeChanges()
    // The third item breaks a rule of the table.
    try fixture.sqlite.connection.script(
      """
      CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.items WHEN new.payload = '2'
      BEGIN SELECT raise(ABORT, 'refused'); END
      """)
    #expect(throws: StoreError.self) { try fixture.put(items(0..<4)) }
    #expect(throws: StoreError.self) {
      try fixture.commit("r", items(0..<4), cursor: "stray", log: [66])
    }
    #expect(try fixture.countedItems("p").isEmpty)
    #expect(try fixture.status().stock.produced == 0)
    #expect(try fixture.store.takeChanges().isEmpty)
    try fixture.sqlite.connection.script("DROP TRIGGER refuse")
    #expect(try fixture.shownRun("r").slice?.state == .running)
    #expect(try fixture.shownRun("r").cursor == "")
    #expect(try fixture.shownRun("r").log == nil)
    #expect(try fixture.commit("r", items(0..<4)) == PutResult(stored: 4))
    #expect(try fixture.countedItems("p") == [.available: 4])
    #expect(try fixture.status().stock.available == 4)
  }
}

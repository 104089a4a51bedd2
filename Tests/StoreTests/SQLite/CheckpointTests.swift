import Foundation
import Larder
import Testing

@testable import SQLiteStore

@Suite struct CheckpointTests {
  /// Settles claims until the log waits to be put into the database.
  private func fillLog(_ fixture: SQLiteFixture) throws {
    var user = 0
    while !fixture.store.upkeepWaits {
      #expect(try fixture.claim("u\(user)").granted != nil)
      user += 1
      if user % 10 == 0 { try fixture.store.settle() }
    }
  }

  private func stocked() throws -> SQLiteFixture {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", produced("claims: {per_user: 0}"))
    for _ in 0..<20 { try fixture.put(items(0..<200)) }
    while fixture.store.upkeepWaits { try fixture.store.keepUp() }
    return fixture
  }

  private func logBytes(_ fixture: SQLiteFixture) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: fixture.database + "-wal")
    return try #require(attributes[.size] as? Int)
  }

  @Test func betweenBatchesTheLogIsPutIntoTheDatabaseAndStartsOver() throws {
    let fixture = try stocked()
    // What filling left is as long as it may be.
    let before = try logBytes(fixture)
    for _ in 0..<8 {
      try fillLog(fixture)
      while fixture.store.upkeepWaits { try fixture.store.keepUp() }
    }
    #expect(try logBytes(fixture) == before)
    let pages = try fixture.sqlite.connection.first("PRAGMA wal_checkpoint(PASSIVE)") {
      (log: $0.int(1), done: $0.int(2))
    }
    #expect(try #require(pages).log < 2 * Limits.logPages.upperBound / Limits.logShare)
    #expect(pages?.log == pages?.done)
  }

  /// A reader that keeps an old state keeps the log from starting over, and the writer from nothing.
  @Test func aReaderThatStaysHoldsUpNothing() throws {
    let fixture = try stocked()
    let reader = fixture.sqliteReader.connection
    try reader.run("BEGIN")
    _ = try reader.first("SELECT count(*) FROM items") { $0.int(0) }
    for _ in 0..<3 {
      try fillLog(fixture)
      var turns = 0
      while fixture.store.upkeepWaits, turns < 10 {
        try fixture.store.keepUp()
        turns += 1
      }
      #expect(!fixture.store.upkeepWaits)
    }
    try reader.run("COMMIT")
  }
}

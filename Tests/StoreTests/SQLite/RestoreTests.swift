import Foundation
import Larder
import Testing

@testable import SQLiteStore

@Suite struct RestoreTests {
  private let later = start + .seconds(3600)

  private func restore(
    _ file: String, to path: String, reissuing: Bool = false
  ) throws -> RestoredStore {
    try Restoration(of: file, to: path, at: later, readDefinition: readDefinition)
      .restore(reissuing: reissuing)
  }

  private func expectSound(_ path: String) throws {
    let found = try Verification.of(path, readDefinition: readDefinition)
    #expect(found.violations == [])
  }

  /// A store that was backed up to `backup.db`, closed.
  private func backedUp(_ prepare: (SQLiteFixture) throws -> Void) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    try prepare(fixture)
    try fixture.reader.backup(to: folder.path("backup.db"))
    return folder
  }

  @Test func theShelfAndHoldsAreQuarantinedAndClaimsStay() throws {
    var claimed: Claim?
    var held: Claim?
    var waiting: Claim?
    let folder = try backedUp { fixture in
      try fixture.adopt("p", living("hold=600 restock webhook backorder=9000"))
      let made = (0..<6).map { NewItem(payload: "\($0)", key: "k\($0)", attributes: #"{"a":1}"#) }
      try fixture.put(made + [NewItem(payload: "9", user: "v")])
      claimed = try fixture.claim("u", key: "c", count: 2).granted
      held = try fixture.hold("u", 600, key: "h", count: 2)
      // Its match fits nothing, so it stays.
      waiting = try fixture.order("w", key: "b", ["a": .integer(7)])
    }
    let restored = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    #expect(restored.quarantined == ["p": 5])
    #expect(restored.endedClaims == 1 && restored.endedRuns == 0)
    try expectSound(folder.path("larder.db"))
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    try fixture.expectItems([.claimed: 2, .quarantined: 5])
    #expect(try fixture.claim("u", key: "c", count: 2, at: later).repeated == claimed)
    let hold = ClaimRequest(pool: "p", user: "u", key: "h", count: 2, hold: .seconds(600))
    #expect(try fixture.claim(hold, at: later).repeatedEmpty == .lapsed)
    #expect(try fixture.state(of: try #require(held), at: later) == .lapsed)
    #expect(try fixture.state(of: try #require(waiting), at: later) == .pending)
    for user in ["u", "v", "x"] {
      let request = ClaimRequest(pool: "p", user: user, onMiss: .reject)
      #expect(try fixture.claim(request, at: later) == .outOfStock)
    }
    #expect(try fixture.change(try #require(held), .release, at: later) == .wrongState(.lapsed))
    // What is made anew is handed out, to who waits first.
    try fixture.put([NewItem(payload: "new", attributes: #"{"a":7}"#)], at: later)
    #expect(try fixture.payloads(try #require(waiting), at: later) == ["new"])
    #expect(try fixture.drain(at: later) == [])
  }

  @Test(arguments: ["", renewing])
  func noKeyOfTheBackupIsStoredAgain(_ duplicates: String) throws {
    let keys = "stock: {max: 100\(duplicates)}\nclaims: {per_user: 0}"
    let folder = try backedUp { fixture in
      try fixture.adopt("p", keys)
      let soon = start + .seconds(1)
      try fixture.put([
        NewItem(payload: "1", key: "shelf"), NewItem(payload: "2", key: "expired", expiresAt: soon),
        NewItem(payload: "3", key: "purged", expiresAt: soon),
      ])
      #expect(try fixture.store.expire(pool: "p", at: start + .seconds(2), limit: 10) == 2)
      try fixture.sqlite.connection.run(
        "INSERT INTO item_keys (pool, key, free) VALUES ('p', 'freed', 1)")
    }
    _ = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    try expectSound(folder.path("larder.db"))
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    let again = ["shelf", "expired", "purged", "freed"].map { NewItem(payload: "0", key: $0) }
    #expect(try fixture.put(again, at: later) == PutResult(stored: 0, duplicates: 4))
    #expect(try fixture.put([NewItem(payload: "0", key: "new")], at: later) == PutResult(stored: 1))
    #expect(try fixture.drain(at: later) == ["0"])
  }

  @Test func aKeyThatWasRecalledAsStaleIsBoundToo() throws {
    let folder = try backedUp { fixture in
      try fixture.adopt("p", revised("r1", stock: renewing))
      _ = try fixture.make("r", [NewItem(payload: "1", key: "k")], revision: "r1")
      try fixture.adopt("p", revised("r2", stock: renewing))
      try fixture.markStale()
      _ = try fixture.make("s", items(5..<6), revision: "r2")
      try fixture.expectItems([.available: 1, .recalled: 1])
    }
    _ = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    let again = try fixture.put([NewItem(payload: "2", key: "k")], at: later)
    #expect(again == PutResult(stored: 0, duplicates: 1))
    try fixture.expectItems([.quarantined: 1, .recalled: 1])
  }

  @Test func staleItemsAreCountedNoMore() throws {
    let folder = try backedUp { fixture in
      try fixture.adopt("p", revised("r1"))
      _ = try fixture.make("r", items(0..<3), revision: "r1")
      try fixture.adopt("p", revised("r2"))
      #expect(try fixture.markStale() == 3)
    }
    _ = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    try expectSound(folder.path("larder.db"))
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    #expect(try fixture.stale(at: later) == 0)
  }

  @Test func runsEndAndTheirNominalTimesStayTaken() throws {
    let mark = ScheduleMark(timing: "t", active: true, considered: start)
    var scheduled = Run(
      id: "t", pool: "p", reason: .schedule, state: .queued, createdAt: start)
    scheduled.schedule = "hourly"
    scheduled.nominalAt = start
    let folder = try backedUp { fixture in
      try fixture.adopt("p", produced(unlimited))
      try fixture.startRun("r")
      #expect(
        try fixture.store.record(
          [.open(scheduled), .mark(pool: "p", schedule: "hourly", mark)], at: start) == [
            true, true,
          ]
      )
    }
    let restored = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    #expect(restored.endedRuns == 2)
    try expectSound(folder.path("larder.db"))
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    let run = try fixture.shownRun("r")
    #expect(run.state == .failed && run.slices.map(\.state) == [.failed])
    #expect(run.why?.contains("restored from a backup") == true && run.endedAt == later)
    #expect(try fixture.shownRun("t").state == .skipped)
    #expect(throws: StoreError.fenced) { try fixture.commit("r", items(0..<1), at: later) }
    let status = try #require(try fixture.store.pools().first)
    #expect(status.runs.isEmpty && status.marks["hourly"]?.considered == later)
    #expect(status.memory.failures == 0)
    // The time has its run, in the store of the backup as well.
    scheduled.id = "again"
    #expect(try fixture.store.record([.open(scheduled)], at: later) == [false])
  }

  @Test func pushesOfHoldsAreDroppedAndOthersStay() throws {
    let folder = try backedUp { fixture in
      try fixture.adopt("p", living("hold=600 webhook backorder=60"))
      let claim = try fixture.order("u")
      let hold = try fixture.order("v", hold: .seconds(500))
      try fixture.put(items(0..<2))
      #expect(try fixture.state(of: claim) == .claimed && fixture.state(of: hold) == .held)
      #expect(try fixture.store.deliveries(at: start, limit: 9, without: []).due.count == 2)
    }
    _ = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    let due = try fixture.store.deliveries(at: later, limit: 9, without: []).due
    #expect(due.count == 1 && due.first?.body.contains(#""user":"u""#) == true)
  }

  @Test func reissuingChangesNothing() throws {
    let folder = try backedUp { fixture in
      try fixture.adopt("p", living("hold=600 restock"))
      try fixture.put(items(0..<3))
      _ = try fixture.hold("u", 600)
      try fixture.startRun("r")
    }
    let restored = try restore(
      folder.path("backup.db"), to: folder.path("larder.db"), reissuing: true)
    #expect(restored.quarantined.isEmpty && restored.endedRuns == 0 && restored.endedClaims == 0)
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    try fixture.expectItems([.available: 2, .held: 1])
    #expect(try fixture.shownRun("r").state == .running)
  }

  @Test func theOldStoreIsMovedAsideWithItsLog() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    let fixture = try SQLiteFixture(database: path, folder: folder)
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3))
    try fixture.reader.backup(to: folder.path("backup.db"))
    let claim = try #require(try fixture.claim("u", key: "k").granted)
    // What a killed server leaves: the claim is in the log alone.
    let left = try TemporaryFolder()
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: path + suffix, toPath: left.path("larder.db" + suffix))
    }
    let log = try bytes(left.path("larder.db-wal"))
    #expect(!log.isEmpty)
    let restored = try restore(folder.path("backup.db"), to: left.path("larder.db"))
    let before = try #require(restored.before)
    #expect(try bytes(before + "-wal") == log)
    for name in left.names { #expect(try mode(left.path(name)) == 0o600, "\(name)") }
    #expect(!FileManager.default.fileExists(atPath: left.path("larder.db-wal")))
    let old = try SQLiteFixture(database: before, folder: folder)
    #expect(try old.claim("u", key: "k").repeated == claim)
    let new = try SQLiteFixture(database: left.path("larder.db"), folder: folder)
    try new.expectItems([.quarantined: 3])
  }

  @Test func theStoreThatWasMovedAsideIsABackupWithItsLog() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    let fixture = try SQLiteFixture(database: path, folder: folder)
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3))
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: path + suffix, toPath: folder.path("aside.db" + suffix))
    }
    let before = try bytes(folder.path("aside.db-wal"))
    #expect(try restore(folder.path("aside.db"), to: folder.path("new.db")).quarantined == ["p": 3])
    #expect(try bytes(folder.path("aside.db-wal")) == before)
  }

  @Test func aBackupOfTheFirstVersionIsBroughtUpToDate() throws {
    let folder = try TemporaryFolder()
    let connection = try Connection(path: folder.path("backup.db"), access: .writing)
    try connection.script(Schema.migrations[0])
    try connection.script(
      "PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = 1")
    let old = try definition("p", unlimited)
    try connection.run(
      "INSERT INTO pools (pool, source, file, adopted_at) VALUES ('p', ?, ?, 0)",
      [.text(old.source), .text(old.file)])
    try connection.script(
      """
      INSERT INTO stock (pool, available) VALUES ('p', 1);
      INSERT INTO inventory (id, pool, state, payload, produced_at, shelf_order)
        VALUES ('1', 'p', 'available', '1', 0, \(Int64.max));
      """)
    connection.close()
    let before = try bytes(folder.path("backup.db"))
    #expect(
      try restore(folder.path("backup.db"), to: folder.path("larder.db")).quarantined == ["p": 1])
    #expect(try bytes(folder.path("backup.db")) == before)
    try expectSound(folder.path("larder.db"))
  }

  @Test func whatIsNoBackupIsRefusedAndTheStoreStays() throws {
    let folder = try backedUp { fixture in
      try fixture.adopt("p", unlimited)
      try fixture.put(items(0..<3))
    }
    let path = folder.path("larder.db")
    let before = try bytes(path)
    func expectRefused(_ words: String, _ change: (String) throws -> Void) throws {
      let file = folder.path("bad.db")
      try? FileManager.default.removeItem(atPath: file)
      try FileManager.default.copyItem(atPath: folder.path("backup.db"), toPath: file)
      try change(file)
      let names = folder.names
      let content = try bytes(file)
      let error = try #require(throws: StoreError.self) { try restore(file, to: path) }
      guard case .noRestore = error else { throw error }
      #expect(error.description.contains(words), "\(error)")
      #expect(try bytes(path) == before && bytes(file) == content)
      #expect(folder.names == names.union(["larder.db.lock"]))
    }
    func script(_ text: String) -> (String) throws -> Void {
      { file in
        let connection = try Connection(path: file, access: .writing)
        defer { connection.close() }
        try connection.script(text)
      }
    }
    try expectRefused("install the newer Larder", script("PRAGMA user_version = 99"))
    try expectRefused("another program", script("PRAGMA application_id = 7"))
    try expectRefused("say 4 available", script("UPDATE settled_stock SET available = 4"))
    try expectRefused("file is not a database") {
      try Data(repeating: 0x78, count: 9000).write(to: URL(filePath: $0))
    }
    try expectRefused("is empty") { try Data().write(to: URL(filePath: $0)) }
    try expectRefused("can't be restored") { _ = truncate($0, 9000) }
    for (file, words) in [
      (path, "the store itself"), (folder.path("none.db"), "No such file"),
      ("/dev/null", "no file"),
    ] {
      let error = try #require(throws: StoreError.self) { try restore(file, to: path) }
      #expect(error.description.contains(words))
    }
    #expect(try bytes(path) == before)
  }

  @Test func aStoreThatIsServedIsRefused() throws {
    let folder = try backedUp { try $0.adopt("p", unlimited) }
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    let names = folder.names
    #expect(throws: StoreError.served(path: try StoreFiles(fixture.database).database)) {
      try restore(folder.path("backup.db"), to: fixture.database)
    }
    let error = try #require(throws: StoreError.self) {
      try restore(fixture.database, to: folder.path("new.db"))
    }
    #expect(error.description.contains("served by another process"))
    #expect(folder.names == names)
  }

  @Test func aDamagedStoreGivesWay() throws {
    let folder = try backedUp { try $0.adopt("p", unlimited) }
    let path = folder.path("larder.db")
    try Data(repeating: 0x78, count: 9000).write(to: URL(filePath: path))
    let before = try #require(try restore(folder.path("backup.db"), to: path).before)
    #expect(try bytes(before).count == 9000)
    try expectSound(path)
  }

  @Test func aReaderThatOpenedTheOldStoreKnowsThatItHasGone() throws {
    let folder = try backedUp { try $0.adopt("p", unlimited) }
    let connection = try Connection(path: folder.path("larder.db"), access: .reading)
    defer { connection.close() }
    #expect(try connection.first("SELECT count(*) FROM pools") { $0.int(0) } == 1)
    #expect(!connection.hasMoved)
    _ = try restore(folder.path("backup.db"), to: folder.path("larder.db"))
    #expect(connection.hasMoved)
  }

  @Test(.enabled(if: SmallDisk.canBeMade, "mounting a small file system needs root"))
  func aRestoreWithoutRoomLeavesTheStoreAsItWas() throws {
    let folder = try backedUp { fixture in
      try fixture.adopt("p", unlimited)
      try fixture.put(
        (0..<100).map { NewItem(payload: "\"\(String(repeating: "x", count: 3000))\($0)\"") })
    }
    let disk = try SmallDisk(kilobytes: 400)
    let path = disk.path + "/larder.db"
    try SQLiteStore(path: path, readDefinition: readDefinition).close()
    let before = try bytes(path)
    let names = try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted()
    let error = try #require(throws: StoreError.self) {
      try restore(folder.path("backup.db"), to: path)
    }
    guard case .full = error else { throw error }
    #expect(try bytes(path) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted() == names)
  }
}

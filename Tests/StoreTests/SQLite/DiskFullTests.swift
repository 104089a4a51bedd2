import Foundation
import Larder
import Testing

@testable import SQLiteStore

/// A file system of a given size.
final class SmallDisk {
  let path: String

  init(kilobytes: Int) throws {
    path = NSTemporaryDirectory() + "larder-disk-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("larder-test", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
      rmdir(path)
      throw POSIXError(.EPERM)
    }
  }

  func grow(kilobytes: Int) {
    let done = mount("larder-test", path, "tmpfs", UInt(MS_REMOUNT), "size=\(kilobytes)k")
    #expect(done == 0)
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  static let canBeMade = (try? SmallDisk(kilobytes: 16)) != nil
}

@Suite(.enabled(if: SmallDisk.canBeMade, "mounting a small file system needs root"))
struct DiskFullTests {
  private let payload = "\"\(String(repeating: "x", count: 3000))\""

  /// Puts items until the disk is full, and says how many were stored.
  private func fill(_ fixture: SQLiteFixture) throws -> Int {
    var stored = 0
    for _ in 0..<2000 {
      do {
        stored += try fixture.put(Array(repeating: NewItem(payload: payload), count: 4)).stored
      } catch StoreError.full {
        return stored
      }
    }
    Issue.record("the disk never was full")
    return stored
  }

  private func compare(_ fixture: SQLiteFixture, available: Int, claimed: Int) throws {
    let counted = try fixture.countedItems("p")
    #expect(counted[.available] ?? 0 == available)
    #expect(counted[.claimed] ?? 0 == claimed)
    let stock = try fixture.status().stock
    #expect(stock.available == available)
    #expect(stock.claimed == claimed)
  }

  @Test func aFullDiskKeepsWhatWasStoredAndGoesOnWithSpace() throws {
    let disk = try SmallDisk(kilobytes: 1500)
    defer { withExtendedLifetime(disk) {} }
    let fixture = try SQLiteFixture(database: disk.path + "/larder.db")
    try fixture.adopt("p", produced(unlimited))
    try fixture.startRun("r")
    try fixture.put(items(0..<1))
    let claim = try #require(try fixture.claim("u", key: "k").granted)
    _ = try fixture.store.takeChanges()
    let stored = try fill(fixture)
    #expect(stored > 0)
    try compare(fixture, available: stored, claimed: 1)
    #expect(try fixture.store.takeChanges()["p"]?.available == stored)

    // A slice is kept as a whole or not at all, and can be tried again.
    let big = (0..<200).map { NewItem(payload: payload, key: "\($0)") }
    #expect(throws: StoreError.self) { try fixture.commit("r", big, cursor: "stray", log: [66]) }
    let run = try fixture.shownRun("r")
    #expect(run.slice?.state == .running && run.cursor == "" && run.log == nil)
    try compare(fixture, available: stored, claimed: 1)
    #expect(try fixture.store.takeChanges().isEmpty)
    // What is known is still answered.
    #expect(try fixture.claim("u", key: "k").repeated == claim)
    // A big enough batch of claims does not fit either: no claim of it is kept.
    let requests = (0..<stored).map {
      ClaimRequest(pool: "p", user: "\($0)" + String(repeating: "y", count: 190))
    }
    #expect(throws: StoreError.self) {
      for _ in 0..<200 { _ = try fixture.store.claim(requests, at: start) }
    }
    let after = try fixture.status().stock
    #expect(after.available + after.claimed == stored + 1)
    try compare(fixture, available: after.available, claimed: after.claimed)

    disk.grow(kilobytes: 20_000)
    #expect(try fixture.commit("r", big) == PutResult(stored: 200))
    #expect(try fixture.put(items(0..<1)) == PutResult(stored: 1))
    #expect(try fixture.claim("u", key: "k").repeated == claim)
    #expect(try fixture.claim("u", key: "k2").granted != nil)
    try fixture.reopen()
    #expect(try fixture.claim("u", key: "k").repeated == claim)
    try compare(fixture, available: after.available + 200, claimed: after.claimed + 1)
    let check = try fixture.sqlite.connection.first("PRAGMA integrity_check") { $0.text(0) }
    #expect(check == "ok")
  }

  /// Takes all that is left of the disk, as another program may.
  private func fillUp(_ disk: SmallDisk) throws {
    let file = open(disk.path + "/of-another-program", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(file) }
    let block = [UInt8](repeating: 1, count: 4096)
    while write(file, block, block.count) > 0 {}
    #expect(errno == ENOSPC)
  }

  /// A store with items on the shelf, and its disk without a byte to spare.
  private func fullStore(
    items count: Int, expiresAt: Instant? = nil, settling: Bool = true, _ disk: SmallDisk
  ) throws -> SQLiteFixture {
    let fixture = try SQLiteFixture(database: disk.path + "/larder.db")
    try fixture.adopt("p", unlimited)
    for _ in 0..<count / 20 {
      try fixture.put(
        Array(repeating: NewItem(payload: payload, expiresAt: expiresAt), count: 20))
    }
    try fixture.sqlite.connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
    // The log has as many pages as a little work needs, and all of them count.
    try fixture.sqlite.connection.run("PRAGMA wal_autocheckpoint = 0")
    for number in 0..<10 {
      _ = try fixture.claim("first", key: "\(number)")
      if settling { try fixture.store.settle() }
    }
    try fillUp(disk)
    #expect(fixture.sqlite.space()?.free == 0)
    return fixture
  }

  /// Claims change pages more often than they make new ones: without the log starting over there
  /// would be no room for the first.
  @Test func claimsGoOnOnAFullDiskAsLongAsTheLogCanStartOver() throws {
    let disk = try SmallDisk(kilobytes: 3000)
    defer { withExtendedLifetime(disk) {} }
    let fixture = try fullStore(items: 400, disk)
    var granted = 0
    for number in 0..<300 {
      guard let outcome = try? fixture.claim("u", key: "\(number)") else { break }
      if outcome.granted != nil { granted += 1 }
    }
    #expect(granted >= 20)
    // What was refused was refused as a whole, and what was granted is there.
    try compare(fixture, available: 400 - 10 - granted, claimed: 10 + granted)
    try fixture.reopen()
    for number in 0..<granted {
      #expect(try fixture.claim("u", key: "\(number)").repeated != nil)
    }
    try compare(fixture, available: 400 - 10 - granted, claimed: 10 + granted)
  }

  /// A claim that finds room in the log for its grant does not wait for a settlement, which needs more.
  @Test func claimsGoOnWhereASettlementHasNoRoom() throws {
    let disk = try SmallDisk(kilobytes: 3000)
    defer { withExtendedLifetime(disk) {} }
    let fixture = try fullStore(items: 400, settling: false, disk)
    for number in 0..<5 { #expect(try fixture.claim("u", key: "\(number)").granted != nil) }
    #expect(throws: StoreError.self) { try fixture.store.settle() }
    #expect(try fixture.claim("u", key: "0").repeated != nil)
    try fixture.reopen()
    for number in 0..<5 { #expect(try fixture.claim("u", key: "\(number)").repeated != nil) }
    try compare(fixture, available: 400 - 15, claimed: 15)
  }

  /// A purge is a way out of a full disk. What it leaves empty is room for new items.
  @Test func aPurgeWorksOnAFullDiskAndWhatItLeavesIsRoom() throws {
    let disk = try SmallDisk(kilobytes: 4000)
    defer { withExtendedLifetime(disk) {} }
    let fixture = try fullStore(items: 400, expiresAt: start + .seconds(1), disk)
    let later = start + .seconds(100)
    while try fixture.store.expire(pool: "p", at: later, limit: 10) > 0 {}
    var limit = Limits.purgeSlice
    var purged = 0
    while limit > 0 {
      do throws(StoreError) {
        let piece = try fixture.store.purge(before: later, at: later, limit: limit)
        purged += piece.done
        if !piece.more { break }
      } catch {
        limit /= 8
      }
    }
    #expect(purged >= 390)
    let space = try #require(fixture.sqlite.space())
    #expect(space.free < 100_000 && space.reusable > 1_000_000)
    #expect(try fixture.put(Array(repeating: NewItem(payload: payload), count: 10)).stored == 10)
    #expect(try fixture.claim("u", key: "after").granted != nil)
  }

  @Test func aStoreOpensOnAFullDiskWithALogThatFindsNoRoomInTheDatabase() throws {
    let disk = try SmallDisk(kilobytes: 3000)
    defer { withExtendedLifetime(disk) {} }
    let origin = try SQLiteFixture()
    try origin.adopt("p", unlimited)
    try origin.sqlite.connection.run("PRAGMA wal_autocheckpoint = 0")
    try origin.put(Array(repeating: NewItem(payload: payload), count: 200))
    let claim = try #require(try origin.claim("u", key: "k").granted)
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: origin.database + suffix, toPath: disk.path + "/larder.db" + suffix)
    }
    // What a killed server leaves: the index of the log besides.
    #expect(
      FileManager.default.createFile(
        atPath: disk.path + "/larder.db-shm", contents: Data(repeating: 0, count: 32768)))
    #expect(FileManager.default.createFile(atPath: disk.path + "/larder.db.lock", contents: nil))
    try fillUp(disk)
    let fixture = try SQLiteFixture(database: disk.path + "/larder.db")
    #expect(try fixture.claim("u", key: "k").repeated == claim)
    try compare(fixture, available: 199, claimed: 1)
    disk.grow(kilobytes: 20_000)
    #expect(try fixture.claim("v", key: "k").granted != nil)
  }

  @Test func theLogStaysSmallOnASmallDisk() throws {
    func pages(_ kilobytes: Int) throws -> Int? {
      let disk = try SmallDisk(kilobytes: kilobytes)
      let fixture = try SQLiteFixture(database: disk.path + "/larder.db")
      return try fixture.sqlite.connection.first("PRAGMA wal_autocheckpoint") { $0.int(0) }
    }
    #expect(try pages(1000) == Limits.logPages.lowerBound)
    #expect(try pages(8192) == 8192 / 10 / 2 / 4)
    #expect(try pages(4_000_000) == Limits.logPages.upperBound)
  }

  @Test func aBackupWithoutRoomLeavesNothingBehind() throws {
    let disk = try SmallDisk(kilobytes: 64)
    defer { withExtendedLifetime(disk) {} }
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(Array(repeating: NewItem(payload: payload), count: 100))
    #expect(throws: StoreError.self) { try fixture.reader.backup(to: disk.path + "/backup.db") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
  }
}

@Suite struct DamageTests {
  /// Pages of an index are overwritten behind SQLite's back.
  @Test func damageThatIsFoundWhileServingSaysTheWayOut() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<500))
    try fixture.reopen()
    let connection = fixture.sqlite.connection
    let root = try #require(
      try connection.first(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'inventory_shelf'"
      ) { $0.int(0) })
    let file = open(fixture.database, O_WRONLY)
    defer { close(file) }
    let noise = [UInt8](repeating: 0xA5, count: 4096)
    #expect(pwrite(file, noise, noise.count, (root - 1) * 4096) == noise.count)
    let error = try #require(throws: StoreError.self) { try fixture.claim("u", key: "k") }
    guard case .damaged = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.isFinal)
    #expect("\(error)".contains("larder verify") && "\(error)".contains("larder restore FILE"))
  }
}

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

  @Test func aBackupWithoutRoomLeavesNothingBehind() throws {
    let disk = try SmallDisk(kilobytes: 64)
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(Array(repeating: NewItem(payload: payload), count: 100))
    #expect(throws: StoreError.self) { try fixture.reader.backup(to: disk.path + "/backup.db") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
  }
}

import Foundation
import Larder
import Testing

@testable import SQLiteStore

/// Each state in which a crash may leave a restore. The old store has a claim that is in its log
/// alone, so that it is whole with its log and not without.
@Suite struct ReplacementTests {
  private let aside = "larder.db.before-20270115T080000Z"

  /// A folder with an old store as a killed server leaves it, and the new one prepared.
  private func prepared() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    let origin = try SQLiteFixture()
    try origin.adopt("p", unlimited)
    try origin.put(items(0..<3))
    try origin.reader.backup(to: folder.path("larder.db.incoming"))
    #expect(try origin.claim("u", key: "k").granted != nil)
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.copyItem(atPath: origin.database + suffix, toPath: path + suffix)
    }
    return folder
  }

  private func order(_ folder: TemporaryFolder) throws {
    try Data(aside.utf8).write(to: URL(filePath: folder.path("larder.db.restore")))
  }

  private func move(_ folder: TemporaryFolder, _ suffixes: [String]) throws {
    for suffix in suffixes {
      try FileManager.default.moveItem(
        atPath: folder.path("larder.db" + suffix), toPath: folder.path(aside + suffix))
    }
  }

  private func placeNew(_ folder: TemporaryFolder) throws {
    try FileManager.default.moveItem(
      atPath: folder.path("larder.db.incoming"), toPath: folder.path("larder.db"))
  }

  private func expectOld(_ path: String) throws {
    let old = try SQLiteFixture(database: path)
    #expect(try old.claim("u", key: "k").repeated?.items.count == 1)
    try old.expectItems([.available: 2, .claimed: 1])
  }

  @Test func withoutAnOrderTheOldStoreIsWholeAndWhatWasPreparedIsRemoved() throws {
    let folder = try prepared()
    try Data("half".utf8).write(to: URL(filePath: folder.path("larder.db.incoming-journal")))
    try Data("half".utf8).write(to: URL(filePath: folder.path("larder.db.restore.draft")))
    let reader = try SQLiteReader(path: folder.path("larder.db"), readDefinition: readDefinition)
    #expect(try reader.pools(nil, at: start).first?.stock.claimed == 1)
    reader.close()
    try expectOld(folder.path("larder.db"))
    #expect(folder.names.allSatisfy { !$0.contains("incoming") && !$0.contains("restore") })
  }

  static let moved: [[String]] = [[], [""], ["", "-wal"], ["", "-wal", "-shm"]]

  @Test(arguments: moved, [false, true])
  func anOrderIsCarriedOutByTheNextWriterAndNobodyReadsBefore(
    _ suffixes: [String], isPlaced: Bool
  ) throws {
    guard !isPlaced || suffixes.count == 3 else { return }
    let folder = try prepared()
    let path = folder.path("larder.db")
    try order(folder)
    try move(folder, suffixes)
    if isPlaced { try placeNew(folder) }
    let names = folder.names
    let database = try StoreFiles(path).database
    let refusal = StoreError.unfinishedRestore(path: database)
    #expect(refusal.description.contains("run larder restore again"))
    #expect(throws: refusal) { try SQLiteReader(path: path, readDefinition: readDefinition) }
    #expect(throws: refusal) { try Verification.of(path, readDefinition: readDefinition) }
    #expect(folder.names == names)

    // Also one that would make no new store.
    let store = try SQLiteStore(path: path, creating: false, readDefinition: readDefinition)
    let stock = try #require(try store.pools().first).stock
    #expect(stock.available == 3 && stock.claimed == 0)
    store.close()
    #expect(!folder.names.contains("larder.db.restore"))
    #expect(!folder.names.contains("larder.db.incoming"))
    try expectOld(folder.path(aside))
  }

  @Test(arguments: moved)
  func anotherRestoreFinishesTheOneBefore(_ suffixes: [String]) throws {
    let folder = try prepared()
    let path = folder.path("larder.db")
    try FileManager.default.copyItem(
      atPath: folder.path("larder.db.incoming"), toPath: folder.path("backup.db"))
    try order(folder)
    try move(folder, suffixes)
    let restored = try Restoration(
      of: folder.path("backup.db"), to: path, at: start, readDefinition: readDefinition
    ).restore(reissuing: false)
    #expect(restored.before == (try StoreFiles(path).database) + ".before-20270115T080000Z-2")
    try expectOld(folder.path(aside))
    let store = try SQLiteFixture(database: path)
    try store.expectItems([.quarantined: 3])
  }

  @Test(arguments: [[""], ["", "-wal"]])
  func aLostCopyMakesNoEmptyStoreAndAnotherRestoreMendsIt(_ suffixes: [String]) throws {
    let folder = try prepared()
    let path = folder.path("larder.db")
    try order(folder)
    try move(folder, suffixes)
    try FileManager.default.moveItem(
      atPath: folder.path("larder.db.incoming"), toPath: folder.path("backup.db"))
    let names = folder.names
    let error = try #require(throws: StoreError.self) {
      try SQLiteStore(path: path, readDefinition: readDefinition)
    }
    #expect(error.description.contains("run larder restore again"))
    #expect(folder.names == names.union(["larder.db.lock"]))
    let restored = try Restoration(
      of: folder.path("backup.db"), to: path, at: start, readDefinition: readDefinition
    ).restore(reissuing: true)
    // The parts of the old store stay together.
    #expect(restored.before?.hasSuffix(aside) == true)
    try expectOld(folder.path(aside))
    let store = try SQLiteFixture(database: path)
    try store.expectItems([.available: 3])
  }

  @Test func anOrderNeverOverwritesWhatItFinds() throws {
    let folder = try prepared()
    try order(folder)
    try Data("mine".utf8).write(to: URL(filePath: folder.path(aside)))
    let names = folder.names
    #expect(throws: StoreError.self) {
      try SQLiteStore(path: folder.path("larder.db"), readDefinition: readDefinition)
    }
    #expect(folder.names == names.union(["larder.db.lock"]))
    #expect(try bytes(folder.path(aside)) == Array("mine".utf8))
  }
}

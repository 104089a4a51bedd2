import Foundation
import Larder
import Testing

@testable import SQLiteStore

@Suite struct VerifyTests {
  /// A store with something of everything, closed, and verified as sound.
  private func makeStore() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let fixture = try SQLiteFixture(database: folder.path("larder.db"), folder: folder)
    try fixture.adopt("p", living("hold=60 webhook backorder=60", max: 100))
    try fixture.adopt("q", revised("r2"))
    try fixture.startRun("r", asked: 4)
    let made = (0..<4).map {
      NewItem(
        payload: "\($0)", key: "key-\($0)", attributes: #"{"zone":"A","size":\#($0),"fresh":true}"#)
    }
    #expect(try fixture.commit("r", made).stored == 4)
    try fixture.put([NewItem(payload: "9", user: "somebody")])
    #expect(try fixture.claim("u-1", key: "k", count: 2).granted != nil)
    _ = try fixture.hold("u-2", 50)
    let filled = try fixture.order("u-3", count: 2)
    try fixture.put(items(10..<11))
    #expect(try fixture.state(of: filled) == .claimed)
    _ = try fixture.order("u-4", count: 3)
    try fixture.put(
      (20..<23).map { NewItem(payload: "\($0)", attributes: #"{"zone":"\#($0)"}"#) }, in: "q")
    try fixture.startRun("s", pool: "q", asked: 1)
    #expect(try fixture.commit("s", items(30..<31), revision: "r1").stored == 1)
    for (index, time) in [start, start + .seconds(60)].enumerated() {
      var run = Run(
        id: "t-\(index)", pool: "p", reason: .schedule, state: .skipped, createdAt: start)
      run.schedule = "hourly"
      run.nominalAt = time
      #expect(try fixture.store.record([.open(run)], at: start) == [true])
    }
    #expect(try fixture.store.markStale(in: "q", at: start, limit: 10) == 0)
    return folder
  }

  private func verify(_ path: String) throws -> Verification {
    try Verification.of(path, readDefinition: readDefinition)
  }

  @Test func aSoundStoreIsCountedPoolByPool() throws {
    let folder = try makeStore()
    let found = try verify(folder.path("larder.db"))
    #expect(found.violations == [])
    #expect(found.pools.map(\.name) == ["p", "q"])
    let p = found.pools[0].stock
    #expect(p.available == 1 && p.held == 1 && p.claimed == 4 && p.pending == 3)
    #expect(found.pools[1].stock.stale == 1)
  }

  @Test func aServedStoreIsVerifiedAsItIs() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<5))
    #expect(try verify(fixture.database).isSound)
    #expect(try fixture.claim("u").granted != nil)
    let found = try verify(fixture.database)
    #expect(found.isSound && found.pools.first?.stock.claimed == 1)
  }

  /// Damage by SQL, and what must be said of it: the place and the problem.
  private static let damages: [(sql: String, place: String, problem: String)] = [
    (
      "UPDATE settled_stock SET available = available + 1 WHERE pool = 'p'", "pool p", "2 available"
    ),
    ("UPDATE settled_stock SET quarantined = 7 WHERE pool = 'q'", "pool q", "7 quarantined"),
    ("UPDATE settled_stock SET stale = 0 WHERE pool = 'q'", "pool q", "0 stale"),
    ("UPDATE settled_stock SET pending = 0 WHERE pool = 'p'", "pool p", "pending claims wait for"),
    ("DELETE FROM settled_stock WHERE pool = 'q'", "pool q", "no counts"),
    ("DELETE FROM pools WHERE pool = 'q'", "pool q", "no definition"),
    ("UPDATE pools SET source = 'pool: [' WHERE pool = 'q'", "pool q", "can't be checked"),
    (
      "UPDATE pools SET source = replace(source, 'pool: q', 'pool: p') WHERE pool = 'q'", "pool q",
      "its definition is that of p"
    ),
    ("DELETE FROM items WHERE key = 'key-0'", "claim ", "claimed with 2 items, and has 1"),
    ("UPDATE settled_claims SET count = 3 WHERE user = 'u-1'", "claim ", "with 3 items, and has 2"),
    ("UPDATE items SET state = 'held' WHERE key = 'key-0'", "item ", "is held, and its claim"),
    ("UPDATE settled_claims SET state = 'claimed' WHERE user = 'u-2'", "item ", "is claimed"),
    (
      "UPDATE settled_claims SET state = 'lapsed' WHERE user = 'u-1'", "item ",
      "is claimed, and its claim"
    ),
    ("UPDATE items SET claim = 'none' WHERE key = 'key-0'", "item ", "none does not exist"),
    ("UPDATE items SET replaced = seq WHERE key = 'key-0'", "item ", "its key is free for another"),
    ("UPDATE items SET claim = NULL WHERE key = 'key-0'", "item ", "has no claim"),
    (
      "UPDATE items SET claim = (SELECT id FROM claims WHERE user = 'u-1') WHERE payload = '20'",
      "item ", "is of pool q"
    ),
    (
      "UPDATE items SET claim = (SELECT id FROM claims WHERE user = 'u-4') WHERE key = 'key-0'",
      "item ", "is pending"
    ),
    (
      """
      INSERT INTO items (id, pool, state, payload, produced_at, shelf_order, claim)
      SELECT id, pool, state, payload, produced_at, shelf_order,
        (SELECT id FROM claims WHERE user = 'u-3') FROM inventory WHERE key = 'key-0'
      """, "item ", "2 times, with 2 claims"
    ),
    (
      "DROP INDEX runs_nominal; UPDATE runs SET nominal_at = \(start.milliseconds)",
      "schedule hourly of pool p", "2 runs are of 2027-01-15T08:00:00Z"
    ),
    ("DROP INDEX runs_pool", "the schema", "no index runs_pool"),
    (
      """
      INSERT INTO settled_claims (id, pool, principal, user, key, fingerprint, state, count, claimed_at)
      SELECT 'other', pool, principal, user, key, fingerprint, 'released', 1, claimed_at
      FROM claims WHERE user = 'u-1'
      """, "claim ", "2 claims are of its key"
    ),
    ("DROP TRIGGER inventory_moved", "the schema", "no trigger inventory_moved"),
    ("DELETE FROM runs WHERE id = 'r'", "slice 1 of run r", "its run does not exist"),
    (
      "UPDATE slices SET state = 'running' WHERE run = 'r'; UPDATE runs SET state = 'failed'",
      "slice 1 of run r", "it is running, and its run is failed"
    ),
    ("UPDATE slices SET state = 'running' WHERE run = 'r'", "slice 1 of run r", "has 4 items"),
    ("UPDATE slices SET stored = 3 WHERE run = 'r'", "slice 1 of run r", "stored 3 items"),
    ("UPDATE runs SET stored = 3 WHERE id = 'r'", "run r", "stored 3 items, and its slices 4"),
    ("UPDATE items SET line = 1 WHERE run = 'r'", "slice 1 of run r", "of one line"),
    ("DELETE FROM shelf_attributes WHERE name = 'zone'", "item ", "by its attribute zone"),
    (
      "UPDATE shelf_attributes SET value = 'B' WHERE value = '20'", "attribute zone of pool q",
      "which has another value"
    ),
    (
      "UPDATE items SET state = 'claimed' WHERE payload = '20'", "attribute zone of pool q",
      "not on the shelf"
    ),
    (
      "INSERT INTO shelf_attributes VALUES ('q', 'x', 1, 0, 0, 999)", "attribute x of pool q",
      "that does not exist"
    ),
    ("UPDATE items SET attributes = '{' WHERE payload = '20'", "the rule that ", "malformed"),
    (
      """
      INSERT INTO grants (item, seq, claim, pool, granted_at, has_attributes, count, user, fingerprint)
        VALUES (999, 99, 'g', 'p', 0, 0, 1, 'u', '')
      """, "claim g", "which does not exist"
    ),
    (
      """
      INSERT INTO grants (item, seq, claim, pool, granted_at, has_attributes, count, user, fingerprint)
        SELECT seq, 99, 'g', 'p', 0, 0, 1, 'u', '' FROM items WHERE key = 'key-0'
      """, "claim g", "which is claimed"
    ),
    (
      """
      INSERT INTO grants (item, seq, claim, pool, granted_at, has_attributes, count, user, fingerprint)
        SELECT seq, 99, 'g', 'p', 0, 0, 2, 'u', '' FROM items WHERE key = 'key-0'
      """, "claim g", "granted 1 items, and says 2"
    ),
    ("UPDATE webhooks SET claim = 'none'", "push ", "none does not exist"),
    ("UPDATE demand SET misses = misses + 1", "pool p", "3, 2 have a reason"),
    ("UPDATE demand SET wasted = 4", "pool p", "4, 0 have a reason"),
    (
      "INSERT INTO waste VALUES ('p', 300000, 'expired', 2, 0)", "pool p",
      "begins at 1970-01-01T00:05:00Z, 0, 2 have a reason"
    ),
    ("UPDATE webhooks SET next_at = NULL", "push ", "never tried"),
  ]

  @Test(arguments: damages.indices)
  func damageIsFoundAndNamed(_ index: Int) throws {
    let damage = Self.damages[index]
    let folder = try makeStore()
    let path = folder.path("larder.db")
    let connection = try Connection(path: path, access: .writing)
    try connection.script(damage.sql)
    #expect(connection.totalChanges > 0 || damage.sql.hasPrefix("DROP"), "\(damage.sql)")
    connection.close()
    let found = try verify(path)
    let named = found.violations.contains {
      $0.place.hasPrefix(damage.place) && $0.problem.contains(damage.problem)
    }
    #expect(named, "\(damage.sql): \(found.violations)")
    #expect(found.violations.allSatisfy { $0.wayOut.contains("`larder restore FILE`") })
  }

  @Test func ofManyViolationsTheFirstAreListed() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<100))
    try fixture.sqlite.connection.run("UPDATE items SET state = 'claimed'")
    let unowned = try verify(fixture.database).violations.filter {
      $0.problem.hasSuffix("has no claim")
    }
    #expect(unowned.count == Limits.violationsListed)
    #expect(
      try verify(fixture.database).violations.contains { $0.problem.contains("more places") })
  }

  @Test func aBrokenPageIsFoundAndTheRestIsSaid() throws {
    let folder = try makeStore()
    let path = folder.path("larder.db")
    // The root page of an index, overwritten.
    let connection = try Connection(path: path, access: .reading)
    let page = try connection.first(
      "SELECT rootpage FROM sqlite_schema WHERE name = 'inventory_claim'"
    ) { $0.int(0) }
    connection.close()
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    try file.seek(toOffset: UInt64(4096 * (try #require(page) - 1)))
    try file.write(contentsOf: Data(repeating: 0xEE, count: 4096))
    try file.close()
    let found = try verify(path)
    #expect(found.violations.contains { $0.place.hasSuffix("larder.db") })
    #expect(found.pools.map(\.name) == ["p", "q"])
  }

  @Test func whatLarderRefusesIsToldWithTheWayOut() throws {
    let folder = try makeStore()
    let path = folder.path("larder.db")
    func violation(_ change: (String) throws -> Void) throws -> Violation {
      let copy = folder.path("copy.db")
      try? FileManager.default.removeItem(atPath: copy)
      try FileManager.default.copyItem(atPath: path, toPath: copy)
      try change(copy)
      let before = try bytes(copy)
      let found = try verify(copy)
      #expect(try bytes(copy) == before)
      return try #require(found.violations.first)
    }
    func pragma(_ text: String) -> (String) throws -> Void {
      { copy in
        let connection = try Connection(path: copy, access: .writing)
        defer { connection.close() }
        try connection.script("PRAGMA \(text)")
      }
    }
    let newer = try violation(pragma("user_version = 99"))
    #expect(newer.problem.contains("version 99"))
    #expect(newer.wayOut == "install the newer Larder that wrote it")
    let older = try violation(pragma("user_version = 1"))
    #expect(older.wayOut == "`larder serve` brings it up to date")
    let foreign = try violation(pragma("application_id = 7"))
    #expect(foreign.problem.contains("another program") && foreign.wayOut.contains("--store"))
    let garbage = try violation {
      try Data(repeating: 0x78, count: 9000).write(to: URL(filePath: $0))
    }
    #expect(garbage.problem.contains("file is not a database"))
    let empty = try violation { try Data().write(to: URL(filePath: $0)) }
    #expect(empty.problem == "it is empty")
    let cut = try violation { _ = truncate($0, 5000) }
    #expect(cut.wayOut.contains("`larder restore FILE`"))
    #expect(throws: StoreError.self) { try verify(folder.path("none.db")) }
  }
}

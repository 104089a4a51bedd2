import Larder
import Testing

@testable import SQLiteStore

@Suite struct MigrationTests {
  /// A store of the first version, with items in several states and a run that is under way.
  private func makeFirstVersion(_ path: String) throws {
    let connection = try Connection(path: path, access: .writing)
    defer { connection.close() }
    try connection.script("PRAGMA journal_mode = WAL")
    try connection.script(Schema.migrations[0])
    try connection.script("PRAGMA application_id = \(Schema.applicationID)")
    try connection.script("PRAGMA user_version = 1")
    let old = try definition("p", produced(unlimited))
    try connection.run(
      "INSERT INTO pools (pool, source, file, adopted_at) VALUES ('p', ?, ?, 0)",
      [.text(old.source), .text(old.file)])
    try connection.script(
      """
      INSERT INTO runs (id, pool, reason, state, asked, created_at, started_at)
        VALUES ('r', 'p', 'manual', 'running', 9, 0, 0);
      INSERT INTO slices (run, slice, state, asked, attempts, started_at)
        VALUES ('r', 1, 'running', 9, 1, 0);
      INSERT INTO stock (pool, available, claimed) VALUES ('p', 4, 1);
      INSERT INTO claims (id, pool, principal, user, key, fingerprint, state, count, claimed_at)
        VALUES ('c', 'p', 'local', 'u', 'k', '1', 'claimed', 1, 0);
      INSERT INTO inventory (id, pool, state, key, made_for, payload, produced_at, expires_at,
        shelf_order, run, slice, line, revision, claim) VALUES
        ('0', 'p', 'claimed', 'a', NULL, '0', 0, NULL, \(Int64.max), 'q', 1, 1, 'r1', 'c'),
        ('1', 'p', 'available', 'b', NULL, '1', 0, NULL, \(Int64.max), 'q', 1, 2, 'r1', NULL),
        ('2', 'p', 'available', NULL, NULL, '2', 0, \(start.milliseconds + 1),
          \(start.milliseconds + 1), 'q', 1, 3, 'r1', NULL),
        ('3', 'p', 'available', NULL, 'v', '3', 0, NULL, \(Int64.max), 'q', 1, 4, '', NULL),
        ('4', 'p', 'available', NULL, NULL, '4', 0, NULL, \(Int64.max), NULL, NULL, NULL, NULL,
          NULL);
      """)
  }

  @Test func aStoreOfTheFirstVersionGoesOn() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try makeFirstVersion(path)
    #expect(throws: StoreError.self) {
      try SQLiteReader(path: path, readDefinition: readDefinition)
    }
    let fixture = try SQLiteFixture(database: path, folder: folder)
    let connection = fixture.sqlite.connection
    #expect(try connection.first("PRAGMA user_version") { $0.int(0) } == Schema.version)
    #expect(try fixture.countedItems("p") == [.available: 4, .claimed: 1])
    #expect(try fixture.stale() == 0)
    #expect(try fixture.status().runs.first?.slice?.recalled == 0)
    #expect(try fixture.claim("u", key: "k").repeated?.items.map(\.payload) == ["0"])
    // Its items have the revisions that they were made by.
    try fixture.adopt("p", revised("r1"))
    #expect(try fixture.markStale() == 1)
    #expect(try fixture.commit("r", items(5..<6), revision: "r1") == PutResult(stored: 1))
    #expect(try fixture.countedItems("p") == [.available: 4, .claimed: 1, .recalled: 1])
    #expect(try fixture.drain() == ["2", "1", "4", "5"])
    #expect(try connection.first("PRAGMA integrity_check") { $0.text(0) } == "ok")
  }

  @Test func whatWasLostBeforeReasonsWereCountedIsKept() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try makeFirstVersion(path)
    let connection = try Connection(path: path, access: .writing)
    for version in 1..<7 { try connection.script(Schema.migrations[version]) }
    let bin = start.milliseconds
    try connection.script(
      """
      PRAGMA user_version = 7;
      UPDATE slices SET state = 'committed', stored = 4, ended_at = 8000;
      UPDATE items SET run = 'r' WHERE run = 'q';
      UPDATE runs SET stored = 4;
      INSERT INTO demand (pool, bin, hits, misses, claimed, missed, wasted) VALUES
        ('p', \(bin), 1, 0, 1, 0, 3), ('p', \(bin + 300_000), 1, 0, 1, 0, 0);
      """)
    connection.close()
    let fixture = try SQLiteFixture(database: path, folder: folder)
    #expect(try fixture.status().demand.wasted == [.unknown: Waste(items: 3)])
    #expect(try fixture.status().demand.lastDay.wasted == 3)
    #expect(try Verification.of(path, readDefinition: readDefinition).isSound)
    // What older items took is known by their slices.
    #expect(try fixture.store.expire(pool: "p", at: start + .seconds(60), limit: 9) == 1)
    #expect(
      try fixture.status(at: start + .seconds(60)).demand.wasted == [
        .unknown: Waste(items: 3), .expired: Waste(items: 1, producerTime: .seconds(2)),
      ])
    #expect(try Verification.of(path, readDefinition: readDefinition).isSound)
  }

  @Test func aStoreWithGrantsAndReplacedItemsGoesOn() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try makeFirstVersion(path)
    let connection = try Connection(path: path, access: .writing)
    for version in 1..<10 { try connection.script(Schema.migrations[version]) }
    // A claim that nobody has settled.
    try connection.script(
      """
      PRAGMA user_version = 10;
      INSERT INTO items (id, pool, state, key, payload, produced_at, shelf_order) VALUES
        ('5', 'p', 'replaced', 'b', '5', 0, 0), ('6', 'p', 'replaced', 'b', '6', 0, 0);
      UPDATE settled_stock SET replaced = 2;
      INSERT INTO grants (item, seq, claim, pool, granted_at, has_attributes, count, principal, user,
        key, fingerprint, min_remaining_ms)
        SELECT seq, 9, 'g', pool, 0, 0, 1, 'local', 'w', NULL, '1', 0 FROM items WHERE id = '1';
      """)
    connection.close()
    let fixture = try SQLiteFixture(database: path, folder: folder)
    #expect(try fixture.claim("x").payloads == ["2"])
    try fixture.store.settle()
    #expect(try fixture.countedItems("p") == [.available: 2, .claimed: 3, .replaced: 2])
    #expect(try fixture.reader.claim("g", at: start)?.items.map(\.payload) == ["1"])
    #expect(try fixture.reader.item("b", in: "p", at: start)?.state == .claimed)
    #expect(try Verification.of(path, readDefinition: readDefinition).isSound)
  }

  @Test func aMigratedStoreHasTheSchemaOfANewOne() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try makeFirstVersion(path)
    func schema(_ fixture: SQLiteFixture) throws -> [String] {
      try fixture.sqlite.connection.all(
        "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name"
      ) { $0.text(0) }
    }
    #expect(
      try schema(SQLiteFixture(database: path, folder: folder)) == schema(SQLiteFixture()))
  }
}

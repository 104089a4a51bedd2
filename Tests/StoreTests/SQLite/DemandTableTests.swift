import Larder
import Testing

@testable import SQLiteStore

@Suite struct DemandTableTests {
  /// Frames that were ever written to the log.
  private func logSize(_ fixture: SQLiteFixture) throws -> Int {
    try bytes(fixture.database + "-wal").count
  }

  @Test func missesAloneWriteNothing() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    let before = try logSize(fixture)
    for minute in 0..<10 {
      for _ in 0..<10 {
        #expect(try fixture.claim("u", at: start + .seconds(60 * minute)) == .outOfStock)
      }
    }
    #expect(try logSize(fixture) == before)
    try fixture.store.writeDemand()
    #expect(try logSize(fixture) > before)
    let rows = try fixture.sqlite.connection.all(
      "SELECT bin, misses FROM demand WHERE pool = 'p' ORDER BY bin"
    ) { [$0.int64(0), $0.int64(1)] }
    #expect(rows == [[start.milliseconds, 50], [start.milliseconds + 300_000, 50]])
  }

  @Test func aTransactionThatFailsCountsNoDemandAndLosesNone() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    #expect(try fixture.claim("u") == .outOfStock)
    try fixture.sqlite.connection.script(
      """
      CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.grants
      BEGIN SELECT raise(ABORT, 'refused'); END
      """)
    try fixture.put(items(0..<1))
    #expect(try fixture.claim("u", count: 2) == .outOfStock)
    let requests = [
      ClaimRequest(pool: "p", user: "u", count: 9), ClaimRequest(pool: "p", user: "u"),
    ]
    #expect(throws: StoreError.self) { try fixture.store.claim(requests, at: start) }
    try fixture.sqlite.connection.script("DROP TRIGGER refuse")
    #expect(try fixture.claim("u").granted != nil)
    let demand = try fixture.status().demand.lastDay
    #expect(demand.hits == 1 && demand.misses == 2 && demand.missed == 3)
  }
}

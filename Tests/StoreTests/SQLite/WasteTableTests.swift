import Larder
import Testing

@testable import SQLiteStore

@Suite struct WasteTableTests {
  private func counted(_ fixture: SQLiteFixture) throws -> [String] {
    try fixture.sqlite.connection.all(
      "SELECT reason || ' ' || sum(items) FROM waste GROUP BY reason ORDER BY reason"
    ) { $0.text(0) }
  }

  /// What a failing transaction would lose is lost with what it would have been written with.
  @Test func wasteIsWrittenWithTheItemsOrNotAtAll() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", living("hold=60"))
    try fixture.put(items(0..<2, expiresAt: start + .seconds(10)))
    try fixture.put(items(2..<4))
    #expect(try fixture.claim("v", count: 2).granted != nil)
    let claim = try fixture.hold("u", 60)
    let before = try fixture.countedItems("p")
    try fixture.sqlite.connection.script(
      """
      CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.waste
      BEGIN SELECT raise(ABORT, 'refused'); END
      """)
    let late = NewItem(payload: "9", expiresAt: start)
    let wasting: [() throws -> Void] = [
      { _ = try fixture.store.lapse(pool: "p", at: start + .seconds(60), limit: 9) },
      { _ = try fixture.change(claim, .release) },
      { _ = try fixture.recall(.made(from: start, to: start + .seconds(1))) },
      { _ = try fixture.put([late]) },
    ]
    for waste in wasting { #expect(throws: StoreError.self) { try waste() } }
    #expect(try fixture.countedItems("p") == before)
    #expect(try counted(fixture) == [])
    try fixture.sqlite.connection.script("DROP TRIGGER refuse")
    #expect(try fixture.change(claim, .release).changed != nil)
    #expect(try counted(fixture) == ["released 1"])
    #expect(try Verification.of(fixture.database, readDefinition: readDefinition).isSound)
  }

  @Test func whatAPieceOfWorkLosesIsARowAReasonNotAnItem() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<500, expiresAt: start + .seconds(10)))
    #expect(try fixture.store.expire(pool: "p", at: start + .seconds(10), limit: 500) == 500)
    let rows = try fixture.sqlite.connection.first("SELECT count(*) FROM waste") { $0.int(0) }
    #expect(rows == 1)
    #expect(try counted(fixture) == ["expired 500"])
  }

  /// A plain claim does nothing for the ledger.
  @Test func claimsWriteNoWaste() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3))
    try fixture.sqlite.connection.script("DROP TABLE waste")
    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.claim("u", count: 2).granted != nil)
    try fixture.store.settle()
    #expect(try fixture.claim("u") == .outOfStock)
    try fixture.store.writeDemand()
  }

  @Test func aSliceThatWasPurgedTellsNoTimeOfItsItems() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", produced(unlimited))
    for id in ["r", "s"] {
      try fixture.startRun(id, asked: 1, at: start - .seconds(4))
      try fixture.commit(id, items(0..<1))
      _ = try fixture.store.record([.end(run: id, state: .succeeded, why: nil)], at: start)
    }
    let later = start + .seconds(60)
    _ = try fixture.store.purge(before: later, at: later, limit: 100)
    #expect(try fixture.recall(.made(from: start, to: later), at: later) == [2])
    let waste = try fixture.status(at: later).demand.wasted
    // The last run's slices are kept.
    #expect(waste == [.recalled: Waste(items: 2, producerTime: .seconds(4))])
  }
}

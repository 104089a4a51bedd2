import Larder
import Testing

@testable import SQLiteStore

/// Lets the store forget, recall and purge, so that all statements of these are prepared.
func doEverythingOver(_ fixture: SQLiteFixture) throws {
  try fixture.adopt(produced(unlimited), { $0.claims.webhook = webhook })
  try fixture.put((0..<20).map { NewItem(payload: "1", key: "over-\($0)") })
  _ = try fixture.make("over", items(0..<1), revision: "r1")
  let held = try fixture.hold("o", count: 2)
  _ = try fixture.claim("o", key: "k", count: 2)
  _ = try fixture.claim("o", count: 2)
  _ = try fixture.claim("v", count: 2)
  for recall: Recall in [
    .run("over"), .revision("r1"), .made(from: start, to: start + .seconds(1)),
  ] {
    _ = try fixture.store.recall(recall, in: "p", after: nil, at: start, limit: 4)
  }
  _ = try fixture.hold("o")
  _ = try fixture.backorder("o", count: 100)
  #expect(try fixture.store.forget(user: "o", at: start, limit: 9).more == false)
  #expect(try fixture.reader.claim(held.id) == nil)
  let late = start + Limits.keptDemand + .seconds(3600)
  #expect(try fixture.purge(before: late, at: late).reduce(0, +) > 5)
  try fixture.put([NewItem(payload: "1", key: "over-0")], at: late)
}

@Suite struct RecalledShelfTests {
  @Test func recalledItemsLeaveTheShelfOfAttributes() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", unlimited)
    let zoned = NewItem(payload: "1", attributes: #"{"zone": "A", "row": 1}"#)
    try fixture.put([zoned, zoned])
    try fixture.put([zoned], at: start + .seconds(1))
    func found() throws -> Int? {
      try fixture.sqlite.connection.first("SELECT count(*) FROM shelf_attributes") { $0.int(0) }
    }
    #expect(try found() == 6)
    _ = try fixture.recall(.made(from: start, to: start + .seconds(1)), limit: 1)
    #expect(try found() == 2)
  }
}

import Larder
import Testing

@testable import Engine

/// A new producer revision over a real store: its items take the places of older ones.
@Suite struct RevisionTests {
  private func pool(_ revision: String, _ change: (inout Pool) -> Void = { _ in }) -> Pool {
    makePool { pool in
      pool.producer?.revision = revision
      pool.stock.onRevision = .replace
      change(&pool)
    }
  }

  @Test func aNewRevisionReplacesTheStockItemByItem() throws {
    let driver = try Driver([pool("1") { $0.stock.reorderAt = 20 }])
    try driver.finishAll()
    #expect(try driver.status().stock.available == 100)
    try driver.adopt(pool("2") { $0.stock.reorderAt = 20 })
    #expect(try driver.status().stock.stale == 100)
    #expect(try driver.runs().last?.reason == .reorder)
    for slice in 1...10 {
      try driver.finish(driver.next())
      #expect(try driver.status().stock.available == 100)
      #expect(try driver.status().stock.stale == 100 - 10 * slice)
    }
    #expect(try driver.status().stock.recalled == 100)
    #expect(try driver.runs().map(\.state) == [.succeeded, .succeeded])
    #expect(driver.outstanding == [])
  }

  @Test func inAFullPoolOldItemsGiveWayBeforeTheSliceIsAskedFor() throws {
    let full = pool("1") { $0.stock.max = 100 }
    let driver = try Driver([full])
    try driver.request()
    try driver.finishAll()
    try driver.adopt(pool("2") { $0.stock.max = 100 })
    let run = try driver.request()
    #expect(try driver.status().stock.available == 90)
    #expect(try driver.status().stock.recalled == 10)
    // A try that fails recalls nothing more, nor does a restart.
    try driver.restart(after: .seconds(1))
    #expect(try driver.status().stock.recalled == 10)
    #expect(driver.outstanding.map(\.slice) == [1])
    try driver.finishAll()
    #expect(try driver.kept(run.id).stored == 100)
    #expect(try driver.status().stock.available == 100)
    #expect(try driver.status().stock.stale == 0)
    #expect(try driver.status().stock.recalled == 100)
  }

  @Test func aRevisionThatComesBackMakesItsItemsFreshAgain() throws {
    let driver = try Driver([pool("1")])
    try driver.request()
    try driver.finishAll()
    try driver.adopt(pool("2"))
    try driver.request(count: 30)
    try driver.finishAll()
    #expect(try driver.status().stock.stale == 70)
    try driver.adopt(pool("1"))
    #expect(try driver.status().stock.stale == 30)
    #expect(try driver.status().position == 70)
    try driver.adopt(pool("1") { $0.stock.onRevision = .keep })
    #expect(try driver.status().stock.stale == 0)
    #expect(try driver.status().position == 100)
  }

  @Test func marksAreSetInPiecesBeforeARunIsDecidedOn() throws {
    let large = pool("1") {
      $0.stock.target = 1200
      $0.stock.max = 2000
      $0.producer?.slice = 400
    }
    let driver = try Driver([large])
    try driver.request()
    try driver.finishAll()
    var next = large
    next.producer?.revision = "2"
    next.stock.reorderAt = 1
    // The store is told, and the engine is not there.
    try driver.restart(after: .seconds(1), [next])
    #expect(try driver.status().stock.stale == 1200)
    #expect(driver.outstanding.map(\.count) == [400])
    #expect(try driver.status().runs.map(\.asked) == [1200])
  }
}

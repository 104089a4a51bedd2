import Larder
import Testing

/// What items are lost to, and what they took to make.
@Suite struct WasteTests {
  private let hour = Duration.seconds(3600)
  private let day = Duration.seconds(24 * 3600)
  /// The beginning of the day in which most tests are.
  private let today = Instant(seconds: start.seconds / 86_400 * 86_400)

  private func rows(
    _ fixture: any StoreFixture, _ pools: [String]? = ["p"],
    from first: Instant = Instant(milliseconds: 0)
  ) throws -> [WasteRow] {
    try fixture.reader.waste(
      of: pools, from: first, before: Instant(milliseconds: .max), after: nil, limit: 1000)
  }

  /// All that pool p lost, by reason.
  private func waste(_ fixture: any StoreFixture) throws -> [WasteReason: Waste] {
    try rows(fixture).reduce(into: [:]) { $0[$1.place.reason, default: Waste()] += $1.waste }
  }

  /// Makes items by a run of one slice that takes a time.
  @discardableResult
  private func make(
    _ id: String, _ items: [NewItem], in time: Duration, overfill: Int = 0, asked: Int? = nil,
    revision: String = "r1", _ fixture: any StoreFixture, at end: Instant = start
  ) throws -> PutResult {
    try fixture.startRun(id, asked: asked ?? items.count, at: end - time)
    let result = try fixture.commit(id, items, overfill: overfill, revision: revision, at: end)
    #expect(
      try fixture.store.record([.end(run: id, state: .succeeded, why: nil)], at: end) == [true])
    return result
  }

  private func seconds(_ items: Int, _ seconds: Double) -> Waste {
    Waste(items: items, producerTime: .milliseconds(Int(seconds * 1000)))
  }

  @Test(arguments: StoreKind.all)
  func whatExpiresIsLostWithItsPartOfItsSlicesTime(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    let late = NewItem(payload: "0", expiresAt: start)
    try make("r", items(0..<3, expiresAt: start + hour) + [late], in: .seconds(8), fixture)
    try fixture.put(items(3..<5, expiresAt: start + hour) + [late])
    #expect(try waste(fixture) == [.expired: seconds(2, 2)])
    #expect(try fixture.claim("u").granted != nil)
    // Days late: it counts on the day of the expiry.
    let found = start + day * 3
    #expect(try fixture.store.expire(pool: "p", at: found, limit: 3) == 3)
    #expect(try fixture.store.expire(pool: "p", at: found, limit: 3) == 1)
    #expect(try waste(fixture) == [.expired: seconds(6, 6)])
    #expect(try rows(fixture).map(\.place.day) == [today])
    try fixture.crash()
    #expect(try waste(fixture) == [.expired: seconds(6, 6)])
    #expect(try fixture.status().demand.lastDay.wasted == 2)
    #expect(try fixture.status(at: start + hour).demand.lastDay.wasted == 6)
  }

  @Test(arguments: StoreKind.all)
  func anItemThatIsSentAfterItsKeysHasExpiredLeavesThatOneLost(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {max: 10\(renewing)}\n\(unlimited)")
    let old = NewItem(payload: "1", key: "k", expiresAt: start + hour)
    #expect(try fixture.put([old]).stored == 1)
    let new = NewItem(payload: "2", key: "k")
    #expect(try fixture.put([new], at: start + hour).stored == 1)
    #expect(try waste(fixture) == [.expired: Waste(items: 1)])
    // The item that it replaces lives on in it: that is no waste.
    #expect(try fixture.put([new], at: start + hour).stored == 1)
    #expect(try waste(fixture) == [.expired: Waste(items: 1)])
  }

  @Test(arguments: StoreKind.all)
  func whatIsMadeBeyondTheCountOrMaxIsLost(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 4, unlimited))
    let result = try make(
      "r", items(0..<6), in: .seconds(18), overfill: 3, asked: 4, fixture)
    #expect(result == PutResult(stored: 4, overfill: 5))
    #expect(try waste(fixture) == [.overfill: seconds(5, 10)])
    // What was stored keeps its part.
    #expect(try fixture.recall(.run("r")) == [4])
    #expect(try waste(fixture) == [.overfill: seconds(5, 10), .recalled: seconds(4, 8)])
    // What is refused was not made by a producer.
    #expect(try fixture.put(items(0..<9)).overfill == 5)
    #expect(try waste(fixture)[.overfill] == seconds(5, 10))
  }

  @Test(arguments: StoreKind.all)
  func staleItemsAreLostToFreshOnes(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1", max: 4))
    try make("old", items(0..<3), in: .seconds(3), fixture)
    try fixture.adopt("p", revised("r2", max: 4))
    #expect(try fixture.markStale() == 3)
    // One to make room for the slice, one for its second item.
    try fixture.startRun("new", asked: 2, recalling: 1)
    #expect(try waste(fixture) == [.stale: seconds(1, 1)])
    #expect(try fixture.commit("new", items(3..<5), revision: "r2").stored == 2)
    #expect(try waste(fixture) == [.stale: seconds(2, 2)])
  }

  @Test(arguments: StoreKind.all, ["", "restock "])
  func itemsOfHoldsAreLostUnlessTheyGoBackOnTheShelf(
    _ kind: StoreKind, _ restock: String
  ) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=3600 \(restock)"))
    try make("r", items(0..<6), in: .seconds(6), fixture)
    let lapsing = try fixture.hold("u", 60, count: 2)
    let released = try fixture.hold("v", 60)
    let confirmed = try fixture.hold("w", 60)
    _ = try fixture.hold("x", 3600)
    #expect(try fixture.change(released, .release).changed?.state == .released)
    #expect(try fixture.change(confirmed, .confirm).changed?.state == .claimed)
    // It is found the day after, and lapsed when its time was over.
    #expect(try fixture.store.lapse(pool: "p", at: start + day, limit: 1) == 1)
    #expect(try fixture.state(of: lapsing) == .lapsed)
    var expected: [WasteReason: Waste] = [:]
    if restock.isEmpty { expected = [.lapsed: seconds(2, 2), .released: seconds(1, 1)] }
    #expect(try waste(fixture) == expected)
    #expect(try rows(fixture).allSatisfy { $0.place.day == today })
    // Who is forgotten gives up what is held: it does not go back.
    #expect(try fixture.store.forget(user: "x", at: start, limit: 10).done == 1)
    expected[.released, default: Waste()] += seconds(1, 1)
    #expect(try waste(fixture) == expected)
    // None of it is in the waste rate.
    #expect(try fixture.status().demand.lastDay.wasted == 0)
    #expect(try fixture.status().demand.wasted == expected)
  }

  @Test(arguments: StoreKind.all)
  func aHoldThatIsRestockedWhenItHasExpiredIsLostToItsExpiry(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=3600 restock"))
    try make("r", items(0..<1, expiresAt: start + .seconds(10)), in: .seconds(5), fixture)
    let claim = try fixture.hold("u", 60)
    #expect(try fixture.change(claim, .release, at: start + .seconds(20)).changed != nil)
    #expect(try waste(fixture) == [.expired: seconds(1, 5)])
  }

  @Test(arguments: StoreKind.all)
  func recalledItemsAreLostWhoeverHasThem(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=3600"))
    try make("r", items(0..<3), in: .seconds(6), fixture)
    try fixture.put(items(3..<5))
    #expect(try fixture.claim("u").granted != nil)
    _ = try fixture.hold("v", 60)
    #expect(try fixture.recall(.made(from: start, to: start + hour)) == [5])
    #expect(try waste(fixture) == [.recalled: seconds(5, 6)])
    #expect(try fixture.recall(.run("r")) == [0])
    #expect(try waste(fixture) == [.recalled: seconds(5, 6)])
    #expect(try fixture.status().demand.wasteRate == 0)
  }

  @Test(arguments: StoreKind.all)
  func aSliceDuringWhichTheClockWentBackTookNoTime(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    try make("r", items(0..<1), in: .seconds(-60), overfill: 1, asked: 1, fixture)
    #expect(try fixture.recall(.run("r")) == [1])
    #expect(try waste(fixture) == [.overfill: Waste(items: 1), .recalled: Waste(items: 1)])
  }

  @Test(arguments: StoreKind.all)
  func tryingAgainAndStandingStillIsNoTimeOfTheItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    try fixture.startRun("r", asked: 2, at: start - day)
    // As after a stop of a day.
    _ = try fixture.store.record(
      [.attempt(run: "r", slice: 1, asked: 2, attempt: 1, recalling: 0)], at: start - .seconds(9))
    #expect(try fixture.commit("r", items(0..<2), overfill: 1).stored == 2)
    #expect(try waste(fixture) == [.overfill: seconds(1, 3)])
    #expect(try fixture.shownRun("r").slices.map(\.startedAt) == [start - day])
    #expect(try fixture.recall(.run("r")) == [2])
    #expect(try waste(fixture)[.recalled] == seconds(2, 6))
  }

  @Test(arguments: StoreKind.all)
  func rowsAreByPoolDayAndReasonPageByPage(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    let pools = ["a", "b", "c"]
    for pool in pools {
      try fixture.adopt(pool, "stock: {waste_cost: 2.5}\n\(unlimited)")
      for number in 0..<3 {
        let now = start + day * number
        let late = NewItem(payload: "1", expiresAt: now)
        // Two bins of a day are one row.
        try fixture.put([late], in: pool, at: now)
        try fixture.put([late] + items(0..<1), in: pool, at: now + hour)
        _ = try fixture.store.recall(
          .made(from: now, to: now + hour * 2), in: pool, after: nil, at: now + hour, limit: 10)
      }
    }
    let all = try rows(fixture, nil)
    #expect(all.map(\.place) == all.map(\.place).sorted() && all.count == 18)
    #expect(all.prefix(2).map(\.place.reason) == [.expired, .recalled])
    #expect(all.prefix(2).map(\.waste.items) == [2, 1])
    #expect(all.prefix(2).map { $0.waste.cost(ofItem: $0.itemCost) } == [5, 2.5])
    #expect(Set(all.map(\.place.day)) == [today, today + day, today + day * 2])
    for limit in [1, 4, 5] {
      var pages: [WasteRow] = []
      var page: [WasteRow]
      repeat {
        page = try fixture.reader.waste(
          of: nil, from: Instant(milliseconds: 0), before: start + day * 9,
          after: pages.last?.place,
          limit: limit)
        #expect(page.count <= limit)
        pages += page
      } while !page.isEmpty
      #expect(pages == all)
    }
    #expect(try rows(fixture, ["c", "nowhere"]) == all.filter { $0.place.pool == "c" })
    let ofLastDay = try rows(fixture, ["a"], from: start + day * 2)
    #expect(ofLastDay.map(\.place.day) == [today + day * 2, today + day * 2])
    #expect(
      try fixture.reader.waste(
        of: ["a"], from: start, before: start + hour, after: nil, limit: 9
      ).map(\.waste.items) == [1])
  }

  @Test(arguments: StoreKind.all)
  func aPurgeTakesItPieceByPieceWithItsDemand(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    for number in 0..<20 {
      let now = start + .seconds(300 * number)
      try fixture.put([NewItem(payload: "1", expiresAt: now)] + items(0..<1), at: now)
    }
    #expect(try fixture.recall(.made(from: start, to: start + day), at: start + day) == [20])
    let later = start + Limits.keptDemand
    // The items alone.
    #expect(try fixture.store.purge(before: later, at: later, limit: 1000).done == 40)
    #expect(try waste(fixture) == [.expired: Waste(items: 20), .recalled: Waste(items: 20)])
    _ = try fixture.purge(before: later + .seconds(3000), limit: 3, at: later + .seconds(3000))
    #expect(try waste(fixture) == [.expired: Waste(items: 10), .recalled: Waste(items: 20)])
    _ = try fixture.purge(before: later + day * 2, limit: 7, at: later + day * 2)
    #expect(try waste(fixture) == [:])
  }
}

import Larder
import Testing

@Suite struct DemandTests {
  private let minute = Duration.seconds(60)
  private let hour = Duration.seconds(3600)

  private func demand(
    _ fixture: any StoreFixture, _ pool: String = "p", at now: Instant = start
  ) throws -> RecentDemand {
    try fixture.status(pool, at: now).demand
  }

  private func expected(
    hits: Int = 0, misses: Int = 0, claimed: Int = 0, missed: Int = 0, wasted: Int = 0
  ) -> Demand {
    var demand = Demand()
    demand.hits = hits
    demand.misses = misses
    demand.claimed = claimed
    demand.missed = missed
    demand.wasted = wasted
    return demand
  }

  @Test(arguments: StoreKind.all)
  func hitsAndMissesAreCountedAndNothingElseIs(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 3}")
    try fixture.adopt("q", unlimited)
    #expect(try demand(fixture) == RecentDemand())
    try fixture.put(items(0..<4))
    let outcomes = try fixture.store.claim(
      [
        ClaimRequest(pool: "p", user: "u", key: "a", count: 2),
        ClaimRequest(pool: "p", user: "u", key: "a", count: 2),
        ClaimRequest(pool: "p", user: "u", key: "a", count: 1),
        ClaimRequest(pool: "p", user: "u", count: 2),
        ClaimRequest(pool: "p", user: "v", count: 3),
        ClaimRequest(pool: "p", user: "w"),
        ClaimRequest(pool: "q", user: "w"),
        ClaimRequest(pool: "nowhere", user: "w"),
      ], at: start)
    #expect(
      outcomes.map { $0.granted != nil } == [true, false, false, false, false, true, false, false])
    #expect(!fixture.store.demandWaits)
    let p = try demand(fixture)
    #expect(p.lastDay == expected(hits: 2, misses: 1, claimed: 3, missed: 3))
    #expect(p.hitRate == 2.0 / 3 && p.wasteRate == 0)
    #expect(p.itemsOfLastHour == 6 && p.since == start)
    let q = try demand(fixture, "q")
    #expect(q.lastDay == expected(misses: 1, missed: 1))
    #expect(q.hitRate == 0 && q.wasteRate == nil)
    try fixture.crash()
    #expect(try demand(fixture) == p)
    #expect(try demand(fixture, "q") == q)
  }

  @Test(arguments: StoreKind.all)
  func missesWaitForATransactionThatWrites(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    for _ in 0..<3 { #expect(try fixture.claim("u") == .outOfStock) }
    #expect(fixture.store.demandWaits)
    #expect(try demand(fixture).lastDay == expected())
    try fixture.put(items(0..<1))
    #expect(!fixture.store.demandWaits)
    #expect(try demand(fixture).lastDay == expected(misses: 3, missed: 3))

    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.claim("u", count: 2) == .outOfStock)
    try fixture.store.writeDemand()
    #expect(!fixture.store.demandWaits)
    let all = expected(hits: 1, misses: 4, claimed: 1, missed: 5)
    #expect(try demand(fixture).lastDay == all)
    try fixture.store.writeDemand()
    #expect(try demand(fixture).lastDay == all)

    // Closing writes them, a crash loses them.
    #expect(try fixture.claim("u") == .outOfStock)
    try fixture.reopen()
    let closed = expected(hits: 1, misses: 5, claimed: 1, missed: 6)
    #expect(try demand(fixture).lastDay == closed)
    #expect(try fixture.claim("u") == .outOfStock)
    try fixture.crash()
    #expect(try demand(fixture).lastDay == closed)
  }

  @Test(arguments: StoreKind.all)
  func theLastDayAndHourAreCountedByBins(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<1000))
    // Two days of a claim every 5 minutes, each some seconds into its bin.
    let bins = 2 * 288
    for bin in 0..<bins {
      #expect(try fixture.claim("u", at: start + .seconds(300 * bin + 7)).granted != nil)
    }
    let end = start + .seconds(300 * bins - 1)
    let last = try demand(fixture, at: end)
    #expect(last.lastDay.hits == 289 && last.itemsOfLastHour == 13)
    #expect(last.since == start)
    // 13 claims in 64:59 minutes, and 424 items are left.
    #expect(last.cover(of: 424, at: end) == .milliseconds(3_899_000 * 424 / 13))
    let dayAfter = end + hour * 23
    #expect(try demand(fixture, at: dayAfter).itemsOfLastHour == 0)
    #expect(try demand(fixture, at: dayAfter).lastDay.hits == 13)
    #expect(try demand(fixture, at: end + hour * 48).lastDay == expected())
    // What is dated after now, as after a jump of the clock, does not count.
    #expect(try demand(fixture, at: start + minute).lastDay.hits == 1)
  }

  @Test(arguments: StoreKind.all)
  func wasteCountsWhenTheItemExpiresSweptOrNot(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, min_remaining: 10m}")
    try fixture.put(items(0..<3, expiresAt: start + hour))
    try fixture.put(items(3..<5, expiresAt: start + hour * 30))
    try fixture.put(items(5..<6, expiresAt: start + hour * 60))
    #expect(try fixture.claim("u").granted != nil)
    let expiry = start + hour - minute * 10
    #expect(try demand(fixture, at: expiry - .milliseconds(1)).wasteRate == 0)
    for swept in [false, true] {
      if swept {
        // Days late, and in two steps.
        #expect(try fixture.store.expire(pool: "p", at: start + hour * 48, limit: 3) == 3)
        #expect(try fixture.store.expire(pool: "p", at: start + hour * 48, limit: 3) == 1)
      }
      #expect(try demand(fixture, at: expiry + hour).lastDay.wasted == 2)
      #expect(try demand(fixture, at: expiry + hour).wasteRate == 2.0 / 3)
      #expect(try demand(fixture, at: start + hour * 48).lastDay.wasted == 2)
      #expect(try demand(fixture, at: start + hour * 48).wasteRate == 1)
      #expect(try demand(fixture, at: start + hour * 59).lastDay.wasted == 0)
    }
    #expect(try fixture.countedItems("p") == [.claimed: 1, .expired: 4, .available: 1])
  }

  @Test(arguments: StoreKind.all)
  func whatAProducerMadeInVainIsWaste(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 10, unlimited))
    try fixture.startRun("r", asked: 4)
    let stale = NewItem(payload: "0", expiresAt: start - .seconds(1))
    try fixture.commit("r", items(0..<3) + [stale], overfill: 5)
    #expect(try demand(fixture).lastDay == expected(wasted: 6))
    // Items that were put and found no room are still with whoever has them.
    #expect(try fixture.put(items(0..<20) + [stale]).overfill == 13)
    #expect(try demand(fixture).lastDay == expected(wasted: 7))
    #expect(try fixture.claim("u", count: 7).granted != nil)
    #expect(try demand(fixture).wasteRate == 0.5)
  }
}

import Larder
import Sizing
import Testing

/// Why requests found too few items.
@Suite struct MissTests {
  private func misses(
    _ fixture: any StoreFixture, _ pool: String = "p"
  ) throws -> [MissReason: Int] {
    try fixture.store.writeDemand()
    let end = start + .seconds(24 * 3600)
    let bins = try fixture.reader.misses(
      of: pool, from: start - .seconds(24 * 3600), before: end, limit: 1000)
    return bins.reduce(into: [:]) { $0.merge($1.reasons, uniquingKeysWith: +) }
  }

  @Test(arguments: StoreKind.all)
  func eachMissHasTheReasonThatTheFactsGive(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    var expected: [MissReason: Int] = [:]
    func miss(_ reason: MissReason, count: Int = 1) throws {
      #expect(try fixture.claim("u", count: count) == .outOfStock)
      expected[reason, default: 0] += 1
      #expect(try misses(fixture) == expected)
    }
    try miss(.coldStart)
    #expect(try fixture.make("r", items(0..<1), revision: "r1").stored == 1)
    #expect(try fixture.claim("u").granted != nil)
    try miss(.undersized)
    try miss(.atMax, count: 10_001)
    _ = try fixture.store.record([.pause(pool: "p", true)], at: start)
    try miss(.paused)
    _ = try fixture.store.record([.pause(pool: "p", false)], at: start)
    try fixture.startRun("s")
    try miss(.undersized)
    _ = try fixture.store.record(
      [.attempt(run: "s", slice: 1, asked: 5, attempt: 2, recalling: 0)], at: start)
    try miss(.failedRun)
    _ = try fixture.store.record([.end(run: "s", state: .failed, why: "x")], at: start)
    try miss(.failedRun)
    try fixture.crash()
    try miss(.failedRun)
    for id in ["t", "u", "v", "w"] {
      try fixture.startRun(id)
      _ = try fixture.store.record([.end(run: id, state: .failed, why: "x")], at: start)
    }
    try miss(.breaker)
    _ = try fixture.store.record([.resetBreaker(pool: "p")], at: start)
    try miss(.shortRun)
    try fixture.put([NewItem(payload: "1", user: "v")])
    try miss(.unsuited)
    try fixture.store.retire(["p"], at: start)
    try miss(.retired, count: 2)
  }

  @Test(arguments: StoreKind.all)
  func aRunThatTakesLongIsLateAndOneThatIsQuickIsNot(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    #expect(try fixture.make("r", items(0..<1), revision: "r1").stored == 1)
    #expect(try fixture.claim("u").granted != nil)
    try fixture.startRun("s")
    #expect(try fixture.claim("u", at: start + .seconds(10)) == .outOfStock)
    #expect(try misses(fixture) == [.undersized: 1])
    #expect(try fixture.claim("u", at: start + .seconds(11)) == .outOfStock)
    #expect(try misses(fixture) == [.undersized: 1, .lateRun: 1])
  }

  @Test(arguments: StoreKind.all)
  func whatExpiredSinceTheLastRunIsMissed(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    let item = NewItem(payload: "1", expiresAt: start + .seconds(600))
    #expect(try fixture.make("r", [item], revision: "r1").stored == 1)
    let later = start + .seconds(660)
    #expect(try fixture.store.expire(pool: "p", at: later, limit: 10) == 1)
    #expect(try fixture.claim("u", at: later) == .outOfStock)
    #expect(try misses(fixture) == [.expiry: 1])
  }

  @Test(arguments: StoreKind.all)
  func moreThanIsUsualIsASurge(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    let bins = 9 * Grid.binsPerDay
    let usual = DemandSeries(
      start: start.bin - bins, requests: Array(repeating: 1, count: bins))
    _ = try fixture.store.importDemand(usual, in: "p", at: start)
    #expect(try fixture.make("r", items(0..<1), revision: "r1").stored == 1)
    #expect(try fixture.claim("u").granted != nil)
    for _ in 0..<5 {
      for _ in 0..<10 { #expect(try fixture.claim("u") == .outOfStock) }
      try fixture.store.writeDemand()
    }
    let found = try misses(fixture)
    #expect(found.values.reduce(0, +) == 50 && Set(found.keys) == [.undersized, .surge])
    #expect(try #require(found[.undersized]) <= 20)
  }

  @Test(arguments: StoreKind.all)
  func aPoolWithoutAProducerHasNobodyWhoFillsIt(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    #expect(try fixture.claim("u") == .outOfStock)
    #expect(try misses(fixture) == [.noProducer: 1])
  }

  @Test(arguments: StoreKind.all)
  func aPurgeTakesMissesWithTheirDemand(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    #expect(try fixture.claim("u") == .outOfStock)
    #expect(try misses(fixture) == [.noProducer: 1])
    let later = start + Limits.keptDemand + .seconds(600)
    _ = try fixture.store.purge(before: later, at: later, limit: 100)
    #expect(try misses(fixture) == [:])
  }

  @Test func nothingIsUsualWhereNothingIsKnown() {
    #expect(SurgeBand.limit(weekly: [nil, nil], daily: [nil]) == nil)
    #expect(SurgeBand.limit(weekly: [10, 10], daily: [10]).map { (15...30).contains($0) } == true)
    #expect(SurgeBand.limit(weekly: [0], daily: [nil]) == 1)
  }
}

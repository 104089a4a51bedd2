import Larder
import Testing

@testable import SQLiteStore

@Suite struct GrantTests {
  private func stocked(_ claims: String = "claims: {per_user: 0}") throws -> SQLiteFixture {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", claims)
    try fixture.put(
      (0..<20).map {
        NewItem(
          payload: "\($0)", key: "key-\($0)", attributes: $0 % 3 == 0 ? #"{"a":1}"# : nil,
          expiresAt: start + .seconds(100 + $0))
      })
    return fixture
  }

  /// All that readers and other programs may see of the store.
  private func seen(_ fixture: SQLiteFixture) throws -> [String] {
    let reader = fixture.reader
    var seen = ["\(try fixture.status().stock)", "\(try fixture.status().demand)"]
    for user in [nil, "u", "v"] {
      for state in [nil, ClaimState.claimed, .held] {
        seen.append(
          "\(try reader.claims(user: user, pool: "p", state: state, before: nil, limit: 9, at: start))"
        )
      }
    }
    for number in 0..<6 {
      seen.append("\(String(describing: try reader.item("key-\(number)", in: "p", at: start)))")
    }
    seen.append("\(try reader.expiring(in: "p", from: start, before: start + .seconds(999)))")
    seen.append(
      "\(try reader.demand(of: "p", from: start - .seconds(999), before: start + .seconds(999), limit: 9))"
    )
    for view in ["inventory", "claims", "stock"] {
      seen += try fixture.sqliteReader.connection.all("SELECT * FROM \(view) ORDER BY 1") { row in
        (0..<17).map { row.optionalText($0) ?? "null" }.joined(separator: " ")
      }
    }
    return seen
  }

  @Test func whatIsSeenIsTheSameBeforeAndAfterClaimsAreSettled() throws {
    let fixture = try stocked()
    let one = try #require(try fixture.claim("u", key: "k").granted)
    _ = try fixture.hold("v", 60)
    let more = try #require(try fixture.claim("v", key: "l", count: 3).granted)
    #expect(fixture.store.grantsWait)
    let before = try seen(fixture)
    #expect(try fixture.shown(one) == one)
    #expect(try fixture.shown(more) == more)
    try fixture.store.settle()
    #expect(!fixture.store.grantsWait)
    let after = try seen(fixture)
    for (old, new) in zip(before, after) { #expect(old == new) }
    #expect(before.count == after.count)
    #expect(try fixture.shown(one) == one && fixture.shown(more) == more)
  }

  /// Otherwise a full page would be split when its items are claimed.
  @Test func itemsKeepTheirLengthWhateverBecomesOfThem() throws {
    let fixture = try stocked("claims: {per_user: 0, on_release: restock}")
    func lengths() throws -> [Int] {
      try fixture.sqlite.connection.all(
        """
        SELECT length(state) + coalesce(length(claim), 0) + 6 * (claimed_at IS NOT NULL)
          + coalesce(length(room), 0) FROM items ORDER BY seq
        """
      ) { $0.int(0) }
    }
    let before = try lengths()
    #expect(try fixture.claim("u", count: 7).granted != nil)
    try fixture.store.settle()
    let match = ClaimRequest(pool: "p", user: "v", match: Match(["a": .integer(1)]))
    #expect(try fixture.claim(match).granted != nil)
    #expect(try lengths() == before)
    // A hold has no time of its own yet, and what is given back has its room again.
    let hold = try fixture.hold("w", 60)
    #expect(try lengths() != before)
    for (now, old) in zip(try lengths(), before) { #expect(now <= old) }
    _ = try fixture.change(hold, .release)
    #expect(try lengths() == before)
  }

  /// Grants of several transactions, of several pools and bins, and such as their own transaction
  /// settles.
  @Test func countsAndDemandAreThoseOfAllGrants() throws {
    let fixture = try SQLiteFixture()
    for pool in ["p", "q"] {
      try fixture.adopt(pool, "claims: {per_user: 0}")
      try fixture.put(items(0..<20), in: pool)
    }
    let later = start + .seconds(600)
    for (index, time) in [start, start, later, later].enumerated() {
      let requests = (0..<4).map {
        ClaimRequest(pool: $0 % 2 == 0 ? "q" : "p", user: "u-\(index)-\($0)", count: 1 + $0 / 3)
      }
      var orders = requests.map { ClaimOrder.request($0) }
      if index > 1 { orders.insert(.change("nobody's", .release), at: index) }
      #expect(try fixture.store.decide(orders, at: time).count == orders.count)
    }
    #expect(try fixture.store.takeChanges()["p"]?.claimed == 12)
    try fixture.store.settle()
    #expect(try fixture.store.takeChanges().values.map(\.claimed) == [])
    #expect(try fixture.status(at: later).stock.claimed == 12)
    #expect(try fixture.countedItems("q") == [.available: 12, .claimed: 8])
    let bins = try fixture.reader.demand(
      of: "p", from: start - .seconds(999), before: later + .seconds(999), limit: 9
    ).bins
    #expect(bins.map(\.demand.hits) == [4, 4] && bins.map(\.demand.claimed) == [6, 6])
    #expect(try Verification.of(fixture.database, readDefinition: readDefinition).isSound)
  }

  @Test func aCrashLeavesGrantsThatAnswerAsBefore() throws {
    let fixture = try stocked()
    let claim = try #require(try fixture.claim("u", key: "k", count: 2).granted)
    try fixture.crash()
    #expect(fixture.store.grantsWait)
    #expect(try fixture.claim("u", key: "k", count: 2).repeated == claim)
    #expect(try fixture.claim("u", key: "k") == .keyReused)
    // What they have nobody else gets.
    let next = try #require(try fixture.claim("v", count: 3).granted)
    #expect(next.items.map(\.payload) == ["2", "3", "4"])
    try fixture.store.settle()
    #expect(try fixture.claim("u", key: "k", count: 2).repeated == claim)
    #expect(try fixture.status().demand.lastDay.hits == 2)
    #expect(try Verification.of(fixture.database, readDefinition: readDefinition).isSound)
  }

  @Test func theLimitOfAUserCountsUnsettledClaims() throws {
    let fixture = try stocked("claims: {per_user: 2}")
    #expect(try fixture.claim("u", key: "a").granted != nil)
    #expect(try fixture.claim("u", key: "b").granted != nil)
    #expect(fixture.store.grantsWait)
    #expect(try fixture.claim("u", key: "c") == .userLimit(2))
    try fixture.store.settle()
    #expect(try fixture.claim("u", key: "c") == .userLimit(2))
  }

  @Test func aClaimThatIsUndoneLeavesItsItemToTheNext() throws {
    let fixture = try stocked()
    try fixture.sqlite.connection.script(
      """
      CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.grants WHEN new.user = 'bad'
      BEGIN SELECT raise(ABORT, 'refused'); END
      """)
    #expect(try fixture.claim("u", key: "k").payloads == ["0"])
    let requests = ["v", "bad"].map { ClaimRequest(pool: "p", user: $0, key: "k") }
    #expect(throws: StoreError.self) { try fixture.store.claim(requests, at: start) }
    #expect(try fixture.claim("v", key: "k").payloads == ["1"])
    #expect(try fixture.claim("u", key: "k").repeated?.items.map(\.payload) == ["0"])
    #expect(try fixture.status().stock.claimed == 2)
  }

  @Test func whatComesInFrontIsGivenOutNext() throws {
    let fixture = try stocked()
    #expect(try fixture.claim("u").payloads == ["0"])
    try fixture.put([NewItem(payload: "early", expiresAt: start + .seconds(50))])
    #expect(try fixture.claim("u").payloads == ["early"])
    try fixture.put([NewItem(payload: "own", user: "u")])
    #expect(try fixture.claim("v").payloads == ["1"])
    #expect(try fixture.claim("u").payloads == ["own"])
    // And what a match takes, nobody gets twice.
    let match = ClaimRequest(pool: "p", user: "u", match: Match(["a": .integer(1)]))
    #expect(try fixture.claim(match).payloads == ["3"])
    #expect(try fixture.claim("v", count: 3).payloads == ["2", "4", "5"])
  }

  @Test func whatExpiresAfterItWasReadAheadIsNotHandedOut() throws {
    for order in ["fifo", "fefo"] {
      let fixture = try SQLiteFixture()
      try fixture.adopt("p", "claims: {per_user: 0, order: \(order)}")
      try fixture.put(
        [900, 800, 50, 700].map { NewItem(payload: "\($0)", expiresAt: start + .seconds($0)) })
      try fixture.put([NewItem(payload: "600", expiresAt: start + .seconds(600))])
      #expect(try fixture.claim("u").payloads == [order == "fifo" ? "900" : "50"])
      let later = start + .seconds(60)
      let given = try #require(try fixture.claim("u", count: 3, at: later).granted)
      #expect(!given.items.contains { $0.payload == "50" })
      #expect(
        Set(given.items.map(\.payload))
          == (order == "fifo" ? ["800", "700", "600"] : ["600", "700", "800"]))
    }
  }

  @Test func theEngineIsToldOfTheStockAsItIs() throws {
    let fixture = try stocked()
    for number in 0..<5 {
      _ = try fixture.claim("u", count: number + 1)
      let told = try #require(try fixture.store.takeChanges()["p"])
      #expect(told == (try fixture.store.pools().first?.stock))
    }
  }
}
